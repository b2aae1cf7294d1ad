"""A scheme turns a value into a level with a numeral, a shape and a colour, so that none depends on colour alone."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from geo_risk.errors import DeclarationError
from geo_risk.model import Band

UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Level:
    """One level: what a screen shows for it. ``at_least`` is its lower bound in the scheme's unit."""

    id: str
    numeral: str
    title: dict[str, str]
    colour: str
    text_colour: str
    shape: str
    advice: dict[str, str]
    at_least: float | None = None


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """Levels from the worst to the least, then *unknown*; with the source its numbers come from."""

    id: str
    title: dict[str, str]
    unit: str
    levels: tuple[Level, ...]
    unknown: Level
    source: str
    checked: str

    def __post_init__(self) -> None:
        bounds = [level.at_least for level in self.levels]
        if not bounds or any(bound is None for bound in bounds) or any(a <= b for a, b in pairwise(bounds)):  # type: ignore[operator]
            raise DeclarationError(
                "a scheme's bounds must fall from the worst level to the least",
                where=f"scheme {self.id}",
                expected="each at_least below the one before",
                got=str(bounds),
                then="order the levels in the table, worst first",
            )

    def level(self, level_id: str) -> Level:
        """The level of that id; *unknown* is one."""
        return next((level for level in self.levels if level.id == level_id), self.unknown)

    def bands(self) -> tuple[Band, ...]:
        """What each level spans, the worst first, then *unknown*."""
        above = (None, *(level.at_least for level in self.levels[:-1]))
        floors = (*above[1:], None)
        known = zip(self.levels, floors, above, strict=True)
        return (
            *(Band(level=level.id, numeral=level.numeral, at_least=floor, below=below) for level, floor, below in known),
            Band(level=self.unknown.id, numeral=self.unknown.numeral, at_least=None, below=None),
        )


def level_of(values: pd.Series, scheme: Scheme) -> pd.Series:
    """The level id of each value: the worst whose ``at_least`` the value reaches; *unknown* for nan.

    A value below every bound takes the least level. A value on a bound takes the level of that bound.

    Parameters
    ----------
    values : Series of float
        In the scheme's unit; nan is unknown.

    Returns
    -------
    Series of str
        Level ids on the same index.
    """
    ids = np.array([level.id for level in reversed(scheme.levels)], dtype=object)
    bounds = np.array([level.at_least for level in reversed(scheme.levels)], dtype=float)
    numbers = values.to_numpy(dtype=float)
    place = np.clip(np.searchsorted(bounds, numbers, side="right") - 1, 0, len(ids) - 1)
    return pd.Series(np.where(np.isnan(numbers), UNKNOWN, ids[place]), index=values.index, dtype=object)
