"""A plan made anew beside a former one: as few groups changed as can be, or as few people moved.

A group *stays* if everyone of its people who had a place, of whatever need, still goes there; people who had none bear on nothing.
Groups with a way or a place gone are bound to change. If all the others are held and as many people as ever have a place, no plan
changes fewer: that is the usual case, and a small flow. Else groups are let go, first those that move in the plan of fewest people
moved, and HiGHS searches all sets of groups where the question is small.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, vstack

from geo_risk.access._transport import Arcs, Flow, least_cost, starts_of
from geo_risk.access.road_graph import Ints, Mask

MAX_ARCS: Final = 20_000  # for HiGHS, which may overrun its time on more
_TRIED: Final = 16_000_000  # arcs gone through to hold single groups: some seconds
_TRIES: Final = 60
_SOLVED: Final = 20  # to solve an arc's flow costs as much as to go through so many arcs
_HALF: Final = 0.5
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Former:
    """A transport and what a former plan says of it, pinned people left out of both.

    ``group`` of each row, by position; ``stays`` are people whom an arc's row had at its shelter, ``needed`` those of a row who
    must stay if its group is to.
    """

    people: Ints
    places: Ints
    arcs: Arcs
    group: Ints
    stays: Ints
    needed: Ints

    @property
    def bound_to_change(self) -> Mask:
        """Groups that cannot stay in any plan: ways or places they had are gone."""
        room = _by_row(self.arcs, np.minimum(self.stays, self.places[self.arcs.shelter]))
        return self.groups_with(np.minimum(room, self.people) < self.needed)

    def changed(self, flow: Flow) -> Mask:
        """Groups that do not stay in a flow."""
        return self.groups_with(_by_row(self.arcs, np.minimum(flow.people, self.stays)) < self.needed)

    def groups_with(self, rows: Mask) -> Mask:
        """Groups of which any row is marked."""
        return np.bincount(self.group[rows], minlength=int(self.group.max(initial=-1)) + 1) > 0

    def rank(self, flow: Flow) -> tuple[int, int, int]:
        """Groups that change, people who do not stay, person-seconds: less is better."""
        stay = _by_row(self.arcs, np.minimum(flow.people, self.stays))
        return int(self.changed(flow).sum()), int(-stay.sum()), int(flow.people @ self.arcs.cost)


@dataclass(frozen=True, eq=False)
class Kept:
    """A flow; at least how many groups any flow changes; whether no other changes fewer, moves fewer people or takes less time."""

    flow: Flow
    at_least: int
    proved: bool


def fewest_people(former: Former) -> Kept:
    """The flow that moves fewest people, then takes least time, whatever groups they are of."""
    return Kept(_flow_of(former, _split(former, _none(former))), int(former.bound_to_change.sum()), proved=True)


def fewest_groups(former: Former, placed: int, budget_s: float) -> Kept:
    """The flow of ``placed`` people, the most there can be, that changes fewest groups, then moves fewest people, in least time."""
    bound = former.bound_to_change
    flow = _keeping(former, ~bound, placed)
    if flow is not None:
        return Kept(flow, int(bound.sum()), proved=True)
    found = Kept(_held_one_by_one(former, placed), int(bound.sum()) + 1, proved=False)
    return found if len(former.arcs.shelter) > MAX_ARCS else _searched(former, placed, found, budget_s)


def _none(former: Former) -> Mask:
    return np.zeros_like(former.bound_to_change)


def _keeping(former: Former, kept: Mask, placed: int) -> Flow | None:
    """Of flows that place so many while all groups of ``kept`` stay: fewest people moved, then least time; None if none does."""
    split = _split(former, kept)
    if (split.places < 0).any():
        return None
    flow = _flow_of(former, split)
    held = int(flow.people.sum()) == placed and not (former.changed(flow) & kept).any()
    return flow if held else None


@dataclass(frozen=True, eq=False)
class _Split:
    """Rows in two, those held first and then the rest, and their arcs; ``out`` are people taken out on arcs of the question."""

    out: Ints
    people: Ints
    places: Ints
    arcs: Arcs
    way: Ints


def _split(former: Former, kept: Mask) -> _Split:
    """Who must stay on every former way in full is taken out; other held people have their former ways alone.

    As many of the rest as were there may stay at the way's own cost; all else costs more by what no chain of changes can save.
    """
    arcs, row, keeps = former.arcs, former.arcs.row, kept[former.group]
    full = keeps & (_by_row(arcs, former.stays) == former.needed)
    out = np.where(full[row], former.stays, 0)
    held = np.where(keeps & ~full, former.needed, 0)
    people = np.stack([held, former.people - held - _by_row(arcs, out)], axis=1).ravel()
    own = np.flatnonzero((former.stays > 0) & (held > 0)[row])
    rest = np.flatnonzero(people[2 * row + 1] > 0)
    staying = rest[(former.stays[rest] > 0) & ~keeps[row[rest]]]
    dear = (len(former.places) + 2) * int(arcs.cost.max(initial=0)) + 1
    node = np.concatenate([2 * row[own], 2 * row[rest] + 1, 2 * row[staying] + 1])
    order = np.argsort(node, kind="stable")
    way = np.concatenate([own, rest, staying])[order]
    cost = np.concatenate([arcs.cost[own], arcs.cost[rest] + dear, arcs.cost[staying]])[order]
    most = np.concatenate([former.stays[own], arcs.most[rest], former.stays[staying]])[order]
    parts = Arcs(starts_of(node[order], len(people)), arcs.shelter[way], cost, most)
    return _Split(out, people, former.places - _summed(arcs.shelter, out, len(former.places)), parts, way)


def _flow_of(former: Former, split: _Split) -> Flow:
    first = np.arange(len(split.people)) % 2 == 0
    found = least_cost(split.people, split.places, split.arcs, first=first)
    return replace(found, people=split.out + _summed(split.way, found.people, len(split.out)))


def _held_one_by_one(former: Former, placed: int) -> Flow:
    """From the flow of fewest people moved, groups that change are held if that can be, the smallest first."""
    best = fewest_people(former).flow
    size = _summed(former.group, former.needed, len(_none(former)))
    asked = np.flatnonzero(former.changed(best) & ~former.bound_to_change)
    solved = int(former.changed(best)[former.group[former.arcs.row]].sum())
    tries = min(_TRIES, _TRIED // max(len(former.arcs.shelter) + _SOLVED * solved, 1))
    for group in asked[np.argsort(size[asked], kind="stable")][:tries]:
        kept = ~former.changed(best)
        kept[group] = True
        best = _keeping(former, kept, placed) or best
    return best


def _searched(former: Former, placed: int, found: Kept, budget_s: float) -> Kept:
    """HiGHS: fewest groups, among those fewest people moved, among those least time, each in a third of the time.

    What it finds is a set of groups; the flow that lets go just these is solved in whole numbers, and ranked with what there was.
    """
    search, at_least, proved = _Search(former, placed), found.at_least, True
    flows, most, stay = [found.flow], former.rank(found.flow)[0], 0
    for aim in range(len(_AIMS)):
        solved = search.solve(aim, most, stay, budget_s / len(_AIMS))
        proved = proved and solved is not None and solved.proved
        if solved is None:
            break
        flow = _keeping(former, ~solved.changed, placed)
        flows += [] if flow is None else [flow]
        if aim == 0:
            at_least = max(at_least, int(np.ceil(solved.bound - _ROUNDING)))
        most, stay = former.rank(min(flows, key=former.rank))[:2]
    best = min(flows, key=former.rank)
    return Kept(best, at_least, proved and (former.rank(best)[0] == at_least))


@dataclass(frozen=True, eq=False)
class _Solved:
    changed: Mask
    bound: float
    proved: bool


_AIMS: Final = ("groups", "people", "time")


@dataclass(frozen=True, eq=False)
class _Search:
    """Variables: people on each arc, people who stay on each former one, 1 for each group that changes."""

    former: Former
    placed: int

    def solve(self, aim: int, most_groups: int, stay: int, budget_s: float) -> _Solved | None:
        """The groups that change in the best solution; at most so many, so many people staying (less than 0: those who move)."""
        former, arcs = self.former, self.former.arcs
        own = np.flatnonzero(former.stays > 0)
        counts = (len(own), len(former.bound_to_change))
        zero, zeros, none = np.zeros(len(arcs.shelter)), np.zeros(counts[0]), np.zeros(counts[1])
        cost = (
            np.r_[zero, zeros, none + 1.0], np.r_[zero, zeros - 1.0, none],
            np.r_[arcs.cost.astype(float), arcs.cost[own].astype(float), none],
        )[aim]
        high = np.r_[arcs.most.astype(float), former.stays[own], none + 1.0]
        found = milp(
            cost, integrality=np.r_[zero, zeros, none + 1.0], bounds=Bounds(np.r_[zero, zeros, former.bound_to_change], high),
            constraints=self.constraints(own, most_groups, stay), options={"time_limit": budget_s, "mip_rel_gap": 0.0},
        )
        if found.x is None:
            return None
        return _Solved(found.x[-counts[1]:] > _HALF, float(found.mip_dual_bound), bool(found.status == 0))

    def constraints(self, own: Ints, most_groups: int, stay: int) -> LinearConstraint:
        """People of a row; places; all who can be; a row's people stay or its group changes; so many groups; so many stay."""
        former, arcs = self.former, self.former.arcs
        count, rows, groups = len(arcs.shelter), np.flatnonzero(former.needed), len(former.bound_to_change)
        both, at = np.r_[np.arange(count), own], np.arange(count + len(own))
        group, ones, height = count + len(own) + former.group, np.ones(len(at)), len(former.people)
        every = count + len(own) + np.arange(groups)
        parts = (
            (ones, arcs.row[both], at, height),
            (ones, arcs.shelter[both], at, len(former.places)),
            (ones, np.zeros_like(at), at, 1),
            (np.r_[ones[count:], former.needed[rows]], np.r_[arcs.row[own], rows], np.r_[at[count:], group[rows]], height),
            (np.ones(groups), np.zeros(groups, dtype=np.int64), every, 1),
            (ones[count:], np.zeros(len(own), dtype=np.int64), at[count:], 1),
        )
        tables = [coo_array((value, (row, to)), shape=(tall, len(at) + groups)) for value, row, to, tall in parts]
        far = np.full(len(former.people) + len(former.places), -np.inf)
        low = np.r_[far, self.placed, former.needed, 0, -stay]
        high = np.r_[former.people, former.places, np.inf, np.full(len(former.people), np.inf), most_groups, np.inf]
        return LinearConstraint(vstack(tables).tocsr(), low, high)


def _by_row(arcs: Arcs, values: Ints) -> Ints:
    return _summed(arcs.row, values, len(arcs.starts) - 1)


def _summed(at: Ints, values: Ints, count: int) -> Ints:
    return np.bincount(at, weights=values, minlength=count).astype(np.int64)
