"""Runs on the command line: a scenario asked, kept, listed, compared, explained, made again."""

import json
from pathlib import Path

import pytest
import shapely

import small_city
from layers._store import Batch, open_store
from run_cli import run

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "scenarios"


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    (tmp_path / "store.sqlite").write_bytes(small_store.read_bytes())
    return tmp_path / "store.sqlite"


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    (tmp_path / "s.toml").write_text('question = "index"\ntitle = "Before the storm"\n', encoding="utf-8")
    return tmp_path / "s.toml"


def kept(store: Path) -> list[str]:
    with open_store(store) as opened:
        return [each.id for each in opened.runs()]


def test_a_scenario_is_answered_in_a_table(store: Path, scenario: Path) -> None:
    said = run("assess", "--scenario", str(scenario), store=store)
    assert "Before the storm" in said
    assert "unknown: 1 of 2 places are unknown" in said
    assert "hazards_by: worst" in said
    assert "digest " in said
    assert kept(store) == []


def test_a_kept_run_is_listed_shown_explained_and_made_again(store: Path, scenario: Path, tmp_path: Path) -> None:
    run("assess", "--scenario", str(scenario), "--save", store=store)
    (made,) = kept(store)
    assert made in run("runs", "list", store=store)
    assert "Before the storm" in run("runs", "show", made, "-o", str(tmp_path / "run.xlsx"), store=store)
    assert (tmp_path / "run.xlsx").stat().st_size > 1000
    assert "raw 0.5, score 10" in run("runs", "explain", made, "w", store=store)
    assert "equal: digest" in run("runs", "rerun", made, store=store)


def test_two_runs_are_compared(store: Path, scenario: Path) -> None:
    run("assess", "--scenario", str(scenario), "--save", store=store)
    fewer = {"name": "School", "kind": "shelter", "capacity": 300, "occupancy": 100, "status": "open"}
    with open_store(store) as opened:
        shelters = small_city.frame("shelters", {"open": (shapely.Point(0.008, 0.005), fewer)})
        opened.apply("shelters", shelters, Batch(actor="t", reason="rooms shut", source="small"))
    run("assess", "--scenario", str(scenario), "--save", store=store)
    after, before = kept(store)
    found = json.loads(run("runs", "compare", before, after, "--json", store=store))
    changes = {(each["key"][-1], each["column"]): each["by"] for each in found["changes"] if each["table"] == "readings"}
    assert changes["shelter_places", "raw"] == 200 - 300
    assert "input layer shelters" in run("runs", "compare", before, after, store=store)
    assert "equal: digest" in run("runs", "rerun", before, store=store)  # from the log, as it was


def test_a_run_that_does_not_come_out_again_says_what_differs(store: Path, tmp_path: Path, shared_data: Path) -> None:
    for name in ("flood_depth_current.tif", "population_density_hkv.tif", "jakarta.gpkg"):
        (tmp_path / name).symlink_to(shared_data / "jakarta" / name)
    lines = (EXAMPLES / "people_jakarta.toml").read_text(encoding="utf-8").split("[[hazard]]")
    areas = lines[2][lines[2].index("[exposure]") :].split("[[areas]]")
    text = "[[hazard]]".join(lines[:2]) + areas[0] + "[[areas]]" + areas[1]
    (tmp_path / "five.toml").write_text(text, encoding="utf-8")
    said = run("assess", "--scenario", str(tmp_path / "five.toml"), "--save", store=store)
    assert "JAKARTA BARAT" in said
    (tmp_path / "flood_depth_current.tif").unlink()
    (tmp_path / "flood_depth_current.tif").symlink_to(shared_data / "jakarta" / "flood_depth_design.tif")
    again = run("runs", "rerun", kept(store)[0], "--data", str(tmp_path), store=store, status=1)
    assert "input file flood_depth_current.tif: sha256" in again
    assert "does not come out again" in again


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("runs", "show", "nothing"), "no such run"),
        (("assess", "--scenario", "nothing.toml"), "no such scenario file"),
    ],
)
def test_errors_are_one_line(store: Path, words: tuple[str, ...], says: str) -> None:
    said = run(*words, store=store, status=1)
    assert says in said
    assert "Traceback" not in said


def test_names_of_areas_write_no_escapes_to_a_terminal(store: Path, scenario: Path) -> None:
    scenario.write_text('question = "index"\ntitle = "x\\u001b[2J"\n', encoding="utf-8")
    assert "the title is no title" in run("assess", "--scenario", str(scenario), store=store, status=1)
