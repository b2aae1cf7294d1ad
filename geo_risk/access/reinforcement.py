"""The least that must be added at existing bases so that every place has what it lacks in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_array, csr_array, diags_array, eye_array

from geo_risk.chunks import spans
from geo_risk.errors import ParameterError, shown

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Choice = Literal["fewest_people", "fewest_bases"]
CHOICES: Final[tuple[Choice, ...]] = ("fewest_people", "fewest_bases")

MAX_CELLS: Final = 50_000
"""Bases times places, after those that cannot matter are left out, up to which the least is proven; above, it is greedy."""

BUDGET_S: Final = 4.0
"""Seconds for each of a choice's two measures."""

_MOST_COMPARED: Final = 2_000
_ROUNDING: Final = 1e-5
_CELLS_AT_ONCE: Final = 1 << 21


@dataclass(frozen=True, kw_only=True)
class Reinforcement:
    """What to add of one need: ``added`` pairs of base and number, by base id. ``one_base``: a single base does it.

    ``beyond`` are the places that no base reaches in time: no addition helps them, and the promise stays broken there.
    ``at_least`` is the proven least of what ``choice`` asks for, people or bases. ``exact``: no smaller addition exists by that
    rule; else the additions do, and may be more than the least.
    """

    need: str
    added: tuple[tuple[str, int], ...]
    one_base: bool
    beyond: tuple[str, ...]
    choice: Choice
    at_least: int
    exact: bool

    @property
    def total(self) -> int:
        """How many are added in all."""
        return sum(number for _, number in self.added)


def reinforce(
    arrivals_s: Floats, shortfall: Ints, within_s: float, *, need: str, bases: Sequence[str], places: Sequence[str],
    choice: Choice = "fewest_people", budget_s: float = BUDGET_S,
) -> Reinforcement:
    """The least addition at existing bases that ends every shortfall in time.

    Where one base reaches every place that is short, it needs exactly the greatest shortfall, and nothing less will do; of
    several such bases the one whose last arrival is earliest, then the lesser id. Else a covering problem: numbers a >= 0 at
    the bases so that at each short place the sum of a over the bases that reach it in time is at least its shortfall, with

    - ``fewest_people``: the least sum of a, and among those the fewest bases;
    - ``fewest_bases``: the fewest bases, and among those the least sum of a.

    Solved to the proven optimum by scipy's mixed-integer solver (HiGHS), bases and places in the order of their ids, so
    that the order of rows changes nothing.

    Parameters
    ----------
    arrivals_s : ndarray, shape (bases, places)
        Seconds; inf never, nan unknown, which does not reach.
    shortfall : ndarray of int, shape (places,)
        0 where nothing is short.
    within_s : float
        Seconds.
    budget_s : float
        Seconds the solver may take for each of the two measures; what it has not proven by then is said to be so.

    Examples
    --------
    >>> reinforce(np.array([[50.0, 500.0], [500.0, 50.0]]), np.array([4, 7]), 60, need="people", bases=["a", "b"],
    ...     places=["x", "y"]).added
    (('a', 4), ('b', 7))
    """
    if choice not in CHOICES:
        raise ParameterError("no such choice", where="reinforce", expected=", ".join(CHOICES), got=shown(choice), then="name one")
    rows = np.array(sorted(range(len(bases)), key=lambda at: bases[at]), dtype=np.int64)
    short = np.array(sorted(np.flatnonzero(shortfall > 0).tolist(), key=lambda at: places[at]), dtype=np.int64)
    at = arrivals_s[np.ix_(rows, short)]
    reached = at <= within_s
    helped = reached.any(axis=0)
    beyond = tuple(places[int(place)] for place in short[~helped])
    lacking, reached = shortfall[short[helped]], reached[:, helped]
    numbers, at_least, exact = _least(reached, lacking, np.where(reached, at[:, helped], -np.inf), choice, budget_s)
    added = tuple((bases[int(rows[base])], int(numbers[base])) for base in np.flatnonzero(numbers))
    return Reinforcement(
        need=need, added=added, one_base=len(added) == 1, beyond=beyond, choice=choice, at_least=at_least, exact=exact
    )


def _least(reached: Mask, lacking: Ints, at: Floats, choice: Choice, budget_s: float) -> tuple[Ints, int, bool]:
    """Numbers to add at each base, the proven bound, and whether they reach it; ``at`` is -inf where a base does not reach."""
    numbers = np.zeros(len(reached), dtype=np.int64)
    if not len(lacking):
        return numbers, 0, True
    soonest = np.argsort(at.max(axis=1), kind="stable")
    kept = soonest[_undominated(reached[soonest])]
    if reached[kept[0]].all():
        numbers[kept[0]] = lacking.max()
        return numbers, int(lacking.max()) if choice == "fewest_people" else 1, True
    hardest = _hardest(reached[kept], lacking)
    numbers[kept], at_least, exact = _covering(reached[np.ix_(kept, hardest)], lacking[hardest], choice, budget_s)
    return numbers, at_least, exact


def _covering(reached: Mask, lacking: Ints, choice: Choice, budget_s: float) -> tuple[Ints, int, bool]:
    """The solver's numbers, or greedy ones where it has none or worse."""
    greedy = _greedy(reached, lacking)
    plainly = int(lacking.max()) if choice == "fewest_people" else 2  # no single base reaches all
    if reached.size > MAX_CELLS:
        return greedy, plainly, False
    solved, at_least, exact = _solved(reached, lacking, choice, greedy, budget_s)
    return min((solved, greedy), key=lambda numbers: _measure(numbers, choice)), max(at_least, plainly), exact


def _measure(numbers: Ints, choice: Choice) -> tuple[int, int]:
    """What a choice makes small, first thing first."""
    people, bases = int(numbers.sum()), int(np.count_nonzero(numbers))
    return (people, bases) if choice == "fewest_people" else (bases, people)


def _hardest(reached: Mask, lacking: Ints) -> Ints:
    """The places that no other place stands for: one that lacks as much or more, and that no base reaches but those of this."""
    if len(lacking) > _MOST_COMPARED:
        return np.arange(len(lacking))
    order = np.lexsort((reached.sum(axis=0), -lacking))
    marks = reached[:, order].astype(np.float32)
    within = (marks.T @ marks) >= marks.sum(axis=0)[:, None]
    return np.asarray(np.sort(order[~np.triu(within, 1).any(axis=0)]), dtype=np.int64)


def _undominated(reached: Mask) -> Ints:
    """The rows that reach something, and no other row reaches all they do and more, nor an earlier one the same; widest first."""
    order = np.argsort(-reached.sum(axis=1), kind="stable")
    marks = reached[order].astype(np.float32)
    width = marks.sum(axis=1)
    kept = width > 0
    for span in spans(len(order), max(1, _CELLS_AT_ONCE // max(1, len(order)))):
        holds_all = marks[span] @ marks.T >= width[span, None]
        kept[span] &= ~np.tril(holds_all, span.start - 1).any(axis=1)
    return np.asarray(order[kept], dtype=np.int64)


def _solved(reached: Mask, lacking: Ints, choice: Choice, start: Ints, budget_s: float) -> tuple[Ints, int, bool]:
    """The least numbers the solver finds in its seconds, its proven bound, and whether both measures are proven.

    Variables are the numbers a and 0/1 marks y of the bases used, a <= (greatest shortfall it reaches) y. ``start`` are
    numbers that do.
    """
    bases, places = reached.shape
    most = np.where(reached, lacking[None, :], 0).max(axis=1).astype(float)
    covers, none = csr_array(reached.T.astype(float)), csr_array((places, bases))
    linked = LinearConstraint(
        block_array([[covers, none], [none, covers], [-eye_array(bases), diags_array(most)]], format="csr"),
        np.concatenate([lacking, np.ones(places), np.zeros(bases)]), np.inf,
    )
    people, used = np.repeat([1.0, 0.0], bases), np.repeat([0.0, 1.0], bases)
    first, second = (people, used) if choice == "fewest_people" else (used, people)
    bounds = Bounds(0, np.concatenate([most, np.ones(bases)]))
    start = np.concatenate([start, start > 0])
    best, at_least = _minimum(first, [linked], bounds, start, budget_s)
    as_few = LinearConstraint(first[None, :], -np.inf, first @ best)
    found, ties = _minimum(second, [linked, as_few], bounds, best, budget_s)
    numbers, marks = found[:bases], found[bases:]
    exact = first @ found == at_least and second @ found == ties and np.array_equal(numbers > 0, marks > 0)
    does = bool((numbers @ reached >= lacking).all())
    return (numbers if does else start[:bases]), at_least, bool(exact and does)


def _minimum(cost: Floats, constraints: list[LinearConstraint], bounds: Bounds, start: Ints, budget_s: float) -> tuple[Ints, int]:
    """The least the solver finds (else ``start``), and what it proves that none can be below: costs are whole numbers."""
    solved = milp(
        cost, constraints=constraints, bounds=bounds, integrality=np.ones(len(cost)),
        options={"time_limit": budget_s, "mip_rel_gap": 0.5 / max(float(cost @ start), 1.0)},
    )
    bound = solved.mip_dual_bound
    below = int(np.ceil(bound - _ROUNDING)) if bound is not None and np.isfinite(bound) else 0
    return (start if solved.x is None else np.rint(solved.x).astype(np.int64)), below


def _greedy(reached: Mask, lacking: Ints) -> Ints:
    """Base after base, each the one that ends most of what is still lacking, until nothing is."""
    numbers, left = np.zeros(len(reached), dtype=np.int64), lacking.copy()
    while left.any():
        base = int(np.argmax(reached @ left))
        add = int(left[reached[base]].max())
        numbers[base] += add
        left = np.where(reached[base], np.maximum(left - add, 0), left)
    return numbers
