"""May two frames meet; which metric CRS fits here; geodesic distances, bearings and areas.

All geometry inside is longitude, latitude in degrees (`WGS84`, EPSG:4326; CGCS2000's 4490 has the same numbers).
"""

from typing import Final

import geopandas as gpd
import numpy as np
import pyproj
from numpy.typing import NDArray

from geo_risk.errors import CrsError

WGS84: Final = "EPSG:4326"
GEOD: Final = pyproj.Geod(ellps="WGS84")
SPHERE_M: Final = 6_371_000.0
"""The radius of the ball that takes the place of the earth in many a router."""
_LONLAT: Final = frozenset({("EPSG", "4326"), ("EPSG", "4490"), ("OGC", "CRS84")})
_WEB_MERCATOR: Final = frozenset({3857, 900913, 3785, 102100})
WINDS: Final = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


def require_lonlat(frame: gpd.GeoDataFrame | gpd.GeoSeries, where: str) -> None:
    """Stop unless the frame is longitude, latitude in EPSG:4326, 4490 or OGC:CRS84.

    Raises
    ------
    CrsError
        The frame has no CRS or another one.
    """
    if frame.crs is None:
        raise CrsError("the frame has no CRS", where=where, expected=WGS84, got="none", then="set_crs(...) what it is")
    if frame.crs.to_authority() not in _LONLAT:
        raise CrsError(
            "the frame is not longitude, latitude",
            where=where,
            expected=WGS84,
            got=frame.crs.to_string()[:40],
            then=f"to_crs({WGS84!r}) first",
        )


def require_metric(crs: pyproj.CRS | str | None, where: str) -> None:
    """Stop unless lengths and areas in this CRS are metres on the ground (projected, and not Web Mercator).

    Raises
    ------
    CrsError
        No CRS, degrees, another unit, or Web Mercator (25 % too long at 37 degrees of latitude).
    """
    if crs is None:
        raise CrsError("no CRS", where=where, expected="a projected CRS in metres", got="none", then="name one")
    known = pyproj.CRS(crs)
    metres = known.is_projected and all(axis.unit_name == "metre" for axis in known.axis_info)
    if not metres or known.to_epsg() in _WEB_MERCATOR:
        raise CrsError(
            "lengths in this CRS are not metres",
            where=where,
            expected="a projected CRS in metres, not Web Mercator",
            got=known.to_string()[:40],
            then="use local_metric_crs(frame)",
        )


def local_metric_crs(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> pyproj.CRS:
    """An equal-area CRS in metres centred on the frame: areas are exact, lengths good within some 200 km.

    Lambert azimuthal equal-area on the centre of the frame's bounds, so that it depends on the place alone
    and not on the order of rows.

    >>> import shapely
    >>> centre = gpd.GeoSeries([shapely.Point(120, 30)], crs=4326)
    >>> centre.to_crs(local_metric_crs(centre)).iloc[0].distance(shapely.Point(0, 0)) < 1e-6
    True
    """
    require_lonlat(frame, "local_metric_crs")
    west, south, east, north = frame.total_bounds
    if not np.isfinite([west, south, east, north]).all():
        raise CrsError("an empty frame has no place", where="local_metric_crs", expected="a geometry", got="none")
    lon, lat = round((west + east) / 2, 3), round((south + north) / 2, 3)
    return pyproj.CRS.from_dict({"proj": "laea", "lon_0": lon, "lat_0": lat, "datum": "WGS84", "units": "m"})


def geodesic_m(
    lon: NDArray[np.float64], lat: NDArray[np.float64], to_lon: NDArray[np.float64], to_lat: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distance in metres and bearing in degrees (0 north, 90 east, below 360) along the geodesic, pair by pair.

    Karney (2013), Algorithms for geodesics, through pyproj.Geod on WGS84.
    """
    forward, _, distance = GEOD.inv(lon, lat, to_lon, to_lat)
    return np.asarray(distance, dtype=float), np.asarray(forward, dtype=float) % 360.0


def sphere_m(
    lon: NDArray[np.float64], lat: NDArray[np.float64], to_lon: NDArray[np.float64], to_lat: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Metres along great circles of a ball of 6,371 km, as many routers measure; up to 0.56 % off the geodesic.

    The haversine formula (Sinnott 1984). For comparing with such a router only: distances of ours are `geodesic_m`.

    >>> sphere_m(np.array([0.0]), np.array([0.0]), np.array([1.0]), np.array([0.0])).round(1).tolist()
    [111194.9]
    """
    south, north = np.radians(lat), np.radians(to_lat)
    half = np.sin((north - south) / 2) ** 2 + np.cos(south) * np.cos(north) * np.sin(np.radians(to_lon - lon) / 2) ** 2
    return np.asarray(2 * SPHERE_M * np.arcsin(np.sqrt(np.minimum(half, 1.0))), dtype=float)


def wind(bearing_deg: float) -> str:
    """The eight-point wind of a bearing; each holds the 45 degrees around it.

    >>> wind(0), wind(22.4), wind(22.5), wind(337.5), wind(359)
    ('N', 'N', 'NE', 'N', 'N')
    """
    return WINDS[int(((bearing_deg % 360.0) + 22.5) // 45.0) % 8]
