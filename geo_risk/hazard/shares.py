"""What several areas share of one raster: cells split by coverage, the rest outside; parts and outside sum to the whole."""

import math
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.contacts import Contacts
from geo_risk.hazard.grid import Cells, Numbers

_FULL: Final = 1.0 + 1e-9


def shared_sum(found: Contacts, values: ArrayLike) -> tuple[Numbers, float]:
    """The part of a raster's sum that falls to each area, and what falls to none.

    A cell gives each area amount x value; what its areas leave of it is outside, holes between areas included. Where
    areas overlap, so that more than the whole cell is claimed, it is split in proportion (`crowded` lists these). The
    parts and the outside sum to the sum of the raster, exactly as `math.fsum` adds: the rounding of the largest is
    moved by what the others miss.

    Parameters
    ----------
    found : Contacts of areas
    values : array_like of float, (rows, columns) or flat
        A quantity a cell (people, not people per square kilometre), nan for unknown.

    Returns
    -------
    parts : float64, one an area
        Over the known cells; `contacts.zonal` tells the unknown share beside it. nan for an area that meets no known
        cell: that adds nothing to the whole.
    outside : float

    Examples
    --------
    >>> import pyproj, shapely
    >>> from geo_risk.hazard.contacts import area_contacts
    >>> from geo_risk.hazard.grid import Grid
    >>> grid = Grid(crs=pyproj.CRS(32650), x=0.0, y=0.0, dx=1.0, dy=1.0, columns=3, rows=1)
    >>> towns = area_contacts(grid, [shapely.box(0, 0, 1.5, 1), shapely.box(1.5, 0, 2.25, 1)])
    >>> parts, outside = shared_sum(towns, [100.0, 10.0, 8.0])
    >>> parts.tolist(), outside
    ([105.0, 7.0], 6.0)
    """
    people = np.asarray(values, dtype=np.float64).reshape(-1)
    known = np.where(np.isnan(people), 0.0, people)
    claimed = np.bincount(found.cell, weights=found.amount, minlength=len(people))
    split = found.amount / np.where(claimed > _FULL, claimed, 1.0)[found.cell]
    parts = np.bincount(found.of, weights=split * known[found.cell], minlength=found.objects)
    met = np.bincount(found.of, weights=~np.isnan(people[found.cell]), minlength=found.objects) > 0
    left = np.where(claimed > 1.0 - 1e-9, 0.0, 1.0 - claimed)
    balanced = _balanced(np.append(parts, math.fsum(left * known)), math.fsum(known))
    return np.where(met, balanced[:-1], np.nan), float(balanced[-1])


def whole_numbers(parts: ArrayLike, total: int, rank: ArrayLike | None = None) -> Cells:
    """Parts as whole numbers that sum to the total: rounded down, the largest remainders up (Hamilton's method).

    Equal remainders go by ``rank``, the lowest first, so that the order of the parts does not matter; without one to
    the larger part, then to the earlier one.

    Parameters
    ----------
    parts : array_like of float
        0 or more, their sum within one a part of the total. nan counts as 0.
    total : int
    rank : array_like of int, optional

    Raises
    ------
    ParameterError
        A negative part, or a total that rounding cannot reach.

    Examples
    --------
    >>> whole_numbers([1.4, 2.3, 0.3], 4).tolist(), whole_numbers([], 0).tolist()
    ([2, 2, 0], [])
    >>> whole_numbers([1.5, 1.5, 1.0], 4, rank=[1, 0, 2]).tolist()
    [1, 2, 1]
    """
    given = np.nan_to_num(np.asarray(parts, dtype=np.float64))
    if (given < 0).any():
        raise ParameterError("a part is negative", where="whole_numbers", expected="0 or more", got=shown(float(given.min())))
    near = np.round(given)
    down = np.where(np.abs(given - near) < 1e-9 * np.maximum(near, 1.0), near, np.floor(given))
    short = total - int(down.sum())
    if not 0 <= short <= len(given):
        raise ParameterError(
            "no rounding of the parts gives the total", where="whole_numbers", expected=f"about {math.fsum(given):.6g}",
            got=shown(total),
        )
    remainder = np.round(given - down, 9)
    by_size = np.lexsort((np.arange(len(given)), -given))
    first = np.argsort(by_size, kind="stable") if rank is None else np.asarray(rank)
    up = np.lexsort((first, -remainder))[:short]
    down[up] += 1
    return down.astype(np.int64)


def crowded(found: Contacts, tolerance: float = 1e-6) -> pd.DataFrame:
    """Cells of which areas claim more than the whole: they overlap there. Areas that overlap in an empty part are not told.

    Returns
    -------
    DataFrame
        One row a cell, by number: ``cell``, ``claimed`` (the sum of the shares, above 1 + tolerance), ``areas``.

    Examples
    --------
    >>> import pyproj, shapely
    >>> from geo_risk.hazard.contacts import area_contacts
    >>> from geo_risk.hazard.grid import Grid
    >>> grid = Grid(crs=pyproj.CRS(32650), x=0.0, y=0.0, dx=1.0, dy=1.0, columns=3, rows=1)
    >>> crowded(area_contacts(grid, [shapely.box(0, 0, 2, 1), shapely.box(1.5, 0, 3, 1)])).to_numpy().tolist()
    [[1.0, 1.5, 2.0]]
    """
    cell, at = np.unique(found.cell, return_inverse=True)
    claimed = np.bincount(at, weights=found.amount, minlength=len(cell))
    over = claimed > 1.0 + tolerance
    areas = np.bincount(at, minlength=len(cell))
    return pd.DataFrame({"cell": cell[over], "claimed": claimed[over], "areas": areas[over]})


def _balanced(parts: Numbers, whole: float) -> Numbers:
    """The same parts, the largest of them moved by what rounding lost, so that they sum to the whole."""
    result, largest = parts.copy(), int(np.argmax(np.abs(parts)))
    for _ in range(4):
        lost = math.fsum([whole, *(-result).tolist()])
        if math.fsum(result.tolist()) == whole:
            break
        result[largest] += lost
    return result
