"""Vulnerability curves: what fraction of a thing's value is lost at an intensity (a depth, a wind speed).

A curve is points joined by straight lines, checked when it is made. Many curves at once, one an occupancy, are a
`CurveSet`: a flat table that one compiled pass reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo_risk.chunks import over_spans, spans
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.grid import Cells, Numbers
from geo_risk.impact._curve_kernel import segments_at, values_at

Below: TypeAlias = Literal["first", "zero", "unknown"]
Above: TypeAlias = Literal["last", "unknown"]
BELOW: Final = ("first", "zero", "unknown")
ABOVE: Final = ("last", "unknown")
UNKNOWN: Final = -1
_SPAN: Final = 1 << 17
_MAX_POINTS: Final = 10_000


class CurvePoint(NamedTuple):
    """One point of a curve: intensity in the curve's unit, fraction 0 to 1."""

    intensity: float
    fraction: float


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Fraction lost by intensity, linear between points.

    Parameters
    ----------
    id : str
    intensity : tuple of float
        Strictly rising, finite, in ``unit``.
    fraction : tuple of float
        As many, each 0 to 1 (never per cent).
    unit : str
        Of the intensity; metres of depth unless said.
    source : str
    below : {"first", "zero", "unknown"}
        What holds under the first point: its fraction (as numpy.interp, Delft-FIAT and DamageScanner do; basements in
        the Hazus tables), 0, or nan.
    above : {"last", "unknown"}
        What holds over the last point: its fraction, or nan.
    may_fall : bool
        Allow a fraction that falls as the intensity rises. Two of Hazus' 597 structure curves do (202, 566).

    Raises
    ------
    ParameterError
        A rule above is broken; it names the point.

    Examples
    --------
    >>> house = Curve(id="house", intensity=(0, 0.5, 1), fraction=(0, 0.4, 0.6))
    >>> house.intensity
    (0.0, 0.5, 1.0)
    >>> Curve(id="house", intensity=(0, 1), fraction=(0, 60))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    geo_risk.errors.ParameterError: a curve's fraction is not 0 to 1; where: curve house, point 2; ... percent=True
    """

    id: str
    intensity: tuple[float, ...]
    fraction: tuple[float, ...]
    unit: str = "m"
    source: str = ""
    below: Below = "first"
    above: Above = "last"
    may_fall: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "intensity", tuple(float(value) for value in self.intensity))
        object.__setattr__(self, "fraction", tuple(float(value) for value in self.fraction))
        _require_shape(self)
        _require_rule(self)
        _require_fractions(self)
        _require_order(self)


def fraction_at(curve: Curve, intensity: ArrayLike) -> Numbers:
    """The fraction at each intensity; nan stays nan.

    f = f0 + (x - x0) (f1 - f0) / (x1 - x0) between the points (x0, f0) and (x1, f1); the curve's own rules beyond.

    Examples
    --------
    >>> asia = Curve(id="JRC Asia residential", intensity=(0, 0.5, 1, 2), fraction=(0, 0.327, 0.494, 0.721))
    >>> fraction_at(asia, [0.5, 0.75, 9, -1, None]).round(4).tolist()
    [0.327, 0.4105, 0.721, 0.0, nan]
    """
    values: Numbers = np.asarray(intensity, dtype=np.float64)
    flat = np.ascontiguousarray(values).ravel()
    one = CurveSet(curves={curve.id: curve})
    return one.at(np.zeros(len(flat), dtype=np.int64), flat).reshape(values.shape)


def curve_points_at(curve: Curve, value: float) -> tuple[CurvePoint, CurvePoint] | None:
    """The two points that the fraction at a value lies between: the reason behind the figure. None for an unknown value.

    Beyond an end both are the end's point; its fraction is what the curve's rule gives there.

    >>> house = Curve(id="house", intensity=(0, 0.5, 1), fraction=(0, 0.4, 0.6))
    >>> curve_points_at(house, 0.7)
    (CurvePoint(intensity=0.5, fraction=0.4), CurvePoint(intensity=1.0, fraction=0.6))
    >>> curve_points_at(house, 3.0)[0] == curve_points_at(house, 3.0)[1]
    True
    """
    points = CurveSet(curves={curve.id: curve}).points(np.zeros(1, dtype=np.int64), np.array([value], dtype=np.float64))
    lower_m, lower, upper_m, upper = (float(column[0]) for column in points)
    return None if np.isnan(lower_m) else (CurvePoint(lower_m, lower), CurvePoint(upper_m, upper))


class BoundingPoints(NamedTuple):
    """For each value the two points of its curve: intensities and fractions, nan where unknown."""

    lower: Numbers
    lower_fraction: Numbers
    upper: Numbers
    upper_fraction: Numbers


@dataclass(frozen=True, kw_only=True)
class CurveSet:
    """Curves by occupancy, in one unit, with a flat table for the compiled pass.

    Raises
    ------
    ParameterError
        No curve at all, or two units.
    """

    curves: Mapping[str, Curve]
    _knots: Numbers = field(init=False, repr=False, compare=False)
    _heights: Numbers = field(init=False, repr=False, compare=False)
    _ends: tuple[Numbers, Numbers] = field(init=False, repr=False, compare=False)
    _starts: Cells = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "curves", dict(self.curves))
        curves = list(self.curves.values())
        units = sorted({curve.unit for curve in curves})
        if len(units) != 1:
            raise ParameterError(
                "curves of one set need one unit", where="CurveSet", expected="at least one curve; one unit",
                got=" and ".join(shown(unit) for unit in units) or "none", then="split the set, or convert",
            )
        object.__setattr__(self, "_knots", np.concatenate([np.array(curve.intensity) for curve in curves]))
        object.__setattr__(self, "_heights", np.concatenate([np.array(curve.fraction) for curve in curves]))
        object.__setattr__(self, "_starts", np.cumsum([0, *(len(curve.intensity) for curve in curves)], dtype=np.int64))
        below = np.array([{"first": curve.fraction[0], "zero": 0.0, "unknown": np.nan}[curve.below] for curve in curves])
        above = np.array([{"last": curve.fraction[-1], "unknown": np.nan}[curve.above] for curve in curves])
        object.__setattr__(self, "_ends", (below, above))

    @property
    def table(self) -> tuple[Numbers, Numbers, Numbers, Numbers, Cells]:
        """Knots, heights, the heights below and above each curve, and where each curve starts."""
        return self._knots, self._heights, *self._ends, self._starts

    def codes(self, occupancy: "pd.Series[str] | ArrayLike") -> Cells:
        """The position of each occupancy's curve in the set; -1 where there is none.

        >>> CurveSet(curves={"house": Curve(id="h", intensity=(0, 1), fraction=(0, 1))}).codes(["house", "barn", None])
        array([ 0, -1, -1])
        """
        known = pd.Index(list(self.curves), dtype=object)
        kinds, names = pd.factorize(pd.Series(occupancy).to_numpy(dtype=object))
        places = known.get_indexer(pd.Index(names).astype(object))
        return np.append(places, UNKNOWN)[kinds].astype(np.int64)  # factorize marks a missing name by -1: the last place

    def at(self, codes: Cells, intensity: Numbers) -> Numbers:
        """The fraction at each intensity, by each one's curve; nan where the code is -1 or the intensity nan."""
        found = np.empty(len(intensity), dtype=np.float64)

        def span(part: slice) -> None:
            values_at(*self.table, codes[part], intensity[part], found[part])

        over_spans(span, spans(len(found), _SPAN))
        return found

    def points(self, codes: Cells, intensity: Numbers) -> BoundingPoints:
        """The two points each fraction lies between; beyond an end both are the end, with the height that holds there."""
        lower, upper = np.empty(len(intensity), dtype=np.int64), np.empty(len(intensity), dtype=np.int64)

        def span(part: slice) -> None:
            segments_at(self._knots, self._starts, codes[part], intensity[part], lower[part], upper[part])

        over_spans(span, spans(len(lower), _SPAN))
        knots, heights = np.append(self._knots, np.nan), np.append(self._heights, np.nan)  # -1 reads the last: unknown
        outside = (lower == upper) & (lower >= 0) & (knots[lower] != intensity)
        beyond = self.at(codes, np.where(outside, intensity, np.nan))
        return BoundingPoints(
            knots[lower], np.where(outside, beyond, heights[lower]), knots[upper], np.where(outside, beyond, heights[upper]),
        )


class Fractions(NamedTuple):
    """Fractions on the order asked for, and the occupancies that had no curve."""

    fraction: Numbers
    without_curve: tuple[str, ...]


def fractions(curve_set: CurveSet, occupancy: "pd.Series[str] | ArrayLike", intensity: ArrayLike) -> Fractions:
    """The fraction of each object by the curve of its occupancy; nan where either is unknown.

    Parameters
    ----------
    occupancy : n names
    intensity : n floats, in the unit of the set

    Returns
    -------
    Fractions
        ``without_curve`` lists the occupancies, sorted, that no curve of the set is for; a missing one is not listed.

    Examples
    --------
    >>> flat = Curve(id="flat", intensity=(0, 2), fraction=(0, 0.5))
    >>> steep = Curve(id="steep", intensity=(0, 2), fraction=(0, 1))
    >>> found = fractions(CurveSet(curves={"shop": flat, "barn": steep}), ["shop", "barn", "pier"], [1, 1, 1])
    >>> found.fraction.tolist(), found.without_curve
    ([0.25, 0.5, nan], ('pier',))
    """
    names = pd.Series(occupancy)
    codes = curve_set.codes(names)
    missing = names[(codes == UNKNOWN) & names.notna().to_numpy()].unique()
    return Fractions(curve_set.at(codes, np.asarray(intensity, dtype=np.float64)), tuple(sorted(str(name) for name in missing)))


def _refuse(curve: Curve, what: str, point: int | None, expected: str, got: object, then: str) -> None:
    where = f"curve {shown(curve.id)}" + (f", point {point + 1}" if point is not None else "")
    raise ParameterError(what, where=where, expected=expected, got=shown(got), then=then)


def _require_shape(curve: Curve) -> None:
    if not 1 <= len(curve.intensity) <= _MAX_POINTS or len(curve.intensity) != len(curve.fraction):
        _refuse(
            curve, "a curve has gaps or no points", None, f"as many fractions as intensities, 1 to {_MAX_POINTS}",
            f"{len(curve.intensity)},{len(curve.fraction)}", "give a fraction for each intensity",
        )
    for point, value in enumerate(curve.intensity):
        if not np.isfinite(value):
            _refuse(curve, "a curve's intensity is not a number", point, "a finite number", value, "fill the gap or drop the point")


def _require_rule(curve: Curve) -> None:
    for name, chosen, options in (("below", curve.below, BELOW), ("above", curve.above, ABOVE)):
        if chosen not in options:
            _refuse(curve, f"no such rule for {name} a curve", None, ", ".join(options), chosen, "name one")


def _require_fractions(curve: Curve) -> None:
    for point, value in enumerate(curve.fraction):
        if np.isnan(value):
            _refuse(curve, "a curve has a gap", point, "a fraction at each point", value, "fill the gap or drop the point")
        if not 0 <= value <= 1:
            _refuse(
                curve, "a curve's fraction is not 0 to 1", point, "0 to 1", value,
                "if the file is in per cent, load it with percent=True",
            )


def _require_order(curve: Curve) -> None:
    for point, (before, after) in enumerate(pairwise(curve.intensity), start=1):
        if after <= before:
            _refuse(curve, "a curve's intensities do not rise", point, f"more than {shown(before)}", after, "sort and merge them")
    for point, (before, after) in enumerate(pairwise(curve.fraction), start=1):
        if after < before and not curve.may_fall:
            _refuse(
                curve, "a curve falls as the intensity rises", point, f"{shown(before)} or more", after,
                "if it is meant, load it with may_fall=True",
            )
