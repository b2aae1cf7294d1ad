"""Which shelters to open so that fewest are: HiGHS (`scipy.optimize.milp`) within a stated time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, vstack

from geo_risk.access._transport import Arcs, starts_of
from geo_risk.access.roads import Floats, Ints, Mask
from geo_risk.errors import ParameterError, shown

MAX_ARCS: Final = 100_000
_HALF: Final = 0.5


@dataclass(frozen=True, eq=False)
class Choice:
    """The shelters to open; at least how many any plan needs; whether fewest, and then least time, are proved."""

    opened: Mask
    at_least: int
    fewest_proved: bool
    time_proved: bool


def choose(people: Ints, places: Ints, arcs: Arcs, placed: int, already: Mask, budget_s: float) -> Choice:
    """Fewest shelters that hold ``placed`` people, those ``already`` open counted; among such sets one of least person-time.

    Raises
    ------
    ParameterError
        More arcs than 100,000.
    """
    if len(arcs.shelter) > MAX_ARCS:
        raise ParameterError(
            "too many ways for the fewest shelters", where="evacuate", expected=f"at most {MAX_ARCS:,} within the limit",
            got=shown(len(arcs.shelter)), then="lower the limit, join groups, or ask for the least time",
        )
    budget, fixed = budget_s / 2, np.where(already, 0.0, 1.0)
    merged, joined = _merged(people, arcs)
    fewest = _solve(_Task(merged, joined, places, placed, already), joined.cost.astype(float), fixed, len(places), budget)
    if fewest is None:
        return Choice(np.ones(len(places), dtype=bool), int(already.sum()), False, False)
    opened, bound, proved = fewest
    at_least = int(already.sum()) + max(int(np.ceil(bound - 1e-6)), 0)
    task = _Task(people, arcs, places, placed, already)
    quickest = _solve(task, arcs.cost.astype(float), np.zeros(len(places)), int(opened.sum()), budget)
    if quickest is None:
        return Choice(opened, at_least, proved, False)
    return Choice(quickest[0], at_least, proved, quickest[2])


@dataclass(frozen=True, eq=False)
class _Task:
    """Place ``placed`` of the people; shelters ``already`` open cannot be shut."""

    people: Ints
    arcs: Arcs
    places: Ints
    placed: int
    already: Mask

    @property
    def most(self) -> Floats:
        """Most people on each arc."""
        return np.minimum(self.people[self.arcs.row], self.places[self.arcs.shelter]).astype(float)

    def constraints(self, most_open: int) -> LinearConstraint:
        """People of a row; places of an open shelter; nobody to a shut one; all who can be; so many shelters.

        Variables: people on each arc, then 0 or 1 for each shelter. That nobody goes to a shut one follows from its places, but
        said for each arc it makes the relaxation tighter.
        """
        count, shelters = len(self.arcs.shelter), len(self.places)
        arc, to, opened = np.arange(count), self.arcs.shelter, count + np.arange(shelters)
        one = np.zeros(count + shelters, dtype=np.int64)
        ones = np.ones(count)
        parts = (
            (ones, self.arcs.row, arc, len(self.people)),
            (np.r_[ones, -self.places], np.r_[to, np.arange(shelters)], np.r_[arc, opened], shelters),
            (np.r_[ones, -self.most], np.r_[arc, arc], np.r_[arc, opened[to]], count),
            (ones, one[:count], arc, 1),
            (np.ones(shelters), one[:shelters], opened, 1),
        )
        tables = [coo_array((values, (row, at)), shape=(height, count + shelters)) for values, row, at, height in parts]
        low = np.r_[np.full(len(self.people) + shelters + count, -np.inf), self.placed, 0]
        high = np.r_[self.people, np.zeros(shelters + count), np.inf, most_open]
        return LinearConstraint(vstack(tables).tocsr(), low, high)


def _solve(task: _Task, cost: Floats, fixed: Floats, most_open: int, budget_s: float) -> tuple[Mask, float, bool] | None:
    """The open shelters of the best solution found, the bound, and whether it is proved; None if none was found in time."""
    shelters = len(task.places)
    found = milp(
        np.r_[cost, fixed], integrality=np.r_[np.zeros(len(cost)), np.ones(shelters)],
        bounds=Bounds(np.r_[np.zeros(len(cost)), task.already.astype(float)], np.r_[task.most, np.ones(shelters)]),
        constraints=task.constraints(most_open), options={"time_limit": budget_s, "mip_rel_gap": 0.0},
    )
    if found.x is None:
        return None
    return found.x[len(cost):] > _HALF, float(found.mip_dual_bound), bool(found.status == 0)


def _merged(people: Ints, arcs: Arcs) -> tuple[Ints, Arcs]:
    """Rows that may go to the same shelters as one: which of them goes where does not bear on how many are opened."""
    ways = [arcs.shelter[first:last] for first, last in zip(arcs.starts[:-1], arcs.starts[1:], strict=True)]
    same: dict[bytes, int] = {}
    kind = np.array([same.setdefault(way.tobytes(), len(same)) for way in ways], dtype=np.int64)
    first = np.unique(kind, return_index=True)[1]
    together = np.bincount(kind, weights=people, minlength=len(same)).astype(np.int64)
    shelter = np.concatenate([ways[row] for row in first]) if len(first) else np.empty(0, dtype=np.int64)
    row = np.repeat(np.arange(len(first)), [len(ways[row]) for row in first])
    return together, Arcs(starts_of(row, len(first)), shelter, np.zeros(len(row), dtype=np.int64), together[row])
