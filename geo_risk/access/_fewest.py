"""Which shelters to open so that fewest are: HiGHS (`scipy.optimize.milp`) within a stated time."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, vstack

from geo_risk.access._transport import Arcs, most_placed, starts_of
from geo_risk.access.road_graph import Floats, Ints, Mask
from geo_risk.errors import ParameterError, shown

MAX_ARCS: Final = 20_000
_TIGHT: Final = 10_000
_HALF: Final = 0.5
_ROUNDING: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Choice:
    """Sets of shelters to open, the best among them; at least how many any plan needs; what of them is proved."""

    sets: tuple[Mask, ...]
    at_least: int
    fewest_proved: bool
    time_proved: bool


def choose(people: Ints, places: Ints, arcs: Arcs, placed: int, already: Mask, budget_s: float) -> Choice:
    """Fewest shelters that hold ``placed`` people, those ``already`` open counted; among such sets one of least person-time.

    Raises
    ------
    ParameterError
        More arcs than 20,000.
    """
    if len(arcs.shelter) > MAX_ARCS:
        raise ParameterError(
            "too many ways for the fewest shelters", where="evacuate", expected=f"at most {MAX_ARCS:,} within the limit",
            got=shown(len(arcs.shelter)), then="lower the limit, join groups, or ask for the least time",
        )
    opened, at_least = _thinned(people, places, arcs, placed, already), _at_least(places, placed, already)
    proved = bool(opened.sum() == at_least)
    if not proved:
        merged, joined = _merged(people, arcs)
        task = _Task(merged, joined, places, placed, already)
        fewest = _solve(task, joined.cost.astype(float), np.where(already, 0.0, 1.0), int(opened.sum()), budget_s / 2)
        if fewest is not None:
            at_least = max(at_least, int(already.sum()) + int(np.ceil(fewest[1] - _ROUNDING)))
            opened = min(opened, fewest[0], key=np.sum)
            proved = bool(opened.sum() == at_least)
    task = _Task(people, arcs, places, placed, already)
    quickest = _solve(task, arcs.cost.astype(float), np.zeros(len(places)), int(opened.sum()), budget_s / 2)
    if quickest is None:
        return Choice((opened,), at_least, proved, False)
    return Choice((quickest[0], opened), at_least, proved, quickest[2])


def _at_least(places: Ints, placed: int, already: Mask) -> int:
    """No fewer can hold so many, even if each could take anybody: those open, then the largest.

    >>> _at_least(np.array([3, 9, 5]), 10, np.array([True, False, False]))
    2
    """
    room = np.concatenate([[0], np.cumsum(np.sort(places[~already])[::-1])]) + places[already].sum()
    return int(already.sum() + np.argmax(room >= placed))


def _thinned(people: Ints, places: Ints, arcs: Arcs, placed: int, already: Mask) -> Mask:
    """A set that none can be left out of: shelters are shut one by one, the smallest first, while all still have a place."""
    opened = np.ones(len(places), dtype=bool)
    row = arcs.row
    for at in np.argsort(np.where(already, len(places) * places.max(initial=0), places), kind="stable")[: (~already).sum()]:
        opened[at] = False
        part = opened[arcs.shelter]
        opened[at] = most_placed(people, places, row[part], arcs.shelter[part]).sum() < placed
    return opened


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
        """People of a row; places of an open shelter; all who can be; so many shelters; and on few arcs nobody to a shut one.

        Variables: people on each arc, then 0 or 1 for each shelter. The last follows from the second, but makes the relaxation
        tighter, which pays while it is small.
        """
        count, shelters = len(self.arcs.shelter), len(self.places)
        arc, to, opened = np.arange(count), self.arcs.shelter, count + np.arange(shelters)
        tight = count if count <= _TIGHT else 0
        one = np.zeros(count + shelters, dtype=np.int64)
        ones = np.ones(count)
        parts = (
            (ones, self.arcs.row, arc, len(self.people)),
            (np.r_[ones, -self.places], np.r_[to, np.arange(shelters)], np.r_[arc, opened], shelters),
            (ones, one[:count], arc, 1),
            (np.ones(shelters), one[:shelters], opened, 1),
            (np.r_[ones, -self.most][: 2 * tight], np.r_[arc, arc][: 2 * tight], np.r_[arc, opened[to]][: 2 * tight], tight),
        )
        tables = [coo_array((values, (row, at)), shape=(height, count + shelters)) for values, row, at, height in parts]
        low = np.r_[np.full(len(self.people) + shelters, -np.inf), self.placed, 0, np.full(tight, -np.inf)]
        high = np.r_[self.people, np.zeros(shelters), np.inf, most_open, np.zeros(tight)]
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
