"""Compiled: the cheapest way round each link, and the links without which the roads fall apart."""

from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from geo_risk.access._heap_kernel import drop, put

Numbers: TypeAlias = NDArray[np.float64]
Small: TypeAlias = NDArray[np.int32]
Mask: TypeAlias = NDArray[np.bool_]


@numba.njit(nogil=True, cache=True)
def way_round(at: Small, to: Small, step: Numbers, link_of: Small, links: Small, tails: Small, heads: Small, out: Numbers) -> int:
    """Fill ``out`` with the least cost from tail to head without the link itself, inf without a way; gives the nodes visited.

    Plain Dijkstra from the tail that ends at the head: what it looks at grows with the way round, not with the roads.
    """
    nodes, visited = len(at) - 1, 0
    cost, mark = np.empty(nodes), np.full(nodes, -1, np.int64)
    keys, items = np.empty(256), np.empty(256, np.int32)
    for number in range(len(links)):
        link, head, size = links[number], heads[number], 1
        keys[0], items[0] = 0.0, tails[number]
        cost[tails[number]], mark[tails[number]] = 0.0, number
        out[number] = np.inf
        while size > 0:
            here, node = keys[0], items[0]
            size -= 1
            drop(keys, items, size)
            if here > cost[node]:
                continue
            visited += 1
            if node == head:
                out[number] = here
                break
            for position in range(at[node], at[node + 1]):
                there, reached = to[position], here + step[position]
                if link_of[position] == link or reached == np.inf or (mark[there] == number and cost[there] <= reached):
                    continue
                cost[there], mark[there] = reached, number
                keys, items = put(keys, items, size, reached, there)
                size += 1
    return visited


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
