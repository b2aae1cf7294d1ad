"""Errors say five things, and text from outside does not pass through them."""

import math

import numpy as np
import pytest

from geo_risk import errors
from geo_risk.errors import GeoRiskError, ParameterError, shown


def test_five_facts_read_as_one_line():
    error = ParameterError("radius_m is out of range", where="nearest", expected="above 0", got="-5", then="give metres")
    assert str(error) == "radius_m is out of range; where: nearest; expected: above 0; got: -5; next: give metres"


def test_a_fact_not_given_is_left_out():
    assert str(ParameterError("no such rule", got="best")) == "no such rule; got: best"


def test_the_tree_drawn_is_the_tree_there_is():
    classes = {name for name, found in vars(errors).items() if isinstance(found, type) and issubclass(found, GeoRiskError)}
    assert all(f"{name} " in errors.__doc__ or f"{name}\n" in errors.__doc__ for name in classes)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "nothing"), (True, "True"), (-5, "-5"), (0.5, "0.5"), (math.inf, "inf"),
        (np.int64(7), "7"), (np.float64(0.5), "0.5"),
        ("aeds", "aeds"), ("2024-07-01", "2024-07-01"), ("", "text of 0 characters"), ("a" * 41, "text of 41 characters"),
        ("{{7*191}}", "text of 9 characters"), ("<b>", "text of 3 characters"), ("a\nb", "text of 3 characters"),
        ("洪水", "text of 2 characters"), (["x"], "a list"),
    ],
)
def test_shown(value, text):
    assert shown(value) == text


def test_a_huge_number_is_sized_and_not_written_out():
    assert shown(10**5000) == "a number of 16610 bits"
