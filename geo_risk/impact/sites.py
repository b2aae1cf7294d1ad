"""Which site of an event set speaks for each asset: the nearest, by a named distance, within a reach."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geo_risk.chunks import over_spans, spans
from geo_risk.crs import GEOD, geodesic_m
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.grid import Cells, Numbers
from geo_risk.impact.events import BEYOND_REACH, NOWHERE, EventSet

REACH_M: Final = 100_000.0
_SPHERE_M: Final = 6_371_000.0
_DEGREE_M: Final = 111_120.0
_TIGHTEST_RADIUS_M: Final = GEOD.b**2 / GEOD.a
_ROUNDING_M: Final = 0.001
_SPAN: Final = 1 << 17


def assets_to_sites(
    events: EventSet, lon: ArrayLike, lat: ArrayLike, *, reach_m: float = REACH_M, metric: str = "geodesic"
) -> Cells:
    """The site nearest to each asset.

    ========= =======================================================================================================
    metric    distance
    ========= =======================================================================================================
    geodesic  on the ellipsoid (pyproj.Geod)
    haversine on a sphere of 6,371 km (CLIMADA, ``distance="haversine"``; its threshold was 100 km)
    degrees   in longitude and latitude as on a plane, a degree taken as 111.12 km (CLIMADA's default)
    ========= =======================================================================================================

    Of sites equally near (to a micrometre) the western one is taken, then the southern one: the order of sites and assets
    does not matter. How the search cannot miss: see `geo_risk.points`.

    Parameters
    ----------
    events : EventSet
    lon, lat : array_like of float, shape (assets,)
        Degrees on WGS84; nan is an asset whose place nobody knows.
    reach_m : float
        An asset farther than this from every site has none; a site just at it is taken.
    metric : str

    Returns
    -------
    ndarray of int64
        A site, or ``BEYOND_REACH`` (-1), or ``NOWHERE`` (-2) for an unknown place.

    Raises
    ------
    ParameterError
        Shapes differ, a place is not on the earth, the reach is not above 0, or an unknown metric.

    Examples
    --------
    >>> from scipy import sparse
    >>> from geo_risk.impact.events import event_set
    >>> storms = event_set([120.0, 121.0], [30.0, 30.0], sparse.csr_matrix([[30.0, 0.0]]), [0.1])
    >>> assets_to_sites(storms, [120.2, 120.9, 120.5, 125.0, np.nan], [30.0, 30.1, 30.0, 30.0, 30.0]).tolist()
    [0, 1, 0, -1, -2]
    """
    east, north = np.array(lon, dtype=np.float64), np.array(lat, dtype=np.float64)
    _require_asked(east, north, reach_m, metric)
    rule = METRICS[metric]
    tree = cKDTree(rule.embed(events.lon, events.lat)) if events.sites else None
    found = np.full(east.shape, NOWHERE, dtype=np.int64)
    known = np.flatnonzero(np.isfinite(east) & np.isfinite(north))

    def span(part: slice) -> None:
        some = known[part]
        found[some] = BEYOND_REACH if tree is None else _nearest(rule, tree, events, east[some], north[some], reach_m)

    over_spans(span, spans(len(known), _SPAN))
    return found


class _Metric(NamedTuple):
    """Places as points whose straight distance is at most the metric's; the most it is for a straight one; the metric."""

    embed: Callable[[Numbers, Numbers], Numbers]
    longest: Callable[[Numbers], Numbers]
    measure: Callable[[Numbers, Numbers, Numbers, Numbers], Numbers]


def _nearest(rule: _Metric, tree: cKDTree, events: EventSet, lon: Numbers, lat: Numbers, reach_m: float) -> Cells:
    """The nearest by the tree alone where no other site and no reach comes between straight and measured distance."""
    places = rule.embed(lon, lat)
    straight, site = tree.query(places, k=[1, 2])  # a lone site has no second: infinitely far
    longest = rule.longest(straight[:, 0]) + _ROUNDING_M
    found = np.where(straight[:, 0] <= reach_m, site[:, 0], BEYOND_REACH).astype(np.int64)
    doubtful = (straight[:, 1] <= longest) | ((straight[:, 0] <= reach_m) & (longest > reach_m))
    at = np.flatnonzero(doubtful)
    if len(at):
        found[at] = _measured(rule, tree, events, lon[at], lat[at], (places[at], longest[at]), reach_m)
    return found


def _measured(
    rule: _Metric, tree: cKDTree, events: EventSet, lon: Numbers, lat: Numbers, ball: tuple[Numbers, Numbers], reach_m: float
) -> Cells:
    """The nearest by measuring every site that could be it."""
    around = tree.query_ball_point(*ball)
    asker = np.repeat(np.arange(len(lon)), [len(sites) for sites in around])
    site = np.concatenate(around).astype(np.int64)
    distance = rule.measure(lon[asker], lat[asker], events.lon[site], events.lat[site])
    order = np.lexsort((events.lat[site], events.lon[site], distance.round(6), asker))
    first = order[np.searchsorted(asker[order], np.arange(len(lon)))]
    return np.where(distance[first] <= reach_m, site[first], BEYOND_REACH)


def _on_ellipsoid(lon: Numbers, lat: Numbers) -> Numbers:
    normal_m = GEOD.a / np.sqrt(1.0 - GEOD.es * np.sin(np.radians(lat)) ** 2)
    return _turned(lon, lat, normal_m, normal_m * (1.0 - GEOD.es))


def _on_sphere(lon: Numbers, lat: Numbers) -> Numbers:
    return _turned(lon, lat, np.full(len(lon), _SPHERE_M), np.full(len(lon), _SPHERE_M))


def _turned(lon: Numbers, lat: Numbers, across_m: Numbers, along_m: Numbers) -> Numbers:
    east, north = np.radians(lon), np.radians(lat)
    from_axis_m = across_m * np.cos(north)
    return np.column_stack([from_axis_m * np.cos(east), from_axis_m * np.sin(east), along_m * np.sin(north)])


def _on_plane(lon: Numbers, lat: Numbers) -> Numbers:
    return np.column_stack([lon, lat]) * _DEGREE_M


def _arc(radius_m: float) -> Callable[[Numbers], Numbers]:
    return lambda straight: 2 * radius_m * np.arcsin(np.minimum(straight / (2 * radius_m), 1.0))


def _geodesic_m(lon: Numbers, lat: Numbers, to_lon: Numbers, to_lat: Numbers) -> Numbers:
    return geodesic_m(lon, lat, to_lon, to_lat)[0]


def _haversine_m(lon: Numbers, lat: Numbers, to_lon: Numbers, to_lat: Numbers) -> Numbers:
    """2 R asin(sqrt(h)), h = sin^2(dlat / 2) + cos(lat) cos(to_lat) sin^2(dlon / 2)."""
    east, north, to_east, to_north = (np.radians(angle) for angle in (lon, lat, to_lon, to_lat))
    h = np.sin((to_north - north) / 2) ** 2 + np.cos(north) * np.cos(to_north) * np.sin((to_east - east) / 2) ** 2
    return np.asarray(2 * _SPHERE_M * np.arcsin(np.sqrt(np.minimum(h, 1.0))), dtype=float)


def _planar_m(lon: Numbers, lat: Numbers, to_lon: Numbers, to_lat: Numbers) -> Numbers:
    return np.asarray(np.hypot(to_lon - lon, to_lat - lat) * _DEGREE_M, dtype=float)


def _require_asked(lon: Numbers, lat: Numbers, reach_m: float, metric: str) -> None:
    where = "assets_to_sites"
    if metric not in METRICS:
        raise ParameterError("no such metric", where=where, expected=", ".join(METRICS), got=shown(metric), then="name one")
    if not reach_m > 0:
        raise ParameterError("reach_m is out of range", where=where, expected="above 0, metres", got=shown(reach_m))
    if lon.ndim != 1 or lon.shape != lat.shape:
        raise ParameterError(
            "longitudes and latitudes differ in shape", where=where, expected="two arrays of one length",
            got=f"{lon.shape} and {lat.shape}", then="give one of each for every asset",
        )
    wrong: NDArray[np.bool_] = (np.abs(lon) > 180.0) | (np.abs(lat) > 90.0)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ParameterError(
            "a coordinate is not on the earth", where=where, expected="longitude -180 to 180, latitude -90 to 90",
            got=f"longitude {shown(float(lon[at]))}, latitude {shown(float(lat[at]))}", then="check the order and the unit",
        )


METRICS: Final[Mapping[str, _Metric]] = MappingProxyType({
    "geodesic": _Metric(_on_ellipsoid, _arc(_TIGHTEST_RADIUS_M), _geodesic_m),
    "haversine": _Metric(_on_sphere, _arc(_SPHERE_M), _haversine_m),
    "degrees": _Metric(_on_plane, lambda straight: straight, _planar_m),
})
