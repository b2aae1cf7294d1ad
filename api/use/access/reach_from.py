"""How far one gets from a place, or who gets to it, in bands of minutes: ground to draw; people and facilities by their time."""

from collections.abc import Sequence
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from api.use._remember import remember_few
from api.use.access.groups import Groups
from api.use.access.places_on_roads import on_roads, point_on_roads, stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import minutes, roads_said
from api.use.records import geojson
from geo_risk.access.reach import BEYOND, Arrivals, Reach, arrivals, people_by_time, reach
from geo_risk.access.travel import OnRoad, Travel
from layers._layer import Layer
from layers._store import Snapshot

BESIDE_M: Final = 300.0
"""Ground on either side of a reached road that is drawn as reached."""
_GRID_DEG: Final = 1e-6
_NAMED: Final = 200


def reach_from(
    snapshot: Snapshot,
    roads: RoadsNow,
    lon: float,
    lat: float,
    bands_min: Sequence[float],
    *,
    people: Groups,
    facilities: tuple[Layer, ...],
    towards: bool,
    beside_m: float = BESIDE_M,
) -> dict[str, Any]:
    """GeoJSON, a feature a band: its ground, road kilometres, and who and what is reached within it, now and on open roads."""
    now_at, free_at = point_on_roads(roads, lon, lat)
    bands_s = [60.0 * each for each in bands_min]
    now = _reached(roads, roads.now, now_at, bands_s, towards, beside_m)
    free = _reached(roads, roads.free, free_at, bands_s, towards, beside_m)
    frame = people.frame
    by_band = [
        people_by_time(arrivals(travel, found, places, placed=_placed(frame)), people.people)
        for travel, found, places in zip((roads.now, roads.free), (now, free), on_roads(roads, frame), strict=True)
    ]
    there = [_facilities(snapshot, roads, layer, now, free) for layer in facilities]
    features = [
        {
            "type": "Feature",
            "id": f"{bands_min[number]:g}",
            "geometry": geojson(shapely.set_precision(band.ground, _GRID_DEG)),
            "properties": {
                "minutes": bands_min[number],
                "road_km": round(band.road_m / 1000, 2),
                "road_km_open": round(free.bands[number].road_m / 1000, 2),
                "ground_km2": round(band.ground_m2 / 1e6, 3),
                "people": _sum(by_band[0]["people"].to_numpy()[: number + 1]),
                "people_open": _sum(by_band[1]["people"].to_numpy()[: number + 1]),
                "facilities": {each["layer"]: sum(each["by_band"][: number + 1]) for each in there},
            },
        }
        for number, band in enumerate(now.bands)
    ]
    return {
        "type": "FeatureCollection",
        **roads_said(roads),
        "from": {"lon": lon, "lat": lat, "walk_m": round(float(now_at.walk_m[0]), 1) if now_at.link[0] >= 0 else None},
        "towards": towards,
        "rule": {"id": now.rule.id, "chosen": now.rule.chosen, "beside_m": beside_m},
        "people": {"layer": people.id, "by_band": _rows(by_band[0]), "by_band_open": _rows(by_band[1])},
        "facilities": there,
        "features": features,
    }


def _reached(
    roads: RoadsNow, travel: Travel, seeds: OnRoad, bands_s: list[float], towards: bool, beside_m: float
) -> Reach:
    key = (seeds.link.tobytes(), seeds.along.tobytes(), seeds.walk_m.tobytes(), tuple(bands_s), towards, beside_m)
    return remember_few(
        travel, "reach", key, lambda owner: reach(owner, roads.index, seeds, bands_s, beside_m=beside_m, towards=towards), most=4
    )


def _placed(frame: gpd.GeoDataFrame) -> np.ndarray:
    return ~np.isnan(stands_of(frame).lon)


def _facilities(snapshot: Snapshot, roads: RoadsNow, layer: Layer, now: Reach, free: Reach) -> dict[str, Any]:
    """Features of a layer by band, and those reached, the soonest first."""
    frame = snapshot.frames[layer.id]
    stands, places = stands_of(frame), on_roads(roads, frame)
    found, before = arrivals(roads.now, now, places[0]), arrivals(roads.free, free, places[1])
    within = np.flatnonzero(found.band < found.names.index(BEYOND))
    order = within[np.argsort(found.seconds[within], kind="stable")][:_NAMED]
    return {
        "layer": layer.id,
        "by_band": _counts(found),
        "by_band_open": _counts(before),
        "items": [
            {
                "id": stands.ids[at],
                "name": stands.names[at],
                "minutes": minutes(float(found.seconds[at])),
                "minutes_open": minutes(float(before.seconds[at])),
            }
            for at in order.tolist()
        ],
    }


def _counts(found: Arrivals) -> list[int]:
    return [int(count) for count in np.bincount(found.band, minlength=len(found.names))]


def _rows(by_band: Any) -> list[dict[str, Any]]:
    return [{"band": name, **{key: _sum([value]) for key, value in row.items()}} for name, row in by_band.to_dict("index").items()]


def _sum(values: Any) -> int | float:
    total = float(np.sum(values))
    return int(total) if total.is_integer() else total
