from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pyproj
import pytest
import rasterio
import xarray

from geo_risk.crs import geodesic_m
from geo_risk.errors import CrsError, FileError, ParameterError
from geo_risk.hazard.cubes import cube_of_files, open_cube
from geo_risk.hazard.grid import Grid

NAN = np.nan
STAGE_IV = "rasters/test_stageiv_xyt.nc"
RAIN = np.array([[[0.0, 1.0], [2.0, -1.0]], [[4.0, 5.0], [6.0, 7.0]]])
HOURS = {"units": "hours since 2024-07-01 00:00:00"}
GRID = Grid(crs=pyproj.CRS(4326), x=100.0, y=10.0, dx=1.0, dy=-1.0, columns=2, rows=2)


def cube_file(path, values=RAIN, times=(1, 2), time=HOURS, dims=("time", "lat", "lon"), engine="h5netcdf", **attrs):
    axes = {
        "time": ("time", list(times), time), "lat": ("lat", [9.5, 8.5], {"units": "degrees_north"}),
        "lon": ("lon", [100.5, 101.5], {"units": "degrees_east"}),
    }
    told = {"units": "kg m-2", "_FillValue": -1.0, **attrs}
    xarray.Dataset({"rain": (dims, values, told)}, axes).to_netcdf(path, engine=engine)
    return path


def curved_file(path, lon, lat):
    places = {"lon": (("y", "x"), lon, {"units": "degrees_east"}), "lat": (("y", "x"), lat, {"units": "degrees_north"})}
    rain = (("time", "y", "x"), np.arange(float(np.size(lon))).reshape(1, *np.shape(lon)))
    xarray.Dataset({"rain": rain, **places}, {"time": ("time", [1], HOURS)}).to_netcdf(path, engine="h5netcdf")
    return path


def tiff(path, values, west=100.0, **profile):
    with rasterio.open(path, "w", driver="GTiff", height=2, width=2, count=1, dtype="float32", crs="EPSG:4326", nodata=-1,
                       transform=rasterio.Affine(1, 0, west, 0, -1, 10), **profile) as file:
        file.write(np.asarray(values), 1)
    return path


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_a_cube_says_when_where_and_in_what(tmp_path, engine):
    cube = open_cube(cube_file(tmp_path / "r.nc", engine=engine, cell_methods="time: sum"))
    assert cube.times.tolist() == [pd.Timestamp("2024-07-01T01:00Z"), pd.Timestamp("2024-07-01T02:00Z")]
    assert (cube.shape, cube.units, cube.mm_per_unit, cube.cell_methods, len(cube)) == ((2, 2), "kg m-2", 1.0, "time: sum", 2)
    np.testing.assert_array_equal(cube.at(0).values, [[0, 1], [2, NAN]])


def test_a_series_is_a_row_a_time_and_a_column_a_point(tmp_path):
    cube = open_cube(cube_file(tmp_path / "r.nc"))
    found = cube.series([101.5, 101.5, 0.0], [9.5, 8.5, 0.0])
    np.testing.assert_array_equal(found, [[1, NAN, NAN], [5, 7, NAN]])
    assert found.index.equals(cube.times)
    assert cube.series([], []).shape == (2, 0)


@pytest.mark.parametrize("slab", [1, 2, 3, 1000])
@pytest.mark.parametrize("dims", [("time", "lat", "lon"), ("lon", "time", "lat"), ("lat", "lon", "time")])
def test_series_equal_xarrays_nearest_whatever_is_read_at_a_time(tmp_path, monkeypatch, slab, dims):
    monkeypatch.setattr("geo_risk.hazard.cubes._SLAB", slab)
    file = cube_file(tmp_path / "r.nc", np.arange(8.0).reshape(2, 2, 2), dims=dims)
    with xarray.open_dataset(file, engine="h5netcdf") as theirs:
        at = {"lon": xarray.DataArray([100.9, 101.1, 100.1]), "lat": xarray.DataArray([9.9, 8.1, 8.9])}
        expected = theirs["rain"].sel(at, method="nearest").transpose("time", ...).to_numpy()
    np.testing.assert_array_equal(open_cube(file).series([100.9, 101.1, 100.1], [9.9, 8.1, 8.9]), expected)


@pytest.mark.parametrize(
    ("units", "first"),
    [("hours since 2024-07-01 08:00:00 +08:00", "2024-07-01T01:00Z"), ("days since 2024-01-01", "2024-01-02T00:00Z"),
     ("minutes since 2024-07-01", "2024-07-01T00:01Z")],
)
def test_times_are_in_utc(tmp_path, units, first):
    assert open_cube(cube_file(tmp_path / "r.nc", time={"units": units})).times[0] == pd.Timestamp(first)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"time": {**HOURS, "calendar": "noleap"}}, "the calendar has other days than ours.*got: noleap"),
        ({"time": {**HOURS, "calendar": "360_day"}}, "the calendar has other days.*got: 360_day"),
        ({"times": (2, 1)}, "the times do not rise"),
        ({"times": (1, 1)}, "the times do not rise"),
        ({"times": (1, NAN)}, "the times do not rise"),
        ({"time": {"units": "hours since yesterday"}}, "the times cannot be read"),
        ({"time": {"units": "hours since 2024-01-01"}, "times": (1, 1e300)}, "the times"),
        ({"time": {}}, "does not run over time alone.*0 axes of time"),
        ({"values": RAIN[None], "dims": ("level", "time", "lat", "lon")}, None),
        ({"values": np.stack([RAIN, RAIN]), "dims": ("level", "time", "lat", "lon")}, "1 axes of time and 1 of other"),
    ],
)
def test_times_that_are_refused(tmp_path, options, text):
    file = cube_file(tmp_path / "r.nc", **options)
    if text is None:
        assert open_cube(file).series([100.5], [8.5])[0].tolist() == [2, 6]
        return
    with pytest.raises(FileError, match=text):
        open_cube(file)


@pytest.mark.parametrize(
    ("units", "mm"), [("kg m^-2", 1), ("mm", 1), ("cm", 10), ("m", 1000), ("mm/h", NAN), ("kg m-2 s-1", NAN), ("", NAN)]
)
def test_units_that_are_a_depth_of_water(tmp_path, units, mm):
    np.testing.assert_equal(open_cube(cube_file(tmp_path / "r.nc", units=units)).mm_per_unit, float(mm))


@pytest.mark.parametrize("step", [-1, 2])
def test_a_step_that_is_not_there(tmp_path, step):
    with pytest.raises(ParameterError, match=r"no such step.*expected: 0 to 1"):
        open_cube(cube_file(tmp_path / "r.nc")).at(step)


# cells known by their centres


def test_a_point_belongs_to_the_nearest_centre_within_reach(tmp_path):
    cube = open_cube(curved_file(tmp_path / "r.nc", [[0.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 0.0]]), reach_m=60_000)
    assert cube.cells_at([0.1, 0.9, 0.5, 0.5, NAN, 1.0], [0.9, 0.1, 0.5, -0.5, 0.0, 1.6]).tolist() == [0, 3, -1, -1, -1, -1]


def test_the_reach_is_half_the_longest_diagonal_and_a_fiftieth_more(tmp_path):
    cube = open_cube(curved_file(tmp_path / "r.nc", [[0.0, 1.0], [0.0, 1.0]], [[1.0, 1.0], [0.0, 0.0]]))
    assert cube.cells.reach_m == pytest.approx(1.02 * 156_900 / 2, rel=1e-3)  # 111.3 km east and 110.6 km north
    assert cube.cells_at([0.5], [0.5]).tolist() != [-1]


def test_cells_without_a_stated_centre_hold_no_point(tmp_path):
    cube = open_cube(curved_file(tmp_path / "r.nc", [[0.0, NAN], [0.0, 1.0]], [[1.0, NAN], [0.0, 0.0]]), reach_m=50_000)
    assert cube.cells_at([1.0, 1.0], [1.0, 0.0]).tolist() == [-1, 3]


def test_a_curved_cube_on_a_grid_and_not_without_one(tmp_path):
    cube = open_cube(curved_file(tmp_path / "r.nc", [[100.5, 101.4], [100.6, 101.5]], [[9.5, 9.6], [8.4, 8.5]]))
    assert cube.at(0, on=GRID).read(0, 0, 2, 2).tolist() == [[0, 1], [2, 3]]
    assert np.isnan(cube.at(0, on=replace(GRID, x=0.0)).values).all()
    with pytest.raises(CrsError, match=r"no straight rows and columns.*give on="):
        cube.at(0)


def test_the_radar_cube_reads_as_a_search_over_all_its_centres(shared_data):
    cube = open_cube(shared_data / STAGE_IV)
    with xarray.open_dataset(shared_data / STAGE_IV, engine="scipy") as theirs:
        rain, lon, lat = (theirs[name].to_numpy().astype(float) for name in (cube_variable(theirs), "lon", "lat"))
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-79, -76.5, 40), rng.uniform(34, 36, 40)
    one_by_all = np.repeat(x, lon.size), np.repeat(y, lon.size), np.tile(lon.ravel(), len(x)), np.tile(lat.ravel(), len(x))
    nearest = geodesic_m(*one_by_all)[0].reshape(len(x), -1).argmin(axis=1)
    np.testing.assert_array_equal(cube.series(x, y), rain.reshape(23, -1)[:, nearest])
    assert (cube.times[0], len(cube), cube.mm_per_unit) == (pd.Timestamp("2018-09-13T19:00Z"), 23, 1.0)
    assert cube.cell_methods == "time: sum (interval: 1 hr)"


def cube_variable(dataset):
    return next(name for name in dataset.data_vars if dataset[name].ndim == 3)


def test_beyond_the_radar_nothing_is_known(shared_data):
    assert open_cube(shared_data / STAGE_IV).series([-100.0, 0.0], [35.0, 0.0]).isna().all(axis=None)


# rasters with a time each


def hour(number):
    return datetime(2024, 7, 1, number, tzinfo=UTC)


def test_rasters_of_any_order_are_put_in_the_order_of_their_times(tmp_path):
    nine_in_beijing = datetime(2024, 7, 1, 9, tzinfo=timezone(timedelta(hours=8)))
    cube = cube_of_files([(hour(2), tiff(tmp_path / "b.tif", RAIN[1])), (nine_in_beijing, tiff(tmp_path / "a.tif", RAIN[0]))])
    assert cube.times.tolist() == [pd.Timestamp(hour(1)), pd.Timestamp(hour(2))]
    np.testing.assert_array_equal(cube.series([101.5, 100.5, 0], [8.5, 8.5, 0]), [[NAN, 2, NAN], [7, 6, NAN]])
    np.testing.assert_array_equal(cube.at(0).values, [[0, 1], [2, NAN]])


@pytest.mark.parametrize(
    ("times", "text"),
    [([], "got: none"), ([hour(1), hour(1)], "got: two of one time"), ([hour(1).replace(tzinfo=None)], "does not say its zone")],
)
def test_times_of_rasters_that_are_refused(times, text):
    with pytest.raises(ParameterError, match=text):
        cube_of_files([(time, "a.tif") for time in times])


def test_a_raster_of_other_cells_is_named(tmp_path):
    files = [(hour(1), tiff(tmp_path / "a.tif", RAIN[0])), (hour(2), tiff(tmp_path / "b.tif", RAIN[1], west=100.5))]
    with pytest.raises(CrsError, match=r"does not have the cells of the first.*got: b\.tif"):
        cube_of_files(files)


def test_a_step_too_large_for_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("geo_risk.hazard.cubes._IN_MEMORY", 3)
    for cube in (open_cube(cube_file(tmp_path / "r.nc")), cube_of_files([(hour(1), tiff(tmp_path / "a.tif", RAIN[0]))])):
        with pytest.raises(ParameterError, match=r"too large to hold in memory.*at most 3 cells; got: 4"):
            cube.at(0)
