import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from geo_risk.errors import FileError, ParameterError
from geo_risk.scale.partitions import centroids_of, columns_of, partitions, points_of, read_partition, read_points, write_partitions


def buildings(count=1000, seed=1):
    rng = np.random.default_rng(seed)
    points = gpd.points_from_xy(rng.uniform(119, 121, count), rng.uniform(28, 30, count))
    return gpd.GeoDataFrame({"id": [f"b{n}" for n in range(count)], "value": rng.random(count)}, geometry=points, crs=4326)


def all_rows(pieces):
    return pd.concat([read_partition(piece, ["id", "value"]) for piece in pieces])


def test_what_is_written_is_read_again_in_pieces_of_bounded_size(tmp_path):
    pieces = write_partitions([buildings()], tmp_path / "out", rows_a_piece=300)
    assert [piece.rows for piece in pieces] == [300, 300, 300, 100]
    back = all_rows(pieces).set_index("id").loc[buildings()["id"]]
    assert back["value"].tolist() == buildings()["value"].tolist()
    assert back.geometry.tolist() == buildings().geometry.tolist()


def test_the_files_do_not_depend_on_the_order_of_rows(tmp_path):
    frame = buildings()
    one = write_partitions([frame], tmp_path / "one", 300)
    two = write_partitions([frame[::-1][:400], frame[::-1][400:]], tmp_path / "two", 300)
    assert all_rows(one)["id"].tolist() == all_rows(two)["id"].tolist()


def test_a_piece_covers_a_small_part_of_the_map(tmp_path):
    pieces = write_partitions([buildings(4000)], tmp_path / "out", 100)
    sides = [np.ptp(read_partition(piece, []).geometry.x) for piece in pieces]
    assert np.median(sides) < 0.6  # of 2 degrees; pieces of rows as given span nearly all of it


def test_geopandas_reads_it_and_its_files_are_read(tmp_path):
    write_partitions([buildings(50)], tmp_path / "ours")
    assert gpd.read_parquet(next((tmp_path / "ours").iterdir())).crs.equals(4326, ignore_axis_order=True)
    buildings(50).to_crs(32651).to_parquet(tmp_path / "theirs.parquet", write_covering_bbox=True)
    (piece,) = partitions(tmp_path / "theirs.parquet")
    assert columns_of(tmp_path / "theirs.parquet") == ("id", "value")
    assert np.allclose(read_partition(piece, ["id"]).geometry.x, buildings(50).geometry.x, atol=1e-9)


def test_missing_geometry_stays_missing(tmp_path):
    frame = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[None, shapely.Point(120, 30)], crs=4326)
    frame.to_parquet(tmp_path / "b.parquet")
    (piece,) = partitions(tmp_path / "b.parquet")
    assert read_partition(piece, ["id"]).geometry.isna().tolist() == [True, False]


def plain(path, geo=None):
    table = pa.table({"id": ["a"]})
    pq.write_table(table.replace_schema_metadata({b"geo": geo} if geo else None), path)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.write_bytes(b"PAR1 and nothing more"), "the file is no Parquet"),
        (plain, "the file has no geometry"),
        (lambda path: plain(path, b'{"primary_column":"g","columns":{"g":{"encoding":"point"}}}'), "the geometry is not WKB"),
        (lambda path: plain(path, b'{"primary_column":"g","columns":{"g":{"encoding":"WKB","crs":null}}}'), "its CRS is unknown"),
        (lambda path: plain(path, b'{"primary_column":"g","columns":{}}'), "geo metadata cannot be understood"),
        (lambda path: plain(path, b"["), "geo metadata cannot be understood"),
        (lambda path: None, "no exposure there"),
    ],
)
def test_files_that_are_refused(tmp_path, make, told):
    make(tmp_path / "x.parquet")
    with pytest.raises(FileError, match=told):
        partitions(tmp_path / "x.parquet")


def test_a_column_that_is_not_there(tmp_path):
    (piece,) = write_partitions([buildings(5)], tmp_path / "out")
    with pytest.raises(FileError, match=r"a column is not there.*expected: geometry, id, value; got: people"):
        read_partition(piece, ["people"])


def test_a_file_that_changed_meanwhile(tmp_path):
    (piece,) = write_partitions([buildings(5)], tmp_path / "out")
    buildings(6).to_parquet(piece.path)
    with pytest.raises(FileError, match="has changed since its pieces were listed"):
        read_partition(piece, ["id"])


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(ParameterError, match="the folder is not empty"):
        write_partitions([buildings(5)], tmp_path)


def test_files_of_one_folder_that_differ(tmp_path):
    buildings(5).to_parquet(tmp_path / "a.parquet")
    buildings(5).drop(columns="value").to_parquet(tmp_path / "b.parquet")
    with pytest.raises(FileError, match="differ in their columns"):
        partitions(tmp_path)


L_SHAPE = shapely.Polygon([(0, 0), (4, 0), (4, 1), (1, 1), (1, 4), (0, 4)])
RING = shapely.Polygon([(0, 0), (0, 9), (9, 9), (9, 0)], [[(1, 1), (5, 1), (5, 5), (1, 5)]])
SHAPES = [
    L_SHAPE, L_SHAPE.reverse(), RING, shapely.MultiPolygon([L_SHAPE, shapely.box(20, 20, 21, 25)]), shapely.Point(3, 4),
    shapely.Point(3, 4, 5), shapely.force_3d(RING, 7), None, shapely.Polygon(), shapely.Point(), shapely.MultiPolygon(),
    shapely.LineString([(0, 0), (2, 0), (2, 2)]), shapely.MultiPoint([(0, 0), (4, 2)]), shapely.Polygon([(0, 0), (2, 0), (0, 0)]),
]  # fmt: skip


@pytest.mark.parametrize("far", [(0, 0), (119.7, 28.5), (5e5, 4e6)])
def test_centroids_are_those_of_geos(far):
    shapes = [None if shape is None else shapely.transform(shape, lambda xy: xy + far) for shape in SHAPES]
    x, y = centroids_of(pa.chunked_array([pa.array(shapely.to_wkb(shapes, flavor="iso"), pa.binary())]))
    theirs = [(np.nan, np.nan) if shape is None or shape.is_empty else shape.centroid.coords[0] for shape in shapes]
    assert np.allclose(np.column_stack([x, y]), theirs, rtol=1e-13, atol=0, equal_nan=True)


@pytest.mark.parametrize("flavour", [{"byte_order": 0}, {"flavor": "extended", "include_srid": True}, {"flavor": "extended"}])
def test_other_kinds_of_binary_go_to_geos(flavour):
    shapes = shapely.set_srid([shapely.force_3d(RING, 1), L_SHAPE], 4326)
    x, _ = centroids_of(pa.chunked_array([pa.array(shapely.to_wkb(shapes, **flavour), pa.binary())]))
    assert np.allclose(x, shapely.get_x(shapely.centroid(shapes)), rtol=1e-13)


@pytest.mark.parametrize("cut", [1, 4, 9, 12, 20, 60])
def test_binary_that_ends_too_early_is_never_read_beyond_its_end(cut):
    whole = shapely.to_wkb(RING)
    x, _ = centroids_of(pa.chunked_array([pa.array([whole[:cut], whole], pa.binary())]))
    assert x.tolist() == pytest.approx([np.nan, shapely.centroid(RING).x], nan_ok=True)  # and hides no other


def test_points_from_a_file_in_metres_are_those_of_the_frame(tmp_path):
    buildings(50).to_crs(32651).to_parquet(tmp_path / "b.parquet")
    (piece,) = partitions(tmp_path / "b.parquet")
    ours, theirs = read_points(piece, ["id"]), points_of(buildings(50), ["id"])
    assert np.allclose(ours[["lon", "lat"]], theirs[["lon", "lat"]], atol=1e-9)
