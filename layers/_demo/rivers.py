"""The city's rivers: where they run, what they are called, and the drainage that floods and places go by."""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
from scipy import ndimage

from layers._catalog import layer
from layers._demo.grid import Floats, Grid, Ints, draws
from layers._demo.lines import course, drawn, eased, wander
from layers._demo.names import Names
from layers._demo.terrain import Ground
from layers._demo.water import Drainage, flow, reaches, stream_order
from layers._frame import typed

_SOURCE_KM2: Final = 9.0
"""A stream begins where so much drains together."""

_NAMED_KM2: Final = 25.0
"""Smaller streams have no name."""

_STRAY_M: Final = 95


def drain(ground: Ground) -> Drainage:
    """Streams, their order, and every cell's height above the stream it drains to."""
    grid = ground.grid
    tree = flow(ground.height_mm, grid)
    catchment = tree.gathered(np.full(grid.size, grid.cell_km2))
    is_stream = catchment >= _SOURCE_KM2
    stream_of = tree.inherited(np.arange(grid.size), is_stream)
    above = np.maximum(ground.height_mm - ground.height_mm[stream_of], 0) / 1000.0
    return Drainage(tree, is_stream, stream_order(tree, is_stream), stream_of, above, catchment)


@dataclass(frozen=True)
class Rivers:
    """The layer's frame; each cell's place on a river's line; by river's number (0 none) its name; and where they run.

    ``river_of`` numbers each stream cell's river. ``nearest`` is for each cell of the finer grid the stream cell whose
    stretch of line is nearest, and ``away_m`` how far it is.
    """

    frame: gpd.GeoDataFrame
    places: Floats
    names: tuple[str, ...]
    river_of: Ints
    nearest: Ints
    away_m: Floats


def make_rivers(seed: int, ground: Ground, drainage: Drainage) -> Rivers:
    """Reaches from source or confluence to confluence; the larger river runs on smoothly where a smaller one joins it."""
    rng = draws(seed, 3)
    grid = ground.grid
    paths = reaches(drainage.tree, drainage.is_stream & ground.inside)
    heir = _largest_tributary(drainage.tree.receiver, drainage.catchment_km2, drainage.is_stream & ground.inside)
    stem_of, count = _stems(drainage, ground, heir)
    names = Names(rng)
    mouth_km2 = np.zeros(count + 1)
    np.maximum.at(mouth_km2, stem_of, drainage.catchment_km2)
    called = tuple(names.river() if km2 >= _NAMED_KM2 else "" for km2 in mouth_km2.tolist())
    between = np.flatnonzero((heir >= 0) & (drainage.tree.receiver != np.arange(grid.size)) & (stem_of > 0))
    places = eased(wander(rng, grid, _STRAY_M), between, heir[between], drainage.tree.receiver[between])
    columns = {
        "name": [called[stem_of[path[0]]] or None for path in paths],
        "stream_order": [int(drainage.order[path[0]]) for path in paths],
        "catchment_km2": [round(float(drainage.catchment_km2[path[-2]]), 1) for path in paths],
    }
    index = [f"demo-rivers-{number:04d}" for number in range(1, len(paths) + 1)]
    frame = typed(layer("rivers"), columns, [drawn(path, places) for path in paths], index)
    return Rivers(frame, places, called, stem_of, *_nearest(paths, places, grid.finer))


def _nearest(paths: list[list[int]], places: Floats, finer: Grid) -> tuple[Ints, Floats]:
    """For each cell the stream cell whose stretch of line is nearest, and the metres to it."""
    points = np.concatenate([course(path, places, rounds=3) for path in paths])
    lengths = [len(course(path, places, rounds=3)) for path in paths]
    cells = np.array([cell for path in paths for cell in path])
    offset = np.repeat(np.cumsum([0, *map(len, paths[:-1])]), lengths)
    on_line = np.full(finer.size, -1)
    on_line[finer.cell_at(points[:, 0], points[:, 1])] = cells[offset + np.rint(points[:, 2]).astype(np.int64)]
    away, at = ndimage.distance_transform_edt(on_line.reshape(finer.shape) < 0, return_indices=True)
    return on_line.reshape(finer.shape)[at[0], at[1]], away * finer.cell_m


def _stems(drainage: Drainage, ground: Ground, heir: Ints) -> tuple[Ints, int]:
    """Each stream cell's river: upstream the name follows the branch with the larger catchment."""
    tree = drainage.tree
    stem = np.zeros(len(heir), dtype=np.int64)
    mine = drainage.is_stream & ground.inside
    count = 0
    for cells in tree.levels:
        for cell in cells[mine[cells]].tolist():
            below = int(tree.receiver[cell])
            if below != cell and mine[below] and heir[below] == cell:
                stem[cell] = stem[below]
            else:
                count += 1
                stem[cell] = count
    return stem, count


def _largest_tributary(receiver: Ints, catchment: Floats, mine: np.ndarray) -> Ints:
    cells = np.flatnonzero(mine)
    ranked = cells[np.argsort(catchment[cells], kind="stable")]
    heir = np.full(len(receiver), -1, dtype=np.int64)
    heir[receiver[ranked]] = ranked
    return heir
