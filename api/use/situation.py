"""One answer for one place: its risk and why, what is nearest, who must be called, how old the data are."""

from dataclasses import asdict
from typing import Any

import geopandas as gpd

from api.use.assessments import Assessed, place_answer
from api.use.items import one
from api.use.nearby import nearest_of
from api.use.records import called, records
from layers._layer import Geometry
from layers._store import Snapshot

NEAREST_LAYERS = ("shelters", "rescue_teams", "helipads")
_HOLDERS = "duty_holders"
_RADIUS_M = 100_000.0
_K = 3


def situation(snapshot: Snapshot, assessed: Assessed, layer_id: str, fid: str) -> dict[str, Any]:
    """The situation at a feature. Distances run from the point, or from a point surely inside the line or area."""
    found = one(snapshot, layer_id, fid)
    properties = records(snapshot.layer(layer_id), found, snapshot.readable)[0]
    geometry = found.geometry.iloc[0]
    at = None if geometry is None or geometry.is_empty else geometry.representative_point()
    place = {
        "id": fid,
        "layer": layer_id,
        "name": called(properties, fid),
        "properties": properties,
        "lon": at and at.x,
        "lat": at and at.y,
    }
    risk = assessed.area(fid)
    return {
        "place": place,
        "revision": snapshot.revision,
        "risk": place_answer(risk) if risk is not None else None,
        **help_at(snapshot, at, _area_codes(snapshot, layer_id, found)),
    }


def help_at(snapshot: Snapshot, at: Any, codes_and_names: set[str]) -> dict[str, Any]:
    """What is nearest to a point, or nothing without one; who answers for it; how old the data are."""
    return {
        "nearest": {
            each: [
                asdict(near)
                for near in nearest_of(snapshot, snapshot.layer(each), at.x, at.y, radius_m=_RADIUS_M, k=_K)
            ]
            if at
            else []
            for each in NEAREST_LAYERS
            if each in snapshot.layers
        },
        "contacts": contacts(snapshot, codes_and_names),
        "updated_at": {each: snapshot.updated_at(each) for each in snapshot.layers if snapshot.updated_at(each)},
    }


def contacts(snapshot: Snapshot, codes_and_names: set[str]) -> list[dict[str, Any]]:
    """The duty holders of the areas with these codes or names, readable columns only."""
    if _HOLDERS not in snapshot.layers:
        return []
    holders = snapshot.frames[_HOLDERS]
    answers_for = holders["area_code"].isin(codes_and_names) | holders["area_name"].isin(codes_and_names)
    return records(snapshot.layer(_HOLDERS), holders[answers_for], snapshot.readable)


def _area_codes(snapshot: Snapshot, layer_id: str, found: gpd.GeoDataFrame) -> set[str]:
    """Codes (or names, where an area has no code) of the feature itself or of the towns and counties around it."""
    geometry = found.geometry.iloc[0]
    if snapshot.layer(layer_id).geometry is Geometry.AREA and "code" in found:
        return _codes(found)
    if geometry is None or geometry.is_empty:
        return set()
    return codes_at(snapshot, geometry.representative_point())


def codes_at(snapshot: Snapshot, point: Any) -> set[str]:
    """Codes (or names, where an area has no code) of the towns and counties around a point."""
    return {code for each in ("towns", "counties") for code in _codes(_around(snapshot.frames[each], point))}


def _around(areas: gpd.GeoDataFrame, point: Any) -> gpd.GeoDataFrame:
    return areas.iloc[areas.sindex.query(point, predicate="intersects")] if len(areas) else areas


def _codes(areas: gpd.GeoDataFrame) -> set[str]:
    return set(areas["code"].dropna()) or set(areas["name"].dropna())
