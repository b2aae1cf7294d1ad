"""How far one gets in 5, 10, 15 minutes: roads and parts of roads, the ground beside them, the people and places in it.

Three things are told of each band, and they need not agree at the edges:

- *roads*: where along a link the time runs out, from both of its ends and from a start on it. Exact.
- *ground*, to be drawn: all within ``beside_m`` of a reached part of a road, by the rule ``beside_road``. It takes no time to
  walk there, so give a width that is. The ground of a band contains that of the smaller ones; enclosed ground that no
  reached road comes near is a hole.
- *people and facilities*: each by its own time, walk to its nearest passable road included. A place counts in the first
  band that holds its time, whether it stands on the drawn ground or not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray

from geo_risk.access._ground_kernel import bring_near, outline
from geo_risk.access.road_graph import Floats, Ints, Mask
from geo_risk.access.road_index import RoadIndex, between, short_way
from geo_risk.access.selection import on_the_map
from geo_risk.access.travel import OnRoad, Spread, Travel, cost_at, spread, walk_cost
from geo_risk.crs import WGS84, local_metric_crs
from geo_risk.errors import ParameterError, shown
from geo_risk.model import Rule
from geo_risk.points import earth_centred

MOST_BANDS: Final = 24
MOST_CORNERS: Final = 25_000_000
BEYOND, UNREACHABLE, UNPLACED = "beyond", "unreachable", "unplaced"
_CELLS_A_WIDTH, _LEAST_CELLS_A_WIDTH = 4.0, 2.0
_FAR: Final = 1e9  # cells: no corner is so far
_RULE: Final = "beside_road"


@dataclass(frozen=True, eq=False)
class Stretches:
    """Parts of links, by link and place along it, none overlapping: from share ``low`` to share ``high`` of each."""

    link: Ints
    low: Floats
    high: Floats

    def __len__(self) -> int:
        return len(self.link)


@dataclass(frozen=True, kw_only=True, eq=False)
class ReachBand:
    """What is reached within ``seconds``: parts of roads, their metres, and the ground beside them (EPSG:4326)."""

    seconds: float
    roads: Stretches
    road_m: float
    ground: shapely.MultiPolygon
    ground_m2: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Reach:
    """The bands, the shortest first; ``found`` and ``seeds`` answer for any place (see `arrivals`)."""

    bands: tuple[ReachBand, ...]
    towards: bool
    beside_m: float
    seeds: OnRoad
    found: Spread
    rule: Rule


@dataclass(frozen=True, eq=False)
class Arrivals:
    """For each place its ``seconds`` (inf: no way), the number of its ``seed`` (-1) and its ``band``, a position in ``names``."""

    seconds: Floats
    seed: NDArray[np.int32]
    band: Ints
    names: tuple[str, ...]


def reach(
    travel: Travel, index: RoadIndex, seeds: OnRoad, bands_s: Sequence[float], *, beside_m: float, towards: bool = False
) -> Reach:
    """The roads and the ground that the nearest of some seeds reaches in each of several times.

    The ground is drawn on a grid of cells a quarter as wide as ``beside_m``, in the local equal-area CRS: along straight
    borders within a hundredth of a cell, in corners and around gaps within a cell. It has at most four corners a cell.

    Parameters
    ----------
    travel : Travel
        By time.
    index : RoadIndex
        Of the same graph.
    seeds : OnRoad
        One or more places, with their walks; those on no road reach nothing.
    bands_s : sequence of float
        Seconds, above 0, rising; at most 24.
    beside_m : float
        Metres of ground on either side of a road, 1 to 5,000.
    towards : bool
        The way to the seeds (who can get here), else the way from them (where can we get).

    Raises
    ------
    ParameterError
        Costs are metres, bands do not rise, ``beside_m`` is out of range, or the reach is too wide to be drawn so finely.

    Examples
    --------
    A straight road of 10 km, 36 km/h; in 100 s one gets 1 km either way:

    >>> from geo_risk.access.road_index import index_roads
    >>> from geo_risk.access.road_graph import graph_of_arrays
    >>> from geo_risk.access.travel import on_road, weigh
    >>> from geo_risk.access.vehicles import Vehicle
    >>> car = Vehicle(
    ...     id="car", title={"en": "car", "zh": ""}, mode="car", speed_kmh={"road": 36.0}, heeds_one_way=True, heeds_limit=True,
    ...     min_depth_m=0.0, max_depth_m=0.3, walk_kmh=3.6, walk_max_m=500.0, source="", checked="",
    ... )
    >>> roads = graph_of_arrays([120.0, 120.1], [30.0, 30.0], [0], [1], length_m=[10_000.0], classes=("road",))
    >>> travel, index = weigh(roads, car), index_roads(roads)
    >>> found = reach(travel, index, on_road(travel, index, [120.05], [30.0]), [100, 2000], beside_m=100)
    >>> [(band.seconds, round(band.road_m)) for band in found.bands]
    [(100.0, 2000), (2000.0, 10000)]
    """
    bands = _sound_bands(bands_s)
    _require_fit(travel, index, beside_m)
    found = spread(travel, seeds, towards=towards)
    roads = [reached(travel, found, seeds, seconds, towards=towards) for seconds in bands]
    length_m = travel.graph.length_m
    grounds = _grounds(index, seeds, roads, [_walked(travel, seeds, seconds) for seconds in bands], float(beside_m))
    return Reach(
        bands=tuple(
            ReachBand(
                seconds=seconds, roads=part, road_m=math.fsum((part.high - part.low) * length_m[part.link]), ground=ground,
                ground_m2=square_metres,
            )
            for seconds, part, (ground, square_metres) in zip(bands, roads, grounds, strict=True)
        ),
        towards=towards, beside_m=float(beside_m), seeds=seeds, found=found, rule=Rule(id="reach", chosen=_RULE, options=(_RULE,)),
    )


def reached(travel: Travel, found: Spread, seeds: OnRoad, seconds: float, *, towards: bool) -> Stretches:
    """Every part of a link at which one is within the time; parts that meet are one."""
    graph = travel.graph
    ahead, behind = travel.cost[0::2], travel.cost[1::2]
    if towards:
        ahead, behind = behind, ahead
    links = np.arange(graph.links)
    from_start = _share(seconds - found.cost[graph.start], ahead)
    from_end = _share(seconds - found.cost[graph.end], behind)
    own = seeds.link[seeds.link >= 0]
    along = seeds.along[seeds.link >= 0]
    left = seconds - walk_cost(travel, seeds.walk_m)[seeds.link >= 0]
    in_time = left >= 0
    low = np.where(in_time, along - _share(left, behind[own]), 1.0)
    high = np.where(in_time, along + _share(left, ahead[own]), 0.0)
    zero = np.zeros(graph.links)
    return _joined(
        np.concatenate([links, links, own]), np.concatenate([zero, 1.0 - from_end, np.maximum(low, 0.0)]),
        np.concatenate([from_start, zero + 1.0, np.minimum(high, 1.0)]),
    )


def arrivals(travel: Travel, found: Reach, places: OnRoad, *, placed: Mask | None = None) -> Arrivals:
    """When each place is reached, or reaches the seeds, and in which band that is.

    Parameters
    ----------
    travel : Travel
        As `reach` was given it.
    found : Reach
    places : OnRoad
    placed : array of bool, optional
        Which places are known at all; without it all are.

    Returns
    -------
    Arrivals
        ``names`` are ``0 to 300 s``, ..., then *beyond* (a way, but longer), *unreachable* (no way, or no passable road near
        enough) and *unplaced* (nobody knows where it is; its seconds are nan). A time that equals a bound is in the lower band.
    """
    seconds, seed = cost_at(travel, found.found, found.seeds, places, towards=found.towards)
    bounds = [band.seconds for band in found.bands]
    band = np.searchsorted(bounds, seconds, side="left")
    band = np.where(np.isinf(seconds), len(bounds) + 1, band)
    known = np.ones(len(places), dtype=bool) if placed is None else np.asarray(placed, dtype=bool)
    return Arrivals(
        np.where(known, seconds, np.nan), np.where(known, seed, -1).astype(np.int32), np.where(known, band, len(bounds) + 2),
        (*(f"{low:g} to {high:g} s" for low, high in pairwise([0.0, *bounds])), BEYOND, UNREACHABLE, UNPLACED),
    )


def people_by_time(found: Arrivals, people: ArrayLike) -> pd.DataFrame:
    """People by the band in which their place is reached; the rows make the whole.

    Parameters
    ----------
    found : Arrivals
    people : array_like of numbers, one a place
        0 or more, nan for unknown. Whole numbers stay whole.

    Returns
    -------
    DataFrame, a row a name of ``found``
        ``places``; ``people`` known of; ``unknown``, places without a figure.

    Raises
    ------
    ParameterError
        Another number of figures than places, or a negative or infinite one.

    Examples
    --------
    >>> seconds, names = np.array([60.0, 90.0, np.inf]), ("0 to 300 s", BEYOND, UNREACHABLE)
    >>> found = Arrivals(seconds, np.array([0, 0, -1], np.int32), np.array([0, 0, 2]), names)
    >>> people_by_time(found, [100, float("nan"), 7])
                 places  people  unknown
    0 to 300 s        2   100.0        1
    beyond            0     0.0        0
    unreachable       1     7.0        0
    """
    given = pd.Series(people)
    numbers = given.to_numpy(dtype=float, na_value=np.nan)
    if len(numbers) != len(found.band):
        raise ParameterError(
            "people are not those of the places", where="people_by_time", expected=f"{len(found.band)} figures",
            got=shown(len(numbers)), then="give one a place, nan where it is unknown",
        )
    if (numbers < 0).any() or np.isinf(numbers).any():
        raise ParameterError(
            "people are negative or infinite", where="people_by_time", expected="0 or more, nan for unknown",
            got=shown(float(numbers[(numbers < 0) | np.isinf(numbers)][0])), then="mend the figure",
        )
    rows = len(found.names)
    lacking = np.isnan(numbers)
    known = [math.fsum(numbers[(found.band == row) & ~lacking]) for row in range(rows)]
    whole = pd.api.types.is_integer_dtype(given)
    return pd.DataFrame(
        {
            "places": np.bincount(found.band, minlength=rows),
            "people": np.array(known, dtype=np.int64 if whole else np.float64),
            "unknown": np.bincount(found.band[lacking], minlength=rows),
        },
        index=list(found.names),
    )


def lines_of(index: RoadIndex, roads: Stretches) -> gpd.GeoSeries:
    """Each stretch as a line to draw, EPSG:4326, on the positions of ``roads``; over the antimeridian in two parts."""
    ends, of = _segments(index, _by_link(index, roads.link), roads)
    turn = short_way(ends[:, 0], ends[:, 2])
    over = np.flatnonzero(np.abs(ends[:, 0] + turn) > 180.0)
    side = np.copysign(180.0, turn[over])
    lat = ends[over, 1] + (side - ends[over, 0]) / turn[over] * (ends[over, 3] - ends[over, 1])
    rest = np.column_stack([-side, lat, ends[over, 2:]])
    ends[over, 2], ends[over, 3] = side, lat
    every, of_every = np.concatenate([ends, rest]), np.concatenate([of, of[over]])
    order = np.argsort(of_every, kind="stable")
    pieces: Any = shapely.linestrings(every[order].reshape(-1, 2, 2))
    return gpd.GeoSeries(shapely.line_merge(shapely.multilinestrings(pieces, indices=of_every[order])), crs=WGS84)


def _share(left: Floats, cost: Floats) -> Floats:
    """How much of an arc the time left lasts for, 0 to 1; all of one that costs nothing."""
    lasts = np.divide(np.maximum(left, 0.0), cost, out=np.ones(len(cost)), where=cost > 0)
    return np.where(left >= 0, np.clip(lasts, 0.0, 1.0), 0.0)


def _joined(link: Ints, low: Floats, high: Floats) -> Stretches:
    """The union of stretches, link by link."""
    some = high > low
    link, low, high = link[some], low[some], high[some]
    order = np.lexsort((low, link))
    link, low, high = link[order], low[order], high[order]
    far = np.maximum.accumulate(2.0 * link + high) if len(link) else high  # a link's shares lie apart from the next one's
    fresh = np.ones(len(link), dtype=bool)
    fresh[1:] = 2.0 * link[1:] + low[1:] > far[:-1]
    last = np.append(np.flatnonzero(fresh)[1:], len(link)) - 1 if len(link) else np.empty(0, dtype=np.int64)
    return Stretches(link[fresh], low[fresh], np.clip(far[last] - 2.0 * link[last], 0.0, 1.0))


def _walked(travel: Travel, seeds: OnRoad, seconds: float) -> Mask:
    """The seeds whose road is reached in time."""
    within: Mask = (seeds.link >= 0) & (walk_cost(travel, seeds.walk_m) <= seconds)
    return within


def _by_link(index: RoadIndex, links: Ints) -> Ints:
    """The pieces of some links, by link and along it."""
    chosen = np.zeros(index.links, dtype=bool)
    chosen[links] = True
    pieces = np.flatnonzero(chosen[index.link])
    order: Ints = pieces[np.lexsort((index.along[pieces, 0], index.link[pieces]))]
    return order


def _segments(index: RoadIndex, order: Ints, roads: Stretches) -> tuple[Floats, Ints]:
    """The straight pieces of stretches, in order, as lon, lat, lon, lat, and the stretch that each is of."""
    first, last = (np.searchsorted(index.link[order], roads.link, side) for side in ("left", "right"))
    counts = last - first
    of = np.repeat(np.arange(len(roads)), counts)
    piece = order[first[of] + np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)]
    begin, end = index.along[piece, 0], index.along[piece, 1]
    low, high = np.maximum(roads.low[of], begin), np.minimum(roads.high[of], end)
    kept = high > low
    of, piece, begin, end, low, high = (each[kept] for each in (of, piece, begin, end, low, high))
    span = end - begin
    ends = index.ends[piece]
    return np.column_stack([*between(ends, (low - begin) / span), *between(ends, (high - begin) / span)]), of


def _fresh(roads: Stretches, full: Mask) -> Stretches:
    """The stretches but for links that were reached whole before; marks those that are now."""
    whole = (roads.low == 0.0) & (roads.high == 1.0)
    new = ~(whole & full[roads.link])
    full[roads.link[whole]] = True
    return Stretches(roads.link[new], roads.low[new], roads.high[new])


@dataclass(frozen=True, eq=False)
class _Sheet:
    """A grid in the local metric CRS: where its first corner lies, the side of its cells, and each corner's distance in cells."""

    to_metric: pyproj.Transformer
    middle_lon: float
    x: float
    y: float
    cell_m: float
    field: NDArray[np.float32]

    def in_cells(self, ends: Floats) -> Floats:
        """Pieces of road in cells from the first corner."""
        return np.column_stack([self._of(ends[:, 0], ends[:, 1]), self._of(ends[:, 2], ends[:, 3])])

    def _of(self, lon: Floats, lat: Floats) -> Floats:
        x, y = self.to_metric.transform(lon, lat)
        return np.column_stack([(x - self.x) / self.cell_m, (y - self.y) / self.cell_m])


def _grounds(
    index: RoadIndex, seeds: OnRoad, roads: Sequence[Stretches], walked: Sequence[Mask], beside_m: float
) -> list[tuple[shapely.MultiPolygon, float]]:
    """The ground of each band and its square metres; each band only brings its own pieces nearer."""
    order, full, pieces = _by_link(index, roads[-1].link), np.zeros(index.links, dtype=bool), []
    for part, there in zip(roads, walked, strict=True):
        spots = np.column_stack([seeds.lon, seeds.lat, seeds.lon, seeds.lat])[there]
        pieces.append(np.concatenate([_segments(index, order, _fresh(part, full))[0], spots]))
    every = np.concatenate(pieces)
    if not len(every):
        return [(shapely.MultiPolygon(), 0.0)] * len(roads)
    sheet = _sheet(every, beside_m)
    width = beside_m / sheet.cell_m
    grounds: list[tuple[shapely.MultiPolygon, float]] = []
    for ends in pieces:
        bring_near(sheet.field, sheet.in_cells(ends), width + 1.0)
        grounds.append(_drawn(sheet, width) if len(ends) or not grounds else grounds[-1])
    return grounds


def _sheet(ends: Floats, beside_m: float) -> _Sheet:
    """A grid that holds all pieces with the ground beside them, as fine as it may be."""
    lon, lat = _middle(ends)
    crs = local_metric_crs(gpd.GeoSeries([shapely.Point(lon, lat)], crs=WGS84))
    to_metric = pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)
    x, y = to_metric.transform(np.concatenate([ends[:, 0], ends[:, 2]]), np.concatenate([ends[:, 1], ends[:, 3]]))
    sides = np.array([np.ptp(x), np.ptp(y)]) + 2.0 * beside_m
    finest_m = beside_m / _CELLS_A_WIDTH
    cell_m = max(finest_m, math.sqrt(float(sides.prod()) / MOST_CORNERS), float(sides.max()) / MOST_CORNERS)
    if cell_m > beside_m / _LEAST_CELLS_A_WIDTH:
        raise ParameterError(
            "the reach is too wide to be drawn so finely", where="reach",
            expected=f"beside_m of {math.ceil(cell_m * _LEAST_CELLS_A_WIDTH)} or more for so wide a reach", got=shown(beside_m),
            then="ask for less time, or for wider ground beside the roads",
        )
    columns, rows = (np.ceil(sides / cell_m).astype(int) + 5).tolist()
    margin_m = beside_m + 2.0 * cell_m
    field = np.full((rows, columns), _FAR, dtype=np.float32)
    return _Sheet(to_metric, lon, float(x.min()) - margin_m, float(y.min()) - margin_m, cell_m, field)


def _middle(ends: Floats) -> tuple[float, float]:
    """A place amid the pieces, through the earth: no antimeridian, no order."""
    places = earth_centred(np.concatenate([ends[:, 0], ends[:, 2]]), np.concatenate([ends[:, 1], ends[:, 3]]))
    x, y, z = (places.min(axis=0) + places.max(axis=0)).tolist()
    return round(math.degrees(math.atan2(y, x)), 3), round(math.degrees(math.atan2(z, math.hypot(x, y))), 3)


def _drawn(sheet: _Sheet, width: float) -> tuple[shapely.MultiPolygon, float]:
    """The ground within so many cells as polygons in EPSG:4326, and its square metres."""
    corners, starts = outline(sheet.field, width)
    if not len(corners):
        return shapely.MultiPolygon(), 0.0
    metric = corners * sheet.cell_m + [sheet.x, sheet.y]
    of = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    square_metres = shapely.area(_land(metric, of))
    lon, lat = sheet.to_metric.transform(metric[:, 0], metric[:, 1], direction="INVERSE")
    lon = sheet.middle_lon + (lon - sheet.middle_lon + 180.0) % 360.0 - 180.0
    land = on_the_map(_land(np.column_stack([lon, lat]), of))
    return shapely.MultiPolygon(shapely.get_parts(land).tolist()), float(square_metres)


def _land(corners: Floats, ring: Ints) -> Any:
    """Rings that nowhere touch as land with holes."""
    rings: Any = shapely.linearrings(corners, indices=ring)
    return shapely.orient_polygons(shapely.build_area(shapely.geometrycollections(rings)))


def _sound_bands(bands_s: Sequence[float]) -> list[float]:
    bands = [float(seconds) for seconds in bands_s]
    rising = all(low < high for low, high in pairwise([0.0, *bands]))
    if not bands or len(bands) > MOST_BANDS or not rising or not math.isfinite(bands[-1]):
        raise ParameterError(
            "the bands do not rise", where="reach", expected=f"1 to {MOST_BANDS} times in seconds, above 0, each above the last",
            got=shown(bands[:MOST_BANDS]), then="sort them",
        )
    return bands


def _require_fit(travel: Travel, index: RoadIndex, beside_m: float) -> None:
    if travel.by != "time":
        raise ParameterError(
            "bands are times, costs are not", where="reach", expected="travel by time", got=shown(travel.by), then="weigh by time",
        )
    if index.links != travel.graph.links:
        raise ParameterError(
            "the index is of other roads", where="reach", expected=f"{travel.graph.links} links", got=shown(index.links),
            then="index this graph",
        )
    if not 1.0 <= beside_m <= 5000.0:
        raise ParameterError(
            "beside_m is out of range", where="reach", expected="1 to 5000 metres", got=shown(beside_m), then="give metres",
        )
