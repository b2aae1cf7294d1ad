"""What a map draws: points as plain columns, counted in cells where there are too many; lines and areas simplified for the zoom."""

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from api.use._remember import remember
from api.use.items import touching
from api.use.nearby import AVAILABLE
from api.use.parameters import Box
from api.use.records import geojson
from layers._layer import Geometry, Layer
from layers._store import Snapshot

_CELLS_ACROSS = 48
_DEGREES_A_PIXEL_AT_0 = 360.0 / 256.0
_SHUT = tuple(status for status, available in AVAILABLE.items() if not available)


def marks(snapshot: Snapshot, layer_id: str, bbox: Box, zoom: float, most: int) -> dict[str, Any]:
    """The layer's marks in the box. Point layers above ``most`` points in view come as counts by cell."""
    found = snapshot.layer(layer_id)
    rows = snapshot.frames[found.id]
    seen = rows.iloc[touching(snapshot.whole.frames[found.id], bbox)]
    head = {"layer": found.id, "revision": snapshot.revision, "count": len(seen)}
    if found.geometry is not Geometry.POINT:
        return head | {"kind": "features", "features": _shapes(found, rows, _drawn(found, seen, zoom).index, zoom)}
    if len(seen) > most:
        return head | {"kind": "cells"} | cells(seen, bbox)
    return head | {"kind": "points"} | points(found, seen)


def points(found: Layer, seen: gpd.GeoDataFrame) -> dict[str, Any]:
    """Columns of ids, lon, lat, level and closed; 6 decimals are 0.1 m."""
    return {
        "ids": seen.index.tolist(),
        "lon": np.round(seen.geometry.x.to_numpy(), 6).tolist(),
        "lat": np.round(seen.geometry.y.to_numpy(), 6).tolist(),
        "level": levels(found, seen),
        "closed": seen["status"].isin(_SHUT).tolist() if "status" in seen else [False] * len(seen),
    }


def cells(seen: gpd.GeoDataFrame, bbox: Box) -> dict[str, Any]:
    """Counts by cells of a fixed grid (powers of two of a degree), so that they stay in place when the map is moved."""
    width = (bbox.east - bbox.west) % 360.0 or 360.0
    size = 2.0 ** np.ceil(np.log2(width / _CELLS_ACROSS))
    x, y = seen.geometry.x.to_numpy(), seen.geometry.y.to_numpy()
    grid = pd.DataFrame({"column": np.floor(x / size), "row": np.floor(y / size), "x": x, "y": y})
    counted = grid.groupby(["column", "row"], sort=True).agg(n=("x", "size"), lon=("x", "mean"), lat=("y", "mean"))
    return {
        "lon": counted["lon"].round(6).tolist(),
        "lat": counted["lat"].round(6).tolist(),
        "n": counted["n"].tolist(),
        "size_deg": float(size),
    }


def levels(found: Layer, rows: gpd.GeoDataFrame) -> list[str | None]:
    """The level each row shows by its layer's style: that of its choice, or None."""
    by = found.style.level_by
    if by is None:
        return [None] * len(rows)
    numerals = {choice.id: choice.level for choice in found.column(by).choices}
    return [numerals.get(value) for value in rows[by]]


def _drawn(found: Layer, seen: gpd.GeoDataFrame, zoom: float) -> gpd.GeoDataFrame:
    """The rows without those of looks that are drawn only on a map of a larger zoom."""
    later = [look.choice for look in found.style.looks if look.from_zoom > zoom]
    return seen[~seen[found.style.look_by].isin(later)] if later else seen


def _shapes(found: Layer, rows: gpd.GeoDataFrame, ids: pd.Index, zoom: float) -> dict[str, Any]:
    step = round(zoom)
    tiles = found.group == "area"
    every = remember(rows, f"shapes {step}", lambda frame: _simplified(frame.geometry, step, is_coverage=tiles))
    simple: gpd.GeoSeries = every.loc[ids]
    told = _told(found, rows.loc[ids])
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": fid, "geometry": geojson(shape), "properties": properties}
            for fid, shape, properties in zip(ids, simple, told, strict=True)
        ],
    }


def _told(found: Layer, rows: gpd.GeoDataFrame) -> list[dict[str, str | None]]:
    """What a map needs to know of each line or area: name, level and, where the layer's style has looks, the look."""
    names = _texts(rows["name"]) if "name" in rows else [None] * len(rows)
    looks = {"look": _texts(rows[found.style.look_by])} if found.style.look_by else {}
    columns = {"name": names, "level": levels(found, rows)} | looks
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _texts(values: pd.Series) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]


def _simplified(shapes: gpd.GeoSeries, zoom: int, *, is_coverage: bool) -> gpd.GeoSeries:
    """Shapes to half a pixel at that zoom.

    Areas that tile the ground are simplified as one, so that neighbours' shared borders stay shared. Of others, one too
    small to be left at that zoom is kept as it is: it must not vanish.
    """
    tolerance = 0.5 * _DEGREES_A_PIXEL_AT_0 / 2.0**zoom
    whole = shapes.to_numpy()
    if is_coverage and bool(shapely.is_valid(whole).all()) and bool(shapely.coverage_is_valid(whole)):
        simple = shapely.coverage_simplify(whole, tolerance)
    else:
        simple = shapely.simplify(whole, tolerance, preserve_topology=False)
        simple = np.where(shapely.is_empty(simple), whole, simple)
    return gpd.GeoSeries(shapely.transform(simple, lambda at: np.round(at, 6)), index=shapes.index, crs=shapes.crs)
