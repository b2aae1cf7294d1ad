"""Compiled sums of values over the cells of each object."""

from typing import Any, Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.int64]

FIGURES: Final = ("known", "unknown", "sum", "largest", "smallest", "wet", "wet_sum", "cells")
KNOWN: Final = 0
UNKNOWN: Final = 1
SUM: Final = 2
LARGEST: Final = 3
SMALLEST: Final = 4
WET: Final = 5
WET_SUM: Final = 6
CELLS: Final = 7


def nothing_yet(objects: int) -> Numbers:
    """What `tally` adds to, one row an object."""
    result = np.zeros((objects, len(FIGURES)))
    result[:, LARGEST], result[:, SMALLEST] = -np.inf, np.inf
    return result


@numba.njit(nogil=True, cache=True)
def tally(
    starts: Cells, begin: int, end: int, first: Cells, length: Cells, amount: Numbers, values: NDArray[Any], wet_above: float,
    result: Numbers,
) -> None:
    """Adds to rows ``begin`` to ``end`` of the result: amounts known and unknown, Σ amount x value, extremes, the wet, cells.

    The result starts as `nothing_yet`, so an object may be added to in several calls, to the same last bit as in one.
    ``length`` is empty where each run is one cell. Extremes are infinite where nothing is known.
    """
    for position in range(begin, end):
        known, unknown, cells = result[position, KNOWN], result[position, UNKNOWN], result[position, CELLS]
        total, wet, wet_total = result[position, SUM], result[position, WET], result[position, WET_SUM]
        largest, smallest = result[position, LARGEST], result[position, SMALLEST]
        for run in range(starts[position], starts[position + 1]):
            steps = length[run] if len(length) else 1
            share = amount[run]
            cells += steps
            for cell in range(first[run], first[run] + steps):
                value = float(values[cell])
                if np.isnan(value):
                    unknown += share
                    continue
                known += share
                total += share * value
                largest, smallest = max(largest, value), min(smallest, value)
                if value > wet_above:
                    wet += share
                    wet_total += share * value
        result[position, KNOWN], result[position, UNKNOWN], result[position, CELLS] = known, unknown, cells
        result[position, SUM], result[position, WET], result[position, WET_SUM] = total, wet, wet_total
        result[position, LARGEST], result[position, SMALLEST] = largest, smallest
