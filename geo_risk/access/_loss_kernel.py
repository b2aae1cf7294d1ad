"""Compiled: what the loss of a link or a facility does to places, by searching anew only what hung on it.

Searches go from the facilities outwards over the lists of neighbours of `geo_risk.access._search_kernel`; ``step`` is what
it costs to come from a node to its neighbour in that search and ``back`` the other way. The forest of least costs is given
in preorder, so all that hangs on a node is one stretch.
"""

from typing import Final, NamedTuple, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from geo_risk.access._heap_kernel import drop, put

Numbers: TypeAlias = NDArray[np.float64]
Small: TypeAlias = NDArray[np.int32]
Whole: TypeAlias = NDArray[np.int64]

PEOPLE_CUT: Final = 0
PLACES_CUT: Final = 1
UNKNOWN_CUT: Final = 2
ADDED: Final = 3
UNKNOWN_SLOWER: Final = 4
FIGURES: Final = 5
_ROUNDING: Final = 1e-9  # of a cost: two ways of one length may differ by this much


class Ways(NamedTuple):
    """The neighbours of each node: where they are, the two costs, and the link between."""

    at: Small
    to: Small
    step: Numbers
    back: Numbers
    link: Small


class Forest(NamedTuple):
    """Least cost of each node, the nodes in preorder, the place of each therein (-1 unreached) and how many hang on it."""

    cost: Numbers
    order: Small
    place: Small
    size: Small


class Seeds(NamedTuple):
    """Where the search begins, by node: cost, cost where the facility's own link is lost, that link, and the facility."""

    at: Whole
    cost: Numbers
    lost: Numbers
    link: Whole
    facility: Whole


class Places(NamedTuple):
    """Of each place its two nodes, the cost to them, the same where its own link is lost, and that link.

    ``beside`` is the cost to a facility on that link; then the people, and the places at each node.
    """

    node: Small
    cost: Numbers
    lost: Numbers
    link: Whole
    beside: Numbers
    people: Numbers
    at: Whole
    number: Whole


class Losses(NamedTuple):
    """Of each loss the nodes that all it touches hangs on, and the link and facility lost (-1 none).

    ``own`` are the places whose own link or facility is meant, ``own_beside`` the cost to a facility on their link that is left.
    """

    root_at: Whole
    root: Small
    link: Whole
    facility: Whole
    own_at: Whole
    own: Whole
    own_beside: Numbers


@numba.njit(nogil=True, cache=True)
def _children(parent: Small) -> tuple[Small, Small]:
    """Where the children of each node begin, and the children."""
    nodes = len(parent)
    at = np.zeros(nodes + 1, np.int32)
    for above in parent:
        at[above + 1] += above >= 0
    at[0] = 0
    for node in range(nodes):
        at[node + 1] += at[node]
    child, filled = np.empty(at[nodes], np.int32), at[:nodes].copy()
    for node in range(nodes):
        if parent[node] >= 0:
            child[filled[parent[node]]] = node
            filled[parent[node]] += 1
    return at, child


@numba.njit(nogil=True, cache=True)
def preorder(parent: Small, cost: Numbers) -> tuple[Small, Small, Small]:
    """The forest in preorder, from the parent of each node (-1 a root): nodes, place of each, and size of what hangs on it."""
    nodes = len(parent)
    at, child = _children(parent)
    order, place, size = np.empty(nodes, np.int32), np.full(nodes, -1, np.int32), np.ones(nodes, np.int32)
    stack, found = np.empty(nodes, np.int32), 0
    for root in range(nodes):
        stack[0], height = root, int(parent[root] < 0 and cost[root] < np.inf)
        while height > 0:
            height -= 1
            node = stack[height]
            order[found], place[node] = node, found
            found += 1
            for position in range(at[node], at[node + 1]):
                stack[height] = child[position]
                height += 1
    for position in range(found - 1, -1, -1):
        node = order[position]
        if parent[node] >= 0:
            size[parent[node]] += size[node]
    return order[:found], place, size


@numba.njit(nogil=True, cache=True)
def count_losses(
    begin: int, end: int, ways: Ways, forest: Forest, seeds: Seeds, places: Places, losses: Losses, result: Numbers
) -> None:
    """Fill rows ``begin`` to ``end`` of the result, one a loss; each depends on no other."""
    nodes = len(forest.cost)
    mark, told = np.full(nodes, -1, np.int64), np.full(len(places.people), -1, np.int64)
    cost, members = forest.cost.copy(), np.empty(nodes, np.int32)
    keys, items = np.empty(256), np.empty(256, np.int32)
    for loss in range(begin, end):
        count = _touched(loss, forest, losses, mark, members)
        keys, items = _anew(loss, members, count, ways, forest, seeds, losses, mark, cost, keys, items)
        for own in range(losses.own_at[loss], losses.own_at[loss + 1]):
            told[losses.own[own]] = loss
            _account(losses.own[own], losses.own_beside[own], loss, cost, forest, places, losses, result)
        for member in range(count):
            node = members[member]
            for position in range(places.at[node], places.at[node + 1]):
                place = places.number[position]
                if told[place] != loss and (losses.link[loss] < 0 or places.link[place] != losses.link[loss]):
                    told[place] = loss
                    _account(place, places.beside[place], loss, cost, forest, places, losses, result)
        for member in range(count):
            cost[members[member]] = forest.cost[members[member]]


@numba.njit(nogil=True, cache=True)
def _touched(loss: int, forest: Forest, losses: Losses, mark: Whole, members: Small) -> int:
    """List and mark the nodes that hang on the roots of a loss."""
    count = 0
    for which in range(losses.root_at[loss], losses.root_at[loss + 1]):
        root = losses.root[which]
        for position in range(forest.place[root], forest.place[root] + forest.size[root]):
            node = forest.order[position]
            if mark[node] != loss:
                mark[node] = loss
                members[count] = node
                count += 1
    return count


@numba.njit(nogil=True, cache=True)
def _from_outside(
    loss: int, node: int, ways: Ways, forest: Forest, seeds: Seeds, losses: Losses, mark: Whole
) -> float:
    """The least cost of a node by neighbours that keep theirs, and by facilities that are left."""
    best, link = np.inf, losses.link[loss]
    for position in range(ways.at[node], ways.at[node + 1]):
        if mark[ways.to[position]] != loss and ways.link[position] != link:
            best = min(best, forest.cost[ways.to[position]] + ways.back[position])
    for seed in range(seeds.at[node], seeds.at[node + 1]):
        if seeds.facility[seed] != losses.facility[loss]:
            best = min(best, seeds.lost[seed] if seeds.link[seed] == link else seeds.cost[seed])
    return best


@numba.njit(nogil=True, cache=True)
def _anew(
    loss: int, members: Small, count: int, ways: Ways, forest: Forest, seeds: Seeds, losses: Losses, mark: Whole, cost: Numbers,
    keys: Numbers, items: Small,
) -> tuple[Numbers, Small]:
    """The least costs of the members without what is lost: from outside, and then among themselves."""
    size = 0
    for member in range(count):
        node = members[member]
        cost[node] = _from_outside(loss, node, ways, forest, seeds, losses, mark)
        if cost[node] < np.inf:
            keys, items = put(keys, items, size, cost[node], node)
            size += 1
    while size > 0:
        here, node = keys[0], items[0]
        size -= 1
        drop(keys, items, size)
        if here > cost[node]:
            continue
        for position in range(ways.at[node], ways.at[node + 1]):
            there = ways.to[position]
            usable = mark[there] == loss and ways.link[position] != losses.link[loss]
            if usable and here + ways.step[position] < cost[there]:
                cost[there] = here + ways.step[position]
                keys, items = put(keys, items, size, cost[there], there)
                size += 1
    return keys, items


@numba.njit(nogil=True, cache=True)
def _account(
    place: int, beside: float, loss: int, cost: Numbers, forest: Forest, places: Places, losses: Losses, result: Numbers
) -> None:
    """Add one place to the figures of a loss."""
    one, other = places.node[place, 0], places.node[place, 1]
    to_one, to_other = places.cost[place, 0], places.cost[place, 1]
    before = min(forest.cost[one] + to_one, forest.cost[other] + to_other, places.beside[place])
    if before == np.inf:
        return
    if places.link[place] == losses.link[loss]:
        to_one, to_other = places.lost[place, 0], places.lost[place, 1]
    after = min(cost[one] + to_one, cost[other] + to_other, beside)
    known = not np.isnan(places.people[place])
    if after == np.inf:
        result[loss, PLACES_CUT] += 1
        if known:
            result[loss, PEOPLE_CUT] += places.people[place]
        else:
            result[loss, UNKNOWN_CUT] += 1
    elif after - before > _ROUNDING * before:
        if known:
            result[loss, ADDED] += places.people[place] * (after - before)
        else:
            result[loss, UNKNOWN_SLOWER] += 1
