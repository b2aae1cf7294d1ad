"""Values over time on one set of cells: rain and depth by the hour, from a NetCDF file or a list of rasters with a time each."""

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
import pyproj
import xarray
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from geo_risk.chunks import spans
from geo_risk.errors import CrsError, FileError, ParameterError, shown
from geo_risk.hazard import _netcdf
from geo_risk.hazard._raster_file import RasterLimits, local_file
from geo_risk.hazard.grid import OUTSIDE, ArrayRaster, Cells, Grid, Numbers
from geo_risk.hazard.raster import FileRaster, cells_of, known_crs, open_raster, same_grid, take

CALENDARS: Final = frozenset({"standard", "gregorian", "proleptic_gregorian"})
MM_OF_WATER: Final = {
    "mm": 1.0, "kg m-2": 1.0, "kg m^-2": 1.0, "kg m**-2": 1.0, "kg/m2": 1.0, "kg/m^2": 1.0, "cm": 10.0, "m": 1000.0,
}
"""Units that are a depth of water, and millimetres in one; a kilogram on a square metre stands 1 mm high."""
_LIMITS: Final = RasterLimits()
_IN_MEMORY: Final = 50_000_000  # cells of one step, 400 MB
_MORE: Final = 1.02  # four centres are seldom a rectangle, and never a flat one
_SLAB: Final = 8_000_000  # stored numbers read at a time for a series


@dataclass(frozen=True, kw_only=True)
class Centres:
    """Cells known by their centres alone, as those of a curvilinear grid; each point belongs to the nearest within reach."""

    lon: Numbers
    lat: Numbers
    reach_m: float

    def cells_at(self, lon: Numbers, lat: Numbers) -> Cells:
        """The flat cell with the nearest centre by the straight line, ``-1`` where none lies within ``reach_m``."""
        stated = np.flatnonzero(np.isfinite(self.lon) & np.isfinite(self.lat))
        tree = cKDTree(_earth_centred(self.lon.ravel()[stated], self.lat.ravel()[stated]))
        cells = np.full(len(lon), OUTSIDE, dtype=np.int64)
        known = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat))
        apart, nearest = tree.query(_earth_centred(lon[known], lat[known]), distance_upper_bound=np.nextafter(self.reach_m, np.inf))
        near = np.isfinite(apart)
        cells[known[near]] = stated[nearest[near]]
        return cells


@dataclass(frozen=True, kw_only=True, eq=False)
class Cube:
    """Values at ``times`` on one set of cells; made by `open_cube` and `cube_of_files`. Files are opened for each reading.

    Attributes
    ----------
    times : DatetimeIndex
        UTC, rising.
    units : str
        As stated; `mm_per_unit` says what one is in millimetres of water.
    cells : Grid or Centres
        Where the cells lie.
    shape : tuple of int
        Rows and columns.
    cell_methods : str
        CF's words on what a value is over its time ("time: sum (interval: 1 hr)"), empty if not stated.
    """

    times: pd.DatetimeIndex
    units: str
    cells: Grid | Centres
    shape: tuple[int, int]
    cell_methods: str = ""
    values: Callable[[int], Numbers] = field(repr=False)
    at_cells: Callable[[Cells], Numbers] = field(repr=False)

    def __len__(self) -> int:
        return len(self.times)

    @property
    def mm_per_unit(self) -> float:
        """Millimetres of water in one unit; nan where the unit is no depth of water (a rate, or not stated)."""
        return MM_OF_WATER.get(self.units.strip(), math.nan)

    def at(self, step: int, on: Grid | None = None) -> ArrayRaster:
        """The values of one step (from 0) as a raster in memory.

        Parameters
        ----------
        step : int
        on : Grid, optional
            Of EPSG:4326, to read cells that are known by their centres on straight rows and columns: the nearest each.

        Raises
        ------
        ParameterError
            No such step.
        CrsError
            The cells lie in no straight rows and columns and no grid is given.
        """
        self._require_step(step)
        if isinstance(self.cells, Grid) and on is None:
            return ArrayRaster(grid=self.cells, values=self.values(step))
        if on is None:
            raise CrsError("the cells lie in no straight rows and columns", where="Cube.at", expected="a grid to read them on",
                           got="none", then="give on=, a Grid of EPSG:4326")
        values = _picked(self.values(step), self.cells_at(*_centres_of(on)))
        return ArrayRaster(grid=on, values=values.reshape(on.rows, on.columns))

    def cells_at(self, lon: ArrayLike, lat: ArrayLike) -> Cells:
        """The flat cell of each point of EPSG:4326, ``-1`` outside (beyond the reach, for cells known by centres)."""
        east, north = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        return cells_of(self.cells, east, north) if isinstance(self.cells, Grid) else self.cells.cells_at(east, north)

    def series(self, lon: ArrayLike, lat: ArrayLike) -> pd.DataFrame:
        """The values at points over time: a row a time, a column a point (0, 1, 2 ...); nan where unknown or outside."""
        return pd.DataFrame(self.at_cells(self.cells_at(lon, lat)), index=self.times)

    def _require_step(self, step: int) -> None:
        if not 0 <= step < len(self.times):
            raise ParameterError("no such step", where="Cube.at", expected=f"0 to {len(self.times) - 1}", got=shown(step))


def open_cube(
    path: Path | str, variable: str | None = None, *, crs: object = None, nodata: float | None = None,
    reach_m: float | None = None, limits: RasterLimits = _LIMITS,
) -> Cube:
    """A NetCDF variable over time, latitude and longitude, with straight rows and columns or curvilinear.

    Parameters
    ----------
    path : path
        An ordinary file on this machine.
    variable : str, optional
        Where several lie on a map.
    crs, nodata, limits
        As in `open_raster`.
    reach_m : float, optional
        Of a curvilinear grid: how far from the nearest centre a point may lie. If not given, half the longest diagonal
        between neighbouring centres and a fiftieth more, so that no point between centres is lost; at the rim a point
        may then lie as far outside the outermost centres.

    Raises
    ------
    FileError
        As in `open_raster`; no time axis, another dimension besides, times that do not rise, a calendar with other days
        than ours.
    """
    file = local_file(path, "open_cube")
    with _netcdf.opened(file, limits) as dataset:
        found = _netcdf.field(dataset, variable, file, crs=known_crs(crs), nodata=nodata, limits=limits)
        times = _times(dataset, found)
        cells = found.grid or _centres(dataset, found, reach_m)
    return Cube(
        times=times, units=found.units, cells=cells, shape=found.shape, cell_methods=str(found.attrs.get("cell_methods", "")),
        values=lambda step: _step(file, found, step, limits), at_cells=lambda cells: _cells_over_time(file, found, cells, limits),
    )


def cube_of_files(
    files: Iterable[tuple[datetime, Path | str]], *, band: int = 1, variable: str | None = None, crs: object = None,
    nodata: float | None = None, limits: RasterLimits = _LIMITS,
) -> Cube:
    """Rasters of one grid with a time each, such as flood depth by the hour, in the order of their times.

    Parameters
    ----------
    files : iterable of (datetime, path)
        Times that say their zone.
    band, variable, crs, nodata, limits
        As in `open_raster`, the same for each file.

    Raises
    ------
    ParameterError
        No files, a time without a zone, or two of one time.
    CrsError
        A file whose cells are not the first one's.
    FileError
        As in `open_raster`; units that differ.
    """
    listed = sorted(((_in_utc(time), Path(path)) for time, path in files), key=lambda pair: pair[0])
    times = pd.DatetimeIndex([time for time, _ in listed])
    if not listed or times.has_duplicates:
        raise ParameterError(
            "a cube needs rasters of different times", where="cube_of_files", expected="one or more, each of its own time",
            got="two of one time" if listed else "none", then="leave one of them out",
        )
    paths = [path for _, path in listed]

    def opened(step: int) -> AbstractContextManager[FileRaster]:
        return open_raster(paths[step], band=band, variable=variable, crs=crs, nodata=nodata, limits=limits)

    grid, units = _agreed(opened, paths)
    return Cube(
        times=times, units=units, cells=grid, shape=(grid.rows, grid.columns),
        values=lambda step: _whole(opened, step), at_cells=lambda cells: _taken_of_each(opened, len(paths), cells),
    )


def _times(dataset: xarray.Dataset, found: _netcdf.Field) -> pd.DatetimeIndex:
    """The times of a field, in UTC as CF has it where no zone is stated."""
    axis = _time_axis(dataset, found)
    calendar = str(dataset[axis].attrs.get("calendar", "standard")).lower()
    if calendar not in CALENDARS:
        raise FileError("the calendar has other days than ours", where="open_cube", expected=", ".join(sorted(CALENDARS)),
                        got=shown(calendar), then="give the times anew in the standard calendar")
    try:
        times = pd.DatetimeIndex(xarray.decode_cf(dataset[[axis]].drop_attrs(deep=False))[axis].to_numpy())
    except (ValueError, OverflowError, ImportError, KeyError) as error:  # ImportError: dates that only cftime could hold
        raise FileError("the times cannot be read", where="open_cube", expected="a number of hours or days since a date",
                        got=shown(str(dataset[axis].attrs.get("units", "")))) from error
    if times.hasnans or not times.is_monotonic_increasing or times.has_duplicates:
        raise FileError("the times do not rise", where="open_cube", expected="each later than the one before", got="others",
                        then="sort the file by time and leave double ones out")
    return times.tz_localize("UTC")


def _time_axis(dataset: xarray.Dataset, found: _netcdf.Field) -> str:
    axes = [dim for dim in found.before if dim in dataset.variables and " since " in str(dataset[dim].attrs.get("units", ""))]
    others = [dim for dim in found.before if dim not in axes and dataset.sizes[dim] > 1]
    if len(axes) != 1 or others:
        raise FileError("the variable does not run over time alone", where="open_cube", expected="time, latitude and longitude",
                        got=f"{len(axes)} axes of time and {len(others)} of other kinds", then="take a step with open_raster")
    return axes[0]


def _centres(dataset: xarray.Dataset, found: _netcdf.Field, reach_m: float | None) -> Centres:
    stated = _netcdf.centres(dataset, found)
    if stated is None:
        raise FileError("the cells have no place", where="open_cube", expected="latitude and longitude of each cell", got="none")
    lon, lat = stated
    return Centres(lon=lon, lat=lat, reach_m=_MORE * _half_diagonal_m(lon, lat) if reach_m is None else reach_m)


def _half_diagonal_m(lon: Numbers, lat: Numbers) -> float:
    """Half the longest straight line between centres that are diagonal neighbours."""
    at = _earth_centred(lon.ravel(), lat.ravel()).reshape(*lon.shape, 3)
    apart = [at[1:, 1:] - at[:-1, :-1], at[1:, :-1] - at[:-1, 1:]]
    return max(float(np.nanmax(np.linalg.norm(way, axis=-1), initial=0.0)) for way in apart) / 2


def _earth_centred(lon: Numbers, lat: Numbers) -> Numbers:
    """Earth-centred metres of points on the WGS84 ellipsoid, shape (n, 3); nan where not known."""
    known = np.isfinite(lon) & np.isfinite(lat)
    places = np.full((len(lon), 3), np.nan)
    turn = pyproj.Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    places[known] = np.column_stack(turn.transform(lon[known], lat[known], np.zeros(int(known.sum()))))
    return places


def _centres_of(grid: Grid) -> tuple[Numbers, Numbers]:
    """Longitude and latitude in EPSG:4326 of the centres of a grid's cells, in their order."""
    x = grid.x + grid.dx * (np.arange(grid.columns) + 0.5)
    y = grid.y + grid.dy * (np.arange(grid.rows) + 0.5)
    to_lonlat = pyproj.Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_lonlat.transform(np.tile(x, grid.rows), np.repeat(y, grid.columns))
    return np.asarray(lon), np.asarray(lat)


def _step(file: Path, found: _netcdf.Field, step: int, limits: RasterLimits) -> Numbers:
    _require_in_memory(found.shape)
    with _netcdf.opened(file, limits) as dataset:
        at = _at(found, dataset, slice(step, step + 1))
        stored = _netcdf.read(dataset[found.name].variable, found, at, slice(None), slice(None), file)
        return found.packing.values(stored.reshape(found.shape))


def _cells_over_time(file: Path, found: _netcdf.Field, cells: Cells, limits: RasterLimits) -> Numbers:
    """Values of shape (times, cells), read in slabs of the rows and columns that hold the cells."""
    values = np.full((found.steps, len(cells)), np.nan)
    row, column = np.divmod(cells, found.shape[1])
    with _netcdf.opened(file, limits) as dataset:
        for band in spans(found.shape[0], max(1, _SLAB // found.shape[1])):
            here = np.flatnonzero((cells != OUTSIDE) & (row >= band.start) & (row < band.stop))
            if len(here):
                values[:, here] = _from_slabs(dataset, found, row[here], column[here], file)
    return values


def _from_slabs(dataset: xarray.Dataset, found: _netcdf.Field, row: Cells, column: Cells, file: Path) -> Numbers:
    """Values of shape (times, cells) of cells of some neighbouring rows."""
    down, across = (slice(int(at.min()), int(at.max()) + 1) for at in (row, column))
    height, width = down.stop - down.start, across.stop - across.start
    values = np.empty((found.steps, len(row)))
    for part in spans(found.steps, max(1, _SLAB // (height * width))):
        stored = _netcdf.read(dataset[found.name].variable, found, _at(found, dataset, part), down, across, file)
        slab = stored.reshape(part.stop - part.start, height, width)
        values[part] = found.packing.values(slab[:, row - down.start, column - across.start])
    return values


def _at(found: _netcdf.Field, dataset: xarray.Dataset, steps: slice) -> dict[str, slice]:
    """Those steps along the axis of time, and all (one) of whatever else lies before rows and columns."""
    return {dim: steps if dim == _time_axis(dataset, found) else slice(None) for dim in found.before}


def _agreed(opened: Callable[[int], AbstractContextManager[FileRaster]], paths: list[Path]) -> tuple[Grid, str]:
    with opened(0) as first:
        grid, units = first.grid, first.units
    for step in range(1, len(paths)):
        with opened(step) as other:
            if not same_grid(grid, other.grid):
                raise CrsError("a raster does not have the cells of the first", where="cube_of_files", expected="one grid for all",
                               got=shown(paths[step].name), then="resample it onto the first")
            if other.units != units:
                raise FileError("a raster has another unit than the first", where="cube_of_files", expected=shown(units),
                                got=f"{shown(other.units)} in {shown(paths[step].name)}", then="bring them to one unit")
    return grid, units


def _whole(opened: Callable[[int], AbstractContextManager[FileRaster]], step: int) -> Numbers:
    with opened(step) as raster:
        _require_in_memory((raster.grid.rows, raster.grid.columns))
        return raster.read(0, 0, raster.grid.rows, raster.grid.columns)


def _taken_of_each(opened: Callable[[int], AbstractContextManager[FileRaster]], steps: int, cells: Cells) -> Numbers:
    values = np.empty((steps, len(cells)))
    for step in range(steps):
        with opened(step) as raster:
            values[step] = take(raster, cells)
    return values


def _picked(values: Numbers, cells: Cells) -> Numbers:
    return np.where(cells == OUTSIDE, np.nan, values.ravel()[cells])


def _require_in_memory(shape: tuple[int, int]) -> None:
    if shape[0] * shape[1] > _IN_MEMORY:
        raise ParameterError("one step is too large to hold in memory", where="Cube.at", expected=f"at most {_IN_MEMORY:,} cells",
                             got=f"{shape[0] * shape[1]:,}", then="open_raster(path, band=step + 1) reads it by window")


def _in_utc(time: datetime) -> pd.Timestamp:
    stamp = pd.Timestamp(time)
    if pd.isna(stamp) or stamp.tzinfo is None:
        raise ParameterError("a time does not say its zone", where="cube_of_files", expected="an offset, as 2024-07-01T08:00+08:00",
                             got="none", then="add its zone")
    return stamp.tz_convert("UTC")
