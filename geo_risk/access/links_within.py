"""Which links come within a radius of a point, by geodesics: what a bound rules in or out is not measured."""

from typing import Final, NamedTuple

import numpy as np

from geo_risk.access.road_graph import Floats, Ints, RoadGraph
from geo_risk.crs import GEOD, geodesic_m

_FLATTEST_M, _TIGHTEST_M = GEOD.a**2 / GEOD.b, GEOD.b**2 / GEOD.a  # no radius of curvature of WGS84 lies outside these
_GOLDEN: Final = (5**0.5 - 1) / 2
_CUTS: Final = 60  # 0.618 ** 60 of a segment is below any rounding


class _Circle(NamedTuple):
    lon: float
    lat: float
    radius_m: float


def links_within(graph: RoadGraph, lon: float, lat: float, radius_m: float) -> Ints:
    """The links of which some point lies at most ``radius_m`` geodesic metres from a place, rising."""
    what = _Circle(lon, lat, radius_m)
    first, link = _segments(graph)
    near: Ints = _maybe_near(graph.points, first, what)
    first, link = first[near], link[near]
    tail, head = graph.points[first], graph.points[first + 1]
    radians = np.minimum(_angle(what, tail), _angle(what, head))
    inside = radians * _FLATTEST_M <= what.radius_m  # no need to measure these
    open_ = np.flatnonzero(~inside & ~np.isin(link, link[inside]))
    inside[open_] = _segment_m(what, tail[open_], head[open_]) <= what.radius_m
    return np.unique(link[inside])


def _segments(graph: RoadGraph) -> tuple[Ints, Ints]:
    """Each segment's first point, and its link."""
    link_of = np.repeat(np.arange(graph.links), np.diff(graph.point_at))
    first = np.flatnonzero(link_of[1:] == link_of[:-1])
    return first, link_of[first]


def _maybe_near(points: Floats, first: Ints, what: _Circle) -> Ints:
    """The segments that may come within the radius.

    No geodesic is shorter than the great circle between the same latitudes and longitudes on a sphere of the tightest
    radius of curvature, nor longer than on one of the flattest; and of a segment within the radius an end is no further
    than the radius and half the segment.
    """
    step = np.abs(np.diff(points, axis=0))[first]
    wide = np.minimum(step[:, 0], 360.0 - step[:, 0])
    reach_m = what.radius_m + _FLATTEST_M * np.radians(step[:, 1] + wide) / 2 + 1e-3
    away = np.abs(points[:, 1] - what.lat)
    level = np.flatnonzero(np.radians(np.minimum(away[first], away[first + 1])) * _TIGHTEST_M <= reach_m)
    at = first[level]
    radians = np.minimum(_angle(what, points[at]), _angle(what, points[at + 1]))
    return np.asarray(level[radians * _TIGHTEST_M <= reach_m[level]], dtype=np.int64)


def _angle(what: _Circle, points: Floats) -> Floats:
    """Radians of the great circle from the centre to points: the haversine formula."""
    east, north = np.radians(points[:, 0] - what.lon), np.radians(points[:, 1])
    across = np.sin(east / 2) ** 2 * np.cos(north) * np.cos(np.radians(what.lat))
    return np.asarray(2 * np.arcsin(np.sqrt(np.minimum(np.sin((north - np.radians(what.lat)) / 2) ** 2 + across, 1.0))))


def _segment_m(what: _Circle, tail: Floats, head: Floats) -> Floats:
    """Geodesic metres from the centre to geodesic segments: the nearer end, or where a golden section finds a nearer point.

    The distance to a point that moves along a geodesic falls and then rises, as far as radii here go. A segment of length
    s whose ends are a and b away comes no nearer than (a + b - s) / 2, so most segments need no search.
    """
    metres = np.minimum(_metres(what, *tail.T), _metres(what, *head.T))
    length, bearing = geodesic_m(*tail.T, *head.T)
    bound = (_metres(what, *tail.T) + _metres(what, *head.T) - length) / 2
    open_ = np.flatnonzero((metres > what.radius_m) & (bound <= what.radius_m))
    lon, lat, low, high = *tail[open_].T, np.zeros(len(open_)), length[open_]
    for _ in range(_CUTS if len(open_) else 0):
        one, other = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        falls = _along(what, lon, lat, bearing[open_], one) > _along(what, lon, lat, bearing[open_], other)
        low, high = np.where(falls, one, low), np.where(falls, high, other)
    metres[open_] = np.minimum(metres[open_], _along(what, lon, lat, bearing[open_], (low + high) / 2))
    return metres


def _along(what: _Circle, lon: Floats, lat: Floats, bearing: Floats, metres: Floats) -> Floats:
    east, north, _ = GEOD.fwd(lon, lat, bearing, metres)
    return _metres(what, np.asarray(east), np.asarray(north))


def _metres(what: _Circle, lon: Floats, lat: Floats) -> Floats:
    return geodesic_m(np.full(len(lon), what.lon), np.full(len(lat), what.lat), lon, lat)[0]
