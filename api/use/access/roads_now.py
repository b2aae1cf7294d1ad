"""The roads as one vehicle finds them now: the graph of the store's roads, the closures in force, and what each took.

All access questions read this one value, so they honour the same list. What does not change between two questions is kept
with the frame it was made from: the graph and its index with the roads, the depths of a raster, a closure's effect. Another
list of closures writes one array of costs anew.
"""

import datetime as dt
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import geopandas as gpd

from api.use._remember import remember, remember_few
from api.use.access.closure_rows import Listed, Unreadable, listed
from geo_risk.access.closures import Around, Closure, Effect, Flooded, Inside, Named, Shut, effect_of, shut_by
from geo_risk.access.link_depths import LinkDepths, link_depths
from geo_risk.access.road_graph import RoadGraph
from geo_risk.access.road_index import RoadIndex, index_roads
from geo_risk.access.travel import By, Travel, weigh
from geo_risk.access.vehicles import Vehicle
from geo_risk.errors import FileError, ParameterError, shown
from geo_risk.hazard.raster import open_raster
from layers._network import road_network
from layers._store import Snapshot
from layers._tables.vehicle_table import vehicle as vehicle_of

CLOSURES: Final = "road_closures"
ROADS: Final = "roads"
_ASKED: Final = "what if"
_EFFECTS: Final = 5_000


@dataclass(frozen=True, kw_only=True)
class AccessFiles:
    """Where the saved road graph stands, and the folder whose rasters of flood depth closures may name."""

    network: Path
    rasters: Path


@dataclass(frozen=True, kw_only=True, eq=False)
class RoadsNow:
    """The roads for one vehicle at one moment: ``now`` with the closures honoured, ``free`` as if there were none.

    ``closures`` is the whole list, what is asked for this question only included; ``unreadable`` could not be honoured.
    """

    graph: RoadGraph
    index: RoadIndex
    vehicle: Vehicle
    now: Travel
    free: Travel
    shut: Shut
    closures: tuple[Closure, ...]
    unreadable: tuple[Unreadable, ...]

    @property
    def honoured(self) -> tuple[Effect, ...]:
        """The effects of the closures that hold at this moment and shut something for this vehicle."""
        return tuple(effect for effect in self.shut.effects if effect.state == "honoured" and len(effect.links))


def access_files(store: Path, rasters: Path | None = None) -> AccessFiles:
    """The files of a store: both beside it, unless the settings name another folder of rasters."""
    return AccessFiles(network=store.with_name(f"{store.stem}.roads.npz"), rasters=rasters or store.parent / "rasters")


def roads_now(
    snapshot: Snapshot, files: AccessFiles, *, vehicle: str, at: dt.datetime, without: tuple[str, ...] = (), by: By = "time"
) -> RoadsNow | None:
    """The roads for a vehicle at a moment, or None where the store holds no roads.

    ``without`` names roads that are shut for this question only: what if.
    """
    roads = snapshot.whole.frames[ROADS]
    if roads.empty:
        return None
    goes = vehicle_of(vehicle)
    graph = graph_of(roads, files)
    on_list = closures_of(snapshot, graph, files)
    closures = (*on_list.closures, *_what_if(graph, without))
    effects = tuple(_effect(roads, graph, closure, goes, at) for closure in closures)
    free = remember_few(roads, "free roads", (goes.id, by), lambda _: weigh(graph, goes, by=by), most=8)

    def made(_: gpd.GeoDataFrame) -> RoadsNow:
        shut = shut_by(graph, effects, goes)
        return RoadsNow(
            graph=graph, index=index_of(roads, files), vehicle=goes, now=weigh(graph, goes, by=by, shut=shut.links), free=free,
            shut=shut, closures=closures, unreadable=on_list.unreadable,
        )  # fmt: skip

    # an effect that is kept is the same object, so the tuple of effects names the roads as they are for this vehicle
    key = (goes.id, by, tuple(map(id, effects)), without)
    return remember_few(roads, "roads now", key, lambda owner: (effects, made(owner)), most=6)[1]


def graph_of(roads: gpd.GeoDataFrame, files: AccessFiles) -> RoadGraph:
    """The road graph of the layer's rows: read from beside the store, or built and saved there."""
    return remember(roads, "road graph", lambda frame: road_network(frame, files.network))


def index_of(roads: gpd.GeoDataFrame, files: AccessFiles) -> RoadIndex:
    """The index over the graph's links, to find the road next to a place."""
    return remember(roads, "road index", lambda frame: index_roads(graph_of(frame, files)))


def closures_of(snapshot: Snapshot, graph: RoadGraph, files: AccessFiles) -> Listed:
    """The list of closures as the engine takes them, ended ones too."""
    roads, rows = snapshot.whole.frames[ROADS], snapshot.whole.frames[CLOSURES]
    written = {str(name): _written(files.rasters / str(name)) for name in rows["depth_raster"].dropna().unique()}

    def depths(name: str) -> LinkDepths:
        path = depth_raster(files, name)
        return remember_few(roads, "link depths", (name, written[name]), lambda _: _depths(graph, path), most=6)

    # a raster that is written anew, or gone, makes another list of the same rows
    return remember_few(rows, "closures", (id(graph), tuple(written.items())), lambda each: listed(each, depths), most=2)


def warm(snapshot: Snapshot, files: AccessFiles) -> None:
    """Have the graph and its index ready before the snapshot is served; what closures take is found by the first question."""
    roads = snapshot.whole.frames[ROADS]
    if not roads.empty:
        index_of(roads, files)


def _effect(roads: gpd.GeoDataFrame, graph: RoadGraph, closure: Closure, vehicle: Vehicle, at: dt.datetime) -> Effect:
    """The effect of a closure, kept with the roads while what it says and its standing in time stay as they are."""
    holds = (closure.since is None or closure.since <= at, closure.until is None or at < closure.until)
    key = (closure.id, closure.cause, closure.vehicles, vehicle.id, holds, _said(closure.what))
    # what it says is kept beside the effect, so that the id of its depths stays their own
    return remember_few(
        roads, "effects", key, lambda _: (closure.what, effect_of(graph, closure, vehicle, at)), most=_EFFECTS
    )[1]


def _said(what: Flooded | Around | Inside | Named) -> Hashable:
    """What tells one closure's ground from another's."""
    if isinstance(what, Inside):
        return what.area.wkb, what.bridges
    return (id(what.depth_m), what.bridges, what.unknown) if isinstance(what, Flooded) else what


def _what_if(graph: RoadGraph, without: tuple[str, ...]) -> tuple[Closure, ...]:
    require_roads(graph, without, "without")
    return (Closure(id=_ASKED, cause=_ASKED, title=_ASKED, what=Named(links=without)),) if without else ()


def require_roads(graph: RoadGraph, names: tuple[str, ...], where: str) -> None:
    """Stop where a name is of no road: a typing error must not leave a road open."""
    known = remember(graph, "feature ids", lambda one: frozenset(one.feature_ids))
    strange = [name for name in names if name not in known and not _is_part(graph, known, name)]
    if strange:
        raise ParameterError(
            "no road has this id", where=where, expected="ids of the layer roads, or of their parts such as ID#0",
            got=", ".join(map(shown, strange[:5])), then="take the id from the map, or from /collections/roads/items",
        )


def _is_part(graph: RoadGraph, known: frozenset[str], name: str) -> bool:
    feature, _, part = name.rpartition("#")
    if feature not in known or not part.isdecimal():
        return False
    of_feature = graph.feature == graph.feature_ids.index(feature)
    return int(part) in graph.part[of_feature]


def _written(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _depths(graph: RoadGraph, path: Path) -> LinkDepths:
    with open_raster(path) as raster:
        return link_depths(graph, raster)


def depth_raster(files: AccessFiles, name: str) -> Path:
    """The raster of that name; `FileError` where there is none."""
    path = files.rasters / name
    if name != Path(name).name or name.startswith(".") or not path.is_file():
        raise FileError(
            "a closure names a raster that is not there", where="depth_raster", expected="a file of the folder of rasters",
            got=shown(name), then="put the raster there, or end the closure",
        )
    return path
