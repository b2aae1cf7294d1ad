"""Which cells each object meets and how much: exact shares of area, lengths, points; and sums of values over them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from geo_risk.areas import Shapes, coordinates_of, has_shape, repaired
from geo_risk.chunks import over_spans, threads
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard._coverage_kernel import CENTRE, COVERED, LENGTH, TOUCHED, spread_out, walk
from geo_risk.hazard._simple_kernel import FEW_CORNERS, simple
from geo_risk.hazard._tally_kernel import KNOWN, LARGEST, SMALLEST, SUM, UNKNOWN, nothing_yet, tally
from geo_risk.hazard._window_kernel import FEW_CELLS, cover, windows
from geo_risk.hazard.grid import Cells, Grid, Numbers

CellRule: TypeAlias = Literal["covered", "centre", "touched"]
MAX_CONTACTS: Final = 50_000_000
_KINDS: Final = {"covered": COVERED, "centre": CENTRE, "touched": TOUCHED}
_LINE: Final = 1
_POLYGON: Final = 3
_POINTS, _LINES, _AREAS = (0, 4), (_LINE, 5), (_POLYGON, 6)
_Found: TypeAlias = tuple[Cells, Cells, Cells, Numbers]
_Walked: TypeAlias = tuple[Cells, Cells, Cells, Numbers, Numbers]
_Offsets: TypeAlias = tuple[Cells, Cells, Cells]
_CELLS_AT_ONCE: Final = 4_000_000
_AT_LEAST: Final = 4_000  # objects a thread: below that a second one costs more than it saves
_FARTHEST: Final = 1e100  # beyond it products of coordinates are no numbers
_ROUNDING: Final = 1e-8  # of an object: an outside part below this is rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class Contacts:
    """Objects and the cells they meet, sorted by object, then cell.

    ``of`` counts the objects given, from 0. ``amount`` is, for areas, the share of the cell's area that the object
    covers, 0 to 1; for lines the length inside the cell in the units of the CRS; for points 1. ``whole`` is the whole
    measure of each object in the same unit (areas: cells), so ``whole`` less the sum of its amounts lies outside the
    grid. It is 0 for an object without a shape of the kind asked for, and nan for one too intricate to measure.
    """

    objects: int
    of: Cells
    cell: Cells
    amount: Numbers
    whole: Numbers

    def __len__(self) -> int:
        return len(self.cell)


@dataclass(frozen=True, kw_only=True, eq=False)
class Runs:
    """Contacts with stretches of cells in one row that have the same amount kept as one: first cell and how many.

    A town of a million cells has some thousand runs. Whatever takes contacts to sum over takes runs too.
    """

    objects: int
    of: Cells
    first: Cells
    length: Cells
    amount: Numbers
    whole: Numbers

    def __len__(self) -> int:
        return int(self.length.sum())

    def contacts(self) -> Contacts:
        """Each cell by itself.

        Raises
        ------
        ParameterError
            More than 50 million cells.
        """
        if len(self) > MAX_CONTACTS:
            raise ParameterError(
                "too many cells to list one by one", where="contacts", expected=f"at most {MAX_CONTACTS}", got=shown(len(self)),
                then="sum over the runs (area_runs), go by spans (area_contacts_in_spans), or take a coarser grid",
            )
        if len(self) == len(self.of):
            return Contacts(objects=self.objects, of=self.of, cell=self.first, amount=self.amount, whole=self.whole)
        cell = np.empty(len(self), np.int64)
        spread_out(self.first, self.length, cell)
        of, amount = np.repeat(self.of, self.length), np.repeat(self.amount, self.length)
        return Contacts(objects=self.objects, of=of, cell=cell, amount=amount, whole=self.whole)


def contacts(grid: Grid, shapes: ArrayLike, cells: CellRule = "covered") -> Contacts:
    """The cells each object meets: points, lines and areas by their own measure.

    Parameters
    ----------
    grid : Grid
    shapes : array of geometries in the CRS of the grid
        Single or multiple; None and empty ones meet nothing. Invalid areas are repaired first. A mixed collection
        meets nothing: `unreadable` names it.
    cells : {"covered", "centre", "touched"}
        For areas, see `area_contacts`.

    Examples
    --------
    >>> import pyproj
    >>> grid = Grid(crs=pyproj.CRS(32650), x=0.0, y=0.0, dx=1.0, dy=1.0, columns=3, rows=2)
    >>> things = [shapely.Point(0.5, 1.5), None, shapely.LineString([(0.5, 0.5), (2.0, 0.5)]), shapely.box(0.5, 0, 1, 1)]
    >>> found = contacts(grid, things)
    >>> found.of.tolist(), found.cell.tolist(), found.amount.tolist()
    ([0, 2, 2, 3], [3, 0, 1, 0], [1.0, 0.5, 1.0, 0.5])
    """
    given = _shapes(shapes)
    return _merged(point_contacts(grid, given), line_contacts(grid, given), area_contacts(grid, given, cells))


def point_contacts(grid: Grid, points: ArrayLike) -> Contacts:
    """The cell each point lies in; a point on an edge belongs to the cell after it, as `Grid.cells_at` says.

    Objects that are not points meet nothing. The whole of a multiple point is the number of its points.
    """
    given = _shapes(points)
    parts, of = _parts_of(given, _POINTS)
    cell = grid.cells_at(*coordinates_of(parts))
    whole = np.bincount(of, minlength=len(given)).astype(float)
    met = np.flatnonzero(cell >= 0)
    return _collected(len(given), of[met].astype(np.int64), cell[met], np.ones(len(met)), whole)


def line_contacts(grid: Grid, lines: ArrayLike) -> Contacts:
    """The length of each line in each cell, in the units of the grid's CRS; exact up to rounding.

    A stretch along an edge of the grid belongs to the cell after the edge. A stretch drawn twice counts twice. Objects
    that are not lines meet nothing.

    Examples
    --------
    >>> import pyproj
    >>> grid = Grid(crs=pyproj.CRS(32650), x=0.0, y=20.0, dx=10.0, dy=-10.0, columns=2, rows=2)
    >>> found = line_contacts(grid, [shapely.LineString([(5, 15), (25, 15)]), shapely.Point(1, 1)])
    >>> found.cell.tolist(), found.amount.tolist(), found.whole.tolist()
    ([0, 1], [5.0, 10.0], [20.0, 0.0])
    """
    return _runs(grid, _shapes(lines), LENGTH).contacts()


def area_contacts(grid: Grid, areas: ArrayLike, cells: CellRule = "covered") -> Contacts:
    """The cells of each area by a named rule.

    Parameters
    ----------
    grid : Grid
    areas : array of polygons in the CRS of the grid
        Objects that are not areas meet nothing. Invalid ones are repaired first (`geo_risk.areas.repaired`).
    cells : {"covered", "centre", "touched"}
        ``covered``: every cell that shares area, by its exact share (below 1e-9 of a cell it is rounding and left out).
        ``centre``: cells whose centre lies inside; of neighbours with a common border exactly one has a centre that
        lies on it. ``touched``: cells that share at least a point with the closed area, its border included.
        The amount is 1 under the last two, and the whole is the cells met and, in cells, the area outside the grid.

    Raises
    ------
    ParameterError
        Another rule, or more than 50 million contacts.

    Examples
    --------
    >>> import pyproj
    >>> grid = Grid(crs=pyproj.CRS(32650), x=0.0, y=0.0, dx=1.0, dy=1.0, columns=3, rows=2)
    >>> area = shapely.box(0.25, -1, 1, 0.75)
    >>> found = area_contacts(grid, [area])
    >>> found.cell.tolist(), found.amount.tolist(), found.whole.tolist()
    ([0], [0.5625], [1.3125])
    >>> area_contacts(grid, [area], "touched").cell.tolist(), area_contacts(grid, [area], "centre").whole.tolist()
    ([0, 1], [1.75])
    """
    return area_runs(grid, areas, cells).contacts()


def area_runs(grid: Grid, areas: ArrayLike, cells: CellRule = "covered") -> Runs:
    """As `area_contacts`, with stretches of the same amount kept as one: what to keep for many bands, hours or events."""
    return _runs(grid, _shapes(areas), _kind(cells))


def area_contacts_in_spans(
    grid: Grid, areas: ArrayLike, cells: CellRule = "covered", cells_at_once: int = _CELLS_AT_ONCE
) -> Iterator[tuple[slice, Contacts]]:
    """As `area_contacts`, span by span in the order of the areas, so that memory stays bounded for millions of them.

    ``cells_at_once`` bounds the cells in the bounds of the objects of a span; one object may have more. In each
    `Contacts` the objects count from the start of the span.
    """
    given, kind = _shapes(areas), _kind(cells)
    for part in budgeted(cell_costs(grid, given), cells_at_once):
        yield part, _runs(grid, given[part], kind).contacts()


def unreadable(shapes: ArrayLike) -> pd.DataFrame:
    """The objects that no contact can be read from as they are, one row each: ``of`` and the reason.

    Examples
    --------
    >>> bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    >>> unreadable([shapely.Point(0, 0), None, bow_tie, shapely.GeometryCollection([shapely.Point(0, 0)])]).to_numpy().tolist()
    [[1, 'no geometry'], [2, 'invalid, repaired first'], [3, 'a mixed collection']]
    """
    given = _shapes(shapes)
    kind = shapely.get_type_id(given)
    reasons = np.select(
        [
            shapely.is_missing(given), shapely.is_empty(given), ~_placed(given),
            ~np.isin(kind, (*_POINTS, *_LINES, *_AREAS)), ~shapely.is_valid(given),
        ],
        ["no geometry", "an empty geometry", "a corner that is no number", "a mixed collection", "invalid, repaired first"], "",
    )
    told = np.flatnonzero(reasons != "")
    return pd.DataFrame({"of": told, "reason": reasons[told]})


def zonal(found: Contacts | Runs, values: ArrayLike, *, known_only: bool = False) -> pd.DataFrame:
    """Sum, mean and largest value over the cells of each object, in one pass.

    sum = Σ amount x value; mean = sum / Σ amount; max over the cells met. Cells are added in the order of their
    numbers, object by object, so the result is the same to the last bit whatever the order of objects, the number of
    threads or the way the objects were split.

    Parameters
    ----------
    found : Contacts or Runs
        Reusable for every band, hour or event on the same grid.
    values : array_like of float, (rows, columns) or flat
        A value a cell of the grid, nan for unknown.
    known_only : bool
        Whether to take the figures over the known cells alone. By default an object with any part unknown, or outside
        the grid, is nan.

    Returns
    -------
    DataFrame
        One row an object: ``sum``, ``mean``, ``max``, ``unknown_share`` (of its measure: nodata or outside the grid;
        nan for an object without shape).

    Examples
    --------
    >>> import pyproj
    >>> grid = Grid(crs=pyproj.CRS(32650), x=0.0, y=0.0, dx=1.0, dy=1.0, columns=3, rows=1)
    >>> found = area_contacts(grid, [shapely.box(0.5, 0, 2, 1), shapely.box(1, 0, 3, 1), None])
    >>> zonal(found, [10.0, 40.0, np.nan]).to_numpy().tolist()
    [[45.0, 30.0, 40.0, 0.0], [nan, nan, nan, 0.5], [nan, nan, nan, nan]]
    >>> zonal(found, [10.0, 40.0, np.nan], known_only=True)["mean"].tolist()
    [30.0, 40.0, nan]
    """
    return figures(tallied(found, _flat(values)), found.whole, known_only=known_only)


def figures(sums: Numbers, whole: Numbers, *, known_only: bool = False) -> pd.DataFrame:
    """What `zonal` gives, of the sums that `tallied` makes and the whole of each object."""
    unknown = unknown_share(sums, whole)
    told = np.column_stack([sums[:, SUM], over(sums[:, SUM], sums[:, KNOWN]), sums[:, LARGEST]])
    told[(sums[:, KNOWN] == 0) | ((unknown > 0) & (not known_only))] = np.nan
    return pd.DataFrame({"sum": told[:, 0], "mean": told[:, 1], "max": told[:, 2], "unknown_share": unknown})


def tallied(found: Contacts | Runs, values: Numbers, wet_above: float = np.inf) -> Numbers:
    """For each object the figures that `_tally_kernel` names, over values by cell number; on all cores."""
    result = nothing_yet(found.objects)
    add_up(found, values, wet_above, result)
    return settled(result)


def add_up(found: Contacts | Runs, values: Numbers, wet_above: float, result: Numbers) -> None:
    """Adds the values of cells to the figures of each object, in place; the result starts as `nothing_yet`."""
    starts = np.searchsorted(found.of, np.arange(found.objects + 1))
    first, length = (found.first, found.length) if isinstance(found, Runs) else (found.cell, np.empty(0, np.int64))

    def work(part: slice) -> None:
        tally(starts, part.start, part.stop, first, length, found.amount, values, wet_above, result)

    over_spans(work, budgeted(np.diff(starts), max(len(found.of) // (4 * threads()), 100_000)))


def settled(result: Numbers) -> Numbers:
    """The figures, with extremes nan where nothing is known."""
    silent = result[:, KNOWN] == 0
    result[silent, LARGEST], result[silent, SMALLEST] = np.nan, np.nan
    return result


def unknown_share(sums: Numbers, whole: Numbers) -> Numbers:
    """The share of each object's whole that is nodata or outside the grid; nan where there is no whole."""
    outside = np.clip(whole - sums[:, KNOWN] - sums[:, UNKNOWN], 0, None)
    outside[outside <= _ROUNDING * whole] = 0.0
    share: Numbers = np.minimum(over(sums[:, UNKNOWN] + outside, whole), 1.0)
    return share


def over(part: Numbers, whole: Numbers) -> Numbers:
    """Part over whole; nan where the whole is 0 or unknown."""
    share: Numbers = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return share


def budgeted(costs: NDArray[Any], budget: int) -> list[slice]:
    """Slices over the costs in order, each of at most the budget in sum, or of a single cost above it.

    >>> budgeted(np.array([2, 2, 9, 1, 1]), 4)
    [slice(0, 2, None), slice(2, 3, None), slice(3, 5, None)]
    """
    total = np.concatenate([[0], np.cumsum(costs)])
    slices, start = [], 0
    while start < len(costs):
        stop = max(int(np.searchsorted(total, total[start] + budget, side="right")) - 1, start + 1)
        slices.append(slice(start, stop))
        start = stop
    return slices


def cell_costs(grid: Grid, shapes: Shapes) -> Numbers:
    """What each shape may cost, for `budgeted`: the cells of the grid that its bounds hold, its corners, and 16."""
    west, south, east, north = shapely.bounds(shapes).T
    left, low, right, high = grid.bounds
    wide = np.minimum(east, right) - np.maximum(west, left)
    tall = np.minimum(north, high) - np.maximum(south, low)
    inside = np.clip(wide / grid.dx + 1, 0, None) * np.clip(tall / abs(grid.dy) + 1, 0, None)
    costs: Numbers = np.nan_to_num(inside) + 16.0 + shapely.get_num_coordinates(shapes)
    return costs


def _runs(grid: Grid, shapes: Shapes, kind: int) -> Runs:
    """Runs of the lines (LENGTH) or areas among the shapes, on all cores."""
    costs = cell_costs(grid, shapes)
    most = max(_AT_LEAST * 16, int(costs.sum()) // (4 * threads()) + 1)
    parts = budgeted(costs, most) or [slice(0, 0)]
    walked = over_spans(lambda part: _walked(grid, shapes[part], kind, part.start), parts)
    of, first, length, amount, whole = (_joined([part[column] for part in walked]) for column in range(5))
    return Runs(objects=len(shapes), of=of, first=first, length=length, amount=amount, whole=whole)


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _walked(grid: Grid, shapes: Shapes, kind: int, start: int) -> _Walked:
    sound = _only(shapes, _LINES) if kind == LENGTH else _sound(_only(shapes, _AREAS))
    at = np.flatnonzero(has_shape(sound))
    whole = np.zeros(len(shapes))
    u, v, offsets = _corners(grid, sound[at])
    walked = _covered if kind == COVERED else _crossed
    of, first, length, amount, measured = walked(grid, u, v, offsets, kind)
    whole[at] = measured
    if kind in (CENTRE, TOUCHED):
        met = np.bincount(of, weights=length, minlength=len(at))
        whole[at] = met + _outside(grid, sound[at]) + 0 * measured
    return at[of] + start, first, length, amount, whole


def _crossed(grid: Grid, u: Numbers, v: Numbers, offsets: _Offsets, kind: int) -> _Walked:
    """Runs by the kernel that takes any object of any kind."""
    return walk(u, v, *offsets, (grid.columns, grid.rows), kind, (grid.dx, abs(grid.dy)), _nearness(grid))


def _covered(grid: Grid, u: Numbers, v: Numbers, offsets: _Offsets, kind: int) -> _Walked:
    """Runs of areas: those in few cells by the kernel that keeps a window of cells, the others as any object."""
    rings, parts, objects = offsets
    shape = (grid.columns, grid.rows)
    window = windows(u, v, rings[parts[objects]], shape)
    is_small = window[:, 2] * window[:, 3] <= FEW_CELLS
    small, large = np.flatnonzero(is_small), np.flatnonzero(~is_small)
    of, cell, share, covered = cover(u, v, *offsets, window, small, shape, _nearness(grid))
    found = small[of], cell, np.ones(len(cell), np.int64), share
    whole = np.empty(len(window))
    whole[small] = covered
    if len(large):
        of, first, length, amount, whole[large] = _crossed(grid, *_chosen(u, v, offsets, large), kind)
        found = _in_order(found, (large[of], first, length, amount))
    return *found, whole


def _in_order(one: _Found, other: _Found) -> _Found:
    """Two sets of runs as one, by object; each object's are in one of them, and in order."""
    order = np.argsort(np.concatenate([one[0], other[0]]), kind="stable")
    of, first, length, amount = (np.concatenate(pair)[order] for pair in zip(one, other, strict=True))
    return of, first, length, amount


def _chosen(u: Numbers, v: Numbers, offsets: _Offsets, objects: Cells) -> tuple[Numbers, Numbers, _Offsets]:
    """The corners and offsets of some of the objects."""
    if len(objects) == len(offsets[2]) - 1:
        return u, v, offsets
    rings, parts, of_object = offsets
    part, of_object = _stretches(of_object, objects)
    ring, of_part = _stretches(parts, part)
    corner, of_ring = _stretches(rings, ring)
    return u[corner], v[corner], (of_ring, of_part, of_object)


def _stretches(offsets: Cells, chosen: Cells) -> tuple[Cells, Cells]:
    """The members of the chosen stretches one after the other, and their offsets.

    >>> [found.tolist() for found in _stretches(np.array([0, 2, 3, 6]), np.array([0, 2]))]
    [[0, 1, 3, 4, 5], [0, 2, 5]]
    """
    count = np.diff(offsets)[chosen]
    new = np.concatenate([[0], np.cumsum(count)])
    members: Cells = np.arange(new[-1]) + np.repeat(offsets[:-1][chosen] - new[:-1], count)
    return members, new


def _sound(areas: Shapes) -> Shapes:
    """Areas with the invalid ones repaired; GEOS is asked only about those that are not proved simple."""
    plain = (shapely.get_type_id(areas) == _POLYGON) & (shapely.get_num_interior_rings(areas) == 0)
    count = shapely.get_num_coordinates(areas)
    few = np.flatnonzero(plain & (count <= FEW_CORNERS) & (count > 0))
    doubtful = np.ones(len(areas), bool)
    doubtful[few] = ~simple(shapely.get_coordinates(areas[few]), _ends(count[few]))
    if not doubtful.any():
        return areas
    mended = repaired(areas[doubtful])
    sound = areas.copy()
    sound[doubtful] = mended
    return sound


def _ends(counts: NDArray[Any]) -> Cells:
    """Offsets of stretches of these lengths."""
    ends: Cells = np.concatenate([[0], np.cumsum(counts, dtype=np.int64)])
    return ends


def _nearness(grid: Grid) -> float:
    """The part of a cell that coordinates round by: 1e-9, or more where cells are tiny beside their coordinates."""
    return max(1e-9, 8 * float(np.spacing(np.abs(grid.bounds).max())) / min(grid.dx, abs(grid.dy)))


def _corners(grid: Grid, shapes: Shapes) -> tuple[Numbers, Numbers, _Offsets]:
    """Corners in cells, and the offsets of rings, parts and objects; a line is a ring, alone in its part."""
    kinds = shapely.get_type_id(shapes)
    if (kinds == _LINE).all() or ((kinds == _POLYGON).all() and not shapely.get_num_interior_rings(shapes).any()):
        corners, one_each = shapely.get_coordinates(shapes), np.arange(len(shapes) + 1)
        offsets = (_ends(shapely.get_num_coordinates(shapes)), one_each, one_each)
    else:
        corners, offsets = _ragged(shapes, lines=bool(np.isin(kinds[0], _LINES)))
    return (corners[:, 0] - grid.x) / grid.dx, (corners[:, 1] - grid.y) / grid.dy, offsets


def _ragged(shapes: Shapes, *, lines: bool) -> tuple[Numbers, _Offsets]:
    _, corners, offsets = shapely.to_ragged_array(shapes, include_z=False, include_m=False)
    rings, *rest = (np.asarray(offset, np.int64) for offset in offsets)
    parts = np.arange(len(rings)) if lines else rest.pop(0)
    objects = rest.pop(0) if rest else np.arange(len(parts))
    return corners, (rings, parts, objects)


def _outside(grid: Grid, areas: Shapes) -> Numbers:
    """The area of each polygon outside the grid, in cells."""
    west, south, east, north = grid.bounds
    bounds = shapely.bounds(areas)
    beyond = (bounds[:, 0] < west) | (bounds[:, 1] < south) | (bounds[:, 2] > east) | (bounds[:, 3] > north)
    left = np.zeros(len(areas))
    left[beyond] = shapely.area(shapely.difference(areas[beyond], shapely.box(west, south, east, north)))
    cells: Numbers = left / (grid.dx * abs(grid.dy))
    return cells


def _kind(cells: str) -> int:
    if cells not in _KINDS:
        raise ParameterError(
            "no such rule of cells", where="area_contacts", expected=f"one of {', '.join(_KINDS)}", got=shown(cells)
        )
    return _KINDS[cells]


def _shapes(given: ArrayLike) -> Shapes:
    """An array of geometries, without a copy where it is one."""
    listed = np.asarray(given, dtype=object)
    if listed.ndim != 1:
        raise ParameterError("shapes come in one row", where="contacts", expected="one dimension", got=shown(listed.ndim))
    return listed


def _only(shapes: Shapes, kinds: tuple[int, ...]) -> Shapes:
    """The same array with None in place of other kinds of shape and of those with a corner that is no number."""
    fit = np.isin(shapely.get_type_id(shapes), kinds) & _placed(shapes)
    if fit.all():
        return shapes
    kept = shapes.copy()
    kept[~fit] = None
    return kept


def _placed(shapes: Shapes) -> NDArray[np.bool_]:
    """Whether all corners are numbers that can be reckoned with: the bounds of a shape pass over those that are not."""
    placed = np.ones(len(shapes), bool)
    corners = shapely.get_coordinates(shapes)
    near = np.abs(corners) < _FARTHEST
    if not near.all():
        placed[np.repeat(np.arange(len(shapes)), shapely.get_num_coordinates(shapes))[~near.all(axis=1)]] = False
    return placed


def _parts_of(shapes: Shapes, kinds: tuple[int, ...]) -> tuple[Shapes, NDArray[np.intp]]:
    return shapely.get_parts(_only(shapes, kinds), return_index=True)


def _collected(objects: int, of: Cells, cell: Cells, amount: Numbers, whole: Numbers) -> Contacts:
    """Contacts sorted by object and cell, those of one object in one cell added."""
    order = np.lexsort((cell, of))
    of, cell, amount = of[order], cell[order], amount[order]
    new = np.ones(len(of), bool)
    new[1:] = (np.diff(of) != 0) | (np.diff(cell) != 0)
    added = np.add.reduceat(amount, np.flatnonzero(new)) if len(of) else amount
    return Contacts(objects=objects, of=of[new], cell=cell[new], amount=added, whole=whole)


def _merged(*kinds: Contacts) -> Contacts:
    """Contacts of points, lines and areas of the same objects, of which each is of one kind."""
    filled = [one for one in kinds if len(one)]
    whole = np.sum([one.whole for one in kinds], axis=0)
    if len(filled) == 1:
        only = filled[0]
        return Contacts(objects=only.objects, of=only.of, cell=only.cell, amount=only.amount, whole=whole)
    columns = [np.concatenate([getattr(one, name) for one in kinds]) for name in ("of", "cell", "amount")]
    return _collected(kinds[0].objects, columns[0], columns[1], columns[2], whole)


def _flat(values: ArrayLike) -> NDArray[Any]:
    """Values by cell number, as they are if floats, else as float64."""
    given = np.ascontiguousarray(values).reshape(-1)
    return given if given.dtype in (np.float32, np.float64) else given.astype(np.float64)
