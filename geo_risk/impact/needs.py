"""What displaced people need at the least: water, food, toilets, beds, by a published set of standards."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal
from typing import Final

import numpy as np
import pandas as pd

from geo_risk.errors import DeclarationError, ParameterError, shown
from geo_risk.model import Text

FREQUENCIES: Final = ("once", "day", "week", "month")


@dataclass(frozen=True, kw_only=True)
class Need:
    """One standard: ``value`` units for every ``persons`` people, ``every`` day, week or month, or once.

    Raises
    ------
    DeclarationError
        A value or group size that is not above 0, or an unknown frequency.
    """

    id: str
    title: Text
    value: float
    unit: str
    persons: float = 1
    every: str
    standard: str
    region: str
    source: str
    checked: str

    def __post_init__(self) -> None:
        if not (0 < self.value < np.inf and 0 < self.persons < np.inf) or self.every not in FREQUENCIES:
            raise DeclarationError(
                "a need has no sound value", where=f"need {shown(self.id)}", expected=f"above 0; every {', '.join(FREQUENCIES)}",
                got=f"{shown(self.value)} for {shown(self.persons)}, {shown(self.every)}", then="mend the table needs",
            )


def needs(people: float, table: Sequence[Need]) -> pd.DataFrame:
    """What that many people need: a row a standard, rounded up to whole units; unknown people have unknown needs.

    amount = ceil(people x value / persons), in decimal numbers, so that 0.05 x 20 is 1 and not 2.

    Parameters
    ----------
    people : float
        0 or more; nan for unknown.

    Returns
    -------
    DataFrame on the needs' ids
        amount, unit, every, value, persons, standard, source, checked.

    Raises
    ------
    ParameterError
        Negative or infinite people.

    Examples
    --------
    >>> toilet = Need(id="toilets", title={"en": "Toilets"}, value=1, unit="toilet", persons=20, every="once",
    ...     standard="Sphere 2018", region="world", source="", checked="")
    >>> needs(41, [toilet])["amount"].tolist(), needs(float("nan"), [toilet])["amount"].tolist()
    ([3.0], [nan])
    """
    rows = [
        {
            "amount": _amount(people, need), "unit": need.unit, "every": need.every, "value": need.value, "persons": need.persons,
            "standard": need.standard, "source": need.source, "checked": need.checked,
        }
        for need in table
    ]
    return pd.DataFrame(rows, index=pd.Index([need.id for need in table], name="need"))


def needs_by_area(people: "pd.Series[float]", table: Sequence[Need]) -> pd.DataFrame:
    """Whole units by area and need, each area rounded up by itself: what must stand there, so the sum may exceed the city's.

    Parameters
    ----------
    people : Series
        Displaced people of each area; nan for unknown.

    Returns
    -------
    DataFrame on ``people.index``, a column a need
    """
    return pd.DataFrame({need.id: [_amount(count, need) for count in people.astype(float)] for need in table}, index=people.index)


def _amount(people: float, need: Need) -> float:
    if people < 0 or np.isinf(people):
        raise ParameterError(
            "people are negative or without end", where=f"need {shown(need.id)}", expected="0 or more, nan for unknown",
            got=shown(people),
        )
    if np.isnan(people):
        return float("nan")
    exact = Decimal(str(people)) * Decimal(str(need.value)) / Decimal(str(need.persons))
    return float(exact.to_integral_value(rounding=ROUND_CEILING))
