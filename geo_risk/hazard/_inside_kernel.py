"""Compiled loops of `geo_risk.hazard.zones`: edges of zones in bands, zones in cells, and which zones hold each point.

Only the parity of crossings counts, so rings may run in any direction. Cells of one lattice lie over all zones: a cell
that no edge of a zone comes near is inside it or outside as a whole; only in the others is a ray cast, along the edges
of one horizontal band of the zone.

Whether an edge lies left or right of a point is the sign of a determinant. Where rounding could change it (Shewchuk
1997, Adaptive precision floating-point arithmetic, bound A of orient2d) the pair is handed back as doubtful.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Cells = NDArray[np.int64]
Short = NDArray[np.int32]

OUT, IN, DOUBTFUL = 0, 1, 2
_BOUND = 3.3306690738754716e-16  # (3 + 16 e) e, e = 2^-53
_TINY = 1e-280  # below this a product may have lost bits to underflow
_MARGIN = 1e-6  # of a cell: far above the rounding of a cell number, far below what costs time
_BLOCK = 4  # blocks of 16 x 16 cells: what the points of one need fits into a core's own cache


class Edges(NamedTuple):
    """Edges as x, y, x, y a row; those of zone z are ``starts[z]`` to ``starts[z + 1]``."""

    ends: Numbers
    starts: Cells


class Bands(NamedTuple):
    """Each zone cut into horizontal bands of one height, and the edges that meet each.

    Zone z has ``number[z]`` bands from ``south[z]``, the first of them number ``first[z]``; the edges of band b are
    ``members[starts[b]]`` to ``members[starts[b + 1]]``.
    """

    south: Numbers
    height: Numbers
    number: Cells
    first: Cells
    starts: Cells
    members: Short


class Lattice(NamedTuple):
    """Cells over all zones: corners, cells per unit of x and y, columns and rows."""

    west: float
    south: float
    east: float
    north: float
    per_x: float
    per_y: float
    columns: int
    rows: int


class Filled(NamedTuple):
    """The zones of each cell, ``zones[starts[c]]`` to ``zones[starts[c + 1]]``: 2 z + 1 where it is all inside z, else 2 z."""

    starts: Cells
    zones: Short


@numba.njit(nogil=True, cache=True)
def slot(value: float, origin: float, per_unit: float, count: int) -> int:
    """The number of the slot a value lies in; it never falls as the value grows."""
    return min(max(int((value - origin) * per_unit), 0), count - 1)


@numba.njit(nogil=True, cache=True)
def _cell(x: float, y: float, lattice: Lattice) -> int:
    row = slot(y, lattice.south, lattice.per_y, lattice.rows)
    return row * lattice.columns + slot(x, lattice.west, lattice.per_x, lattice.columns)


@numba.njit(nogil=True, cache=True)
def _band(y: float, south: float, height: float, count: int, first: int) -> int:
    return first + slot(y, south, 1.0 / height, count)


@numba.njit(nogil=True, cache=True)
def edges_by_band(edges: Edges, bands: Bands) -> Short:
    """The edges of each band, one band after the other; fills ``bands.starts``.

    The band of a y never falls as y grows, so a point of an edge has its band among those between the edge's ends.
    """
    starts, ends = bands.starts, edges.ends
    for z in range(len(edges.starts) - 1):
        south, height, count, first = bands.south[z], bands.height[z], bands.number[z], bands.first[z]
        for e in range(edges.starts[z], edges.starts[z + 1]):
            low, high = min(ends[e, 1], ends[e, 3]), max(ends[e, 1], ends[e, 3])
            for b in range(_band(low, south, height, count, first), _band(high, south, height, count, first) + 1):
                starts[b + 1] += 1
    for b in range(len(starts) - 1):
        starts[b + 1] += starts[b]
    members, place = np.empty(starts[-1], dtype=np.int32), starts[:-1].copy()
    for z in range(len(edges.starts) - 1):
        south, height, count, first = bands.south[z], bands.height[z], bands.number[z], bands.first[z]
        for e in range(edges.starts[z], edges.starts[z + 1]):
            low, high = min(ends[e, 1], ends[e, 3]), max(ends[e, 1], ends[e, 3])
            for b in range(_band(low, south, height, count, first), _band(high, south, height, count, first) + 1):
                members[place[b]] = e
                place[b] += 1
    return members


@numba.njit(nogil=True, cache=True)
def side(x: float, y: float, band: int, edges: Numbers, starts: Cells, members: Short) -> int:
    """Whether a point is in a closed zone, of which it lies in one band: IN, OUT or DOUBTFUL.

    Crossing number of the ray to the east; an edge holds its lower end and not its upper one. It takes the few arrays that
    it needs: each is counted in and out at every call, and with all of `Bands` that took a third of the time.
    """
    inside = False
    for at in range(starts[band], starts[band + 1]):
        e = members[at]
        ax, ay, bx, by = edges[e, 0], edges[e, 1], edges[e, 2], edges[e, 3]
        if (ay < y and by < y) or (ay > y and by > y) or (ax < x and bx < x):
            continue
        if ax > x and bx > x:
            inside ^= (ay > y) != (by > y)
            continue
        left, right = (ax - x) * (by - y), (ay - y) * (bx - x)
        turn = left - right
        if left != 0.0 or right != 0.0:
            if abs(turn) <= _BOUND * (abs(left) + abs(right)) or abs(turn) < _TINY:
                return DOUBTFUL
        elif not ((ax == x or by == y) and (ay == y or bx == x)):
            return DOUBTFUL  # a product of two small numbers came out as 0
        if turn == 0.0:
            return IN  # on the edge: the point lies between its ends in x and in y
        if (ay > y) != (by > y):
            inside ^= (turn > 0.0) == (by > ay)
    return IN if inside else OUT


@numba.njit(nogil=True, cache=True)
def _mark(x: float, y: float, to_x: float, to_y: float, lattice: Lattice, near: Short, z: int) -> None:
    """Mark every cell an edge comes within a margin of: row by row, the columns between its ends in that row."""
    ax, ay = (x - lattice.west) * lattice.per_x, (y - lattice.south) * lattice.per_y
    bx, by = (to_x - lattice.west) * lattice.per_x, (to_y - lattice.south) * lattice.per_y
    if ay > by:
        ax, ay, bx, by = bx, by, ax, ay
    level = by - ay < _MARGIN
    slope = 0.0 if level else (bx - ax) / (by - ay)
    for row in range(max(int(ay - _MARGIN), 0), min(int(by + _MARGIN), lattice.rows - 1) + 1):
        low, high = ax, bx
        if not level:
            low = ax + slope * (min(max(row - _MARGIN, ay), by) - ay)
            high = ax + slope * (min(max(row + 1.0 + _MARGIN, ay), by) - ay)
        if low > high:
            low, high = high, low
        for column in range(max(int(low - _MARGIN), 0), min(int(high + _MARGIN), lattice.columns - 1) + 1):
            near[row * lattice.columns + column] = z


@numba.njit(nogil=True, cache=True)
def _fill_row(
    row: int, west: int, east: int, z: int, edges: Numbers, bands: Bands, lattice: Lattice, near: Short,
    cell_of: Short, zone_of: Short, found: int,
) -> int:
    """List the cells of one row, from one column to another, that the zone has something of."""
    y = lattice.south + (row + 0.5) / lattice.per_y
    band = _band(y, bands.south[z], bands.height[z], bands.number[z], bands.first[z])
    whole, known = False, False
    for column in range(west, east + 1):
        cell = row * lattice.columns + column
        crossed = near[cell] == z
        if not crossed and not known:  # up to the next crossed cell all cells are on the same side
            whole = side(lattice.west + (column + 0.5) / lattice.per_x, y, band, edges, bands.starts, bands.members) == IN
        known = not crossed
        if crossed or whole:
            cell_of[found], zone_of[found] = cell, 2 * z + (0 if crossed else 1)
            found += 1
    return found


@numba.njit(nogil=True, cache=True)
def list_cells(
    begin: int, end: int, edges: Edges, bounds: Numbers, bands: Bands, lattice: Lattice, room: int
) -> tuple[Short, Short]:
    """The cells that zones ``begin`` to ``end`` have something of, zone by zone, and 2 z + 1 where all of it, else 2 z.

    ``room`` bounds the length of the list.
    """
    near = np.full(lattice.columns * lattice.rows, -1, dtype=np.int32)
    cell_of, zone_of = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
    found = 0
    for z in range(begin, end):
        if edges.starts[z] == edges.starts[z + 1]:
            continue
        for e in range(edges.starts[z], edges.starts[z + 1]):
            _mark(edges.ends[e, 0], edges.ends[e, 1], edges.ends[e, 2], edges.ends[e, 3], lattice, near, z)
        west = slot(bounds[z, 0], lattice.west, lattice.per_x, lattice.columns)
        east = slot(bounds[z, 2], lattice.west, lattice.per_x, lattice.columns)
        first = slot(bounds[z, 1], lattice.south, lattice.per_y, lattice.rows)
        last = slot(bounds[z, 3], lattice.south, lattice.per_y, lattice.rows)
        for row in range(first, last + 1):
            found = _fill_row(row, west, east, z, edges.ends, bands, lattice, near, cell_of, zone_of, found)
    return cell_of[:found].copy(), zone_of[:found].copy()


@numba.njit(nogil=True, cache=True)
def by_cell(cell_of: Short, zone_of: Short, cells: int) -> tuple[Cells, Short]:
    """Where each cell's zones start, one more for the end, and the zones cell by cell in the order given."""
    starts = np.zeros(cells + 1, dtype=np.int64)
    for at in range(len(cell_of)):
        starts[cell_of[at] + 1] += 1
    for cell in range(cells):
        starts[cell + 1] += starts[cell]
    listed, place = np.empty(len(cell_of), dtype=np.int32), starts[:-1].copy()
    for at in range(len(cell_of)):
        cell = cell_of[at]
        listed[place[cell]] = zone_of[at]
        place[cell] += 1
    return starts, listed


@numba.njit(nogil=True, cache=True)
def by_block(x: Numbers, y: Numbers, lattice: Lattice) -> tuple[Cells, Numbers, Numbers]:
    """The points within the lattice, those of one block of cells together: positions, x and y."""
    across = (lattice.columns >> _BLOCK) + 1
    block = np.full(len(x), -1, dtype=np.int32)
    starts = np.zeros(across * ((lattice.rows >> _BLOCK) + 1) + 1, dtype=np.int64)
    for p in range(len(x)):
        if lattice.west <= x[p] <= lattice.east and lattice.south <= y[p] <= lattice.north:
            row = slot(y[p], lattice.south, lattice.per_y, lattice.rows)
            column = slot(x[p], lattice.west, lattice.per_x, lattice.columns)
            block[p] = (row >> _BLOCK) * across + (column >> _BLOCK)
            starts[block[p] + 1] += 1
    for at in range(len(starts) - 1):
        starts[at + 1] += starts[at]
    total = starts[-1]
    order, east, north = np.empty(total, dtype=np.int64), np.empty(total), np.empty(total)
    for p in range(len(x)):
        if block[p] >= 0:
            at = starts[block[p]]
            order[at], east[at], north[at] = p, x[p], y[p]
            starts[block[p]] += 1
    return order, east, north


@numba.njit(nogil=True, cache=True)
def count_candidates(x: Numbers, y: Numbers, lattice: Lattice, filled: Filled) -> int:
    """How many zones stand in the cells of the points: a bound of the pairs."""
    total = 0
    for p in range(len(x)):
        cell = _cell(x[p], y[p], lattice)
        total += filled.starts[cell + 1] - filled.starts[cell]
    return total


@numba.njit(nogil=True, cache=True)
def find_pairs(
    x: Numbers, y: Numbers, number: Cells, lattice: Lattice, filled: Filled, edges: Numbers, bands: Bands, room: int
) -> tuple[Cells, Short]:
    """Number of the point and zone of every pair, zones of a point in order; a doubtful pair has its zone as -1 - z."""
    points, zones = np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int32)
    found = 0
    for p in range(len(x)):
        cell = _cell(x[p], y[p], lattice)
        for at in range(filled.starts[cell], filled.starts[cell + 1]):
            z = filled.zones[at] >> 1
            where = IN
            if not filled.zones[at] & 1:
                band = _band(y[p], bands.south[z], bands.height[z], bands.number[z], bands.first[z])
                where = side(x[p], y[p], band, edges, bands.starts, bands.members)
            if where != OUT:
                points[found], zones[found] = number[p], (z if where == IN else -1 - z)
                found += 1
    return points[:found], zones[:found]


@numba.njit(nogil=True, cache=True)
def by_point(points: Cells, zones: Short, count: int) -> tuple[Cells, Cells]:
    """The pairs by point, the zones of a point in the order given."""
    starts = np.zeros(count + 1, dtype=np.int64)
    for at in range(len(points)):
        starts[points[at] + 1] += 1
    for p in range(count):
        starts[p + 1] += starts[p]
    sorted_points, sorted_zones = np.empty(len(points), dtype=np.int64), np.empty(len(points), dtype=np.int64)
    for at in range(len(points)):
        place = starts[points[at]]
        sorted_points[place], sorted_zones[place] = points[at], zones[at]
        starts[points[at]] += 1
    return sorted_points, sorted_zones
