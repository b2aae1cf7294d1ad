"""Where a raster's cells lie, and what a raster is to the engine: a grid, and values by window with nan for unknown."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import pyproj
from numpy.typing import NDArray

from geo_risk.errors import ParameterError, shown

Numbers: TypeAlias = NDArray[np.float64]
Cells: TypeAlias = NDArray[np.int64]
OUTSIDE = -1


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Cells in straight rows and columns. Cell 0 has its corner at (``x``, ``y``); numbers run along the rows.

    ``dx`` is above 0; ``dy`` is below 0 where the first row is the northern one (as in most files), else above. Both
    are in the units of ``crs``. Rotated grids have no place here: warp them first.
    """

    crs: pyproj.CRS
    x: float
    y: float
    dx: float
    dy: float
    columns: int
    rows: int

    def __post_init__(self) -> None:
        sound = self.columns > 0 and self.rows > 0 and self.dx > 0 and self.dy != 0
        if not (sound and np.isfinite([self.x, self.y, self.dx, self.dy]).all()):
            raise ParameterError(
                "a grid needs cells of a size", where="Grid", expected="dx above 0, dy not 0, at least one row and column",
                got=f"dx {shown(self.dx)}, dy {shown(self.dy)}, {shown(self.columns)} x {shown(self.rows)}",
            )

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in the units of the CRS."""
        other = self.y + self.rows * self.dy
        return self.x, min(self.y, other), self.x + self.columns * self.dx, max(self.y, other)

    def cells_at(self, x: Numbers, y: Numbers) -> Cells:
        """The cell each point lies in, ``-1`` outside; a point on an edge belongs to the cell after it.

        Row = floor((y - y0) / dy), column = floor((x - x0) / dx). The far edges of the grid are outside.

        >>> grid = Grid(crs=pyproj.CRS(4326), x=100.0, y=10.0, dx=1.0, dy=-1.0, columns=3, rows=2)
        >>> grid.cells_at(np.array([100.0, 102.5, 103.0, np.nan]), np.array([10.0, 8.5, 9.0, 9.0])).tolist()
        [0, 5, -1, -1]
        """
        column, row = np.floor((x - self.x) / self.dx), np.floor((y - self.y) / self.dy)
        inside = (column >= 0) & (column < self.columns) & (row >= 0) & (row < self.rows)
        return np.where(inside, np.where(inside, row, 0) * self.columns + np.where(inside, column, 0), OUTSIDE).astype(np.int64)


class Raster(Protocol):
    """Values on a grid, read by window; nodata comes out as nan."""

    @property
    def grid(self) -> Grid:
        """Where the cells lie."""

    @property
    def block(self) -> tuple[int, int]:
        """Rows and columns that are read together at the least cost."""

    def read(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """The values of a window that lies within the grid, as (rows, columns) of float64; unknown is nan."""


@dataclass(frozen=True, kw_only=True)
class ArrayRaster:
    """A raster in memory: values of shape (rows, columns), nan for unknown."""

    grid: Grid
    values: Numbers

    @property
    def block(self) -> tuple[int, int]:
        """The whole."""
        return self.grid.rows, self.grid.columns

    def read(self, row: int, column: int, rows: int, columns: int) -> Numbers:
        """A view of the window."""
        return self.values[row : row + rows, column : column + columns]
