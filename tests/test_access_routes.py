"""Access over HTTP, on roads that one can add up by hand (see road_city)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient

import callers
import road_city
import small_city
from api.app import create_app
from api.settings import Settings
from layers._store import Batch, open_store

BRIDGE = {"title": "Bridge out", "cause": "bridge", "roads": ["bridge"]}
CROSSED = [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]
CORDON = [[0.0205, -0.001], [0.0215, -0.001], [0.0215, 0.001], [0.0205, 0.001], [0.0205, -0.001]]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        for layer_id, frame in road_city.frames().items():
            store.apply(layer_id, frame, Batch(actor="test", reason="road city", source="small"))
        callers.settle(store)
    with TestClient(create_app(Settings(store=path)), headers=callers.headers("operator")) as running:
        yield running


def answer(client: TestClient, path: str) -> Any:
    found = client.get(path)
    assert found.status_code == 200, found.text
    return found.json()


def shut(client: TestClient, body: dict[str, Any]) -> str:
    told = client.post("/closures", json=body)
    assert told.status_code == 201, told.text
    return told.json()["id"]


def test_the_nearest_by_time_is_the_one_whose_road_is_open(client: TestClient) -> None:
    ask = "/nearby?lon=0.018&lat=0&layers=shelters&by=time&k=2"
    before = answer(client, ask)
    assert [item["id"] for item in before["items"]] == ["sw", "se"]
    assert before["items"][1]["road"]["seconds"] == pytest.approx(2.2 * road_city.CELL_M / 10, abs=0.1)
    shut(client, BRIDGE)
    after = answer(client, ask)["items"][1]["road"]
    assert after["seconds"] == pytest.approx(before["items"][1]["road"]["seconds"] + 4 * 1105.74 / 10, abs=0.5)  # north and back
    assert [each["title"] for each in after["in_the_way"]] == ["Bridge out"]


def test_an_answer_says_was_and_is(client: TestClient) -> None:
    shut(client, BRIDGE)
    shut(client, {"title": "Loop", "cause": "control", "roads": ["north"]})
    way = answer(client, "/routes?origin=0.018,0&destination=0.04,0")
    assert way["now"] is None
    assert way["said"] == {"en": "cut off, was 4.1 min", "zh": "道路中断，原 4.1 分钟"}
    assert sorted(each["title"] for each in way["in_the_way"]) == ["Bridge out"]


def test_a_closure_that_ended_is_listed_and_shuts_nothing(client: TestClient) -> None:
    closure = shut(client, BRIDGE)
    assert answer(client, "/closures")["links_shut"] == 1
    assert client.post(f"/closures/{closure}/end", json={}).status_code == 200
    told = answer(client, "/closures")
    assert (told["links_shut"], [each["state"] for each in told["closures"]]) == (0, ["ended"])


def test_a_closure_sent_twice_under_one_key_is_one_closure(client: TestClient) -> None:
    first, again = (client.post("/closures", json=BRIDGE, headers={"Idempotency-Key": "press-1"}) for _ in range(2))
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert (first.headers["Location"], again.headers["Location"]) == (f"/collections/road_closures/items/{first.json()['id']}",) * 2
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert [each["id"] for each in answer(client, "/closures")["closures"]] == [first.json()["id"]]


def test_an_end_sent_twice_under_one_key_ends_once(client: TestClient) -> None:
    closure = shut(client, BRIDGE)
    first, again = (client.post(f"/closures/{closure}/end", json={}, headers={"Idempotency-Key": "press-2"}) for _ in range(2))
    assert (first.status_code, again.content, again.headers["Idempotency-Replayed"]) == (200, first.content, "true")
    assert len(answer(client, f"/collections/road_closures/items/{closure}/history")["revisions"]) == 2


def test_a_key_that_came_with_another_closure_closes_nothing(client: TestClient) -> None:
    keyed = {"headers": {"Idempotency-Key": "press-3"}}
    assert client.post("/closures", json=BRIDGE, **keyed).status_code == 201
    assert client.post("/closures", json=BRIDGE | {"roads": ["north"]}, **keyed).status_code == 422
    assert client.post("/closures", json=BRIDGE, headers={"Idempotency-Key": "two words"}).status_code == 400
    assert answer(client, "/closures")["links_shut"] == 1


def test_a_page_of_another_site_can_end_nothing(client: TestClient) -> None:
    closure = shut(client, BRIDGE)
    assert client.post(f"/closures/{closure}/end", data={"at": ""}).status_code == 400  # a form, as any page may send
    assert answer(client, "/closures")["links_shut"] == 1


def test_what_if_shuts_a_road_for_one_question_only(client: TestClient) -> None:
    ask = "/routes?origin=0.018,0&destination=0.04,0"
    assert answer(client, f"{ask}&without=bridge")["minutes"] > answer(client, ask)["minutes"]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({**BRIDGE, "roads": ["brigde"]}, "no road has this id"),
        ({**BRIDGE, "area": {"type": "Polygon", "coordinates": []}}, "no closure"),
        ({"title": "x", "cause": "flood"}, "no closure"),
        ({"title": "x", "cause": "flood", "depth_raster": "../../etc/passwd"}, "no closure"),
        ({"title": "x", "cause": "flood", "depth_raster": "none.tif"}, "raster that is not there"),
        ({**BRIDGE, "roads": [], "area": {"type": "Polygon", "coordinates": [CROSSED]}}, "polygon"),
        ({**BRIDGE, "vehicles": ["tank"]}, "no such vehicle"),
        ({**BRIDGE, "since": "2026-07-01T08:00:00"}, "no closure"),
    ],
)
def test_a_closure_that_would_shut_nothing_is_refused(client: TestClient, body: dict[str, Any], what: str) -> None:
    told = client.post("/closures", json=body)
    assert told.status_code in (400, 404, 422)
    assert what in told.json()["title"]
    assert answer(client, "/closures")["closures"] == []


def test_areas_and_circles_shut_what_they_meet(client: TestClient) -> None:
    shut(client, {"title": "slide", "cause": "landslide", "circle": {"lon": 0.021, "lat": 0.02, "radius_m": 50}})
    shut(client, {"title": "cordon", "cause": "control", "area": {"type": "Polygon", "coordinates": [CORDON]}})
    told = answer(client, "/closures")
    assert {each["title"]: [road["id"] for road in each["roads"]] for each in told["closures"]} == {
        "slide": ["north"], "cordon": ["bridge"],
    }  # fmt: skip


def test_without_roads_the_answer_falls_back_to_straight_lines_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        store.apply("shelters", road_city.frames()["shelters"], Batch(actor="test", reason="no roads", source="small"))
    with TestClient(create_app(Settings(store=path))) as client:
        told = answer(client, "/nearby?lon=0.018&lat=0&layers=shelters&by=time")
        assert told["by"] == "line"
        assert told["note"]["en"] == "no road data: straight lines"
        assert client.get("/routes?origin=0,0&destination=1,1").status_code == 404


def test_a_matrix_says_who_stands_off_the_roads(client: TestClient) -> None:
    told = answer(client, "/matrix?origins=towns&destinations=shelters")
    assert told["minutes"][told["from"]["ids"].index("i")] == [None, None]


def test_reach_counts_people_and_shelters_by_their_own_time_and_says_what_a_closure_took(client: TestClient) -> None:
    ask = "/reach?lon=0.018&lat=0&minutes=5,10&layers=shelters&people=flood_points"
    before = answer(client, ask)["features"]
    assert [each["properties"]["people"] for each in before] == [230, 230]  # 0.8 and 1.2 hundredths: 89 s and 134 s
    assert [each["properties"]["facilities"]["shelters"] for each in before] == [2, 2]  # 200 s and 245 s
    shut(client, BRIDGE)
    after = answer(client, ask)["features"]
    assert [each["properties"]["people"] for each in after] == [150, 230]
    assert [each["properties"]["people_open"] for each in after] == [230, 230]


def test_isolation_counts_who_is_cut_off(client: TestClient) -> None:
    shut(client, BRIDGE)
    shut(client, {"title": "Loop", "cause": "control", "roads": ["north"]})
    towns = answer(client, "/isolation?groups=towns&facilities=rescue_teams")["sums"]
    assert towns["never reached"] == {"places": 1, "people": 50, "people_unknown": 0}  # nobody stands on the island
    assert towns["cut off"]["places"] == 0  # a team stands on either side
    worst = answer(client, "/isolation?groups=flood_points&facilities=rescue_teams&losses=5")["worst_links"]
    assert [(link["road"], link["people_cut_off"]) for link in worst] == [("main-w", 150), ("main-e", 80)]


def test_mobilisation_is_refuted_by_the_worst_place(client: TestClient) -> None:
    told = answer(client, "/mobilisation?needs=people:40&within_min=60")
    assert (told["state"], told["worst"]["name"], told["worst"]["shortfall"]) == ("refuted", "Island", 40)
    assert [place["state"] for place in told["places"]] == ["refuted", "proven", "proven"]
    assert told["would_be_true"]["within_min"] is None  # no time is long enough for an island without a bridge


def test_a_closure_may_be_all_that_makes_it_fail(client: TestClient) -> None:
    shut(client, BRIDGE)
    shut(client, {"title": "Loop", "cause": "control", "roads": ["north"]})
    told = answer(client, "/mobilisation?needs=people:40&within_min=60")
    assert {place["name"]: place["by_closures"] for place in told["places"]} == {"West": True, "East": True, "Island": False}


def test_beds_are_respected_and_the_rest_go_further(client: TestClient) -> None:
    made = client.post("/evacuations?wait_s=20", json={"limit_min": 30}).json()
    plan = made["plan"]
    moved = {(row["group_name"], row["shelter_name"]): row["people"] for row in plan["transfers"]}
    assert (made["status"], plan["placed"], plan["left"]) == ("successful", 230, 0)
    assert moved == {("Sluice", "School"): 100, ("Sluice", "Hall"): 50, ("Weir", "Hall"): 80}
    assert "230" in plan["sentences"][0]["en"]


def test_a_plan_made_anew_changes_as_few_groups_as_it_can(client: TestClient) -> None:
    first = client.post("/evacuations?wait_s=20", json={"limit_min": 30}).json()
    shut(client, BRIDGE)
    again = client.post("/evacuations?wait_s=20", json={"limit_min": 30, "previous_plan": first["jobID"]}).json()["plan"]
    assert (again["placed"], again["change"]["moved"], again["change"]["names"]) == (230, 0, [])
    shut(client, {"title": "Loop", "cause": "control", "roads": ["north"]})
    cut = client.post("/evacuations?wait_s=20", json={"limit_min": 30, "previous_plan": first["jobID"]}).json()["plan"]
    assert (cut["placed"], cut["left"], cut["change"]["names"]) == (180, 50, ["Sluice"])
    assert "Sluice" in " ".join(each["en"] for each in cut["sentences"])
    assert sum(each["short"] for each in cut["shortages"]) == 50


@pytest.mark.parametrize(
    "body", [{"groups": "rivers"}, {"hazard": "rain"}, {"limit_min": -1}, {"vehicle": "tank"}, {"colour": "red"}, {"ids": ["x"]}]
)
def test_a_question_of_evacuation_that_cannot_be_asked_is_told_so(client: TestClient, body: dict[str, Any]) -> None:
    told = client.post("/evacuations?wait_s=20", json=body)
    assert told.status_code in (400, 404) or told.json()["status"] == "failed"


def test_selection_sums_what_lies_inside(client: TestClient) -> None:
    told = answer(client, "/select?lon=0.01&lat=0&radius_m=1200&layers=flood_points,shelters,towns")
    by_layer = {each["layer"]: each for each in told["layers"]}
    assert [item["name"] for item in by_layer["flood_points"]["items"]] == ["Sluice"]
    assert by_layer["flood_points"]["sums"]["people_threatened"]["known"] == 150
    assert by_layer["shelters"]["sums"]["capacity"]["known"] == 100  # the school is 1,113 m away
    square = {"area": {"type": "Polygon", "coordinates": [[[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]]}}
    every = client.post("/select?layers=towns", json=square).json()["layers"][0]
    assert (every["count"], every["sums"]["population"]["known"]) == (3, 550)
    assert answer(client, "/select/towns/w?layers=shelters")["layers"][0]["count"] == 1


def test_nobody_is_advised_to_open_a_shelter_inside_the_flood(client: TestClient, tmp_path: Path) -> None:
    closed = {"kind": "shelter", "status": "closed", "for_flood": True}
    rows = {
        "wet": (shapely.Point(0.0, 0.001), {"name": "Wet", "capacity": 900, **closed}),
        "dry": (shapely.Point(0.02, 0.0), {"name": "Dry", "capacity": 30, **closed}),
    }
    zone = {"zone": (shapely.box(-0.001, 0.0005, 0.001, 0.002), {"kind": "forecast"})}
    with open_store(tmp_path / "store.sqlite") as store:
        store.apply("shelters", small_city.frame("shelters", rows), Batch(actor="test", reason="more", source="more"))
        store.apply("flood_zones", small_city.frame("flood_zones", zone), Batch(actor="test", reason="flood", source="more"))
    for name in ("bridge", "north"):
        shut(client, {**BRIDGE, "roads": [name]})
    plan = client.post("/evacuations?wait_s=20", json={"limit_min": 30}).json()["plan"]
    assert (plan["left"], [(each["name"], each["saves"]) for each in plan["openings"]]) == (50, [("Dry", 30)])


def test_the_situation_of_a_place_tells_help_by_road(client: TestClient) -> None:
    shut(client, BRIDGE)
    told = answer(client, "/situation/flood_points/fe")["by_road"]
    assert [item["id"] for item in told["nearest"]["shelters"]] == ["se", "sw"]
    assert told["nearest"]["shelters"][1]["road"]["in_the_way"][0]["title"] == "Bridge out"
