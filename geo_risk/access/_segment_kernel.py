"""Compiled search for the pieces of road near a place: rows of latitude, and in each row pieces sorted by longitude."""

from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Whole: TypeAlias = NDArray[np.int64]
Small: TypeAlias = NDArray[np.int32]
Flags: TypeAlias = NDArray[np.bool_]
Pieces: TypeAlias = tuple[Whole, Numbers, Numbers, Numbers, Small]
Grid: TypeAlias = tuple[float, float, float, float]


@numba.njit(nogil=True, cache=True)
def near_pieces(
    place: tuple[Numbers, Numbers, Numbers], pieces: Pieces, grid: Grid, usable: Flags, reach_m: float, slack_m: float
) -> tuple[Whole, Whole, Numbers]:
    """Pieces of usable links that may be the nearest of each place, as (place, piece, share of the piece).

    ``place``: longitudes, latitudes, earth-centred metres (places, 3). ``pieces``: where each row of latitude begins, middle
    longitudes, earth-centred first and last points (pieces, 3), links. ``grid``: least latitude, degrees a row, the longest
    half of a piece, the least radius of curvature. All whose distance is within ``slack_m`` of the least one are given.
    """
    found = np.empty(4 * len(place[0]) + 64, np.int64), np.empty(4 * len(place[0]) + 64, np.int64)
    shares = np.empty(4 * len(place[0]) + 64)
    count = len(shares) - len(shares)  # 0, but no literal, for which all would be compiled once more
    for asker in range(len(place[0])):
        if not (np.isfinite(place[0][asker]) and np.isfinite(place[1][asker])):
            continue
        least = _nearest(place, asker, pieces, grid, usable, reach_m + slack_m, slack_m)
        if least <= reach_m + slack_m:
            found, shares, count = _list(place, asker, pieces, grid, usable, least + slack_m, found, shares, count)
    return found[0][:count].copy(), found[1][:count].copy(), shares[:count].copy()


@numba.njit(nogil=True, cache=True)
def _nearest(
    place: tuple[Numbers, Numbers, Numbers], asker: int, pieces: Pieces, grid: Grid, usable: Flags, reach_m: float, slack_m: float
) -> float:
    """The least distance to a usable piece, looked for in wider and wider circles: inf where none is within reach."""
    radius = min(reach_m, 4.0 * grid[2])
    while True:
        least = _least(place, asker, pieces, grid, usable, radius)
        if least + slack_m <= radius or radius >= reach_m:
            return least
        radius = min(2.0 * radius if least == np.inf else least + slack_m, reach_m)


@numba.njit(nogil=True, cache=True)
def _least(
    place: tuple[Numbers, Numbers, Numbers], asker: int, pieces: Pieces, grid: Grid, usable: Flags, radius: float
) -> float:
    """The least distance to a usable piece of which some point lies within the radius, or inf."""
    least = np.inf
    rows = _rows(place[1][asker], radius, grid, len(pieces[0]) - 1)
    half = _half_degrees(place[1][asker], radius, grid)
    for row in range(rows[0], rows[1]):
        for turn in range(-1, 2):
            middle = place[0][asker] + 360.0 * turn
            first = _first(pieces[1], pieces[0][row], pieces[0][row + 1], middle - half)
            for piece in range(first, pieces[0][row + 1]):
                if pieces[1][piece] > middle + half:
                    break
                if usable[pieces[4][piece]]:
                    least = min(least, _distance(place[2][asker], pieces[2][piece], pieces[3][piece])[0])
    return least


@numba.njit(nogil=True, cache=True)
def _list(
    place: tuple[Numbers, Numbers, Numbers], asker: int, pieces: Pieces, grid: Grid, usable: Flags, radius: float,
    found: tuple[Whole, Whole], shares: Numbers, count: int,
) -> tuple[tuple[Whole, Whole], Numbers, int]:
    """Add the usable pieces within the radius to the lists."""
    rows = _rows(place[1][asker], radius, grid, len(pieces[0]) - 1)
    half = _half_degrees(place[1][asker], radius, grid)
    for row in range(rows[0], rows[1]):
        for turn in range(-1, 2):
            middle = place[0][asker] + 360.0 * turn
            first = _first(pieces[1], pieces[0][row], pieces[0][row + 1], middle - half)
            for piece in range(first, pieces[0][row + 1]):
                if pieces[1][piece] > middle + half:
                    break
                distance, share = _distance(place[2][asker], pieces[2][piece], pieces[3][piece])
                if distance > radius or not usable[pieces[4][piece]]:
                    continue
                if count == len(shares):
                    found, shares = (_longer(found[0]), _longer(found[1])), _longer(shares)
                found[0][count], found[1][count], shares[count] = asker, piece, share
                count += 1
    return found, shares, count


@numba.njit(nogil=True, cache=True)
def _rows(lat: float, radius: float, grid: Grid, rows: int) -> tuple[int, int]:
    """The rows that hold the middles of all pieces with a point within the radius."""
    degrees = np.degrees((radius + grid[2]) / grid[3])
    first, last = np.floor((lat - degrees - grid[0]) / grid[1]), np.floor((lat + degrees - grid[0]) / grid[1])
    return int(min(max(first, 0.0), float(rows))), int(min(max(last + 1.0, 0.0), float(rows)))


@numba.njit(nogil=True, cache=True)
def _half_degrees(lat: float, radius: float, grid: Grid) -> float:
    """Half the width in longitude of a circle on a sphere of the least radius of curvature, 180 where it holds a pole.

    That sphere is smaller than the earth, so the circle is too wide, never too narrow; 1 % stands for latitude's kinds.
    """
    angle = 1.01 * (radius + grid[2]) / grid[3]
    narrow = np.cos(np.radians(lat))
    if angle >= np.pi / 2 or np.sin(angle) >= 0.98 * narrow:
        return 180.0
    return float(np.degrees(np.arcsin(np.sin(angle) / (0.99 * narrow))))


@numba.njit(nogil=True, cache=True)
def _first(values: Numbers, low: int, high: int, least: float) -> int:
    """The first position from low to high whose value is not below the least."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < least:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(nogil=True, cache=True)
def _distance(at: Numbers, first: Numbers, last: Numbers) -> tuple[float, float]:
    """Straight metres from a point to a piece, and the share of the piece where it is nearest."""
    dx, dy, dz = last[0] - first[0], last[1] - first[1], last[2] - first[2]
    x, y, z = at[0] - first[0], at[1] - first[1], at[2] - first[2]
    length = dx * dx + dy * dy + dz * dz
    share = min(max((x * dx + y * dy + z * dz) / length, 0.0), 1.0) if length > 0 else 0.0
    x, y, z = x - share * dx, y - share * dy, z - share * dz
    return np.sqrt(x * x + y * y + z * z), share


@numba.njit(nogil=True, cache=True)
def _longer(values):  # type: ignore[no-untyped-def]
    """The same values with twice the room."""
    more = np.empty(2 * len(values), values.dtype)
    for at in range(len(values)):
        more[at] = values[at]
    return more
