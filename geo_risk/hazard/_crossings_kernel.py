"""The compiled loop of `geo_risk.hazard.overlay`: how often the edges of two shapes cross."""

import numba
import numpy as np
from numpy.typing import NDArray

from geo_risk.hazard._inside_kernel import Bands, slot

Numbers = NDArray[np.float64]


@numba.njit(nogil=True, cache=True)
def _cross(a: Numbers, b: Numbers) -> bool:
    """Whether two edges have a point in common, but for rounding."""
    if max(a[0], a[2]) < min(b[0], b[2]) or max(b[0], b[2]) < min(a[0], a[2]):
        return False
    if max(a[1], a[3]) < min(b[1], b[3]) or max(b[1], b[3]) < min(a[1], a[3]):
        return False
    first = (a[2] - a[0]) * (b[1] - a[1]) - (a[3] - a[1]) * (b[0] - a[0])
    second = (a[2] - a[0]) * (b[3] - a[1]) - (a[3] - a[1]) * (b[2] - a[0])
    third = (b[2] - b[0]) * (a[1] - b[1]) - (b[3] - b[1]) * (a[0] - b[0])
    fourth = (b[2] - b[0]) * (a[3] - b[1]) - (b[3] - b[1]) * (a[2] - b[0])
    return bool(first * second <= 0.0 and third * fourth <= 0.0)


@numba.njit(nogil=True, cache=True)
def count_crossings(these: Numbers, those: Numbers, bands: Bands, most: int, most_steps: int) -> int:
    """Crossings of the edges of one shape with those of another, cut into bands; ``most + 1`` if more, or too long to tell."""
    found, steps, height = 0, 0, 1.0 / bands.height[0]
    for e in range(len(these)):
        low = slot(min(these[e, 1], these[e, 3]), bands.south[0], height, bands.number[0])
        high = slot(max(these[e, 1], these[e, 3]), bands.south[0], height, bands.number[0])
        for b in range(low, high + 1):
            for at in range(bands.starts[b], bands.starts[b + 1]):
                other = bands.members[at]
                steps += 1
                south = min(those[other, 1], those[other, 3])
                if b == max(low, slot(south, bands.south[0], height, bands.number[0])) and _cross(these[e], those[other]):
                    found += 1
            if found > most or steps > most_steps:
                return most + 1
    return found
