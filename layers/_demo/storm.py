"""One storm over the city hour by hour, and the floods that a design storm and past storms left.

A bathtub on the height above the nearest drainage: a stream stands as high over its bank as the mean rain held in
its catchment says, larger rivers more and later. It makes believable extents; it is no hydraulic model.
"""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from layers._catalog import layer
from layers._demo.grid import Floats, Grid, Ints, Mask, lonlat_points
from layers._demo.lines import outlines
from layers._demo.water import Flow
from layers._frame import typed

HOURS: Final = 12
STORM_DAY: Final = "2026-06-20"
_FORECAST_HOURS: Final = (3, 6, 9, 12)
_CLASSES: Final = (
    (0.1, 0.5, "0.5 m以下"),
    (0.5, 1.0, "0.5–1.0 m"),
    (1.0, 2.0, "1.0–2.0 m"),
    (2.0, 3.0, "2.0–3.0 m"),
    (3.0, np.nan, "3.0 m以上"),
)
_BANK_MM: Final = 62.0
_RISE_M: Final = (0.0, 0.55, 0.8, 1.15, 1.5, 1.9, 2.2)
_HELD: Final = 0.86


@dataclass(frozen=True)
class Drainage:
    """The city's streams: the tree of cells, which are streams, their order, and each cell's stream and height above it."""

    tree: Flow
    is_stream: Mask
    order: Ints
    stream_of: Ints
    above_m: Floats
    catchment_km2: Floats


@dataclass(frozen=True)
class Track:
    """A storm's way: where its middle is at hours 0 and 12 (parts of the grid's width and height), its reach and peak rain."""

    start: tuple[float, float]
    end: tuple[float, float]
    reach_km: float
    peak_mm: float


@dataclass(frozen=True)
class Past:
    """A flood on record or by design: what it is called, when, and the storm behind it."""

    kind: str
    event: str
    date: str | None
    return_period_years: float | None
    track: Track


TONIGHT: Final = Track((0.12, 0.80), (0.86, 0.48), 35.0, 66.0)
RECORDS: Final = (
    Past("design", "20 年一遇设计洪水", None, 20.0, Track((0.5, 0.5), (0.5, 0.5), 90.0, 24.0)),
    Past("past", "2014·06 梅雨洪水", "2014-06-21", None, Track((0.15, 0.40), (0.55, 0.45), 32.0, 46.0)),
    Past("past", "2020·07 梅雨洪水", "2020-07-08", None, Track((0.45, 0.95), (0.80, 0.55), 30.0, 46.0)),
)


def depths(track: Track, drainage: Drainage, inside: Mask, grid: Grid) -> list[Floats]:
    """Depth in metres in every cell at hours 0 to 12, in steps of 5 cm; 0 is dry."""
    own = drainage.tree.gathered(np.ones(grid.size))
    held = np.zeros(grid.size)
    stage = np.zeros(grid.size)
    found = []
    for hour in range(HOURS + 1):
        held = held * _HELD + _rain(track, hour, grid)
        wanted = _stage_m(drainage.tree.gathered(held) / own, drainage.order)
        stage += (wanted - stage) / (1.0 + 0.45 * np.maximum(drainage.order - 1, 0))
        depth = np.floor((stage[drainage.stream_of] - drainage.above_m) * 20.0 + 1e-9) / 20.0
        found.append(np.where(inside & (depth >= 0.1), depth, 0.0))
    return found


def _rain(track: Track, hour: int, grid: Grid) -> Floats:
    """Millimetres in the hour: a bell around the middle, strongest at half time."""
    x, y = grid.centres_m
    part = hour / HOURS
    middle_x = grid.west_m + grid.columns * grid.cell_m * (track.start[0] + part * (track.end[0] - track.start[0]))
    middle_y = grid.north_m - grid.rows * grid.cell_m * (track.start[1] + part * (track.end[1] - track.start[1]))
    gap = ((x - middle_x) ** 2 + (y - middle_y) ** 2) / (track.reach_km * 1000.0) ** 2
    strength = 4.0 * (part + 0.12) * max(0.0, 0.80 - part)
    return np.round(track.peak_mm * max(strength, 0.0) / (1.0 + gap) ** 2, 2)


def _stage_m(mean_mm: Floats, order: Ints) -> Floats:
    """Metres over the bank: none below what the bed takes, then by the root of the rain held, more on larger rivers."""
    over = np.maximum(mean_mm - _BANK_MM, 0.0) / _BANK_MM
    return np.asarray(np.sqrt(over) * np.array(_RISE_M)[np.minimum(order, len(_RISE_M) - 1)] * 2.2, dtype=float)


def zones(
    tonight: list[Floats], drainage: Drainage, river_of: Ints, names: list[str], inside: Mask, grid: Grid
) -> gpd.GeoDataFrame:
    """Extents by depth class along each river: tonight's forecast at four hours, the design flood, and past floods."""
    rows: list[dict[str, object]] = []
    for hour in _FORECAST_HOURS:
        rows += _by_class(
            tonight[hour], river_of, names, grid, {"kind": "forecast", "event": "演示暴雨", "hour": hour, "date": STORM_DAY}
        )
    for record in RECORDS:
        peak = np.max(depths(record.track, drainage, inside, grid), axis=0)
        what: dict[str, object] = {
            "kind": record.kind,
            "event": record.event,
            "date": record.date,
            "return_period_years": record.return_period_years,
        }
        rows += _by_class(peak, river_of, names, grid, what)
    for row in rows:
        row["year"] = int(str(row["date"])[:4]) if row["date"] else None
    columns = {name: [row.get(name) for row in rows] for name in rows[0] if name != "geometry"}
    columns["return_period_years"] = [row.get("return_period_years") for row in rows]
    columns["hour"] = [row.get("hour") for row in rows]
    index = [f"demo-flood_zones-{number:04d}" for number in range(1, len(rows) + 1)]
    return typed(layer("flood_zones"), columns, [row["geometry"] for row in rows], index)


def _by_class(depth: Floats, river_of: Ints, names: list[str], grid: Grid, what: dict[str, object]) -> list[dict[str, object]]:
    bounds = np.array([low for low, _, _ in _CLASSES])
    depth_class = np.searchsorted(bounds, depth, side="right")
    label = np.where((depth_class > 0) & (river_of > 0), river_of * 10 + depth_class, 0)
    found = outlines(label, grid)
    keys = sorted(found)
    smooth = shapely.coverage_simplify([shapely.MultiPolygon(found[key]) for key in keys], 180.0)
    rows = []
    for key, shape in zip(keys, shapely.transform(smooth, lonlat_points), strict=True):
        low, high, words = _CLASSES[key % 10 - 1]
        place = names[key // 10] or None
        rows.append({**what, "place": place, "depth_class": words, "depth_min_m": low, "depth_max_m": high, "geometry": shape})
    return rows
