"""Roads between town seats along the ways of least effort, classed by what they join; forest roads into the hills."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import geopandas as gpd
import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers._catalog import layer
from layers._demo.areas import Areas, effort
from layers._demo.grid import STEPS, Floats, Grid, Ints, Mask, draws
from layers._demo.lines import drawn, eased, wander
from layers._demo.rivers import Rivers
from layers._demo.terrain import Ground
from layers._demo.water import Drainage
from layers._frame import typed

_CLASSES: Final = ("national", "provincial", "county", "town", "forest")
_SPEED_KMH: Final = (80.0, 70.0, 50.0, 40.0, 20.0)
_NUMBERS: Final = ("G9{:02d}", "S9{:02d}", "X9{:02d}", "Y9{:02d}", None)
_FOREST: Final = 4
_LETTERED: Final = ("国道", "省道", "县道", "乡道", "林区道路")
_BRIDGE_ORDER: Final = 2
"""A stream of this order or more takes a bridge, a smaller one a culvert."""
FOREST_ROADS: Final = 21
_STRAY_M: Final = 80


@dataclass(frozen=True)
class Roads:
    """The layer's frame, which cells have a road, and each forest road's cells from the road it leaves up into the forest."""

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
    edges = {edge: _FOREST for path in forest for edge in _edges(path)} | edges
    places = np.where(wet[:, None], rivers.places, wander(rng, grid, _STRAY_M))  # a bridge stands where the river runs
    frame = _frame(edges, wet, eased(places, *_along(edges, wet)))
    return Roads(frame, has_road, tuple(tuple(path) for path in forest))


def _ranked_edges(links: dict[tuple[int, int], "_Link"], rank: dict[tuple[int, int], int]) -> dict[tuple[int, int], int]:
    """Each pair of cells that a road joins, with the best class of the links that use it."""
    best: dict[tuple[int, int], int] = {}
    for link, number in sorted(rank.items()):
        for edge in _edges(links[link].path):
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
            path = _back(before, int(here[at]))[::-1] + _back(before, int(there[at]))
            found[pair] = _Link(float(total[at]), path)
    return found


def _back(before: Ints, cell: int) -> list[int]:
    path = [cell]
    while before[path[-1]] >= 0:
        path.append(int(before[path[-1]]))
    return path


def _edges(path: list[int]) -> list[tuple[int, int]]:
    return [(min(a, b), max(a, b)) for a, b in pairwise(path)]


def _classed(links: dict[tuple[int, int], _Link], areas: Areas) -> dict[tuple[int, int], int]:
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
            for edge in _edges(_back(before[start], county_seats[end])):
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


def _way(rank: dict[tuple[int, int], int], links: dict[tuple[int, int], _Link], towns: int, a: int, b: int) -> float:
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
        found.append(_back(before, top)[::-1])
        free = free[(x[free] - x[top]) ** 2 + (y[free] - y[top]) ** 2 > 11_000.0**2]
    return found


def _beside(edges: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    """Each cell's neighbours along roads."""
    beside: dict[int, list[int]] = {}
    for a, b in sorted(edges):
        beside.setdefault(a, []).append(b)
        beside.setdefault(b, []).append(a)
    return beside


def _along(edges: Iterable[tuple[int, int]], wet: Mask) -> tuple[Ints, Ints, Ints]:
    """Dry cells that one road passes through, and the cells before and after."""
    passed = [(cell, *ways) for cell, ways in _beside(edges).items() if len(ways) == 2 and not wet[cell]]
    cell, before, after = np.array(passed, dtype=np.int64).T
    return cell, before, after


def _frame(edges: dict[tuple[int, int], int], wet: Mask, places: Floats) -> gpd.GeoDataFrame:
    paths = _chains(edges, wet)
    kinds = [edges[_edges(path[:2])[0]] for path in paths]
    bridge = [bool(wet[path[0]] ^ wet[path[1]]) or bool(wet[path].all()) for path in paths]
    columns = {
        "name": _numbered(paths, kinds),
        "road_class": [_CLASSES[kind] for kind in kinds],
        "emergency_rank": [kind + 1 if kind < 3 else None for kind in kinds],
        "kind": [_LETTERED[kind] for kind in kinds],
        "bridge": bridge,
        "one_way": [False] * len(paths),
        "max_speed_kmh": [_SPEED_KMH[kind] for kind in kinds],
    }
    index = [f"demo-roads-{number:04d}" for number in range(1, len(paths) + 1)]
    return typed(layer("roads"), columns, [drawn(path, places) for path in paths], index)


def _chains(edges: dict[tuple[int, int], int], wet: Mask) -> list[list[int]]:
    """Paths between junctions, ends, changes of class, and the two banks of a crossing."""
    beside = _beside(edges)

    def stops(cell: int) -> bool:
        ways = beside[cell]
        kinds = {edges[_edges([cell, way])[0]] for way in ways}
        return len(ways) != 2 or len(kinds) > 1 or (not wet[cell] and any(wet[way] for way in ways))

    left = set(edges)
    paths = []
    for start in sorted(cell for cell in beside if stops(cell)):
        for way in beside[start]:
            if _edges([start, way])[0] not in left:
                continue
            path = [start, way]
            left.discard(_edges(path)[0])
            while not stops(path[-1]):
                ahead = next(cell for cell in beside[path[-1]] if cell != path[-2])
                left.discard(_edges([path[-1], ahead])[0])
                path.append(ahead)
            paths.append(path)
    return paths


def _numbered(paths: list[list[int]], kinds: list[int]) -> list[str | None]:
    """One number for roads of a class that touch end to end."""
    group = list(range(len(paths)))
    ends: dict[tuple[int, int], int] = {}
    for place, (path, kind) in enumerate(zip(paths, kinds, strict=True)):
        for end in (path[0], path[-1]):
            other = group[ends.setdefault((end, kind), place)]
            old = group[place]
            group = [other if own == old else own for own in group]
    counts: dict[tuple[int, int], int] = {}
    used = [0] * len(_CLASSES)
    for own, kind in zip(group, kinds, strict=True):
        if (own, kind) not in counts:
            used[kind] += 1
            counts[(own, kind)] = used[kind]
    numbered = [(_NUMBERS[kind], counts[(own, kind)]) for own, kind in zip(group, kinds, strict=True)]
    return [pattern.format(number) if pattern else None for pattern, number in numbered]
