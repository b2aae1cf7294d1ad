"""What one layer says of each place: one measure, one pure function ``(places, features, column) -> Series``.

The contract of every measure:

- ``places`` and ``features`` are EPSG:4326 (or 4490) with any index; neither is changed.
- The result is float64 on ``places.index``, in the order of ``places``; the order of ``features`` does not matter.
- A place without geometry is ``nan``. A layer without features says nothing of any place: ``nan`` everywhere.
- A feature without geometry has no place and is left out.
- Unknown is not zero: a missing value makes every place it bears on ``nan``; so do zones and a place whose borders
  cross too often to be overlaid (`geo_risk.hazard.overlay.too_intricate`).

Areas are overlaid where their edges are straight, in longitude and latitude, and summed in an equal-area CRS
(EPSG:6933), invalid shapes repaired for the sum. A point counts for the place it lies in; on a shared border it is
split equally among the places it touches. A feature that is not a point stands at its representative point.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_risk.areas import Shapes, has_shape, repaired, small_parts
from geo_risk.crs import WGS84, require_lonlat
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.overlay import MOST_TOGETHER, too_intricate
from geo_risk.model import Factor, Rule
from geo_risk.points import index_points, nearest_m

Measure: TypeAlias = Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame, str | None], "pd.Series[float]"]
Numbers: TypeAlias = NDArray[np.float64]

_EQUAL_AREA: Final = "EPSG:6933"  # cylindrical: parallels and meridians stay straight, so lon/lat boxes are exact
_SPECK_M2: Final = 0.01  # an overlap below this is rounding along a shared border, not an overlap


def share_in_zones(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None = None) -> "pd.Series[float]":
    """The share of each place's area that lies in at least one zone, 0 to 1.

    area(place ∩ union(zones)) / area(place). Overlapping zones count once. A place of no area is ``nan``.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(120, 30, 120.02, 30.01), None], crs=4326)
    >>> west_half = shapely.box(119.9, 29.9, 120.01, 30.1)
    >>> share_in_zones(places, gpd.GeoDataFrame(geometry=[west_half, west_half], crs=4326)).round(6).tolist()
    [0.5, nan]
    """
    _require_lonlat(places, features)
    overlay = _Overlay(places, features)
    return overlay.per_area(overlay.areas_m2(np.arange(len(overlay.pieces))))


def mean_depth_m_in_zones(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None) -> "pd.Series[float]":
    """Mean depth in metres over the whole of each place: at each spot the deepest zone, 0 outside the zones.

    The sum over the depths d1 > d2 > ... > dn of dk x (share(zones at least dk deep) - share(zones deeper than dk)).

    ``column`` holds metres. Where a zone's depth is missing or negative it is unknown, and so is the mean of every
    place that zone overlaps, even if a known zone covers it: the unknown one may be the deeper. A zone that only
    touches a place's border does not count.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(120, 30, 120.02, 30.01)], crs=4326)
    >>> halves = [shapely.box(120, 30, 120.01, 30.01), shapely.box(120.01, 30, 120.02, 30.01)]
    >>> zones = gpd.GeoDataFrame({"depth_m": [2.0, 1.0]}, geometry=halves, crs=4326)
    >>> mean_depth_m_in_zones(places, zones, "depth_m").round(6).tolist()
    [1.5]
    """
    _require_lonlat(places, features)
    overlay = _Overlay(places, features)
    depth = _column(features, column, "mean_depth_m_in_zones")[overlay.rows][overlay.zone_at]
    depth = np.where(depth >= 0, depth, np.nan)
    apart = overlay.apart()[overlay.place_at]  # where no zones overlap, depth x area is the same sum and needs no unions
    volume_m3 = overlay.sums(np.where(apart, depth, 0.0) * overlay.piece_m2)
    layered = np.flatnonzero(~apart & ~np.isnan(depth))
    deeper = np.zeros(len(places))
    for at_least in np.unique(depth[layered])[::-1]:
        deep = overlay.areas_m2(layered[depth[layered] >= at_least])
        volume_m3 += at_least * (deep - deeper)  # exactly 0 where a place has no zone of this depth
        deeper = deep
    volume_m3[overlay.place_at[np.isnan(depth)]] = np.nan
    return overlay.per_area(volume_m3)


def sum_inside(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None) -> "pd.Series[float]":
    """The sum of a column over the features inside each place; ``nan`` if any of them has no value.

    A feature that touches k places counts 1/k in each, so that the places' sums and the rest outside all places
    add up to the whole (`inside_and_outside`).

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
    >>> points = gpd.GeoDataFrame({"people": [10, 4]}, geometry=gpd.points_from_xy([0.5, 1.0], [0.5, 0.5]), crs=4326)
    >>> sum_inside(places, points, "people").tolist()
    [12.0, 2.0]
    """
    return inside_and_outside(places, features, column)[0]


def count_inside(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None = None) -> "pd.Series[float]":
    """The number of features inside each place; one that touches k places counts 1/k in each.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
    >>> points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([0.5, 1.0], [0.5, 0.5]), crs=4326)
    >>> count_inside(places, points).tolist()
    [1.5, 0.5]
    """
    return inside_and_outside(places, features, None)[0]


def inside_and_outside(
    places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None
) -> tuple["pd.Series[float]", float]:
    """The sum of a column (or the number, without one) inside each place, and the sum outside all places.

    Conservation: the sums inside and the one outside add up to the sum over all features that have a geometry.

    Raises
    ------
    CrsError
        A frame is not longitude, latitude.
    ParameterError
        The features have no such column, or it holds no numbers.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> points = gpd.GeoDataFrame({"people": [3, 4]}, geometry=gpd.points_from_xy([0.5, 9], [0.5, 9]), crs=4326)
    >>> inside, outside = inside_and_outside(places, points, "people")
    >>> inside.tolist(), outside
    ([3.0], 4.0)
    """
    values = np.ones(len(features)) if column is None else _column(features, column, "sum_inside")
    return _split(places, features, values)


def free_places_inside(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None) -> "pd.Series[float]":
    """Free places in the shelters inside each place: capacity less ``occupancy``, never below 0 for any one shelter.

    ``column`` holds the capacity; where it is missing, the place's figure is ``nan``. Where occupancy is not
    reported, it is counted as none: a rule, which `assess` stamps on its result.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> shelters = gpd.GeoDataFrame(
    ...     {"capacity": [100, 50, 30], "occupancy": [40, 60, None]}, geometry=[shapely.Point(0.5, 0.5)] * 3, crs=4326
    ... )
    >>> free_places_inside(places, shelters, "capacity").tolist()
    [90.0]
    """
    capacity = _column(features, column, "free_places_inside")
    occupied = _column(features, "occupancy", "free_places_inside") if "occupancy" in features else np.zeros(len(features))
    return _split(places, features, np.maximum(capacity - np.nan_to_num(occupied, nan=0.0), 0.0))[0]


def distance_m_to_nearest(
    places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None = None
) -> "pd.Series[float]":
    """Geodesic metres from each place's representative point to the nearest feature.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(-0.5, -0.5, 0.5, 0.5)], crs=4326)
    >>> points = gpd.GeoDataFrame(geometry=gpd.points_from_xy([1, -2], [0, 0]), crs=4326)
    >>> distance_m_to_nearest(places, points).round().tolist()
    [111319.0]
    """
    _require_lonlat(places, features)
    targets, askers = _spots(features), _spots(places)
    index = index_points(*shapely.get_coordinates(targets[has_shape(targets)]).T)
    return pd.Series(nearest_m(index, shapely.get_x(askers), shapely.get_y(askers)), index=places.index)


def own_value(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None) -> "pd.Series[float]":
    """The place's own column: ``features`` are the places themselves, or rows with their ids.

    Examples
    --------
    >>> places = gpd.GeoDataFrame({"population": [900, None]}, geometry=[shapely.Point(0, 0)] * 2, index=["a", "b"], crs=4326)
    >>> own_value(places, places, "population").tolist()
    [900.0, nan]
    """
    _require_lonlat(places, features)
    values = pd.Series(_column(features, column, "own_value"), index=features.index)
    if not values.index.is_unique:
        raise ParameterError("an id stands twice", where="own_value", expected="one row a place", got="duplicates", then="drop one")
    return values.reindex(places.index).where(has_shape(places.geometry.to_numpy()))


def kept(features: gpd.GeoDataFrame, factor: Factor) -> gpd.GeoDataFrame:
    """The features a factor reads: those whose columns hold one of the values of its ``where``; None lets missing pass.

    Raises
    ------
    ParameterError
        The features lack such a column: a filter that cannot be evaluated is refused.
    """
    passes = np.ones(len(features), dtype=bool)
    for column, allowed in factor.where.items():
        if column not in features:
            raise ParameterError(
                "the features lack a column to filter by", where=f"factor {factor.id}, column {shown(column)}",
                expected="the layer's own frame", got="no such column", then="pass the frame of the factor's layer",
            )
        values = features[column]
        listed = values.isin([value for value in allowed if value is not None]).to_numpy(dtype=bool, na_value=False)
        passes &= listed | (values.isna().to_numpy() & (None in allowed))
    return features[passes]


class _Overlay:
    """The pieces of zones that lie in each place.

    Piece i is of place ``place_at[i]`` and of part ``zone_at[i]`` of a zone, which is row ``rows[zone_at[i]]`` of the
    features. ``piece_m2`` are its square metres. ``place_m2`` is nan for a place that was not overlaid: too intricate.
    """

    def __init__(self, places: gpd.GeoDataFrame, features: gpd.GeoDataFrame) -> None:
        self.index, self.rows = places.index, np.empty(0, dtype=int)
        self.place_at = self.zone_at = self.rows
        self.pieces: Shapes = np.empty(0, dtype=object)
        self.piece_m2: Numbers = np.empty(0)
        self.place_m2 = np.full(len(places), np.nan)
        located = np.flatnonzero(has_shape(features.geometry.to_numpy()))
        if not len(located):
            return
        areas = repaired(places.geometry.to_numpy())
        zones, of = small_parts(features.geometry.to_numpy()[located])
        order = np.lexsort(shapely.bounds(zones).T)  # the same sums to the last bit whatever the order of rows
        self.rows, zones = located[of[order]], zones[order]
        place_at, zone_at = _meetings(areas, zones)
        refused = _intricate(areas, zones, place_at, zone_at)
        self.place_m2 = np.where(refused, np.nan, _square_metres(areas))
        place_at, zone_at = place_at[~refused[place_at]], zone_at[~refused[place_at]]
        self.place_at, self.zone_at, self.pieces, self.piece_m2 = _pieces(areas, zones, place_at, zone_at)

    def sums(self, of_pieces: Numbers) -> Numbers:
        """The sum of the pieces' values in each place."""
        return np.asarray(np.bincount(self.place_at, weights=of_pieces, minlength=len(self.index)), dtype=float)

    def apart(self) -> NDArray[np.bool_]:
        """Whether no two pieces of a place overlap: their areas add up to the area of their union."""
        together = self.areas_m2(np.arange(len(self.pieces)))
        return self.sums(self.piece_m2) <= together * (1.0 + 1e-9) + _SPECK_M2

    def areas_m2(self, chosen: NDArray[np.intp]) -> Numbers:
        """Square metres of each place under at least one of the chosen pieces."""
        order = chosen[np.argsort(self.place_at[chosen], kind="stable")]
        covered, first = np.unique(self.place_at[order], return_index=True)
        groups = np.split(self.pieces[order], first[1:]) if len(order) else []
        joined = [group[0] if len(group) == 1 else shapely.disjoint_subset_union_all(group) for group in groups]
        total = np.zeros(len(self.index))
        total[covered] = _square_metres(np.array(joined, dtype=object))
        return total

    def per_area(self, amounts: Numbers) -> "pd.Series[float]":
        """Amounts a square metre of each place; unknown where the place has no area or the layer no features."""
        area = np.where((self.place_m2 > 0) & (len(self.rows) > 0), self.place_m2, np.nan)
        return pd.Series(amounts / area, index=self.index)


def _meetings(areas: Shapes, zones: Shapes) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every pair of a place and a part of a zone that meet."""
    place_at, zone_at = shapely.STRtree(zones).query(areas, predicate="intersects")
    order = np.lexsort((zone_at, place_at))  # a tree's own order hangs on zones elsewhere
    return place_at[order], zone_at[order]


def _intricate(
    areas: Shapes, zones: Shapes, place_at: NDArray[np.intp], zone_at: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Which places have borders that cross those of their zones, or these one another, too often to be overlaid."""
    corners = np.bincount(place_at, weights=shapely.get_num_coordinates(zones)[zone_at], minlength=len(areas))
    found = np.zeros(len(areas), dtype=bool)
    for place in np.flatnonzero((corners + shapely.get_num_coordinates(areas)) ** 2 > 2 * MOST_TOGETHER):
        mine = slice(*np.searchsorted(place_at, [place, place + 1]))
        found[place] = too_intricate(np.append(zones[zone_at[mine]], areas[place]))
    return found


def _pieces(
    areas: Shapes, zones: Shapes, place_at: NDArray[np.intp], zone_at: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.intp], Shapes, Numbers]:
    """Every overlap of a place and a zone that is more than a speck: place, zone, shape, square metres."""
    pieces = shapely.intersection(areas[place_at], zones[zone_at])
    square_metres = _square_metres(pieces)
    kept = square_metres > _SPECK_M2
    return place_at[kept], zone_at[kept], pieces[kept], square_metres[kept]


def _square_metres(shapes: Shapes) -> Numbers:
    """Area on the ellipsoid; nan where there is no geometry."""
    return np.asarray(gpd.GeoSeries(shapes, crs=WGS84).to_crs(_EQUAL_AREA).area.where(has_shape(shapes)), dtype=float)


def _split(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, values: Numbers) -> tuple["pd.Series[float]", float]:
    """Each feature's value, split equally among the places it touches; and what touches none."""
    _require_lonlat(places, features)
    spots = _spots(features)
    known, located = has_shape(places.geometry.to_numpy()), has_shape(spots)
    if not located.any():
        return pd.Series(np.nan, index=places.index, dtype=float), 0.0
    spot_at, place_at, touched = _touches(places, spots)
    inside = _exact_sums(place_at, values[spot_at] / touched[spot_at], len(places))
    outside = math.fsum(values[located & (touched == 0)])
    return pd.Series(np.where(known, inside, np.nan), index=places.index), outside


def _touches(places: gpd.GeoDataFrame, spots: Shapes) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Each pair of a spot and a place it touches, and how many places each spot touches."""
    spot_at, place_at = shapely.STRtree(repaired(places.geometry.to_numpy())).query(spots, predicate="intersects")
    return spot_at, place_at.astype(np.intp), np.bincount(spot_at, minlength=len(spots))


def _exact_sums(group: NDArray[np.intp], values: Numbers, groups: int) -> Numbers:
    """The sum of each group's values, rounded once, so that it does not hang on the order of rows."""
    order = np.argsort(group, kind="stable")
    ends = np.cumsum(np.bincount(group, minlength=groups))
    sums = [math.fsum(part) for part in np.split(values[order], ends)[:groups]]
    return np.array(sums, dtype=float)


def _spots(frame: gpd.GeoDataFrame) -> Shapes:
    """Each feature's point: itself, or the representative point of a line or an area; None where it has no geometry."""
    shapes = frame.geometry.to_numpy()
    return np.asarray(np.where(has_shape(shapes), shapely.point_on_surface(shapes), None), dtype=object)


def _column(features: gpd.GeoDataFrame, column: str | None, where: str) -> Numbers:
    """A column's numbers; nan where missing."""
    if column is None or column not in features:
        raise ParameterError("the features have no such column", where=where, expected="a column of numbers", got=shown(column))
    if not pd.api.types.is_numeric_dtype(features[column]):
        raise ParameterError(
            "the column holds no numbers", where=f"{where}, column {shown(column)}", expected="numbers",
            got=str(features[column].dtype), then="name another column",
        )
    return features[column].to_numpy(dtype=float, na_value=np.nan)  # type: ignore[no-any-return]


def _require_lonlat(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame) -> None:
    require_lonlat(places, "places")
    require_lonlat(features, "features")


MEASURES: Final[Mapping[str, Measure]] = MappingProxyType({
    "share_in_zones": share_in_zones,
    "mean_depth_m_in_zones": mean_depth_m_in_zones,
    "sum_inside": sum_inside,
    "count_inside": count_inside,
    "free_places_inside": free_places_inside,
    "distance_m_to_nearest": distance_m_to_nearest,
    "own_value": own_value,
})

_SPLIT: Final = Rule(id="feature_on_a_border", chosen="split equally among the places it touches")
_OVERLAP: Final = Rule(id="overlapping_zones", chosen="count once")
RULES_OF_MEASURE: Final[Mapping[str, tuple[Rule, ...]]] = MappingProxyType({
    "share_in_zones": (_OVERLAP,),
    "mean_depth_m_in_zones": (
        Rule(id="overlapping_depths", chosen="the deepest"),
        Rule(id="zone_of_unknown_depth", chosen="makes every place it overlaps unknown"),
    ),
    "sum_inside": (_SPLIT,),
    "count_inside": (_SPLIT,),
    "free_places_inside": (_SPLIT, Rule(id="unreported_occupancy", chosen="counted as none")),
    "distance_m_to_nearest": (Rule(id="distance_from", chosen="the place's representative point, along the geodesic"),),
    "own_value": (),
})
"""The choices each measure makes, for `assess` to stamp on its result."""
