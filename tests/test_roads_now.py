"""The roads as they are now: what is kept between questions, what is told of closures that cannot be honoured."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

import road_city
import small_city
from api.use.access.closing import add_closure, closure_of
from api.use.access.roads_now import AccessFiles, access_files, roads_now
from geo_risk.errors import ParameterError
from layers._store import Batch, Store, open_store

NOW = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[tuple[Store, AccessFiles]]:
    path = tmp_path / "store.sqlite"
    with open_store(path) as store:
        for layer_id, frame in road_city.frames().items():
            store.apply(layer_id, frame, Batch(actor="test", reason="road city", source="small"))
        yield store, access_files(path)


def shut(store: Store, **said: object) -> None:
    add_closure(store, closure_of({"title": "closed", "cause": "control", **said}), NOW, "test")


def write_depth(folder: Path, depth_m: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "width": 40, "height": 4, "crs": "EPSG:4326", "nodata": -9999.0}
    with rasterio.open(folder / "depth.tif", "w", transform=Affine(0.001, 0, 0.0, 0, -0.001, 0.002), **profile) as file:
        values = np.zeros((4, 40), dtype=np.float32)
        values[:, 20:22] = depth_m
        file.write(values, 1)


def test_two_questions_about_the_same_roads_share_them(city: tuple[Store, AccessFiles]) -> None:
    store, files = city
    snapshot = store.snapshot()
    first = roads_now(snapshot, files, vehicle="car", at=NOW)
    assert roads_now(snapshot, files, vehicle="car", at=NOW + dt.timedelta(hours=1)) is first
    assert roads_now(snapshot, files, vehicle="truck", at=NOW) is not first


def test_another_list_of_closures_builds_no_graph_anew(city: tuple[Store, AccessFiles]) -> None:
    store, files = city
    before = roads_now(store.snapshot(), files, vehicle="car", at=NOW)
    shut(store, roads=["bridge"])
    after = roads_now(store.snapshot(), files, vehicle="car", at=NOW)
    assert (after.graph is before.graph, after.index is before.index, after.free is before.free) == (True, True, True)
    assert [int(roads.now.shut.sum()) for roads in (before, after)] == [0, 1]
    shut(store, roads=["north"])
    both = roads_now(store.snapshot(), files, vehicle="car", at=NOW)
    assert len({id(effect) for effect in both.shut.effects} & {id(effect) for effect in after.shut.effects}) == 1


@pytest.mark.parametrize(
    ("since", "until", "links"),
    [("2026-07-01T12:00Z", None, 1), ("2026-07-01T12:00:01Z", None, 0), ("2026-07-01T11:00Z", "2026-07-01T12:00Z", 0)],
)
def test_a_closure_holds_from_its_time_up_to_its_end(
    city: tuple[Store, AccessFiles], since: str, until: str | None, links: int
) -> None:
    store, files = city
    shut(store, roads=["bridge"], since=since, until=until)
    assert roads_now(store.snapshot(), files, vehicle="car", at=NOW).now.shut.sum() == links


@pytest.mark.parametrize(("depth_m", "bridges", "car", "truck"), [(0.5, "lost", 1, 0), (0.9, "lost", 1, 1), (0.9, "kept", 0, 0)])
def test_water_shuts_by_vehicle_and_spares_bridges_that_are_kept(
    city: tuple[Store, AccessFiles], depth_m: float, bridges: str, car: int, truck: int
) -> None:
    store, files = city
    write_depth(files.rasters, depth_m)  # over the bridge alone; the north loop and the island have no known depth
    shut(store, depth_raster="depth.tif", bridges=bridges)
    snapshot = store.snapshot()
    found = [roads_now(snapshot, files, vehicle=each, at=NOW) for each in ("car", "truck")]
    shut_by_name = [{roads.graph.name(link) for link in np.flatnonzero(roads.now.shut)} for roads in found]
    assert [int("Old Bridge" in names) for names in shut_by_name] == [car, truck]


def test_a_closure_that_cannot_be_read_is_told_and_the_others_hold(city: tuple[Store, AccessFiles]) -> None:
    store, files = city
    write_depth(files.rasters, 1.0)
    shut(store, depth_raster="depth.tif")
    shut(store, roads=["north"])
    (files.rasters / "depth.tif").unlink()
    roads = roads_now(store.snapshot(), files, vehicle="car", at=NOW)
    assert [each.title for each in roads.unreadable] == ["closed"]
    assert "raster that is not there" in roads.unreadable[0].problem
    assert roads.now.shut.sum() == 1


def test_a_raster_written_anew_is_read_anew(city: tuple[Store, AccessFiles]) -> None:
    store, files = city
    write_depth(files.rasters, 0.0)
    shut(store, depth_raster="depth.tif", bridges="lost")
    dry = roads_now(store.snapshot(), files, vehicle="car", at=NOW)
    write_depth(files.rasters, 2.0)
    wet = roads_now(store.snapshot(), files, vehicle="car", at=NOW)
    assert (dry.now.shut.sum(), wet.now.shut.sum() > 0) == (0, True)


def test_what_if_refuses_roads_that_nobody_knows(city: tuple[Store, AccessFiles]) -> None:
    store, files = city
    with pytest.raises(ParameterError, match="no road has this id"):
        roads_now(store.snapshot(), files, vehicle="car", at=NOW, without=("bridge#7",))
    assert roads_now(store.snapshot(), files, vehicle="car", at=NOW, without=("bridge#0",)).now.shut.sum() == 1


def test_no_roads_is_an_answer(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.sqlite") as store:
        store.apply("towns", small_city.frames()["towns"], Batch(actor="test", reason="no roads", source="small"))
        assert roads_now(store.snapshot(), access_files(tmp_path / "store.sqlite"), vehicle="car", at=NOW) is None
