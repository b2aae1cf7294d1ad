"""Which people go to which shelter, so that nobody is sent to a place that is not there and all together travel least.

It knows no roads: a matrix of seconds from groups to shelters is all it reads (`geo_risk.access.travel.matrix` makes one).
The rules, named:

- *Most first.* As many people as can be have a place; of such plans that of least person-time. With ``fewest`` the fewest
  shelters come before least time; with ``previous`` the fewest groups changed, then the fewest people moved (``stay="groups"``),
  or the fewest people moved, whatever groups they are of (``stay="people"``).
- *A group changes* if any of its people who had a place, of whatever need, goes elsewhere or is left out. People who had none, in
  a new group or in one that grew, are no change.
- *Whole persons, whole seconds.* Seconds are rounded to whole ones, half up (`ROUNDING`), after the limit is applied to them
  as they are. Groups may be split over shelters.
- *Needs.* A person who needs both wheels and care counts once, in ``care``. ``wheels`` go to accessible shelters, ``care`` to
  shelters that have care *and* are accessible, as nobody says who of them has wheels. Unknown fitness is not fit.
- *Unknown is not safe.* A shelter of unknown room takes nobody and is listed; a group of unknown size is listed, not left out;
  a group whose needs are unknown is moved as people without needs and listed.
- *Order-free.* Groups and shelters are taken in the order of their ids: the same question in another order has the same plan.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo_risk.access._fewest import choose
from geo_risk.access._plan_input import (
    MAX_GROUPS,
    MAX_SHELTERS,
    NEEDS,
    Assigned,
    Case,
    Ways,
    assigned,
    counts_by_need,
    order_of,
    require_at_most,
    ways_of,
    whole,
)
from geo_risk.access._staying import Former, Kept, fewest_groups, fewest_people
from geo_risk.access._transport import NONE_DROPPED, Arcs, Flow, expand, least_cost, starts_of
from geo_risk.access.road_graph import Floats, Ints, Mask
from geo_risk.access.shortfall import (
    REASONS,
    Opening,
    Question,
    Raised,
    Shortage,
    closed_in,
    islands,
    raised_limits,
    saved_by_opening,
)
from geo_risk.errors import ParameterError, shown

__all__ = ["MAX_GROUPS", "MAX_SHELTERS", "NEEDS", "REASONS", "ROUNDING", "STAYS", "Certificate", "Change", "Groups", "Opened",
           "Plan", "Shelters", "Stay", "Ways", "evacuate"]

ROUNDING: Final = "whole seconds, half up"
OPEN: Final = "open"
UNKNOWN_ROOM: Final = "unknown room"
STAYS: Final = ("groups", "people")
Stay: TypeAlias = Literal["groups", "people"]
_MAX_BUDGET_S: Final = 20.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Groups:
    """People who must leave, by town, flood point or cell; nan is unknown.

    ``people`` in all; of them ``wheels`` need an accessible shelter and ``care`` one with care (who needs both: ``care``).
    """

    ids: Sequence[Hashable]
    people: ArrayLike
    wheels: ArrayLike
    care: ArrayLike


@dataclass(frozen=True, kw_only=True, eq=False)
class Shelters:
    """Shelters with ``free`` places (nan unknown; parts of a place are none) and why one is ``excluded`` ("" is open).

    ``wheels_fit`` and ``care_fit`` are True, False, or None for unknown; left out, all are unknown.
    """

    ids: Sequence[Hashable]
    free: ArrayLike
    wheels_fit: Sequence[bool | None] | None = None
    care_fit: Sequence[bool | None] | None = None
    excluded: Sequence[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """Proof that no plan is better: of ``arcs`` ways ``arcs_used`` were searched, and the rest cost too much.

    ``least_reduced_cost``, 0 or more, is what the plan would lose at least by sending one person over a way not searched; None
    where all were; of ways of groups held where they were it does not speak. ``proved`` is False where the fewest shelters, the
    fewest groups changed, or what comes after them, could not be proved.
    """

    arcs: int
    arcs_used: int
    rounds: int
    least_reduced_cost: int | None
    proved: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """Against the previous plan: people who stay, people moved or left out, the groups these are of, and what staying costs.

    ``rule`` is one of `STAYS`. Of all plans that place as many people each changes ``at_least`` so many groups;
    ``fewest_proved`` is whether this one changes no more. ``price_person_s`` is person-seconds above the plan that nobody's former
    place bears on. ``gone`` people are of groups or needs no longer in question; a former shelter no longer in it is one that
    people must leave.
    """

    rule: Stay
    stay: int
    moved: int
    groups: tuple[Hashable, ...]
    at_least: int
    fewest_proved: bool
    gone: int
    price_person_s: int


@dataclass(frozen=True, kw_only=True)
class Opened:
    """Shelters opened, at least how many any plan needs, and whether fewest and then least time are proved."""

    count: int
    at_least: int
    fewest_proved: bool
    time_proved: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Plan:
    """Who goes where, what each shelter then holds, who has no place and why; ``placed`` + ``left`` = ``people``.

    ``transfers``: group, need, people, shelter, seconds (whole; nan where a pinned one has no known way), pinned.
    ``load``, on the shelters: free, incoming, free_after (nan unknown), state ("open", "unknown room", or why it is excluded).
    ``unplaced``: group, need, people, reason (one of `REASONS`).
    ``person_seconds`` is over all whose way is known; ``without_way`` people are pinned where none is.
    ``unknown_groups`` are of unknown size and in no figure; ``needs_unknown`` are counted, as people without needs.
    ``limits_searched`` is False where the least limit for all was too large a search.
    """

    transfers: pd.DataFrame
    load: pd.DataFrame
    unplaced: pd.DataFrame
    people: int
    placed: int
    left: int
    person_seconds: int
    without_way: int
    split: tuple[Hashable, ...]
    unknown_groups: tuple[Hashable, ...]
    needs_unknown: tuple[Hashable, ...]
    limit_s: float
    certificate: Certificate
    shortages: tuple[Shortage, ...]
    openings: tuple[Opening, ...]
    limits: tuple[Raised, ...]
    limits_searched: bool
    change: Change | None
    opened: Opened | None
    rounding: str = ROUNDING


def evacuate(
    groups: Groups,
    shelters: Shelters,
    seconds: NDArray[np.float64] | Ways,
    limit_s: float,
    *,
    pinned: pd.DataFrame | None = None,
    previous: pd.DataFrame | None = None,
    stay: Stay = "groups",
    fewest: bool = False,
    budget_s: float = 10.0,
) -> Plan:
    """Whole persons to shelters within a limit at least person-time, exactly; where it cannot be done, why and what would help.

    Minimises sum(people x seconds) over all plans that place most people, never above a shelter's free places: a min-cost flow
    (OR-tools) on few ways, proved optimal against all of them by its prices.

    Parameters
    ----------
    groups : Groups
        At most 10,000.
    shelters : Shelters
        At most 2,000.
    seconds : ndarray of float, shape (groups, shelters), or Ways
        inf or nan: no way known. At most 604,800 (a week). A matrix of 5 million cells; of more than 300,000
        ways by need, groups by need x shelters at most 5 million, of which 3 million ways.
    limit_s : float
        Most seconds for a person, above 0; inf for none.
    pinned, previous : DataFrame, optional
        Columns group, need ("none", "wheels", "care"), shelter, people, as in ``Plan.transfers``. Pinned ones stay, whatever
        the limit, the roads and the fitness say, and take their places; of the previous plan is changed as little as can be.
    stay : {"groups", "people"}
        What of the previous plan is to change least. Fewest groups is proved at once where all groups that still have their ways
        and places can stay; else by HiGHS with at most 20,000 ways within the limit; else it is as few as were found.
    fewest : bool
        First the fewest shelters, then least person-time (HiGHS): at most 20,000 ways within the limit.
    budget_s : float
        Seconds of HiGHS for ``fewest``, or for fewest groups changed; at most 20; what is not proved by then is said.

    Returns
    -------
    Plan

    Raises
    ------
    ParameterError
        Counts that are negative, infinite or parts of a person; ids twice; shapes that differ; seconds out of range; pinned
        people of no group, more than the group has, or where a shelter is excluded, unknown or lacks the places; ``previous``
        with ``fewest``; a question over the bounds above.

    Notes
    -----
    Ahuja, Magnanti and Orlin, Network Flows (1993), chapters 9 to 11: potentials, reduced costs and their optimality.

    Examples
    --------
    >>> town = Groups(ids=["hill", "quay"], people=[30, 50], wheels=[0, 0], care=[0, 0])
    >>> halls = Shelters(ids=["hall", "school"], free=[40, 20])
    >>> plan = evacuate(town, halls, np.array([[60.0, 600.0], [90.0, np.inf]]), 900.0)
    >>> plan.transfers[["group", "shelter", "people", "seconds"]].values.tolist()
    [['hill', 'hall', 10, 60.0], ['hill', 'school', 20, 600.0], ['quay', 'hall', 30, 90.0]]
    >>> plan.placed, plan.left, plan.person_seconds
    (60, 20, 15300)
    >>> plan.shortages[0].groups, plan.shortages[0].people, plan.shortages[0].places, plan.shortages[0].short
    (('hill', 'quay'), 80, 60, 20)
    """
    _require_options(limit_s, budget_s, previous, fewest, stay)
    case = _case(groups, shelters, seconds)
    held = assigned(pinned, case, "pinned")
    people, places = _less_pinned(case, held)
    question = case.question(people, places, limit_s)
    arcs = _arcs(question)
    before = assigned(previous, case, "previous")
    freely = least_cost(people, places, arcs)
    flow, opened, change, proved = freely, None, None, True
    if fewest:
        flow, opened = _fewest(question, arcs, freely, held, budget_s)
        proved = opened.fewest_proved and opened.time_proved
    if previous is not None:
        former = _former(case, question, arcs, before, held)
        kept = fewest_people(former) if stay == "people" else fewest_groups(former, int(freely.people.sum()), budget_s)
        flow, proved = kept.flow, kept.proved
        change = _change(case, question, arcs, kept, freely, before, held, stay)
    by_way = np.zeros(len(question.shelter), dtype=np.int64)
    by_way[question.within] = flow.people
    return _plan(case, question, by_way, held, _certificate(arcs, flow, proved), opened, change)


def _require_options(limit_s: float, budget_s: float, previous: pd.DataFrame | None, fewest: bool, stay: str) -> None:
    if stay not in STAYS:
        raise ParameterError("no such rule to stay by", where="evacuate", expected=" or ".join(STAYS), got=shown(stay))
    if not limit_s > 0:
        raise ParameterError("the limit is out of range", where="evacuate", expected="seconds above 0", got=shown(limit_s))
    if not 0 < budget_s <= _MAX_BUDGET_S:
        raise ParameterError(
            "budget_s is out of range", where="evacuate", expected=f"above 0, at most {_MAX_BUDGET_S:.0f}", got=shown(budget_s)
        )
    if fewest and previous is not None:
        raise ParameterError(
            "fewest shelters and a previous plan exclude each other", where="evacuate", expected="one of them",
            then="pin what must stay, or leave fewest out",
        )


def _case(groups: Groups, shelters: Shelters, seconds: NDArray[np.float64] | Ways) -> Case:
    """The question checked, in the order of ids."""
    require_at_most("groups", len(groups.ids), MAX_GROUPS, "join them to towns or cells")
    require_at_most("shelters", len(shelters.ids), MAX_SHELTERS, "ask for one district at a time")
    at, to = order_of(groups.ids, "groups"), order_of(shelters.ids, "shelters")
    people, wheels, care = (
        whole(values, len(at), what)
        for values, what in ((groups.people, "people"), (groups.wheels, "people with wheels"), (groups.care, "people in care"))
    )
    counts = counts_by_need(people, wheels, care)[at]
    unknown, unsure = np.isnan(people)[at], np.isnan(wheels + care)[at]
    row_group, row_need = np.nonzero(counts)
    excluded = _each(shelters.excluded, len(to), "excluded")
    free = whole(shelters.free, len(to), "free places", rounded=True)[to]
    reasons = tuple(str(excluded[position] or "") for position in to)
    wheels_fit, care_fit = _fit(shelters.wheels_fit, to, "wheels_fit"), _fit(shelters.care_fit, to, "care_fit")
    ids = [groups.ids[position] for position in at]
    starts, shelter, times = ways_of(seconds, at, to)
    return Case(
        groups=tuple(ids), shelters=tuple(shelters.ids[position] for position in to), reasons=reasons,
        unknown_groups=tuple(ids[row] for row in np.flatnonzero(unknown)),
        needs_unknown=tuple(ids[row] for row in np.flatnonzero(~unknown & unsure)),
        row_group=row_group, row_need=row_need, people=counts[row_group, row_need], free=free,
        usable=~np.isnan(free) & np.array([not reason for reason in reasons], dtype=bool),
        fit=np.stack([np.ones(len(to), dtype=bool), wheels_fit, wheels_fit & care_fit]),
        starts=starts, shelter=shelter, seconds=times,
    )


def _each(values: Sequence[object] | None, count: int, what: str) -> Sequence[object]:
    found = [None] * count if values is None else list(values)
    if len(found) != count:
        raise ParameterError(
            f"{what} is of another length", where="evacuate", expected=str(count), got=str(len(found)),
            then="give one for each shelter",
        )
    return found


def _fit(values: Sequence[bool | None] | None, order: Ints, what: str) -> Mask:
    """Fit where known to be; anything but a plain True is not."""
    found = np.array([isinstance(each, bool | np.bool_) and bool(each) for each in _each(values, len(order), what)], dtype=bool)
    return found[order]


def _less_pinned(case: Case, held: Assigned) -> tuple[Ints, Ints]:
    """People and free places that are left beside those pinned; an excluded shelter's places are those it would have."""
    pinned_people = np.bincount(held.row, weights=held.people, minlength=len(case.people)).astype(np.int64)
    pinned_places = np.bincount(held.shelter, weights=held.people, minlength=len(case.free)).astype(np.int64)
    places = np.nan_to_num(case.free, nan=0.0).astype(np.int64)
    nowhere = held.gone + int(held.homeless.sum())
    _require_pins(nowhere == 0, "name no group with such people, or no shelter", "people of the question", nowhere)
    _require_pins((pinned_people <= case.people).all(), "are more than the group has", "at most its people of that need")
    _require_pins(case.usable[held.shelter].all(), "are in a shelter that is excluded or of unknown room", "open shelters")
    _require_pins((pinned_places <= places).all(), "are more than the shelter's free places", "at most its free places")
    return case.people - pinned_people, places - pinned_places


def _require_pins(sound: bool | np.bool_, what: str, expected: str, got: int | None = None) -> None:
    if not sound:
        raise ParameterError(
            f"pinned people {what}", where="evacuate", expected=expected, got="" if got is None else f"{got} people",
            then="correct or drop the pin",
        )


def _arcs(question: Question) -> Arcs:
    """The ways a plan may use, at whole seconds."""
    within, row = question.within, question.row
    cost = np.floor(question.seconds[within] + 0.5).astype(np.int64)
    return Arcs(starts_of(row[within], len(question.people)), question.shelter[within], cost, question.people[row[within]])


def _fewest(question: Question, arcs: Arcs, freely: Flow, held: Assigned, budget_s: float) -> tuple[Flow, Opened]:
    """The best flow through the sets of shelters that were chosen; through any, if all of them lack a place."""
    already = np.bincount(held.shelter, minlength=len(question.places)) > 0
    choice = choose(question.people, question.places, arcs, int(freely.people.sum()), already, budget_s)
    parts = [opened[arcs.shelter] for opened in choice.sets]
    flows = [_spread(least_cost(question.people, question.places, arcs.only(part)), part) for part in parts]
    full = [flow for flow in flows if flow.people.sum() == freely.people.sum()]
    flow = min(full, key=lambda each: int(each.people @ arcs.cost), default=freely)
    used = already | (np.bincount(arcs.shelter[flow.people > 0], minlength=len(already)) > 0)
    return flow, Opened(
        count=int(used.sum()), at_least=choice.at_least, fewest_proved=choice.fewest_proved and bool(full),
        time_proved=choice.time_proved and bool(full),
    )


def _spread(flow: Flow, part: Mask) -> Flow:
    people = np.zeros(len(part), dtype=np.int64)
    people[part] = flow.people
    return replace(flow, people=people)


def _former(case: Case, question: Question, arcs: Arcs, before: Assigned, held: Assigned) -> Former:
    """The question, and how many of each row were at each arc's shelter before, above those pinned there now."""
    rows, shelters = len(case.people), len(question.places)
    former = _pairs(before.row, before.shelter, shelters)
    pinned = _looked_up(_pairs(held.row, held.shelter, shelters), held.people, former)
    free = np.maximum(before.people - pinned, 0)
    stays = np.minimum(_looked_up(former, free, _pairs(arcs.row, arcs.shelter, shelters)), arcs.most)
    already = np.bincount(before.row, weights=np.minimum(pinned, before.people), minlength=rows).astype(np.int64)
    return Former(question.people, question.places, arcs, case.row_group, stays, _were(case, before) - already)


def _were(case: Case, before: Assigned) -> Ints:
    """Of each row's people now, those who had a place before."""
    there = np.bincount(before.row, weights=before.people, minlength=len(case.people)).astype(np.int64)
    had: Ints = np.minimum(there + before.homeless, case.people)
    return had


def _pairs(row: Ints, shelter: Ints, shelters: int) -> Ints:
    return row * shelters + shelter


def _looked_up(keys: Ints, values: Ints, wanted: Ints) -> Ints:
    """The value of each key wanted, 0 where there is none; ``keys`` rise.

    >>> _looked_up(np.array([2, 5]), np.array([20, 50]), np.array([5, 1, 9])).tolist()
    [50, 0, 0]
    """
    if not len(keys):
        return np.zeros(len(wanted), dtype=np.int64)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, values[at], 0)


def _change(
    case: Case, question: Question, arcs: Arcs, kept: Kept, freely: Flow, before: Assigned, held: Assigned, rule: Stay
) -> Change:
    """Who stays, who is moved, and what staying costs above the plan without a former one."""
    shelters, rows = len(question.places), len(case.people)
    former = _pairs(before.row, before.shelter, shelters)
    pinned = _looked_up(_pairs(held.row, held.shelter, shelters), held.people, former)
    now = pinned + _looked_up(_pairs(arcs.row, arcs.shelter, shelters), kept.flow.people, former)
    stay = np.bincount(before.row, weights=np.minimum(now, before.people), minlength=rows).astype(np.int64)
    moved = _were(case, before) - stay
    groups = tuple(case.groups[group] for group in np.unique(case.row_group[moved > 0]))
    return Change(
        rule=rule, stay=int(stay.sum()), moved=int(moved.sum()), groups=groups, at_least=kept.at_least,
        fewest_proved=len(groups) == kept.at_least, gone=before.gone,
        price_person_s=int((kept.flow.people - freely.people) @ arcs.cost),
    )


def _certificate(arcs: Arcs, flow: Flow, proved: bool) -> Certificate:
    least = None if flow.least_reduced_cost == NONE_DROPPED else flow.least_reduced_cost
    return Certificate(
        arcs=len(arcs.shelter), arcs_used=flow.arcs_used, rounds=flow.rounds, least_reduced_cost=least, proved=proved
    )


def _plan(
    case: Case, question: Question, flow: Ints, held: Assigned, certificate: Certificate, opened: Opened | None,
    change: Change | None,
) -> Plan:
    """The flow told in frames and sums, and if somebody is left why."""
    transfers = _transfers(case, question, flow, held)
    unplaced = _unplaced(case, question, flow)
    left = int(unplaced["people"].sum())
    limits, searched = raised_limits(question, flow) if left else ((), True)
    known = transfers["seconds"].notna()
    shelters_of = transfers.groupby("group", sort=False)["shelter"].nunique()
    return Plan(
        transfers=transfers, load=_load(case, transfers), unplaced=unplaced, people=int(case.people.sum()),
        placed=int(transfers["people"].sum()), left=left,
        person_seconds=int(transfers["people"][known].to_numpy() @ transfers["seconds"][known].to_numpy(dtype=np.int64)),
        without_way=int(transfers["people"][~known].sum()), split=tuple(shelters_of.index[shelters_of > 1]),
        unknown_groups=case.unknown_groups, needs_unknown=case.needs_unknown, limit_s=float(question.limit_s),
        certificate=certificate, shortages=_shortages(case, question, flow) if left else (),
        openings=_openings(case, question, flow) if left else (), limits=limits, limits_searched=searched,
        change=change, opened=opened,
    )


def _transfers(case: Case, question: Question, flow: Ints, held: Assigned) -> pd.DataFrame:
    used = np.flatnonzero(flow)
    row = np.concatenate([question.row[used], held.row])
    shelter = np.concatenate([question.shelter[used], held.shelter])
    pinned = np.arange(len(row)) >= len(used)
    seconds = np.concatenate([question.seconds[used], _seconds_of(case, held)])
    order = np.lexsort((pinned, shelter, row))
    row, shelter = row[order], shelter[order]
    return pd.DataFrame({
        "group": _named(case.groups, case.row_group[row]),
        "need": _named(NEEDS, case.row_need[row]),
        "people": np.concatenate([flow[used], held.people])[order],
        "shelter": _named(case.shelters, shelter),
        "seconds": np.floor(seconds[order] + 0.5),
        "pinned": pinned[order],
    })


def _seconds_of(case: Case, held: Assigned) -> Floats:
    """Seconds of pinned people's ways, fit or not; nan where none is known."""
    owner, way = expand(case.starts, case.row_group[held.row])
    found = np.full(len(held.row), np.nan)
    same = case.shelter[way] == held.shelter[owner]
    found[owner[same]] = case.seconds[way[same]]
    return found


def _named(names: Sequence[Hashable], at: Ints) -> pd.Series:
    return pd.Series([names[position] for position in at], dtype=object)


def _load(case: Case, transfers: pd.DataFrame) -> pd.DataFrame:
    incoming = transfers.groupby("shelter")["people"].sum()
    taken = np.array([int(incoming.get(each, 0)) for each in case.shelters], dtype=np.int64)
    state = [reason or (UNKNOWN_ROOM if np.isnan(free) else OPEN) for reason, free in zip(case.reasons, case.free, strict=True)]
    return pd.DataFrame(
        {"free": case.free, "incoming": taken, "free_after": case.free - taken, "state": state},
        index=pd.Index(case.shelters, name="shelter", dtype=object),
    )


def _unplaced(case: Case, question: Question, flow: Ints) -> pd.DataFrame:
    left = question.people - np.bincount(question.row, weights=flow, minlength=len(question.people)).astype(np.int64)
    rows = np.flatnonzero(left > 0)
    return pd.DataFrame({
        "group": _named(case.groups, case.row_group[rows]),
        "need": _named(NEEDS, case.row_need[rows]),
        "people": left[rows],
        "reason": _named(REASONS, _reason(case, question)[rows] if len(rows) else rows),
    })


def _reason(case: Case, question: Question) -> Ints:
    """The first of `REASONS` that holds for each row, as if all of it were left."""
    row, way = case.row_ways()
    count, to = len(case.people), case.shelter[way]
    not_excluded = np.array([not reason for reason in case.reasons], dtype=bool)
    met = [
        np.bincount(found, minlength=count) > 0
        for found in (
            row, row[not_excluded[to]], row[case.usable[to]], question.row[question.usable[question.shelter]],
            question.row[question.within],
        )
    ]
    return np.asarray(np.argmin(np.stack([*met, np.zeros(count, dtype=bool)]), axis=0))


def _shortages(case: Case, question: Question, flow: Ints) -> tuple[Shortage, ...]:
    return tuple(_shortage(case, question, *island) for island in islands(question, *closed_in(question, flow)))


def _shortage(case: Case, question: Question, rows: Ints, shelters: Ints) -> Shortage:
    people, places = int(question.people[rows].sum()), int(question.places[shelters].sum())
    return Shortage(
        groups=tuple(case.groups[group] for group in np.unique(case.row_group[rows])),
        needs=tuple(NEEDS[need] for need in np.unique(case.row_need[rows])),
        shelters=tuple(case.shelters[shelter] for shelter in shelters), people=people, places=places, short=people - places,
    )


def _openings(case: Case, question: Question, flow: Ints) -> tuple[Opening, ...]:
    """What each excluded shelter would save, the most first; those of unknown room last."""
    excluded = np.array([bool(reason) for reason in case.reasons], dtype=bool)
    known = ~np.isnan(case.free)
    saved = saved_by_opening(question, flow, np.flatnonzero(excluded & known))
    rows = [
        Opening(
            shelter=case.shelters[at], reason=case.reasons[at], free=int(case.free[at]) if known[at] else None, saves=saved.get(at),
            asked=not known[at] or saved[at] is not None,
        )
        for at in np.flatnonzero(excluded).tolist()
    ]
    return tuple(sorted(rows, key=lambda opening: -1 if opening.saves is None else opening.saves, reverse=True))
