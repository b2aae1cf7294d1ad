"""Road graphs: where lines meet, what is left out, and how long links are. Most cases lie on a grid of 0.001 degrees."""

import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from itertools import combinations, pairwise, permutations
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import LineString, MultiLineString, Point

from geo_risk.access import _noding
from geo_risk.access.road_graph import RoadGraph, along_hilbert, graph_of_arrays, lengths_m, mode_bit, parts
from geo_risk.access.road_lines import RoadColumns, road_graph
from geo_risk.crs import GEOD
from geo_risk.errors import CrsError, ParameterError

STEP = 0.001
ACROSS, UP = [(0, 1), (2, 1)], [(1, 0), (1, 2)]
SQUARE = [(0, 0), (2, 0), (2, 2), (0, 2), (0, 0)]


def frame(*lines: Any, **columns: Any) -> gpd.GeoDataFrame:
    """Lines by their corners in steps of the grid, and their columns."""
    return gpd.GeoDataFrame(columns, geometry=[LineString(np.array(line) * STEP) for line in lines], crs=4326)


def size(graph: RoadGraph) -> tuple[int, int]:
    return graph.nodes, graph.links


CASES: dict[str, tuple[gpd.GeoDataFrame, tuple[int, int]]] = {
    "cross": (frame(ACROSS, UP), (5, 4)),
    "three through a point": (frame(ACROSS, UP, [(0, 0), (2, 2)]), (7, 6)),
    "T": (frame(ACROSS, [(1, 1), (1, 2)]), (4, 3)),
    "T at a corner": (frame([(0, 1), (1, 1), (2, 1)], [(1, 1), (1, 2)]), (4, 3)),
    "a bend is no node": (frame([(0, 1), (1, 1), (2, 2)]), (2, 1)),
    "end to end": (frame([(0, 0), (1, 0)], [(1, 0), (2, 0)]), (3, 2)),
    "apart": (frame([(0, 0), (1, 0)], [(0, 1), (1, 1)]), (4, 2)),
    "bridge over": (frame(ACROSS, UP, bridge=[True, False]), (4, 2)),
    "two bridges of one level": (frame(ACROSS, UP, bridge=[True, True]), (5, 4)),
    "tunnel under": (frame(ACROSS, UP, tunnel=[True, None]), (4, 2)),
    "two levels": (frame(ACROSS, UP, level=[0, 1]), (4, 2)),
    "a corner above a corner": (frame([(0, 1), (1, 1), (2, 1)], [(1, 0), (1, 1), (1, 2)], level=[0, 1]), (4, 2)),
    "a bridge begins on a road": (frame(ACROSS, [(1, 1), (1, 2)], bridge=[False, True]), (4, 3)),
    "a road ends on a bridge": (frame([(1, 1), (1, 2)], ACROSS, bridge=[False, True]), (4, 3)),
    "bridge between two roads": (frame([(0, 0), (1, 0)], [(1, 0), (2, 0)], [(2, 0), (3, 0)], bridge=[0, 1, 0]), (4, 3)),
    "twice the same": (frame(ACROSS, ACROSS), (2, 2)),
    "the same backwards": (frame(ACROSS, ACROSS[::-1]), (2, 2)),
    "one along a part of the other": (frame([(0, 0), (3, 0)], [(1, 0), (2, 0)]), (4, 4)),
    "overlapping ends": (frame([(0, 0), (2, 0)], [(1, 0), (3, 0)]), (4, 4)),
    "a closed loop": (frame(SQUARE), (1, 1)),
    "a loop with a tail": (frame([(-1, 0), (1, 0), (1, 1), (0, 1), (0, 0)]), (2, 2)),
    "an eight": (frame([(0, 0), (2, 2), (2, 0), (0, 2)]), (3, 3)),
    "there and back": (frame([(0, 0), (2, 0), (1, 0)]), (2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_nodes_and_links(case: str) -> None:
    lines, expected = CASES[case]
    assert size(road_graph(lines)) == expected


def test_there_and_back_is_a_way_to_its_end_and_a_loop_round_the_turn() -> None:
    assert sorted(road_graph(CASES["there and back"][0]).length_m.round().tolist()) == [111, 223]


@pytest.mark.parametrize(("gap_m", "links"), [(0.0, 3), (0.01, 3), (-0.01, 3), (0.05, 2), (-0.05, 4)])
def test_an_end_within_two_centimetres_of_a_road_lies_on_it(gap_m: float, links: int) -> None:
    end = 1 + gap_m / (STEP * _noding.METRES_A_DEGREE)
    assert road_graph(frame(ACROSS, [(1, end), (1, 2)])).links == links


@pytest.mark.parametrize("lat", [0, 60, -80])
def test_the_tolerance_is_in_metres_at_any_latitude(lat: float) -> None:
    aside = 1.5 / (_noding.METRES_A_DEGREE * np.cos(np.radians(lat)))
    shapes = [LineString([(0, lat), (0, lat + 1)]), LineString([(aside, lat + 0.5), (1, lat + 0.5)])]
    lines = gpd.GeoDataFrame(geometry=shapes, crs=4326)
    assert [road_graph(lines, tolerance_m=metres).links for metres in (1.4, 1.6)] == [2, 3]


def brute(lines: list[list[tuple[int, int]]], storeys: list[int]) -> tuple[Counter[Any], int]:
    """Links as (line, place, place) and how many nodes, by fractions and all pairs of stretches."""
    stretches = [(line, at) for line, corners in enumerate(lines) for at in range(len(corners) - 1)]
    meets = [(corners[end], line, line) for line, corners in enumerate(lines) for end in (0, -1)]
    for one, other in permutations(stretches, 2):
        meets += [(lines[one[0]][corner], one[0], other[0]) for corner in corners_on(lines, storeys, one, other)]
    for one, other in combinations(stretches, 2):
        place = crossing(*lines[one[0]][one[1] : one[1] + 2], *lines[other[0]][other[1] : other[1] + 2])
        if place is not None and storeys[one[0]] == storeys[other[0]]:
            meets.append((place, one[0], other[0]))
    joined = {((place, storeys[one]), (place, storeys[other])) for place, one, other in meets}
    return links_between(lines, storeys, joined), len(components(joined))


def corners_on(lines: list[list[tuple[int, int]]], storeys: list[int], one: tuple[int, int], other: tuple[int, int]) -> list[int]:
    """The corners of one stretch that lie on another and join it there."""

    def is_end(line: int, corner: int) -> bool:
        return corner in {0, len(lines[line]) - 1}

    def joins(corner: int) -> bool:
        place = lines[one[0]][corner]
        own = one[0] == other[0] and corner in {other[1], other[1] + 1}
        ends = [each for each in (other[1], other[1] + 1) if is_end(other[0], each) and lines[other[0]][each] == place]
        may = storeys[one[0]] == storeys[other[0]] or is_end(one[0], corner) or bool(ends)
        return may and not own and on(place, *lines[other[0]][other[1] : other[1] + 2])

    return [corner for corner in (one[1], one[1] + 1) if joins(corner)]


def links_between(lines: list[list[tuple[int, int]]], storeys: list[int], joined: set[tuple[Any, Any]]) -> Counter[Any]:
    places = {joint for pair in joined for joint in pair}
    found: Counter[Any] = Counter()
    for line, corners in enumerate(lines):
        stops = [corners[0]]
        for tail, head in pairwise(corners):
            here = {place for place, storey in places if storey == storeys[line] and on(place, tail, head) and place != tail}
            stops += sorted(here, key=lambda place: (place[0] - tail[0]) ** 2 + (place[1] - tail[1]) ** 2)
        found += Counter((line, rounded(a), rounded(b)) for a, b in pairwise(stops))
    return found


def rounded(place: Any) -> tuple[float, float]:
    return round(float(place[0]), 6), round(float(place[1]), 6)


def components(pairs: set[tuple[Any, Any]]) -> set[Any]:
    leader = {joint: joint for pair in pairs for joint in pair}
    for _ in leader:
        for one, other in pairs:
            leader[one] = leader[other] = min(leader[one], leader[other])
    return set(leader.values())


def on(place: Any, tail: Any, head: Any) -> bool:
    turn = (head[0] - tail[0]) * (place[1] - tail[1]) - (head[1] - tail[1]) * (place[0] - tail[0])
    return turn == 0 and all(min(tail[axis], head[axis]) <= place[axis] <= max(tail[axis], head[axis]) for axis in (0, 1))


def crossing(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Where two stretches cross between their ends, exactly."""
    r, s, q = (b[0] - a[0], b[1] - a[1]), (d[0] - c[0], d[1] - c[1]), (c[0] - a[0], c[1] - a[1])
    turn = r[0] * s[1] - r[1] * s[0]
    if turn == 0:
        return None
    t, u = Fraction(q[0] * s[1] - q[1] * s[0], turn), Fraction(q[0] * r[1] - q[1] * r[0], turn)
    return (a[0] + t * r[0], a[1] + t * r[1]) if 0 < t < 1 and 0 < u < 1 else None


CORNER = st.tuples(st.integers(0, 5), st.integers(0, 5))
LINE = st.lists(CORNER, min_size=2, max_size=4).filter(lambda line: all(a != b for a, b in pairwise(line)))


def found_links(graph: RoadGraph) -> Counter[Any]:
    ends = [(graph.lon[node] / STEP, graph.lat[node] / STEP) for node in range(graph.nodes)]
    return Counter(
        (int(graph.feature[link]), rounded(ends[graph.start[link]]), rounded(ends[graph.end[link]])) for link in range(graph.links)
    )


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(LINE, st.integers(0, 1)), min_size=1, max_size=6))
def test_noding_is_what_fractions_over_all_pairs_give(given: list[tuple[list[tuple[int, int]], int]]) -> None:
    lines, storeys = [line for line, _ in given], [storey for _, storey in given]
    graph = road_graph(frame(*lines, level=storeys), tolerance_m=0.001)
    links, nodes = brute(lines, storeys)
    assert found_links(graph) == links
    assert graph.nodes == nodes


@settings(max_examples=40, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_way_a_line_runs_change_no_place(lines: list[Any], random: Any) -> None:
    mixed = list(lines)
    random.shuffle(mixed)
    one, other = road_graph(frame(*lines)), road_graph(frame(*(line[::-1] for line in mixed)))
    assert size(one) == size(other)
    assert np.allclose(sorted(one.length_m), sorted(other.length_m), atol=1e-4)
    assert np.allclose(np.sort(one.lon), np.sort(other.lon), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(st.lists(LINE, min_size=1, max_size=6))
def test_shared_points_are_all_equal_corners_and_all_ends(lines: list[list[tuple[int, int]]]) -> None:
    uses = Counter(corner for line in lines for corner in line)
    nodes = {corner for corner, count in uses.items() if count > 1} | {line[end] for line in lines for end in (0, -1)}
    graph = road_graph(frame(*lines), noding="shared points")
    assert {rounded(place) for place in zip(graph.lon / STEP, graph.lat / STEP, strict=True)} == {rounded(node) for node in nodes}
    assert graph.links == sum(sum(corner in nodes for corner in line) - 1 for line in lines)


@pytest.mark.parametrize(
    ("rules", "links"),
    [((None, None), 4), (("crossings", "shared_points"), 4), (("shared points", "shared_points"), 2)],
)
def test_a_row_may_name_its_rule_and_one_line_that_crosses_is_enough(rules: tuple[str | None, str | None], links: int) -> None:
    assert road_graph(frame(ACROSS, UP, joined_by=rules)).links == links


def test_beside_a_line_that_crosses_the_others_keep_to_their_points_whatever_the_level() -> None:
    lines = [[(0, 1), (1, 1), (2, 1)], [(1, 0), (1, 1), (1, 2)], ACROSS, [(0, 5), (1, 5)]]
    rules = ["shared points", "shared points", "shared points", "crossings"]
    graph = road_graph(frame(*lines, joined_by=rules, level=[0, 1, 2, 0]))
    assert Counter(graph.feature.tolist()) == {0: 2, 1: 2, 2: 1, 3: 1}


def test_lengths_are_geod_s_to_a_millimetre() -> None:
    line = LineString([(120.0, 30.0), (120.003, 30.001), (120.009, 29.995)])
    graph = road_graph(gpd.GeoDataFrame(geometry=[line, LineString([(120.001, 29.99), (120.001, 30.01)])], crs=4326))
    whole = [GEOD.line_length(*zip(*graph.points[a:b], strict=True)) for a, b in pairwise(graph.point_at)]
    assert np.abs(graph.length_m - whole).max() < 0.001
    assert graph.length_m[graph.feature == 0].sum() == pytest.approx(GEOD.geometry_length(line), abs=0.001)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.tuples(st.floats(-170, 170), st.floats(-89, 89)), min_size=2, max_size=5), min_size=1, max_size=4))
def test_length_of_lines_one_by_one(lines: list[list[tuple[float, float]]]) -> None:
    at = np.cumsum([0, *map(len, lines)])
    metres = lengths_m(np.array([point for line in lines for point in line]), at)
    assert metres == pytest.approx([GEOD.line_length(*zip(*line, strict=True)) for line in lines], abs=0.001)


def test_links_join_up_along_their_nodes() -> None:
    graph = road_graph(frame(SQUARE, [(1, -1), (1, 3)], [(-1, 1), (3, 1)]))
    first, last = graph.points[graph.point_at[:-1]], graph.points[graph.point_at[1:] - 1]
    assert np.array_equal(first, np.column_stack([graph.lon, graph.lat])[graph.start])
    assert np.array_equal(last, np.column_stack([graph.lon, graph.lat])[graph.end])
    assert sorted(graph.part[graph.feature == 0]) == [0, 1, 2, 3, 4]
    assert graph.link_id(0).startswith(str(graph.feature[0]))


def test_a_road_over_the_antimeridian_is_short_and_is_crossed_there() -> None:
    over = [(179.99, 0), (-179.99, 0)], [(-179.995, -0.01), (-179.995, 0.01)], [(180, 0), (180, 1)]
    graph = road_graph(gpd.GeoDataFrame(geometry=[LineString(line) for line in over], crs=4326))
    assert size(graph) == (7, 6)
    assert graph.length_m[graph.feature == 0].sum() == pytest.approx(0.02 * 111_319.49, abs=0.1)
    assert np.abs(graph.lon).max() <= 180


def test_ends_at_180_and_minus_180_are_one_place() -> None:
    lines = [LineString([(179, 0), (180, 0)]), LineString([(-180, 0), (-179, 0)])]
    for rule in ("crossings", "shared points"):
        assert size(road_graph(gpd.GeoDataFrame(geometry=lines, crs=4326), noding=rule)) == (3, 2)


def to_nowhere(lon: float) -> LineString:
    with np.errstate(invalid="ignore"):  # GEOS compares the two ends as it makes the line
        return LineString([(0, 0), (lon, 1)])


LEFT: list[tuple[Any, str]] = [
    (None, "no geometry"),
    (LineString(), "no geometry"),
    (Point(0, 0), "not a line"),
    (shapely.box(0, 0, 1, 1), "not a line"),
    (to_nowhere(np.nan), "a coordinate is unknown or not on the earth"),
    (to_nowhere(np.inf), "a coordinate is unknown or not on the earth"),
    (LineString([(0, 0), (181, 1)]), "a coordinate is unknown or not on the earth"),
    (LineString([(0, 91), (0, 1)]), "a coordinate is unknown or not on the earth"),
    (LineString([(1, 1), (1, 1)]), "no length"),
    (MultiLineString([[(5, 5), (6, 6)], [(1, 1), (1, 1), (1, 1)]]), "no length"),
    (LineString([(-170, 0), (5, 0), (170, 0), (-170, 0)]), "more than half round the earth"),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("shape", "reason"), LEFT, ids=range(len(LEFT)))
def test_what_cannot_be_a_road_is_left_out_and_counted(shape: Any, reason: str) -> None:
    good = LineString([(-179, 0), (179, 0)])
    graph = road_graph(gpd.GeoDataFrame(geometry=[good, shape], index=["good", "bad"], crs=4326))
    assert [(left.reason, left.count, left.first_id) for left in graph.left] == [(reason, 1, "bad")]
    assert graph.feature_ids == ("good", "bad")
    assert 0 in graph.feature


@pytest.mark.parametrize("rule", ["crossings", "shared points"])
def test_no_lines_and_no_geometry_are_a_graph_of_nothing(rule: Any) -> None:
    for shapes in ([], [None]):
        assert size(road_graph(gpd.GeoDataFrame(geometry=shapes, crs=4326), noding=rule)) == (0, 0)


def test_a_multi_line_is_one_feature_in_parts() -> None:
    both = MultiLineString([[(0, 0), (2, 0)], [(1, -1), (1, 1)]])
    graph = road_graph(gpd.GeoDataFrame(geometry=[both], index=["m"], crs=4326))
    assert size(graph) == (5, 4)
    assert sorted(graph.link_id(link) for link in range(4)) == ["m#0", "m#1", "m#2", "m#3"]


CAR, TRUCK, BICYCLE, FOOT = map(mode_bit, ("car", "truck", "bicycle", "foot"))
ALL = CAR | TRUCK | BICYCLE | FOOT


@pytest.mark.parametrize(
    ("columns", "forward", "backward"),
    [
        ({}, ALL, ALL),
        ({"one_way": True}, ALL, FOOT),
        ({"one_way": True, "bicycle_both_ways": True}, ALL, FOOT | BICYCLE),
        ({"one_way": None, "car": False}, ALL - CAR, ALL - CAR),
        ({"road_class": "steps"}, FOOT, FOOT),
        ({"road_class": "steps", "bicycle": True}, FOOT | BICYCLE, FOOT | BICYCLE),
        ({"road_class": "steps", "foot": False}, 0, 0),
        ({"road_class": None, "foot": None}, ALL, ALL),
    ],
)
def test_who_may_go_which_way(columns: dict[str, Any], forward: int, backward: int) -> None:
    graph = road_graph(frame(ACROSS, **{name: [value] for name, value in columns.items()}), class_modes={"steps": ("foot",)})
    assert (graph.forward[0], graph.backward[0]) == (forward, backward)


def test_columns_by_other_names_and_defaults_of_those_missing() -> None:
    lines = frame(ACROSS, kind=["lane"], called=["街"], v=[0.0])
    graph = road_graph(lines, RoadColumns(road_class="kind", name="called", limit_kmh="v"))
    assert (graph.classes, graph.name(0), np.isnan(graph.limit_kmh[0])) == (("lane",), "街", True)
    plain = road_graph(lines)
    assert (plain.classes, plain.name(0), plain.bridge[0], plain.tunnel[0]) == (("other",), "", False, False)


def test_every_type_of_column_a_layer_has_is_read() -> None:
    lines = frame(ACROSS, UP).assign(
        bridge=pd.array([True, None], dtype="boolean"), level=pd.array([1, None], dtype="Int64"), max_speed_kmh=[60.0, np.nan],
        name=pd.array(["桥", None], dtype="str"),
    )  # fmt: skip
    graph = road_graph(lines)
    assert [(bool(graph.bridge[at]), graph.name(at)) for at in np.argsort(graph.feature)] == [(True, "桥"), (False, "")]
    assert graph.limit_kmh[np.argsort(graph.feature)].tolist() == pytest.approx([60, np.nan], nan_ok=True)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: road_graph(frame(ACROSS).set_crs(3857, allow_override=True)), CrsError, "not longitude, latitude"),
        (lambda: road_graph(frame(ACROSS), noding="by eye"), ParameterError, "no such rule.*crossings, shared points"),
        (lambda: road_graph(frame(ACROSS, joined_by=["glue"])), ParameterError, "no such rule.*got: glue"),
        (lambda: road_graph(frame(ACROSS), tolerance_m=11), ParameterError, "0 to 10 metres; got: 11"),
        (lambda: road_graph(frame(ACROSS), tolerance_m=np.nan), ParameterError, "0 to 10 metres; got: nan"),
        (lambda: road_graph(frame(ACROSS, bridge=["yes"])), ParameterError, "column bridge.*true, false or null"),
        (lambda: graph_of_arrays([0], [0, 1], [], []), ParameterError, "longitudes and latitudes differ"),
        (lambda: graph_of_arrays([0], [95], [], []), ParameterError, "not on the earth.*latitude 95"),
        (lambda: graph_of_arrays([0], [0], [0], [1]), ParameterError, "one of the nodes.*0 to 0; got: 1"),
        (lambda: graph_of_arrays([0], [0], [-1], [0]), ParameterError, "one of the nodes.*got: -1"),
        (lambda: graph_of_arrays([0], [0], [0], [0], length_m=[-2]), ParameterError, "no length.*got: -2"),
        (lambda: graph_of_arrays([0], [0], [0], [0], length_m=[np.inf]), ParameterError, "no length.*got: inf"),
        (lambda: graph_of_arrays([0], [0], [0], [0], road_class=[3]), ParameterError, "one of the classes"),
        (lambda: graph_of_arrays([0], [0], [0], [0], feature=[1], feature_ids=["a"]), ParameterError, "one of the features"),
        (lambda: graph_of_arrays([0], [0], [0], [0], bridge=[True, False]), ParameterError, "a column and the links"),
        (lambda: graph_of_arrays([0], [0], [0], [0], points=[(0, 0)], point_at=[0, 1]), ParameterError, "offsets do not fit"),
    ],
)
def test_refused(call: Callable[[], object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        call()


def test_a_thousand_lines_that_all_cross_are_noded_and_too_many_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    angle = np.linspace(0, np.pi, 301)[:-1]
    spokes = frame(*([(-np.cos(a) * 9, -np.sin(a) * 9), (np.cos(a) * 9, np.sin(a) * 9)] for a in angle))
    assert size(road_graph(spokes)) == (601, 600)
    monkeypatch.setattr(_noding, "MAX_PAIRS", 20_000)
    start = time.process_time()
    with pytest.raises(ParameterError, match=r"meet too often.*at most 20000"):
        road_graph(spokes)
    assert time.process_time() - start < 1


def test_progress_rises_to_one_and_may_stop_the_work() -> None:
    heard: list[float] = []
    road_graph(frame(ACROSS, UP), progress=heard.append)
    assert heard == [1.0]
    with pytest.raises(ZeroDivisionError):
        road_graph(frame(ACROSS, UP), progress=lambda share: 1 // 0)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 7), st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6), st.booleans()), max_size=9))
def test_parts_are_what_can_be_walked_to(nodes: int, links: list[tuple[int, int, bool]]) -> None:
    ends = [(a % nodes, b % nodes) for a, b, _ in links]
    graph = graph_of_arrays([0.0] * nodes, [0.0] * nodes, [a for a, _ in ends], [b for _, b in ends])
    usable = np.array([use for *_, use in links], dtype=bool)
    found = parts(graph, usable)
    reach = walked(nodes, [end for end, use in zip(ends, usable, strict=True) if use])
    assert all((found[a] == found[b]) == (b in reach[a]) for a in range(nodes) for b in range(nodes))
    assert list(dict.fromkeys(found.tolist())) == sorted(set(found.tolist()))


def walked(nodes: int, ends: list[tuple[int, int]]) -> list[set[int]]:
    reach = [{node} for node in range(nodes)]
    for _ in range(nodes):
        for a, b in ends:
            both = reach[a] | reach[b]
            for node in both:
                reach[node] = reach[node] | both
    return reach


def test_neighbours_lie_near_in_memory() -> None:
    lines = [[(0, row), (40, row)] for row in range(40)] + [[(column, 0), (column, 40)] for column in range(40)]
    graph = road_graph(frame(*lines))
    assert np.median(np.abs(graph.start - graph.end)) <= 4
    assert (np.diff(graph.start) >= 0).all()


def test_one_place_and_no_place_have_an_order() -> None:
    assert along_hilbert(np.array([5.0, 5.0]), np.array([1.0, 1.0])).tolist() == [0, 1]
    assert along_hilbert(np.empty(0), np.empty(0)).tolist() == []
