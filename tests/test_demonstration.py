"""The demo city in a store, as `make demo` leaves it."""

from pathlib import Path

import pytest
import rasterio

from api.use.assessments import answer, assess_layer
from api.use.catalogue import is_synthetic
from api.use.demonstration import fill
from api.use.rain_watch import answer as answer_of_rain
from api.use.rain_watch import observations_of, watch
from geo_risk.errors import ParameterError
from geo_risk.risk.warnings import first_times
from layers._store import Batch, Snapshot, Store, open_store
from small_city import frames


@pytest.fixture(scope="module")
def told() -> list[tuple[str, float]]:
    return []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def store(folder: Path, told: list[tuple[str, float]]) -> Store:
    with open_store(folder / "store.sqlite") as opened:
        fill(opened, folder / "rasters", lambda step, share: told.append((step, share)))
        yield opened


@pytest.fixture(scope="module")
def snapshot(store: Store) -> Snapshot:
    return store.snapshot()


def test_it_holds_the_counts_of_a_citys_year(snapshot: Snapshot) -> None:
    counts = {layer_id: len(frame) for layer_id, frame in snapshot.frames.items()}
    assert {name: counts[name] for name in ("flood_points", "helipads", "fire_checkpoints", "towns", "counties")} == {
        "flood_points": 989,
        "helipads": 10,
        "fire_checkpoints": 21,
        "towns": 88,
        "counties": 6,
    }
    assert (snapshot.frames["flood_points"]["hidden_danger"] == "rectified").sum() == 755
    assert min(counts.values()) > 0


def test_it_says_that_it_is_invented(snapshot: Snapshot) -> None:
    assert is_synthetic(snapshot)
    assert all((frame["source"] == "demo").all() for frame in snapshot.frames.values())


def test_every_level_is_on_its_map_and_unknown_too(snapshot: Snapshot) -> None:
    found = answer(assess_layer(snapshot))
    assert min(found["counts"].values()) >= 1
    assert max(found["counts"].values()) < 88 / 2
    assert found["absent"] == []


def test_progress_rises_step_by_step_to_its_end(store: Store, told: list[tuple[str, float]]) -> None:
    last: dict[str, float] = {}
    for step, share in told:
        assert share >= last.get(step, 0.0)
        last[step] = share
    assert last
    assert set(last.values()) == {1.0}


def test_the_storm_lies_beside_it_as_rasters(store: Store, folder: Path) -> None:
    hours = sorted((folder / "rasters").glob("flood_depth_m_h*.tif"))
    with rasterio.open(hours[0]) as first:
        assert first.crs.to_epsg() == 4549
    assert len(hours) == 13


def test_the_storm_turns_towns_through_all_levels_and_one_gauge_falls_silent(snapshot: Snapshot, folder: Path) -> None:
    found = watch(snapshot, observations_of(folder / "rasters" / "observations.csv"))
    firsts = first_times(found.areas, "area").groupby("level").size()
    assert firsts["IV"] > firsts["III"] > firsts["II"] > firsts["I"] > 10
    assert answer_of_rain(found, found.at.to_pydatetime())["counts"]["unknown"] >= 1
    assert dict(found.observations.counts) == {"differs": 2, "no_value": 1, "twice": 1, "late": 1}


def test_a_filled_store_is_left_as_it_is(store: Store, snapshot: Snapshot, tmp_path: Path) -> None:
    fill(store, tmp_path, lambda step, share: None)
    assert store.snapshot().revision == snapshot.revision
    assert store.verify().revisions == snapshot.revision


def test_a_city_cut_off_in_the_middle_is_completed(snapshot: Snapshot, tmp_path: Path) -> None:
    batch = Batch(actor="demo", reason="synthetic demo city", source="demo")
    with open_store(tmp_path / "half.sqlite") as half:
        half.apply("towns", snapshot.frames["towns"], batch)
        fill(half, tmp_path, lambda step, share: None)
        assert {name: len(frame) for name, frame in half.snapshot().frames.items()} == {
            name: len(frame) for name, frame in snapshot.frames.items()
        }


def test_invented_features_do_not_get_among_real_ones(tmp_path: Path) -> None:
    with open_store(tmp_path / "real.sqlite") as real:
        real.apply("shelters", frames()["shelters"], Batch(actor="clerk", reason="import", source="shelters"))
        with pytest.raises(ParameterError, match="this store holds real data; where: --store"):
            fill(real, tmp_path, lambda step, share: None)
