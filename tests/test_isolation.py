"""Who is cut off, N-1 over links and facilities, and ways round: against all reckoned anew without each."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra

from geo_risk.access import isolation
from geo_risk.access.isolation import Network, cut_off, detours, facility_losses, link_losses
from geo_risk.access.road_graph import graph_of_arrays
from geo_risk.access.travel import OnRoad, close, cost_at, on_nodes, spread, weigh
from geo_risk.access.vehicles import Vehicle
from geo_risk.chunks import with_threads
from geo_risk.errors import ParameterError

CAR = Vehicle(
    id="car", title={"en": "Car"}, mode="car", speed_kmh={"road": 3.6}, heeds_one_way=True, heeds_limit=True, min_depth_m=0.0,
    max_depth_m=0.3, walk_kmh=1.8, walk_max_m=500.0, source="", checked="",
)  # fmt: skip
FIGURES = ["people_cut_off", "places_cut_off", "unknown_cut_off", "added", "unknown_slower"]


def roads(links, lengths, nodes=None, **ways):
    """A graph of links between numbered nodes at 1 m/s, so seconds are metres."""
    start, end = np.array(links, dtype=int).reshape(-1, 2).T
    nodes = nodes or int(max([*start, *end], default=0)) + 1
    lon = 120 + 0.0001 * np.arange(nodes)
    return graph_of_arrays(lon, np.full(nodes, 30.0), start, end, length_m=lengths, classes=["road"], **ways)


def at_nodes(travel, places, facilities):
    return Network(travel=travel, places=on_nodes(travel.graph, places), facilities=on_nodes(travel.graph, facilities))


def along(link, share, walk=0.0):
    link = np.atleast_1d(np.array(link))
    share = np.broadcast_to(float(share), link.shape)
    return OnRoad(link, share, np.full(len(link), walk), np.full(len(link), 120.0), np.full(len(link), 30.0))


# A square 0-1-2-3 with a dead end 2-4: the shelter is at 0.
SQUARE = roads([(0, 1), (1, 2), (2, 3), (3, 0), (2, 4)], [10, 10, 10, 40, 5])


def test_the_state_of_each_place_and_sums_that_hold_everyone():
    open_ = weigh(roads([(0, 1), (1, 2), (3, 4)], [10, 10, 10]), CAR)
    places = [0, 1, 2, 2, 3]
    before = at_nodes(open_, places, [0])
    now = replace(before, travel=close(open_, np.array([False, True, False])))
    found = cut_off(now, before, [1, 2, 4, np.nan, 8], index=["a", "b", "c", "d", "e"])
    assert found.places["state"].to_dict() == {
        "a": "reached", "b": "reached", "c": "cut off", "d": "cut off", "e": "never reached"
    }  # fmt: skip
    assert found.sums.to_numpy().tolist() == [[2, 3, 0], [2, 4, 1], [1, 8, 0]]
    assert found.places["added"].tolist()[:4] == [0, 0, np.inf, np.inf]
    assert np.isnan(found.places["added"].iloc[4])
    assert found.places["facility_before"].tolist() == [0, 0, 0, 0, -1]


def test_a_place_that_only_takes_longer_is_reached():
    before = at_nodes(weigh(SQUARE, CAR), [4], [0])
    now = replace(before, travel=close(before.travel, np.array([True, False, False, False, False])))
    row = cut_off(now, before, [3]).places.iloc[0]
    assert (row["state"], row["cost_before"], row["cost_now"], row["added"]) == ("reached", 25, 55, 30)


def test_one_way_roads_part_going_there_from_coming_here():
    network = at_nodes(weigh(roads([(0, 1)], [10], backward=0), CAR), [1], [0])
    assert cut_off(network, network, [1]).places["state"].tolist() == ["never reached"]
    assert cut_off(network, network, [1], towards=False).places["state"].tolist() == ["reached"]


def test_a_place_on_no_road_is_never_reached():
    travel = weigh(SQUARE, CAR)
    network = Network(travel=travel, places=along(-1, np.nan, np.nan), facilities=on_nodes(SQUARE, [0]))
    assert cut_off(network, network, [7]).sums["people"].tolist() == [0, 0, 7]
    assert link_losses(network, [7]).empty


def test_the_links_whose_loss_cuts_off_most_people_come_first():
    found = link_losses(at_nodes(weigh(SQUARE, CAR), [1, 2, 3, 4], [0]), [10, 20, 30, 40])
    # Without 2-4 forty are cut off. Without 0-1: 1 goes 60 instead of 10, 2 50 for 20, 4 55 for 25, 3 40 for 30.
    assert found.index.tolist() == [4, 0, 1, 2]
    assert found["people_cut_off"].tolist() == [40, 0, 0, 0]
    assert found["added"].tolist() == [0, 10 * 50 + 20 * 30 + 40 * 30 + 30 * 10, 20 * 30 + 40 * 30 + 30 * 10, 30 * 10]


def test_people_nobody_counted_are_told_apart():
    found = link_losses(at_nodes(weigh(SQUARE, CAR), [4, 4, 3], [0]), [np.nan, 2, np.nan])
    assert found.loc[4, FIGURES].tolist() == [2, 2, 1, 0, 0]
    assert found.loc[0, FIGURES].tolist() == [0, 0, 0, 60, 2]


def test_whoever_lies_along_the_lost_link_counts_or_is_left_out():
    network = Network(travel=weigh(SQUARE, CAR), places=along([0, 1], 0.5), facilities=on_nodes(SQUARE, [0]))
    assert link_losses(network, [3, 5]).loc[0, FIGURES].tolist() == [3, 1, 0, 5 * (55 - 15), 0]
    assert link_losses(network, [3, 5], own_road="left out").loc[0, FIGURES].tolist() == [0, 0, 0, 5 * (55 - 15), 0]


def test_a_facility_along_a_link_goes_with_it():
    graph = roads([(0, 1), (1, 2)], [10, 10])
    network = Network(travel=weigh(graph, CAR), places=on_nodes(graph, [0, 2]), facilities=along(1, 0.5))
    assert link_losses(network, [1, 1])["people_cut_off"].to_dict() == {0: 1, 1: 2}


def test_the_loss_of_a_shelter_sends_its_people_to_the_next():
    found = facility_losses(at_nodes(weigh(SQUARE, CAR), [1, 3, 4], [0, 2]), [10, 20, 30])
    # Without the one at 2: 3 goes to 0 by 30 for 10, 4 by 25 for 5. At 1 both are 10 away: no loss at all.
    assert found.to_dict("index") == {1: dict(zip(FIGURES, [0, 0, 0, 20 * 20 + 30 * 20, 0], strict=True))}


def test_two_shelters_in_one_place_stand_in_for_each_other():
    assert facility_losses(at_nodes(weigh(SQUARE, CAR), [1, 3], [0, 0]), [1, 1]).empty


def test_the_loss_of_the_only_shelter_cuts_off_all_it_served():
    found = facility_losses(at_nodes(weigh(SQUARE, CAR), [1, 3], [0]), [10, 20])
    assert found["people_cut_off"].to_dict() == {0: 30}


@st.composite
def networks(draw):
    """Small roads with all there is: one-way, parallel, zero-length, loops, pieces; places at nodes, along links, nowhere."""
    nodes, links = draw(st.integers(2, 9)), draw(st.integers(1, 16))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ways = random.choice([1, 2, 3], links, p=[0.2, 0.1, 0.7])
    lengths = random.choice([0.0, 1.0, 2.0, 5.0, 7.5], links)
    graph = roads(random.integers(0, nodes, (links, 2)), lengths, nodes, forward=ways & 1, backward=ways >> 1)
    travel = weigh(graph, CAR, shut=random.random(links) < 0.1)

    def lying(count):
        link = np.where(random.random(count) < 0.1, -1, random.integers(0, links, count))
        share = np.where(link >= 0, random.choice([0.0, 0.25, 0.5, 0.75, 1.0], count), np.nan)
        walk = np.where(link >= 0, random.choice([0.0, 3.0], count), np.nan)
        return OnRoad(link, share, walk, np.full(count, 120.0), np.full(count, 30.0))

    network = Network(travel=travel, places=lying(draw(st.integers(0, 8))), facilities=lying(draw(st.integers(0, 4))))
    return network, random.choice([0.0, 1.0, 3.5, 100.0, np.nan], len(network.places))


def costs(network, towards):
    found = spread(network.travel, network.facilities, towards=towards)
    return cost_at(network.travel, found, network.facilities, network.places, towards=towards)[0]


def figures(before, after, people):
    """What `link_losses` says of one loss, from costs before and after."""
    known, cut = ~np.isnan(people), np.isfinite(before) & ~np.isfinite(after)
    slower = np.isfinite(after) & (after > before + 1e-9 * before)
    added = (people * np.where(slower, after, 0) - people * np.where(slower, before, 0))[slower & known].sum()
    return [people[cut & known].sum(), cut.sum(), (cut & ~known).sum(), added, (slower & ~known).sum()]


def same_as_anew(found, expected):
    for number, one in expected.items():
        got = found.loc[number, FIGURES].tolist() if number in found.index else [0] * 5
        assert got == pytest.approx(one, rel=1e-9, abs=1e-9), number
    assert set(found.index) <= set(expected)
    ranked = found[["people_cut_off", "added"]].apply(tuple, axis=1).tolist()
    assert ranked == sorted(ranked, reverse=True)


@given(given_=networks(), towards=st.booleans())
@settings(max_examples=150, deadline=None)
def test_each_lost_link_as_if_all_were_reckoned_anew(given_, towards):
    network, people = given_
    before, links = costs(network, towards), network.travel.graph.links
    one = [replace(network, travel=close(network.travel, np.arange(links) == link)) for link in range(links)]
    expected = {link: figures(before, costs(one[link], towards), people) for link in range(links)}
    same_as_anew(link_losses(network, people, towards=towards), expected)
    elsewhere = {
        link: figures(*(side[network.places.link != link] for side in (before, costs(one[link], towards), people)))
        for link in range(links)
    }
    same_as_anew(link_losses(network, people, towards=towards, own_road="left out"), elsewhere)


@given(given_=networks(), towards=st.booleans())
@settings(max_examples=100, deadline=None)
def test_each_lost_facility_as_if_all_were_reckoned_anew(given_, towards):
    network, people = given_
    count, before = len(network.facilities), costs(network, towards)
    others = [network.facilities.take(np.flatnonzero(np.arange(count) != gone)) for gone in range(count)]
    expected = {
        gone: figures(before, costs(replace(network, facilities=others[gone]), towards), people) for gone in range(count)
    }
    same_as_anew(facility_losses(network, people, towards=towards), expected)


def by_scipy(graph, cost, sources):
    """The least cost to the nearest of the sources, by scipy; a zero would be no arc to it, so every arc is above 0 here."""
    tails, heads = np.column_stack([graph.start, graph.end]).ravel(), np.column_stack([graph.end, graph.start]).ravel()
    usable = np.isfinite(cost)
    order = np.argsort(cost[usable])[::-1]  # of parallel arcs the last one stands
    least = {}
    for tail, head, one in zip(tails[usable][order], heads[usable][order], cost[usable][order], strict=True):
        least[head, tail] = one
    rows, values = np.array(list(least)).reshape(-1, 2).T, np.array(list(least.values()))
    return dijkstra(coo_array((values, rows), shape=(graph.nodes,) * 2).tocsr(), indices=sources, min_only=True)


def test_a_town_of_900_crossings_link_by_link_as_scipy_has_it():
    random, side = np.random.default_rng(5), 30
    at = np.arange(side * side).reshape(side, side)
    links = np.column_stack([np.append(at[:, :-1], at[:-1]), np.append(at[:, 1:], at[1:])])
    links = links[random.random(len(links)) < 0.75]
    back, people = (random.random(len(links)) < 0.8).astype(int), random.integers(0, 9, side * side).astype(float)
    graph = roads(links, random.uniform(1, 9, len(links)), side * side, backward=back)
    network = at_nodes(weigh(graph, CAR), np.arange(side * side), [0, 450, 899])
    found, before = link_losses(network, people), by_scipy(graph, network.travel.cost, [0, 450, 899])
    assert len(found) > 300
    for link in random.choice(graph.links, 150, replace=False):
        cost = network.travel.cost.copy()
        cost[2 * link : 2 * link + 2] = np.inf
        same_as_anew(found[found.index == link], {link: figures(before, by_scipy(graph, cost, [0, 450, 899]), people)})


def test_as_many_threads_as_one_likes_to_the_last_bit(monkeypatch):
    monkeypatch.setattr(isolation, "_VISITS_AT_ONCE", 100)
    random = np.random.default_rng(3)
    graph = roads(random.integers(0, 400, (900, 2)), random.uniform(1, 9, 900))
    network = at_nodes(weigh(graph, CAR), np.arange(400), [1, 7])
    with with_threads(1):
        alone = link_losses(network, np.ones(400))
    assert alone.equals(link_losses(network, np.ones(400)))


def test_progress_may_stop_it():
    def stop(share):
        raise InterruptedError(share)

    network = at_nodes(weigh(SQUARE, CAR), [1], [0])
    for ask in (lambda: link_losses(network, [1], progress=stop), lambda: detours(network.travel, progress=stop)):
        with pytest.raises(InterruptedError, match=r"1\.0"):
            ask()


def test_one_endless_road_is_refused_not_hung(monkeypatch):
    monkeypatch.setattr(isolation, "MAX_VISITS", 10_000)
    chain = np.column_stack([np.arange(999), np.arange(1, 1000)])
    network = at_nodes(weigh(roads(chain, np.ones(999)), CAR), [999], [0])
    with pytest.raises(ParameterError, match=r"too much hangs on single links.*at most 10000 visits of nodes; got: 500500"):
        link_losses(network, [1])
    ring = weigh(roads([*chain, (999, 0)], np.ones(1000)), CAR)
    with pytest.raises(ParameterError, match="too much hangs on single links"):
        detours(ring)


@pytest.mark.parametrize(
    ("people", "message"),
    [
        ([-1.0], "people are no number of people.*got: -1.0"),
        ([np.inf], "people are no number of people.*got: inf"),
        ([1, 2], "people and places differ in number.*expected: 1; got: 2"),
    ],
)
def test_people_that_are_none(people, message):
    network = at_nodes(weigh(SQUARE, CAR), [1], [0])
    asks = lambda: cut_off(network, network, people), lambda: link_losses(network, people), lambda: facility_losses(network, people)
    for ask in asks:
        with pytest.raises(ParameterError, match=message):
            ask()


def test_rules_that_are_none():
    network = at_nodes(weigh(SQUARE, CAR), [1], [0])
    with pytest.raises(ParameterError, match=r"no such rule of a place's own road.*counted or left out; got: maybe"):
        link_losses(network, [1], own_road="maybe")
    with pytest.raises(ParameterError, match=r"no such rule of detours.*as allowed or either way; got: flight"):
        detours(network.travel, ways="flight")


def rows_of(graph, ways="as allowed", **more):
    return detours(weigh(graph, CAR, **more), ways=ways).to_numpy().tolist()


def test_ways_round_a_square_and_none_at_its_dead_end():
    assert rows_of(SQUARE) == [
        [10, True, 60, 50], [10, True, 60, 50], [10, True, 60, 50], [40, True, 30, -10], [5, False, np.inf, np.inf]
    ]  # fmt: skip


def test_parallel_links_are_each_other_s_way_round_and_a_loop_needs_none():
    assert rows_of(roads([(0, 1), (1, 0), (1, 1)], [5, 8, 3])) == [[5, True, 8, 3], [8, True, 5, -3], [3, True, 0, -3]]


def test_one_way_roads_have_a_detour_only_the_way_they_go():
    graph = roads([(0, 1), (1, 2), (2, 0)], [5, 5, 5], backward=[0, 1, 1])
    # 0 -> 1 by 2 and 1: 10. 1 - 2 back by 0: 10, but from 1 there is no way to 0 but by 2: none. The same of 2 - 0.
    assert [row[1] for row in rows_of(graph)] == [True, False, False]
    assert [row[1] for row in rows_of(graph, "either way")] == [True, True, True]


def test_a_link_that_is_no_way_now_has_no_answer():
    found = detours(weigh(SQUARE, CAR, shut=np.array([True, False, False, False, False])))
    assert found["cost"].iloc[0] == np.inf
    assert np.isnan(found["detour_cost"].iloc[0])
    assert found["detour"].tolist() == [False] * 5


def test_no_roads_have_no_detours_and_lose_nothing():
    graph = graph_of_arrays([], [], [], [], classes=["road"])
    network = at_nodes(weigh(graph, CAR), [], [])
    assert detours(network.travel).empty
    assert link_losses(network, []).empty
    assert facility_losses(network, []).empty


@given(given_=networks(), ways=st.sampled_from(["as allowed", "either way"]))
@settings(max_examples=150, deadline=None)
def test_ways_round_as_found_with_the_link_taken_out(given_, ways):
    travel = given_[0].travel
    graph, found = travel.graph, detours(given_[0].travel, ways=ways)
    cost = travel.cost if ways == "as allowed" else np.repeat(travel.cost.reshape(-1, 2).min(axis=1), 2)
    for link in range(graph.links):
        gone = replace(travel, cost=np.where(np.arange(len(cost)) // 2 == link, np.inf, cost))
        ends = ((graph.start[link], graph.end[link]), (graph.end[link], graph.start[link]))
        asked = [pair for arc, pair in enumerate(ends) if np.isfinite(cost[2 * link + arc])]
        around = [spread(gone, on_nodes(graph, [one]), towards=False).cost[other] for one, other in asked]
        np.testing.assert_allclose(found["detour_cost"][link], max(around, default=np.nan))
        assert found["detour"][link] == (bool(around) and bool(np.isfinite(around).all()))
