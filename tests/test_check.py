"""Checking: every rule by one small table, ids that stay, faults that name their row."""

import datetime as dt
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo_risk.errors import ParameterError
from layers._catalog import layer
from layers._check import Checked, CheckOptions, check, parse_map, parse_set, parse_value, report_csv, report_lines
from layers._check.values import parsed, split_in_two, text_of
from layers._layer import Column, Geometry, Layer, Style, choices
from layers._read import Problem, RawTable, ReadOptions, read

TITLE = {"en": "Thing", "zh": "物"}
SQUARE = shapely.box(0, 0, 0.01, 0.01)
BOW_TIE = shapely.Polygon([(0, 0), (0.01, 0.01), (0.01, 0), (0, 0.01)])


def raw(columns: dict[str, list[Any]], geometry: list[Any] | None = None, **more: Any) -> RawTable:
    count = len(next(iter(columns.values())))
    shapes = geometry if geometry is not None else [shapely.Point(place, 50) for place in range(count)]
    index = pd.RangeIndex(2, 2 + count)
    frame = gpd.GeoDataFrame(
        {name: pd.Series(cells, index=index, dtype=object) for name, cells in columns.items()},
        geometry=gpd.GeoSeries(shapes, index=index, crs=4326),
        crs=4326,
    )
    return RawTable(
        frame=frame,
        crs="EPSG:4326",
        encoding="utf-8",
        format="csv",
        size_bytes=1,
        sha256="0" * 64,
        source_name="file",
        placed_by=more.pop("placed_by", ("lon", "lat")),
        **more,
    )


def checked(layer_id: str, columns: dict[str, list[Any]], geometry: list[Any] | None = None, **options: Any) -> Checked:
    return check(layer(layer_id), raw(columns, geometry), CheckOptions(**options))


def found(result: Checked) -> list[tuple[int, str, str]]:
    return [(fault.row, fault.column, fault.rule) for fault in result.report.faults if fault.severity == "error"]


def value_of(kind: type, text: str, **more: Any) -> Any:
    result = parsed(Column("thing", kind, title=TITLE, **more), [text], {})
    return result.wrong[0][1] if result.wrong else result.cells[0]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        (" 12 ", 12),
        ("1,234", 1234),
        ("１２３", 123),
        ("12.0", 12),
        ("-3", -3),
        ("", None),
        ("-", None),
        ("无", None),
        ("N/A", None),
        ("12.5", "integer"),
        ("1_000", "integer"),
        ("1,23", "integer"),
        ("ten", "integer"),
        ("9" * 20, "too_large"),
        ("9007199254740993", "too_large"),
        ("inf", "not_finite"),
        ("NaN", "not_finite"),
    ],
)
def test_whole_numbers(text: str, value: Any) -> None:
    assert value_of(int, text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1,234.5", 1234.5),
        ("−", None),
        ("1e999", "not_finite"),
        ("Infinity", "not_finite"),
        ("12m", "number"),
        ("1.5.2", "number"),
    ],
)
def test_numbers(text: str, value: Any) -> None:
    assert value_of(float, text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("是", True),
        ("否", False),
        ("有", True),
        ("无", False),
        ("無", False),
        ("○", True),
        ("〇", True),
        ("×", False),
        ("1", True),
        ("0", False),
        ("TRUE", True),
        ("No", False),
        ("", None),
        ("不明", None),
        ("perhaps", "boolean"),
        ("2", "boolean"),
    ],
)
def test_yes_and_no(text: str, value: Any) -> None:
    assert value_of(bool, text) is value or value_of(bool, text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-01-02", dt.date(2024, 1, 2)),
        ("2024/1/2", dt.date(2024, 1, 2)),
        ("20240102", dt.date(2024, 1, 2)),
        ("2024年1月2日", dt.date(2024, 1, 2)),
        ("2024-01-02T10:00:00", dt.date(2024, 1, 2)),
        ("令和元年5月1日", dt.date(2019, 5, 1)),
        ("00000000", None),
        ("", None),
        ("2023-02-29", "date"),
        ("2024-13-01", "date"),
        ("1/2/2024", "date"),
        ("45000", "date"),
    ],
)
def test_dates(text: str, value: Any) -> None:
    assert value_of(dt.date, text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (" a ", "a"),
        ("a\r\nb", "a\nb"),
        ("－", None),
        ("无", "无"),
        ("a\x00b", "control_character"),
        ("a\x1b[31m", "control_character"),
        ("\ud800", "surrogate"),
        ("x" * 2001, "too_long"),
        ("{{7*191}}", "{{7*191}}"),
        ("=1+1", "=1+1"),
    ],
)
def test_texts(text: str, value: Any) -> None:
    assert value_of(str, text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("open", "open"), ("OPEN", "open"), ("Ｏpen", "open"), ("开放", "open"), ("", None), ("ajar", "choice")]
)
def test_choices_by_id_or_either_title(text: str, value: Any) -> None:
    assert value_of(str, text, choices=choices(("open", "Open", "开放"), ("closed", "Closed", "关闭"))) == value


@pytest.mark.parametrize(
    ("text", "more", "value"),
    [
        ("-1", {"minimum": 0}, "minimum"),
        ("0", {"minimum": 0}, 0),
        ("11", {"maximum": 10}, "maximum"),
        ("10", {"maximum": 10}, 10),
    ],
)
def test_ranges_hold_their_bounds(text: str, more: dict[str, float], value: Any) -> None:
    assert value_of(int, text, **more) == value


def test_patterns_match_whole() -> None:
    assert value_of(str, "330102001000", pattern=r"[0-9]{12}") == "330102001000"
    assert value_of(str, "330102001000x", pattern=r"[0-9]{12}") == "pattern"
    assert value_of(str, "３３０１０２００１０００", pattern=r"[0-9]{12}") == "pattern"


@given(st.integers(-(2**53), 2**53))
def test_whole_numbers_survive_being_written(number: int) -> None:
    assert value_of(int, str(number)) == value_of(int, f"{number:,}") == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_being_written(number: float) -> None:
    assert value_of(float, text_of(number)) == number


@given(st.text(max_size=30))
def test_any_text_gives_a_value_or_a_rule(text: str) -> None:
    for kind in (str, int, float, bool, dt.date):
        result = parsed(Column("thing", kind, title=TITLE), [text], {})
        assert len(result.cells) == 1
        assert len(result.wrong) <= 1


@pytest.mark.parametrize(
    ("text", "parts"),
    [("120x100", ("120", "100")), ("120 × 100", ("120", "100")), ("120*100", ("120", "100")), ("1x2x3", None), ("120", None)],
)
def test_two_numbers_in_a_text(text: str, parts: Any) -> None:
    assert split_in_two(text) == parts


def test_columns_match_by_id_title_and_unit_whatever_the_width() -> None:
    given_columns = {"ＮＡＭＥ": ["a"], "容纳人数": [3], "Effective area (m2)": [5.0], "occupancy (people)": [1]}
    row = checked("shelters", given_columns).frame.iloc[0]
    assert (row["name"], row["capacity"], row["area_m2"], row["occupancy"]) == ("a", 3, 5.0, 1)


def test_a_mapping_wins_over_a_matching_name_and_the_rest_is_listed() -> None:
    report = checked(
        "shelters", {"name": ["code"], "real": ["School"], "lon": [1], "x9": [0]}, map=(parse_map("real=name"),)
    ).report
    assert (report.columns_matched, report.columns_ignored) == (
        (("lon", "geometry"), ("lat", "geometry"), ("real", "name")),
        ("name", "x9"),
    )


def test_one_source_fills_two_columns() -> None:
    row = checked(
        "shelters", {"name": ["a"], "EQ": ["○"]}, map=(parse_map("EQ=for_earthquake"), parse_map("EQ=for_tsunami"))
    ).frame.iloc[0]
    assert (row["for_earthquake"], row["for_tsunami"]) == (True, True)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"map": (("gone", ("name",)),)}, "no such column for --map; expected: one of name, other; got: gone"),
        ({"map": (("other", ("nmae",)),)}, "layer shelters has no such column; where: --map; expected: one of name, kind"),
        ({"map": (("name", ("name",)), ("other", ("name",)))}, "two sources fill column name; expected: one; got: name, other"),
        ({"map": (("name", ()),)}, "no source column fills name; where: layer shelters; expected: one of name, other"),
        (
            {"map": (("other", ("kind",)),), "set": (("kind", "shelter"),)},
            "two sources fill column kind; expected: one; got: other, --set",
        ),
        ({"set": (("kind", "castle"),)}, "--set kind is not one of: shelter, emergency_site"),
        ({"values": (("knid", "a", "b"),)}, "no such column; where: --value"),
        ({"key": "gone"}, "no such column for --key"),
    ],
)
def test_options_that_do_not_fit_list_what_there_is(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ParameterError, match=match):
        checked("shelters", {"name": ["a"], "other": ["b"]}, **options)


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_map, "name"),
        (parse_map, "=name"),
        (parse_map, "a=b x c x d"),
        (parse_set, "kind"),
        (parse_set, "kind="),
        (parse_value, "a=b"),
        (parse_value, ":a=b"),
    ],
)
def test_options_that_cannot_be_read_say_how_they_are_written(parse: Any, text: str) -> None:
    with pytest.raises(ParameterError, match="cannot be read; where: --"):
        parse(text)


def test_a_table_without_places_asks_for_them() -> None:
    with pytest.raises(
        ParameterError, match=r"no column says where the rows lie.*got: columns name; next: --lon COLUMN --lat COLUMN"
    ):
        check(layer("shelters"), raw({"name": ["a"]}, [None], placed_by=()), CheckOptions())


def test_layers_without_geometry_need_no_places() -> None:
    result = check(layer("duty_holders"), raw({"post": ["Chief"], "area_name": ["A"]}, [None], placed_by=()), CheckOptions())
    assert (len(result.frame), result.report.nulls) == (1, 0)


def test_every_fault_of_a_row_is_listed_and_the_good_row_stays() -> None:
    result = checked("shelters", {"name": ["a", "", "c"], "capacity": [10, "many", -1], "status": ["open", "ajar", ""]})
    assert found(result) == [
        (3, "name", "required"),
        (3, "capacity", "integer"),
        (3, "status", "choice"),
        (4, "capacity", "minimum"),
    ]
    assert (result.report.rows_read, result.report.accepted, result.report.rejected, result.frame["name"].tolist()) == (
        3,
        1,
        2,
        ["a"],
    )


def test_values_are_translated_blanks_too() -> None:
    options = (parse_value("for_flood:=no"), parse_value("for_flood:対象=yes"))
    assert checked("shelters", {"name": ["a", "b"], "for_flood": ["", "対象"]}, values=options).frame["for_flood"].tolist() == [
        False,
        True,
    ]


def test_two_numbers_that_are_not_reject_their_row() -> None:
    result = checked(
        "helipads", {"name": ["a", "b"], "size": ["120×100", "large"]}, map=(parse_map("size=pad_length_m x pad_width_m"),)
    )
    assert (found(result), result.frame["pad_width_m"].tolist()) == ([(3, "size", "two_numbers")], [100.0])


def test_missing_values_are_derived_and_given_ones_kept() -> None:
    result = checked("shelters", {"name": ["a", "b"], "area_m2": [9, 9], "stay_class": ["short", "short"], "capacity": ["", "3"]})
    assert result.frame[["capacity", "derived"]].fillna("").to_numpy().tolist() == [[4, "capacity"], [3, ""]]
    assert result.report.derived == (("capacity", 1),)


def test_a_depth_class_that_says_nothing_is_a_warning() -> None:
    result = checked("flood_zones", {"kind": ["past"] * 2, "depth_class": ["deep", "3.0m以上"]}, [SQUARE, SQUARE])
    assert [(fault.row, fault.rule, fault.severity) for fault in result.report.faults] == [(2, "not_derived", "warning")]


def test_row_checks_warn_and_unknown_breaks_none() -> None:
    result = checked("shelters", {"name": ["a", "b", "c"], "capacity": [5, 5, ""], "occupancy": [6, 5, 9]})
    assert [(fault.row, fault.rule) for fault in result.report.faults] == [
        (2, "occupancy_not_above_capacity"),
        (4, "capacity_given"),
    ]
    assert result.report.accepted == 3


@pytest.mark.parametrize(
    ("kind", "shape", "rule"),
    [
        ("shelters", None, "geometry_missing"),
        ("shelters", shapely.Point(), "geometry_missing"),
        ("shelters", SQUARE, "geometry_kind"),
        ("shelters", shapely.MultiPoint([(1, 1)]), ""),
        ("shelters", shapely.MultiPoint([(1, 1), (2, 2)]), "geometry_kind"),
        ("shelters", shapely.Point(50, 120), "geometry_swapped"),
        ("shelters", shapely.Point(500000, 4000000), "geometry_off_globe"),
        ("shelters", shapely.Point(181, 0), "geometry_off_globe"),
        ("shelters", shapely.Point(100, 90.5), "geometry_off_globe"),
        ("shelters", shapely.Point(180, -90), ""),
        ("shelters", shapely.Point(float("inf"), 0), "geometry_not_finite"),
        ("towns", BOW_TIE, "geometry_invalid"),
        ("towns", shapely.LineString([(0, 0), (1, 1)]), "geometry_kind"),
        ("towns", shapely.MultiPolygon([SQUARE]), ""),
        ("roads", shapely.MultiLineString([[(0, 0), (1, 1)]]), ""),
        ("roads", shapely.LineString([(0, 0), (0, 0)]), "geometry_invalid"),
        ("towns", shapely.GeometryCollection([SQUARE]), "geometry_kind"),
    ],
)
def test_places(kind: str, shape: Any, rule: str) -> None:
    assert found(checked(kind, {"name": ["a"]}, [shape])) == ([(2, "geometry", rule)] if rule else [])


def test_repair_reports_the_area_changed() -> None:
    result = checked("towns", {"name": ["a", "b"]}, [BOW_TIE, SQUARE], repair=True)
    (one,) = result.report.repairs
    assert (one.row, result.report.invalid, result.report.accepted, one.reason) == (2, 1, 2, "Self-intersection")
    assert one.area_after_m2 == pytest.approx(result.frame.geometry.iloc[1].area / 2 * 111_000**2, rel=0.01)


def test_a_row_the_reader_could_not_place_is_one_fault_not_two() -> None:
    table = raw({"name": ["a", "b"]}, [None, shapely.Point(1, 1)], problems=(Problem(2, "lon", "ten", "coordinates"),))
    assert found(check(layer("shelters"), table, CheckOptions())) == [(2, "lon", "coordinates")]


def test_ids_are_the_same_each_time_and_differ_by_layer_and_source() -> None:
    first, again = (checked("shelters", {"name": ["a", "b"]}) for _ in range(2))
    assert first.frame.equals(again.frame)
    others = [checked("aeds", {"name": ["a", "b"]}), checked("shelters", {"name": ["a", "b"]}, source="other")]
    assert len({feature for one in (first, *others) for feature in one.frame.index}) == 6


def test_an_edited_row_keeps_its_id_and_so_do_its_twins() -> None:
    before = checked("shelters", {"name": ["a", "a", "b"], "address": ["1", "2", "3"]})
    after = checked("shelters", {"name": ["a", "a", "b"], "address": ["1 bis", "2", "3"]})
    assert before.frame.index.tolist() == after.frame.index.tolist()
    assert [(fault.row, fault.rule) for fault in before.report.faults if fault.rule == "key_shared"] == [(3, "key_shared")]


def test_rows_known_by_content_keep_their_ids_in_any_order() -> None:
    names, shapes = ["a", "b", "a"], [SQUARE, SQUARE, SQUARE]
    one = checked("landslide_zones", {"name": names}, shapes, set=(("zone_class", "warning"),))
    other = checked("landslide_zones", {"name": names[::-1]}, shapes, set=(("zone_class", "warning"),))
    assert (set(one.frame.index), len(set(one.frame.index))) == (set(other.frame.index), 3)
    assert [(fault.row, fault.rule) for fault in one.report.faults] == [(4, "duplicate")]


def test_a_last_bit_of_rounding_makes_no_new_feature() -> None:
    one, other = (
        checked("landslide_zones", {"name": ["a"]}, [shapely.box(0, 0, 0.3, 1 + shift)], set=(("zone_class", "warning"),))
        for shift in (0, 1e-13)
    )
    assert one.frame.index.equals(other.frame.index)


def test_a_clerks_key_must_be_there_once() -> None:
    result = checked("shelters", {"name": ["a", "b", "c"], "no": ["7", "7", ""]}, key="no")
    assert found(result) == [(3, "no", "key_twice"), (4, "no", "key_missing")]
    assert "the same key as row 2" in {fault.message_en for fault in result.report.faults}


def test_reports_never_let_text_act_on_a_terminal_or_a_spreadsheet() -> None:
    report = checked("shelters", {"name": ["a"], "capacity": ["=cmd()\x1b[31m\n"], "\x1b]0;x\x07": [1]}).report
    assert all(line.isprintable() for line in (*report_lines(report, "en"), *report_lines(report, "zh")))
    assert b"'=cmd()\\x1b[31m" in report_csv(report)


def test_reports_are_plain_values() -> None:
    report = checked("shelters", {"name": ["a"], "phone": ["-"]}).report.to_dict()
    assert report["notes"] == [{"code": "dashes", "column": "phone", "count": "1"}]
    assert (report["faults"][0]["rule"], report["accepted"]) == ("capacity_given", 1)


def test_a_long_list_is_cut_for_the_terminal_only() -> None:
    report = checked("shelters", {"name": [""] * 100}).report
    assert report_lines(report, "en")[-1].startswith("… and 160 more")
    assert report_csv(report).count(b"required") == 100 * 2


def test_a_layer_of_one_column_is_enough() -> None:
    tiny = Layer(
        id="tiny",
        title=TITLE,
        geometry=Geometry.NONE,
        group="base",
        columns=(Column("day", dt.date, title=TITLE),),
        style=Style(icon="x", colour="#000000"),
    )
    result = check(tiny, raw({"day": ["2024-01-02", "", "x"]}, [None] * 3, placed_by=()), CheckOptions())
    assert [str(day) for day in result.frame["day"]] == ["2024-01-02 00:00:00", "NaT"]


def test_an_empty_table_is_no_fault() -> None:
    result = checked("shelters", {"name": []}, [])
    assert (len(result.frame), result.report.rows_read) == (0, 0)


def test_a_closure_may_name_roads_instead_of_an_area(tmp_path):
    table = tmp_path / "closures.csv"
    table.write_text("title,cause,roads\nBridge out,bridge,way/12#3\n", encoding="utf-8")
    checked = check(layer("road_closures"), read(table, ReadOptions()), CheckOptions())
    assert checked.report.rejected == 0
    assert checked.frame["roads"].tolist() == ["way/12#3"]
    assert checked.frame.geometry.isna().all()


def test_a_circle_without_a_radius_is_refused(tmp_path):
    table = tmp_path / "closures.csv"
    table.write_text("title,cause,centre_lon,centre_lat\nLeak,blast,120,30\n", encoding="utf-8")
    checked = check(layer("road_closures"), read(table, ReadOptions()), CheckOptions())
    assert [fault.rule for fault in checked.report.faults] == ["whole_circle"]
