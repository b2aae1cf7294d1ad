"""Compiled proof that a ring of few corners is simple, so that most footprints need not be built and checked by GEOS.

Every answer that rests on rounding is *no*: the sign of a determinant counts only where it is larger than its error can be
(Shewchuk 1997, Adaptive precision floating-point arithmetic and fast robust geometric predicates, section 4: the bound
(3 + 16 e) e (|left| + |right|) with e = 2**-53). A ring that is not proved simple may still be.
"""

from typing import Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.int64]

FEW_CORNERS: Final = 17  # the closing one counted
_ERROR: Final = (3.0 + 16.0 * 2.0**-53) * 2.0**-53
_LEAST: Final = 1e-280  # below it products lose bits that the bound does not know of


@numba.njit(nogil=True, cache=True)
def simple(corners: Numbers, rings: Cells) -> NDArray[np.bool_]:
    """Whether each closed ring is proved to meet itself nowhere; ``corners`` of shape (n, 2), ``rings`` offsets into them."""
    proved = np.zeros(len(rings) - 1, np.bool_)
    for ring in range(len(proved)):
        low, high = rings[ring], rings[ring + 1] - 1
        proved[ring] = _convex(corners, low, high) or _apart(corners, low, high)
    return proved


@numba.njit(nogil=True, cache=True)
def _side(corners: Numbers, a: int, b: int, c: int) -> int:
    """1 where c lies left of the line from a to b, -1 right of it, 0 where rounding decides."""
    left = (corners[a, 0] - corners[c, 0]) * (corners[b, 1] - corners[c, 1])
    right = (corners[a, 1] - corners[c, 1]) * (corners[b, 0] - corners[c, 0])
    bound = _ERROR * (abs(left) + abs(right)) + _LEAST
    if left - right > bound:
        return 1
    return -1 if right - left > bound else 0


@numba.njit(nogil=True, cache=True)
def _convex(corners: Numbers, low: int, high: int) -> bool:
    """All turns to one side, and once round: eastward and westward edges follow each other but twice."""
    turn, changes = 0, 0
    ahead = _eastward(corners, high - 1, low)
    for at in range(low, high):
        after = at + 1 if at + 1 < high else low
        side = _side(corners, at, after, after + 1 if after + 1 < high else low)
        if side == 0 or side == -turn:
            return False
        turn = side
        east = _eastward(corners, at, after)
        changes += east != ahead
        ahead = east
    return changes == 2


@numba.njit(nogil=True, cache=True)
def _eastward(corners: Numbers, a: int, b: int) -> bool:
    """Whether an edge goes east, or due north."""
    return bool(corners[a, 0] < corners[b, 0] or (corners[a, 0] == corners[b, 0] and corners[a, 1] < corners[b, 1]))


@numba.njit(nogil=True, cache=True)
def _apart(corners: Numbers, low: int, high: int) -> bool:
    """Whether each two edges are apart, but for the corner that neighbours share."""
    for one in range(low, high):
        for other in range(one + 1, high):
            if other == one + 1 or (one == low and other == high - 1):
                first = one if other == one + 1 else other
                if not _leaves(corners, first, first + 1, first + 2 if first + 2 <= high else low + 1):
                    return False
            elif not _clear(corners, one, other):
                return False
    return high - low >= 3


@numba.njit(nogil=True, cache=True)
def _leaves(corners: Numbers, a: int, b: int, c: int) -> bool:
    """Whether the edges a-b and b-c share b alone: they turn, or go on forwards."""
    if _side(corners, a, b, c) != 0:
        return True
    along = (corners[b, 0] - corners[a, 0]) * (corners[c, 0] - corners[b, 0])
    across = (corners[b, 1] - corners[a, 1]) * (corners[c, 1] - corners[b, 1])
    return bool(along + across > _ERROR * (abs(along) + abs(across)) + _LEAST)


@numba.njit(nogil=True, cache=True)
def _clear(corners: Numbers, one: int, other: int) -> bool:
    """Whether two edges are apart: their bounds are, or the ends of one lie on one side of the other."""
    for axis in range(2):
        a, b, c, d = corners[one, axis], corners[one + 1, axis], corners[other, axis], corners[other + 1, axis]
        if max(a, b) < min(c, d) or max(c, d) < min(a, b):
            return True
    ends = _side(corners, one, one + 1, other) + _side(corners, one, one + 1, other + 1)
    back = _side(corners, other, other + 1, one) + _side(corners, other, other + 1, one + 1)
    return abs(ends) == 2 or abs(back) == 2
