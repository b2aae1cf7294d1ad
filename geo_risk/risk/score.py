"""Scores of 0 to 10 from raw values, and one score from several by a named rule."""

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

    linear: 10 (x - low) / (high - low); log: 10 (log x - log low) / (log high - log low). ``low`` may exceed ``high``:
    then more is better. A log scale takes 0 and below as its nearer end.

    Parameters
    ----------
    raw : Series of float
        In the factor's unit.

    Raises
    ------
    DeclarationError
        The scale's ends are equal or not finite, or a log scale has an end at or below 0.

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
    """
    _require_sound(scale)
    curve = _CURVES[scale.curve]
    least, most = sorted((scale.low, scale.high))
    within: Numbers = np.clip(raw.to_numpy(dtype=np.float64, na_value=np.nan), least, most)
    low, high = curve(np.array([scale.low, scale.high], dtype=float))
    points: Numbers = np.abs(TOP * (curve(within) - low) / (high - low))  # abs: no -0.0 on a falling scale
    return pd.Series(points, index=raw.index)


def combine(scores: pd.DataFrame, weights: Mapping[str, float], rule: str) -> "pd.Series[float]":
    """One score of 0 to 10 a row from several, by a rule of `RULES`.

    ====================== ========================================================================
    worst                  max(s)
    mean                   sum(w s) / sum(w)
    geometric_mean         prod(s ^ (w / sum(w))): one zero makes it zero
    floored_geometric_mean the same on a scale of 1 to 10, and back: no zero hides the rest
    noisy_or               10 (1 - prod(1 - s/10)): any one suffices, several add up
    product                10 prod(s/10)
    ====================== ========================================================================

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
    return pd.Series(RULES[rule](numbers, np.array([weights[name] for name in counted], dtype=float)), index=scores.index)


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
    finite = all(np.isfinite(end) for end in ends)
    if scale.curve not in _CURVES or not finite or scale.low == scale.high or (scale.curve == "log" and min(ends) <= 0):
        raise DeclarationError(
            "a scale's ends must differ and be finite, and above 0 where its curve is log", where="table factors",
            expected="curve linear or log; low and high", got=f"{shown(scale.curve)}, {shown(scale.low)}, {shown(scale.high)}",
            then="mend the table",
        )


def _linear(values: Numbers) -> Numbers:
    return values


def _log(values: Numbers) -> Numbers:
    return np.asarray(np.log10(values), dtype=float)


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


_CURVES: Final[Mapping[str, Callable[[Numbers], Numbers]]] = MappingProxyType({"linear": _linear, "log": _log})
RULES: Final[Mapping[str, Callable[[Numbers, Numbers], Numbers]]] = MappingProxyType({
    "worst": _worst,
    "mean": _mean,
    "geometric_mean": _geometric_mean,
    "floored_geometric_mean": _floored_geometric_mean,
    "noisy_or": _noisy_or,
    "product": _product,
})
