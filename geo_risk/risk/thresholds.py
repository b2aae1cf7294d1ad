"""Classes and quantities by published thresholds; every threshold is an argument."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd


def capacity_from_area(area_m2: pd.Series, m2_per_person: pd.Series) -> pd.Series:
    """Whole places that fit: floor(area / area per person); nan where either is unknown or the need is not positive.

    Parameters
    ----------
    area_m2 : Series of float, square metres
    m2_per_person : Series of float, square metres a person, on the same index

    Returns
    -------
    Series of float
        Whole numbers or nan.
    """
    need = pd.to_numeric(m2_per_person).where(lambda values: values > 0)
    return (pd.to_numeric(area_m2).astype(float) / need.astype(float)).map(np.floor)


def worst_class(values: Mapping[str, pd.Series], classes: Sequence[tuple[object, ...]]) -> pd.Series:
    """The class of each row: the worst that any of its values reaches, as in *threat 险情* (people or property).

    Parameters
    ----------
    values : mapping of Series
        Quantities, in the order of the bounds in ``classes``.
    classes : rows of (id, bound of the first quantity, bound of the second, ...), the worst class first
        A value reaches a class if it is at least the bound.

    Returns
    -------
    Series of object
        Class ids; None where every quantity is unknown. Where some are unknown, the class is the worst
        that the known ones reach: a lower bound of the truth.
    """
    columns = [pd.to_numeric(series).astype(float) for series in values.values()]
    index = columns[0].index
    found = pd.Series(None, index=index, dtype=object)
    for class_id, *bounds in reversed(classes):
        reached = np.zeros(len(index), dtype=bool)
        for series, bound in zip(columns, bounds, strict=True):
            reached |= (series >= float(bound)).to_numpy()  # type: ignore[arg-type]
        found[reached] = class_id
    return found
