"""Scenarios: nothing in them is ignored, no name leads out of the data folder, and figures come out as by hand."""

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from rasterio import Affine

from api.use.runs import Made, inputs_of, make_run
from api.use.scenarios import QUESTIONS, Field, read_toml, scenario_of, table_of
from geo_risk.errors import CrsError, DeclarationError, FileError, GeoRiskError, NotFound, ParameterError

EXAMPLES = sorted((Path(__file__).resolve().parents[1] / "docs" / "scenarios").glob("*.toml"))
PEOPLE: dict[str, Any] = {
    "question": "people",
    "hazard": [{"id": "flood", "file": "depth.tif"}],
    "exposure": {"file": "people.tif", "people_per_cell": 2},
    "areas": [{"id": "towns", "file": "towns.geojson", "id_column": "code"}],
    "classes": {"bounds": [0, 1]},
}


def raster(path: Path, values: list[list[float]], west: float = 0.0) -> None:
    """Cells of one degree from the equator up."""
    cells = np.array(values, dtype="float32")
    with rasterio.open(
        path, "w", driver="GTiff", width=cells.shape[1], height=cells.shape[0], count=1, dtype="float32", crs="EPSG:4326",
        transform=Affine(1, 0, west, 0, -1, cells.shape[0]), nodata=-9,
    ) as file:
        file.write(cells, 1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four cells in a row; town a holds the first two, town b the third, nobody the fourth."""
    raster(tmp_path / "depth.tif", [[0.0, 0.5, 2.0, -9]])
    raster(tmp_path / "people.tif", [[10, 20, 30, 40]])
    towns = gpd.GeoDataFrame({"code": ["b", "a"]}, geometry=[shapely.box(2, 0, 3, 1), shapely.box(0, 0, 2, 1)], crs=4326)
    towns.to_file(tmp_path / "towns.geojson", driver="GeoJSON")
    return tmp_path


def made(given: dict[str, Any], folder: Path | None) -> Made:
    scenario = scenario_of(given)
    return make_run(scenario, inputs_of(scenario, folder, no_store, confined=True), lambda step, share: None)


def no_store() -> Any:
    raise AssertionError("this question asks for no layer")


def test_people_by_class_and_area_sum_to_the_raster(folder: Path) -> None:
    table = made(PEOPLE, folder).run.tables[0]
    names = [each.name for each in table.fields]
    figures = {row[2]: dict(zip(names[4:9], row[4:9], strict=True)) for row in (*table.rows, *table.foot)}
    assert figures == {
        "a": {"to 0": 20, "0 to 1": 40, "over 1": 0, "unknown": 0, "total": 60},
        "b": {"to 0": 0, "0 to 1": 0, "over 1": 60, "unknown": 0, "total": 60},
        "(outside)": {"to 0": 0, "0 to 1": 0, "over 1": 0, "unknown": 80, "total": 80},
        "(total)": {"to 0": 20, "0 to 1": 40, "over 1": 60, "unknown": 80, "total": 200},
    }


def test_what_the_displaced_need_by_area_and_together(folder: Path) -> None:
    """Town a has 40 people deeper than 0 and half of them leave; 20 people share a toilet, rounded up in each town by itself."""
    run = made({**PEOPLE, "needs": {"set": "bnpb", "deeper_than_m": 0, "per_cent": 52.5}}, folder).run
    toilets = {row["area"]: (row["displaced"], row["amount"]) for row in run.tables[1].records() if row["need"] == "toilets"}
    assert toilets == {"a": (21, 2), "b": (31.5, 2), "outside": (0, 0), "(total)": (52.5, 3)}
    assert "52.5 % of the people in water deeper than 0 m" in {rule.chosen for rule in run.rules}


def test_needs_from_a_depth_that_cuts_a_class_are_refused(folder: Path) -> None:
    with pytest.raises(ParameterError, match=r"no bound of a class; where: needs.deeper_than_m; expected: 0, 1; got: 0.7"):
        made({**PEOPLE, "needs": {"deeper_than_m": 0.7}}, folder)


def test_a_depth_nobody_knows_is_said(folder: Path) -> None:
    assert "80 people live where hazard flood has no value: they are in class unknown" in made(PEOPLE, folder).run.unknown


def test_without_classes_the_table_of_depth_classes_cuts_them(folder: Path) -> None:
    run = made({**PEOPLE, "classes": {}}, folder).run
    assert run.parameters["bounds_m"] == sorted(run.parameters["bounds_m"])
    assert len(run.parameters["bounds_m"]) > 1


def test_rasters_on_other_cells_do_not_meet(folder: Path) -> None:
    raster(folder / "depth.tif", [[0.0, 0.5, 2.0, 1.0]], west=0.5)
    with pytest.raises(CrsError, match="do not lie on the same cells"):
        made(PEOPLE, folder)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"question": "luck"}, "no such question; where: question; expected: .*index.* or people"),
        ({"colour": "red"}, "where: colour; expected: a key that the question knows; got: an unknown key"),
        ({"rules": {"cells": "near"}}, "where: rules.cells"),
        ({"exposure": {"file": "people.tif", "people_per_cell": "2"}}, "where: exposure.people_per_cell"),
        ({"exposure": {"file": "people.tif", "people_per_cell": -1}}, "where: exposure.people_per_cell.*greater than 0"),
        ({"exposure": {"file": "people.tif", "people_per_cell": float("inf")}}, "where: exposure.people_per_cell"),
        ({"hazard": []}, "where: hazard"),
        ({"hazard": [{"id": "a b", "file": "depth.tif"}]}, "where: hazard.0.id.*got: text of 3 characters"),
        ({"hazard": [{"id": "x", "file": "d.tif"}, {"id": "x", "file": "e.tif"}]}, "each id once"),
        ({"title": "two\nlines"}, "the title is no title"),
        ({"<script>": 1}, "where: text of 8 characters"),
    ],
)
def test_what_a_scenario_cannot_say_is_refused_with_its_place(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(GeoRiskError, match=says):
        scenario_of({**PEOPLE, **changed})


@pytest.mark.parametrize("name", ["../depth.tif", "a/../../depth.tif", "/etc/passwd", "C:\\depth.tif", "a\\b.tif"])
def test_a_name_leads_nowhere_but_into_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(ParameterError, match="leads out of the data folder"):
        made({**PEOPLE, "hazard": [{"id": "flood", "file": name}]}, folder)


def test_nor_does_a_link_inside_a_folder_of_parquet(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "secret.parquet"
    elsewhere.write_bytes(b"PAR1")
    (folder / "parts").mkdir()
    (folder / "parts" / "a.parquet").symlink_to(elsewhere)
    with pytest.raises(ParameterError, match="got: a link to somewhere else"):
        made({"question": "buildings", "exposure": {"file": "parts"}}, folder)


def test_nor_does_a_link(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "depth.tif"
    elsewhere.write_bytes((folder / "depth.tif").read_bytes())
    (folder / "link.tif").symlink_to(elsewhere)
    with pytest.raises(ParameterError, match="got: a link to somewhere else"):
        made({**PEOPLE, "hazard": [{"id": "flood", "file": "link.tif"}]}, folder)


@pytest.mark.parametrize("name", ["vsicurl/http/depth.tif", "nothing.tif", ".", "zip+https"])
def test_what_is_no_file_here_is_not_opened(folder: Path, name: str) -> None:
    with pytest.raises(FileError, match="there is no such file"):
        made({**PEOPLE, "hazard": [{"id": "flood", "file": name}]}, folder)


def test_a_virtual_raster_under_another_name_is_not_opened(folder: Path) -> None:
    (folder / "depth.tif").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>')
    with pytest.raises(FileError, match="got: something else inside"):
        made(PEOPLE, folder)


def test_a_raster_of_another_ending_is_not_opened(folder: Path) -> None:
    (folder / "depth.vrt").write_bytes((folder / "depth.tif").read_bytes())
    with pytest.raises(FileError, match="got: another ending"):
        made({**PEOPLE, "hazard": [{"id": "flood", "file": "depth.vrt"}]}, folder)


def test_files_need_a_folder() -> None:
    with pytest.raises(ParameterError, match=r"there is no data folder.*GEO_RISK_DATA_FOLDER"):
        made(PEOPLE, None)


@pytest.mark.parametrize(
    ("areas", "says"),
    [
        ({"id": "towns"}, "from a file or from a layer; where: areas.towns; expected: file or layer; got: neither"),
        ({"id": "towns", "file": "towns.geojson", "layer": "towns"}, "got: both"),
        ({"id": "towns", "file": "towns.geojson", "id_column": "name"}, "no such column.*expected: code, geometry; got: name"),
    ],
)
def test_areas_that_cannot_be_told_apart_are_refused(folder: Path, areas: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        made({**PEOPLE, "areas": [areas]}, folder)


def test_areas_with_one_id_are_refused(folder: Path) -> None:
    twice = gpd.GeoDataFrame({"code": ["a", "a"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs=4326)
    twice.to_file(folder / "towns.geojson", driver="GeoJSON")
    with pytest.raises(ParameterError, match="ids of areas stand twice"):
        made(PEOPLE, folder)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"question = ", "the scenario file is no TOML; where: s.toml, end of document"),
        (b"\xff", "is not UTF-8"),
        (b"question = 'index'\nquestion = 'people'", "no TOML"),
        (b"#" * 1_000_001, "too large"),
    ],
)
def test_a_file_that_is_no_scenario_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "s.toml").write_bytes(content)
    with pytest.raises(FileError, match=says):
        read_toml(tmp_path / "s.toml")
    with pytest.raises(FileError, match="no such scenario file"):
        read_toml(tmp_path / "none.toml")


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_are_scenarios_and_their_canonical_form_is_the_same_one(example: Path) -> None:
    scenario = scenario_of(read_toml(example))
    assert scenario_of(scenario.canonical()) == scenario


def test_every_question_is_on_the_page() -> None:
    page = (Path(__file__).resolve().parents[1] / "docs" / "runs.md").read_text(encoding="utf-8")
    assert [name for name in QUESTIONS if not re.search(rf"^\| `{name}` \|", page, re.MULTILINE)] == []


def test_a_table_sorts_its_rows_and_knows_no_nan() -> None:
    fields = (Field(name="area", kind="text"), Field(name="depth"), Field(name="people", kind="whole"))
    table = table_of("t", {}, fields, [("b", np.float64("nan"), np.int64(3)), ("a", -0.0, 2)])
    assert table.rows == (("a", 0.0, 2), ("b", None, 3))
    assert str(table.rows[0][1]) == "0.0"
    with pytest.raises(DeclarationError, match="the same keys"):
        table_of("t", {}, fields, [("a", 1, 1), ("a", 2, 2)])


def test_no_question_is_found_under_another_name() -> None:
    with pytest.raises(NotFound, match="got: nothing"):
        scenario_of({})
