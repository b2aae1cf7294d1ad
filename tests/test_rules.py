import math

import pandas as pd
import pytest

from layers._rules import depth_range_m, not_above, places_from_area, threat_scale, years_agree


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("0.3m未満の区域", 0.0, 0.3),
        ("0.5~1.0m未満の区域", 0.5, 1.0),
        ("3.0m以上", 3.0, math.nan),
        ("0.5-1.0米", 0.5, 1.0),
        ("", math.nan, math.nan),
        ("deep", math.nan, math.nan),
        ("1.0~0.5m", math.nan, math.nan),
    ],
)
def test_a_depth_class_is_read_from_its_text(words: str, low: float, high: float) -> None:
    assert depth_range_m(words) == pytest.approx((low, high), nan_ok=True)


def test_a_date_outside_its_year_is_seen_and_a_missing_one_is_not_judged() -> None:
    rows = pd.DataFrame(
        {"date": pd.to_datetime(["2015-07-27", "2011-07-27", None]), "year": pd.array([2011, 2011, 2011], dtype="Int64")}
    )
    assert years_agree("date", "year").holds(rows).tolist() == [False, True, pd.NA]


def test_a_warning_level_above_the_guarantee_level_is_seen() -> None:
    rows = pd.DataFrame({"low": [1.0, 3.0, None], "high": [2.0, 2.0, 2.0]})
    assert not_above("low", "high", "", "").holds(rows).tolist() == [True, False, pd.NA]


def test_475_m2_hold_237_people_for_a_short_stay() -> None:
    rows = pd.DataFrame({"area_m2": [475.0, 475.0, None], "stay_class": ["short", None, "short"]})
    assert places_from_area("area_m2", "stay_class", "capacity").rule(rows).tolist() == pytest.approx(
        [237, math.nan, math.nan], nan_ok=True
    )


def test_the_higher_class_of_people_and_property_counts() -> None:
    rows = pd.DataFrame({"people": [1000, 10, 99, None, None], "money": [0.0, 5000.0, 499.0, 500.0, None]})
    found = threat_scale("people", "money", "scale").rule(rows)
    assert found.tolist()[:4] == ["very_large", "large", "small", "medium"]
    assert pd.isna(found[4])
