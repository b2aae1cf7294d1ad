"""Places at the door: any CRS to longitude, latitude; any datum to WGS84; what cannot be said for sure is asked."""

import re
from typing import Any, Final, NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError, ProjError

from geo_risk.crs import WGS84
from geo_risk.datum import in_china, to_wgs84
from geo_risk.errors import CrsError, DatumError, ParameterError, shown
from layers._worker.content import Content, Note, Problem
from layers._worker.limits import Limits
from layers._worker.plain import plain

DATUMS: Final = ("wgs84", "cgcs2000", "gcj02", "bd09")
_EPSG: Final = re.compile(r"EPSG:\d{4,6}", re.IGNORECASE)
_LONLAT: Final = pyproj.CRS(WGS84)
_GCS_OF_WGS84: Final = "World Geodetic System 1984"
_SAME_NUMBERS: Final = (None, "wgs84", "cgcs2000")
_TABLES: Final = ("csv", "xlsx")

Geometries = NDArray[Any]


class Placed(NamedTuple):
    """Geometry in EPSG:4326, the CRS it came in, rows that have no place in it, and notes."""

    geometry: Geometries
    crs: str
    problems: tuple[Problem, ...]
    notes: tuple[Note, ...]


def geometry_of(content: Content, said_crs: str | None, said_datum: str | None, limits: Limits) -> Placed:
    """The content's geometry in WGS84 longitude, latitude.

    Raises
    ------
    CrsError
        There is geometry, and neither the file nor the clerk says in which CRS.
    DatumError
        It lies in China under WGS84's name, and the datum was not said.
    ParameterError
        An unknown datum.
    """
    if said_datum is not None and said_datum not in DATUMS:
        raise ParameterError("no such datum", where="--datum", expected="one of " + ", ".join(DATUMS), got=shown(said_datum))
    given, problems = _geometries(content, limits)
    if not np.any(shapely.is_geometry(given)):
        return Placed(given, "", tuple(problems), ())
    crs, notes = _crs(content, said_crs)
    lonlat, lost = _in_lonlat(given, crs, content.rows)
    _require_datum(lonlat, crs, said_datum)
    moved = lonlat if said_datum in _SAME_NUMBERS else _on_points(lonlat, lambda lon, lat: to_wgs84(lon, lat, said_datum))  # type: ignore[arg-type]
    return Placed(moved, _name(crs), (*problems, *lost), notes)


def _geometries(content: Content, limits: Limits) -> tuple[Geometries, list[Problem]]:
    if content.xy is not None:
        x, y = (np.frombuffer(values, dtype=float) if values else np.empty(0) for values in content.xy)
        made = np.full(len(x), None, dtype=object)
        known = ~np.isnan(x)
        made[known] = shapely.points(x[known], y[known])
        return made, []
    if content.wkb is None:
        return np.full(len(content.rows), None, dtype=object), []
    made = shapely.force_2d(shapely.from_wkb(np.array(content.wkb, dtype=object), on_invalid="ignore"))
    unread = np.array([part is not None for part in content.wkb]) & shapely.is_missing(made)
    long = shapely.get_num_coordinates(made) > limits.vertices
    made[long] = None
    rows = np.asarray(content.rows)
    return made, [
        *(Problem(int(row), "geometry", "", "geometry_unreadable") for row in rows[unread]),
        *(Problem(int(row), "geometry", "", "vertices") for row in rows[long]),
    ]


def _crs(content: Content, said: str | None) -> tuple[pyproj.CRS, tuple[Note, ...]]:
    if said is not None:
        crs = _of_code(said)
        own = content.crs and _parsed(content.crs)
        overridden = own and not own.equals(crs, ignore_axis_order=True)
        return crs, (Note("crs_overridden", (("file", _name(own)), ("said", _name(crs)))),) if own and overridden else ()
    if content.crs is not None:
        return _parsed(content.crs), ()
    if content.format in _TABLES:
        return _LONLAT, ()
    raise CrsError(
        "the file does not say its CRS",
        expected="a CRS in the file or on the command",
        got="none",
        then="say it with --crs EPSG:...",
    )


def _of_code(said: str) -> pyproj.CRS:
    if not _EPSG.fullmatch(said):
        raise CrsError("no such CRS", where="--crs", expected="EPSG:n, such as EPSG:4549", got=shown(said), then="look its code up")
    return _parsed(said)


def _parsed(text: str) -> pyproj.CRS:
    try:
        crs = pyproj.CRS.from_user_input(text)
    except CRSError:
        raise CrsError(
            "the CRS cannot be read", expected="a CRS that PROJ knows", got=shown(text), then="say it with --crs EPSG:..."
        ) from None
    if crs.geodetic_crs is None:
        raise CrsError(
            "the CRS has no place on the Earth",
            expected="a geographic or projected CRS",
            got="a local one",
            then="say it with --crs EPSG:...",
        )
    return crs


def _name(crs: pyproj.CRS) -> str:
    epsg = crs.to_epsg(min_confidence=20)
    return f"EPSG:{epsg}" if epsg else plain(crs.name)


def _in_lonlat(given: Geometries, crs: pyproj.CRS, rows: list[int]) -> tuple[Geometries, list[Problem]]:
    if crs.equals(_LONLAT, ignore_axis_order=True):
        return given, []
    try:
        transformer = pyproj.Transformer.from_crs(crs, _LONLAT, always_xy=True)
    except ProjError:
        raise CrsError(
            "the CRS cannot be brought to longitude, latitude",
            expected=WGS84,
            got=_name(crs),
            then="say another with --crs EPSG:...",
        ) from None
    moved = _on_points(given, transformer.transform)
    places, owners = shapely.get_coordinates(moved, return_index=True)
    lost = np.unique(owners[~np.isfinite(places).all(axis=1)])
    moved[lost] = None
    return moved, [Problem(rows[place], "geometry", "", "outside_crs") for place in lost]


def _on_points(geometries: Geometries, change: Any) -> Geometries:
    """New geometries with every vertex changed; the order of arrays is longitude, latitude."""
    return np.asarray(
        shapely.transform(geometries, lambda places: np.column_stack(change(places[:, 0], places[:, 1]))), dtype=object
    )


def _require_datum(lonlat: Geometries, crs: pyproj.CRS, said: str | None) -> None:
    """WGS84 is what shifted coordinates are published under, too: inside China the clerk must say which they are."""
    datum = crs.geodetic_crs.datum if crs.geodetic_crs is not None else None
    if said is not None or datum is None or not datum.name.startswith(_GCS_OF_WGS84):
        return
    places = shapely.get_coordinates(lonlat)
    if in_china(places[:, 0], places[:, 1]).any():
        raise DatumError(
            "these coordinates may be shifted by hundreds of metres, as China's web maps are",
            expected="the datum said, where the file lies in China",
            got="none said",
            then="--datum wgs84, cgcs2000, gcj02 (Gaode, Tencent) or bd09 (Baidu)",
        )
