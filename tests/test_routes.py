"""Routes: their legs and points, and that they cost what the matrix says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_travel import BOTH, CAR, at, networks, places

from geo_risk.access.road_graph import graph_of_arrays
from geo_risk.access.routes import part_of_link, route, routes
from geo_risk.access.travel import matrix, weigh
from geo_risk.crs import geodesic_m

TURN = graph_of_arrays(
    [0, 0.01, 0.02, 0.02], [0, 0, 0, 0.01], [0, 1, 2], [1, 2, 3], classes=("main",), bridge=[False, False, True],
    feature=[0, 0, 1], feature_ids=("a", "b"), names=("High Street", "Bridge Road"),
)  # fmt: skip


def test_two_legs_of_three_links_with_their_bearings_and_points():
    found = route(weigh(TURN, CAR), at(0, 0.5, 36.0), at(2, 1.0))
    high, bridge = found.legs
    assert (high.name, high.feature_id, high.bridge, high.first, high.last) == ("High Street", "a", False, 0, 2)
    assert (bridge.name, bridge.feature_id, bridge.bridge, bridge.first, bridge.last) == ("Bridge Road", "b", True, 2, 3)
    assert [round(leg.bearing_deg) for leg in found.legs] == [90, 0]
    np.testing.assert_allclose(found.points, [(0.005, 0), (0.01, 0), (0.02, 0), (0.02, 0.01)], atol=1e-9)
    assert found.links.tolist() == [0, 1, 2]
    assert found.metres == pytest.approx(1.5 * 1113.195 + 1105.743, abs=0.01)
    assert found.seconds == pytest.approx(36 + found.metres / 20)
    assert sum(leg.metres for leg in found.legs) == pytest.approx(found.metres)


def test_the_way_back_runs_the_other_way():
    found = route(weigh(TURN, CAR), at(2, 1.0), at(0, 0.5))
    assert found.links.tolist() == [2, 1, 0]
    assert [round(leg.bearing_deg) for leg in found.legs] == [180, 270]
    np.testing.assert_allclose(found.points[[0, -1]], [(0.02, 0.01), (0.005, 0)], atol=1e-9)


def test_within_one_link_and_to_itself():
    travel = weigh(TURN, CAR)
    short = route(travel, at(1, 0.75), at(1, 0.25))
    np.testing.assert_allclose(short.points, [(0.0175, 0), (0.0125, 0)], atol=1e-9)
    nothing = route(travel, at(1, 0.75), at(1, 0.75))
    assert (nothing.metres, nothing.seconds, len(nothing.points)) == (0, 0, 2)


def test_none_where_there_is_no_way_or_no_road():
    cut = weigh(TURN, CAR, shut=np.array([False, True, False]))
    assert routes(cut, at([0, -1], [0.5, np.nan]), at([2, 0], [0.5, 0.5]), [(0, 0), (1, 1), (0, 1)])[:2] == [None, None]
    assert route(cut, at(0, 0.5), at(-1, np.nan)) is None


def test_a_one_way_street_is_gone_round():
    ring = graph_of_arrays([0, 0.01, 0.01], [0, 0, 0.01], [0, 1, 2], [1, 2, 0], classes=("main",), backward=[0, BOTH, BOTH])
    assert route(weigh(ring, CAR), at(0, 0.75), at(0, 0.25)).links.tolist() == [0, 1, 2, 0]


def test_round_by_the_short_cut_although_both_stand_on_one_link():
    pair = graph_of_arrays([0, 0.01], [0, 0], [0, 0], [1, 1], length_m=[1000.0, 10.0], classes=("main",))
    found = route(weigh(pair, CAR, by="length"), at(0, 0.1), at(0, 0.9))
    assert (found.links.tolist(), found.metres) == ([0, 1, 0], pytest.approx(210))


@pytest.mark.parametrize(
    ("low", "high", "line"),
    [
        (0, 1, [(0, 0), (0.01, 0), (0.03, 0)]),
        (1, 0, [(0.03, 0), (0.01, 0), (0, 0)]),
        (0.25, 2 / 3, [(0.0075, 0), (0.01, 0), (0.02, 0)]),
        (0.5, 0.5, [(0.015, 0), (0.015, 0)]),
    ],
)
def test_part_of_a_bent_link(low, high, line):
    bent = graph_of_arrays([0, 0.03], [0, 0], [0], [1], points=[(0, 0), (0.01, 0), (0.03, 0)], point_at=[0, 3])
    np.testing.assert_allclose(part_of_link(bent, (0, low, high)), line, atol=1e-9)


@settings(deadline=None, max_examples=80)
@given(st.data(), st.sampled_from(["time", "length"]))
def test_every_route_costs_what_the_matrix_says_and_hangs_together(data, by):
    timed = data.draw(networks())
    travel = weigh(timed.graph, CAR, by=by, shut=timed.shut)
    origins, destinations = data.draw(places(travel)), data.draw(places(travel))
    table = matrix(travel, origins, destinations)
    pairs = np.argwhere(np.ones(table.shape))
    for (row, column), found in zip(pairs, routes(travel, origins, destinations, pairs), strict=True):
        assert (found is None) == np.isinf(table[row, column])
        if found is None:
            continue
        assert found.cost == pytest.approx(table[row, column], rel=1e-9, abs=1e-9)
        assert (sum(leg.metres for leg in found.legs), found.legs[-1].last) == (pytest.approx(found.metres), len(found.points) - 1)
        stretch = geodesic_m(*found.points[:-1].T, *found.points[1:].T)[0]
        assert stretch.max() < 2500  # no gap: links of these graphs are at most 2.3 km long on the ground
