"""The question *annual* through the real command line: Delft-FIAT's figures, sums by hand, hostile input."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from ask_cli import asked, rows

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "scenarios" / "annual_fiat.toml"
SCENARIO = """
question = "annual"
[[hazard]]
id = "rare"
file = "depth.tif"
band = 2
return_period_years = 16
[[hazard]]
id = "often"
file = "depth.tif"
band = 1
return_period_years = 4
[exposure]
file = "things.geojson"
id_column = "name"
occupancy_column = "kind"
max_damage_column = "worth"
[curves]
file = "curves.csv"
[[areas]]
id = "towns"
file = "towns.geojson"
id_column = "code"
[rules]
damage = "at_point"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Every 4 years 1 m and 0 m, every 16 years 4 m and unknown: two houses worth 4000, a town around the first."""
    path = tmp_path_factory.mktemp("annual")
    (path / "curves.csv").write_text("depth,house\n0,0\n4,1\n")
    profile = {"driver": "GTiff", "dtype": "float32", "count": 2, "width": 2, "height": 1, "crs": "EPSG:4326", "nodata": -9999}
    with rasterio.open(path / "depth.tif", "w", transform=Affine(1, 0, 0, 0, -1, 1), **profile) as file:
        file.write(np.array([[[1.0, 0.0]], [[4.0, -9999.0]]], dtype=np.float32))
    told = {"name": ["one", "other"], "kind": ["house"] * 2, "worth": [4000.0] * 2}
    gpd.GeoDataFrame(told, geometry=gpd.points_from_xy([0.5, 1.5], [0.5, 0.5]), crs=4326).to_file(path / "things.geojson")
    gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326).to_file(path / "towns.geojson")
    return path


@pytest.fixture(scope="module")
def answer(folder, small_store):
    return asked(folder, small_store, SCENARIO)


def test_a_year_by_hand(answer):
    """(1000 + 4000) / 2 x (1/4 - 1/16) + 4000 / 16, whatever the order of hazards."""
    one = rows(answer, "objects")["one",]
    assert (one["damage_4y"], one["damage_16y"]) == (1000, 4000)
    assert one["annual"] == 468.75 + 250


def test_its_band_is_over_rules_and_tails(answer):
    one = rows(answer, "objects")["one",]
    log_linear = 1000 / 4 - 4000 / 16 + 3000 * (1 / 4 - 1 / 16) / np.log(4)
    assert one["low"] == pytest.approx(log_linear)
    assert (one["low_by"], one["high_by"]) == ("log_linear, tail none", "trapezoid, tail last_times_frequency")
    assert one["high"] == one["annual"]


def test_an_unknown_period_is_an_unknown_year(answer):
    assert rows(answer, "objects")["other",]["annual"] is None
    assert rows(answer, "objects")["(total)",]["annual"] is None
    assert "1 objects have no annual damage: that of a period is unknown" in answer["unknown"]
    assert rows(answer, "periods")[16.0,]["unknown_objects"] == 1


def test_areas_and_the_outside_are_the_total(answer):
    found = {key[-1]: (row["annual_known"], row["unknown_objects"]) for key, row in rows(answer, "areas").items()}
    assert found == {"a": (718.75, 0), "(outside)": (0, 1), "(total)": (718.75, 1)}


def test_the_head_is_named_and_counts(folder, small_store):
    text = SCENARIO.replace("[rules]\n", '[rules]\nhead = "held"\nhead_years = 2\n')
    found = asked(folder, small_store, text)
    assert rows(found, "objects")["one",]["annual"] == 718.75 + 1000 * (1 / 2 - 1 / 4)
    assert {rule["id"]: rule["chosen"] for rule in found["rules"]}["head"] == "held"


def test_without_a_tail_the_rarest_counts_only_up_to_its_period(folder, small_store):
    found = asked(folder, small_store, SCENARIO.replace("[rules]\n", '[rules]\ntail = "none"\n'))
    assert rows(found, "objects")["one",]["annual"] == 468.75


def test_a_rarer_hazard_that_does_less_is_said(folder, small_store):
    swapped = SCENARIO.replace("band = 2", "band = 0").replace("band = 1", "band = 2").replace("band = 0", "band = 1")
    assert "1 objects lose less in a rarer hazard: look at the hazards" in asked(folder, small_store, swapped)["unknown"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (("return_period_years = 4\n", ""), "each hazard with its return_period_years"),
        (("return_period_years = 4\n", "return_period_years = 16\n"), "each of return_period_years once"),
        (("return_period_years = 4\n", "return_period_years = 0\n"), "greater than 0"),
        (("[rules]", '[rules]\nhead = "held"'), "head_years"),
        (("[rules]", '[rules]\ntail = "long"'), "where: rules.tail"),
        (("band = 2", "band = 3"), "no such band"),
        (('"kind"', '"sort"'), "the objects have no such column"),
        (("[exposure]", "[value_raster]"), "where: value_raster"),
    ],
)
def test_what_cannot_be_asked(folder, small_store, changed, told):
    assert told in asked(folder, small_store, SCENARIO.replace(*changed), status=1)


def test_delft_fiat_risk_of_objects_by_the_example(shared_data, small_store, tmp_path):
    told = json.loads((shared_data / "fiat_micro" / "expected.json").read_text())["geom_risk"]
    found = rows(asked(tmp_path, small_store, EXAMPLE.read_text(encoding="utf-8"), shared_data), "objects")
    assert int(found["2",]["damage_5y"]) == told["object 2 damage_structure_5.0y"]
    assert int(found["4",]["damage_10y"]) == told["object 4 total_damage_10.0y"]
    assert round(found["3",]["annual"], 2) == told["object 3 ead_damage"]
    assert found["3",]["high"] == pytest.approx(1030.86, abs=0.01)  # the trapezoid


def test_delft_fiat_risk_of_cells(shared_data, small_store, tmp_path):
    text = EXAMPLE.read_text(encoding="utf-8")
    before, rest = text.split("[exposure]")
    cells = '[value_raster]\nfile = "fiat_micro/exposure_grid.tif"\noccupancy = "struct_1"\n[curves]'
    found = rows(asked(tmp_path, small_store, before + cells + rest.split("[curves]")[1], shared_data), "objects")
    told = json.loads((shared_data / "fiat_micro" / "expected.json").read_text())["grid_risk ead"]
    cut = {cell: int(found[cell,]["annual"] * 10) / 10 for cell in ("1,2", "5,6")}  # one decimal, the rest cut off
    assert cut == {"1,2": told["arr[1,2]"], "5,6": told["arr[5,6]"]}
    assert len(found) - 1 == 100


def test_values_on_other_cells_than_the_hazard_are_refused(folder, small_store):
    cells = '[value_raster]\nfile = "worth.tif"\noccupancy = "house"\n[curves]\nfile = "curves.csv"\n'
    text = SCENARIO[: SCENARIO.index("[exposure]")] + cells
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": 2, "height": 1, "crs": "EPSG:4326"}
    with rasterio.open(folder / "worth.tif", "w", transform=Affine(1, 0, 0.5, 0, -1, 1), **profile) as file:
        file.write(np.ones((1, 1, 2), dtype=np.float32))
    assert "do not lie on the same cells" in asked(folder, small_store, text, status=1)
