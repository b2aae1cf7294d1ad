"""Everything inside a drawn circle or area: which points, how much of each line and area, and what they hold together.

Borders count in. A row whose place nobody knows is neither in nor out: it is told apart. A sum over rows of which one has
no value is unknown; what is known and how many are not stands beside it.

Edges of an area are straight in longitude and latitude, as drawn. An area over the antimeridian is cut there into two
parts, or goes on beyond 180 (181 is -179); an edge of more than 180 degrees could mean either way round and is refused.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from shapely.affinity import translate

from geo_risk.areas import has_shape, repaired
from geo_risk.crs import GEOD, WGS84, geodesic_m, require_lonlat
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.overlay import MOST_CROSSINGS, overlaps
from geo_risk.hazard.zones import points_in_zones
from geo_risk.points import MAX_RADIUS_M, ROUNDING_M, PointIndex, earth_centred, longest_geodesic_m, require_on_earth
from geo_risk.risk.rollup import RollUp, roll_up

Numbers: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.int64]
Amount: TypeAlias = int | float

_WORLD: Final = shapely.box(-180.0, -90.0, 180.0, 90.0)
_MOST_LON: Final = 540.0  # once around beyond the antimeridian
_CORNERS: Final = 360


@dataclass(frozen=True, eq=False)
class Inside:
    """``positions`` of the points inside, ascending; and those ``unplaced``, whose place nobody knows."""

    positions: Positions
    unplaced: Positions


@dataclass(frozen=True)
class Total:
    """What the chosen rows hold together: the sum of what is ``known``, and the number of rows where it is ``unknown``."""

    known: Amount
    unknown: int

    @property
    def sum(self) -> Amount:
        """The whole sum: nan as soon as one row is unknown."""
        return math.nan if self.unknown else self.known


def inside_circle(index: PointIndex, lon: float, lat: float, radius_m: float) -> Inside:
    """The points within ``radius_m`` of a place along the geodesic, just at it included.

    Parameters
    ----------
    index : PointIndex
    lon, lat : float
        Degrees on WGS84.
    radius_m : float
        Above 0, at most 500,000.

    Raises
    ------
    ParameterError
        The place is not on the earth, or the radius out of range.

    Examples
    --------
    >>> from geo_risk.points import index_points
    >>> inside_circle(index_points([179.9, -179.9, 0.0], [0.0, 0.0, 0.0]), 180.0, 0.0, 20_000).positions.tolist()
    [0, 1]
    """
    east, north = _centre(lon, lat, radius_m, "inside_circle")
    centre = earth_centred(east, north)[0]
    near = np.asarray(index.tree.query_ball_point(centre, radius_m + ROUNDING_M) if len(index) else [], dtype=np.int64)
    chord_m = np.linalg.norm(index.tree.data[near] - centre, axis=1)
    unsure = np.flatnonzero(longest_geodesic_m(chord_m) > radius_m - ROUNDING_M)
    at = near[unsure]
    metres, _ = geodesic_m(np.full(len(at), lon), np.full(len(at), lat), index.lon[at], index.lat[at])
    kept = np.ones(len(near), dtype=bool)
    kept[unsure] = metres <= radius_m
    return Inside(np.sort(near[kept]), np.empty(0, dtype=np.int64))


def inside_area(lon: ArrayLike, lat: ArrayLike, area: shapely.Geometry) -> Inside:
    """The points in an area: not those in its holes, but those on its border.

    Parameters
    ----------
    lon, lat : array_like of float
        Degrees on WGS84, of one length; nan is a place nobody knows.
    area : Polygon or MultiPolygon
        Longitude, latitude. An invalid one is repaired first (`geo_risk.areas.repair`).

    Raises
    ------
    ParameterError
        The area is none, empty or not on the map, or the lengths differ.

    Examples
    --------
    >>> frame = shapely.box(179, 0, 181, 2) - shapely.box(179.5, 0.5, 180.5, 1.5)
    >>> found = inside_area([179.2, -179.0, 180.0, -179.2, float("nan")], [1.0, 2.0, 1.0, 1.0, 1.0], frame)
    >>> found.positions.tolist(), found.unplaced.tolist()
    ([0, 1, 3], [4])
    """
    zone = gpd.GeoSeries([on_the_map(area)], crs=WGS84)
    east, north = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    points, _ = points_in_zones(zone, east, north)
    # 180 and -180 are one meridian: a point on it is asked on either side of the map
    edge = np.flatnonzero(np.abs(east) == 180.0)
    again, _ = points_in_zones(zone, -east[edge], north[edge])
    return Inside(np.union1d(points, edge[again]), np.flatnonzero(~(np.isfinite(east) & np.isfinite(north))))


def totals(frame: pd.DataFrame, positions: ArrayLike, columns: Sequence[str]) -> dict[str, Total]:
    """The sum of each column over the rows at these positions; whole numbers stay whole, true counts as 1.

    Raises
    ------
    ParameterError
        No such column, one that holds no numbers, or an infinite number in it.

    Examples
    --------
    >>> shelters = pd.DataFrame({"beds": pd.array([100, None, 50], dtype="Int64"), "area_m2": [10.5, 1.0, 2.0]})
    >>> totals(shelters, [0, 2], ["beds", "area_m2"])
    {'beds': Total(known=150, unknown=0), 'area_m2': Total(known=12.5, unknown=0)}
    >>> totals(shelters, [0, 1], ["beds"])["beds"], totals(shelters, [0, 1], ["beds"])["beds"].sum
    (Total(known=100, unknown=1), nan)
    """
    at = np.asarray(positions, dtype=np.int64)
    return {column: _total(_numbers(frame, column).iloc[at], column) for column in columns}


def shares_inside(
    objects: gpd.GeoDataFrame | gpd.GeoSeries, area: shapely.Geometry, *, budget: int = MOST_CROSSINGS
) -> pd.DataFrame:
    """How much of each point, line or area lies in an area, as a share of its metres or square metres.

    Returns
    -------
    DataFrame on ``objects.index``
        ``share`` 0 to 1 (a point: 0 or 1), nan where there is no geometry or its border crosses the area's more than
        ``budget`` times; ``meets``: inside or just at the border.

    Examples
    --------
    >>> roads = gpd.GeoSeries([shapely.LineString([(0, 0), (4, 0)]), shapely.Point(1, 0), None], crs=4326)
    >>> shares_inside(roads, shapely.box(0, -1, 1, 1))
       share  meets
    0   0.25   True
    1   1.00   True
    2    NaN  False
    """
    require_lonlat(objects, "shares_inside")
    met = overlaps(objects.geometry, gpd.GeoSeries([on_the_map(area)], crs=WGS84), budget=budget)
    located = has_shape(np.asarray(objects.geometry.to_numpy(), dtype=object))
    share = np.where(located, 0.0, np.nan)
    share[met.object_at] = met.share
    meets = np.zeros(len(objects), dtype=bool)
    meets[met.object_at] = True
    return pd.DataFrame({"share": share, "meets": meets}, index=objects.index)


def sums_inside(
    objects: gpd.GeoDataFrame, area: shapely.Geometry, columns: Sequence[str], rule: str = "split_by_share", *,
    budget: int = MOST_CROSSINGS,
) -> dict[str, RollUp]:
    """What points, lines and areas hold inside an area, by a rule of `geo_risk.risk.rollup.roll_up`.

    With *split_by_share* a town half inside counts with half its people (rounded to whole ones): people are taken as
    spread evenly. What is outside, unplaced or unknown is told beside it; the parts make the whole.

    Examples
    --------
    >>> towns = gpd.GeoDataFrame({"people": [101, 50]}, geometry=[shapely.box(0, 0, 2, 1), shapely.box(3, 0, 4, 1)], crs=4326)
    >>> found = sums_inside(towns, shapely.box(-1, -1, 1, 2), ["people"])["people"]
    >>> int(found.inside.iloc[0]), found.outside, found.whole
    (51, 100, 151)
    """
    areas = gpd.GeoSeries([on_the_map(area)], index=["inside"], crs=WGS84)
    return {column: roll_up(_numbers(objects, column), objects, areas, rule, budget=budget) for column in columns}


def circle(lon: float, lat: float, radius_m: float) -> shapely.Polygon:
    """A circle along the geodesic as a polygon of 360 corners: up to 0.004 % of the radius inside it, 0.005 % less area.

    Longitudes go on beyond 180 over the antimeridian. To choose points take `inside_circle`, which is exact.

    >>> circle(180.0, 0.0, 1000.0).bounds[0] < 180 < circle(180.0, 0.0, 1000.0).bounds[2]
    True
    """
    east, north = _centre(lon, lat, radius_m, "circle")
    bearing = np.arange(_CORNERS) * (360.0 / _CORNERS)
    full = np.ones(_CORNERS)
    to_lon, to_lat, _ = GEOD.fwd(full * east, full * north, bearing, full * radius_m)
    pole_m = GEOD.inv(lon, lat, lon, math.copysign(90.0, lat))[2]
    if pole_m <= radius_m:
        raise ParameterError(
            "a circle about a pole is no area on the map", where="circle", expected=f"a radius below {pole_m:.0f} m here",
            got=shown(radius_m), then="choose points by inside_circle",
        )
    return shapely.Polygon(np.column_stack([lon + (to_lon - lon + 180.0) % 360.0 - 180.0, to_lat]))


def on_the_map(area: shapely.Geometry) -> shapely.Geometry:
    """An area with longitudes from -180 to 180: what lies beyond is cut off and set down on the other side.

    >>> on_the_map(shapely.box(179, 0, 181, 1)).bounds
    (-180.0, 0.0, 180.0, 1.0)
    >>> on_the_map(shapely.box(0, 0, 1, 1)).wkt == shapely.box(0, 0, 1, 1).wkt
    True
    """
    _require_area(area)
    west, _, east, _ = shapely.bounds(area)
    if west >= -180.0 and east <= 180.0:
        return area
    whole = repaired(np.array([area], dtype=object))[0]
    copies = [translate(whole, xoff=360.0 * turn) for turn in (-1, 0, 1)]
    pieces = shapely.get_parts([shapely.intersection(copy, _WORLD) for copy in copies])
    # what only touches the antimeridian leaves a line there, which is no area
    return shapely.union_all(pieces[shapely.get_dimensions(pieces) == 2])


def _require_area(area: Any) -> None:
    if not isinstance(area, shapely.Polygon | shapely.MultiPolygon) or area.is_empty:
        raise ParameterError(
            "no area to choose by", where="area", expected="a Polygon or MultiPolygon with corners",
            got=shown(getattr(area, "geom_type", area)), then="draw one, or give a radius",
        )
    corners = shapely.get_coordinates(area)
    if not (np.isfinite(corners).all() and (np.abs(corners[:, 1]) <= 90.0).all() and (np.abs(corners[:, 0]) <= _MOST_LON).all()):
        raise ParameterError(
            "the area is not on the map", where="area", expected="longitude -540 to 540, latitude -90 to 90",
            got=shown(tuple(shapely.bounds(area).tolist())), then="check the order and the unit",
        )
    span = max(_longest_edge_deg(ring) for ring in _rings(area))
    if 180.0 < span < 360.0:
        raise ParameterError(
            "an edge spans more than 180 degrees of longitude", where="area", expected="which way round it goes",
            got=f"{span:.6g} degrees", then="cut the area at the antimeridian, or go on beyond 180 (181 for -179)",
        )


def _rings(area: shapely.Geometry) -> list[Any]:
    return [ring for part in shapely.get_parts(area) for ring in (part.exterior, *part.interiors)]


def _longest_edge_deg(ring: Any) -> float:
    return float(np.abs(np.diff(shapely.get_coordinates(ring)[:, 0])).max(initial=0.0))


def _centre(lon: float, lat: float, radius_m: float, where: str) -> tuple[Numbers, Numbers]:
    if not 0 < radius_m <= MAX_RADIUS_M:
        raise ParameterError(
            "radius_m is out of range", where=where, expected=f"above 0, at most {MAX_RADIUS_M:.0f} metres",
            got=shown(radius_m), then="give metres",
        )
    east, north = np.array([lon], dtype=float), np.array([lat], dtype=float)
    require_on_earth(east, north, where)
    return east, north


def _numbers(frame: pd.DataFrame, column: str) -> "pd.Series[Any]":
    if column not in frame:
        raise ParameterError("no such column to sum", where="totals", expected="a column of numbers", got=shown(column))
    values = frame[column]
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        raise ParameterError(
            "a column holds no numbers", where=f"totals, {shown(column)}", expected="numbers", got=str(values.dtype),
            then="sum another one",
        )
    return values


def _total(values: "pd.Series[Any]", column: str) -> Total:
    whole = pd.api.types.is_integer_dtype(values) or pd.api.types.is_bool_dtype(values)
    lacking = values.isna()
    known = values[~lacking].to_numpy(dtype=np.int64 if whole else np.float64)
    if np.isinf(known).any():
        raise ParameterError("a value is infinite", where=f"totals, {shown(column)}", expected="numbers", got="inf")
    return Total(int(known.sum()) if whole else math.fsum(known), int(lacking.sum()))
