"""A start: what is not loaded before the first answers, and doors that answer one by one."""

import asyncio
import gc
import subprocess
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
from fastapi import APIRouter, FastAPI

from api import later
from api.settings import Settings
from layers._collector import uncollected
from layers._store import Snapshot

LOADED = "import sys, {0}; print(*sys.modules)"
ENGINE = {"scipy", "numba", "llvmlite", "ortools", "rasterio", "xarray", "h5py", "dask", "exactextract", "cql2"}
VIEWS = {"folium", "branca", "jinja2", "requests", "reportlab", "docx", "xlsxwriter", "openpyxl", "python_calamine"}
OTHER_STORES = {"alembic", "geoalchemy2", "psycopg"}
READING = {"pyogrio", "osmium", "lxml", "layers._read"}


def loaded(*modules: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", LOADED.format(", ".join(modules))], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_what_the_first_answers_do_not_need_is_not_loaded_before_them() -> None:
    before = loaded("api.cli.service", "api.logs", "api.server", "api.app")
    assert before & (ENGINE | VIEWS | OTHER_STORES | READING) == set()


def test_the_kept_snapshot_is_read_before_anything_large_is_loaded() -> None:
    before = loaded("api.cli.service", "api.logs", "api.server", "layers._kept_file")
    assert before & {"pandas", "geopandas", "pyarrow", "numpy", "shapely", "sqlalchemy", "fastapi"} == set()


class Door:
    """A door that is loaded when it is let."""

    def __init__(self, path: str) -> None:
        self.let, self.router = threading.Event(), APIRouter()
        self.router.add_api_route(path, lambda: path)


@pytest.fixture
def doors(monkeypatch: pytest.MonkeyPatch) -> dict[str, Door]:
    made = {name: Door(f"/{name}") for name in ("map", "routes")}

    def load(name: str) -> Any:
        assert made[name].let.wait(10)
        return made[name]

    monkeypatch.setattr(later, "importlib", types.SimpleNamespace(import_module=load))
    monkeypatch.setattr(later, "_SCREENS", ("map",))
    monkeypatch.setattr(later, "_OTHERS", ("routes",))
    monkeypatch.setattr(later, "_FIRST_S", 0.0)
    monkeypatch.setattr(later.Later, "_begin", lambda _: True)
    return made


@pytest.fixture
def started(doors: dict[str, Door], small_snapshot: Snapshot) -> Iterator[FastAPI]:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    rest = later.Later(app, Settings(), None, doors=True)  # type: ignore[arg-type]
    rest.start(small_snapshot)
    yield app
    for door in doors.values():
        door.let.set()
    rest._thread.join(10)
    rest.close()


def asked(app: FastAPI, *paths: str, let: tuple[Door, ...]) -> list[int]:
    """The statuses of what is asked together, the doors being let in one after the other meanwhile."""

    async def ask() -> list[int]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://here") as client:
            waiting = [asyncio.create_task(client.get(path)) for path in paths]
            await asyncio.sleep(0.1)
            assert not any(task.done() for task in waiting)
            for door in let:
                door.let.set()
            return [(await asyncio.wait_for(task, 10)).status_code for task in waiting]

    return asyncio.run(ask())


def test_a_door_is_not_waited_for_longer_than_until_it_is_open(started: FastAPI, doors: dict[str, Door]) -> None:
    assert asked(started, "/map", let=(doors["map"],)) == [200]
    assert not doors["routes"].let.is_set()


def test_what_came_before_its_door_is_answered_and_what_has_none_is_not_there(started: FastAPI, doors: dict[str, Door]) -> None:
    assert asked(started, "/routes", "/map", "/none", let=(doors["map"], doors["routes"])) == [200, 200, 404]


def test_a_door_that_is_not_there_in_time_is_busy(
    started: FastAPI, doors: dict[str, Door], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later, "_WAIT_S", 0.2)
    with pytest.raises(later.Busy, match="still starting"):
        asked(started, "/map", let=())


def test_the_collector_rests_until_the_last_has_ended() -> None:
    with uncollected():
        with uncollected():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with uncollected():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_every_door_is_named_once_and_is_there() -> None:
    assert len(set(later.DOORS)) == len(later.DOORS)
    files = {f"api.{path.stem}" for path in (Path(later.__file__).parent).glob("*_routes.py")}
    early = {"writes_routes", "features_routes", "live_routes", "health_routes", "static_routes", "sign_in_routes"}
    assert set(later.DOORS) == files - {f"api.{name}" for name in early}
