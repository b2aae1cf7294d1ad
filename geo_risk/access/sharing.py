"""A promise to all places at once: the teams shared among them, nobody counted twice.

Two named rules. *split*: a team may be divided, and each amount is shared by itself: a maximum flow from teams to places. Its
minimum cut is the certificate: places that together lack so many, whatever is sent where. *whole*: a team goes to one place
with all it has: an assignment by mixed-integer programming, exact up to `MAX_PAIRS`.
"""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array, eye_array
from scipy.sparse.csgraph import breadth_first_order, maximum_flow

from geo_risk.access.mobilisation import PLACES, Promise, State, known
from geo_risk.errors import ParameterError, shown
from geo_risk.model import Rule

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Teams = Literal["split", "whole"]
TEAMS: Final[tuple[Teams, ...]] = ("split", "whole")
MAX_PAIRS: Final = 20_000
"""Pairs of team and place up to which whole teams are assigned."""

SECONDS: Final = 20.0
_MOST: Final = 2**31 - 1


@dataclass(frozen=True)
class Bottleneck:
    """Places that want ``wanted`` of a need together, where all teams that reach any of them in time have ``there``."""

    need: str
    places: tuple[str, ...]
    wanted: int
    there: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Shared:
    """Who goes where when all places call at once. ``shortfall`` (places x targets) is the least in all that must be short.

    ``sent`` has a row for each team, place and need: ``number``. ``idle`` (needs) is what is sent nowhere; with what is sent
    it is all that is known of. ``bottlenecks`` say why, where teams may be split. ``state`` as in `Verdict`.
    """

    state: State
    sent: pd.DataFrame
    shortfall: pd.DataFrame
    idle: "pd.Series[int]"
    bottlenecks: tuple[Bottleneck, ...]
    rules: tuple[Rule, ...]


def together(stated: Promise, *, teams: Teams = "split") -> Shared:
    """Prove or refute that every place can have its targets in time at once.

    Parameters
    ----------
    stated : Promise
    teams : str
        ``split``: each amount is shared by itself, and the sum of each need's shortfalls is the least there is. ``whole``:
        each team goes to one place, and the least is the sum over needs and places of shortfall / target.

    Raises
    ------
    ParameterError
        Whole teams: more than `MAX_PAIRS` pairs in time, or no proof within `SECONDS`. Split: amounts sum above 2^31.

    Examples
    --------
    >>> from geo_risk.access.mobilisation import promise
    >>> stated = promise([[60, 60], [60, 999]], {"people": [5, 3]}, {"people": 4}, within_s=100, teams=["a", "b"],
    ...     places=["x", "y"])
    >>> together(stated).state, together(stated, teams="whole").shortfall["people"].tolist()
    ('proven', [1, 0])
    """
    if teams not in TEAMS:
        raise ParameterError("no such rule", where="together", expected=", ".join(TEAMS), got=shown(teams), then="name one")
    share = _split if teams == "split" else _whole
    sent, bottlenecks = share(stated)
    short = _shortfall(stated, sent)
    state: State = "proven" if not short.to_numpy().any() else "refuted"
    if state == "refuted" and _is_unsure(stated) and not _shortfall(stated, share(_at_best(stated))[0]).to_numpy().any():
        state = "unknown"
    here = sent.groupby("need")["number"].sum()
    idle = {need: int(known(stated.amounts[need]).sum()) - int(here.get(need, 0)) for need in stated.targets}
    return Shared(
        state=state, sent=sent, shortfall=short, idle=pd.Series(idle, dtype=np.int64), bottlenecks=bottlenecks,
        rules=(Rule(id="places", chosen="together", options=PLACES), Rule(id="teams", chosen=teams, options=TEAMS)),
    )


def _is_unsure(stated: Promise) -> bool:
    return bool(np.isnan(stated.arrivals_s).any() or any(np.isnan(stated.amounts[need]).any() for need in stated.targets))


def _at_best(stated: Promise) -> Promise:
    """The promise were all that is unknown as good as can be: at once there, and enough of it for all places."""
    enough = {need: target * len(stated.places) for need, target in stated.targets.items()}
    return Promise(
        arrivals_s=np.where(np.isnan(stated.arrivals_s), 0.0, stated.arrivals_s), targets=stated.targets, within_s=stated.within_s,
        amounts={need: np.where(np.isnan(stated.amounts[need]), enough[need], stated.amounts[need]) for need in stated.targets},
        teams=stated.teams, places=stated.places,
    )


def _shortfall(stated: Promise, sent: pd.DataFrame) -> pd.DataFrame:
    places = pd.Index(stated.places, name="place")
    met = {need: sent.loc[sent["need"] == need].groupby("place")["number"].sum() for need in stated.targets}
    short = {need: np.maximum(target - met[need].reindex(places, fill_value=0), 0) for need, target in stated.targets.items()}
    return pd.DataFrame(short, index=places).astype(np.int64)


def _by_id(stated: Promise) -> tuple[Ints, Ints]:
    """Teams and places in the order of their ids, so that the order of rows changes nothing."""
    rows = sorted(range(len(stated.teams)), key=lambda at: stated.teams[at])
    columns = sorted(range(len(stated.places)), key=lambda at: stated.places[at])
    return np.array(rows, dtype=np.int64), np.array(columns, dtype=np.int64)


def _split(stated: Promise) -> tuple[pd.DataFrame, tuple[Bottleneck, ...]]:
    flows = [_flow(stated, need) for need in stated.targets]
    return pd.concat([sent for sent, _ in flows], ignore_index=True), tuple(found for _, found in flows if found is not None)


def _flow(stated: Promise, need: str) -> tuple[pd.DataFrame, Bottleneck | None]:
    """The most of one need that can be sent: source 0, teams, places, sink; and the minimum cut where that is too little."""
    rows, columns = _by_id(stated)
    amounts, target = known(stated.amounts[need])[rows], stated.targets[need]
    if amounts.sum() > _MOST or target * len(columns) > _MOST:
        raise ParameterError(
            "the amounts are too large to share", where=f"together, {shown(need)}", expected=f"at most {_MOST} in all",
            got=shown(max(int(amounts.sum()), target * len(columns))), then="count in larger units",
        )
    team, place = np.nonzero(stated.arrivals_s[np.ix_(rows, columns)] <= stated.within_s)
    sink, first = 1 + len(rows) + len(columns), 1 + len(rows)
    tail = np.concatenate([np.zeros(len(rows), np.int32), 1 + team, np.arange(first, sink)])
    head = np.concatenate([np.arange(1, first), first + place, np.full(len(columns), sink)])
    room = np.concatenate([amounts, amounts[team], np.full(len(columns), target)]).astype(np.int32)
    network = csr_array((room, (tail.astype(np.int32), head.astype(np.int32))), shape=(sink + 1, sink + 1))
    flow = csr_array(maximum_flow(network, 0, sink).flow)
    number = np.asarray(flow[1 + team, first + place]).ravel() if len(team) else np.empty(0, dtype=np.int64)
    left = csr_array(network - flow)
    left.eliminate_zeros()
    reached = breadth_first_order(left, 0, return_predecessors=False)
    apart = np.setdiff1d(np.arange(len(columns)), reached - first)
    return _rows(stated, need, rows[team], columns[place], number), _cut(stated, need, columns[apart])


def _cut(stated: Promise, need: str, apart: Ints) -> Bottleneck | None:
    """The places on the sink's side of the cut, or None where nothing is short."""
    near = (stated.arrivals_s[:, apart] <= stated.within_s).any(axis=1)
    wanted, there = stated.targets[need] * len(apart), int(known(stated.amounts[need])[near].sum())
    return Bottleneck(need, tuple(stated.places[at] for at in apart.tolist()), wanted, there) if wanted > there else None


def _rows(stated: Promise, need: str, team: Ints, place: Ints, number: Ints) -> pd.DataFrame:
    some = np.flatnonzero(number > 0)
    return pd.DataFrame(
        {
            "team": np.array(stated.teams, dtype=object)[team[some]], "place": np.array(stated.places, dtype=object)[place[some]],
            "need": need, "number": np.asarray(number[some], dtype=np.int64),
        }
    )


def _whole(stated: Promise) -> tuple[pd.DataFrame, tuple[Bottleneck, ...]]:
    """Variables: 1 where a team goes to a place; and what of each target is met there, at most what those teams bring."""
    rows, columns = _by_id(stated)
    team, place = np.nonzero(stated.arrivals_s[np.ix_(rows, columns)] <= stated.within_s)
    if not len(team):
        return _rows(stated, "", team, place, team), ()
    if len(team) > MAX_PAIRS:
        raise ParameterError(
            "too many pairs of team and place to assign whole teams", where="together", expected=f"at most {MAX_PAIRS} in time",
            got=shown(len(team)), then="ask with teams split, or for fewer places",
        )
    brought = {need: known(stated.amounts[need])[rows[team]] for need in stated.targets}
    goes = _assigned(team, place, len(rows), len(columns), brought, stated)
    sent = [_rows(stated, need, rows[team], columns[place], np.where(goes, own, 0)) for need, own in brought.items()]
    return pd.concat(sent, ignore_index=True), ()


def _assigned(team: Ints, place: Ints, teams: int, places: int, brought: dict[str, Ints], stated: Promise) -> Mask:
    """Which of the pairs are taken, at the least sum of shortfall / target."""
    pairs, needs = len(team), len(brought)
    once = csr_array((np.ones(pairs), (team, np.arange(pairs))), shape=(teams, pairs))
    there = [csr_array((own.astype(float), (place, np.arange(pairs))), shape=(places, pairs)) for own in brought.values()]
    targets = np.repeat([float(stated.targets[need]) for need in brought], places)
    met = block_array([[block_array([[-own] for own in there]), eye_array(needs * places)]], format="csr")
    solved = milp(
        np.concatenate([np.zeros(pairs), -1.0 / targets]),
        constraints=[
            LinearConstraint(block_array([[once, csr_array((teams, needs * places))]], format="csr"), -np.inf, 1.0),
            LinearConstraint(met, -np.inf, 0.0),
        ],
        bounds=Bounds(0, np.concatenate([np.ones(pairs), targets])),
        integrality=np.concatenate([np.ones(pairs), np.zeros(needs * places)]),
        options={"time_limit": SECONDS, "mip_rel_gap": 0.0},
    )
    if solved.status != 0:
        raise ParameterError(
            "no proof which whole teams are best", where="together", expected=f"a proof within {SECONDS:.0f} s",
            got=f"{pairs} pairs", then="ask with teams split, or for fewer places",
        )
    return np.asarray(solved.x[:pairs] > 0.5, dtype=bool)
