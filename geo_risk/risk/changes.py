"""Raw values brought forward: after some features or places changed, only what the change can touch is measured again.

Equal to measuring everything from scratch, to the last bit, because each measure works place by place:

- a zone or a point bears only on places whose bounds meet its own, as it was or as it is;
- a point on a border is shared with its neighbours, so a place is measured again beside the places that touch it;
- a nearest distance changes only where a changed feature is now nearer, or was the nearest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_risk.areas import Shapes, has_shape
from geo_risk.model import Factor
from geo_risk.points import index_points, nearest_m
from geo_risk.risk.measures import MEASURES, Numbers, _spots

Flags = NDArray[np.bool_]
Reach = Literal["overlap", "split", "nearest", "own"]
REACH: Final[Mapping[str, Reach]] = MappingProxyType({
    "share_in_zones": "overlap",
    "mean_depth_m_in_zones": "overlap",
    "sum_inside": "split",
    "count_inside": "split",
    "free_places_inside": "split",
    "distance_m_to_nearest": "nearest",
    "own_value": "own",
})
"""How far a feature bears: on the places it overlaps, on those and their neighbours, on any place, on its own."""
_ALSO_READ: Final = MappingProxyType({"free_places_inside": ("occupancy",)})


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured:
    """Raw values of a factor with the places and the features (`kept`) that they were measured from."""

    places: gpd.GeoDataFrame
    rows: gpd.GeoDataFrame
    raw: "pd.Series[float]"


def measured(places: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, factor: Factor) -> Measured:
    """The factor measured from scratch."""
    return Measured(places=places, rows=rows, raw=MEASURES[factor.measure](places, rows, factor.column))


def measured_again(known: Measured, places: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, factor: Factor) -> tuple[Measured, int]:
    """What `measured` would give now, from what is known, and the number of places that had to be measured.

    Parameters
    ----------
    known : Measured
        The same factor before.
    places, rows : GeoDataFrame, EPSG:4326
        As they are now; a row is the same row where its id is.
    factor : Factor

    Examples
    --------
    >>> places = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), shapely.box(3, 0, 4, 1)], index=["a", "b"], crs=4326)
    >>> zones = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 0.5, 1), shapely.box(3, 0, 4, 1)], index=["x", "y"], crs=4326)
    >>> flooded = Factor(id="flooded", role="hazard", measure="share_in_zones", unit="share", title={})
    >>> now, places_measured = measured_again(measured(places, zones, flooded), places, zones.drop(index="y"), flooded)
    >>> now.raw.round(6).to_dict(), places_measured
    ({'a': 0.5, 'b': 0.0}, 1)
    """
    frames = (known.places, known.rows, places, rows)
    reach = REACH[factor.measure]
    if reach == "own" or not all(frame.index.is_unique for frame in frames) or not _located(known.rows) or not _located(rows):
        return measured(places, rows, factor), len(places)
    raw, stale = _BROUGHT[reach](known, places, rows, factor)
    if stale.any():
        near_places, near_rows = narrowed(places, rows, factor.measure, stale)
        fresh = MEASURES[factor.measure](near_places, near_rows, factor.column)
        raw[stale] = fresh.reindex(places.index[stale]).to_numpy()
    return Measured(places=places, rows=rows, raw=pd.Series(raw, index=places.index)), int(stale.sum())


def narrowed(
    places: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, measure: str, wanted: Flags
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """The fewest places and features from which a measure gives the wanted places the same values as from all."""
    reach = REACH[measure]
    if reach in ("nearest", "own") or not wanted.any():
        return (places if reach == "own" else places[wanted]), rows
    shapes = places.geometry.to_numpy()
    bears = _meet(rows.geometry.to_numpy(), shapes[wanted])
    if not bears.any():  # a layer without features says nothing; one without features here says 0
        bears[np.flatnonzero(has_shape(rows.geometry.to_numpy()))[:1]] = True
    return places[wanted | _meet(shapes, shapes[wanted]) if reach == "split" else wanted], rows[bears]


def _overlaps(known: Measured, places: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, factor: Factor) -> tuple[Numbers, Flags]:
    """Values carried over, and which places are stale: those that changed, or that a changed feature meets."""
    columns = [name for name in (factor.column, *_ALSO_READ.get(factor.measure, ())) if name]
    gone, fresh = _changed(known.rows, rows, columns)
    lost, new = _changed(known.places, places, [])
    shapes = [known.rows.geometry.to_numpy()[gone], rows.geometry.to_numpy()[fresh]]
    if REACH[factor.measure] == "split":
        shapes += [known.places.geometry.to_numpy()[lost], places.geometry.to_numpy()[new]]
    return _carried(known, places), new | _meet(places.geometry.to_numpy(), np.concatenate(shapes))


def _distances(known: Measured, places: gpd.GeoDataFrame, rows: gpd.GeoDataFrame, factor: Factor) -> tuple[Numbers, Flags]:
    """Values carried over or shortened by what is now nearer; stale where the place changed or lost its nearest feature."""
    gone, fresh = _changed(known.rows, rows, [])
    _, new = _changed(known.places, places, [])
    raw, askers = _carried(known, places), _spots(places)
    lost_m = _nearest_m(known.rows[gone], askers)
    return np.fmin(raw, _nearest_m(rows[fresh], askers)), new | (lost_m <= raw)


_BROUGHT: Final = MappingProxyType({"overlap": _overlaps, "split": _overlaps, "nearest": _distances})


def _changed(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, columns: list[str]) -> tuple[Flags, Flags]:
    """Which rows of before are gone or differ, and which of after are new or differ, in geometry or one of the columns."""
    at = before.index.get_indexer(after.index)
    here = np.flatnonzero(at >= 0)
    same = shapely.equals_identical(before.geometry.to_numpy()[at[here]], after.geometry.to_numpy()[here])
    for column in columns:
        same &= _same(before, after, column, at[here], here)
    gone, fresh = np.ones(len(before), dtype=bool), np.ones(len(after), dtype=bool)
    gone[at[here[same]]] = fresh[here[same]] = False
    return gone, fresh


def _same(before: gpd.GeoDataFrame, after: gpd.GeoDataFrame, column: str, old: NDArray[np.intp], new: NDArray[np.intp]) -> Flags:
    if column not in before or column not in after:
        return np.full(len(new), column not in before and column not in after)
    values = [frame[column].to_numpy(dtype=float, na_value=np.nan) for frame in (before, after)]
    was, now = values[0][old], values[1][new]
    return np.asarray((was == now) | (np.isnan(was) & np.isnan(now)))


def _carried(known: Measured, places: gpd.GeoDataFrame) -> Numbers:
    return np.array(known.raw.reindex(places.index), dtype=np.float64)


def _meet(shapes: Shapes, others: Shapes) -> Flags:
    """Whether the bounds of each shape meet the bounds of any other."""
    found = np.zeros(len(shapes), dtype=bool)
    if has_shape(others).any():
        known = np.flatnonzero(has_shape(shapes))
        met, _ = shapely.STRtree(_boxes(others[has_shape(others)])).query(_boxes(shapes[known]), predicate="intersects")
        found[known[met]] = True
    return found


def _boxes(shapes: Shapes) -> Shapes:
    return np.asarray(shapely.box(*shapely.bounds(shapes).T), dtype=object)


def _nearest_m(rows: gpd.GeoDataFrame, askers: Shapes) -> Numbers:
    spots = _spots(rows)
    index = index_points(*shapely.get_coordinates(spots[has_shape(spots)]).T)
    return nearest_m(index, shapely.get_x(askers), shapely.get_y(askers))


def _located(rows: gpd.GeoDataFrame) -> bool:
    return bool(has_shape(rows.geometry.to_numpy()).any())
