"""Damage of shapes on a raster."""

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from geo_risk.errors import CrsError
from geo_risk.hazard.grid import ArrayRaster, Grid
from geo_risk.impact.curves import Curve, CurveSet
from geo_risk.impact.raster_damage import damage_on_raster

CURVES = CurveSet(curves={"house": Curve(id="house", intensity=(0, 2), fraction=(0, 1))})
DEPTH = np.array([[0.0, 1.0], [2.0, np.nan]])


def depth(crs, x, y, size):
    grid = Grid(crs=pyproj.CRS(crs), x=x, y=y, dx=size, dy=-size, columns=2, rows=2)
    return ArrayRaster(grid=grid, values=DEPTH)


def houses(shapes, crs):
    return gpd.GeoDataFrame({"occupancy": ["house"] * len(shapes), "max_damage": [100.0] * len(shapes)}, geometry=shapes, crs=crs)


METRES = depth(32650, 0, 20, 10)


@pytest.mark.parametrize(
    ("rule", "shape", "money"),
    [
        ("mean_depth", shapely.box(5, 10, 15, 20), 25), ("fiat", shapely.box(5, 11, 15, 19), 25),
        ("per_cell", shapely.box(5, 10, 15, 20), 2500), ("per_cell", shapely.LineString([(5, 15), (15, 15)]), 250),
        ("at_point", shapely.Point(15, 15), 50), ("mean_depth", shapely.box(12, 2, 18, 8), np.nan), ("mean_depth", None, np.nan),
    ],
)
def test_points_lines_and_areas(rule, shape, money):
    np.testing.assert_allclose(damage_on_raster(METRES, houses([shape], 32650), CURVES, rule)["damage"], [money])


def test_spans_change_nothing():
    objects = houses([shapely.box(n, 10, n + 3, 20) for n in range(7)], 32650)
    whole, pieces = (damage_on_raster(METRES, objects, CURVES, at_once=count)["damage"] for count in (100, 2))
    assert whole.tolist() == pieces.tolist()


def test_no_object_is_an_empty_frame():
    assert len(damage_on_raster(METRES, houses([], 32650), CURVES)) == 0


def test_true_square_metres_on_a_grid_of_degrees():
    cell = shapely.box(1, 0, 2, 1)
    found = damage_on_raster(depth(4326, 0, 1, 1), houses([cell], 4326), CURVES, "per_cell")["damage"]
    assert found[0] == pytest.approx(50 * pyproj.Geod(ellps="WGS84").geometry_area_perimeter(cell)[0], rel=1e-4)


def test_lines_by_the_metre_need_metres():
    with pytest.raises(CrsError, match="lines by the metre need a grid in metres"):
        damage_on_raster(depth(4326, 0, 1, 1), houses([shapely.LineString([(0, 0), (1, 1)])], 4326), CURVES, "per_cell")


def test_a_third_crs_is_refused():
    with pytest.raises(CrsError):
        damage_on_raster(METRES, houses([shapely.Point(0, 0)], 3857), CURVES)
