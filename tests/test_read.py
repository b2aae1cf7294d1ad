"""Reading: formats, row numbers, encodings, CRS and datum; each from a file made here by hand."""

import json
import zipfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_risk.datum import from_wgs84
from geo_risk.errors import CrsError, DatumError, FileError, ParameterError
from layers._read import Limits, ReadOptions, read
from layers._worker.encoding import decided
from layers._worker.plain import plain, plain_list

TWO_POINTS = "name,lon,lat\nA,10,50\nB,11,51\n"
CHINESE = "名称,经度,纬度\n西湖区防汛物资仓库,10,50\n河道管理所水闸,11,51\n"
JAPANESE = "名称,経度,緯度\nくすのき学童クラブ,10,50\n焼津市総合グラウンド,11,51\n"


def made(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def places(frame: gpd.GeoDataFrame) -> list[tuple[float, float] | None]:
    return [None if point is None else (round(point.x, 6), round(point.y, 6)) for point in frame.geometry]


def frame_of_two() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"name": ["A", "B"]}, geometry=[shapely.Point(10, 50), shapely.Point(11, 51)], crs=4326)


@pytest.fixture(params=["a.csv", "a.geojson", "a.gpkg", "a.kml", "a.shp", "a.xlsx", "a.zip"])
def any_format(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / str(request.param)
    if path.suffix == ".csv":
        return made(tmp_path, "a.csv", TWO_POINTS)
    if path.suffix == ".xlsx":
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            for row, cells in enumerate([["name", "lon", "lat"], ["A", 10, 50], ["B", 11, 51]]):
                sheet.write_row(row, 0, cells)
        return path
    if path.suffix == ".zip":
        frame_of_two().to_file(tmp_path / "in.shp", encoding="utf-8")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for part in tmp_path.glob("in.*"):
                archive.write(part, f"folder/{part.name}")
        return path
    frame = frame_of_two()
    if path.suffix == ".kml":
        frame = frame.rename(columns={"name": "Name"})
    frame.to_file(path, driver={".kml": "LIBKML"}.get(path.suffix), **({"encoding": "utf-8"} if path.suffix == ".shp" else {}))
    return path


def test_every_format_gives_the_same_table(any_format: Path) -> None:
    table = read(any_format, ReadOptions())
    assert places(table.frame) == [(10, 50), (11, 51)]
    assert [value for name in table.frame if name.lower() == "name" for value in table.frame[name]] == ["A", "B"]
    assert list(table.frame.index) == ([2, 3] if any_format.suffix in (".csv", ".xlsx") else [1, 2])
    assert (table.source_name, table.crs, table.problems, len(table.sha256)) == ("a", "EPSG:4326", (), 64)


def test_a_record_with_line_breaks_is_one_row(tmp_path: Path) -> None:
    table = read(made(tmp_path, "a.csv", 'name,lon,lat\n"A\nstill A",1,2\nB,3,4\n'), ReadOptions())
    assert table.frame["name"].to_dict() == {2: "A\nstill A", 3: "B"}


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_are_seen(tmp_path: Path, delimiter: str) -> None:
    assert len(read(made(tmp_path, "a.csv", TWO_POINTS.replace(",", delimiter)), ReadOptions()).placed_by) == 2


def test_blank_rows_are_left_out_and_others_keep_their_number(tmp_path: Path) -> None:
    assert list(read(made(tmp_path, "a.csv", "name,lon,lat\n,,\n\nB,3,4\n"), ReadOptions()).frame.index) == [4]


@pytest.mark.parametrize(
    ("text", "codec"), [(CHINESE, "gb18030"), (JAPANESE, "cp932"), (CHINESE, "utf-8"), (JAPANESE, "utf-8-sig")]
)
def test_encodings_are_decided(tmp_path: Path, text: str, codec: str) -> None:
    table = read(made(tmp_path, "a.csv", text.encode(codec)), ReadOptions())
    assert list(table.frame["名称"]) == [line.split(",")[0] for line in text.splitlines()[1:]]
    assert [note.code for note in table.notes] == ([] if codec.startswith("utf") else ["encoding_guessed"])


@pytest.mark.parametrize(
    "data",
    [
        "ｱｲｳｴｵ".encode("cp932"),
        "ﾔｲﾂﾞ".encode("cp932"),
        "水防倉庫".encode("cp932") + "中心中".encode("gb18030"),
        b"\xff\xfe\xfd,\x80\x81"[2:],
        b"caf\xe9 \xe8",
    ],
)
def test_doubtful_bytes_are_asked_about(data: bytes) -> None:
    with pytest.raises(FileError, match="--encoding gb18030"):
        decided(data)


@given(st.integers(0, 3754), st.integers(6, 40))
def test_common_hanzi_are_never_read_as_japanese(start: int, count: int) -> None:
    level_one = [bytes([0xB0 + i // 94, 0xA1 + i % 94]) for i in range(3755)]
    data = b"".join((level_one * 2)[start : start + count])
    try:
        codec, _ = decided(data)
    except FileError:
        return
    assert codec != "cp932"


def test_a_said_encoding_that_does_not_fit_names_the_byte(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"does not decode; where: byte 1 .line 1.; expected: utf-8; got: byte 0xc3"):
        read(made(tmp_path, "a.csv", CHINESE.encode("gb18030")), ReadOptions(encoding="utf-8"))


def test_unknown_encodings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such encoding; expected: utf-8, gb18030"):
        read(made(tmp_path, "a.csv", TWO_POINTS), ReadOptions(encoding="rot13"))


def test_dbf_in_gbk_without_cpg_is_decided_and_a_cut_character_is_named(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"名称": ["河道管理所水闸", "防汛物资仓库甲"]}, geometry=[shapely.Point(1, 2)] * 2, crs=4326)
    frame.to_file(tmp_path / "a.shp", encoding="gbk")
    (tmp_path / "a.cpg").unlink()
    dbf = bytearray((tmp_path / "a.dbf").read_bytes())
    width = dbf[32 + 16]
    start = int.from_bytes(dbf[8:10], "little") + 1
    dbf[start : start + width] = ("河" * 99).encode("gbk")[: width - 1] + b"\xba"
    (tmp_path / "a.dbf").write_bytes(dbf)
    table = read(tmp_path / "a.shp", ReadOptions())
    assert (table.encoding, table.frame["名称"].iloc[1]) == ("gb18030", "防汛物资仓库甲")
    assert [(problem.row, problem.rule) for problem in table.problems] == ([(1, "text_cut")] if width % 2 else [])


def test_projected_tables_need_only_their_code(tmp_path: Path) -> None:
    path = made(tmp_path, "a.csv", "name,x,y\nA,500000,0\n")
    assert places(read(path, ReadOptions(crs="EPSG:32631")).frame) == [(3, 0)]


def test_cgcs2000_zones_are_read_east_first_and_not_asked_about(tmp_path: Path) -> None:
    path = made(tmp_path, "a.csv", "name,x,y\nA,500000,3320113.397845\n")
    assert places(read(path, ReadOptions(crs="EPSG:4549")).frame) == [(120, 30)]


def test_wkt_columns_are_read_and_what_is_no_wkt_is_a_problem(tmp_path: Path) -> None:
    table = read(made(tmp_path, "a.csv", "name,wkt\nA,POINT (1 2)\nB,POINT (\nC,\n"), ReadOptions())
    assert places(table.frame) == [(1, 2), None, None]
    assert [(problem.row, problem.rule) for problem in table.problems] == [(3, "wkt")]


@pytest.mark.parametrize("lon", ["NaN", "inf", "1e999", "1_0", "ten", "", "12°30"])
def test_a_row_without_two_finite_numbers_is_a_problem(tmp_path: Path, lon: str) -> None:
    table = read(made(tmp_path, "a.csv", f"name,lon,lat\nA,{lon},50\nB,11,51\nC,,\n"), ReadOptions())
    assert places(table.frame) == [None, (11, 51), None]
    assert [(problem.row, problem.column, problem.rule) for problem in table.problems] == [(2, "lon", "coordinates")]


@pytest.mark.parametrize(
    "header", ["名称,经度（度）,纬度（度）", "Name,LNG,Lat", "n,東経,北緯", "n,Longitude (deg),Latitude (deg)", "n,Ｘ,Ｙ"]
)
def test_coordinate_columns_are_known_by_many_names(tmp_path: Path, header: str) -> None:
    assert places(read(made(tmp_path, "a.csv", f"{header}\nA,10,50\n"), ReadOptions()).frame) == [(10, 50)]


def test_named_coordinate_columns_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no such column for --lon; expected: one of name, lon, lat; got: east"):
        read(made(tmp_path, "a.csv", TWO_POINTS), ReadOptions(lon="east", lat="lat"))
    with pytest.raises(FileError, match="expected: both --lon and --lat"):
        read(made(tmp_path, "a.csv", TWO_POINTS), ReadOptions(lon="lon"))


def test_a_vector_file_without_crs_asks(tmp_path: Path) -> None:
    frame_of_two().to_file(tmp_path / "a.shp", encoding="utf-8")
    (tmp_path / "a.prj").unlink()
    with pytest.raises(CrsError, match=r"does not say its CRS.*--crs EPSG"):
        read(tmp_path / "a.shp", ReadOptions())
    assert places(read(tmp_path / "a.shp", ReadOptions(crs="EPSG:4326")).frame)[0] == (10, 50)


@pytest.mark.parametrize("code", ["EPSG:999999", "4326", "+proj=longlat", "EPSG:4326; rm", "urn:x"])
def test_only_known_epsg_codes_are_taken(tmp_path: Path, code: str) -> None:
    with pytest.raises(CrsError, match="CRS"):
        read(made(tmp_path, "a.csv", TWO_POINTS), ReadOptions(crs=code))


def test_overriding_a_files_own_crs_is_noted(tmp_path: Path) -> None:
    frame_of_two().to_file(tmp_path / "a.gpkg")
    notes = read(tmp_path / "a.gpkg", ReadOptions(crs="EPSG:4612")).notes
    assert [(note.code, dict(note.words)) for note in notes] == [("crs_overridden", {"file": "EPSG:4326", "said": "EPSG:4612"})]


def test_inside_china_the_datum_is_asked_for(tmp_path: Path) -> None:
    path = made(tmp_path, "a.csv", "name,lon,lat\nA,120.2,30.3\n")
    with pytest.raises(DatumError, match=r"shifted by hundreds of metres.*--datum wgs84, cgcs2000, gcj02"):
        read(path, ReadOptions())
    assert places(read(path, ReadOptions(datum="wgs84")).frame) == [(120.2, 30.3)]
    assert places(read(path, ReadOptions(crs="EPSG:4490")).frame) == [(120.2, 30.3)]


@pytest.mark.parametrize("datum", ["gcj02", "bd09"])
def test_shifted_coordinates_come_back(tmp_path: Path, datum: str) -> None:
    lon, lat = from_wgs84([120.2], [30.3], datum)  # type: ignore[arg-type]
    path = made(tmp_path, "a.csv", f"name,lon,lat\nA,{lon[0]},{lat[0]}\n")
    assert places(read(path, ReadOptions(datum=datum)).frame) == [(120.2, 30.3)]


def test_areas_are_shifted_vertex_by_vertex(tmp_path: Path) -> None:
    square = shapely.box(120, 30, 120.1, 30.1)
    lon, lat = from_wgs84(*shapely.get_coordinates(square).T, "gcj02")
    gpd.GeoSeries([shapely.Polygon(zip(lon, lat, strict=True))], crs=4326).to_file(tmp_path / "a.gpkg")
    moved = read(tmp_path / "a.gpkg", ReadOptions(datum="gcj02")).frame.geometry.iloc[0]
    assert moved.equals_exact(square, 1e-9, normalize=True)


def test_unknown_datums_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"no such datum.*wgs84, cgcs2000, gcj02, bd09"):
        read(made(tmp_path, "a.csv", TWO_POINTS), ReadOptions(datum="mars"))


def test_a_geopackage_with_several_tables_asks_which(tmp_path: Path) -> None:
    frame_of_two().to_file(tmp_path / "a.gpkg", layer="one")
    frame_of_two().to_file(tmp_path / "a.gpkg", layer="two")
    with pytest.raises(FileError, match=r"several tables; expected: one of one, two.*--table"):
        read(tmp_path / "a.gpkg", ReadOptions())
    assert len(read(tmp_path / "a.gpkg", ReadOptions(gpkg_layer="two")).frame) == 2


def test_geojson_may_name_an_older_crs(tmp_path: Path) -> None:
    tree = json.loads(frame_of_two().to_json()) | {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}}
    assert read(made(tmp_path, "a.geojson", json.dumps(tree)), ReadOptions()).crs == "EPSG:4490"


def test_twice_the_same_heading_keeps_both_and_says_so(tmp_path: Path) -> None:
    table = read(made(tmp_path, "a.csv", "note,note,lon,lat\na,b,1,2\n"), ReadOptions())
    assert [*table.frame.columns[:2], table.notes[0].code] == ["note", "note (column 2)", "header_twice"]


def test_progress_reaches_the_caller(tmp_path: Path) -> None:
    seen: list[tuple[str, float]] = []
    read(made(tmp_path, "a.csv", TWO_POINTS), ReadOptions(), lambda what, share: seen.append((what, share)))
    assert seen
    assert all(0 <= share <= 1 for _, share in seen)


@pytest.mark.parametrize(
    ("limits", "match"),
    [
        (Limits(rows=1), "too many rows; expected: at most 1"),
        (Limits(upload_bytes=10), "too large; expected: at most 10 bytes"),
        (Limits(columns=2), "too many columns; expected: at most 2; got: 3"),
        (Limits(seconds=0), "stopped its reader"),
    ],
)
def test_limits_hold(tmp_path: Path, limits: Limits, match: str) -> None:
    with pytest.raises(FileError, match=match):
        read(made(tmp_path, "a.csv", TWO_POINTS), ReadOptions(limits=limits))


def test_too_many_vertices_are_a_problem_of_their_row(tmp_path: Path) -> None:
    table = read(
        made(tmp_path, "a.csv", 'wkt\n"LINESTRING (0 0, 1 1, 2 2)"\n"LINESTRING (0 0, 1 1)"\n'),
        ReadOptions(limits=Limits(vertices=2)),
    )
    assert [(problem.row, problem.rule) for problem in table.problems] == [(2, "vertices")]


@settings(max_examples=50)
@given(st.text(max_size=80))
def test_plain_text_prints_on_one_line(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) <= 60
    assert plain_list([text] * 30).isprintable()
