"""What is near by road: the features that are reached first, how long it takes now and took before, and what is in the way."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from api.use.access.places_on_roads import on_roads, point_on_roads, stands_of
from api.use.access.roads_now import RoadsNow
from api.use.access.said import compared, roads_said
from api.use.nearby import Near, free_places, nears, wanted
from api.use.situation import NEAREST_LAYERS
from geo_risk.access.routes import route
from geo_risk.access.travel import OnRoad, Travel, cost_at, spread
from geo_risk.crs import geodesic_m
from layers._layer import Layer
from layers._store import Snapshot

Floats = NDArray[np.float64]
_HELP_MIN, _HELPERS = 240.0, 3
_EXPLAINED: Final = 5
"""Answers for which what is in the way of the direct road is looked up."""


@dataclass(frozen=True, kw_only=True)
class NearByRoad:
    """One feature, and how it is reached: ``road`` holds minutes now and with all roads open, metres, walks, what blocks."""

    near: Near
    road: dict[str, Any]

    def as_item(self) -> dict[str, Any]:
        """The item as ``/nearby`` gives it."""
        return asdict(self.near) | {"road": self.road}


def nearby_by_road(
    snapshot: Snapshot,
    roads: RoadsNow,
    lon: float,
    lat: float,
    layers: tuple[Layer, ...],
    *,
    limit_min: float,
    k: int,
    free_only: bool,
) -> tuple[NearByRoad, ...]:
    """The ``k`` features of the layers that are reached first from a place within the minutes, by the roads as they are now.

    ``free_only`` leaves out what is known to be closed or out, and shelters that are known to have no free place.
    """
    now_at, free_at = point_on_roads(roads, lon, lat)
    limit_s = limit_min * 60.0
    found: list[NearByRoad] = []
    for each in layers:
        frame = snapshot.frames[each.id]
        now_s = _seconds(roads.now, now_at, on_roads(roads, frame)[0], limit_s)
        now_s[~wanted(frame, free_only)] = math.inf
        order = np.argsort(now_s, kind="stable")[:k]
        picked = order[np.isfinite(now_s[order])]
        found += _items(roads, each, frame, picked, now_s[picked], (lon, lat), (now_at, free_at), snapshot.readable)
    found.sort(key=lambda item: (item.road["seconds"], item.near.layer, item.near.id))
    explained = [_explained(roads, item, free_at, snapshot) for item in found[:k][:_EXPLAINED]]
    return (*explained, *found[:k][_EXPLAINED:])


def help_by_road(snapshot: Snapshot, roads: RoadsNow | None, lon: float | None, lat: float | None) -> dict[str, Any]:
    """The first open shelters with free places, ready teams and open helipads by the roads as they are; nothing without roads."""
    said = roads_said(roads)
    if roads is None or lon is None or lat is None:
        return {**said, "nearest": {}}
    return {
        **said,
        "nearest": {
            each: [
                item.as_item()
                for item in nearby_by_road(
                    snapshot, roads, lon, lat, (snapshot.layer(each),), limit_min=_HELP_MIN, k=_HELPERS, free_only=True,
                )
            ]
            for each in NEAREST_LAYERS
            if each in snapshot.layers
        },
    }  # fmt: skip


def _seconds(travel: Travel, asker: OnRoad, places: OnRoad, limit_s: float) -> Floats:
    found = spread(travel, asker, towards=False, limit=limit_s)
    return cost_at(travel, found, asker, places, towards=False)[0]


def _items(
    roads: RoadsNow, of: Layer, frame: gpd.GeoDataFrame, picked: NDArray[np.int64], now_s: Floats,
    place: tuple[float, float], asker: tuple[OnRoad, OnRoad], sensitivities: tuple[str, ...],
) -> list[NearByRoad]:  # fmt: skip
    now_places, free_places_on = (each.take(picked) for each in on_roads(roads, frame))
    free_s = _seconds(roads.free, asker[1], free_places_on, math.inf)
    stands = stands_of(frame)
    there = stands.lon[picked], stands.lat[picked]
    distance, bearing = geodesic_m(np.full(len(picked), place[0]), np.full(len(picked), place[1]), *there)
    left = free_places(frame)[picked]
    items = nears(of, frame.iloc[picked], distance, np.where(distance > 0, bearing, 0.0), sensitivities)
    return [
        NearByRoad(
            near=near,
            road={
                "seconds": round(float(seconds), 1),
                **compared(float(seconds), float(open_s)),
                "walk_to_road_m": round(float(asker[0].walk_m[0]), 1),
                "walk_from_road_m": round(float(walk), 1),
                "free_places": None if math.isnan(free) else int(free),
            },
        )
        for near, seconds, open_s, walk, free in zip(items, now_s, free_s, now_places.walk_m, left, strict=True)
    ]


def _explained(roads: RoadsNow, item: NearByRoad, free_at: OnRoad, snapshot: Snapshot) -> NearByRoad:
    """With the closures that lie on the way that would be taken if all roads were open, where that is the shorter one."""
    road = item.road
    if road["minutes"] == road["minutes_open"]:
        return item
    frame = snapshot.frames[item.near.layer]
    place = on_roads(roads, frame)[1].take([frame.index.get_loc(item.near.id)])
    return NearByRoad(near=item.near, road=road | {"in_the_way": in_the_way(roads, free_at, place)})


def in_the_way(roads: RoadsNow, origin: OnRoad, destination: OnRoad) -> list[dict[str, str]]:
    """The closures on the best way of the open network, in the order of the list."""
    way = route(roads.free, origin, destination)
    if way is None:
        return []
    titles = {closure.id: closure.title for closure in roads.closures}
    return [
        {"id": effect.closure, "title": titles.get(effect.closure, ""), "cause": effect.cause}
        for effect in roads.honoured
        if np.isin(way.links, effect.links).any()
    ]
