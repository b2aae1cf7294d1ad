"""Access on the command line, on roads that one can add up by hand (see road_city)."""

import json
import shutil
from pathlib import Path
from typing import Any

import openpyxl
import pyogrio
import pytest

import road_city
from layers._store import Batch, open_store
from run_cli import run

RING = [[0.0205, -0.001], [0.0215, -0.001], [0.0215, 0.001], [0.0205, 0.001], [0.0205, -0.001]]
SQUARE = {"type": "Polygon", "coordinates": [RING]}
SUM = '=HYPERLINK("x")'


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("road city") / "store.sqlite"
    with open_store(path) as opened:
        for layer_id, frame in road_city.frames().items():
            opened.apply(layer_id, frame, Batch(actor="test", reason="road city", source="small"))
    return path


@pytest.fixture
def store(tmp_path: Path, filled: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path / "store.sqlite"))


def change(store: Path, layer_id: str, fid: str, **values: Any) -> None:
    with open_store(store) as opened:
        before = opened.snapshot().frames[layer_id].loc[[fid]]
        after = before.assign(**{name: [value] for name, value in values.items()}).astype(before.dtypes.to_dict())
        opened.apply(layer_id, after, Batch(actor="test", reason="changed", source="small"))


def told(store: Path, *words: str) -> Any:
    return json.loads(run(*words, "--json", store=store).split("\n")[0])


def shut(store: Path, *what: str) -> str:
    said = run("close", "--title", "Bridge out", "--cause", "bridge", *(what or ("--road", "bridge")), "--lang", "en", store=store)
    return next(word for word in said.split() if word.startswith("closure-"))


def test_the_nearest_by_time_says_was_and_what_is_in_the_way(store: Path) -> None:
    ask = ("nearby", "0.018", "0", "--by", "time", "--layers", "shelters", "--lang", "en")
    assert "4.1 min" in run(*ask, store=store)
    shut(store)
    second = told(store, *ask)["items"][1]["road"]["said"]["en"]
    assert second == "11.5 min, was 4.1"  # over the north: 4 times 1,105.74 m more at 10 m a second
    assert "Bridge out: honoured, stretches of road: 1" in run(*ask, store=store)


def test_full_shelters_are_left_out_on_request(store: Path) -> None:
    change(store, "shelters", "sw", occupancy=100)
    ask = ("nearby", "0.018", "0", "--by", "time", "--layers", "shelters")
    assert [item["id"] for item in told(store, *ask)["items"]] == ["sw", "se"]
    assert [item["id"] for item in told(store, *ask, "--free", "--limit-min", "60")["items"]] == ["se"]


def test_without_roads_it_falls_back_to_straight_lines_and_says_so(small_store: Path) -> None:
    said = run("nearby", "0.0075", "0.005", "--layers", "shelters", "--by", "time", "--lang", "en", store=small_store)
    assert "no road data: straight lines" in said
    assert "no roads" in run("route", "0", "0", "1", "1", store=small_store, status=1)


def test_a_route_is_told_by_legs_and_a_longitude_may_be_negative(store: Path) -> None:
    shut(store)
    said = run("route", "-0.001", "0", "0.04", "0", "--lang", "en", store=store)
    assert [name for name in ("Main Street", "North Loop", "Old Bridge") if name in said] == ["Main Street", "North Loop"]
    assert "in the way: Bridge out" in said


def test_what_if_and_another_moment_are_for_one_question(store: Path) -> None:
    shut(store, "--road", "bridge", "--since", "2026-07-01T08:00+08:00", "--until", "2026-07-01T09:00+08:00")
    ask = ("route", "0.018", "0", "0.04", "0")
    assert told(store, *ask)["closures"][0]["state"] == "ended"
    assert told(store, *ask)["minutes"] == 4.1
    assert told(store, *ask, "--at", "2026-07-01T08:30+08:00")["minutes"] == 11.5
    assert told(store, *ask, "--without", "bridge")["minutes"] == 11.5


def test_bands_go_to_a_geopackage_with_a_row_a_band(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "bands.gpkg"
    run("reach", "0.018", "0", "--minutes", "4,2", "-o", str(file), store=store)
    bands = pyogrio.read_dataframe(file)
    assert bands[["minutes", "people", "shelters"]].to_numpy().tolist() == [[2, 0, 0], [4, 300, 1]]  # Hall and East: 4.08 min
    assert bands.crs.to_epsg() == 4326
    run("reach", "0.018", "0", "-o", str(file.with_suffix(".geojson")), store=store)
    assert len(json.loads(file.with_suffix(".geojson").read_text())["features"]) == 3


def test_a_plan_is_told_in_sentences_and_loads(store: Path) -> None:
    said = run("evacuate", "--limit-min", "2", "--lang", "en", store=store)
    assert "180 of 230 people have a place within 2 min" in said
    assert "Short of 50 places" in said
    said = run("evacuate", "--limit-min", "2", store=store)
    assert "2 分钟内可安置 180 人（共 230 人）" in said
    assert "床位不足" in said
    assert "short of" not in said


def test_a_plan_is_written_typed_and_harmless(store: Path, tmp_path: Path) -> None:
    change(store, "flood_points", "fw", name=SUM)
    run("evacuate", "-o", str(tmp_path / "plan.xlsx"), store=store)
    run("evacuate", "-o", str(tmp_path / "plan.csv"), store=store)
    sheet = openpyxl.load_workbook(tmp_path / "plan.xlsx")["transfers"]
    header, *rows = sheet.iter_rows(values_only=True)
    assert sorted(tuple(row[header.index(name)] for name in ("group", "shelter", "people")) for row in rows) == [
        ("fe", "se", 80), ("fw", "se", 50), ("fw", "sw", 100),
    ]  # fmt: skip
    assert all(isinstance(row[header.index("minutes")], float | int) for row in rows)
    assert f"'{SUM}" in [row[header.index("group_name")] for row in rows]
    assert (tmp_path / "plan.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (tmp_path / "plan.shelters.csv").is_file()


def test_a_written_plan_can_be_pinned_and_be_the_former_one(store: Path, tmp_path: Path) -> None:
    table, plan = tmp_path / "plan.csv", tmp_path / "plan.json"
    for file in (table, plan):
        run("evacuate", "-o", str(file), store=store)
    shut(store)
    ask = ("evacuate", "--limit-min", "60")
    assert told(store, *ask)["question"]["pinned"] == 0
    pinned = told(store, *ask, "--pin", str(table))
    assert {(row["group"], row["shelter"]) for row in pinned["transfers"] if row["pinned"]} == {
        (row["group"], row["shelter"]) for row in json.loads(plan.read_text(encoding="utf-8"))["transfers"]
    }
    again = told(store, *ask, "--previous", str(plan))
    assert again["change"]["groups"] in ((), [])


def test_a_promise_is_refuted_with_what_would_make_it_true(store: Path) -> None:
    shut(store)
    ask = ("mobilise", "--needs", "people:40", "--within-min", "13", "--detail", "West", "--lang", "en")
    said = run(*ask, store=store)
    assert "refuted" in said
    assert "Island" in said  # no road leads there
    rows = {row["id"]: row for row in told(store, *ask)["places"]}
    assert (rows["w"]["state"], rows["w"]["state_open"], rows["w"]["by_closures"]) == ("refuted", "proven", True)


def test_who_is_cut_off_and_whose_loss_is_worst(store: Path) -> None:
    change(store, "shelters", "sw", status="closed")
    shut(store)
    answer = told(store, "isolate", "--losses", "3")
    assert (answer["sums"]["reached"]["people"], answer["sums"]["never reached"]["people"]) == (500, 50)
    assert {each["road"]: each["people_cut_off"] for each in answer["worst_links"]} == {"north": 300, "main-e": 300}
    assert "North Loop" in run("isolate", "--losses", "3", "--lang", "en", store=store)


def test_a_matrix_has_a_row_a_pair_and_empty_cells_where_there_is_no_way(store: Path, tmp_path: Path) -> None:
    run("matrix", "flood_points", "shelters", "-o", str(tmp_path / "m.csv"), store=store)
    assert (tmp_path / "m.csv").read_text(encoding="utf-8-sig").split() == [
        "origin,destination,minutes,minutes_open", "fe,se,1.9,1.9", "fe,sw,5.6,5.6", "fw,se,5.6,5.6", "fw,sw,1.9,1.9",
    ]  # fmt: skip
    run("matrix", "towns", "shelters", "-o", str(tmp_path / "t.csv"), store=store)
    assert "i,se,,\n" in (tmp_path / "t.csv").read_text(encoding="utf-8-sig")


@pytest.mark.parametrize(
    ("how", "people"),
    [(("--zone", "towns/w"), 150), (("--lon", "0", "--lat", "0", "--radius-m", "2000"), 150), (("--area", "square.geojson"), 0)],
)
def test_all_inside_a_drawing_is_counted_and_summed(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...], people: int
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "square.geojson").write_text(json.dumps({"type": "Feature", "properties": {}, "geometry": SQUARE}))
    (found,) = told(store, "select", *how, "--layers", "flood_points")["layers"]
    assert found["sums"]["people_threatened"]["known"] == people


def test_closures_are_listed_shut_by_area_and_reopened(store: Path, tmp_path: Path) -> None:
    (tmp_path / "square.geojson").write_text(json.dumps(SQUARE))
    closure = shut(store, "--area", str(tmp_path / "square.geojson"))
    assert "Old Bridge" in run("closures", "--lang", "en", store=store)
    assert told(store, "closures")["links_shut"] == 1
    assert "ended" in run("reopen", closure, "--lang", "en", store=store)
    assert told(store, "closures")["links_shut"] == 0


def test_a_closure_that_cannot_be_read_is_told_with_every_answer(store: Path) -> None:
    rasters = store.parent / "rasters"
    rasters.mkdir()
    (rasters / "depth.tif").write_bytes(b"no raster")
    shut(store, "--depth-raster", "depth.tif")
    for ask in (("route", "0.018", "0", "0.04", "0"), ("nearby", "0.018", "0", "--by", "time"), ("evacuate",), ("closures",)):
        assert "COULD NOT BE READ" in run(*ask, "--lang", "en", store=store)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("route", "0", "0", "0.04", "0", "--without", "brigde"), "no road has this id"),
        (("route", "0", "0", "0.04", "0", "--vehicle", "tank"), "no such vehicle"),
        (("route", "0", "0", "0.04", "0", "--at", "tomorrow"), "no moment"),
        (("reach", "0", "0", "--minutes", "5,x"), "minutes is out of range"),
        (("reach", "0", "0", "-o", "bands.exe"), "not written to such a file"),
        (("close", "--title", "x", "--cause", "bridge", "--road", "brigde"), "no road has this id"),
        (("close", "--title", "x", "--cause", "bridge", "--lon", "0"), "a centre and a radius"),
        (("close", "--title", "x", "--cause", "none", "--road", "bridge"), "no closure"),
        (("close", "--title", "x", "--cause", "other", "--area", "wrong.json"), "no JSON object"),
        (("reopen", "closure-0"), "closure-0"),
        (("select", "--lon", "0"), "lat is out of range"),
        (("select",), "one drawing"),
        (("select", "--zone", "shelters/sw"), "no area"),
        (("mobilise", "--needs", "people"), "needs cannot be read"),
        (("mobilise", "--needs", "people:1", "--detail", "Atlantis"), "no feature of this id or name"),
        (("evacuate", "--pin", "wrong.csv"), "people are no whole number"),
        (("evacuate", "--pin", "none.csv"), "cannot be read"),
        (("evacuate", "--previous", "plan.json"), "no plan"),
        (("evacuate", "--groups", "roads"), "how many people stand"),
        (("evacuate", "-o", "nowhere/plan.csv"), "cannot be written"),
        (("matrix", "towns", "duty_holder"), "no layer"),
    ],
)
def test_what_cannot_be_answered_is_refused(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "wrong.json").write_text("[" * 100_000)
    (tmp_path / "wrong.csv").write_text("group,shelter,people\nfw,sw,1.5\n")
    (tmp_path / "plan.json").write_text('{"transfers": 1}')
    assert says in run(*words, store=store, status=1)
