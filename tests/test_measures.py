"""Every measure keeps one contract; each figure is a sum over squares that the reader can do.

Squares of one hundredth of a degree on one parallel have the same area, so shares are plain fractions.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import MultiPoint, Point, Polygon, box

from geo_risk.crs import GEOD
from geo_risk.errors import CrsError, ParameterError
from geo_risk.risk.measures import (
    MEASURES,
    RULES_OF_MEASURE,
    count_inside,
    distance_m_to_nearest,
    free_places_inside,
    inside_and_outside,
    mean_depth_m_in_zones,
    own_value,
    share_in_zones,
    sum_inside,
)

STEP = 0.01


def square(column, row=0, width=1.0, height=1.0):
    """A rectangle on a grid of 0.01 degrees from 120 east, 30 north."""
    west, south = 120 + column * STEP, 30 + row * STEP
    return box(west, south, west + width * STEP, south + height * STEP)


def point(column, row=0.5):
    return Point(120 + column * STEP, 30 + row * STEP)


def frame(shapes, index=None, **columns):
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(list(shapes), crs=4326, index=index), index=index)


A, B = square(0), square(1)
TWO = frame([A, B], index=["a", "b"])
BOW_TIE = Polygon([(120, 30), (120.01, 30.01), (120.01, 30), (120, 30.01)])


def features_for(measure):
    """Features that every measure can read: own values for the places, a point and a zone's worth of columns."""
    shapes = [A, B] if measure in ("share_in_zones", "mean_depth_m_in_zones") else [point(0.5), point(1.5)]
    return frame(shapes, index=["a", "b"], value=[1.0, 2.0])


@pytest.mark.parametrize("name", MEASURES)
class TestContract:
    def test_one_float_a_place_on_the_places_index(self, name):
        found = MEASURES[name](TWO, features_for(name), "value")
        assert found.index.equals(TWO.index)
        assert found.dtype == np.float64
        assert found.notna().all()

    def test_an_empty_layer_says_nothing(self, name):
        nothing = features_for(name).iloc[:0]
        assert MEASURES[name](TWO, nothing, "value").isna().all()

    def test_a_place_without_geometry_is_unknown(self, name):
        places = frame([A, None, Polygon()], index=["a", "b", "c"])
        assert MEASURES[name](places, features_for(name), "value").notna().tolist() == [True, False, False]

    def test_a_feature_without_geometry_is_left_out(self, name):
        features = features_for(name)
        more = pd.concat([features, frame([None, Polygon()], index=["x", "y"], value=[9.0, np.nan])])
        pd.testing.assert_series_equal(MEASURES[name](TWO, more, "value"), MEASURES[name](TWO, features, "value"))

    def test_the_order_of_rows_does_not_matter(self, name):
        found = MEASURES[name](TWO.iloc[::-1], features_for(name).iloc[::-1], "value")
        pd.testing.assert_series_equal(found.iloc[::-1], MEASURES[name](TWO, features_for(name), "value"))

    def test_no_places(self, name):
        assert MEASURES[name](TWO.iloc[:0], features_for(name), "value").empty

    def test_nothing_given_is_changed(self, name):
        places, features = TWO.copy(), features_for(name)
        MEASURES[name](places, features, "value")
        assert places.geom_equals(TWO).all()
        assert list(features.columns) == ["value", "geometry"]

    def test_frames_in_metres_are_stopped(self, name):
        with pytest.raises(CrsError, match="not longitude, latitude; where: places"):
            MEASURES[name](TWO.to_crs(3857), features_for(name), "value")
        with pytest.raises(CrsError, match="not longitude, latitude; where: features"):
            MEASURES[name](TWO, features_for(name).to_crs(3857), "value")

    def test_its_rules_are_written_down(self, name):
        assert name in RULES_OF_MEASURE


@pytest.mark.parametrize(
    ("zones", "shares"),
    [
        ([square(0, width=0.5)], [0.5, 0]),
        ([square(0.5)], [0.5, 0.5]),
        ([square(0, width=0.5), square(0, width=0.5)], [0.5, 0]),
        ([square(0, width=0.5), square(0.25, width=0.5)], [0.75, 0]),
        ([square(-1, -1, 9, 9)], [1, 1]),
        ([square(5)], [0, 0]),
        ([square(2)], [0, 0]),
        ([BOW_TIE], [0.5, 0]),
        ([point(0.5)], [0, 0]),
    ],
    ids=["half", "across", "twice the same", "overlapping", "all", "elsewhere", "touching", "bow tie", "no area"],
)
def test_share_in_zones(zones, shares):
    assert share_in_zones(TWO, frame(zones)).tolist() == pytest.approx(shares, abs=1e-5)


def test_a_share_never_passes_1():
    many = [square(column / 7, width=1 / 7 + 0.05) for column in range(-1, 15)]
    assert share_in_zones(TWO, frame(many)).max() <= 1


def test_a_place_of_no_area_has_no_share():
    assert share_in_zones(frame([point(0.5)]), frame([A])).isna().all()


@pytest.mark.parametrize(
    ("zones", "depths", "means"),
    [
        ([square(0, width=0.5)], [2.0], [1.0, 0]),
        ([square(0), square(0, width=0.5)], [1.0, 3.0], [2.0, 0]),
        ([square(0), square(0, width=0.5)], [3.0, 1.0], [3.0, 0]),
        ([square(0, width=0.5), square(0.5, width=0.5)], [1.0, 0.0], [0.5, 0]),
        ([square(0), square(1)], [1.0, np.nan], [1.0, np.nan]),
        ([square(0), square(0, width=0.5)], [9.0, np.nan], [np.nan, 0]),
        ([square(0)], [-1.0], [np.nan, 0]),
        ([square(2)], [np.nan], [0, 0]),
    ],
    ids=["half", "deeper within", "shallower within", "dry zone", "unknown beside", "unknown under", "negative", "unknown touches"],
)
def test_mean_depth(zones, depths, means):
    found = mean_depth_m_in_zones(TWO, frame(zones, depth_m=depths), "depth_m")
    assert found.tolist() == pytest.approx(means, nan_ok=True)


@pytest.mark.parametrize(
    ("points", "values", "sums"),
    [
        ([point(0.5), point(0.6), point(1.5)], [3, 4, 5], [7, 5]),
        ([point(1)], [10], [5, 5]),
        ([point(0), point(2)], [1, 2], [1, 2]),
        ([point(5)], [9], [0, 0]),
        ([point(0.5), point(0.6)], [3, None], [np.nan, 0]),
        ([point(1)], [None], [np.nan, np.nan]),
        ([point(5), point(0.5)], [None, 1], [1, 0]),
        ([square(0.25, 0.25, 0.5, 0.5)], [6], [6, 0]),
        ([MultiPoint([(120.005, 30.005), (120.006, 30.005)])], [6], [6, 0]),
    ],
    ids=["inside", "shared border", "outer border", "outside", "unknown", "unknown on border", "unknown outside", "area", "multi"],
)
def test_sum_inside(points, values, sums):
    found = sum_inside(TWO, frame(points, people=pd.array(values, dtype="Int64")), "people")
    assert found.tolist() == pytest.approx(sums, nan_ok=True)


def test_what_lies_outside_is_named_and_what_has_no_place_is_not_counted():
    features = frame([point(0.5), point(5), point(6), None], people=[1.0, 2.0, 3.0, 9.0])
    inside, outside = inside_and_outside(TWO, features, "people")
    assert (inside.tolist(), outside) == ([1, 0], 5)


def test_a_sum_is_the_same_to_the_last_bit_in_any_order():
    features = frame([point(0.5)] * 3, people=[1e16, 1.0, -1e16])
    assert [sum_inside(TWO, features.iloc[order], "people")["a"] for order in ([0, 1, 2], [0, 2, 1], [1, 0, 2])] == [1, 1, 1]


def test_shares_are_the_same_to_the_last_bit_in_any_order():
    random = np.random.default_rng(5)
    discs = frame([Point(120 + x, 30 + y).buffer(0.004) for x, y in random.uniform(0, 0.02, (60, 2))])
    found = share_in_zones(TWO, discs)
    assert all(share_in_zones(TWO, discs.iloc[random.permutation(60)]).equals(found) for _ in range(5))


def test_four_places_meet_in_a_point():
    four = frame([square(0), square(1), square(0, 1), square(1, 1)])
    assert count_inside(four, frame([point(1, 1)])).tolist() == [0.25] * 4


@pytest.mark.parametrize(
    ("capacity", "occupancy", "free"),
    [(100, 40, 60), (100, None, 100), (50, 60, 0), (0, 0, 0), (None, None, np.nan), (None, 10, np.nan)],
)
def test_free_places(capacity, occupancy, free):
    shelters = frame([point(0.5)], capacity=pd.array([capacity], dtype="Int64"), occupancy=pd.array([occupancy], dtype="Int64"))
    assert free_places_inside(TWO, shelters, "capacity").tolist() == pytest.approx([free, 0], nan_ok=True)


def test_distance_is_geodesic_from_the_middle_to_the_nearest():
    found = distance_m_to_nearest(frame([A]), frame([point(9), point(3.5), point(-8)]))
    assert found.tolist() == pytest.approx([GEOD.inv(120.005, 30.005, 120.035, 30.005)[2]], rel=1e-9)


def test_own_value_is_matched_by_id_not_by_row():
    rows = frame([B, A, A], index=["b", "x", "a"], population=pd.array([2, 9, None], dtype="Int64"))
    assert own_value(TWO, rows, "population").tolist() == pytest.approx([np.nan, 2], nan_ok=True)


def test_own_value_with_an_id_twice():
    with pytest.raises(ParameterError, match="an id stands twice"):
        own_value(TWO, frame([A, A], index=["a", "a"], population=[1.0, 2.0]), "population")


@pytest.mark.parametrize("name", ["sum_inside", "mean_depth_m_in_zones", "free_places_inside", "own_value"])
@pytest.mark.parametrize(("column", "text"), [("nope", "no such column.*got: nope"), ("words", "holds no numbers.*column words")])
def test_a_column_must_be_there_and_hold_numbers(name, column, text):
    with pytest.raises(ParameterError, match=text):
        MEASURES[name](TWO, frame([A], words=["deep"]), column)


# --- brute force -------------------------------------------------------------------------------------------------
# Places and zones are rectangles on a grid of fine cells; points lie on corners and middles of cells, so on borders
# too. The oracle counts cells and corners one by one.

PLACES = [(0, 0, 4, 4), (4, 0, 8, 4), (0, 4, 4, 8), (4, 4, 8, 8)]
RECTANGLE = st.tuples(st.integers(-2, 8), st.integers(-2, 8), st.integers(1, 5), st.integers(1, 5))
ZONES = st.lists(st.tuples(RECTANGLE, st.sampled_from([0.0, 0.5, 1.0, 2.0, None])), min_size=1, max_size=6)
POINTS = st.lists(st.tuples(st.integers(-2, 18), st.integers(-2, 18), st.sampled_from([0, 1, 5, None])), min_size=1, max_size=12)


def on_grid(west, south, east, north):
    """Fine cells in degrees near the equator, where cells of one row are equal and rows differ by less than 1e-6."""
    return box(west * 1e-3, south * 1e-3, east * 1e-3, north * 1e-3)


FOUR = frame([on_grid(*place) for place in PLACES])


def depths_over(x, y, zones):
    """The depths of all zones over one cell."""
    return [depth for (west, south, width, height), depth in zones if 0 <= x - west < width and 0 <= y - south < height]


@settings(max_examples=60, deadline=None)
@given(zones=ZONES, seed=st.integers(0, 99))
def test_zones_by_counting_cells(zones, seed):
    rows = np.random.default_rng(seed).permutation(len(zones))
    shapes = [on_grid(west, south, west + width, south + height) for (west, south, width, height), _ in zones]
    features = frame(shapes, depth=np.array([depth for _, depth in zones], dtype=float)).iloc[rows]
    for at, place in enumerate(PLACES):
        west, south, east, north = place
        cells = [depths_over(x, y, zones) for x in range(west, east) for y in range(south, north)]
        assert share_in_zones(FOUR, features)[at] == pytest.approx(sum(bool(over) for over in cells) / 16, rel=1e-5)
        unknown = any(None in over for over in cells)
        mean = np.nan if unknown else sum(max(over, default=0.0) for over in cells) / 16
        assert mean_depth_m_in_zones(FOUR, features, "depth")[at] == pytest.approx(mean, rel=1e-5, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(points=POINTS, seed=st.integers(0, 99))
def test_points_by_looking_at_each(points, seed):
    rows = np.random.default_rng(seed).permutation(len(points))
    numbers = pd.array([n for _, _, n in points], dtype="Int64")
    features = frame([Point(x * 5e-4, y * 5e-4) for x, y, _ in points], n=numbers).iloc[rows]
    expected = [0.0] * 5
    for x, y, n in points:
        touched = [at for at, place in enumerate(PLACES) if 2 * place[0] <= x <= 2 * place[2] and 2 * place[1] <= y <= 2 * place[3]]
        for at in touched or [4]:
            expected[at] += (np.nan if n is None else n) / max(len(touched), 1)
    inside, outside = inside_and_outside(FOUR, features, "n")
    assert [*inside, outside] == pytest.approx(expected, nan_ok=True)


@settings(max_examples=60, deadline=None)
@given(points=st.lists(st.tuples(st.integers(-2, 18), st.integers(-2, 18), st.integers(0, 1000)), min_size=1, max_size=30))
def test_parts_and_the_rest_make_the_whole(points):
    features = frame([Point(x * 5e-4, y * 5e-4) for x, y, _ in points], n=[n for _, _, n in points])
    inside, outside = inside_and_outside(FOUR, features, "n")
    assert inside.sum() + outside == pytest.approx(sum(n for _, _, n in points))
