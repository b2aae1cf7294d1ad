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
from layers._demo.grid import Floats, Grid, Ints, Mask, doubled, lonlat_points
from layers._demo.lines import outlined
from layers._demo.rivers import Rivers
from layers._demo.water import Drainage
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
_DRY_M: Final = 0.85
"""No ground counts as higher over the water than this: it puts the edge of a flood about half way to a dry cell."""
_DEEPEST_M: Final = 8.0
_HALF_WIDTH_M: Final = 90.0
_WIDER: Final = 30.0
"""Metres by which each metre of stage widens a flooded valley to both sides of its river."""
_SPECK: Final = 50
_TOLERANCE_M: Final = 90.0


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


def stages(track: Track, drainage: Drainage, grid: Grid) -> list[Floats]:
    """How high each stream cell stands over its bank at hours 0 to 12, in metres."""
    own = drainage.tree.gathered(np.ones(grid.size))
    held = np.zeros(grid.size)
    stage = np.zeros(grid.size)
    found = []
    for hour in range(HOURS + 1):
        held = held * _HELD + rain_mm(track, hour, grid)
        wanted = _stage_m(drainage.tree.gathered(held) / own, drainage.order)
        stage += (wanted - stage) / (1.0 + 0.45 * np.maximum(drainage.order - 1, 0))
        found.append(stage.copy())
    return found


def depth_m(stage: Floats, drainage: Drainage, inside: Mask) -> Floats:
    """Depth in metres in every cell, in steps of 5 cm; 0 is dry."""
    depth = np.floor((stage[drainage.stream_of] - drainage.above_m) * 20.0 + 1e-9) / 20.0
    return np.where(inside & (depth >= 0.1), depth, 0.0)


def rain_mm(track: Track, hour: int, grid: Grid) -> Floats:
    """Millimetres in the hour that ends at ``hour``: a bell around the middle, strongest at half time."""
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


def zones(tonight: list[Floats], drainage: Drainage, rivers: Rivers, town_of: Ints, grid: Grid) -> gpd.GeoDataFrame:
    """Extents by depth class along each river: tonight's forecast at four hours, the design flood, and past floods.

    ``tonight`` holds the stages of hours 0 to 12, ``town_of`` the town of each cell of the finer grid.
    """
    events: list[tuple[Floats, dict[str, object]]] = [
        (tonight[hour], {"kind": "forecast", "event": "演示暴雨", "hour": hour, "date": STORM_DAY, "return_period_years": None})
        for hour in _FORECAST_HOURS
    ]
    for record in RECORDS:
        told = {name: getattr(record, name) for name in ("kind", "event", "date", "return_period_years")}
        events.append((np.max(stages(record.track, drainage, grid), axis=0), told | {"hour": None}))
    rows = []
    for stage, told in events:
        rows += [told | row for row in _by_class(_fine_depth(stage, drainage, rivers, grid), rivers, town_of, grid)]
    for row in rows:
        row["year"] = int(str(row["date"])[:4]) if row["date"] else None
    columns = {name: [row[name] for row in rows] for name in rows[0] if name != "geometry"}
    index = [f"demo-flood_zones-{number:04d}" for number in range(1, len(rows) + 1)]
    return typed(layer("flood_zones"), columns, [row["geometry"] for row in rows], index)


def _fine_depth(stage: Floats, drainage: Drainage, rivers: Rivers, grid: Grid) -> Floats:
    """Depth on the finer grid, under 0 where dry: the coarse surface interpolated, and a flooded valley along its river's line."""
    surface = np.clip(stage[drainage.stream_of] - drainage.above_m, -_DRY_M, _DEEPEST_M).reshape(grid.shape)
    depth = doubled(doubled(surface)).ravel()
    half_width = _HALF_WIDTH_M + _WIDER * stage
    by_river = np.flatnonzero(rivers.away_m.ravel() < half_width.max())
    nearest, away = rivers.nearest.ravel()[by_river], rivers.away_m.ravel()[by_river]
    depth[by_river] = np.maximum(depth[by_river], stage[nearest] * np.minimum(2.0 - 2.0 * away / half_width[nearest], 1.0))
    return depth


def _by_class(depth: Floats, rivers: Rivers, town_of: Ints, grid: Grid) -> list[dict[str, object]]:
    bounds = np.array([low for low, _, _ in _CLASSES])
    wet = np.flatnonzero((depth >= bounds[0]) & (town_of > 0))
    river = rivers.river_of[rivers.nearest.ravel()[wet]]
    label = np.zeros(len(depth), dtype=np.int32)
    label[wet] = np.where(river > 0, river * 10 + np.searchsorted(bounds, depth[wet], side="right"), 0)

    def crossing(cells: Ints, beyond: Ints) -> Floats:
        here, there = depth[cells], depth[beyond]
        most = np.searchsorted(bounds, np.maximum(here, there), side="right")
        alike = most == np.searchsorted(bounds, np.minimum(here, there), side="right")
        gap = np.where(alike, 1.0, here - there)
        return np.where(alike, 0.5, np.clip((here - bounds[most - 1]) / gap, 0.02, 0.98))

    found = outlined(label, grid.finer, crossing, least_cells=_SPECK, tolerance_m=_TOLERANCE_M)
    rows = []
    for key, shape in zip(found, shapely.transform(list(found.values()), lonlat_points), strict=True):
        low, high, words = _CLASSES[key % 10 - 1]
        place = rivers.names[key // 10] or None
        rows.append({"place": place, "depth_class": words, "depth_min_m": low, "depth_max_m": high, "geometry": shape})
    return rows
