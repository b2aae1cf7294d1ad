"""Damage of each object by depth, curve and maximum damage; the row of a result is the whole derivation.

Every rule ends in one formula:

    damage = fraction x max_damage x quantity

with ``fraction`` from the object's curve at its depth above the floor, and ``quantity`` the share of the object that
is wet (rules *mean_depth*, *fiat*), 1 or 0 (*at_point*), or the wet square metres or metres (*per_cell*).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo_risk.chunks import over_spans, spans
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.contacts import CellRule, Contacts, over
from geo_risk.hazard.grid import Cells, Numbers
from geo_risk.impact._damage_kernel import fold_depths
from geo_risk.impact.curves import UNKNOWN, BoundingPoints, CurveSet

_SPAN: Final = 1 << 15
_SPECK: Final = 1e-8  # a missing share below this is rounding of the overlay
REASONS: Final = (
    "no shape", "depth unknown", "depth unknown for a part", "no curve for the occupancy", "no maximum damage",
    "maximum damage below 0", "no floor height", "beyond the curve",
)


@dataclass(frozen=True, kw_only=True)
class DamageRule:
    """One way to come from cells to a damage: a row of `RULES`.

    ``cells`` are the contacts it needs: "covered" weighs cells by how much of the object lies in each, "touched" counts
    each as one, "point" is the one cell of a point. ``per_cell`` reads the curve cell by cell, else once at the mean
    depth; depths up to ``dry_at_most`` are dry; decimals round the depth and the damage where the model it follows does.
    """

    id: str
    cells: CellRule | Literal["point"]
    per_cell: bool
    dry_at_most: float
    depth_decimals: int | None
    damage_decimals: int | None
    max_damage_per: str
    source: str


RULES: Final[Mapping[str, DamageRule]] = MappingProxyType({
    rule.id: rule
    for rule in (
        DamageRule(
            id="mean_depth", cells="covered", per_cell=False, dry_at_most=0.0, depth_decimals=None,
            damage_decimals=None, max_damage_per="object", source="area-weighted mean depth of the wet part, times its share",
        ),
        DamageRule(
            id="fiat", cells="touched", per_cell=False, dry_at_most=0.0001, depth_decimals=2,
            damage_decimals=2, max_damage_per="object", source="Delft-FIAT 0.4, methods of flood, hazard as the mean",
        ),
        DamageRule(
            id="per_cell", cells="covered", per_cell=True, dry_at_most=0.0, depth_decimals=None,
            damage_decimals=None, max_damage_per="m2 or m", source="DamageScanner, object-based",
        ),
        DamageRule(
            id="at_point", cells="point", per_cell=False, dry_at_most=0.0, depth_decimals=None,
            damage_decimals=None, max_damage_per="object", source="the depth of the cell the point lies in",
        ),
    )
})


@dataclass(frozen=True, kw_only=True)
class ExposureColumns:
    """The columns of an exposure frame. Without the floor-height column every floor lies on the ground."""

    occupancy: str = "occupancy"
    max_damage: str = "max_damage"
    floor_height_m: str = "floor_height_m"


class Depths(NamedTuple):
    """An object's depth over its wet part, the wet share and the unknown share of the whole object."""

    depth_m: Numbers
    share: Numbers
    unknown_share: Numbers


class _Terms(NamedTuple):
    code: Cells
    max_damage: Numbers
    floor_m: Numbers


class _Losses(NamedTuple):
    points: BoundingPoints
    fraction: Numbers
    quantity: Numbers


def damage(
    exposure: pd.DataFrame, contacts: Contacts, values: ArrayLike, curves: CurveSet, rule: str = "mean_depth", *,
    measure: float | Numbers = 1.0, columns: ExposureColumns | None = None,
) -> pd.DataFrame:
    """The damage of each object on a raster, with all that leads to it.

    Parameters
    ----------
    exposure : DataFrame of n objects
        Occupancy, maximum damage (money an object; under *per_cell* money a m2 or metre) and, if it has that column,
        floor height in metres above the ground; the names are ``columns``.
    contacts : Contacts of those n objects
        Which cells each meets, found as ``RULES[rule].cells`` says.
    values : float, one a contact
        Depth in metres of each contact's cell, nan for unknown: ``take(raster, contacts.cell)``.
    curves : CurveSet
        By occupancy, intensity in metres.
    rule : str
        Of `RULES`.
    measure : float, or one a contact
        Under *per_cell*: square metres of a cell, or metres a grid unit for lines.

    Returns
    -------
    DataFrame on ``exposure.index``
        ================ ===========================================================================================
        depth_m          mean depth over the wet part; 0 where dry, nan where nothing is known
        share            wet share of the object, of its known and unknown parts together
        unknown_share    share without a depth (nodata or outside the raster)
        floor_height_m   as given, or 0
        depth_in_m       depth_m - floor_height_m, rounded where the rule rounds
        curve            id of the curve
        lower_m, upper_m, lower_fraction, upper_fraction  the points between which the fraction was read (not per_cell)
        fraction         of the value lost in the wet part; 0 where dry
        max_damage       as given
        quantity         what it is multiplied by: share, or wet m2 or m
        damage           fraction x max_damage x quantity; nan if anything is unknown, be it a part of the object
        damage_known     the same for the part whose depth is known: no less is lost there
        unknown          why damage is nan: one of `REASONS`, else missing
        ================ ===========================================================================================

    Raises
    ------
    ParameterError
        No such rule, columns missing, or lengths that differ. A bad object is not an error: it is reported in ``unknown``.

    Examples
    --------
    A house on two cells, three quarters of it under 1 m of water and a quarter dry:

    >>> contacts = Contacts(objects=1, of=np.array([0, 0]), cell=np.array([4, 5]), amount=np.array([0.75, 0.25]), whole=np.ones(1))
    >>> from geo_risk.impact.curves import Curve
    >>> curves = CurveSet(curves={"house": Curve(id="house", intensity=(0, 2), fraction=(0, 1))})
    >>> found = damage(pd.DataFrame({"occupancy": ["house"], "max_damage": [1000.0]}), contacts, [1.0, 0.0], curves)
    >>> found[["depth_m", "share", "fraction", "damage"]].iloc[0].tolist()
    [1.0, 0.75, 0.5, 375.0]
    """
    chosen, names = damage_rule(rule), columns or ExposureColumns()
    depths_of_cells = _cell_values(values)
    _require_lengths(exposure, contacts, depths_of_cells, measure)
    terms = _terms(exposure, curves, names)
    depths = _depths(contacts, depths_of_cells, chosen)
    if chosen.per_cell:
        losses = _losses_per_cell(contacts, depths_of_cells, measure, curves, terms, chosen)
    else:
        losses = _losses_at_mean(depths, curves, terms, chosen)
    return _derivation(exposure.index, depths, terms, losses, curves, chosen)


def damage_of_readings(
    exposure: pd.DataFrame, readings: pd.DataFrame, curves: CurveSet, rule: str = "mean_depth", *,
    columns: ExposureColumns | None = None,
) -> pd.DataFrame:
    """The same derivation from depths read elsewhere (zones, surveys): columns *value*, *share*, *unknown_share*.

    ``value`` is the depth over the wet part in metres, ``share`` the wet share; without a share a wet object is wet whole.

    Raises
    ------
    ParameterError
        As `damage`; a rule that needs cells; readings on another index; a share that is not 0 to 1.

    Examples
    --------
    >>> from geo_risk.impact.curves import Curve
    >>> curves = CurveSet(curves={"house": Curve(id="house", intensity=(0, 2), fraction=(0, 1))})
    >>> houses = pd.DataFrame({"occupancy": "house", "max_damage": 1000.0, "floor_height_m": [0.0, 0.4, None]})
    >>> damage_of_readings(houses, pd.DataFrame({"value": [1.0, 1.0, 1.0]}), curves)["damage"].tolist()
    [500.0, 300.0, nan]
    """
    chosen = damage_rule(rule)
    if chosen.per_cell:
        raise ParameterError("the rule needs cells", where="damage_of_readings", expected="another rule", got=shown(rule))
    _require_columns(readings, ("value",), "the readings")
    _require_same_length(len(exposure), len(readings), "the readings")
    _require_shares(readings)
    if not exposure.index.equals(readings.index):
        raise ParameterError(
            "the readings are of other objects, or in another order", where="damage_of_readings", expected="the exposure's index",
            got="another", then="readings.reindex(exposure.index)",
        )
    terms = _terms(exposure, curves, columns or ExposureColumns())
    depths = _depths_of_readings(readings, chosen)
    return _derivation(exposure.index, depths, terms, _losses_at_mean(depths, curves, terms, chosen), curves, chosen)


def grid_damage(
    depth: ArrayLike, value: ArrayLike, curves: CurveSet, occupancy: ArrayLike | str | None = None, *, dry_at_most: float = 0.0,
    depth_decimals: int | None = None,
) -> Numbers:
    """Damage of each cell of a value raster: curve(depth) x value; nan where depth, value or curve is unknown.

    Parameters
    ----------
    depth, value : arrays of one shape
        Metres, and money a cell (money a m2 x m2 a cell).
    occupancy : array of that shape, one name, or None
        What is in each cell; None where the set has one curve.
    dry_at_most : float
        Metres up to which a cell is dry and has no damage, whatever the curve says.
    depth_decimals : int, optional
        Round depths first; Delft-FIAT rounds to 2.

    Examples
    --------
    >>> from geo_risk.impact.curves import Curve
    >>> curves = CurveSet(curves={"house": Curve(id="house", intensity=(0, 2), fraction=(0, 1))})
    >>> grid_damage([[1.0, 0.0], [np.nan, 3.0]], [[10, 10], [10, 10]], curves).tolist()
    [[5.0, 0.0], [nan, 10.0]]
    """
    depths, values = np.asarray(depth, dtype=np.float64), np.asarray(value, dtype=np.float64)
    if depths.shape != values.shape:
        raise ParameterError(
            "depth and value differ in shape", where="grid_damage", expected="one grid", got="two", then="warp one to the other",
        )
    read_at = depths if depth_decimals is None else _rounded(depths, depth_decimals)
    codes = _cell_codes(curves, occupancy, depths)
    fraction = curves.at(codes, np.ascontiguousarray(read_at).ravel()).reshape(depths.shape)
    worth = np.where(values >= 0, values, np.nan)
    known = ~np.isnan(fraction)
    return np.asarray(np.where(known & (depths <= dry_at_most), 0.0, fraction) * worth, dtype=np.float64)


def _cell_codes(curves: CurveSet, occupancy: ArrayLike | str | None, depths: Numbers) -> Cells:
    if occupancy is None and len(curves.curves) != 1:
        raise ParameterError(
            "which curve is meant is not said", where="grid_damage", expected="an occupancy, or one curve",
            got=f"{len(curves.curves)} curves",
        )
    if occupancy is None or isinstance(occupancy, str):
        name = next(iter(curves.curves)) if occupancy is None else occupancy
        return np.full(depths.size, curves.codes([name])[0], dtype=np.int64)
    names = np.asarray(occupancy)
    _require_same_length(depths.size, names.size, "the occupancies")
    return curves.codes(pd.Series(names.ravel()))


def damage_rule(rule: str) -> DamageRule:
    """The rule of that name."""
    if rule not in RULES:
        raise ParameterError("no such damage rule", where="damage", expected=", ".join(RULES), got=shown(rule), then="name one")
    return RULES[rule]


def _require_columns(frame: pd.DataFrame, names: tuple[str, ...], where: str) -> None:
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ParameterError(
            "a column is missing", where=where, expected=", ".join(shown(name) for name in names),
            got=f"no {', '.join(shown(name) for name in missing)}", then="add it, or name the column that holds it",
        )


def _require_same_length(expected: int, got: int, where: str) -> None:
    if expected != got:
        raise ParameterError("lengths differ", where=where, expected=f"{expected} rows", got=f"{got}", then="pass the same objects")


def _require_shares(readings: pd.DataFrame) -> None:
    for name in ("share", "unknown_share"):
        shares = _numbers(readings[name]) if name in readings.columns else np.empty(0)
        wrong = (shares < 0) | (shares > 1 + _SPECK)
        if wrong.any():
            raise ParameterError(
                "a share is not 0 to 1", where=f"damage_of_readings, column {name}", expected="0 to 1",
                got=shown(float(shares[wrong][0])), then="divide per cent by 100",
            )


def _require_lengths(exposure: pd.DataFrame, contacts: Contacts, values: Numbers, measure: float | Numbers) -> None:
    _require_same_length(len(exposure), contacts.objects, "the contacts' objects")
    _require_same_length(len(contacts.cell), len(values), "the values")
    if np.ndim(measure):
        _require_same_length(len(contacts.cell), np.size(measure), "the measures")


def _terms(exposure: pd.DataFrame, curves: CurveSet, names: ExposureColumns) -> _Terms:
    _require_columns(exposure, (names.occupancy, names.max_damage), "the exposure")
    floor = (
        _numbers(exposure[names.floor_height_m]) if names.floor_height_m in exposure.columns else np.zeros(len(exposure))
    )
    return _Terms(curves.codes(exposure[names.occupancy]), _numbers(exposure[names.max_damage]), floor)


def _numbers(column: "pd.Series[float]") -> Numbers:
    """A column as floats; text that is no number and infinities are unknown: the row is reported, the others go on."""
    found = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return np.where(np.isfinite(found), found, np.nan)


def _cell_values(values: ArrayLike) -> Numbers:
    found: Numbers = np.ascontiguousarray(values, dtype=np.float64)
    return found if np.isfinite(found).all() else np.where(np.isfinite(found), found, np.nan)


def _depths(contacts: Contacts, values: Numbers, rule: DamageRule) -> Depths:
    starts = _starts(contacts)
    known, wet, depth = np.empty(contacts.objects), np.empty(contacts.objects), np.empty(contacts.objects)

    def span(part: slice) -> None:
        fold_depths(starts, part.start, contacts.amount, values, rule.dry_at_most, known[part], wet[part], depth[part])

    over_spans(span, spans(contacts.objects, _SPAN))
    unknown, share = 1.0 - over(known, contacts.whole), over(wet, contacts.whole)
    return _settled(depth, np.minimum(share, 1.0), unknown)


def _depths_of_readings(readings: pd.DataFrame, rule: DamageRule) -> Depths:
    depth = _numbers(readings["value"])
    share = _numbers(readings["share"]) if "share" in readings.columns else np.where(np.isnan(depth), np.nan, 1.0)
    wet = depth > rule.dry_at_most
    silent = np.isnan(depth) | (wet & np.isnan(share))
    unknown = _numbers(readings["unknown_share"]) if "unknown_share" in readings.columns else np.where(silent, 1.0, 0.0)
    dry = depth <= rule.dry_at_most
    return _settled(np.where(dry, 0.0, depth), np.where(wet, share, np.where(dry, 0.0, np.nan)), unknown)


def _settled(depth: Numbers, share: Numbers, unknown: Numbers) -> Depths:
    """Specks of rounding taken off; where nothing is known there is no depth."""
    missing = np.where(unknown < _SPECK, 0.0, np.where(unknown > 1 - _SPECK, 1.0, unknown))
    nothing = ~(missing < 1)
    return Depths(np.where(nothing, np.nan, depth), np.where(nothing, np.where(missing == 1, 0.0, np.nan), share), missing)


def _starts(contacts: Contacts) -> Cells:
    return np.searchsorted(contacts.of, np.arange(contacts.objects + 1)).astype(np.int64)


def _losses_at_mean(depths: Depths, curves: CurveSet, terms: _Terms, rule: DamageRule) -> _Losses:
    inside = _inside(depths, terms, rule)
    wet = depths.share > 0
    at = np.where(wet, inside, np.nan)
    fraction = np.where(wet, curves.at(terms.code, at), np.where(terms.code == UNKNOWN, np.nan, 0.0))
    return _Losses(curves.points(terms.code, at), fraction, depths.share)


def _losses_per_cell(
    contacts: Contacts, values: Numbers, measure: float | Numbers, curves: CurveSet, terms: _Terms, rule: DamageRule,
) -> _Losses:
    wet = np.flatnonzero(values > rule.dry_at_most)
    of, weight = contacts.of[wet], (contacts.amount * measure)[wet]
    lost = weight * curves.at(terms.code[of], values[wet] - terms.floor_m[of])
    quantity, losses = (np.bincount(of, part, contacts.objects).astype(np.float64) for part in (weight, lost))
    fraction = np.where(quantity > 0, over(losses, quantity), 0.0)
    nothing = np.full(contacts.objects, np.nan)
    return _Losses(BoundingPoints(nothing, nothing, nothing, nothing), fraction, quantity)


def _inside(depths: Depths, terms: _Terms, rule: DamageRule) -> Numbers:
    inside = depths.depth_m - terms.floor_m
    return inside if rule.depth_decimals is None else _rounded(inside, rule.depth_decimals)


def _rounded(values: Numbers, decimals: int) -> Numbers:
    """Rounded as Python's round: numpy scales first, which turns a number just beside a half into the half itself."""
    scaled = values * 10.0**decimals
    halves = np.abs(np.abs(scaled - np.trunc(scaled)) - 0.5) <= 4 * np.spacing(np.abs(scaled))
    found: Numbers = np.round(values, decimals)
    found[halves] = [round(float(value), decimals) for value in values[halves]]
    return found


def _derivation(
    index: pd.Index, depths: Depths, terms: _Terms, losses: _Losses, curves: CurveSet, rule: DamageRule,
) -> pd.DataFrame:
    dry = (depths.share == 0) & (terms.max_damage >= 0) & (terms.code != UNKNOWN)
    worth = np.where(terms.max_damage >= 0, terms.max_damage, np.nan)
    known = np.where(dry, 0.0, losses.fraction * worth * losses.quantity)
    if rule.damage_decimals is not None:
        known = _rounded(known, rule.damage_decimals)
    reason = _reasons(depths, terms, known)
    return pd.DataFrame(
        {
            "depth_m": depths.depth_m, "share": depths.share, "unknown_share": depths.unknown_share,
            "floor_height_m": terms.floor_m, "depth_in_m": _inside(depths, terms, rule),
            "curve": _curve_ids(curves, terms.code),
            "lower_m": losses.points.lower, "lower_fraction": losses.points.lower_fraction,
            "upper_m": losses.points.upper, "upper_fraction": losses.points.upper_fraction,
            "fraction": losses.fraction, "max_damage": terms.max_damage, "quantity": losses.quantity,
            "damage": np.where(reason == UNKNOWN, known, np.nan), "damage_known": known,
            "unknown": pd.Categorical.from_codes(reason, categories=pd.Index(REASONS)),
        },
        index=index,
    )


def _curve_ids(curves: CurveSet, code: Cells) -> pd.Categorical:
    """The id of each object's curve; several occupancies may share one."""
    place, ids = pd.factorize(np.array([curve.id for curve in curves.curves.values()], dtype=object))
    return pd.Categorical.from_codes(np.append(place, UNKNOWN)[code], categories=pd.Index(ids))


def _reasons(depths: Depths, terms: _Terms, known: Numbers) -> Cells:
    """The first reason of `REASONS` that holds, -1 for none."""
    wet = depths.share > 0
    holds = (
        np.isnan(depths.unknown_share), depths.unknown_share >= 1, depths.unknown_share > 0, terms.code == UNKNOWN,
        np.isnan(terms.max_damage), terms.max_damage < 0, np.isnan(terms.floor_m) & wet, np.isnan(known),
    )
    return np.select(holds, range(len(REASONS)), default=UNKNOWN).astype(np.int64)
