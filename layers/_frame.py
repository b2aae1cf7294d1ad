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
from geopandas.array import from_shapely

from geo_risk.crs import WGS84
from layers._layer import SYSTEM_COLUMNS, Layer

DTYPES: Final[dict[type, str]] = {str: "str", int: "Int64", float: "float64", bool: "boolean", dt.date: "datetime64[s]"}
_SYSTEM_DTYPES: Final = {"derived": "str", "source": "str", "updated_at": "str", "revision": "int64"}


def dtypes_of(layer: Layer) -> dict[str, str]:
    """The dtype of each column of the layer's frame but the geometry, those that the store fills included."""
    return {**{column.name: DTYPES[column.type] for column in layer.columns}, **_SYSTEM_DTYPES}


def typed(layer: Layer, columns: dict[str, Any], geometry: Any, index: Any) -> gpd.GeoDataFrame:
    """A frame of the layer's columns from arrays of Python or numpy values; a column not given is missing throughout."""
    ids = pd.Index(index, dtype="object", name="id")
    missing = [None] * len(ids)
    dtypes = {name: dtype for name, dtype in dtypes_of(layer).items() if name not in SYSTEM_COLUMNS or name in columns}
    # arrays, not series: half the time of a frame of few rows
    data = {name: pd.array(columns.get(name, missing), dtype=dtype) for name, dtype in dtypes.items()}
    data["geometry"] = from_shapely(geometry, crs=WGS84)
    return gpd.GeoDataFrame(pd.DataFrame(data, index=ids, copy=False), geometry="geometry", copy=False)


def empty(layer: Layer) -> gpd.GeoDataFrame:
    """The layer's frame with no rows."""
    return typed(layer, {name: [] for name in SYSTEM_COLUMNS}, [], [])
