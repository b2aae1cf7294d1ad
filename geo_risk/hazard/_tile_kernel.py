"""Cells of points, and cells sorted by the block that holds them, by counting: two passes over the cells, whatever their order."""

import numba
import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]


@numba.njit(nogil=True, cache=True)
def cells_at(
    x: Numbers, y: Numbers, west: float, first: float, dx: float, dy: float, columns: int, rows: int, turns: bool, found: Whole
) -> None:
    """Write the cell of each point into ``found``, -1 outside: the same numbers as `geo_risk.hazard.grid.Grid.cells_at`.

    With ``turns`` x is brought east of the grid's western edge by whole turns of 360 first.
    """
    for point in range(len(x)):
        east = x[point]
        if turns:
            east = east + 360.0 * np.ceil((west - east) / 360.0)
        column, row = np.floor((east - west) / dx), np.floor((y[point] - first) / dy)
        inside = column >= 0 and column < columns and row >= 0 and row < rows  # never so for nan
        found[point] = np.int64(row) * columns + np.int64(column) if inside else -1


@numba.njit(nogil=True, cache=True)
def by_block(cells: Whole, columns: int, rows: int, block_rows: int, block_columns: int) -> tuple[Whole, Whole, Whole]:
    """Positions in ``cells`` by block, each one's place within its block's window, and where each block's run starts.

    Cells below 0 are left out. Windows at the far edges are cut to the grid, so a place is counted along the cut width.
    """
    across = (columns + block_columns - 1) // block_columns
    down = (rows + block_rows - 1) // block_rows
    starts = np.zeros(across * down + 1, dtype=np.int64)
    for cell in cells:
        if cell >= 0:
            starts[(cell // columns) // block_rows * across + (cell % columns) // block_columns + 1] += 1
    starts = np.cumsum(starts)
    following = starts[:-1].copy()
    order = np.empty(starts[-1], dtype=np.int64)
    within = np.empty(starts[-1], dtype=np.int64)
    for position, cell in enumerate(cells):
        if cell >= 0:
            row, column = cell // columns, cell % columns
            block_row, block_column = row // block_rows, column // block_columns
            block = block_row * across + block_column
            width = min(block_columns, columns - block_column * block_columns)
            slot = following[block]
            order[slot] = position
            within[slot] = (row - block_row * block_rows) * width + column - block_column * block_columns
            following[block] = slot + 1
    return order, within, starts
