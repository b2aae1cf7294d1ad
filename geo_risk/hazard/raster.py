"""Raster files as rasters of the engine, and values at many places from few reads: each touched block is read once."""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pyproj
import shapely
from numpy.typing import ArrayLike, NDArray
from pyproj.exceptions import CRSError

from geo_risk.chunks import over_spans, spans, threads
from geo_risk.crs import WGS84, require_metric
from geo_risk.errors import CrsError, FileError, ParameterError, shown
from geo_risk.hazard._geotiff import GeoTiff, Look
from geo_risk.hazard._netcdf import NetCdf, field, opened, require_step
from geo_risk.hazard._raster_file import AS_IT_IS, Packing, RasterLimits, kind_of, local_file
from geo_risk.hazard._tile_kernel import by_block, cells_at
from geo_risk.hazard.grid import OUTSIDE, Cells, Grid, Numbers, Raster

__all__ = [
    "FileRaster", "RasterLimits", "cell_areas_m2", "cells_of", "known_crs", "open_raster", "same_grid", "sample_points", "take",
    "to_grid", "together", "windows",
]

SAME: Final = 0.01
_SMALLEST_READ: Final = 65_536  # cells; smaller blocks are read several at a time
_WINDOW_CELLS: Final = 2**20
_POINTS_AT_ONCE: Final = 131_072
_LIMITS: Final = RasterLimits()
_LONLAT: Final = (pyproj.CRS(4326), pyproj.CRS(4490))


class _Source(Protocol):
    masked: bool
    dtype: np.dtype[Any]
    block: tuple[int, int]

    def stored(self, row: int, column: int, rows: int, columns: int) -> NDArray[Any]: ...
    def hidden(self, row: int, column: int, rows: int, columns: int) -> NDArray[np.bool_]: ...
    def close(self) -> None: ...


class FileRaster:
    """One band of a file, a `Raster`; made by `open_raster`, readable inside its ``with`` block, from several threads.

    Attributes
    ----------
    grid : Grid
    block : tuple of int
        Rows and columns that are read together: the file's own blocks, or several of them where they are small.
    units : str
        As the file states them, empty if it does not.
    """

    def __init__(self, grid: Grid, packing: Packing, units: str, source: _Source) -> None:
        self.grid, self.units, self._packing, self._source = grid, units, packing, source
        self.block = _block(grid, source.block)

    def read(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """The values of a window that lies within the grid, as (rows, columns) of float64; unknown is nan."""
        _require_window(self.grid, row, column, rows, columns)
        values = self._packing.values(self._source.stored(row, column, rows, columns))
        if self._source.masked:
            values[self._source.hidden(row, column, rows, columns)] = np.nan
        return values

    def take(self, cells: Cells) -> Numbers:
        """The values of flat cells; see `take`. Numbers stay in the stored type until those asked for are picked."""
        if self._source.masked:
            return _taken(self, cells, lambda: nullcontext(self.read), np.dtype(np.float64), AS_IT_IS)
        reader = self._source.reader if isinstance(self._source, GeoTiff) else lambda: nullcontext(self._source.stored)
        return _taken(self, cells, reader, self._source.dtype, self._packing)


@contextmanager
def open_raster(
    path: Path | str, *, band: int = 1, variable: str | None = None, crs: object = None, nodata: float | None = None,
    limits: RasterLimits = _LIMITS,
) -> Iterator[FileRaster]:
    """A GeoTIFF, COG or NetCDF file, for reading by window.

    Which kind a file is, its first bytes say and never its name. GDAL opens GeoTIFF with that one driver, looks at no
    file beside the one named, and keeps 32 MB of blocks; NetCDF is read by xarray and never by GDAL.

    Parameters
    ----------
    path : path
        An ordinary file on this machine.
    band : int
        From 1. Of a NetCDF variable: the step along what lies before rows and columns (time, level).
    variable : str, optional
        Of NetCDF, where several lie on a map.
    crs : anything pyproj reads, optional
        What the file's CRS is, where it states none or a wrong one. NetCDF in degrees without a grid mapping is read as EPSG:4326.
    nodata : float, optional
        The stored number that means unknown, instead of what the file says. nan and infinity are always unknown; so is
        what the file's mask or alpha band hides, and in NetCDF what lies outside the stated valid range.
    limits : RasterLimits

    Yields
    ------
    FileRaster
        Values with the file's scale and offset applied.

    Raises
    ------
    FileError
        Not there, of another kind, broken, complex, no such band or variable, or more promised than the file can hold.
    CrsError
        No CRS, no place, or a rotated grid.

    Examples
    --------
    >>> with open_raster("/vsicurl/depth.tif") as depth:
    ...     pass
    Traceback (most recent call last):
    geo_risk.errors.FileError: no such raster file; where: open_raster; expected: an ordinary file on this machine, not an \
address or a /vsi path; got: depth.tif; next: check the path, or fetch the file first
    """
    file = local_file(path, "open_raster")
    known = known_crs(crs)
    if kind_of(file, "open_raster") == "geotiff":
        tiff = GeoTiff(file, band)
        try:
            grid, packing, units = tiff.described(known, nodata, limits)
            yield FileRaster(grid, packing, units, tiff)
        finally:
            tiff.close()
        return
    with opened(file, limits) as dataset:
        found = field(dataset, variable, file, crs=known, nodata=nodata, limits=limits)
        source = NetCdf(dataset, found, require_step(band, found.steps), file)
        yield FileRaster(_regular(found.grid), found.packing, found.units, source)


def take(raster: Raster, cells: Cells) -> Numbers:
    """The values of flat cells (as `Grid.cells_at` gives them), nan for ``-1`` and where unknown.

    Cells are sorted by block, each touched block is read once, and blocks are shared out over all cores. Memory is a
    block a core and some 40 bytes a cell asked for, whatever the raster's size.

    Raises
    ------
    ParameterError
        A cell below -1, or beyond the last of the grid.

    Examples
    --------
    >>> from geo_risk.hazard.grid import ArrayRaster
    >>> grid = Grid(crs=pyproj.CRS(4326), x=100.0, y=10.0, dx=1.0, dy=-1.0, columns=2, rows=1)
    >>> take(ArrayRaster(grid=grid, values=np.array([[0.5, np.nan]])), np.array([0, 1, -1, 0])).tolist()
    [0.5, nan, nan, 0.5]
    """
    _require_cells(raster.grid, cells)
    if isinstance(raster, FileRaster):
        return raster.take(cells)
    return _taken(raster, cells, lambda: nullcontext(raster.read), np.dtype(np.float64), AS_IT_IS)


def sample_points(raster: Raster, lon: ArrayLike, lat: ArrayLike) -> Numbers:
    """The value of the cell that each point lies in; nan outside, where unknown, and for points that have no place.

    Parameters
    ----------
    raster : Raster
    lon, lat : array_like of float
        Degrees in EPSG:4326, of one length.

    Examples
    --------
    >>> from geo_risk.hazard.grid import ArrayRaster
    >>> grid = Grid(crs=pyproj.CRS(4326), x=0.0, y=10.0, dx=180.0, dy=-20.0, columns=2, rows=1)
    >>> raster = ArrayRaster(grid=grid, values=np.array([[1.0, 2.0]]))
    >>> sample_points(raster, [10.0, -10.0, 10.0, np.nan], [0.0, 0.0, 20.0, 0.0]).tolist()  # longitudes 0 to 360
    [1.0, 2.0, nan, nan]
    """
    return take(raster, cells_of(raster.grid, lon, lat))


def cells_of(grid: Grid, lon: ArrayLike, lat: ArrayLike) -> Cells:
    """The cell each point of EPSG:4326 lies in, ``-1`` outside; longitudes are turned by 360 where the grid's run so.

    Raises
    ------
    ParameterError
        Longitudes and latitudes differ in shape.
    """
    east, north = np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
    if east.ndim != 1 or east.shape != north.shape:
        raise ParameterError("longitudes and latitudes differ in shape", where="cells_of", expected="two arrays of one length",
                             got=f"{east.shape} and {north.shape}", then="give one of each for every point")
    parts = over_spans(lambda part: _cells_of(grid, east[part], north[part]), spans(len(east), _POINTS_AT_ONCE))
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def to_grid(shapes: ArrayLike, grid: Grid) -> NDArray[np.object_]:
    """Geometries of EPSG:4326 in the CRS of the grid, vertex by vertex; ``None`` stays.

    On a grid of degrees that runs from 0 to 360 a shape west of it is moved east by 360 as a whole; one that crosses
    the grid's seam stays where it is, so that the part beyond the seam is outside. A shape with a vertex that has no
    place in the CRS becomes ``None``: unknown, never a wrong place.

    >>> grid = Grid(crs=pyproj.CRS(4326), x=0.0, y=90.0, dx=1.0, dy=-1.0, columns=360, rows=180)
    >>> to_grid([shapely.Point(-80, 35), None], grid).tolist()
    [<POINT (280 35)>, None]
    """
    given = np.asarray(shapes, dtype=object)
    if _is_lonlat(grid.crs):
        return _turned(given, grid)
    into = _into(grid.crs)
    moved: NDArray[np.object_] = shapely.transform(given, lambda places: np.column_stack(into.transform(*places.T)))
    placed = np.isfinite(shapely.bounds(moved)).all(axis=-1) | shapely.is_empty(given)
    moved[~placed] = None
    return moved


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether two grids have the same cells: one CRS, as many rows and columns, all corners within a hundredth of a cell.

    >>> grid = Grid(crs=pyproj.CRS(4326), x=100.0, y=10.0, dx=0.1, dy=-0.1, columns=300, rows=200)
    >>> from dataclasses import replace
    >>> same_grid(grid, replace(grid, x=100.0009)), same_grid(grid, replace(grid, dx=0.10001))
    (True, False)
    """
    if (one.rows, one.columns) != (other.rows, other.columns) or not one.crs.equals(other.crs, ignore_axis_order=True):
        return False
    far = [np.array([grid.x, grid.x + grid.columns * grid.dx]) for grid in (one, other)]
    deep = [np.array([grid.y, grid.y + grid.rows * grid.dy]) for grid in (one, other)]
    return bool((abs(far[0] - far[1]) <= SAME * one.dx).all() and (abs(deep[0] - deep[1]) <= SAME * abs(one.dy)).all())


def windows(raster: Raster, rows: int | None = None) -> Iterator[tuple[int, Numbers]]:
    """The raster from first row to last: the number of the first row, and values of shape (up to ``rows``, columns).

    Without ``rows``: whole blocks, and about a million cells at a time.

    >>> from geo_risk.hazard.grid import ArrayRaster
    >>> grid = Grid(crs=pyproj.CRS(4326), x=0.0, y=3.0, dx=1.0, dy=-1.0, columns=1, rows=3)
    >>> [(first, part.ravel().tolist()) for first, part in windows(ArrayRaster(grid=grid, values=np.ones((3, 1))), 2)]
    [(0, [1.0, 1.0]), (2, [1.0])]
    """
    size = _window_rows(raster) if rows is None else rows
    if size < 1:
        raise ParameterError("a window needs rows", where="windows", expected="1 or more", got=shown(rows))
    for part in spans(raster.grid.rows, size):
        yield part.start, raster.read(part.start, 0, part.stop - part.start, raster.grid.columns)


def together(one: Raster, other: Raster, rows: int | None = None) -> Iterator[tuple[int, Numbers, Numbers]]:
    """Two rasters with the same cells, side by side as `windows`: first row, values of the one, values of the other.

    Raises
    ------
    CrsError
        Their cells differ; see `same_grid`.
    """
    if not same_grid(one.grid, other.grid):
        raise CrsError("the rasters do not have the same cells", where="together", expected=_told(one.grid), got=_told(other.grid),
                       then="resample one onto the other, or sample it at the other's cell centres")
    size = rows if rows is not None else max(_window_rows(one), _window_rows(other))
    for (first, values), (_, others) in zip(windows(one, size), windows(other, size), strict=True):
        yield first, values, others


def cell_areas_m2(grid: Grid) -> Numbers:
    """The area of one cell of each row in square metres, shape (rows,).

    In degrees, on the ellipsoid of the CRS with half axis a and eccentricity e, between the latitudes of the row's edges:

        area = dx a^2 / 2 (q(north) - q(south)),
        q(lat) = (1 - e^2) (s / (1 - e^2 s^2) - ln((1 - e s) / (1 + e s)) / (2 e)),    s = sin(lat)

    Snyder (1987), Map projections: a working manual, USGS Professional Paper 1395, equation 3-12. What lies beyond a
    pole has no area. In a projected CRS: dx |dy|, as if the projection kept areas (UTM is within 0.2 % in its zone).

    Raises
    ------
    CrsError
        Neither degrees nor metres, or Web Mercator.

    Examples
    --------
    >>> world = Grid(crs=pyproj.CRS(4326), x=-180.0, y=90.0, dx=360.0, dy=-90.0, columns=1, rows=2)
    >>> (cell_areas_m2(world) / 1e12).round(3).tolist()
    [255.033, 255.033]
    """
    if not grid.crs.is_geographic:
        require_metric(grid.crs, "cell_areas_m2")
        return np.full(grid.rows, grid.dx * abs(grid.dy))
    edges = np.radians(np.clip(grid.y + grid.dy * np.arange(grid.rows + 1), -90.0, 90.0))
    return np.abs(np.diff(_authalic_m2(edges, grid.crs))) * math.radians(grid.dx)


def _authalic_m2(latitude: Numbers, crs: pyproj.CRS) -> Numbers:
    """Area from the equator to a latitude for one radian of longitude: a^2 q / 2."""
    ellipsoid = crs.ellipsoid
    a, b = (ellipsoid.semi_major_metre, ellipsoid.semi_minor_metre) if ellipsoid else (math.nan, math.nan)
    e = math.sqrt(1.0 - (b / a) ** 2)
    s = np.sin(latitude)
    if e == 0.0:
        return np.asarray(a**2 * s)
    return np.asarray(a**2 / 2 * (1.0 - e**2) * (s / (1.0 - (e * s) ** 2) + np.arctanh(e * s) / e))


def _taken(
    raster: Raster, cells: Cells, reader: Callable[[], AbstractContextManager[Look]], dtype: np.dtype[Any], packing: Packing
) -> Numbers:
    """Values of cells by one look at each touched block."""
    grid, (rows, columns) = raster.grid, raster.block
    order, within, starts = by_block(np.ascontiguousarray(cells, dtype=np.int64), grid.columns, grid.rows, rows, columns)
    touched = np.flatnonzero(np.diff(starts))
    picked = np.empty(len(order), dtype=dtype)
    across = -(-grid.columns // columns)

    def pick(part: slice) -> None:
        with reader() as look:
            for block in touched[part]:
                row, column = int(block) // across * rows, int(block) % across * columns
                window = look(row, column, min(rows, grid.rows - row), min(columns, grid.columns - column))
                run = slice(starts[block], starts[block + 1])
                picked[run] = window.reshape(-1)[within[run]]

    over_spans(pick, spans(len(touched), -(-len(touched) // (4 * threads())) or 1))
    values = np.full(len(cells), np.nan)
    values[order] = packing.values(picked)
    return values


def _block(grid: Grid, stored: tuple[int, int]) -> tuple[int, int]:
    """The file's blocks, or as many of them side by side and one below the other as make a read worth while."""
    rows, columns = min(stored[0], grid.rows), min(stored[1], grid.columns)
    wide = min(columns * max(1, _SMALLEST_READ // (rows * columns)), grid.columns) if columns < 256 else columns
    tall = min(rows * max(1, _SMALLEST_READ // (rows * wide)), grid.rows)
    return tall, wide


def _window_rows(raster: Raster) -> int:
    block = raster.block[0]
    return max(1, _WINDOW_CELLS // (raster.grid.columns * block)) * block


def _cells_of(grid: Grid, lon: Numbers, lat: Numbers) -> Cells:
    x, y = np.ascontiguousarray(lon), np.ascontiguousarray(lat)
    if not _is_lonlat(grid.crs):
        known = np.isfinite(lon) & np.isfinite(lat)
        x, y = _into(grid.crs).transform(np.where(known, lon, np.nan), np.where(known, lat, np.nan))
    found = np.empty(len(x), dtype=np.int64)
    cells_at(x, y, grid.x, grid.y, grid.dx, grid.dy, grid.columns, grid.rows, grid.crs.is_geographic, found)
    return found


def _turned(shapes: NDArray[np.object_], grid: Grid) -> NDArray[np.object_]:
    """Shapes that lie wholly west or east of a grid of degrees, moved by whole turns to where it lies."""
    bounds = shapely.bounds(shapes)
    west, east = bounds[..., 0], bounds[..., 2]
    turns = np.where(east < grid.x, np.ceil((grid.x - east) / 360.0), -np.floor(np.maximum(west - grid.x, 0.0) / 360.0))
    turned = shapes.copy()
    for turn in np.unique(turns[np.isfinite(turns) & (turns != 0)]):
        turned[turns == turn] = shapely.transform(shapes[turns == turn], _east_by(360.0 * turn))
    return turned


def _east_by(degrees: float) -> Callable[[Numbers], Numbers]:
    return lambda places: places + np.array([degrees, 0.0])


def _is_lonlat(crs: pyproj.CRS) -> bool:
    """EPSG:4326, or 4490, whose numbers are the same."""
    return any(crs.equals(known, ignore_axis_order=True) for known in _LONLAT)


@lru_cache(maxsize=32)
def _into(crs: pyproj.CRS) -> pyproj.Transformer:
    """From EPSG:4326 in the order longitude, latitude; pyproj keeps one of its own for each thread."""
    return pyproj.Transformer.from_crs(WGS84, crs, always_xy=True)


def known_crs(given: object) -> pyproj.CRS | None:
    """The CRS that is meant, none for none; `CrsError` for what pyproj does not know."""
    if given is None:
        return None
    try:
        return pyproj.CRS.from_user_input(given)
    except CRSError as error:
        raise CrsError("no such CRS", where="open_raster", expected="EPSG:32648, or WKT", got=shown(given)) from error


def _regular(grid: Grid | None) -> Grid:
    if grid is None:
        raise FileError(
            "the cells lie in no straight rows and columns", where="open_raster",
            expected="latitude and longitude of one dimension", got="of two", then="open_cube reads it by the nearest cell",
        )
    return grid


def _require_window(grid: Grid, row: int, column: int, rows: int, columns: int) -> None:
    if not (0 <= row <= row + rows <= grid.rows and 0 <= column <= column + columns <= grid.columns and rows and columns):
        raise ParameterError(
            "the window does not lie within the raster", where="FileRaster.read", expected=f"within {grid.rows} x {grid.columns}",
            got=f"{shown(rows)} x {shown(columns)} at row {shown(row)}, column {shown(column)}",
        )


def _require_cells(grid: Grid, cells: Cells) -> None:
    count = grid.rows * grid.columns
    if cells.ndim != 1 or cells.dtype.kind not in "iu" or (len(cells) and not (cells.min() >= OUTSIDE and cells.max() < count)):
        raise ParameterError("cells are not of this grid", where="take", expected=f"a line of whole numbers, -1 to {count - 1}",
                             got="others", then="use Grid.cells_at or cells_of of the same raster")


def _told(grid: Grid) -> str:
    return f"{grid.rows} x {grid.columns} of {grid.dx:.9g} x {grid.dy:.9g} at {grid.x:.9g}, {grid.y:.9g}"
