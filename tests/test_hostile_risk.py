"""Inputs that would make a wrong figure look right, hide other objects or take for ever, sent through the public doors."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import rasterio
import shapely
import xarray
from affine import Affine
from fastapi.testclient import TestClient

import small_city
from api.app import create_app
from api.settings import Settings
from api.strict_json import strict_object
from geo_risk.errors import ParameterError
from geo_risk.hazard.overlay import overlaps
from geo_risk.hazard.raster import open_raster, sample_points
from geo_risk.hazard.zones import zone_readings
from geo_risk.risk.measures import mean_depth_m_in_zones, share_in_zones
from geo_risk.risk.rollup import area_faults, roll_up
from layers._store import Batch, open_store
from run_cli import run

PEOPLE = """
question = "people"
hazard = [{ id = "flood", file = "depth.tif" }]
exposure = { file = "people.tif" }
areas = [{ id = "towns", file = "towns.geojson", id_column = "code" }]
classes = { bounds = [0, 1] }
"""
BUILDINGS = """
question = "buildings"
exposure = { file = "homes.parquet", occupancy_column = "kind", value_column = "value" }
hazard = [{ id = "flood", file = "depth.tif", classes = [0, 1], damage = true }]
curves = { file = "curves.csv" }
"""


def raster(path: Path, values: list[list[float]], **profile: Any) -> None:
    """Cells of one degree, the first row the northern one, south-west corner at 0, 0."""
    cells = np.array(values, dtype="float32")
    told = {"crs": "EPSG:4326", "transform": Affine(1, 0, 0, 0, -1, cells.shape[0]), "nodata": -9.0, **profile}
    with rasterio.open(
        path, "w", driver="GTiff", width=cells.shape[1], height=cells.shape[0], count=1, dtype="float32", **told
    ) as file:
        file.write(cells, 1)


def areas(path: Path, shapes: dict[str, shapely.Geometry]) -> None:
    gpd.GeoDataFrame({"code": list(shapes)}, geometry=list(shapes.values()), crs=4326).to_file(path, driver="GeoJSON")


def comb(teeth: int, *, upright: bool) -> shapely.Polygon:
    """A valid comb on the unit square; two of 400 teeth, one turned, cross 640,000 times."""
    edges = np.arange(2 * teeth + 1) / (2 * teeth)
    corners = [(0.0, 0.0)]
    for left, right in zip(edges[:-1:2], edges[1::2], strict=True):
        corners += [(left, 0.01), (left, 1.0), (right, 1.0), (right, 0.01)]
    corners.append((1.0, 0.0))
    return shapely.Polygon(corners if upright else [(y, x) for x, y in corners])


COMBS = [comb(400, upright=True), comb(400, upright=False)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four cells in a row with 10, 20, 30, 40 people, dry, 0.5 m, 2 m and unknown; town a on the first two, b on the third."""
    raster(tmp_path / "depth.tif", [[0.0, 0.5, 2.0, -9]])
    raster(tmp_path / "people.tif", [[10, 20, 30, 40]])
    areas(tmp_path / "towns.geojson", {"b": shapely.box(2, 0, 3, 1), "a": shapely.box(0, 0, 2, 1)})
    (tmp_path / "curves.csv").write_text("depth,house\n0,0\n4,1\n")
    homes = {"id": [1, 2, 3, 4], "kind": ["house", "house", "tent", "house"], "value": [100.0, 100.0, 100.0, np.nan]}
    places = [shapely.Point(2.5, 0.5), None, shapely.Point(2.5, 0.5), shapely.Point(2.5, 0.5)]
    gpd.GeoDataFrame(homes, geometry=places, crs=4326).to_parquet(tmp_path / "homes.parquet")
    return tmp_path


def asked(folder: Path, store: Path, scenario: str, status: int = 0) -> Any:
    """What ``geo-risk assess`` says: the run, or one line of error."""
    (folder / "ask.toml").write_text(scenario, encoding="utf-8")
    told = run("assess", "--scenario", str(folder / "ask.toml"), "--json", store=store, status=status)
    return " ".join(told.split()) if status else json.loads(told[: told.rindex("}") + 1])


def rows(answer: dict[str, Any], table: int = 0) -> list[dict[str, Any]]:
    names = [field["name"] for field in answer["tables"][table]["fields"]]
    return [dict(zip(names, row, strict=True)) for row in (*answer["tables"][table]["rows"], *answer["tables"][table]["foot"])]


def _huge(path: Path) -> None:
    """A header that promises 320 GB, and hardly any bytes."""
    with rasterio.open(
        path, "w", driver="GTiff", width=200_000, height=200_000, count=1, dtype="float64", crs="EPSG:4326", tiled=True,
        blockxsize=4096, blockysize=4096, transform=Affine(1e-4, 0, 0, 0, -1e-4, 20), SPARSE_OK=True, BIGTIFF="YES",
    ):
        pass
    assert path.stat().st_size < 60_000


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no crs": (lambda at: raster(at / "depth.tif", [[0, 1, 2, 3]], crs=None), "the raster has no CRS; where: open_raster;"),
    "rotated": (lambda at: raster(at / "depth.tif", [[0, 1, 2, 3]], transform=Affine(1, 0.1, 0, 0, -1, 1)), "is rotated"),
    "320 GB": (lambda at: _huge(at / "depth.tif"), "the raster promises too many cells"),
    "other cells": (lambda at: raster(at / "depth.tif", [[0, 1, 2]]), "do not lie on the same cells; where: hazard.flood"),
    "negative people": (lambda at: raster(at / "people.tif", [[10, -5, 30, 40]]), "negative or without end; where: 1 cells"),
    "people of a fill value": (lambda at: raster(at / "people.tif", [[10, 3.4e38, 30, 40]]), "people are more than can be counted"),
    "areas that are points": (lambda at: areas(at / "towns.geojson", {"a": shapely.Point(0.5, 0.5)}), "areas without a shape"),
    "empty areas": (lambda at: areas(at / "towns.geojson", {"a": shapely.Polygon()}), "without a shape"),
    "ids twice": (lambda at: (at / "towns.geojson").write_text(
        (at / "towns.geojson").read_text().replace('"code": "b"', '"code": "a"')), "ids of areas stand twice"),
    "no tiff inside": (lambda at: (at / "depth.tif").write_text("<VRTDataset/>"), "the file is no raster that we read"),
    "half a tiff": (lambda at: (at / "depth.tif").write_bytes((at / "depth.tif").read_bytes()[:60]), "the raster cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_give_a_wrong_figure_is_refused_with_the_reason(name: str, folder: Path, small_store: Path) -> None:
    spoil, says = REFUSED[name]
    spoil(folder)
    said = asked(folder, small_store, PEOPLE, status=1)
    assert says in said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("curve", "says"),
    [
        ("0,0\n1,0.5\n1,0.6\n", "intensities do not rise"),
        ("0,0\n1,0.9\n2,0.8\n", "a curve falls as the intensity rises; where: curve house, point 3"),
        ("0,0\n1,\n2,0.8\n", "number"),
        ("0,0\n1,150\n", "not 0 to 1; where: curve house, point 2; expected: 0 to 1; got: 150.0; next: if the file is in per cent"),
        ("0,0\n1,-0.1\n", "not 0 to 1"),
        ("0,0\n1,nan\n", "number"),
        ("0,0\n0,0.5\n", "do not rise"),
    ],
)
def test_curves_with_gaps_falls_or_per_cents_are_refused(curve: str, says: str, folder: Path, small_store: Path) -> None:
    (folder / "curves.csv").write_text(f"depth,house\n{curve}")
    assert says in asked(folder, small_store, BUILDINGS, status=1)


def test_one_bad_building_is_told_and_hides_no_other(folder: Path, small_store: Path) -> None:
    answer = asked(folder, small_store, BUILDINGS)
    told = {row["class"]: (row["buildings"], row["damage"], row["damage_missing"]) for row in rows(answer, 1) if row["buildings"]}
    # 2 m on a curve of 0 to 4 m: half of 100; a tent has no curve, one value is missing, one house has no place
    assert told == {"over 1": (3, 50.0, 2), "unknown": (1, 0.0, 1)}
    assert answer["unknown"] == ["1 buildings have no reading of flood"]


def homes(path: Path, shapes: list[bytes | None], **column: Any) -> None:
    """GeoParquet written by hand, so that it may be wrong."""
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", **column}}}
    cells = {"id": range(len(shapes)), "kind": ["house"] * len(shapes), "value": [100.0] * len(shapes)}
    table = pa.table({**cells, "geometry": pa.array(shapes, pa.binary())})
    pq.write_table(table.replace_schema_metadata({b"geo": json.dumps(geo).encode()}), path)


def test_broken_shapes_in_an_exposure_are_told_and_hide_no_other(folder: Path, small_store: Path) -> None:
    endless = b"\x01\x03\0\0\0\xff\xff\xff\xff\x05\0\0\0" + bytes(40)
    homes(folder / "homes.parquet", [shapely.to_wkb(shapely.Point(2.5, 0.5)), endless, b"junk", b"", None])
    told = {row["class"]: (row["buildings"], row["damage"]) for row in rows(asked(folder, small_store, BUILDINGS), 1)}
    assert (told["over 1"], told["unknown"]) == ((1, 50.0), (4, 0.0))


def test_an_exposure_of_a_crs_nobody_knows_is_refused(folder: Path, small_store: Path) -> None:
    homes(folder / "homes.parquet", [shapely.to_wkb(shapely.Point(2.5, 0.5))], crs={"type": "junk"})
    assert "the CRS cannot be understood; where: homes.parquet" in asked(folder, small_store, BUILDINGS, status=1)


def test_areas_that_overlap_and_leave_holes_still_sum_to_the_whole(folder: Path, small_store: Path) -> None:
    areas(folder / "towns.geojson", {"a": shapely.box(0, 0, 2, 1), "b": shapely.box(1, 0, 2.5, 1)})
    answer = asked(folder, small_store, PEOPLE)
    totals = {row["area"]: row["total"] for row in rows(answer)}
    assert totals == {"a": 20, "b": 25, "(outside)": 55, "(total)": 100}  # the cell in both is shared by halves
    assert any("overlap by 1 cells" in line for line in answer["unknown"])


def test_an_area_off_the_raster_is_unknown_and_not_without_people(folder: Path, small_store: Path) -> None:
    areas(folder / "towns.geojson", {"a": shapely.box(0, 0, 1, 2), "far": shapely.box(50, 50, 51, 51)})
    answer = asked(folder, small_store, PEOPLE)
    told = {row["area"]: (row["total"], row["in_water_high"]) for row in rows(answer)}
    assert told == {"a": (10, 0), "far": (None, None), "(outside)": (90, 50), "(total)": (100, 50)}
    assert "1 of 2 areas towns lie off the raster, 1 in part (up to 50 %): nobody was counted there" in answer["unknown"]


def test_areas_like_combs_take_no_minutes_and_lose_nobody(folder: Path, small_store: Path) -> None:
    areas(folder / "towns.geojson", {"up": COMBS[0], "across": COMBS[1]})
    began = time.monotonic()
    totals = {row["area"]: row["total"] for row in rows(asked(folder, small_store, PEOPLE))}
    assert time.monotonic() - began < 20
    assert sum(totals[name] for name in ("up", "across", "(outside)")) == totals["(total)"] == 100


def test_zones_like_combs_make_a_place_unknown_and_hide_no_other() -> None:
    places = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), shapely.box(5, 0, 6, 1)], index=["a", "b"], crs=4326)
    zones = gpd.GeoDataFrame({"depth_m": [2.0, 2.0, 1.0]}, geometry=[*COMBS, shapely.box(5, 0, 5.5, 1)], crs=4326)
    began = time.monotonic()
    assert share_in_zones(places, zones).round(6).tolist() == pytest.approx([np.nan, 0.5], nan_ok=True)
    assert mean_depth_m_in_zones(places, zones, "depth_m").round(6).tolist() == pytest.approx([np.nan, 0.5], nan_ok=True)
    assert share_in_zones(gpd.GeoDataFrame(geometry=COMBS[:1], crs=4326), zones[1:2]).isna().all()
    read = zone_readings(places, zones, "depth_m", "worst")
    assert read["value"].tolist() == [2.0, 1.0]
    assert read.attrs["refused"] == (("a", None, "their borders cross too often"),)
    faults = area_faults(zones)
    assert (faults.holes, faults.overlapping["overlap_m2"].isna().tolist()) == (None, [True])
    assert time.monotonic() - began < 20


def test_the_service_answers_for_a_city_with_combs(small_store: Path, tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(small_store.read_bytes())
    shrunk = [shapely.transform(shape, lambda places: places * 0.01) for shape in COMBS]  # over town w
    spoilt = {f"c{number}": (shape, {"kind": "past", "year": 2020}) for number, shape in enumerate(shrunk)}
    with open_store(tmp_path / "store.sqlite") as store:
        store.apply("flood_zones", small_city.frame("flood_zones", spoilt), Batch(actor="t", reason="combs", source="t"))
    began = time.monotonic()
    with TestClient(create_app(Settings(store=tmp_path / "store.sqlite")), raise_server_exceptions=False) as service:
        levels = {area["id"]: area["level"] for area in service.get("/risk").json()["areas"]}
    assert levels["w"] == "unknown"
    assert time.monotonic() - began < 20


def test_a_line_along_the_cut_of_a_large_area_counts_once() -> None:
    """The area has 400 corners and is overlaid in halves, cut at longitude 2; a third of the road and one point lie inside."""
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    area = gpd.GeoSeries([shapely.Polygon(np.column_stack([2 + 2 * np.cos(angle), 1 + np.sin(angle)]))], index=["t"], crs=4326)
    things = gpd.GeoSeries([shapely.LineString([(2, 1), (2, 4)]), shapely.MultiPoint([(2, 1.5), (9, 9)])], crs=4326)
    assert overlaps(things, area).share.round(4).tolist() == [0.3333, 0.5]
    assert roll_up(pd.Series([300, 10]), things, area, "split_by_share").inside.tolist() == [105]


@pytest.mark.parametrize(("kind", "left"), [("float32", 9.96921e36), ("float64", 9.969209968386869e36), ("int16", -32767)])
def test_cells_that_nobody_wrote_to_a_netcdf_file_are_unknown(kind: str, left: float, tmp_path: Path) -> None:
    places = {"lat": ("lat", [0.5, 1.5], {"units": "degrees_north"}), "lon": ("lon", [0.5, 1.5], {"units": "degrees_east"})}
    depth = (("lat", "lon"), np.array([[1, left], [2, 3]], dtype=kind))
    xarray.Dataset({"depth": depth}, places).to_netcdf(tmp_path / "depth.nc", engine="h5netcdf")
    with open_raster(tmp_path / "depth.nc") as found:
        assert sample_points(found, [0.5, 1.5, 1.5], [0.5, 0.5, 1.5]).tolist() == pytest.approx([1, np.nan, 3], nan_ok=True)


@pytest.mark.parametrize("body", [b'{"a":"' + b'\\"' * 500_000, b'{"a":"' + b"x" * 1_000_000, b'"' * 1_000_000])
def test_a_body_with_an_unclosed_text_is_refused_at_once(body: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(ParameterError, match="the body is no JSON"):
        strict_object(body, 32)
    assert time.monotonic() - began < 2


def test_no_random_scenario_meets_a_fault_of_ours(client: TestClient) -> None:
    chance = random.Random(3)
    for _ in range(400):
        body = _scenario(chance)
        door = chance.choice(["/assessments", "/processes/people/execution", "/processes/buildings/execution"])
        answer = client.post(door, json=body if door == "/assessments" else {"inputs": body})
        assert answer.status_code in (400, 404, 422), (door, body, answer.text)
        assert answer.json()["title"]


def _scenario(chance: random.Random) -> Any:
    """A scenario in which one or two values are of another kind; none can be run."""
    whole: dict[str, Any] = {
        "question": chance.choice(["people", "buildings", "index", "<b>"]), "title": "t",
        "hazard": [{"id": "h", "file": "nothing.tif", "band": 1, "crs": "EPSG:4326", "nodata": 0.5}],
        "exposure": {"file": "nothing.tif"}, "areas": [{"id": "a", "layer": "towns"}],
        "classes": {"bounds": [0, 1], "at": "above"}, "curves": {"form": "wide"}, "rules": {"cells": "covered"},
    }  # fmt: skip
    for _ in range(chance.randint(1, 2)):
        at: Any = whole
        while isinstance(at, dict | list) and at:
            key = chance.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if not isinstance(at[key], dict | list) or chance.random() < 0.3:
                at[key] = chance.choice(_ODD)
                break
            at = at[key]
    return {**whole, "colour": 1} if whole["question"] == "index" else whole


_ODD: list[Any] = [
    None, True, -1, 0, 10**300, 10**390, 1e308, -1e-320, "", "\x1b[2J", "..", "x" * 5000, "{{7*191}}", "=1+1", [], [[]], {},
    {"a": {}}, [None], "EPSG:0000", "EPSG:999999", "nan", {"__class__": "x"}, ["a"] * 100, "\u202e", "水",
]  # fmt: skip
