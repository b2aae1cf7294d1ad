"""Gauges and what they read in tonight's storm: rain by ten minutes, water by the hour, with the faults that readings have.

A demo's readings are as real ones are: a gauge that the flood takes, a recorder's code for no value, the same reading
twice, two that differ, some that come late. None of them may cost a town its colour in silence.
"""

import datetime as dt
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd

from layers._catalog import layer
from layers._demo.grid import Floats, Grid, Ints, draws
from layers._demo.names import Names
from layers._demo.sites import Country, Sites, addresses, drawn_sites, ids, placed, short_names
from layers._demo.storm import HOURS, STORM_DAY, TONIGHT, rain_mm
from layers._frame import typed

START: Final = dt.datetime.fromisoformat(f"{STORM_DAY}T08:00+08:00")
"""Hour 0 of the storm."""
_HILL_GAUGES: Final = 32
_WATER_GAUGES: Final = 36
_DRY_HOURS: Final = 24
_PARTS: Final = 6
_DELAY: Final = dt.timedelta(minutes=2)
_LATE: Final = dt.timedelta(minutes=95)
_TAKEN: Final = (41, 24)
"""The gauge that the flood takes, and from which ten minutes on."""
_FAULTY: Final = {"no value": (7, 30), "twice": (11, 31), "differs": (13, 32), "late": (17, 33)}
"""Faults by gauge and by the ten minutes of the storm."""
_NO_VALUE: Final = 999.9
_FREEBOARD_M: Final = 1.2
_GUARANTEE_M: Final = 0.8
_RECORD_M: Final = 2.6


def make_rain_gauges(seed: int, country: Country) -> gpd.GeoDataFrame:
    """A gauge at the seat of every town and some in the hills."""
    names, sites = Names(draws(seed, 14)), rain_sites(seed, country)
    short = short_names(country)
    columns = {
        "name": [names.unique(short[town] + "雨量站") for town in sites.towns],
        "code": rain_codes(len(sites)),
        "counts": ["interval"] * len(sites),
        "interval_min": [60 // _PARTS] * len(sites),
        "address": addresses(names, country, sites),
    }
    return typed(layer("rain_gauges"), columns, sites.points, ids("rain_gauges", len(sites)))


def make_water_gauges(seed: int, country: Country) -> gpd.GeoDataFrame:
    """Gauges on streams of order 3 and more; warning at the bank, one in nine without a record."""
    rng = draws(seed, 15)
    names, sites = Names(rng), water_sites(seed, country)
    short, bank = short_names(country), country.ground.height_m[sites.cells]
    columns = {
        "name": [names.unique(short[town] + "水位站") for town in sites.towns],
        "code": water_codes(len(sites)),
        "datum": ["1985 国家高程基准"] * len(sites),
        "warning_level_m": np.round(bank, 2),
        "guarantee_level_m": np.round(bank + _GUARANTEE_M, 2),
        "record_level_m": [None if number % 9 == 8 else round(float(high) + _RECORD_M, 2) for number, high in enumerate(bank)],
    }
    return typed(layer("water_gauges"), columns, sites.points, ids("water_gauges", len(sites)))


def rain_sites(seed: int, country: Country) -> Sites:
    """Where the rain gauges stand: every town's seat, then hills away from people."""
    rng = draws(seed, 12)
    seats = placed(rng, country, country.areas.seats, len(country.areas.seats), in_water=True)
    hills = drawn_sites(rng, country, np.where(country.ground.plain < 0.3, 1 + np.minimum(country.around, 40), 0), _HILL_GAUGES)
    return Sites(*(np.concatenate([getattr(each, name) for each in (seats, hills)]) for name in ("cells", "towns", "points")))


def water_sites(seed: int, country: Country) -> Sites:
    """Where the water gauges stand: on larger streams where people live."""
    order = country.drainage.order
    weight = np.where(country.drainage.is_stream & (order >= 3), 10 + np.minimum(country.around, 400), 0)
    return drawn_sites(draws(seed, 13), country, weight, _WATER_GAUGES, in_water=True)


def rain_codes(count: int) -> list[str]:
    """Codes that no station has."""
    return [f"339900R{number:03d}" for number in range(1, count + 1)]


def water_codes(count: int) -> list[str]:
    """Codes that no station has."""
    return [f"339900Z{number:03d}" for number in range(1, count + 1)]


def make_readings(seed: int, country: Country, stages: list[Floats]) -> pd.DataFrame:
    """Every reading of the gauges from a day before the storm to its end, as a bureau would receive them."""
    rain = _rain_readings(seed, country)
    sites = water_sites(seed, country)
    water = _water_readings(country, sites, stages)
    rows = pd.DataFrame([*rain, *water], columns=["station", "variable", "time", "value", "unit", "minutes", "received_at"])
    return rows.sort_values(["received_at", "station"], kind="stable", ignore_index=True)


def _rain_readings(seed: int, country: Country) -> list[tuple[object, ...]]:
    sites, rng = rain_sites(seed, country), draws(seed, 16)
    codes = rain_codes(len(sites))
    hourly = np.stack([rain_mm(TONIGHT, hour, country.grid)[sites.cells] for hour in range(HOURS + 1)])
    tenths = np.round(hourly * 10).astype(np.int64)
    parts = _parts(tenths, rng.integers(1, 10, (*tenths.shape, _PARTS)))
    rows = [_row(code, "rain", _time(hour), 0.0, "mm", 60) for code in codes for hour in range(-_DRY_HOURS, 0)]
    for place, code in enumerate(codes):
        for part in range((HOURS + 1) * _PARTS):
            if place == _TAKEN[0] and part >= _TAKEN[1]:
                continue
            time = START + dt.timedelta(minutes=(part + 1) * (60 // _PARTS)) - dt.timedelta(hours=1)
            rows += _as_received(place, part, code, time, int(parts[part // _PARTS, place, part % _PARTS]) / 10.0)
    return rows


def _as_received(place: int, part: int, code: str, time: dt.datetime, mm: float) -> list[tuple[object, ...]]:
    """A reading as it comes in: once and in time, but for the few that are faulty."""
    fault = next((name for name, where in _FAULTY.items() if where == (place, part)), "")
    delay = _LATE if fault == "late" else _DELAY
    row = _row(code, "rain", time, _NO_VALUE if fault == "no value" else mm, "mm", 60 // _PARTS, delay)
    again = {"twice": [row], "differs": [_row(code, "rain", time, mm + 5.0, "mm", 60 // _PARTS)]}
    return [row, *again.get(fault, [])]


def _parts(hourly: Ints, weights: Ints) -> Ints:
    """Each hour's tenths of a millimetre in parts by weight, in whole tenths that add up to it."""
    whole = np.cumsum(weights, axis=-1)
    upto = hourly[..., None] * whole // whole[..., -1:]
    return np.diff(upto, axis=-1, prepend=0)


def _water_readings(country: Country, sites: Sites, stages: list[Floats]) -> list[tuple[object, ...]]:
    """Under the bank before the storm, over it by the stage of the stream."""
    bank, codes = country.ground.height_m[sites.cells], water_codes(len(sites))
    rows: list[tuple[object, ...]] = []
    for hour in range(-_DRY_HOURS, HOURS + 1):
        over = stages[hour][sites.cells] if hour >= 0 else np.zeros(len(sites))
        level = np.round(bank + over - _FREEBOARD_M * np.maximum(1.0 - 3.0 * over, 0.0), 2)
        rows += [_row(code, "water_level", _time(hour), each, "m", None) for code, each in zip(codes, level.tolist(), strict=True)]
    return rows


def _row(
    code: str, variable: str, time: dt.datetime, value: float, unit: str, minutes: int | None, delay: dt.timedelta = _DELAY
) -> tuple[object, ...]:
    return code, variable, time.isoformat(), value, unit, minutes, (time + delay).isoformat()


def _time(hour: int) -> dt.datetime:
    return START + dt.timedelta(hours=hour)


def rain_cube(grid: Grid) -> Floats:
    """Rain of each hour 0 to 12 in every cell, in mm: hours x rows x columns; the hour ends at its number."""
    return np.stack([rain_mm(TONIGHT, hour, grid).reshape(grid.shape) for hour in range(HOURS + 1)])
