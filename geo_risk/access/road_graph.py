"""The road network as arrays: places where roads meet, links between them, and which way each may be gone.

A *link* is a stretch of road between two *nodes*; going along it from ``start`` to ``end`` is arc ``2 * link``, the other
way arc ``2 * link + 1``. What an arc costs is not part of the graph (see `geo_risk.access.travel`), so closing a road
changes one array of costs and builds nothing anew. Nodes are numbered along a Hilbert curve: neighbours lie near in memory.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo_risk.access._noding import Lines, Noded, alike, crossed, shared
from geo_risk.crs import WGS84, geodesic_m, require_lonlat
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
Noding = Literal["crossings", "shared points"]
NODING: Final[tuple[Noding, ...]] = ("crossings", "shared points")
TOLERANCE_M: Final = 0.02
"""Twice what coordinates of 1e-7 degrees are off: an end so near a road lies on it."""
_LINES: Final = (1, 2, 5)  # shapely's numbers of LineString, LinearRing, MultiLineString


@dataclass(frozen=True, kw_only=True)
class RoadColumns:
    """What a frame of lines calls its columns; one that is not there, or null, has the default said here.

    ``road_class``: "other"; ``name``: none; ``one_way``, ``bridge``, ``tunnel``: no; ``level``: 0; ``limit_kmh``: unknown;
    ``car``, ``truck``, ``bicycle``, ``foot``: as the road's class has it; ``bicycle_both_ways``: no; ``joined_by``, a rule
    of noding: the one given for all.
    """

    road_class: str = "road_class"
    name: str = "name"
    one_way: str = "one_way"
    bridge: str = "bridge"
    tunnel: str = "tunnel"
    level: str = "level"
    limit_kmh: str = "max_speed_kmh"
    car: str = "car"
    truck: str = "truck"
    bicycle: str = "bicycle"
    foot: str = "foot"
    bicycle_both_ways: str = "bicycle_both_ways"
    joined_by: str = "joined_by"

    def of_mode(self, mode: str) -> str:
        """The column that says whether a mode may use the road."""
        return {"car": self.car, "truck": self.truck, "bicycle": self.bicycle, "foot": self.foot}[mode]


DEFAULT_COLUMNS: Final = RoadColumns()


@dataclass(frozen=True)
class Left:
    """Features, or parts of them, that are not in the graph: why, how many, and the first one's id."""

    reason: str
    count: int
    first_id: str


@dataclass(frozen=True, kw_only=True, eq=False)
class RoadGraph:
    """Nodes, links and the geometry of links; made by `road_graph` or `graph_of_arrays`. Degrees on WGS84, metres, km/h.

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


def road_graph(
    lines: gpd.GeoDataFrame,
    columns: RoadColumns = DEFAULT_COLUMNS,
    *,
    noding: Noding = "crossings",
    tolerance_m: float = TOLERANCE_M,
    class_modes: Mapping[str, Collection[str]] | None = None,
    progress: Callable[[float], None] | None = None,
) -> RoadGraph:
    """The graph of a frame of roads, joined where they meet.

    Parameters
    ----------
    lines : GeoDataFrame
        Roads as lines, EPSG:4326, the index their ids.
    columns : RoadColumns
        What the frame calls what it says about a road.
    noding : {"crossings", "shared points"}
        *crossings*: lines of one level that cross, or come within ``tolerance_m`` of each other's points, are joined there;
        a bridge, a tunnel or another level passes over or under, and joins what its own ends, or the other's, touch.
        *shared points*: lines are joined only where they have a point of equal coordinates in common, whatever the level,
        as OpenStreetMap means it. A row may name its own rule (``joined_by``): a line that crosses is joined to every
        other as it crosses, lines by shared points to each other by those alone.
    tolerance_m : float
        Metres, 0 to 10. Points that it chains together become one node, at the most western of them.
    class_modes : mapping of str to collection of str, optional
        Who may use a class of road where its own columns do not say; a class that is not named is for all.
    progress : callable, optional
        Hears the share of the noding done; may raise to stop it.

    Returns
    -------
    RoadGraph
        ``left`` counts lines without geometry, of another kind, with coordinates unknown, of no length, or more than half
        round the earth. On a one-way road people on foot go both ways. The order of the rows changes the numbers of
        nodes and links alone.

    Raises
    ------
    CrsError
        Not longitude, latitude.
    ParameterError
        No such rule, the tolerance is out of range, or the lines meet too often to be noded in good time.

    Examples
    --------
    >>> cross = [shapely.LineString([(0, -1), (0, 1)]), shapely.LineString([(-1, 0), (1, 0)])]
    >>> road_graph(gpd.GeoDataFrame(geometry=cross, crs=4326)).links
    4
    >>> road_graph(gpd.GeoDataFrame({"bridge": [True, False]}, geometry=cross, crs=4326)).links
    2
    >>> road_graph(gpd.GeoDataFrame(geometry=[None], crs=4326)).left
    (Left(reason='no geometry', count=1, first_id='0'),)
    """
    require_lonlat(lines, "road_graph")
    _require_noding(noding)
    _require_tolerance(tolerance_m)
    traits = _traits(lines, columns, noding, class_modes or {})
    drawn, row, left = _drawn(lines, traits)
    noded = crossed(drawn, tolerance_m, progress) if drawn.crosses.any() else shared(drawn)
    return _linked(noded, row, traits, left)


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


@dataclass(frozen=True, eq=False)
class _Traits:
    """What each row of the frame says about its road."""

    ids: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[str, ...]
    road_class: Ints
    forward: NDArray[np.uint8]
    backward: NDArray[np.uint8]
    limit_kmh: Floats
    bridge: Mask
    tunnel: Mask
    storey: Ints
    crosses: Mask


def _traits(
    frame: gpd.GeoDataFrame, columns: RoadColumns, noding: Noding, class_modes: Mapping[str, Collection[str]]
) -> _Traits:
    road_class, classes = pd.factorize(np.array(_texts(frame, columns.road_class, OTHER), dtype=object), sort=True)
    forward, backward = _modes(frame, columns, [str(kind) for kind in classes], road_class, class_modes)
    bridge, tunnel = _said(frame, columns.bridge, True), _said(frame, columns.tunnel, True)
    level = np.nan_to_num(_numbers(frame, columns.level))
    storey, _ = alike(level, bridge, tunnel)
    limit = _numbers(frame, columns.limit_kmh)
    return _Traits(
        ids=tuple(map(str, frame.index)), names=tuple(_texts(frame, columns.name, "")), classes=tuple(map(str, classes)),
        road_class=road_class, forward=forward, backward=backward, limit_kmh=np.where(limit > 0, limit, np.nan),
        bridge=bridge, tunnel=tunnel, storey=storey, crosses=_crosses(frame, columns.joined_by, noding),
    )  # fmt: skip


def _crosses(frame: gpd.GeoDataFrame, column: str, noding: Noding) -> Mask:
    """Rows joined by crossings, as they say themselves or else as said for all."""
    rules = [rule.replace("_", " ") for rule in _texts(frame, column, noding)]
    for rule in sorted(set(rules)):
        _require_noding(rule)
    return np.array([rule == "crossings" for rule in rules], dtype=bool)


def _modes(
    frame: gpd.GeoDataFrame, columns: RoadColumns, classes: list[str], road_class: Ints, class_modes: Mapping[str, Collection[str]]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Who may go along each road and who back; a mode's own column comes before the class."""
    by_class = np.array([sum(mode_bit(mode) for mode in class_modes.get(kind, MODES)) for kind in classes], dtype=np.uint8)
    forward = by_class[road_class] if len(classes) else np.empty(0, dtype=np.uint8)
    for mode in MODES:
        bit = np.uint8(mode_bit(mode))
        forward = np.where(_said(frame, columns.of_mode(mode), True), forward | bit, forward)
        forward = np.where(_said(frame, columns.of_mode(mode), False), forward & ~bit, forward)
    one_way = _said(frame, columns.one_way, True)
    back = np.where(_said(frame, columns.bicycle_both_ways, True), mode_bit("bicycle"), 0) | mode_bit("foot")
    return forward, np.where(one_way, forward & back.astype(np.uint8), forward)


def _said(frame: gpd.GeoDataFrame, column: str, value: bool) -> Mask:
    """Rows that say yes, or no; null says neither."""
    if column not in frame:
        return np.zeros(len(frame), dtype=bool)
    said = frame[column]
    unknown = said.isna().to_numpy()
    if not said[~unknown].isin([True, False]).all():
        raise ParameterError(
            f"column {shown(column)} says neither yes nor no", where="road_graph", expected="true, false or null",
            got="something else", then="turn its words into true and false first",
        )
    return np.asarray(said.isin([value]).to_numpy() & ~unknown, dtype=bool)


def _texts(frame: gpd.GeoDataFrame, column: str, default: str) -> list[str]:
    if column not in frame:
        return [default] * len(frame)
    known = frame[column].notna().to_numpy()
    said = frame[column].to_numpy(dtype=object)
    return [str(text) or default if is_known else default for is_known, text in zip(known, said, strict=True)]


def _numbers(frame: gpd.GeoDataFrame, column: str) -> Floats:
    if column not in frame:
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _drawn(frame: gpd.GeoDataFrame, traits: _Traits) -> tuple[Lines, Ints, tuple[Left, ...]]:
    """The lines that can be used, the row of each, and what was left out; longitudes unbroken (see `_unbroken`)."""
    shapes = frame.geometry.to_numpy()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    other = ~empty & ~np.isin(shapely.get_type_id(shapes), _LINES)
    kept = np.flatnonzero(~empty & ~other)
    single, row = shapely.get_parts(shapes[kept], return_index=True)
    row = kept[row]
    points, line, wrong = _sound_points(single)
    lines = len(single)
    onward = np.diff(line, prepend=-1) == 0
    step_deg = np.abs(np.diff(points[:, 0], prepend=points[:1, 0]))
    around = ~wrong & _of_lines(onward & (step_deg > 180.0), line, lines)
    moves = ~onward | (points != np.roll(points, 1, axis=0)).any(axis=1)
    short = ~wrong & ~around & (np.bincount(line[moves], minlength=lines) < 2)
    used = ~(wrong | around | short)
    taken = moves & used[line]
    at = np.concatenate([[0], np.cumsum(np.bincount(line[taken], minlength=lines)[used])]).astype(np.int64)
    reasons = (
        ("no geometry", np.flatnonzero(empty)), ("not a line", np.flatnonzero(other)),
        ("a coordinate is unknown or not on the earth", row[wrong]), ("no length", row[short]),
        ("more than half round the earth", row[around]),
    )  # fmt: skip
    left = tuple(Left(reason, len(rows), traits.ids[int(rows[0])]) for reason, rows in reasons if len(rows))
    return Lines(points[taken], at, traits.storey[row[used]], traits.crosses[row[used]]), row[used], left


def _sound_points(single: NDArray[np.object_]) -> tuple[Floats, Ints, Mask]:
    """The points of lines, the line of each, and which lines have one that is nowhere; the points of those are all 0."""
    points, line = shapely.get_coordinates(single, return_index=True)
    nowhere = ~((np.abs(points[:, 0]) <= 180.0) & (np.abs(points[:, 1]) <= 90.0))
    wrong = _of_lines(nowhere, line, len(single))
    return _unbroken(np.where(wrong[line, None], 0.0, points), line), line, wrong


def _of_lines(points: Mask, line: Ints, lines: int) -> Mask:
    """The lines that have such a point."""
    return np.bincount(line[points], minlength=lines) > 0


def _unbroken(points: Floats, line: Ints) -> Floats:
    """The points with longitudes from 0 to 360 where lines go over, or up to, the antimeridian; else as they are."""
    lon = points[:, 0]
    over = (np.abs(np.diff(lon)) > 180.0) & (np.diff(line) == 0)
    if over.any() or ((lon == 180.0).any() and (lon == -180.0).any()):
        return np.column_stack([lon % 360.0, points[:, 1]])
    return points


def _linked(noded: Noded, row: Ints, traits: _Traits, left: tuple[Left, ...]) -> RoadGraph:
    """Links from joint to joint along the lines, nodes along a Hilbert curve, links by the node they start at."""
    stops = np.flatnonzero(noded.joint >= 0)
    line_of = np.searchsorted(noded.at, stops, side="right") - 1
    goes_on = line_of[1:] == line_of[:-1]
    first, last = stops[:-1][goes_on], stops[1:][goes_on]
    tiny = (noded.joint[first] == noded.joint[last]) & (last == first + 1)  # two points that became one node
    first, last, feature = first[~tiny], last[~tiny], row[line_of[:-1][goes_on][~tiny]]
    lon, lat = _turned(noded.nodes)
    used, ends = np.unique(noded.joint[np.concatenate([first, last])], return_inverse=True)
    order = along_hilbert(lon[used], lat[used])
    number = np.argsort(order)
    start, end = number[ends[: len(first)]], number[ends[len(first) :]]
    part = np.arange(len(feature)) - np.searchsorted(feature, feature)
    by_start = np.lexsort((part, feature, end, start))
    points, point_at = _stretches(np.column_stack(_turned(noded.points)), first[by_start], last[by_start])
    of = feature[by_start]
    return graph_of_arrays(
        lon[used][order], lat[used][order], start[by_start], end[by_start], points=points, point_at=point_at,
        road_class=traits.road_class[of], classes=traits.classes, forward=traits.forward[of], backward=traits.backward[of],
        limit_kmh=traits.limit_kmh[of], bridge=traits.bridge[of], tunnel=traits.tunnel[of], feature=of, part=part[by_start],
        feature_ids=traits.ids, names=traits.names, left=left,
    )  # fmt: skip


def _turned(points: Floats) -> tuple[Floats, Floats]:
    """Longitudes back to -180 to 180, and latitudes."""
    return np.where(points[:, 0] > 180.0, points[:, 0] - 360.0, points[:, 0]), points[:, 1]


def _stretches(points: Floats, first: Ints, last: Ints) -> tuple[Floats, Ints]:
    """The points from each first to its last, one stretch after the other, and the offsets of the stretches."""
    at = np.concatenate([[0], np.cumsum(last - first + 1)]).astype(np.int64)
    chosen = np.arange(at[-1]) + np.repeat(first - at[:-1], np.diff(at))
    return points[chosen], at


def _require_noding(rule: str) -> None:
    if rule not in NODING:
        raise ParameterError(
            "no such rule of noding", where="road_graph", expected=", ".join(NODING), got=shown(rule), then="name one of these"
        )


def _require_tolerance(tolerance_m: float) -> None:
    if not 0 <= tolerance_m <= 10:
        raise ParameterError(
            "the tolerance is out of range", where="road_graph", expected="0 to 10 metres", got=shown(tolerance_m),
            then="mend the lines where they miss each other by more",
        )


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
