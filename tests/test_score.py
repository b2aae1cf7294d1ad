"""Scores are clipped lines or logs; rules keep what is unknown unknown."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, zscore

from geo_risk.errors import DeclarationError, ParameterError
from geo_risk.model import Scale
from geo_risk.risk.score import RELATIVE, RULES, combine, score

EIGHTHS = st.integers(-(10**6), 10**6).map(lambda n: n / 8)


def scale(curve, low, high):
    return Scale(curve=curve, low=low, high=high, weight=1, source="", checked="")


@pytest.mark.parametrize(
    ("curve", "low", "high", "raw", "expected"),
    [
        ("linear", 0, 4, 1, 2.5), ("linear", 0, 4, -1, 0), ("linear", 0, 4, 9, 10), ("linear", 2, 4, 3, 5),
        ("linear", 0, 4, np.inf, 10), ("linear", 4, 0, 1, 7.5), ("linear", 4, 0, 9, 0), ("linear", 4, 0, 0, 10),
        ("log", 1, 100, 10, 5), ("log", 1, 100, 0, 0), ("log", 1, 100, -5, 0), ("log", 100, 1, 10, 5), ("log", 100, 1, 0, 10),
        ("linear", 0, 4, np.nan, np.nan), ("log", 1, 100, np.nan, np.nan),
        ("rank", 0, 100, 7, 5), ("z", -2.5, 2.5, 7, 5), ("rank", 0, 100, np.nan, np.nan), ("z", -2.5, 2.5, np.nan, np.nan),
    ],
)
def test_score(curve, low, high, raw, expected):
    found = score(pd.Series([raw], index=["a"], dtype=float), scale(curve, low, high))
    assert found.to_dict() == pytest.approx({"a": expected}, nan_ok=True)


@pytest.mark.parametrize(
    ("curve", "low", "high"),
    [
        ("rank", 0, 101), ("rank", -1, 50), ("z", 2, 2), ("z", -1, np.inf),
        ("linear", 1, 1), ("linear", 0, np.inf), ("linear", np.nan, 1), ("log", 0, 1), ("log", -1, 1), ("square", 0, 1),
    ],
)
def test_a_scale_that_cannot_be(curve, low, high):
    with pytest.raises(DeclarationError, match="a scale's ends must differ and be finite"):
        score(pd.Series([1.0]), scale(curve, low, high))


@pytest.mark.parametrize(
    ("curve", "low", "high", "raw", "expected"),
    [
        ("rank", 0, 100, [1, 2, 2, 9, None], [0, 5, 5, 10, np.nan]), ("rank", 100, 0, [1, 2, 3], [10, 5, 0]),
        ("rank", 50, 100, [1, 2, 3], [0, 0, 10]), ("rank", 0, 100, [4, 4, 4], [5, 5, 5]),
        ("rank", 0, 100, [None, None], [np.nan] * 2),
        ("z", -2.5, 2.5, [1, 2, 3, None], [3, 5, 7, np.nan]), ("z", 2.5, -2.5, [1, 2, 3], [7, 5, 3]),
        ("z", -0.5, 0.5, [1, 2, 3], [0, 5, 10]), ("z", -2.5, 2.5, [4, 4], [5, 5]),
        ("z", -2.5, 2.5, [0, 0, np.inf], [5, 5, 10]),
    ],
)
def test_scores_relative_to_the_other_places(curve, low, high, raw, expected):
    assert score(pd.Series(raw, dtype=float), scale(curve, low, high)).tolist() == pytest.approx(expected, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(raw=st.lists(st.one_of(st.none(), EIGHTHS), min_size=1, max_size=30), seed=st.integers(0, 9))
@pytest.mark.parametrize("curve", RELATIVE)
def test_relative_scores_equal_scipy_and_do_not_hang_on_the_order(curve, raw, seed):
    values = pd.Series(raw, dtype=float)
    found = score(values, scale(curve, *{"rank": (0, 100), "z": (-2.5, 2.5)}[curve]))
    order = np.random.default_rng(seed).permutation(len(raw))
    assert score(values.iloc[order], scale(curve, *{"rank": (0, 100), "z": (-2.5, 2.5)}[curve])).equals(found.iloc[order])
    known = values.dropna()
    if curve == "rank" and len(known) > 1:
        assert found[known.index].tolist() == pytest.approx((10 * (rankdata(known) - 1) / (len(known) - 1)).tolist())
    if curve == "z" and len(known) > 1 and known.std() > 1e-6:
        assert found[known.index].tolist() == pytest.approx(np.clip(5 + 2 * zscore(known, ddof=1), 0, 10).tolist(), abs=1e-6)


@pytest.mark.parametrize(("lack", "expected"), [(10, 10 * 0.8 * 0.5), (0, 0.4), (5, 10 * 0.4 / 5.5), (np.nan, np.nan)])
def test_product_over_coping(lack, expected):
    """Hazard 8, exposure 5: 0.8 x 0.5, over a capacity of 1 (all lacks) to 10 (nothing does)."""
    roles = pd.DataFrame({"hazard": [8.0], "exposure": [5.0], "coping": [lack]})
    assert combine(roles, dict.fromkeys(roles, 1.0), "product_over_coping").tolist() == pytest.approx([expected], nan_ok=True)


@pytest.mark.parametrize(
    ("rule", "scores", "weights", "expected"),
    [
        ("worst", (2, 8), (1, 1), 8), ("worst", (2, 8), (9, 1), 8), ("worst", (2, 8), (1, 0), 2),
        ("mean", (2, 8), (1, 1), 5), ("mean", (2, 8), (3, 1), 3.5), ("mean", (2, 8), (0, 2), 8),
        ("geometric_mean", (2, 8), (1, 1), 4), ("geometric_mean", (0, 8), (1, 1), 0), ("geometric_mean", (1, 8), (2, 1), 2),
        ("floored_geometric_mean", (0, 10), (1, 1), (np.sqrt(10) - 1) / 0.9), ("floored_geometric_mean", (4, 4), (1, 2), 4),
        ("noisy_or", (5, 5), (1, 1), 7.5), ("noisy_or", (0, 3), (1, 1), 3), ("noisy_or", (10, 0), (1, 1), 10),
        ("product", (5, 5), (1, 1), 2.5), ("product", (10, 3), (1, 1), 3),
    ],
)
def test_combine(rule, scores, weights, expected):
    table = pd.DataFrame([scores], columns=["x", "y"], index=["a"])
    assert combine(table, dict(zip("xy", weights, strict=True)), rule).to_dict() == pytest.approx({"a": expected})


@pytest.mark.parametrize("rule", RULES)
class TestEveryRule:
    def test_one_unknown_makes_it_unknown(self, rule):
        table = pd.DataFrame({"x": [10.0, 0.0, np.nan], "y": np.nan})
        assert combine(table, {"x": 1, "y": 1}, rule).isna().all()

    def test_an_unknown_of_weight_0_does_not(self, rule):
        assert combine(pd.DataFrame({"x": [4.0], "y": [np.nan]}), {"x": 1, "y": 0}, rule).tolist() == pytest.approx([4.0])

    def test_alone_a_score_is_itself(self, rule):
        assert combine(pd.DataFrame({"x": [0.0, 4.0, 10.0]}), {"x": 2}, rule).tolist() == pytest.approx([0, 4, 10])

    def test_it_stays_between_0_and_10(self, rule):
        table = pd.DataFrame(np.random.default_rng(3).uniform(0, 10, (200, 4)), columns=list("abcd"))
        assert combine(table, dict.fromkeys("abcd", 1.0), rule).between(0, 10).all()

    def test_the_order_of_columns_does_not_matter(self, rule):
        table = pd.DataFrame(np.random.default_rng(4).uniform(0, 10, (50, 4)), columns=list("abcd"))
        weights = {"a": 1, "b": 0.3, "c": 2, "d": 0.7}
        assert combine(table, weights, rule).equals(combine(table[list("dbca")], weights, rule))


@pytest.mark.parametrize(
    ("weights", "rule", "text"),
    [
        ({"x": 1}, "best", "no such rule; where: combine; expected: worst, mean.*got: best"),
        ({}, "mean", "a column has no sound weight; where: combine, column x"),
        ({"x": -1}, "mean", "no sound weight.*got: -1"),
        ({"x": np.inf}, "mean", "no sound weight"),
        ({"x": 0}, "mean", "nothing to combine"),
    ],
)
def test_what_cannot_be_combined(weights, rule, text):
    with pytest.raises(ParameterError, match=text):
        combine(pd.DataFrame({"x": [1.0]}), weights, rule)
