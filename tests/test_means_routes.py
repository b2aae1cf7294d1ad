"""Flights, AEDs, watched roads and stock over HTTP and on the command line, on roads that one can add up by hand."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient

import road_city
from api.app import create_app
from api.settings import Settings
from layers._store import Batch, open_store
from run_cli import run
from small_city import frame

_ROAD = {"joined_by": "shared_points"}
_LIGHT = {"d_value_m": 12.0, "mass_t": 3.0, "cruise_kmh": 200.0, "range_km": 600.0, "ready_minutes": 5}
MEANS: dict[str, Any] = {
    "roads": {"ride": (shapely.LineString([(0, 0), (0, -0.02)]), {"road_class": "forest", "name": "Ride", **_ROAD})},
    "helicopters": {
        "h": (shapely.Point(0, 0), {"name": "Heron", "status": "ready", "night_flight": False, **_LIGHT}),
        "m": (shapely.Point(0.04, 0), {"name": "Moth", "status": "maintenance", **_LIGHT}),
    },
    "helipads": {
        "p": (shapely.Point(0.04, 0), {"name": "Field", "d_value_m": 15.0, "max_mass_t": 5.0, "slope_percent": 1.0,
                                       "status": "open", "night_lights": True}),
        "q": (shapely.Point(0.0, 0), {"name": "Roof", "d_value_m": 15.0, "slope_percent": 1.0, "status": "open"}),
    },
    "aeds": {"a": (shapely.Point(0, 0), {"name": "School hall"})},
    "fire_checkpoints": {
        "c": (shapely.Point(0, -0.005), {"name": "Gate", "kind": "seasonal", "season_start": "10-01", "season_end": "04-30"}),
        "n": (shapely.Point(0, -0.015), {"name": "Hut", "kind": "seasonal"}),
    },
    "supply_depots": {
        "d": (shapely.Point(0, 0), {"name": "Depot", "boats": 50}),
        "u": (shapely.Point(0.04, 0), {"name": "Annex"}),
    },
}  # fmt: skip
RIDE_KM = 2.2114854  # two hundredths of a degree of latitude at the equator


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("means") / "store.sqlite"
    with open_store(path) as opened:
        for layer_id, rows in (*road_city.frames().items(), *((each, frame(each, rows)) for each, rows in MEANS.items())):
            opened.apply(layer_id, rows, Batch(actor="test", reason="means", source="small"))
    return path


@pytest.fixture(scope="module")
def client(store: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(store=store))) as running:
        yield running


def answer(client: TestClient, path: str) -> Any:
    found = client.get(path)
    assert found.status_code == 200, found.text
    return found.json()


def by_id(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["id"]: row for row in rows}


def test_a_flight_is_ready_flies_lands_and_goes_on_by_road(client: TestClient) -> None:
    places = by_id(answer(client, "/flights?without=bridge")["places"])
    assert places["e"]["minutes"] == 11.4  # 5 + 4,452.8 m at 200 km/h + 5 = 11.34, rounded up
    assert places["w"]["minutes_open"] == 18.8  # and 4,452.8 m of road at 10 m a second
    assert places["w"]["minutes"] == 26.2  # and 4 x 1,105.74 m over the north
    assert (places["w"]["helicopter"], places["w"]["pad"], places["w"]["unknown"]) == ("Heron", "Field", True)
    assert places["i"]["minutes"] is None


def test_why_it_may_not_land_and_who_does_not_come(client: TestClient) -> None:
    found = answer(client, "/flights")
    landings = {each["pad"]: each for each in found["landings"]}
    assert (landings["p"]["fits"], landings["q"]["fits"]) == (True, None)
    assert landings["q"]["against"] == [{"id": "mass", "holds": None}]  # nobody knows what the roof bears
    assert [each["name"] for each in found["not_coming"]] == ["Moth"]
    at_night = {each["pad"]: each for each in answer(client, "/flights?night=true")["landings"]}
    assert at_night["p"]["against"] == [{"id": "night_flight", "holds": False}]


def test_who_has_a_thing_there_and_back(client: TestClient) -> None:
    ask = "/coverage?groups=flood_points&vehicle=car"
    found = answer(client, f"{ask}&within_min=4")  # 2 x 111.3 s = 3.71 min from the sluice, 2 x 334.0 s from the weir
    assert (found["people"]["covered"], found["people"]["not_covered"], found["people"]["share"]) == (150, 80, 0.6522)
    assert answer(client, f"{ask}&within_min=6&ways=one_way")["people"]["covered"] == 230
    assert answer(client, f"{ask}&within_min=12&without=bridge")["people_open"]["covered"] == 230
    assert answer(client, f"{ask}&within_min=12&without=bridge")["people"]["covered"] == 150
    assert answer(client, "/coverage?groups=flood_points")["vehicle"]["id"] == "foot"


@pytest.mark.parametrize(
    ("ask", "km"),
    [
        ("at=2026-11-22T08:00%2B08:00", 0.75),  # behind the gate, a quarter down the ride
        ("at=2026-07-01T08:00%2B08:00", 0.0),  # out of season; of the hut nobody knows its season
        ("season=any", 0.75),
    ],
)
def test_a_forest_road_is_watched_behind_a_checkpoint_in_season(client: TestClient, ask: str, km: float) -> None:
    found = answer(client, f"/watch?{ask}")
    assert found["km"]["watched"] == pytest.approx(km * RIDE_KM, abs=0.001)
    assert sum(found["km"].values()) == pytest.approx(RIDE_KM, abs=0.002)
    assert by_id(found["checkpoints"])["n"]["state"] == ("season unknown" if "at=" in ask else "staffed")


def test_stock_stands_there_by_when_and_the_unknown_counts_for_nothing(client: TestClient) -> None:
    found = answer(client, "/stock?what=boats&at_min=30,38&detail=East")
    places = by_id(found["places"])
    assert [places[fid]["stock"] for fid in ("w", "e", "i")] == [[50, 50], [0, 50], [0, 0]]  # loading 30 min, 7.42 min to e
    assert [places[fid]["unknown_depots"] for fid in ("w", "e", "i")] == [1, 1, 0]
    assert found["arriving"] == [{"id": "d", "name": "Depot", "minutes": 37.5, "stock": 50, "total": 50}]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/stock?what=gold", "no depot holds this"),
        ("/stock?what=boats&detail=Atlantis", "no feature"),
        ("/coverage?groups=roads", "how many people stand"),
        ("/coverage?within_min=nan", "within_min"),
        ("/watch?season=never", "wrong type"),
        ("/flights?vehicle=tank", "no such vehicle"),
    ],
)
def test_what_cannot_be_answered_is_refused(client: TestClient, path: str, says: str) -> None:
    told = client.get(path)
    assert told.status_code in (400, 404, 422)
    assert says in told.json()["title"]


@pytest.mark.parametrize(
    ("words", "path", "says"),
    [
        (("fly", "--without", "bridge"), "/flights?without=bridge", "Heron"),
        (("cover", "--groups", "flood_points"), "/coverage?groups=flood_points", "of 230 people within 8 min"),
        (("watch", "--any-season"), "/watch?season=any", "Gate"),
        (("stock", "boats", "--detail", "East"), "/stock?what=boats&detail=East", "Depot"),
    ],
)
def test_the_command_line_answers_as_the_service(
    client: TestClient, store: Path, words: tuple[str, ...], path: str, says: str
) -> None:
    told, served = json.loads(run(*words, "--json", store=store).split("\n")[0]), answer(client, path)
    assert {name: told[name] for name in told if name != "on"} == {name: served[name] for name in served if name != "on"}
    assert says in run(*words, "--lang", "en", store=store)
