"""Towns and counties: who goes to which market across the hills, and the people who live there."""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from rasterio.features import rasterize
from scipy import ndimage, sparse
from scipy.sparse.csgraph import dijkstra

from layers._catalog import layer
from layers._demo.grid import FINER, STEPS, Floats, Grid, Ints, draws, lonlat_points, metre_points, noise
from layers._demo.lines import outlined, repeated
from layers._demo.names import Names
from layers._demo.terrain import Ground
from layers._frame import typed

TOWNS: Final = 88
PEOPLE: Final = 2_618_000
CODE_PREFIX: Final = "3399"
"""No province, city or county has a code that starts so."""
CODE_YEAR: Final = 2025
NEED_WHEELS_ONE_IN: Final = (30, 60)
NEED_CARE_ONE_IN: Final = (60, 120)
_STRAY_CELLS: Final = 3.6
_CRUMB: Final = 60
_LEAST_LEAD: Final = 1e-6
_TOLERANCE_M: Final = 85.0
_COUNTY_KINDS: Final = ("区", "区", "市", "县", "县", "县")
_COUNTY_SIZES: Final = (15, 11, 17, 17, 15, 13)


@dataclass(frozen=True)
class Areas:
    """Each cell's town (0 outside, 1 to 88), each town's seat cell and county (0 to 5), people by cell, and both frames.

    ``fine_town_of`` is the town of each cell of the finer grid.
    """

    town_of: Ints
    fine_town_of: Ints
    seats: Ints
    county_of: Ints
    kind: tuple[str, ...]
    people: Ints
    towns: gpd.GeoDataFrame
    counties: gpd.GeoDataFrame


def make_areas(seed: int, ground: Ground, near_water: Floats) -> Areas:
    """Seats on good ground, towns around them by effort of travel, counties of neighbouring towns, people where it is easy to live.

    ``near_water`` is each cell's height above the nearest drainage, in metres.
    """
    rng = draws(seed, 2)
    grid = ground.grid
    ease = _ease(rng, ground, near_water)
    seats = _seats(rng, ground, ease)
    fine_town_of, town_of, polygons = _partition(seed, rng, ground, seats)
    county_of = _grouped(town_of, seats, grid)
    order = _in_order(seats, county_of, grid)
    seats, county_of, polygons = seats[order], county_of[order], [polygons[town] for town in order]
    renumbered = np.zeros(TOWNS + 1, dtype=np.int64)
    renumbered[np.array(order) + 1] = np.arange(1, TOWNS + 1)
    town_of, fine_town_of = renumbered[town_of], renumbered[fine_town_of]
    people = _people(rng, ground, ease, seats, town_of, county_of)
    kind = tuple(_ground_kind(ground.height_m[seat], ground.plain[seat]) for seat in seats)
    population = np.bincount(town_of, weights=people, minlength=TOWNS + 1)[1:].astype(np.int64)
    towns, counties = _frames(Names(rng), draws(seed, 19), polygons, county_of, kind, population)
    return Areas(town_of, fine_town_of, seats, county_of, kind, people, towns, counties)


def _ease(rng: np.random.Generator, ground: Ground, near_water: Floats) -> Floats:
    """How easy a cell is to live on, 0 to 1: flat, low and near water, with luck."""
    flat = 1.0 / (1.0 + 600.0 * ground.slope * ground.slope)
    low = 1.0 / (1.0 + np.maximum(ground.height_m - 20.0, 0.0) / 180.0)
    wet = 1.0 / (1.0 + near_water / 25.0)
    inland = np.minimum(distance_km(~ground.inside, ground.grid) / 7.0, 1.0)
    luck = 0.4 + noise(rng, ground.grid.shape, 20, 4).ravel()
    return np.where(ground.inside, flat * low * wet * luck * inland, 0.0)


def _seats(rng: np.random.Generator, ground: Ground, ease: Floats) -> Ints:
    """The easiest cells first, each keeping others off by more the harder its country is."""
    x, y = ground.grid.centres_m
    open_cells = np.flatnonzero(ground.inside)
    keep_off = np.where(ground.plain > 0.5, 4_600.0, 6_900.0 + 2.0 * np.minimum(ground.height_m, 600.0))
    score = np.round(np.sqrt(ease) * 1e6).astype(np.int64) * 1000 + rng.integers(0, 1000, ground.grid.size)
    seats: list[int] = []
    free = open_cells[np.argsort(-score[open_cells], kind="stable")]
    while len(seats) < TOWNS and len(free):
        seat = int(free[0])
        seats.append(seat)
        far = (x[free] - x[seat]) ** 2 + (y[free] - y[seat]) ** 2 > keep_off[seat] ** 2
        free = free[far]
    return np.array(seats, dtype=np.int64)


def effort(grid: Grid, cost: Ints, inside: np.ndarray, steps: tuple[tuple[int, int], ...]) -> sparse.csr_array:
    """A graph of the cells inside; an edge costs the mean of its two cells, times 1.4 on the diagonal, in whole units."""
    rows, columns, weights = [], [], []
    for step in steps:
        here, there = grid.pairs(step)
        both = inside[here] & inside[there]
        here, there = here[both], there[both]
        rows.append(here)
        columns.append(there)
        weights.append((cost[here] + cost[there]) * (7 if step[0] and step[1] else 5))
    data = np.concatenate(weights).astype(float)
    return sparse.csr_array((data, (np.concatenate(rows), np.concatenate(columns))), shape=(grid.size, grid.size))


def _partition(seed: int, rng: np.random.Generator, ground: Ground, seats: Ints) -> tuple[Ints, Ints, list[shapely.Geometry]]:
    """Each cell to the seat of least effort, borders drawn finer without gap or overlap, and cells as the borders then say."""
    grid = ground.grid
    whim = np.round(90 * noise(rng, grid.shape, 12, 4)).ravel()
    cost = 10 + (whim + np.round(900 * ground.slope)).astype(np.int64)
    graph = effort(grid, cost, ground.inside, STEPS)
    _, _, source = dijkstra(graph, indices=seats, min_only=True, return_predecessors=True)
    number = np.zeros(grid.size, dtype=np.int64)
    reached = source >= 0
    order = np.argsort(seats)
    number[reached] = order[np.searchsorted(seats[order], source[reached])] + 1
    fine, lead = _finer(draws(seed, 16), number, grid)

    def crossing(cells: Ints, beyond: Ints) -> Floats:
        return np.asarray(lead[cells] / (lead[cells] + lead[beyond]))

    smooth = outlined(fine, grid.finer, crossing, least_cells=_CRUMB, tolerance_m=_TOLERANCE_M)
    # a border may run exactly through cells' centres: which town those are is said by the border as published, rounded
    published = shapely.transform([smooth[town] for town in range(1, TOWNS + 1)], lonlat_points)
    numbered = zip(shapely.transform(published, metre_points), range(1, TOWNS + 1), strict=True)
    drawn = rasterize(numbered, out_shape=grid.shape, transform=grid.transform, dtype="int32")
    return fine, drawn.ravel().astype(np.int64), list(published)


def _finer(rng: np.random.Generator, number: Ints, grid: Grid) -> tuple[Ints, Floats]:
    """The town of each finer cell, that which has most of the nine cells around a point strayed from it; and its lead."""
    coarse = number.reshape(grid.shape)
    fine = repeated(coarse)
    east, north = (_STRAY_CELLS * (noise(rng, grid.shape, 6, 3) - 0.5) for _ in range(2))
    row, column = np.nonzero(repeated(_mixed(coarse, 7)))
    cell = row // FINER, column // FINER
    down, right = (row + 0.5) / FINER - 0.5 + north[cell], (column + 0.5) / FINER - 0.5 + east[cell]
    nearest = np.rint(down).astype(np.int64), np.rint(right).astype(np.int64)
    fine[row, column] = coarse[nearest]
    close = _mixed(coarse, 3)[nearest]
    lead = np.ones(fine.shape)
    border = row[close], column[close]
    fine[border], lead[border] = _most(coarse, down[close], right[close])
    return fine.ravel(), lead.ravel()


def _mixed(coarse: Ints, cells: int) -> np.ndarray:
    """Cells that have more than one town in a square of so many cells around them."""
    return np.asarray(ndimage.maximum_filter(coarse, size=cells) != ndimage.minimum_filter(coarse, size=cells))


def _most(values: Ints, down: Floats, right: Floats) -> tuple[Ints, Floats]:
    """At places between cells' centres the value of most weight, by squares of nearness (a B-spline), and its lead in weight."""
    top, left = np.rint(down).astype(np.int64), np.rint(right).astype(np.int64)
    weights = [(a * b, i, j) for i, a in _spline(down - top) for j, b in _spline(right - left)]
    around = np.stack([values[top + i, left + j] for _, i, j in weights])
    weight = np.stack([found for found, _, _ in weights])
    votes = np.stack([(weight * (around == value)).sum(axis=0) for value in around])
    best = votes.argmax(axis=0)[None]
    value, most = np.take_along_axis(around, best, axis=0), np.take_along_axis(votes, best, axis=0)[0]
    second = np.where(around == value, 0.0, votes).max(axis=0)
    return value[0], np.maximum(most - second, _LEAST_LEAD)


def _spline(part: Floats) -> list[tuple[int, Floats]]:
    """Weights of the cell before, the cell itself and the next, at a place up to half a cell off its centre."""
    return [(-1, 0.5 * (0.5 - part) ** 2), (0, 0.75 - part * part), (1, 0.5 * (0.5 + part) ** 2)]


def neighbours(town_of: Ints, grid: Grid) -> set[tuple[int, int]]:
    """Pairs of towns, the smaller number first, that share a border."""
    pairs: set[tuple[int, int]] = set()
    for step in STEPS[:2]:
        here, there = grid.pairs(step)
        differ = (town_of[here] != town_of[there]) & (town_of[here] > 0) & (town_of[there] > 0)
        ends = np.sort(np.stack([town_of[here[differ]], town_of[there[differ]]], 1), axis=1)
        pairs |= {(int(a), int(b)) for a, b in np.unique(ends, axis=0)}
    return pairs


def _grouped(town_of: Ints, seats: Ints, grid: Grid) -> Ints:
    """Counties grow from towns far apart; the one that is furthest from its size takes its nearest free neighbour next."""
    x, y = (centre[seats] for centre in grid.centres_m)
    beside: dict[int, set[int]] = {town: set() for town in range(TOWNS)}
    for a, b in neighbours(town_of, grid):
        beside[a - 1].add(b - 1)
        beside[b - 1].add(a - 1)
    county = np.full(TOWNS, -1, dtype=np.int64)
    starts = _far_apart(x, y, len(_COUNTY_SIZES))
    county[starts] = np.arange(len(starts))
    while (county < 0).any():
        fullness = [np.count_nonzero(county == number) / size for number, size in enumerate(_COUNTY_SIZES)]
        for number in np.argsort(fullness, kind="stable").tolist():
            free = sorted({t for own in np.flatnonzero(county == number).tolist() for t in beside[own] if county[t] < 0})
            if free:
                gap = (x[free] - x[starts[number]]) ** 2 + (y[free] - y[starts[number]]) ** 2
                county[free[int(np.argmin(gap))]] = number
                break
    return county


def _far_apart(x: Floats, y: Floats, count: int) -> list[int]:
    chosen = [0]
    while len(chosen) < count:
        gaps = np.min([(x - x[seat]) ** 2 + (y - y[seat]) ** 2 for seat in chosen], axis=0)
        chosen.append(int(np.argmax(gaps)))
    return chosen


def _in_order(seats: Ints, county: Ints, grid: Grid) -> list[int]:
    """Towns county by county, the county's seat first, then from north-west to south-east."""
    first = {int(number): int(np.flatnonzero(county == number)[0]) for number in np.unique(county)}
    row, column = np.divmod(seats, grid.columns)
    return sorted(range(TOWNS), key=lambda town: (county[town], town != first[int(county[town])], row[town] + column[town], town))


def _people(rng: np.random.Generator, ground: Ground, ease: Floats, seats: Ints, town_of: Ints, county_of: Ints) -> Ints:
    """Whole people by cell, `PEOPLE` in all: crowded in seats, thinner with distance and along valleys, none on steep ground."""
    grid = ground.grid
    x, y = grid.centres_m
    pull = 12.0 * np.sqrt(ease)
    first_of_county = np.concatenate([[True], county_of[1:] != county_of[:-1]])
    for town, seat in enumerate(seats.tolist()):
        size = 3.0 if town == 0 else (2.2 if first_of_county[town] else 1.0)
        crowd = size * (0.6 + 0.8 * rng.integers(0, 1001) / 1000.0) * (0.25 + ease[seat])
        spread = (500.0 + 260.0 * size) ** 2
        gap = (x - x[seat]) ** 2 + (y - y[seat]) ** 2
        pull = pull + 120.0 * crowd / (1.0 + gap / spread) ** 3
    liveable = (town_of > 0) & (ground.slope < 0.3)
    share = np.where(liveable, pull * (0.25 + np.sqrt(ease)) * (rng.integers(20, 100, grid.size) / 100.0), 0.0)
    whole = np.cumsum(np.round(share * 1000).astype(np.int64))
    return np.asarray(np.diff(whole * PEOPLE // whole[-1], prepend=0), dtype=np.int64)


def _ground_kind(height_m: float, plain: float) -> str:
    return "plain" if plain > 0.5 else "hill" if height_m < 260 else "mountain"


def in_need(rng: np.random.Generator, people: Ints, one_in: tuple[int, int]) -> Ints:
    """Of so many people those in need, one in a number drawn anew for each place between the two."""
    return np.asarray(people // rng.integers(one_in[0], one_in[1] + 1, len(people)), dtype=np.int64)


def _frames(
    names: Names,
    rng: np.random.Generator,
    polygons: list[shapely.Geometry],
    county_of: Ints,
    kind: tuple[str, ...],
    population: Ints,
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    county_codes = [f"{CODE_PREFIX}{number + 1:02d}000000" for number in range(len(_COUNTY_SIZES))]
    within = pd.Series(county_of).groupby(county_of).cumcount().to_numpy()
    towns = typed(
        layer("towns"),
        {
            "name": [
                names.place(ground) + _town_ending(ground, place) for ground, place in zip(kind, within.tolist(), strict=True)
            ],
            "code": [f"{county_codes[c][:6]}{place + 1:03d}000" for c, place in zip(county_of, within, strict=True)],
            "county_code": [county_codes[c] for c in county_of],
            "code_year": [CODE_YEAR] * TOWNS,
            "population": population,
            "need_wheels": in_need(rng, population, NEED_WHEELS_ONE_IN),
            "need_care": in_need(rng, population, NEED_CARE_ONE_IN),
        },
        polygons,
        [f"demo-towns-{number:04d}" for number in range(1, TOWNS + 1)],
    )
    counties = typed(
        layer("counties"),
        {
            "name": [names.place("plain") + ending for ending in _COUNTY_KINDS],
            "code": county_codes,
            "code_year": [CODE_YEAR] * len(county_codes),
            "population": [int(population[county_of == c].sum()) for c in range(len(county_codes))],
        },
        [shapely.coverage_union_all([polygons[t] for t in np.flatnonzero(county_of == c)]) for c in range(len(county_codes))],
        [f"demo-counties-{number:04d}" for number in range(1, len(county_codes) + 1)],
    )
    return towns, counties


def _town_ending(ground: str, place: int) -> str:
    if place < 3 and ground == "plain":
        return "街道"
    return "乡" if ground == "mountain" and place % 3 else "镇"


def distance_km(mask: np.ndarray, grid: Grid) -> Floats:
    """Kilometres from each cell to the nearest cell of the mask."""
    return np.asarray(ndimage.distance_transform_edt(~mask.reshape(grid.shape)).ravel() * (grid.cell_m / 1000.0), dtype=float)
