"""The nearest passable road: against every road measured along its whole length."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.access.road_graph import ALL_MODES, OTHER, graph_of_arrays
from geo_risk.access.road_index import index_roads
from geo_risk.access.travel import on_road, weigh
from geo_risk.access.vehicles import Vehicle
from geo_risk.crs import GEOD

CAR = Vehicle(
    id="car", title={"en": "Car"}, mode="car", speed_kmh={OTHER: 36.0}, heeds_one_way=True, heeds_limit=True,
    min_depth_m=0.0, max_depth_m=0.3, walk_kmh=3.6, walk_max_m=500.0, source="test", checked="",
)  # fmt: skip


def snapped(lines, places, *, shut=None, walk_max_m=500.0):
    """Places on roads that are each one link of those points."""
    points = np.array([point for line in lines for point in line], dtype=float)
    at = np.cumsum([0, *map(len, lines)])
    first, last = at[:-1], at[1:] - 1
    roads = graph_of_arrays(
        np.concatenate([points[first, 0], points[last, 0]]), np.concatenate([points[first, 1], points[last, 1]]),
        np.arange(len(lines)), np.arange(len(lines)) + len(lines), points=points, point_at=at, forward=ALL_MODES,
    )  # fmt: skip
    travel = weigh(roads, dataclasses.replace(CAR, walk_max_m=walk_max_m), shut=shut)
    return on_road(travel, index_roads(roads), *np.array(places, dtype=float).T)


def test_foot_of_a_place_beside_two_roads():
    found = snapped([[(0, 0), (0.01, 0)], [(0, 0.01), (0.01, 0.01)]], [(0.0025, 0.001), (0.005, 0.0071), (0.0, 0.005)])
    assert found.link.tolist() == [0, 1, -1]
    np.testing.assert_allclose(found.along[:2], [0.25, 0.5], atol=1e-9)
    np.testing.assert_allclose(found.walk_m[:2], [GEOD.inv(0, 0, 0, 0.001)[2], GEOD.inv(0, 0, 0, 0.0029)[2]], atol=1e-4)
    assert np.isnan([found.along[2], found.walk_m[2], found.lon[2], found.lat[2]]).all()


def test_the_shut_road_at_the_door_is_not_taken():
    lines = [[(0, 0), (0.01, 0)], [(0, 0.003), (0.01, 0.003)]]
    assert snapped(lines, [(0.005, 0.0005)]).link == [0]
    assert snapped(lines, [(0.005, 0.0005)], shut=np.array([True, False])).link == [1]
    assert snapped(lines, [(0.005, 0.0005)], shut=np.array([True, True])).link == [-1]


def test_just_within_reach_and_just_beyond():
    metres = GEOD.inv(0.005, 0, 0.005, 0.002)[2]
    for reach, link in ((metres + 1e-3, 0), (metres - 1e-3, -1), (0.0, -1), (math.nan, -1)):
        assert snapped([[(0, 0), (0.01, 0)]], [(0.005, 0.002)], walk_max_m=reach).link == [link]


@pytest.mark.parametrize(
    ("line", "place", "along"),
    [
        ([(179.999, 0), (-179.999, 0)], (180, 0.001), 0.5),
        ([(179.999, 0), (-179.999, 0)], (-180, 0.001), 0.5),
        ([(179.999, 0), (-179.999, 0)], (-179.9995, 0.0), 0.75),
        ([(-179.9999, 10), (-179.9, 10)], (179.9999, 10), 0.0),
        ([(10, 89.999), (12, 89.999)], (-170, 89.9995), None),
        ([(5, 5), (5, 5)], (5, 5.001), 0.0),
        ([(0, 0), (2, 0)], (1.5, 0.001), 0.75),
        ([(0, 0), (0, 0), (1, 0)], (0.25, 0), 0.25),
    ],
)
def test_antimeridian_pole_and_odd_lines(line, place, along):
    found = snapped([line], [place])
    assert found.link == [0]
    assert along is None or found.along == pytest.approx(along, abs=1e-9)


def test_of_roads_that_meet_at_the_nearest_point_the_first_is_taken():
    star = [[(0, 0), (0.01, angle)] for angle in (0.004, 0.0, -0.004)]
    assert snapped(star, [(-0.001, 0)]).link == [0]
    assert snapped(star[::-1], [(-0.001, 0)]).link == [0]


def test_unknown_places_and_none_at_all():
    assert snapped([[(0, 0), (1, 0)]], [(math.nan, 0), (0, math.nan), (math.inf - math.inf, 0)]).link.tolist() == [-1, -1, -1]
    assert len(snapped([[(0, 0), (1, 0)]], np.empty((0, 2)))) == 0


COORDINATE = st.integers(-40, 40)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.tuples(COORDINATE, COORDINATE), min_size=2, max_size=4), min_size=1, max_size=8),
    st.tuples(COORDINATE, COORDINATE),
    st.sampled_from([(0.0, 0.0), (120.0, 31.0), (180.0, -45.0), (-179.99, 70.0)]),
    st.sampled_from([300.0, 3000.0, 30_000.0]),
    st.data(),
)
def test_nearest_agrees_with_roads_measured_every_few_metres(lines, place, centre, reach, data):
    def on_earth(point):
        return (centre[0] + point[0] * 7e-4 + 180) % 360 - 180, centre[1] + point[1] * 7e-4

    shut = np.array(data.draw(st.lists(st.booleans(), min_size=len(lines), max_size=len(lines))))
    found = snapped([[on_earth(point) for point in line] for line in lines], [on_earth(place)], shut=shut, walk_max_m=reach)
    share = np.linspace(0, 1, 1201)
    metres = []
    for line in lines:
        dense = np.vstack([np.outer(1 - share, one) + np.outer(share, other) for one, other in itertools.pairwise(line)])
        lon, lat = centre[0] + dense[:, 0] * 7e-4, centre[1] + dense[:, 1] * 7e-4
        here = np.broadcast_to(on_earth(place)[0], lon.shape), np.broadcast_to(on_earth(place)[1], lat.shape)
        metres.append(GEOD.inv(*here, (lon + 180) % 360 - 180, lat)[2].min())
    open_m = np.where(shut, np.inf, metres)
    if open_m.min() > reach + 7:
        assert found.link == [-1]
    elif open_m.min() < reach - 7:
        assert open_m[found.link[0]] <= open_m.min() + 6.5  # samples lie at most 12 m apart
        assert found.walk_m[0] <= open_m.min() + 1e-3
        assert found.walk_m[0] >= open_m.min() - 6.5
