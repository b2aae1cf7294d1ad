"""Compiled: the cheapest way round each link, and the links without which the roads fall apart."""

from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from geo_risk.access._heap_kernel import drop, put
from geo_risk.access._loss_kernel import Ways

Numbers: TypeAlias = NDArray[np.float64]
Small: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.bool_]
Known: TypeAlias = tuple[Numbers, NDArray[np.int64]]


@numba.njit(nogil=True, cache=True)
def ways_round(ways: Ways, links: Small, tails: Small, heads: Small, out: Numbers) -> int:
    """Fill ``out`` with the least cost from tail to head without the link itself, inf without a way; gives the nodes visited.

    Two searches, on from the tail and back from the head, the nearer one first (Dantzig 1960; Nicholson 1966): they end
    when no better meeting is possible, or when one has nothing left, as in a street that traffic can't leave.
    """
    nodes, visited = len(ways.at) - 1, 0
    ahead, behind = (np.empty(nodes), np.full(nodes, -1, np.int64)), (np.empty(nodes), np.full(nodes, -1, np.int64))
    keys, items, other_keys, other_items = np.empty(256), np.empty(256, np.int32), np.empty(256), np.empty(256, np.int32)
    for number in range(len(links)):
        keys[0], items[0], other_keys[0], other_items[0] = 0.0, tails[number], 0.0, heads[number]
        ahead[0][tails[number]], ahead[1][tails[number]] = 0.0, number
        behind[0][heads[number]], behind[1][heads[number]] = 0.0, number
        best = 0.0 if tails[number] == heads[number] else np.inf
        size, other_size = 1, 1
        while size > 0 and other_size > 0 and keys[0] + other_keys[0] < best:
            visited += 1
            if keys[0] <= other_keys[0]:
                keys, items, size, best = _one_on(number, links[number], ways, ways.step, ahead, behind, keys, items, size, best)
            else:
                other_keys, other_items, other_size, best = _one_on(
                    number, links[number], ways, ways.back, behind, ahead, other_keys, other_items, other_size, best
                )
        out[number] = best
    return visited


@numba.njit(nogil=True, cache=True)
def _one_on(
    number: int, link: int, ways: Ways, step: Numbers, mine: Known, other: Known, keys: Numbers, items: Small, size: int,
    best: float,
) -> tuple[Numbers, Small, int, float]:
    """Settle one node of one of the two searches; the heap, its size, and the best meeting so far."""
    cost, mark = mine
    here, node = keys[0], items[0]
    size -= 1
    drop(keys, items, size)
    if here > cost[node]:
        return keys, items, size, best
    for position in range(ways.at[node], ways.at[node + 1]):
        there, reached = ways.to[position], here + step[position]
        if ways.link[position] == link or reached >= best or (mark[there] == number and cost[there] <= reached):
            continue
        cost[there], mark[there] = reached, number
        if other[1][there] == number:
            best = min(best, reached + other[0][there])
        keys, items = put(keys, items, size, reached, there)
        size += 1
    return keys, items, size, best


@numba.njit(nogil=True, cache=True)
def cut_links(at: Small, to: Small, step: Numbers, link_of: Small, links: int) -> Mask:
    """Whether each link is the only way, in either direction, between the two sides it joins: Tarjan (1974), without recursion."""
    nodes = len(at) - 1
    seen, low = np.full(nodes, -1, np.int32), np.empty(nodes, np.int32)
    position, by, stack = at[:nodes].copy(), np.full(nodes, -1, np.int32), np.empty(nodes, np.int32)
    cut, clock = np.zeros(links, np.bool_), 0
    for root in range(nodes):
        if seen[root] >= 0:
            continue
        stack[0], height = root, 1
        seen[root] = low[root] = clock
        clock += 1
        while height > 0:
            node = stack[height - 1]
            if position[node] < at[node + 1]:
                here = position[node]
                position[node] += 1
                there = to[here]
                if step[here] == np.inf or link_of[here] == by[node]:
                    continue
                if seen[there] < 0:
                    seen[there] = low[there] = clock
                    clock += 1
                    by[there] = link_of[here]
                    stack[height] = there
                    height += 1
                else:
                    low[node] = min(low[node], seen[there])
                continue
            height -= 1
            if height > 0:
                above = stack[height - 1]
                low[above] = min(low[above], low[node])
                if low[node] > seen[above]:
                    cut[by[node]] = True
    return cut
