"""What is near a place: features of point layers by exact geodesic distance, closed ones marked, never left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from api.use._remember import remember
from api.use.columns import numbers
from api.use.records import called, records
from geo_risk.access.nearest import nearest
from geo_risk.crs import wind
from geo_risk.points import PointIndex, index_points
from layers._layer import Geometry, Layer
from layers._store import Snapshot
from maps.words import in_each_language

Floats = NDArray[np.float64]
AVAILABLE: Final[Mapping[str | None, bool]] = {"open": True, "ready": True, "closed": False, "out": False, "off_duty": False}
"""Whether help of that status can be had now; of any other status nobody knows."""


@dataclass(frozen=True, kw_only=True)
class Near:
    """One feature near a place. ``status`` is its layer's own word, or None where the source does not say.

    ``available`` is None where nobody knows, ``closed`` whether it is known to be not available.
    ``wind`` is the code of the direction (``NE``), ``direction`` its words by language.
    """

    layer: str
    id: str
    name: str
    distance_m: float
    bearing_deg: float
    wind: str
    direction: dict[str, str]
    lon: float
    lat: float
    status: str | None
    closed: bool
    available: bool | None
    properties: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class NearbyAnswer:
    """The features near a place, nearest first, and the layers that hold none at all (which is not "none near")."""

    lon: float
    lat: float
    radius_m: float
    revision: int
    items: tuple[Near, ...]
    missing: tuple[str, ...]


def nearby(
    snapshot: Snapshot,
    lon: float,
    lat: float,
    layers: tuple[Layer, ...],
    *,
    radius_m: float,
    k: int,
    free_only: bool = False,
) -> NearbyAnswer:
    """The ``k`` nearest features of the layers together, within the radius; ``free_only`` as in `wanted`."""
    found = [
        near
        for layer in layers
        for near in nearest_of(
            snapshot, layer, lon, lat, radius_m=radius_m, k=k, free_only=free_only
        )
    ]
    found.sort(key=lambda near: (near.distance_m, near.layer, near.id))
    return NearbyAnswer(
        lon=lon,
        lat=lat,
        radius_m=radius_m,
        revision=snapshot.revision,
        items=tuple(found[:k]),
        missing=tuple(layer.id for layer in layers if not len(_index_of(snapshot.frames[layer.id])[0])),
    )


def nearest_of(
    snapshot: Snapshot, layer: Layer, lon: float, lat: float, *, radius_m: float, k: int,
    free_only: bool = False,
) -> list[Near]:  # fmt: skip
    """The ``k`` nearest features of one point layer within the radius, nearest first."""
    frame = snapshot.frames[layer.id]
    placed, index = remember(frame, "nearest free", _indexed_free) if free_only else _index_of(frame)
    if not len(placed):
        return []
    answer = nearest(index, lon, lat, k=k, radius_m=radius_m)
    return nears(layer, frame.iloc[placed[answer.positions]], answer.distance_m, answer.bearing_deg, snapshot.readable)


def nears(
    layer: Layer, picked: gpd.GeoDataFrame, distance_m: Floats, bearing_deg: Floats, sensitivities: tuple[str, ...]
) -> list[Near]:
    """Features of a point layer as answers, with their distances and bearings from the asker."""
    return [
        Near(
            layer=layer.id,
            id=str(fid),
            name=called(properties, str(fid)),
            distance_m=round(float(distance), 3),
            bearing_deg=round(float(bearing), 2),
            wind=wind(float(bearing)),
            direction=in_each_language(f"wind.{wind(float(bearing))}"),
            lon=float(point.x),
            lat=float(point.y),
            status=properties.get("status"),
            closed=AVAILABLE.get(properties.get("status")) is False,
            available=AVAILABLE.get(properties.get("status")),
            properties=properties,
        )
        for fid, properties, point, distance, bearing in zip(
            picked.index, records(layer, picked, sensitivities), picked.geometry, distance_m, bearing_deg, strict=True
        )
    ]


def free_places(frame: gpd.GeoDataFrame) -> Floats:
    """Places left in each feature that has a capacity; nan where capacity or occupancy is not known, or there is none."""
    return np.maximum(numbers(frame, "capacity") - numbers(frame, "occupancy"), 0.0)


def wanted(frame: gpd.GeoDataFrame, free_only: bool) -> NDArray[np.bool_]:
    """All rows; or those that are not known to be closed or out, nor known to have no free place."""
    if not free_only:
        return np.ones(len(frame), dtype=bool)
    shut = [AVAILABLE.get(status) is False for status in frame["status"]] if "status" in frame else [False] * len(frame)
    return np.asarray(~np.array(shut, dtype=bool) & ~(free_places(frame) == 0), dtype=bool)


def warm(snapshot: Snapshot, layer: Layer) -> None:
    """Make the layer's index now, so that no request waits for it."""
    if layer.geometry is Geometry.POINT:
        _index_of(snapshot.frames[layer.id])


def _index_of(frame: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], PointIndex]:
    """Positions of the rows that have a place, and the index over those."""
    return remember(frame, "nearest", _indexed)


def _indexed(frame: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], PointIndex]:
    return _indexed_rows(frame, frame.geometry.notna().to_numpy())


def _indexed_free(frame: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], PointIndex]:
    return _indexed_rows(frame, frame.geometry.notna().to_numpy() & wanted(frame, free_only=True))


def _indexed_rows(frame: gpd.GeoDataFrame, rows: NDArray[np.bool_]) -> tuple[NDArray[np.int64], PointIndex]:
    placed = np.flatnonzero(rows)
    points = frame.geometry.iloc[placed]
    return placed, index_points(np.asarray(points.x, dtype=float), np.asarray(points.y, dtype=float))
