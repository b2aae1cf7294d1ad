"""The question *buildings* through the real command line: one process and two workers, one digest, nothing lost."""

import json

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine

from geo_risk.scale.partitions import write_partitions
from run_cli import run

SCENARIO = """
question = "buildings"
[exposure]
file = "homes"
amounts = ["people"]
occupancy_column = "kind"
value_column = "value"
[[hazard]]
id = "flood"
file = "depth.tif"
classes = [0, 1]
damage = true
[[zones]]
id = "before"
layer = "flood_zones"
where = { kind = "past" }
[areas]
id = "towns"
layer = "towns"
[curves]
file = "curves.csv"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Six homes in the small city and one far away; water 2 m deep over West, none over the west half of East, unknown beyond."""
    path = tmp_path_factory.mktemp("buildings")
    (path / "ask.toml").write_text(SCENARIO)
    (path / "curves.csv").write_text("depth,house\n0,0\n2,0.5\n4,1\n")
    depth = np.array([[2.0, 2.0, 0.0, -9999.0]], dtype=np.float32)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": 4, "height": 1, "crs": "EPSG:4326", "nodata": -9999}
    with rasterio.open(path / "depth.tif", "w", transform=Affine(0.005, 0, 0, 0, -0.01, 0.01), **profile) as file:
        file.write(depth, 1)
    lon, kind = [0.001, 0.002, 0.007, 0.012, 0.018, 0.019, 5.0], ["house"] * 5 + ["barn", "house"]
    points = gpd.points_from_xy(lon, [0.005] * 7)
    told = {"id": range(7), "kind": kind, "value": [100.0] * 7, "people": [3, 2, 1, 4, 5, 0, 9]}
    write_partitions([gpd.GeoDataFrame(told, geometry=points, crs=4326)], path / "homes", rows_a_piece=3)
    return path


def asked(folder, small_store, *words):
    told = run("assess", "--scenario", str(folder / "ask.toml"), "--json", *words, store=small_store)
    return json.loads(told[: told.rindex("}") + 1])


@pytest.fixture(scope="module")
def answer(folder, small_store):
    return asked(folder, small_store)


def rows(answer, table, hazard):
    found = next(each for each in answer["tables"] if each["name"] == table)
    names = [field["name"] for field in found["fields"]]
    return [dict(zip(names, row, strict=True)) for row in found["rows"] if row[0] == hazard]


def test_every_building_is_in_one_class_of_one_area(answer):
    told = rows(answer, "classes", "flood")
    flood = {(row["area"], row["class"]): (row["buildings"], row["people"], row["damage"]) for row in told}
    assert flood == {
        ("w", "over 1"): (3, 6.0, 150.0), ("e", "to 0"): (1, 4.0, 0.0), ("e", "unknown"): (2, 5.0, 0.0),
        ("outside", "unknown"): (1, 9.0, 0.0),
    }  # fmt: skip
    assert sum(row["buildings"] for row in rows(answer, "totals", "flood")) == 7


def test_zones_of_the_store_and_what_is_in_them(answer):
    before = {(row["area"], row["class"]): row["buildings"] for row in rows(answer, "classes", "before")}
    dry = "outside the zones"
    assert before == {("w", "in a zone"): 2, ("w", dry): 1, ("e", dry): 3, ("outside", dry): 1}


def test_what_is_unknown_is_said_beside_the_sums(answer):
    assert answer["unknown"] == ["3 buildings have no reading of flood"]
    missing = {row["class"]: row["damage_missing"] for row in rows(answer, "totals", "flood")}
    assert missing == {"to 0": 0, "0 to 1": 0, "over 1": 0, "unknown": 3}


def test_two_workers_find_the_same_to_the_last_bit(answer, folder, small_store):
    assert asked(folder, small_store, "--workers", "2")["digest"] == answer["digest"]


def test_another_exposure_is_another_digest(answer, folder, small_store, tmp_path):
    one = {"id": [1], "kind": ["house"], "value": [1.0], "people": [1]}
    frame = gpd.GeoDataFrame(one, geometry=gpd.points_from_xy([0.001], [0.005]), crs=4326)
    frame.to_parquet(tmp_path / "one.parquet")
    other = asked(folder, small_store, "--exposure", str(tmp_path / "one.parquet"))
    assert other["digest"] != answer["digest"]
    assert other["parameters"]["buildings"] == 1


def test_without_a_scenario_the_layers_say_what_is_asked(folder, small_store):
    told = run("assess", "--exposure", str(folder / "homes"), "--json", store=small_store)
    found = json.loads(told[: told.rindex("}") + 1])
    inside = {row["class"]: row["buildings"] for row in rows(found, "totals", "flooded_before")}
    assert inside == {"in a zone": 2, "outside the zones": 5, "unknown": 0}
    assert "hazard landslide_zones_share has no zones: nobody knows" in found["unknown"]


@pytest.mark.parametrize("option", [("--workers", "2"), ("--save",), ("--scheduler", "tcp://127.0.0.1:1"), ("--data", ".")])
def test_an_option_without_its_scenario_is_refused_not_ignored(small_store, option):
    assert "the option belongs to a scenario" in run("assess", *option, store=small_store, status=1)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (('where = { kind = "past" }', 'where = { hue = "red" }'), "the zones have no such column"),
        (('layer = "flood_zones"\nwhere = { kind = "past" }', 'layer = "shelters"'), "zones are areas"),
        (('id = "before"', 'id = "flood"'), "needs hazards with ids of their own"),
        (('amounts = ["people"]', 'amounts = ["pets"]'), "a column is not there"),
        (('file = "homes"', 'file = "nowhere"'), "there is no such file"),
    ],
)
def test_what_cannot_be_asked(folder, small_store, changed, told, tmp_path):
    (folder / "wrong.toml").write_text(SCENARIO.replace(*changed))
    assert told in run("assess", "--scenario", str(folder / "wrong.toml"), store=small_store, status=1)
