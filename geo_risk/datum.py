"""China's shifted coordinates: GCJ-02 (state maps on the web) and BD-09 (Baidu, on top of GCJ-02), to WGS84 and back.

No CRS code tells them apart from WGS84; they are off by 90 to 680 m. CGCS2000 has the same numbers as WGS84 here:
the two differ by some decimetres of plate motion, less than any of these data.

The shift is a sum of sines over a Krassovsky 1940 ellipsoid. It was never published officially; the terms below are
the ones every open implementation agrees on. Independent sources: the survey of "Restrictions on geographic data in
China" (GCJ-02, BD-09), and 664 published cities in all three systems, which the tests hold it to.
"""

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_risk.crs import geodesic_m
from geo_risk.errors import ParameterError, shown

Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]
Degrees: TypeAlias = NDArray[np.float64]
LonLat: TypeAlias = tuple[Degrees, Degrees]

_WEST, _EAST, _SOUTH, _NORTH = 72.004, 137.8347, 0.8293, 55.8271  # the rough box in which GCJ-02 is defined
_RADIUS_M, _ECCENTRICITY2 = 6_378_245.0, 0.006_693_421_622_965_943_23  # Krassovsky 1940
_BD09_LON, _BD09_LAT = 0.0065, 0.006
_BD09_WAVE: Final = np.pi * 3000.0 / 180.0
# A round of the fixed point shrinks the error at least 150 times for GCJ-02 and 50 times for BD-09:
# these reach 0.01 micrometres from 700 m and from 1 km.
_GCJ02_ROUNDS, _BD09_ROUNDS = 5, 6


def in_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Whether each point lies in the rough box where GCJ-02 shifts; outside it GCJ-02 is WGS84.

    BD-09's own step on top of GCJ-02 is taken everywhere. The box holds neighbours of China
    too: it says where the formula applies, not whose the land is.

    >>> in_china([120.2, -73.9, float("nan")], [30.3, 40.7, 30.0])
    array([ True, False, False])
    """
    east, north = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    return (east >= _WEST) & (east <= _EAST) & (north >= _SOUTH) & (north <= _NORTH)


def to_wgs84(lon: ArrayLike, lat: ArrayLike, datum: Datum) -> LonLat:
    """Longitude, latitude in WGS84 of points given in ``datum``.

    The exact inverse of `from_wgs84`, by fixed point, to a micrometre (two at 105 degrees east, where the formula has
    a kink); within 700 m of the box's edge (see
    `in_china`), where the forward formula itself jumps, either side may be meant.

    Parameters
    ----------
    lon, lat : array_like of float
        Degrees, of one shape; nan stays nan.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09"}

    Returns
    -------
    tuple of two arrays
        Longitude and latitude in degrees, new arrays.

    Raises
    ------
    ParameterError
        An unknown datum.

    Examples
    --------
    >>> lon, lat = to_wgs84([120.2052], [30.2466], "gcj02")
    >>> lon.round(4).tolist(), lat.round(4).tolist()
    ([120.2006], [30.249])
    >>> to_wgs84([-73.9], [40.7], "gcj02")
    (array([-73.9]), array([40.7]))
    """
    return _STEPS[_known(datum)][0](*_floats(lon, lat))


def from_wgs84(lon: ArrayLike, lat: ArrayLike, datum: Datum) -> LonLat:
    """Longitude, latitude in ``datum`` of points given in WGS84; parameters and errors as in `to_wgs84`.

    >>> lon, lat = from_wgs84([116.4074], [39.9042], "bd09")
    >>> lon.round(4).tolist(), lat.round(4).tolist()
    ([116.42], [39.9119])
    """
    return _STEPS[_known(datum)][1](*_floats(lon, lat))


def shift_m(lon: ArrayLike, lat: ArrayLike, datum: Datum) -> Degrees:
    """How far in metres points given in ``datum`` would be misplaced if they were read as WGS84.

    >>> shift_m([116.4], [39.9], "wgs84").tolist()
    [0.0]
    >>> bool(500 < shift_m([116.4], [39.9], "gcj02")[0] < 600)
    True
    """
    given = _floats(lon, lat)
    return geodesic_m(*given, *to_wgs84(*given, datum))[0]


def _floats(lon: ArrayLike, lat: ArrayLike) -> LonLat:
    return np.array(lon, dtype=float), np.array(lat, dtype=float)


def _known(datum: str) -> str:
    if datum not in _STEPS:
        raise ParameterError(
            "no such datum", where="datum", expected=", ".join(_STEPS), got=shown(datum), then="say what the source used",
        )
    return datum


def _same(lon: Degrees, lat: Degrees) -> LonLat:
    return lon, lat


def _to_gcj02(lon: Degrees, lat: Degrees) -> LonLat:
    east, north = _gcj02_shift(lon, lat)
    inside = in_china(lon, lat)
    return np.where(inside, lon + east, lon), np.where(inside, lat + north, lat)


def _from_gcj02(lon: Degrees, lat: Degrees) -> LonLat:
    inside = in_china(lon, lat)
    at_lon, at_lat = lon, lat
    for _ in range(_GCJ02_ROUNDS):
        east, north = _gcj02_shift(at_lon, at_lat)
        at_lon, at_lat = lon - east, lat - north
    return np.where(inside, at_lon, lon), np.where(inside, at_lat, lat)


def _to_bd09(lon: Degrees, lat: Degrees) -> LonLat:
    east, north = _bd09_shift(lon, lat)
    return lon + east, lat + north


def _from_bd09(lon: Degrees, lat: Degrees) -> LonLat:
    at_lon, at_lat = lon, lat
    for _ in range(_BD09_ROUNDS):
        east, north = _bd09_shift(at_lon, at_lat)
        at_lon, at_lat = lon - east, lat - north
    return at_lon, at_lat


def _gcj02_shift(lon: Degrees, lat: Degrees) -> LonLat:
    """Degrees east and north that GCJ-02 adds: metres by the sines, divided by the metres of a degree there."""
    x, y = lon - 105.0, lat - 35.0
    root, ripple = np.sqrt(np.abs(x)), _sines(x, (20.0, 6.0), (20.0, 2.0))
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + ripple
    east += _sines(x, (20.0, 1.0), (40.0, 1 / 3), (150.0, 1 / 12), (300.0, 1 / 30))
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + ripple
    north += _sines(y, (20.0, 1.0), (40.0, 1 / 3), (160.0, 1 / 12), (320.0, 1 / 30))
    flatness = 1.0 - _ECCENTRICITY2 * np.sin(np.radians(lat)) ** 2
    east_degree_m = np.radians(_RADIUS_M / np.sqrt(flatness) * np.cos(np.radians(lat)))
    north_degree_m = np.radians(_RADIUS_M * (1.0 - _ECCENTRICITY2) / flatness**1.5)
    return east / east_degree_m, north / north_degree_m


def _sines(at: Degrees, *terms: tuple[float, float]) -> Degrees:
    """Two thirds of the sum of amplitude x sin(pi x frequency x at)."""
    total = np.zeros_like(at)
    for amplitude, frequency in terms:
        total += amplitude * np.sin(np.pi * frequency * at)
    return total * (2.0 / 3.0)


def _bd09_shift(lon: Degrees, lat: Degrees) -> LonLat:
    """Degrees that BD-09 adds to GCJ-02: a ripple in polar coordinates about (0, 0), then a constant."""
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD09_WAVE)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD09_WAVE)
    return radius * np.cos(angle) + _BD09_LON - lon, radius * np.sin(angle) + _BD09_LAT - lat


_Step: TypeAlias = Callable[[Degrees, Degrees], LonLat]
_STEPS: Final[dict[str, tuple[_Step, _Step]]] = {
    "wgs84": (_same, _same),
    "cgcs2000": (_same, _same),
    "gcj02": (_from_gcj02, _to_gcj02),
    "bd09": (lambda lon, lat: _from_gcj02(*_from_bd09(lon, lat)), lambda lon, lat: _to_bd09(*_to_gcj02(lon, lat))),
}
