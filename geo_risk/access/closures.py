"""Roads closed by water, hazards, areas and people: one list, and which links it shuts for a vehicle at a time.

A closure says what it is (`Flooded`, `Around`, `Inside`, `Named`), since when and until when, and for which vehicles. Its
`Effect` on a graph needs no other closure, so a caller may keep effects and put them together again when one changes
(`shut_by`). A link is shut while at least one closure that holds shuts it: their order is of no matter, and lifting one of
two that overlap opens nothing that the other one holds.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import shapely

from geo_risk.access.links_touching import links_touching, require_area
from geo_risk.access.links_within import links_within
from geo_risk.access.road_graph import Floats, Ints, Mask, RoadGraph
from geo_risk.access.vehicles import Vehicle
from geo_risk.errors import ParameterError, shown

Bridges: TypeAlias = Literal["kept", "lost"]
Unknown: TypeAlias = Literal["open", "shut"]
State: TypeAlias = Literal["honoured", "ended", "not yet", "another vehicle", "meets no road"]
MAX_RADIUS_M: Final = 500_000.0
_NONE: Final[Ints] = np.empty(0, dtype=np.int64)


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
        require_area(self.area)


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


def _state(closure: Closure, vehicle: Vehicle, at: datetime) -> State:
    if closure.until is not None and at >= closure.until:
        return "ended"
    if closure.since is not None and at < closure.since:
        return "not yet"
    return "another vehicle" if closure.vehicles and vehicle.id not in closure.vehicles else "honoured"


def _around(graph: RoadGraph, what: Around, vehicle: Vehicle) -> _Met:
    return _Met(_without_bridges(graph, links_within(graph, what.lon, what.lat, what.radius_m), what.bridges))


def _inside(graph: RoadGraph, what: Inside, vehicle: Vehicle) -> _Met:
    return _Met(links_touching(graph, what.area, but=graph.bridge if what.bridges == "kept" else None))


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
