"""Forest roads behind checkpoints, against a walk over every tenth of every link."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.access.checkpoints import OUTSIDE, watch
from geo_risk.access.road_graph import graph_of_arrays
from geo_risk.errors import ParameterError


def network(*links):
    """Links of 1 km between numbered nodes; an upper-case kind is forest."""
    nodes = 1 + max(max(a, b) for a, b, _ in links)
    start, end = [a for a, _, _ in links], [b for _, b, _ in links]
    graph = graph_of_arrays(np.arange(nodes) / 100, np.zeros(nodes), start, end, length_m=np.full(len(links), 1000.0))
    return graph, np.array([kind == "F" for _, _, kind in links])


def km(found):
    return {state: length for state, length in found.km.items() if length}


def test_a_dead_end_is_watched_from_the_checkpoint_on():
    graph, forest = network((0, 1, "r"), (1, 2, "F"), (2, 3, "F"))
    found = watch(graph, [1], [0.25], ["gate"], forest=forest)
    assert km(found) == {"watched": 1.75, "unwatched": 0.25}
    assert found.by_checkpoint.loc["gate"].tolist() == [1.75, 0]
    assert found.pieces["checkpoints"].tolist() == [(), ("gate",), ("gate",)]


def test_another_way_in_leaves_it_unwatched():
    graph, forest = network((0, 1, "r"), (1, 2, "F"), (2, 3, "F"), (3, 0, "F"))
    assert km(watch(graph, [1], [0], ["gate"], forest=forest)) == {"unwatched": 3.0}


def test_both_ends_shut_are_watched_together():
    graph, forest = network((0, 1, "r"), (1, 2, "F"), (2, 0, "F"))
    found = watch(graph, [1, 2], [0, 1], ["a", "b"], forest=forest)
    assert km(found) == {"watched_together": 2.0}
    assert found.by_checkpoint["together_km"].tolist() == [2, 2]
    assert set(found.pieces["checkpoints"]) == {("a", "b")}


def test_two_in_a_row_both_watch_what_lies_behind_the_second():
    graph, forest = network((0, 1, "r"), (1, 2, "F"))
    found = watch(graph, [1, 1], [0.75, 0.25], ["inner", "outer"], forest=forest)
    assert found.pieces[["first", "last"]].to_numpy().tolist() == [[0, 0.25], [0.25, 0.75], [0.75, 1]]
    assert found.by_checkpoint["alone_km"].to_dict() == {"inner": 0.25, "outer": 0.75}
    assert km(found) == {"watched": 0.75, "unwatched": 0.25}


def test_two_on_one_spot_watch_alike():
    graph, forest = network((0, 1, "r"), (1, 2, "F"))
    assert watch(graph, [1, 1], [0.5, 0.5], ["a", "b"], forest=forest).by_checkpoint["alone_km"].tolist() == [0.5, 0.5]


def test_a_village_behind_the_forest_is_outside_or_is_not():
    links = ((0, 1, "r"), (0, 4, "r"), (1, 2, "F"), (2, 3, "r"))
    graph, forest = network(*links)
    every, longest = (watch(graph, [2], [0.5], ["gate"], forest=forest, outside=rule) for rule in OUTSIDE)
    assert km(every) == {"unwatched": 1.0}
    assert km(longest) == {"watched": 0.5, "unwatched": 0.5}


def test_what_nothing_leads_to_is_cut_off():
    graph, forest = network((0, 1, "r"), (2, 3, "F"), (1, 2, "F"))
    usable = np.array([True, True, False])
    found = watch(graph, [1, -1, 2], [0.5, np.nan, 0.5], ["a", "b", "c"], forest=forest, usable=usable)
    assert km(found) == {"cut_off": 1.0}
    assert found.off_road == ("b", "c")
    assert found.by_checkpoint["alone_km"].tolist() == [0, 0, 0]


def test_no_checkpoint_and_no_road_at_all():
    graph, forest = network((0, 1, "r"), (1, 2, "F"))
    assert km(watch(graph, [], [], [], forest=forest)) == {"unwatched": 1.0}
    none = graph_of_arrays([], [], [], [])
    assert km(watch(none, [-1], [np.nan], ["a"], forest=np.zeros(0, dtype=bool))) == {}


def test_three_hundred_parallel_links_are_a_way():
    graph, forest = network((0, 1, "r"), *[(1, 2, "F")] * 256, (2, 3, "F"))
    assert km(watch(graph, [], [], [], forest=forest)) == {"unwatched": 257.0}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"link": [2]}, "stands on no link; where: watch; expected: links up to 1, positions of 0 to 1; got: 2"),
        ({"along": [1.5]}, "stands on no link"),
        ({"along": [np.nan]}, "stands on no link"),
        ({"ids": ["a", "b"]}, "do not pair up"),
        ({"link": [1, 1], "along": [0, 0], "ids": ["a", "a"]}, "one stands twice"),
        ({"forest": np.array([True])}, "a mask is not one of links; .*expected: 2 marks"),
        ({"forest": np.array([True, True])}, "nobody knows where people come from"),
        ({"outside": "all"}, "no such rule; where: watch; expected: every_part, longest_part"),
    ],
)
def test_what_cannot_be_asked(change, says):
    graph, forest = network((0, 1, "r"), (1, 2, "F"))
    asked = {"link": [1], "along": [0.5], "ids": ["a"], "forest": forest, "outside": "every_part"} | change
    with pytest.raises(ParameterError, match=says):
        watch(graph, asked["link"], asked["along"], asked["ids"], forest=asked["forest"], outside=asked["outside"])


def reached(links, outside, shut):
    """Cells (link, tenth) that a walk from nodes of the outside comes to; ``shut`` are (link, border after that tenth)."""
    steps = {}
    for number, (a, b, _) in enumerate(links):
        chain = [("node", a), *((number, tenth) for tenth in range(10)), ("node", b)]
        for border, pair in enumerate(itertools.pairwise(chain)):
            if (number, border) not in shut:
                for one, other in (pair, pair[::-1]):
                    steps.setdefault(one, set()).add(other)
    seen, todo = set(), [("node", node) for node in outside]
    while todo:
        at = todo.pop()
        if at not in seen:
            seen.add(at)
            todo.extend(steps.get(at, ()))
    return seen


LINKS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from("FFr")), min_size=1, max_size=8)


@settings(max_examples=100, deadline=None)
@given(LINKS, st.lists(st.tuples(st.integers(0, 7), st.integers(0, 10)), max_size=5, unique=True))
def test_every_tenth_of_every_forest_road(links, gates):
    links = [*links, (0, 0, "r")]
    gates = [(link % len(links), tenth) for link, tenth in gates]
    gates = list(dict.fromkeys(gates))
    graph, forest = network(*links)
    names = [f"g{i}" for i in range(len(gates))]
    found = watch(graph, [link for link, _ in gates], [tenth / 10 for _, tenth in gates], names, forest=forest)
    outside = {node for a, b, kind in links if kind == "r" for node in (a, b)}
    none, each = reached(links, outside, set()), [reached(links, outside, {gate}) for gate in gates]
    past_none = reached(links, outside, set(gates))
    assert found.km.sum() == pytest.approx(forest.sum())
    for piece in found.pieces.itertuples():
        cell = (piece.link, int((piece.first + piece.last) * 5))
        alone = {name for name, seen in zip(names, each, strict=True) if cell not in seen}
        if cell not in none:
            assert piece.state == "cut_off"
        elif cell in past_none:
            assert (piece.state, piece.checkpoints) == ("unwatched", ())
        elif alone:
            assert (piece.state, set(piece.checkpoints)) == ("watched", alone)
        else:
            shut = {gates[names.index(name)] for name in piece.checkpoints}
            assert piece.state == "watched_together"
            assert cell not in reached(links, outside, shut)
