"""Much that changed is counted as little is: the same answer, to the last figure, in parts of two features and as one list."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from test_history_routes import CLERK, EAST_POINT, TEAM, morning, patch

import small_city
from api.app import create_app
from api.settings import Settings
from api.use import shift_counts
from callers import TOWN, acting
from layers._store import open_store

__all__ = ["morning"]
WEST_POINT, NOWHERE = shapely.Point(0.005, 0.005), shapely.Point(9.0, 9.0)


@pytest.fixture(scope="module")
def busy(morning: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The morning, and after it an import that makes, moves and removes, late reports, and what comes and goes."""
    path = tmp_path_factory.mktemp("busy") / "store.sqlite"
    path.write_bytes(morning.read_bytes())
    places = itertools.cycle([EAST_POINT, WEST_POINT, NOWHERE])
    made = {f"i-{n}": (next(places), {"name": f"I {n}"}) for n in range(7)}
    moved = {fid: (next(places), {"name": f"{fid} again", "phone": "000"}) for fid in ("i-1", "i-2", "i-3")}
    back = {"i-3": (made["i-3"][0], {"name": "I 3"})}
    with open_store(path) as store:
        store.apply("shelters", small_city.frame("shelters", made), CLERK)
        for rows in (moved, back):
            store.apply("shelters", small_city.frame("shelters", rows), CLERK)
        store.remove("shelters", ["i-5", "open"], TEAM)
        store.write(TEAM, patch("i-6", observed="00:10", occupancy=1))
        store.write(TEAM, patch("i-6", phone="111"))
    return path


@pytest.fixture(scope="module")
def client(busy: Path) -> Any:
    with TestClient(create_app(Settings(store=busy)), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def much(monkeypatch: pytest.MonkeyPatch) -> Any:
    """From now on everything is much."""

    def begin() -> None:
        monkeypatch.setattr(shift_counts, "MOST", 0)
        monkeypatch.setattr(shift_counts, "_FEATURES", 2)

    return begin


ASKED = [
    {"since": "0"}, {"since": "8"}, {"since": "15", "limit": "3"}, {"since": "8", "limit": "3", "offset": "4"},
    {"since": "8", "limit": "2", "offset": "5"}, {"since": "8", "offset": "500"}, {"since": "8", "town": "East"},
    {"since": "8", "town": "outside"}, {"since": "8", "person": "clerk"}, {"since": "8", "layers": "shelters", "limit": "1"},
    {"since": "22"}, {"since": "22", "town": "East"},
    {"since": "22", "until": "26"}, {"since": "8", "until": "18"},
    {"since": "8", "town": "West", "person": "team 7", "offset": "1"},
]  # fmt: skip


@pytest.mark.parametrize("name", ["admin", TOWN, "viewer", "anonymous"])
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_much_is_told_as_little_is(client: TestClient, much: Any, name: str, asked: dict[str, str]) -> None:
    caller = acting(client, name)
    expected = caller.get("/changes", params=asked)
    much()
    found = caller.get("/changes", params=asked)
    assert (found.status_code, found.json()) == (expected.status_code, expected.json())


def test_counts_make_the_whole(client: TestClient, much: Any) -> None:
    much()
    told = acting(client, "admin").get("/changes", params={"since": "0", "limit": "1"}).json()
    for groups in (told["by_layer"], told["by_town"]):
        assert sum(each["features"] for each in groups) == told["counts"]["features"] == told["numberMatched"]
    assert sum(each["changes"] for each in told["by_person"]) == told["counts"]["changes"]
    assert (told["numberReturned"], told["next"]) == (1, 1)


def test_what_takes_too_long_to_count_is_refused(client: TestClient, much: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    much()
    monkeypatch.setattr(shift_counts, "SECONDS", -1.0)
    refused = acting(client, "admin").get("/changes", params={"since": "2"})
    assert (refused.status_code, "more changed in this time than can be counted" in refused.text) == (400, True)
