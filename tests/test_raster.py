import os
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import geopandas as gpd
import h5py
import numpy as np
import pyproj
import pytest
import rasterio
import shapely
import xarray
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.errors import NotGeoreferencedWarning

from geo_risk.crs import GEOD
from geo_risk.errors import CrsError, FileError, ParameterError
from geo_risk.hazard.grid import ArrayRaster, Grid
from geo_risk.hazard.raster import (
    RasterLimits,
    cell_areas_m2,
    cells_of,
    open_raster,
    same_grid,
    sample_points,
    take,
    to_grid,
    together,
    windows,
)

LONLAT = pyproj.CRS(4326)
GRID = Grid(crs=LONLAT, x=100.0, y=10.0, dx=1.0, dy=-1.0, columns=3, rows=2)
DEPTH = np.array([[0.0, 1.0, -9999.0], [3.0, 4.0, 5.0]])
NAN = np.nan
LOWEST = -3.4028234663852886e38  # of float32, a common mark of unknown
SQUARE = {"lat": [9.5, 8.5], "lon": [0.5, 1.5]}


def tiff(path, values=DEPTH, transform=None, mask=None, scales=None, **profile):
    values = np.asarray(values)
    profile = {"dtype": values.dtype, "crs": "EPSG:4326", "nodata": -9999.0, **profile}
    place = rasterio.Affine(1, 0, 100, 0, -1, 10) if transform is None else transform
    bands = values.reshape(-1, *values.shape[-2:])
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(
        path, "w", driver="GTiff", transform=place, count=len(bands), height=values.shape[-2], width=values.shape[-1], **profile
    ) as file:
        file.write(bands)
        if mask is not None:
            file.write_mask(mask)
        if scales is not None:
            file.scales, file.offsets = ([scale] * len(bands) for scale in scales)
    return path


def netcdf(path, values=DEPTH, *, engine="h5netcdf", dims=("lat", "lon"), coords=None, attrs=None, **axes):
    coords = {"lat": [9.5, 8.5], "lon": [100.5, 101.5, 102.5]} if coords is None else coords
    units = {"lat": {"units": "degrees_north"}, "lon": {"units": "degrees_east"}, **axes}
    plain = {name: (name, at, units.get(name, {})) for name, at in coords.items()}
    attrs = {"_FillValue": -9999.0, "units": "m"} if attrs is None else attrs
    xarray.Dataset({"depth": (dims, np.asarray(values), attrs)}, plain).to_netcdf(path, engine=engine)
    return path


def whole(path, **options):
    with open_raster(path, **options) as raster:
        return raster.read(0, 0, raster.grid.rows, raster.grid.columns)


# what a file holds


def test_a_geotiff_says_where_its_cells_lie_and_what_is_unknown(tmp_path):
    with open_raster(tiff(tmp_path / "d.tif")) as raster:
        assert same_grid(raster.grid, GRID)
        np.testing.assert_array_equal(raster.read(0, 1, 2, 2), [[1, NAN], [4, 5]])


@pytest.mark.parametrize("engine", ["h5netcdf", "scipy"])
def test_a_netcdf_reads_as_the_same_raster(tmp_path, engine):
    with open_raster(netcdf(tmp_path / "d.nc", engine=engine)) as raster:
        assert same_grid(raster.grid, GRID)
        assert raster.units == "m"
        np.testing.assert_array_equal(raster.read(0, 1, 2, 2), [[1, NAN], [4, 5]])


@pytest.mark.parametrize(
    ("stored", "options", "values"),
    [
        ({"values": np.array([[0, 255]], dtype=np.uint8), "nodata": 255}, {}, [[0, NAN]]),
        ({"values": np.array([[0, 255]], dtype=np.uint8), "nodata": None}, {}, [[0, 255]]),
        ({"values": np.array([[0, 255]], dtype=np.uint8), "nodata": None}, {"nodata": 255}, [[0, NAN]]),
        ({"values": np.array([[0, 255]], dtype=np.uint8), "nodata": None}, {"nodata": -9999}, [[0, 255]]),
        ({"values": np.array([[5, -1]], dtype=np.int8), "nodata": -1}, {}, [[5, NAN]]),
        ({"values": np.array([[0.5, np.inf]], dtype=np.float32)}, {}, [[0.5, NAN]]),
        ({"values": np.array([[LOWEST, NAN]], dtype=np.float32), "nodata": LOWEST}, {}, [[NAN, NAN]]),
        ({"values": np.array([[10, -9999]], dtype=np.int16), "scales": (0.1, 2.0)}, {}, [[3.0, NAN]]),
        ({"values": np.array([[7, 8]], dtype=np.int16), "mask": np.array([[True, False]]), "nodata": None}, {}, [[7, NAN]]),
        ({"values": np.array([[[1, 2]], [[3, 4]]], dtype=np.int16)}, {"band": 2}, [[3, 4]]),
    ],
)
def test_unknown_is_what_the_file_or_the_caller_says(tmp_path, stored, options, values):
    file = tiff(tmp_path / "d.tif", **stored)
    np.testing.assert_allclose(whole(file, **options), values, rtol=1e-12)
    with open_raster(file, **options) as raster:
        np.testing.assert_allclose(take(raster, np.array([1, 0])), np.ravel(values)[::-1], rtol=1e-12)


@pytest.mark.parametrize(
    ("stored", "attrs", "values"),
    [
        ([[10, -1]], {"scale_factor": 0.5, "_FillValue": np.int16(-1)}, [[5.0, NAN]]),
        ([[10, -1]], {"missing_value": np.int16(10)}, [[NAN, -1]]),
        ([[10, -1]], {"valid_min": np.int16(0)}, [[10, NAN]]),
        ([[10, -1]], {"valid_range": np.array([-5, 5], dtype=np.int16)}, [[NAN, -1]]),
        ([[10, -1]], {"_Unsigned": "true"}, [[10, 65535]]),
    ],
)
def test_a_netcdf_is_unpacked_as_cf_says(tmp_path, stored, attrs, values):
    file = netcdf(tmp_path / "e.nc", np.array(stored * 2, dtype=np.int16), coords=SQUARE, attrs=attrs)
    np.testing.assert_array_equal(whole(file), values * 2)


def test_an_alpha_band_hides_cells(tmp_path):
    file = tiff(tmp_path / "d.tif", np.array([[[9, 9]], [[255, 0]]], dtype=np.uint8), nodata=None, alpha="YES")
    np.testing.assert_array_equal(whole(file), [[9, NAN]])


def test_a_south_up_geotiff_and_longitudes_of_0_to_360(tmp_path):
    file = tiff(tmp_path / "d.tif", [[1.0, 2.0], [3.0, 4.0]], transform=rasterio.Affine(180, 0, 0, 0, 90, -90))
    with open_raster(file) as raster:
        assert raster.grid.dy == 90
        assert sample_points(raster, [10, -10, -170, 190], [-45, -45, 45, 45]).tolist() == [1, 2, 4, 4]


def test_a_netcdf_with_columns_before_rows_and_south_first(tmp_path):
    south_first = {"lon": [0.5, 1.5], "lat": [8.5, 9.5]}
    file = netcdf(tmp_path / "d.nc", [[1.0, 2.0], [3.0, 4.0]], dims=("lon", "lat"), coords=south_first, attrs={})
    with open_raster(file) as raster:
        assert (raster.grid.x, raster.grid.y, raster.grid.dy) == (0.0, 8.0, 1.0)
        assert raster.read(0, 0, 2, 2).tolist() == [[1, 3], [2, 4]]


def test_a_band_of_a_netcdf_is_a_step_of_what_lies_before(tmp_path):
    file = netcdf(tmp_path / "d.nc", np.stack([DEPTH, DEPTH + 10]), dims=("time", "lat", "lon"), attrs={})
    assert whole(file, band=2)[1].tolist() == [13, 14, 15]
    with pytest.raises(FileError, match=r"no such band.*expected: 1 to 2"):
        whole(file, band=3)


def test_a_projected_netcdf_says_its_crs_in_a_grid_mapping(tmp_path):
    file = tmp_path / "d.nc"
    metres = {"units": "m", "standard_name": "projection_x_coordinate"}
    xarray.Dataset(
        {"depth": (("y", "x"), DEPTH, {"grid_mapping": "crs"}), "crs": ((), 0, pyproj.CRS(32648).to_cf())},
        {"y": ("y", [5.0, -5.0], {**metres, "standard_name": "projection_y_coordinate"}), "x": ("x", [0.0, 10.0, 20.0], metres)},
    ).to_netcdf(file, engine="h5netcdf")
    with open_raster(file) as raster:
        assert (raster.grid.crs.to_epsg(), raster.grid.dx, raster.grid.y) == (32648, 10.0, 10.0)


# what is refused


def vrt(path):
    source = tiff(path.with_name("source.tif"))
    path.write_text(f'<VRTDataset rasterXSize="3" rasterYSize="2"><VRTRasterBand dataType="Float64" band="1"><SimpleSource>'
                    f"<SourceFilename>{source}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>", encoding="utf-8")


def huge(path):
    tiles = {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "SPARSE_OK": True}
    place = {"crs": "EPSG:4326", "transform": rasterio.Affine(1e-4, 0, 100, 0, -1e-4, 10)}
    with rasterio.open(path, "w", driver="GTiff", width=200_000, height=200_000, count=1, dtype="float64", **tiles, **place):
        pass
    assert path.stat().st_size < 30_000


def cut_short(path):
    tiff(path, np.arange(1e5).reshape(100, 1000))
    os.truncate(path, 100_000)


REFUSED = {
    "vrt": (vrt, {}, FileError, "not a raster of a kind that is read"),
    "empty": (lambda path: path.write_bytes(b""), {}, FileError, "not a raster of a kind"),
    "text": (lambda path: path.write_text("ncols 3"), {}, FileError, "not a raster of a kind"),
    "first bytes only": (lambda path: path.write_bytes(b"II*\0"), {}, FileError, "cannot be read"),
    "hdf first bytes only": (lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n"), {}, FileError, "cannot be read"),
    "classic first bytes only": (lambda path: path.write_bytes(b"CDF\x01"), {}, FileError, "cannot be read"),
    "cut short": (cut_short, {}, FileError, "cannot be read"),
    "320 GB": (huge, {}, FileError, "too many cells.*40,000,000,000.*RasterLimits"),
    "holes": (huge, {"limits": RasterLimits(cells=10**11)}, FileError, "far more than the file can hold.*320,000,000,000 bytes"),
    "block": (huge, {"limits": RasterLimits(cells=10**11, block_bytes=10**8)}, FileError, "a block of the raster is too large"),
    "no CRS": (lambda path: tiff(path, crs=None), {}, CrsError, r"no CRS.*give crs="),
    "unknown CRS": (tiff, {"crs": "<b>"}, CrsError, "no such CRS.*text of 3 characters"),
    "rotated": (lambda path: tiff(path, transform=rasterio.Affine(1, 0.5, 100, 0, -1, 10)), {}, CrsError, "rotated.*gdalwarp"),
    "complex": (lambda path: tiff(path, DEPTH.astype(complex), nodata=None), {}, FileError, "complex numbers"),
    "band": (tiff, {"band": 2}, FileError, "no such band.*expected: 1 to 1; got: 2"),
    "variable": (netcdf, {"variable": "<script>"}, FileError, "no such variable.*one of depth; got: text of 8"),
    "no map": (lambda path: netcdf(path, dims=("a", "b"), coords={}), {}, FileError, "does not have one variable on a map"),
    "uneven": (lambda path: netcdf(path, coords={"lat": [2, 1], "lon": [0, 1, 3]}), {}, FileError, "not of one size.*along lon"),
    "west": (lambda path: netcdf(path, coords={"lat": [2, 1], "lon": [2, 1, 0]}), {}, FileError, "run westwards"),
    "one column": (lambda path: netcdf(path, [[1.0], [2.0]], coords={"lat": [2, 1], "lon": [0]}), {}, FileError, "no cell size"),
    "texts": (lambda path: netcdf(path, np.full((2, 3), "a"), attrs={}), {}, FileError, "holds no numbers"),
    "no units": (lambda path: netcdf(path, lon={}, lat={}), {}, CrsError, r"no CRS.*open_raster\(path, crs="),
}


@pytest.mark.parametrize(("make", "options", "error", "text"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_why(tmp_path, make, options, error, text):
    make(tmp_path / "named.tif")
    with pytest.raises(error, match=text):
        whole(tmp_path / "named.tif", **options)


def test_a_raster_that_does_not_say_where_it_lies(tmp_path):
    with pytest.warns(NotGeoreferencedWarning):
        file = tiff(tmp_path / "d.tif", transform=rasterio.Affine.identity(), crs=None)
    with warnings.catch_warnings(action="ignore"), pytest.raises(CrsError, match="does not say where it lies"):
        whole(file, crs=4326)  # rasterio warns too, or not, by its version


def test_a_crs_can_be_given_for_a_file_without(tmp_path):
    with open_raster(tiff(tmp_path / "d.tif", crs=None), crs="EPSG:4490") as raster:
        assert raster.grid.crs.to_epsg() == 4490


@pytest.mark.parametrize("path", ["/vsicurl/http://127.0.0.1/d.tif", "http://127.0.0.1/d.tif", "/vsizip/d.zip", "GTIFF_DIR:1", "."])
def test_no_address_is_opened(path):
    with pytest.raises(FileError, match="no such raster file"):
        whole(path)


def hdf5(path, kind):
    secret = netcdf(path.with_name("secret.nc"))
    netcdf(path)
    with h5py.File(path, "a") as file:
        if kind == "link":
            file["other"] = h5py.ExternalLink(secret, "depth")
        elif kind == "external":
            file.create_dataset("other", (2, 3), "f8", external=[(str(secret), 0, 48)])
        elif kind == "virtual":
            layout = h5py.VirtualLayout((2, 3), "f8")
            layout[:] = h5py.VirtualSource(secret, "depth", (2, 3))
            file.create_virtual_dataset("other", layout)
        elif kind == "axis":
            file.create_dataset("other", (10**12,), "f8", chunks=(1000,))
        else:
            file.create_dataset("other", (10**6, 10**6), "f8", chunks=(10**4, 10**4))


@pytest.mark.parametrize(("kind", "text"), [
    ("link", "takes data from elsewhere"), ("external", "takes data from elsewhere"), ("virtual", "takes data from elsewhere"),
    ("axis", "too large to read"), ("chunk", "too large to read"),
])
def test_an_hdf5_file_that_reads_other_files_or_fills_the_memory(tmp_path, kind, text):
    hdf5(tmp_path / "d.nc", kind)
    with pytest.raises(FileError, match=text):
        whole(tmp_path / "d.nc")


def test_files_beside_a_geotiff_are_not_looked_at(tmp_path):
    file = tiff(tmp_path / "d.tif", nodata=None)
    vrt(tmp_path / "d.tif.msk")
    band = "<PAMRasterBand band='1'><NoDataValue>5</NoDataValue></PAMRasterBand>"
    (tmp_path / "d.tif.aux.xml").write_text(f"<PAMDataset>{band}</PAMDataset>")
    assert whole(file)[1].tolist() == [3, 4, 5]


def test_a_closed_raster_is_not_read(tmp_path):
    with open_raster(tiff(tmp_path / "d.tif")) as raster:
        pass
    with pytest.raises(FileError, match="the raster is closed"):
        raster.read(0, 0, 1, 1)


@pytest.mark.parametrize("window", [(-1, 0, 1, 1), (0, 0, 3, 1), (0, 2, 1, 2), (0, 0, 0, 1)])
def test_a_window_lies_within(tmp_path, window):
    with open_raster(tiff(tmp_path / "d.tif")) as raster, pytest.raises(ParameterError, match="does not lie within the raster"):
        raster.read(*window)


# values at many cells

LAYOUTS = {
    "strips": {},
    "tiles": {"tiled": True, "blockxsize": 64, "blockysize": 32, "compress": "deflate"},
    "one block": {"blockysize": 500},
    "small tiles": {"tiled": True, "blockxsize": 16, "blockysize": 16},
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_take_gives_what_the_whole_raster_holds(tmp_path, layout, monkeypatch):
    monkeypatch.setattr("geo_risk.hazard.raster._SMALLEST_READ", 2048)
    values = np.arange(500 * 333, dtype=np.float32).reshape(500, 333)
    cells = np.random.default_rng(0).integers(-1, values.size, 5000)
    with open_raster(tiff(tmp_path / "d.tif", values, **layout)) as raster:
        np.testing.assert_array_equal(take(raster, cells), np.where(cells < 0, NAN, cells))


@given(
    rows=st.integers(1, 9), columns=st.integers(1, 9), block_of=st.tuples(st.integers(1, 4), st.integers(1, 4)), data=st.data()
)
def test_take_equals_plain_indexing_for_any_blocks(rows, columns, block_of, data):
    grid = replace(GRID, rows=rows, columns=columns)
    values = np.arange(float(rows * columns)).reshape(rows, columns)
    cells = np.array(data.draw(st.lists(st.integers(-1, rows * columns - 1))), dtype=np.int64)

    class Blocks(ArrayRaster):
        block = property(lambda _: block_of)

    np.testing.assert_array_equal(take(Blocks(grid=grid, values=values), cells), np.where(cells < 0, NAN, cells))


def test_each_touched_block_is_read_once(tmp_path):
    looks = []

    class Watched(ArrayRaster):
        block = property(lambda _: (2, 2))

        def read(self, *window):
            looks.append(window)
            return super().read(*window)

    raster = Watched(grid=replace(GRID, rows=4, columns=4), values=np.arange(16.0).reshape(4, 4))
    assert take(raster, np.array([0, 10, 5, 1, 11])).tolist() == [0, 10, 5, 1, 11]
    assert sorted(looks) == [(0, 0, 2, 2), (2, 2, 2, 2)]


@pytest.mark.parametrize("cells", [np.array([6]), np.array([-2]), np.array([0.5]), np.array([[0]])])
def test_cells_of_another_grid_are_refused(cells):
    with pytest.raises(ParameterError, match=r"cells are not of this grid.*-1 to 5"):
        take(ArrayRaster(grid=GRID, values=DEPTH), cells)


def test_no_cells_give_no_values():
    assert take(ArrayRaster(grid=GRID, values=DEPTH), np.array([], dtype=np.int64)).tolist() == []
    assert sample_points(ArrayRaster(grid=GRID, values=DEPTH), [], []).tolist() == []


@pytest.mark.parametrize(
    "name", ["jakarta/flood_depth_current", "kampen/hazard/1in100_inundation_map", "rasters/olinda_dem_utm25s"]
)
def test_points_read_as_rasterio_reads_them_one_by_one(shared_data, name):
    path = shared_data / f"{name}.tif"
    with rasterio.open(path) as theirs, open_raster(path) as ours:
        west, south, east, north = theirs.bounds
        x, y = np.random.default_rng(1).uniform([west, south], [east, north], (500, 2)).T
        to_lonlat = pyproj.Transformer.from_crs(ours.grid.crs, 4326, always_xy=True)
        one_by_one = theirs.sample(zip(x, y, strict=True), masked=True)
        expected = [np.ma.filled(value.astype(float), NAN)[0] for value in one_by_one]
        np.testing.assert_array_equal(sample_points(ours, *to_lonlat.transform(x, y)), expected)


def test_points_without_a_place_are_unknown():
    raster = ArrayRaster(grid=replace(GRID, crs=pyproj.CRS(32648), x=5e5, y=1e6, dx=1e5, dy=-1e5), values=DEPTH)
    assert np.isnan(sample_points(raster, [NAN, np.inf, 105.5, 285.5], [9, 9, 91, NAN])).all()
    assert sample_points(raster, [105.5], [8.9]).tolist() == [0.0]


def test_cells_of_points_on_both_sides_of_180_degrees():
    fiji = replace(GRID, x=179.0)
    assert cells_of(fiji, np.array([179.5, -179.5, -178.5, 178.5]), np.full(4, 9.5)).tolist() == [0, 1, 2, -1]


@settings(deadline=None)
@given(data=st.data(), west=st.sampled_from([-180.0, 0.0, 100.3]), dx=st.sampled_from([0.1, 0.3, 60.0]))
def test_cells_of_points_are_those_of_the_grid_to_the_last_bit(data, west, dx):
    grid = replace(GRID, x=west, dx=dx, dy=-0.1)
    lon = data.draw(st.lists(st.floats(-180, 180) | st.integers(0, 3).map(lambda edge: west + edge * dx), max_size=9))
    x, y = np.array(lon, dtype=float), np.full(len(lon), data.draw(st.sampled_from([10.0, 9.95, 9.8, 11.0, NAN])))
    turned = x + 360.0 * np.ceil((grid.x - x) / 360.0)
    np.testing.assert_array_equal(cells_of(grid, x, y), grid.cells_at(turned, y))


def test_points_of_two_lengths_are_refused():
    with pytest.raises(ParameterError, match=r"differ in shape.*\(2,\) and \(1,\)"):
        cells_of(GRID, [1.0, 2.0], [1.0])


# grids


def test_shapes_in_the_crs_of_a_grid():
    utm = replace(GRID, crs=pyproj.CRS(32648))
    shapes = gpd.GeoSeries([shapely.Point(105, 10), None, shapely.box(105, 9, 106, 10), shapely.Polygon()], crs=4326)
    expected = shapes.to_crs(32648)
    found = to_grid(shapes, utm)
    assert found[1] is None
    assert shapely.equals_exact(found[[0, 2, 3]], expected.to_numpy()[[0, 2, 3]], 1e-6).all()


@pytest.mark.parametrize(("west", "moved"), [(-80, 280), (-5, -5), (10, 10), (361, 1)])
def test_shapes_are_turned_to_where_the_grid_lies(west, moved):
    world = replace(GRID, x=0.0, columns=360)
    assert to_grid([shapely.box(west, 0, west + 10, 1)], world)[0].bounds == (moved, 0, moved + 10, 1)


def test_a_shape_without_a_place_in_the_crs_is_unknown():
    assert to_grid([shapely.LineString([(105, 10), (105, np.inf)])], replace(GRID, crs=pyproj.CRS(32648))).tolist() == [None]


@pytest.mark.parametrize(
    ("changed", "same"),
    [({}, True), ({"x": 100.009}, True), ({"x": 100.02}, False), ({"dx": 1.004}, False), ({"rows": 3}, False),
     ({"crs": pyproj.CRS(4490)}, False), ({"crs": pyproj.CRS("OGC:CRS84")}, True), ({"y": 8.0, "dy": 1.0}, False)],
)
def test_the_same_cells_within_a_hundredth(changed, same):
    assert same_grid(GRID, replace(GRID, **changed)) is same


@pytest.mark.parametrize("rows", [1, 2, 7, None])
def test_windows_cover_the_raster_once(tmp_path, rows):
    values = np.arange(100 * 30.0).reshape(100, 30)
    with open_raster(tiff(tmp_path / "d.tif", values, blockysize=8)) as raster:
        parts = list(windows(raster, rows))
    assert np.concatenate([part for _, part in parts]).tolist() == values.tolist()
    assert [first for first, _ in parts] == np.cumsum([0, *(len(part) for _, part in parts)])[:-1].tolist()


def test_two_rasters_side_by_side():
    one, other = (ArrayRaster(grid=GRID, values=values) for values in (DEPTH, DEPTH * 2))
    assert [(first, (b / 2 == a).all()) for first, a, b in together(one, other, 1)] == [(0, True), (1, True)]
    with pytest.raises(CrsError, match=r"do not have the same cells.*2 x 3 of 1 x -1 at 100, 10"):
        next(together(one, ArrayRaster(grid=replace(GRID, x=101.0), values=DEPTH)))


@pytest.mark.parametrize("crs", [4326, 4490, 4301])
@pytest.mark.parametrize("dy", [-1.0, 0.5])
def test_areas_of_cells_equal_the_geodesic_areas_of_their_outlines(crs, dy):
    grid = replace(GRID, crs=pyproj.CRS(crs), dy=dy)
    geod = grid.crs.get_geod()
    assert geod is not None
    for row, area in enumerate(cell_areas_m2(grid)):
        edge, along = grid.y + dy * np.arange(row, row + 2), np.linspace(100, 101, 2001)
        lon, lat = np.concatenate([along, along[::-1]]), np.repeat(edge, len(along))
        assert area == pytest.approx(abs(geod.polygon_area_perimeter(lon, lat)[0]), rel=1e-6)


def test_areas_of_cells_sum_to_the_earth():
    world = Grid(crs=LONLAT, x=-180.0, y=91.0, dx=1.0, dy=-1.0, columns=360, rows=182)
    areas = cell_areas_m2(world)
    assert areas[0] == areas[-1] == 0  # beyond the poles
    assert areas.sum() * 360 == pytest.approx(4 * np.pi * 6371007.1809**2, rel=1e-9)  # the authalic radius of WGS84
    assert GEOD.a == 6378137.0


def test_areas_of_cells_in_metres_and_not_in_feet():
    assert cell_areas_m2(replace(GRID, crs=pyproj.CRS(32648), dx=5.0, dy=-5.0)).tolist() == [25.0, 25.0]
    for crs in (2263, 3857):
        with pytest.raises(CrsError, match="not metres"):
            cell_areas_m2(replace(GRID, crs=pyproj.CRS(crs)))


# every raster of the published data

OPENS = {
    "rasters/3B42_Daily.19991231.7.test.nc": (5, 4), "rasters/climada_ee_dresden.tif": (595, 1115),
    "rasters/isimip_flddph_2000_DEMO.nc": (247, 230), "rasters/olinda_dem_utm25s.tif": (111, 111),
    "rasters/srtm15plus_sample.tiff": (482, 281), "jakarta/flood_category_123.tif": (649, 638),
    "jakarta/flood_depth_current.tif": (649, 638), "jakarta/flood_depth_design.tif": (649, 638),
    "jakarta/population_density_hkv.tif": (649, 638), "kampen/exposure/landuse_map.tif": (2269, 3476),
    "kampen/hazard/1in100_inundation_map.tif": (2269, 3476),
}
SHUT = {"rasters/test_stageiv_xyt.nc": "no straight rows and columns"}


def test_every_published_raster_is_either_read_or_refused(shared_data):
    found = {path for folder in ("rasters", "jakarta", "kampen") for path in (shared_data / folder).rglob("*.*") if path.suffix in
             {".tif", ".tiff", ".nc"}}
    assert {str(path.relative_to(shared_data)) for path in found} == OPENS.keys() | SHUT.keys()


@pytest.mark.parametrize("name", OPENS)
def test_a_published_raster_reads_as_others_read_it(shared_data, name):
    path = shared_data / name
    values = whole(path)
    if path.suffix == ".nc":
        with xarray.open_dataset(path, engine="scipy" if "3B42" in name else "h5netcdf") as file:
            theirs = next(iter(file.data_vars.values())).squeeze().transpose("lat", "lon").to_numpy()
    else:
        with rasterio.open(path) as file:
            theirs = np.ma.filled(file.read(1, masked=True).astype(float), NAN)
    assert values.shape == OPENS[name]
    np.testing.assert_array_equal(values, theirs.astype(float))


@pytest.mark.parametrize(("name", "why"), SHUT.items())
def test_a_published_raster_is_refused_with_the_reason(shared_data, name, why):
    with pytest.raises(FileError, match=why):
        whole(shared_data / name)


# memory and threads


def test_threads_share_a_raster(tmp_path):
    values = np.arange(400 * 400, dtype=np.float32).reshape(400, 400)
    cells = np.random.default_rng(5).integers(0, values.size, (8, 4000))
    file = tiff(tmp_path / "d.tif", values, tiled=True, blockxsize=64, blockysize=64, compress="deflate")
    with open_raster(file) as raster, ThreadPoolExecutor(8) as pool:
        assert all((found == asked).all() for found, asked in zip(pool.map(lambda at: take(raster, at), cells), cells, strict=True))


MILLION = """
import resource, sys
import numpy as np
from geo_risk.hazard.raster import RasterLimits, open_raster, take
cells = np.random.default_rng(0).integers(0, 20_000**2, 1_000_000)
peak_kb = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open_raster(sys.argv[1], limits=RasterLimits(times_its_size=1e6)) as raster:
    before, values = peak_kb(), take(raster, cells)
assert len(values) == 1_000_000 and np.isnan(values).all()
print((peak_kb() - before) // 1024)
"""


def test_a_million_cells_of_20_000_square_take_less_memory_than_the_raster(tmp_path):
    place = {"crs": "EPSG:4326", "transform": rasterio.Affine(1e-3, 0, 100, 0, -1e-3, 10), "nodata": -1}
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512, "SPARSE_OK": True}
    size = {"width": 20_000, "height": 20_000, "count": 1, "dtype": "int8"}
    with rasterio.open(tmp_path / "d.tif", "w", driver="GTiff", **size, **tiles, **place):
        pass
    done = subprocess.run([sys.executable, "-c", MILLION, str(tmp_path / "d.tif")], capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    assert int(done.stdout) < 150  # megabytes; the raster's numbers alone are 400
