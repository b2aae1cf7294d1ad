"""The command line, as a clerk meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pyogrio
import pytest

from run_cli import run


def test_it_is_a_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "api.cli.main", "assess", "--store", str(tmp_path / "no")],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr


@pytest.fixture
def shelters(tmp_path: Path) -> Path:
    file = tmp_path / "避难场所.csv"
    file.write_text("名称,容纳人数,经度,纬度\n一小,300,138.31,34.86\n二小,三百,138.32,34.87\n", encoding="utf-8")
    return file


def test_a_wrong_row_stops_the_file_and_is_named(tmp_path: Path, shelters: Path) -> None:
    said = run("import", "shelters", str(shelters), store=tmp_path / "s.sqlite", status=1)
    assert "3" in said
    assert "capacity" in said
    assert "nothing was stored" in said
    assert "aeds" in run("layers", store=tmp_path / "s.sqlite")


def test_the_rest_loads_on_request_and_twice_changes_nothing(tmp_path: Path, shelters: Path) -> None:
    store = tmp_path / "s.sqlite"
    command = ("import", "shelters", str(shelters), "--on-error", "skip")
    assert "1 new" in run(*command, store=store)
    assert "0 new, 0 changed, 1 unchanged" in run(*command, store=store)
    assert "1 revisions" in run("verify", store=store)


def test_a_dry_run_stores_nothing(tmp_path: Path, shelters: Path) -> None:
    said = run("import", "shelters", str(shelters), "--dry-run", "--on-error", "skip", store=tmp_path / "s.sqlite")
    assert "nothing was stored" in said
    assert not (tmp_path / "s.sqlite").exists()


def test_the_risk_goes_to_a_geopackage_with_a_column_a_factor(tmp_path: Path, small_store: Path) -> None:
    said = run("assess", "-o", str(tmp_path / "risk.gpkg"), "--lang", "en", store=small_store)
    written = pyogrio.read_dataframe(tmp_path / "risk.gpkg").set_index("name")
    assert "West" in said
    assert written.loc["West", ["level", "flooded_before", "shelter_places"]].tolist() == ["II", 0.5, 300]
    assert written.loc["East", "level"] == "unknown"


def test_cells_cover_the_towns(small_store: Path) -> None:
    answer = json.loads(run("assess", "--cell-m", "500", "--json", "--factors", "flooded_before", store=small_store).split("\n")[0])
    assert len(answer["areas"]) >= 4 * 2
    assert all(area["level"] in ("I", "IV") or 0 < area["readings"][0]["raw"] < 1 for area in answer["areas"])


def test_nearby_on_the_command_line_equals_the_service(small_store: Path) -> None:
    answer = json.loads(run("nearby", "0.0075", "0.005", "--layers", "shelters", "--json", store=small_store).split("\n")[0])
    assert [(item["id"], item["wind"]) for item in answer["items"]] == [("open", "E"), ("shut", "W")]


def test_history_names_hand_and_source(small_store: Path) -> None:
    assert "small" in run("history", "shelters", "open", store=small_store)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("import", "shelter", "x.csv"), "no layer 'shelter'"),
        (("import", "shelters", "nothing.csv"), "there is no such file"),
        (("nearby", "200", "0"), "lon is out of range"),
        (("assess", "--factors", "luck"), "no such factor"),
        (("assess", "--layer", "shelters"), "only areas can be assessed"),
        (("serve", "--host", "0.0.0.0"), "does not go on a network"),
    ],
)
def test_errors_are_one_line_and_status_1(small_store: Path, words: tuple[str, ...], says: str) -> None:
    said = run(*words, store=small_store, status=1)
    assert says in said
    assert "Traceback" not in said


def test_a_template_comes_in_both_forms(tmp_path: Path) -> None:
    for name in ("a.xlsx", "a.csv"):
        run("template", "aeds", str(tmp_path / name), store=tmp_path)
        assert (tmp_path / name).stat().st_size > 50
