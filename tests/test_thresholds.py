"""Capacity from area; the worst class that any quantity reaches."""

import pandas as pd
import pytest

from geo_risk.risk.thresholds import capacity_from_area, worst_class

THREAT = [("very_large", 1000, 10000), ("large", 500, 5000), ("medium", 100, 500), ("small", 0, 0)]


@pytest.mark.parametrize(("area", "need", "places"), [(100, 2.0, 50), (101, 2.0, 50), (0, 2.0, 0)])
def test_capacity_is_whole_places(area, need, places):
    assert capacity_from_area(pd.Series([area]), pd.Series([need])).tolist() == [places]


@pytest.mark.parametrize(("area", "need"), [(None, 2.0), (100, None), (100, 0), (100, -1)])
def test_capacity_is_unknown_where_area_or_need_is(area, need):
    assert capacity_from_area(pd.Series([area], dtype="float64"), pd.Series([need], dtype="float64")).isna().all()


def test_capacity_of_nullable_whole_numbers():
    assert capacity_from_area(pd.Series([100, None], dtype="Int64"), pd.Series([2, 2], dtype="Int64")).iloc[0] == 50


@pytest.mark.parametrize(
    ("people", "money", "expected"),
    [(1000, 0, "very_large"), (999, 0, "large"), (0, 5000, "large"), (100, 499, "medium"), (99, 499, "small"), (0, 0, "small"),
     (None, 5000, "large"), (700, None, "large")],
)
def test_the_higher_class_of_two_quantities(people, money, expected):
    values = {"people": pd.Series([people], dtype="Int64"), "money": pd.Series([money], dtype="float64")}
    assert worst_class(values, THREAT).tolist() == [expected]


def test_no_class_where_nothing_is_known():
    values = {"people": pd.Series([None], dtype="Int64"), "money": pd.Series([None], dtype="float64")}
    assert worst_class(values, THREAT).isna().all()
