"""Figures of objects rolled up to cells, towns, counties: by a named rule, the parts and the rest making the whole."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_risk.areas import has_shape, repaired
from geo_risk.crs import require_lonlat
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.overlay import (
    MOST_CROSSINGS,
    MOST_TOGETHER,
    TOO_MANY_CROSSINGS,
    Overlaps,
    bounded_intersection,
    overlaps,
    sizes,
    too_intricate,
)
from geo_risk.model import Rule

Numbers: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.int64]
Amount: TypeAlias = int | float

_EQUAL: Final = 9  # shares that agree in so many digits are equal
_SPECK_M2: Final = 0.01  # an overlap below this is rounding along a shared border
NONE, UNKNOWN = "none", "unknown"


@dataclass(frozen=True, eq=False, kw_only=True)
class RollUp:
    """Sums by area, and all that is needed to add them up again.

    ``known`` are the sums of what is known, ``unknown`` the number of objects without a value, both on the areas'
    index; ``inside`` is ``known``, but nan where an object without a value counts. ``outside`` is the sum of objects
    (or parts of them) in no area, ``unplaced`` of those without geometry or too costly to overlay (``refused``: object,
    area, reason). ``whole`` is the sum over all objects.

    sum(known) + outside + unplaced = whole + surplus

    ``surplus`` is 0 but for the rule *touch*, which counts an object in each area it meets. ``in_several`` is the
    number of objects that meet more than one area: only for them does the rule matter.
    """

    inside: "pd.Series[Any]"
    known: "pd.Series[Any]"
    unknown: "pd.Series[int]"
    outside: Amount
    unplaced: Amount
    unknown_elsewhere: int
    whole: Amount
    surplus: Amount
    in_several: int
    rule: Rule
    refused: tuple[tuple[object, object, str], ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Tally:
    """Objects (or people in them) by class: a row an area in ``inside``, then ``outside``, ``unplaced`` and ``whole``.

    The columns are the classes from the worst, then ``none`` (in no zone) and ``unknown``.
    """

    inside: pd.DataFrame
    outside: "pd.Series[Any]"
    unplaced: "pd.Series[Any]"
    whole: "pd.Series[Any]"
    rule: Rule


@dataclass(frozen=True, eq=False, kw_only=True)
class Faults:
    """What is wrong with areas that are to cover a place once: ``overlapping`` pairs with square metres, and ``holes``.

    Square metres are nan where a pair was refused; ``holes`` is None where all areas together are too intricate to tell.
    """

    overlapping: pd.DataFrame
    holes: int | None
    holes_m2: float


@dataclass(frozen=True, eq=False)
class _Parts:
    """How much of each object counts in each area; ``beyond`` is the rest, nan where it cannot be told."""

    object_at: Positions
    area_at: Positions
    weight: Numbers
    beyond: Numbers


def roll_up(
    values: "pd.Series[Any]",
    objects: gpd.GeoDataFrame | gpd.GeoSeries,
    areas: gpd.GeoDataFrame | gpd.GeoSeries,
    rule: str = "largest_share",
    *,
    budget: int = MOST_CROSSINGS,
) -> RollUp:
    """The sum of the values of objects over each area, by a rule of `ROLL_UP_RULES`.

    ============== ================================================================================================
    largest_share  an object counts in the area that holds most of it, if more than a border
    centroid       in the area its centroid lies in
    split_by_share in each area by its share of the object's size; where areas overlap the shares are scaled to 1
    first_touched  in the area of the least id among those it meets, if only at a border
    touch          in each area it meets: does not add up, and says by how much
    ============== ================================================================================================

    Equal claims go to the area of the least id (a point on a shared border too; ``split_by_share`` halves it), so the
    order of rows does not matter. Whole numbers stay whole: *split_by_share* rounds the sums by largest remainder, so
    that they still add up.

    Parameters
    ----------
    values : Series of numbers on ``objects.index``
        nan is unknown. Integers are counts.
    objects : GeoDataFrame or GeoSeries of points, lines or areas, EPSG:4326
    areas : GeoDataFrame or GeoSeries of polygons, EPSG:4326
    rule : str
    budget : int
        Border crossings of an object and an area beyond which they are not overlaid.

    Raises
    ------
    CrsError
        A frame is not longitude, latitude.
    ParameterError
        No such rule, an id that stands twice, values of other objects, infinite or no numbers.

    Examples
    --------
    >>> towns = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], index=["a", "b"], crs=4326)
    >>> houses = gpd.GeoSeries([shapely.box(0.7, 0, 1.1, 0.4), shapely.Point(9, 9)], crs=4326)
    >>> people = pd.Series([10, 3])
    >>> largest = roll_up(people, houses, towns)
    >>> largest.inside.tolist(), largest.outside, largest.whole
    ([10, 0], 3, 13)
    >>> roll_up(people, houses, towns, "split_by_share").inside.tolist()
    [8, 2]
    >>> touch = roll_up(people, houses, towns, "touch")
    >>> touch.inside.tolist(), touch.surplus
    ([10, 10], 10)
    """
    _require_fit(values, objects, areas, rule)
    met = overlaps(objects.geometry, areas.geometry, budget=budget)
    return _rolled(values, objects, areas, rule, met)


def spread(
    values: "pd.Series[Any]",
    objects: gpd.GeoDataFrame | gpd.GeoSeries,
    areas: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    budget: int = MOST_CROSSINGS,
) -> pd.DataFrame:
    """The sums of `roll_up` by every rule, a column each, and the ``least`` and ``most`` of them; nan where one is.

    Examples
    --------
    >>> towns = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], index=["a", "b"], crs=4326)
    >>> house = gpd.GeoSeries([shapely.box(0.7, 0, 1.1, 0.4)], crs=4326)
    >>> spread(pd.Series([10]), house, towns)[["split_by_share", "least", "most"]].values.tolist()
    [[8, 8, 10], [2, 0, 10]]
    """
    _require_fit(values, objects, areas, "touch")
    met = overlaps(objects.geometry, areas.geometry, budget=budget)
    table = pd.DataFrame({rule: _rolled(values, objects, areas, rule, met).inside for rule in ROLL_UP_RULES}, index=areas.index)
    return table.assign(least=table.min(axis=1, skipna=False), most=table.max(axis=1, skipna=False))


def roll_up_chain(
    values: "pd.Series[Any]",
    objects: gpd.GeoDataFrame | gpd.GeoSeries,
    levels: Sequence[gpd.GeoDataFrame | gpd.GeoSeries],
    rule: str = "largest_share",
) -> tuple[RollUp, ...]:
    """`roll_up` to the first level, then of each level's areas to the next: cells, towns, counties.

    What is outside or unplaced at one level stays so at the next, so every level has the same whole. An area in which
    an object has no value has no value itself.

    Examples
    --------
    >>> towns = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], index=["a", "b"], crs=4326)
    >>> county = gpd.GeoSeries([shapely.box(0, 0, 2, 1)], index=["c"], crs=4326)
    >>> houses = gpd.GeoSeries([shapely.Point(0.5, 0.5), shapely.Point(1.5, 0.5), shapely.Point(9, 9)], crs=4326)
    >>> [(each.inside.tolist(), each.outside, each.whole) for each in roll_up_chain(pd.Series([1, 2, 4]), houses, [towns, county])]
    [([1, 2], 4, 7), ([3], 4, 7)]
    """
    steps: list[RollUp] = []
    for areas in levels:
        step = roll_up(values, objects, areas, rule)
        steps.append(_after(steps[-1], step, roll_up(steps[-1].unknown, objects, areas, rule)) if steps else step)
        values, objects = steps[-1].known, areas.geometry
    return tuple(steps)


def tally(
    readings: pd.DataFrame,
    objects: gpd.GeoDataFrame | gpd.GeoSeries,
    areas: gpd.GeoDataFrame | gpd.GeoSeries,
    rule: str = "largest_share",
    *,
    order: Sequence[object],
    weights: "pd.Series[Any] | None" = None,
    budget: int = MOST_CROSSINGS,
) -> Tally:
    """How many objects of each class lie in each area; or how many people in them, by ``weights``.

    An object that meets no zone is *none*; one without geometry is *unknown*: nobody knows what it meets.

    Parameters
    ----------
    readings : DataFrame on ``objects.index``
        ``value`` and ``zones`` of `geo_risk.hazard.zones.zone_readings`.
    order : sequence
        The classes from the worst to the least.
    weights : Series on ``objects.index``, optional
        By default each object counts 1.

    Examples
    --------
    >>> town = gpd.GeoSeries([shapely.box(0, 0, 1, 1)], index=["a"], crs=4326)
    >>> houses = gpd.GeoSeries([shapely.Point(0.5, 0.5)] * 3, crs=4326)
    >>> readings = pd.DataFrame({"value": ["high", None, None], "zones": [1, 0, 1]})
    >>> tally(readings, houses, town, order=("high", "low")).inside.loc["a"].to_dict()
    {'high': 1, 'low': 0, 'none': 1, 'unknown': 1}
    """
    counted = pd.Series(1, index=objects.index) if weights is None else weights
    _require_fit(counted, objects, areas, rule)
    met = overlaps(objects.geometry, areas.geometry, budget=budget)
    known = readings["value"].isin(list(order))
    clear = (readings["zones"] == 0).reindex(objects.index) & has_shape(objects.geometry.to_numpy())
    kind = readings["value"].where(known).reindex(objects.index)
    kind = kind.where(kind.notna(), np.where(clear, NONE, UNKNOWN))
    columns = {name: _rolled(counted.where(kind == name, 0), objects, areas, rule, met) for name in (*order, NONE, UNKNOWN)}
    return Tally(
        inside=pd.DataFrame({name: each.inside for name, each in columns.items()}, index=areas.index),
        outside=pd.Series({name: each.outside for name, each in columns.items()}),
        unplaced=pd.Series({name: each.unplaced for name, each in columns.items()}),
        whole=pd.Series({name: each.whole for name, each in columns.items()}),
        rule=_stamp(rule),
    )


def area_faults(areas: gpd.GeoDataFrame | gpd.GeoSeries, *, budget: int = MOST_CROSSINGS) -> Faults:
    """Where areas overlap and what they leave out between them: both make a roll-up mean less than it seems.

    Examples
    --------
    >>> ring = shapely.box(0, 0, 3, 3) - shapely.box(1, 1, 2, 2)
    >>> found = area_faults(gpd.GeoSeries([ring, shapely.box(2.5, 0, 4, 3)], index=["a", "b"], crs=4326))
    >>> found.overlapping[["one", "other"]].values.tolist(), found.holes
    ([['a', 'b']], 1)
    """
    require_lonlat(areas, "area_faults")
    shapes = repaired(np.asarray(areas.geometry.to_numpy(), dtype=object))
    one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = one[one < other], other[one < other]
    found = bounded_intersection(shapes[one], shapes[other], budget=budget)
    square_metres = sizes(found.pieces)
    square_metres = np.where(np.isin(shapely.get_type_id(found.pieces), (3, 6, 7)) | found.refused, square_metres, 0.0)
    kept = np.flatnonzero((square_metres > _SPECK_M2) | found.refused)
    pairs = {"one": areas.index[one[kept]], "other": areas.index[other[kept]], "overlap_m2": square_metres[kept]}
    if found.refused.any() or too_intricate(shapes, budget=max(budget, MOST_TOGETHER)):
        return Faults(overlapping=pd.DataFrame(pairs), holes=None, holes_m2=math.nan)
    rings = shapely.get_parts(shapely.union_all(shapes[has_shape(shapes)]))
    holes = np.array([shapely.Polygon(ring) for part in rings for ring in part.interiors], dtype=object)
    return Faults(overlapping=pd.DataFrame(pairs), holes=len(holes), holes_m2=math.fsum(sizes(holes)))


def _rolled(
    values: "pd.Series[Any]", objects: gpd.GeoDataFrame | gpd.GeoSeries, areas: gpd.GeoDataFrame | gpd.GeoSeries, rule: str,
    met: Overlaps,
) -> RollUp:
    amounts = values.reindex(objects.index)
    count = pd.api.types.is_integer_dtype(amounts) or pd.api.types.is_bool_dtype(amounts)
    lacking = amounts.isna().to_numpy()
    numbers = np.where(lacking, 0, amounts.to_numpy(dtype=float, na_value=np.nan))
    parts = ROLL_UP_RULES[rule](met, _ranks(areas.index), objects, areas)
    placed = np.isfinite(parts.beyond)
    sums = _sums(parts.area_at, parts.weight * numbers[parts.object_at], len(areas))
    outside = math.fsum(parts.beyond[placed] * numbers[placed])
    unplaced, whole = math.fsum(numbers[~placed]), math.fsum(numbers)
    adds_up = rule != "touch"
    if count and adds_up:
        sums, outside = _whole_numbers(sums, outside, whole - unplaced, _ranks(areas.index))
    kind: Callable[[float], Amount] = round if count else float
    lacks = np.bincount(parts.area_at[lacking[parts.object_at] & (parts.weight > 0)], minlength=len(areas))
    known = pd.Series(sums, index=areas.index).astype("int64" if count else "float64")
    several = np.bincount(met.object_at, minlength=len(objects)) > 1
    return RollUp(
        inside=known if not lacks.any() else known.astype(float).where(lacks == 0),
        known=known, unknown=pd.Series(lacks, index=areas.index), outside=kind(outside), unplaced=kind(unplaced),
        unknown_elsewhere=int((lacking & ~(parts.beyond <= 0)).sum()), whole=kind(whole),
        surplus=0 if adds_up else kind(math.fsum([*sums, outside, unplaced, -whole])),
        in_several=int(several.sum()), rule=_stamp(rule), refused=_refused(met, objects.index, areas.index),
    )


def _sums(group: Positions, values: Numbers, groups: int) -> Numbers:
    """The sum of each group, rounded once, so that it does not hang on the order of rows."""
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=groups))
    return np.array([math.fsum(part) for part in np.split(values[order], ends)[:groups]], dtype=float)


def _whole_numbers(sums: Numbers, outside: float, whole: float, ranks: Positions) -> tuple[Numbers, float]:
    """The sums and the outside as whole numbers that add up: rounded down, the rest to the largest remainders."""
    parts = np.append(sums, outside)
    floors = np.floor(np.round(parts, _EQUAL))
    order = np.lexsort((np.append(ranks, len(ranks)), -np.round(parts - floors, _EQUAL)))
    missing = round(whole - math.fsum(floors))
    floors[order[:missing]] += 1.0
    return floors[:-1], float(floors[-1])


def _one_area(met: Overlaps, order: Positions, objects: int) -> _Parts:
    """Each object wholly in the first of its areas in this order of pairs."""
    at, first = np.unique(met.object_at[order], return_index=True)
    chosen = order[first]
    beyond = np.where(np.isnan(met.size), np.nan, 1.0)
    beyond[at] = 0.0
    return _Parts(met.object_at[chosen], met.area_at[chosen], np.ones(len(chosen)), beyond)


def _largest_share(met: Overlaps, ranks: Positions, objects: Any, areas: Any) -> _Parts:
    order = np.lexsort((ranks[met.area_at], -met.share.round(_EQUAL), met.object_at))
    parts = _one_area(met, order[met.share[order] > 0], len(objects))
    return _without_refused(parts, met)


def _split_by_share(met: Overlaps, ranks: Positions, objects: Any, areas: Any) -> _Parts:
    order = np.lexsort((ranks[met.area_at], met.object_at))  # the same sums to the last bit whatever the order of rows
    at, area, share = met.object_at[order], met.area_at[order], met.share[order]
    covered = np.bincount(at, weights=share, minlength=len(objects))
    full = covered.round(_EQUAL) >= 1.0
    weight = np.where(full[at], share / np.where(covered > 0, covered, 1.0)[at], share)
    beyond = np.where(np.isnan(met.size), np.nan, np.where(full, 0.0, 1.0 - covered))
    return _without_refused(_Parts(at, area, weight, beyond), met)


def _touch(met: Overlaps, ranks: Positions, objects: Any, areas: Any) -> _Parts:
    beyond = np.where(np.isnan(met.size), np.nan, np.where(np.bincount(met.object_at, minlength=len(objects)) > 0, 0.0, 1.0))
    return _Parts(met.object_at, met.area_at, np.ones(len(met.object_at)), beyond)


def _first_touched(met: Overlaps, ranks: Positions, objects: Any, areas: Any) -> _Parts:
    return _one_area(met, np.lexsort((ranks[met.area_at], met.object_at)), len(objects))


def _centroid(met: Overlaps, ranks: Positions, objects: Any, areas: Any) -> _Parts:
    centroids = gpd.GeoSeries(shapely.centroid(np.asarray(objects.geometry.to_numpy(), dtype=object)), crs=objects.crs)
    return _first_touched(overlaps(centroids, areas.geometry), ranks, objects, areas)


def _without_refused(parts: _Parts, met: Overlaps) -> _Parts:
    """An object with a pair that was not overlaid has no place: its shares are not known."""
    unsure = np.zeros(len(met.size), dtype=bool)
    unsure[met.object_at[met.refused]] = True
    kept = ~unsure[parts.object_at]
    beyond = np.where(unsure, np.nan, parts.beyond)
    return replace(parts, object_at=parts.object_at[kept], area_at=parts.area_at[kept], weight=parts.weight[kept], beyond=beyond)


def _after(before: RollUp, step: RollUp, unknown: RollUp) -> RollUp:
    """A step of a chain with what was left behind before it, and the objects without a value rolled up likewise."""
    return replace(
        step, inside=step.known if not unknown.known.any() else step.known.astype(float).where(unknown.known == 0),
        unknown=unknown.known, unknown_elsewhere=before.unknown_elsewhere + int(unknown.outside + unknown.unplaced),
        outside=before.outside + step.outside, unplaced=before.unplaced + step.unplaced, whole=before.whole,
        surplus=before.surplus + step.surplus, refused=before.refused + step.refused,
    )


def _refused(met: Overlaps, objects: "pd.Index[Any]", areas: "pd.Index[Any]") -> tuple[tuple[object, object, str], ...]:
    pairs = np.flatnonzero(met.refused)
    return tuple((objects[met.object_at[pair]], areas[met.area_at[pair]], TOO_MANY_CROSSINGS) for pair in pairs)


def _ranks(ids: "pd.Index[Any]") -> Positions:
    """The place of each id in the order of ids; ids of mixed types are ordered as text."""
    sortable = ids if ids.inferred_type in ("integer", "floating", "string") else ids.map(str)
    ranks = np.empty(len(ids), dtype=np.int64)
    ranks[np.argsort(sortable.to_numpy(), kind="stable")] = np.arange(len(ids))
    return ranks


def _stamp(rule: str) -> Rule:
    return Rule(id="roll_up", chosen=rule, options=tuple(ROLL_UP_RULES))


def _require_fit(values: "pd.Series[Any]", objects: Any, areas: Any, rule: str) -> None:
    if rule not in ROLL_UP_RULES:
        raise ParameterError("no such rule", where="roll_up", expected=", ".join(ROLL_UP_RULES), got=shown(rule))
    require_lonlat(objects, "objects")
    require_lonlat(areas, "areas")
    for what, index in (("objects", objects.index), ("areas", areas.index), ("values", values.index)):
        if not index.is_unique:
            raise ParameterError("an id stands twice", where=f"roll_up, {what}", expected="one row an id", got="duplicates")
    if len(values) != len(objects) or not values.index.isin(objects.index).all():
        raise ParameterError(
            "the values are not those of the objects", where="roll_up", expected="a value on the index of each object",
            got=f"{len(values)} values, {len(objects)} objects", then="reindex them",
        )
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        raise ParameterError("the values are no numbers", where="roll_up", expected="numbers", got=str(values.dtype))
    if np.isinf(values.to_numpy(dtype=float, na_value=np.nan)).any():
        raise ParameterError("a value is infinite", where="roll_up", expected="numbers, or nan for unknown", got="inf")


_Placing: TypeAlias = Callable[[Overlaps, Positions, Any, Any], _Parts]
ROLL_UP_RULES: Final[Mapping[str, _Placing]] = MappingProxyType({
    "largest_share": _largest_share,
    "centroid": _centroid,
    "split_by_share": _split_by_share,
    "first_touched": _first_touched,
    "touch": _touch,
})
