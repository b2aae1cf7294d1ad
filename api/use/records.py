"""Features as plain records: typed values become what JSON holds, and only the columns a caller may read."""

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from layers._layer import Column, Layer

_SYSTEM = ("derived", "source", "updated_at")
_CALLED_BY: Final = ("name", "title", "post")


def records(layer: Layer, rows: gpd.GeoDataFrame, sensitivities: Sequence[str]) -> list[dict[str, Any]]:
    """One dict a row: the readable columns, then what the store says of the row; missing is None."""
    columns = {column.name: _plain(rows[column.name], column) for column in layer.readable(tuple(sensitivities))}
    columns |= {name: [system_text(value) for value in rows[name]] for name in _SYSTEM if name in rows}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def features(layer: Layer, rows: gpd.GeoDataFrame, sensitivities: Sequence[str]) -> Iterable[dict[str, Any]]:
    """GeoJSON features of the rows, in their order, with the revision that made each; a missing geometry is null."""
    told = zip(rows.index, records(layer, rows, sensitivities), rows.geometry, rows["revision"].tolist(), strict=True)
    for fid, properties, geometry, revision in told:
        yield {"type": "Feature", "id": fid, "geometry": geojson(geometry), "properties": properties, "revision": revision}


def geojson(geometry: BaseGeometry | None) -> dict[str, Any] | None:
    """A GeoJSON geometry, or None."""
    if geometry is None or geometry.is_empty:
        return None
    parsed: dict[str, Any] = json.loads(shapely.to_geojson(geometry))
    return parsed


def called(properties: Mapping[str, Any], fid: str) -> str:
    """What a feature is called: by its name, what a closure is for, the post of a duty; by its id where it has none of them.

    >>> called({"title": "Landslide", "cause": "slide"}, "c-1"), called({"name": None}, "s-1")
    ('Landslide', 's-1')
    """
    return next((str(properties[column]) for column in _CALLED_BY if properties.get(column)), fid)


def plain(value: Any, column: Column) -> Any:
    """A column's value as JSON has it; missing is None."""
    return None if pd.isna(value) else _PLAIN[column.type](value)


def system_text(value: Any) -> str | None:
    """What the store says of a row: a text, or nothing."""
    return value if isinstance(value, str) else None


def _plain(values: pd.Series, column: Column) -> list[Any]:
    made = _PLAIN[column.type]
    return [None if pd.isna(value) else made(value) for value in values]


_PLAIN: Final[dict[type, Callable[[Any], Any]]] = {
    str: str, int: int, float: float, bool: bool, dt.date: lambda moment: moment.date().isoformat(),
}
