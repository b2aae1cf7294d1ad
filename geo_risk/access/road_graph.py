"""The road network as arrays: places where roads meet, links between them, and which way each may be gone.

A *link* is a stretch of road between two *nodes*; going along it from ``start`` to ``end`` is arc ``2 * link``, the other
way arc ``2 * link + 1``. What an arc costs is not part of the graph (see `geo_risk.access.travel`), so closing a road
changes one array of costs and builds nothing anew. Nodes are numbered along a Hilbert curve: neighbours lie near in memory.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo_risk.crs import WGS84, geodesic_m
from geo_risk.errors import ParameterError, shown

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
_Kind = TypeVar("_Kind", bound=np.generic)

MODES: Final = ("car", "truck", "bicycle", "foot")
"""Who may use a road: bit 0 of a link's modes is the first, and so on."""
ALL_MODES: Final = (1 << len(MODES)) - 1
OTHER: Final = "other"
"""The class of a road whose class nobody said."""


@dataclass(frozen=True)
class Left:
    """Features, or parts of them, that are not in the graph: why, how many, and the first one's id."""

    reason: str
    count: int
    first_id: str


@dataclass(frozen=True, kw_only=True, eq=False)
class RoadGraph:
    """Nodes, links and the geometry of links, in degrees on WGS84, metres, km/h; made from lines by `geo_risk.access.road_lines`.

    ``lon``, ``lat`` (nodes). Of each link: ``start``, ``end`` its nodes; ``length_m`` along the geodesics of its points;
    ``road_class`` a position in ``classes``; ``forward``, ``backward`` the modes that may go from start to end, and back;
    ``limit_kmh`` the posted speed or nan; ``bridge``, ``tunnel``; ``feature`` a position in ``feature_ids`` and ``names``
    and ``part`` its number along that feature, from 0. The points of link i are ``points[point_at[i]:point_at[i + 1]]``
    (longitude, latitude; start first). The arcs that leave node n are ``arcs[arc_at[n]:arc_at[n + 1]]`` and lead to the
    nodes ``arc_to`` at the same positions. ``left`` says what of the lines is not in the graph, and why.
    """

    lon: Floats
    lat: Floats
    start: NDArray[np.int32]
    end: NDArray[np.int32]
    length_m: Floats
    road_class: NDArray[np.int16]
    forward: NDArray[np.uint8]
    backward: NDArray[np.uint8]
    limit_kmh: NDArray[np.float32]
    bridge: Mask
    tunnel: Mask
    feature: NDArray[np.int32]
    part: NDArray[np.int32]
    points: Floats
    point_at: Ints
    classes: tuple[str, ...]
    feature_ids: tuple[str, ...]
    names: tuple[str, ...]
    arc_at: NDArray[np.int32] = field(repr=False)
    arc_to: NDArray[np.int32] = field(repr=False)
    arcs: NDArray[np.int32] = field(repr=False)
    left: tuple[Left, ...] = ()

    @property
    def nodes(self) -> int:
        """How many nodes."""
        return len(self.lon)

    @property
    def links(self) -> int:
        """How many links."""
        return len(self.start)

    def name(self, link: int) -> str:
        """The name of a link's road, empty where it has none."""
        return self.names[int(self.feature[link])]

    def link_id(self, link: int) -> str:
        """A link as a person or a closure names it: its feature's id, and which part of it.

        The number of the part holds as long as the roads do not change.
        """
        return f"{self.feature_ids[int(self.feature[link])]}#{int(self.part[link])}"


def arcs_of(start: NDArray[np.int32], end: NDArray[np.int32], nodes: int) -> tuple[NDArray[np.int32], ...]:
    """The arcs that leave each node, as (arc_at, arc_to, arcs); a link from a node to itself leaves it twice.

    >>> [part.tolist() for part in arcs_of(np.array([0, 1], np.int32), np.array([1, 2], np.int32), 3)]
    [[0, 1, 3, 4], [1, 0, 2, 1], [0, 1, 2, 3]]
    """
    tails = np.column_stack([start, end]).ravel()
    heads = np.column_stack([end, start]).ravel()
    order = np.argsort(tails, kind="stable").astype(np.int32)
    at = np.concatenate([[0], np.cumsum(np.bincount(tails, minlength=nodes))]).astype(np.int32)
    return at, heads[order].astype(np.int32), order


def mode_bit(mode: str) -> int:
    """The bit of a mode in ``forward`` and ``backward``.

    >>> mode_bit("truck")
    2
    """
    if mode not in MODES:
        raise ParameterError("no such mode", where="mode", expected=", ".join(MODES), got=shown(mode), then="name one of these")
    return 1 << MODES.index(mode)


def graph_of_arrays(
    lon: ArrayLike,
    lat: ArrayLike,
    start: ArrayLike,
    end: ArrayLike,
    *,
    length_m: ArrayLike | None = None,
    road_class: ArrayLike | None = None,
    classes: Sequence[str] = (OTHER,),
    forward: ArrayLike = ALL_MODES,
    backward: ArrayLike = ALL_MODES,
    limit_kmh: ArrayLike = np.nan,
    bridge: ArrayLike = False,
    tunnel: ArrayLike = False,
    feature: ArrayLike | None = None,
    part: ArrayLike = 0,
    feature_ids: Sequence[str] | None = None,
    names: Sequence[str] | None = None,
    points: ArrayLike | None = None,
    point_at: ArrayLike | None = None,
    left: tuple[Left, ...] = (),
) -> RoadGraph:
    """A graph of links as they are given, another system's for instance; nodes and links keep their numbers.

    Parameters
    ----------
    lon, lat : array_like of float, shape (nodes,)
        Degrees on WGS84.
    start, end : array_like of int, shape (links,)
        Positions of nodes.
    length_m : array_like of float, shape (links,), optional
        Metres, 0 or more; without it the geodesics along a link's points are measured.
    road_class : array_like of int, shape (links,), optional
        Positions in ``classes``; without it the first class.
    forward, backward, limit_kmh, bridge, tunnel, part : array_like, shape (links,) or one for all
        As in `RoadGraph`.
    feature : array_like of int, shape (links,), optional
        Positions in ``feature_ids`` and ``names``; without it each link is a feature of its own, named by its number.
    points, point_at : array_like, shape (points, 2) and (links + 1,), optional
        The points of the links; without them each link is straight.

    Raises
    ------
    ParameterError
        A length is negative, nan or infinite; a position is out of range; a coordinate is not on the earth; shapes differ.

    Examples
    --------
    >>> pair = graph_of_arrays([120.0, 120.01], [30.0, 30.0], [0], [1])
    >>> pair.length_m.round(3).tolist(), pair.link_id(0), pair.arc_to.tolist()
    ([964.863], '0#0', [1, 0])
    >>> graph_of_arrays([], [], [], []).links
    0
    """
    east, north = np.array(lon, dtype=float), np.array(lat, dtype=float)
    tail, head = np.array(start, dtype=np.int64), np.array(end, dtype=np.int64)
    _require_same_shape(east, north, "longitudes and latitudes")
    _require_same_shape(tail, head, "starts and ends of links")
    _require_on_earth(east, north)
    _require_within(np.concatenate([tail, head]), len(east), "nodes")
    links = len(tail)
    places, place_at = _points_of(east, north, tail, head, points, point_at)
    metres = lengths_m(places, place_at) if length_m is None else np.array(length_m, dtype=float)
    kinds = np.zeros(links, dtype=np.int64) if road_class is None else np.array(road_class, dtype=np.int64)
    feature_of = np.arange(links) if feature is None else np.array(feature, dtype=np.int64)
    ids = tuple(map(str, range(links))) if feature_ids is None else tuple(feature_ids)
    named = ("",) * len(ids) if names is None else tuple(names)
    _require_lengths(metres, links)
    _require_within(kinds, len(classes), "classes")
    _require_within(feature_of, min(len(ids), len(named)), "features")
    arc_at, arc_to, arcs = arcs_of(tail.astype(np.int32), head.astype(np.int32), len(east))
    return RoadGraph(
        lon=east, lat=north, start=tail.astype(np.int32), end=head.astype(np.int32), length_m=metres,
        road_class=kinds.astype(np.int16), forward=_each(forward, links, np.uint8), backward=_each(backward, links, np.uint8),
        limit_kmh=_each(limit_kmh, links, np.float32), bridge=_each(bridge, links, np.bool_),
        tunnel=_each(tunnel, links, np.bool_), feature=feature_of.astype(np.int32), part=_each(part, links, np.int32),
        points=places, point_at=place_at, classes=tuple(classes), feature_ids=ids, names=named,
        arc_at=arc_at, arc_to=arc_to, arcs=arcs, left=left,
    )  # fmt: skip


def parts(graph: RoadGraph, usable: Mask) -> Ints:
    """The part of the network each node is in when only ``usable`` links (links) count, whichever way they may be gone.

    Parts are numbered by their first node; a node without a usable link is a part of its own.

    >>> graph = graph_of_arrays([0, 1, 2, 3], [0, 0, 0, 0], [2, 0], [3, 1])
    >>> parts(graph, np.array([True, True])).tolist(), parts(graph, np.array([False, True])).tolist()
    ([0, 0, 1, 1], [0, 0, 1, 2])
    """
    tail, head = graph.start[usable], graph.end[usable]
    joined = coo_array((np.ones(len(tail), dtype=np.int8), (tail, head)), shape=(graph.nodes, graph.nodes))
    _, label = connected_components(joined, directed=False)
    _, first = np.unique(label, return_index=True)
    return np.asarray(np.argsort(np.argsort(first))[label], dtype=np.int64)


def lengths_m(points: Floats, point_at: Ints) -> Floats:
    """The geodesic length of each line in metres; ``points`` of shape (n, 2), ``point_at`` offsets into them.

    >>> lengths_m(np.array([(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]), np.array([0, 3])).round(3).tolist()
    [221877.038]
    """
    steps, _ = geodesic_m(points[:-1, 0], points[:-1, 1], points[1:, 0], points[1:, 1])
    line_of = np.repeat(np.arange(len(point_at) - 1), np.diff(point_at))
    within = line_of[:-1] == line_of[1:]
    return np.bincount(line_of[:-1][within], weights=steps[within], minlength=len(point_at) - 1).astype(float)


def along_hilbert(lon: Floats, lat: Floats) -> Ints:
    """The order of points along a Hilbert curve over their bounds, so that neighbours get near numbers.

    >>> along_hilbert(np.array([9.0, 0.0, 9.0, 0.0]), np.array([0.0, 0.0, 9.0, 9.0])).tolist()
    [1, 3, 2, 0]
    """
    if not len(lon):
        return np.empty(0, dtype=np.int64)
    bounds = (lon.min() - 1e-9, lat.min() - 1e-9, lon.max() + 1e-9, lat.max() + 1e-9)
    curve = gpd.GeoSeries(shapely.points(lon, lat), crs=WGS84).hilbert_distance(bounds).to_numpy()
    return np.lexsort((lat, lon, curve)).astype(np.int64)


def _points_of(
    lon: Floats, lat: Floats, start: Ints, end: Ints, points: ArrayLike | None, point_at: ArrayLike | None
) -> tuple[Floats, Ints]:
    if points is None or point_at is None:
        ends = np.column_stack([start, end]).ravel()
        return np.column_stack([lon[ends], lat[ends]]), np.arange(0, len(ends) + 1, 2)
    places, at = np.array(points, dtype=float).reshape(-1, 2), np.array(point_at, dtype=np.int64)
    fits = len(at) == len(start) + 1 and at[0] == 0 and at[-1] == len(places) and bool((np.diff(at) >= 2).all())
    if not fits:
        raise ParameterError(
            "offsets do not fit the points", where="graph_of_arrays", expected="0, then at least 2 points a link, to their count",
            got=f"{len(at)} offsets for {len(start)} links and {len(places)} points", then="give where each link's points begin",
        )
    _require_on_earth(places[:, 0], places[:, 1])
    return places, at


def _each(values: ArrayLike, links: int, kind: type[_Kind]) -> NDArray[_Kind]:
    """One for each link."""
    given: NDArray[_Kind] = np.asarray(values, dtype=kind)
    if given.shape not in ((), (links,)):
        _require_same_shape(given, np.empty(links), "a column and the links")
    return np.broadcast_to(given, links).copy()


def _require_same_shape(one: NDArray[np.generic], other: NDArray[np.generic], what: str) -> None:
    if one.ndim != 1 or one.shape != other.shape:
        raise ParameterError(
            f"{what} differ in shape", where="graph_of_arrays", expected="two arrays of one length",
            got=f"{one.shape} and {other.shape}", then="give one of each",
        )


def _require_on_earth(lon: Floats, lat: Floats) -> None:
    wrong = ~((np.abs(lon) <= 180.0) & (np.abs(lat) <= 90.0))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ParameterError(
            "a coordinate is not on the earth", where="graph_of_arrays", expected="longitude -180 to 180, latitude -90 to 90",
            got=f"longitude {shown(float(lon[at]))}, latitude {shown(float(lat[at]))}", then="check the order and the unit",
        )


def _require_within(positions: Ints, count: int, what: str) -> None:
    wrong = (positions < 0) | (positions >= count)
    if wrong.any():
        raise ParameterError(
            f"a link names one of the {what} that is not there", where="graph_of_arrays", expected=f"0 to {count - 1}",
            got=shown(int(positions[np.argmax(wrong)])), then=f"count the {what} from 0",
        )


def _require_lengths(metres: Floats, links: int) -> None:
    wrong = ~(np.isfinite(metres) & (metres >= 0))
    if metres.shape != (links,) or wrong.any():
        raise ParameterError(
            "a length is no length", where="graph_of_arrays", expected=f"{links} of 0 m or more",
            got=shown(float(metres[np.argmax(wrong)])) if wrong.any() else f"{metres.shape}", then="leave it out to measure it",
        )
