"""Sums and fingerprints that do not hang on how rows were cut into pieces, nor on which worker was first.

A sum of floats changes in its last digits with the order of its terms. Here each value is first rounded to a whole
number of `STEP` (2^-20, about a millionth), and whole numbers add up exactly in any order.
"""

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from geo_risk.errors import ParameterError, shown

Numbers: TypeAlias = NDArray[np.float64]
STEP: Final = 2.0**-20
_STEPS: Final = 2**20
LARGEST: Final = 2.0**39
"""No single value may be larger: ten million of them still add up within 63 bits."""
_FULL: Final = 2.0**63
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))


@dataclass(frozen=True)
class ExactSums:
    """Sums a group as whole numbers of units and of steps; add two of them with ``+``, read them with `values`."""

    units: NDArray[np.int64]
    steps: NDArray[np.int64]

    def __add__(self, other: "ExactSums") -> "ExactSums":
        if (self.units.astype(float) + other.units.astype(float) >= _FULL).any():
            raise ParameterError(
                "a sum is too large to be exact", where="exact_sums", expected=f"below {_FULL:.0f}", then="use a larger unit"
            )
        return ExactSums(self.units + other.units, self.steps + other.steps)

    def values(self) -> Numbers:
        """The sums as floats, each rounded once.

        >>> one = exact_sums(np.array([0]), np.array([0.75]), 1)
        >>> (one + one).values().tolist()
        [1.5]
        """
        carried, steps = np.divmod(self.steps, _STEPS)
        return np.asarray((self.units + carried) + steps * STEP, dtype=float)


def exact_sums(group: NDArray[np.int64], values: Numbers, groups: int) -> ExactSums:
    """The sum of each group's values, each rounded to 2^-20 first; the same whatever the order or the pieces.

    Parameters
    ----------
    group : array of int64, 0 to groups - 1
    values : array of float64, 0 or more; nan is not summed (count it beside the sum)

    Raises
    ------
    ParameterError
        A value is negative, infinite or above 2^39.

    Examples
    --------
    >>> exact_sums(np.array([0, 1, 0]), np.array([0.5, 1.25, np.nan]), 2).values().tolist()
    [0.5, 1.25]
    """
    known = ~np.isnan(values)
    if (wrong := known & ~((values >= 0) & (values <= LARGEST))).any():
        raise ParameterError(
            "a value cannot be summed exactly", where="exact_sums", expected=f"0 to {LARGEST:.0f}",
            got=shown(float(values[wrong][0])), then="use a larger unit",
        )
    whole = np.floor(values[known])
    steps = np.rint((values[known] - whole) * _STEPS)
    return ExactSums(_summed(group[known], whole, groups), _summed(group[known], steps, groups))


def _summed(group: NDArray[np.int64], values: Numbers, groups: int) -> NDArray[np.int64]:
    """Whole numbers by group, in two halves of 20 bits so that each float sum of a piece is exact below 2^53."""
    high, low = np.divmod(values, float(_STEPS))
    sums = [np.bincount(group, weights=half, minlength=groups) for half in (high, low)]
    return np.asarray(sums[0].astype(np.int64) * _STEPS + sums[1].astype(np.int64), dtype=np.int64)


def counts(group: NDArray[np.int64], groups: int) -> NDArray[np.int64]:
    """How many rows each group has."""
    return np.asarray(np.bincount(group, minlength=groups), dtype=np.int64)


def fingerprint(frame: pd.DataFrame) -> int:
    """A number of 64 bits over all rows that changes when any value does, and not with the order of rows or their pieces.

    Each row's values are hashed by column name and position-free, mixed (the finaliser of SplitMix64: Steele, Lea and
    Flood 2014) and added modulo 2^64: fingerprints of pieces add up to that of the whole. It finds accidents; it is no
    proof against a forger.

    >>> frame = pd.DataFrame({"id": ["a", "b", "c"], "depth_m": [0.1, None, 0.3]})
    >>> whole = fingerprint(frame)
    >>> whole == (fingerprint(frame[2:]) + fingerprint(frame[:2])) % 2**64 == fingerprint(frame[::-1])
    True
    >>> whole == fingerprint(frame.assign(depth_m=[0.1, 0.2, 0.3]))
    False
    """
    rows = np.zeros(len(frame), dtype=np.uint64)
    for name in sorted(frame.columns):
        salt = pd.util.hash_array(np.array([name], dtype=object))[0]
        rows = _mixed(rows * _ODD + _mixed(_hashed(frame[name]) ^ salt))
    return int(_mixed(rows + _ODD).sum(dtype=np.uint64)) if len(rows) else 0


def _hashed(column: "pd.Series[Any]") -> NDArray[np.uint64]:
    """A number for each value, the same for equal values in every process; one for all that are missing."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = pd.Series([*column.cat.categories, ""], dtype=object)  # a missing one has code -1: the last
        return _hashed(names)[column.cat.codes.to_numpy()]
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan) + 0.0  # no -0.0
        return np.asarray(pd.util.hash_array(np.where(np.isnan(values), np.nan, values)))
    texts = column.astype(object).where(column.notna(), "").to_numpy(dtype=object)
    return np.asarray(pd.util.hash_array(texts, categorize=False))


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX[0]
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX[1]
    return bits ^ (bits >> np.uint64(31))
