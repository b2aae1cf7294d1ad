"""Warning levels of areas from a cube of rain: the area's mean or its wettest cell, held to the same rules as gauges."""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj

from api.use.rain_watch import CubeRain, Ruled, Watched, names_of, provenance, windows_of
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.contacts import Contacts, area_contacts
from geo_risk.hazard.cubes import Cube, open_cube
from geo_risk.hazard.grid import OUTSIDE, Grid, Numbers
from geo_risk.hazard.rain import AREA_RULES, accumulate_cube, over_areas
from geo_risk.hazard.raster import to_grid
from geo_risk.model import Rule as Choice
from geo_risk.risk.warnings import area_levels, level_over_time

By: TypeAlias = Literal["area_mean", "max_cell"]
_MOST_VALUES: Final = 50_000_000
_MOST_SUMS: Final = 3_000_000
_MOST_SQUARES: Final = 20_000_000
_METRES_A_DEGREE: Final = 111_320.0
_PARTS: Final = 2.0  # squares to a reach: a cell's edge is then known to a quarter of the distance between centres
_EDGE: Final = 1e-6  # of an area's cells: less than this outside is rounding
_INTERVAL: Final = re.compile(r"interval:\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>hours?|hr|h|minutes?|min)\b")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Met:
    """Areas on the touched cells of a cube, numbered from 0; which cells these are, and how they were found."""

    contacts: Contacts
    cells: np.ndarray[tuple[int], np.dtype[np.int64]]
    said: str


def watch_cube(
    path: Path,
    areas: gpd.GeoDataFrame,
    ruled: Ruled,
    *,
    by: By = "area_mean",
    variable: str | None = None,
    step_h: float | None = None,
    mm_per_unit: float | None = None,
    crs: str | None = None,
    nodata: float | None = None,
    at: pd.Timestamp | None = None,
    zone: dt.tzinfo | None = None,
    inputs: Mapping[str, gpd.GeoDataFrame] = MappingProxyType({}),
    revision: int = 0,
) -> Watched:
    """The levels of areas (``name``, geometry in EPSG:4326) up to a moment, the last step's without one; told in a zone.

    A step is the rain of the ``step_h`` hours that end at its time; without them the interval that the file states, else
    the shortest time between two steps. Cells that are known by their centres alone are met through squares of half
    their reach, each of which belongs to the nearest centre.

    Raises
    ------
    ParameterError
        No rule of areas by that name, no step before the moment, a unit that is no depth of water, rules that are not of
        sums, or more values than are held in memory.
    """
    cube = open_cube(path, variable, crs=crs, nodata=nodata)
    _require(by, ruled, cube, mm_per_unit, path)
    moment = cube.times[-1] if at is None else at
    steps = int(np.searchsorted(cube.times.asi8, moment.tz_convert("UTC").as_unit(cube.times.unit).value, side="right"))
    hours, scale = step_h or _step_h(cube), cube.mm_per_unit if mm_per_unit is None else mm_per_unit
    met = _met(cube, areas)
    _require_bounded(steps, len(met.cells), len(areas), len(windows_of(ruled)), path)
    mm = cube.at_cells(met.cells)[:steps] * scale
    values = pd.concat(_sums(mm, cube.times[:steps], hours, ruled, met.contacts, by, areas.index))
    outside = _partly_outside(met.contacts, areas.index)
    zone = zone or moment.tz
    levels = level_over_time(
        values.assign(time=values["time"].dt.tz_convert(zone)), ruled.thresholds, **vars(ruled.falls),
        until=moment.tz_convert(zone),
    )
    return Watched(
        variable=ruled.variable, at=moment.tz_convert(zone), as_known_at=None, stations=levels.iloc[:0],
        areas=area_levels(levels, {str(area): [str(area)] for area in areas.index}), names=names_of(areas), placeless=(),
        moved_by_late=(), ruled=ruled, observations=None,
        cube=CubeRain(
            source=path.name, units=cube.units, steps=steps, first=cube.times[0].tz_convert(zone),
            last=cube.times[steps - 1].tz_convert(zone), step_h=hours, mm_per_unit=scale, by=by, cells=met.said,
            partly_outside=outside,
        ),
        provenance=provenance(ruled, _choices(by, met.said), inputs, revision),
    )  # fmt: skip


def _choices(by: str, said: str) -> tuple[Choice, ...]:
    return (Choice(id="area_by", chosen=by, options=AREA_RULES), Choice(id="cells", chosen=said))


def _met(cube: Cube, areas: gpd.GeoDataFrame) -> _Met:
    """The cells that areas meet: by exact shares of straight cells, else by the nearest centre of small squares."""
    if isinstance(cube.cells, Grid):
        found = area_contacts(cube.cells, to_grid(areas.geometry.to_numpy(), cube.cells))
        return _renumbered(found, found.cell, "exact shares of cells")
    grid = _squares(areas, cube.cells.reach_m)
    found = area_contacts(grid, to_grid(areas.geometry.to_numpy(), grid))
    row, column = np.divmod(found.cell, grid.columns)
    cells = cube.cells_at(grid.x + grid.dx * (column + 0.5), grid.y + grid.dy * (row + 0.5))
    return _renumbered(found, cells, f"the nearest centre on squares of {grid.dx:.4g} degrees")


def _renumbered(found: Contacts, cells: np.ndarray[tuple[int], np.dtype[np.int64]], said: str) -> _Met:
    """Contacts on the cells that are touched alone; what lies in no cell is left out, and stays part of the whole."""
    there = cells != OUTSIDE
    touched, place = np.unique(cells[there], return_inverse=True)
    contacts = Contacts(
        objects=found.objects, of=found.of[there], cell=place.astype(np.int64), amount=found.amount[there], whole=found.whole
    )
    return _Met(contacts=contacts, cells=touched, said=said)


def _squares(areas: gpd.GeoDataFrame, reach_m: float) -> Grid:
    """Squares of degrees over the areas, of half the reach of a centre."""
    west, south, east, north = areas.total_bounds
    size = reach_m / _PARTS / _METRES_A_DEGREE
    columns, rows = (max(1, int(np.ceil(length / size))) for length in (east - west, north - south))
    if rows * columns > _MOST_SQUARES:
        raise ParameterError(
            "the areas reach too far for the cells of the cube", where="cube", expected=f"at most {_MOST_SQUARES:,} squares",
            got=f"{rows * columns:,}", then="take fewer areas",
        )
    return Grid(crs=pyproj.CRS(4326), x=west, y=north, dx=size, dy=-size, columns=columns, rows=rows)


def _sums(
    mm: Numbers, ends: pd.DatetimeIndex, step_h: float, ruled: Ruled, contacts: Contacts, by: str, index: pd.Index
) -> Iterator[pd.DataFrame]:
    """Rain of every area in every window at every step."""
    names = index.astype(str)
    for sums in accumulate_cube(mm, ends, step_h, windows_of(ruled)):
        for step, end in enumerate(ends):
            found = over_areas(sums.mm_at_least[step], sums.missing_share[step], contacts, by)
            yield found.rename(columns={"mm_at_least": "value"}).assign(station=names, time=end, window_h=sums.window_h)


def _partly_outside(contacts: Contacts, index: pd.Index) -> tuple[str, ...]:
    """Areas of which a part lies in no cell of the cube."""
    inside = np.bincount(contacts.of, weights=contacts.amount, minlength=contacts.objects)
    return tuple(sorted(str(area) for area in index[~(inside >= contacts.whole * (1 - _EDGE))]))


def _step_h(cube: Cube) -> float:
    """Hours of a step as the file states them, else the shortest time between two."""
    stated = _INTERVAL.search(cube.cell_methods)
    if stated:
        return float(stated["number"]) / (60.0 if stated["unit"].startswith("m") else 1.0)
    if len(cube) < 2:
        raise ParameterError(
            "nothing says how long a step of the cube is", where="cube", expected="two steps, or an interval", got="one step",
            then="say the hours of a step",
        )
    return float(np.diff(cube.times.as_unit("ms").asi8).min()) / 3_600_000.0


def _require(by: str, ruled: Ruled, cube: Cube, mm_per_unit: float | None, path: Path) -> None:
    if by not in AREA_RULES:
        raise ParameterError("no such rule of areas", where="by", expected=" or ".join(AREA_RULES), got=shown(by))
    if any(rule.window_h is None for rule in ruled.thresholds):
        raise ParameterError("a cube holds rain alone", where="variable", expected="rain", got=shown(ruled.variable))
    if mm_per_unit is None and np.isnan(cube.mm_per_unit):
        raise ParameterError(
            "the cube's unit is no depth of water", where=shown(path.name), expected="mm, m or kg m-2", got=shown(cube.units),
            then="say how many millimetres a unit of a step is",
        )


def _require_bounded(steps: int, cells: int, areas: int, windows: int, path: Path) -> None:
    if not steps:
        raise ParameterError(
            "the cube has no step until then", where="at", expected="a moment not before its first step", got="one before",
        )
    if steps * cells > _MOST_VALUES or steps * areas * windows > _MOST_SUMS:
        raise ParameterError(
            "the cube is too large for these areas", where=shown(path.name),
            expected=f"at most {_MOST_VALUES:,} values and {_MOST_SUMS:,} sums",
            got=f"{steps * cells:,} and {steps * areas * windows:,}", then="cut it in time or to the areas",
        )
