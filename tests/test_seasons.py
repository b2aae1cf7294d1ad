"""Seasons wrap New Year, may be named anew each year, and what nobody knows counts as in season."""

import datetime as dt

import pytest

from geo_risk.errors import DeclarationError, ParameterError
from geo_risk.model import Season
from geo_risk.risk.seasons import OUT_OF_SEASON, in_season, season_weight
from layers._tables import seasons

ROWS = seasons()


def season(first, last, *, region="33", year=None, hazard="flood"):
    return Season(region=region, hazard=hazard, first=first, last=last, year=year, source="", checked="")


def state(hazard, region, day, rows=ROWS):
    return in_season(hazard, region, dt.date.fromisoformat(day), rows).state


@pytest.mark.parametrize(
    ("hazard", "region", "day", "expected"),
    [
        ("flood", "33", "2026-04-14", "out"), ("flood", "33", "2026-04-15", "in"),
        ("flood", "33", "2026-10-15", "in"), ("flood", "331100000000", "2026-10-16", "out"),
        ("flood", "37", "2026-05-31", "out"), ("flood", "37", "2026-09-30", "in"),
        ("forest_fire", "44", "2025-12-31", "in"), ("forest_fire", "44", "2026-01-01", "in"),
        ("forest_fire", "44", "2026-05-01", "out"), ("forest_fire", "23", "2026-07-01", "out"),
        ("forest_fire", "23", "2026-05-01", "in"), ("forest_fire", "23", "2026-10-01", "in"),
        ("forest_fire", "53", "2026-06-15", "in"), ("forest_fire", "53", "2026-06-16", "out"),
        ("forest_fire", "51", "2026-01-01", "in"), ("flood", "51", "2026-01-01", "unknown"),
        ("flood", "", "2026-01-01", "unknown"), ("landslide", "33", "2026-01-01", "all year"),
    ],
)
def test_published_seasons(hazard, region, day, expected):
    assert state(hazard, region, day) == expected


def test_a_leap_day_ends_a_season():
    rows = [season((12, 1), (2, 29))]
    assert [state("flood", "33", day, rows) for day in ("2024-02-29", "2025-02-28", "2025-03-01")] == ["in", "in", "out"]


def test_the_row_of_a_year_takes_the_place_of_the_rows_for_every_year():
    rows = [season((4, 15), (10, 15)), season((5, 1), (9, 30), year=2026)]
    assert [state("flood", "33", f"{year}-04-20", rows) for year in (2025, 2026, 2027)] == ["in", "out", "in"]


def test_a_wrapping_season_belongs_to_the_year_it_begins_in():
    rows = [season((12, 1), (1, 31), year=2025)]
    assert [state("flood", "33", day, rows) for day in ("2025-01-10", "2026-01-10", "2026-12-10")] == ["out", "in", "out"]


def test_the_nearest_region_speaks():
    rows = [season((1, 1), (12, 31), region="33"), season((6, 1), (6, 30), region="3301")]
    assert [state("flood", code, "2026-01-01", rows) for code in ("330100", "330200")] == ["out", "in"]


def test_a_state_names_the_rows_it_was_said_by():
    told = in_season("flood", "33", dt.date(2026, 5, 1), ROWS)
    assert [(row.region, row.first) for row in told.seasons] == [("33", (4, 15))]


@pytest.mark.parametrize(("rule", "out"), OUT_OF_SEASON.items())
def test_only_out_of_season_lowers_a_weight(rule, out):
    told = [in_season("flood", region, dt.date(2026, 1, 1), ROWS) for region in ("33", "99")]
    assert [season_weight(each, rule) for each in (*told, None)] == [out, 1.0, 1.0]


def test_an_unknown_rule():
    with pytest.raises(ParameterError, match=r"no such rule for what is out.*halved, not_counted; got: dropped"):
        season_weight(None, "dropped")


def test_a_day_that_is_none(tmp_path, monkeypatch):
    row = '[[row]]\nregion="33"\nhazard="flood"\nfrom="02-30"\nto="10-15"\nsource=""\nchecked=""\n'
    (tmp_path / "seasons.toml").write_text(row)
    monkeypatch.setenv("GEO_RISK_TABLES", str(tmp_path))
    with pytest.raises(DeclarationError, match=r"a season's day is no day; where: table seasons; expected: month-day.*got: 02-30"):
        seasons()
