import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from geo_risk.scale.sums import STEP, exact_sums, fingerprint

amounts = st.lists(st.floats(0, 1e9), min_size=1, max_size=40)


def total(values):
    return exact_sums(np.zeros(len(values), dtype=np.int64), np.array(values, dtype=float), 1)


@given(amounts, st.randoms(), st.integers(0, 40))
def test_any_order_and_any_cut_give_the_same_sum(values, shuffle, cut):
    mixed = list(values)
    shuffle.shuffle(mixed)
    pieces = total(mixed[:cut]) + total(mixed[cut:])
    assert pieces.values().tolist() == total(values).values().tolist()


@given(amounts)
def test_the_sum_is_that_of_the_values_rounded_to_steps(values):
    exact = sum(Fraction(math.floor(v)) + Fraction(round((v - math.floor(v)) / STEP)) * Fraction(STEP) for v in values)
    assert total(values).values()[0] == pytest.approx(float(exact), rel=1e-15)


def test_ten_million_of_the_largest_do_not_overflow():
    many = total([2.0**39] * 1000)
    for _ in range(4):
        many = many + many + many + many + many + many + many + many + many + many
    assert many.values().tolist() == [2.0**39 * 1e7]
    with pytest.raises(ParameterError, match="too large to be exact"):
        many + many


@pytest.mark.parametrize("wrong", [-1.0, np.inf, 2.0**40])
def test_values_that_cannot_be_summed_exactly(wrong):
    with pytest.raises(ParameterError, match="cannot be summed exactly"):
        total([1.0, wrong])


@pytest.mark.parametrize(
    "other",
    [
        {"id": ["a", "c"], "x": [1.0, 2.0]},
        {"id": ["a", "b"], "x": [2.0, 1.0]},
        {"id": ["a", "b"], "x": [1.0, np.nan]},
        {"id": ["a", "b"], "y": [1.0, 2.0]},
        {"id": ["a", "b", "b"], "x": [1.0, 2.0, 2.0]},
        {"id": ["a"], "x": [1.0]},
    ],
)
def test_whatever_differs_changes_the_fingerprint(other):
    assert fingerprint(pd.DataFrame({"id": ["a", "b"], "x": [1.0, 2.0]})) != fingerprint(pd.DataFrame(other))


def test_zero_has_no_sign_and_unknown_one_form():
    assert fingerprint(pd.DataFrame({"x": [0.0, np.nan]})) == fingerprint(pd.DataFrame({"x": [-0.0, -np.nan]}))


def test_a_column_of_categories_counts_as_its_texts():
    texts = pd.DataFrame({"area": ["east", None, "west"]})
    assert fingerprint(texts) == fingerprint(texts.astype("category"))
