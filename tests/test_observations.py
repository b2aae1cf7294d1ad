"""Readings as files bring them: what is taken, what is refused, and in which row."""

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from openpyxl import Workbook

from geo_risk.errors import DeclarationError, FileError, ParameterError
from layers._observations import Observations, falling, held_to_rules, read_observations, station_columns, warning_rules
from layers._tables import table

NOW = dt.datetime(2026, 6, 21, tzinfo=dt.UTC)
GOOD = {"station": "a", "variable": "rain", "time": "2026-06-20T01:00+08:00", "value": "5", "minutes": "60"}


def held(*rows: dict[str, object], **named: object) -> Observations:
    frame = pd.DataFrame([{**GOOD, **row} for row in rows], index=range(2, len(rows) + 2))
    return held_to_rules(frame, **{"now": NOW, **named})


def rules_of(found: Observations) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.rule) for fault in found.faults]


@pytest.mark.parametrize(
    ("change", "column", "rule"),
    [
        ({"station": " "}, "station", "station"),
        ({"variable": "snow"}, "variable", "variable"),
        ({"time": "yesterday"}, "time", "time"),
        ({"time": "2026-02-30T01:00Z"}, "time", "time"),
        ({"time": "2026-06-22T01:00Z"}, "time", "future"),
        ({"value": "five"}, "value", "number"),
        ({"value": "1e999"}, "value", "number"),
        ({"value": "-0.1"}, "value", "negative"),
        ({"value": "999.9"}, "value", "no_value"),
        ({"value": "-9999", "variable": "water_level"}, "value", "no_value"),
        ({"value": "306"}, "value", "record"),
        ({"value": "40", "minutes": "1"}, "value", "record"),
        ({"value": "12000", "variable": "水位"}, "value", "range"),
        ({"minutes": "0"}, "minutes", "minutes"),
        ({"minutes": None}, "minutes", "minutes"),
        ({"unit": "cm", "variable": "water_level"}, "unit", "unit"),
        ({"unit": "in"}, "unit", "unit"),
    ],
)
def test_a_reading_that_cannot_be_is_refused_by_row(change: dict[str, object], column: str, rule: str) -> None:
    found = held({}, {"station": "b", **change})
    assert rules_of(found) == [(3, column, rule)]
    assert found.frame["station"].tolist() == ["a"]


@pytest.mark.parametrize(
    "time",
    [
        "2026-06-20T01:00+08:00",
        "2026-06-19T17:00:00Z",
        "2026-06-20 01:00",
        "2026/6/20 1:00",
        "2026年6月20日1时00分",
        "2026.6.20 1:0:0",
    ],
)
def test_times_are_read_as_offices_write_them(time: str) -> None:
    found = held({"time": time}, zone="Asia/Shanghai")
    assert found.frame["time"].tolist() == [pd.Timestamp("2026-06-19T17:00Z")]


def test_times_without_a_zone_are_refused_until_it_is_said() -> None:
    with pytest.raises(FileError, match=r"times without a time zone; .*got: 1 times without; next: say --zone"):
        held({"time": "2026-06-20 01:00"})
    assert held({"time": "2026-06-20 01:00"}, zone="+08:00").frame["time"].iloc[0].isoformat() == "2026-06-20T01:00:00+08:00"


@pytest.mark.parametrize("zone", ["Mars/Olympus", "+99:00", "../../etc/passwd", "x" * 300])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(ParameterError, match="no such time zone; where: zone"):
        held({}, zone=zone)


def test_the_same_reading_twice_is_one_and_two_that_differ_are_none() -> None:
    found = held({}, {}, {"station": "b"}, {"station": "b", "value": "6"})
    assert rules_of(found) == [(3, "time", "twice"), (4, "value", "differs"), (5, "value", "differs")]
    assert [fault.severity for fault in found.faults] == ["warning", "error", "error"]
    assert found.frame["station"].tolist() == ["a"]


def test_intervals_that_overlap_are_refused() -> None:
    found = held({}, {"time": "2026-06-20T01:30+08:00"})
    assert rules_of(found) == [(3, "time", "overlaps")]


def test_late_readings_are_taken_and_said_and_the_future_is_that_of_their_receipt() -> None:
    found = held({"received_at": "2026-06-20T03:00+08:00"}, {"station": "b", "received_at": "2026-06-20T00:00+08:00"})
    assert rules_of(found) == [(2, "time", "late"), (3, "time", "future")]
    assert found.frame["station"].tolist() == ["a"]


def test_a_blank_value_is_a_missing_reading_and_not_a_fault() -> None:
    found = held({"value": None})
    assert found.faults == ()
    assert found.frame["value"].isna().tolist() == [True]


def test_chinese_headers_and_what_the_clerk_says_fill_in() -> None:
    frame = pd.DataFrame({"站码": [61512345.0], "时间": ["2026-06-20 08:00"], "雨量(mm)": [3.5]}, index=[2])
    found = held_to_rules(frame, variable="rain", minutes=60, zone="Asia/Shanghai", now=NOW)
    assert found.frame[["station", "variable", "value", "minutes"]].to_numpy().tolist() == [["61512345", "rain", 3.5, 60.0]]


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (pd.DataFrame({"station": ["a"], "value": ["1"]}), "the readings lack a column; .*got: no time"),
        (pd.DataFrame({"station": ["a"], "value": ["1"], "time": ["2026-06-20T01:00Z"]}), "nothing says what is measured"),
    ],
)
def test_a_table_without_a_column_is_refused(frame: pd.DataFrame, says: str) -> None:
    with pytest.raises(FileError, match=says):
        held_to_rules(frame)


def test_an_unknown_variable_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"no such variable; .*got: text of 8 characters"):
        held({}, variable="<script>")


def test_hostile_text_is_shown_on_one_line_without_control_characters() -> None:
    (fault,) = held({"value": "=cmd|' /C calc'!A0\x1b[31m\n"}).faults
    assert fault.value == "=cmd|' /C calc'!A0\\x1b[31m"


def test_csv_and_xlsx_say_the_same(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("station,variable,time,value,minutes\na,rain,2026-06-20T08:00+08:00,3.5,60\n", encoding="utf-8")
    book = Workbook()
    book.active.append(["station", "variable", "time", "value", "minutes"])
    book.active.append(["a", "rain", dt.datetime(2026, 6, 20, 8), 3.5, 60])  # noqa: DTZ001 (a sheet's cell has no zone)
    book.save(tmp_path / "a.xlsx")
    first, second = (read_observations(tmp_path / name, zone="+08:00", now=NOW).frame for name in ("a.csv", "a.xlsx"))
    pd.testing.assert_frame_equal(first, second)


def test_rules_are_those_of_the_tables() -> None:
    rain = [(rule.level, rule.at_least, rule.window_h) for rule in warning_rules("rain")]
    assert rain == [("I", 100, 3), ("II", 50, 3), ("III", 50, 6), ("IV", 50, 12)]
    assert {rule.level for rule in warning_rules("water_level")} == {"I", "II", "III", "IV"}
    assert "guarantee_level_m" in station_columns("water_level")
    assert falling("rain").falls_after_h > 0


@pytest.mark.parametrize("name", ["rainstorm", "water_level", "warning_rules"])
def test_every_rule_says_where_it_comes_from(name: str) -> None:
    content = table(name)
    assert content["source"]
    assert content["checked"]
    assert all(row.get("source", content["source"]) for row in content.get("row", content.get("record")))


def test_a_row_without_a_level_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rainstorm.toml").write_text('variable="rain"\nsource="us"\nchecked="us"\n[[row]]\nid="x"\nvalue=1\n')
    monkeypatch.setenv("GEO_RISK_TABLES", str(tmp_path))
    with pytest.raises(DeclarationError, match=r"lacks a value; where: table of rain; .*got: no level"):
        warning_rules("rain")


def test_no_warnings_go_by_snow() -> None:
    with pytest.raises(ParameterError, match="expected: rain, water_level; got: snow"):
        warning_rules("snow")
