"""The nearest by exact geodesic distance: against every point measured by pyproj.Geod."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.access.nearest import nearest, nearest_many, within
from geo_risk.crs import GEOD, geodesic_m
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
    """True; the assertions inside say where the two part."""
    lon, lat = zip(*points, strict=True)
    distance = by_hand(lon, lat, *asker)
    expected = [at for at in sorted(range(len(lon)), key=lambda at: (distance[at], at)) if distance[at] <= radius_m][:k]
    found = nearest(index_points(lon, lat), *asker, k=k, radius_m=radius_m)
    assert found.positions.tolist() == expected
    assert found.distance_m.tolist() == [distance[at] for at in expected]
    return True


@settings(max_examples=150, deadline=None)
@given(points=st.lists(st.tuples(LON, LAT), min_size=1, max_size=40), asker=st.tuples(LON, LAT), k=st.integers(1, 10))
def test_as_by_hand_over_the_world(points, asker, k):
    assert same_as_by_hand(points, asker, k, 500_000.0)


@settings(max_examples=150, deadline=None)
@given(
    offsets=st.lists(CLOSE, min_size=1, max_size=40), centre=st.sampled_from([(120, 30), (177, 0), (0, 87), (-177, -60)]),
    asker=CLOSE, k=st.integers(1, 10), radius_m=st.floats(1, 500_000),
)
def test_as_by_hand_where_points_crowd(offsets, centre, asker, k, radius_m):
    def there(offset):
        return (centre[0] + offset[0] + 180) % 360 - 180, centre[1] + offset[1]

    assert same_as_by_hand([there(offset) for offset in offsets], there(asker), k, radius_m)


def test_many_points_at_once():
    random = np.random.default_rng(7)
    points = list(zip(random.uniform(119, 121, 3000), random.uniform(29, 31, 3000), strict=True))
    for k, radius_m in [(1, 500_000), (7, 10_000), (1000, 500_000), (1000, 20_000)]:
        assert same_as_by_hand(points, (120.0, 30.0), k, radius_m)


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


def each_by_hand(points, askers, k, radius_m):
    """Positions and metres of each asker by every point's distance."""
    lon, lat = zip(*points, strict=True)
    positions, metres = np.full((len(askers), k), -1), np.full((len(askers), k), np.inf)
    for row, asker in enumerate(askers):
        distance = by_hand(lon, lat, *asker)
        first = [at for at in np.lexsort((np.arange(len(lon)), distance)) if distance[at] <= radius_m][:k]
        positions[row, : len(first)], metres[row, : len(first)] = first, distance[first]
    return positions, metres


def many_as_by_hand(points, askers, k, radius_m):
    found = nearest_many(index_points(*zip(*points, strict=True)), *zip(*askers, strict=True), k=k, radius_m=radius_m)
    positions, metres = each_by_hand(points, askers, k, radius_m)
    np.testing.assert_array_equal(found.positions, positions)
    np.testing.assert_allclose(found.distance_m, metres, rtol=0, atol=1e-6)
    return found


@settings(max_examples=100, deadline=None)
@given(
    points=st.lists(st.tuples(LON, LAT), min_size=1, max_size=40), askers=st.lists(st.tuples(LON, LAT), min_size=1, max_size=5),
    k=st.integers(1, 10), radius_m=st.floats(1, 500_000),
)
def test_many_as_by_hand_over_the_world(points, askers, k, radius_m):
    many_as_by_hand(points, askers, k, radius_m)


@settings(max_examples=150, deadline=None)
@given(
    offsets=st.lists(CLOSE, min_size=1, max_size=60), centre=st.sampled_from([(120, 30), (177, 0), (0, 87), (-177, -60)]),
    asked=st.lists(CLOSE, min_size=1, max_size=4), k=st.integers(1, 10), radius_m=st.sampled_from([1.0, 50_000.0, 500_000.0]),
    step=st.sampled_from([0.0, 0.5]),
)
def test_many_as_by_hand_where_points_crowd(offsets, centre, asked, k, radius_m, step):
    def there(offset):
        east, north = (round(one / step) * step if step else one for one in offset)
        return (centre[0] + east + 180) % 360 - 180, centre[1] + north

    many_as_by_hand([there(offset) for offset in offsets], [there(offset) for offset in asked], k, radius_m)


@pytest.mark.parametrize(
    ("centre", "spread"), [((120, 30), 1.0), ((180, 10), 1.0), ((0, 89.9), 0.1), ((0, 0), 40.0), ((50, 70), 0.001)]
)
def test_many_places_at_once(centre, spread):
    random = np.random.default_rng(11)
    lon, lat = np.array(centre)[:, None] + random.uniform(-spread, spread, (2, 2000))
    points = np.column_stack([(lon + 180) % 360 - 180, lat])
    found = many_as_by_hand(points.tolist(), points[::40].tolist(), 5, 500_000.0)
    asked = np.repeat(points[::40], 5, axis=0)[found.positions.ravel() >= 0]
    to = points[found.positions[found.positions >= 0]]
    metres, bearing = geodesic_m(asked[:, 0], asked[:, 1], to[:, 0], to[:, 1])
    apart = np.abs((found.bearing_deg[found.positions >= 0] - bearing + 180) % 360 - 180)
    assert apart[metres > 1].max() < 1e-5
    assert (found.bearing_deg[:, 0] == 0).all()


def test_the_nearest_may_have_the_longest_chord():
    """The earth bends more to the north than to the east: there half a metre further along the ground is nearer through it."""
    lon, lat, _ = GEOD.fwd([0.0] * 4, [0.0] * 4, [0.0, 1.0, 359.0, 90.0], [400_000.5] * 3 + [400_000.0])
    assert nearest_many(index_points(lon, lat), [0.0], [0.0], k=1, radius_m=500_000).positions.tolist() == [[3]]


def test_a_lattice_full_of_ties_is_put_in_order_as_by_hand():
    lon, lat = (one.ravel() for one in np.meshgrid(np.arange(20) / 10 + 100, np.arange(20) / 10 - 1))
    many_as_by_hand(list(zip(lon, lat, strict=True)), list(zip(lon[::7], lat[::7], strict=True)), 6, 500_000.0)


def test_a_thousand_points_on_one_spot_come_by_position():
    index = index_points([120.0] * 1000 + [120.001], [30.0] * 1001)
    found = nearest_many(index, [120.0, 120.002], [30.0, 30.0], k=3, radius_m=1000)
    assert found.positions.tolist() == [[0, 1, 2], [1000, 0, 1]]


def test_many_points_on_one_spot_asked_many_times_end_soon():
    spot = np.full(200_000, 30.0)
    found = nearest_many(index_points(spot, spot), spot[:100_000], spot[:100_000], k=5, radius_m=1000)
    assert (found.positions == np.arange(5)).all()


def test_a_ring_about_the_pole_is_refused_not_hung_on(monkeypatch):
    monkeypatch.setattr("geo_risk.access.nearest._MOST_CANDIDATES", 500_000)
    ring = index_points(np.linspace(-179, 180, 3000), np.full(3000, 89.0))
    few = nearest_many(ring, [0.0], [90.0], k=3, radius_m=500_000)
    assert few.positions.tolist() == [np.lexsort((np.arange(3000), by_hand(ring.lon, ring.lat, 0.0, 90.0)))[:3].tolist()]
    with pytest.raises(ParameterError, match=r"too many points are nearly equally near.*ask for fewer places at once"):
        nearest_many(ring, np.zeros(2_000), np.full(2_000, 90.0), k=3, radius_m=500_000)


def test_nothing_near_is_known_and_an_unknown_place_is_not():
    found = nearest_many(index_points([0.0], [0.0]), [9.0, np.nan], [0.0, 0.0], k=1, radius_m=1000)
    assert found.positions.tolist() == [[-1], [-1]]
    np.testing.assert_array_equal(found.distance_m, [[np.inf], [np.nan]])
    assert np.isnan(nearest_many(index_points([], []), [np.nan], [0.0], k=1, radius_m=1).distance_m).all()
    assert nearest_many(index_points([0.0], [0.0]), [], [], k=2, radius_m=1).positions.shape == (0, 2)


@pytest.mark.parametrize(
    ("lon", "k", "radius_m", "said"),
    [
        ([0.0, 181.0], 1, 1000, "a coordinate is not on the earth; where: nearest_many"),
        ([0.0], 1, 1000, r"differ in shape; where: nearest_many.*got: \(1,\) and \(2,\)"),
        ([0.0, 0.0], 0, 1000, "k is out of range; where: nearest_many"),
        ([0.0, 0.0], 1, np.inf, "radius_m is out of range; where: nearest_many"),
    ],
)
def test_questions_that_many_cannot_ask(lon, k, radius_m, said):
    with pytest.raises(ParameterError, match=said):
        nearest_many(index_points([0.0], [0.0]), lon, [0.0, 0.0], k=k, radius_m=radius_m)


def test_too_many_answers():
    with pytest.raises(ParameterError, match=r"too many answers.*ask in pieces"):
        nearest_many(index_points([0.0], [0.0]), np.zeros(20_001), np.zeros(20_001), k=1000, radius_m=1)


@settings(max_examples=50, deadline=None)
@given(offsets=st.lists(CLOSE, max_size=40), asker=CLOSE, radius_m=st.floats(1, 500_000))
def test_within_is_the_nearest_without_a_number(offsets, asker, radius_m):
    index = index_points([one for one, _ in offsets], [two for _, two in offsets])
    first = nearest(index, *asker, k=40, radius_m=radius_m)
    assert within(index, *asker, radius_m=radius_m).positions.tolist() == first.positions.tolist()
