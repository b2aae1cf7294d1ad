"""The question rain: gauges and cubes over two towns; figures that can be done by hand, and a run that stays the same."""

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import xarray as xr

from api.use.rain_cube import watch_cube
from api.use.rain_watch import Watched, answer, ruled_by_tables
from api.use.run_comparison import compare, explain
from api.use.runs import Run, inputs_of, make_run
from api.use.scenarios import Table, scenario_of
from geo_risk.errors import FileError, ParameterError
from geo_risk.risk.warnings import in_force
from layers._store import Batch, open_store
from run_cli import run
from small_city import frame, frames

HEADER = "station,variable,time,value,minutes,received_at\n"
GAUGES = {
    "west": (shapely.Point(0.005, 0.005), {"name": "West gauge", "code": "W"}),
    "far": (shapely.Point(1.0, 1.0), {"name": "Far gauge", "code": "F"}),
}
ASKED: dict[str, Any] = {
    "question": "rain", "at": "2026-06-20T13:00+00:00", "observations": {"file": "o.csv"},
    "areas": {"id": "towns", "layer": "towns"},
}  # fmt: skip
HOURS = pd.date_range("2026-06-20T01:00", periods=13, freq="h")


def reading(station: str, hour: int, mm: float, received: str = "") -> str:
    time = pd.Timestamp("2026-06-20T00:00Z") + pd.Timedelta(hours=hour)
    return f"{station},rain,{time.isoformat()},{mm},60,{received}\n"


def written(folder: Path, twelve_mm: float = 60.0, order: int = 1) -> Path:
    """The West: 24 dry hours, one of them missing, then 60 mm to 12:00 and 50 mm to 13:00, heard at 16:00."""
    rows = [reading("W", hour, 0.0) for hour in range(-12, 12) if hour != -10]
    rows += [reading("W", 12, twelve_mm), reading("W", 13, 50.0, "2026-06-20T16:00Z"), reading("X", 13, 1.0)]
    (folder / "o.csv").write_text(HEADER + "".join(rows[::order]), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rain") / "store.sqlite"
    with open_store(path) as opened:
        for layer_id, each in {"towns": frames()["towns"], "rain_gauges": frame("rain_gauges", GAUGES)}.items():
            opened.apply(layer_id, each, Batch(actor="test", reason="small city", source="small"))
    return path


def made(folder: Path, store: Path, given: dict[str, Any] | None = None, **named: Any) -> Run:
    scenario = scenario_of({**(given or ASKED), **named})

    def snapshot() -> Any:
        with open_store(store) as opened:
            return opened.snapshot()

    return make_run(scenario, inputs_of(scenario, folder, snapshot, confined=True), lambda step, share: None).run


def rows(run: Run, name: str) -> list[dict[str, Any]]:
    table: Table = next(each for each in run.tables if each.name == name)
    return table.records()


def test_first_times_levels_over_time_and_what_is_missing(store: Path, tmp_path: Path) -> None:
    told = made(written(tmp_path), store)
    columns = ("area", "reached", "first_time", "hours_after_start")
    firsts = [tuple(row[name] for name in columns) for row in rows(told, "first_times")]
    assert firsts == [
        ("w", "I", "2026-06-20T13:00:00+00:00", 25.0),
        *(("w", level, "2026-06-20T12:00:00+00:00", 24.0) for level in ("II", "III", "IV")),
    ]  # fmt: skip
    assert [row["level"] for row in rows(told, "over_time") if row["area"] == "w"][-2:] == ["II", "I"]
    stations = {(row["area"], row["station"]): row for row in rows(told, "stations")}
    assert {key: row["readings"] for key, row in stations.items()} == {("w", "W"): 25, ("(outside)", "F"): 0, ("(outside)", "X"): 1}
    assert (stations["w", "W"]["missing_share"], stations["(outside)", "F"]["missing_share"]) == (pytest.approx(0.0), 1.0)
    assert stations["(outside)", "X"]["missing_share"] == pytest.approx(24 / 25)
    assert "1 of 2 areas are unknown" in told.unknown
    assert "first times of 1 stations were moved by readings that came late" in told.unknown


def test_one_digest_whatever_the_order_of_rows(store: Path, tmp_path: Path) -> None:
    forward, backward = made(written(tmp_path), store), made(written(tmp_path, order=-1), store)
    assert [table.rows for table in forward.tables] == [table.rows for table in backward.tables]
    assert made(written(tmp_path), store).digest == forward.digest


def test_what_was_known_then_and_what_rose_since(store: Path, tmp_path: Path) -> None:
    folder = written(tmp_path)
    then, now = made(folder, store, as_known_at="2026-06-20T15:00Z"), made(folder, store)
    changes = {(each.table, each.column): (each.what, each.by) for each in compare(then, now).changes if each.key[0] == "w"}
    assert changes["areas", "severity"] == ("rose", 1)
    assert changes["areas", "value"] == ("rose", 50.0)


def test_explain_says_the_threshold_and_its_source(store: Path, tmp_path: Path) -> None:
    (row,) = explain(made(written(tmp_path), store), "w")["figures"]["areas"]
    assert (row["level"], row["value"], row["threshold"], row["window_h"], row["by_station"]) == ("I", 110.0, 100.0, 3.0, "W")
    assert row["source"].startswith("national signals")


def test_the_scenario_may_say_its_own_thresholds_and_hours(store: Path, tmp_path: Path) -> None:
    own = [{"id": "local", "level": "III", "at_least": 120.0, "window_h": 3.0}]
    told = made(written(tmp_path), store, threshold=own, falling={"missing_limit": 0.5})
    assert rows(told, "areas")[1]["level"] == "none"
    assert [rule.chosen for rule in told.rules if rule.id in ("thresholds", "missing_limit")] == ["0.5", "the scenario's"]


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"observations": None}, "either observations or a cube"),
        ({"cube": {"file": "r.nc"}}, "either observations or a cube"),
        ({"observations": None, "cube": {"file": "r.nc"}, "variable": "water_level"}, "a cube holds rain alone"),
        ({"threshold": [{"id": "a", "level": "I", "at_least": 1.0}]}, "thresholds of rain have hours"),
        ({"at": "noon"}, "not a moment with its time zone; where: at"),
        ({"when": "now"}, "expected: a key that the question knows"),
    ],
)
def test_scenarios_that_make_no_sense_are_refused(store: Path, tmp_path: Path, named: dict[str, Any], says: str) -> None:
    with pytest.raises(ParameterError, match=says):
        made(written(tmp_path), store, **named)


def test_a_file_without_a_reading_that_can_be_taken_is_refused(store: Path, tmp_path: Path) -> None:
    (tmp_path / "o.csv").write_text(HEADER + "W,rain,2026-06-20T05:00Z,oops,60,\n", encoding="utf-8")
    with pytest.raises(FileError, match=r"no reading can be taken; .*got: 1 rows, none of them"):
        made(tmp_path, store)


def cube(path: Path, mm: Any, hours: pd.DatetimeIndex = HOURS, **attrs: str) -> Path:
    """Cells of 0.01 degrees, three in a row from longitude 0: one over the West, one over the East, one beyond."""
    values = np.asarray(mm, dtype=float).reshape(len(hours), 1, -1)
    lon = 0.005 + 0.01 * np.arange(values.shape[2])
    data = xr.DataArray(
        np.concatenate([values, values], axis=1), dims=("time", "lat", "lon"),
        coords={"time": hours, "lat": [0.005, 0.015], "lon": lon}, attrs={"units": "mm", **attrs},
    )  # fmt: skip
    data["lon"].attrs, data["lat"].attrs = {"units": "degrees_east"}, {"units": "degrees_north"}
    data.to_dataset(name="rain").to_netcdf(path, engine="h5netcdf")
    return path


def towns(*boxes: tuple[float, float]) -> gpd.GeoDataFrame:
    """Towns from one longitude to another, a hundredth of a degree high."""
    shapes = [shapely.box(west, 0, east, 0.01) for west, east in boxes]
    return gpd.GeoDataFrame({"name": list("abc")[: len(boxes)]}, geometry=shapes, index=list("abc")[: len(boxes)], crs=4326)


def levels(watched: Watched) -> list[str]:
    return list(in_force(watched.areas, watched.at, "area")["level"])


def test_the_mean_and_the_wettest_cell_of_a_town(tmp_path: Path) -> None:
    file = cube(tmp_path / "r.nc", [[0.0, 0.0, 0.0]] * 12 + [[120.0, 0.0, 0.0]])
    both = towns((0.0, 0.02), (0.01, 0.02))
    rain = ruled_by_tables("rain")
    assert levels(watch_cube(file, both, rain)) == ["II", "none"]
    assert levels(watch_cube(file, both, rain, by="max_cell")) == ["I", "none"]
    reason = answer(watch_cube(file, both, rain), pd.Timestamp("2026-06-20T13:00Z").to_pydatetime())["areas"][0]["reason"]["en"]
    assert reason.startswith("a: 60.0 mm in 3 h to 06-20 13:00")


@pytest.mark.parametrize("by", ["area_mean", "max_cell"])
def test_rain_beyond_the_cube_is_unknown_never_none(tmp_path: Path, by: Any) -> None:
    file = cube(tmp_path / "r.nc", [[0.0, 0.0, 0.0]] * 13)
    watched = watch_cube(file, towns((0.0, 0.01), (0.02, 0.05), (0.5, 0.6)), ruled_by_tables("rain"), by=by)
    assert levels(watched) == ["none", "unknown", "unknown"]
    assert watched.cube is not None
    assert watched.cube.partly_outside == ("b", "c")


def test_an_hour_nobody_saw_makes_a_town_unknown_and_a_wet_one_at_least(tmp_path: Path) -> None:
    wet = [[0.0, 0.0, 0.0]] * 11 + [[np.nan, np.nan, 0.0], [60.0, 0.0, 0.0]]
    watched = watch_cube(cube(tmp_path / "r.nc", wet), towns((0.0, 0.01), (0.01, 0.02)), ruled_by_tables("rain"))
    now = in_force(watched.areas, watched.at, "area")
    assert list(zip(now["level"], now["at_least"], strict=True)) == [("II", True), ("unknown", False)]


def test_steps_after_the_moment_have_no_say_and_times_are_told_in_a_zone(tmp_path: Path) -> None:
    file = cube(tmp_path / "r.nc", [[0.0, 0.0, 0.0]] * 12 + [[120.0, 0.0, 0.0]])
    zone = pd.Timestamp("2026-06-20T20:30+08:00").tz
    watched = watch_cube(file, towns((0.0, 0.01)), ruled_by_tables("rain"), at=pd.Timestamp("2026-06-20T12:30Z"), zone=zone)
    assert levels(watched) == ["none"]
    assert str(watched.at) == "2026-06-20 20:30:00+08:00"
    assert watched.cube is not None
    assert watched.cube.steps == 12


@pytest.mark.parametrize(
    ("attrs", "named", "says"),
    [
        ({"units": "mm h-1"}, {}, "the cube's unit is no depth of water; .*got: text of 6 characters"),
        ({}, {"by": "loudest"}, "no such rule of areas; .*expected: area_mean or max_cell"),
        ({}, {"at": pd.Timestamp("2026-06-19T00:00Z")}, "the cube has no step until then"),
        ({}, {"ruled": ruled_by_tables("water_level")}, "a cube holds rain alone"),
    ],
)
def test_cubes_that_cannot_be_held_to_rules_are_refused(
    tmp_path: Path, attrs: dict[str, str], named: dict[str, Any], says: str
) -> None:
    file = cube(tmp_path / "r.nc", [[0.0, 0.0, 0.0]] * 13, **attrs)
    with pytest.raises(ParameterError, match=says):
        watch_cube(file, towns((0.0, 0.01)), **{"ruled": ruled_by_tables("rain"), **named})


def test_one_step_needs_its_hours_and_a_stated_interval_is_taken(tmp_path: Path) -> None:
    rain = ruled_by_tables("rain")
    with pytest.raises(ParameterError, match="nothing says how long a step of the cube is"):
        watch_cube(cube(tmp_path / "a.nc", [[50.0, 0, 0]], HOURS[:1]), towns((0.0, 0.01)), rain)
    stated = watch_cube(
        cube(tmp_path / "b.nc", [[50.0, 0, 0]], HOURS[:1], cell_methods="time: sum (interval: 3 hr)"), towns((0.0, 0.01)), rain
    )
    assert (stated.cube and stated.cube.step_h, levels(stated)) == (3.0, ["II"])


def test_the_radar_cube_over_squares_equals_its_nearest_cells(shared_data: Path) -> None:
    """Stage IV, curvilinear: within a small square around a centre the area's mean is that cell's own rain."""
    file = shared_data / "rasters" / "test_stageiv_xyt.nc"
    with xr.open_dataset(file) as data:
        name = next(each for each in data.data_vars if data[each].ndim == 3)
        sums = data[name].rolling(time=12).sum()
        step, row, column = np.unravel_index(int(np.nanargmax(sums.to_numpy())), sums.shape)
        lon, lat = float(data["lon"][row, column]), float(data["lat"][row, column])
        wettest, at = float(sums[step, row, column]), pd.Timestamp(data["time"].to_numpy()[step], tz="UTC")
    spot = shapely.box(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001)
    area = gpd.GeoDataFrame({"name": ["spot"]}, geometry=[spot], index=["s"], crs=4326)
    watched = watch_cube(file, area, ruled_by_tables("rain"), at=at)
    now = in_force(watched.areas, watched.at, "area").iloc[0]
    assert (now["level"] != "none") == (wettest >= 50)
    assert watched.cube is not None
    assert watched.cube.cells.startswith("the nearest centre on squares")
    twelve = watched.areas[(watched.areas["window_h"] == 12) & (watched.areas["time"] == at)]
    assert twelve.empty or float(twelve["value"].iloc[0]) == pytest.approx(wettest, abs=0.01)


def test_a_cube_on_the_command_line_and_in_a_scenario(store: Path, tmp_path: Path) -> None:
    file = cube(tmp_path / "r.nc", [[0.0, 0.0, 0.0]] * 12 + [[120.0, 0.0, 0.0]])
    said = run("rain", "--cube", str(file), "--json", store=store).split("\n")[0]
    told = made(tmp_path, store, {"question": "rain", "cube": {"file": "r.nc"}, "areas": ASKED["areas"]})
    from_line = {row["id"]: row["level"] for row in json.loads(said)["areas"]}
    assert from_line == {row["area"]: row["level"] for row in rows(told, "areas")}
    assert from_line["w"] == "I"
    assert "rain cube r.nc: 13 steps of 1 h" in run("rain", "--cube", str(file), "--lang", "en", store=store)
    assert "a cube has no gauges" in run("rain", "--cube", str(file), "--as-known-at", "2026-06-20T12:00Z", store=store, status=1)
