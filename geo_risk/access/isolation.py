"""Who is cut off, and which link or facility would be missed most: the roads as they are, as they were, and less one (N-1).

A loss is answered as if all were reckoned anew without it, and exactly so; only what hung on the lost link in the forest of
least costs is searched again. Of two ways whose costs differ by less than a billionth part, neither counts as slower.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from geo_risk.access import _detour_kernel, _loss_kernel
from geo_risk.access._loss_kernel import ADDED, FIGURES, PEOPLE_CUT, PLACES_CUT, UNKNOWN_CUT, UNKNOWN_SLOWER
from geo_risk.access.road_graph import Floats, Ints, Mask
from geo_risk.access.travel import OnRoad, Spread, Travel, close, cost_at, ends_of, spread, ways_of
from geo_risk.chunks import over_spans, spans, threads
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.contacts import budgeted

OwnRoad: TypeAlias = Literal["counted", "left out"]
DetourRule: TypeAlias = Literal["as allowed", "either way"]
Progress: TypeAlias = Callable[[float], None]
STATES: Final = ("reached", "cut off", "never reached")
MAX_VISITS: Final = 2_000_000_000
_VISITS_AT_ONCE: Final = 20_000_000
_DETOURS_AT_ONCE: Final = 2048


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """Roads in one state, with the places and the facilities as they lie on these very roads (`on_road`)."""

    travel: Travel
    places: OnRoad
    facilities: OnRoad


@dataclass(frozen=True, kw_only=True, eq=False)
class CutOff:
    """``places``, a row a place, and ``sums``, a row a state: places, known people, and places whose people are unknown."""

    places: pd.DataFrame
    sums: pd.DataFrame


def cut_off(
    now: Network, before: Network, people: ArrayLike, *, towards: bool = True, index: pd.Index | None = None
) -> CutOff:
    """Which places reach a facility now, which did before the closures, and which never did; with the people there.

    Parameters
    ----------
    now, before : Network
        The same places and facilities on the roads with and without the closures.
    people : array_like of float, shape (places,)
        0 or more; nan where unknown.
    towards : bool
        From the places to the facilities, else from the facilities to the places.
    index : Index, optional
        Names of the places; by default their positions.

    Returns
    -------
    CutOff
        ``places`` has ``state``: "reached" (now), "cut off" (before, not now), "never reached"; ``cost_now``,
        ``cost_before`` (inf none) and ``added`` = now - before (inf where cut off, nan where never reached);
        ``facility_now``, ``facility_before`` (positions, -1 none); ``people``. ``sums`` adds up to all places and to all
        known people. A place on no road, or of which nobody knows where it is, is never reached.

    Raises
    ------
    ParameterError
        Counts differ, or people are negative.

    Examples
    --------
    >>> from geo_risk.access.road_graph import graph_of_arrays
    >>> from geo_risk.access.travel import on_nodes, weigh
    >>> from geo_risk.access.vehicles import Vehicle
    >>> graph = graph_of_arrays([120.0, 120.01, 120.02], [30.0] * 3, [0, 1], [1, 2], length_m=[100.0, 100.0], classes=["r"])
    >>> foot = Vehicle(id="foot", title={}, mode="foot", speed_kmh={"r": 3.6}, heeds_one_way=False, heeds_limit=False,
    ...                min_depth_m=0.0, max_depth_m=0.2, walk_kmh=3.6, walk_max_m=500.0, source="", checked="")
    >>> places, shelter = on_nodes(graph, [0, 1, 2]), on_nodes(graph, [0])
    >>> open_ = Network(travel=weigh(graph, foot), places=places, facilities=shelter)
    >>> shut = Network(travel=weigh(graph, foot, shut=np.array([False, True])), places=places, facilities=shelter)
    >>> found = cut_off(shut, open_, [5, np.nan, 7])
    >>> found.places[["state", "cost_now", "cost_before"]].to_numpy().tolist()
    [['reached', 0.0, 0.0], ['reached', 100.0, 100.0], ['cut off', inf, 200.0]]
    >>> found.sums.loc["cut off"].tolist(), int(found.sums["people_unknown"].sum())
    ([1.0, 7.0, 0.0], 1)
    """
    heads = _people(people, len(now.places))
    _require_same(len(before.places), len(heads), "places before")
    cost_now, facility_now = _reached(now, towards)
    cost_before, facility_before = _reached(before, towards)
    reached, known = np.isfinite(cost_now), ~np.isnan(heads)
    state = np.select([reached, np.isfinite(cost_before)], STATES[:2], STATES[2])
    with np.errstate(invalid="ignore"):  # inf - inf is nan, as is meant
        added = cost_now - cost_before
    columns = {
        "state": state, "cost_now": cost_now, "cost_before": cost_before, "added": added,
        "facility_now": facility_now, "facility_before": facility_before, "people": heads,
    }  # fmt: skip
    rows = [(int((at := state == name).sum()), math.fsum(heads[at & known]), int((at & ~known).sum())) for name in STATES]
    sums = pd.DataFrame(rows, index=pd.Index(STATES, name="state"), columns=["places", "people", "people_unknown"])
    return CutOff(places=pd.DataFrame(columns, index=index), sums=sums)


def link_losses(
    network: Network, people: ArrayLike, *, towards: bool = True, own_road: OwnRoad = "counted",
    progress: Progress | None = None,
) -> pd.DataFrame:
    """What the loss of each single link would do to the places and their people, worst first.

    The loss of a link takes both its ways. Places and facilities stay where they lie on their roads. Exact: the figures
    are those of `cost_at` on the roads without the link.

    Parameters
    ----------
    network : Network
    people : array_like of float, shape (places,)
        0 or more; nan where unknown.
    towards : bool
        From the places to the facilities, else from the facilities to the places.
    own_road : {"counted", "left out"}
        Whether a place that lies along the lost link itself counts: it can't leave by a road that is gone, but may live
        on the near side of the gap.
    progress : callable, optional
        Hears the share done and may raise to stop.

    Returns
    -------
    DataFrame
        Index ``link``; the links whose loss changes anything, sorted by people cut off, person-cost added, places cut off,
        then number. ``people_cut_off``, ``places_cut_off``, ``unknown_cut_off`` (places of unknown people among those);
        ``added``: the sum over places still reached of people x cost added (person-seconds, or person-metres where the
        cost is length), and ``unknown_slower``, the slower places of unknown people, which it leaves out.

    Raises
    ------
    ParameterError
        Counts differ, people are negative, no such rule, or too much hangs on single links (see Notes).

    Notes
    -----
    Costs as many visits of nodes as the sum over nodes of how many links lie on their way: some ten million for 100,000
    nodes. Above 2,000,000,000 (a single road of that many nodes) it is refused.

    Examples
    --------
    >>> from geo_risk.access.road_graph import graph_of_arrays
    >>> from geo_risk.access.travel import on_nodes, weigh
    >>> from geo_risk.access.vehicles import Vehicle
    >>> foot = Vehicle(id="foot", title={}, mode="foot", speed_kmh={"r": 3.6}, heeds_one_way=False, heeds_limit=False,
    ...                min_depth_m=0.0, max_depth_m=0.2, walk_kmh=3.6, walk_max_m=500.0, source="", checked="")
    >>> graph = graph_of_arrays([120.0, 120.01, 120.02, 120.03], [30.0] * 4, [0, 1, 0, 2], [1, 2, 2, 3],
    ...                         length_m=[100, 100, 150, 10], classes=["r"])
    >>> town = Network(travel=weigh(graph, foot), places=on_nodes(graph, [2, 3]), facilities=on_nodes(graph, [0]))
    >>> link_losses(town, [10, 1])[["people_cut_off", "added"]].reset_index().to_numpy().tolist()
    [[3.0, 1.0, 0.0], [2.0, 0.0, 550.0]]
    """
    if own_road not in ("counted", "left out"):
        raise ParameterError(
            "no such rule of a place's own road", where="link_losses", expected="counted or left out", got=shown(own_road),
            then="name one of these",
        )
    heads = _people(people, len(network.places))
    found = spread(network.travel, network.facilities, towards=towards)
    losses = _losses_of_links(network, found, towards, own_road)
    return _ranked(losses.link, "link", _counted(network, found, heads, losses, towards, progress))


def facility_losses(
    network: Network, people: ArrayLike, *, towards: bool = True, progress: Progress | None = None
) -> pd.DataFrame:
    """What the loss of each single facility (shelter, depot, helipad) would do, as `link_losses` says it; index ``facility``.

    Examples
    --------
    >>> from geo_risk.access.road_graph import graph_of_arrays
    >>> from geo_risk.access.travel import on_nodes, weigh
    >>> from geo_risk.access.vehicles import Vehicle
    >>> foot = Vehicle(id="foot", title={}, mode="foot", speed_kmh={"r": 3.6}, heeds_one_way=False, heeds_limit=False,
    ...                min_depth_m=0.0, max_depth_m=0.2, walk_kmh=3.6, walk_max_m=500.0, source="", checked="")
    >>> graph = graph_of_arrays([120.0, 120.01, 120.02], [30.0] * 3, [0, 1], [1, 2], length_m=[100, 50], classes=["r"])
    >>> town = Network(travel=weigh(graph, foot), places=on_nodes(graph, [1]), facilities=on_nodes(graph, [0, 2]))
    >>> facility_losses(town, [10])[["people_cut_off", "added"]].reset_index().to_numpy().tolist()
    [[1.0, 0.0, 500.0]]
    """
    heads = _people(people, len(network.places))
    found = spread(network.travel, network.facilities, towards=towards)
    losses = _losses_of_facilities(network, found, towards)
    return _ranked(losses.facility, "facility", _counted(network, found, heads, losses, towards, progress))


def detours(travel: Travel, *, ways: DetourRule = "as allowed", progress: Progress | None = None) -> pd.DataFrame:
    """For each link, whether its ends stay joined without it, and what the way round costs: single-link redundancy.

    Parameters
    ----------
    travel : Travel
    ways : {"as allowed", "either way"}
        "as allowed": from start to end and back, each where the link may be gone that way; the dearer of the two counts,
        and one that is missing counts as no detour. "either way": every passable link both ways at its lesser cost, as
        RA2CE's single-link redundancy takes an undirected graph.
    progress : callable, optional
        Hears the share done and may raise to stop.

    Returns
    -------
    DataFrame
        Index ``link``, every link: ``cost`` of the link itself (the dearer way under "as allowed"), inf where it is no
        way now; ``detour``, whether there is a way round; ``detour_cost``, inf without one, nan for what is no way now;
        ``added`` = detour_cost - cost, below 0 where the way round is the cheaper. A link from a node to itself has a
        detour of cost 0: there is nowhere to go. Of parallel links each is the detour of the other.

    Raises
    ------
    ParameterError
        No such rule, or ways round that visit more than 2,000,000,000 nodes.

    Notes
    -----
    Deltares, RA2CE, analysis *single link redundancy*: remove an edge, ask for the least weight between its ends, put it back.

    Examples
    --------
    >>> from geo_risk.access.road_graph import graph_of_arrays
    >>> from geo_risk.access.travel import weigh
    >>> from geo_risk.access.vehicles import Vehicle
    >>> car = Vehicle(id="car", title={}, mode="car", speed_kmh={"r": 36.0}, heeds_one_way=True, heeds_limit=True,
    ...               min_depth_m=0.0, max_depth_m=0.3, walk_kmh=4.0, walk_max_m=500.0, source="", checked="")
    >>> graph = graph_of_arrays([120.0, 120.01, 120.02, 120.03], [30.0] * 4, [0, 1, 0, 2], [1, 2, 2, 3],
    ...                         length_m=[100, 100, 150, 10], classes=["r"])
    >>> detours(weigh(graph, car, by="length")).to_numpy().tolist()
    [[100.0, True, 250.0, 150.0], [100.0, True, 250.0, 150.0], [150.0, True, 200.0, 50.0], [10.0, False, inf, inf]]
    """
    if ways not in ("as allowed", "either way"):
        raise ParameterError(
            "no such rule of detours", where="detours", expected="as allowed or either way", got=shown(ways),
            then="name one of these",
        )
    links, pairs = travel.graph.links, travel.cost.reshape(-1, 2)
    either = replace(travel, cost=np.repeat(pairs.min(axis=1, initial=math.inf), 2))
    passable, cut = travel.passable, _cut_links(either)
    roads, sides = (travel, 2) if ways == "as allowed" else (either, 1)
    asked = np.isfinite(roads.cost) & np.repeat(passable & ~cut, 2) & (np.arange(2 * links) % 2 < sides)
    round_ = np.full(2 * links, -math.inf)
    round_[asked] = _ways_round(roads, np.flatnonzero(asked), progress)
    dearest = np.where(cut, math.inf, round_.reshape(-1, 2).max(axis=1, initial=-math.inf))
    own = np.where(np.isfinite(roads.cost), roads.cost, -math.inf).reshape(-1, 2).max(axis=1, initial=-math.inf)
    cost, dearest = np.where(passable, own, math.inf), np.where(passable, dearest, np.nan)
    columns = {"cost": cost, "detour": np.isfinite(dearest), "detour_cost": dearest, "added": dearest - cost}
    return pd.DataFrame(columns, index=pd.RangeIndex(links, name="link"))


def _cut_links(either: Travel) -> Mask:
    """The links that alone join two parts of the roads; each passable both ways."""
    cut: Mask = _detour_kernel.cut_links(*ways_of(either, towards=False), _link_of(either), either.graph.links)
    return cut


def _reached(network: Network, towards: bool) -> tuple[Floats, NDArray[np.int32]]:
    found = spread(network.travel, network.facilities, towards=towards)
    return cost_at(network.travel, found, network.facilities, network.places, towards=towards)


def _beside(network: Network, towards: bool) -> tuple[Floats, NDArray[np.int32]]:
    """The cost to the best facility on each place's own link, and which it is."""
    nodes = network.travel.graph.nodes
    none = np.full(nodes, -1, np.int32)
    nothing = Spread(np.full(nodes, math.inf), none, none, math.inf)
    return cost_at(network.travel, nothing, network.facilities, network.places, towards=towards)


def _all_shut(network: Network) -> Network:
    return replace(network, travel=close(network.travel, np.ones(network.travel.graph.links, dtype=bool)))


def _parents(travel: Travel, found: Spread) -> tuple[NDArray[np.int32], Ints]:
    """The node each node hangs on (-1 none) and the link it hangs by: of a root that of its arc, -1."""
    graph, link = travel.graph, found.arc >> 1
    hangs = np.flatnonzero(found.arc >= 0)
    at = link[hangs]
    parent = np.full(graph.nodes, -1, np.int32)
    parent[hangs] = np.where(graph.start[at] == hangs, graph.end[at], graph.start[at])
    return parent, np.where(found.arc >= 0, link, -1).astype(np.int64)


def _losses_of_links(network: Network, found: Spread, towards: bool, own_road: OwnRoad) -> _loss_kernel.Losses:
    """Each link that a node hangs by, that a facility is reached along, or that a place lies on."""
    _, by_link = _parents(network.travel, found)
    roots = np.flatnonzero((found.arc < 0) & (found.label >= 0))
    by_link[roots] = network.facilities.link[found.label[roots]]
    hanging, lying = np.flatnonzero(by_link >= 0), np.flatnonzero(network.places.link >= 0)
    links = np.unique(np.concatenate([by_link[hanging], network.places.link[lying]]))
    root_at, root = _grouped(np.searchsorted(links, by_link[hanging]), hanging, len(links))
    lying = lying if own_road == "counted" else lying[:0]
    own_at, own = _grouped(np.searchsorted(links, network.places.link[lying]), lying, len(links))
    left, _ = _beside(_all_shut(network), towards)
    return _loss_kernel.Losses(root_at, root.astype(np.int32), links, np.full(len(links), -1), own_at, own, left[own])


def _losses_of_facilities(network: Network, found: Spread, towards: bool) -> _loss_kernel.Losses:
    facilities, places = network.facilities, network.places
    roots = np.flatnonzero((found.arc < 0) & (found.label >= 0))
    root_at, root = _grouped(found.label[roots].astype(np.int64), roots, len(facilities))
    _, beside = _beside(network, towards)
    lying = np.flatnonzero(beside >= 0)
    own_at, own = _grouped(beside[lying].astype(np.int64), lying, len(facilities))
    left = np.full(len(own), math.inf)
    for gone in np.flatnonzero(np.diff(own_at)):
        some, others = own[own_at[gone] : own_at[gone + 1]], np.flatnonzero(np.arange(len(facilities)) != gone)
        near = others[np.isin(facilities.link[others], places.link[some])]
        rest = replace(network, places=places.take(some), facilities=facilities.take(near))
        left[own_at[gone] : own_at[gone + 1]] = _beside(rest, towards)[0]
    none = np.full(len(facilities), -1)
    return _loss_kernel.Losses(root_at, root.astype(np.int32), none, np.arange(len(facilities)), own_at, own, left)


def _counted(
    network: Network, found: Spread, people: Floats, losses: _loss_kernel.Losses, towards: bool, progress: Progress | None
) -> Floats:
    """The figures of each loss, on all cores."""
    travel = network.travel
    parent, _ = _parents(travel, found)
    forest = _loss_kernel.Forest(found.cost, *_loss_kernel.preorder(parent, found.cost))
    visits = np.add.reduceat(np.append(forest.size[losses.root], 0), np.minimum(losses.root_at[:-1], len(losses.root)))
    visits = np.where(np.diff(losses.root_at) > 0, visits, 0) + 1
    _require_bounded(int(visits.sum()))
    ways = _ways(travel, towards=towards)
    shut = _all_shut(network).travel
    seeds, places = _seeds(network, shut, towards), _places(network, shut, people, towards)
    result = np.zeros((len(losses.link), FIGURES))

    def count(part: slice) -> None:
        _loss_kernel.count_losses(part.start, part.stop, ways, forest, seeds, places, losses, result)

    least = travel.graph.nodes + len(places.people)  # what one call clears before it begins
    parts = budgeted(visits, max(min(_VISITS_AT_ONCE, int(visits.sum()) // threads() + 1), 4 * least))
    for number in range(0, len(parts), threads()):
        over_spans(count, parts[number : number + threads()])
        if progress is not None:
            progress(min(1.0, (number + threads()) / len(parts)))
    return result


def _seeds(network: Network, shut: Travel, towards: bool) -> _loss_kernel.Seeds:
    facilities = network.facilities
    nodes, costs = ends_of(network.travel, facilities, leaving=not towards)
    _, lost = ends_of(shut, facilities, leaving=not towards)
    entry = np.flatnonzero(np.isfinite(costs.ravel()))
    at, order = _grouped(nodes.ravel()[entry].astype(np.int64), entry, network.travel.graph.nodes)
    return _loss_kernel.Seeds(at, costs.ravel()[order], lost.ravel()[order], facilities.link[order // 2], order // 2)


def _places(network: Network, shut: Travel, people: Floats, towards: bool) -> _loss_kernel.Places:
    nodes, costs = ends_of(network.travel, network.places, leaving=towards)
    _, lost = ends_of(shut, network.places, leaving=towards)
    entry = np.flatnonzero(np.isfinite(costs.ravel()))
    at, order = _grouped(nodes.ravel()[entry].astype(np.int64), entry, network.travel.graph.nodes)
    beside, _ = _beside(network, towards)
    return _loss_kernel.Places(nodes, costs, lost, network.places.link, beside, people, at, order // 2)


def _ways(travel: Travel, *, towards: bool) -> _loss_kernel.Ways:
    at, to, step = ways_of(travel, towards=towards)
    return _loss_kernel.Ways(at, to, step, ways_of(travel, towards=not towards)[2], _link_of(travel))


def _link_of(travel: Travel) -> NDArray[np.int32]:
    return np.asarray(travel.graph.arcs >> 1, dtype=np.int32)


def _grouped(group: Ints, members: Ints, groups: int) -> tuple[Ints, Ints]:
    """Members by group: where each group begins, and the members in their order.

    >>> [column.tolist() for column in _grouped(np.array([1, 0, 1]), np.array([7, 8, 9]), 3)]
    [[0, 1, 3, 3], [8, 7, 9]]
    """
    at = np.concatenate([[0], np.cumsum(np.bincount(group, minlength=groups))]).astype(np.int64)
    return at, members[np.argsort(group, kind="stable")].astype(np.int64)


def _ways_round(travel: Travel, arcs: Ints, progress: Progress | None) -> Floats:
    """The least cost from the tail of each arc to its head without its link, inf where there is none."""
    graph, ways = travel.graph, _ways(travel, towards=False)
    ahead = arcs % 2 == 0
    links, starts, ends = (arcs // 2).astype(np.int32), graph.start[arcs // 2], graph.end[arcs // 2]
    tails, heads = np.where(ahead, starts, ends), np.where(ahead, ends, starts)
    found, visits = np.full(len(arcs), math.inf), 0

    def search(part: slice) -> int:
        visited: int = _detour_kernel.ways_round(ways, links[part], tails[part], heads[part], found[part])
        return visited

    parts = spans(len(arcs), max(1, min(_DETOURS_AT_ONCE, -(-len(arcs) // threads()))))
    for number in range(0, len(parts), threads()):
        visits += sum(over_spans(search, parts[number : number + threads()]))
        _require_bounded(visits)
        if progress is not None:
            progress(min(1.0, (number + threads()) / len(parts)))
    return found


def _ranked(numbers: Ints, name: str, figures: Floats) -> pd.DataFrame:
    """The losses that change anything, worst first."""
    columns = {
        "people_cut_off": figures[:, PEOPLE_CUT], "places_cut_off": figures[:, PLACES_CUT].astype(np.int64),
        "unknown_cut_off": figures[:, UNKNOWN_CUT].astype(np.int64), "added": figures[:, ADDED],
        "unknown_slower": figures[:, UNKNOWN_SLOWER].astype(np.int64),
    }  # fmt: skip
    named = numbers if name == "link" else np.arange(len(numbers))
    table = pd.DataFrame(columns, index=pd.Index(named, name=name))
    order = np.lexsort((named, -figures[:, PLACES_CUT], -figures[:, ADDED], -figures[:, PEOPLE_CUT]))
    ranked = table.iloc[order]
    return ranked[(ranked != 0).any(axis=1)]


def _people(people: ArrayLike, places: int) -> Floats:
    heads = np.array(people, dtype=float)
    _require_same(heads.size if heads.ndim == 1 else -1, places, "people")
    wrong = (heads < 0) | np.isinf(heads)
    if wrong.any():
        raise ParameterError(
            "people are no number of people", where="isolation", expected="0 or more, nan for unknown",
            got=shown(float(heads[np.argmax(wrong)])), then="correct the column, or leave it unknown",
        )
    return heads


def _require_same(got: int, expected: int, what: str) -> None:
    if got != expected:
        raise ParameterError(
            f"{what} and places differ in number", where="isolation", expected=shown(expected), got=shown(got),
            then="give one for each place",
        )


def _require_bounded(visits: int) -> None:
    if visits > MAX_VISITS:
        raise ParameterError(
            "too much hangs on single links", where="isolation", expected=f"at most {MAX_VISITS} visits of nodes",
            got=shown(visits), then="take a smaller part of the roads, or more facilities",
        )
