"""Why a plan leaves people without a place, as numbers that can be checked by hand; and what would help, and by how much.

Who is *short of places* can reach open shelters within the limit, and all of them are full. Following who sits in those
shelters, and where else they could go, finds the groups and the shelters that are closed in on each other (a minimum cut):
these people can go nowhere but to these shelters, and

    people of these groups - free places of these shelters = the shortage.

No rearrangement can beat that sum. Every other cause has its own name (`REASONS`).
"""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo_risk.access._transport import expand, most_placed
from geo_risk.access.road_graph import Floats, Ints, Mask

REASONS: Final = (
    "no way to any shelter",
    "only excluded shelters reached",
    "only shelters of unknown room reached",
    "no shelter fit for the need",
    "beyond the limit",
    "short of places",
)
"""Why people have no place. The first that holds is told; only the last is a matter of beds."""

SHORT: Final = len(REASONS) - 1
_STEPS: Final = 3  # thresholds told one by one
_ARCS: Final = 40_000_000  # arcs searched for one kind of advice, all its questions together: some seconds
_NEVER: Final = int(np.iinfo(np.int64).max)


@dataclass(frozen=True, kw_only=True)
class Shortage:
    """Groups that can only go to ``shelters``, which are full: ``short`` = ``people`` - ``places``.

    ``needs`` are those of the people counted; ``places`` are free ones before the plan, without those pinned.
    """

    groups: tuple[Hashable, ...]
    needs: tuple[str, ...]
    shelters: tuple[Hashable, ...]
    people: int
    places: int
    short: int


@dataclass(frozen=True, kw_only=True)
class Opening:
    """An excluded shelter, and how many more people would have a place if it alone were opened.

    ``saves`` is None where ``free`` is unknown, or where the question was too large to be asked (`asked` False).
    """

    shelter: Hashable
    reason: str
    free: int | None
    saves: int | None
    asked: bool


@dataclass(frozen=True, kw_only=True)
class Raised:
    """With a limit of ``limit_s`` whole seconds ``saves`` more people have a place, and ``left`` still have none."""

    limit_s: int
    saves: int
    left: int


@dataclass(frozen=True, eq=False)
class Question:
    """A transport question in numbers: rows of people, free places, and every known way of a row to a shelter fit for it.

    ``usable`` (shelters): open, of known room. ``place`` is what a shelter has or, excluded, would have; 0 where unknown.
    Ways of row r stand at ``starts[r]..starts[r + 1]``.
    """

    people: Ints
    places: Ints
    usable: Mask
    starts: Ints
    shelter: Ints
    seconds: Floats
    limit_s: float

    @property
    def row(self) -> Ints:
        """The row of each way."""
        return np.repeat(np.arange(len(self.people)), np.diff(self.starts))

    @property
    def within(self) -> Mask:
        """The ways that a plan may use."""
        return self.usable[self.shelter] & (self.seconds <= self.limit_s)


def closed_in(question: Question, flow: Ints) -> tuple[Mask, Mask]:
    """The rows whose people can go only to the shelters found, and those shelters, all full; ``flow`` by way.

    From each row with people left: its shelters, the rows that sit in them, their shelters, and so on.
    """
    row, within = question.row, question.within
    left = question.people - np.bincount(row, weights=flow, minlength=len(question.people)).astype(np.int64)
    rows = (left > 0) & _has(row[within], len(left))
    while True:
        shelters = _has(question.shelter[within & rows[row]], len(question.places))
        wider = rows | _has(row[(flow > 0) & shelters[question.shelter]], len(rows))
        if (wider == rows).all():
            return rows, shelters
        rows = wider


def islands(question: Question, rows: Mask, shelters: Mask) -> list[tuple[Ints, Ints]]:
    """Rows and shelters closed in, split where no way joins them; the largest shortage first."""
    part = question.within & rows[question.row]
    size, nodes = len(rows), len(rows) + len(shelters)
    joined = coo_array((np.ones(part.sum()), (question.row[part], question.shelter[part] + size)), shape=(nodes, nodes))
    _, label = connected_components(joined, directed=False)
    found = [
        (np.flatnonzero(rows & (label[:size] == each)), np.flatnonzero(shelters & (label[size:] == each)))
        for each in np.unique(label[:size][rows])
    ]
    return sorted(found, key=lambda pair: int(question.places[pair[1]].sum() - question.people[pair[0]].sum()))


def saved_by_opening(question: Question, flow: Ints, excluded: Ints) -> dict[int, int | None]:
    """More people placed if one excluded shelter were open, for each by itself; None where the search would be too large.

    Only rows closed in, and those without any shelter, can gain: the flow is solved for them alone.
    """
    row = question.row
    stuck, full = closed_in(question, flow)
    lost = question.people - np.bincount(row, weights=flow, minlength=len(stuck)).astype(np.int64)
    gaining = stuck | (lost > 0)
    now = int(question.people[gaining].sum() - lost.sum())
    near = gaining[row] & (question.seconds <= question.limit_s)
    inside = near & full[question.shelter] & question.usable[question.shelter]
    most = {int(at): _most_through(question, near & (question.shelter == at), lost) for at in excluded}
    answers: dict[int, int | None] = {}
    budget = _ARCS
    for at in sorted(most, key=lambda each: (-most[each][1], each)):
        certain, ceiling = most[at]
        if certain < ceiling:
            arcs = inside | (near & (question.shelter == at))
            budget -= int(arcs.sum())
            if budget < 0:
                answers[at] = None
                continue
            certain = _placed(question, np.where(gaining, question.people, 0), arcs) - now
        answers[at] = certain
    return answers


def _most_through(question: Question, direct: Mask, lost: Ints) -> tuple[int, int]:
    """What a shelter takes for certain of those without a place, and the most that it could."""
    rows = np.unique(question.row[direct])
    if not len(rows):
        return 0, 0
    places = int(question.places[question.shelter[np.argmax(direct)]])
    return min(int(lost[rows].sum()), places), min(int(lost.sum()), places)


def _placed(question: Question, people: Ints, arcs: Mask) -> int:
    return int(most_placed(people, question.places, question.row[arcs], question.shelter[arcs]).sum())


def raised_limits(question: Question, flow: Ints) -> tuple[tuple[Raised, ...], bool]:
    """The next limits that place more people, one by one, and the least that places all whom any limit can; whether that is told.

    Exact: between two of the first limits told none helps, and below the last none does as much. At most three are told one by
    one. Limits are whole seconds, rounded up. False: the last was too large a search, and is not among them.
    """
    open_ways = question.usable[question.shelter]
    extra = np.where(question.within, 0, np.ceil(question.seconds)).astype(np.int64)
    total, now = int(question.people.sum()), int(flow.sum())
    found: list[Raised] = []
    current, budget = flow, _ARCS
    while len(found) < _STEPS and budget > 0:
        limit = _next_limit(question, current, open_ways, extra)
        if limit is None:
            return tuple(found), True
        arcs = open_ways & (extra <= limit)
        current = np.zeros(len(flow), dtype=np.int64)
        current[arcs] = most_placed(question.people, question.places, question.row[arcs], question.shelter[arcs])
        found.append(Raised(limit_s=limit, saves=int(current.sum()) - now, left=total - int(current.sum())))
        budget -= int(arcs.sum())
    most = _placed(question, question.people, open_ways)
    if most == found[-1].saves + now:
        return tuple(found), True
    last = _limit_for_all(question, open_ways, extra, found[-1].limit_s, most, budget)
    raised = [] if last is None else [Raised(limit_s=last, saves=most - now, left=total - most)]
    return (*found, *raised), last is not None


def _limit_for_all(question: Question, open_ways: Mask, extra: Ints, above: int, most: int, budget: int) -> int | None:
    """The least limit over ``above`` that places ``most`` people, by halving; None where that is too much to search."""
    limits = np.unique(extra[open_ways & (extra > above)])
    low, high = 0, len(limits) - 1
    while low < high:
        middle = (low + high) // 2
        arcs = open_ways & (extra <= limits[middle])
        budget -= int(arcs.sum())
        if budget < 0:
            return None
        low, high = (low, middle) if _placed(question, question.people, arcs) == most else (middle + 1, high)
    return int(limits[low])


def _next_limit(question: Question, flow: Ints, open_ways: Mask, extra: Ints) -> int | None:
    """The least limit at which one more person finds a place: the way whose dearest step is cheapest, person by person."""
    row, shelters = question.row, len(question.places)
    left = question.people - np.bincount(row, weights=flow, minlength=len(question.people)).astype(np.int64)
    room = question.usable & (question.places > np.bincount(question.shelter, weights=flow, minlength=shelters))
    reach = np.full(shelters, _NEVER)
    asking = open_ways & (left > 0)[row]
    np.minimum.at(reach, question.shelter[asking], extra[asking])
    step = _steps(question, np.flatnonzero(flow > 0), open_ways, extra)
    done = np.zeros(shelters, dtype=bool)
    while (reach[~done] < _NEVER).any():
        at = int(np.argmin(np.where(done, _NEVER, reach)))
        if room[at]:
            return int(reach[at])
        done[at] = True
        reach = np.minimum(reach, np.maximum(step[at], reach[at]))
    return None


def _steps(question: Question, used: Ints, open_ways: Mask, extra: Ints) -> NDArray[np.int64]:
    """For each two shelters the least limit at which somebody who sits in the first could go to the second."""
    shelters = len(question.places)
    owner, other = expand(question.starts, question.row[used])
    kept = open_ways[other]
    step = np.full(shelters * shelters, _NEVER)
    np.minimum.at(step, (question.shelter[used][owner] * shelters + question.shelter[other])[kept], extra[other][kept])
    return np.asarray(step.reshape(shelters, shelters))


def _has(found: Ints, count: int) -> Mask:
    return np.bincount(found, minlength=count) > 0

