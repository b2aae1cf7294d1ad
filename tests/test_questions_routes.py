"""Answers over the small city; every figure here can be done by hand (see small_city)."""

import json

import pytest
from fastapi.testclient import TestClient

import small_city

DEGREE_M = 111_319.49  # of longitude on the equator, WGS84


def test_nearby_is_sorted_with_distance_and_direction_and_marks_what_is_closed(client: TestClient) -> None:
    items = client.get("/nearby?lon=0.0075&lat=0.005&layers=shelters").json()["items"]
    assert [(item["id"], item["wind"], item["closed"]) for item in items] == [("open", "E", False), ("shut", "W", True)]
    assert [item["available"] for item in items] == [True, False]
    assert [item["distance_m"] for item in items] == pytest.approx([0.0005 * DEGREE_M, 0.0015 * DEGREE_M], abs=0.01)
    assert [item["bearing_deg"] for item in items] == pytest.approx([90, 270], abs=0.01)


def test_directions_are_words_in_both_languages(client: TestClient) -> None:
    near = client.get("/nearby?lon=0.0075&lat=0.005&layers=shelters").json()["items"]
    nearest = client.get("/situation/flood_points/fp").json()["nearest"]["shelters"]  # both lie north-east of the sluice
    assert [item["direction"] for item in near] == [{"en": "east", "zh": "东"}, {"en": "west", "zh": "西"}]
    assert [item["direction"] for item in nearest] == [{"en": "north-east", "zh": "东北"}] * 2


def test_nearby_keeps_to_the_radius_and_to_k(client: TestClient) -> None:
    assert len(client.get("/nearby?lon=0.0075&lat=0.005&layers=shelters&radius_m=100").json()["items"]) == 1
    assert len(client.get("/nearby?lon=0.0075&lat=0.005&layers=shelters,helipads&k=2").json()["items"]) == 2


def test_a_layer_without_data_is_not_the_same_as_nothing_near(client: TestClient) -> None:
    answer = client.get("/nearby?lon=0&lat=0&layers=shelters,aeds&radius_m=1").json()
    assert (answer["items"], answer["missing"]) == ([], ["aeds"])


def test_west_is_level_two_and_says_why(client: TestClient) -> None:
    west = client.get("/risk").json()["areas"][0]
    raw = {reading["factor"]: reading["raw"] for reading in west["readings"]}
    assert (west["name"], west["level"]) == ("West", "II")
    assert raw == pytest.approx(
        {
            "flooded_before": 0.5,
            "flood_points_people": 500,
            "population": 10_000,
            "shelter_places": 300,
            "shelter_distance": 0.003 * DEGREE_M,
            "helipad_distance": 0.01 * DEGREE_M,
        },
        rel=1e-3,
    )
    coping = (8.5 * 1 + 0 * 1 + 10 * (0.01 * DEGREE_M - 1000) / 19_000 * 0.5) / 2.5
    assert west["roles"] == pytest.approx({"hazard": 10, "exposure": 5, "coping": coping}, rel=1e-3)
    assert west["score"] == pytest.approx(((10 * 5.5 * (1 + 0.9 * coping)) ** (1 / 3) - 1) / 0.9, rel=1e-3)


def test_east_without_a_population_is_unknown_not_safe(client: TestClient) -> None:
    east = client.get("/risk").json()["areas"][-1]
    assert (east["name"], east["level"], east["score"], east["roles"]["exposure"]) == ("East", "unknown", None, None)


def test_what_no_layer_holds_is_said_to_be_absent(client: TestClient) -> None:
    answer = client.get("/risk").json()
    assert {"factor": "team_distance", "reason": "no features"}.items() <= next(
        a for a in answer["absent"] if a["factor"] == "team_distance"
    ).items()
    assert answer["counts"] == {"I": 0, "II": 1, "III": 0, "IV": 0, "unknown": 1}


def test_a_situation_joins_risk_reasons_help_and_duty(client: TestClient) -> None:
    answer = client.get("/situation/towns/w").json()
    assert answer["risk"]["level"] == "II"
    assert [near["id"] for near in answer["nearest"]["shelters"]] == ["shut", "open"]
    assert answer["nearest"]["rescue_teams"] == []
    assert [contact["post"] for contact in answer["contacts"]] == ["Flood duty"]


def test_a_point_has_the_situation_of_its_town(client: TestClient) -> None:
    answer = client.get("/situation/flood_points/fp").json()
    assert [contact["organisation"] for contact in answer["contacts"]] == ["West town"]


@pytest.mark.parametrize(
    "path",
    [
        "/layers",
        "/risk",
        "/collections",
        "/collections/duty_holders/items",
        "/collections/shelters/items",
        "/collections/flood_points/items/fp",
        "/situation/flood_points/fp",
        "/situation/towns/w",
        "/nearby?lon=0&lat=0",
        "/marks/shelters",
        "/field?lon=0.005&lat=0.005",
        "/api",
        "/openapi.json",
    ],
)
def test_people_and_phones_are_in_no_answer(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert small_city.PHONE not in answer.text
    assert small_city.HOLDER not in answer.text


def test_marks_of_points_are_columns(client: TestClient) -> None:
    marks = client.get("/marks/flood_points?bbox=-1,-1,1,1&zoom=12").json()
    assert (marks["kind"], marks["ids"], marks["lon"], marks["level"]) == ("points", ["fp"], [0.002], ["II"])


def test_marks_of_areas_are_shapes_with_names_only(client: TestClient) -> None:
    features = client.get("/marks/towns?zoom=12").json()["features"]["features"]
    assert [feature["properties"] for feature in features] == [{"name": "East", "level": None}, {"name": "West", "level": None}]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("lon=181&lat=0", "lon is out of range"),
        ("lon=nan&lat=0", "lon is out of range or no number"),
        ("lon=0&lat=1e999", "lat is out of range"),
        ("lon=0&lat=0&radius_m=-5", "radius_m is out of range"),
        ("lon=0&lat=0&radius_m=Infinity", "radius_m"),
        ("lon=0&lat=0&k=0", "k is out of range"),
        ("lon=0&lat=0&k=1.5", "k is not whole"),
        ("lon=0&lat=0&layers=towns", "geometry cannot answer"),
        ("lon=0&lat=0&layers=nothing", "no layer"),
        ("lon=0&lat=0&radius=5", "no parameter 'radius' here"),
        ("lon=0&lon=1&lat=0", "given twice"),
        ("lat=0", "missing"),
    ],
)
def test_bad_questions_are_refused_with_a_problem_document(client: TestClient, query: str, says: str) -> None:
    answer = client.get(f"/nearby?{query}")
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["title"]


def test_raw_input_is_not_repeated(client: TestClient) -> None:
    answer = client.get("/nearby", params={"lon": "<script>alert(1)</script>", "lat": "0"})
    assert "<script>" not in json.dumps(answer.json())


def test_cells_are_geojson_worst_first_with_levels_and_reasons(client: TestClient) -> None:
    answer = client.get("/risk/cells?cell_m=500")
    features = answer.json()["features"]
    scores = [feature["properties"]["score"] for feature in features]
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/geo+json")
    assert scores == sorted(scores, reverse=True)
    assert sum(answer.json()["counts"].values()) == len(features) == 5 * 3  # 2.2 by 1.1 km
    assert {len(feature["geometry"]["coordinates"][0]) for feature in features} == {5}
    assert features[0]["properties"]["reasons"][0]["score"] == 10


def test_a_cell_answers_why_with_the_features_behind_each_figure(client: TestClient) -> None:
    cell = client.get("/risk/cells?cell_m=500").json()["features"][0]["id"]
    why = client.get(f"/risk/cells/{cell}/why?cell_m=500").json()
    raw = {reading["factor"]: reading["raw"] for reading in why["risk"]["readings"]}
    for factor, behind in why["evidence"].items():
        assert sum(each["contribution"] for each in behind["shown"]) + behind["rest"] == pytest.approx(raw[factor])
    assert [each["id"] for each in why["evidence"]["flooded_before"]["shown"]] == ["past"]
    assert why["place"]["in"] == ["West"]
    assert [contact["post"] for contact in why["contacts"]] == ["Flood duty"]


def test_a_town_answers_why(client: TestClient) -> None:
    why = client.get("/risk/towns/w/why").json()
    assert why["evidence"]["flood_points_people"]["shown"] == [
        {"id": "fp", "name": "Sluice", "value": 500, "share": 1, "contribution": 500}
    ]
    assert (why["evidence"]["shelter_places"]["features"], why["band"]["level"]) == (1, "II")
    assert why["spread"]["least"] <= why["risk"]["score"] <= why["spread"]["most"]
    levels = {each["factor"]: each["level"] for each in why["risk"]["readings"]}  # by the schemes of their own
    assert (levels["flooded_before"], levels["flood_points_people"], levels["population"]) == ("I", "II", "")


def test_the_day_is_said_and_a_season_never_drops_a_hazard(client: TestClient) -> None:
    answer = client.get("/risk").json()
    season = next(factor["season"] for factor in answer["factors"] if factor["id"] == "flooded_before")
    assert (season["hazard"], season["region"], season["state"] in ("in", "out")) == ("flood", "33990000", True)
    assert "flooded_before" in [reading["factor"] for reading in answer["areas"][0]["readings"]]


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/risk/cells?cell_m=7", 400, "no cells of this size"), ("/risk/cells?cell_m=1e9", 400, "cell_m is out of range"),
        ("/risk/cells?cell_m=nan", 400, "cell_m is out of range"), ("/risk/cells/c99r99/why", 404, "no such place"),
        ("/risk/towns/nowhere/why", 404, "no such place"), ("/risk/roads/x/why", 400, "only places are assessed"),
        ("/risk/nothing/x/why", 404, "no layer"), ("/risk/cells?size=1", 400, "no parameter 'size' here"),
    ],
)
def test_what_cannot_be_asked_of_cells(client: TestClient, path: str, status: int, says: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, says in answer.json()["title"]) == (status, True)


@pytest.mark.parametrize("path", ["/risk/cells", "/risk/towns/w/why", "/risk/cells/c0r0/why?cell_m=500"])
def test_no_person_is_behind_a_figure(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert small_city.PHONE not in answer.text
    assert small_city.HOLDER not in answer.text


def test_what_has_no_name_is_called_by_its_post(client: TestClient) -> None:
    assert client.get("/situation/duty_holders/d").json()["place"]["name"] == "Flood duty"
