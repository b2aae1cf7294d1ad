"""Linear interpolation in a flat table of many curves, each object by its own curve: one compiled pass."""

import numba
import numpy as np
from numpy.typing import NDArray

from geo_risk.hazard.grid import Cells, Numbers

Flags = NDArray[np.bool_]


@numba.njit(nogil=True, cache=True)
def segment_of(knots: Numbers, start: int, end: int, value: float) -> int:
    """The last knot of ``start..end`` that is at most the value; ``start - 1`` below the first."""
    low, high = start - 1, end
    while high - low > 1:
        middle = (low + high) // 2
        if knots[middle] <= value:
            low = middle
        else:
            high = middle
    return low


@numba.njit(nogil=True, cache=True)
def value_at(
    knots: Numbers, heights: Numbers, below: Numbers, above: Numbers, starts: Cells, curve: int, value: float,
) -> np.float64:
    """The height of one curve at one value; nan for an unknown curve or value."""
    if curve < 0 or np.isnan(value):
        return np.float64(np.nan)
    start, end = starts[curve], starts[curve + 1]
    knot = segment_of(knots, start, end, value)
    if knot < start:
        return np.float64(below[curve])
    if knot == end - 1:
        return np.float64(heights[knot] if value == knots[knot] else above[curve])
    slope = (heights[knot + 1] - heights[knot]) / (knots[knot + 1] - knots[knot])
    return np.float64(slope * (value - knots[knot]) + heights[knot])


@numba.njit(nogil=True, cache=True)
def scale(
    found: Numbers, knots: Numbers, heights: Numbers, below: Numbers, above: Numbers, starts: Cells, curve: Cells, value: Numbers,
) -> None:
    """Multiply each number by the height of its curve at its value; nan for an unknown one.

    The look-up of `value_at` stands in the loop: a call counts its arrays in and out. Seen 3 times as fast as calls, and 3
    times numpy.interp curve by curve.
    """
    for number in range(len(found)):
        kind, x = curve[number], value[number]
        if kind < 0 or np.isnan(x):
            found[number] = np.nan
            continue
        start, last = starts[kind], starts[kind + 1] - 1
        if x < knots[start]:
            found[number] *= below[kind]
        elif x >= knots[last]:
            found[number] *= heights[last] if x == knots[last] else above[kind]
        else:
            low, high = start, last
            while high - low > 1:
                middle = (low + high) >> 1
                if knots[middle] <= x:
                    low = middle
                else:
                    high = middle
            found[number] *= (heights[high] - heights[low]) / (knots[high] - knots[low]) * (x - knots[low]) + heights[low]


@numba.njit(nogil=True, cache=True)
def values_at(
    knots: Numbers, heights: Numbers, below: Numbers, above: Numbers, starts: Cells, curve: Cells, value: Numbers, found: Numbers,
) -> None:
    """Write the height at each value into ``found``."""
    found[:] = 1.0
    scale(found, knots, heights, below, above, starts, curve, value)


@numba.njit(nogil=True, cache=True)
def segments_at(knots: Numbers, starts: Cells, curve: Cells, value: Numbers, lower: Cells, upper: Cells) -> None:
    """Write the two knots that bound each value; both the same beyond an end, -1 where unknown."""
    for number in range(len(value)):
        if curve[number] < 0 or np.isnan(value[number]):
            lower[number] = upper[number] = -1
            continue
        start, end = starts[curve[number]], starts[curve[number] + 1]
        knot = segment_of(knots, start, end, value[number])
        lower[number] = max(knot, start)
        upper[number] = min(knot + 1, end - 1)
