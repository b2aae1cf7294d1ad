"""Yaizu's published files, by the very commands of docs/import.md: the counts and every known defect by file and row."""

from collections import Counter
from pathlib import Path

import pytest

from import_doc import commands, imported
from layers._catalog import layer
from layers._check import Checked, CheckOptions, check, parse_map, parse_set, report_csv, report_lines
from layers._read import ReadOptions, read

COUNTS = {
    "自治会区域": (35, 0),
    "222127_hinannjo": (56, 0),
    "222127_evacuation_space": (31, 0),
    "222127_shiteitsunamihinanbiru": (125, 0),
    "222127_bousaiheliport": (12, 0),
    "yohairyosya": (277, 0),
    "一次緊急輸送路": (31, 0),
    "内水浸水想定区域": (6, 0),
    "浸水履歴_平成10年": (209, 0),
    "浸水履歴_平成13年": (218, 1),
    "浸水履歴_平成23年": (20, 0),
    "浸水履歴_令和元年": (60, 0),
    "浸水履歴_令和4年": (62, 0),
    "浸水履歴_令和7年": (103, 0),
}
REPAIRED = {"自治会区域": [27], "内水浸水想定区域": [1, 2, 3, 4], "浸水履歴_令和4年": [5, 40]}


@pytest.fixture(scope="module")
def raw_folder(shared_data: Path) -> Path:
    return shared_data / "yaizu" / "raw"


@pytest.fixture(scope="module")
def city(raw_folder: Path) -> dict[str, Checked]:
    done = [imported(line, raw_folder) for line in commands("Yaizu")]
    assert all(stored for _, stored in done)
    return {checked.report.source: checked for checked, _ in done}


def rows_with(checked: Checked, rule: str) -> list[int]:
    return [fault.row for fault in checked.report.faults if fault.rule == rule]


def test_every_file_has_its_published_count(city: dict[str, Checked]) -> None:
    assert {name: (one.report.accepted, one.report.rejected) for name, one in city.items()} == COUNTS
    assert sum(read + lost for name, (read, lost) in COUNTS.items() if "履歴" in name) == 673


def test_ids_differ_and_frames_hold_what_was_accepted(city: dict[str, Checked]) -> None:
    ids = [feature for one in city.values() for feature in one.frame.index]
    assert len(set(ids)) == len(ids) == sum(count for count, _ in COUNTS.values())


def test_the_only_row_without_geometry_is_named(city: dict[str, Checked]) -> None:
    assert {name: rows_with(one, "geometry_missing") for name, one in city.items() if one.report.nulls} == {
        "浸水履歴_平成13年": [77]
    }


def test_every_invalid_geometry_is_repaired_by_row_and_its_area_hardly_changes(city: dict[str, Checked]) -> None:
    repaired = {name: [one.row for one in checked.report.repairs] for name, checked in city.items() if checked.report.repairs}
    assert repaired == REPAIRED
    for checked in city.values():
        assert checked.frame.geometry.is_valid.all()
        for one in checked.report.repairs:
            assert one.area_after_m2 == pytest.approx(one.area_before_m2, rel=1e-4)


def test_dates_that_contradict_their_year_are_warned_of_by_row(city: dict[str, Checked]) -> None:
    contradicting = {name: len(rows_with(one, "date_in_year")) for name, one in city.items()}
    assert {name: count for name, count in contradicting.items() if count} == {"浸水履歴_平成23年": 20}


def test_text_and_names_cut_by_the_format_are_reported(city: dict[str, Checked]) -> None:
    assert rows_with(city["浸水履歴_平成23年"], "text_cut") == [2, 3]
    assert "names_may_be_cut" in {note.code for note in city["浸水履歴_平成10年"].report.notes}


def test_helipad_sizes_come_out_of_their_text(city: dict[str, Checked]) -> None:
    pads = city["222127_bousaiheliport"].frame
    first = pads[pads["name"] == "焼津市総合グラウンド"].iloc[0]
    assert (first["pad_length_m"], first["pad_width_m"]) == (120.0, 100.0)


def test_facilities_in_cp932_keep_line_breaks_inside_cells(city: dict[str, Checked]) -> None:
    report, frame = city["yohairyosya"].report, city["yohairyosya"].frame
    assert (report.encoding, "encoding_guessed" in {note.code for note in report.notes}) == ("cp932", True)
    assert "共同生活援助\n短期入所" in set(frame["kind"])
    assert frame["evacuation_plan_due"].value_counts().to_dict() == {True: 214, False: 63}


def test_shelter_places_follow_from_floor_area_and_say_so(city: dict[str, Checked]) -> None:
    shelters = city["222127_hinannjo"].frame
    first = shelters[shelters["name"] == "二区コミュニティ防災センター"].iloc[0]
    assert (first["area_m2"], first["capacity"], first["derived"]) == (475.0, 237, "capacity")
    assert dict(city["222127_hinannjo"].report.derived) == {"capacity": 55}
    assert shelters.loc[shelters["capacity"].isna(), "name"].tolist() == ["豊田地域交流センター"]
    assert len(rows_with(city["222127_hinannjo"], "capacity_given")) == 1


def test_depth_bounds_are_read_from_the_class(city: dict[str, Checked]) -> None:
    zones = city["内水浸水想定区域"].frame
    assert max(zip(zones["depth_min_m"], zones["depth_max_m"], strict=True)) == (5.0, 10.0)


def test_the_sources_came_in_four_reference_systems_and_two_encodings(city: dict[str, Checked]) -> None:
    assert {one.report.crs for one in city.values()} == {"EPSG:2450", "EPSG:4612", "EPSG:6668", "EPSG:4326"}
    assert {one.report.encoding for one in city.values()} == {"utf-8", "cp932"}
    for one in city.values():
        west, south, east, north = one.frame.total_bounds
        assert 138.2 < west < east < 138.4
        assert 34.7 < south < north < 35.0


def test_a_dash_for_a_phone_is_blank_and_counted(city: dict[str, Checked]) -> None:
    notes = {name: dict(note.words)["count"] for name, one in city.items() for note in one.report.notes if note.code == "dashes"}
    assert notes == {"222127_hinannjo": "8", "222127_shiteitsunamihinanbiru": "40"}


def test_reading_twice_gives_the_same_rows(city: dict[str, Checked], raw_folder: Path) -> None:
    again, _ = imported(commands("Yaizu")[0], raw_folder)
    assert again.frame.equals(city["自治会区域"].frame)


@pytest.mark.parametrize("area_layer", ["towns", "counties"])
def test_lines_are_no_areas_in_any_of_their_rows(raw_folder: Path, area_layer: str) -> None:
    lines = read(raw_folder / "行政区域界", ReadOptions())
    report = check(layer(area_layer), lines, CheckOptions(map=(parse_map("FID=name"),))).report
    assert (report.accepted, Counter(fault.rule for fault in report.faults)) == (0, {"geometry_kind": 123})


def test_without_repair_the_invalid_rows_are_rejected_and_named(raw_folder: Path) -> None:
    raw = read(raw_folder / "浸水履歴_令和4年" / "浸水履歴_令和4年.shp", ReadOptions())
    checked = check(layer("flood_zones"), raw, CheckOptions(set=(parse_set("kind=past"),)))
    assert (checked.report.accepted, rows_with(checked, "geometry_invalid")) == (60, [5, 40])


def test_reports_print_in_both_languages(city: dict[str, Checked]) -> None:
    report = city["浸水履歴_平成13年"].report
    assert "row 77: geometry: no geometry" in report_lines(report, "en")
    assert "第 77 行：geometry：没有几何" in report_lines(report, "zh-CN")
    assert report_csv(report).startswith("\ufeffrow,column".encode())
