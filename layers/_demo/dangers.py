"""Flood-control points, geological hazards and landslide zones, each where such a thing is found."""

import datetime as dt
from collections.abc import Callable
from typing import Final

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage

from layers._catalog import layer
from layers._demo.areas import NEED_CARE_ONE_IN, NEED_WHEELS_ONE_IN, distance_km, in_need
from layers._demo.grid import Grid, Ints, draws, lonlat_points
from layers._demo.names import Names
from layers._demo.sites import Country, Sites, addresses, dealt, drawn_sites, ids, joined, long_tailed, short_names, with_gaps
from layers._frame import typed

FLOOD_POINTS: Final = {
    "reservoir": 92, "dike": 168, "sluice": 96, "flash_flood_valley": 214, "low_lying": 178,
    "underpass": 57, "unsafe_house": 96, "construction": 52, "other": 36,
}  # fmt: skip
HIDDEN_DANGERS: Final = {"rectified": 755, "open": 58, "none": 176}
"""Of a real city-year's 989 points 755 had a danger mended. How the other 234 divide is our choice."""
HAZARDS: Final = 402
_TYPES: Final = {
    "landslide": 190,
    "rockfall": 92,
    "debris_flow": 58,
    "unstable_slope": 52,
    "ground_collapse": 6,
    "ground_fissure": 2,
    "subsidence": 2,
}
_FIRST_DAY: Final = dt.date(2025, 3, 1)
_LAST_DAY: Final = dt.date(2026, 6, 10)
_TONGUE: Final = np.array(
    [
        (-0.90, 0.0), (-0.83, 0.19), (-0.62, 0.42), (-0.33, 0.62), (0.05, 0.79), (0.40, 0.86), (0.73, 0.82), (0.97, 0.65),
        (1.12, 0.37), (1.17, 0.0), (1.12, -0.37), (0.97, -0.65), (0.73, -0.82), (0.40, -0.86), (0.05, -0.79), (-0.33, -0.62),
        (-0.62, -0.42), (-0.83, -0.19),
    ]
)  # fmt: skip
"""Parts of its length downhill and of its half width across: narrow where it breaks away, broad at its foot."""
_TONGUES: Final = 480
_TONGUES_APART_M: Final = 620.0
_NOTCH_M: Final = 40.0
_TOLERANCE_M: Final = 12.0
_UNCOUNTED: Final = (23, 61)
"""Flood points whose people nobody counted: their towns' risk is unknown, and shown so."""
_NAMED: Final = {
    "reservoir": "水库", "dike": "段堤防", "sluice": "闸泵站", "flash_flood_valley": "坑山洪沟", "low_lying": "低洼易涝区",
    "underpass": "下穿通道", "unsafe_house": "危旧房片区", "construction": "在建工地", "other": "防汛点",
}  # fmt: skip
_CROWD: Final = {"reservoir": 5, "dike": 4, "low_lying": 3, "flash_flood_valley": 2, "sluice": 2}
_LEVELS_M: Final = {"reservoir": (8.0, 22.0), "dike": (1.5, 4.0), "sluice": (1.0, 2.5), "flash_flood_valley": (0.8, 2.0)}


def make_flood_points(seed: int, country: Country) -> gpd.GeoDataFrame:
    """989 points, low and by the water, each kind in its own sort of place."""
    rng = draws(seed, 5)
    names = Names(rng)
    groups = [
        drawn_sites(rng, country, _WHERE[kind](country), count, in_water=kind in _LEVELS_M) for kind, count in FLOOD_POINTS.items()
    ]
    sites = joined(*groups)
    kinds = [kind for kind, group in zip(FLOOD_POINTS, groups, strict=True) for _ in range(len(group))]
    danger = dealt(rng, len(sites), HIDDEN_DANGERS)
    found, mended = _days(rng, danger)
    low, high = _water_levels(rng, country, sites, kinds)
    short = short_names(country)
    towns = country.areas.towns["name"].tolist()
    columns = {
        "name": [
            names.unique(short[town] + names.village("hill")[:2] + _NAMED[kind])
            for town, kind in zip(sites.towns, kinds, strict=True)
        ],
        "kind": kinds,
        "address": with_gaps(rng, addresses(names, country, sites), 30),
        "people_threatened": _people(rng, country, sites, kinds),
        "warning_level_m": low,
        "guarantee_level_m": high,
        "hidden_danger": danger,
        "found_on": found,
        "rectified_on": mended,
        "duty_post": [towns[town] + "人民政府" for town in sites.towns],
        "duty_holder": [names.person() for _ in kinds],
        "duty_phone": with_gaps(rng, [names.phone() for _ in kinds], 25),
    }
    columns |= _in_need(draws(seed, 20), columns["people_threatened"])
    return typed(layer("flood_points"), columns, sites.points, ids("flood_points", len(sites)))


def _settled_by_water(above_m: float) -> Callable[[Country], Ints]:
    def weight(country: Country) -> Ints:
        return np.where((country.drainage.above_m <= above_m) & (country.areas.people > 8), 5 + np.minimum(country.around, 2000), 0)

    return weight


def _streams(low_order: int, high_order: int, *, hills: bool) -> Callable[[Country], Ints]:
    def weight(country: Country) -> Ints:
        order = country.drainage.order
        fits = (order >= low_order) & (order <= high_order) & ((country.ground.plain < 0.4) == hills)
        return np.where(fits, 20 + np.minimum(country.around, 400), 0)

    return weight


def _crossings(country: Country) -> Ints:
    return np.where(country.roads.has_road & (country.drainage.above_m <= 12) & (country.ground.plain > 0.3), country.around, 0)


_WHERE: Final[dict[str, Callable[[Country], Ints]]] = {
    "reservoir": _streams(1, 3, hills=True), "dike": _streams(2, 9, hills=False), "sluice": _streams(1, 9, hills=False),
    "flash_flood_valley": _streams(1, 2, hills=True), "low_lying": _settled_by_water(2.0), "underpass": _crossings,
    "unsafe_house": _settled_by_water(8.0), "construction": _settled_by_water(6.0), "other": _settled_by_water(10.0),
}  # fmt: skip


def _people(rng: np.random.Generator, country: Country, sites: Sites, kinds: list[str]) -> list[int | None]:
    tail = long_tailed(rng, len(sites), 0, 6000) * np.array([_CROWD.get(kind, 1) for kind in kinds])
    counted: list[int | None] = (2 + np.minimum(tail, country.around[sites.cells] * 2 + 10)).tolist()
    for town in _UNCOUNTED:
        counted[int(np.flatnonzero(sites.towns == town)[0])] = None
    return counted


def _in_need(rng: np.random.Generator, people: list[int | None]) -> dict[str, list[int | None]]:
    """How many of those at each point need wheels and care; unknown where the people are."""
    known = np.array([count or 0 for count in people], dtype=np.int64)
    found = {"need_wheels": NEED_WHEELS_ONE_IN, "need_care": NEED_CARE_ONE_IN}
    return {
        name: [None if count is None else some for count, some in zip(people, in_need(rng, known, one_in).tolist(), strict=True)]
        for name, one_in in found.items()
    }


def _days(rng: np.random.Generator, danger: list[str]) -> tuple[list[dt.date | None], list[dt.date | None]]:
    """A danger was found on some day, and mended within four months; one still open was found lately."""
    span = (_LAST_DAY - _FIRST_DAY).days
    found: list[dt.date | None] = []
    mended: list[dt.date | None] = []
    for state in danger:
        start, took = int(rng.integers(0, span - 130)), int(rng.integers(7, 125))
        day = _FIRST_DAY + dt.timedelta(days=start if state == "rectified" else span - took)
        found.append(None if state == "none" else day)
        mended.append(day + dt.timedelta(days=took) if state == "rectified" else None)
    return found, mended


def _water_levels(
    rng: np.random.Generator, country: Country, sites: Sites, kinds: list[str]
) -> tuple[list[float | None], list[float | None]]:
    """Where a gauge stands: warning so far above the stream's bed, guarantee a little higher; one in twelve not reported."""
    bed = country.ground.height_m[country.drainage.stream_of[sites.cells]]
    low: list[float | None] = []
    high: list[float | None] = []
    for kind, height in zip(kinds, bed.tolist(), strict=True):
        part, more, gap = rng.integers(0, 101), rng.integers(6, 21), rng.integers(12)
        least, most = _LEVELS_M.get(kind, (0.0, 0.0))
        known = kind in _LEVELS_M and gap > 0
        warning = round(height + least + (most - least) * int(part) / 100.0, 2)
        low.append(warning if known else None)
        high.append(round(warning + int(more) / 10.0, 2) if known else None)
    return low, high


def make_hazards(seed: int, country: Country) -> gpd.GeoDataFrame:
    """Points on steep ground with people at its foot, scaled by the layer's own rule of threat."""
    rng = draws(seed, 6)
    names = Names(rng)
    steep = np.round(country.ground.slope * 100).astype(np.int64)
    near = ndimage.maximum_filter(country.areas.people.reshape(country.grid.shape), size=5).ravel()
    sites = drawn_sites(rng, country, np.where((steep >= 14) & (near >= 8), steep * steep * np.minimum(near, 120), 0), HAZARDS)
    people = long_tailed(rng, len(sites), 3, 4600) + rng.integers(0, 16, len(sites))
    short = short_names(country)
    types = dealt(rng, len(sites), _TYPES)
    words = {choice.id: choice.zh for choice in layer("geological_hazards").column("type").choices}
    columns = {
        "name": [
            names.unique(short[town] + names.village("mountain")[:2] + words[str(kind)])
            for town, kind in zip(sites.towns, types, strict=True)
        ],
        "type": types,
        "people_threatened": people,
        "property_yuan10k": (people * rng.integers(3, 13, len(sites))).astype(float),
        "address": with_gaps(rng, addresses(names, country, sites), 40),
        "monitoring": dealt(rng, len(sites), {"群测群防": 60, "自动化监测": 30, "专业监测": 8, None: 2}),
        "monitor": [names.person() for _ in range(len(sites))],
        "monitor_phone": [names.phone() for _ in range(len(sites))],
    }
    frame = typed(layer("geological_hazards"), columns, sites.points, ids("geological_hazards", len(sites)))
    scale = layer("geological_hazards").derivations[0]
    return typed(layer("geological_hazards"), columns | {scale.column: scale.rule(frame).tolist()}, sites.points, frame.index)


def make_landslide_zones(seed: int, country: Country) -> gpd.GeoDataFrame:
    """Tongues of steep ground close to where people live, those that touch made one; the steepest fifth special."""
    rng = draws(seed, 7)
    grid, slope = country.grid, country.ground.slope
    settled = distance_km(country.areas.people >= 25, grid) <= 0.6
    steep = (slope > 0.17) & settled & (country.areas.town_of > 0) & ~country.drainage.is_stream
    cells = _apart(rng.permutation(np.flatnonzero(steep)), grid)[:_TONGUES]
    shapes, zone_of = _slid(rng, country, cells)
    _, first = np.unique(zone_of, return_index=True)
    steepness = ndimage.mean(slope[cells], zone_of, np.arange(len(shapes)))
    special = steepness >= np.sort(steepness)[len(shapes) * 4 // 5]
    sites = Sites(cells[first], country.areas.town_of[cells[first]] - 1, shapes)
    short = short_names(country)
    names = Names(rng)
    columns = {
        "name": [names.unique(short[town] + names.village("mountain")[:2] + "风险区") for town in sites.towns],
        "code": [f"{country.areas.towns['code'].iloc[town][:9]}{number:04d}" for number, town in enumerate(sites.towns, 1)],
        "zone_class": ["special" if mark else "warning" for mark in special],
        "type": dealt(rng, len(sites), {"steep_slope": 45, "landslide": 40, "debris_flow": 15}),
        "designated_on": [dt.date(2021 + int(year), 5, 30) for year in rng.integers(0, 5, len(sites))],
        "address": addresses(names, country, sites),
    }
    smooth = shapely.transform(sites.points, lonlat_points)
    return typed(layer("landslide_zones"), columns, smooth, ids("landslide_zones", len(sites)))


def _apart(cells: Ints, grid: Grid) -> Ints:
    """Cells in their order, without those too close to one before."""
    x, y = (centre[cells] for centre in grid.centres_m)
    free, kept = np.arange(len(cells)), []
    while len(free):
        kept.append(free[0])
        free = free[(x[free] - x[free[0]]) ** 2 + (y[free] - y[free[0]]) ** 2 > _TONGUES_APART_M**2]
    return cells[kept]


def _slid(rng: np.random.Generator, country: Country, cells: Ints) -> tuple[NDArray[np.object_], Ints]:
    """A tongue of ground down the slope from each cell, those that touch made one; and the number of each cell's own."""
    grid = country.grid
    south, east = (part.ravel()[cells] for part in np.gradient(country.ground.height_m.reshape(grid.shape)))
    downhill = np.stack([-east, south], 1) / np.sqrt(east * east + south * south)[:, None]
    across = np.stack([-downhill[:, 1], downhill[:, 0]], 1)
    length, width = (rng.integers(low, high, len(cells))[:, None, None] for low, high in ((240, 480), (150, 290)))
    middle = np.stack(grid.centres_m, 1)[cells][:, None]
    corners = middle + length * _TONGUE[None, :, :1] * downhill[:, None] + width * _TONGUE[None, :, 1:] * across[:, None]
    whole = shapely.union_all(shapely.polygons(corners)).buffer(_NOTCH_M, quad_segs=4).buffer(-_NOTCH_M, quad_segs=4)
    shapes = shapely.coverage_simplify(shapely.get_parts(whole), _TOLERANCE_M)
    at, zone = shapely.STRtree(shapes).query(shapely.points(middle[:, 0]), predicate="within")
    return shapes, zone[np.argsort(at)]
