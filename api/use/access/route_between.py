"""The way from one place to another: legs, geometry, and how it differs from the way on open roads."""

from typing import Any, Final

import numpy as np

from api.use.access.nearby_by_road import in_the_way
from api.use.access.places_on_roads import point_on_roads
from api.use.access.roads_now import RoadsNow
from api.use.access.said import compared, roads_said
from geo_risk.access.road_graph import Floats
from geo_risk.access.routes import Leg, Route, route
from geo_risk.access.travel import OnRoad
from geo_risk.crs import geodesic_m, sphere_m, wind
from maps.words import in_each_language

_DIGITS: Final = 6


def route_between(roads: RoadsNow, origin: tuple[float, float], destination: tuple[float, float]) -> dict[str, Any]:
    """The way now and the way were all roads open; ``now`` is None where there is none, and says why."""
    now_from, free_from = point_on_roads(roads, *origin)
    now_to, free_to = point_on_roads(roads, *destination)
    now, free = route(roads.now, now_from, now_to), route(roads.free, free_from, free_to)
    return {
        **roads_said(roads),
        "from": _place(origin, now_from),
        "to": _place(destination, now_to),
        **compared(np.inf if now is None else now.seconds, np.inf if free is None else free.seconds),
        "now": now and route_said(now),
        "open": free and route_said(free),
        "in_the_way": in_the_way(roads, free_from, free_to) if _differs(now, free) else [],
        "straight_m": round(float(geodesic_m(*(np.array([value]) for value in (*origin, *destination)))[0][0]), 1),
    }


def route_said(way: Route) -> dict[str, Any]:
    """A route as plain values: its line as GeoJSON, its legs by road; metres are geodesic."""
    return {
        "minutes": round(way.seconds / 60, 2),
        "metres": round(way.metres, 1),
        "metres_on_sphere": round(_on_sphere_m(way.points), 1),
        "walk_to_road_m": round(way.walk_from_m, 1),
        "walk_from_road_m": round(way.walk_to_m, 1),
        "legs": [_leg(leg) for leg in way.legs],
        "geometry": {"type": "LineString", "coordinates": np.round(way.points, _DIGITS).tolist()} if len(way.points) else None,
    }


def _on_sphere_m(points: Floats) -> float:
    """The length that a router would print which takes the earth for a ball."""
    return float(sphere_m(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1]).sum())


def _leg(leg: Leg) -> dict[str, Any]:
    return {
        "name": leg.name,
        "road_class": leg.road_class,
        "road": leg.feature_id,
        "bridge": leg.bridge,
        "metres": round(leg.metres, 1),
        "minutes": round(leg.seconds / 60, 2),
        "bearing_deg": round(leg.bearing_deg, 1),
        "direction": in_each_language(f"wind.{wind(leg.bearing_deg)}"),
        "points": [leg.first, leg.last],
    }


def _place(place: tuple[float, float], there: OnRoad) -> dict[str, Any]:
    reached = bool(there.link[0] >= 0)
    return {
        "lon": place[0],
        "lat": place[1],
        "on_road": [round(float(there.lon[0]), _DIGITS), round(float(there.lat[0]), _DIGITS)] if reached else None,
        "walk_m": round(float(there.walk_m[0]), 1) if reached else None,
    }


def _differs(now: Route | None, free: Route | None) -> bool:
    return now is None or free is None or abs(now.cost - free.cost) > 1e-6
