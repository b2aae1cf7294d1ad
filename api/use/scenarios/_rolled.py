"""Figures of objects told for areas: sums by a named rule, what lies outside, and the spread over the other rules."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import geopandas as gpd
import pandas as pd

from api.use.scenarios._result import Field, Row
from geo_risk.impact.people import band
from geo_risk.model import Rule
from geo_risk.risk.rollup import ROLL_UP_RULES, RollUp, roll_up, spread

RollUpRule = Literal["largest_share", "centroid", "split_by_share", "first_touched", "touch"]
OUTSIDE, UNPLACED, TWICE, TOTAL = "(outside)", "(no place)", "(counted twice)", "(total)"


@dataclass(frozen=True, kw_only=True)
class Told:
    """Rows of the areas, rows below the line, and what could not be known."""

    rows: list[Row]
    foot: list[Row]
    unknown: list[str]


def told_by_area(
    key: Row, values: "pd.Series[Any]", objects: gpd.GeoDataFrame, areas: Mapping[str, gpd.GeoDataFrame], rule: str
) -> Told:
    """The sums of one figure over every set of areas; ``key`` stands before the columns of `area_fields`.

    Known figures of areas, of the outside and of objects without a place, less what was counted twice, are the total.
    """
    parts = [_of_set((*key, name), values, objects, frame, rule) for name, frame in areas.items()]
    return Told(
        rows=[row for part in parts for row in part.rows], foot=[row for part in parts for row in part.foot],
        unknown=[line for part in parts for line in part.unknown],
    )


def area_fields(figure: str, unit: str = "") -> tuple[Field, ...]:
    """The columns of a row of `told_by_area` after its key: the area and the figure."""
    return (
        Field(name="areas", kind="text"), Field(name="area", kind="text"), Field(name="name", kind="text"),
        Field(name=figure, unit=unit), Field(name=f"{figure}_known", unit=unit), Field(name="unknown_objects", kind="whole"),
        Field(name="low", unit=unit), Field(name="high", unit=unit), Field(name="low_by", kind="text", detail=True),
        Field(name="high_by", kind="text", detail=True),
    )


def roll_up_rules(rule: str) -> tuple[Rule, ...]:
    """What is said of the rule, and of the band of an area's figure."""
    return (
        Rule(id="roll_up", chosen=rule, options=tuple(ROLL_UP_RULES)),
        Rule(id="band_of_areas", chosen="known figures by every rule of roll_up"),
    )


def banded(choices: Mapping[str, "pd.Series[Any]"]) -> pd.DataFrame:
    """Least and most over named choices; no choice is named where a figure is unknown under one of them."""
    found = band(choices)
    named = found["low"].notna()
    return found.assign(**{column: found[column].where(named, None) for column in ("low_by", "high_by")})


def _of_set(key: Row, values: "pd.Series[Any]", objects: gpd.GeoDataFrame, areas: gpd.GeoDataFrame, rule: str) -> Told:
    found = roll_up(values, objects, areas, rule)
    known = values.dropna()
    choices = spread(known, objects.loc[known.index], areas).drop(columns=["least", "most"])
    alternatives = banded({name: choices[name] for name in ROLL_UP_RULES})
    rows: list[Row] = [
        (*key, str(area), name, found.inside[area], found.known[area], found.unknown[area], *alternatives.loc[area])
        for area, name in areas["name"].items()
    ]
    return Told(rows=rows, foot=list(_foot(key, values, found)), unknown=list(_lines(key, found)))


def _foot(key: Row, values: "pd.Series[Any]", found: RollUp) -> Iterator[Row]:
    lacking = int(values.isna().sum())

    def row(what: str, name: str, known: Any, unknown: int) -> Row:
        return (*key, what, name, None if unknown else known, known, unknown, None, None, None, None)

    yield row(OUTSIDE, "outside every area", found.outside, found.unknown_elsewhere)
    if found.unplaced:
        yield row(UNPLACED, "without a place", found.unplaced, 0)
    if found.surplus:
        yield row(TWICE, "in several areas, taken off", -found.surplus, 0)
    yield row(TOTAL, "total", found.whole, lacking)


def _lines(key: Row, found: RollUp) -> Iterator[str]:
    if found.refused:
        yield f"{len(found.refused):,} overlays with areas {key[-1]} cost too much: those objects have no place"
    if found.in_several:
        yield f"{found.in_several:,} objects meet several areas of {key[-1]}: the band says what the rule decides"
