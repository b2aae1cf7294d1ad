"""A promise such as "any place within 3 hours: 2,000 people", proven or refuted, and what would make it true.

The statement is about *any one* place: every team counts for every place, since the emergency is in one of them. Whether
the same teams would do for all places at once is another question (see `geo_risk.access.sharing`). Nothing here knows
roads: it takes the seconds after which each team stands at each place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo_risk.access.reinforcement import BUDGET_S, CHOICES, Choice, Reinforcement, reinforce
from geo_risk.chunks import spans
from geo_risk.errors import ParameterError, shown
from geo_risk.model import Rule

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
State = Literal["proven", "refuted", "unknown"]
STATES: Final[tuple[State, ...]] = ("proven", "unknown", "refuted")
"""From the best to the worst: the state of several is the worst among them."""

PLACES: Final = ("any_one", "together")
MAX_AMOUNT: Final = 10**9
_CELLS_AT_ONCE: Final = 1 << 21


@dataclass(frozen=True, kw_only=True, eq=False)
class Promise:
    """Within ``within_s`` seconds each of ``targets`` at any one of ``places``; made by `promise`.

    ``arrivals_s`` (teams, places): seconds, inf never, nan unknown. ``amounts`` by name (teams): whole numbers, nan unknown;
    those without a target are counted and shown too.
    """

    arrivals_s: Floats
    amounts: Mapping[str, Floats]
    targets: Mapping[str, int]
    within_s: float
    teams: tuple[str, ...]
    places: tuple[str, ...]


@dataclass(frozen=True)
class Worst:
    """Where least of a target arrives in time, by share of the target; of equal ones the lesser place id, the earlier target."""

    place: str
    need: str
    arrived: int
    target: int

    @property
    def shortfall(self) -> int:
        """How many are short; 0 where the target is met."""
        return max(self.target - self.arrived, 0)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The smallest change of one kind that makes the promise true, all else as it is.

    ``within_s`` is the least time limit (inf: none would do), ``targets`` the greatest target of each need that holds, and
    ``more`` for each need that falls short what to add at existing bases.
    """

    within_s: float
    targets: Mapping[str, int]
    more: tuple[Reinforcement, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """What became of a promise. Frames are on the places' ids.

    ``state`` is *proven* by what is known, *refuted* whatever the unknown turns out to be, or *unknown*: it fails by what is
    known, and teams of unknown size or readiness might save it. ``places`` has ``state``, ``teams`` that arrive in time,
    ``unknown_teams`` that could add to them, and ``at_s`` when the last target is met (inf: never). ``arrived`` has every
    amount, ``shortfall`` and ``reached_at_s`` every target. ``unknown`` lists the teams that count for nothing, somewhere or
    for some amount: at how many places their arrival is unknown, and which amounts.
    """

    state: State
    promise: Promise
    places: pd.DataFrame
    arrived: pd.DataFrame
    shortfall: pd.DataFrame
    reached_at_s: pd.DataFrame
    worst: Worst
    changes: Changes
    unknown: pd.DataFrame
    rules: tuple[Rule, ...]


def arrivals(ready_s: ArrayLike, travel_s: ArrayLike) -> Floats:
    """Seconds until each team stands at each place: its time to get ready, and its way.

    Parameters
    ----------
    ready_s : array_like, shape (teams,)
        0 or more, nan for unknown; inf for a team that cannot come.
    travel_s : array_like, shape (teams, places)
        0 or more, inf where there is no way, nan for unknown.

    Returns
    -------
    ndarray, shape (teams, places)
        Where there is no way, inf whatever the team's readiness; else nan where either is unknown.

    Examples
    --------
    >>> arrivals([600, float("nan")], [[1200, float("inf")], [0, float("inf")]]).tolist()
    [[1800.0, inf], [nan, inf]]
    """
    ready, travel = np.asarray(ready_s, dtype=float), np.asarray(travel_s, dtype=float)
    if travel.ndim != 2 or ready.shape != travel.shape[:1]:
        raise ParameterError(
            "ready times and ways do not pair up", where="arrivals", expected="a ready time for each row of ways",
            got=f"{ready.shape} and {travel.shape}", then="give one row of ways a team",
        )
    _require(not (ready < 0).any() and not (travel < 0).any(), "a time is below 0", "seconds of 0 or more", "less", "arrivals")
    never = np.isinf(ready)[:, None] | np.isinf(travel)
    return np.where(never, np.inf, ready[:, None] + travel)


def units(kinds: Sequence[object], kind: object) -> Floats:
    """1 for each team of a kind and 0 for the others; a team of no stated kind is unknown. An amount for `promise`.

    >>> units(["water", None, "medical"], "water").tolist()
    [1.0, nan, 0.0]
    """
    return np.array([np.nan if own is None or own != own else float(own == kind) for own in kinds], dtype=float)


def promise(
    arrivals_s: ArrayLike, amounts: Mapping[str, ArrayLike], targets: Mapping[str, int], *, within_s: float,
    teams: Sequence[str], places: Sequence[str],
) -> Promise:
    """A statement to be proven: every target within the time, at any one place.

    Parameters
    ----------
    arrivals_s : array_like, shape (teams, places)
        Seconds (see `arrivals`); inf never, nan unknown.
    amounts : mapping of name to array_like, shape (teams,)
        What each team brings: people, boats, or 1 for a team of a kind (`units`). Whole numbers of 0 or more, nan unknown.
    targets : mapping of name to int
        How many of an amount must arrive; at least one target, each 1 or more.
    within_s : float
        Seconds, 0 or more. A team that arrives just then is in time.
    teams, places : sequence of str
        Their ids, none twice.

    Raises
    ------
    ParameterError
        Shapes differ, an id stands twice, there is no place, a time is below 0, or an amount or a target is no whole number.

    Examples
    --------
    >>> promise([[1.0]], {"people": [3]}, {"boats": 1}, within_s=60, teams=["a"], places=["x"])
    Traceback (most recent call last):
    ...
    geo_risk.errors.ParameterError: a target names no amount; where: promise; expected: one of people; got: boats; next: give \
what each team brings of it
    """
    seconds = np.array(arrivals_s, dtype=float)
    if seconds.shape != (len(teams), len(places)) and not (len(teams) == 0 and seconds.size == 0):
        raise ParameterError(
            "arrivals, teams and places do not pair up", where="promise", expected=f"{len(teams)} x {len(places)} seconds",
            got="x".join(map(str, seconds.shape)), then="give a row for each team, a column for each place",
        )
    least = float(np.nanmin(seconds, initial=0.0))
    _require(len(places) > 0, "no place is promised anything", "one place or more", "none", "promise")
    _require(len(set(teams)) == len(teams), "a team's id stands twice", "ids that differ", f"{len(teams)} ids", "promise")
    _require(len(set(places)) == len(places), "a place's id stands twice", "ids that differ", f"{len(places)} ids", "promise")
    _require(least >= 0, "a time is below 0", "seconds of 0 or more", shown(least), "promise")
    _require(0 <= within_s < np.inf, "the time limit is no time", "seconds of 0 or more", shown(within_s), "promise")
    _require(len(targets) > 0, "nothing is promised", "one target or more", "none", "promise")
    for need, target in targets.items():
        _require_target(need, target, amounts)
    return Promise(
        arrivals_s=seconds.reshape(len(teams), len(places)), within_s=float(within_s),
        amounts={name: _whole(name, values, len(teams)) for name, values in amounts.items()},
        targets={need: int(target) for need, target in targets.items()}, teams=tuple(teams), places=tuple(places),
    )


def prove(stated: Promise, *, choice: Choice = "fewest_people", budget_s: float = BUDGET_S) -> Verdict:
    """Prove or refute a promise, place by place, with the smallest changes that would make it true.

    Parameters
    ----------
    stated : Promise
    choice : str
        Which additions are least where one base cannot do it (see `geo_risk.access.reinforcement.reinforce`).
    budget_s : float
        Seconds that proving them least may take, for each need and each of the choice's two measures.

    Returns
    -------
    Verdict

    Examples
    --------
    Two teams of 5 and 3, two places; 6 people are wanted within 100 s.

    >>> stated = promise([[60, 90], [80, 120]], {"people": [5, 3]}, {"people": 6}, within_s=100, teams=["a", "b"],
    ...     places=["x", "y"])
    >>> found = prove(stated)
    >>> found.state, found.worst.place, found.worst.shortfall, found.arrived["people"].tolist()
    ('refuted', 'y', 1, [8, 5])
    >>> found.changes.within_s, found.changes.targets, found.changes.more[0].added
    (120.0, {'people': 5}, (('a', 1),))
    """
    names = pd.Index(stated.places, name="place")
    in_time = stated.arrivals_s <= stated.within_s
    arrived = pd.DataFrame({name: _sum(in_time, known(amounts)) for name, amounts in stated.amounts.items()}, index=names)
    times = pd.DataFrame({need: _reached_at(stated, need) for need in stated.targets}, index=names)
    short = pd.DataFrame({need: np.maximum(target - arrived[need], 0) for need, target in stated.targets.items()}, index=names)
    states = {need: _states(stated, need, arrived[need].to_numpy()) for need in stated.targets}
    worst_of = np.max(list(states.values()), axis=0)
    places = pd.DataFrame(
        {
            "state": np.array(STATES, dtype=object)[worst_of], "teams": in_time.sum(axis=0),
            "unknown_teams": _doubtful(stated).sum(axis=0), "at_s": times.max(axis=1),
        },
        index=names,
    )
    more = tuple(
        reinforce(stated.arrivals_s, short[need].to_numpy(), stated.within_s, need=need, bases=stated.teams, places=stated.places,
                  choice=choice, budget_s=budget_s)
        for need in stated.targets if short[need].any()
    )  # fmt: skip
    return Verdict(
        state=STATES[int(worst_of.max())], promise=stated, places=places, arrived=arrived, shortfall=short, reached_at_s=times,
        worst=_worst(stated, arrived), unknown=_unknown(stated), rules=_rules(choice),
        changes=Changes(
            within_s=float(times.to_numpy().max()), targets={need: int(arrived[need].min()) for need in stated.targets}, more=more
        ),
    )


def compare(now: Verdict, without_closures: Verdict) -> pd.DataFrame:
    """What closures do to a promise: place by place the verdict and the times on the roads as they are, and were all open.

    Returns
    -------
    DataFrame on the places' ids
        ``state`` and ``state_open``, ``at_s`` and ``at_open_s`` (inf never), and ``by_closures``: it holds on open roads only.

    Raises
    ------
    ParameterError
        The two are not of the same promise.
    """
    same = (
        now.promise.places == without_closures.promise.places
        and now.promise.targets == without_closures.promise.targets
        and now.promise.within_s == without_closures.promise.within_s
    )
    _require(same, "the two verdicts are of different promises", "equal places, targets and time limit", "others", "compare")
    here, there = now.places, without_closures.places
    return pd.DataFrame(
        {
            "state": here["state"], "state_open": there["state"], "at_s": here["at_s"], "at_open_s": there["at_s"],
            "by_closures": here["state"].ne("proven") & there["state"].eq("proven"),
        }
    )


def arriving(stated: Promise, place: str) -> pd.DataFrame:
    """Who comes to one place, first come first: seconds, what each brings, whether in time; the unknown last, the never left out.

    Equal times stand by the team's id.

    Returns
    -------
    DataFrame on the teams' ids
        ``at_s`` (nan unknown), ``in_time``, and each amount (nan unknown).
    """
    _require(place in stated.places, "no such place in the promise", "one of its places", shown(place), "arriving")
    at = stated.arrivals_s[:, stated.places.index(place)]
    rows = pd.DataFrame({"at_s": at, "in_time": at <= stated.within_s, **stated.amounts}, index=pd.Index(stated.teams, name="team"))
    return rows[~np.isinf(at)].sort_index(kind="stable").sort_values("at_s", kind="stable", na_position="last")


def known(amounts: Floats) -> Ints:
    """Amounts as whole numbers; what is unknown counts for nothing.

    >>> known(np.array([3.0, np.nan])).tolist()
    [3, 0]
    """
    return np.where(np.isnan(amounts), 0, amounts).astype(np.int64)


def _sum(mask: Mask, amounts: Ints) -> Ints:
    return np.asarray(np.where(mask, amounts[:, None], 0).sum(axis=0), dtype=np.int64)


def _reached_at(stated: Promise, need: str) -> Floats:
    """When the known amounts, first come first, sum to the target at each place; inf never."""
    amounts, target = known(stated.amounts[need]), stated.targets[need]
    found = np.full(len(stated.places), np.inf)
    for span in spans(len(stated.places), max(1, _CELLS_AT_ONCE // max(1, len(stated.teams)))):
        at = np.where(np.isnan(stated.arrivals_s[:, span]), np.inf, stated.arrivals_s[:, span])
        order = np.argsort(at, axis=0, kind="stable")
        before = (np.cumsum(amounts[order], axis=0) < target).sum(axis=0)
        ordered = np.vstack([np.take_along_axis(at, order, axis=0), np.full(at.shape[1], np.inf)])
        found[span] = ordered[before, np.arange(at.shape[1])]
    return found


def _doubtful(stated: Promise) -> Mask:
    """Teams that might add to a place: their arrival is unknown, or they are in time and an amount with a target is unknown."""
    sizes = np.any([np.isnan(stated.amounts[need]) for need in stated.targets], axis=0)
    return np.asarray(np.isnan(stated.arrivals_s) | (sizes[:, None] & (stated.arrivals_s <= stated.within_s)), dtype=bool)


def _states(stated: Promise, need: str, arrived: Ints) -> Ints:
    """0 proven, 1 unknown, 2 refuted: a team of unknown size may bring any number, one of unknown arrival its number."""
    amounts, late = stated.amounts[need], np.isnan(stated.arrivals_s)
    endless = (np.isnan(amounts)[:, None] & (late | (stated.arrivals_s <= stated.within_s))).any(axis=0)
    at_most = arrived + _sum(late, known(amounts))
    target = stated.targets[need]
    return np.where(arrived >= target, 0, np.where(endless | (at_most >= target), 1, 2))


def _worst(stated: Promise, arrived: pd.DataFrame) -> Worst:
    needs = list(stated.targets)
    share = np.stack([arrived[need].to_numpy() / stated.targets[need] for need in needs], axis=1)
    by_id = np.argsort(np.array(stated.places, dtype=object), kind="stable")
    row, column = divmod(int(np.argmin(share[by_id])), len(needs))
    place, need = stated.places[int(by_id[row])], needs[column]
    return Worst(place, need, int(arrived.loc[place, need]), stated.targets[need])  # type: ignore[arg-type]


def _unknown(stated: Promise) -> pd.DataFrame:
    """The teams of which something is unknown: at how many places their arrival, and each amount."""
    rows = pd.DataFrame(
        {"arrivals": np.isnan(stated.arrivals_s).sum(axis=1), **{name: np.isnan(own) for name, own in stated.amounts.items()}},
        index=pd.Index(stated.teams, name="team"),
    )
    return rows[rows.astype(bool).any(axis=1)]


def _rules(choice: Choice) -> tuple[Rule, ...]:
    return (
        Rule(id="places", chosen="any_one", options=PLACES),
        Rule(id="unknown", chosen="counts_for_nothing_and_is_listed"),
        Rule(id="additions", chosen=choice, options=CHOICES),
    )


def _whole(name: str, values: ArrayLike, teams: int) -> Floats:
    found = np.array(values, dtype=float)
    sound = np.isnan(found) | ((found >= 0) & (found <= MAX_AMOUNT) & (found == np.floor(found)))
    if found.shape != (teams,) or not sound.all():
        got = shown(float(found[~sound][0])) if found.shape == (teams,) else f"shape {found.shape}"
        raise ParameterError(
            "an amount is no whole number for each team", where=f"promise, amount {shown(name)}",
            expected=f"{teams} whole numbers of 0 to {MAX_AMOUNT}, nan for unknown", got=got, then="mend the team's row",
        )
    return found


def _require_target(need: str, target: object, amounts: Mapping[str, ArrayLike]) -> None:
    if need not in amounts:
        raise ParameterError(
            "a target names no amount", where="promise", expected=f"one of {', '.join(map(shown, amounts))}", got=shown(need),
            then="give what each team brings of it",
        )
    if isinstance(target, bool) or not isinstance(target, int | np.integer) or not 1 <= target <= MAX_AMOUNT:
        raise ParameterError(
            "a target is no whole number", where=f"promise, target {shown(need)}", expected=f"1 to {MAX_AMOUNT}",
            got=shown(target), then="ask for whole persons",
        )


def _require(holds: bool, what: str, expected: str, got: str, where: str) -> None:
    if not holds:
        raise ParameterError(what, where=where, expected=expected, got=got, then="mend what was given")
