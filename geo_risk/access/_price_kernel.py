"""The compiled loop of `geo_risk.access._transport`: which dropped arcs could make a plan cheaper."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from geo_risk.access.road_graph import Ints, Mask

_STRIDE: Final = 7919  # a prime: rows begin all over


@numba.njit(nogil=True, cache=True)
def price_out(
    starts: Ints, shelter: Ints, cost: Ints, price: Ints, worth: Ints, few: int, active: Mask, chosen: NDArray[np.int64]
) -> tuple[int, int]:
    """Turn on, for each row, the ``few`` dropped arcs that lie deepest below what the row pays now; their number and the least.

    Row r pays ``worth[r]`` a person; an arc costs ``cost + price[shelter]``. Among equal ones the first is taken, counted from
    another arc in each row: where all shelters are as far, rows must not all begin with the same few. ``chosen`` is room for
    ``few`` positions.
    """
    added, least = 0, np.iinfo(np.int64).max
    for row in range(len(starts) - 1):
        held, count = 0, starts[row + 1] - starts[row]
        for step in range(count):
            arc = starts[row] + (step + row * _STRIDE) % count
            if active[arc]:
                continue
            reduced = cost[arc] + price[shelter[arc]] - worth[row]
            least = min(least, reduced)
            if reduced >= 0:
                continue
            asked = cost[arc] + price[shelter[arc]]
            at = min(held, few - 1)
            if held == few and asked >= cost[chosen[at]] + price[shelter[chosen[at]]]:
                continue
            while at > 0 and cost[chosen[at - 1]] + price[shelter[chosen[at - 1]]] > asked:
                chosen[at] = chosen[at - 1]
                at -= 1
            chosen[at] = arc
            held = min(held + 1, few)
        for at in range(held):
            active[chosen[at]] = True
        added += held
    return added, least
