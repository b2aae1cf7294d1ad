"""Files that attack, lie about what they are, or break off: a clear error, nothing read, nothing left behind."""

import json
import os
import stat
import struct
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geo_risk.errors import CrsError, FileError
from layers._read import Limits, ReadOptions, read
from layers._worker.gdal import ALLOWED, environment

VRT = """<OGRVRTDataSource><OGRVRTLayer name="secret"><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>"""
KML = '<?xml version="1.0"?>{}<kml xmlns="http://www.opengis.net/kml/2.2"><Placemark><name>{}</name><Point><coordinates>1,2</coordinates></Point></Placemark></kml>'
ENTITY = '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]>'


def made(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def zipped(folder: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return folder / "a.zip"


def rows_or_refusal(path: Path) -> int | str:
    try:
        return len(read(path, ReadOptions()).frame)
    except FileError as error:
        return error.what


def collection(geometry: str, properties: str = "{}") -> str:
    return f'{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{properties},"geometry":{geometry}}}]}}'


@pytest.mark.parametrize("name", ["a.geojson", "a.json", "a.kml", "a.gpkg", "a.shp", "a.csv"])
def test_a_virtual_file_reads_no_other(tmp_path: Path, name: str) -> None:
    secret = made(tmp_path, "secret.csv", "name,lon,lat\nsecret,1,2\n")
    made(tmp_path, "a.dbf", b""), made(tmp_path, "a.shx", b"")
    with pytest.raises(
        FileError, match=r"not well-formed|not valid JSON|cannot be read|not what its name says|holds no rows|not exactly"
    ):
        read(made(tmp_path, name, VRT.format(secret)), ReadOptions())


def test_only_the_allowed_drivers_are_left() -> None:
    code = "from layers._worker.gdal import pyogrio_alone; print(','.join(pyogrio_alone().list_drivers()))"
    kept = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment()}, capture_output=True, text=True, check=True
    )
    assert set(kept.stdout.strip().split(",")) == ALLOWED


@pytest.mark.parametrize("path", ["/vsicurl/http://127.0.0.1:9/a.geojson", "http://127.0.0.1:9/a.gpkg", "/vsizip/a.zip/a.shp", "-"])
def test_only_files_on_disk_are_read(path: str) -> None:
    with pytest.raises(FileError, match="no such file"):
        read(Path(path), ReadOptions())


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.gpkg", b"", "the file is empty"),
        ("a.csv", b"\n\n", "the table has no header"),
        ("a.csv", b"name,lon,lat\n", "the file holds no rows"),
        ("a.geojson", b'{"type":"FeatureCollection","features":[]}', "the file holds no rows"),
        ("a.xlsx", b"PK\x03\x04nonsense", "archive cannot be read"),
        ("a.gpkg", b"name,lon\n", "not what its name says; expected: a gpkg file"),
        ("a.csv", b"PK\x03\x04" + b"x" * 20, "not what its name says; expected: text"),
        ("a.zip", b"name,lon\n", "not what its name says"),
        ("a.shp", b"nonsense", "not what its name says"),
        ("a.gpkg", b"SQLite format 3\0" + b"\0" * 500, "cannot be read as GeoPackage"),
        ("a.vrt", b"<x/>", "a format we do not read"),
        ("a.geojson", b"{", "not valid JSON; where: line 1, column 2"),
        ("a.geojson", b"[]", "no GeoJSON; expected: a FeatureCollection; got: a list"),
        ("a.geojson", b'{"type":"Topology"}', "no GeoJSON"),
        ("a.geojson", b"[" * 100_000, "nested too deep"),
        ("a.geojson", collection("null", '{"a":1,"a":2}').encode(), "names a key twice"),
        ("a.geojson", collection('{"type":"Point","coordinates":[NaN,1]}').encode(), "a number that is none.*got: NaN"),
        ("a.geojson", collection("null", '{"a":-Infinity}').encode(), "a number that is none.*got: -Infinity"),
        ("a.kml", b"<kml>", "not well-formed XML; where: line 1"),
        ("a.kml", KML.format(ENTITY, "&x;").encode(), "declares a document type"),
        (
            "a.kml",
            KML.format(ENTITY, "&x;").replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"),
            "declares a document type",
        ),
        ("a.csv", b'name,lon,lat\nA,1,2\n"B,3,4\nC,5,6\n', "quoting is broken; where: row 3"),
        ("a.csv", b'name,lon,lat\n"A"x,1,2\n', "quoting is broken; where: row 2"),
    ],
)
def test_what_is_no_such_file_says_so(tmp_path: Path, name: str, data: bytes, match: str) -> None:
    with pytest.raises(FileError, match=match):
        read(made(tmp_path, name, data), ReadOptions())


def test_truncated_files_say_so(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"name": ["A"] * 50}, geometry=[shapely.Point(1, 2)] * 50, crs=4326)
    frame.to_file(tmp_path / "a.gpkg")
    frame.to_file(tmp_path / "b.shp", encoding="utf-8")
    for name, part in (("a.gpkg", "a.gpkg"), ("b.shp", "b.dbf")):
        whole = (tmp_path / part).read_bytes()
        (tmp_path / part).write_bytes(whole[: len(whole) // 2])
        with pytest.raises(FileError, match=r"cannot be read as GeoPackage|dbf is cut short"):
            read(tmp_path / name, ReadOptions())


@pytest.mark.parametrize("suffix", [".shx", ".dbf"])
def test_a_shapefile_missing_a_part_names_it(tmp_path: Path, suffix: str) -> None:
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.Point(1, 2)], crs=4326).to_file(tmp_path / "a.shp", encoding="utf-8")
    (tmp_path / f"a{suffix}").unlink()
    with pytest.raises(FileError, match=f"not whole; expected: .shp, .shx and .dbf side by side; got: no {suffix}"):
        read(tmp_path, ReadOptions())


def test_a_shapefile_of_mixed_parts_is_refused(tmp_path: Path) -> None:
    for name, count in (("a", 1), ("b", 2)):
        gpd.GeoDataFrame({"name": ["A"] * count}, geometry=[shapely.Point(1, 2)] * count, crs=4326).to_file(
            tmp_path / f"{name}.shp", encoding="utf-8"
        )
    (tmp_path / "b.dbf").replace(tmp_path / "a.dbf")
    with pytest.raises(FileError, match="got: 1 shapes, 2 records"):
        read(tmp_path / "a.shp", ReadOptions())


def test_a_shape_that_claims_more_vertices_than_it_has_comes_out_as_missing(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"name": ["A"]}, geometry=[shapely.LineString([(0, 0), (1, 1)])], crs=4326).to_file(
        tmp_path / "a.shp", encoding="utf-8"
    )
    data = bytearray((tmp_path / "a.shp").read_bytes())
    struct.pack_into("<i", data, 100 + 8 + 40, 2**30)
    (tmp_path / "a.shp").write_bytes(data)
    assert read(tmp_path / "a.shp", ReadOptions()).frame.geometry.isna().tolist() == [True]


@pytest.mark.parametrize(
    ("members", "match"),
    [
        ({"../a.csv": b"x"}, "leads out of it"),
        ({"/etc/a.csv": b"x"}, "leads out of it"),
        ({"..\\a.csv": b"x"}, "leads out of it"),
        ({"C:\\a.csv": b"x"}, "leads out"),
        ({f"{n}.csv": b"x" for n in range(51)}, "too many files in the archive; expected: at most 50; got: 51"),
        ({"a.csv": b"0" * 3_000_000}, "unpacks suspiciously large; expected: at most 100 to 1"),
        ({"a.csv": b"x", "b.csv": b"x"}, "not hold exactly one data set.*got: a.csv, b.csv"),
        ({"a.txt": b"x"}, "exactly one data set.*got: none"),
    ],
)
def test_archives_keep_to_their_limits(tmp_path: Path, members: dict[str, bytes], match: str) -> None:
    with pytest.raises(FileError, match=match):
        read(zipped(tmp_path, members), ReadOptions())


def test_archives_with_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("a.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FileError, match="holds a link"):
        read(tmp_path / "a.zip", ReadOptions())


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path, {"a.csv": b"name,lon,lat\n" + b"A,1,2\n" * 20_000})
    data = path.read_bytes()
    size = struct.pack("<I", 13 + 6 * 20_000)
    path.write_bytes(data.replace(size, struct.pack("<I", 30)))
    with pytest.raises(FileError, match="cannot be unpacked"):
        read(path, ReadOptions())


def test_the_size_unpacked_is_limited(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="unpacks too large; expected: at most 20 bytes"):
        read(zipped(tmp_path, {"a.csv": b"name,lon,lat\nA,1,2\nB,1,2\n"}), ReadOptions(limits=Limits(unzipped_bytes=20)))


def test_a_reader_that_needs_too_much_memory_is_stopped(tmp_path: Path) -> None:
    path = made(tmp_path, "a.csv", "name,lon,lat\n" + "A,1,2\n" * 900_000)
    with pytest.raises(FileError, match=r"too much memory|stopped its reader|could not be read"):
        read(path, ReadOptions(limits=Limits(memory_bytes=120_000_000)))


def test_a_reader_is_killed_when_its_caller_gives_up(tmp_path: Path) -> None:
    def give_up(_what: str, _share: float) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        read(made(tmp_path, "a.csv", "name,lon,lat\nA,1,2\n"), ReadOptions(), give_up)


@pytest.mark.parametrize(
    "wkt",
    [
        "GEOMETRYCOLLECTION (" * 50_000 + "POINT (1 2)" + ")" * 50_000,
        "POLYGON ((0 0, 1 1))",
        "POINT (nan nan)",
        "POINT (1 2" + "0" * 5000 + ")",
    ],
)
def test_hostile_wkt_is_a_problem_or_a_clear_error(tmp_path: Path, wkt: str) -> None:
    assert rows_or_refusal(made(tmp_path, "a.csv", f'wkt\n"{wkt}"\n')) in (1, "the file stopped its reader")


@pytest.mark.parametrize("crs", ["http://127.0.0.1:9/crs", "EPSG:4326\nrm", {"a": 1}])
def test_a_geojson_crs_is_an_epsg_code_or_refused(tmp_path: Path, crs: object) -> None:
    tree = {"type": "FeatureCollection", "features": [], "crs": {"type": "name", "properties": {"name": crs}}}
    with pytest.raises(CrsError, match="names a CRS we cannot read"):
        read(made(tmp_path, "a.geojson", json.dumps(tree)), ReadOptions())


def test_text_from_a_file_stays_text(tmp_path: Path) -> None:
    names = ["{{7*191}}", "${7*191}", "</script><img src=x onerror=alert(1)>", "'; DROP TABLE features; --"]
    table = read(made(tmp_path, "a.csv", "name,lon,lat\n" + "".join(f'"{name}",1,2\n' for name in names)), ReadOptions())
    assert table.frame["name"].tolist() == names


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "work"))
    (tmp_path / "work").mkdir()
    read(made(tmp_path, "a.csv", "name,lon,lat\nA,1,2\n"), ReadOptions())
    with pytest.raises(FileError, match="no header"):
        read(made(tmp_path, "b.csv", "\n"), ReadOptions())
    assert list((tmp_path / "work").iterdir()) == []
