"""Zones with a class or a depth: which of them hold each point, and what they say of points, lines and areas."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from geo_risk.areas import has_shape
from geo_risk.crs import require_lonlat
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard._inside import ZoneIndex, index_shapes, pairs_of
from geo_risk.hazard.overlay import MOST_CROSSINGS, TOO_MANY_CROSSINGS, Overlaps, overlaps

Numbers: TypeAlias = NDArray[np.float64]
Positions: TypeAlias = NDArray[np.int64]
Shapes: TypeAlias = NDArray[Any]


_EQUAL: Final = 9  # shares that agree in so many digits are equal


def index_zones(zones: gpd.GeoDataFrame | gpd.GeoSeries) -> ZoneIndex:
    """Zones made ready for `points_in_zones`, where the same zones are asked more than once.

    Parameters
    ----------
    zones : GeoDataFrame or GeoSeries of polygons, EPSG:4326
        A zone without geometry holds no point. Invalid ones are repaired first (`geo_risk.areas.repair`).

    Raises
    ------
    CrsError
        Not longitude, latitude.
    ParameterError
        A zone is a point or a line.

    Examples
    --------
    >>> len(index_zones(gpd.GeoSeries([shapely.box(0, 0, 1, 1), None], crs=4326)))
    2
    """
    require_lonlat(zones, "index_zones")
    return index_shapes(np.asarray(zones.geometry.to_numpy()))


def points_in_zones(
    zones: gpd.GeoDataFrame | gpd.GeoSeries | ZoneIndex, lon: ArrayLike, lat: ArrayLike
) -> tuple[Positions, Positions]:
    """Every pair of a point and a zone that holds it, as positions from 0, by point and then by zone.

    Zones are closed: a point on a border is in, on a shared border it is in both. Edges are straight in longitude and
    latitude. Exactly the pairs of ``shapely.intersects``: where rounding could tell a wrong side, shapely is asked.

    Parameters
    ----------
    zones : GeoDataFrame or GeoSeries of polygons, EPSG:4326; or ZoneIndex
    lon, lat : array_like of float
        Degrees on WGS84, of one length, which may be 0. A point with a nan is in no zone.

    Returns
    -------
    point_position, zone_position : ndarray of int64

    Raises
    ------
    CrsError
        The zones are not longitude, latitude.
    ParameterError
        A zone is a point or a line, or the lengths differ.

    Examples
    --------
    >>> two = gpd.GeoSeries([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
    >>> points, held_by = points_in_zones(two, [0.5, 1.0, 2.0, 9.0, float("nan")], [0.5, 0.5, 1.0, 0.5, 0.5])
    >>> points.tolist(), held_by.tolist()
    ([0, 1, 1, 2], [0, 0, 1, 1])
    """
    index = zones if isinstance(zones, ZoneIndex) else index_zones(zones)
    x, y = np.ascontiguousarray(lon, dtype=float), np.ascontiguousarray(lat, dtype=float)
    if x.ndim != 1 or x.shape != y.shape:
        raise ParameterError(
            "longitudes and latitudes differ in shape", where="points_in_zones", expected="two arrays of one length",
            got=f"{x.shape} and {y.shape}", then="give one of each for every point",
        )
    return pairs_of(index, x, y)


def zone_readings(
    objects: gpd.GeoDataFrame | gpd.GeoSeries,
    zones: gpd.GeoDataFrame,
    column: str,
    rule: str,
    *,
    order: Sequence[object] = (),
    budget: int = MOST_CROSSINGS,
) -> pd.DataFrame:
    """What the zones say of each point, line or area, by a rule of `ZONE_RULES`.

    =================== =================================================================================
    worst               the worst value among the zones it meets, if only at a border
    largest_share       the value that covers most of it; of equal ones the worse
    share_weighted_mean sum(value x share) / sum(share) over its parts in zones: numbers only
    at_point            the worst value at the point, or at a point on the line or in the area
    centroid            the worst value at its centroid, which may lie outside it
    =================== =================================================================================

    An object in no zone has no value and ``zones`` 0: that is known. An object that meets a zone without a value (or
    with one that ``order`` does not hold) has no value either, unless what it meets elsewhere decides it all the same:
    nothing is worse than the worst class; an unknown part smaller than the largest share changes nothing.

    Parameters
    ----------
    objects : GeoDataFrame or GeoSeries, EPSG:4326
    zones : GeoDataFrame of polygons, EPSG:4326
    column : str
        A class, or a number such as a depth.
    rule : str
    order : sequence, optional
        The classes from the worst to the least. Without one, the column holds numbers and more is worse.
    budget : int
        Border crossings of an object and a zone beyond which they are not overlaid.

    Returns
    -------
    DataFrame on ``objects.index``
        ``value``; ``share`` of the object that has this value (is in a zone, for the mean), 0 to 1; ``zones`` it
        meets; ``unknown_share`` in zones without a value; ``size``: 1, metres or square metres. Shares are nan where
        there is no geometry or a pair was refused. ``attrs["rule"]`` names the rule, ``attrs["refused"]`` lists
        (object, zone, reason); the zone is None where several zones are together too intricate.

    Raises
    ------
    CrsError
        A frame is not longitude, latitude.
    ParameterError
        No such rule or column, classes without an order, or a mean of classes.

    Examples
    --------
    >>> zones = gpd.GeoDataFrame(
    ...     {"class": ["low", "high"]}, geometry=[shapely.box(0, 0, 3, 1), shapely.box(3, 0, 4, 1)], crs=4326
    ... )
    >>> house = gpd.GeoSeries([shapely.box(0, 0, 4, 1), shapely.box(4, 0, 5, 1), shapely.box(8, 8, 9, 9)], crs=4326)
    >>> zone_readings(house, zones, "class", "worst", order=("high", "low"))[["value", "share", "zones"]].round(3)
      value  share  zones
    0  high   0.25      2
    1  high   0.00      1
    2  None   0.00      0
    >>> zone_readings(house, zones, "class", "largest_share", order=("high", "low"))["value"].tolist()
    ['low', None, None]
    """
    require_lonlat(objects, "objects")
    require_lonlat(zones, "zones")
    if rule not in ZONE_RULES:
        raise ParameterError("no such rule", where="zone_readings", expected=", ".join(ZONE_RULES), got=shown(rule))
    classes = _classes(zones, column, order, rule)
    spots = _SPOTS.get(rule, _themselves)(np.asarray(objects.geometry.to_numpy(), dtype=object))
    met = overlaps(gpd.GeoSeries(spots, crs=objects.crs), zones.geometry, budget=budget)
    reading = ZONE_RULES[rule](met, classes.severity[met.area_at], classes.top)
    located = has_shape(spots)
    unknown = np.isnan(classes.severity[met.area_at])
    result = pd.DataFrame(
        {
            "value": classes.named(reading.severity, objects.index),
            "share": np.where(located, reading.share, np.nan),
            "zones": np.bincount(met.object_at, minlength=len(objects)),
            "unknown_share": np.where(located, met.share_in_any(np.where(unknown, met.object_at, -1), len(objects)), np.nan),
            "size": met.size,
        },
        index=objects.index,
    )
    result.attrs["rule"] = rule
    unsure = located & result[["share", "unknown_share"]].isna().to_numpy().any(axis=1)
    result.attrs["refused"] = tuple(_refused(met, unsure, objects, zones))
    return result


def _refused(met: Overlaps, unsure: NDArray[np.bool_], objects: Any, zones: Any) -> Iterator[tuple[object, object, str]]:
    """The pairs that were not overlaid, then the objects whose zones together were not."""
    pairs = np.flatnonzero(met.refused)
    yield from ((objects.index[met.object_at[pair]], zones.index[met.area_at[pair]], TOO_MANY_CROSSINGS) for pair in pairs)
    rest = np.setdiff1d(np.flatnonzero(unsure), met.object_at[pairs])
    yield from ((objects.index[at], None, TOO_MANY_CROSSINGS) for at in rest)


@dataclass(frozen=True, eq=False)
class _Classes:
    """Each zone's severity, nan where unknown; the top one, if any; and the names of classes from the least."""

    severity: Numbers
    top: float
    names: tuple[object, ...]

    def named(self, severity: Numbers, index: pd.Index) -> pd.Series:
        """The values that severities stand for."""
        if not self.names:
            return pd.Series(severity, index=index)
        named = np.full(len(severity), None, dtype=object)
        known = np.flatnonzero(~np.isnan(severity))
        for at in known:
            named[at] = self.names[int(severity[at])]
        return pd.Series(named, index=index, dtype="object")


@dataclass(frozen=True, eq=False)
class _Read:
    severity: Numbers
    share: Numbers


def _classes(zones: gpd.GeoDataFrame, column: str, order: Sequence[object], rule: str) -> _Classes:
    if column not in zones:
        raise ParameterError("the zones have no such column", where="zone_readings", expected="a column", got=shown(column))
    numeric = pd.api.types.is_numeric_dtype(zones[column]) and not pd.api.types.is_bool_dtype(zones[column])
    if order and rule not in _OF_NUMBERS:
        names = tuple(reversed(order))
        severity = zones[column].map({name: float(at) for at, name in enumerate(names)})
        return _Classes(severity.to_numpy(dtype=float, na_value=np.nan), float(len(names) - 1), names)
    if not numeric:
        needs = "numbers" if rule in _OF_NUMBERS else "numbers, or the classes from the worst to the least"
        raise ParameterError(
            "the column holds classes", where=f"zone_readings, column {shown(column)}", expected=needs,
            got=str(zones[column].dtype), then="name another rule" if rule in _OF_NUMBERS else "give order=",
        )
    values = zones[column].to_numpy(dtype=float, na_value=np.nan)
    return _Classes(np.where(np.isfinite(values), values, np.nan), np.inf, ())


def _worst(met: Overlaps, severity: Numbers, top: float) -> _Read:
    worst, unknown = np.full(len(met.size), -np.inf), np.zeros(len(met.size), dtype=bool)
    known = ~np.isnan(severity)
    np.maximum.at(worst, met.object_at[known], severity[known])
    unknown[met.object_at[~known]] = True
    value = np.where(np.isneginf(worst) | (unknown & (worst < top)), np.nan, worst)
    group = np.where(severity == value[met.object_at], met.object_at, -1)
    return _Read(value, met.share_in_any(group, len(met.size)))


def _largest_share(met: Overlaps, severity: Numbers, top: float) -> _Read:
    kinds, kind = np.unique(severity, return_inverse=True)  # from the least; all nan are one kind, the last
    groups, group = np.unique(met.object_at * max(len(kinds), 1) + kind, return_inverse=True)
    at, of = np.divmod(groups, max(len(kinds), 1))
    share = met.share_in_any(group.ravel(), len(groups))
    order = np.lexsort((of, np.nan_to_num(share.round(_EQUAL), nan=np.inf), at))
    last = order[np.append(at[order][1:] != at[order][:-1], True)] if len(order) else order
    value, largest = np.full(len(met.size), np.nan), np.zeros(len(met.size))
    chosen = last[share[last] > 0]
    value[at[chosen]], largest[at[chosen]] = kinds[of[chosen]], share[chosen]
    largest[at[last[np.isnan(share[last])]]] = np.nan
    return _Read(value, np.where(np.isnan(value) & (largest > 0), 0.0, largest))


def _share_weighted_mean(met: Overlaps, severity: Numbers, top: float) -> _Read:
    met_at, count = met.object_at, len(met.size)
    total = np.bincount(met_at, weights=met.share, minlength=count)
    weighted = np.bincount(met_at, weights=np.where(met.share == 0, 0.0, met.share * severity), minlength=count)
    inside = met.share_in_any(np.where(np.isnan(severity), -1, met_at), count)
    return _Read(np.divide(weighted, total, out=np.full(count, np.nan), where=total > 0), inside)


def _themselves(shapes: Shapes) -> Shapes:
    return shapes


_SPOTS: Final[Mapping[str, Callable[[Shapes], Shapes]]] = MappingProxyType({
    "at_point": shapely.point_on_surface,
    "centroid": shapely.centroid,
})
_OF_NUMBERS: Final = frozenset({"share_weighted_mean"})
ZONE_RULES: Final[Mapping[str, Callable[[Overlaps, Numbers, float], _Read]]] = MappingProxyType({
    "worst": _worst,
    "largest_share": _largest_share,
    "share_weighted_mean": _share_weighted_mean,
    "at_point": _worst,
    "centroid": _worst,
})
