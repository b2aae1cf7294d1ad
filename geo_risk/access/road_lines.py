"""The road graph of a layer of lines: joined where they cross on one level, or only where they have a point in common."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_risk.access._noding import Lines, Noded, alike, crossed, shared
from geo_risk.access.road_graph import (
    MODES,
    OTHER,
    Floats,
    Ints,
    Left,
    Mask,
    RoadGraph,
    along_hilbert,
    graph_of_arrays,
    mode_bit,
)
from geo_risk.crs import require_lonlat
from geo_risk.errors import ParameterError, shown

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
