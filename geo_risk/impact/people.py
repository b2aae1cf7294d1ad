"""People by depth class, over a whole raster and over areas; metres of road and facilities by class likewise.

Classes are cut by bounds: with bounds 0 and 0.5 they are *to 0*, *0 to 0.5*, *over 0.5*, then *unknown* for cells whose
depth nobody knows. A depth that equals a bound belongs below it (``at="above"``: one is in the water only above the
bound) or over it (``at="from"``). Nothing is dropped: what has no depth is a class, what lies in no area is a row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Final, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from geo_risk.errors import ParameterError, shown
from geo_risk.hazard.contacts import Contacts
from geo_risk.hazard.grid import Cells, Numbers
from geo_risk.hazard.shares import whole_numbers

At: TypeAlias = Literal["above", "from"]
SIDES: Final[tuple[At, ...]] = ("above", "from")
UNKNOWN: Final = "unknown"
OUTSIDE_AREAS: Final = "outside"
_SIDES: Final[Mapping[str, Literal["left", "right"]]] = {"above": "left", "from": "right"}
_MOST_PEOPLE: Final = 1e12  # parts of a person are told apart to here
_TOLERANCE: Final = 1e-6  # areas of one set overlap in a cell by more than this: they overlap, it is no rounding


def class_names(bounds: Sequence[float]) -> tuple[str, ...]:
    """The names of the classes that bounds cut, *unknown* last.

    >>> class_names((0, 0.5))
    ('to 0', '0 to 0.5', 'over 0.5', 'unknown')
    """
    cuts = [np.format_float_positional(bound, trim="-") for bound in _sound_bounds(bounds)]  # two bounds never read alike
    return (f"to {cuts[0]}", *(f"{low} to {high}" for low, high in pairwise(cuts)), f"over {cuts[-1]}", UNKNOWN)


def classes_of(values: ArrayLike, bounds: Sequence[float], at: At = "above") -> Cells:
    """The position of each value's class in `class_names`; nan is the last, *unknown*.

    >>> classes_of([-1, 0, 0.2, 0.5, 9, np.nan], (0, 0.5)).tolist()
    [0, 0, 1, 1, 2, 3]
    >>> classes_of([0, 0.5], (0, 0.5), at="from").tolist()
    [1, 2]
    """
    if at not in _SIDES:
        raise ParameterError("no such side of a bound", where="classes_of", expected=", ".join(_SIDES), got=shown(at))
    known: Numbers = np.asarray(values, dtype=np.float64)
    cuts = _sound_bounds(bounds)
    found = np.searchsorted(cuts, known, side=_SIDES[at])
    return np.where(np.isnan(known), len(cuts) + 1, found).astype(np.int64)


def people_by_class(depth: ArrayLike, people: ArrayLike, bounds: Sequence[float], *, at: At = "above") -> pd.DataFrame:
    """People in each depth class of a raster.

    Parameters
    ----------
    depth : array
        Metres, nan unknown.
    people : array of the same shape
        People a cell, 0 or more; nan where nobody was counted.
    bounds : rising depths in metres

    Returns
    -------
    DataFrame on the class names
        ``people``; ``cells``; ``cells_uncounted``: cells of the class whose people are nan and in no figure.

    Raises
    ------
    ParameterError
        Shapes that differ, negative or infinite people, bounds that do not rise.

    Examples
    --------
    >>> people_by_class([0.0, 0.2, 2.0, np.nan], [10, 20, 30, 40], (0, 0.5))["people"].to_dict()
    {'to 0': 10.0, '0 to 0.5': 20.0, 'over 0.5': 30.0, 'unknown': 40.0}
    """
    depths, counted = _matching(depth, people)
    code, classes = classes_of(depths, bounds, at), class_names(bounds)
    lacking = np.isnan(counted)
    return pd.DataFrame(
        {
            "people": np.bincount(code, weights=np.where(lacking, 0.0, counted), minlength=len(classes)),
            "cells": np.bincount(code, minlength=len(classes)),
            "cells_uncounted": np.bincount(code[lacking], minlength=len(classes)),
        },
        index=pd.Index(classes, name="class"),
    )


@dataclass(frozen=True, kw_only=True)
class Affected:
    """People above a depth, at or below it, and where the depth is unknown; cells whose people are unknown."""

    affected: float
    not_affected: float
    unknown: float
    cells_uncounted: int


def affected(depth: ArrayLike, people: ArrayLike, threshold: float, *, at: At = "above") -> Affected:
    """People in water deeper than a threshold (``at="from"``: that deep or deeper).

    >>> affected([0.0, 1.0, np.nan], [10, 20, 30], 0.0)
    Affected(affected=20.0, not_affected=10.0, unknown=30.0, cells_uncounted=0)
    """
    table = people_by_class(depth, people, (threshold,), at=at)
    below, above, unknown = (float(value) for value in table["people"])
    return Affected(affected=above, not_affected=below, unknown=unknown, cells_uncounted=int(table["cells_uncounted"].sum()))


def displaced(people: "pd.Series[float]", per_cent: Mapping[str, float]) -> "pd.Series[float]":
    """People of each class who must leave: people x per cent / 100; a class without a rate is nan, *unknown* too.

    Raises
    ------
    ParameterError
        A per cent below 0 or over 100, or negative people.

    Examples
    --------
    >>> displaced(pd.Series({"to 0": 10.0, "over 0": 20.0, "unknown": 3.0}), {"to 0": 0, "over 0": 90}).to_dict()
    {'to 0': 0.0, 'over 0': 18.0, 'unknown': nan}
    """
    for name, rate in per_cent.items():
        if not 0 <= rate <= 100:
            raise ParameterError(
                "a per cent is not 0 to 100", where=f"displaced, class {shown(name)}", expected="0 to 100", got=shown(rate),
                then="mend the rate",
            )
    _require_people(np.asarray(people, dtype=np.float64))
    return people * people.index.to_series().map(dict(per_cent)).astype(float) / 100


def people_by_class_and_area(
    contacts: Contacts, depth: ArrayLike, people: ArrayLike, bounds: Sequence[float], *,
    at: At = "above", index: "pd.Index | Sequence[object] | None" = None, whole: bool = True,
) -> pd.DataFrame:
    """People by area and depth class, with what lies outside every area; it sums to the raster, to the last person.

    A cell on a border is split by the share of it that each area covers (contacts of ``cells="covered"``), or goes
    whole to the area its centre lies in (``"centre"``). Where areas overlap, they share the cell in proportion, so
    that nobody counts twice. Whole numbers come by the largest remainder: first the classes of the whole raster,
    then the areas within each class; so every set of areas over one raster has the same totals.

    Parameters
    ----------
    contacts : Contacts
        Of n areas on the raster's grid.
    depth, people : arrays of the grid's shape
    index : n labels of the areas; equal remainders go by label, not by row order
    whole : bool
        False leaves fractions of people.

    Returns
    -------
    DataFrame of n + 1 rows
        A column a class, *unknown* and *total*; the last row is *outside*.

    Raises
    ------
    ParameterError
        As `people_by_class`; contacts of another grid.

    Examples
    --------
    Two areas share the middle cell of three, of 1 person each; a fourth cell lies in none:

    >>> of, cell, amount = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 2]), np.array([1, 0.5, 0.5, 1])
    >>> contacts = Contacts(objects=2, of=of, cell=cell, amount=amount, whole=np.full(2, 1.5))
    >>> people_by_class_and_area(contacts, [1, 1, 0, np.nan], [1, 1, 1, 1], (0,), index=["a", "b"]).T.to_dict("list")
    {'a': [0, 2, 0, 2], 'b': [1, 0, 0, 1], 'outside': [0, 0, 1, 1]}
    """
    depths, counted = _matching(depth, people)
    classes = class_names(bounds)
    _require_cells(contacts, len(depths))
    code, count = classes_of(depths, bounds, at), np.nan_to_num(counted)
    shares = _split(contacts, len(depths))
    group = contacts.of * len(classes) + code[contacts.cell]
    inside = np.bincount(group, weights=shares * count[contacts.cell], minlength=contacts.objects * len(classes))
    totals: Numbers = np.bincount(code, weights=count, minlength=len(classes)).astype(np.float64)
    of_areas = inside.reshape(contacts.objects, len(classes))
    table: Numbers = np.vstack([of_areas, np.maximum(totals - of_areas.sum(axis=0), 0.0)]).astype(np.float64)
    labels = [*(range(contacts.objects) if index is None else index), OUTSIDE_AREAS]
    figures = _whole_table(table, totals, labels) if whole else table
    found = pd.DataFrame(figures, index=pd.Index(labels, dtype=object), columns=list(classes))
    return found.assign(total=found.sum(axis=1))


def overlap(contacts: Contacts, cells: int) -> float:
    """How many cells' worth of ground lies in more than one area: the sum over cells of what is covered beyond once.

    >>> twice = Contacts(objects=2, of=np.array([0, 1]), cell=np.array([0, 0]), amount=np.array([1.0, 0.5]), whole=np.ones(2))
    >>> overlap(twice, 4)
    0.5
    """
    beyond = np.bincount(contacts.cell, weights=contacts.amount, minlength=cells) - 1.0
    return float(beyond[beyond > _TOLERANCE].sum())


def people_band(
    contacts: Mapping[str, Contacts], depth: ArrayLike, people: ArrayLike, bounds: Sequence[float], *,
    dry_at_most: Sequence[float] = (0.0, 0.1), index: "pd.Index | Sequence[object] | None" = None,
) -> pd.DataFrame:
    """The least and the most of each figure over the choices that the data leave open, and which choice gives it.

    Parameters
    ----------
    contacts : mapping of Contacts
        By the name of the cell rule, say *covered* and *centre*.
    dry_at_most : depths in metres
        Alternatives for the first bound.

    Returns
    -------
    DataFrame on (area, class)
        ``low``, ``high``, ``low_by``, ``high_by``; a choice reads ``cells=covered at=above dry=0``.
    """
    figures = {
        f"cells={name} at={at} dry={dry:g}": _renamed(
            people_by_class_and_area(contacts[name], depth, people, (dry, *bounds[1:]), at=at, index=index), bounds
        )
        for name, at, dry in product(contacts, SIDES, dry_at_most)
    }
    return band(figures)


def band(figures: Mapping[str, "pd.Series[float]"]) -> pd.DataFrame:
    """The least and the most of the same figures under several named choices.

    A figure that one choice does not know is unknown in the band.

    >>> band({"one": pd.Series([1.0, 5.0]), "other": pd.Series([2.0, 5.0])}).iloc[0].to_dict()
    {'low': 1.0, 'high': 2.0, 'low_by': 'one', 'high_by': 'other'}
    """
    table = pd.DataFrame(dict(figures))
    numbers, names = table.to_numpy(), table.columns.to_numpy()
    return pd.DataFrame(
        {
            "low": numbers.min(axis=1), "high": numbers.max(axis=1),
            "low_by": names[numbers.argmin(axis=1)], "high_by": names[numbers.argmax(axis=1)],
        },
        index=table.index,
    )


def length_by_class(contacts: Contacts, values: ArrayLike, bounds: Sequence[float], *, at: At = "above") -> pd.DataFrame:
    """Metres of each line in each depth class; what lies outside the raster is unknown.

    Parameters
    ----------
    contacts : Contacts of lines on a grid in metres
    values : depths, one a contact

    Examples
    --------
    A road of 25 m: 10 m dry, 10 m under water, 5 m off the raster.

    >>> of, cell, metres = np.array([0, 0]), np.array([0, 1]), np.array([10.0, 10.0])
    >>> road = Contacts(objects=1, of=of, cell=cell, amount=metres, whole=np.array([25.0]))
    >>> length_by_class(road, [0.0, 0.6], (0, 0.5)).iloc[0].to_dict()
    {'to 0': 10.0, '0 to 0.5': 0.0, 'over 0.5': 10.0, 'unknown': 5.0}
    """
    depths: Numbers = np.asarray(values, dtype=np.float64)
    if len(depths) != len(contacts.cell):
        raise ParameterError("lengths differ", where="length_by_class", expected=f"{len(contacts.cell)}", got=f"{len(depths)}")
    classes = class_names(bounds)
    group = contacts.of * len(classes) + classes_of(depths, bounds, at)
    sums = np.bincount(group, weights=contacts.amount, minlength=contacts.objects * len(classes))
    table = sums.astype(np.float64).reshape(-1, len(classes))  # of no contact at all numpy makes whole numbers
    table[:, -1] += np.maximum(contacts.whole - table.sum(axis=1), 0.0)
    return pd.DataFrame(table, columns=list(classes))


def count_by_class(values: ArrayLike, bounds: Sequence[float], *, at: At = "above") -> "pd.Series[int]":
    """How many objects (facilities, buildings) have a value in each class.

    >>> count_by_class([0.0, 0.7, 0.8, np.nan], (0, 0.5)).to_dict()
    {'to 0': 1, '0 to 0.5': 0, 'over 0.5': 2, 'unknown': 1}
    """
    classes = class_names(bounds)
    return pd.Series(np.bincount(classes_of(values, bounds, at), minlength=len(classes)), index=pd.Index(classes, name="class"))


def _whole_table(table: Numbers, totals: Numbers, labels: Sequence[object]) -> Cells:
    of_classes = whole_numbers(totals, round(float(totals.sum())), np.arange(len(totals)))
    rank = np.argsort(np.argsort(np.array([str(label) for label in labels]), kind="stable"))
    exact = table * np.divide(of_classes, totals, out=np.ones(len(totals)), where=totals > 0)
    return np.stack([whole_numbers(part, int(total), rank) for part, total in zip(exact.T, of_classes, strict=True)], axis=1)


def _split(contacts: Contacts, cells: int) -> Numbers:
    covered = np.bincount(contacts.cell, weights=contacts.amount, minlength=cells)
    return np.asarray(contacts.amount / np.maximum(covered, 1.0)[contacts.cell], dtype=np.float64)


def _renamed(table: pd.DataFrame, bounds: Sequence[float]) -> "pd.Series[float]":
    """Classes cut by another first bound under the names of the stated ones, as one column."""
    rows = pd.MultiIndex.from_product([table.index, [*class_names(bounds), "total"]], names=["area", "class"])
    return pd.Series(table.to_numpy(dtype=np.float64).ravel(), index=rows)


def _sound_bounds(bounds: Sequence[float]) -> Numbers:
    cuts: Numbers = np.asarray(bounds, dtype=np.float64)
    if not len(cuts) or not np.isfinite(cuts).all() or (np.diff(cuts) <= 0).any():
        raise ParameterError(
            "bounds do not cut classes", where="bounds", expected="one or more finite numbers that rise",
            got=", ".join(shown(float(cut)) for cut in cuts[:9]) or "none",
        )
    return cuts


def _matching(depth: ArrayLike, people: ArrayLike) -> tuple[Numbers, Numbers]:
    depths, counted = np.asarray(depth, dtype=np.float64), np.asarray(people, dtype=np.float64)
    if depths.shape != counted.shape:
        raise ParameterError(
            "depth and people differ in shape", where="people by class", expected=" x ".join(map(str, depths.shape)),
            got=" x ".join(map(str, counted.shape)), then="warp one to the grid of the other",
        )
    _require_people(counted)
    return depths.ravel(), counted.ravel()


def _require_people(people: Numbers) -> None:
    bad = (people < 0) | np.isinf(people)
    if bad.any():
        raise ParameterError(
            "people are negative or without end", where=f"{int(bad.sum())} cells", expected="0 or more, nan for unknown",
            got=shown(float(people[bad][0])), then="declare the raster's nodata value",
        )
    whole = float(np.nansum(people))
    if whole > _MOST_PEOPLE:
        raise ParameterError(
            "people are more than can be counted", where="people", expected=f"at most {_MOST_PEOPLE:.0f} in all", got=shown(whole),
            then="declare the raster's nodata value, or mend the people per cell",
        )


def _require_cells(contacts: Contacts, cells: int) -> None:
    if len(contacts.cell) and not (contacts.cell.min() >= 0 and contacts.cell.max() < cells):
        raise ParameterError(
            "the contacts are of another grid", where="people by area", expected=f"cells 0 to {cells - 1}",
            got=f"{contacts.cell.min()} to {contacts.cell.max()}", then="find contacts on the raster's own grid",
        )
