"""Runs: one digest for one result, kept and read back, made again, compared, explained, written to files."""

import dataclasses
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyogrio
import pytest

import small_city
from api.use import assessments, run_comparison, runs
from api.use.run_comparison import compare, differences, explain
from api.use.run_files import csv_bytes, write, xlsx_bytes
from api.use.runs import Made, Run, inputs_of, load, make_again, make_run, save, snapshot_at
from api.use.scenarios import Field, read_toml, scenario_of, table_of
from geo_risk.errors import FileError, NotFound, ParameterError, StoreCorrupt
from layers._store import Batch, Snapshot, Store, open_store

INDEX = {"question": "index", "title": "small"}
ME = Batch(actor="test", reason="test", source="small")
JAKARTA = Path(__file__).resolve().parents[1] / "docs" / "scenarios" / "people_jakarta.toml"


def quiet(step: str, share: float) -> None:
    """Progress that nobody watches."""


def no_store() -> Snapshot:
    raise AssertionError("this question asks for no layer")


def asked(snapshot: Snapshot, **changed: Any) -> Made:
    scenario = scenario_of({**INDEX, **changed})
    return make_run(scenario, inputs_of(scenario, None, lambda: snapshot, confined=True), quiet)


@pytest.fixture(scope="module")
def run(small_snapshot: Snapshot) -> Run:
    return asked(small_snapshot).run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store.sqlite") as opened:
        for layer_id, frame in small_city.frames().items():
            opened.apply(layer_id, frame, ME)
        yield opened


def test_a_run_says_what_the_map_says(run: Run, small_snapshot: Snapshot) -> None:
    told = {place.place: (place.score, place.level) for place in assessments.current(small_snapshot).assessment.places}
    assert {row["area"]: (row["score"], row["level"]) for row in run.tables[0].records()} == told


def test_the_order_of_rows_does_not_change_the_digest(run: Run, small_snapshot: Snapshot) -> None:
    turned = dataclasses.replace(small_snapshot, frames={name: frame[::-1] for name, frame in small_snapshot.frames.items()})
    assert asked(turned).run.digest == run.digest


def test_another_process_makes_the_same_digest(run: Run, small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('question = "index"\ntitle = "small"\n')
    words = ["assess", "--scenario", str(tmp_path / "s.toml"), "--json", "--store", str(small_store)]
    done = subprocess.run([sys.executable, "-m", "api.cli.main", *words], capture_output=True, text=True, timeout=120)
    assert json.loads(done.stdout)["digest"] == run.digest


@pytest.mark.parametrize(
    "changed", [{"factors": ["population"]}, {"rules": {"roles_by": "product"}}, {"cell_m": 600.0}, {"title": "x"}]
)
def test_whatever_is_asked_otherwise_has_another_digest(run: Run, small_snapshot: Snapshot, changed: dict[str, Any]) -> None:
    assert asked(small_snapshot, **changed).run.digest != run.digest


def test_time_and_id_are_no_part_of_it(run: Run) -> None:
    later = dataclasses.replace(run, id="other", made_at="2000-01-01", seconds=9.0, revision=99)
    assert runs.digest_of(later) == run.digest


def test_a_kept_run_is_the_same_value(store: Store, run: Run) -> None:
    save(store, run, "clerk")
    assert load(store, run.id) == run
    assert [(each.id, each.actor, each.title) for each in store.runs()] == [(run.id, "clerk", "small")]
    with pytest.raises(ParameterError, match="stored already"):
        save(store, run, "clerk")


def test_a_store_without_runs_has_none(store: Store) -> None:
    assert store.runs() == ()
    with pytest.raises(NotFound, match="no such run"):
        store.run("nothing")


def test_a_run_that_somebody_changed_is_found_out(store: Store, run: Run, tmp_path: Path) -> None:
    save(store, run, "clerk")
    with sqlite3.connect(tmp_path / "store.sqlite") as raw:
        raw.execute("UPDATE runs SET content = replace(content, '\"II\"', '\"IV\"')")
    with pytest.raises(StoreCorrupt, match="digest is not that of its content"):
        load(store, run.id)


def test_a_run_comes_out_again_after_the_layers_changed(store: Store) -> None:
    before = asked(store.snapshot()).run
    store.remove("flood_points", ["fp"], ME)
    assert make_again(store, before, None, quiet, confined=True).digest == before.digest
    assert snapshot_at(store, before.revision).revision == before.revision


def test_what_changed_between_two_runs_and_why(store: Store) -> None:
    before = asked(store.snapshot()).run
    store.apply("towns", small_city.frame("towns", {"w": (small_city.WEST, {"name": "West", "population": 100_000})}), ME)
    found = compare(before, asked(store.snapshot()).run)
    changes = {(each.table, each.key[-1], each.column): (each.what, each.before, each.after) for each in found.changes}
    assert changes["readings", "population", "raw"] == ("rose", 10_000.0, 100_000.0)
    assert changes["readings", "population", "score"] == ("rose", 5.0, 10.0)
    assert changes["areas", "w", "score"][0] == "rose"
    assert [(each.kind, each.name) for each in found.why] == [("input", "layer towns")]


@pytest.mark.parametrize(
    ("before", "after", "what", "by"),
    [(1, 3, "rose", 2), (3.0, 1.0, "fell", -2), (None, 1, "became known", None), (1, None, "became unknown", None),
     ("II", "I", "changed", None)],
)  # fmt: skip
def test_how_one_figure_changed(run: Run, before: Any, after: Any, what: str, by: float | None) -> None:
    kind = "text" if isinstance(before, str) else "number"
    tables = [table_of("t", {}, (Field(name="area", kind="text"), Field(name="x", kind=kind)), [("w", x)]) for x in (before, after)]
    changes = compare(*(dataclasses.replace(run, tables=(table,)) for table in tables)).changes
    assert [(each.what, each.by) for each in changes] == [(what, by)]


def test_places_that_come_and_go(run: Run) -> None:
    fields = (Field(name="area", kind="text"), Field(name="x"))
    tables = [table_of("t", {}, fields, [(area, 1.0)]) for area in ("old", "new")]
    changes = compare(*(dataclasses.replace(run, tables=(table,)) for table in tables)).changes
    assert {each.key: each.what for each in changes} == {("old",): "vanished", ("new",): "appeared"}


def test_runs_of_other_kinds_are_not_compared(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ParameterError, match="got: one asks index, the other people"):
        compare(run, dataclasses.replace(run, question="people"))
    with pytest.raises(ParameterError, match="got: other bands"):
        compare(run, dataclasses.replace(run, parameters={**run.parameters, "bands": []}))
    ranked = {**run.parameters, "factors": {"population": {"curve": "rank"}}}
    west_alone = dataclasses.replace(run.tables[0], rows=run.tables[0].rows[1:])
    elsewhere = dataclasses.replace(run, parameters=ranked, tables=(west_alone,))
    with pytest.raises(ParameterError, match="rank or z over other places"):
        compare(run, elsewhere)


def test_an_explanation_holds_the_values_that_made_the_figure(run: Run) -> None:
    readings = {each["factor"]: each for each in explain(run, "w")["figures"]["readings"]}
    flooded = readings["flooded_before"]
    assert (flooded["raw"], flooded["score"], flooded["high"]) == (0.5, 10.0, 0.25)
    assert flooded["score"] == min(10 * (flooded["raw"] - flooded["low"]) / (flooded["high"] - flooded["low"]), 10)
    with pytest.raises(NotFound, match="no such area in the run"):
        explain(run, "nowhere")


def test_text_that_starts_like_a_formula_is_made_harmless(run: Run, tmp_path: Path) -> None:
    fields = (Field(name="area", kind="text"), Field(name="x"))
    table = table_of("t", {}, fields, [("=1+1", -2.5), ("@a", None)])
    assert csv_bytes(table) == b"\xef\xbb\xbfarea,x\r\n'=1+1,-2.5\r\n'@a,\r\n"
    (tmp_path / "t.xlsx").write_bytes(xlsx_bytes(dataclasses.replace(run, tables=(table,))))
    cells = list(openpyxl.load_workbook(tmp_path / "t.xlsx")["t"].iter_rows(values_only=True))
    assert cells == [("area", "x"), ("'=1+1", -2.5), ("'@a", None)]


def test_every_kind_of_file_holds_the_figures(small_snapshot: Snapshot, tmp_path: Path) -> None:
    made = asked(small_snapshot)
    for ending in ("gpkg", "csv", "parquet", "json", "xlsx"):
        assert tmp_path / f"risk.{ending}" in write(made, tmp_path / f"risk.{ending}")
    shapes = pyogrio.read_dataframe(tmp_path / "risk.gpkg")
    tables = [pd.read_csv(tmp_path / "risk.csv"), pd.read_parquet(tmp_path / "risk.parquet"), shapes]
    assert [table.set_index("area").loc["w", "hazard"] for table in tables] == [10.0] * 3
    assert shapes.geometry.is_valid.all()
    with pytest.raises(ParameterError, match=r"expected: .gpkg, .xlsx, .csv, .parquet, .json; got: .exe"):
        write(made, tmp_path / "risk.exe")
    with pytest.raises(ParameterError, match="shapes of the areas are not at hand"):
        write(Made(run=made.run, shapes={}), tmp_path / "kept.gpkg")
    with pytest.raises(FileError, match="cannot be written"):
        write(made, tmp_path / "no" / "risk.csv")


@pytest.fixture(scope="module")
def jakarta(shared_data: Path) -> Made:
    scenario = scenario_of(read_toml(JAKARTA))
    return make_run(scenario, inputs_of(scenario, shared_data / "jakarta", no_store, confined=True), quiet)


@pytest.mark.parametrize(("areas", "count"), [("kabupaten", 5), ("kecamatan", 42), ("kelurahan", 261)])
@pytest.mark.parametrize(("hazard", "thousands"), [("current", 2480), ("design", 1533)])
def test_people_of_jakarta_sum_at_every_level(jakarta: Made, areas: str, count: int, hazard: str, thousands: int) -> None:
    table = jakarta.run.tables[0]
    frame = pd.DataFrame(table.records()).query("areas == @areas and hazard == @hazard").set_index("area")
    figures = frame.loc[:, "to 0":"in_water"]
    assert len(frame) == count + 2
    assert (figures.drop("(total)").sum() == figures.loc["(total)"]).all()
    assert frame.loc["(total)", "in_water"] // 1000 == thousands
    assert frame.eval("in_water_low <= in_water <= in_water_high").all()


def test_a_file_that_changed_is_noticed(shared_data: Path, tmp_path: Path) -> None:
    given = read_toml(JAKARTA)
    scenario = scenario_of({**given, "hazard": given["hazard"][:1], "areas": given["areas"][:1]})
    for name in scenario.files():
        (tmp_path / name).symlink_to(shared_data / "jakarta" / name)
    before = make_run(scenario, inputs_of(scenario, tmp_path, no_store, confined=False), quiet).run
    (tmp_path / "flood_depth_current.tif").unlink()
    (tmp_path / "flood_depth_current.tif").symlink_to(shared_data / "jakarta" / "flood_depth_design.tif")
    after = make_run(scenario, inputs_of(scenario, tmp_path, no_store, confined=False), quiet).run
    assert [(each.kind, each.name) for each in differences(before, after)] == [("input", "file flood_depth_current.tif")]
    total = [each for each in compare(before, after).changes if each.key[2] == "(total)" and each.column == "in_water"]
    assert [(each.what, each.by) for each in total] == [("fell", 1_533_822 - 2_480_451)]


def test_a_file_written_while_it_is_read_stops_the_run(small_snapshot: Snapshot, tmp_path: Path) -> None:
    (tmp_path / "x.tif").write_bytes(b"one")
    inputs = runs.Inputs(files={"x.tif": tmp_path / "x.tif"}, snapshot=lambda: small_snapshot)

    def meddle(step: str, share: float) -> None:
        (tmp_path / "x.tif").write_bytes(b"two!")

    with pytest.raises(FileError, match="changed while it was read"):
        make_run(scenario_of(INDEX), inputs, meddle)


def test_nothing_but_numbers_is_measured() -> None:
    assert not run_comparison._is_number(True)
