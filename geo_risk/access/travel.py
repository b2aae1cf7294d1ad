"""The roads as one vehicle finds them now: what each arc costs, places on roads, times, the nearest by road.

Costs are seconds, or metres where the shortest way is asked for. `math.inf` is "no way": it is never replaced by a guess.
A way *towards* a place may cost more than the way *from* it: roads are one-way. Turns cost nothing and none is forbidden.

Of ways that cost the same to the last bit, the one to the seed with the smaller number wins; nothing else depends on an
order of rows.

Examples
--------
A street of two links, 100 m each, at 10 m/s; the second is one-way, away from the first. Two places stand at its two ends.

>>> from geo_risk.access.road_index import index_roads
>>> from geo_risk.access.road_graph import graph_of_arrays, mode_bit
>>> street = graph_of_arrays(
...     [0.0, 0.001, 0.002], [0.0, 0.0, 0.0], [0, 1], [1, 2], length_m=[100.0, 100.0], backward=[mode_bit("car"), 0])
>>> car = Vehicle(
...     id="car", title={"en": "Car"}, mode="car", speed_kmh={"other": 36.0}, heeds_one_way=True, heeds_limit=True,
...     min_depth_m=0.0, max_depth_m=0.3, walk_kmh=3.6, walk_max_m=500.0, source="", checked="")
>>> travel = weigh(street, car)
>>> travel.cost.tolist()
[10.0, 10.0, 10.0, inf]
>>> ends = on_nodes(street, [0, 2])
>>> matrix(travel, ends, ends).tolist()
[[0.0, 20.0], [inf, 0.0]]
>>> spread(travel, ends.take([0]), towards=True).cost.tolist()
[0.0, 10.0, inf]
>>> nearest_targets(travel, ends, ends, k=2).positions.tolist()
[[0, 1], [1, -1]]

A place at the first link's middle, 111 m to its north, walks at 1 m/s; with that link shut the next one is nearer by far
than none at all, and further than 500 m is on no road.

>>> index = index_roads(street)
>>> place = on_road(travel, index, [0.0005], [0.001])
>>> place.link.tolist(), place.along.round(3).tolist(), place.walk_m.round(1).tolist()
([0], [0.5], [110.6])
>>> matrix(travel, place, ends).round(1).tolist()
[[115.6, 125.6]]
>>> on_road(close(travel, np.array([True, False])), index, [0.0005, 0.0005], [0.001, 0.01]).link.tolist()
[1, -1]
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_risk.access import _search_kernel as kernel
from geo_risk.access.road_graph import Floats, Ints, Mask, RoadGraph, mode_bit
from geo_risk.access.road_index import RoadIndex, nearest_links
from geo_risk.access.vehicles import Vehicle
from geo_risk.chunks import over_spans, spans, threads
from geo_risk.errors import ParameterError, shown

By = Literal["time", "length"]
BY: Final[tuple[By, ...]] = ("time", "length")
MAX_K: Final = 1000
MAX_CELLS: Final = 50_000_000
_BUCKET_SHARE: Final = 0.25  # of the usual cost of an arc; twice or half of it is as fast
_SAMPLE: Final = 4096
_SEEDS_A_TURN: Final = 32
_NO_GOALS: Final = np.empty(0, np.int32)


@dataclass(frozen=True, kw_only=True, eq=False)
class Travel:
    """A road graph as a vehicle finds it: ``cost`` (2 x links) of each arc, inf where it may not go or the road is shut.

    Costs are seconds (``by="time"``) or metres (``by="length"``). ``shut`` (links) marks what closures took: those links
    would have a finite cost without them.
    """

    graph: RoadGraph
    vehicle: Vehicle
    by: By
    cost: Floats
    shut: Mask

    @property
    def passable(self) -> Mask:
        """The links that can be gone at least one way."""
        finite: Mask = np.isfinite(self.cost).reshape(-1, 2)
        return finite[:, 0] | finite[:, 1]


@dataclass(frozen=True, eq=False)
class OnRoad:
    """Places on their nearest passable road, one entry a place.

    ``link`` is -1 where no passable road is within the vehicle's ``walk_max_m`` (or the place is unknown), the rest is nan
    there; ``along`` 0..1 from the link's start; ``walk_m`` geodesic metres to ``lon``, ``lat``, the point on the road.
    """

    link: NDArray[np.int64]
    along: Floats
    walk_m: Floats
    lon: Floats
    lat: Floats

    def __len__(self) -> int:
        return len(self.link)

    def take(self, positions: ArrayLike) -> "OnRoad":
        """Some of the places, in the order given."""
        at = np.asarray(positions, dtype=np.int64)
        return OnRoad(self.link[at], self.along[at], self.walk_m[at], self.lon[at], self.lat[at])


@dataclass(frozen=True, eq=False)
class Spread:
    """What `spread` found for each node: its cost, the number of its seed (-1 none) and the arc by which it is reached.

    ``arc`` is the last arc of the way from the seed, or the first of the way towards it; -1 where the seed's own link, or
    nothing, leads there. Costs beyond ``limit`` are inf.
    """

    cost: Floats
    label: NDArray[np.int32]
    arc: NDArray[np.int32]
    limit: float


@dataclass(frozen=True, eq=False)
class Ranked:
    """For each asker the ``k`` nearest targets by cost, shape (askers, k): positions (-1 none) and costs (inf none)."""

    positions: Ints
    cost: Floats


def speeds_kmh(graph: RoadGraph, vehicle: Vehicle) -> Floats:
    """The speed on each link: that of its class, or the posted limit where it is heeded and lower; nan where it may not go."""
    by_class = np.array([vehicle.speed_kmh.get(name, math.nan) for name in graph.classes], dtype=float)
    speed = by_class[graph.road_class] if len(by_class) else np.full(graph.links, np.nan)
    posted = graph.limit_kmh > 0
    return np.where(posted & (graph.limit_kmh < speed), graph.limit_kmh, speed) if vehicle.heeds_limit else speed


def weigh(graph: RoadGraph, vehicle: Vehicle, *, by: By = "time", shut: Mask | None = None) -> Travel:
    """What each arc costs a vehicle.

    Seconds of an arc = length_m / (speed_kmh / 3.6). An arc costs inf where the class has no speed for the vehicle, its
    mode may not go that way (unless it heeds no one-way rule and may go the other way), or the length is not known.

    Parameters
    ----------
    graph : RoadGraph
    vehicle : Vehicle
    by : {"time", "length"}
        Seconds, or metres along the road.
    shut : array of bool, optional
        The links that closures take, shape (links,).

    Raises
    ------
    ParameterError
        ``by`` is unknown, or ``shut`` has another length than the links.
    """
    if by not in BY:
        raise ParameterError("no such cost", where="by", expected=" or ".join(BY), got=shown(by), then="name one of these")
    speed = speeds_kmh(graph, vehicle)
    of_link = np.where(speed > 0, graph.length_m, np.nan)
    if by == "time":
        of_link = np.divide(of_link * 3.6, speed, out=np.full(graph.links, np.nan), where=speed > 0)
    bit = np.uint8(mode_bit(vehicle.mode))
    ways = np.column_stack([graph.forward & bit, graph.backward & bit]) > 0
    if not vehicle.heeds_one_way:
        ways[:] = ways.any(axis=1, keepdims=True)
    cost = np.where(ways & (of_link >= 0)[:, None], of_link[:, None], np.inf).ravel()
    open_ = Travel(graph=graph, vehicle=vehicle, by=by, cost=_frozen(cost), shut=_frozen(np.zeros(graph.links, dtype=bool)))
    return open_ if shut is None else close(open_, shut)


def close(travel: Travel, shut: Mask) -> Travel:
    """The same roads with more of them shut; nothing is built anew, one array is copied.

    Raises
    ------
    ParameterError
        ``shut`` has another length than the links.
    """
    if np.shape(shut) != (travel.graph.links,):
        raise ParameterError(
            "the closures are of other roads", where="shut", expected=f"{travel.graph.links} links", got=shown(np.size(shut)),
            then="find the closed links of this graph",
        )
    at = np.flatnonzero(shut)
    taken = np.zeros(travel.graph.links, dtype=bool)
    taken[at] = np.isfinite(travel.cost[2 * at]) | np.isfinite(travel.cost[2 * at + 1])
    cost = travel.cost.copy()
    cost[2 * at] = cost[2 * at + 1] = np.inf
    return replace(travel, cost=_frozen(cost), shut=_frozen(travel.shut | taken))


def on_road(travel: Travel, index: RoadIndex, lon: ArrayLike, lat: ArrayLike) -> OnRoad:
    """The nearest point of a passable road to each place, within the vehicle's ``walk_max_m``.

    A link is passable where it can be gone at least one way; of roads at the same distance the link with the smaller
    number is taken. See `geo_risk.access.road_index` for how near is measured and why none is missed.

    Parameters
    ----------
    travel : Travel
    index : RoadIndex
        Of the same graph.
    lon, lat : array_like of float
        Degrees on WGS84; a place with nan is on no road.

    Raises
    ------
    ParameterError
        Shapes differ, a coordinate is out of range, or the index is of other roads.
    """
    return OnRoad(*nearest_links(index, travel.passable, lon, lat, travel.vehicle.walk_max_m))


def on_nodes(graph: RoadGraph, nodes: ArrayLike) -> OnRoad:
    """Places that are nodes of the graph: at one end of a link, with no walk; a node without links is on no road."""
    at = np.asarray(nodes, dtype=np.int64)
    joined = graph.arc_at[at + 1] > graph.arc_at[at]
    arc = np.full(len(at), -1, dtype=np.int64)
    arc[joined] = graph.arcs[graph.arc_at[at[joined]]]
    along = np.where(joined, np.where(arc % 2 == 0, 0.0, 1.0), np.nan)
    walk, lon, lat = (np.where(joined, each, np.nan) for each in (0.0, graph.lon[at], graph.lat[at]))
    return OnRoad(np.where(joined, arc // 2, -1), along, walk, lon, lat)


def spread(travel: Travel, seeds: OnRoad, *, towards: bool, limit: float = math.inf) -> Spread:
    """The least cost between every node and its nearest seed, and which seed that is.

    Dijkstra (1959) from all seeds at once, with Dial's (1969) buckets; walks to the seeds are part of the time.

    Parameters
    ----------
    travel : Travel
    seeds : OnRoad
    towards : bool
        From the nodes to the seeds (people going to shelters), else from the seeds to the nodes (ambulances going out).
    limit : float
        Cost up to which is searched, itself included.

    Raises
    ------
    ParameterError
        The limit is negative or nan.
    """
    _require_limit(limit)
    return _spread(travel, seeds, towards, limit, _NO_GOALS)


def cost_at(
    travel: Travel, found: Spread, seeds: OnRoad, places: OnRoad, *, towards: bool
) -> tuple[Floats, NDArray[np.int32]]:
    """Cost between each place and its nearest seed, and the number of that seed: inf and -1 where there is none.

    The walks at both ends are part of a time, and of no length. A seed on the place's own link is reached along it, if that
    link goes that way. ``seeds`` and ``towards`` as `spread` was given them.
    """
    if not travel.graph.links:
        return np.full(len(places), np.inf), np.full(len(places), -1, dtype=np.int32)
    nodes, ends = ends_of(travel, places, leaving=towards)
    costs, labels = found.cost[nodes] + ends, found.label[nodes]
    by_ends = _lesser((costs[:, 0], labels[:, 0]), (costs[:, 1], labels[:, 1]))
    cost, label = _lesser(by_ends, _beside(travel, seeds, places, towards))
    within = (cost <= found.limit) & np.isfinite(cost)
    return np.where(within, cost, np.inf), np.where(within, label, -1).astype(np.int32)


def matrix(
    travel: Travel, origins: OnRoad, destinations: OnRoad, *, limit: float = math.inf,
    progress: Callable[[float], None] | None = None,
) -> Floats:
    """The cost from each origin to each destination, shape (origins, destinations); inf where there is no way.

    One search from each of the side that has fewer, on all cores. ``progress`` hears the share done and may raise to stop.

    Raises
    ------
    ParameterError
        More than 50,000,000 cells are asked for.
    """
    _require_limit(limit)
    shape = len(origins), len(destinations)
    if shape[0] * shape[1] > MAX_CELLS:
        raise ParameterError(
            "the matrix is too large", where="matrix", expected=f"at most {MAX_CELLS} cells", got=shown(shape[0] * shape[1]),
            then="ask in parts, or for the nearest of each",
        )
    if shape[0] <= shape[1]:
        return _rows(travel, origins, destinations, towards=False, limit=limit, progress=progress)
    return _rows(travel, destinations, origins, towards=True, limit=limit, progress=progress).T.copy()


def nearest_targets(travel: Travel, askers: OnRoad, targets: OnRoad, *, k: int, limit: float = math.inf) -> Ranked:
    """The ``k`` targets that each asker reaches at least cost, by cost and then by position.

    One search from all targets at once that keeps k answers a node; where askers or targets are few, a `matrix`.

    Raises
    ------
    ParameterError
        ``k`` is not 1 to 1,000.

    Notes
    -----
    No answer is lost at a node: if the best way to a target leaves an asker through a node where k others are no further,
    those are no further from the asker either.
    """
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MAX_K:
        raise ParameterError(
            "k is out of range", where="nearest_targets", expected=f"a whole number, 1 to {MAX_K}", got=shown(k),
            then="ask for fewer",
        )
    _require_limit(limit)
    most = min(int(k), len(targets))
    few = min(len(askers), len(targets)) <= 2 * most or not travel.graph.links
    if few or travel.graph.nodes * most > MAX_CELLS:
        ranked = _ranked_by_matrix(travel, askers, targets, most, limit)
    else:
        ranked = _ranked_by_search(travel, askers, targets, most, limit)
    missing = ((0, 0), (0, int(k) - most))
    return Ranked(np.pad(ranked.positions, missing, constant_values=-1), np.pad(ranked.cost, missing, constant_values=np.inf))


def walk_cost(travel: Travel, walk_m: Floats) -> Floats:
    """What a walk adds to a cost: its seconds, and no length of road.

    Seconds = metres / (walk_kmh / 3.6); inf where walking has no speed.
    """
    if travel.by == "length":
        return np.where(np.isnan(walk_m), np.nan, 0.0)
    speed = travel.vehicle.walk_kmh / 3.6
    return walk_m / speed if speed > 0 else np.where(walk_m > 0, np.inf, walk_m)


def ends_of(travel: Travel, places: OnRoad, *, leaving: bool) -> tuple[NDArray[np.int32], Floats]:
    """The two nodes of each place's link and the cost from the place to them (``leaving``), or from them to the place.

    Both of shape (places, 2): the link's start, then its end. Costs hold the walk; a place at a node pays nothing along the
    link even where it is shut, and a place on no road reaches neither node.
    """
    known = places.link >= 0
    link = np.where(known, places.link, 0)
    nodes = np.zeros((len(places), 2), np.int32)
    costs = np.full((len(places), 2), np.inf)
    if not known.any():
        return nodes, costs
    nodes[:, 0], nodes[:, 1] = travel.graph.start[link], travel.graph.end[link]
    ahead, behind = travel.cost[2 * link], travel.cost[2 * link + 1]
    walk = walk_cost(travel, places.walk_m)
    costs[:, 0] = walk + part_cost(places.along, behind if leaving else ahead)
    costs[:, 1] = walk + part_cost(1.0 - places.along, ahead if leaving else behind)
    costs[~known] = np.inf
    return nodes, costs


def part_cost(share: Floats, cost: Floats) -> Floats:
    """The cost of a share of an arc; no share of it costs nothing, even where the arc is shut."""
    return np.multiply(share, cost, out=np.zeros(len(share)), where=share != 0)


def direct_cost(travel: Travel, origins: OnRoad, destinations: OnRoad) -> Floats:
    """The cost along the link that each pair shares, walks included."""
    gap = destinations.along - origins.along
    arc = 2 * np.maximum(origins.link, 0) + (gap < 0)
    walks = walk_cost(travel, origins.walk_m) + walk_cost(travel, destinations.walk_m)
    return walks + part_cost(np.abs(gap), travel.cost[arc])


def ways_of(travel: Travel, *, towards: bool) -> kernel.Ways:
    """The graph as the kernels search it: from places on, or against the way of travel."""
    graph = travel.graph
    step = travel.cost[graph.arcs ^ 1 if towards else graph.arcs]
    return _fixed(graph.arc_at), _fixed(graph.arc_to), step


def bucket_width(travel: Travel) -> float:
    """A width of buckets that suits the usual arc of this graph."""
    sample = travel.cost[:: max(1, len(travel.cost) // _SAMPLE)]
    usual = sample[np.isfinite(sample) & (sample > 0)]
    width = _BUCKET_SHARE * float(np.median(usual)) if len(usual) else 1.0
    return max(width, 1e-9)


def spread_until(travel: Travel, seeds: OnRoad, goals: ArrayLike, *, towards: bool = False) -> Spread:
    """As `spread`, but only what lies on the ways to those nodes is final; without any, all is."""
    return _spread(travel, seeds, towards, math.inf, np.asarray(goals, dtype=np.int32))


def _spread(travel: Travel, seeds: OnRoad, towards: bool, limit: float, goals: NDArray[np.int32]) -> Spread:
    nodes, costs = ends_of(travel, seeds, leaving=not towards)
    first = nodes.ravel(), costs.ravel(), np.repeat(np.arange(len(seeds), dtype=np.int32), 2)
    cost, label, via = kernel.spread(ways_of(travel, towards=towards), first, goals, float(limit), bucket_width(travel))
    arc = np.where(via >= 0, travel.graph.arcs[via] ^ int(towards), -1).astype(np.int32)
    return Spread(cost, label, arc, float(limit))


def _rows(
    travel: Travel, seeds: OnRoad, places: OnRoad, *, towards: bool, limit: float, progress: Callable[[float], None] | None
) -> Floats:
    """Costs between each seed and each place, one search a seed."""
    found = np.full((len(seeds), len(places)), np.inf)
    if not travel.graph.links:
        return found
    ways, width = ways_of(travel, towards=towards), bucket_width(travel)
    of_seed, of_place = ends_of(travel, seeds, leaving=not towards), ends_of(travel, places, leaving=towards)
    walks = walk_cost(travel, seeds.walk_m), walk_cost(travel, places.walk_m)
    link = np.maximum(seeds.link, 0)
    ahead, behind = (travel.cost[2 * link + (towards ^ back)] for back in (False, True))
    goals = np.unique(of_place[0][np.isfinite(of_place[1])]).astype(np.int32)

    def fill(part: slice) -> None:
        kernel.rows(
            ways, (of_seed[0][part], of_seed[1][part], walks[0][part]), (*of_place, walks[1]),
            (seeds.link[part], seeds.along[part], places.link, places.along), ahead[part], behind[part], goals,
            float(limit), width, found[part],
        )

    turns = spans(len(seeds), max(1, min(_SEEDS_A_TURN, -(-len(seeds) // threads()))))
    for number in range(0, len(turns), threads()):
        over_spans(fill, turns[number : number + threads()])
        if progress is not None:
            progress(min(1.0, (number + threads()) / len(turns)))
    return found


def _ranked_by_matrix(travel: Travel, askers: OnRoad, targets: OnRoad, k: int, limit: float) -> Ranked:
    """The first k of each row of the matrix, in pieces of askers that fit in memory."""
    pieces = [np.empty((0, k))]
    numbers = [np.empty((0, k), dtype=np.int64)]
    for part in spans(len(askers), max(1, MAX_CELLS // 4 // max(1, len(targets)))):
        costs = matrix(travel, askers.take(np.arange(part.start, part.stop)), targets, limit=limit)
        order = np.argsort(costs, axis=1, kind="stable")[:, :k]
        pieces.append(np.take_along_axis(costs, order, axis=1))
        numbers.append(order)
    return _without_unreached(np.concatenate(numbers), np.concatenate(pieces))


def _ranked_by_search(travel: Travel, askers: OnRoad, targets: OnRoad, k: int, limit: float) -> Ranked:
    """The first k of what the nodes at both ends of the asker's link know, and of the targets on that link."""
    nodes, costs = ends_of(travel, targets, leaving=False)
    first = nodes.ravel(), costs.ravel(), np.repeat(np.arange(len(targets), dtype=np.int32), 2)
    labels, at_node = kernel.ranks(ways_of(travel, towards=True), first, k, float(limit))
    nodes, costs = ends_of(travel, askers, leaving=True)
    asker = np.repeat(np.arange(len(askers)), 2 * k)
    target, cost = labels[nodes].ravel().astype(np.int64), (at_node[nodes] + costs[:, :, None]).ravel()
    pairs = _pairs_on_links(askers, targets)
    direct = direct_cost(travel, askers.take(pairs[0]), targets.take(pairs[1]))
    every, all_targets = np.concatenate([asker, pairs[0]]), np.concatenate([target, pairs[1]])
    costs_of_all = np.concatenate([cost, direct])
    return _first_of_each(every, all_targets, np.where(costs_of_all <= limit, costs_of_all, np.inf), len(askers), k)


def _first_of_each(asker: Ints, target: Ints, cost: Floats, askers: int, k: int) -> Ranked:
    """Of pairs, some of them twice, the k of each asker that cost least, by cost and target."""
    reached = np.isfinite(cost)
    asker, target, cost = asker[reached], target[reached], cost[reached]
    order = np.lexsort((cost, target, asker))
    once = np.ones(len(order), dtype=bool)
    once[1:] = (np.diff(asker[order]) != 0) | (np.diff(target[order]) != 0)
    order = order[once]
    order = order[np.lexsort((target[order], cost[order], asker[order]))]
    starts = np.searchsorted(asker[order], np.arange(askers))
    place = np.arange(len(order)) - starts[asker[order]]
    order, place = order[place < k], place[place < k]
    positions, costs = np.full((askers, k), -1, dtype=np.int64), np.full((askers, k), np.inf)
    positions[asker[order], place], costs[asker[order], place] = target[order], cost[order]
    return Ranked(positions, costs)


def _without_unreached(positions: Ints, cost: Floats) -> Ranked:
    return Ranked(np.where(np.isfinite(cost), positions, -1), cost)


def _pairs_on_links(askers: OnRoad, targets: OnRoad) -> tuple[Ints, Ints]:
    """All pairs of an asker and a target on one link."""
    order = np.argsort(targets.link, kind="stable")
    low, high = (np.searchsorted(targets.link[order], askers.link, side) for side in ("left", "right"))
    counts = np.where(askers.link >= 0, high - low, 0)
    asker = np.repeat(np.arange(len(askers)), counts)
    turn = np.arange(len(asker)) - np.repeat(np.cumsum(counts) - counts, counts)
    return asker, order[low[asker] + turn]


def _beside(travel: Travel, seeds: OnRoad, places: OnRoad, towards: bool) -> tuple[Floats, NDArray[np.int32]]:
    """Cost and number of the best seed on each place's own link."""
    return _lesser(*(_one_way_beside(travel, seeds, places, way, int(towards)) for way in (1, -1)))


def _one_way_beside(travel: Travel, seeds: OnRoad, places: OnRoad, way: int, towards: int) -> tuple[Floats, NDArray[np.int32]]:
    """The same for seeds before (way 1) or beyond (-1) the place, by the link's own numbering."""
    cost, label = np.full(len(places), np.inf), np.full(len(places), -1, np.int32)
    seed, place = _sorted_on_links(seeds, way), _sorted_on_links(places, way)
    of_link = travel.cost[2 * seeds.link[seed] + (towards if way > 0 else 1 - towards)]
    near, nearest = cost[place], label[place]
    kernel.along_links(
        (seeds.link[seed], way * seeds.along[seed], walk_cost(travel, seeds.walk_m)[seed], seed.astype(np.int32), of_link),
        (places.link[place], way * places.along[place]), near, nearest,
    )
    cost[place], label[place] = near + walk_cost(travel, places.walk_m)[place], nearest
    return cost, label


def _sorted_on_links(places: OnRoad, way: int) -> Ints:
    """The numbers of the places on a road, sorted by link and position along it, in that way."""
    order = np.lexsort((way * places.along, places.link))
    return order[places.link[order] >= 0]


def _lesser(one: tuple[Floats, NDArray[np.int32]], other: tuple[Floats, NDArray[np.int32]]) -> tuple[Floats, NDArray[np.int32]]:
    """Place by place the smaller cost, and of equal ones the smaller label."""
    second = (other[0] < one[0]) | ((other[0] == one[0]) & (other[1] < one[1]))
    return np.where(second, other[0], one[0]), np.where(second, other[1], one[1])


def _require_limit(limit: float) -> None:
    if not limit >= 0:
        raise ParameterError(
            "the limit is out of range", where="limit", expected="0 or more, or inf", got=shown(limit),
            then="give seconds or metres",
        )


def _fixed(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """A view that is always read-only: the kernels are compiled anew for arrays that may be written."""
    view = values.view()
    view.flags.writeable = False
    return view


def _frozen(values: NDArray[Any]) -> NDArray[Any]:
    values.flags.writeable = False
    return values
