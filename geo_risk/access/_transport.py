"""Whole persons from rows to shelters at least cost: OR-tools' min-cost flow on few arcs, proved against all of them.

A *row* is people of one group and one need. Each row may also leave people with *nobody*: a last shelter with room for all,
at a cost no chain of changes can outweigh, so as many as can be are placed first and only then cheaply.

How it stays exact. The flow is solved on a few arcs of each row. In the residual network of that flow each full shelter gets
a price: what one more place in it would save. With those prices every dropped arc is measured: if it costs less than the row
pays now, it is taken in and the flow is solved again. When none does, the prices prove by duality that no dropped arc could
have helped, whatever the number kept.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from ortools.graph.python.max_flow import SimpleMaxFlow
from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

from geo_risk.access._price_kernel import price_out
from geo_risk.access.road_graph import Ints, Mask
from geo_risk.errors import ParameterError, shown

NONE_DROPPED: Final = int(np.iinfo(np.int64).max)
_PATIENT: Final = 4  # rounds before more arcs are taken in at once
_ROUNDS: Final = 24  # then all arcs are given: the search ends
_WHOLE: Final = 20_000
_SAMPLE: Final = 300  # rows that find the first prices
_MOST_COST: Final = 2**61  # costs times nodes; OR-tools scales them so


@dataclass(frozen=True, eq=False)
class Arcs:
    """Ways of rows to shelters: those of row r stand at ``starts[r]..starts[r + 1]``; cost a person, and most people on it."""

    starts: Ints
    shelter: Ints
    cost: Ints
    most: Ints

    @property
    def row(self) -> Ints:
        """The row of each arc."""
        return np.repeat(np.arange(len(self.starts) - 1), np.diff(self.starts))

    def only(self, kept: Mask) -> "Arcs":
        """The arcs of a mask."""
        return Arcs(starts_of(self.row[kept], len(self.starts) - 1), self.shelter[kept], self.cost[kept], self.most[kept])


@dataclass(frozen=True, eq=False)
class Flow:
    """People on each arc, and the proof: arcs used, rounds, the least reduced cost of a dropped arc (`NONE_DROPPED`)."""

    people: Ints
    arcs_used: int
    rounds: int
    least_reduced_cost: int


def starts_of(row: Ints, rows: int) -> Ints:
    """Where each row's arcs start, from the rising row of each arc.

    >>> starts_of(np.array([0, 0, 2]), 3).tolist()
    [0, 2, 2, 3]
    """
    return np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows))]).astype(np.int64)


def expand(starts: Ints, rows: Ints) -> tuple[Ints, Ints]:
    """All arcs of the rows given, one row after the other: the position in ``rows``, and the arc.

    >>> [found.tolist() for found in expand(np.array([0, 2, 2, 3]), np.array([2, 0]))]
    [[0, 1, 1], [2, 0, 1]]
    """
    counts = starts[rows + 1] - starts[rows]
    owner = np.repeat(np.arange(len(rows)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts) + starts[rows][owner]


def least_cost(
    people: Ints, places: Ints, arcs: Arcs, *, few: int = 12, whole_below: int | None = None, first: Mask | None = None
) -> Flow:
    """The flow that places most people and of those flows the one of least cost.

    Parameters
    ----------
    people : (rows,) 0 or more
    places : (shelters,) 0 or more
    arcs : Arcs
        Costs 0 or more. An arc with a ``most`` below the row's people is never dropped.
    few : int
        Arcs of a row to begin with, and to add a round.
    whole_below : int, optional
        So many arcs are given at once: to prune them would cost more than it saves. 20,000, or 4 x ``few`` a row, if not given.
    first : (rows,) of bool, optional
        Rows none of whose people is left out if all of them, and as many people as ever, can have a place at once.
    """
    given = _with_nobody(people, len(places), arcs, np.zeros(len(people), dtype=bool) if first is None else first)
    room = np.append(places, people.sum())
    active = (given.most < people[given.row]) | (given.shelter == len(places))
    price = np.zeros(len(room), dtype=np.int64)
    few_enough = max(_WHOLE, 4 * few * len(people)) if whole_below is None else whole_below
    if len(arcs.shelter) <= few_enough:
        active[:] = True
    elif len(people) > 4 * _SAMPLE:
        price = _sampled_prices(people, room, given)
    _take_in(given, price, np.full(len(people), NONE_DROPPED // 2), few, active)
    rounds = 0
    while True:
        rounds += 1
        found, price, worth = _solved(people, room, given.only(active))
        used = int(active.sum())
        added, least = _take_in(given, price, worth, few, active)
        if not added:
            break
        few = 2 * few if rounds >= _PATIENT else few
        active[:] |= rounds >= _ROUNDS
    flow = np.zeros(len(active), dtype=np.int64)
    flow[active] = found
    real = given.shelter < len(places)
    return Flow(flow[real], used - len(people), rounds, least)


def most_placed(people: Ints, places: Ints, row: Ints, shelter: Ints) -> Ints:
    """People on each arc when as many as can be have a place, at any cost.

    >>> most_placed(np.array([3, 2]), np.array([2, 2]), np.array([0, 0, 1]), np.array([0, 1, 0])).sum()
    np.int64(4)
    """
    rows, shelters = len(people), len(places)
    source, sink = rows + shelters, rows + shelters + 1
    solver = SimpleMaxFlow()
    tail = np.concatenate([row, np.full(rows, source), np.arange(shelters) + rows]).astype(np.int32)
    head = np.concatenate([shelter + rows, np.arange(rows), np.full(shelters, sink)]).astype(np.int32)
    solver.add_arcs_with_capacity(tail, head, np.concatenate([np.minimum(people[row], places[shelter]), people, places]))
    _require_solved(solver.solve(source, sink), solver.OPTIMAL)
    return np.asarray(solver.flows(np.arange(len(row), dtype=np.int32)), dtype=np.int64)


def _with_nobody(people: Ints, shelters: int, arcs: Arcs, first: Mask) -> Arcs:
    """The arcs, and one more at the end of each row, to nobody; twice as dear for rows that come ``first``.

    One more person placed changes at most one arc at each shelter, so a cost of (shelters + 1) times the dearest is enough.
    """
    dearest = int(arcs.cost.max(initial=0))
    nobody = (shelters + 2) * dearest + 1
    if 2 * nobody * (len(people) + shelters + 3) > _MOST_COST:
        raise ParameterError(
            "costs are too large to be told apart", where="evacuate", expected="seconds x shelters^2 x groups below 10^18",
            got=shown(dearest), then="lower the limit, or ask for fewer groups at once",
        )
    at, dear = arcs.starts[1:], np.where(first, 2 * nobody, nobody)
    return Arcs(
        arcs.starts + np.arange(len(arcs.starts)), np.insert(arcs.shelter, at, shelters), np.insert(arcs.cost, at, dear),
        np.insert(arcs.most, at, people),
    )


def _solved(people: Ints, room: Ints, arcs: Arcs) -> tuple[Ints, Ints, Ints]:
    """People on each arc, the price of each shelter, and what each row pays for its dearest person."""
    flow = _flow(people, room, arcs)
    price = _prices(len(room), arcs, flow)
    worth = np.zeros(len(people), dtype=np.int64)
    used = flow > 0
    np.maximum.at(worth, arcs.row[used], (arcs.cost + price[arcs.shelter])[used])
    return flow, price, worth


def _flow(people: Ints, room: Ints, arcs: Arcs) -> Ints:
    rows, shelters = len(people), len(room)
    sink = rows + shelters
    solver = SimpleMinCostFlow()
    tail = np.concatenate([arcs.row, np.arange(shelters) + rows]).astype(np.int32)
    head = np.concatenate([arcs.shelter + rows, np.full(shelters, sink)]).astype(np.int32)
    cost = np.concatenate([arcs.cost, np.zeros(shelters, dtype=np.int64)])
    solver.add_arcs_with_capacity_and_unit_cost(tail, head, np.concatenate([arcs.most, room]), cost)
    supply = np.concatenate([people, np.zeros(shelters, dtype=np.int64), [-people.sum()]])
    solver.set_nodes_supplies(np.arange(sink + 1, dtype=np.int32), supply)
    _require_solved(solver.solve(), solver.OPTIMAL)
    return np.asarray(solver.flows(np.arange(len(arcs.shelter), dtype=np.int32)), dtype=np.int64)


def _prices(shelters: int, arcs: Arcs, flow: Ints) -> Ints:
    """The least prices of shelters that agree with a cheapest flow: longest ways in its residual network, from 0.

    Who goes to j at cost c and may go to k at cost d makes price[k] >= price[j] + c - d.
    """
    used = np.flatnonzero(flow > 0)
    owner, other = expand(arcs.starts, arcs.row[used])
    free = flow[other] < arcs.most[other]
    here, there = used[owner[free]], other[free]
    gains = np.full(shelters * shelters, -NONE_DROPPED)
    np.maximum.at(gains, arcs.shelter[there] * shelters + arcs.shelter[here], arcs.cost[here] - arcs.cost[there])
    pairs = np.flatnonzero(gains > -NONE_DROPPED)
    (target, origin), gain = np.divmod(pairs, shelters), gains[pairs]
    price = np.zeros(shelters, dtype=np.int64)
    if not len(pairs):
        return price
    heads, firsts = np.unique(target, return_index=True)
    for _ in range(shelters + 1):
        raised = np.maximum(price[heads], np.maximum.reduceat(price[origin] + gain, firsts))
        if (raised == price[heads]).all():
            break
        price[heads] = raised
    return price


def _sampled_prices(people: Ints, room: Ints, arcs: Arcs) -> Ints:
    """Prices to begin with: those of every n-th row on all its arcs, each standing for n."""
    kept = np.arange(0, len(people), max(len(people) // _SAMPLE, 1))
    share = people.sum() / max(people[kept].sum(), 1)
    some = np.zeros(len(people), dtype=np.int64)
    some[kept] = np.floor(people[kept] * share)
    part = np.zeros(len(people), dtype=bool)
    part[kept] = True
    chosen = arcs.only(part[arcs.row])
    return _solved(some, room, Arcs(chosen.starts, chosen.shelter, chosen.cost, some[chosen.row]))[1]


def _take_in(arcs: Arcs, price: Ints, worth: Ints, few: int, active: Mask) -> tuple[int, int]:
    return price_out(arcs.starts, arcs.shelter, arcs.cost, price, worth, few, active, np.empty(few, dtype=np.int64))


def _require_solved(status: object, optimal: object) -> None:
    if status != optimal:
        raise ParameterError(
            "the flow could not be solved", where="evacuate", expected="an optimum", got=shown(str(status)),
            then="report it with the numbers of groups, shelters and people",
        )
