"""Who answers for places: the duty holders of the towns and counties around them, in the columns that a caller may read."""

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from api.use._remember import remember
from api.use.access.places_on_roads import stands_of
from api.use.records import records
from layers._catalog import layer
from layers._store import Snapshot

_AREAS = ("towns", "counties")
_HOLDERS = "duty_holders"
_EVERY = "all"


def duty_of(snapshot: Snapshot, frame: gpd.GeoDataFrame, duty: str | None) -> list[list[dict[str, Any]]]:
    """For each feature those who answer for its town and county: for this duty or for all; without a duty, everybody."""
    if _HOLDERS not in snapshot.layers:
        return [[] for _ in range(len(frame))]
    by_area = remember(snapshot.frames[_HOLDERS], f"by area {snapshot.readable}", lambda rows: _by_area(rows, snapshot.readable))
    stands = stands_of(frame)
    codes: list[list[str]] = [[] for _ in range(len(frame))]
    known = np.flatnonzero(~np.isnan(stands.lon))
    points = shapely.points(stands.lon[known], stands.lat[known])
    for layer_id in _AREAS:
        areas = snapshot.frames[layer_id]
        names = [code if isinstance(code, str) else name for code, name in zip(areas["code"], areas["name"], strict=True)]
        at, row = areas.sindex.query(points, predicate="intersects") if len(areas) and len(known) else ((), ())
        for point, area_at in zip(at, row, strict=True):
            codes[known[point]].append(names[area_at])
    return [[one for code in of for one in by_area.get(code, ()) if duty is None or one["duty"] in (duty, _EVERY)] for of in codes]


def _by_area(rows: gpd.GeoDataFrame, sensitivities: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for code, name, one in zip(rows["area_code"], rows["area_name"], records(layer(_HOLDERS), rows, sensitivities), strict=True):
        for key in {each for each in (code, name) if isinstance(each, str)}:
            found.setdefault(key, []).append(one)
    return found
