"""The city's rivers: where they run, what they are called, and the drainage that floods and places go by."""

from typing import Final

import geopandas as gpd
import numpy as np

from layers._catalog import layer
from layers._demo.grid import Floats, Ints, draws
from layers._demo.lines import drawn, wander
from layers._demo.names import Names
from layers._demo.storm import Drainage
from layers._demo.terrain import Ground
from layers._demo.water import flow, reaches, stream_order
from layers._frame import typed

_SOURCE_KM2: Final = 9.0
"""A stream begins where so much drains together."""

_NAMED_KM2: Final = 25.0
"""Smaller streams have no name."""


def drain(ground: Ground) -> Drainage:
    """Streams, their order, and every cell's height above the stream it drains to."""
    grid = ground.grid
    tree = flow(ground.height_mm, grid)
    catchment = tree.gathered(np.full(grid.size, grid.cell_km2))
    is_stream = catchment >= _SOURCE_KM2
    stream_of = tree.inherited(np.arange(grid.size), is_stream)
    above = np.maximum(ground.height_mm - ground.height_mm[stream_of], 0) / 1000.0
    return Drainage(tree, is_stream, stream_order(tree, is_stream), stream_of, above, catchment)


def make_rivers(seed: int, ground: Ground, drainage: Drainage) -> tuple[gpd.GeoDataFrame, Ints, list[str], list[list[int]]]:
    """The layer; the number of the named river each cell drains to (0 none); the names by number; and the cell paths."""
    rng = draws(seed, 3)
    grid = ground.grid
    paths = reaches(drainage.tree, drainage.is_stream & ground.inside)
    stem_of, count = _stems(drainage, ground)
    names = Names(rng)
    mouth_km2 = np.zeros(count + 1)
    np.maximum.at(mouth_km2, stem_of, drainage.catchment_km2)
    called = [names.river() if km2 >= _NAMED_KM2 else "" for km2 in mouth_km2.tolist()]
    stray = wander(rng, grid, 70)
    columns = {
        "name": [called[stem_of[path[0]]] or None for path in paths],
        "stream_order": [int(drainage.order[path[0]]) for path in paths],
        "catchment_km2": [round(float(drainage.catchment_km2[path[-2]]), 1) for path in paths],
    }
    index = [f"demo-rivers-{number:04d}" for number in range(1, len(paths) + 1)]
    frame = typed(layer("rivers"), columns, [drawn(path, grid, stray) for path in paths], index)
    river_of = np.where(drainage.is_stream[drainage.stream_of], stem_of[drainage.stream_of], 0)
    return frame, river_of, called, paths


def _stems(drainage: Drainage, ground: Ground) -> tuple[Ints, int]:
    """Each stream cell's river: upstream the name follows the branch with the larger catchment."""
    tree, catchment = drainage.tree, drainage.catchment_km2
    stem = np.zeros(len(catchment), dtype=np.int64)
    mine = drainage.is_stream & ground.inside
    heir = _largest_tributary(tree.receiver, catchment, mine)
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
