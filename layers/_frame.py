"""A layer's frame: one dtype a column type, EPSG:4326, index of feature ids. Made and checked in this one place.

| declared | dtype          | missing |
|----------|----------------|---------|
| str      | str            | nan     |
| int      | Int64          | NA      |
| float    | float64        | nan     |
| bool     | boolean        | NA      |
| date     | datetime64[s]  | NaT     |
"""

import datetime as dt
from typing import Any, Final

import geopandas as gpd
import pandas as pd

from geo_risk.crs import WGS84
from layers._layer import SYSTEM_COLUMNS, Layer

DTYPES: Final[dict[type, str]] = {str: "str", int: "Int64", float: "float64", bool: "boolean", dt.date: "datetime64[s]"}
_SYSTEM_DTYPES: Final = {"derived": "str", "source": "str", "updated_at": "str", "revision": "int64"}


def typed(layer: Layer, columns: dict[str, Any], geometry: Any, index: Any) -> gpd.GeoDataFrame:
    """A frame of the layer's columns from arrays of Python or numpy values; a column not given is missing throughout."""
    ids = pd.Index(index, dtype="object", name="id")
    data = {
        column.name: pd.Series(columns.get(column.name, [None] * len(ids)), index=ids, dtype=DTYPES[column.type])
        for column in layer.columns
    }
    data |= {name: pd.Series(columns[name], index=ids, dtype=_SYSTEM_DTYPES[name]) for name in SYSTEM_COLUMNS if name in columns}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(geometry, index=ids, crs=WGS84), crs=WGS84)


def empty(layer: Layer) -> gpd.GeoDataFrame:
    """The layer's frame with no rows."""
    return typed(layer, {name: [] for name in SYSTEM_COLUMNS}, [], [])
