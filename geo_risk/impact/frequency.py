"""What a year costs on average, and what is exceeded how often: from losses by return period, or by event.

Frequencies are 1/year, return periods years, losses any unit (people, money, metres) that may be added. A loss that is
not known is nan, and so is every figure that needs it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo_risk.errors import ParameterError, shown

Numbers: TypeAlias = NDArray[np.float64]
Ends: TypeAlias = tuple[float, float]


def annual_expectation(
    return_periods: ArrayLike,
    losses: ArrayLike,
    *,
    rule: str = "trapezoid",
    tail: str = "last_times_frequency",
    head: str = "none",
    head_years: float | None = None,
) -> Numbers:
    """The loss of an average year, from losses at return periods: the area under loss over frequency.

    With D the loss and f = 1 / return period, between two neighbours f > g (losses D, E):

    ========== ==================================================================================================
    rule       area
    ========== ==================================================================================================
    trapezoid  (D + E) (f - g) / 2: the loss is linear in frequency
    log_linear D f - E g - (D - E) (f - g) / ln(f / g): the loss is linear in the logarithm of frequency (Delft-FIAT)
    ========== ==================================================================================================

    ==================== ========================================================================================
    tail                 rarer than the last period
    ==================== ========================================================================================
    last_times_frequency the last loss, held: E g (Delft-FIAT)
    none                 nothing: a lower bound
    ==================== ========================================================================================

    ============== ==============================================================================================
    head           more frequent than the first period
    ============== ==============================================================================================
    none           nothing (Delft-FIAT)
    falls_to_zero  under the same rule down to no loss at ``head_years``, where damage begins
    held           the first loss, held up to the frequency of ``head_years``
    ============== ==============================================================================================

    Parameters
    ----------
    return_periods : array_like of float, shape (periods,)
        Years, above 0, no two equal; their order does not matter.
    losses : array_like of float, shape (periods,) or (periods, objects)
        In the order of ``return_periods``. They need not rise.
    rule, tail, head : str
    head_years : float, optional
        For the heads that need it: above 0, below the first period.

    Returns
    -------
    ndarray of float, shape () or (objects,)
        Loss a year; nan where any loss of the object is nan.

    Raises
    ------
    ParameterError
        A period that is not above 0 or appears twice, shapes that differ, an infinite loss, an unknown name, or
        ``head_years`` missing or out of range.

    Examples
    --------
    >>> float(annual_expectation([4, 16], [1000, 5000], tail="none"))  # (1000 + 5000) / 2 x (0.25 - 0.0625)
    562.5
    >>> float(annual_expectation([16, 4], [5000, 1000]))  # and 5000 x 0.0625
    875.0
    >>> annual_expectation([4, 16], [[1000, 0, 1], [5000, 0, np.nan]]).tolist()
    [875.0, 0.0, nan]
    >>> float(annual_expectation([50], [1000]))
    20.0
    >>> float(annual_expectation([4, 16], [1000, 5000], head="falls_to_zero", head_years=2))  # and 1000 / 2 x 0.25
    1000.0
    """
    _require_named("annual_expectation", rule=(rule, SEGMENT), tail=(tail, TAILS), head=(head, HEADS))
    years, lost = _by_rarity(return_periods, losses)
    years, lost = _with_head(years, lost, head, head_years)
    often = 1.0 / years.reshape(-1, *([1] * (lost.ndim - 1)))
    between = SEGMENT[rule](often[:-1], often[1:], lost[:-1], lost[1:]).sum(axis=0)
    return np.asarray(between + TAILS[tail] * lost[-1] * often[-1], dtype=float)


def expectation_spread(
    return_periods: ArrayLike, losses: ArrayLike, *, head: str = "none", head_years: float | None = None
) -> pd.DataFrame:
    """The annual expectation under every rule and tail: a row a pair, a column an object.

    Parameters
    ----------
    return_periods, losses, head, head_years
        As for `annual_expectation`.

    Examples
    --------
    >>> expectation_spread([10, 100], [1000, 5000])[0].round(1).to_dict()  # doctest: +NORMALIZE_WHITESPACE
    {('trapezoid', 'last_times_frequency'): 320.0, ('trapezoid', 'none'): 270.0,
     ('log_linear', 'last_times_frequency'): 256.3, ('log_linear', 'none'): 206.3}
    """
    pairs = [(rule, tail) for rule in SEGMENT for tail in TAILS]
    rows = [
        np.atleast_1d(annual_expectation(return_periods, losses, rule=rule, tail=tail, head=head, head_years=head_years))
        for rule, tail in pairs
    ]
    return pd.DataFrame(rows, index=pd.MultiIndex.from_tuples(pairs, names=["rule", "tail"]))


def expectation_of_events(losses: ArrayLike, frequencies: ArrayLike) -> Numbers:
    """The loss of an average year from events: the sum of loss x frequency.

    Parameters
    ----------
    losses : array_like of float, shape (events,) or (events, objects)
    frequencies : array_like of float, shape (events,)
        1/year, 0 or more.

    Returns
    -------
    ndarray of float, shape () or (objects,)
        nan where any loss is nan, even of an event of frequency 0.

    Raises
    ------
    ParameterError
        A frequency that is negative or not finite, or shapes that differ.

    Examples
    --------
    >>> float(expectation_of_events([100.0, 1000.0], [0.1, 0.01]))
    20.0
    >>> expectation_of_events([[1.0, np.nan], [2.0, 0.0]], [0.5, 0.25]).tolist()
    [1.0, nan]
    """
    often = require_frequencies(frequencies, "expectation_of_events")
    lost = np.asarray(losses, dtype=float)
    _require_same_length(lost, often, "expectation_of_events")
    return np.asarray(np.tensordot(often, lost, axes=1), dtype=float)


@dataclass(frozen=True, eq=False, kw_only=True)
class ExceedanceCurve:
    """Losses, falling, each with how often it is reached or exceeded; made by `exceedance`.

    ``frequency`` is cumulated from the greatest loss (1/year); ``return_period`` is 1 over it, infinite for 0.
    ``unknown_frequency`` belongs to the events whose loss nobody knows: they are not in the curve.
    """

    loss: Numbers
    frequency: Numbers
    return_period: Numbers
    unknown_frequency: float


def exceedance(losses: ArrayLike, frequencies: ArrayLike) -> ExceedanceCurve:
    """How often which loss is reached or exceeded, from the losses of events.

    Losses are sorted falling and their frequencies cumulated, a point an event. Of equal losses the more frequent
    event comes first, so that the curve does not depend on the order of events.

    Parameters
    ----------
    losses : array_like of float, shape (events,)
        nan is an event of unknown loss: it is left out and counted in ``unknown_frequency``.
    frequencies : array_like of float, shape (events,)
        1/year, 0 or more.

    Raises
    ------
    ParameterError
        A frequency that is negative or not finite, or shapes that differ.

    Examples
    --------
    >>> curve = exceedance([10.0, 30.0, np.nan], [0.1, 0.02, 0.5])
    >>> curve.loss.tolist(), curve.frequency.round(9).tolist(), curve.return_period.round(2).tolist()
    ([30.0, 10.0], [0.02, 0.12], [50.0, 8.33])
    >>> curve.unknown_frequency
    0.5
    """
    often = require_frequencies(frequencies, "exceedance")
    lost = np.asarray(losses, dtype=float)
    _require_same_length(lost, often, "exceedance")
    if lost.ndim != 1:
        raise ParameterError(
            "an exceedance curve is of one loss an event", where="exceedance", expected="losses of shape (events,)",
            got=f"{lost.ndim} dimensions", then="sum over the objects, or ask for each",
        )
    known = ~np.isnan(lost)
    falling = np.lexsort((often[known], lost[known]))[::-1]
    cumulated = np.cumsum(often[known][falling])
    period = np.divide(1.0, cumulated, out=np.full(len(cumulated), np.inf), where=cumulated >= _RAREST)
    return ExceedanceCurve(
        loss=lost[known][falling], frequency=cumulated, return_period=period, unknown_frequency=float(often[~known].sum())
    )


def loss_at(
    curve: ExceedanceCurve,
    return_periods: ArrayLike,
    *,
    rule: str = "linear_in_period",
    beyond: str = "rarer_unknown",
    unknown: str = "spreads",
) -> Numbers:
    """The loss of a return period, read off an exceedance curve.

    ================ ==============================================================================================
    rule             between two points of the curve
    ================ ==============================================================================================
    linear_in_period the loss is linear in the return period (CLIMADA, ``calc_freq_curve``)
    log_frequency    linear in the logarithm of frequency
    log_log          the logarithm of loss is linear in that of frequency; losses above 0 only (CLIMADA 6, local)
    step             the greatest loss that is reached at least that often (CLIMADA 6, local)
    log_fit          one line through all losses above 0, by least squares in the logarithm of frequency (CLIMADA to 5, local)
    ================ ==============================================================================================

    ============= ============================== ============================
    beyond        more often than the first      rarer than the last point
    ============= ============================== ============================
    rarer_unknown 0: nothing happens so often    nan: the record is too short
    held          the least loss (CLIMADA)       the greatest loss
    zero_and_held 0                              the greatest loss
    unknown       nan                            nan
    ============= ============================== ============================

    Parameters
    ----------
    curve : ExceedanceCurve
    return_periods : array_like of float
        Years, above 0.
    rule, beyond : str
    unknown : {"spreads", "left_out"}
        With events of unknown loss the answer is nan, unless they are left out: then it is a lower bound.

    Returns
    -------
    ndarray of float, in the shape of ``return_periods``

    Raises
    ------
    ParameterError
        A period that is not above 0, or an unknown name.

    Examples
    --------
    >>> curve = exceedance([0.0, 100.0, 300.0], [0.08, 0.01, 0.01])  # at 10, 50 and 100 years
    >>> loss_at(curve, [5, 10, 30, 75, 101]).tolist()
    [0.0, 0.0, 50.0, 200.0, nan]
    >>> loss_at(curve, [30, 75, 101], rule="step", beyond="held").tolist()
    [0.0, 100.0, 300.0]
    >>> loss_at(exceedance([0.0, 0.0], [0.1, 0.1]), [5, 10, 11], rule="log_log").tolist()  # rarer than the record is unknown
    [0.0, 0.0, nan]
    """
    _require_named("loss_at", rule=(rule, READINGS), beyond=(beyond, BEYOND), unknown=(unknown, ("spreads", "left_out")))
    years = _require_years(return_periods, "loss_at")
    if curve.unknown_frequency > 0 and unknown == "spreads":
        return np.full(years.shape, np.nan)
    record, point = _usable(curve, "step"), _usable(curve, rule)
    if not len(record.loss):  # no period is within the record: what is known never to happen, or nothing at all
        return np.full(years.shape, BEYOND[beyond](np.zeros(1))[1] if len(curve.loss) else np.nan)
    if not len(point.loss):  # every loss is 0, where a logarithm has no use and needs none
        point, rule = record, "step"
    often, rare = point.return_period[-1], point.return_period[0]
    before, after = BEYOND[beyond](point.loss)
    # a period that is one of the curve's own is on it, whatever the rounding of 1 / (1 / T)
    early, late = years < often * (1 - 1e-12), years > rare * (1 + 1e-12)
    within = READINGS[rule](point, np.clip(years, often, rare))
    return np.where(early, before, np.where(late, after, within))


def yearly(losses: ArrayLike, years: ArrayLike) -> "pd.Series[float]":
    """The sum of the losses of each year that has an event, by year; nan where one of them is unknown.

    >>> yearly([1.0, 2.0, 5.0, np.nan], [1990, 1992, 1990, 1993]).to_dict()
    {1990: 6.0, 1992: 2.0, 1993: nan}
    """
    found, of_year = np.unique(np.asarray(years), return_inverse=True)
    return pd.Series(np.bincount(of_year, weights=np.asarray(losses, dtype=float), minlength=len(found)), index=found)


def require_frequencies(frequencies: ArrayLike, where: str) -> Numbers:
    """Frequencies as an array, or an error: each is finite and 0 or more."""
    often = np.asarray(frequencies, dtype=float)
    wrong = ~((often >= 0) & np.isfinite(often))
    if often.ndim != 1 or wrong.any():
        bad = often[wrong][0] if wrong.any() else often.ndim
        raise ParameterError(
            "a frequency must be a number, 0 or more", where=where, expected="1/year for each event", got=shown(float(bad)),
            then="check the unit and the column",
        )
    return often


def _trapezoid(often: Numbers, rare: Numbers, small: Numbers, great: Numbers) -> Numbers:
    return np.asarray((small + great) * (often - rare) / 2.0, dtype=float)


def _log_linear(often: Numbers, rare: Numbers, small: Numbers, great: Numbers) -> Numbers:
    return np.asarray(small * often - great * rare - (small - great) * (often - rare) / np.log(often / rare), dtype=float)


def _linear_in_period(curve: ExceedanceCurve, years: Numbers) -> Numbers:
    return np.interp(years, curve.return_period[::-1], curve.loss[::-1])


def _log_frequency(curve: ExceedanceCurve, years: Numbers) -> Numbers:
    return np.interp(np.log(years), np.log(curve.return_period[::-1]), curve.loss[::-1])


def _log_log(curve: ExceedanceCurve, years: Numbers) -> Numbers:
    return np.exp(np.interp(np.log(years), np.log(curve.return_period[::-1]), np.log(curve.loss[::-1])))


def _step(curve: ExceedanceCurve, years: Numbers) -> Numbers:
    reached = np.searchsorted(curve.frequency, (1.0 / years) * (1 - 1e-12))
    return np.asarray(curve.loss[np.minimum(reached, len(curve.loss) - 1)], dtype=float)


def _log_fit(curve: ExceedanceCurve, years: Numbers) -> Numbers:
    """Least squares by hand: one point gives its own loss, which a general solver calls singular."""
    x = np.log(curve.frequency)
    spread = ((x - x.mean()) ** 2).sum()
    slope = ((x - x.mean()) * curve.loss).sum() / spread if spread > 0 else 0.0
    return np.asarray(curve.loss.mean() + slope * (-np.log(years) - x.mean()), dtype=float)


def _usable(curve: ExceedanceCurve, rule: str) -> ExceedanceCurve:
    """The points a rule can use: of a finite period, and above 0 where the rule takes a logarithm or fits."""
    kept = np.isfinite(curve.return_period) & ((curve.loss > 0) | (rule not in _ABOVE_ZERO))
    return ExceedanceCurve(
        loss=curve.loss[kept], frequency=curve.frequency[kept], return_period=curve.return_period[kept],
        unknown_frequency=curve.unknown_frequency,
    )


def _by_rarity(return_periods: ArrayLike, losses: ArrayLike) -> tuple[Numbers, Numbers]:
    years = _require_years(return_periods, "annual_expectation")
    lost = np.asarray(losses, dtype=float)
    if years.ndim != 1 or not len(years) or len(np.unique(years)) < len(years):
        raise ParameterError(
            "return periods must differ", where="annual_expectation", expected="at least one, each once",
            got=f"{years.size} of which {len(np.unique(years))} differ", then="leave one of the equal ones out",
        )
    _require_same_length(lost, years, "annual_expectation")
    if np.isinf(lost).any():
        raise ParameterError("a loss is infinite", where="annual_expectation", expected="numbers, or nan for unknown", got="inf")
    order = np.argsort(years)
    return years[order], lost[order]


def _with_head(years: Numbers, lost: Numbers, head: str, head_years: float | None) -> tuple[Numbers, Numbers]:
    """The points with the one more that a head asks for, in front."""
    if head == "none":
        return years, lost
    if head_years is None or not 0 < head_years < years[0]:
        raise ParameterError(
            "head_years is missing or out of range", where="annual_expectation",
            expected=f"above 0, below the first return period of {years[0]:g} years", got=shown(head_years),
            then="give the period at which damage begins, or head='none'",
        )
    return np.concatenate([[head_years], years]), np.concatenate([HEADS[head] * lost[:1], lost])


def _require_years(return_periods: ArrayLike, where: str) -> Numbers:
    years = np.asarray(return_periods, dtype=float)
    wrong = ~((years > 0) & np.isfinite(years))
    if wrong.any():
        raise ParameterError(
            "a return period must be above 0", where=where, expected="years", got=shown(float(years[wrong][0])),
            then="give periods, not frequencies of 0",
        )
    return years


def _require_same_length(lost: Numbers, other: Numbers, where: str) -> None:
    if lost.ndim not in {1, 2} or len(lost) != len(other):
        raise ParameterError(
            "losses do not fit", where=where, expected=f"{len(other)} losses, or {len(other)} rows of one an object",
            got=f"shape {lost.shape}", then="give one row of losses for each",
        )


def _require_named(where: str, **given: tuple[str, Mapping[str, object] | tuple[str, ...]]) -> None:
    for what, (name, known) in given.items():
        if name not in known:
            raise ParameterError(f"no such {what}", where=where, expected=", ".join(known), got=shown(name), then="name one")


SEGMENT: Final[Mapping[str, Callable[[Numbers, Numbers, Numbers, Numbers], Numbers]]] = MappingProxyType(
    {"trapezoid": _trapezoid, "log_linear": _log_linear}
)
TAILS: Final[Mapping[str, float]] = MappingProxyType({"last_times_frequency": 1.0, "none": 0.0})
HEADS: Final[Mapping[str, float]] = MappingProxyType({"none": 0.0, "falls_to_zero": 0.0, "held": 1.0})
READINGS: Final[Mapping[str, Callable[[ExceedanceCurve, Numbers], Numbers]]] = MappingProxyType({
    "linear_in_period": _linear_in_period,
    "log_frequency": _log_frequency,
    "log_log": _log_log,
    "step": _step,
    "log_fit": _log_fit,
})
BEYOND: Final[Mapping[str, Callable[[Numbers], Ends]]] = MappingProxyType({
    "rarer_unknown": lambda _: (0.0, np.nan),
    "held": lambda loss: (float(loss[-1]), float(loss[0])),
    "zero_and_held": lambda loss: (0.0, float(loss[0])),
    "unknown": lambda _: (np.nan, np.nan),
})
_RAREST: Final = np.finfo(np.float64).tiny  # 1/year: one over anything smaller is infinite
_ABOVE_ZERO: Final = frozenset({"log_log", "log_fit"})
