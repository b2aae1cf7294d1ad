import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely

from geo_risk.errors import CrsError, ParameterError
from geo_risk.hazard import sampling as module
from geo_risk.hazard.contacts import area_contacts, zonal
from geo_risk.hazard.grid import ArrayRaster, Grid
from geo_risk.hazard.sampling import ALTERNATIVES, CHOICES, inner_points, sample, spread, zonal_of

GRID = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=1.0, dy=-1.0, columns=3, rows=2)
DEPTH = ArrayRaster(grid=GRID, values=np.array([[0.0, 1.0, 4.0], [2.0, np.nan, 0.00005]]))
HOUSE = shapely.box(120.5, 29.2, 122.5, 29.8)  # half of the first cell, the second, half of the third
HALF_UNKNOWN = shapely.box(120.5, 28.2, 121.5, 28.8)
HALF_OUTSIDE = shapely.box(119.5, 28.2, 120.5, 28.8)
ROAD = shapely.LineString([(120.5, 29.5), (122.25, 29.5)])


def frame(*shapes):
    return gpd.GeoDataFrame(geometry=list(shapes), crs=4326, index=[f"o{number}" for number in range(len(shapes))])


@pytest.mark.parametrize(
    ("choice", "shape", "value"),
    [
        ("at_point", shapely.Point(122.5, 29.5), 4.0),
        ("at_centroid", HOUSE, 1.0),
        ("mean", HOUSE, (0.5 * 0 + 1 + 0.5 * 4) / 2),
        ("mean", HALF_UNKNOWN, np.nan),
        ("mean", HALF_OUTSIDE, np.nan),
        ("mean", ROAD, (0.5 * 0 + 1 + 0.25 * 4) / 1.75),
        ("mean_of_known", HALF_UNKNOWN, 2.0),
        ("mean_of_known", HALF_OUTSIDE, 2.0),
        ("mean_of_known", shapely.box(0, 0, 1, 1), np.nan),
        ("max", HOUSE, 4.0),
        ("max", HALF_UNKNOWN, np.nan),
        ("min", HOUSE, 0.0),
        ("mean_of_touched", HOUSE, 5 / 3),
        ("mean_of_touched", ROAD, 5 / 3),
        ("mean_of_wet_touched", HOUSE, 2.5),
        ("mean_of_wet_touched", HALF_UNKNOWN, 2.0),
        ("mean_of_wet_touched", shapely.box(122.2, 28.2, 122.8, 28.8), 0.0),
        ("mean_of_wet_touched", shapely.box(121.2, 28.2, 122.8, 28.8), np.nan),
        ("share_above", HOUSE, 0.75),
        ("share_above", HALF_UNKNOWN, np.nan),
    ],
)
def test_each_choice(choice, shape, value):
    found = sample(DEPTH, frame(shape), choice, dry_at_most=0.0001)
    assert found["value"].tolist() == [pytest.approx(value, nan_ok=True)]


@pytest.mark.parametrize(
    ("shape", "share", "unknown", "cells"),
    [
        (HOUSE, 0.75, 0.0, 3),
        (HALF_UNKNOWN, 0.5, 0.5, 2),
        (HALF_OUTSIDE, 0.5, 0.5, 1),
        (ROAD, 1.25 / 1.75, 0.0, 3),
        (None, np.nan, np.nan, 0),
    ],
)
def test_what_stands_beside_the_value(shape, share, unknown, cells):
    found = sample(DEPTH, frame(shape), "mean").iloc[0]
    assert found.drop("value").tolist() == [pytest.approx(share, nan_ok=True), pytest.approx(unknown, nan_ok=True), cells]


def test_a_line_that_leaves_the_raster_is_partly_unknown_under_touched_too():
    found = sample(DEPTH, frame(shapely.LineString([(122.5, 29.5), (123.5, 29.5)])), "mean_of_wet_touched").iloc[0]
    assert found.tolist() == [4.0, 1 / 1.5, 0.5 / 1.5, 1]


def test_one_bad_object_hides_no_other_and_the_index_is_kept():
    mixed = shapely.GeometryCollection([shapely.Point(120.5, 29.5)])
    bow_tie = shapely.Polygon([(120, 29), (121, 30), (121, 29), (120, 30)])
    found = sample(DEPTH, frame(None, mixed, bow_tie, shapely.Polygon(), HOUSE), "mean")
    assert found.index.tolist() == ["o0", "o1", "o2", "o3", "o4"]
    assert found["value"].tolist() == [pytest.approx(value, nan_ok=True) for value in (np.nan, np.nan, 0.0, np.nan, 1.5)]


def test_rounding_is_half_to_even():
    assert sample(DEPTH, frame(ROAD), "mean", decimals=2)["value"].tolist() == [1.14]


def test_no_objects():
    assert sample(DEPTH, frame(), "mean").empty


def test_the_centroid_of_a_bent_shape_is_moved_onto_it():
    bent = shapely.Polygon([(0, 0), (3, 0), (3, 3), (2.9, 3), (2.9, 0.1), (0, 0.1)])
    straight = shapely.LineString([(120.1, 29.3), (120.7, 28.9)])
    points = inner_points(np.array([bent, straight, None], dtype=object))
    assert shapely.intersects(points[0], bent)
    assert shapely.distance(points[1], shapely.Point(120.4, 29.1)) < 1e-12
    assert points[2] is None


def test_the_spread_reads_each_group_of_cells_once_and_bounds_its_choices(monkeypatch):
    read, take = [], module.take
    monkeypatch.setattr(module, "take", lambda raster, cells: read.append(len(cells)) or take(raster, cells))
    found = spread(DEPTH, frame(HOUSE, HALF_UNKNOWN, None), dry_at_most=0.0001)
    assert len(read) == len({CHOICES[name].cells for name in ALTERNATIVES}) == 3
    assert found.columns.tolist() == [*ALTERNATIVES, "lower", "upper"]
    assert found.loc["o0", ["lower", "upper"]].tolist() == [0.0, 4.0]
    assert np.isnan(found.loc["o1", "mean"])
    assert found.loc["o1", ["lower", "upper"]].tolist() == [2.0, 2.0]
    assert found.loc["o2"].isna().all()


def test_spans_change_nothing(monkeypatch):
    made = np.random.default_rng(2)
    things = frame(*shapely.buffer(shapely.points(made.uniform([120, 28], [123, 30], (50, 2))), 0.3))
    whole = sample(DEPTH, things, "mean_of_known")
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", 100)
    assert sample(DEPTH, things, "mean_of_known").equals(whole)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: sample(DEPTH, frame(HOUSE), "median"), "no such choice of sampling.*at_point, at_centroid, mean.*got: median"),
        (lambda: sample(DEPTH, frame(HOUSE), "at_point"), "some objects are not points.*1 of 1 are not; next: take at_centroid"),
        (lambda: sample(DEPTH, frame(HOUSE), "mean", dry_at_most=np.nan), "what counts as dry is no number"),
        (lambda: spread(DEPTH, frame(HOUSE), []), "no choices to spread over"),
    ],
)
def test_wrong_parameters_are_refused(call, message):
    with pytest.raises(ParameterError, match=message):
        call()


def test_objects_in_metres_are_refused():
    with pytest.raises(CrsError):
        sample(DEPTH, frame(HOUSE).to_crs(3857), "mean")


class Tiled:
    """A raster read in blocks of 4 x 8, that remembers what was read of it."""

    block = (4, 8)

    def __init__(self, grid, values):
        self.grid, self.values, self.windows = grid, values, []

    def read(self, row, column, rows, columns):
        self.windows.append((row, column, rows, columns))
        return self.values[row : row + rows, column : column + columns]


@pytest.mark.parametrize("rule", ["covered", "centre", "touched"])
@pytest.mark.parametrize("cells_at_once", [1, 100, 10_000])
def test_sums_of_a_raster_read_by_rows_are_those_of_the_whole_to_the_last_bit(cells_at_once, rule, monkeypatch):
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", cells_at_once)
    made = np.random.default_rng(2)
    grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=0.1, dy=-0.1, columns=50, rows=30)
    values = np.where(made.random((30, 50)) < 0.01, np.nan, made.normal(size=(30, 50)))
    towns = shapely.buffer(shapely.points(made.uniform([120, 27], [125, 30], (40, 2))), made.uniform(0.01, 1.5, 40))
    told = zonal_of(Tiled(grid, values), frame(*towns, None), rule, known_only=True)
    assert told.reset_index(drop=True).equals(zonal(area_contacts(grid, [*towns, None], rule), values, known_only=True))


def test_sums_read_only_the_rows_and_columns_where_areas_lie():
    grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=0.1, dy=-0.1, columns=50, rows=30)
    raster = Tiled(grid, np.arange(1500.0).reshape(30, 50))
    assert zonal_of(raster, frame(shapely.box(121.0, 29.0, 121.2, 29.1)))["sum"].tolist() == [pytest.approx(460 + 461)]
    assert raster.windows == [(0, 10, 30, 2)]
    assert zonal_of(raster, frame(None, shapely.box(0, 0, 1, 1)))["unknown_share"].to_numpy()[1] == 1.0
    assert zonal_of(raster, frame()).empty


@pytest.mark.parametrize("choice", [name for name in CHOICES if name != "at_point"])
def test_an_object_of_no_extent_is_unknown_and_hides_no_other(choice):
    grid = Grid(crs=pyproj.CRS(4326), x=0.0, y=1.0, dx=0.5, dy=-0.5, columns=2, rows=2)
    raster = ArrayRaster(grid=grid, values=np.ones((2, 2)))
    shapes = [shapely.Point(), None, shapely.Polygon(), shapely.box(0, 0, 1, 1)]
    found = sample(raster, gpd.GeoDataFrame(geometry=shapes, crs=4326), choice)
    assert found["value"].tolist()[:3] == pytest.approx([np.nan] * 3, nan_ok=True)
    assert found["value"].iloc[3] == 1.0
