"""Paths over cells become lines a cartographer would draw: wandering a little, corners rounded, ends where they were."""

import numpy as np
import shapely

from layers._demo.grid import Floats, Grid, Ints, lonlat


def wander(rng: np.random.Generator, grid: Grid, metres: int) -> tuple[Ints, Ints]:
    """For every cell how far a line through it strays from the centre, east and north: one draw, shared by all lines."""
    return rng.integers(-metres, metres + 1, grid.size), rng.integers(-metres, metres + 1, grid.size)


def drawn(path: list[int], grid: Grid, stray: tuple[Ints, Ints]) -> shapely.LineString:
    """The path through its cells' strayed centres, corners cut twice (Chaikin 1974), in longitude and latitude."""
    x, y = grid.centres_m
    points = np.stack([x[path] + stray[0][path], y[path] + stray[1][path]], 1)
    for _ in range(2):
        points = _corners_cut(points)
    return shapely.LineString(np.stack(lonlat(points[:, 0], points[:, 1]), 1))


def _corners_cut(points: Floats) -> Floats:
    if len(points) < 3:
        return points
    early = 0.75 * points[:-1] + 0.25 * points[1:]
    late = 0.25 * points[:-1] + 0.75 * points[1:]
    inner = np.stack([early, late], 1).reshape(-1, 2)[1:-1]
    return np.concatenate([points[:1], inner, points[-1:]])
