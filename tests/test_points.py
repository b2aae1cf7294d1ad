"""Points and the tree over them: against every point measured by pyproj.Geod."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.crs import geodesic_m
from geo_risk.errors import ParameterError
from geo_risk.points import earth_centred, index_points, longest_geodesic_m, nearest_m

LON = st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, -179.5, 0.0, 0.5, 179.5, 180.0]))
LAT = st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, -89.5, 0.0, 0.5, 89.5, 90.0]))


def metres(one, other):
    return geodesic_m(*(np.array([value]) for value in (*one, *other)))[0][0]


@settings(max_examples=100, deadline=None)
@given(points=st.lists(st.tuples(LON, LAT), min_size=1, max_size=20), asker=st.tuples(LON, LAT))
def test_nearest_m_as_by_hand_at_any_distance(points, asker):
    lon, lat = zip(*points, strict=True)
    assert nearest_m(index_points(lon, lat), [asker[0]], [asker[1]])[0] == min(metres(asker, point) for point in points)


@settings(max_examples=200, deadline=None)
@given(one=st.tuples(LON, LAT), lon_off=st.floats(-5, 5), lat_off=st.floats(-5, 5))
def test_a_geodesic_lies_between_the_chord_and_the_tightest_circle(one, lon_off, lat_off):
    other = ((one[0] + lon_off + 180) % 360 - 180, min(max(one[1] + lat_off, -90.0), 90.0))
    ends = earth_centred(np.array([one[0], other[0]]), np.array([one[1], other[1]]))
    chord = float(np.linalg.norm(ends[0] - ends[1]))
    assert chord - 1e-6 <= metres(one, other) <= float(longest_geodesic_m(chord)) + 1e-6


def test_no_points_or_no_places():
    assert np.isnan(nearest_m(index_points([], []), [120.0], [30.0])).all()
    assert nearest_m(index_points([0.0], [0.0]), [], []).size == 0


@pytest.mark.parametrize(("lon", "lat"), [(181, 0), (0, 91), (np.nan, 0), (0, np.inf), (30, 120)])
def test_a_place_off_the_earth(lon, lat):
    with pytest.raises(ParameterError, match="a coordinate is not on the earth; where: index_points"):
        index_points([0.0, lon], [0.0, lat])


def test_longitudes_and_latitudes_pair_up():
    with pytest.raises(ParameterError, match=r"differ in shape.*got: \(2,\) and \(1,\)"):
        index_points([0.0, 1.0], [0.0])


def test_the_index_keeps_its_own_points():
    lon = np.array([120.0])
    index = index_points(lon, [30.0])
    lon[0] = 0.0
    assert index.lon[0] == 120.0
