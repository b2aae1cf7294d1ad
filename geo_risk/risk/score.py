"""Scores of 0 to 10 from raw values, and one score from several by a named rule."""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_risk.errors import DeclarationError, ParameterError, shown
from geo_risk.model import Scale

Numbers: TypeAlias = NDArray[np.float64]
TOP: Final = 10.0


def score(raw: "pd.Series[float]", scale: Scale) -> "pd.Series[float]":
    """A raw value as a score: 0 at the scale's ``low``, 10 at its ``high``, clipped beyond; ``nan`` stays ``nan``.

    10 (t(x) - t(low)) / (t(high) - t(low)), where ``low`` may exceed ``high``: then more is better.

    ====== ============================================================================================
    linear t(x) = x, in the factor's unit
    log    t(x) = log10 x; 0 and below count as the nearer end
    rank   t(x) = the percentile of x among the known values, 100 (fewer + (equal - 1) / 2) / (n - 1);
           ``low`` and ``high`` are percentiles. Ties share theirs; one value alone is at 50
    z      t(x) = (x - mean) / sd of the known values, sd with n - 1; ``low`` and ``high`` are standard
           deviations from the mean, so with -2.5 and 2.5 the mean scores 5 and one deviation 2 points.
           Equal values, or one alone, are at the mean
    ====== ============================================================================================

    ``linear`` and ``log`` are fixed ranges: a score means the same in any set of places. ``rank`` and ``z`` are relative
    to the places given, so scores over different places must not be compared (`RELATIVE`). The order of rows does not
    matter, to the last bit.

    Parameters
    ----------
    raw : Series of float
        In the factor's unit.

    Raises
    ------
    DeclarationError
        The scale's ends are equal or not finite, a log scale has an end at or below 0, or percentiles pass 0 to 100.

    Examples
    --------
    >>> half = Scale(curve="linear", low=0, high=0.5, weight=1, source="", checked="")
    >>> score(pd.Series([0.0, 0.25, 0.9, None]), half).tolist()
    [0.0, 5.0, 10.0, nan]
    >>> lack = Scale(curve="linear", low=2000, high=0, weight=1, source="", checked="")
    >>> score(pd.Series([0, 500, 3000]), lack).tolist()
    [10.0, 7.5, 0.0]
    >>> people = Scale(curve="log", low=100, high=10_000, weight=1, source="", checked="")
    >>> score(pd.Series([0, 100, 1000]), people).tolist()
    [0.0, 0.0, 5.0]
    >>> among = Scale(curve="rank", low=0, high=100, weight=1, source="", checked="")
    >>> score(pd.Series([3.0, 7.0, 3.0, 900.0, None, 8.0]), among).tolist()
    [1.25, 5.0, 1.25, 10.0, nan, 7.5]
    >>> deviations = Scale(curve="z", low=-2.5, high=2.5, weight=1, source="", checked="")
    >>> score(pd.Series([1.0, 2.0, 3.0, None]), deviations).tolist()
    [3.0, 5.0, 7.0, nan]
    """
    _require_sound(scale)
    values: Numbers = np.array(raw.to_numpy(dtype=np.float64, na_value=np.nan))
    along: Numbers = RELATIVE[scale.curve](values) if scale.curve in RELATIVE else values
    curve = _CURVES[scale.curve]
    least, most = sorted((scale.low, scale.high))
    low, high = curve(np.array([scale.low, scale.high], dtype=float))
    within: Numbers = np.clip(along, least, most)
    points: Numbers = np.abs(TOP * (curve(within) - low) / (high - low))  # abs: no -0.0 on a falling scale
    return pd.Series(points, index=raw.index)


def combine(scores: pd.DataFrame, weights: Mapping[str, float], rule: str) -> "pd.Series[float]":
    """One score of 0 to 10 a row from several, by a rule of `RULES`.

    ====================== ========================================================================
    worst                  max(s)
    mean, weighted         sum(w s) / sum(w)
    geometric_mean         prod(s ^ (w / sum(w))): one zero makes it zero
    floored_geometric_mean the same on a scale of 1 to 10, and back: no zero hides the rest
    noisy_or               10 (1 - prod(1 - s/10)): any one suffices, several add up
    product                10 prod(s/10)
    product_over_coping    10 prod(s/10 of all but coping) / capacity: see below
    ====================== ========================================================================

    ``product_over_coping`` is hazard x exposure x vulnerability / coping capacity. The column named ``coping`` holds the
    *lack* of it, so capacity = 10 - 0.9 lack, which runs from 10 (nothing lacks) to 1 (everything does) and never
    divides by 0. Without such a column it is ``product``.

    ``worst``, ``noisy_or`` and ``product`` use a weight only to tell what counts (above 0). Any unknown score that
    counts makes the row unknown, under every rule; ``worst`` too, even beside a known 10: the reader is to see that
    something is missing.

    Parameters
    ----------
    scores : DataFrame of float, 0 to 10
        A column a factor; nan is unknown.
    weights : mapping of float
        A weight for each column, 0 or more; a column of weight 0 does not count.
    rule : str

    Raises
    ------
    ParameterError
        An unknown rule, a column without a sound weight, or none that counts.

    Examples
    --------
    >>> scores = pd.DataFrame({"flood": [8.0, 2.0], "slide": [2.0, None]})
    >>> combine(scores, {"flood": 1, "slide": 1}, "worst").tolist()
    [8.0, nan]
    >>> combine(scores, {"flood": 3, "slide": 1}, "mean").tolist()
    [6.5, nan]
    >>> combine(scores, {"flood": 1, "slide": 0}, "mean").tolist()
    [8.0, 2.0]
    """
    counted = sorted(name for name in scores.columns if _sound_weight(weights, name) > 0)
    if rule not in RULES:
        raise ParameterError("no such rule", where="combine", expected=", ".join(RULES), got=shown(rule), then="name one")
    if not counted:
        raise ParameterError("nothing to combine", where="combine", expected="a column with a weight above 0", got="none")
    numbers = scores[counted].to_numpy(dtype=float)  # numpy's max, sum and prod keep nan, where pandas' skip it
    divides = np.array([name in _DIVISORS.get(rule, ()) for name in counted])
    entered = np.where(divides, TOP / (TOP - 0.9 * numbers), numbers)
    return pd.Series(RULES[rule](entered, np.array([weights[name] for name in counted], dtype=float)), index=scores.index)


def _sound_weight(weights: Mapping[str, float], name: str) -> float:
    weight = weights.get(name, np.nan)
    if not 0 <= weight < np.inf:
        raise ParameterError(
            "a column has no sound weight", where=f"combine, column {shown(name)}", expected="a number, 0 or more",
            got=shown(weight), then="give every column a weight",
        )
    return weight


def _require_sound(scale: Scale) -> None:
    ends = (scale.low, scale.high)
    allowed = _BOUNDS.get(scale.curve, (math.inf, -math.inf))
    if not all(math.isfinite(end) and allowed[0] <= end <= allowed[1] for end in ends) or scale.low == scale.high:
        raise DeclarationError(
            "a scale's ends must differ and be finite, and above 0 where its curve is log", where="table factors",
            expected=f"curve {', '.join(_BOUNDS)} (rank from 0 to 100); low and high",
            got=f"{shown(scale.curve)}, {shown(scale.low)}, {shown(scale.high)}", then="mend the table",
        )


def _linear(values: Numbers) -> Numbers:
    return values


def _log(values: Numbers) -> Numbers:
    return np.asarray(np.log10(values), dtype=float)


def _percentile(values: Numbers) -> Numbers:
    """100 (fewer + (equal - 1) / 2) / (n - 1) among the known values; 50 for one alone."""
    known = np.sort(values[~np.isnan(values)])
    if len(known) == 1:
        return np.where(np.isnan(values), np.nan, 50.0)
    fewer, up_to = np.searchsorted(known, values, side="left"), np.searchsorted(known, values, side="right")
    return np.where(np.isnan(values), np.nan, 100.0 * (fewer + (up_to - fewer - 1) / 2) / max(len(known) - 1, 1))


def _deviations(values: Numbers) -> Numbers:
    """Standard deviations from the mean of the known values; 0 where they do not differ. Sums are rounded once."""
    known = values[np.isfinite(values)]
    if not len(known) or known.min() == known.max():
        return np.where(np.isfinite(values), 0.0, values)
    mean = math.fsum(known) / len(known)
    return np.asarray((values - mean) / math.sqrt(math.fsum((known - mean) ** 2) / (len(known) - 1)), dtype=float)


def _worst(scores: Numbers, _: Numbers) -> Numbers:
    return np.asarray(scores.max(axis=1), dtype=float)


def _mean(scores: Numbers, weights: Numbers) -> Numbers:
    return np.asarray((scores * weights).sum(axis=1) / weights.sum(), dtype=float)


def _geometric_mean(scores: Numbers, weights: Numbers) -> Numbers:
    return np.asarray(np.prod(scores ** (weights / weights.sum()), axis=1), dtype=float)


def _floored_geometric_mean(scores: Numbers, weights: Numbers) -> Numbers:
    return (_geometric_mean(1.0 + 0.9 * scores, weights) - 1.0) / 0.9


def _noisy_or(scores: Numbers, _: Numbers) -> Numbers:
    return np.asarray(TOP * (1.0 - np.prod(1.0 - scores / TOP, axis=1)), dtype=float)


def _product(scores: Numbers, _: Numbers) -> Numbers:
    return np.asarray(TOP * np.prod(scores / TOP, axis=1), dtype=float)


_CURVES: Final[Mapping[str, Callable[[Numbers], Numbers]]] = MappingProxyType(
    {"linear": _linear, "log": _log, "rank": _linear, "z": _linear}
)
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"linear": (-math.inf, math.inf), "log": (math.ulp(0.0), math.inf), "rank": (0.0, 100.0), "z": (-math.inf, math.inf)}
)
CURVES: Final = tuple(_CURVES)
RELATIVE: Final[Mapping[str, Callable[[Numbers], Numbers]]] = MappingProxyType({"rank": _percentile, "z": _deviations})
"""Curves whose scores are relative to the places they were made over."""
_DIVISORS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType({"product_over_coping": ("coping",)})
RULES: Final[Mapping[str, Callable[[Numbers, Numbers], Numbers]]] = MappingProxyType({
    "worst": _worst,
    "mean": _mean,
    "weighted": _mean,
    "geometric_mean": _geometric_mean,
    "floored_geometric_mean": _floored_geometric_mean,
    "noisy_or": _noisy_or,
    "product": _product,
    "product_over_coping": _product,
})
