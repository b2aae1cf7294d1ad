"""Roads of OpenStreetMap extracts: what tags mean, where ways are cut, and files that lie or break off."""

import struct
import zlib
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmium
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import layers
from geo_risk.errors import DeclarationError, FileError
from layers._catalog import layer
from layers._check import CheckOptions, check
from layers._check.report import report_lines
from layers._read import Limits, ReadOptions, read
from layers._tables import table
from layers._tables.osm_rules import osm_rules
from layers._worker.osm_tags import MODES, level_of, limit_of, name_of, road_of, stopped_at, tags_read

RULES = table("osm_roads")
STREET = {"highway": "residential"}
CROSS = {1: (8.0, 49.0), 2: (8.001, 49.0), 3: (8.002, 49.0), 4: (8.001, 49.001)}

Nodes = dict[int, tuple[float, float]]
Ways = dict[int, tuple[list[int], dict[str, str]]]


def extract(
    folder: Path, nodes: Nodes, ways: Ways, *, node_tags: dict[int, dict[str, str]] | None = None, ways_first: bool = False
) -> Path:
    path = folder / "town.osm.pbf"
    points = [osmium.osm.mutable.Node(id=i, location=place, tags=(node_tags or {}).get(i, {})) for i, place in nodes.items()]
    lines = [osmium.osm.mutable.Way(id=i, nodes=refs, tags=tags) for i, (refs, tags) in ways.items()]
    with osmium.SimpleWriter(str(path), overwrite=True) as writer:
        for thing in [*lines, *points] if ways_first else [*points, *lines]:
            writer.add(thing)
    return path


def roads(path: Path) -> gpd.GeoDataFrame:
    return read(path, ReadOptions()).frame.set_index("source_id")


def notes(path: Path) -> dict[str, dict[str, str]]:
    return {note.code: dict(note.words) for note in read(path, ReadOptions()).notes}


def who(**tags: str) -> str:
    road = road_of({tag.replace("__", ":"): value for tag, value in tags.items()}, RULES)
    return " ".join(mode for mode in MODES if road and mode in road.modes)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"highway": "residential"}, "car truck bicycle foot"),
        ({"highway": "motorway"}, "car truck"),
        ({"highway": "footway"}, "bicycle foot"),
        ({"highway": "footway", "access": "yes"}, "bicycle foot"),
        ({"highway": "pedestrian", "motor_vehicle": "yes"}, "car truck bicycle foot"),
        ({"highway": "residential", "access": "private"}, ""),
        ({"highway": "residential", "access": "no", "foot": "yes"}, "foot"),
        ({"highway": "residential", "vehicle": "no", "bicycle": "yes"}, "bicycle foot"),
        ({"highway": "residential", "motor_vehicle": "no", "hgv": "yes"}, "truck bicycle foot"),
        ({"highway": "residential", "motor_vehicle": "destination;agricultural"}, "car truck bicycle foot"),
        ({"highway": "residential", "motor_vehicle": "agricultural; forestry"}, "bicycle foot"),
        ({"highway": "residential", "access": "fine_gravel"}, "car truck bicycle foot"),
        ({"highway": "primary", "motorroad": "yes"}, "car truck"),
        ({"highway": "primary", "motorroad": "yes", "bicycle": "designated"}, "car truck bicycle"),
        ({"highway": "service", "area": "yes"}, "bicycle foot"),
        ({"highway": "track", "tracktype": "grade3"}, "car bicycle foot"),
        ({"highway": "track", "tracktype": "grade5"}, "bicycle foot"),
        ({"highway": "service", "tracktype": "grade5"}, "car truck bicycle foot"),
        ({"highway": "bridleway"}, ""),
        ({"route": "ferry", "motor_vehicle": "yes"}, "car truck bicycle foot"),
        ({"route": "ferry"}, "bicycle foot"),
        ({"highway": "residential", "maxwidth": "2"}, "bicycle foot"),
        ({"highway": "residential", "maxwidth": "2.2 m"}, "car bicycle foot"),
        ({"highway": "residential", "maxheight": "3.2"}, "car bicycle foot"),
        ({"highway": "residential", "maxheight": "below_default"}, "car truck bicycle foot"),
        ({"highway": "residential", "maxweight": "5.5"}, "car truck bicycle foot"),
        ({"highway": "residential", "maxweight": "5.5", "bridge": "yes"}, "car bicycle foot"),
    ],
)  # fmt: skip
def test_who_may_use_a_way(tags: dict[str, str], expected: str) -> None:
    assert who(**tags) == expected


@pytest.mark.parametrize("value", ["construction", "proposed", "razed", "platform", "elevator", "", "<script>"])
def test_no_road_by_the_table(value: str) -> None:
    assert road_of({"highway": value}, RULES) is None


def test_an_impassable_road_is_none() -> None:
    assert road_of({**STREET, "smoothness": "impassable"}, RULES) is None


@pytest.mark.parametrize(
    ("tags", "one_way", "turned", "bicycle_both_ways"),
    [
        ({}, False, False, True),
        ({"oneway": "yes"}, True, False, False),
        ({"oneway": "-1"}, True, True, False),
        ({"oneway": "yes", "oneway:bicycle": "no"}, True, False, True),
        ({"oneway": "yes", "cycleway": "opposite_lane"}, True, False, True),
        ({"junction": "roundabout"}, True, False, False),
        ({"junction": "roundabout", "oneway": "no"}, False, False, True),
        ({"highway": "motorway"}, True, False, False),
        ({"motor_vehicle:backward": "no"}, True, False, True),
        ({"vehicle:forward": "no"}, True, True, False),
        ({"oneway": "reversible"}, False, False, True),
    ],
)
def test_one_way(tags: dict[str, str], one_way: bool, turned: bool, bicycle_both_ways: bool) -> None:
    road = road_of(STREET | tags, RULES)
    assert road is not None
    assert (road.cells["one_way"], road.turned, road.cells["bicycle_both_ways"]) == (one_way, turned, bicycle_both_ways)


@pytest.mark.parametrize(
    ("tags", "kmh"),
    [
        ({"maxspeed": "50"}, 50.0),
        ({"maxspeed": "30 mph"}, 48.3),
        ({"maxspeed": "50;30"}, 30.0),
        ({"maxspeed": "walk"}, 6.0),
        ({"maxspeed": "none"}, None),
        ({"maxspeed": "signals"}, None),
        ({"maxspeed": "999"}, None),
        ({"maxspeed": "-5"}, None),
        ({"maxspeed": "1e9"}, None),
        ({"maxspeed": "50 parsecs"}, None),
        ({"maxspeed:forward": "70", "maxspeed:backward": "50"}, 50.0),
        ({"maxspeed": "none", "maxspeed:forward": "70"}, None),
        ({}, None),
    ],
)
def test_the_posted_limit(tags: dict[str, str], kmh: float | None) -> None:
    assert limit_of(tags, RULES) == kmh


@pytest.mark.parametrize(
    ("tags", "bridge", "tunnel", "level"),
    [
        ({}, False, False, None),
        ({"bridge": "viaduct", "layer": "1"}, True, False, 1),
        ({"tunnel": "yes", "layer": "-1"}, False, True, -1),
        ({"tunnel": "building_passage"}, False, False, None),
        ({"bridge": "no", "layer": "over"}, False, False, None),
    ],
)
def test_what_is_built(tags: dict[str, str], bridge: bool, tunnel: bool, level: int | None) -> None:
    cells = road_of(STREET | tags, RULES).cells  # type: ignore[union-attr]
    assert (cells["bridge"], cells["tunnel"], cells["level"]) == (bridge, tunnel, level)


@pytest.mark.parametrize(("tags", "name"), [({"name": "A", "ref": "B1"}, "A"), ({"ref": "B1"}, "B1"), ({}, "")])
def test_a_road_without_a_name_goes_by_its_number(tags: dict[str, str], name: str) -> None:
    assert name_of(STREET | tags, RULES) == name


@pytest.mark.parametrize(
    ("tags", "stopped"),
    [
        ({}, ""),
        ({"barrier": "gate"}, ""),
        ({"barrier": "gate", "access": "private"}, "car truck bicycle foot"),
        ({"barrier": "gate", "locked": "yes"}, "car truck bicycle foot"),
        ({"barrier": "gate", "locked": "yes", "foot": "yes"}, "car truck bicycle"),
        ({"barrier": "bollard"}, "car truck"),
        ({"barrier": "bollard", "motor_vehicle": "yes"}, ""),
        ({"barrier": "height_restrictor"}, "truck"),
        ({"barrier": "a pile of sand"}, "car truck"),
        ({"access": "private"}, ""),
    ],
)
def test_whom_a_barrier_stops(tags: dict[str, str], stopped: str) -> None:
    assert " ".join(mode for mode in MODES if mode in stopped_at(tags, RULES)) == stopped


@given(st.dictionaries(st.sampled_from(["highway", "access", "oneway", "layer", "maxspeed", "maxwidth", "barrier"]), st.text()))
def test_any_text_in_a_tag_is_a_road_or_none(tags: dict[str, str]) -> None:
    road = road_of({**STREET, **tags}, RULES)
    assert road is None or road.modes <= set(MODES)
    assert stopped_at(tags, RULES) <= set(MODES)
    assert limit_of(tags, RULES) is None or 1 <= limit_of(tags, RULES) <= 160  # type: ignore[operator]
    assert level_of(tags.get("layer", "")) in {None, *range(-10, 11)}


@given(st.dictionaries(st.sampled_from(sorted(tags_read(RULES))), st.sampled_from(["yes", "no", "-1", "2", "opposite", "grade5"])))
def test_other_tags_than_those_read_change_no_road(tags: dict[str, str]) -> None:
    assert road_of({**STREET, **tags, "surface": "mud", "name": "A"}, RULES) == road_of({**STREET, **tags}, RULES)


def test_the_rules_say_where_they_come_from() -> None:
    assert {"source", "checked", "region"} <= set(osm_rules())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('class = "steps"', 'class = "stairs"', "expected: classes of layer roads; got: stairs"),
        ("[access.foot]", "[access.feet]", r"expected: access\.foot with tags, opened_by and refused"),
        ("least_kmh", "slowest", "expected: speed with least_kmh, most_kmh"),
        ('tag = "status", value', 'tag = "status", is', "expected: left_out rows with tag, value; got: is, tag"),
    ],
)
def test_a_deployment_s_rules_that_cannot_be_read_by_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    ours = (Path(layers.__file__).parent / "_tables" / "osm_roads.toml").read_text(encoding="utf-8")
    assert old in ours
    (tmp_path / "osm_roads.toml").write_text(ours.replace(old, new), encoding="utf-8")
    monkeypatch.setenv("GEO_RISK_TABLES", str(tmp_path))
    with pytest.raises(DeclarationError, match=said):
        osm_rules()


def test_a_deployment_s_rules_are_read_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = (Path(layers.__file__).parent / "_tables" / "osm_roads.toml").read_text(encoding="utf-8")
    (tmp_path / "osm_roads.toml").write_text(ours.replace('"no", "private"', '"no"'), encoding="utf-8")
    monkeypatch.setenv("GEO_RISK_TABLES", str(tmp_path))
    assert roads(extract(tmp_path, CROSS, {10: ([1, 2], {**STREET, "access": "private"})}))["car"].all()


def test_ways_that_share_a_node_share_a_coordinate(tmp_path: Path) -> None:
    found = roads(extract(tmp_path, CROSS, {10: ([1, 2, 3], STREET), 11: ([4, 2], {**STREET, "oneway": "-1"})}))
    assert list(found.index) == ["way/10", "way/11"]
    assert shapely.get_coordinates(found.geometry).tolist() == [[8, 49], [8.001, 49], [8.002, 49], [8.001, 49], [8.001, 49.001]]
    assert set(found["joined_by"]) == {"shared_points"}


def test_rows_keep_to_the_layer(tmp_path: Path) -> None:
    path = extract(tmp_path, CROSS, {10: ([1, 2], {**STREET, "name": "甲路", "maxspeed": "30"})})
    done = check(layer("roads"), read(path, ReadOptions()), CheckOptions())
    row = done.frame.iloc[0]
    assert (row["name"], row["road_class"], row["kind"], row["max_speed_kmh"]) == ("甲路", "street", "highway=residential", 30)
    assert done.report.columns_ignored == ()
    assert done.report.identity == "layer_key"


def test_an_id_stays_when_everything_else_of_its_way_changes(tmp_path: Path) -> None:
    def ids(name: str, nodes: list[int]) -> list[str]:
        path = extract(tmp_path, CROSS, {10: (nodes, {**STREET, "name": name})})
        return list(check(layer("roads"), read(path, ReadOptions()), CheckOptions()).frame.index)

    assert ids("old", [1, 2]) == ids("new", [3, 4])


def test_a_bollard_closes_the_shorter_stretch_beside_it(tmp_path: Path) -> None:
    nodes = {1: (8.0, 49.0), 2: (8.003, 49.0), 3: (8.004, 49.0), 4: (8.009, 49.0)}
    found = roads(extract(tmp_path, nodes, {10: ([1, 2, 3, 4], STREET)}, node_tags={2: {"barrier": "bollard"}}))
    assert list(found.index) == ["way/10", "way/10@node/2"]
    assert list(found["car"]) == [True, False]
    assert list(found["foot"]) == [True, True]
    assert [line.wkt for line in found.geometry] == [
        "MULTILINESTRING ((8 49, 8.003 49), (8.004 49, 8.009 49))",
        "LINESTRING (8.003 49, 8.004 49)",
    ]


@pytest.mark.parametrize(
    ("ways", "closed"),
    [
        ({10: [1, 2], 11: [2, 3]}, {"way/10@node/2", "way/11@node/2"}),
        ({10: [1, 2, 3], 11: [2, 4]}, {"way/10@node/2"}),
        ({10: [1, 2, 4, 1]}, {"way/10@node/2"}),
        ({10: [2, 1, 4, 2], 11: [2, 3]}, {"way/10@node/2"}),
    ],
)
def test_a_barrier_where_ways_meet(tmp_path: Path, ways: dict[int, list[int]], closed: set[str]) -> None:
    given_ways = {i: (refs, STREET) for i, refs in ways.items()}
    found = roads(extract(tmp_path, CROSS, given_ways, node_tags={2: {"barrier": "bollard"}}))
    assert {name for name in found.index if "@" in name} == closed


def test_a_footpath_through_a_bollard_opens_no_street_to_cars(tmp_path: Path) -> None:
    ways: Ways = {10: ([1, 2], STREET), 11: ([2, 3], STREET), 12: ([1, 2, 4], {"highway": "footway"})}
    found = roads(extract(tmp_path, CROSS, ways, node_tags={2: {"barrier": "bollard"}}))
    assert not found.loc[["way/10@node/2", "way/11@node/2"], "car"].any()


def test_the_order_of_the_file_changes_no_row(tmp_path: Path) -> None:
    ways: Ways = {10: ([1, 2, 3], STREET), 11: ([2, 4], STREET), 12: ([4, 3], STREET)}
    tags = {2: {"barrier": "bollard"}, 4: {"barrier": "gate", "locked": "yes"}}
    one = roads(extract(tmp_path, CROSS, ways, node_tags=tags)).sort_index()
    other = roads(extract(tmp_path, CROSS, dict(reversed(ways.items())), node_tags=tags)).sort_index()
    assert one.to_wkb().equals(other.to_wkb())


def test_a_missing_node_cuts_its_way_and_bridges_no_gap(tmp_path: Path) -> None:
    path = extract(tmp_path, CROSS, {10: ([1, 2, 99, 3, 4], STREET), 11: ([99, 98], STREET), 12: ([1], STREET)})
    assert [line.wkt for line in roads(path).geometry] == ["MULTILINESTRING ((8 49, 8.001 49), (8.002 49, 8.001 49.001))"]
    assert notes(path)["osm_cut"] == {"count": "1"}
    assert notes(path)["osm_placeless"] == {"count": "2"}


def test_a_node_off_the_globe_counts_as_missing(tmp_path: Path) -> None:
    path = extract(tmp_path, CROSS | {5: (8.0, 95.0)}, {10: ([1, 2, 5, 3], STREET)})
    assert [line.wkt for line in roads(path).geometry] == ["LINESTRING (8 49, 8.001 49)"]


def test_what_is_left_out_is_counted_and_shown_harmless(tmp_path: Path) -> None:
    ways: Ways = {10: ([1, 2], STREET), 11: ([1, 2], {"highway": "construction"}), 12: ([1, 2], {"highway": "\x1b[31m"})}
    path = extract(tmp_path, CROSS, {**ways, 13: ([1, 2], {"barrier": "fence"})})
    assert notes(path)["osm_left_out"] == {"count": "2", "kinds": "construction 1, \\x1b[31m 1"}
    said = report_lines(check(layer("roads"), read(path, ReadOptions()), CheckOptions()).report, "en")
    assert any("restrictions of turning are not read" in line for line in said)


def test_a_control_character_in_a_name_is_a_row_s_fault(tmp_path: Path) -> None:
    path = extract(tmp_path, CROSS, {10: ([1, 2], {**STREET, "name": "\x1b[31mred"}), 11: ([2, 3], STREET)})
    report = check(layer("roads"), read(path, ReadOptions()), CheckOptions()).report
    assert [(fault.row, fault.column, fault.rule) for fault in report.faults] == [(1, "name", "control_character")]


def test_places_carried_in_the_ways_need_no_nodes(tmp_path: Path) -> None:
    whole = extract(tmp_path, CROSS, {10: ([1, 2, 3], STREET)})
    carried = tmp_path / "carried.osm.pbf"
    with osmium.SimpleWriter(osmium.io.File(str(carried), "pbf,locations_on_ways=true")) as writer:
        for way in osmium.FileProcessor(str(whole)).with_locations():
            if way.is_way():
                writer.add(way)
    assert roads(carried).geometry.equals(roads(whole).geometry)


@pytest.mark.parametrize("name", ["town.pbf", "town.osm.pbf", "TOWN.OSM.PBF"])
def test_known_by_its_first_bytes(tmp_path: Path, name: str) -> None:
    path = extract(tmp_path, CROSS, {10: ([1, 2], STREET)})
    assert len(read(path.rename(tmp_path / name), ReadOptions()).frame) == 1


@pytest.mark.parametrize("name", ["town.geojson", "town.csv", "town.gpkg"])
def test_an_extract_under_another_name_is_refused(tmp_path: Path, name: str) -> None:
    path = extract(tmp_path, CROSS, {10: ([1, 2], STREET)})
    with pytest.raises(FileError, match=r"not what its name says; .*got: osm"):
        read(path.rename(tmp_path / name), ReadOptions())


@pytest.mark.parametrize("data", [b"<osm/>", b"name,lon,lat\n", b"\0\0\0\x0d\n\x09OSMHeadex"])
def test_another_file_under_an_extract_s_name_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.osm.pbf").write_bytes(data)
    with pytest.raises(FileError, match=r"not what its name says; expected: a osm file"):
        read(tmp_path / "a.osm.pbf", ReadOptions())


def test_nodes_after_their_ways_are_refused(tmp_path: Path) -> None:
    path = extract(tmp_path, CROSS, {10: ([1, 2], STREET)}, ways_first=True)
    with pytest.raises(FileError, match=r"ways lack their nodes; expected: nodes before ways"):
        read(path, ReadOptions())


def test_an_extract_without_roads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="holds no roads"):
        read(extract(tmp_path, CROSS, {10: ([1, 2], {"waterway": "river"})}), ReadOptions())


def test_more_roads_than_allowed_are_refused(tmp_path: Path) -> None:
    path = extract(tmp_path, CROSS, {10: ([1, 2], STREET), 11: ([2, 3], STREET)})
    with pytest.raises(FileError, match="too many roads; expected: at most 1"):
        read(path, ReadOptions(limits=Limits(rows=1)))


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_file_that_breaks_off_is_refused(tmp_path: Path, share: float) -> None:
    path = extract(tmp_path, CROSS, {i: ([1, 2, 3], {**STREET, "name": str(i)}) for i in range(1, 500)})
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(FileError, match=r"OpenStreetMap file cannot be read; expected: a whole \.osm\.pbf file"):
        read(path, ReadOptions())


def bomb(says_bytes: int, holds: bytes) -> bytes:
    """A header block that says how many bytes it inflates to, and holds others."""
    packed = zlib.compress(holds)
    blob = b"\x10" + varint(says_bytes) + b"\x1a" + varint(len(packed)) + packed
    header = b"\n\tOSMHeader\x18" + varint(len(blob))
    return struct.pack(">I", len(header)) + header + blob


def varint(number: int) -> bytes:
    parts = [number >> shift & 0x7F for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([*(part | 0x80 for part in parts[:-1]), parts[-1]])


@pytest.mark.parametrize("says_bytes", [1, 100_000_000, 2**31 - 1])
def test_a_block_that_inflates_to_more_than_it_says_is_refused(tmp_path: Path, says_bytes: int) -> None:
    (tmp_path / "bomb.osm.pbf").write_bytes(bomb(says_bytes, bytes(60_000_000)))
    with pytest.raises(FileError, match=r"cannot be read|too much memory|stopped its reader"):
        read(tmp_path / "bomb.osm.pbf", ReadOptions(limits=Limits(seconds=20, memory_bytes=2_000_000_000)))


def test_random_damage_is_an_answer_or_a_refusal(tmp_path: Path) -> None:
    path = extract(tmp_path, CROSS, {i: ([1, 2, 3], {**STREET, "name": str(i)}) for i in range(1, 50)})
    whole = np.frombuffer(path.read_bytes(), dtype=np.uint8)
    draws = np.random.default_rng(5)
    for _ in range(8):
        hurt = whole.copy()
        hurt[draws.integers(20, len(hurt), 3)] = draws.integers(0, 256, 3)
        path.write_bytes(hurt.tobytes())
        assert answer_or_refusal(path)


def answer_or_refusal(path: Path) -> Any:
    try:
        return len(read(path, ReadOptions(limits=Limits(seconds=20))).frame)
    except FileError as error:
        return error.what


def test_heidelberg_has_as_many_roads_of_a_kind_as_ways_of_the_tag(shared_data: Path) -> None:
    """The counts are of tags alone, by osmium; a track's three and the like less those tagged impassable."""
    raw = read(shared_data / "heidelberg" / "heidelberg.test.osm.pbf", ReadOptions())
    ways = raw.frame.assign(way=raw.frame["source_id"].str.partition("@")[0]).drop_duplicates("way")["kind"].value_counts()
    assert ways[["highway=footway", "highway=steps", "highway=motorway", "route=ferry"]].tolist() == [4805, 1545, 68, 6]
    assert not check(layer("roads"), raw, CheckOptions()).report.faults
