"""What a raster says at objects, by a named choice: at a point, area-weighted, the worst, the cells touched; and the band.

No choice is right for all: an exact mean is the physics of a large area, the highest cell is what a duty officer acts
on, the wet cells touched are what Delft-FIAT reports. So the choice has a name, and `spread` gives the others beside it.
Unknown cells, and the part of an object outside the raster, are never taken as dry.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo_risk.areas import Shapes, has_shape, repaired
from geo_risk.crs import require_lonlat
from geo_risk.errors import ParameterError, shown
from geo_risk.hazard._tally_kernel import CELLS, FIGURES, KNOWN, LARGEST, SMALLEST, SUM, WET, WET_SUM, nothing_yet
from geo_risk.hazard.contacts import (
    CellRule,
    Contacts,
    Runs,
    add_up,
    area_runs,
    budgeted,
    cell_costs,
    contacts,
    figures,
    over,
    point_contacts,
    settled,
    tallied,
    unknown_share,
)
from geo_risk.hazard.grid import Grid, Numbers, Raster
from geo_risk.hazard.raster import take, to_grid

CellsRead: TypeAlias = Literal["point", "centroid", "covered", "touched"]
Figure: TypeAlias = Callable[[Numbers, Numbers], Numbers]
_CELLS_AT_ONCE: Final = 4_000_000
_ROUNDING: Final = 1e-9  # of an object's extent: the centroid of a straight line lies this near to it


def _mean(sums: Numbers, whole: Numbers) -> Numbers:
    return over(sums[:, SUM], sums[:, KNOWN])


def _largest(sums: Numbers, whole: Numbers) -> Numbers:
    return sums[:, LARGEST]


def _smallest(sums: Numbers, whole: Numbers) -> Numbers:
    return sums[:, SMALLEST]


def _wet_mean(sums: Numbers, whole: Numbers) -> Numbers:
    """0 where all is known to be dry."""
    dry = (sums[:, WET] == 0) & (unknown_share(sums, whole) == 0)
    return np.where(dry, 0.0, over(sums[:, WET_SUM], sums[:, WET]))


def _wet_share(sums: Numbers, whole: Numbers) -> Numbers:
    return over(sums[:, WET], whole)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which cells of an object are read, the figure made of them, and whether that is of the known cells alone."""

    cells: CellsRead
    figure: Figure
    known_only: bool = False


CHOICES: Final[Mapping[str, Choice]] = MappingProxyType(
    {
        "at_point": Choice(cells="point", figure=_mean),
        "at_centroid": Choice(cells="centroid", figure=_mean),
        "mean": Choice(cells="covered", figure=_mean),
        "mean_of_known": Choice(cells="covered", figure=_mean, known_only=True),
        "max": Choice(cells="covered", figure=_largest),
        "min": Choice(cells="covered", figure=_smallest),
        "mean_of_touched": Choice(cells="touched", figure=_mean),
        "mean_of_wet_touched": Choice(cells="touched", figure=_wet_mean, known_only=True),
        "share_above": Choice(cells="covered", figure=_wet_share),
    }
)
ALTERNATIVES: Final = ("at_centroid", "mean", "mean_of_known", "max", "min", "mean_of_touched", "mean_of_wet_touched")


def sample(
    raster: Raster, objects: gpd.GeoDataFrame, choice: str, *, dry_at_most: float = 0.0, decimals: int | None = None
) -> pd.DataFrame:
    """The value of a raster at each object by a named choice.

    ==================== ==================================================================================
    ``at_point``         the cell the point lies in (the mean over a multiple point); points only
    ``at_centroid``      the cell of the centroid, or of a point on the object where the centroid is not on it
    ``mean``             Σ amount x value / Σ amount; amount = share of the cell, length, or 1 (see `Contacts`)
    ``mean_of_known``    the same over the known cells alone
    ``max``, ``min``     over the cells that share area, length or the point
    ``mean_of_touched``  plain mean over the cells that share at least a point with the object
    ``mean_of_wet_touched`` the same over those of them above ``dry_at_most``; 0 where all are known and none is above
    ``share_above``      share of the object's measure in cells above ``dry_at_most``
    ==================== ==================================================================================

    Parameters
    ----------
    raster : Raster
    objects : GeoDataFrame, EPSG:4326
        Points, lines, areas. Edges are straight in the CRS of the raster between their corners.
    choice : str
        A name in `CHOICES`.
    dry_at_most : float
        A value up to this counts as dry, in the unit of the raster.
    decimals : int, optional
        Round the value, half to even (Delft-FIAT rounds a depth to 2).

    Returns
    -------
    DataFrame
        On ``objects.index``. ``value``: nan where any part is unknown; for the two choices over known cells and wet
        cells, where all is. ``share``: the wet share of the object's measure (of its cells, under touched), at least
        this much where some is unknown. ``unknown_share``: nodata or outside the raster. ``cells``: how many were read.
        An object without geometry, or with a mixed collection, is nan with 0 cells and hides no other.

    Raises
    ------
    CrsError
        The objects are not longitude, latitude.
    ParameterError
        No such choice; a dry value that is no number; ``at_point`` of objects that are not points.

    Examples
    --------
    >>> import pyproj
    >>> from geo_risk.hazard.grid import ArrayRaster
    >>> grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=1.0, dy=-1.0, columns=4, rows=1)
    >>> depth = ArrayRaster(grid=grid, values=np.array([[0.0, 1.0, 3.0, np.nan]]))
    >>> house = shapely.box(120.5, 29.2, 122.25, 29.8)
    >>> things = gpd.GeoDataFrame(geometry=[house, shapely.Point(123.5, 29.5), None], crs=4326)
    >>> sample(depth, things, "mean").round(3).to_numpy().tolist()
    [[1.0, 0.714, 0.0, 3.0], [nan, nan, 1.0, 1.0], [nan, nan, nan, 0.0]]
    >>> sample(depth, things, "max")["value"].tolist(), sample(depth, things, "mean_of_wet_touched")["value"].tolist()
    ([3.0, nan, nan], [2.0, nan, nan])
    """
    asked = _choice(choice)
    sums, whole = _tallied_at(raster, objects, asked.cells, dry_at_most)
    unknown = unknown_share(sums, whole)
    columns = {
        "value": _value(asked, sums, whole, decimals),
        "share": np.where(sums[:, KNOWN] > 0, over(sums[:, WET], whole), np.nan),
        "unknown_share": unknown,
        "cells": sums[:, CELLS].astype(np.int64),
    }
    return pd.DataFrame(columns, index=objects.index)


def spread(
    raster: Raster, objects: gpd.GeoDataFrame, choices: Iterable[str] = ALTERNATIVES, *,
    dry_at_most: float = 0.0, decimals: int | None = None,
) -> pd.DataFrame:
    """The values of several choices side by side, a column each, and the ``lower`` and ``upper`` of those that are known.

    Each group of cells is read once, however many choices are made of it. Parameters and errors as in `sample`.

    Examples
    --------
    >>> import pyproj
    >>> from geo_risk.hazard.grid import ArrayRaster
    >>> grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=1.0, dy=-1.0, columns=2, rows=1)
    >>> depth = ArrayRaster(grid=grid, values=np.array([[0.0, 1.0]]))
    >>> house = gpd.GeoDataFrame(geometry=[shapely.box(120.2, 29.2, 121.4, 29.8)], crs=4326)
    >>> spread(depth, house, ["at_centroid", "mean", "max"]).round(3).to_numpy().tolist()
    [[0.0, 0.333, 1.0, 0.0, 1.0]]
    """
    asked = {name: _choice(name) for name in choices}
    if not asked:
        raise ParameterError("no choices to spread over", where="spread", expected="one or more names in CHOICES", got="none")
    read = {cells: _tallied_at(raster, objects, cells, dry_at_most) for cells in {choice.cells for choice in asked.values()}}
    values = {name: _value(choice, *read[choice.cells], decimals) for name, choice in asked.items()}
    table = pd.DataFrame(values, index=objects.index)
    return table.assign(lower=table.min(axis=1, skipna=True), upper=table.max(axis=1, skipna=True))


def zonal_of(raster: Raster, areas: gpd.GeoDataFrame, cells: CellRule = "covered", *, known_only: bool = False) -> pd.DataFrame:
    """Sum, mean and largest value of a raster over areas of any size, as `contacts.zonal` gives them, in bounded memory.

    The raster is read once where areas lie, about four million cells at a time; kept are the runs of the areas' cells,
    which grow with their borders. The result is that of `zonal` to the last bit.

    Parameters
    ----------
    raster : Raster
    areas : GeoDataFrame, EPSG:4326
    cells : {"covered", "centre", "touched"}
        As in `contacts.area_contacts`.
    known_only : bool
        As in `contacts.zonal`.

    Returns
    -------
    DataFrame
        On ``areas.index``: ``sum``, ``mean``, ``max``, ``unknown_share``.

    Raises
    ------
    CrsError
        The areas are not longitude, latitude.
    ParameterError
        No such rule of cells.

    Examples
    --------
    >>> import pyproj
    >>> from geo_risk.hazard.grid import ArrayRaster
    >>> grid = Grid(crs=pyproj.CRS(4326), x=120.0, y=30.0, dx=1.0, dy=-1.0, columns=3, rows=1)
    >>> people = ArrayRaster(grid=grid, values=np.array([[10.0, 40.0, np.nan]]))
    >>> towns = gpd.GeoDataFrame(geometry=[shapely.box(120.5, 29, 122, 30), shapely.box(121, 29, 123, 30)], crs=4326)
    >>> zonal_of(people, towns).to_numpy().tolist()
    [[45.0, 30.0, 40.0, 0.0], [nan, nan, nan, 0.5]]
    """
    require_lonlat(areas, "zonal_of")
    runs = area_runs(raster.grid, to_grid(areas.geometry.to_numpy(), raster.grid), cells)
    sums = nothing_yet(runs.objects)
    for values, some in _by_rows(raster, runs):
        add_up(some, values, np.inf, sums)
    return figures(settled(sums), runs.whole, known_only=known_only).set_index(areas.index)


def _by_rows(raster: Raster, runs: Runs) -> Iterator[tuple[Numbers, Runs]]:
    """Flat values of one stretch of rows after the other, and the runs in it, by cell number within the stretch."""
    if not len(runs):
        return
    row, column = np.divmod(runs.first, raster.grid.columns)
    west, wide = int(column.min()), int((column + runs.length).max() - column.min())
    tall = max(_CELLS_AT_ONCE // (wide * raster.block[0]), 1) * raster.block[0]
    stretch = row // tall
    order = np.argsort(stretch, kind="stable")
    numbers, starts = np.unique(stretch[order], return_index=True)
    for number, chosen in zip(numbers.tolist(), np.split(order, starts[1:]), strict=True):
        first_row = number * tall
        values = raster.read(first_row, west, min(tall, raster.grid.rows - first_row), wide)
        first = (row[chosen] - first_row) * wide + column[chosen] - west
        some = replace(runs, of=runs.of[chosen], first=first, length=runs.length[chosen], amount=runs.amount[chosen])
        yield np.ascontiguousarray(values).reshape(-1), some


def _choice(name: str) -> Choice:
    if name not in CHOICES:
        raise ParameterError("no such choice of sampling", where="sample", expected=f"one of {', '.join(CHOICES)}", got=shown(name))
    return CHOICES[name]


def _value(choice: Choice, sums: Numbers, whole: Numbers, decimals: int | None) -> Numbers:
    """The figure, nan where nothing is known, and where anything is unknown unless the choice is of the known alone."""
    silent = (sums[:, KNOWN] == 0) | ((unknown_share(sums, whole) > 0) & (not choice.known_only))
    value: Numbers = np.where(silent, np.nan, choice.figure(sums, whole))
    return value if decimals is None else np.round(value, decimals)


def _tallied_at(raster: Raster, objects: gpd.GeoDataFrame, cells: CellsRead, dry_at_most: float) -> tuple[Numbers, Numbers]:
    """The sums of `tallied` over the cells of each object, and its whole; by spans, so that memory stays bounded."""
    require_lonlat(objects, "sample")
    if not np.isfinite(dry_at_most):
        raise ParameterError("what counts as dry is no number", where="sample", expected="a finite value", got=shown(dry_at_most))
    shapes = to_grid(objects.geometry.to_numpy(), raster.grid)
    sums, whole = np.zeros((len(shapes), len(FIGURES))), np.zeros(len(shapes))
    for part in budgeted(cell_costs(raster.grid, shapes), _CELLS_AT_ONCE):
        found = _met(raster.grid, shapes[part], cells)
        values = take(raster, found.cell)
        sums[part] = tallied(replace(found, cell=np.arange(len(found))), values, dry_at_most)
        whole[part] = found.whole
    return sums, whole


def _met(grid: Grid, shapes: Shapes, cells: CellsRead) -> Contacts:
    if cells == "point":
        return point_contacts(grid, _require_points(shapes))
    if cells == "centroid":
        return point_contacts(grid, inner_points(shapes))
    if cells == "covered":
        return contacts(grid, shapes)
    return _counted(grid, contacts(grid, shapes, "touched"), shapes)


def inner_points(shapes: Shapes) -> Shapes:
    """The centroid of each shape, or a point on it where the centroid is not; None without shape.

    >>> [point.wkt for point in inner_points(np.array([shapely.box(0, 0, 2, 2), shapely.LineString([(0, 0), (0, 4), (4, 4)])]))]
    ['POINT (1 1)', 'POINT (0 4)']
    """
    sound = repaired(shapes)
    points = shapely.centroid(sound)
    extent = np.ptp(shapely.bounds(sound).reshape(-1, 2, 2), axis=1).max(axis=1)
    beside = has_shape(sound) & (shapely.distance(sound, points) > _ROUNDING * extent)
    points[beside] = shapely.point_on_surface(sound[beside])
    return points


def _counted(grid: Grid, found: Contacts, shapes: Shapes) -> Contacts:
    """Lines and points count their cells too; what of a line lies outside counts as cells of a middling side."""
    inside = np.bincount(found.of, weights=found.amount, minlength=found.objects)
    cells = np.bincount(found.of, minlength=found.objects)
    lines = np.isin(shapely.get_type_id(shapes), (1, 5))
    left = np.clip(found.whole - inside, 0, None) / np.where(lines, np.sqrt(grid.dx * abs(grid.dy)), 1.0)
    return replace(found, amount=np.ones(len(found)), whole=cells + left)


def _require_points(shapes: Shapes) -> Shapes:
    other = int((has_shape(shapes) & ~np.isin(shapely.get_type_id(shapes), (0, 4))).sum())
    if other:
        raise ParameterError(
            "some objects are not points", where="sample, at_point", expected="points", got=f"{other} of {len(shapes)} are not",
            then="take at_centroid, or a choice over the cells they cover or touch",
        )
    return shapes
