"""A raster of values as objects: a square for each cell, called by its row and column from 0."""

from typing import Annotated, Final

import geopandas as gpd
import numpy as np
import shapely
from pydantic import Field as Range

from api.use.scenarios._inputs import Inputs
from api.use.scenarios._scenario import FileName, Finite, Positive, Section, Text
from geo_risk.crs import WGS84
from geo_risk.errors import CrsError, ParameterError, shown
from geo_risk.hazard.grid import Grid, Numbers, Raster
from geo_risk.hazard.raster import open_raster, same_grid

_MOST: Final = 200_000


class ValueRaster(Section):
    """A raster of what stands in each cell: its value in money a cell times ``factor``, and one occupancy for all."""

    file: FileName
    band: Annotated[int, Range(ge=1, le=10_000)] = 1
    crs: Annotated[str, Range(pattern=r"^EPSG:\d{4,6}$")] | None = None
    nodata: Finite | None = None
    occupancy: Text
    factor: Positive = 1.0


def cells_of(section: ValueRaster, inputs: Inputs) -> tuple[Grid, gpd.GeoDataFrame]:
    """The raster's grid, and its cells in the order of the grid: ``occupancy``, ``max_damage``, a square in EPSG:4326.

    Raises
    ------
    ParameterError
        Too many cells for a row each.
    """
    path = inputs.raster_path(section.file)
    with open_raster(path, band=section.band, crs=section.crs, nodata=section.nodata) as raster:
        grid = raster.grid
        _require_few(grid, section.file)
        worth = raster.read(0, 0, grid.rows, grid.columns).ravel() * section.factor
    row, column = np.divmod(np.arange(grid.rows * grid.columns), grid.columns)
    west, north = grid.x + column * grid.dx, grid.y + row * grid.dy
    squares = gpd.GeoSeries(shapely.box(west, north, west + grid.dx, north + grid.dy), crs=grid.crs).to_crs(WGS84).array
    ids = [f"{down},{across}" for down, across in zip(row, column, strict=True)]
    told = {"occupancy": section.occupancy, "max_damage": worth}
    return grid, gpd.GeoDataFrame(told, geometry=squares, index=ids, crs=WGS84)


def depths_of_cells(depth: Raster, grid: Grid) -> Numbers:
    """The depth in each cell of the values.

    Raises
    ------
    CrsError
        The depths lie on other cells.
    """
    if not same_grid(depth.grid, grid):
        raise CrsError(
            "the hazard and the values do not lie on the same cells", where="value_raster", expected="one grid", got="two",
            then="warp one raster to the other's cells first",
        )
    return depth.read(0, 0, grid.rows, grid.columns).ravel()


def _require_few(grid: Grid, name: str) -> None:
    if grid.rows * grid.columns > _MOST:
        raise ParameterError(
            "the raster has too many cells for a row each", where=shown(name), expected=f"at most {_MOST:,}",
            got=f"{grid.rows * grid.columns:,}", then="cut it to the places that matter",
        )
