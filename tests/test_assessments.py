"""Yaizu from its published files to its ranking: every command of docs/import.md through the real command line, then the
figures against sums made another way (a metric CRS, plain loops, the CSV itself)."""

import csv
import math
import shlex
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from api.use.assessments import Assessed, assess_cells, assess_layer, factors
from geo_risk.errors import ParameterError
from import_doc import commands
from layers._store import Snapshot, open_store
from run_cli import run

METRES = "EPSG:6676"


@pytest.fixture(scope="module")
def store(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("yaizu") / "store.sqlite"
    for line in commands("Yaizu"):
        run(*shlex.split(line.replace("$DATA", str(shared_data / "yaizu" / "raw")))[1:], store=path)
    return path


@pytest.fixture(scope="module")
def snapshot(store: Path) -> Snapshot:
    with open_store(store) as opened:
        return opened.snapshot()


@pytest.fixture(scope="module")
def yaizu(snapshot: Snapshot) -> Assessed:
    return assess_layer(snapshot)


@pytest.fixture(scope="module")
def raw(yaizu: Assessed) -> Callable[[str], dict[str, float | None]]:
    return lambda factor: {
        place.place: reading.raw for place in yaizu.assessment.places for reading in place.readings if reading.factor == factor
    }


def metric(snapshot: Snapshot, layer_id: str) -> gpd.GeoDataFrame:
    return snapshot.frames[layer_id].to_crs(METRES)


def test_every_file_is_in_the_store_and_the_log_agrees(store: Path, snapshot: Snapshot) -> None:
    counts = {layer_id: len(frame) for layer_id, frame in snapshot.frames.items() if len(frame)}
    assert counts == {
        "flood_zones": 6 + 672,
        "helipads": 12,
        "shelters": 56 + 31 + 125,
        "care_facilities": 277,
        "towns": 35,
        "roads": 31,
    }
    assert f"{sum(counts.values()):,} revisions" in run("verify", store=store)


def test_35_neighbourhoods_are_ranked_from_the_worst(yaizu: Assessed) -> None:
    scores = [place.score for place in yaizu.assessment.places]
    known = [score for score in scores if score is not None]
    assert (len(scores), known) == (35, sorted(known, reverse=True))
    assert None not in scores[: len(known)]


def test_what_the_city_does_not_publish_is_said_to_be_absent(yaizu: Assessed) -> None:
    absent = {each.factor: each.reason for each in yaizu.assessment.absent}
    assert absent == {
        "population": "no values",
        "flood_forecast": "no features",
        "flood_points_people": "no features",
        "geological_hazards_people": "no features",
        "landslide_zones_share": "no features",
        "team_distance": "no features",
    }


def test_the_share_flooded_before_equals_a_union_in_metres(snapshot: Snapshot, raw: Callable) -> None:
    zones = metric(snapshot, "flood_zones")
    past = shapely.union_all(shapely.make_valid(zones[zones["kind"] == "past"].geometry.to_numpy()))
    expected = {fid: area.intersection(past).area / area.area for fid, area in metric(snapshot, "towns").geometry.items()}
    assert raw("flooded_before") == pytest.approx(expected, abs=2e-5)


def test_the_mean_design_depth_equals_a_sum_over_classes_from_the_deepest(snapshot: Snapshot, raw: Callable) -> None:
    zones = metric(snapshot, "flood_zones")
    design = zones[zones["kind"] == "design"].sort_values("depth_min_m", ascending=False)
    expected = {}
    for fid, area in metric(snapshot, "towns").geometry.items():
        left, volume_m3 = area, 0.0
        for depth_m, zone in zip(design["depth_min_m"], design.geometry, strict=True):
            volume_m3 += depth_m * left.intersection(zone).area
            left = left.difference(zone)
        expected[fid] = volume_m3 / area.area
    assert raw("design_depth") == pytest.approx(expected, abs=2e-5)


def test_shelter_places_equal_the_citys_own_table(shared_data: Path, snapshot: Snapshot, raw: Callable) -> None:
    expected: dict[str, float] = dict.fromkeys(snapshot.frames["towns"].index, 0.0)
    file = shared_data / "yaizu" / "raw" / "避難所一覧" / "222127_hinannjo.csv"
    with file.open(encoding="utf-8-sig") as lines:
        for row in csv.DictReader(lines):
            point = shapely.Point(float(row["経度"]), float(row["緯度"]))
            area_m2 = float(row["避難所面積平方メートル"] or "nan")
            for fid, area in snapshot.frames["towns"].geometry.items():
                if area.intersects(point):
                    expected[fid] += math.nan if math.isnan(area_m2) else area_m2 // 2
    found = raw("shelter_places")
    assert {fid for fid, places in expected.items() if math.isnan(places)} == {
        fid for fid, places in found.items() if places is None
    }
    assert {fid: places for fid, places in found.items() if places is not None} == pytest.approx(
        {fid: places for fid, places in expected.items() if not math.isnan(places)}
    )


def test_the_one_shelter_without_a_floor_area_makes_its_neighbourhood_unknown(yaizu: Assessed) -> None:
    unknown = [place for place in yaizu.assessment.places if place.score is None]
    assert [place.level for place in unknown] == ["unknown"]
    assert [reading.factor for reading in unknown[0].readings if reading.raw is None] == ["shelter_places"]


def test_helipad_distances_equal_the_nearest_by_brute_force(snapshot: Snapshot, raw: Callable) -> None:
    pads = metric(snapshot, "helipads").geometry
    inside = gpd.GeoSeries(snapshot.frames["towns"].representative_point(), crs=4326).to_crs(METRES)
    expected = {fid: pads.distance(point).min() for fid, point in inside.items()}
    assert raw("helipad_distance") == pytest.approx(expected, rel=2e-4)  # a transverse Mercator's scale


def test_the_same_snapshot_gives_the_same_figures(snapshot: Snapshot, yaizu: Assessed) -> None:
    assert assess_layer(snapshot).assessment == yaizu.assessment


def test_provenance_names_the_inputs_and_their_revisions(snapshot: Snapshot, yaizu: Assessed) -> None:
    assert yaizu.provenance.revision == snapshot.revision
    assert set(yaizu.provenance.inputs) == {"flood_zones", "helipads", "shelters", "care_facilities", "towns"}


def test_cells_keep_the_whole_flooded_area(snapshot: Snapshot, raw: Callable) -> None:
    assessed, cells = assess_cells(snapshot, 500, ("flooded_before",))
    share = {place.place: place.readings[0].raw for place in assessed.assessment.places}
    by_cells = sum(share[fid] * area for fid, area in cells.to_crs(METRES).area.items())
    zones = metric(snapshot, "flood_zones")
    past = shapely.union_all(shapely.make_valid(zones[zones["kind"] == "past"].geometry.to_numpy()))
    covered = shapely.union_all(cells.to_crs(METRES).geometry.to_numpy())
    assert by_cells == pytest.approx(past.intersection(covered).area, rel=1e-3)


def test_a_cell_has_no_population_of_its_own_and_says_so(snapshot: Snapshot) -> None:
    assessed, _ = assess_cells(snapshot, 2000)
    assert ("population", "not a value of these places") in [(each.factor, each.reason) for each in assessed.assessment.absent]


@pytest.mark.parametrize("size_m", [0, 99, math.nan, 200_000])
def test_a_cell_size_out_of_range_is_refused(snapshot: Snapshot, size_m: float) -> None:
    with pytest.raises(ParameterError, match="the cell size is out of range"):
        assess_cells(snapshot, size_m)


def test_every_factor_can_be_asked_for_alone(snapshot: Snapshot) -> None:
    for _, factor in factors():
        assessed = assess_layer(snapshot, only=(factor.id,))
        assert {each.id for each in assessed.assessment.factors} == {factor.id}
