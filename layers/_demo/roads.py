"""Roads between town seats along the ways of least effort, classed by what they join; forest roads into the hills; lanes.

Roads meet at shared points alone. Where one crosses a river as drawn, the stretch over it is a bridge and a feature of its own.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

from layers._catalog import layer
from layers._demo.areas import Areas, effort
from layers._demo.grid import STEPS, Floats, Grid, Ints, Mask, draws, lonlat_points, metre_points
from layers._demo.lanes import make_lanes
from layers._demo.lines import drawn_all, eased, wander
from layers._demo.rivers import Rivers
from layers._demo.terrain import Ground
from layers._demo.water import Drainage
from layers._demo.ways import Edge, back, chains, edges_along, passed_through
from layers._frame import typed

_CLASSES: Final = ("national", "provincial", "county", "town", "forest", "street", "other")
_SPEED_KMH: Final = (80.0, 70.0, 50.0, 40.0, 20.0, 40.0, 30.0)
_NUMBERS: Final = ("G9{:02d}", "S9{:02d}", "X9{:02d}", "Y9{:02d}", None, None, None)
_FOREST: Final = 4
_LETTERED: Final = ("国道", "省道", "县道", "乡道", "林区道路", "街道", "村道")
_BRIDGE_ORDER: Final = 2
"""A stream of this order or more takes a bridge, a smaller one a culvert."""
FOREST_ROADS: Final = 21
_STRAY_M: Final = 80
_HALF_SPAN_M: Final = {2: 25.0, 3: 40.0, 4: 60.0, 5: 90.0, 6: 120.0}
"""How far a bridge reaches to each side of a river of that order."""
_ONE_BRIDGE_M: Final = 60.0
"""A shorter piece of road between two bridges, or before a junction, is part of the bridge."""
_LARGE_ORDER: Final = 3


@dataclass(frozen=True)
class Roads:
    """The layer's frame, which cells have a main road, and each forest road's cells from the road it leaves up into the forest."""

    frame: gpd.GeoDataFrame
    has_road: Mask
    forest: tuple[tuple[int, ...], ...]


def make_roads(seed: int, ground: Ground, drainage: Drainage, areas: Areas, rivers: Rivers) -> Roads:
    """Join neighbouring towns, class the edges by the seats they lead to, and draw them as lines from junction to junction."""
    rng = draws(seed, 4)
    grid = ground.grid
    wet = drainage.is_stream & (drainage.order >= _BRIDGE_ORDER)
    cost = 20 + np.round(1500 * ground.slope).astype(np.int64) + 90 * wet
    graph = effort(grid, cost, areas.town_of > 0, STEPS)
    links = _links(graph + graph.T, areas, grid)
    rank = _classed(links, areas)
    edges = _ranked_edges(links, rank)
    has_road = np.zeros(grid.size, dtype=bool)
    has_road[[cell for edge in edges for cell in edge]] = True
    forest = _forest(graph + graph.T, ground, areas, has_road, wet)
    edges = {edge: _FOREST for path in forest for edge in edges_along(path)} | edges
    places = eased(wander(rng, grid, _STRAY_M), *passed_through(edges))
    lanes = make_lanes(seed, ground, areas, edges, places, rivers.frame)
    frame = _frame({**edges, **lanes.edges}, lanes.places, rivers.frame)
    return Roads(frame, has_road, tuple(tuple(path) for path in forest))


def _ranked_edges(links: dict[tuple[int, int], "_Link"], rank: dict[Edge, int]) -> dict[Edge, int]:
    """Each pair of cells that a road joins, with the best class of the links that use it."""
    best: dict[Edge, int] = {}
    for link, number in sorted(rank.items()):
        for edge in edges_along(links[link].path):
            best[edge] = min(best.get(edge, _FOREST), number)
    return best


@dataclass(frozen=True)
class _Link:
    effort: float
    path: list[int]


def _links(graph: csr_array, areas: Areas, grid: Grid) -> dict[tuple[int, int], _Link]:
    """For each pair of towns side by side the easiest way between their seats over their common border."""
    seats = areas.seats
    far, before, source = dijkstra(graph, indices=seats, min_only=True, return_predecessors=True)
    town = np.full(grid.size, -1, dtype=np.int64)
    number = {int(seat): place for place, seat in enumerate(seats)}
    reached = np.flatnonzero(source >= 0)
    town[reached] = [number[int(cell)] for cell in source[reached]]
    edges = graph.tocoo()
    across = (town[edges.row] < town[edges.col]) & (town[edges.row] >= 0)
    here, there = edges.row[across], edges.col[across]
    total = far[here] + edges.data[across] + far[there]
    found: dict[tuple[int, int], _Link] = {}
    for at in np.lexsort((there, here, total)).tolist():
        pair = int(town[here[at]]), int(town[there[at]])
        if pair not in found:
            path = back(before, int(here[at]))[::-1] + back(before, int(there[at]))
            found[pair] = _Link(float(total[at]), path)
    return found


def _classed(links: dict[tuple[int, int], _Link], areas: Areas) -> dict[Edge, int]:
    """0 national: from the first county's seat to the others'; 1 provincial: between those; 2 least tree; 3 short cuts."""
    towns = len(areas.seats)
    pairs = np.array(sorted(links))
    weights = np.array([links[(int(a), int(b))].effort for a, b in pairs])
    ends = pairs.T
    network = csr_array((np.tile(weights, 2), (np.r_[ends[0], ends[1]], np.r_[ends[1], ends[0]])), shape=(towns, towns))
    county_seats = [int(np.flatnonzero(areas.county_of == county)[0]) for county in range(int(areas.county_of.max()) + 1)]
    rank = dict.fromkeys(_least_tree(pairs, weights, towns), 2)
    far, before = dijkstra(network, indices=county_seats, return_predecessors=True)
    for start in range(len(county_seats) - 1, -1, -1):
        nearest = np.argsort(far[start][county_seats], kind="stable")[1 : None if start == 0 else 3]
        for end in nearest.tolist():
            for edge in edges_along(back(before[start], county_seats[end])):
                rank[edge] = min(rank.get(edge, 9), 0 if start == 0 else 1)
    for a, b in pairs[np.argsort(weights, kind="stable")].tolist():
        if (a, b) not in rank and links[(a, b)].effort < 0.62 * _way(rank, links, towns, a, b):
            rank[(a, b)] = 3
    return rank


def _least_tree(pairs: Ints, weights: np.ndarray, towns: int) -> list[tuple[int, int]]:
    part = list(range(towns))
    tree = []
    for a, b in pairs[np.argsort(weights, kind="stable")].tolist():
        if part[a] != part[b]:
            tree.append((a, b))
            old, new = part[b], part[a]
            part = [new if own == old else own for own in part]
    return tree


def _way(rank: dict[Edge, int], links: dict[tuple[int, int], _Link], towns: int, a: int, b: int) -> float:
    built = sorted(rank)
    data = [links[edge].effort for edge in built]
    network = csr_array((data, ([x for x, _ in built], [y for _, y in built])), shape=(towns, towns))
    return float(dijkstra(network, directed=False, indices=a)[b])


def _forest(graph: csr_array, ground: Ground, areas: Areas, has_road: Mask, wet: Mask) -> list[list[int]]:
    """From the roads up to forest high above them, the furthest first, each well away from the last."""
    grid = ground.grid
    x, y = grid.centres_m
    roads = np.flatnonzero(has_road)
    far, before, _ = dijkstra(graph, indices=roads, min_only=True, return_predecessors=True)
    far = np.where(np.isfinite(far) & ~wet & (areas.people < 5), far, -1.0)
    free = np.argsort(-np.round(np.where(far < 26_000, far, -1.0)).astype(np.int64), kind="stable")
    free = free[far[free] > 4_000]
    found: list[list[int]] = []
    while len(found) < FOREST_ROADS and len(free):
        top = int(free[0])
        found.append(back(before, top)[::-1])
        free = free[(x[free] - x[top]) ** 2 + (y[free] - y[top]) ** 2 > 11_000.0**2]
    return found


@dataclass(frozen=True)
class _Piece:
    """A stretch of the road at a position among the roads; ``river`` is the row of the river it bridges, or -1."""

    road: int
    line: shapely.LineString
    river: int


def _frame(edges: dict[Edge, int], places: Floats, rivers: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    paths, kinds, lines = _apart(*_in_order(edges), places)
    numbers = _numbered(paths, kinds)
    pieces = _bridged(lines, rivers)
    kind = [kinds[piece.road] for piece in pieces]
    bridge = [piece.river >= 0 for piece in pieces]
    index = [f"demo-roads-{number:04d}" for number in range(1, len(pieces) + 1)]
    columns = {
        "name": _named(pieces, kind, [numbers[piece.road] for piece in pieces], rivers),
        "road_class": [_CLASSES[each] for each in kind],
        "emergency_rank": [each + 1 if each < 3 else None for each in kind],
        "kind": [_LETTERED[each] for each in kind],
        "bridge": bridge,
        "level": [int(over) for over in bridge],
        "one_way": [False] * len(pieces),
        "max_speed_kmh": [_SPEED_KMH[each] for each in kind],
        "source_id": index,
    }
    return typed(layer("roads"), columns, [piece.line for piece in pieces], index)


def _in_order(edges: dict[Edge, int]) -> tuple[list[list[int]], list[int]]:
    """The roads' cells and classes, main roads first."""
    paths = chains(edges)
    kinds = [edges[edges_along(path[:2])[0]] for path in paths]
    order = sorted(range(len(paths)), key=lambda at: kinds[at] > _FOREST)
    return [paths[at] for at in order], [kinds[at] for at in order]


def _apart(paths: list[list[int]], kinds: list[int], places: Floats) -> tuple[list[list[int]], list[int], list[shapely.LineString]]:
    """The roads as lines, without lanes that would cross another road between two cells, and without what those led to."""
    lines = drawn_all(paths, places)
    first, second = shapely.STRtree(lines).query(lines, predicate="crosses")
    left_out = set(np.maximum(first, second).tolist()) | set(np.flatnonzero(~shapely.is_simple(lines)).tolist())
    kept = [at for at in range(len(paths)) if kinds[at] <= _FOREST or at not in left_out]
    ends = np.array([(paths[at][0], paths[at][-1]) for at in kept])
    size = int(ends.max()) + 1
    _, part = connected_components(csr_array((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(size, size)), directed=False)
    kept = [at for at in kept if part[paths[at][0]] == part[paths[0][0]]]
    return [paths[at] for at in kept], [kinds[at] for at in kept], [lines[at] for at in kept]


def _bridged(lines: list[shapely.LineString], rivers: gpd.GeoDataFrame) -> list[_Piece]:
    """The lines cut before and after each river that takes a bridge, in order along each line."""
    order = rivers["stream_order"].to_numpy(dtype=np.int64)
    wide = np.flatnonzero(order >= _BRIDGE_ORDER)
    water = shapely.transform(rivers.geometry.to_numpy()[wide], metre_points)
    planes = shapely.transform(np.array(lines), metre_points)
    met: dict[int, list[int]] = {}
    for road, at in zip(*shapely.STRtree(water).query(planes, predicate="intersects").tolist(), strict=True):
        met.setdefault(road, []).append(at)
    pieces: list[_Piece] = []
    for road, (line, plane) in enumerate(zip(lines, planes, strict=True)):
        crossed = [
            (shapely.line_locate_point(plane, shapely.Point(point)), int(wide[at]))
            for at in sorted(met.get(road, []))
            for point in shapely.get_coordinates(shapely.intersection(plane, water[at]))
        ]
        spans = _spans(sorted(crossed), order, plane.length) if crossed else []
        pieces += _pieces(road, line, plane, spans) if spans else [_Piece(road, line, -1)]
    return pieces


def _spans(crossed: list[tuple[float, int]], order: Ints, length: float) -> list[tuple[float, float, int]]:
    """From where to where each bridge reaches along a road, and the largest river under it."""
    spans: list[tuple[float, float, int]] = []
    for at, river in crossed:
        half = _HALF_SPAN_M[min(int(order[river]), max(_HALF_SPAN_M))]
        low, high, over = at - half, at + half, river
        if spans and low - spans[-1][1] < _ONE_BRIDGE_M:
            before = spans.pop()
            low, high = before[0], max(before[1], high)
            over = max(before[2], river, key=lambda each: (order[each], -each))
        spans.append((low, high, over))
    near_end = length - _ONE_BRIDGE_M
    return [(0.0 if low < _ONE_BRIDGE_M else low, length if high > near_end else high, over) for low, high, over in spans]


def _pieces(road: int, line: shapely.LineString, plane: shapely.LineString, spans: list[tuple[float, float, int]]) -> list[_Piece]:
    """The road in pieces that share their ends, bridges and what lies between; its own points stay as they are."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(shapely.get_coordinates(plane), axis=0).T))])
    along[-1] = plane.length
    points = shapely.get_coordinates(line)
    bounds = [0.0, *(end for low, high, _ in spans for end in (low, high)), plane.length]
    rivers = [-1, *(river for _, _, over in spans for river in (over, -1))]
    cuts = lonlat_points(shapely.get_coordinates(shapely.line_interpolate_point(plane, bounds)))
    cuts[0], cuts[-1] = points[0], points[-1]
    found = []
    for at, river in enumerate(rivers):
        low, high = bounds[at], bounds[at + 1]
        if high > low:
            inner = points[(along > low) & (along < high)]
            start, end = (points[0] if low == 0.0 else cuts[at]), (points[-1] if high == plane.length else cuts[at + 1])
            found.append(_Piece(road, shapely.remove_repeated_points(shapely.LineString([start, *inner, end])), river))
    return found


def _named(pieces: list[_Piece], kinds: list[int], numbers: list[str | None], rivers: gpd.GeoDataFrame) -> list[str | None]:
    """A bridge after its river, numbered where the river has several; every other road by its number."""
    order, water = rivers["stream_order"].tolist(), rivers["name"].fillna("").tolist()
    plain = [
        (water[piece.river], "便桥" if kind > _FOREST else "大桥" if order[piece.river] >= _LARGE_ORDER else "桥")
        if piece.river >= 0
        else ("", "")
        for piece, kind in zip(pieces, kinds, strict=True)
    ]
    total, so_far = Counter(plain), Counter[tuple[str, str]]()
    names: list[str | None] = []
    for (river, kind), number in zip(plain, numbers, strict=True):
        so_far[river, kind] += 1
        which = "" if total[river, kind] == 1 else f"{so_far[river, kind]}号"
        names.append(f"{river}{which}{kind}" if river else number)
    return names


def _numbered(paths: list[list[int]], kinds: list[int]) -> list[str | None]:
    """One number for roads of a class that touch end to end."""
    group = list(range(len(paths)))
    ends: dict[Edge, int] = {}
    for place, (path, kind) in enumerate(zip(paths, kinds, strict=True)):
        for end in (path[0], path[-1]) if _NUMBERS[kind] else ():
            other = group[ends.setdefault((end, kind), place)]
            old = group[place]
            if old != other:
                group = [other if own == old else own for own in group]
    counts: dict[Edge, int] = {}
    used = [0] * len(_CLASSES)
    for own, kind in zip(group, kinds, strict=True):
        if (own, kind) not in counts:
            used[kind] += 1
            counts[(own, kind)] = used[kind]
    numbered = [(_NUMBERS[kind], counts[(own, kind)]) for own, kind in zip(group, kinds, strict=True)]
    return [pattern.format(number) if pattern else None for pattern, number in numbered]
