"""What the displaced need at the least, by area: a table beside the people of a scenario."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import pandas as pd
from pydantic import Field as Range

from api.use.scenarios._result import Field, Row, Table, table_of
from api.use.scenarios._scenario import Finite, Section
from geo_risk.errors import ParameterError, shown
from geo_risk.impact.needs import Need, needs
from geo_risk.impact.people import class_names, displaced
from geo_risk.model import Rule
from layers._tables.need_sets import need_set


class Needs(Section):
    """Who must leave, and by which set of standards: of the people deeper than a bound, so many per cent."""

    set: Literal["sphere", "who", "bnpb"] = "sphere"
    deeper_than_m: Finite
    per_cent: Annotated[float, Range(ge=0, le=100, allow_inf_nan=False)] = 100.0


def displaced_by_area(people: pd.DataFrame, bounds: Sequence[float], asked: Needs) -> "pd.Series[float]":
    """Who must leave each area, from people by class (`class_names` of the bounds, *unknown* last); a row an area.

    People whose depth is unknown are not among them: the table says how many they are.

    Raises
    ------
    ParameterError
        The depth is none of the bounds: a class would have to be cut.
    """
    if asked.deeper_than_m not in bounds:
        raise ParameterError(
            "the depth that makes people leave is no bound of a class", where="needs.deeper_than_m",
            expected=", ".join(f"{bound:g}" for bound in bounds), got=shown(asked.deeper_than_m), then="name one, or add a bound",
        )
    first = list(bounds).index(asked.deeper_than_m) + 1
    leaving = class_names(bounds)[first:-1]
    rates = dict.fromkeys(leaving, asked.per_cent)
    return people[list(leaving)].apply(lambda row: displaced(row, rates).sum(skipna=False), axis=1)


def needs_table(leaving: Mapping[tuple[str, str], "pd.Series[float]"], asked: Needs) -> Table:
    """Whole units by hazard, area and need; below the line the need of all of them together, rounded up once."""
    standards = need_set(asked.set)
    by_area = [((*keys, area), count) for keys, people in leaving.items() for area, count in people.items()]
    together = [((*keys, "(total)"), people.sum(skipna=False)) for keys, people in leaving.items()]
    return table_of(
        "needs",
        {"en": "What the displaced need at the least", "zh": "转移人员最低生活保障需求"},
        (
            *(Field(name=name, kind="text") for name in ("hazard", "areas", "area", "need")),
            Field(name="displaced", unit="people"), Field(name="amount", unit="units"), Field(name="unit", kind="text"),
            Field(name="every", kind="text"), Field(name="standard", kind="text"), Field(name="checked", kind="text"),
        ),
        [row for keys, count in by_area for row in _rows(keys, count, standards)],
        keys=4,
        foot=[row for keys, count in together for row in _rows(keys, count, standards)],
    )


def needs_rule(asked: Needs) -> Rule:
    """Who is held to be displaced, in words."""
    return Rule(id="displaced", chosen=f"{asked.per_cent:g} % of the people in water deeper than {asked.deeper_than_m:g} m")


def _rows(keys: tuple[Any, ...], people: float, standards: Sequence[Need]) -> Iterator[Row]:
    for need, row in needs(people, standards).iterrows():
        yield (*keys, str(need), people, row["amount"], row["unit"], row["every"], row["standard"], row["checked"])
