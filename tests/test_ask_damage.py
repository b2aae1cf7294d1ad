"""The question *damage* through the real command line: sums by hand, DamageScanner's and Delft-FIAT's figures, hostile input."""

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine

from api.use.scenarios import file_inputs
from ask_cli import asked, rows
from layers._store import open_store
from run_cli import run

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "scenarios"
SCENARIO = """
question = "damage"
[[hazard]]
id = "flood"
file = "depth.tif"
[exposure]
file = "things.gpkg"
id_column = "name"
occupancy_column = "kind"
max_damage_column = "worth"
[curves]
file = "curves.csv"
[[areas]]
id = "towns"
file = "towns.geojson"
id_column = "code"
[classes]
bounds = [0, 1]
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Cells of 10 m with 2 m, 1 m, no water, unknown; in each a thing; towns a and b hold the first two and the third cell."""
    path = tmp_path_factory.mktemp("damage")
    (path / "curves.csv").write_text("depth,house,road\n0,0,0\n2,0.5,0.5\n4,1,1\n")
    (path / "worth.csv").write_text("occupancy,max_damage\nhouse,-1\n")
    depth = np.array([[2.0, 1.0, 0.0, -9999.0]], dtype=np.float32)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": 4, "height": 1, "crs": "EPSG:32650", "nodata": -9999}
    with rasterio.open(path / "depth.tif", "w", transform=Affine(10, 0, 500_000, 0, -10, 10), **profile) as file:
        file.write(depth, 1)
    shapes = [box(1, 3), box(9, 11), box(22, 24), box(32, 34), shapely.LineString([(500_005, 5), (500_025, 5)])]
    names, worth = ["wet", "half", "dry", "off", "road"], [100.0, 80.0, 10.0, 10.0, 60.0]
    told = {"name": names, "kind": ["house"] * 4 + ["road"], "worth": worth}
    gpd.GeoDataFrame(told, geometry=shapes, crs=32650).to_file(path / "things.gpkg")
    towns = gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=[box(-5, 19, 30), box(19, 29, 30)], crs=32650).to_crs(4326)
    towns.to_file(path / "towns.geojson")
    return path


def box(west, east, height=4):
    return shapely.box(500_000 + west, 5 - height / 2, 500_000 + east, 5 + height / 2)


@pytest.fixture(scope="module")
def answer(folder, small_store):
    return asked(folder, small_store, SCENARIO)


@pytest.mark.parametrize(
    ("name", "depth", "share", "damage"),
    [("wet", 2, 1, 100 * 0.5), ("half", 1.5, 1, 80 * 0.375), ("dry", 0, 0, 0), ("off", None, 0, None), ("road", 4 / 3, 0.75, 15)],
)
def test_the_damage_of_an_object_by_hand(answer, name, depth, share, damage):
    found = rows(answer, "objects")["flood", name]
    assert found["depth_m"] == pytest.approx(depth)
    assert found["share"] == pytest.approx(share)
    assert found["damage"] == pytest.approx(damage)


def test_a_row_makes_its_own_damage_again(answer):
    for row in rows(answer, "objects").values():
        if row["damage"] is not None and row["fraction"] is not None:
            assert row["fraction"] * row["max_damage"] * row["quantity"] == row["damage"]


def test_what_is_unknown_says_why_and_makes_the_total_unknown(answer):
    assert rows(answer, "objects")["flood", "off"]["unknown"] == "depth unknown"
    assert answer["unknown"][0] == "1 objects have no damage by flood: depth unknown"
    total = rows(answer, "totals")["flood",]
    assert (total["objects"], total["wet_objects"], total["unknown_objects"], total["damage"]) == (5, 3, 1, None)
    assert total["damage_known"] == pytest.approx(50 + 30 + 15)


def test_areas_and_the_outside_are_the_total(answer):
    found = {key[-1]: row["damage_known"] for key, row in rows(answer, "areas").items()}
    assert found["(outside)"] + found["a"] + found["b"] == pytest.approx(found["(total)"])
    assert found["a"] == pytest.approx(95)
    assert rows(answer, "areas")["flood", "towns", "(outside)"]["unknown_objects"] == 1


def test_bands_name_the_rules_they_come_from(answer):
    half = rows(answer, "objects")["flood", "half"]
    assert (half["low"], half["high"]) == (pytest.approx(80 * 0.25), pytest.approx(80 * 0.375))
    assert half["low_by"] == "at_point"


def test_metres_of_road_and_objects_by_class_of_depth(answer):
    road = {key[-1]: (row["objects"], row["length_m"]) for key, row in rows(answer, "classes").items() if key[1] == "road"}
    told = {name: (objects, round(metres, 1)) for name, (objects, metres) in road.items()}
    assert told == {"to 0": (0, 5.0), "0 to 1": (0, 10.0), "over 1": (1, 5.0), "unknown": (0, 0.0)}


def test_the_maximum_of_a_square_metre_is_that_of_the_object_by_its_size(folder, small_store, answer):
    by_metre = asked(folder, small_store, SCENARIO.replace('"worth"\n', '"worth"\nmax_damage_per = "m2_or_m"\n'))
    whole, metre = (rows(each, "objects")["flood", "wet"]["damage"] for each in (answer, by_metre))
    assert metre == pytest.approx(whole * 2 * 4)
    said = {rule["id"]: rule["chosen"] for rule in by_metre["rules"]}
    assert said["maximum_damage"] == "given per m2 or m, by the object's size on the grid per object"


def test_an_object_explains_itself(folder, small_store, tmp_path):
    store = tmp_path / "store.sqlite"
    store.write_bytes(small_store.read_bytes())
    (folder / "kept.toml").write_text(SCENARIO)
    run("assess", "--scenario", str(folder / "kept.toml"), "--save", store=store)
    with open_store(store) as opened:
        (made,) = [each.id for each in opened.runs()]
    told = json.loads(run("runs", "explain", made, "half", "--json", store=store))["figures"]["objects"][0]
    assert (told["lower_m"], told["upper_m"], told["curve"]) == (0, 2, "house")
    assert told["fraction"] * told["max_damage"] * told["quantity"] == told["damage"]
    assert "its areas, objects or events" in run("runs", "explain", made, "nobody", store=store, status=1)


def test_shapes_of_areas_go_into_a_geopackage(folder, small_store, tmp_path):
    (folder / "whole.toml").write_text(SCENARIO)
    run("assess", "--scenario", str(folder / "whole.toml"), "-o", str(tmp_path / "out.gpkg"), store=small_store)
    assert gpd.read_file(tmp_path / "out.gpkg", layer="areas_flood_towns")["area"].tolist() == ["a", "b"]


def test_shapes_of_objects_without_areas(folder, small_store, tmp_path):
    text = SCENARIO[: SCENARIO.index("[[areas]]")]
    (folder / "bare.toml").write_text(text)
    run("assess", "--scenario", str(folder / "bare.toml"), "-o", str(tmp_path / "out.gpkg"), store=small_store)
    assert len(gpd.read_file(tmp_path / "out.gpkg", layer="objects_flood")) == 5


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (('"kind"', '"sort"'), "the objects have no such column"),
        (('id_column = "name"', 'id_column = "kind"'), "ids of objects are missing or stand twice"),
        (('max_damage_column = "worth"', ""), "either max_damage_column or max_damage_table"),
        (('max_damage_column = "worth"', 'max_damage_table = { file = "worth.csv" }'), "a maximum damage is negative"),
        (('file = "things.gpkg"', 'file = "things.gpkg"\nwhere = { kind = "barn" }'), "no object is left"),
        (('file = "things.gpkg"', ""), "objects come from a file or from a layer"),
        (('file = "curves.csv"', 'file = "curves.csv"\nunit = "ft"'), "the curves are not by depth in metres"),
        (('file = "depth.tif"', 'file = "depth.tif"\nunit = "class"'), "classes have no depth"),
        (("[[hazard]]", '[[hazard]]\nid = "flood"\nfile = "depth.tif"\n[[hazard]]'), "each id once"),
        (("[exposure]", '[value_raster]\nfile = "depth.tif"\noccupancy = "house"\n[exposure]'), "either exposure or value_raster"),
    ],
)
def test_what_cannot_be_asked(folder, small_store, changed, told):
    assert told in asked(folder, small_store, SCENARIO.replace(*changed), status=1)


@pytest.mark.parametrize(
    ("changed", "name", "reason"),
    [
        (("[curves]", '[exposure.occupancies]\nroad = "canal"\n[curves]'), "road", "no curve for the occupancy"),
        (('"worth"', '"name"'), "road", "no maximum damage"),
    ],
)
def test_a_bad_object_is_reported_and_the_others_go_on(folder, small_store, changed, name, reason):
    found = rows(asked(folder, small_store, SCENARIO.replace(*changed)), "objects")
    assert found["flood", name]["unknown"] == reason
    assert found["flood", "off"]["unknown"] == "depth unknown"


def test_the_order_of_rows_does_not_show(folder, small_store, answer, tmp_path):
    for name in ("depth.tif", "curves.csv", "towns.geojson"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    gpd.read_file(folder / "things.gpkg").iloc[::-1].to_file(tmp_path / "things.gpkg")
    assert asked(tmp_path, small_store, SCENARIO)["tables"] == answer["tables"]


def test_delft_fiat_event_damage_of_objects_and_cells(shared_data, small_store, tmp_path):
    text = (
        'question = "damage"\n[[hazard]]\nid = "event"\nfile = "fiat_micro/event_depth.tif"\n'
        '[curves]\nfile = "fiat_micro/vulnerability_curves.csv"\n[rules]\ndamage = "fiat"\n'
    )
    objects = (
        '[exposure]\nfile = "fiat_micro/buildings.geojson"\nid_column = "object_id"\noccupancy_column = "curve"\n'
        'max_damage_column = "max_damage"\n'
    )
    told = json.loads((shared_data / "fiat_micro" / "expected.json").read_text())
    found = rows(asked(tmp_path, small_store, text + objects, shared_data), "objects")
    assert int(found["event", "2"]["damage"]) == told["geom_event"]["object 2 total_damage (int)"]
    assert int(found["event", "3"]["damage"]) == told["geom_event"]["object 3 total_damage (int)"]
    cells = '[value_raster]\nfile = "fiat_micro/exposure_grid.tif"\noccupancy = "struct_1"\n'
    found = rows(asked(tmp_path, small_store, text + cells, shared_data), "objects")
    assert found["event", "2,4"]["damage"] == pytest.approx(told["grid_event"]["arr[2,4]"], abs=1e-9)
    assert found["event", "7,3"]["damage"] == pytest.approx(told["grid_event"]["arr[7,3]"], abs=1e-9)


def test_damagescanner_micro_buildings(shared_data, small_store, tmp_path):
    text = (
        'question = "damage"\n[[hazard]]\nid = "event"\nfile = "damagescanner_micro/depth.tif"\n'
        '[exposure]\nfile = "damagescanner_micro/buildings.gpkg"\noccupancy_column = "object_type"\n'
        'max_damage_column = "max_damage_per_m2"\nmax_damage_per = "m2_or_m"\n'
        '[curves]\nfile = "damagescanner_micro/curves.csv"\n[rules]\ndamage = "per_cell"\n'
    )
    found = rows(asked(tmp_path, small_store, text, shared_data), "objects")
    expected = gpd.read_file(shared_data / "damagescanner_micro" / "buildings.gpkg")["expected_damage"]
    assert [found["event", str(number + 1)]["damage_known"] for number in range(8)] == pytest.approx(expected.tolist(), rel=1e-6)


def test_kampen_by_the_example(shared_data, small_store, tmp_path):
    """The industrial land of the example: its total is that of its rows, and no place is lost."""
    text = (EXAMPLES / "damage_kampen.toml").read_text(encoding="utf-8")
    text = text.replace('occupancy_column = "landuse"', 'occupancy_column = "landuse"\nwhere = { landuse = "industrial" }')
    found = asked(tmp_path, small_store, text.replace('"per_cell"', '"per_cell"\nband = false'), shared_data)
    damages = [row["damage"] for key, row in rows(found, "objects").items() if key[1] != "(total)"]
    land = gpd.read_file(shared_data / "kampen" / "exposure" / "landuse.gpkg")
    total = rows(found, "totals")["flood_100",]
    assert total["objects"] == len(damages) == (land["landuse"] == "industrial").sum()
    assert total["damage_known"] == pytest.approx(sum(each for each in damages if each is not None), rel=1e-12)
    assert sum(row["objects"] for row in rows(found, "classes").values()) == len(damages)


def test_objects_from_geoparquet_give_the_same_figures(folder, small_store, answer):
    gpd.read_file(folder / "things.gpkg").to_crs(4326).to_parquet(folder / "things.parquet")
    found = asked(folder, small_store, SCENARIO.replace("things.gpkg", "things.parquet"))
    assert {key: row["damage"] for key, row in rows(found, "objects").items()} == pytest.approx(
        {key: row["damage"] for key, row in rows(answer, "objects").items()}
    )


def test_objects_from_a_layer_of_the_store(folder, small_store):
    """The school of the small city lies far off the raster: its damage is unknown, never 0."""
    text = SCENARIO[: SCENARIO.index("[[areas]]")].replace('file = "things.gpkg"\nid_column = "name"', 'layer = "shelters"')
    found = asked(folder, small_store, text.replace('"worth"', '"capacity"'))
    assert {row["unknown"] for key, row in rows(found, "objects").items() if key[1] != "(total)"} == {"depth unknown"}
    assert [each["name"] for each in found["inputs"] if each["kind"] == "layer"] == ["shelters"]


def test_a_shapefile_is_hashed_with_its_attributes(tmp_path):
    before = gpd.GeoDataFrame({"worth": [1]}, geometry=[shapely.Point(0, 0)], crs=4326)
    before.to_file(tmp_path / "things.shp")
    (one,) = file_inputs({"things.shp": tmp_path / "things.shp"})
    before.assign(worth=2).to_file(tmp_path / "things.shp")
    (other,) = file_inputs({"things.shp": tmp_path / "things.shp"})
    assert one.size_bytes == other.size_bytes
    assert one.sha256 != other.sha256
