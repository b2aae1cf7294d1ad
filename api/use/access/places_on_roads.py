"""Features of a layer as places on the roads: where each stands, and on which road it is reached.

A point stands where it is, and walks to its road. An area is reached at the junction inside it that is nearest to its
middle, or where the road nearest to its middle runs through it; an area without a passable road inside is not reached.
"""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from api.use._remember import remember, remember_few
from api.use.access.roads_now import RoadsNow
from geo_risk.access.travel import OnRoad, Travel, on_nodes, on_road
from geo_risk.crs import geodesic_m
from layers._store import Snapshot

_KEPT: Final = 12


@dataclass(frozen=True, eq=False)
class Stands:
    """Where the features of a layer stand: one entry a row, nan where a row has no place."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)


def stands_of(frame: gpd.GeoDataFrame) -> Stands:
    """A point itself; a point surely inside a line or an area."""
    return remember(frame, "stands", _stands)


def on_roads(roads: RoadsNow, frame: gpd.GeoDataFrame) -> tuple[OnRoad, OnRoad]:
    """The features of a layer on the roads as they are now, and were all open; kept with the roads."""
    return _placed(roads.now, roads, frame), _placed(roads.free, roads, frame)


def point_on_roads(roads: RoadsNow, lon: float, lat: float) -> tuple[OnRoad, OnRoad]:
    """One place on the roads as they are now, and were all open."""
    return on_road(roads.now, roads.index, [lon], [lat]), on_road(roads.free, roads.index, [lon], [lat])


def rows_of(snapshot: Snapshot, layer_id: str, ids: tuple[str, ...] | None) -> gpd.GeoDataFrame:
    """The features of a layer, or those of these ids."""
    frame = snapshot.frames[layer_id]
    return frame if ids is None else frame.loc[list(ids)]


def _placed(travel: Travel, roads: RoadsNow, frame: gpd.GeoDataFrame) -> OnRoad:
    # the frame is kept with the answer, so that its id stays its own
    return remember_few(travel, "places", id(frame), lambda owner: (frame, _found(owner, roads, frame)), most=_KEPT)[1]


def _found(travel: Travel, roads: RoadsNow, frame: gpd.GeoDataFrame) -> OnRoad:
    stands = stands_of(frame)
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    beside = on_road(travel, roads.index, stands.lon, stands.lat)
    areas = np.flatnonzero(shapely.get_dimensions(shapes) == 2)
    return _in_areas(travel, beside, shapes, areas, stands) if len(areas) else beside


def _in_areas(travel: Travel, beside: OnRoad, shapes: NDArray[np.object_], areas: NDArray[np.int64], stands: Stands) -> OnRoad:
    """With the areas among the places at their junctions; no walk is counted, since people live all over an area."""
    graph = travel.graph
    usable = np.unique(np.concatenate([graph.start[travel.passable], graph.end[travel.passable]]))
    tree = remember(travel, "junctions", lambda _: shapely.STRtree(shapely.points(graph.lon[usable], graph.lat[usable])))
    area_at, at = tree.query(shapes[areas], predicate="contains")
    metres = geodesic_m(stands.lon[areas][area_at], stands.lat[areas][area_at], graph.lon[usable[at]], graph.lat[usable[at]])[0]
    order = np.lexsort((at, metres, area_at))
    first = order[np.unique(area_at[order], return_index=True)[1]]
    inside = shapely.contains_xy(shapes[areas], beside.lon[areas], beside.lat[areas])
    link, walk_m = beside.link.copy(), beside.walk_m.copy()
    along, lon, lat = beside.along.copy(), beside.lon.copy(), beside.lat.copy()
    link[areas[~inside]] = -1
    walk_m[areas] = np.where(inside, 0.0, np.nan)
    there = on_nodes(graph, usable[at[first]])
    rows = areas[area_at[first]]
    link[rows], along[rows], walk_m[rows], lon[rows], lat[rows] = there.link, there.along, there.walk_m, there.lon, there.lat
    return OnRoad(link, along, walk_m, lon, lat)


def _stands(frame: gpd.GeoDataFrame) -> Stands:
    shapes = np.asarray(frame.geometry.to_numpy(), dtype=object)
    points = np.where(shapely.get_type_id(shapes) == shapely.GeometryType.POINT, shapes, shapely.point_on_surface(shapes))
    names = frame["name"].fillna("").astype(str) if "name" in frame else [""] * len(frame)
    return Stands(
        tuple(map(str, frame.index)),
        tuple(name or str(fid) for name, fid in zip(names, frame.index, strict=True)),
        shapely.get_x(points),
        shapely.get_y(points),
    )
