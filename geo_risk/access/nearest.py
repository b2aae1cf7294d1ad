"""The nearest points to a place by exact geodesic distance, from an index over earth-centred coordinates.

Why it cannot miss. The tree measures chords: straight lines through the earth. For two points on the ellipsoid

    chord <= geodesic <= 2 R asin(chord / 2 R),    R = b^2 / a = 6,335,439 m

The left is plain. The right is Schur's theorem: no normal curvature of WGS84 exceeds 1/R (the meridian's at the
equator), so a geodesic bends nowhere more than a circle of radius R and its ends lie at least as far apart as that
circle's. So with c the k-th smallest chord, k points lie within g = 2 R asin(c / 2 R) along the ground; every point
of the true answer then does too, and its chord is at most g. Fetch all chords up to g, measure those few by
pyproj.Geod, sort: exact, antimeridian and poles included.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geo_risk.crs import GEOD, geodesic_m
from geo_risk.errors import ParameterError, shown

MAX_K: Final = 1000
MAX_RADIUS_M: Final = 500_000.0
_TIGHTEST_RADIUS_M: Final = GEOD.b**2 / GEOD.a
_ROUNDING_M: Final = 0.001  # above the rounding of earth-centred metres and of Geod together


@dataclass(frozen=True, eq=False)
class PointIndex:
    """Points by longitude, latitude in degrees on WGS84, and a tree over them; made by `index_points`."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    tree: Any

    def __len__(self) -> int:
        return len(self.lon)


@dataclass(frozen=True, eq=False)
class Nearest:
    """Answers sorted by distance, equal ones by position.

    ``positions`` count the points given to `index_points` from 0; ``distance_m`` is along the geodesic;
    ``bearing_deg`` is from the asker, 0 north, 90 east, and 0 where the asker stands on the point.
    """

    positions: NDArray[np.int64]
    distance_m: NDArray[np.float64]
    bearing_deg: NDArray[np.float64]


def index_points(lon: ArrayLike, lat: ArrayLike) -> PointIndex:
    """An index over points, for `nearest`. Building it over 200,000 points takes about 0.2 s.

    Parameters
    ----------
    lon, lat : array_like of float
        Degrees on WGS84, of one length, which may be 0.

    Raises
    ------
    ParameterError
        Lengths differ, or a coordinate is not finite or out of range.

    Examples
    --------
    >>> len(index_points([120.0, 120.1], [30.0, 30.0])), len(index_points([], []))
    (2, 0)
    """
    east, north = np.array(lon, dtype=float), np.array(lat, dtype=float)
    if east.ndim != 1 or east.shape != north.shape:
        raise ParameterError(
            "longitudes and latitudes differ in shape", where="index_points", expected="two arrays of one length",
            got=f"{east.shape} and {north.shape}", then="give one of each for every point",
        )
    _require_on_earth(east, north, "index_points")
    east.flags.writeable = north.flags.writeable = False
    return PointIndex(east, north, cKDTree(_earth_centred(east, north)))


def nearest(index: PointIndex, lon: float, lat: float, *, k: int, radius_m: float) -> Nearest:
    """The ``k`` nearest points within ``radius_m`` of a place, by exact geodesic distance.

    Parameters
    ----------
    index : PointIndex
    lon, lat : float
        The place, degrees on WGS84.
    k : int
        1 to 1,000.
    radius_m : float
        Metres along the ground, above 0, at most 500,000. A point just at it is in.

    Returns
    -------
    Nearest
        At most ``k`` answers; none is an answer too.

    Raises
    ------
    ParameterError
        The place is not on the earth, or ``k`` or ``radius_m`` is out of range.

    Examples
    --------
    >>> found = nearest(index_points([120.0, 120.1, 121.0], [30.0, 30.0, 30.0]), 120.02, 30.0, k=2, radius_m=20_000)
    >>> found.positions.tolist(), found.distance_m.round(-1).tolist(), found.bearing_deg.round().tolist()
    ([0, 1], [1930.0, 7720.0], [270.0, 90.0])
    """
    _require_limits(k, radius_m)
    _require_on_earth(np.array([lon], dtype=float), np.array([lat], dtype=float), "nearest")
    if not len(index):
        return Nearest(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0))
    asker = _earth_centred(np.array([lon], dtype=float), np.array([lat], dtype=float))[0]
    kth_chord = np.max(index.tree.query(asker, k=[min(k, len(index))])[0])
    reach_m = min(float(_longest_geodesic_m(kth_chord)), float(radius_m)) + _ROUNDING_M
    around = np.sort(np.asarray(index.tree.query_ball_point(asker, reach_m), dtype=np.int64))
    distance, bearing = _measured(np.full(len(around), lon), np.full(len(around), lat), index, around)
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] <= radius_m][:k]
    return Nearest(around[order], distance[order], bearing[order])


def nearest_m(index: PointIndex, lon: ArrayLike, lat: ArrayLike) -> NDArray[np.float64]:
    """Geodesic metres from each place to the nearest point, at any distance; nan from an empty index or an unknown place.

    >>> nearest_m(index_points([0.0, 180.0], [0.0, 0.0]), [179.0, float("nan")], [0.0, 0.0]).round().tolist()
    [111319.0, nan]
    """
    east, north = np.array(lon, dtype=float), np.array(lat, dtype=float)
    metres = np.full(east.shape, np.nan)
    known = np.flatnonzero(np.isfinite(east) & np.isfinite(north))
    if not len(index) or not len(known):
        return metres
    askers = _earth_centred(east[known], north[known])
    chords, _ = index.tree.query(askers)
    around = index.tree.query_ball_point(askers, _longest_geodesic_m(chords) + _ROUNDING_M)
    counts = np.array([len(found) for found in around])
    asker_at = np.repeat(known, counts)
    distance, _ = _measured(east[asker_at], north[asker_at], index, np.concatenate(around).astype(np.int64))
    metres[known] = np.minimum.reduceat(distance, np.cumsum(counts) - counts)
    return metres


def _measured(
    lon: NDArray[np.float64], lat: NDArray[np.float64], index: PointIndex, at: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    distance, bearing = geodesic_m(lon, lat, index.lon[at], index.lat[at])
    return distance, np.where(distance > 0, bearing, 0.0)


def _longest_geodesic_m(chord_m: ArrayLike) -> NDArray[np.float64]:
    """The longest way along the ground between two points that are a chord apart (see the module)."""
    return 2 * _TIGHTEST_RADIUS_M * np.arcsin(np.minimum(np.asarray(chord_m) / (2 * _TIGHTEST_RADIUS_M), 1.0))


def _earth_centred(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Earth-centred x, y, z in metres of points on the WGS84 ellipsoid, shape (n, 3)."""
    east, north = np.radians(lon), np.radians(lat)
    normal_m = GEOD.a / np.sqrt(1.0 - GEOD.es * np.sin(north) ** 2)
    from_axis_m = normal_m * np.cos(north)
    return np.column_stack([from_axis_m * np.cos(east), from_axis_m * np.sin(east), normal_m * (1.0 - GEOD.es) * np.sin(north)])


def _require_on_earth(lon: NDArray[np.float64], lat: NDArray[np.float64], where: str) -> None:
    wrong = ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ParameterError(
            "a coordinate is not on the earth", where=where, expected="longitude -180 to 180, latitude -90 to 90",
            got=f"longitude {shown(float(lon[at]))}, latitude {shown(float(lat[at]))}", then="check the order and the unit",
        )


def _require_limits(k: int, radius_m: float) -> None:
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MAX_K:
        raise ParameterError(
            "k is out of range", where="nearest", expected=f"a whole number, 1 to {MAX_K}", got=shown(k),
            then="ask for fewer or more",
        )
    if not 0 < radius_m <= MAX_RADIUS_M:
        raise ParameterError(
            "radius_m is out of range", where="nearest", expected=f"above 0, at most {MAX_RADIUS_M:.0f} metres",
            got=shown(radius_m), then="give metres",
        )
