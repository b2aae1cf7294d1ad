"""Centroids straight from well-known binary, without making a geometry of each row: points, polygons, multipolygons.

What is not one of these, has no area, or is not whole is left as nan and marked; the caller asks GEOS about it.
"""

import numba
import numpy as np
from numpy.typing import NDArray

_POINT, _POLYGON, _MULTIPOLYGON = 1, 3, 6


@numba.njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def centroids(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64], left: NDArray[np.bool_]
) -> None:
    """Write each record's centroid to ``x`` and ``y``; ``left`` is set where it was not found here.

    The centroid of a polygon with rings r (outer +, holes -): sum(sign A_r C_r) / sum(sign A_r), by the shoelace formula.
    """
    scratch = np.empty(8, dtype=np.uint8)
    number = scratch.view(np.float64)
    sums = np.empty(3, dtype=np.float64)
    for record in range(len(offsets) - 1):
        start, end = offsets[record], offsets[record + 1]
        x[record], y[record] = np.nan, np.nan
        if start == end:
            continue
        left[record] = True
        kind, width = _kind(data, start, end)
        if kind == _POINT and start + 5 + 8 * width <= end:
            x[record] = _double(data, start + 5, scratch, number)
            y[record] = _double(data, start + 13, scratch, number)
            left[record] = False
            continue
        if kind not in (_POLYGON, _MULTIPOLYGON):
            continue
        sums[:] = 0.0
        found, origin_x, origin_y = _first_corner(data, start, end, kind, scratch, number)
        if not found:
            continue
        if kind == _POLYGON:
            at = _polygon(data, start, end, width, origin_x, origin_y, sums, scratch, number)
        else:
            at = start + 9
            for _ in range(_count(data, start + 5)):
                if at < 0 or _kind(data, at, end) != (_POLYGON, width):
                    at = -1
                    break
                at = _polygon(data, at, end, width, origin_x, origin_y, sums, scratch, number)
        if at == end and sums[0] > 0.0:
            x[record] = origin_x + sums[1] / sums[0]
            y[record] = origin_y + sums[2] / sums[0]
            left[record] = False


@numba.njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _kind(data: NDArray[np.uint8], at: int, end: int) -> tuple[int, int]:
    """What a record is (ISO 19125 numbers) and how many numbers a corner has; 0 for what is not read here."""
    if at + 9 > end or data[at] != 1:
        return 0, 0
    code = _count(data, at + 1)
    if code < 1000:
        return code, 2
    if code < 3000:
        return code % 1000, 3
    return 0, 0


@numba.njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _count(data: NDArray[np.uint8], at: int) -> int:
    return int(data[at]) + (int(data[at + 1]) << 8) + (int(data[at + 2]) << 16) + (int(data[at + 3]) << 24)


@numba.njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _double(data: NDArray[np.uint8], at: int, scratch: NDArray[np.uint8], number: NDArray[np.float64]) -> float:
    for byte in range(8):
        scratch[byte] = data[at + byte]
    return float(number[0])


@numba.njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _first_corner(
    data: NDArray[np.uint8], start: int, end: int, kind: int, scratch: NDArray[np.uint8], number: NDArray[np.float64]
) -> tuple[bool, float, float]:
    """The first corner: sums are taken from there, since far from the origin the products would lose their last digits."""
    at = start + (13 if kind == _POLYGON else 22)
    if at + 16 > end:
        return False, 0.0, 0.0
    return True, _double(data, at, scratch, number), _double(data, at + 8, scratch, number)


@numba.njit(nogil=True, cache=True)  # type: ignore[misc, unused-ignore]
def _polygon(
    data: NDArray[np.uint8], start: int, end: int, width: int, origin_x: float, origin_y: float, sums: NDArray[np.float64],
    scratch: NDArray[np.uint8], number: NDArray[np.float64],
) -> int:
    """Add a polygon's area and moments to ``sums``; where it ends, -1 if it is not whole."""
    rings, at = _count(data, start + 5), start + 9
    for ring in range(rings):
        if at + 4 > end:
            return -1
        corners = _count(data, at)
        at += 4
        if corners * width * 8 > end - at:
            return -1
        area, moment_x, moment_y = 0.0, 0.0, 0.0
        before_x, before_y = 0.0, 0.0
        for corner in range(corners):
            here_x = _double(data, at, scratch, number) - origin_x
            here_y = _double(data, at + 8, scratch, number) - origin_y
            at += 8 * width
            if corner:
                cross = before_x * here_y - here_x * before_y
                area += cross
                moment_x += (before_x + here_x) * cross
                moment_y += (before_y + here_y) * cross
            before_x, before_y = here_x, here_y
        sign = 1.0 if (area > 0.0) == (ring == 0) else -1.0
        sums[0] += sign * area / 2.0
        sums[1] += sign * moment_x / 6.0
        sums[2] += sign * moment_y / 6.0
    return at
