"""Cells become what a cartographer would draw: paths bend softly, labels become areas with round borders.

Every step treats a point that two lines or areas share in the same way for both, so what met still meets.
"""

from collections.abc import Callable
from itertools import chain
from typing import Any, Final, TypeVar

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes, sieve

from layers._demo.grid import FINER, Floats, Grid, Ints, Mask, lonlat_points, noise

Shapes = NDArray[np.object_]
Crossing = Callable[[Ints, Ints], Floats]
"""For cells, and for their neighbours below or to the right: how far from one centre to the other the border is, 0 to 1."""
_Kind = TypeVar("_Kind", bound=np.generic)
_SOFTER: Final = 3
"""How often a path's places are moved to the mean of themselves and their neighbours: eight headings become all."""


def wander(rng: np.random.Generator, grid: Grid, metres: int) -> Floats:
    """For every cell where a line through it passes: off the centre by a draw, and by as much again that changes slowly."""
    strayed = [
        centre + rng.integers(-metres, metres + 1, grid.size) + 4.0 * metres * (noise(rng, grid.shape, 8, 2).ravel() - 0.5)
        for centre in grid.centres_m
    ]
    return np.stack(strayed, 1)


def eased(places: Floats, cells: Ints, before: Ints, after: Ints) -> Floats:
    """The places, those of ``cells`` drawn towards the middle between the cells that come before and after them."""
    found = places
    for _ in range(_SOFTER):
        moved = found.copy()
        moved[cells] = 0.5 * found[cells] + 0.25 * (found[before] + found[after])
        found = moved
    return found


def course(path: list[int], places: Floats, rounds: int = 2) -> Floats:
    """Points along the path's places with corners cut (Chaikin 1974): easting, northing, and how many cells along."""
    points = np.concatenate([places[path], np.arange(len(path), dtype=float)[:, None]], axis=1)
    for _ in range(rounds):
        points = _corners_cut(points)
    return points


def drawn(path: list[int], places: Floats) -> shapely.LineString:
    """The path as a line in longitude and latitude."""
    return shapely.LineString(lonlat_points(course(path, places)[:, :2]))


def drawn_all(paths: list[list[int]], places: Floats) -> Shapes:
    """Many paths so, in one pass."""
    courses = [course(path, places)[:, :2] for path in paths]
    line = np.repeat(np.arange(len(paths)), [len(points) for points in courses])
    return np.asarray(shapely.linestrings(lonlat_points(np.concatenate(courses)), indices=line), dtype=object)


def _corners_cut(points: Floats) -> Floats:
    if len(points) < 3:
        return points
    early = 0.75 * points[:-1] + 0.25 * points[1:]
    late = 0.25 * points[:-1] + 0.75 * points[1:]
    inner = np.stack([early, late], 1).reshape(-1, points.shape[1])[1:-1]
    return np.concatenate([points[:1], inner, points[-1:]])


def repeated(coarse: NDArray[_Kind]) -> NDArray[_Kind]:
    """Each cell's value in the finer cells that it is made of."""
    return np.repeat(np.repeat(coarse, FINER, axis=0), FINER, axis=1)


def outlined(
    label: NDArray[np.integer[Any]], grid: Grid, crossing: Crossing, *, least_cells: int, tolerance_m: float
) -> dict[int, shapely.Geometry]:
    """The area of each label above 0, in metres: specks given to what lies around them, borders smooth, shared exactly.

    A border crosses each line from cell to cell where ``crossing`` says, and goes straight from one such point to the
    next; between four cells' centres no two such lines cross. What simplifies them after that keeps a coverage a coverage.
    """
    used, top, left = _used(label.astype(np.int32).reshape(grid.shape))
    transform = grid.transform @ Affine.translation(left, top)
    numbers = sieve(used, least_cells, connectivity=4)
    found = [
        (int(value), outline["coordinates"])
        for outline, value in shapes(numbers, mask=numbers > 0, connectivity=4, transform=transform)
    ]
    if not found:
        return {}
    found.sort(key=lambda pair: pair[0])
    keys, part_of = np.unique([value for value, _ in found], return_inverse=True)
    rings = [ring for _, outline in found for ring in outline]
    points = np.array(list(chain.from_iterable(rings)))
    lines = shapely.linearrings(points, indices=np.repeat(np.arange(len(rings)), [len(ring) for ring in rings]))
    pieces = shapely.polygons(np.asarray(lines), indices=np.repeat(np.arange(len(found)), [len(outline) for _, outline in found]))
    # a corner at every cell: where an area's side is straight and two others meet along it, all three have the point
    stairs = np.asarray(shapely.segmentize(shapely.multipolygons(np.asarray(pieces), indices=part_of), grid.cell_m))
    simple = shapely.coverage_simplify(_drawn_through(stairs, _meetings(numbers), (top, left), grid, crossing), tolerance_m)
    return dict(zip(keys.tolist(), simple, strict=True))


def halfway(cells: Ints, _beyond: Ints) -> Floats:
    """The crossing of borders of which no more is known than which cells they part."""
    return np.full(len(cells), 0.5)


def _used(numbers: NDArray[np.int32]) -> tuple[NDArray[np.int32], int, int]:
    """The rows and columns that hold a label, and the numbers of the first of each."""
    rows, columns = np.flatnonzero(numbers.any(axis=1)), np.flatnonzero(numbers.any(axis=0))
    if not len(rows):
        return numbers[:1, :1], 0, 0
    top, left = int(rows[0]), int(columns[0])
    return np.ascontiguousarray(numbers[top : rows[-1] + 1, left : columns[-1] + 1]), top, left


def _meetings(numbers: NDArray[np.int32]) -> Mask:
    """Corners of cells where three borders or more meet: one row and one column more than there are cells."""
    framed = np.pad(numbers, 1)
    a, b, c, d = framed[:-1, :-1], framed[:-1, 1:], framed[1:, :-1], framed[1:, 1:]
    return np.asarray((a != b).astype(np.int8) + (b != d) + (d != c) + (c != a) >= 3)


def _drawn_through(stairs: Shapes, meetings: Mask, first: tuple[int, int], grid: Grid, crossing: Crossing) -> Shapes:
    """Every ring through the crossings on its sides, and through the corners where borders meet."""
    kind, points, (rings, *rest) = shapely.to_ragged_array(stairs)
    places = np.stack([(grid.north_m - points[:, 1]) / grid.cell_m, (points[:, 0] - grid.west_m) / grid.cell_m], 1)
    row, column = np.rint(places).astype(np.int64).T
    kept = meetings[row - first[0], column - first[1]]
    down, right = _crossed(0.5 * (places[:-1] + places[1:]), grid, crossing).T
    middles = np.stack([grid.west_m + right * grid.cell_m, grid.north_m - down * grid.cell_m], 1)
    both = np.stack([points[:-1], middles], 1).reshape(-1, 2)  # a corner, then the crossing on the side that it begins
    wanted = np.stack([kept[:-1], np.ones(len(middles), dtype=bool)], 1).ravel()
    wanted.reshape(-1, 2)[rings[1:-1] - 1] = False  # no side leads from one ring to the next
    ring_of = np.repeat(np.searchsorted(rings, np.arange(len(middles)), side="right") - 1, 2)[wanted]
    starts = np.searchsorted(ring_of, np.arange(len(rings)))
    corners = both[wanted]
    closed = np.insert(corners, starts[1:], corners[starts[:-1]], axis=0)
    return np.asarray(shapely.from_ragged_array(kind, closed, (starts + np.arange(len(starts)), *rest)))


def _crossed(middles: Floats, grid: Grid, crossing: Crossing) -> Floats:
    """The middles of cells' sides, in rows and columns, moved to where the border crosses between the two cells' centres."""
    cell, beyond = np.ceil(middles).astype(np.int64) - 1, np.floor(middles).astype(np.int64)
    both = (cell >= 0).all(axis=1) & (beyond < grid.shape).all(axis=1)
    part = np.full(len(middles), 0.5)
    part[both] = crossing(*(at[both] @ np.array([grid.columns, 1]) for at in (cell, beyond)))
    return middles + (part - 0.5)[:, None] * (beyond - cell)
