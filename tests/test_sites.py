"""The nearest site: against every site measured, by each metric."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from geo_risk.crs import geodesic_m
from geo_risk.errors import ParameterError
from geo_risk.impact.events import BEYOND_REACH, NOWHERE, event_set
from geo_risk.impact.sites import METRICS, assets_to_sites

PLACES = st.lists(
    st.tuples(
        st.one_of(st.floats(-180, 180), st.sampled_from([-180.0, 0.0, 0.5, 179.5, 180.0])),
        st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 0.0, 0.5, 89.5, 90.0])),
    ),
    min_size=1, max_size=25,
)


def at(*places):
    lon, lat = np.array(places, dtype=float).reshape(-1, 2).T
    return event_set(lon, lat, sparse.csr_matrix((1, len(lon))), [0.1])


def haversine_m(lon, lat, to_lon, to_lat):
    """By the angle between two unit vectors."""
    def unit(lon, lat):
        east, north = np.radians(lon), np.radians(lat)
        return np.array([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])

    one, other = unit(lon, lat), unit(to_lon, to_lat)
    return 6_371_000 * np.arctan2(np.linalg.norm(np.cross(one, other, axis=0), axis=0), (one * other).sum(axis=0))


MEASURES = {
    "geodesic": lambda *ends: geodesic_m(*ends)[0],
    "haversine": haversine_m,
    "degrees": lambda lon, lat, to_lon, to_lat: np.hypot(lon - to_lon, lat - to_lat) * 111_120,
}


@settings(max_examples=60, deadline=None)
@given(sites=PLACES, assets=PLACES, reach_m=st.sampled_from([100_000.0, 2_000_000.0, 3e7]))
@pytest.mark.parametrize("metric", METRICS)
def test_as_every_site_measured(metric, sites, assets, reach_m):
    lon, lat = np.array(sites).T
    east, north = np.array(assets).T
    found = assets_to_sites(at(*sites), east, north, reach_m=reach_m, metric=metric)
    for x, y, site in zip(east, north, found, strict=True):
        metres = MEASURES[metric](np.full(len(lon), x), np.full(len(lon), y), lon, lat)
        assert metres.min() > reach_m - 0.01 if site == BEYOND_REACH else metres[site] <= min(metres.min(), reach_m) + 0.01


def test_equally_near_sites_the_western_then_the_southern_in_any_order():
    corners = [(121.0, 31.0), (120.0, 31.0), (121.0, 30.0), (120.0, 30.0)]
    for turn in range(4):
        turned = corners[turn:] + corners[:turn]
        east = assets_to_sites(at(*turned), [120.5], [30.0], metric="degrees")[0]
        assert turned[east] == (120.0, 30.0)
        assert turned[assets_to_sites(at(*turned), [120.5], [30.5], metric="degrees")[0]] == (120.0, 30.0)


def test_at_the_reach_is_in_and_beyond_is_out():
    metres = geodesic_m(np.zeros(1), np.zeros(1), np.ones(1), np.zeros(1))[0][0]
    assert assets_to_sites(at((1.0, 0.0)), [0.0], [0.0], reach_m=metres).tolist() == [0]
    assert assets_to_sites(at((1.0, 0.0)), [0.0], [0.0], reach_m=np.nextafter(metres, 0)).tolist() == [BEYOND_REACH]


def test_no_place_and_no_sites():
    assert assets_to_sites(at((1.0, 0.0)), [np.nan, 1.0], [0.0, np.nan]).tolist() == [NOWHERE, NOWHERE]
    assert assets_to_sites(at(), [1.0], [0.0]).tolist() == [BEYOND_REACH]
    assert assets_to_sites(at((1.0, 0.0)), [], []).tolist() == []


def test_across_the_antimeridian_but_not_in_degrees():
    ocean = at((179.9, 0.0), (170.0, 0.0))
    assert assets_to_sites(ocean, [-179.9], [0.0]).tolist() == [0]
    assert assets_to_sites(ocean, [-179.9], [0.0], metric="degrees").tolist() == [BEYOND_REACH]


@pytest.mark.parametrize(
    ("asked", "choices", "text"),
    [
        (([1.0], [95.0]), {}, "a coordinate is not on the earth.*got: longitude 1.0, latitude 95.0"),
        (([1.0, 2.0], [1.0]), {}, "differ in shape"),
        (([1.0], [1.0]), {"reach_m": 0}, "reach_m is out of range"),
        (([1.0], [1.0]), {"metric": "taxi"}, "no such metric.*geodesic, haversine, degrees"),
    ],
)
def test_what_is_refused(asked, choices, text):
    with pytest.raises(ParameterError, match=text):
        assets_to_sites(at((1.0, 0.0)), *asked, **choices)
