import json

import geopandas as gpd
import numpy as np
import pytest
import shapely

from api.use.marks import cells, marks
from api.use.parameters import Box
from layers._catalog import layer
from layers._frame import typed
from layers._store import Snapshot


def test_points_are_counted_in_cells_and_none_is_lost() -> None:
    points = gpd.GeoDataFrame(geometry=shapely.points(np.linspace(0, 1, 101), np.zeros(101)), crs=4326)
    counted = cells(points, Box(0, -1, 1, 1))
    assert sum(counted["n"]) == 101
    assert max(counted["n"]) < 10


def test_more_points_than_can_be_drawn_come_as_cells(small_snapshot: Snapshot) -> None:
    answer = marks(small_snapshot, "shelters", Box(-1, -1, 1, 1), 10, most=1)
    assert (answer["kind"], answer["count"], sum(answer["n"])) == ("cells", 2, 2)


def test_neighbours_keep_their_shared_border_when_simplified() -> None:
    wiggle = [(0.5 + 0.0003 * (-1) ** i, i / 50) for i in range(51)]
    west = shapely.Polygon([(0, 0), *wiggle, (0, 1)])
    east = shapely.Polygon([(1, 0), *wiggle, (1, 1)])
    frame = typed(layer("towns"), {"name": ["W", "E"], "source": ["", ""]}, [west, east], ["w", "e"])
    snapshot = Snapshot(revision=1, head="", recorded_at=None, frames={"towns": frame}, updated={})
    drawn = marks(snapshot, "towns", Box(-1, -1, 2, 2), 5, most=10)["features"]["features"]
    shapes = [shapely.from_geojson(json.dumps(feature["geometry"])) for feature in drawn]
    assert shapely.intersection(*shapes).area == 0
    assert sum(len(shape.exterior.coords) for shape in shapes) < 20


def test_a_feature_carries_its_look_only_where_its_layer_has_looks(small_snapshot: Snapshot) -> None:
    def told(layer_id: str) -> list[dict[str, str | None]]:
        shapes = marks(small_snapshot, layer_id, Box(-1, -1, 1, 1), 10, most=10)["features"]["features"]
        return [shape["properties"] for shape in shapes]

    assert told("flood_zones") == [{"name": None, "level": None, "look": "past"}]
    assert told("towns") == [{"name": "East", "level": None}, {"name": "West", "level": None}]


@pytest.mark.parametrize(("zoom", "drawn"), [(9, ["national", None]), (11, ["national", "street", None])])
def test_lanes_are_drawn_from_a_zoom_on_and_a_road_of_unknown_class_always(zoom: float, drawn: list[str | None]) -> None:
    lines = [shapely.LineString([(0, y), (1, y)]) for y in range(3)]
    frame = typed(layer("roads"), {"road_class": ["national", "street", None]}, lines, ["a", "b", "c"])
    snapshot = Snapshot(revision=1, head="", recorded_at=None, frames={"roads": frame}, updated={})
    answer = marks(snapshot, "roads", Box(-1, -1, 4, 4), zoom, most=10)
    assert [shape["properties"]["look"] for shape in answer["features"]["features"]] == drawn
    assert answer["count"] == 3
