"""The grid that the demo city is made on, and draws and noise that come out the same on every machine.

Everything is drawn as whole numbers from PCG64, and arithmetic on the way keeps to + - * / and square root, which
every machine rounds alike; heights end as whole millimetres, coordinates as 1e-6 degrees.
"""

from dataclasses import dataclass, replace
from functools import cache, cached_property
from typing import Final

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pyproj import Transformer

from geo_risk.crs import WGS84

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

CRS: Final = "EPSG:4549"
"""CGCS2000, 3-degree zone on 120 degrees east: metres."""

STEPS: Final = ((-1, 0), (0, 1), (1, 0), (0, -1), (-1, 1), (1, 1), (1, -1), (-1, -1))
"""Row and column steps to the eight neighbours: the four straight ones first."""

FINER: Final = 4
"""How many cells of the finer grid a cell is wide: two doublings."""


@dataclass(frozen=True)
class Grid:
    """Square cells, the first at the north-west; a cell's number is its row times ``columns`` plus its column."""

    rows: int = 360
    columns: int = 440
    cell_m: float = 250
    west_m: int = 420_000
    north_m: int = 3_221_000

    @property
    def shape(self) -> tuple[int, int]:
        """Rows, columns."""
        return self.rows, self.columns

    @property
    def size(self) -> int:
        """How many cells."""
        return self.rows * self.columns

    @property
    def cell_km2(self) -> float:
        """The area of a cell."""
        return self.cell_m * self.cell_m / 1e6

    @cached_property
    def finer(self) -> "Grid":
        """The same ground in cells a quarter as wide, to draw areas on."""
        return replace(self, rows=self.rows * FINER, columns=self.columns * FINER, cell_m=self.cell_m / FINER)

    @property
    def transform(self) -> Affine:
        """From column, row to metres, as rasterio takes it."""
        return Affine(self.cell_m, 0, self.west_m, 0, -self.cell_m, self.north_m)

    @cached_property
    def centres_m(self) -> tuple[Floats, Floats]:
        """Easting and northing of every cell's centre, flat."""
        row, column = np.divmod(np.arange(self.size), self.columns)
        return self.west_m + (column + 0.5) * self.cell_m, self.north_m - (row + 0.5) * self.cell_m

    def pairs(self, step: tuple[int, int]) -> tuple[Ints, Ints]:
        """All cells that have a neighbour in that direction, and those neighbours."""
        numbers = np.arange(self.size).reshape(self.shape)
        here, there = self.windows(step)
        return numbers[here].ravel(), numbers[there].ravel()

    def windows(self, step: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """The part of the grid that has a neighbour in that direction, and the part that those neighbours make."""
        down, right = step
        here = slice(max(0, -down), self.rows - max(0, down)), slice(max(0, -right), self.columns - max(0, right))
        there = slice(max(0, down), self.rows + min(0, down)), slice(max(0, right), self.columns + min(0, right))
        return here, there

    def cell_at(self, x_m: Floats, y_m: Floats) -> Ints:
        """The number of the cell that holds each point."""
        row = ((self.north_m - y_m) // self.cell_m).astype(np.int64)
        column = ((x_m - self.west_m) // self.cell_m).astype(np.int64)
        return row * self.columns + column


def lonlat(x_m: Floats, y_m: Floats) -> tuple[Floats, Floats]:
    """Longitude and latitude of points on the grid's plane, to 1e-6 degrees (a decimetre)."""
    lon, lat = _transformer().transform(x_m, y_m)
    return np.round(lon, 6), np.round(lat, 6)


def lonlat_points(points_m: Floats) -> Floats:
    """The same for rows of easting, northing, as `shapely.transform` hands them."""
    return np.stack(lonlat(points_m[:, 0], points_m[:, 1]), 1)


def metre_points(points: Floats) -> Floats:
    """Back from rows of longitude, latitude to the grid's plane."""
    return np.stack(_transformer().transform(points[:, 0], points[:, 1], direction="INVERSE"), 1)


@cache
def _transformer() -> Transformer:
    return Transformer.from_crs(CRS, WGS84, always_xy=True)


def draws(seed: int, theme: int) -> np.random.Generator:
    """The stream of draws of one theme, so that more draws in one change nothing in another."""
    return np.random.Generator(np.random.PCG64([seed, theme]))


def noise(rng: np.random.Generator, shape: tuple[int, int], wave: int, octaves: int) -> Floats:
    """Smooth noise of 0 to 1: lattices of whole draws ``wave`` cells apart, halved in wave and height an octave."""
    total, weight, weights = np.zeros(shape), 1.0, 0.0
    for _ in range(octaves):
        total += weight * _lattice(rng, shape, max(wave, 1))
        weights += weight
        weight, wave = weight / 2, wave // 2
    return total / weights


def doubled(coarse: Floats) -> Floats:
    """Each cell in four, by weights of 3 to 1 with its neighbours."""
    wide: Floats = np.pad(coarse, 1, mode="edge")
    tall = np.empty((2 * coarse.shape[0], wide.shape[1]))
    tall[0::2] = 0.75 * wide[1:-1] + 0.25 * wide[:-2]
    tall[1::2] = 0.75 * wide[1:-1] + 0.25 * wide[2:]
    fine = np.empty((2 * coarse.shape[0], 2 * coarse.shape[1]))
    fine[:, 0::2] = 0.75 * tall[:, 1:-1] + 0.25 * tall[:, :-2]
    fine[:, 1::2] = 0.75 * tall[:, 1:-1] + 0.25 * tall[:, 2:]
    return fine


def _lattice(rng: np.random.Generator, shape: tuple[int, int], wave: int) -> Floats:
    rows, columns = shape
    knots = rng.integers(0, 1001, size=(rows // wave + 2, columns // wave + 2)) / 1000.0
    row, row_part = _knot_and_part(rows, wave)
    column, column_part = _knot_and_part(columns, wave)
    top = knots[row][:, column] * (1 - column_part) + knots[row][:, column + 1] * column_part
    bottom = knots[row + 1][:, column] * (1 - column_part) + knots[row + 1][:, column + 1] * column_part
    return np.asarray(top * (1 - row_part[:, None]) + bottom * row_part[:, None], dtype=float)


def _knot_and_part(count: int, wave: int) -> tuple[Ints, Floats]:
    knot, rest = np.divmod(np.arange(count), wave)
    part = rest / wave
    return knot, part * part * (3 - 2 * part)
