"""Where people live off the main roads: streets in the close-built parts of towns, village lanes by least effort to a road.

Of the two diagonals of four cells only one may be a lane, so that no two lanes cross but in a cell. A lane keeps off the
rivers that take a bridge, unless the way round is very long.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from layers._demo.areas import Areas
from layers._demo.grid import STEPS, Floats, Grid, Ints, Mask, draws, metre_points
from layers._demo.lines import eased
from layers._demo.terrain import Ground
from layers._demo.ways import Edge, beside, passed_through

STREET: Final = 5
VILLAGE: Final = 6
_THEME: Final = 21
_STREET_PEOPLE: Final = 280
"""So many people in a cell, and it has streets."""
_LANE_PEOPLE: Final = {2: 80, 4: 10}
"""Of each square of so many cells a side the cell with the most people has a lane, if it has so many."""
_STEEP: Final = 0.3
_BRIDGE_EFFORT: Final = (0, 0, 20_000, 60_000)
"""What crossing a river of that order costs beside the way itself; no lane crosses a larger one."""
_BANK_M: Final = 25.0
"""A lane as near to a river as this is taken to cross it."""
_OFF_BRIDGES_M: Final = 190.0
"""No lane leaves a main road nearer to a river than this, where its bridge may be."""
_FURTHEST: Final = 60_000.0
"""Who lives further than this effort from a road is reached on foot."""
_CROSS_LINK_ONE_IN: Final = 3


@dataclass(frozen=True)
class Lanes:
    """Pairs of cells that a street or a village lane joins, with its kind; and where in each cell the roads pass."""

    edges: Mapping[Edge, int]
    places: Floats


def make_lanes(
    seed: int, ground: Ground, areas: Areas, main: Mapping[Edge, int], places: Floats, rivers: gpd.GeoDataFrame
) -> Lanes:
    """Lanes to where people live, each of which a car comes to from a main road; ``places`` is where main roads pass."""
    rng = draws(seed, _THEME)
    grid = ground.grid
    on_main = np.zeros(grid.size, dtype=bool)
    on_main[np.unique(sorted(main))] = True
    places = np.where(on_main[:, None], places, _calmed(places, grid))
    water = Water.of(rivers)
    starts = np.flatnonzero(on_main)
    starts = starts[~water.near(places[starts], _OFF_BRIDGES_M)]
    usable = (areas.town_of > 0) & (ground.slope < _STEEP) & ~on_main
    usable[starts] = True
    pairs, cost = _links(rng, ground, usable, on_main, main, places, water)
    far, before = _reached(pairs, cost, starts, grid)
    close = (areas.people >= _STREET_PEOPLE) & np.isfinite(far)
    people = np.where(np.isfinite(far), areas.people, 0)
    wanted = np.concatenate([np.flatnonzero(close), *(_most_peopled(people, grid, *rule) for rule in _LANE_PEOPLE.items())])
    tree = _tree(before, wanted)
    joined = tree | _streets(pairs, cost, close, grid) | _cross_links(rng, pairs, cost, tree)
    edges = {edge: STREET if close[list(edge)].all() else VILLAGE for edge in sorted(joined)}
    return Lanes(edges, eased(places, *passed_through(edges, set(np.flatnonzero(on_main).tolist()))))


def _calmed(places: Floats, grid: Grid) -> Floats:
    """Off the cells' centres by the mean of nine cells: streets side by side bend alike."""
    centres = np.stack(grid.centres_m, 1)
    off = (places - centres).reshape(*grid.shape, 2)
    return np.asarray(centres + ndimage.uniform_filter(off, size=(3, 3, 0), mode="nearest").reshape(-1, 2))


@dataclass(frozen=True)
class Water:
    """The rivers that take a bridge, side by side of their lines in metres, with the order of each."""

    tree: shapely.STRtree
    order: Ints

    @classmethod
    def of(cls, rivers: gpd.GeoDataFrame) -> "Water":
        """From the layer's frame."""
        order = rivers["stream_order"].to_numpy(dtype=np.int64)
        wide = np.flatnonzero(order >= 2)
        points, line = shapely.get_coordinates(shapely.transform(rivers.geometry.to_numpy()[wide], metre_points), return_index=True)
        one = np.flatnonzero(line[1:] == line[:-1])
        sides = np.asarray(shapely.linestrings(np.stack([points[one], points[one + 1]], 1)), dtype=object)
        return cls(shapely.STRtree(sides), order[wide][line[one]])

    def near(self, places: Floats, metres: float) -> Mask:
        """Which places lie so near to a river."""
        found = np.zeros(len(places), dtype=bool)
        found[self.tree.query(shapely.points(places), predicate="dwithin", distance=metres)[0]] = True
        return found

    def crossed(self, here: Floats, there: Floats) -> Ints:
        """The order of the largest river that a straight way from here to there crosses, 0 for none."""
        found = np.zeros(len(here), dtype=np.int64)
        way, river = self.tree.query(shapely.linestrings(np.stack([here, there], 1)), predicate="dwithin", distance=_BANK_M)
        np.maximum.at(found, way, self.order[river])
        return found


def _links(
    rng: np.random.Generator, ground: Ground, usable: Mask, on_main: Mask, main: Mapping[Edge, int], places: Floats, water: Water
) -> tuple[Ints, Floats]:
    """Pairs of neighbouring cells that a lane may join, and the effort of each in whole units."""
    grid = ground.grid
    falling = _falling(rng, main, grid)
    cell_cost = 20 + np.round(1500 * ground.slope).astype(np.int64)
    pairs, cost = [], []
    for down, right in STEPS[1:3] + STEPS[5:7]:
        here, there = grid.pairs((down, right))
        kept = usable[here] & usable[there] & ~(on_main[here] & on_main[there])
        if down and right:
            kept &= falling[here] if right > 0 else ~falling[here - 1]
        here, there = here[kept], there[kept]
        pairs.append(np.stack([np.minimum(here, there), np.maximum(here, there)], 1))
        cost.append((cell_cost[here] + cell_cost[there]) * (7 if down and right else 5))
    found, effort = np.concatenate(pairs), np.concatenate(cost)
    order = water.crossed(places[found[:, 0]], places[found[:, 1]])
    kept = order < len(_BRIDGE_EFFORT)
    return found[kept], (effort[kept] + np.array(_BRIDGE_EFFORT)[order[kept]]).astype(float)


def _falling(rng: np.random.Generator, main: Mapping[Edge, int], grid: Grid) -> Mask:
    """Of each cell and its three neighbours to the right and below: whether a diagonal way falls to the right."""
    found = rng.integers(0, 2, grid.size) > 0
    for a, b in main:
        if b - a == grid.columns + 1:
            found[a] = True
        if b - a == grid.columns - 1:
            found[a - 1] = False
    return found


def _reached(pairs: Ints, cost: Floats, starts: Ints, grid: Grid) -> tuple[Floats, Ints]:
    """Each cell's effort from the nearest main road, inf where too far, and the cell before it on the way."""
    rows, columns = pairs.T
    graph = csr_array((cost, (rows, columns)), shape=(grid.size, grid.size))
    far, before, _ = dijkstra(graph, directed=False, indices=starts, min_only=True, limit=_FURTHEST, return_predecessors=True)
    return far, before


def _most_peopled(people: Ints, grid: Grid, side: int, least: int) -> Ints:
    """Of each square of ``side`` cells a side the one with the most people, where that has at least so many."""
    rows, columns = grid.rows // side, grid.columns // side
    whole = np.arange(grid.size).reshape(grid.shape)[: rows * side, : columns * side]
    cells = whole.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side * side)
    best = cells[np.arange(len(cells)), people[cells].argmax(axis=1)]
    return np.asarray(best[people[best] >= least], dtype=np.int64)


def _tree(before: Ints, wanted: Ints) -> set[Edge]:
    """The ways from the main roads to all of these cells."""
    found: set[Edge] = set()
    for end in wanted.tolist():
        cell = end
        while (ahead := int(before[cell])) >= 0 and (edge := (min(cell, ahead), max(cell, ahead))) not in found:
            found.add(edge)
            cell = ahead
    return found


def _streets(pairs: Ints, cost: Floats, close: Mask, grid: Grid) -> set[Edge]:
    """Blocks: every close-built cell joined to those beside it."""
    straight = np.isin(pairs[:, 1] - pairs[:, 0], (1, grid.columns))
    kept = straight & close[pairs].all(axis=1) & (cost < _BRIDGE_EFFORT[2])
    return {(int(a), int(b)) for a, b in pairs[kept]}


def _cross_links(rng: np.random.Generator, pairs: Ints, cost: Floats, tree: set[Edge]) -> set[Edge]:
    """From the ends of some lanes on to a lane beside them that is not their own."""
    around = beside(tree)
    near = pairs[(cost < _BRIDGE_EFFORT[2]) & np.isin(pairs, list(around)).all(axis=1)].tolist()
    ends = [(a, b) for a, b in near if 1 in (len(around[a]), len(around[b])) and not {a, *around[a]} & {b, *around[b]}]
    return {end for end, drawn in zip(ends, rng.integers(0, _CROSS_LINK_ONE_IN, len(ends)), strict=True) if drawn == 0}
