"""Roads closed by water, hazards, areas and people: one list, and which links it shuts for a vehicle at a time.

A closure says what it is (`Flooded`, `Around`, `Inside`, `Named`), since when and until when, and for which vehicles. Its
`Effect` on a graph needs no other closure, so a caller may keep effects and put them together again when one changes
(`shut_by`). A link is shut while at least one closure that holds shuts it: their order is of no matter, and lifting one of
two that overlap opens nothing that the other one holds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_risk.access.road_graph import Floats, Ints, Mask, RoadGraph
from geo_risk.access.vehicles import Vehicle
from geo_risk.areas import repaired
from geo_risk.crs import GEOD, geodesic_m
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.contacts import budgeted, cell_costs, figures, line_contacts, tallied
from geo_risk.hazard.grid import Raster
from geo_risk.hazard.raster import take, to_grid

Bridges: TypeAlias = Literal["kept", "lost"]
Unknown: TypeAlias = Literal["open", "shut"]
State: TypeAlias = Literal["honoured", "ended", "not yet", "another vehicle", "meets no road"]
MAX_RADIUS_M: Final = 500_000.0
MAX_CORNERS: Final = 100_000
_MOST_STEPS: Final = 2e9  # of edges looked at: some seconds of GEOS
_BANDS: Final = 1024
_CELLS_AT_ONCE: Final = 4_000_000
_FLATTEST_M, _TIGHTEST_M = GEOD.a**2 / GEOD.b, GEOD.b**2 / GEOD.a  # no radius of curvature of WGS84 lies outside these
_GOLDEN: Final = (5**0.5 - 1) / 2
_CUTS: Final = 60  # 0.618 ** 60 of a segment is below any rounding
_NONE: Final[Ints] = np.empty(0, dtype=np.int64)


class LinkDepths(NamedTuple):
    """Of each link the deepest known depth in metres, nan where none is known, and the share of its length without one."""

    depth_m: Floats
    unknown_share: Floats


@dataclass(frozen=True, kw_only=True, eq=False)
class Flooded:
    """Water on the roads: a link is shut for a vehicle outside the depths that it can pass (``min_depth_m`` to ``max_depth_m``).

    ``depth_m`` (links) in metres, nan unknown; ``unknown_share`` (links) of each link's length, so that a depth that is
    known for a part only is not taken for the whole. ``bridges="kept"``: a link that carries a bridge tag stays open
    whatever the depth under it, except for what needs water. A tunnel has the depth of the ground above it: water that
    stands over an underpass has run into it. ``unknown="open"``: a link with any part unknown that is not known to be
    impassable stays open and is listed; ``"shut"``: it is shut and listed. For what needs water it is always shut.
    """

    depth_m: Floats
    unknown_share: Floats | None = None
    bridges: Bridges = "kept"
    unknown: Unknown = "open"

    def __post_init__(self) -> None:
        _require_choice(self.bridges, ("kept", "lost"), "bridges")
        _require_choice(self.unknown, ("open", "shut"), "unknown")
        wrong = (self.depth_m < 0) | np.isinf(self.depth_m)
        if wrong.any():
            raise ParameterError(
                "a depth is no depth", where="Flooded", expected="metres, 0 or more, nan for unknown",
                got=shown(float(self.depth_m[np.argmax(wrong)])), then="declare the raster's nodata value",
            )


@dataclass(frozen=True, kw_only=True)
class Around:
    """Every link that comes within ``radius_m`` geodesic metres of a point, or to just that far."""

    lon: float
    lat: float
    radius_m: float
    bridges: Bridges = "lost"

    def __post_init__(self) -> None:
        _require_choice(self.bridges, ("kept", "lost"), "bridges")
        if not (abs(self.lon) <= 180.0 and abs(self.lat) <= 90.0):
            raise ParameterError(
                "a coordinate is not on the earth", where="Around", expected="longitude -180 to 180, latitude -90 to 90",
                got=f"longitude {shown(self.lon)}, latitude {shown(self.lat)}", then="check the order and the unit",
            )
        if not 0 < self.radius_m <= MAX_RADIUS_M:
            raise ParameterError(
                "radius_m is out of range", where="Around", expected=f"above 0, at most {MAX_RADIUS_M:.0f} metres",
                got=shown(self.radius_m), then="give metres",
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Inside:
    """Every link that shares a point with an area, its border included; with ``bridges="kept"`` all but bridges.

    ``area`` is a polygon or several in degrees on WGS84; an invalid one is repaired (`geo_risk.areas.repaired`). Over
    the antimeridian it may come as two parts, with longitudes beyond 180, or as one ring: an edge over more than 180 and
    less than 360 degrees of longitude goes the other way round the earth.
    """

    area: shapely.Polygon | shapely.MultiPolygon
    bridges: Bridges = "lost"

    def __post_init__(self) -> None:
        _require_choice(self.bridges, ("kept", "lost"), "bridges")
        _require_area(self.area)


@dataclass(frozen=True, kw_only=True)
class Named:
    """Links by name: a feature's id is all its links, ``feature#part`` is one; the id of a feature goes first."""

    links: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Closure:
    """One closure: it holds from ``since`` up to but not at ``until`` (aware, None for ever), for ``vehicles`` (none: all)."""

    id: str
    cause: str
    what: Flooded | Around | Inside | Named
    title: str = ""
    since: datetime | None = None
    until: datetime | None = None
    vehicles: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for moment in (self.since, self.until):
            _require_aware(moment, "Closure")
        if self.since and self.until and self.until <= self.since:
            raise ParameterError(
                "a closure ends before it begins", where="Closure", expected="until after since",
                got=f"{self.since.isoformat()} to {self.until.isoformat()}", then="change the two times",
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Effect:
    """What one closure does to a graph for one vehicle at one time.

    ``links`` it shuts, whether or not others do; ``unknown`` links of which it cannot tell, shut or open as its rule says;
    ``unmet`` the names that meet no road. ``water`` says whether it tells where water stands, which a boat asks for.
    """

    closure: str
    cause: str
    state: State
    links: Ints
    unknown: Ints
    unmet: tuple[str, ...] = ()
    water: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Shut:
    """``links`` (links) that at least one closure shuts, and the effect of each closure by its id."""

    links: Mask
    effects: tuple[Effect, ...]


class _Met(NamedTuple):
    links: Ints
    unknown: Ints = _NONE
    unmet: tuple[str, ...] = ()


def shut_links(graph: RoadGraph, closures: Iterable[Closure], vehicle: Vehicle, at: datetime) -> Shut:
    """The links that closures shut for a vehicle at a time, and what each closure did.

    Parameters
    ----------
    graph : RoadGraph
    closures : iterable of Closure
        In any order.
    vehicle : Vehicle
        One that needs water (``min_depth_m`` above 0) finds every link shut that no flood is known to make deep enough.
    at : datetime
        An aware time.

    Raises
    ------
    ParameterError
        Two closures of one id; a time without a zone; depths of another graph; an area too intricate to test.

    Examples
    --------
    >>> from datetime import UTC
    >>> from geo_risk.access.road_graph import graph_of_arrays
    >>> graph = graph_of_arrays([120.0, 120.01, 120.02], [30.0, 30.0, 30.0], [0, 1], [1, 2], feature_ids=["A1", "A2"])
    >>> car = Vehicle(id="car", title={}, mode="car", speed_kmh={}, heeds_one_way=True, heeds_limit=True, min_depth_m=0.0,
    ...               max_depth_m=0.3, walk_kmh=4.0, walk_max_m=500.0, source="", checked="")
    >>> water = Closure(id="f", cause="flood", what=Flooded(depth_m=np.array([0.3, np.nan])))
    >>> works = Closure(id="w", cause="operator", what=Named(links=("A2#0", "A9")))
    >>> shut = shut_links(graph, [works, water], car, datetime(2026, 6, 1, tzinfo=UTC))
    >>> shut.links.tolist()
    [False, True]
    >>> [(one.closure, one.state, one.links.tolist(), one.unknown.tolist(), one.unmet) for one in shut.effects]
    [('f', 'honoured', [], [1], ()), ('w', 'honoured', [1], [], ('A9',))]
    """
    return shut_by(graph, [effect_of(graph, closure, vehicle, at) for closure in closures], vehicle)


def effect_of(graph: RoadGraph, closure: Closure, vehicle: Vehicle, at: datetime) -> Effect:
    """What one closure does; it depends on no other closure, so it may be kept while graph, closure, vehicle and state stay."""
    _require_aware(at, "effect_of")
    what = closure.what
    state = _state(closure, vehicle, at)
    met = _MEETS[type(what)](graph, what, vehicle) if state == "honoured" else _Met(_NONE)
    if state == "honoured" and not len(met.links) and not len(met.unknown):
        state = "meets no road"
    holds = state in ("honoured", "meets no road")
    return Effect(
        closure=closure.id, cause=closure.cause, state=state, links=met.links, unknown=met.unknown, unmet=met.unmet,
        water=holds and isinstance(what, Flooded),
    )  # fmt: skip


def shut_by(graph: RoadGraph, effects: Sequence[Effect], vehicle: Vehicle) -> Shut:
    """Effects put together: a link is shut where at least one shuts it.

    What needs water passes where at least one flood gives it enough and nothing else is in its way; where no flood is
    known at all, one more effect, of cause "no water known", says that every link is shut.
    """
    _require_one_each([effect.closure for effect in effects])
    listed = sorted(effects, key=lambda effect: effect.closure)
    if vehicle.min_depth_m > 0 and not any(effect.water for effect in listed):
        everywhere = np.arange(graph.links)
        listed.append(Effect(closure="", cause="no water known", state="honoured", links=everywhere, unknown=everywhere))
    floods = [effect for effect in listed if effect.water]
    shut = np.zeros(graph.links, dtype=np.bool_)
    for effect in listed:
        if not (effect.water and vehicle.min_depth_m > 0):
            shut[effect.links] = True
    if vehicle.min_depth_m > 0 and floods:
        shut |= np.bincount(np.concatenate([effect.links for effect in floods]), minlength=graph.links) == len(floods)
    return Shut(links=shut, effects=tuple(listed))


def link_depths(graph: RoadGraph, raster: Raster) -> LinkDepths:
    """The deepest known depth in the cells that each link runs through, and how much of it has none.

    Parameters
    ----------
    graph : RoadGraph
    raster : Raster
        Depths in metres; nodata, what lies outside and depths below 0 are unknown.

    Returns
    -------
    LinkDepths
        A link of no length has the depth of its cell.

    Notes
    -----
    Links are read by spans, so memory stays bounded; 400,000 links take some seconds.

    Examples
    --------
    >>> import pyproj
    >>> from geo_risk.access.road_graph import graph_of_arrays
    >>> from geo_risk.hazard.grid import ArrayRaster, Grid
    >>> grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=1.0, dy=-1.0, columns=3, rows=1)
    >>> depth = ArrayRaster(grid=grid, values=np.array([[0.1, 0.5, np.nan]]))
    >>> graph = graph_of_arrays([120.5, 121.5, 122.5, 124.0], [29.5] * 4, [0, 1, 2], [1, 2, 3])
    >>> [column.round(3).tolist() for column in link_depths(graph, depth)]
    [[0.5, 0.5, nan], [0.0, 0.5, 1.0]]
    """
    lines = to_grid(_lines(graph, np.arange(graph.links)), raster.grid)
    depth, unknown = np.full(graph.links, np.nan), np.ones(graph.links)
    for part in budgeted(cell_costs(raster.grid, lines), _CELLS_AT_ONCE):
        found = line_contacts(raster.grid, lines[part])
        sums = tallied(replace(found, cell=np.arange(len(found))), _depths_at(raster, found.cell))
        told = figures(sums, found.whole, known_only=True)
        depth[part], unknown[part] = told["max"], told["unknown_share"].fillna(1.0)
    points = np.flatnonzero(shapely.length(lines) == 0)
    if len(points):
        depth[points] = _depths_at(raster, raster.grid.cells_at(*shapely.get_coordinates(lines[points])[::2].T))
        unknown[points] = np.isnan(depth[points])
    return LinkDepths(depth, unknown)




def _depths_at(raster: Raster, cells: Ints) -> Floats:
    values = take(raster, cells)
    values[values < 0] = np.nan
    return values


def _state(closure: Closure, vehicle: Vehicle, at: datetime) -> State:
    if closure.until is not None and at >= closure.until:
        return "ended"
    if closure.since is not None and at < closure.since:
        return "not yet"
    return "another vehicle" if closure.vehicles and vehicle.id not in closure.vehicles else "honoured"


def _flooded(graph: RoadGraph, what: Flooded, vehicle: Vehicle) -> _Met:
    _require_links(graph, what.depth_m)
    depth, afloat = what.depth_m, vehicle.min_depth_m > 0
    partly = np.isnan(depth) if what.unknown_share is None else np.isnan(depth) | (what.unknown_share > 0)
    too_deep, too_shallow = depth > vehicle.max_depth_m, ~(depth >= vehicle.min_depth_m) & afloat
    unknown = partly & ~too_deep
    shut = too_deep | too_shallow | (unknown & (afloat or what.unknown == "shut"))
    if what.bridges == "kept" and not afloat:
        shut, unknown = shut & ~graph.bridge, unknown & ~graph.bridge
    return _Met(np.flatnonzero(shut), np.flatnonzero(unknown))


def _around(graph: RoadGraph, what: Around, vehicle: Vehicle) -> _Met:
    first, link = _segments(graph)
    near: Ints = _maybe_near(graph.points, first, what)
    first, link = first[near], link[near]
    tail, head = graph.points[first], graph.points[first + 1]
    radians = np.minimum(_angle(what, tail), _angle(what, head))
    inside = radians * _FLATTEST_M <= what.radius_m  # no need to measure these
    open_ = np.flatnonzero(~inside & ~np.isin(link, link[inside]))
    inside[open_] = _segment_m(what, tail[open_], head[open_]) <= what.radius_m
    return _Met(_without_bridges(graph, np.unique(link[inside]), what.bridges))


def _segments(graph: RoadGraph) -> tuple[Ints, Ints]:
    """Each segment's first point, and its link."""
    link_of = np.repeat(np.arange(graph.links), np.diff(graph.point_at))
    first = np.flatnonzero(link_of[1:] == link_of[:-1])
    return first, link_of[first]


def _maybe_near(points: Floats, first: Ints, what: Around) -> Ints:
    """The segments that may come within the radius.

    No geodesic is shorter than the great circle between the same latitudes and longitudes on a sphere of the tightest
    radius of curvature, nor longer than on one of the flattest; and of a segment within the radius an end is no further
    than the radius and half the segment.
    """
    step = np.abs(np.diff(points, axis=0))[first]
    wide = np.minimum(step[:, 0], 360.0 - step[:, 0])
    reach_m = what.radius_m + _FLATTEST_M * np.radians(step[:, 1] + wide) / 2 + 1e-3
    away = np.abs(points[:, 1] - what.lat)
    level = np.flatnonzero(np.radians(np.minimum(away[first], away[first + 1])) * _TIGHTEST_M <= reach_m)
    at = first[level]
    radians = np.minimum(_angle(what, points[at]), _angle(what, points[at + 1]))
    return np.asarray(level[radians * _TIGHTEST_M <= reach_m[level]], dtype=np.int64)


def _angle(what: Around, points: Floats) -> Floats:
    """Radians of the great circle from the centre to points: the haversine formula."""
    east, north = np.radians(points[:, 0] - what.lon), np.radians(points[:, 1])
    across = np.sin(east / 2) ** 2 * np.cos(north) * np.cos(np.radians(what.lat))
    return np.asarray(2 * np.arcsin(np.sqrt(np.minimum(np.sin((north - np.radians(what.lat)) / 2) ** 2 + across, 1.0))))


def _segment_m(what: Around, tail: Floats, head: Floats) -> Floats:
    """Geodesic metres from the centre to geodesic segments: the nearer end, or where a golden section finds a nearer point.

    The distance to a point that moves along a geodesic falls and then rises, as far as radii here go. A segment of length
    s whose ends are a and b away comes no nearer than (a + b - s) / 2, so most segments need no search.
    """
    metres = np.minimum(_metres(what, *tail.T), _metres(what, *head.T))
    length, bearing = geodesic_m(*tail.T, *head.T)
    bound = (_metres(what, *tail.T) + _metres(what, *head.T) - length) / 2
    open_ = np.flatnonzero((metres > what.radius_m) & (bound <= what.radius_m))
    lon, lat, low, high = *tail[open_].T, np.zeros(len(open_)), length[open_]
    for _ in range(_CUTS if len(open_) else 0):
        one, other = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
        falls = _along(what, lon, lat, bearing[open_], one) > _along(what, lon, lat, bearing[open_], other)
        low, high = np.where(falls, one, low), np.where(falls, high, other)
    metres[open_] = np.minimum(metres[open_], _along(what, lon, lat, bearing[open_], (low + high) / 2))
    return metres


def _along(what: Around, lon: Floats, lat: Floats, bearing: Floats, metres: Floats) -> Floats:
    east, north, _ = GEOD.fwd(lon, lat, bearing, metres)
    return _metres(what, np.asarray(east), np.asarray(north))


def _metres(what: Around, lon: Floats, lat: Floats) -> Floats:
    return geodesic_m(np.full(len(lon), what.lon), np.full(len(lat), what.lat), lon, lat)[0]


def _inside(graph: RoadGraph, what: Inside, vehicle: Vehicle) -> _Met:
    _require_plain(what.area, 0)
    area = _on_the_globe(what.area)
    chosen = _in_bounds(graph, area.bounds)
    if what.bridges == "kept":
        chosen = chosen[~graph.bridge[chosen]]
    _require_plain(area, len(chosen))
    area = shapely.union_all(repaired(np.array([area], dtype=object)))
    shapely.prepare(area)
    lines = _lines(graph, chosen)
    met = shapely.intersects(area, lines)
    beyond = np.flatnonzero(np.abs(shapely.bounds(lines)[:, [0, 2]]).max(axis=1, initial=0.0) > 180.0)
    for turn in (360.0, -360.0) if len(beyond) else ():
        met[beyond] |= shapely.intersects(area, shapely.transform(lines[beyond], _east_by(turn)))
    return _Met(chosen[met])


def _in_bounds(graph: RoadGraph, bounds: tuple[float, float, float, float]) -> Ints:
    """Links whose own bounds meet others; of links over the antimeridian only the latitudes are asked."""
    if not graph.links:
        return _NONE
    (lon, lat), at = graph.points.T, graph.point_at[:-1]
    west, south, east, north = bounds
    met = (np.minimum.reduceat(lon, at) <= east) & (np.maximum.reduceat(lon, at) >= west)
    leaps = np.flatnonzero(np.abs(np.diff(lon)) > 180.0)
    met[np.searchsorted(at, leaps, side="right") - 1] = True
    met &= (np.minimum.reduceat(lat, at) <= north) & (np.maximum.reduceat(lat, at) >= south)
    return np.flatnonzero(met)


def _lines(graph: RoadGraph, links: Ints) -> NDArray[Any]:
    """The lines of links; over the antimeridian longitudes go on beyond 180."""
    count = np.diff(graph.point_at)[links]
    of = np.repeat(np.arange(len(links)), count)
    starts = np.cumsum(count) - count
    points = graph.points[np.arange(len(of)) + np.repeat(graph.point_at[links] - starts, count)]
    turns = np.zeros(len(of))
    turns[1:] = np.where(of[1:] == of[:-1], _turns(points[:, 0]), 0.0)
    if turns.any():
        total = np.cumsum(turns)
        points[:, 0] += total - np.repeat(total[starts], count)
    return np.asarray(shapely.linestrings(points, indices=of), dtype=object) if len(of) else np.empty(0, dtype=object)


def _turns(lon: Floats) -> Floats:
    """What to add from each point on so that no step goes over more than 180 degrees; a full turn of 360 stays one."""
    step = np.diff(lon)
    return np.where((np.abs(step) > 180.0) & (np.abs(step) < 360.0), -360.0 * np.sign(step), 0.0)


def _on_the_globe(area: shapely.Polygon | shapely.MultiPolygon) -> Any:
    """The area with longitudes from -180 to 180, cut at the antimeridian where it goes over it."""
    parts = [_unrolled(part) for part in shapely.get_parts(area)]
    west, east = min(part.bounds[0] for part in parts), max(part.bounds[2] for part in parts)
    if west >= -180.0 and east <= 180.0:
        return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
    sound = repaired(np.array(parts, dtype=object))
    pieces = [
        shapely.transform(shapely.intersection(sound, shapely.box(-180.0 + turn, -90.0, 180.0 + turn, 90.0)), _east_by(-turn))
        for turn in (-360.0, 0.0, 360.0)
    ]
    return shapely.union_all(np.concatenate(pieces))


def _unrolled(part: shapely.Polygon) -> shapely.Polygon:
    """A polygon whose edges take the short way round the earth."""
    rings = [np.asarray(ring.coords)[:, :2].copy() for ring in (part.exterior, *part.interiors)]
    if not any(_turns(ring[:, 0]).any() for ring in rings):
        return part
    for ring in rings:
        ring[1:, 0] += np.cumsum(_turns(ring[:, 0]))
        if ring[0, 0] != ring[-1, 0]:
            raise ParameterError(
                "an area goes round a pole", where="Inside", expected="a ring that closes",
                got=f"one that ends {shown(float(ring[-1, 0] - ring[0, 0]))} degrees east of its start",
                then="draw it up to the pole: along latitude 90 or -90",
            )
        ring[:, 0] += 360.0 * np.round((rings[0][:, 0].mean() - ring[:, 0].mean()) / 360.0)
    return shapely.Polygon(rings[0], rings[1:])


def _east_by(degrees: float) -> Callable[[Floats], Floats]:
    return lambda places: places + np.array([degrees, 0.0])


def _named(graph: RoadGraph, what: Named, vehicle: Vehicle) -> _Met:
    found = {name: _links_named(graph, name) for name in what.links}
    links = np.unique(np.concatenate([_NONE, *found.values()]))
    return _Met(links, unmet=tuple(name for name, some in found.items() if not len(some)))


def _links_named(graph: RoadGraph, name: str) -> Ints:
    features = _features(graph, name)
    if len(features):
        return np.flatnonzero(np.isin(graph.feature, features))
    of, _, part = name.rpartition("#")
    features = _features(graph, of) if part.isascii() and part.isdigit() and len(part) < 10 else _NONE
    links = np.flatnonzero(np.isin(graph.feature, features)) if len(features) else _NONE
    return links[graph.part[links] == int(part)] if len(links) else _NONE


_FEATURE_IDS: Final[WeakKeyDictionary[RoadGraph, pd.Index]] = WeakKeyDictionary()


def _features(graph: RoadGraph, name: str) -> Ints:
    """The features of an id; the table of ids is made once a graph and goes with it."""
    ids = _FEATURE_IDS.get(graph)
    if ids is None:
        ids = _FEATURE_IDS[graph] = pd.Index(graph.feature_ids, dtype="object")
    at = ids.get_indexer_for(pd.Index([name], dtype="object"))
    return np.asarray(at[at >= 0], dtype=np.int64)


def _without_bridges(graph: RoadGraph, links: Ints, bridges: Bridges) -> Ints:
    return links[~graph.bridge[links]] if bridges == "kept" else links


_MEETS: Final[Mapping[type, Callable[[RoadGraph, Any, Vehicle], _Met]]] = {
    Flooded: _flooded, Around: _around, Inside: _inside, Named: _named,
}  # fmt: skip


def _require_plain(area: Any, lines: int) -> None:
    """Stop at an area that would take GEOS minutes: most edges of a star stand in the way of every line."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(area)), return_index=True)
    joined = np.flatnonzero(ring[1:] == ring[:-1])
    ends = np.sort(np.column_stack([corners[joined, 1], corners[joined + 1, 1]]), axis=1)
    low, high = ends.min(initial=90.0), ends.max(initial=-90.0)
    band = np.clip((ends - low) / max(high - low, 1e-12) * _BANDS, 0, _BANDS - 1).astype(np.int64)
    begun, ended = (np.bincount(column, minlength=_BANDS + 1) for column in (band[:, 0], band[:, 1] + 1))
    crowd = np.cumsum(begun - ended)[:_BANDS].astype(float)
    steps = (crowd**2).sum() / max(crowd.sum(), 1.0) * (lines + len(ends))
    if steps > _MOST_STEPS:
        raise ParameterError(
            "the area is too intricate to test roads against", where="Inside", expected=f"about {_MOST_STEPS:.0g} steps at most",
            got=f"{len(corners)} corners and {lines} links within its bounds, {steps:.0g} steps",
            then="simplify the area, or cut it up",
        )


def _require_area(area: Any) -> None:
    if not isinstance(area, shapely.Polygon | shapely.MultiPolygon) or area.is_empty:
        raise ParameterError(
            "there is no area", where="Inside", expected="a polygon with corners", got=shown(getattr(area, "geom_type", area)),
            then="draw an area, or take Around or Named",
        )
    corners = shapely.get_coordinates(area)
    if len(corners) > MAX_CORNERS:
        raise ParameterError(
            "the area has too many corners", where="Inside", expected=f"at most {MAX_CORNERS}", got=shown(len(corners)),
            then="simplify the area",
        )
    if not ((np.abs(corners[:, 0]) <= 540.0) & (np.abs(corners[:, 1]) <= 90.0)).all():
        raise ParameterError(
            "a corner is not on the earth", where="Inside", expected="longitude -540 to 540, latitude -90 to 90",
            got="others", then="check the order and the unit",
        )


def _require_choice(given: str, choices: tuple[str, ...], what: str) -> None:
    if given not in choices:
        raise ParameterError(
            f"no such rule of {what}", where="a closure", expected=" or ".join(choices), got=shown(given), then="name one of these"
        )


def _require_links(graph: RoadGraph, depth_m: Floats) -> None:
    if depth_m.shape != (graph.links,):
        raise ParameterError(
            "depths are of other roads", where="Flooded", expected=f"one for each of {graph.links} links", got=f"{depth_m.shape}",
            then="take link_depths of this graph",
        )


def _require_aware(moment: datetime | None, where: str) -> None:
    if moment is not None and moment.utcoffset() is None:
        raise ParameterError(
            "a time has no zone", where=where, expected="an aware datetime", got=moment.isoformat(), then="say its offset from UTC"
        )


def _require_one_each(ids: list[str]) -> None:
    for one, other in pairwise(sorted(ids)):
        if one == other:
            raise ParameterError(
                "two closures have one id", where="shut_by", expected="an id for each", got=shown(one), then="rename one"
            )
