"""Compiled walks of lines and rings over the cells of a grid: exact area shares, lengths, cells touched, centres inside.

Corners are in cells: u counts columns, v counts rows, (0, 0) is the grid's first corner. An edge is cut at the borders
of rows, then of columns. By Green's theorem a ring covers of a cell the sum, over the pieces of its edges in that cell,
of (change of v) x (mean distance to the cell's far side), plus the whole change of v of all pieces before it in the row.
So one pass over the edges and one sweep over the cells they cross give the exact share of every cell; between two
crossed cells the share stays the same (0, 1, or what a level edge leaves) and the stretch is kept as one run. An edge
is always walked from its lower end, so two neighbours see the same bits of their common border.
"""

from typing import Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.int64]
Shape: TypeAlias = tuple[int, int]
Size: TypeAlias = tuple[float, float]

COVERED: Final = 0
TOUCHED: Final = 1
CENTRE: Final = 2
LENGTH: Final = 3

_MAX_CROSSINGS: Final = 1 << 26
_MERGE_ABOVE: Final = 1 << 20


@numba.njit(nogil=True, cache=True)
def walk(
    u: Numbers, v: Numbers, rings: Cells, of_part: Cells, of_object: Cells, shape: Shape, kind: int, size: Size,
    near: float,
) -> tuple[Cells, Cells, Cells, Numbers, Numbers]:
    """Runs of cells of each object: object, first cell, cells in the run, amount in each; and the whole of each object.

    ``rings`` are offsets into the corners, ``of_part`` into the rings, ``of_object`` into the parts; ``shape`` is
    (columns, rows) of the grid. The whole is in cells for areas, for ``LENGTH`` in the unit of ``size``, the width and
    height of a cell. ``near`` is the part of a cell that coordinates round by: a corner as near to a line of the grid lies on
    it, and a share as small is none. The whole is nan for an object whose edges cross more than 67 million cells: that has no runs.
    """
    objects = len(of_object) - 1
    whole = np.zeros(objects)
    keys, sums = np.empty(256, np.int64), np.empty((256, 2))
    of, first, length, amount = np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty(1024, np.int64), np.empty(1024)
    nothing = of_object[0]  # offsets begin with 0; for the literal numba would compile what takes it once more
    count = nothing
    for position in range(objects):
        start, stop = of_object[position], of_object[position + 1]
        if _crossings(u, v, rings, of_part[start], of_part[stop], shape) > _MAX_CROSSINGS:
            whole[position] = np.nan
            continue
        found = nothing
        for part in range(start, stop):
            for ring in range(of_part[part], of_part[part + 1]):
                turn, measure = _ring_measure(u, v, rings[ring], rings[ring + 1], ring == of_part[part], kind, size)
                whole[position] += measure
                found, keys, sums = _ring(u, v, rings[ring], rings[ring + 1], turn, shape, kind, size, near, keys, sums, found)
        found = _merged(keys, sums, found)
        while count + 2 * found > len(of):
            of, first, length, amount = _longer(of), _longer(first), _longer(length), _longer_numbers(amount)
        before = count
        if kind == LENGTH:
            count = _lengths(keys, sums, found, shape[0], first, length, amount, count)
        else:
            speck = near * min(1.0, whole[position])
            count = _sweep(keys, sums, found, shape[0], kind, near, speck, first, length, amount, count)
        for run in range(before, count):
            of[run] = position
    return of[:count].copy(), first[:count].copy(), length[:count].copy(), amount[:count].copy(), whole


@numba.njit(nogil=True, cache=True)
def _longer(numbers: Cells) -> Cells:
    """Twice as long. Element by element: assigning a slice compiles the text of its error too, for seconds."""
    longer = np.empty(2 * len(numbers), np.int64)
    for at in range(len(numbers)):
        longer[at] = numbers[at]
    return longer


@numba.njit(nogil=True, cache=True)
def _longer_numbers(numbers: Numbers) -> Numbers:
    longer = np.empty(2 * len(numbers))
    for at in range(len(numbers)):
        longer[at] = numbers[at]
    return longer


@numba.njit(nogil=True, cache=True)
def _longer_pairs(pairs: Numbers) -> Numbers:
    longer = np.empty((2 * len(pairs), 2))
    for at in range(len(pairs)):
        longer[at, 0], longer[at, 1] = pairs[at, 0], pairs[at, 1]
    return longer


@numba.njit(nogil=True, cache=True)
def _between(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)


@numba.njit(nogil=True, cache=True)
def _edge_crossings(u0: float, v0: float, u1: float, v1: float, shape: Shape) -> int:
    """At most so many cells of the grid, and of the column before it, does an edge cross."""
    across = abs(_between(u1, -1.0, shape[0] + 1.0) - _between(u0, -1.0, shape[0] + 1.0))
    down = abs(_between(v1, -1.0, shape[1] + 1.0) - _between(v0, -1.0, shape[1] + 1.0))
    return int(across) + 2 * int(down) + 5


@numba.njit(nogil=True, cache=True)
def _crossings(u: Numbers, v: Numbers, rings: Cells, start: int, stop: int, shape: Shape) -> int:
    total = 0
    for ring in range(start, stop):
        for at in range(rings[ring], rings[ring + 1] - 1):
            total += _edge_crossings(u[at], v[at], u[at + 1], v[at + 1], shape)
    return total


@numba.njit(nogil=True, cache=True)
def _ring_measure(u: Numbers, v: Numbers, low: int, high: int, shell: bool, kind: int, size: Size) -> tuple[float, float]:
    """The sign that makes a shell count for and a hole against; and the ring's area with that sign, or its length."""
    twice, length = 0.0, 0.0
    for at in range(low, high - 1):
        twice += (u[at] - u[low]) * (v[at + 1] - v[low]) - (u[at + 1] - u[low]) * (v[at] - v[low])
        length += np.hypot((u[at + 1] - u[at]) * size[0], (v[at + 1] - v[at]) * size[1])
    if kind == LENGTH:
        return 1.0, length
    sign = 1.0 if shell else -1.0
    return (-sign if twice > 0 else sign), sign * abs(twice) / 2


@numba.njit(nogil=True, cache=True)
def _ring(
    u: Numbers, v: Numbers, low: int, high: int, turn: float, shape: Shape, kind: int, size: Size, near: float,
    keys: Cells, sums: Numbers, found: int,
) -> tuple[int, Cells, Numbers]:
    """Notes what each edge of a ring does to the cells it crosses; full arrays are merged where long, then grown."""
    for at in range(low, high - 1):
        u0, v0, u1, v1 = u[at], v[at], u[at + 1], v[at + 1]
        most = _edge_crossings(u0, v0, u1, v1, shape) * (9 if kind == TOUCHED else 1)
        if found + most > len(keys):
            if len(keys) >= _MERGE_ABOVE:
                found = _merged(keys, sums, found)
            while 2 * (found + most) > len(keys):
                keys, sums = _longer(keys), _longer_pairs(sums)
        rising = v0 <= v1
        if not rising:
            u0, v0, u1, v1 = u1, v1, u0, v0
        found = _edge(u0, v0, u1, v1, turn if rising else -turn, shape, kind, size, near, keys, sums, found)
    return found, keys, sums


@numba.njit(nogil=True, cache=True)
def _edge(
    u0: float, v0: float, u1: float, v1: float, turn: float, shape: Shape, kind: int, size: Size, near: float,
    keys: Cells, sums: Numbers, found: int,
) -> int:
    """Cuts an edge that rises in v at the borders of rows."""
    if kind == CENTRE:
        return _centres(u0, v0, u1, v1, turn, shape, keys, sums, found)
    flat = v0 == v1
    if flat and kind == COVERED:
        return found
    margin = 1 if kind == TOUCHED else 0
    first = int(np.floor(_between(v0, -2.0, shape[1] + 2.0)))
    last = first if flat else int(np.ceil(_between(v1, -2.0, shape[1] + 2.0))) - 1
    slope = 0.0 if flat else (u1 - u0) / (v1 - v0)
    west, east = min(u0, u1), max(u0, u1)
    for row in range(max(first, -margin), min(last, shape[1] - 1 + margin) + 1):
        va, vb = max(v0, float(row)), min(v1, row + 1.0)
        ua = u0 if va == v0 else _between(u0 + (va - v0) * slope, west, east)
        ub = u1 if vb == v1 else _between(u0 + (vb - v0) * slope, west, east)
        found = _stretch(row, ua, va, ub, vb, turn, shape, kind, size, near, keys, sums, found)
    return found


@numba.njit(nogil=True, cache=True)
def _stretch(
    row: int, ua: float, va: float, ub: float, vb: float, turn: float, shape: Shape, kind: int, size: Size, near: float,
    keys: Cells, sums: Numbers, found: int,
) -> int:
    """Cuts the part of an edge that lies in one row at the borders of columns; what lies before the grid is one piece."""
    if ua > ub:
        ua, va, ub, vb = ub, vb, ua, va
    across, rise = ub - ua, abs(vb - va)
    first = -1 if ua < 0 else int(min(ua, shape[0] + 1.0))
    last = first if across == 0 or ub <= first else int(np.ceil(min(ub, shape[0] + 2.0))) - 1
    for column in range(first, min(last, shape[0]) + 1):
        a = ua if column == first else float(column)
        b = ub if column == last else column + 1.0
        share = 1.0 if across == 0 else (b - a) / across
        if kind == LENGTH:
            found = _note(row, column, np.hypot((b - a) * size[0], share * rise * size[1]), 0.0, shape, keys, sums, found)
            continue
        change = turn * share * rise
        found = _note(row, column, change * (column + 1 - (a + b) / 2), change, shape, keys, sums, found)
        if kind == TOUCHED:
            begin = va if column == first else va + (a - ua) / across * (vb - va)
            end = vb if column == last else va + (b - ua) / across * (vb - va)
            found = _note_around(a, begin, near, shape, keys, sums, found)
            found = _note_around(b, end, near, shape, keys, sums, found)
    return found


@numba.njit(nogil=True, cache=True)
def _note(
    row: int, column: int, inside: float, after: float, shape: Shape, keys: Cells, sums: Numbers, found: int
) -> int:
    """Notes a piece in a cell; the column before the grid passes on all of it, the one after the grid nothing."""
    if row < 0 or row >= shape[1] or column >= shape[0]:
        return found
    key = row * (shape[0] + 1) + column + 1
    if found and keys[found - 1] == key:
        sums[found - 1, 0] += inside
        sums[found - 1, 1] += after
        return found
    keys[found], sums[found, 0], sums[found, 1] = key, inside, after
    return found + 1


@numba.njit(nogil=True, cache=True)
def _note_around(u: float, v: float, near: float, shape: Shape, keys: Cells, sums: Numbers, found: int) -> int:
    """Notes the cells that hold a point in them or on their border: one, two or four."""
    west, east = int(np.floor(u - near)), int(np.floor(u + near))
    for row in range(int(np.floor(v - near)), int(np.floor(v + near)) + 1):
        for column in range(max(west, 0), east + 1):
            found = _note(row, column, 0.0, 0.0, shape, keys, sums, found)
    return found


@numba.njit(nogil=True, cache=True)
def _centres(
    u0: float, v0: float, u1: float, v1: float, turn: float, shape: Shape, keys: Cells, sums: Numbers, found: int
) -> int:
    """Notes, in each row whose centre line an edge crosses, the cell after which centres lie past the crossing."""
    first = int(np.ceil(_between(v0, -1.0, shape[1] + 1.0) - 0.5))
    last = int(np.ceil(_between(v1, -1.0, shape[1] + 1.0) - 0.5)) - 1
    for row in range(max(first, 0), min(last, shape[1] - 1) + 1):
        at = _between(u0 + (row + 0.5 - v0) / (v1 - v0) * (u1 - u0), min(u0, u1), max(u0, u1))
        column = int(np.ceil(_between(at, -1.0, shape[0] + 1.0) - 0.5))
        found = _note(row, max(column, 0) - 1, 0.0, turn, shape, keys, sums, found)
    return found


@numba.njit(nogil=True, cache=True)
def _merged(keys: Cells, sums: Numbers, found: int) -> int:
    """Sorts by cell and adds what belongs to the same one, in place."""
    _sort(keys, sums, found)
    kept = 0
    for at in range(found):
        if kept and keys[kept - 1] == keys[at]:
            sums[kept - 1, 0] += sums[at, 0]
            sums[kept - 1, 1] += sums[at, 1]
        else:
            keys[kept], sums[kept, 0], sums[kept, 1] = keys[at], sums[at, 0], sums[at, 1]
            kept += 1
    return kept


@numba.njit(nogil=True, cache=True)
def _sort(keys: Cells, sums: Numbers, found: int) -> None:
    """Shell's sort with Ciura's gaps: in place, at its best on what is short or nearly sorted, as walks are."""
    gap = 1
    while gap < found // 3:
        gap = int(2.25 * gap) + 1
    while gap >= 1:
        for at in range(gap, found):
            key, inside, after, to = keys[at], sums[at, 0], sums[at, 1], at
            while to >= gap and keys[to - gap] > key:
                keys[to], sums[to, 0], sums[to, 1] = keys[to - gap], sums[to - gap, 0], sums[to - gap, 1]
                to -= gap
            keys[to], sums[to, 0], sums[to, 1] = key, inside, after
        gap = int(gap / 2.25)


@numba.njit(nogil=True, cache=True)
def _lengths(
    keys: Cells, sums: Numbers, found: int, columns: int, first: Cells, length: Cells, amount: Numbers, count: int
) -> int:
    """A run of one for each cell that a line has some length in."""
    for at in range(found):
        column = keys[at] % (columns + 1) - 1
        if column >= 0 and sums[at, 0] > 0:
            first[count], length[count], amount[count] = keys[at] // (columns + 1) * columns + column, 1, sums[at, 0]
            count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _sweep(
    keys: Cells, sums: Numbers, found: int, columns: int, kind: int, near: float, speck: float,
    first: Cells, length: Cells, amount: Numbers, count: int,
) -> int:
    """Goes along each row: a run for each crossed cell, and one for the wholly covered cells up to the next."""
    inside = 0.0
    for at in range(found):
        row, column = keys[at] // (columns + 1), keys[at] % (columns + 1) - 1
        share = 1.0 if kind == TOUCHED else min(inside + sums[at, 0], 1.0)
        if column >= 0 and share > speck:
            first[count], length[count], amount[count] = row * columns + column, 1, share
            count += 1
        inside += sums[at, 1]
        row_goes_on = at + 1 < found and keys[at + 1] // (columns + 1) == row
        until = keys[at + 1] % (columns + 1) - 1 if row_goes_on else columns
        if until > column + 1:
            whole_cells = np.floor(inside + 0.5)
            inside = whole_cells if abs(inside - whole_cells) < near else inside
            if inside > speck:
                first[count], length[count], amount[count] = row * columns + column + 1, until - column - 1, inside
                count += 1
        if not row_goes_on:
            inside = 0.0
    return count


@numba.njit(nogil=True, cache=True)
def spread_out(first: Cells, length: Cells, cell: Cells) -> None:
    """Writes the cells of each run one after the other."""
    to = 0
    for run in range(len(first)):
        for step in range(length[run]):
            cell[to] = first[run] + step
            to += 1
