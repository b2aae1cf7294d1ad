"""Compiled loops of `geo_risk.access.nearest`: candidates measured along the ground and ranked, a row for each place.

How far without a sine. A geodesic bends as the surface does along it, so on a short one it is very nearly an arc of a
circle of the surface's curvature at its middle, and with chord c and curvature k

    s = 2 / k asin(k c / 2) = c (1 + u / 6 + 3 u^2 / 40 + 15 u^3 / 336 + ...),    u = (k c / 2)^2

At the middle k = t'Dt / |Dp| (Meusnier; D = diag(1/a^2, 1/a^2, 1/b^2), p the middle of the chord lifted onto the
ellipsoid, t the chord's direction). What is left out grows with the fifth power of s: against pyproj.Geod it is 0.3
micrometres at `NEAR_M` and below rounding (5 nanometres) at a tenth of that. Longer lines are left to pyproj.Geod.
"""

import math
from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from geo_risk.crs import GEOD

Numbers = NDArray[np.float64]
Positions = NDArray[np.int64]
States = NDArray[np.uint8]

NEAR_M: Final = 100_000.0
"""Lines with a chord up to this are measured here."""
ALIKE_M: Final = 1e-6
"""Distances that differ by less are put in order by pyproj.Geod: above the rounding of both."""

CLOSE: Final = 1
SHORT: Final = 2

_ACROSS: Final = float(1.0 / GEOD.a**2)
_UP: Final = float(1.0 / GEOD.b**2)
_TIGHTEST_M: Final = float(GEOD.b**2 / GEOD.a)


@numba.njit(nogil=True, cache=True)
def metres_of(x: float, y: float, z: float, to_x: float, to_y: float, to_z: float) -> float:
    """Metres along the geodesic between two places on the ellipsoid, earth-centred and at most `NEAR_M` apart."""
    dx, dy, dz = to_x - x, to_y - y, to_z - z
    chord2 = dx * dx + dy * dy + dz * dz
    if chord2 == 0.0:
        return 0.0
    mx, my, mz = 0.5 * (x + to_x), 0.5 * (y + to_y), 0.5 * (z + to_z)
    flat2 = mx * mx + my * my
    level = _ACROSS * flat2 + _UP * mz * mz
    slope2 = _ACROSS * _ACROSS * flat2 + _UP * _UP * mz * mz
    bent = _ACROSS * (dx * dx + dy * dy) + _UP * dz * dz
    u = 0.25 * bent * bent * level / (slope2 * chord2)
    return math.sqrt(chord2) * (1.0 + u * (1.0 / 6.0 + u * (0.075 + u * (5.0 / 112.0))))


@numba.njit(nogil=True, cache=True)
def rank(
    asked: Numbers, points: Numbers, chord_m: Numbers, found: Positions, k: int, radius_m: float, slack_m: float
) -> tuple[Numbers, States]:
    """Measure and sort each row of candidates in place; their metres, inf where there is none, and what each row still needs.

    A candidate beyond `NEAR_M` keeps its chord for now. CLOSE: two are too nearly alike, or one lies too near the radius
    or too far, so pyproj.Geod must decide. SHORT: a point that was not fetched could be among the nearest.
    """
    rows, width = found.shape
    metres = np.full((rows, width), np.inf)
    state = np.zeros(rows, dtype=np.uint8)
    for row in range(rows):
        count = _measure(asked[row], points, chord_m[row], found[row], metres[row])
        for place in range(min(count, k)):
            beyond = metres[row, place + 1] if place + 1 < width else np.inf
            alike = beyond - metres[row, place] < ALIKE_M or abs(metres[row, place] - radius_m) < ALIKE_M
            if alike or metres[row, place] > NEAR_M:
                state[row] |= CLOSE
        if count == width and width < len(points):
            needed = min(_at_most(metres[row, min(k, width) - 1]), radius_m)
            if width < k or chord_m[row, width - 1] <= needed + slack_m:
                state[row] |= SHORT
    return metres, state


@numba.njit(nogil=True, cache=True)
def _measure(asker: Numbers, points: Numbers, chord_m: Numbers, found: Positions, metres: Numbers) -> int:
    """Put one row's candidates in order of their metres; how many there are."""
    count = 0
    while count < len(found) and found[count] < len(points):
        at, far = found[count], chord_m[count]
        if far <= NEAR_M:
            far = metres_of(asker[0], asker[1], asker[2], points[at, 0], points[at, 1], points[at, 2])
        place = count
        while place > 0 and metres[place - 1] > far:
            metres[place], found[place] = metres[place - 1], found[place - 1]
            place -= 1
        metres[place], found[place] = far, at
        count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _at_most(metres: float) -> float:
    """The longest way along the ground between places so far apart, or that chord apart where it is beyond `NEAR_M`."""
    if metres <= NEAR_M:
        return metres
    return 2.0 * _TIGHTEST_M * math.asin(min(0.5 * metres / _TIGHTEST_M, 1.0))


@numba.njit(nogil=True, cache=True)
def spread_out(
    metres: Numbers, found: Positions, first: Positions, members: Positions, k: int, radius_m: float
) -> tuple[Positions, Numbers]:
    """The k first positions within the radius of each row and their metres: all points of a spot, of equal metres by position."""
    rows, width = found.shape
    positions = np.full((rows, k), -1, dtype=np.int64)
    distance_m = np.full((rows, k), np.inf)
    for row in range(rows):
        filled, start = 0, 0
        while start < width and filled < k and metres[row, start] <= radius_m:
            stop = start + 1
            while stop < width and metres[row, stop] == metres[row, start]:
                stop += 1
            if stop == start + 1:
                spot = found[row, start]
                alike = members[first[spot] : first[spot + 1]]
            else:
                alike = _together(found[row, start:stop], first, members)
            for position in alike[: k - filled]:
                positions[row, filled] = position
                distance_m[row, filled] = metres[row, start]
                filled += 1
            start = stop
    return positions, distance_m


@numba.njit(nogil=True, cache=True)
def _together(spots: Positions, first: Positions, members: Positions) -> Positions:
    """All points of some spots by position."""
    count = 0
    for spot in spots:
        count += first[spot + 1] - first[spot]
    alike = np.empty(count, dtype=np.int64)
    at = 0
    for spot in spots:
        for member in members[first[spot] : first[spot + 1]]:
            alike[at] = member
            at += 1
    alike.sort()
    return alike


@numba.njit(nogil=True, cache=True)
def bearings(
    asked: Numbers, lon: Numbers, lat: Numbers, points: Numbers, positions: Positions, distance_m: Numbers
) -> Numbers:
    """Degrees from north at each place to its answers, 0 where it stands on them; nan for none and beyond `NEAR_M`."""
    rows, k = positions.shape
    bearing = np.full((rows, k), np.nan)
    for row in range(rows):
        if positions[row, 0] < 0:
            continue
        sin_lon, cos_lon = math.sin(math.radians(lon[row])), math.cos(math.radians(lon[row]))
        sin_lat, cos_lat = math.sin(math.radians(lat[row])), math.cos(math.radians(lat[row]))
        for place in range(k):
            at = positions[row, place]
            if at < 0 or distance_m[row, place] > NEAR_M:
                continue
            if distance_m[row, place] == 0.0:
                bearing[row, place] = 0.0
                continue
            dx, dy, dz = points[at, 0] - asked[row, 0], points[at, 1] - asked[row, 1], points[at, 2] - asked[row, 2]
            outward = cos_lon * dx + sin_lon * dy
            east, north = cos_lon * dy - sin_lon * dx, cos_lat * dz - sin_lat * outward
            degrees = math.degrees(math.atan2(east, north))
            bearing[row, place] = (degrees + 360.0) % 360.0
    return bearing
