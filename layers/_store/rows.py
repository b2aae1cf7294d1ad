"""Between a layer's frame and the store's rows: what may be stored, its canonical text, and the way back."""

import datetime as dt
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_risk.crs import require_lonlat
from geo_risk.errors import DeclarationError, ParameterError, StoreCorrupt, shown
from layers._frame import DTYPES, typed
from layers._layer import SYSTEM_COLUMNS, Geometry, Layer
from layers._store.records import Feature, Value, is_clean
from layers._store.schema import Declared, declared

CHUNK: Final = 10_000
"""Rows encoded, compared and written at a time: memory stays bounded whatever the frame's length."""

_quoted: Final = json.JSONEncoder(ensure_ascii=False).encode
_JSON: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "str": _quoted, "int": int.__repr__, "float": float.__repr__, "bool": {False: "false", True: "true"}.get, "date": _quoted,
}
_POINT: Final = struct.Struct("<5xdd")
_POINT_BEGINS: Final = b"\x01\x01\0\0\0"
_ID: Final = "a text without NUL, of at most 2,000 bytes"
_REMAKE: Final = "make the frame with layers._frame.typed"
_ISO_DATE: Final = "datetime64[D]"
_EARLIEST, _LATEST = pd.Timestamp("0001-01-01"), pd.Timestamp("9999-12-31")
_KINDS: Final[Mapping[Geometry, frozenset[int]]] = {
    Geometry.POINT: frozenset({0, 4}),
    Geometry.LINE: frozenset({1, 2, 5}),
    Geometry.AREA: frozenset({3, 6}),
    Geometry.NONE: frozenset(),
}
_NO_GEOMETRY: Final = -1
_LARGEST: Final = 2**63 - 1
_LONGEST_ID: Final = 2_000
"""Bytes: PostgreSQL's indexes hold no much longer ones."""
_TYPE_IDS: Final = {
    "Point": 0, "LineString": 1, "LinearRing": 2, "Polygon": 3, "MultiPoint": 4, "MultiLineString": 5, "MultiPolygon": 6,
    "GeometryCollection": 7,
}
_EXACT: Final[Mapping[str, tuple[type, ...]]] = {
    "str": (str,), "int": (int,), "float": (float, int), "bool": (bool,), "date": (str,),
}


class Row(NamedTuple):
    """One feature as it is stored: its values in the order of `declared`, their canonical text, its WKB."""

    fid: str
    values: tuple[Value, ...]
    properties: str
    geometry: bytes | None


def canonical(columns: Declared, lists: Sequence[Sequence[Value]], length: int) -> list[str]:
    """Each row's values as JSON text: names in order, missing ones left out, no spaces; the same values give the same text.

    >>> canonical((("capacity", "int"), ("name", "str")), [[12, None], [None, "避难所"]], 2)
    ['{"capacity":12}', '{"name":"避难所"}']
    """
    parts = [
        [None if value is None else f'"{name}":{_JSON[kind](value)}' for value in values]
        for (name, kind), values in zip(columns, lists, strict=True)
        if any(value is not None for value in values)
    ]
    return [f"{{{','.join(filter(None, row))}}}" for row in zip(*parts, strict=True)] if parts else ["{}"] * length


def canonical_row(columns: Declared, values: Sequence[Value]) -> str:
    """One row's values as `canonical` writes them.

    >>> canonical_row((("capacity", "int"), ("name", "str")), [None, "避难所"])
    '{"name":"避难所"}'
    """
    named = zip(columns, values, strict=True)
    words = (f'"{name}":{_JSON[kind](value)}' for (name, kind), value in named if value is not None)
    return f"{{{','.join(words)}}}"


def require_storable(layer: Layer, frame: gpd.GeoDataFrame) -> None:
    """Stop unless the frame is as `layers._frame.typed` makes it, its ids are texts of their own, its places on Earth.

    Raises
    ------
    CrsError, ParameterError
        With the column or the feature that cannot be stored. Nothing was changed.
    """
    require_lonlat(frame, f"layer {layer.id}")
    _require_columns(layer, frame)
    _require_ids(layer, frame.index)
    _require_values(layer, frame)
    _require_places(layer, frame)


def encoded(layer: Layer, frame: gpd.GeoDataFrame) -> Iterator[list[Row]]:
    """The frame's rows by id, a chunk at a time. Order of ids makes writing sequential and paging stable."""
    order = np.argsort(frame.index.to_numpy(dtype=object), kind="stable")
    for start in range(0, len(order), CHUNK):
        yield _rows(layer, frame.iloc[order[start : start + CHUNK]])


def encoded_one(layer: Layer, feature: Feature) -> Row:
    """One feature as a row, without a frame.

    Raises
    ------
    ParameterError
        Its id, a value or its geometry cannot be stored.
    """
    where = f"layer {layer.id}, feature {shown(feature.fid)}"
    if not _is_id(feature.fid):
        raise ParameterError(
            "a feature's id cannot be stored", where=f"layer {layer.id}", expected=_ID, got=shown(feature.fid),
            then="choose another id",
        )
    columns = declared(layer)
    given = dict(feature.values, derived=feature.derived)
    values = tuple(_storable(given.get(name), kind, where, name) for name, kind in columns)
    _require_place(layer, feature.geometry, where)
    return Row(feature.fid, values, canonical_row(columns, values), feature.geometry)


def _is_id(fid: object) -> bool:
    return isinstance(fid, str) and 0 < len(fid) <= _LONGEST_ID and is_clean(fid) and len(fid.encode()) <= _LONGEST_ID


def _storable(value: Value, kind: str, where: str, name: str) -> Value:
    if value is None:
        return None
    fits = type(value) in _EXACT[kind] and (kind != "date" or _is_date(str(value))) and (kind != "str" or is_clean(str(value)))
    if not fits or (type(value) is int and abs(value) > _LARGEST) or (kind == "float" and not np.isfinite(float(value))):
        raise ParameterError(
            "a value cannot be stored", where=f"{where}, column {name}", expected=_FIT_ONE[kind], got=shown(value),
            then="leave it empty, or mend it at its source",
        )
    return float(value) + 0.0 if kind == "float" else value


def _require_place(layer: Layer, geometry: bytes | None, where: str) -> None:
    if geometry is None or (layer.geometry is Geometry.POINT and _is_on_earth(point_of(geometry))):
        return
    place = shapely.from_wkb(geometry)
    of_kind = _TYPE_IDS[place.geom_type] in _KINDS[layer.geometry] and not place.is_empty
    # written so that nan fails; bounds leave nan out, so coordinates that are partly nan take the longer way
    west, south, east, north = place.bounds if of_kind else (np.nan,) * 4
    inside = west >= -180 and south >= -90 and east <= 180 and north <= 90
    if not inside or (place.geom_type != "Point" and _misplaced(np.array([place], dtype=object), _KINDS[layer.geometry]).any()):
        raise ParameterError(
            "a geometry cannot be stored", where=where, expected=_PLACE[layer.geometry], got=_described(place),
            then="mend it at its source, or leave it out",
        )


def point_of(geometry: bytes) -> tuple[float, float] | None:
    """Longitude and latitude of a point as the store writes it; None of anything else.

    Without GEOS, which lets go of the GIL at every call: a write that waits for it a dozen times waits long.

    >>> point_of(shapely.to_wkb(shapely.Point(1, 2))), point_of(shapely.to_wkb(shapely.LineString([(0, 0), (1, 1)])))
    ((1.0, 2.0), None)
    """
    if len(geometry) != _POINT.size or not geometry.startswith(_POINT_BEGINS):
        return None
    lon, lat = _POINT.unpack(geometry)
    return lon, lat


def _is_on_earth(point: tuple[float, float] | None) -> bool:
    return point is not None and abs(point[0]) <= 180 and abs(point[1]) <= 90


def frame_of(layer: Layer, columns: Declared, rows: Sequence[Sequence[Any]]) -> gpd.GeoDataFrame:
    """The layer's frame from current rows as tuples in the order of their table."""
    names = ("fid", *(name for name, _ in columns), "geometry", "source", "updated_at", "revision")
    by_name = dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))
    ids, geometry = by_name.pop("fid"), by_name.pop("geometry")
    # few different texts in many rows: each is held once
    by_name |= {name: _shared(by_name[name]) for name in ("derived", "source", "updated_at")}
    with legible(f"layer {layer.id}"):
        places = shapely.from_wkb(np.array(geometry, dtype=object))
        return typed(layer, {name: list(values) for name, values in by_name.items()}, places, list(ids))


@contextmanager
def legible(where: str) -> Iterator[None]:
    """Raise what cannot be read of the store's own values as `StoreCorrupt`: it wrote them, so they were readable once."""
    try:
        yield
    except (ValueError, TypeError, shapely.errors.ShapelyError) as error:
        raise StoreCorrupt(
            "the store holds a value that cannot be read", where=where, expected="values as they were written",
            got=type(error).__name__, then="run verify: it names the row",
        ) from error


def _shared(texts: Iterable[str | None]) -> tuple[str | None, ...]:
    seen: dict[str | None, str | None] = {}
    return tuple(seen.setdefault(text, text) for text in texts)


def values_of(columns: Declared, properties: str, where: str) -> tuple[Value, ...]:
    """A revision's values in the order of the declared columns; those of columns no longer declared are left in the log.

    Raises
    ------
    DeclarationError
        The declaration gives a column a type that the value in the log is not of.
    """
    with legible(where):
        held: dict[str, Value] = json.loads(properties)
    return tuple(_fitting(held.get(name), kind, f"{where}, column {name}") for name, kind in columns)


def _fitting(value: Value, kind: str, where: str) -> Value:
    if value is None:
        return None
    if type(value) not in _EXACT[kind] or (kind == "date" and not _is_date(str(value))):
        raise DeclarationError(
            "the log holds a value that the column's declared type does not fit", where=where, expected=kind,
            got=type(value).__name__, then="give the column a new name, or its old type",
        )
    return float(value) if kind == "float" else value


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _rows(layer: Layer, part: gpd.GeoDataFrame) -> list[Row]:
    columns = declared(layer)
    lists = [_listed(part[name], kind) if name in part.columns else [None] * len(part) for name, kind in columns]
    geometry = shapely.to_wkb(part.geometry.to_numpy(), byte_order=1, output_dimension=2, include_srid=False)
    values, texts = zip(*lists, strict=True), canonical(columns, lists, len(part))
    return list(map(Row._make, zip(part.index.tolist(), values, texts, geometry.tolist(), strict=True)))


def _listed(values: pd.Series, kind: str) -> list[Value]:
    missing = values.isna().to_numpy()
    if kind == "date":
        plain = values.to_numpy().astype(_ISO_DATE).astype(str).astype(object)
    elif kind == "float":
        # SQLite keeps no negative zero, and the log must say what the current row says
        plain = (values.to_numpy(dtype=float) + 0.0).astype(object)
    else:
        plain = values.to_numpy(dtype=object)
    listed: list[Value] = np.where(missing, None, plain).tolist()  # type: ignore[call-overload]
    return listed


def _require_columns(layer: Layer, frame: gpd.GeoDataFrame) -> None:
    expected = {column.name: DTYPES[column.type] for column in layer.columns}
    found = {name: str(frame[name].dtype) for name in frame.columns if name != frame.geometry.name}
    unknown = sorted(set(found) - set(expected) - set(SYSTEM_COLUMNS))
    if unknown or set(expected) - set(found):
        raise ParameterError(
            "the frame's columns are not the layer's", where=f"layer {layer.id}", expected=", ".join(expected),
            got=", ".join(shown(name) for name in found), then=_REMAKE,
        )
    wrong = [name for name, dtype in (expected | {"derived": "str"}).items() if found.get(name, dtype) != dtype]
    if wrong:
        raise ParameterError(
            "a column's dtype is not its declared type's", where=f"layer {layer.id}, column {wrong[0]}",
            expected=(expected | {"derived": "str"})[wrong[0]], got=found[wrong[0]], then=_REMAKE,
        )


def _require_ids(layer: Layer, ids: pd.Index) -> None:
    where = f"layer {layer.id}"
    bad = [fid for fid in ids.tolist() if not _is_id(fid)]
    if bad:
        raise ParameterError("a feature's id cannot be stored", where=where, expected=_ID, got=shown(bad[0]), then=_REMAKE)
    if not ids.is_unique:
        twice = ids[ids.duplicated()][0]
        raise ParameterError(
            "two rows have the same feature id", where=where, expected="an id of its own for each row", got=shown(twice),
            then="leave one of them out, or name more key columns",
        )


def _require_values(layer: Layer, frame: gpd.GeoDataFrame) -> None:
    columns = {column.name: column.type for column in layer.columns} | ({"derived": str} if "derived" in frame.columns else {})
    for name, kind in columns.items():
        bad = _UNFIT.get(kind, _none_unfit)(frame[name])
        if bad.any():
            raise ParameterError(
                "a value cannot be stored", where=f"layer {layer.id}, column {name}, feature {shown(frame.index[bad.argmax()])}",
                expected=_FIT[kind], got=shown(frame[name].iloc[bad.argmax()]), then="leave it empty, or mend it at its source",
            )


def _unfit_text(values: pd.Series) -> Any:
    return np.array([isinstance(value, str) and not is_clean(value) for value in values.tolist()], dtype=bool)


def _unfit_number(values: pd.Series) -> Any:
    return np.isinf(values.to_numpy(dtype=float))


def _unfit_date(values: pd.Series) -> Any:
    known = values.dropna()
    fit = (known == known.dt.normalize()) & (known >= _EARLIEST) & (known <= _LATEST)
    return ~fit.reindex(values.index, fill_value=True).to_numpy(dtype=bool)


def _none_unfit(values: pd.Series) -> Any:
    return np.zeros(len(values), dtype=bool)


_UNFIT: Final = {str: _unfit_text, float: _unfit_number, dt.date: _unfit_date}
_FIT_ONE: Final = {
    "str": "text without NUL or lone surrogate", "int": "a whole number", "float": "a finite number", "bool": "true or false",
    "date": "a day as YYYY-MM-DD",
}
_FIT: Final = {
    str: "text without NUL or lone surrogate", float: "a finite number", dt.date: "a day of the years 1 to 9999, without a time",
}


def _require_places(layer: Layer, frame: gpd.GeoDataFrame) -> None:
    places = frame.geometry.to_numpy()
    for start in range(0, len(places), CHUNK):
        part = places[start : start + CHUNK]
        bad = _misplaced(part, _KINDS[layer.geometry])
        if bad.any():
            raise ParameterError(
                "a geometry cannot be stored", where=f"layer {layer.id}, feature {shown(frame.index[start + int(bad.argmax())])}",
                expected=_PLACE[layer.geometry], got=_described(part[bad.argmax()]), then="mend it at its source, or leave it out",
            )


_PLACE: Final = {
    Geometry.POINT: "points with longitude -180 to 180 and latitude -90 to 90",
    Geometry.LINE: "lines with longitude -180 to 180 and latitude -90 to 90",
    Geometry.AREA: "areas with longitude -180 to 180 and latitude -90 to 90",
    Geometry.NONE: "no geometry",
}


def _misplaced(places: Any, kinds: frozenset[int]) -> Any:
    of_kind = np.isin(shapely.get_type_id(places), [_NO_GEOMETRY, *kinds])
    coordinates, owner = shapely.get_coordinates(places, return_index=True)
    # written so that nan fails
    on_earth = (np.abs(coordinates) <= (180.0, 90.0)).all(axis=1)
    off_earth = np.bincount(owner[~on_earth], minlength=len(places)) > 0
    return ~of_kind | off_earth | shapely.is_empty(places)


def _described(place: Any) -> str:
    if place.is_empty:
        return f"an empty {place.geom_type}"
    return f"{place.geom_type} within {', '.join(shown(round(bound, 6)) for bound in place.bounds)}"
