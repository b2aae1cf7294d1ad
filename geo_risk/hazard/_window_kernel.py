"""Compiled exact coverage of small areas: each keeps a window of cells of its own, so nothing has to be sorted.

The sums are those of `_coverage_kernel`, piece by piece of each edge; here they go straight into the window of cells that
the bounds of the area hold. That is many times as fast for footprints, and too much memory for towns.
"""

from typing import Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.int64]
Shape: TypeAlias = tuple[int, int]

FEW_CELLS: Final = 256


@numba.njit(nogil=True, cache=True)
def windows(u: Numbers, v: Numbers, of_object: Cells, shape: Shape) -> Cells:
    """First row, first column, rows and columns of each area's window; column -1 stands for all before the grid.

    ``of_object`` are offsets into the corners, in cells as in `_coverage_kernel.walk`; ``shape`` is (columns, rows).
    """
    found = np.zeros((len(of_object) - 1, 4), np.int64)
    for position in range(len(found)):
        west, north, east, south = np.inf, np.inf, -np.inf, -np.inf
        for at in range(of_object[position], of_object[position + 1]):
            west, east = min(west, u[at]), max(east, u[at])
            north, south = min(north, v[at]), max(south, v[at])
        first_row, last_row = _cell(north, 0, shape[1]), _cell(south, -1, shape[1] - 1)
        first_column, last_column = _cell(west, -1, shape[0]), _cell(east, -1, shape[0] - 1)
        found[position, 0], found[position, 1] = first_row, first_column
        found[position, 2], found[position, 3] = max(last_row - first_row + 1, 0), max(last_column - first_column + 1, 0)
    return found


@numba.njit(nogil=True, cache=True)
def cover(
    u: Numbers, v: Numbers, rings: Cells, of_part: Cells, of_object: Cells, window: Cells, chosen: Cells, shape: Shape, near: float
) -> tuple[Cells, Cells, Numbers, Numbers]:
    """Cells of the chosen areas: position in ``chosen``, cell, share; and the whole of each, in cells.

    Arguments and rounding as in `_coverage_kernel.walk`; ``window`` as `windows` gives it.
    """
    most = 0
    for position in range(len(chosen)):
        most += window[chosen[position], 2] * window[chosen[position], 3]
    of, cell, share, whole = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most), np.zeros(len(chosen))
    inside, after = np.zeros(FEW_CELLS), np.zeros(FEW_CELLS)
    count = most - most  # 0, but no literal: see `walk`
    for position in range(len(chosen)):
        area = chosen[position]
        place = (window[area, 0], window[area, 1], window[area, 2], window[area, 3])
        for part in range(of_object[area], of_object[area + 1]):
            for ring in range(of_part[part], of_part[part + 1]):
                low, high = rings[ring], rings[ring + 1]
                twice = _twice(u, v, low, high)
                sign = 1.0 if ring == of_part[part] else -1.0
                whole[position] += sign * abs(twice) / 2
                _ring(u, v, low, high, -sign if twice > 0 else sign, place, inside, after)
        speck = near * min(1.0, whole[position])
        before, count = count, _read_out(inside, after, place, shape[0], near, speck, cell, share, count)
        for at in range(before, count):
            of[at] = position
    return of[:count].copy(), cell[:count].copy(), share[:count].copy(), whole


@numba.njit(nogil=True, cache=True)
def _cell(at: float, low: int, high: int) -> int:
    """The cell of a coordinate, within the bounds."""
    return int(min(max(np.floor(at), float(low)), float(high)))


@numba.njit(nogil=True, cache=True)
def _twice(u: Numbers, v: Numbers, low: int, high: int) -> float:
    """Twice the signed area of a ring."""
    twice = 0.0
    for at in range(low, high - 1):
        twice += (u[at] - u[low]) * (v[at + 1] - v[low]) - (u[at + 1] - u[low]) * (v[at] - v[low])
    return twice


@numba.njit(nogil=True, cache=True)
def _ring(
    u: Numbers, v: Numbers, low: int, high: int, turn: float, place: tuple[int, int, int, int], inside: Numbers, after: Numbers
) -> None:
    """Adds the pieces of each edge to the window, each edge walked from its lower end."""
    first_row, rows = place[0], place[2]
    for at in range(low, high - 1):
        u0, v0, u1, v1, sign = u[at], v[at], u[at + 1], v[at + 1], turn
        if v0 == v1:
            continue
        if v0 > v1:
            u0, v0, u1, v1, sign = u1, v1, u0, v0, -turn
        slope, west, east = (u1 - u0) / (v1 - v0), min(u0, u1), max(u0, u1)
        for row in range(_cell(v0, first_row, first_row + rows), first_row + rows):
            if row >= v1:
                break
            va, vb = max(v0, float(row)), min(v1, row + 1.0)
            ua = u0 if va == v0 else min(max(u0 + (va - v0) * slope, west), east)
            ub = u1 if vb == v1 else min(max(u0 + (vb - v0) * slope, west), east)
            _stretch(min(ua, ub), max(ua, ub), sign * (vb - va), row - first_row, place, inside, after)


@numba.njit(nogil=True, cache=True)
def _stretch(
    ua: float, ub: float, change: float, line: int, place: tuple[int, int, int, int], inside: Numbers, after: Numbers
) -> None:
    """Adds the part of an edge in one row of the window, from west to east; what lies before the grid is one piece."""
    first_column, columns = place[1], place[3]
    across = ub - ua
    first = _cell(ua, first_column, first_column + columns)
    for column in range(first, first_column + columns):
        a = ua if column == first else float(column)
        ends = ub <= column + 1.0
        b = ub if ends else column + 1.0
        part = change if across == 0 else change * ((b - a) / across)
        to = line * columns + column - first_column
        inside[to] += part * (column + 1 - (a + b) / 2)
        after[to] += part
        if ends:
            break


@numba.njit(nogil=True, cache=True)
def _read_out(
    inside: Numbers, after: Numbers, place: tuple[int, int, int, int], grid_columns: int, near: float, speck: float,
    cell: Cells, share: Numbers, count: int,
) -> int:
    """Goes along each row of the window, writes the cells with a share, and leaves zeros behind."""
    first_row, first_column, rows, columns = place
    for line in range(rows):
        full = 0.0
        for step in range(columns):
            at = line * columns + step
            if inside[at] == 0.0 and after[at] == 0.0:
                rounded = np.floor(full + 0.5)
                full = rounded if abs(full - rounded) < near else full
            part = min(full + inside[at], 1.0)
            if part > speck and first_column + step >= 0:
                cell[count], share[count] = (first_row + line) * grid_columns + first_column + step, part
                count += 1
            full += after[at]
            inside[at], after[at] = 0.0, 0.0
    return count
