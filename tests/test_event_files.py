"""Event sets and assets from files, sound and hostile."""

import datetime as dt
import struct
import zipfile

import h5py
import numpy as np
import pandas as pd
import pytest
import shapely
import xlsxwriter
from scipy import sparse

from geo_risk.errors import FileError, ParameterError
from geo_risk.impact.events import event_set
from layers._events import EventLimits, read_entity, read_events, write_npz

WIND = [[30.0, 0.0], [0.0, 0.0], [np.nan, 40.0]]
CRS = b'(dp0\nVcrs\np1\nVGEOGCRS["WGS 84",ID["EPSG",4326]]\np2\ns.'


def same(one, other):
    for name, field in vars(one).items():
        np.testing.assert_array_equal(field, getattr(other, name), err_msg=name)


def matlab(path, **change):
    """A hazard as MATLAB 7.3 stores it: columns of sites, letters as numbers."""
    csc = sparse.csc_matrix(WIND)
    with h5py.File(path, "w") as file:
        hazard = file.create_group("hazard")
        plain = {"lon": [[120.0], [121.0]], "lat": [[30.0], [30.5]], "frequency": [[0.1], [0.2], [0.3]],
                 "event_ID": [[7.0], [8.0], [9.0]], "units": [[109], [47], [115]], "yyyy": [[1999.0], [2000.0], [2001.0]],
                 "orig_event_flag": [[1.0], [0.0], [1.0]]}
        for name, numbers in {**plain, **change}.items():
            if numbers is not None:
                hazard[name] = numbers
        for name, data in (("intensity", csc.data), ("fraction", np.full(3, 0.5))):
            group = hazard.create_group(name)
            group["data"], group["ir"], group["jc"] = data, csc.indices.astype("u8"), csc.indptr.astype("u8")
            group.attrs["MATLAB_sparse"] = np.uint64(3)
    return path


def climada(path, crs=CRS, unit="1/year", dense=False):
    """A hazard as CLIMADA 5 and 6 store it: rows of events, centroids as a pandas table."""
    csr = sparse.csr_matrix(WIND)
    with h5py.File(path, "w") as file:
        file["frequency"], file["event_id"], file["orig"] = [0.1, 0.2, 0.3], [7, 8, 9], [True, False, True]
        file["date"] = [dt.date(year, 12, 31).toordinal() for year in (1999, 2000, 2001)]
        file["units"], file["frequency_unit"] = np.array(["m/s"], dtype=object), np.array([unit], dtype=object)
        table = file.create_group("centroids")
        table["block0_items"], table["block0_values"] = np.array([b"geometry.x", b"geometry.y"]), [[120.0, 30.0], [121.0, 30.5]]
        table.attrs["metadata"] = np.bytes_(crs)
        for name, matrix in (("intensity", csr), ("fraction", sparse.csr_matrix((3, 2)))):
            if dense:
                file[name] = matrix.toarray()
            else:
                group = file.create_group(name)
                group["data"], group["indices"], group["indptr"] = matrix.data, matrix.indices, matrix.indptr
    return path


def expected(fraction=None, **change):
    plain = {"ids": ["7", "8", "9"], "unit": "m/s", "original": [True, False, True], "year": [1999, 2000, 2001], **change}
    return event_set([120.0, 121.0], [30.0, 30.5], sparse.csr_matrix(WIND), [0.1, 0.2, 0.3], fraction=fraction, **plain)


def test_matlab(tmp_path):
    half = sparse.csr_matrix([[0.5, 0], [0, 0], [0.5, 0.5]])
    same(read_events(matlab(tmp_path / "storms.mat")), expected(half))


@pytest.mark.parametrize("dense", [False, True])
def test_climada_hdf5(tmp_path, dense):
    same(read_events(climada(tmp_path / "storms.h5", dense=dense)), expected())


def test_npz_there_and_back(tmp_path):
    storms = expected(sparse.csr_matrix([[0.5, 0.2], [0, 0], [1, 0.5]]))
    write_npz(tmp_path / "storms.npz", storms)
    same(read_events(tmp_path / "storms.npz"), storms)


ROWS = "event,frequency,lon,lat,intensity\n7,0.1,120,30,30\n8,0.2,,,\n9,0.3,121,30.5,40\n9,0.3,120,30,\n"


def test_csv_where_a_blank_intensity_is_unknown(tmp_path):
    (tmp_path / "storms.csv").write_text("\ufeff" + ROWS, encoding="utf-8")
    same(read_events(tmp_path / "storms.csv"), expected(unit="", original=None, year=None))


def test_geoparquet(tmp_path):
    table = pd.DataFrame({
        "event": [7, 8, 9, 9], "frequency": [0.1, 0.2, 0.3, 0.3], "intensity": [30, None, 40, None],
        "geometry": shapely.to_wkb([shapely.Point(120, 30), None, shapely.Point(121, 30.5), shapely.Point(120, 30)]),
    })
    table.to_parquet(tmp_path / "storms.parquet")
    same(read_events(tmp_path / "storms.parquet"), expected(unit="", original=None, year=None))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (ROWS.replace("9,0.3,120", "9,0.4,120"), "an event has two frequencies"),
        (ROWS.replace("30.5", "=cmd()"), "a cell is not a number.*row 4, column lat.*text of 6 characters"),
        (ROWS.replace("40", "1e999"), "a cell is not a number.*row 4, column intensity"),
        (ROWS + "9,0.3,120,30,5\n", "an event names a site twice"),
        (ROWS.replace("lon", "x"), "the table is no event set.*without lon"),
        ("", "no event set|empty"),
        ("event,frequency,lon,lat,intensity\n", "the table is no event set.*0 rows"),
        ('event,frequency\n"a,1\n', "no CSV|no event set"),
    ],
)
def test_csv_that_is_refused(tmp_path, text, told):
    (tmp_path / "storms.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=told):
        read_events(tmp_path / "storms.csv")


def test_a_negative_frequency_is_refused_from_any_file(tmp_path):
    with pytest.raises(ParameterError, match="a frequency must be a number"):
        read_events(matlab(tmp_path / "storms.mat", frequency=[[-0.1], [0.2], [0.3]]))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"lon": None}, "a member is missing or a link.*lon"),
        ({"frequency": [[0.1], [0.2]]}, "differ in events.*expected: 2; got: 3"),
        ({"lon": [[1.0]], "lat": [[1.0]]}, "a sparse matrix contradicts itself"),
        ({"lat": np.array([[b"x"], [b"y"]])}, "a dataset cannot be used.*lat"),
    ],
)
def test_matlab_that_is_refused(tmp_path, change, told):
    with pytest.raises(FileError, match=told):
        read_events(matlab(tmp_path / "storms.mat", **change))


@pytest.mark.parametrize(
    ("change", "told"),
    [({"crs": b"EPSG:3857"}, "may not be longitude and latitude"), ({"unit": "1/month"}, "frequencies are not yearly.*1/year")],
)
def test_climada_that_is_refused(tmp_path, change, told):
    with pytest.raises(FileError, match=told):
        read_events(climada(tmp_path / "storms.h5", **change))


def outward(path, how):
    """A hazard whose longitudes lie in another file."""
    secret = path.with_name("secret.bin")
    secret.write_bytes(struct.pack("<2d", 1.0, 2.0))
    matlab(path, lon=None)
    with h5py.File(path, "a") as file:
        if how == "external link":
            file["hazard"]["lon"] = h5py.ExternalLink("secret.h5", "/lon")
        elif how == "soft link":
            file["hazard"]["lon"] = h5py.SoftLink("/hazard/lat")
        elif how == "external storage":
            file["hazard"].create_dataset("lon", (2,), "f8", external=[(str(secret), 0, 16)])
        else:
            layout = h5py.VirtualLayout((2,), "f8")
            layout[:] = h5py.VirtualSource("secret.h5", "lon", (2,))
            file["hazard"].create_virtual_dataset("lon", layout)
    return path


@pytest.mark.parametrize("how", ["external link", "soft link", "external storage", "virtual"])
def test_nothing_outside_the_file_is_read(tmp_path, how):
    with pytest.raises(FileError, match=r"a link|cannot be used"):
        read_events(outward(tmp_path / "storms.mat", how))


def test_a_dataset_that_promises_too_much(tmp_path):
    with h5py.File(matlab(tmp_path / "storms.mat", lon=None), "a") as file:
        file["hazard"].create_dataset("lon", (10**12,), "f8", chunks=(1000,))
    with pytest.raises(FileError, match=r"a dataset is too large.*got: 1000000000000"):
        read_events(tmp_path / "storms.mat")


def test_npz_that_is_refused(tmp_path):
    np.savez(tmp_path / "pickled.npz", lon=np.array([{"run": "me"}], dtype=object))
    with pytest.raises(FileError, match=r"no NPZ of plain arrays.*ValueError"):
        read_events(tmp_path / "pickled.npz")
    np.savez(tmp_path / "part.npz", lon=np.zeros(1))
    with pytest.raises(FileError, match=r"the file is no event set.*lat, indptr"):
        read_events(tmp_path / "part.npz")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("lon.npy", bytes(10_000_000))
    with pytest.raises(FileError, match="the file unpacks too large"):
        read_events(tmp_path / "bomb.npz", EventLimits(numbers=1_000_000))


@pytest.mark.parametrize(("name", "told"), [
    ("storms.mat", "no HDF5, or is damaged"), ("storms.npz", "no NPZ"), ("storms.parquet", "no Parquet"),
    ("storms.tif", "no such form"),
])
def test_rubbish(tmp_path, name, told):
    (tmp_path / name).write_bytes(b"rubbish" * 100)
    with pytest.raises(FileError, match=told):
        read_events(tmp_path / name)


def test_no_file_and_too_large(tmp_path):
    with pytest.raises(FileError, match="no such file"):
        read_events(tmp_path / "storms.mat")
    with pytest.raises(FileError, match=r"empty or too large.*1 to 10 bytes"):
        read_events(matlab(tmp_path / "storms.mat"), EventLimits(file_bytes=10))


def entity(path, assets=None, functions=None):
    sheets = {
        "assets": assets or [
            ["latitude", "longitude", "value", "impf_TC", "cover"], [30.0, 120.0, 100.0, 1, 50], [30.0, 121.0, "", 2, 9],
        ],
        "impact_functions": functions or [
            ["impact_fun_id", "intensity", "mdd", "paa", "peril_id", "intensity_unit"],
            [1, 0, 0, 0, "TC", "m/s"], [1, 40, 0.5, 1, "TC", "m/s"], [2, 0, 0.1, 1, "TC", "m/s"], [1, 0, 1, 1, "FL", "m"],
        ],
    }
    with xlsxwriter.Workbook(path) as book:
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    return path


def test_an_entity(tmp_path):
    found = read_entity(entity(tmp_path / "today.xlsx"), "TC")
    np.testing.assert_array_equal(found.value, [100, np.nan])
    assert (found.occupancy, found.cover.tolist(), found.deductible) == (("1", "2"), [50, 9], None)
    assert (found.mdd.curves["1"].fraction, found.paa.curves["1"].fraction) == ((0, 0.5), (0, 1))
    assert found.mdd.curves["2"].unit == "m/s"


@pytest.mark.parametrize(
    ("sheets", "kind", "told"),
    [
        ({}, "EQ", "no impact function is for this hazard|column is missing"),
        ({"assets": [["latitude", "longitude", "impf_TC"], [1, 2, 3]]}, "TC", "a column is missing.*sheet assets.*value"),
        ({"assets": [["latitude"]]}, "TC", "the sheet is empty"),
        ({"assets": [["latitude", "longitude", "value", "impf_TC"], ["north", 2, 3, 1]]}, "TC", "not a number.*row 2.*got: north"),
    ],
)
def test_an_entity_that_is_refused(tmp_path, sheets, kind, told):
    with pytest.raises(FileError, match=told):
        read_entity(entity(tmp_path / "today.xlsx", **sheets), kind)
