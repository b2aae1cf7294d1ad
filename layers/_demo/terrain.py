"""The ground: ranges around a basin that opens to the east, worn by rivers until it looks like country."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import ndimage

from layers._demo.grid import Floats, Grid, Ints, Mask, doubled, draws, noise
from layers._demo.water import Flow, filled, flow

_COARSE_STEPS: Final = 26
_FINE_STEPS: Final = 3
_WEAR: Final = 0.075
_BASE_M: Final = 22.0


@dataclass(frozen=True)
class Ground:
    """Heights in whole millimetres without a pit, the city's own cells, and slope as rise over run."""

    grid: Grid
    height_mm: Ints
    inside: Mask
    slope: Floats
    plain: Floats

    @property
    def height_m(self) -> Floats:
        """Heights in metres, to the decimetre."""
        return np.round(self.height_mm / 1000.0, 1)


def make_ground(seed: int, grid: Grid) -> Ground:
    """Raise the ranges, and let rivers wear them until no pit is left."""
    rng = draws(seed, 1)
    radius, plain = _shape(rng, grid)
    rise = _rise(rng, grid, radius, plain)
    bumps = noise(rng, grid.shape, 48, 6)
    start = _BASE_M + 120.0 * rise + 40.0 * bumps * (1.0 - 0.7 * plain) + 0.25 * _from_east(grid)
    coarse = replace(grid, rows=grid.rows // 2, columns=grid.columns // 2, cell_m=grid.cell_m * 2)
    height = _worn(_halved(start), _halved(42.0 * rise + 0.15), _halved(plain), coarse, _COARSE_STEPS)
    fine = doubled(height.reshape(coarse.shape)) + (noise(rng, grid.shape, 8, 3) - 0.5) * (1.0 + 40.0 * np.clip(rise, 0, 1))
    height = _worn(fine, 3.0 * rise, plain, grid, _FINE_STEPS)
    height_mm = np.round(height * 1000).astype(np.int64)  # each cell still above its receiver: worn ground falls 2 cm a step
    inside = _largest_part(_off_the_edge(radius < 1.0).ravel(), grid)
    return Ground(grid, height_mm, inside, _slope(height_mm, grid), plain.ravel())


def _rise(rng: np.random.Generator, grid: Grid, radius: Floats, plain: Floats) -> Floats:
    """How fast the ground rises, 0 on the plain to about 1 in the ranges, highest along the border and on ridges."""
    ridges = 1.0 - np.abs(2.0 * noise(rng, grid.shape, 96, 4) - 1.0)
    rim = np.clip(1.0 - np.abs(radius - 0.98) / 0.55, 0.0, 1.0)
    patches = 0.5 + noise(rng, grid.shape, 40, 4)
    return np.clip(1.0 - plain, 0.0, 1.0) * (0.15 + 0.45 * rim + 0.55 * ridges * ridges) * patches


def _off_the_edge(mask: Mask) -> Mask:
    kept = np.zeros_like(mask)
    kept[4:-4, 4:-4] = mask[4:-4, 4:-4]
    return kept


def _halved(fine: Floats) -> Floats:
    return (fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]) / 4.0


def _shape(rng: np.random.Generator, grid: Grid) -> tuple[Floats, Floats]:
    """A distorted oval, 1 on the city's border; and how much a cell is plain, 0 to 1."""
    y, x = np.meshgrid(np.linspace(-1, 1, grid.rows), np.linspace(-1, 1, grid.columns), indexing="ij")
    bend_x, bend_y = (noise(rng, grid.shape, 110, 6) - 0.5 for _ in range(2))
    u, v = (x + 0.5 * bend_x) / 0.90, (y + 0.5 * bend_y) / 0.88
    u2, v2 = u * u, v * v
    ragged = noise(rng, grid.shape, 40, 5) - 0.5
    near_edge = np.clip(1.0 - np.minimum(1.0 - np.abs(x), 1.0 - np.abs(y)) / 0.14, 0.0, 1.0)
    radius = np.sqrt(np.sqrt(u2 * u2 + v2 * v2 + 0.8 * u2 * v2)) + 0.34 * ragged + 0.45 * near_edge
    axis = 0.10 + 0.30 * x - 0.25 * x * x + 1.5 * bend_y
    width = 0.05 + 0.07 * (x + 1.0) + 0.24 * (noise(rng, grid.shape, 50, 4) - 0.4)
    across = np.abs(y - axis) / np.maximum(width, 0.03)
    along = np.clip((x + 0.72) / 0.35, 0.0, 1.0)
    return radius, np.clip(1.6 - across, 0.0, 1.0) * along


def _from_east(grid: Grid) -> Floats:
    return np.tile(np.arange(grid.columns)[::-1] * (grid.cell_m / 1000.0), (grid.rows, 1))


def _worn(height: Floats, lift: Floats, plain: Floats, grid: Grid, steps: int) -> Floats:
    """Wear by rivers, the heights solved from the outlet upwards (Braun and Willett 2013, Geomorphology 180), by levels."""
    now = filled(np.round(height.ravel() * 1000).astype(np.int64), grid) / 1000.0
    ones = np.full(grid.size, grid.cell_km2 / 0.0625)
    lowest = _BASE_M + 240.0 * (1.0 - plain.ravel())
    for _ in range(steps):
        tree = flow(now, grid)
        now = _one_step(now + lift.ravel(), lowest, _WEAR * np.sqrt(tree.gathered(ones)), tree)
    return now


def _one_step(height: Floats, lowest: Floats, wear: Floats, tree: Flow) -> Floats:
    outlets = tree.levels[0]
    height[outlets] = np.minimum(height[outlets], lowest[outlets])
    for cells in tree.levels[1:]:
        below = height[tree.receiver[cells]]
        height[cells] = np.maximum((height[cells] + wear[cells] * below) / (1.0 + wear[cells]), below + 0.02)
    return height


def _slope(height_mm: Ints, grid: Grid) -> Floats:
    down, right = np.gradient(height_mm.reshape(grid.shape) / 1000.0, grid.cell_m)
    return np.asarray(np.sqrt(down * down + right * right).ravel(), dtype=float)


def _largest_part(mask: Mask, grid: Grid) -> Mask:
    parts, _ = ndimage.label(mask.reshape(grid.shape))
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray(ndimage.binary_fill_holes(parts == sizes.argmax()).ravel(), dtype=bool)
