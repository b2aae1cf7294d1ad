"""Cells sorted by the block that holds them, by counting: two passes over the cells, whatever their order."""

import numba
import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]


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
