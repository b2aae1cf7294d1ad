"""Where lines meet: which of their points are joints, and where a line must be cut to have one.

Two rules. *Shared points*: where two lines, or one twice, have a point of equal coordinates, or a line ends. *Crossings*:
there too, and where lines of one storey cross or come within a tolerance of each other's points; lines of two storeys (a
bridge and the road under it) are joined only where one of them ends. A line runs straight in longitude and latitude from
point to point. The order of the lines changes the numbers of what is found, and a place in its last bits, nothing else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from geo_risk.chunks import spans
from geo_risk.errors import ParameterError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

METRES_A_DEGREE: Final = 111_195.0
"""Of a sphere; it scales tolerances, never lengths."""
_AT_ONCE: Final = 50_000
_PAIRS_AT_ONCE: Final = 1_000_000
_SAMPLED: Final = 500
MAX_PAIRS: Final = 50_000_000
"""Pairs of stretches whose boxes meet, each counted from both sides; roads have some six a stretch."""


@dataclass(frozen=True, eq=False)
class Lines:
    """Points (n, 2) of lines in order, the offsets of each line into them, and of each line the storey and whether it crosses.

    Lines that do not cross are joined to each other only by points of equal coordinates; to a line that does, as it crosses.
    """

    points: Floats
    at: Ints
    storey: Ints
    crosses: Mask

    @property
    def line_of(self) -> Ints:
        """The line of each point."""
        return np.repeat(np.arange(len(self.storey)), np.diff(self.at))


@dataclass(frozen=True, eq=False)
class Noded:
    """The same lines with the points that cuts added: ``joint`` is the node that a point is, or -1; ``nodes`` (n, 2) their places.

    ``at`` are the offsets of each line into ``points``.
    """

    points: Floats
    at: Ints
    joint: Ints
    nodes: Floats


@dataclass(frozen=True, eq=False)
class _Joints:
    """Candidates for nodes: places on a storey, each at a point of a line or at a share of the way to the next one."""

    point: Ints
    share: Floats
    places: Floats
    storey: Ints


def alike(*columns: NDArray[Any]) -> tuple[Ints, Ints]:
    """The number of each row among the distinct ones, sorted by the first column first, and a row of each number.

    >>> [part.tolist() for part in alike(np.array([2.0, 1.0, 2.0]), np.array([5.0, 5.0, 5.0]))]
    [[1, 0, 1], [1, 0]]
    """
    order = np.lexsort(columns[::-1])
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = np.logical_or.reduce([column[order[1:]] != column[order[:-1]] for column in columns])
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(fresh) - 1
    return number, order[fresh].astype(np.int64)


def shared(lines: Lines) -> Noded:
    """Joined where points have equal coordinates, whatever the storey, and at the ends of lines."""
    number, first = alike(*lines.points.T)
    joins = np.bincount(number, minlength=len(first))[number] > 1
    joins[lines.at[:-1]] = joins[lines.at[1:] - 1] = True
    found, joint = np.unique(number[joins], return_inverse=True)
    places = lines.points[first[found]]
    all_joints = np.full(len(lines.points), -1, dtype=np.int64)
    all_joints[joins] = joint
    return Noded(lines.points, lines.at, all_joints, places)


def crossed(lines: Lines, tolerance_m: float, progress: Callable[[float], None] | None = None) -> Noded:
    """Joined where lines of a storey cross or touch within the tolerance, and where an end touches any line."""
    ends = np.zeros(len(lines.points), dtype=bool)
    ends[lines.at[:-1]] = ends[lines.at[1:] - 1] = True
    at_ends = np.flatnonzero(ends)
    hits = [_equal_points(lines), *_hits(lines, _tails(lines), ends, tolerance_m, progress)]
    joints = [_at_points(lines, at_ends)]
    pairs: list[Ints] = []
    count = len(at_ends)
    for hit in hits:
        joints += [hit.one, hit.other]
        here = count + np.arange(len(hit.one.point))
        pairs.append(np.column_stack([here, here + len(here)]))
        count += 2 * len(here)
    merged = _Joints(
        np.concatenate([each.point for each in joints]), np.concatenate([each.share for each in joints]),
        np.concatenate([each.places for each in joints]), np.concatenate([each.storey for each in joints]),
    )  # fmt: skip
    node, places = _nodes(merged, np.concatenate(pairs), tolerance_m)
    return _cut(lines, merged, node, places)


@dataclass(frozen=True, eq=False)
class _Hits:
    """Two joints a hit: what one line and what another has there."""

    one: _Joints
    other: _Joints


def _equal_points(lines: Lines) -> _Hits:
    """Points of equal coordinates among lines that do not cross, each with the first of them."""
    still = np.flatnonzero(~lines.crosses[lines.line_of])
    number, first = alike(*lines.points[still].T)
    joins = np.bincount(number, minlength=len(first))[number] > 1
    return _Hits(_at_points(lines, still[joins]), _at_points(lines, still[first[number[joins]]]))


def _tails(lines: Lines) -> Ints:
    """The point that each stretch between two points begins at."""
    begins = np.ones(len(lines.points), dtype=bool)
    begins[lines.at[1:] - 1] = False
    return np.flatnonzero(begins)


def _at_points(lines: Lines, points: Ints) -> _Joints:
    return _Joints(points, np.zeros(len(points)), lines.points[points], lines.storey[lines.line_of[points]])


def _hits(
    lines: Lines, tails: Ints, ends: Mask, tolerance_m: float, progress: Callable[[float], None] | None
) -> list[_Hits]:
    """All places where two stretches meet, in spans of stretches."""
    boxes = _boxes(lines, tails, tolerance_m)
    tree = shapely.STRtree(boxes)
    storey, crosses = lines.storey[lines.line_of], lines.crosses[lines.line_of][tails]
    expected = _pairs_expected(tree, boxes)
    _require_pairs(expected)
    found, pairs = [], 0
    for part in spans(len(tails), min(_AT_ONCE, 1 + _PAIRS_AT_ONCE * len(tails) // max(expected, 1))):
        one, other = tree.query(boxes[part])
        one = one + part.start
        pairs += len(one)
        _require_pairs(pairs)
        near = (one < other) & (crosses[one] | crosses[other])
        found += _meetings(lines.points, tails[one[near]], tails[other[near]], storey, ends, tolerance_m)
        if progress is not None:
            progress(part.stop / len(tails))
    return found


def _boxes(lines: Lines, tails: Ints, tolerance_m: float) -> NDArray[np.object_]:
    """Each stretch's bounds, wider by the tolerance."""
    low = np.minimum(lines.points[tails], lines.points[tails + 1])
    high = np.maximum(lines.points[tails], lines.points[tails + 1])
    up = tolerance_m / METRES_A_DEGREE
    aside = up / _shrunk(np.maximum(np.abs(low[:, 1]), np.abs(high[:, 1])))
    boxes: NDArray[np.object_] = shapely.box(low[:, 0] - aside, low[:, 1] - up, high[:, 0] + aside, high[:, 1] + up)
    return boxes


def _shrunk(lat: Floats) -> Floats:
    """How much shorter a degree of longitude is there; kept above 0 at the poles."""
    return np.maximum(np.cos(np.radians(lat)), 1e-6)


def _pairs_expected(tree: shapely.STRtree, boxes: NDArray[np.object_]) -> int:
    """How many pairs of near stretches there are, by a sample drawn with a fixed seed."""
    drawn = np.random.default_rng(0).permutation(len(boxes))[:_SAMPLED]
    return len(tree.query(boxes[drawn])[0]) * len(boxes) // max(len(drawn), 1)


def _require_pairs(pairs: int) -> None:
    if pairs > MAX_PAIRS:
        raise ParameterError(
            "the lines meet too often to be noded", where="road_graph", expected=f"at most {MAX_PAIRS} pairs of near stretches",
            got=f"about {pairs}", then="give roads, not contour lines; or node them by shared points",
        )


def _meetings(points: Floats, one: Ints, other: Ints, storey: Ints, ends: Mask, tolerance_m: float) -> list[_Hits]:
    """Where pairs of stretches, named by the points they begin at, touch or cross."""
    frame = _LocalFrame(points, one, other)
    level = storey[one] == storey[other]
    touches = [
        _touches(frame, points, storey, ends, at, stretch, level, tolerance_m)
        for at, stretch in ((one, other), (one + 1, other), (other, one), (other + 1, one))
    ]
    touched = np.logical_or.reduce([near for near, _ in touches])
    return [*(hits for _, hits in touches), _crossings(frame, points, storey, one, other, level & ~touched)]


class _LocalFrame:
    """Metres around each pair of stretches, as good as the plane is over a stretch."""

    def __init__(self, points: Floats, one: Ints, other: Ints) -> None:
        self._origin = points[one]
        self._scale = METRES_A_DEGREE * np.column_stack([_shrunk(0.5 * (points[one, 1] + points[other, 1])), np.ones(len(one))])
        self._points = points

    def metres(self, at: Ints) -> Floats:
        return (self._points[at] - self._origin) * self._scale


def _touches(
    frame: _LocalFrame, points: Floats, storey: Ints, ends: Mask, at: Ints, stretch: Ints, level: Mask, tolerance_m: float
) -> tuple[Mask, _Hits]:
    """Points within the tolerance of a stretch: at one of its two points, or on the way between them."""
    place, tail, head = frame.metres(at), frame.metres(stretch), frame.metres(stretch + 1)
    ahead, off = head - tail, place - tail
    length = np.maximum((ahead * ahead).sum(axis=1), 1e-300)
    share = np.clip((off * ahead).sum(axis=1) / length, 0.0, 1.0)
    near = np.hypot(*(off - share[:, None] * ahead).T) <= tolerance_m
    at_tail, at_head = np.hypot(*off.T) <= tolerance_m, np.hypot(*(place - head).T) <= tolerance_m
    corner = np.where(at_tail, stretch, stretch + 1)
    between = ~(at_tail | at_head)
    own = (at == stretch) | (at == stretch + 1)  # neighbours along a line share their point
    joins = near & ~own & (level | ends[at])
    point = np.where(between, stretch, corner)[joins]
    there = np.where(between[joins, None], points[at[joins]], points[corner[joins]])
    one = _Joints(at[joins], np.zeros(int(joins.sum())), points[at[joins]], storey[at[joins]])
    return near, _Hits(one, _Joints(point, np.where(between, share, 0.0)[joins], there, storey[stretch[joins]]))


def _crossings(frame: _LocalFrame, points: Floats, storey: Ints, one: Ints, other: Ints, may: Mask) -> _Hits:
    """Where two stretches cross between their points; p + t r = q + u s, so t = (q - p) x s / (r x s)."""
    p, q = frame.metres(one), frame.metres(other)
    r, s = frame.metres(one + 1) - p, frame.metres(other + 1) - q
    turn = _cross(r, s)
    safe = np.where(turn == 0, 1.0, turn)
    t, u = _cross(q - p, s) / safe, _cross(q - p, r) / safe
    meets = may & (turn != 0) & (t > 0) & (t < 1) & (u > 0) & (u < 1)
    here, there = one[meets], other[meets]
    places = points[here] + t[meets, None] * (points[here + 1] - points[here])
    return _Hits(_Joints(here, t[meets], places, storey[here]), _Joints(there, u[meets], places, storey[there]))


def _cross(a: Floats, b: Floats) -> Floats:
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], dtype=float)


def _nodes(joints: _Joints, pairs: Ints, tolerance_m: float) -> tuple[Ints, Floats]:
    """The node of each joint: joints of a pair are one, and so are those of a storey within the tolerance of each other.

    A node lies where its most south-western joint does (by longitude, then latitude), whichever was found first.
    """
    number, distinct = alike(*joints.places.T, joints.storey)
    keys = np.column_stack([joints.places, joints.storey])[distinct]
    near = _within(keys, tolerance_m)
    edges = np.concatenate([number[pairs].reshape(-1, 2), near])
    joined = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(len(keys), len(keys)))
    count, label = connected_components(joined, directed=False)
    first = np.full(count, len(keys))
    np.minimum.at(first, label, np.arange(len(keys)))  # keys are sorted by longitude, then latitude
    return label[number], keys[first, :2]


def _within(keys: Floats, tolerance_m: float) -> Ints:
    """Pairs of places of one storey that are within the tolerance."""
    if not len(keys):
        return np.empty((0, 2), dtype=np.int64)
    east, north = np.radians(keys[:, 0]), np.radians(keys[:, 1])
    radius = np.degrees(1.0) * METRES_A_DEGREE
    centred = radius * np.column_stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])
    pairs = cKDTree(centred).query_pairs(tolerance_m, output_type="ndarray").astype(np.int64)
    level = keys[pairs[:, 0], 2] == keys[pairs[:, 1], 2]
    return np.asarray(pairs[level], dtype=np.int64)


def _cut(lines: Lines, joints: _Joints, node: Ints, places: Floats) -> Noded:
    """The lines with a point for every joint: those at a point mark it, the others come after it by their share of the way."""
    joint = np.full(len(lines.points), -1, dtype=np.int64)
    marks = joints.share == 0
    joint[joints.point[marks]] = node[marks]
    cuts = np.flatnonzero(~marks)
    order = cuts[np.lexsort((node[cuts], joints.share[cuts], joints.point[cuts]))]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (joints.point[order[1:]] != joints.point[order[:-1]]) | (node[order[1:]] != node[order[:-1]])
    order = order[fresh]
    after = joints.point[order] + 1
    points = np.insert(lines.points, after, places[node[order]], axis=0)
    found = np.insert(joint, after, node[order])
    points[found >= 0] = places[found[found >= 0]]
    added = np.searchsorted(after, lines.at, side="right")
    return Noded(points, lines.at + added, found, places)
