"""What roads cost, the nearest by road, matrices: against scipy's Dijkstra and brute force on drawn graphs."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo_risk.access import _search_kernel as kernel
from geo_risk.access.road_graph import RoadGraph, graph_of_arrays, mode_bit
from geo_risk.access.road_index import index_roads
from geo_risk.access.travel import (
    OnRoad,
    bucket_width,
    close,
    cost_at,
    matrix,
    nearest_targets,
    on_nodes,
    on_road,
    speeds_kmh,
    spread,
    ways_of,
    weigh,
)
from geo_risk.access.vehicles import Vehicle
from geo_risk.errors import ParameterError

CAR = Vehicle(
    id="car", title={"en": "Car"}, mode="car", speed_kmh={"main": 72.0, "lane": 36.0}, heeds_one_way=True, heeds_limit=True,
    min_depth_m=0.0, max_depth_m=0.3, walk_kmh=3.6, walk_max_m=500.0, source="test", checked="",
)  # fmt: skip
FOOT = dataclasses.replace(CAR, id="foot", mode="foot", heeds_one_way=False, heeds_limit=False)
BOTH = mode_bit("car") | mode_bit("foot")


def street(lengths, **options) -> RoadGraph:
    """Nodes 0, 1, 2 ... in a row on the equator, 0.001 degrees apart, joined by links of these lengths."""
    count = len(lengths)
    return graph_of_arrays(
        np.arange(count + 1) / 1000, np.zeros(count + 1), np.arange(count), np.arange(1, count + 1), length_m=lengths,
        classes=("main", "lane"), **options,
    )  # fmt: skip


def at(link, along, walk_m=0.0) -> OnRoad:
    """Places on links, the geometry left out."""
    link, along = np.atleast_1d(np.array(link, dtype=np.int64)), np.atleast_1d(np.array(along, dtype=float))
    walk = np.broadcast_to(np.array(walk_m, dtype=float), link.shape).copy()
    return OnRoad(link, along, walk, np.zeros(len(link)), np.zeros(len(link)))


@pytest.mark.parametrize(
    ("vehicle", "options", "cost"),
    [
        (CAR, {}, [5, 5]),
        (CAR, {"limit_kmh": 36.0}, [10, 10]),
        (CAR, {"limit_kmh": 100.0}, [5, 5]),
        (CAR, {"limit_kmh": 0.0}, [5, 5]),
        (FOOT, {"limit_kmh": 36.0}, [5, 5]),
        (CAR, {"backward": mode_bit("foot")}, [5, math.inf]),
        (FOOT, {"backward": mode_bit("car")}, [5, 5]),
        (CAR, {"road_class": [1]}, [10, 10]),
        (CAR, {"forward": 0, "backward": 0}, [math.inf, math.inf]),
        (dataclasses.replace(CAR, speed_kmh={}), {}, [math.inf, math.inf]),
        (dataclasses.replace(CAR, speed_kmh={"main": 0.0}), {}, [math.inf, math.inf]),
    ],
)
def test_what_100_m_cost(vehicle, options, cost):
    assert weigh(street([100.0], **options), vehicle).cost.tolist() == cost


def test_by_length_costs_are_metres_and_closing_marks_what_was_open():
    roads = street([100.0, 50.0], backward=[0, BOTH], forward=[0, BOTH])
    travel = weigh(roads, CAR, by="length", shut=np.array([True, True]))
    assert travel.cost.tolist() == [math.inf] * 4
    assert travel.shut.tolist() == [False, True]
    assert weigh(roads, CAR, by="length").cost.tolist() == [math.inf, math.inf, 50, 50]


def test_closing_again_keeps_what_was_shut():
    once = close(weigh(street([100.0, 50.0]), CAR), np.array([True, False]))
    assert close(once, np.array([True, True])).shut.tolist() == [True, True]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda roads: weigh(roads, CAR, by="price"), "no such cost; where: by; expected: time or length; got: price"),
        (lambda roads: weigh(roads, CAR, shut=np.zeros(3, bool)), "the closures are of other roads.*expected: 1 links; got: 3"),
        (lambda roads: spread(weigh(roads, CAR), at(0, 0), towards=True, limit=math.nan), "the limit is out of range.*got: nan"),
        (lambda roads: matrix(weigh(roads, CAR), *[at([0] * 8000, [0] * 8000)] * 2), "the matrix is too large.*64000000"),
        (lambda roads: nearest_targets(weigh(roads, CAR), at(0, 0), at(0, 0), k=0), "k is out of range.*1 to 1000; got: 0"),
        (lambda roads: on_road(weigh(roads, CAR), index_roads(street([1.0, 2.0])), [0], [0]), "the index is of other roads"),
        (lambda roads: on_road(weigh(roads, CAR), index_roads(roads), [181], [0]), "not on the earth.*longitude 181"),
        (lambda roads: on_road(weigh(roads, CAR), index_roads(roads), [0, 1], [0]), "longitudes and latitudes differ in shape"),
    ],
)  # fmt: skip
def test_refusals(call, text):
    with pytest.raises(ParameterError, match=text):
        call(street([100.0]))


def test_cost_within_one_link_and_round_a_one_way():
    ring = graph_of_arrays([0, 0.001], [0, 0], [0, 1], [1, 0], length_m=[200.0, 100.0], classes=("main",), backward=[0, 0])
    travel = weigh(ring, CAR)  # 10 s there, 5 s back
    early, late = at(0, 0.2), at(0, 0.7)
    assert matrix(travel, early, late).item() == pytest.approx(5)
    assert matrix(travel, late, early).item() == pytest.approx(3 + 5 + 2)
    assert cost_at(travel, spread(travel, late, towards=False), late, early, towards=False)[0] == pytest.approx(10)
    assert cost_at(travel, spread(travel, late, towards=True), late, early, towards=True)[0] == pytest.approx(5)


def test_walks_at_both_ends_count_in_time_and_not_in_length():
    roads = street([200.0])
    origin, place = at(0, 0.0, 30.0), at(0, 0.5, 12.0)
    assert matrix(weigh(roads, CAR), origin, place).item() == pytest.approx(30 + 5 + 12)
    assert matrix(weigh(roads, CAR, by="length"), origin, place).item() == 100


def test_a_place_at_the_end_of_a_shut_link_is_still_at_its_node():
    travel = weigh(street([200.0, 200.0]), CAR, shut=np.array([True, False]))
    assert matrix(travel, at(0, 1.0), at(1, 0.5)).item() == pytest.approx(5)
    assert matrix(travel, at(0, 0.9), at(1, 0.5)).item() == math.inf


def test_of_two_seeds_as_near_the_first_wins_and_beyond_the_limit_there_is_none():
    roads = street([200.0] * 4)
    travel, seeds = weigh(roads, CAR), on_nodes(roads, [4, 0])
    found = spread(travel, seeds, towards=True, limit=20)
    assert found.label.tolist() == [1, 1, 0, 0, 0]
    assert spread(travel, seeds, towards=True, limit=9).cost.tolist() == [0, math.inf, math.inf, math.inf, 0]
    cost, label = cost_at(travel, found, seeds, at([0, 2], [0.5, 0.0]), towards=True)
    assert (cost.tolist(), label.tolist()) == ([5, 20], [1, 0])


def test_one_way_trap_can_be_entered_and_not_left():
    travel = weigh(street([200.0, 200.0], backward=[BOTH, 0]), CAR)
    assert spread(travel, on_nodes(travel.graph, [0]), towards=False).cost.tolist() == [0, 10, 20]
    assert spread(travel, on_nodes(travel.graph, [0]), towards=True).cost.tolist() == [0, 10, math.inf]
    assert spread(travel, on_nodes(travel.graph, [0]), towards=False).arc.tolist() == [-1, -1, 2]
    assert spread(travel, on_nodes(travel.graph, [0]), towards=True).arc.tolist() == [-1, -1, -1]


def test_no_roads_no_seeds_no_askers():
    empty = weigh(graph_of_arrays([], [], [], []), CAR)
    nowhere = on_road(empty, index_roads(empty.graph), [0.0, math.nan], [0.0, 0.0])
    assert nowhere.link.tolist() == [-1, -1]
    assert np.isinf(matrix(empty, nowhere, nowhere)).all()
    assert cost_at(empty, spread(empty, nowhere, towards=True), nowhere, nowhere, towards=True)[1].tolist() == [-1, -1]
    assert nearest_targets(empty, nowhere, nowhere, k=1).positions.tolist() == [[-1], [-1]]
    travel = weigh(street([200.0]), CAR)
    nobody = at([], [])
    assert matrix(travel, nobody, at(0, 0)).shape == (0, 1)
    assert nearest_targets(travel, at(0, 0), nobody, k=2).cost.tolist() == [[math.inf, math.inf]]
    assert np.isinf(spread(travel, nobody, towards=True).cost).all()


def test_a_node_without_links_is_on_no_road():
    alone = graph_of_arrays([0, 1, 2], [0, 0, 0], [0], [1])
    assert on_nodes(alone, [2, 1]).link.tolist() == [-1, 0]
    assert on_nodes(alone, [2, 1]).along.tolist()[1] == 1.0


LENGTHS = st.sampled_from([0.0, 0.1, 1.0, 1.0, 2.0, 30.0, 1e3, 1e7])


@st.composite
def networks(draw):
    """Small graphs with parts, loops, parallel links, one-way and shut links, and places on them."""
    nodes, links = draw(st.integers(2, 8)), draw(st.integers(1, 14))
    node = st.integers(0, nodes - 1)
    modes = st.sampled_from([BOTH, BOTH, BOTH, 0])
    each = {name: draw(st.lists(kind, min_size=links, max_size=links)) for name, kind in
            {"start": node, "end": node, "length_m": LENGTHS, "forward": modes, "backward": modes}.items()}
    angle = 2 * np.pi * np.arange(nodes) / nodes
    graph = graph_of_arrays(np.cos(angle) / 100, np.sin(angle) / 100, classes=("main", "lane"), **each)
    shut = draw(drawn.arrays(bool, links, elements=st.booleans()))
    return weigh(graph, CAR, shut=shut if draw(st.booleans()) else None)


@st.composite
def places(draw, travel, most=5):
    count = draw(st.integers(0, most))
    link = draw(st.lists(st.integers(-1, travel.graph.links - 1), min_size=count, max_size=count))
    along = draw(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=count, max_size=count))
    return at(link, along, draw(st.lists(st.sampled_from([0.0, 3.0, 50.0]), min_size=count, max_size=count)))


def expected(travel, origins, destinations):
    """The matrix by scipy's Dijkstra on a graph in which every place is a node, and its link is cut there."""
    graph, tails, heads, costs = travel.graph, [], [], []
    every = [*zip(origins.link, origins.along, strict=True), *zip(destinations.link, destinations.along, strict=True)]
    for link in range(graph.links):
        on = sorted((along, graph.nodes + number) for number, (at_link, along) in enumerate(every) if at_link == link)
        stops = [(0.0, int(graph.start[link])), *on, (1.0, int(graph.end[link]))]
        for (low, tail), (high, head) in itertools.pairwise(stops):
            gaps = [0.0 if high == low else (high - low) * travel.cost[2 * link + side] for side in (0, 1)]
            tails, heads, costs = [*tails, tail, head], [*heads, head, tail], [*costs, *gaps]
    size, kept = graph.nodes + len(every), np.isfinite(costs)
    tiny = np.full((size, size), np.inf)
    np.minimum.at(tiny, (np.array(tails, int)[kept], np.array(heads, int)[kept]), np.array(costs)[kept])
    rows, columns = np.nonzero(np.isfinite(tiny))
    zero_kept = coo_array((tiny[rows, columns], (rows, columns)), shape=(size, size)).tocsr()  # scipy keeps explicit zeros
    table = dijkstra(zero_kept, indices=range(graph.nodes, size)) if every else np.empty((0, size))
    count = len(origins)
    return table[:count, graph.nodes + count :] + origins.walk_m[:, None] + destinations.walk_m


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_matrix_spread_and_k_nearest_agree_with_scipy(data):
    travel = data.draw(networks())
    origins, destinations = data.draw(places(travel)), data.draw(places(travel))
    whole = expected(travel, origins, destinations)
    np.testing.assert_allclose(matrix(travel, origins, destinations), whole, rtol=1e-9, atol=1e-9)
    if not len(destinations):
        return
    for towards, table in ((True, whole), (False, expected(travel, destinations, origins).T)):
        cost, label = cost_at(travel, spread(travel, destinations, towards=towards), destinations, origins, towards=towards)
        np.testing.assert_allclose(cost, table.min(axis=1), rtol=1e-9, atol=1e-9)
        reached = np.flatnonzero(label >= 0)
        assert (np.isfinite(cost) == (label >= 0)).all()
        np.testing.assert_allclose(table[reached, label[reached]], cost[reached], rtol=1e-9, atol=1e-9)


@settings(deadline=None, max_examples=100)
@given(st.data(), st.integers(1, 3))
def test_k_nearest_of_many_agree_with_the_matrix(data, k):
    travel = data.draw(networks())
    askers, targets = (data.draw(places(travel, most=9)) for _ in range(2))
    found = nearest_targets(travel, askers, targets, k=k)
    table = np.pad(matrix(travel, askers, targets), ((0, 0), (0, k)), constant_values=np.inf)
    np.testing.assert_allclose(found.cost, np.sort(table, axis=1)[:, :k], rtol=1e-9, atol=1e-9)
    reached = found.positions >= 0
    assert (reached == np.isfinite(found.cost)).all()
    rows = np.nonzero(reached)[0]
    np.testing.assert_allclose(table[rows, found.positions[reached]], found.cost[reached], rtol=1e-9, atol=1e-9)
    assert all(len(set(row[row >= 0])) == (row >= 0).sum() for row in found.positions)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_heap_and_buckets_of_any_width_find_the_same_to_the_last_bit(data):
    travel = data.draw(networks())
    seeds = on_nodes(travel.graph, data.draw(st.lists(st.integers(0, travel.graph.nodes - 1), min_size=1, max_size=4)))
    ways, goals = ways_of(travel, towards=False), np.empty(0, np.int32)
    known = np.flatnonzero(seeds.link >= 0)
    link = seeds.link[known]
    node = np.where(seeds.along[known] == 0, travel.graph.start[link], travel.graph.end[link]).astype(np.int32)
    first = node, np.zeros(len(known)), known.astype(np.int32)
    answers = [kernel.spread(ways, first, goals, math.inf, width) for width in (1e-9, bucket_width(travel), 1e12)]
    for answer in answers[1:]:
        np.testing.assert_array_equal(answer[0], answers[0][0])
        np.testing.assert_array_equal(answer[1], answers[0][1])


def test_labels_do_not_depend_on_the_order_of_links():
    rng = np.random.default_rng(4)
    side = 12
    node = np.arange(side * side).reshape(side, side)
    pairs = (node[:, :-1], node[:, 1:]), (node[:-1], node[1:])
    ends = np.vstack([np.column_stack([one.ravel(), other.ravel()]) for one, other in pairs])
    lon, lat = np.divmod(np.arange(side * side) / 1000, side)
    found = []
    for order in (np.arange(len(ends)), rng.permutation(len(ends))):
        roads = graph_of_arrays(lon, lat, *ends[order].T, length_m=np.full(len(ends), 20.0), classes=("main",))
        found.append(spread(weigh(roads, CAR), on_nodes(roads, [0, 77, 143, 30]), towards=True))
    np.testing.assert_array_equal(found[0].label, found[1].label)
    np.testing.assert_array_equal(found[0].cost, found[1].cost)


def test_speeds_say_nan_where_no_class_has_one():
    roads = street([1.0, 1.0], road_class=[0, 1])
    assert np.isnan(speeds_kmh(roads, dataclasses.replace(CAR, speed_kmh={"main": 50.0}))).tolist() == [False, True]
