"""The rules that layer files name: checks over a row's columns, and derivations of what a source leaves empty.

A derivation reads its numbers from `layers._tables`; the arithmetic is in `geo_risk`.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from geo_risk.risk.thresholds import capacity_from_area, worst_class
from layers._layer import Derivation, RowCheck, Title
from layers._tables import table

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_OPEN_ABOVE = re.compile(r"以上|>|≥|more|over|above", re.IGNORECASE)


def not_above(low: str, high: str, en: str, zh: str) -> RowCheck:
    """``low`` is at most ``high``; unknown where either is missing."""

    def holds(rows: pd.DataFrame) -> pd.Series:
        known = rows[low].notna() & rows[high].notna()
        return (rows[low] <= rows[high]).astype("boolean").where(known)

    def of_row(row: Mapping[str, Any]) -> bool | None:
        return None if row[low] is None or row[high] is None else bool(row[low] <= row[high])

    sql = f"{{{low}}} <= {{{high}}}"
    return RowCheck(f"{low}_not_above_{high}", (low, high), holds, {"en": en, "zh": zh}, of_row=of_row, of_sql=sql)


def years_agree(date: str, year: str) -> RowCheck:
    """The date lies in the year the row states; unknown where either is missing."""

    def holds(rows: pd.DataFrame) -> pd.Series:
        dates = pd.to_datetime(rows[date], errors="coerce")
        known = dates.notna() & rows[year].notna()
        return (dates.dt.year == pd.to_numeric(rows[year])).astype("boolean").where(known)

    def of_row(row: Mapping[str, Any]) -> bool | None:
        return None if row[date] is None or row[year] is None else int(row[date][:4]) == row[year]

    title: Title = {"en": "The date lies in the stated year", "zh": "日期与所标年份一致"}
    sql = f"extract(year FROM {{{date}}}) = {{{year}}}"
    return RowCheck(f"{date}_in_{year}", (date, year), holds, title, of_row=of_row, of_sql=sql)


def given(column: str, en: str, zh: str) -> RowCheck:
    """The column has a value: a warning where users need it but sources often leave it out."""
    return RowCheck(
        f"{column}_given", (column,), lambda rows: rows[column].notna().astype("boolean"), {"en": en, "zh": zh},
        of_row=lambda row: row[column] is not None, of_sql=f"{{{column}}} IS NOT NULL",
    )


def places_from_area(area_m2: str, stay_class: str, capacity: str) -> Derivation:
    """Whole places = floor(area / area a person needs for the class of stay), from table *area_per_person*."""

    def rule(rows: pd.DataFrame) -> pd.Series:
        needs = {row["id"]: float(row["value"]) for row in table("area_per_person")["row"]}
        return capacity_from_area(rows[area_m2], rows[stay_class].map(needs).astype(float))

    title: Title = {"en": "Area divided by the area a person needs for this class of stay", "zh": "按人均有效避难面积推算"}
    return Derivation(capacity, (area_m2, stay_class), rule, title)


def threat_scale(people: str, money: str, scale: str) -> Derivation:
    """Scale of a geological hazard by threat 险情: the higher class of people and property, table *threat*."""

    def rule(rows: pd.DataFrame) -> pd.Series:
        classes = [(row["id"], float(row["people"]), float(row["yuan10k"])) for row in table("threat")["row"]]
        return worst_class({people: rows[people], money: rows[money]}, classes)

    title: Title = {"en": "By people and property threatened (the higher class)", "zh": "按受威胁人数与财产（取高）"}
    return Derivation(scale, (people, money), rule, title)


def depth_bound(text: str, which: str, column: str) -> Derivation:
    """The lower or upper bound in metres of a depth class as published, such as ``0.5~1.0m未満`` or ``3.0m以上``."""

    def rule(rows: pd.DataFrame) -> pd.Series:
        return rows[text].map(lambda words: depth_range_m(words)[0 if which == "lower" else 1], na_action="ignore").astype(float)

    return Derivation(column, (text,), rule, {"en": f"The class's {which} bound, read from its text", "zh": "由水深分级文字读出"})


def depth_range_m(words: str) -> tuple[float, float]:
    """Lower and upper bound in metres of a depth class; nan where the text states none.

    >>> depth_range_m("0.3m未満の区域"), depth_range_m("0.5~1.0m未満の区域"), depth_range_m("3.0m以上")
    ((0.0, 0.3), (0.5, 1.0), (3.0, nan))
    """
    numbers = [float(found) for found in _NUMBER.findall(words)]
    if len(numbers) == 2 and numbers[0] < numbers[1]:
        return numbers[0], numbers[1]
    if len(numbers) == 1:
        return (numbers[0], np.nan) if _OPEN_ABOVE.search(words) else (0.0, numbers[0])
    return np.nan, np.nan
