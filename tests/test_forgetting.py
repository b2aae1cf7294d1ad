"""The service removes once a day what the rules keep no longer: one of several does, and it can be read off the metrics."""

import datetime as dt
import logging
import time
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

import callers
from api.app import create_app
from api.forgetting import Forgetting
from api.settings import Settings
from geo_risk.errors import StoreUnavailable
from layers._store import Store, open_store
from layers._store.schema import REPLIES
from tests.test_metrics import read

LONG_AGO = "2001-01-01T00:00:00.000000Z"
OLD = {"actor": "phone", "request_sha256": "", "status": 201, "headers": "[]", "body": b"", "made_at": LONG_AGO}


def answered(store: Store, *keys: str) -> None:
    """Stored answers of long ago."""
    store.transact(lambda connection: connection.execute(REPLIES.insert(), [OLD | {"key": key} for key in keys]))


def test_what_is_due_is_forgotten_once_by_one_of_several(place: Path | str) -> None:
    """Until 03:45 nothing is due but yesterday's; the next day it is due again, to whoever comes first."""
    noon = dt.datetime.now(dt.UTC)
    at = f"{(noon - dt.timedelta(minutes=5)).astimezone():%H:%M}"
    with open_store(place) as store, open_store(place) as second:
        one, other = Forgetting(store, at), Forgetting(second, at)
        answered(store, "a", "b")
        for each in (one, other, one):
            each.tend(noon)
        assert (one.removed.get(("replies",)), other.removed) == (2, {})
        answered(store, "c")
        one.tend(noon)
        other.tend(noon + dt.timedelta(days=1))
        assert (one.removed["replies",], other.removed.get(("replies",))) == (2, 1)
        assert one.last == pytest.approx(time.time(), abs=60)


def test_what_fails_is_said_and_tried_again(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    with open_store(path) as store, caplog.at_level(logging.INFO):
        forgetting = Forgetting(store, "00:00")
        answered(store, "a")
        with monkeypatch.context() as broken:
            broken.setattr("layers._store.retention.forget", _gone)
            broken.setattr("layers._store.retention._LEASE", dt.timedelta(0))
            forgetting.tend(dt.datetime.now(dt.UTC))
        assert (forgetting.last, "not yet: the disk is gone" in caplog.text) == (0.0, True)
        monkeypatch.setattr("layers._store.retention._LEASE", dt.timedelta(0))
        forgetting.tend(dt.datetime.now(dt.UTC))
        assert "forgotten by rule: 1 replies, 0 sessions" in caplog.text


def _gone(_: Store) -> None:
    raise StoreUnavailable("the disk is gone", expected="a disk", got="none")


def test_a_service_forgets_and_shows_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.forgetting._FIRST_S", 0.01)
    with open_store(path) as store:
        callers.settle(store)
        answered(store, "a", "b", "c")
    with TestClient(create_app(Settings(store=path, forget_at="00:00"))) as client:
        until, found = time.monotonic() + 20, dict[tuple[str, ...], float]()
        while found.get(("geo_risk_forgotten_timestamp_seconds",), 0) == 0 and time.monotonic() < until:
            found = read(callers.acting(client, "admin").get("/metrics").text)
    assert found["geo_risk_forgotten_total", "replies"] == 3
    assert found["geo_risk_forgotten_timestamp_seconds",] == pytest.approx(time.time(), abs=60)


def test_without_a_time_nothing_is_forgotten(path: Path) -> None:
    with TestClient(create_app(Settings(store=path))) as client:
        assert client.app.state.forgetting._thread.is_alive() is False  # type: ignore[attr-defined]


@pytest.mark.parametrize("at", ["24:00", "3:45", "03:60", "03:45\n", "noon", ""])
def test_a_time_that_is_none_is_refused(at: str) -> None:
    with pytest.raises(ValidationError, match="forget_at"):
        Settings(forget_at=at)
