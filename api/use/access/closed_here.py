"""Closing a road at a tap on the map: the point of the road next to it, a small circle there, and the stretches that it shuts.

A circle stays where it is when the roads are read anew; the number of a part of a road would mean another stretch then.
"""

from typing import Any, Final

import numpy as np
import shapely

from api.use.access.roads_now import RoadsNow, require_roads
from api.use.records import geojson
from geo_risk.access.link_lines import lines_of_links
from geo_risk.access.links_within import links_within
from geo_risk.access.road_graph import Mask, RoadGraph
from geo_risk.access.road_index import nearest_links
from geo_risk.errors import NotFound

RADIUS_M: Final = 3.0
_REACH_M: Final = 500.0
_FROM_JUNCTION_M: Final = 6.0
"""Nearer to a junction the circle would shut the roads that meet there."""
_DIGITS: Final = 7


def closed_here(roads: RoadsNow, lon: float, lat: float, road: str | None = None) -> dict[str, Any]:
    """The circle that closes the road next to a place, or the named one, and what it shuts; `NotFound` over 500 m away."""
    graph = roads.graph
    link, along, metres, to_lon, to_lat = (each[0] for each in nearest_links(roads.index, _of(graph, road), [lon], [lat], _REACH_M))
    if link < 0:
        raise NotFound(
            "no road is here", where="lon, lat", expected=f"a road within {_REACH_M:g} m", got="none",
            then="name a place nearer to one",
        )
    at_lon, at_lat = _off_junction(graph, int(link), float(along), (float(to_lon), float(to_lat)))
    shut = links_within(graph, at_lon, at_lat, RADIUS_M)
    return {
        "circle": {"lon": at_lon, "lat": at_lat, "radius_m": RADIUS_M},
        "road": graph.feature_ids[int(graph.feature[link])],
        "name": graph.name(int(link)),
        "distance_m": round(float(metres), 1),
        "metres": round(float(graph.length_m[shut].sum()), 1),
        "shuts": [_stretch(graph, each) for each in shut.tolist()],
        "lines": geojson(shapely.MultiLineString(list(lines_of_links(graph, shut)))),
    }


def _stretch(graph: RoadGraph, link: int) -> dict[str, Any]:
    return {"id": graph.link_id(link), "name": graph.name(link), "metres": round(float(graph.length_m[link]), 1)}


def _of(graph: RoadGraph, road: str | None) -> Mask:
    if road is None:
        return np.ones(graph.links, dtype=np.bool_)
    require_roads(graph, (road,), "road")
    if road not in graph.feature_ids:
        road = road.rpartition("#")[0]
    return np.asarray(graph.feature == graph.feature_ids.index(road))


def _off_junction(graph: RoadGraph, link: int, along: float, nearest: tuple[float, float]) -> tuple[float, float]:
    """The nearest point, or where it is next to an end of the link a point a few metres along; of a short link its middle."""
    off = min(_FROM_JUNCTION_M / max(float(graph.length_m[link]), 1e-9), 0.5)
    share = min(max(along, off), 1 - off)
    if share == along:
        lon, lat = nearest
    else:
        (line,) = lines_of_links(graph, np.array([link]))
        moved = shapely.line_interpolate_point(line, share, normalized=True)
        lon, lat = shapely.get_x(moved), shapely.get_y(moved)
    return round((lon + 180) % 360 - 180, _DIGITS), round(lat, _DIGITS)
