"""Which features stand behind a place's raw value, and how much of it each one makes: the measures' own sums, left open.

One function a measure, ``(places, features, column) -> DataFrame`` with a row for each place and feature that bears on it:

- ``place`` and ``feature``: the ids of their rows;
- ``value``: the feature's own figure, in the unit of the measure's column, metres for a distance, its share for a zone;
- ``share``: how much of the feature counts for the place (a point that touches two: 1/2), or of the place lies in it;
- ``contribution``: its part of the raw value. The contributions of a place add up to its raw value.

Where zones overlap, ground counts once, for the deepest zone and then for the one that covers most of the place (of
equal ones the first by bounds): a zone under others may contribute 0. An unknown value contributes ``nan``, as it makes
the raw value ``nan``.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_risk.areas import has_shape
from geo_risk.crs import geodesic_m, require_lonlat
from geo_risk.risk.measures import Numbers, _column, _Overlay, _spots, _square_metres, _touches, distance_m_to_nearest

Contributions: TypeAlias = Callable[[gpd.GeoDataFrame, gpd.GeoDataFrame, str | None], pd.DataFrame]
_COLUMNS: Final = ("place", "feature", "value", "share", "contribution")


def zones_contributions(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None = None) -> pd.DataFrame:
    """Behind `share_in_zones`: each zone's own share of the place, and what it adds to those that count before it.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 0.01)], index=["a"], crs=4326)
    >>> zones = gpd.GeoDataFrame(
    ...     geometry=[shapely.box(0, 0, 0.5, 1), shapely.box(0.25, 0, 1, 1)], index=["west", "east"], crs=4326
    ... )
    >>> zones_contributions(places, zones).round(6)[["feature", "share", "contribution"]].values.tolist()
    [['east', 0.75, 0.75], ['west', 0.5, 0.25]]
    """
    _require(places, features)
    overlay = _Overlay(places, features)
    return _of_zones(overlay, places, features, np.ones(len(overlay.pieces)), "share")


def depths_contributions(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None) -> pd.DataFrame:
    """Behind `mean_depth_m_in_zones`: each zone's depth, its share of the place, and depth x share where it is the deepest."""
    _require(places, features)
    overlay = _Overlay(places, features)
    depth = _column(features, column, "mean_depth_m_in_zones")[overlay.rows][overlay.zone_at]
    return _of_zones(overlay, places, features, np.where(depth >= 0, depth, np.nan), "depth")


def inside_contributions(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None) -> pd.DataFrame:
    """Behind `sum_inside`: each feature's value, the share of it that counts here, and the product.

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], index=["a", "b"], crs=4326)
    >>> points = gpd.GeoDataFrame({"people": [10, 4]}, geometry=gpd.points_from_xy([0.5, 1.0], [0.5, 0.5]), crs=4326)
    >>> inside_contributions(places, points, "people").values.tolist()
    [['a', 0, 10.0, 1.0, 10.0], ['a', 1, 4.0, 0.5, 2.0], ['b', 1, 4.0, 0.5, 2.0]]
    """
    _require(places, features)
    return _of_points(places, features, _column(features, column, "sum_inside"))


def count_contributions(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None = None) -> pd.DataFrame:
    """Behind `count_inside`: one for each feature, or its part where it touches several places."""
    _require(places, features)
    return _of_points(places, features, np.ones(len(features)))


def free_places_contributions(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None) -> pd.DataFrame:
    """Behind `free_places_inside`: each shelter's free places."""
    _require(places, features)
    capacity = _column(features, column, "free_places_inside")
    occupied = _column(features, "occupancy", "free_places_inside") if "occupancy" in features else np.zeros(len(features))
    return _of_points(places, features, np.maximum(capacity - np.nan_to_num(occupied, nan=0.0), 0.0))


def nearest_contribution(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None = None) -> pd.DataFrame:
    """Behind `distance_m_to_nearest`: the one feature that is nearest, of equal ones the first by id."""
    _require(places, features)
    spots = _spots(features)
    located = np.flatnonzero(has_shape(spots))
    lon, lat = shapely.get_coordinates(spots[located]).T
    distances = distance_m_to_nearest(places, features)
    rows = []
    for (place, metres), asker in zip(distances.items(), _spots(places), strict=True):
        if asker is not None and len(located):
            measured = geodesic_m(np.full(len(lon), asker.x), np.full(len(lat), asker.y), lon, lat)[0]
            first = min((features.index[at] for at in located[measured <= metres]), key=str)
            rows.append((place, first, metres, 1.0, metres))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def own_contribution(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, column: str | None) -> pd.DataFrame:
    """Behind `own_value`: the place's own row."""
    _require(places, features)
    values = pd.Series(_column(features, column, "own_value"), index=features.index)
    rows = [(place, place, values[place], 1.0, values[place]) for place in places.index if place in values.index]
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _of_points(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, values: Numbers) -> pd.DataFrame:
    spot_at, place_at, touched = _touches(places, _spots(features))
    share = 1.0 / touched[spot_at]
    found = pd.DataFrame({
        "place": places.index[place_at], "feature": features.index[spot_at], "value": values[spot_at], "share": share,
        "contribution": values[spot_at] / touched[spot_at],
    })
    return found.iloc[np.lexsort((spot_at, place_at))].reset_index(drop=True)


def _of_zones(
    overlay: _Overlay, places: gpd.GeoDataFrame, features: gpd.GeoDataFrame, height: Numbers, value: str
) -> pd.DataFrame:
    """What each zone adds to the ground under those before it: the highest first, then the largest, then the first by bounds."""
    rows = []
    row_of = overlay.rows[overlay.zone_at] if len(overlay.rows) else overlay.place_at
    for at in np.unique(overlay.place_at):
        mine = np.flatnonzero(overlay.place_at == at)
        zones, of = np.unique(row_of[mine], return_inverse=True)
        parts = [mine[of == each] for each in range(len(zones))]
        own_m2 = [_union_m2(overlay, part) for part in parts]
        keys = [(_falling(height[part[0]]), -m2, int(overlay.zone_at[part].min())) for part, m2 in zip(parts, own_m2, strict=True)]
        order = sorted(range(len(zones)), key=keys.__getitem__)
        added = _added_m2(overlay, [parts[k] for k in order], np.array([own_m2[k] for k in order]))
        for k, new_m2 in zip(order, added, strict=True):
            share, high = own_m2[k] / overlay.place_m2[at], float(height[parts[k][0]])
            figure = share if value == "share" else high
            rows.append((places.index[at], features.index[zones[k]], figure, share, high * new_m2 / overlay.place_m2[at]))
    return pd.DataFrame(rows, columns=list(_COLUMNS))


def _added_m2(overlay: _Overlay, parts: list[NDArray[np.intp]], own_m2: Numbers) -> Numbers:
    """The square metres that each zone adds to the ones before; their own where none overlap."""
    if len(parts) == 1 or _union_m2(overlay, np.concatenate(parts)) >= own_m2.sum() * (1.0 - 1e-9):
        return own_m2
    unions: list[shapely.Geometry] = []
    for part in parts:
        unions.append(shapely.union_all([*unions[-1:], *overlay.pieces[part]]))
    return np.diff(_square_metres(np.array(unions, dtype=object)), prepend=0.0)


def _union_m2(overlay: _Overlay, pieces: NDArray[np.intp]) -> float:
    return float(_square_metres(np.array([shapely.union_all(overlay.pieces[pieces])], dtype=object))[0])


def _falling(height: float) -> float:
    """A key by which the highest come first, and the unknown before them."""
    return -np.inf if np.isnan(height) else -height


def _require(places: gpd.GeoDataFrame, features: gpd.GeoDataFrame) -> None:
    require_lonlat(places, "places")
    require_lonlat(features, "features")


CONTRIBUTIONS: Final[Mapping[str, Contributions]] = MappingProxyType({
    "share_in_zones": zones_contributions,
    "mean_depth_m_in_zones": depths_contributions,
    "sum_inside": inside_contributions,
    "count_inside": count_contributions,
    "free_places_inside": free_places_contributions,
    "distance_m_to_nearest": nearest_contribution,
    "own_value": own_contribution,
})
"""By the measure's name: a test holds the two tables to the same names."""
