"""The nearest by exact geodesic distance: against every point measured by pyproj.Geod."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.access.nearest import nearest
from geo_risk.crs import geodesic_m
from geo_risk.errors import ParameterError
from geo_risk.points import index_points

# Whole and half degrees make duplicates and ties; the edges are the antimeridian and the poles.
LON = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, -179.5, 0.0, 0.5, 179.5, 180.0]))
LAT = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.5, 0.0, 0.5, 89.5, 90.0]))
CLOSE = st.tuples(st.floats(-3, 3), st.floats(-3, 3))


def by_hand(lon, lat, at_lon, at_lat):
    """Every point's distance, by position."""
    return geodesic_m(np.full(len(lon), at_lon), np.full(len(lon), at_lat), np.array(lon), np.array(lat))[0]


def same_as_by_hand(points, asker, k, radius_m):
    lon, lat = zip(*points, strict=True)
    distance = by_hand(lon, lat, *asker)
    expected = [at for at in sorted(range(len(lon)), key=lambda at: (distance[at], at)) if distance[at] <= radius_m][:k]
    found = nearest(index_points(lon, lat), *asker, k=k, radius_m=radius_m)
    assert found.positions.tolist() == expected
    assert found.distance_m.tolist() == [distance[at] for at in expected]


@settings(max_examples=150, deadline=None)
@given(points=st.lists(st.tuples(LON, LAT), min_size=1, max_size=40), asker=st.tuples(LON, LAT), k=st.integers(1, 10))
def test_as_by_hand_over_the_world(points, asker, k):
    same_as_by_hand(points, asker, k, 500_000.0)


@settings(max_examples=150, deadline=None)
@given(
    offsets=st.lists(CLOSE, min_size=1, max_size=40), centre=st.sampled_from([(120, 30), (177, 0), (0, 87), (-177, -60)]),
    asker=CLOSE, k=st.integers(1, 10), radius_m=st.floats(1, 500_000),
)
def test_as_by_hand_where_points_crowd(offsets, centre, asker, k, radius_m):
    def there(offset):
        return (centre[0] + offset[0] + 180) % 360 - 180, centre[1] + offset[1]

    same_as_by_hand([there(offset) for offset in offsets], there(asker), k, radius_m)


def test_many_points_at_once():
    random = np.random.default_rng(7)
    points = list(zip(random.uniform(119, 121, 3000), random.uniform(29, 31, 3000), strict=True))
    for k, radius_m in [(1, 500_000), (7, 10_000), (1000, 500_000), (1000, 20_000)]:
        same_as_by_hand(points, (120.0, 30.0), k, radius_m)


def test_equal_points_come_in_the_order_given():
    assert nearest(index_points([1, 0, 1, 0], [0, 0, 0, 0]), 0, 0, k=3, radius_m=200_000).positions.tolist() == [1, 3, 0]


def test_a_point_at_the_radius_is_in():
    index = index_points([1.0], [0.0])
    at_m = nearest(index, 0, 0, k=1, radius_m=200_000).distance_m[0]
    assert len(nearest(index, 0, 0, k=1, radius_m=at_m).positions) == 1
    assert len(nearest(index, 0, 0, k=1, radius_m=np.nextafter(at_m, 0)).positions) == 0


def test_across_the_antimeridian():
    found = nearest(index_points([-179.9, 179.0], [0, 0]), 179.9, 0, k=2, radius_m=200_000)
    assert found.positions.tolist() == [0, 1]
    assert found.bearing_deg.tolist() == [90, 270]


def test_the_bearing_to_where_one_stands_is_0():
    assert nearest(index_points([120.0], [30.0]), 120, 30, k=1, radius_m=1).bearing_deg.tolist() == [0]


def test_no_points_give_no_answer():
    assert len(nearest(index_points([], []), 120, 30, k=5, radius_m=1000).positions) == 0


@pytest.mark.parametrize("k", [0, -1, 1001, 1.5, True, None])
def test_k_out_of_range(k):
    with pytest.raises(ParameterError, match="k is out of range; where: nearest; expected: a whole number, 1 to 1000"):
        nearest(index_points([0.0], [0.0]), 0, 0, k=k, radius_m=1000)


@pytest.mark.parametrize("radius_m", [0, -5, 500_001, np.nan, np.inf])
def test_radius_out_of_range(radius_m):
    with pytest.raises(ParameterError, match=r"radius_m is out of range.*at most 500000 metres"):
        nearest(index_points([0.0], [0.0]), 0, 0, k=1, radius_m=radius_m)


@pytest.mark.parametrize(("lon", "lat"), [(181, 0), (0, 91), (np.nan, 0), (0, np.inf), (30, 120)])
def test_a_place_off_the_earth(lon, lat):
    with pytest.raises(ParameterError, match="a coordinate is not on the earth; where: nearest"):
        nearest(index_points([0.0], [0.0]), lon, lat, k=1, radius_m=1000)
