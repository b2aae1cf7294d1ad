"""One feature held to its layer's declaration: the rules that `check` keeps for a table, with no frame of it.

What a table writes as text JSON writes as itself, so types are strict: ``"12"`` is no number and ``1`` is no yes. Texts and
choices are read as a table's are: trimmed, a lone dash is nothing, a choice by its id or by either title.
"""

import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo_risk.errors import ImportRejected, ParameterError, shown
from layers._check.check import fitted
from layers._check.report import Severity
from layers._check.rules import RULES, Words, expectation, kind_words, message
from layers._check.values import LARGEST_INT, Wrong, require_range, text_value
from layers._frame import DTYPES
from layers._layer import Column, Geometry, Layer, RowCheck

Value: TypeAlias = str | int | float | bool | None
VERTICES: Final = 100_000
"""Positions in one feature's geometry at most."""

_PARTS: Final = 5_000  # a part is made by itself, for some 20 microseconds
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LISTED: Final = 20
_NO_WORDS: Final = Words("", "")
_KINDS: Final[Mapping[Geometry, frozenset[str]]] = {
    Geometry.POINT: frozenset({"Point"}),
    Geometry.LINE: frozenset({"LineString", "MultiLineString"}),
    Geometry.AREA: frozenset({"Polygon", "MultiPolygon"}),
}
_PLACE_WORDS: Final[Mapping[str, Words]] = {
    "geometry_unwanted": Words("the layer has no geometries", "本图层没有几何"),
    "geometry_flat": Words("a position is longitude and latitude, without a height", "坐标只写经度和纬度，不带高程"),
    "geometry_ring": Words("a ring has four positions or more and ends where it begins", "面的边界至少四点，首尾相接"),
    "geometry_swapped": Words("off the globe; longitude and latitude look swapped", "坐标超出范围，经纬度可能颠倒"),
    "geometry_off_globe": Words("off the globe: longitude -180 to 180, latitude -90 to 90", "坐标超出范围"),
    "geometry_invalid": Words("an invalid geometry, such as a border that crosses itself: draw it anew", "几何无效，请重新绘制"),
}


class RowFault(NamedTuple):
    """A rule that a feature breaks: the columns it is about (``geometry`` is one), and what was seen, fit for an error text."""

    columns: tuple[str, ...]
    rule: str
    severity: Severity
    seen: str
    words: Words


class Ruled(NamedTuple):
    """Values with the missing ones derived where they can be, which were, and the rules over several columns that are broken."""

    values: dict[str, Value]
    derived: str | None
    faults: list[RowFault]


@dataclass(frozen=True, kw_only=True)
class CheckedOne:
    """A feature's values by column (a date as ISO text, None where missing), its place, what was derived, the rules it breaks."""

    values: Mapping[str, Value]
    geometry: BaseGeometry | None
    derived: str | None
    faults: tuple[RowFault, ...]

    @property
    def errors(self) -> tuple[RowFault, ...]:
        """The faults that reject the feature; the others are warnings."""
        return errors_of(self.faults)


class RowRejected(ImportRejected):
    """A feature breaks its layer's rules; ``faults`` lists every one."""

    def __init__(self, layer_id: str, faults: tuple[RowFault, ...]) -> None:
        self.faults = faults
        super().__init__(
            "the feature breaks the layer's rules; nothing was stored", where=f"layer {layer_id}",
            expected="; ".join(f"{', '.join(fault.columns)}: {fault.words.en}" for fault in faults[:_LISTED]),
            got="; ".join(fault.seen or "nothing" for fault in faults[:_LISTED]), then="mend what is listed, then send it again",
        )


def one(layer: Layer, values: Mapping[str, object], geometry: BaseGeometry | None) -> CheckedOne:
    """A feature as JSON brought it (`shape_of` reads its geometry), by every rule of the layer; a column not named is missing.

    Raises
    ------
    ParameterError
        A name is no column of the layer.

    Examples
    --------
    >>> from layers.shelters import LAYER
    >>> one(LAYER, {"name": "School", "area_m2": 9, "stay_class": "short"}, shapely.Point(1, 2)).derived
    'capacity'
    >>> [(*fault.columns, fault.rule) for fault in one(LAYER, {"capacity": "12", "status": "ajar"}, None).errors]
    [('capacity', 'integer'), ('status', 'choice'), ('geometry', 'geometry_missing'), ('name', 'required')]
    """
    typed, faults = typed_values(layer, values)
    place, misplaced = placed(layer, geometry)
    ruled = by_rules(layer, typed, {name for fault in faults for name in fault.columns})
    return CheckedOne(
        values=ruled.values, geometry=place, derived=ruled.derived, faults=(*faults, *misplaced, *ruled.faults),
    )


def errors_of(faults: Iterable[RowFault]) -> tuple[RowFault, ...]:
    """The faults that reject a feature."""
    return tuple(fault for fault in faults if fault.severity == "error")


def typed_values(layer: Layer, given: Mapping[str, object]) -> tuple[dict[str, Value], list[RowFault]]:
    """The values of the columns named, each held to its column; one that breaks a rule is None, and a fault.

    >>> from layers.towns import LAYER
    >>> typed_values(LAYER, {"population": 12.0, "code": "33"})[0]
    {'population': 12, 'code': None}
    """
    _require_columns(layer, given)
    typed: dict[str, Value] = {}
    faults: list[RowFault] = []
    for name, value in given.items():
        column = layer.column(name)
        try:
            typed[name] = _typed(column, value)
        except Wrong as wrong:
            rule = str(wrong.args[0])
            typed[name] = None
            faults.append(RowFault((name,), rule, "error", shown(value), message(rule, expectation(rule, column))))
    return typed, faults


def _require_columns(layer: Layer, given: Mapping[str, object]) -> None:
    known = {column.name for column in layer.columns}
    if strange := next((name for name in given if name not in known), None):
        raise ParameterError(
            "a property is no column of the layer", where=f"layer {layer.id}", expected=", ".join(sorted(known)),
            got=shown(strange), then="check the spelling",
        )


def _typed(column: Column, value: object) -> Value:
    if value is None:
        return None
    typed = _TYPES[column.type](column, value)
    require_range(column, typed)
    return typed


def _text(column: Column, value: object) -> Value:
    if not isinstance(value, str):
        raise Wrong("text")
    text: str | None = text_value(column, value)
    return text


def _int(_: Column, value: object) -> Value:
    if isinstance(value, float) and value.is_integer():  # JSON has one kind of number: 12.0 is 12
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Wrong("integer")
    if abs(value) > LARGEST_INT:
        raise Wrong("too_large")
    return value


def _float(_: Column, value: object) -> Value:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Wrong("number")
    try:
        number = float(value)
    except OverflowError:
        raise Wrong("not_finite") from None
    if not math.isfinite(number):
        raise Wrong("not_finite")
    return number + 0.0  # the store keeps no negative zero


def _bool(_: Column, value: object) -> Value:
    if not isinstance(value, bool):
        raise Wrong("boolean")
    return value


def _date(_: Column, value: object) -> Value:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise Wrong("date")
    try:
        return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        raise Wrong("date") from None


_TYPES: Final[Mapping[type, Callable[[Column, object], Value]]] = {
    str: _text, int: _int, float: _float, bool: _bool, dt.date: _date,
}


def by_rules(layer: Layer, given: Mapping[str, Value], wrong: Iterable[str] = ()) -> Ruled:
    """A whole row of typed values by the rules that need more than one: required, derived, and the layer's checks.

    ``wrong`` names columns that are known to be wrong already: they are not told to be missing too.
    """
    values: dict[str, Value] = {column.name: given.get(column.name) for column in layer.columns}
    silent = frozenset(wrong)
    lacking = [
        RowFault((column.name,), "required", "error", "", message("required", _NO_WORDS))
        for column in layer.columns
        if column.required and values[column.name] is None and column.name not in silent
    ]
    filled = _filled(layer, values)
    whole = values | filled
    return Ruled(whole, ",".join(filled) or None, [*lacking, *_not_derived(layer, values, whole), *_broken(layer, whole)])


def _filled(layer: Layer, values: Mapping[str, Value]) -> dict[str, Value]:
    """What the layer's derivations fill of the missing columns."""
    made = {
        rule.column: fitted(layer.column(rule.column), [_of_frame(rule.rule, *_named(layer, rule.inputs, values))])[0]
        for rule in layer.derivations
        if values[rule.column] is None
    }
    return {name: value for name, value in made.items() if value is not None}


def _not_derived(layer: Layer, values: Mapping[str, Value], whole: Mapping[str, Value]) -> Iterator[RowFault]:
    for inputs in dict.fromkeys(rule.inputs for rule in layer.derivations):
        outputs = [rule.column for rule in layer.derivations if rule.inputs == inputs]
        if all(values[name] is not None for name in inputs) and all(whole[name] is None for name in outputs):
            yield RowFault(inputs, "not_derived", "warning", "", message("not_derived", _NO_WORDS))


def _broken(layer: Layer, values: Mapping[str, Value]) -> Iterator[RowFault]:
    for rule in layer.checks:
        if _holds(layer, rule, values) is False:
            words = Words(f"does not hold: {rule.title['en']}", f"不符合：{rule.title['zh']}")
            yield RowFault(rule.columns, rule.id, rule.severity, "", words)


def _holds(layer: Layer, rule: RowCheck, values: Mapping[str, Value]) -> bool | None:
    if rule.of_row is not None:
        return rule.of_row(values)
    said = _of_frame(rule.holds, *_named(layer, rule.columns, values))
    return None if pd.isna(said) else bool(said)


def _named(
    layer: Layer, names: tuple[str, ...], values: Mapping[str, Value]
) -> tuple[tuple[tuple[str, type], ...], tuple[Value, ...]]:
    return tuple((name, layer.column(name).type) for name in names), tuple(values[name] for name in names)


@lru_cache(maxsize=20_000)
def _of_frame(
    rule: Callable[[pd.DataFrame], pd.Series], columns: tuple[tuple[str, type], ...], values: tuple[Value, ...]
) -> Any:
    """What a rule over frames says of one row. A frame of one row costs a thousand times the row: each is asked once."""
    frame = pd.DataFrame(
        {name: pd.Series([value], dtype=DTYPES[kind]) for (name, kind), value in zip(columns, values, strict=True)}
    )
    return rule(frame).tolist()[0]


def placed(layer: Layer, geometry: BaseGeometry | None) -> tuple[BaseGeometry | None, list[RowFault]]:
    """A geometry held to the layer's kind, and what it breaks: the first of missing, kind, not finite, off the globe, invalid.

    >>> from layers.shelters import LAYER
    >>> placed(LAYER, shapely.Point(50, 120))[1][0].rule
    'geometry_swapped'
    """
    if geometry is None or geometry.is_empty:
        optional = layer.geometry is Geometry.NONE or layer.place_optional
        return None, [] if optional else [misplaced(layer, "geometry_missing", "nothing")]
    if layer.geometry is Geometry.NONE:
        return None, [misplaced(layer, "geometry_unwanted", geometry.geom_type)]
    single = _single(layer.geometry, geometry)
    rule = _misplaced(layer.geometry, single)
    return (single, []) if not rule else (None, [misplaced(layer, rule, single.geom_type)])


def misplaced(layer: Layer, rule: str, seen: str) -> RowFault:
    """The fault of a geometry that breaks a rule."""
    words = _PLACE_WORDS.get(rule) or (message(rule, kind_words(layer.geometry)) if rule in RULES else _NO_WORDS)
    return RowFault(("geometry",), rule, "error", seen, words)


def _single(kind: Geometry, geometry: BaseGeometry) -> BaseGeometry:
    if kind is Geometry.POINT and isinstance(geometry, shapely.MultiPoint) and len(geometry.geoms) == 1:
        return geometry.geoms[0]
    return geometry


def _misplaced(kind: Geometry, geometry: BaseGeometry) -> str:
    """The first rule that a geometry breaks, or nothing."""
    if geometry.geom_type not in _KINDS[kind]:
        return "geometry_kind"
    lon, lat = np.abs(shapely.get_coordinates(geometry)).T
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return "geometry_not_finite"
    if ((lon <= 90) & (lat > 90) & (lat <= 180)).any():
        return "geometry_swapped"
    if (lon > 180).any() or (lat > 90).any():
        return "geometry_off_globe"
    return "" if shapely.is_valid(geometry) else "geometry_invalid"


class Misshapen(ValueError):
    """A GeoJSON geometry that is none; its argument is the rule's id."""


def shape_of(given: object) -> BaseGeometry | None:
    """The geometry of a GeoJSON object, or None for null; `Misshapen` says which rule it breaks.

    >>> shape_of({"type": "Point", "coordinates": [1, 2]}), shape_of(None)
    (<POINT (1 2)>, None)
    >>> shape_of({"type": "Point", "coordinates": [1, 2, 3]})
    Traceback (most recent call last):
    layers._check.one.Misshapen: geometry_flat
    """
    if given is None:
        return None
    if not isinstance(given, dict) or given.get("type") not in _MAKERS or set(given) - {"type", "coordinates", "bbox"}:
        raise Misshapen("geojson")
    return _MAKERS[given["type"]](given.get("coordinates"))


def _listed(given: object) -> list[Any]:
    if not isinstance(given, list):
        raise Misshapen("geojson")
    return given


def _positions(given: object) -> Any:
    """An array of positions; every one is two numbers."""
    listed = _listed(given)
    if len(listed) > VERTICES:
        raise Misshapen("vertices")
    if not all(type(place) is list and len(place) == 2 for place in listed):
        flat = all(type(place) is list and len(place) == 3 for place in listed)
        raise Misshapen("geometry_flat" if flat and listed else "geojson")
    if not all(type(number) in (float, int) for place in listed for number in place):
        raise Misshapen("geojson")
    try:
        return np.array(listed, dtype=float).reshape(-1, 2)
    except OverflowError:
        raise Misshapen("geometry_not_finite") from None


def _point(given: object) -> BaseGeometry:
    (place,) = _positions([given])
    return shapely.Point(place)


def _line(given: object) -> shapely.LineString:
    places = _positions(given)
    if len(places) == 1:
        raise Misshapen("geojson")
    return shapely.LineString(places)


def _polygon(given: object) -> shapely.Polygon:
    rings = [_ring(each) for each in _parts(given)]
    return shapely.Polygon(rings[0], rings[1:]) if rings else shapely.Polygon()


def _parts(given: object) -> list[Any]:
    listed = _listed(given)
    if len(listed) > _PARTS:
        raise Misshapen("vertices")
    return listed


def _ring(given: object) -> Any:
    places = _positions(given)
    if len(places) < 4 or (places[0] != places[-1]).any():
        raise Misshapen("geometry_ring")
    return places


def _points(given: object) -> BaseGeometry:
    return shapely.MultiPoint(_positions(given))


def _lines(given: object) -> BaseGeometry:
    return _bounded(shapely.MultiLineString([_line(each) for each in _parts(given)]))


def _polygons(given: object) -> BaseGeometry:
    return _bounded(shapely.MultiPolygon([_polygon(each) for each in _parts(given)]))


def _bounded(geometry: BaseGeometry) -> BaseGeometry:
    if shapely.get_num_coordinates(geometry) > VERTICES:
        raise Misshapen("vertices")
    return geometry


_MAKERS: Final[Mapping[str, Callable[[object], BaseGeometry]]] = {
    "Point": _point,
    "LineString": _line,
    "Polygon": _polygon,
    "MultiPoint": _points,
    "MultiLineString": _lines,
    "MultiPolygon": _polygons,
}
