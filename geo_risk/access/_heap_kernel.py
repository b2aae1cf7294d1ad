"""A heap of nodes by cost for the compiled searches that go over a small part of the roads, many times."""

from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Small: TypeAlias = NDArray[np.int32]


@numba.njit(nogil=True, cache=True)
def put(keys: Numbers, items: Small, size: int, key: float, item: int) -> tuple[Numbers, Small]:
    """The heap of that size with one more; it is made roomier where it is full."""
    if size == len(keys):
        more_keys, more_items = np.empty(2 * size), np.empty(2 * size, np.int32)
        for old in range(size):
            more_keys[old], more_items[old] = keys[old], items[old]
        keys, items = more_keys, more_items
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at], items[at] = keys[above], items[above]
        at = above
    keys[at], items[at] = key, item
    return keys, items


@numba.njit(nogil=True, cache=True)
def drop(keys: Numbers, items: Small, size: int) -> None:
    """Take the least away: the heap is of that size afterwards."""
    key, item = keys[size], items[size]
    at, below = 0, 1
    while below < size:
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at], items[at] = keys[below], items[below]
        at, below = below, 2 * below + 1
    keys[at], items[at] = key, item
