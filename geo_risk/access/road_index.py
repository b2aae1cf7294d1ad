"""Where the nearest passable road is: the links cut into short pieces, sorted by place.

What a road is between two of its points: the straight line in longitude and latitude, the short way round. It is cut into
pieces of at most 250 m.

Why none is missed. For a place and a point of a piece the straight line through the earth and the geodesic differ, over d
metres, by less than d^3 / (24 R^2), R = 6,335,439 m (see `geo_risk.access.nearest`); a piece of 250 m lies nowhere further
than 2 mm from the straight line between its ends (the earth's curve, 250^2 / 8 R, is 1.3 mm; the bend of a line of equal
bearing at 60 degrees as much again), so all pieces within twice these of the least straight distance are taken, and
measured along the geodesic to their nearest point. A piece is found by its middle: a circle that is wider by half the
longest piece holds the middles of all pieces with a point inside. Above 80 degrees of latitude lines bend more and the
nearest of two roads may be wrong by centimetres.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_risk.access import _segment_kernel as kernel
from geo_risk.access.road_graph import Floats, Ints, Mask, RoadGraph
from geo_risk.chunks import over_spans, spans
from geo_risk.crs import GEOD, geodesic_m
from geo_risk.errors import ParameterError, shown

MAX_PIECES: Final = 50_000_000
PIECE_M: Final = 250.0
_TIGHTEST_RADIUS_M: Final = GEOD.b**2 / GEOD.a
ROW_DEG: Final = math.degrees(500.0 / _TIGHTEST_RADIUS_M)
_BEND_M: Final = 0.005
_ASKERS_A_TURN: Final = 20_000


@dataclass(frozen=True, kw_only=True, eq=False)
class RoadIndex:
    """The pieces of a graph's links, sorted by row of latitude and then by longitude; made by `index_roads`.

    ``row_at`` where each row begins; of each piece ``middle_lon``, earth-centred ``first`` and ``last`` (metres), ``link``,
    its ends in degrees ``ends`` (lon, lat, lon, lat) and ``along`` (from, to) its shares of the link. ``links`` how many
    links the graph has; ``south`` the least
    latitude, ``half_m`` half the longest piece.
    """

    row_at: Ints
    middle_lon: Floats
    first: Floats
    last: Floats
    link: NDArray[np.int32]
    ends: Floats
    along: Floats
    links: int
    south: float
    half_m: float


def index_roads(graph: RoadGraph) -> RoadIndex:
    """An index over the links of a graph, for `geo_risk.access.travel.on_road`; made once, closures change nothing in it.

    Raises
    ------
    ParameterError
        The roads are longer than 50 million pieces of 250 m: lines around the world, or another unit.
    """
    link, ends, along = _pieces(graph)
    first, last = earth_centred(ends[:, 0], ends[:, 1]), earth_centred(ends[:, 2], ends[:, 3])
    middle, lat = between(ends, np.full(len(ends), 0.5))
    south = float(lat.min()) if len(lat) else 0.0
    row = ((lat - south) // ROW_DEG).astype(np.int64)
    order = np.lexsort((link, middle, row))
    return RoadIndex(
        row_at=np.concatenate([[0], np.cumsum(np.bincount(row))]).astype(np.int64), middle_lon=middle[order], first=first[order],
        last=last[order], link=link[order].astype(np.int32), ends=ends[order], along=along[order], links=graph.links, south=south,
        half_m=float(np.sqrt(((last - first) ** 2).sum(axis=1)).max() / 2 + _BEND_M) if len(lat) else PIECE_M / 2,
    )


def nearest_links(
    index: RoadIndex, passable: Mask, lon: ArrayLike, lat: ArrayLike, reach_m: float
) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """Link, share along it, geodesic metres, longitude and latitude of the nearest point of a passable link.

    Link -1 and nan where none is within ``reach_m`` or the place has no coordinates; of equally near links the smallest
    number.

    Raises
    ------
    ParameterError
        Shapes differ, a coordinate is out of range, or ``passable`` is of other roads.
    """
    if passable.shape != (index.links,):
        raise ParameterError(
            "the index is of other roads", where="on_road", expected=f"{passable.size} links", got=shown(index.links),
            then="index_roads(travel.graph)",
        )
    east, north = _checked(lon, lat)
    link, (along, walk, to_lon, to_lat) = np.full(len(east), -1, dtype=np.int64), np.full((4, len(east)), np.nan)
    turns = spans(len(east), _ASKERS_A_TURN) if len(index.link) and reach_m >= 0 else []

    def fill(part: slice) -> None:
        near = _near(index, passable, east[part], north[part], reach_m)
        at = near[0] + part.start
        link[at], along[at], walk[at], to_lon[at], to_lat[at] = near[1:]

    over_spans(fill, turns)
    return link, along, walk, to_lon, to_lat


def earth_centred(lon: Floats, lat: Floats) -> Floats:
    """Earth-centred x, y, z in metres of points on the WGS84 ellipsoid, shape (n, 3)."""
    east, north = np.radians(lon), np.radians(lat)
    normal_m = GEOD.a / np.sqrt(1.0 - GEOD.es * np.sin(north) ** 2)
    from_axis_m = normal_m * np.cos(north)
    return np.column_stack([from_axis_m * np.cos(east), from_axis_m * np.sin(east), normal_m * (1.0 - GEOD.es) * np.sin(north)])


def _near(index: RoadIndex, passable: Mask, lon: Floats, lat: Floats, reach_m: float) -> tuple[NDArray[Any], ...]:
    """The nearest of each place that has one: its number, link, share, metres, longitude, latitude."""
    slack_m = 2 * (_BEND_M + reach_m**3 / (24 * _TIGHTEST_RADIUS_M**2))
    asker, piece, share = kernel.near_pieces(
        (lon, lat, earth_centred(lon, lat)), (index.row_at, index.middle_lon, index.first, index.last, index.link),
        (index.south, ROW_DEG, index.half_m, _TIGHTEST_RADIUS_M), passable, float(reach_m), slack_m,
    )
    to_lon, to_lat = between(index.ends[piece], share)
    metres, _ = geodesic_m(lon[asker], lat[asker], to_lon, to_lat)
    order = np.lexsort((index.link[piece], metres, asker))
    order = order[metres[order] <= reach_m]
    _, first = np.unique(asker[order], return_index=True)
    best = order[first]
    along = index.along[piece[best], 0] + share[best] * (index.along[piece[best], 1] - index.along[piece[best], 0])
    return asker[best], index.link[piece[best]], np.clip(along, 0.0, 1.0), metres[best], to_lon[best], to_lat[best]


def between(ends: Floats, share: Floats) -> tuple[Floats, Floats]:
    """The point at a share of the straight line between two points (lon, lat, lon, lat), the ends exactly."""
    turn = short_way(ends[:, 0], ends[:, 2])
    lon = np.where(share >= 1, ends[:, 2], ends[:, 0] + share * turn)
    lat = np.where(share >= 1, ends[:, 3], ends[:, 1] + share * (ends[:, 3] - ends[:, 1]))
    return np.where(lon > 180, lon - 360, np.where(lon < -180, lon + 360, lon)), lat


def short_way(lon: Floats, to_lon: Floats) -> Floats:
    """Degrees of longitude from one to the other the short way round, -180 up to 180."""
    return (to_lon - lon + 180.0) % 360.0 - 180.0


def _pieces(graph: RoadGraph) -> tuple[Ints, Floats, Floats]:
    """Of each piece its link, its ends in degrees (lon, lat, lon, lat) and its shares of the link (from, to)."""
    link, start = _segments(graph)
    ends = np.column_stack([graph.points[start], graph.points[start + 1]])
    metres, _ = geodesic_m(ends[:, 0], ends[:, 1], ends[:, 2], ends[:, 3])
    shares = shares_along(link, metres, graph.links)
    counts = np.maximum(1, np.ceil(metres / PIECE_M)).astype(np.int64)
    if counts.sum() > MAX_PIECES:
        raise ParameterError(
            "the roads are too long", where="index_roads", expected=f"at most {MAX_PIECES} pieces of {PIECE_M:.0f} m",
            got=shown(int(counts.sum())), then="check the coordinates",
        )
    segment = np.repeat(np.arange(len(link)), counts)
    turn = np.arange(len(segment)) - np.repeat(np.cumsum(counts) - counts, counts)
    low, high = turn / counts[segment], (turn + 1) / counts[segment]
    cut = np.column_stack([*between(ends[segment], low), *between(ends[segment], high)])
    span = shares[segment, 1] - shares[segment, 0]
    return link[segment], cut, shares[segment, :1] + np.column_stack([low, high]) * span[:, None]


def _segments(graph: RoadGraph) -> tuple[Ints, Ints]:
    """The link of each straight line between two points, and the position of its first point."""
    counts = np.maximum(np.diff(graph.point_at) - 1, 0)
    link = np.repeat(np.arange(graph.links), counts)
    return link, graph.point_at[link] + np.arange(len(link)) - np.repeat(np.cumsum(counts) - counts, counts)


def shares_along(link: Ints, metres: Floats, links: int) -> Floats:
    """From which to which share of its link each segment lies, by geodesic metres; all of it at 0 where a link has none."""
    total = np.bincount(link, metres, minlength=links)[link]
    upto = np.cumsum(metres)
    first = np.searchsorted(link, link)
    before = upto - metres - (upto[first] - metres[first])
    both = np.column_stack([before, before + metres])
    return np.clip(np.divide(both, total[:, None], out=np.zeros_like(both), where=total[:, None] > 0), 0.0, 1.0)


def _checked(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    east, north = np.atleast_1d(np.asarray(lon, dtype=float)), np.atleast_1d(np.asarray(lat, dtype=float))
    if east.ndim != 1 or east.shape != north.shape:
        raise ParameterError(
            "longitudes and latitudes differ in shape", where="on_road", expected="two arrays of one length",
            got=f"{east.shape} and {north.shape}", then="give one of each for every place",
        )
    wrong = (np.abs(east) > 180) | (np.abs(north) > 90)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ParameterError(
            "a coordinate is not on the earth", where="on_road", expected="longitude -180 to 180, latitude -90 to 90",
            got=f"longitude {shown(float(east[at]))}, latitude {shown(float(north[at]))}", then="check the order and the unit",
        )
    return east, north
