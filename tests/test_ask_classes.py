"""The question *classes* through the real command line: InaSAFE's counts, sums by hand, hostile input."""

import math
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from ask_cli import asked, records
from geo_risk.errors import FileError
from layers._read import ReadOptions, read

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "scenarios" / "classes_jakarta.toml"
SCENARIO = """
question = "classes"
[[zones]]
id = "slide"
file = "zones.geojson"
class_column = "class"
classes = [{ id = "red", cells = ["RED", "red"] }, { id = "yellow", cells = ["yellow"], affected = false }]
[exposure]
file = "things.geojson"
id_column = "name"
kind_column = "kind"
[[areas]]
id = "towns"
file = "towns.geojson"
id_column = "code"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Zones red, yellow and one without a class, side by side; a house in each, one across the first two, one outside all."""
    path = tmp_path_factory.mktemp("classes")
    zones = [shapely.box(west, 0, west + 1, 1) for west in (0, 1, 2)]
    gpd.GeoDataFrame({"class": ["RED", "yellow", None]}, geometry=zones, crs=4326).to_file(path / "zones.geojson")
    spans = {"in red": (0.2, 0.4), "across": (0.9, 1.3), "in yellow": (1.4, 1.6), "in none": (2.2, 2.4), "far": (8.2, 8.4)}
    told = {"name": list(spans), "kind": ["house", "house", "barn", "barn", "barn"], "people": [4, 3, 2, 1, 5]}
    shapes = [shapely.box(west, 0.4, east, 0.6) for west, east in spans.values()]
    gpd.GeoDataFrame(told, geometry=shapes, crs=4326).to_file(path / "things.geojson")
    towns = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 3, 1)]
    gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=towns, crs=4326).to_file(path / "towns.geojson")
    return path


def by_area(answer):
    names = ("affected", "not_affected", "unknown", "total")
    return {row["area"]: tuple(row[name] for name in names) for row in records(answer, "areas")}


@pytest.fixture(scope="module")
def answer(folder, small_store):
    return asked(folder, small_store, SCENARIO)


def test_each_object_has_the_worst_class_it_meets(answer):
    found = {row["object"]: (row["class"], row["state"]) for row in records(answer, "objects")}
    assert found == {
        "in red": ("red", "affected"), "across": ("red", "affected"), "in yellow": ("yellow", "not_affected"),
        "in none": ("unknown", "unknown"), "far": ("none", "not_affected"),
    }


def test_areas_and_the_outside_are_the_total(answer):
    assert by_area(answer) == {
        "a": (1, 0, 0, 1), "b": (1, 1, 1, 3), "(outside)": (0, 1, 0, 1), "(total)": (2, 2, 1, 5),
    }


def test_the_house_across_two_towns_is_the_band(answer):
    town = next(row for row in records(answer, "areas") if row["area"] == "a")
    assert (town["low"], town["high"]) == (1, 2)
    assert {rule["id"]: rule["chosen"] for rule in answer["rules"]}["roll_up"] == "largest_share"


def test_touch_counts_it_twice_and_takes_it_off(folder, small_store):
    found = by_area(asked(folder, small_store, SCENARIO + '[rules]\nroll_up = "touch"\n'))
    assert (found["a"], found["b"], found["(counted twice)"]) == ((2, 0, 0, 2), (1, 1, 1, 3), (-1, 0, 0, -1))


def test_kinds_and_classes_of_an_area(answer):
    found = {(row["area"], row["kind"], row["class"]): row["amount"] for row in records(answer, "classes")}
    assert found == {
        ("a", "house", "red"): 1, ("b", "house", "red"): 1, ("b", "barn", "yellow"): 1, ("b", "barn", "unknown"): 1,
    }


def test_another_rule_for_a_house_across_two_zones(folder, small_store):
    found = asked(folder, small_store, SCENARIO.replace('"class"\n', '"class"\nrule = "largest_share"\n'))
    assert {row["object"]: row["class"] for row in records(found, "objects")}["across"] == "yellow"


@pytest.mark.parametrize(("count", "inside"), [('count = "column"\namount_column = "people"', 4), ('count = "size"', None)])
def test_people_or_square_metres_instead_of_objects(folder, small_store, count, inside):
    found = asked(folder, small_store, SCENARIO.replace('kind_column = "kind"', count))
    square_metres = 0.2 * 0.2 * (math.pi * 6_371_000 / 180) ** 2
    assert by_area(found)["a"][0] == (inside or pytest.approx(square_metres, rel=0.01))


def test_an_object_without_a_place_is_unknown_not_safe(folder, small_store):
    places = gpd.read_file(folder / "things.geojson")
    places.loc[places["name"] == "far", "geometry"] = None
    places.to_file(folder / "lost.geojson")
    found = asked(folder, small_store, SCENARIO.replace("things.geojson", "lost.geojson"))
    assert by_area(found)["(no place)"] == (0, 0, 1, 1)
    assert by_area(found)["(total)"] == (2, 1, 2, 5)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (('class_column = "class"', 'class_column = "level"'), "the objects have no such column; where: zones.slide"),
        (('cells = ["yellow"]', 'cells = ["red"]'), "each class and each cell once"),
        (('id = "yellow"', 'id = "unknown"'), "none and unknown are taken"),
        (('kind_column = "kind"', 'count = "column"'), "amount_column with count = column"),
        (('kind_column = "kind"', 'kind_column = "sort"'), "the objects have no such column; where: exposure"),
        (('file = "zones.geojson"', 'file = "zones.geojson"\nrule = "share_weighted_mean"'), "where: zones.0.rule"),
        (('file = "towns.geojson"', 'file = "towns.geojson"\nname_column = "mayor"'), "the areas have no such column"),
    ],
)
def test_what_cannot_be_asked(folder, small_store, changed, told):
    assert told in asked(folder, small_store, SCENARIO.replace(*changed), status=1)


def test_an_amount_below_nothing_is_refused(folder, small_store):
    places = gpd.read_file(folder / "things.geojson")
    places.assign(people=-1).to_file(folder / "minus.geojson")
    text = SCENARIO.replace('kind_column = "kind"', 'count = "column"\namount_column = "people"')
    assert "an amount is negative" in asked(folder, small_store, text.replace("things.geojson", "minus.geojson"), status=1)


def test_inasafe_buildings_by_the_example(shared_data, small_store, tmp_path):
    found = asked(tmp_path, small_store, EXAMPLE.read_text(encoding="utf-8"), shared_data)
    affected = {area: row[0] for area, row in by_area(found).items() if area.isdigit()}
    assert affected == {"10": 3, "20": 1, "30": 2}
    counted = [(row["class"], row["amount"]) for row in records(found, "classes")]
    assert [sum(amount for of, amount in counted if of == name) for name in ("high", "medium", "low")] == [4, 2, 0]
    assert by_area(found)["(total)"][-1] == 12


def test_inasafe_flooded_buildings_by_area(shared_data, small_store, tmp_path):
    """InaSAFE's counts, rounded up to tens: 10, 10, 20, 20 in B, C, F, G; 33 in all. Its zones have 32 shapes and 31 records."""
    folder = shared_data / "jakarta" / "inasafe"
    for part in (*sorted((folder / "exposure").iterdir()), *sorted((folder / "hazard").iterdir())):
        (tmp_path / part.name).symlink_to(part)
    (tmp_path / "grid.geojson").symlink_to(folder / "aggregation" / "grid_jakarta.geojson")
    text = (
        'question = "classes"\n[[zones]]\nid = "flood"\nfile = "flood_multipart_polygons.shp"\nspare_shapes = "left_out"\n'
        'class_column = "FLOODPRONE"\n'
        'classes = [{ id = "yes", cells = ["YES", "yes"] }, { id = "no", cells = ["NO", "no"], affected = false }]\n'
        '[exposure]\nfile = "buildings.shp"\nkind_column = "TYPE"\n[exposure.kinds]\nSchool = "school"\n'
        '[[areas]]\nid = "grid"\nfile = "grid.geojson"\nid_column = "name"\n[rules]\nroll_up = "first_touched"\n'
    )
    found = asked(tmp_path, small_store, text)
    affected = {area: row[0] for area, row in by_area(found).items()}
    assert [math.ceil(affected[name] / 10) * 10 for name in "BCFG"] == [10, 10, 20, 20]
    assert sum(count for name, count in affected.items() if len(name) == 1) == 33
    schools = {row["area"]: row["amount"] for row in records(found, "classes") if (row["kind"], row["class"]) == ("school", "yes")}
    assert [math.ceil(schools.get(name, 0) / 10) * 10 for name in "BCFG"] == [10, 0, 10, 0]


def test_shapes_without_records_are_refused_unless_they_are_said_to_be_spare(shared_data):
    path = shared_data / "jakarta" / "inasafe" / "hazard" / "flood_multipart_polygons.shp"
    with pytest.raises(FileError, match=r"got: 32 shapes, 31 records; next: .*say that the last shapes are to spare"):
        read(path, ReadOptions())
    table = read(path, ReadOptions(spare_shapes=True))
    assert len(table.frame) == 31
    assert {note.code: dict(note.words) for note in table.notes}["shapes_left"] == {"count": "1"}
