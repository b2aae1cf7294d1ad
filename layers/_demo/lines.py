"""Cells become what a cartographer would draw: paths wander a little and have round corners, labels become outlines."""

import numpy as np
import shapely
from rasterio.features import shapes

from layers._demo.grid import Floats, Grid, Ints, lonlat_points


def wander(rng: np.random.Generator, grid: Grid, metres: int) -> tuple[Ints, Ints]:
    """For every cell how far a line through it strays from the centre, east and north: one draw, shared by all lines."""
    return rng.integers(-metres, metres + 1, grid.size), rng.integers(-metres, metres + 1, grid.size)


def drawn(path: list[int], grid: Grid, stray: tuple[Ints, Ints]) -> shapely.LineString:
    """The path through its cells' strayed centres, corners cut twice (Chaikin 1974), in longitude and latitude."""
    x, y = grid.centres_m
    points = np.stack([x[path] + stray[0][path], y[path] + stray[1][path]], 1)
    for _ in range(2):
        points = _corners_cut(points)
    return shapely.LineString(lonlat_points(points))


def outlines(label: Ints, grid: Grid) -> dict[int, list[shapely.Polygon]]:
    """The outlines of the cells of each label above 0, in metres, a corner at every cell.

    The corners matter: areas that meet in the middle of another's straight side must share the point, or
    `shapely.coverage_simplify` does not know them for neighbours.
    """
    numbers = label.astype(np.int32).reshape(grid.shape)
    found: dict[int, list[shapely.Polygon]] = {}
    for outline, value in shapes(numbers, mask=numbers > 0, connectivity=4, transform=grid.transform):
        shell, *holes = outline["coordinates"]
        found.setdefault(int(value), []).append(shapely.segmentize(shapely.Polygon(shell, holes), grid.cell_m))
    return found


def _corners_cut(points: Floats) -> Floats:
    if len(points) < 3:
        return points
    early = 0.75 * points[:-1] + 0.25 * points[1:]
    late = 0.25 * points[:-1] + 0.75 * points[1:]
    inner = np.stack([early, late], 1).reshape(-1, 2)[1:-1]
    return np.concatenate([points[:1], inner, points[-1:]])
