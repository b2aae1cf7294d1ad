"""Compiled searches over a road graph: least costs from seeds to every node, rows of a matrix, the k nearest of a node.

All take the graph as lists of neighbours, ``ways`` = (at, to, step): those of node n are ``to[at[n]:at[n + 1]]`` and
``step`` is what the way there costs at the same positions, inf where there is none. Which way the steps are gone is the
caller's matter.

Nodes wait in buckets of one width of cost, not in a heap: a bucket is worked off in any order, a node that gets better
meanwhile waits again, and what is left when it is empty is final. The width suits the usual cost of a road; where it does
not (costs of wildly different size) the work would grow, so it is counted, and past a budget a plain heap starts anew.
Both find the least (cost, label) of every node, so which of them answered cannot be seen.
"""

from typing import Final, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.float64]
Small: TypeAlias = NDArray[np.int32]
Whole: TypeAlias = NDArray[np.int64]
Ways: TypeAlias = tuple[Small, Small, Numbers]
Seeds: TypeAlias = tuple[Small, Numbers, Small]
Best: TypeAlias = tuple[Numbers, Small, Small]
Room: TypeAlias = tuple[Numbers, Small, Small, Small, Small]

BUCKETS: Final = 1024
_SCANS_A_NODE: Final = 6
_IDLE_A_SCAN: Final = 8
_LAST_BUCKET: Final = 1e15
_WAITS, _GOAL = 1, 2  # bits of a node's mark


@numba.njit(nogil=True, cache=True)
def room_for(nodes: int, seeds: int) -> Room:
    """The memory that a search works in: keys, nodes and followers of entries, heads of buckets, marks of nodes."""
    most = nodes + seeds + 64
    lists = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(BUCKETS, np.int32)
    return np.empty(most), lists[0], lists[1], lists[2], np.zeros(nodes, np.int32)


@numba.njit(nogil=True, cache=True)
def spread(ways: Ways, seeds: Seeds, goals: Small, limit: float, width: float) -> Best:
    """Cost, label and the position in ``to`` by which it was reached, of every node: inf and -1 beyond ``limit``.

    ``seeds`` are nodes, first costs and labels. Of ways that cost the same the one with the smaller label wins, whatever
    the order of links. The search may end when all ``goals`` are final; with none it goes on until nothing is left.
    """
    nodes = len(ways[0]) - 1
    best = np.empty(nodes), np.empty(nodes, np.int32), np.empty(nodes, np.int32)
    search(ways, seeds, goals, limit, width, best, room_for(nodes, len(seeds[0])))
    return best


@numba.njit(nogil=True, cache=True)
def rows(
    ways: Ways, origin: tuple[Small, Numbers, Numbers], place: tuple[Small, Numbers, Numbers],
    beside: tuple[Whole, Numbers, Whole, Numbers], ahead: Numbers, behind: Numbers, goals: Small, limit: float, width: float,
    out: Numbers,
) -> None:
    """Fill ``out`` (origins, places) with least costs.

    ``origin`` and ``place`` are their two nodes each, what the way between node and place costs, and their walks; ``beside``
    the links and positions along them of origins and places; ``ahead`` and ``behind`` what the origin's whole link costs
    towards its end and towards its start.
    """
    nodes = len(ways[0]) - 1
    best = np.empty(nodes), np.empty(nodes, np.int32), np.empty(nodes, np.int32)
    labels = np.zeros(2, np.int32)
    room = room_for(nodes, len(labels))
    for row in range(len(out)):
        search(ways, (origin[0][row], origin[1][row], labels), goals, limit, width, best, room)
        for column in range(out.shape[1]):
            first = best[0][place[0][column, 0]] + place[1][column, 0]
            least = min(first, best[0][place[0][column, 1]] + place[1][column, 1])
            if beside[0][row] == beside[2][column] and beside[0][row] >= 0:
                gap = beside[3][column] - beside[1][row]
                least = min(least, origin[2][row] + place[2][column] + _along(gap, ahead[row], behind[row]))
            out[row, column] = least if least <= limit else np.inf


@numba.njit(nogil=True, cache=True)
def _along(gap: float, ahead: float, behind: float) -> float:
    """What a part of a link costs; none of it costs nothing, even where the link is shut."""
    if gap == 0:
        return 0.0
    return gap * ahead if gap > 0 else -gap * behind


@numba.njit(nogil=True, cache=True)
def search(ways: Ways, seeds: Seeds, goals: Small, limit: float, width: float, best: Best, room: Room) -> None:
    """Fill ``best``: see `spread`."""
    if not _by_buckets(ways, seeds, goals, limit, width, best, room):
        _by_heap(ways, seeds, limit, best)


@numba.njit(nogil=True, cache=True)
def _clear(best: Best, marks: Small, goals: Small) -> int:
    """Make everything unreached and mark the goals; how many there are."""
    for node in range(len(marks)):
        best[0][node], best[1][node], best[2][node], marks[node] = np.inf, -1, -1, 0
    sought = 0
    for position in range(len(goals)):
        sought += marks[goals[position]] == 0
        marks[goals[position]] = _GOAL
    return sought


@numba.njit(nogil=True, cache=True)
def _better(cost: float, label: int, best: Best, node: int) -> bool:
    """Whether that is the better answer for the node."""
    return bool(cost < best[0][node] or (cost == best[0][node] and label < best[1][node]))


@numba.njit(nogil=True, cache=True)
def _by_buckets(ways: Ways, seeds: Seeds, goals: Small, limit: float, width: float, best: Best, room: Room) -> bool:
    """Search by buckets; False where its budget or its memory ran out, and the answer is then none."""
    sought = _clear(best, room[4], goals)
    for bucket in range(BUCKETS):
        room[3][bucket] = -1
    used, scale = sought - sought, 1.0 / width  # 0, but no literal, for which all would be compiled once more
    for seed in range(len(seeds[0])):
        node, key, label = seeds[0][seed], seeds[1][seed], seeds[2][seed]
        if key <= limit and key < np.inf and _better(key, label, best, node):
            if key * scale > _LAST_BUCKET:
                return False
            best[0][node], best[1][node] = key, label
            slot = int(key * scale) & (BUCKETS - 1)
            room[0][used], room[1][used], room[2][used], room[3][slot] = key, node, room[3][slot], used
            room[4][node] |= _WAITS
            used += 1
    return _work_off(
        ways[0], ways[1], ways[2], best[0], best[1], best[2], room[0], room[1], room[2], room[3], room[4],
        sought, used, limit, scale,
    )


@numba.njit(nogil=True, cache=True)
def _work_off(
    at: Small, to: Small, step: Numbers, cost: Numbers, label: Small, via: Small, keys: Numbers, nodes: Small, follower: Small,
    head: Small, marks: Small, sought: int, used: int, limit: float, scale: float,
) -> bool:
    """Work off bucket after bucket: the loop all time is spent in, so plain arrays and no calls.

    An entry whose node got better meanwhile, or was passed on by a twin, is dropped; one of a later round is kept.
    """
    waiting, spare, current, goals = used, -1, 0, sought
    scans, idle, most = 0, 0, _SCANS_A_NODE * (len(at) + 100)
    while waiting > 0 and (sought == 0 or goals > 0) and scans <= most and idle <= _IDLE_A_SCAN * most:
        slot, later = current & (BUCKETS - 1), -1
        idle += 1
        while head[slot] >= 0 and scans <= most:
            entry = head[slot]
            head[slot] = follower[entry]
            node, here = nodes[entry], keys[entry]
            if int(here * scale) > current:
                follower[entry], later, idle = later, entry, idle + 1
                continue
            follower[entry], spare, waiting = spare, entry, waiting - 1
            if here > cost[node] or not marks[node] & _WAITS:
                continue
            goals, marks[node], mark, scans = goals - (marks[node] >> 1), 0, label[node], scans + 1
            for position in range(at[node], at[node + 1]):
                there, reached = to[position], here + step[position]
                if not (reached <= limit and reached < np.inf and reached <= cost[there]) or (
                    reached == cost[there] and mark >= label[there]
                ):
                    continue
                twin = reached == cost[there] and marks[there] & _WAITS
                cost[there], label[there], via[there] = reached, mark, position
                if twin:
                    continue
                if reached * scale > _LAST_BUCKET or (spare < 0 and used == len(nodes)):
                    return False
                entry, used = (spare, used) if spare >= 0 else (used, used + 1)
                spare = follower[spare] if spare >= 0 else spare
                turn = int(reached * scale) & (BUCKETS - 1)
                keys[entry], nodes[entry], follower[entry], head[turn] = reached, there, head[turn], entry
                marks[there] |= _WAITS
                waiting += 1
        head[slot] = later
        current += 1
    return scans <= most and idle <= _IDLE_A_SCAN * most


@numba.njit(nogil=True, cache=True)
def _by_heap(ways: Ways, seeds: Seeds, limit: float, best: Best) -> None:
    """Search by a heap that every node is in at most once: slower, and never more than nodes x log(nodes)."""
    at, to, step = ways
    cost, label, via = best
    nodes = len(at) - 1
    heap, place, none = np.empty(nodes, np.int32), np.empty(nodes, np.int32), np.empty(0, np.int32)
    _clear(best, place, none)
    for node in range(nodes):
        place[node] = -1
    size = nodes - nodes  # 0, but no literal
    for seed in range(len(seeds[0])):
        node, here = seeds[0][seed], seeds[1][seed]
        if here <= limit and here < np.inf and _better(here, seeds[2][seed], best, node):
            cost[node], label[node] = here, seeds[2][seed]
            size += place[node] < 0
            _rise(heap, place, best, place[node] if place[node] >= 0 else size - 1, node)
    while size > 0:
        node = heap[0]
        size -= 1
        place[node] = -1
        if size > 0:
            _sink(heap, place, best, size, heap[size])
        for position in range(at[node], at[node + 1]):
            there, reached = to[position], cost[node] + step[position]
            if reached > limit or reached == np.inf or not _better(reached, label[node], best, there):
                continue
            cost[there], label[there], via[there] = reached, label[node], position
            size += place[there] < 0
            _rise(heap, place, best, place[there] if place[there] >= 0 else size - 1, there)


@numba.njit(nogil=True, cache=True)
def _before(best: Best, one: int, other: int) -> bool:
    """Whether the one node comes before the other."""
    return bool(best[0][one] < best[0][other] or (best[0][one] == best[0][other] and best[1][one] < best[1][other]))


@numba.njit(nogil=True, cache=True)
def _rise(heap: Small, place: Small, best: Best, at: int, node: int) -> None:
    """Put a node into the free or outdated place of the heap, or above it."""
    while at > 0 and _before(best, node, heap[(at - 1) >> 1]):
        heap[at] = heap[(at - 1) >> 1]
        place[heap[at]] = at
        at = (at - 1) >> 1
    heap[at], place[node] = node, at


@numba.njit(nogil=True, cache=True)
def _sink(heap: Small, place: Small, best: Best, size: int, node: int) -> None:
    """Put a node at the head of the heap, or below it."""
    at = 0
    while 2 * at + 1 < size:
        least = 2 * at + 1
        if least + 1 < size and _before(best, heap[least + 1], heap[least]):
            least += 1
        if not _before(best, heap[least], node):
            break
        heap[at] = heap[least]
        place[heap[at]] = at
        at = least
    heap[at], place[node] = node, at


@numba.njit(nogil=True, cache=True)
def ranks(ways: Ways, seeds: Seeds, k: int, limit: float) -> tuple[Small, Numbers]:
    """The labels of the ``k`` nearest seeds of every node and their costs, by cost and label: -1 and inf where fewer."""
    at, to, step = ways
    nodes = len(at) - 1
    found, costs, counts = np.full((nodes, k), -1, np.int32), np.full((nodes, k), np.inf), np.zeros(nodes, np.int32)
    keys, entries = np.empty(1024), np.empty((1024, 2), np.int32)
    size = nodes - nodes  # 0, but no literal
    for seed in range(len(seeds[0])):
        if seeds[1][seed] <= limit and seeds[1][seed] < np.inf:
            keys, entries = _roomier(keys, entries, size)
            _enter(keys, entries, size, seeds[1][seed], seeds[2][seed], seeds[0][seed])
            size += 1
    while size > 0:
        here, label, node = keys[0], entries[0, 0], entries[0, 1]
        size -= 1
        _leave(keys, entries, size)
        if counts[node] == k or _holds(found, node, counts[node], label):
            continue
        found[node, counts[node]], costs[node, counts[node]] = label, here
        counts[node] += 1
        for position in range(at[node], at[node + 1]):
            there, reached = to[position], here + step[position]
            if reached <= limit and reached < np.inf and counts[there] < k and not _holds(found, there, counts[there], label):
                keys, entries = _roomier(keys, entries, size)
                _enter(keys, entries, size, reached, label, there)
                size += 1
    return found, costs


@numba.njit(nogil=True, cache=True)
def _holds(found: Small, node: int, count: int, label: int) -> bool:
    """Whether the node has that label already."""
    position = 0
    while position < count and found[node, position] != label:
        position += 1
    return position < count


@numba.njit(nogil=True, cache=True)
def _roomier(keys: Numbers, entries: Small, size: int) -> tuple[Numbers, Small]:
    """The heap itself, or one with twice the room where it is full."""
    if size < len(keys):
        return keys, entries
    more_keys, more_entries = np.empty(2 * size), np.empty((2 * size, 2), np.int32)
    for at in range(size):
        more_keys[at], more_entries[at, 0], more_entries[at, 1] = keys[at], entries[at, 0], entries[at, 1]
    return more_keys, more_entries


@numba.njit(nogil=True, cache=True)
def _enter(keys: Numbers, entries: Small, size: int, key: float, label: int, node: int) -> None:
    """Put an entry into a heap of that size, sorted by key and label."""
    at = size
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] < key or (keys[above] == key and entries[above, 0] <= label):
            break
        keys[at], entries[at, 0], entries[at, 1] = keys[above], entries[above, 0], entries[above, 1]
        at = above
    keys[at], entries[at, 0], entries[at, 1] = key, label, node


@numba.njit(nogil=True, cache=True)
def _leave(keys: Numbers, entries: Small, size: int) -> None:
    """Take the first entry out of a heap that is of that size afterwards."""
    key, label, node = keys[size], entries[size, 0], entries[size, 1]
    at = 0
    while 2 * at + 1 < size:
        least = 2 * at + 1
        other = least + 1
        if other < size and (keys[other] < keys[least] or (keys[other] == keys[least] and entries[other, 0] < entries[least, 0])):
            least = other
        if key < keys[least] or (key == keys[least] and label <= entries[least, 0]):
            break
        keys[at], entries[at, 0], entries[at, 1] = keys[least], entries[least, 0], entries[least, 1]
        at = least
    keys[at], entries[at, 0], entries[at, 1] = key, label, node


@numba.njit(nogil=True, cache=True)
def along_links(
    seed: tuple[Whole, Numbers, Numbers, Small, Numbers], place: tuple[Whole, Numbers], cost: Numbers, label: Small
) -> None:
    """Lower the cost and label of places that a seed on their own link, not further along it, reaches without leaving it.

    ``seed``: links, positions along, first costs, labels, costs of the whole link; ``place``: links and positions along;
    both sorted by link and position. One pass: a seed is dropped where another one, carried on to it, is better.
    """
    ahead, leader = 0, -1
    for at in range(len(place[0])):
        while ahead < len(seed[0]) and (
            seed[0][ahead] < place[0][at] or (seed[0][ahead] == place[0][at] and seed[1][ahead] <= place[1][at])
        ):
            if leader < 0 or seed[0][leader] != seed[0][ahead]:
                leader = ahead
            else:
                carried = seed[2][leader] + _along(seed[1][ahead] - seed[1][leader], seed[4][ahead], 0.0)
                if seed[2][ahead] < carried or (seed[2][ahead] == carried and seed[3][ahead] < seed[3][leader]):
                    leader = ahead
            ahead += 1
        if leader >= 0 and seed[0][leader] == place[0][at]:
            reached = seed[2][leader] + _along(place[1][at] - seed[1][leader], seed[4][leader], 0.0)
            if reached < cost[at] or (reached == cost[at] and reached < np.inf and seed[3][leader] < label[at]):
                cost[at], label[at] = reached, seed[3][leader]
