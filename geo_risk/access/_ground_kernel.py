"""Compiled loops of `geo_risk.access.reach`: how far the corners of a grid are from roads, and the line at one distance.

The outline is drawn by marching squares (Maple 2003, Geometric design and space planning using the marching squares and
marching cube algorithms): along each side of a cell with one corner near and one far, the point is where the distance,
taken as linear, is the level. Of two near corners that face each other across a cell, each is cut off by itself. Both
rules are monotone: where distances fall, the ground only grows.
"""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Field = NDArray[np.float32]
Ints = NDArray[np.int64]

_APART: Final = 1e-3  # of a cell: no two corners of an outline coincide, so its rings never touch
_SOUTH, _EAST, _NORTH, _WEST, _NOTHING = 0, 1, 2, 3, -1
_PIECES: Final = np.array(
    [
        # from side to side with the near ground on the left; a second piece where two near corners face each other.
        # Row: 1 south-west + 2 south-east + 4 north-east + 8 north-west near.
        (_NOTHING, _NOTHING, _NOTHING, _NOTHING), (_SOUTH, _WEST, _NOTHING, _NOTHING), (_EAST, _SOUTH, _NOTHING, _NOTHING),
        (_EAST, _WEST, _NOTHING, _NOTHING), (_NORTH, _EAST, _NOTHING, _NOTHING), (_SOUTH, _WEST, _NORTH, _EAST),
        (_NORTH, _SOUTH, _NOTHING, _NOTHING), (_NORTH, _WEST, _NOTHING, _NOTHING), (_WEST, _NORTH, _NOTHING, _NOTHING),
        (_SOUTH, _NORTH, _NOTHING, _NOTHING), (_EAST, _SOUTH, _WEST, _NORTH), (_EAST, _NORTH, _NOTHING, _NOTHING),
        (_WEST, _EAST, _NOTHING, _NOTHING), (_SOUTH, _EAST, _NOTHING, _NOTHING), (_WEST, _SOUTH, _NOTHING, _NOTHING),
        (_NOTHING, _NOTHING, _NOTHING, _NOTHING),
    ],
    dtype=np.int64,
)


@numba.njit(nogil=True, cache=True)
def bring_near(field: Field, segments: Numbers, limit: float) -> None:
    """Lower each corner's distance to that of the nearest segment (x, y, x, y in cells), as far as ``limit`` cells from it."""
    rows, columns = field.shape
    for at in range(len(segments)):
        x, y, dx, dy = segments[at, 0], segments[at, 1], segments[at, 2] - segments[at, 0], segments[at, 3] - segments[at, 1]
        length2 = dx * dx + dy * dy
        first_row = max(int(np.ceil(min(y, y + dy) - limit)), 0)
        last_row = min(int(np.floor(max(y, y + dy) + limit)), rows - 1)
        first_column = max(int(np.ceil(min(x, x + dx) - limit)), 0)
        last_column = min(int(np.floor(max(x, x + dx) + limit)), columns - 1)
        for row in range(first_row, last_row + 1):
            for column in range(first_column, last_column + 1):
                to_x, to_y = column - x, row - y
                share = min(max((to_x * dx + to_y * dy) / length2, 0.0), 1.0) if length2 > 0.0 else 0.0
                off_x, off_y = to_x - share * dx, to_y - share * dy
                far2 = off_x * off_x + off_y * off_y
                if far2 < field[row, column] * field[row, column]:
                    field[row, column] = np.sqrt(far2)


@numba.njit(nogil=True, cache=True)
def outline(field: Field, level: float) -> tuple[Numbers, Ints]:
    """The rings around the ground within ``level``: x, y in cells, the ground on the left, and where each ring begins."""
    begins, ends = _pieces(field, level)
    order = np.argsort(begins)
    begins, ends = begins[order], ends[order]
    after = np.searchsorted(begins, ends)
    corners = np.empty((len(begins), 2))
    starts = np.empty(len(begins) + 1, dtype=np.int64)
    drawn = np.zeros(len(begins), dtype=np.bool_)
    rings, filled = 0, 0
    for first in range(len(begins)):
        if drawn[first]:
            continue
        starts[rings] = filled
        rings += 1
        at = first
        while not drawn[at]:
            drawn[at] = True
            corners[filled, 0], corners[filled, 1] = _corner(field, level, begins[at])
            filled += 1
            at = after[at]
    starts[rings] = filled
    return corners, starts[: rings + 1]


@numba.njit(nogil=True, cache=True)
def _pieces(field: Field, level: float) -> tuple[Ints, Ints]:
    """The sides that each piece of the outline leads from and to."""
    rows, columns = field.shape
    count = 0
    for row in range(rows - 1):
        for column in range(columns - 1):
            kind = _kind(field, level, row, column)
            count += (_PIECES[kind, 0] >= 0) + (_PIECES[kind, 2] >= 0)
    begins, ends = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
    count = 0
    for row in range(rows - 1):
        for column in range(columns - 1):
            kind = _kind(field, level, row, column)
            for piece in (0, 2):
                if _PIECES[kind, piece] >= 0:
                    begins[count] = _side(row, column, columns, _PIECES[kind, piece])
                    ends[count] = _side(row, column, columns, _PIECES[kind, piece + 1])
                    count += 1
    return begins, ends


@numba.njit(nogil=True, cache=True)
def _kind(field: Field, level: float, row: int, column: int) -> int:
    south = int(field[row, column] <= level) + 2 * int(field[row, column + 1] <= level)
    return south + 4 * int(field[row + 1, column + 1] <= level) + 8 * int(field[row + 1, column] <= level)


@numba.njit(nogil=True, cache=True)
def _side(row: int, column: int, columns: int, side: int) -> int:
    """A number for each side of each cell: even along a row, odd up a column, the same for both cells that share it."""
    if side == _SOUTH:
        return 2 * (row * columns + column)
    if side == _NORTH:
        return 2 * ((row + 1) * columns + column)
    if side == _WEST:
        return 2 * (row * columns + column) + 1
    return 2 * (row * columns + column + 1) + 1


@numba.njit(nogil=True, cache=True)
def _corner(field: Field, level: float, side: int) -> tuple[float, float]:
    """Where the outline crosses a side."""
    row, column = (side // 2) // field.shape[1], (side // 2) % field.shape[1]
    up = side % 2
    here, there = float(field[row, column]), float(field[row + up, column + 1 - up])
    share = min(max((level - here) / (there - here), _APART), 1.0 - _APART)
    return column + (0.0 if up else share), row + (share if up else 0.0)
