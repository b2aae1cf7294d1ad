"""Points by longitude, latitude, ready to be searched by distance along the ground.

Why a search cannot miss. The tree measures chords: straight lines through the earth. For two points on the ellipsoid

    chord <= geodesic <= 2 R asin(chord / 2 R),    R = b^2 / a = 6,335,439 m

The left is plain. The right is Schur's theorem: no normal curvature of WGS84 exceeds 1/R (the meridian's at the
equator), so a geodesic bends nowhere more than a circle of radius R and its ends lie at least as far apart as that
circle's. So with c the k-th smallest chord, k points lie within g = 2 R asin(c / 2 R) along the ground; every point
of the true answer then does too, and its chord is at most g. Fetch all chords up to g, measure those few along the
ground, sort: exact, antimeridian and poles included.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from geo_risk.crs import GEOD, geodesic_m
from geo_risk.errors import ParameterError, shown

MAX_RADIUS_M: Final = 500_000.0
ROUNDING_M: Final = 0.001
"""Above the rounding of earth-centred metres and of Geod together."""
_TIGHTEST_RADIUS_M: Final = GEOD.b**2 / GEOD.a
_INTERLEAVING: Final = tuple(
    (np.uint64(shift), np.uint64(mask))
    for shift, mask in (
        (16, 0x0000FFFF0000FFFF), (8, 0x00FF00FF00FF00FF), (4, 0x0F0F0F0F0F0F0F0F), (2, 0x3333333333333333),
        (1, 0x5555555555555555),
    )
)


@dataclass(frozen=True, eq=False)
class Spots:
    """Each place where points stand, once and in the order of `along_curve`; a thousand points on one spot cost no search.

    ``centred`` its earth-centred metres, shape (spots, 3); the points on spot s are ``members[first[s]:first[s + 1]]``.
    """

    centred: NDArray[np.float64]
    tree: Any
    first: NDArray[np.int64]
    members: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.centred)


@dataclass(frozen=True, eq=False)
class PointIndex:
    """Points by longitude, latitude in degrees on WGS84, and a tree over them; made by `index_points`."""

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    tree: Any

    def __len__(self) -> int:
        return len(self.lon)

    @cached_property
    def spots(self) -> Spots:
        """The points by spot, made when first asked for: for many questions at once."""
        order = np.lexsort((self.lat, self.lon, along_curve(self.lon, self.lat)))
        east, north = self.lon[order], self.lat[order]
        fresh = np.ones(len(order), dtype=bool)
        fresh[1:] = (np.diff(east) != 0) | (np.diff(north) != 0)
        first = np.append(np.flatnonzero(fresh), len(order)).astype(np.int64)
        centred = np.ascontiguousarray(self.tree.data[order[fresh]])
        return Spots(centred, cKDTree(centred), first, order.astype(np.int64))


def index_points(lon: ArrayLike, lat: ArrayLike) -> PointIndex:
    """An index over points, for `nearest_m` and `geo_risk.access.nearest`. Over 200,000 points it takes about 0.2 s.

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
    require_on_earth(east, north, "index_points")
    east.flags.writeable = north.flags.writeable = False
    return PointIndex(east, north, cKDTree(earth_centred(east, north)))


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
    askers = earth_centred(east[known], north[known])
    chords, _ = index.tree.query(askers)
    around = index.tree.query_ball_point(askers, longest_geodesic_m(chords) + ROUNDING_M)
    counts = np.array([len(found) for found in around])
    asker_at = np.repeat(known, counts)
    distance, _ = measured(east[asker_at], north[asker_at], index, np.concatenate(around).astype(np.int64))
    metres[known] = np.minimum.reduceat(distance, np.cumsum(counts) - counts)
    return metres


def measured(
    lon: NDArray[np.float64], lat: NDArray[np.float64], index: PointIndex, at: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Geodesic metres and bearings from places to points of an index, pair by pair; 0 where one stands on the point."""
    distance, bearing = geodesic_m(lon, lat, index.lon[at], index.lat[at])
    return distance, np.where(distance > 0, bearing, 0.0)


def longest_geodesic_m(chord_m: ArrayLike) -> NDArray[np.float64]:
    """The longest way along the ground between two points that are a chord apart (see the module)."""
    return 2 * _TIGHTEST_RADIUS_M * np.arcsin(np.minimum(np.asarray(chord_m) / (2 * _TIGHTEST_RADIUS_M), 1.0))


def earth_centred(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Earth-centred x, y, z in metres of points on the WGS84 ellipsoid, shape (n, 3)."""
    east, north = np.radians(lon), np.radians(lat)
    normal_m = GEOD.a / np.sqrt(1.0 - GEOD.es * np.sin(north) ** 2)
    from_axis_m = normal_m * np.cos(north)
    return np.column_stack([from_axis_m * np.cos(east), from_axis_m * np.sin(east), normal_m * (1.0 - GEOD.es) * np.sin(north)])


def along_curve(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.uint64]:
    """A number for each point on the earth, near for most points that are near: longitude and latitude bit by bit (Morton).

    >>> np.argsort(along_curve(np.array([9.0, -9.0, 9.1]), np.array([9.0, -9.0, 9.1]))).tolist()
    [1, 0, 2]
    """
    return _every_other_bit(lon / 360.0 + 0.5) | (_every_other_bit(lat / 180.0 + 0.5) << np.uint64(1))


def _every_other_bit(share: NDArray[np.float64]) -> NDArray[np.uint64]:
    """32 bits of a number from 0 to 1, each followed by room for another."""
    bits = (share * (2**32 - 1)).astype(np.uint64)
    for shift, mask in _INTERLEAVING:
        bits = (bits | (bits << shift)) & mask
    return bits


def require_on_earth(lon: NDArray[np.float64], lat: NDArray[np.float64], where: str) -> None:
    """Stop at the first coordinate that is not finite or out of range."""
    wrong = ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ParameterError(
            "a coordinate is not on the earth", where=where, expected="longitude -180 to 180, latitude -90 to 90",
            got=f"longitude {shown(float(lon[at]))}, latitude {shown(float(lat[at]))}", then="check the order and the unit",
        )
