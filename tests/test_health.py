"""Readiness: what is looked at, how often the store is written to for it, and who is told."""

import asyncio
import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import health
from api.app import create_app
from api.health import Health
from api.settings import Settings
from callers import acting, settle
from geo_risk.errors import Busy, StoreFull
from layers._store import open_store
from layers._store.probe import probe


class Store:
    """Takes writes, or does not."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.asked, self.let = error, 0, threading.Event()

    def transact(self, work: Any, deadline_s: float | None = None) -> None:
        self.asked += 1
        if self.error is self:
            self.let.wait(5)
        elif self.error is not None:
            raise self.error


def served(problem: str = "") -> Any:
    return SimpleNamespace(standing=lambda: problem, snapshot=SimpleNamespace(revision=3))


def found(store: Store, times: int = 1, problem: str = "", age_s: float = 0.0, **settings: Any) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        looking = Health(Settings(store=Path.cwd() / "s.sqlite", **settings), store)  # type: ignore[arg-type]
        for _ in range(times):
            findings = await looking.findings(served(problem), age_s)
        looking.close()
        return {name: finding.well for name, finding in findings.items()}

    return asyncio.run(look())


ALL = {"store": True, "writes": True, "disk": True, "snapshot": True}


def test_all_is_well():
    assert found(Store()) == ALL


@pytest.mark.parametrize(
    ("store", "given", "ill"),
    [
        (Store(StoreFull("no room")), {}, "writes"), (Store(), {"problem": "gone"}, "store"), (Store(), {"age_s": 121}, "snapshot"),
        (Store(), {"ready_disk_mb": 10**12}, "disk"),
    ],
)  # fmt: skip
def test_each_thing_that_is_ill_is_named(store, given, ill):
    assert found(store, **given) == ALL | {ill: False}


def test_the_store_is_written_to_once_however_often_it_is_asked():
    store = Store()
    found(store, times=50)
    assert store.asked == 1


def test_a_store_at_work_on_a_long_import_is_no_fault_until_it_is_too_long(monkeypatch):
    assert found(Store(Busy("at work"))) == ALL
    monkeypatch.setattr(health, "_BUSY_S", -1)
    assert found(Store(Busy("at work"))) == ALL | {"writes": False}


def test_a_write_that_hangs_is_not_waited_for_and_not_asked_again(monkeypatch):
    monkeypatch.setattr(health, "_LOOK_S", 0.05)
    monkeypatch.setattr(health, "_EVERY_S", 0.0)
    store = Store()
    store.error = store  # type: ignore[assignment]
    began = dt.datetime.now(dt.UTC)
    assert found(store, times=3) == ALL  # not yet
    monkeypatch.setattr(health, "_BUSY_S", 0.0)
    assert found(store, times=3) == ALL | {"writes": False}
    store.let.set()
    assert (dt.datetime.now(dt.UTC) - began).total_seconds() < 2
    assert store.asked == 2


def test_a_probe_leaves_log_and_layers_as_they_are(tmp_path):
    with open_store(tmp_path / "s.sqlite") as store:
        before = store.verify()
        store.transact(probe)
        store.transact(probe)
        assert store.verify() == before
        assert store.batches() == ()


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found_ = tmp_path_factory.mktemp("health") / "s.sqlite"
    with open_store(found_) as store:
        settle(store)
    return found_


def test_who_is_told_what(path):
    with TestClient(create_app(Settings(store=path)), client=("10.0.0.9", 1)) as client:
        assert client.get("/readyz").json() == {"status": "ok"}
        assert acting(client, "operator").get("/readyz").json() == {"status": "ok"}
        told = acting(client, "admin").get("/readyz")
        assert told.json()["failed"] == []
        assert told.json()["disk"]["free_bytes"] > 0
        assert told.headers["cache-control"] == "no-store"


def test_on_this_machine_everything_is_told_and_what_is_ill_is_503(path):
    with TestClient(create_app(Settings(store=path, ready_disk_mb=10**9)), client=("127.0.0.1", 1)) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json()["failed"]) == (503, ["disk"])
        assert client.get("/livez").status_code == 200
