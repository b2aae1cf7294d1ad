"""Closing a road at a tap: the circle lies on the road next to it, and shuts that stretch and no other (see road_city)."""

import datetime as dt
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import shapely
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from api.app import create_app
from api.settings import Settings
from api.use.access.closed_here import RADIUS_M, closed_here
from api.use.access.roads_now import RoadsNow
from geo_risk.access.closures import Around, Closure, shut_links
from geo_risk.access.road_index import index_roads
from geo_risk.access.road_lines import road_graph
from geo_risk.access.travel import weigh
from geo_risk.crs import GEOD
from geo_risk.errors import NotFound, ParameterError
from layers._store import Batch, open_store
from layers._tables.vehicle_table import vehicle
from tests import callers, road_city

NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


@cache
def roads() -> RoadsNow:
    graph = road_graph(road_city.frames()["roads"])
    free = weigh(graph, vehicle("car"))
    shut = shut_links(graph, (), vehicle("car"), NOON)
    return RoadsNow(
        graph=graph, index=index_roads(graph), vehicle=vehicle("car"), now=free, free=free, shut=shut, closures=(), unreadable=()
    )


@pytest.mark.parametrize(
    ("lon", "lat", "road", "shuts", "circle"),
    [
        (0.01, 0.0004, None, ["main-w#0"], (0.01, 0.0)),
        (0.021, 0.0001, None, ["bridge#0"], (0.021, 0.0)),
        (0.021, 0.0001, "north", ["north#0"], (0.022, 0.0001)),
        (0.0200001, -0.0001, "bridge", ["bridge#0"], (0.0200539, 0.0)),
        (-0.001, 0.0, None, ["main-w#0"], (0.0000539, 0.0)),
    ],
    ids=["on the road", "the nearer of two", "the one that is named", "off the junction", "off the end"],
)
def test_the_circle_is_on_the_road_and_shuts_one_stretch(
    lon: float, lat: float, road: str | None, shuts: list[str], circle: tuple[float, float]
) -> None:
    told = closed_here(roads(), lon, lat, road)
    assert [each["id"] for each in told["shuts"]] == shuts
    assert (told["circle"]["lon"], told["circle"]["lat"]) == pytest.approx(circle, abs=2e-7)
    assert told["circle"]["radius_m"] == RADIUS_M
    assert told["metres"] == sum(each["metres"] for each in told["shuts"])


@settings(max_examples=60)
@given(st.floats(-0.003, 0.043), st.floats(-0.003, 0.023))
def test_what_is_told_is_what_a_closure_with_that_circle_shuts(lon: float, lat: float) -> None:
    try:
        told = closed_here(roads(), lon, lat)
    except NotFound:
        assert nearest_by_hand(lon, lat) > 499.5
        return
    assert told["distance_m"] == pytest.approx(nearest_by_hand(lon, lat), abs=0.4)
    closure = Closure(id="c", cause="other", title="c", what=Around(**told["circle"]))
    links = shut_links(roads().graph, (closure,), vehicle("car"), NOON).links
    assert [roads().graph.link_id(each) for each in np.flatnonzero(links)] == [each["id"] for each in told["shuts"]]
    assert len(told["shuts"]) == 1


def nearest_by_hand(lon: float, lat: float) -> float:
    """Metres to the nearest of many points of each road; on the equator a degree north is 0.9933 of one east."""
    points = many_points()
    near = points[np.argmin(((points - (lon, lat)) ** 2 * (1, 0.98666)).sum(axis=1))]
    return float(GEOD.inv(lon, lat, *near)[2])


@cache
def many_points() -> np.ndarray:
    return np.concatenate([shapely.get_coordinates(shapely.segmentize(line, 5e-6)) for line, _ in road_city.ROADS.values()])


def test_far_from_roads_and_on_no_such_road_there_is_nothing_to_close() -> None:
    with pytest.raises(NotFound, match=r"no road is here; where: lon, lat; expected: a road within 500 m"):
        closed_here(roads(), 0.06, 0.06)
    with pytest.raises(ParameterError, match="no road has this id"):
        closed_here(roads(), 0.01, 0.0, "main-x")


def test_a_tap_over_http_is_shut_by_the_usual_post(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        for layer_id, rows in road_city.frames().items():
            store.apply(layer_id, rows, Batch(actor="test", reason="road city", source="small"))
        callers.settle(store)
    with TestClient(create_app(Settings(store=path)), headers=callers.headers("operator")) as client:
        here = client.get("/closures/here?lon=0.01&lat=0.0001").json()
        assert client.post("/closures", json={"title": "Tree", "cause": "other", "circle": here["circle"]}).status_code == 201
        assert [road["id"] for road in client.get("/closures").json()["closures"][0]["roads"]] == ["main-w"]
        assert client.get("/closures/here?lon=0.06&lat=0.06").status_code == 404
        assert client.get("/closures/here?lon=inf&lat=0").status_code == 400
