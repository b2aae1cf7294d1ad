"""Levels rise at once, fall late, hold where nothing is known; the oracle goes through the rows one by one."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.errors import DeclarationError, ParameterError
from geo_risk.risk.warnings import WarningRule, area_levels, first_times, in_force, level_over_time

START = pd.Timestamp("2026-06-20T00:00+08:00")
RAIN = (
    WarningRule(id="red", level="I", at_least=100, window_h=3), WarningRule(id="orange", level="II", at_least=50, window_h=3),
    WarningRule(id="yellow", level="III", at_least=50, window_h=6), WarningRule(id="blue", level="IV", at_least=50, window_h=12),
)  # fmt: skip
WATER = (
    WarningRule(id="record", level="I", at_least=0, of="record_m"),
    WarningRule(id="guarantee", level="II", at_least=0, of="guarantee_m"),
    WarningRule(id="warning", level="III", at_least=0, of="warning_m"),
    WarningRule(id="near", level="IV", at_least=-0.5, of="warning_m"),
)
OWN = pd.DataFrame({"warning_m": [10.0], "guarantee_m": [11.0], "record_m": [13.0]}, index=["a"])
RANK = {"none": 0, "IV": 1, "III": 2, "II": 3, "I": 4}


def hour(number: float) -> pd.Timestamp:
    return START + pd.Timedelta(hours=number)


def water(levels_m: dict[float, float], station: str = "a") -> pd.DataFrame:
    return pd.DataFrame({"station": station, "time": [hour(each) for each in levels_m], "value": list(levels_m.values())})


def rain(*rows: tuple[float, float, float, float]) -> pd.DataFrame:
    """Rows of hour, window, value, missing share."""
    columns = ["hour", "window_h", "value", "missing_share"]
    frame = pd.DataFrame(rows, columns=columns).assign(station="a")
    return frame.assign(time=[hour(each) for each in frame["hour"]])


def judged(values: pd.DataFrame, **named: object) -> list[str]:
    found = level_over_time(values, WATER, **{"falls_after_h": 0, "references": OWN, **named})
    return found["level"].tolist()


@pytest.mark.parametrize(
    ("level_m", "level"),
    [(9.4, "none"), (9.5, "IV"), (10.0, "III"), (10.999, "III"), (11.0, "II"), (13.0, "I"), (99.0, "I"), (np.nan, "unknown")],
)
def test_a_value_on_a_threshold_reaches_it(level_m: float, level: str) -> None:
    assert judged(water({0: level_m})) == [level]


def test_it_rises_with_the_reading_and_falls_when_wholly_below_for_the_hours_stated() -> None:
    tide = water({0: 9.0, 1: 11.0, 2: 9.0, 3: 10.0, 4: 9.0, 5: 9.0, 6: 9.0})
    assert judged(tide, falls_after_h=2) == ["none", "II", "II", "II", "III", "III", "none"]


def test_a_level_flaps_without_hysteresis_and_stands_with_a_margin() -> None:
    tide = water({0: 10.0, 1: 9.95, 2: 10.0, 3: 9.95, 4: 9.85})
    assert judged(tide) == ["III", "IV", "III", "IV", "IV"]
    assert judged(tide, falls_below=0.1) == ["III", "III", "III", "III", "IV"]


def test_silence_is_unknown_and_says_what_was_last() -> None:
    found = level_over_time(water({0: 11.0, 1: 11.5}), WATER, falls_after_h=1, references=OWN, silence_h=2, until=hour(9))
    assert found[["level", "last"]].to_numpy().tolist() == [["II", ""], ["II", ""], ["unknown", "II"]]
    assert found["time"].tolist() == [hour(0), hour(1), hour(3)]
    assert found["since"].tolist() == [hour(0), hour(0), hour(3)]


def test_a_silence_is_not_time_below() -> None:
    tide = water({0: 11.0, 1: 9.0, 9: 9.0, 10: 9.0, 11: 9.0})
    found = level_over_time(tide, WATER, falls_after_h=2, references=OWN, silence_h=4)
    assert found["level"].tolist() == ["II", "II", "unknown", "II", "II", "none"]


def test_a_sum_with_gaps_that_passes_is_red_and_one_that_does_not_is_unknown() -> None:
    found = level_over_time(
        rain((0, 3, 110, 0.5), (0, 6, 110, 0.7), (0, 12, 110, 0.9), (1, 3, 0, 0.5), (1, 6, 20, 0.5), (1, 12, 20, 0.5)),
        RAIN, falls_after_h=0, missing_limit=0.1,
    )  # fmt: skip
    assert found[["level", "held"]].to_numpy().tolist() == [["I", False], ["I", True]]
    dry = level_over_time(rain((0, 3, 0, 0), (0, 6, 0, 0), (0, 12, 10, 0.2)), RAIN, falls_after_h=0, missing_limit=0.1)
    assert dry["level"].tolist() == ["unknown"]


def test_a_level_whose_worse_ones_cannot_be_judged_is_at_least() -> None:
    found = level_over_time(rain((0, 3, 10, 0.5), (0, 6, 55, 0), (0, 12, 55, 0)), RAIN, falls_after_h=0)
    assert found[["level", "at_least"]].to_numpy().tolist() == [["III", True]]


def test_a_station_without_a_record_is_judged_by_the_rest_and_says_at_least() -> None:
    own = OWN.assign(record_m=np.nan)
    found = level_over_time(water({0: 10.5}), WATER, falls_after_h=0, references=own)
    assert found[["level", "at_least"]].to_numpy().tolist() == [["III", True]]


def test_the_reason_names_rule_window_value_threshold_and_time() -> None:
    found = level_over_time(rain((0, 3, 60, 0), (0, 6, 60, 0), (0, 12, 60, 0)), RAIN, falls_after_h=1)
    reason = found.loc[0, ["station", "rule", "window_h", "value", "threshold", "reached_at"]].tolist()
    assert reason == ["a", "orange", 3.0, 60.0, 50.0, hour(0)]


def test_first_times_count_what_was_passed_on_the_way() -> None:
    found = first_times(level_over_time(water({0: 9.0, 1: 10.0, 2: 14.0, 3: 9.0}), WATER, falls_after_h=0, references=OWN))
    times = dict(zip(found["level"], found["first_time"], strict=True))
    assert times == {"IV": hour(1), "III": hour(1), "II": hour(2), "I": hour(2)}


def test_an_area_takes_its_worst_station_and_says_at_least_where_one_is_silent() -> None:
    both = pd.concat([water({0: 9.0, 1: 10.0, 2: 10.0}, "a"), water({0: 11.0}, "b")])
    own = pd.concat([OWN, OWN.rename(index={"a": "b"})])
    levels = level_over_time(both, WATER, falls_after_h=0, references=own, silence_h=1, until=hour(2))
    found = area_levels(levels, {"town": ["a", "b"], "empty": [], "lost": ["c"]})
    assert found.loc[found["area"] == "town", ["time", "level", "at_least", "last", "station"]].to_numpy().tolist() == [
        [hour(0), "II", False, "", "b"], [hour(1), "III", True, "II", "a"],
    ]  # fmt: skip
    assert found.loc[found["area"] != "town", ["area", "level"]].to_numpy().tolist() == [["empty", "unknown"], ["lost", "unknown"]]


def test_the_level_in_force_is_the_last_one_said() -> None:
    levels = level_over_time(water({0: 9.0, 1: 11.0}), WATER, falls_after_h=0, references=OWN)
    assert in_force(levels, hour(0.9))["level"].tolist() == ["none"]
    assert in_force(levels, hour(-1)).empty


def test_an_area_of_which_nothing_was_ever_heard_is_unknown_at_any_moment() -> None:
    nothing = level_over_time(water({0: 1.0}).iloc[:0], WATER, falls_after_h=0, references=OWN)
    assert in_force(area_levels(nothing, {"town": ["a"]}), hour(5), "area")["level"].tolist() == ["unknown"]


def test_no_values_no_levels() -> None:
    assert level_over_time(water({0: 1.0}).iloc[:0], WATER, falls_after_h=0, references=OWN).empty


def by_the_row(times: list[float], values: list[float], falls_after_h: float, margin: float, silence_h: float) -> list[str]:
    """The rule of falling told as a story: for each level when it was last seen not left, and whether it stands."""
    rules = [("I", 13.0), ("II", 11.0), ("III", 10.0), ("IV", 9.5)]
    below_since: dict[str, float | None] = dict.fromkeys(RANK)
    stands = dict.fromkeys(RANK, False)
    found = []
    for place, (time, value) in enumerate(zip(times, values, strict=True)):
        silent = place > 0 and time - times[place - 1] > silence_h
        shown = "none"
        for level, _ in reversed(rules):
            worse = [least for name, least in rules if RANK[name] >= RANK[level]]
            if any(value >= least for least in worse):
                stands[level], below_since[level] = True, None
            elif all(value < least - margin for least in worse):
                since = below_since[level]
                below_since[level] = time if since is None or silent else since
            elif silent and below_since[level] is not None:
                below_since[level] = time
            since = below_since[level]
            if stands[level] and since is not None and time - since >= falls_after_h:
                stands[level] = False
            if stands[level]:
                shown = level
        found.append(shown)
    return found


STAGES = st.sampled_from([9.0, 9.45, 9.5, 9.95, 10.5, 11.0, 12.9, 13.0])
SERIES = st.lists(st.tuples(st.sampled_from([1, 2, 3, 7]), STAGES), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(SERIES, st.sampled_from([0, 1, 2.5, 4]), st.sampled_from([0, 0.1, 2.0]), st.sampled_from([3, 6, np.inf]), st.randoms())
def test_it_agrees_with_the_story_in_any_order_of_rows(series, falls_after_h, margin, silence_h, chance):
    times = np.cumsum([gap for gap, _ in series]).tolist()
    values = [value for _, value in series]
    rows = list(range(len(times)))
    chance.shuffle(rows)
    given_rows = water(dict(zip(times, values, strict=True))).iloc[rows]
    found = level_over_time(
        given_rows, WATER, falls_after_h=falls_after_h, falls_below=margin, silence_h=silence_h, references=OWN,
    )  # fmt: skip
    spoken = found[found["level"] != "unknown"]
    assert spoken["level"].tolist() == by_the_row(times, values, falls_after_h, margin, silence_h)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.drop(columns="value"), "values lack a column; .*got: no value"),
        (lambda rows: rows.assign(time=rows["time"].dt.tz_localize(None)), "times have no time zone"),
        (lambda rows: pd.concat([rows, rows]), "a value stands twice"),
    ],
)
def test_values_that_cannot_be_judged_are_refused(change, says):
    with pytest.raises(ParameterError, match=says):
        level_over_time(change(water({0: 1.0})), WATER, falls_after_h=0, references=OWN)


@pytest.mark.parametrize(
    ("rules", "own", "says"),
    [
        ((), None, "rules do not stand"),
        (WATER, OWN[["warning_m"]], "got: guarantee_m, record_m"),
        (RAIN * 2, None, "8 rules, 4 ids"),
    ],
)
def test_rules_that_do_not_stand_are_refused(rules, own, says):
    with pytest.raises(DeclarationError, match=says):
        level_over_time(water({0: 1.0}), rules, falls_after_h=0, references=own)


@pytest.mark.parametrize("named", [{"falls_after_h": -1}, {"falls_after_h": np.nan}, {"silence_h": 0}, {"missing_limit": 2}])
def test_a_rule_of_falling_out_of_range_is_refused(named: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match="a rule of falling is out of range"):
        level_over_time(water({0: 1.0}), RAIN, **{"falls_after_h": 0, **named})


def test_a_rule_needs_a_number() -> None:
    with pytest.raises(DeclarationError, match="no threshold; where: rule x"):
        WarningRule(id="x", level="I", at_least=np.nan)
