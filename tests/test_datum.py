"""GCJ-02 and BD-09: there and back, nothing outside China; the published cities are in test_oracles."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from geo_risk.crs import geodesic_m
from geo_risk.datum import from_wgs84, in_china, shift_m, to_wgs84
from geo_risk.errors import ParameterError

DATUMS = ["wgs84", "cgcs2000", "gcj02", "bd09"]


@pytest.mark.parametrize("datum", DATUMS)
@example(lon=105.0, lat=28.0)  # where the formula has a kink
@settings(deadline=None)
@given(lon=st.floats(74, 135), lat=st.floats(3, 54))
def test_there_and_back_within_ten_micrometres(datum, lon, lat):
    back = to_wgs84(*from_wgs84([lon], [lat], datum), datum)
    assert geodesic_m(np.array([lon]), np.array([lat]), *back)[0][0] < 1e-5


@pytest.mark.parametrize(("lon", "lat"), [(-73.9, 40.7), (139.7, 35.7), (116.4, 0.5), (116.4, 60.0), (-116.4, 39.9)])
def test_outside_the_box_gcj02_is_wgs84(lon, lat):
    assert not in_china(lon, lat)
    assert [value.item() for value in from_wgs84(lon, lat, "gcj02")] == [lon, lat]


@pytest.mark.parametrize("datum", DATUMS)
def test_nan_stays_nan_and_its_neighbour_is_right(datum):
    lon, _ = to_wgs84([np.nan, 120.2], [30.0, 30.2], datum)
    assert np.isnan(lon[0])
    assert lon[1] == to_wgs84([120.2], [30.2], datum)[0][0]


@pytest.mark.parametrize("datum", DATUMS)
def test_the_arrays_given_are_not_changed(datum):
    lon = np.array([120.2])
    to_wgs84(lon, np.array([30.2]), datum)[0][0] = 0.0
    assert lon[0] == 120.2


@pytest.mark.parametrize(
    ("datum", "least_m", "most_m"), [("wgs84", 0, 0), ("cgcs2000", 0, 0), ("gcj02", 500, 600), ("bd09", 1100, 1500)]
)
def test_shift_at_beijing(datum, least_m, most_m):
    assert least_m <= shift_m([116.4074], [39.9042], datum)[0] <= most_m


def test_no_points_at_all():
    assert to_wgs84([], [], "bd09")[0].size == 0


def test_an_unknown_datum_names_those_there_are():
    with pytest.raises(ParameterError, match=r"no such datum.*expected: wgs84, cgcs2000, gcj02, bd09; got: wgs72"):
        to_wgs84([120.0], [30.0], "wgs72")
