"""Routes: the roads of a way one after the other, as legs that a driver can be told, and their geometry."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from geo_risk.access.road_graph import Floats, Ints, RoadGraph
from geo_risk.access.road_index import between, shares_along
from geo_risk.access.travel import OnRoad, Spread, Travel, direct_cost, ends_of, speeds_kmh, spread_until
from geo_risk.crs import geodesic_m


@dataclass(frozen=True, kw_only=True)
class Leg:
    """A stretch of one road: parts that follow each other with one name (or, nameless, of one feature), class and bridge.

    ``bearing_deg`` is that of its first metres, 0 north; ``first`` and ``last`` are positions in the route's points, the
    last of one leg being the first of the next.
    """

    name: str
    road_class: str
    feature_id: str
    bridge: bool
    metres: float
    seconds: float
    bearing_deg: float
    first: int
    last: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Route:
    """A way from a place to another: along the roads, and the walks at both ends.

    ``cost`` is what `geo_risk.access.travel.matrix` says: by time ``seconds``, by length ``metres``. ``metres`` are along
    the roads; ``seconds`` hold both walks. ``points`` (n, 2) run from the point on the road of the one place to that of the
    other; ``links`` are those used, in order, a part of a link counting as the link.
    """

    cost: float
    seconds: float
    metres: float
    walk_from_m: float
    walk_to_m: float
    points: Floats
    links: Ints
    legs: tuple[Leg, ...]


class _Piece(NamedTuple):
    """A part of a link, from one share of it to another."""

    link: int
    low: float
    high: float


def route(travel: Travel, origin: OnRoad, destination: OnRoad) -> Route | None:
    """The way of least cost from the first place of the one to the first place of the other, or none."""
    return routes(travel, origin, destination, [(0, 0)])[0]


def routes(travel: Travel, origins: OnRoad, destinations: OnRoad, pairs: ArrayLike) -> list[Route | None]:
    """The way of each pair (origin, destination): one search an origin, which ends when its destinations are reached."""
    asked = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    found: list[Route | None] = [None] * len(asked)
    speeds = speeds_kmh(travel.graph, travel.vehicle)
    for number in np.unique(asked[:, 0]):
        rows = np.flatnonzero(asked[:, 0] == number)
        origin = origins.take([number])
        ends, costs = ends_of(travel, destinations.take(asked[rows, 1]), leaving=False)
        reached = spread_until(travel, origin, np.unique(ends[np.isfinite(costs)]))
        for row in rows:
            found[row] = _route(travel, speeds, reached, origin, destinations.take(asked[row, 1:]))
    return found


def _route(travel: Travel, speeds: Floats, found: Spread, origin: OnRoad, destination: OnRoad) -> Route | None:
    """The way to one destination that a search from the origin found."""
    pieces = _pieces(travel, found, origin, destination)
    if pieces is None:
        return None
    link, low, high = (np.array(column) for column in zip(*pieces, strict=True))
    metres = np.abs(high - low) * travel.graph.length_m[link]
    seconds = metres * 3.6 / speeds[link]
    walks = float(origin.walk_m[0]), float(destination.walk_m[0])
    walking = sum(walks) * 3.6 / travel.vehicle.walk_kmh if sum(walks) > 0 else 0.0
    lines = [part_of_link(travel.graph, piece) for piece in pieces]
    at = np.cumsum([0, *(len(line) - 1 for line in lines)])
    points = np.vstack([lines[0][:1], *(line[1:] for line in lines)])
    whole_s, whole_m = float(seconds.sum()) + walking, float(metres.sum())
    return Route(
        cost=whole_s if travel.by == "time" else whole_m, seconds=whole_s, metres=whole_m, walk_from_m=walks[0],
        walk_to_m=walks[1], points=points, links=link, legs=tuple(_legs(travel.graph, pieces, metres, seconds, points, at)),
    )  # fmt: skip


def _pieces(travel: Travel, found: Spread, origin: OnRoad, destination: OnRoad) -> list[_Piece] | None:
    """The parts of links of the best way: along the common link, or through one end of the destination's.

    None where there is no way. Parts of no length are left out, but for one where nothing else is left.
    """
    nodes, costs = ends_of(travel, destination, leaving=False)
    ways = found.cost[nodes[0]] + costs[0]
    same = origin.link[0] == destination.link[0] >= 0
    direct = float(direct_cost(travel, origin, destination)[0]) if same else math.inf
    if not np.isfinite([*ways, direct]).any():
        return None
    link, along = int(destination.link[0]), float(destination.along[0])
    if direct <= ways.min():
        parts = [_Piece(link, float(origin.along[0]), along)]
    else:
        side = int(np.argmin(ways))
        parts = [*_to_node(travel, found, origin, int(nodes[0, side])), _Piece(link, float(side), along)]
    return [part for part in parts if part.low != part.high] or parts[-1:]


def _to_node(travel: Travel, found: Spread, origin: OnRoad, node: int) -> list[_Piece]:
    """The parts of links from the origin to a node."""
    graph, parts = travel.graph, list[_Piece]()
    while (arc := int(found.arc[node])) >= 0:
        back = arc % 2
        parts.append(_Piece(arc // 2, float(back), float(1 - back)))
        node = int(graph.end[arc // 2] if back else graph.start[arc // 2])
    nodes, costs = ends_of(travel, origin, leaving=True)
    side = int(np.argmin(np.where(nodes[0] == node, costs[0], np.inf)))
    return [_Piece(int(origin.link[0]), float(origin.along[0]), float(side)), *reversed(parts)]


def part_of_link(graph: RoadGraph, piece: tuple[int, float, float]) -> Floats:
    """The points (n, 2) of a link from one share of it to another, against its direction where the second is smaller."""
    link, low, high = piece
    points = graph.points[graph.point_at[link] : graph.point_at[link + 1]]
    ends = np.column_stack([points[:-1], points[1:]])
    metres, _ = geodesic_m(ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3])
    shares = shares_along(np.zeros(len(ends), dtype=np.int64), metres, 1)
    first, last = sorted((low, high))
    inner = (shares[:-1, 1] > first) & (shares[:-1, 1] < last)
    cut = [_at_share(ends, shares, share) for share in (first, last)]
    line = np.vstack([cut[0], points[1:-1][inner], cut[1]])
    return line if low <= high else line[::-1]


def _at_share(ends: Floats, shares: Floats, share: float) -> Floats:
    """The point at a share of a link, shape (1, 2)."""
    at = min(int(np.searchsorted(shares[:, 1], share)), len(shares) - 1)
    span = shares[at, 1] - shares[at, 0]
    within = (share - shares[at, 0]) / span if span > 0 else 0.0
    return np.column_stack(between(ends[at : at + 1], np.array([within])))


def _legs(graph: RoadGraph, pieces: list[_Piece], metres: Floats, seconds: Floats, points: Floats, at: Ints) -> Iterator[Leg]:
    """Pieces that follow each other on one road, together."""
    for _, group in groupby(range(len(pieces)), key=lambda number: _road(graph, pieces[number].link)):
        numbers = list(group)
        first, last = int(at[numbers[0]]), int(at[numbers[-1] + 1])
        link = pieces[numbers[0]].link
        yield Leg(
            name=graph.name(link), road_class=graph.classes[int(graph.road_class[link])],
            feature_id=graph.feature_ids[int(graph.feature[link])], bridge=bool(graph.bridge[link]),
            metres=float(metres[numbers].sum()), seconds=float(seconds[numbers].sum()),
            bearing_deg=_bearing(points[first : last + 1]), first=first, last=last,
        )  # fmt: skip


def _road(graph: RoadGraph, link: int) -> tuple[str, int, bool]:
    """What parts of one leg have in common."""
    name = graph.name(link)
    return name or f"#{int(graph.feature[link])}", int(graph.road_class[link]), bool(graph.bridge[link])


def _bearing(points: Floats) -> float:
    """The bearing of the first step that leads anywhere, 0 where none does."""
    metres, bearing = geodesic_m(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1])
    going = np.flatnonzero(metres > 0)
    return float(bearing[going[0]]) if len(going) else 0.0
