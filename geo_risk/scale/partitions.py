"""Exposure in GeoParquet, a row group at a time: what pieces a file or folder holds, one piece read, pieces written.

GeoParquet 1.1 (OGC): geometry as WKB, its CRS in the file's ``geo`` metadata, longitude and latitude where it names none.
Written pieces are sorted along a Hilbert curve, so that each covers a small part of the map.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from geo_risk.areas import coordinates_of
from geo_risk.chunks import over_spans, spans
from geo_risk.crs import WGS84, require_lonlat
from geo_risk.errors import FileError, ParameterError, shown
from geo_risk.scale._wkb_kernel import centroids

ROWS_A_PIECE: Final = 100_000
MAX_ROWS_A_PIECE: Final = 2_000_000
_HILBERT_LEVEL: Final = 15
_BUCKET_ROWS: Final = 1_000_000
_SPAN: Final = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One row group of one file: enough to read it, and nothing of what it holds."""

    path: str
    group: int
    rows: int


def partitions(path: Path) -> tuple[Partition, ...]:
    """Every row group of a GeoParquet file, or of the ``.parquet`` files of a folder by name.

    Raises
    ------
    FileError
        There is no such file, it is no GeoParquet, its geometry is not WKB, or a row group has more than 2,000,000 rows:
        memory is bounded by the piece.
    """
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise FileError("no exposure there", where=path.name, expected="a GeoParquet file, or a folder of them", got="nothing")
    found = [piece for file in files for piece in _pieces(file)]
    columns = {tuple(sorted(_schema_of(file).names)) for file in files}
    if len(columns) > 1:
        raise FileError("the files of the folder differ in their columns", where=path.name, expected="the same columns in each")
    return tuple(found)


def columns_of(path: Path) -> tuple[str, ...]:
    """The names of the columns besides the geometry."""
    file = min(path.glob("*.parquet")) if path.is_dir() else path
    geometry, _ = _geometry_of(_schema_of(file), file)
    return tuple(name for name in _schema_of(file).names if name not in (geometry, "bbox"))


def read_partition(piece: Partition, columns: Sequence[str]) -> gpd.GeoDataFrame:
    """One piece as a frame in EPSG:4326 with those columns.

    Raises
    ------
    FileError
        A column is not there, or the file is not what it was when the pieces were listed.
    """
    table, geometry, crs = _read(piece, columns)
    shapes = shapely.from_wkb(table.column(geometry).to_numpy(zero_copy_only=False), on_invalid="ignore")
    frame = gpd.GeoDataFrame(table.select(list(columns)).to_pandas(), geometry=shapes, crs=crs)
    return frame if _is_lonlat(crs) else frame.to_crs(WGS84)


def read_points(piece: Partition, columns: Sequence[str]) -> pd.DataFrame:
    """One piece as points: its columns, and ``lon`` and ``lat`` of each row's centroid, nan where it has no geometry.

    A footprint's centroid may lie outside an L or a U; for buildings that is metres. It is taken in the file's CRS.

    Raises
    ------
    FileError
        As `read_partition`.
    """
    table, geometry, crs = _read(piece, columns)
    lon, lat = _lonlat(*centroids_of(table.column(geometry)), crs)
    told: pd.DataFrame = table.select(list(columns)).to_pandas()
    return told.assign(lon=lon, lat=lat)


def points_of(frame: gpd.GeoDataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """What `read_points` gives, from a frame in memory, by the same code.

    Raises
    ------
    CrsError
        Not longitude, latitude.

    Examples
    --------
    >>> frame = gpd.GeoDataFrame({"id": ["a", "b"]}, geometry=[shapely.box(120, 30, 122, 31), None], crs=4326)
    >>> points_of(frame, ["id"])[["lon", "lat"]].to_numpy().tolist()
    [[121.0, 30.5], [nan, nan]]
    """
    require_lonlat(frame, "exposure")
    x, y = centroids_of(pa.chunked_array([pa.array(shapely.to_wkb(frame.geometry.to_numpy()), pa.binary())]))
    return pd.DataFrame(frame[list(columns)]).assign(lon=x, lat=y)


def centroids_of(column: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The centroids of WKB in an Arrow column, in its own units; nan for none, and for what is empty."""
    one = column.combine_chunks().cast(pa.large_binary())
    _, offsets, data = one.buffers()
    starts = np.frombuffer(offsets, dtype=np.int64)[one.offset : one.offset + len(one) + 1] if len(one) else np.zeros(1, np.int64)
    bytes_of_all = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(1, dtype=np.uint8)
    x, y, left = np.empty(len(one)), np.empty(len(one)), np.zeros(len(one), dtype=bool)

    def span(part: slice) -> None:
        centroids(bytes_of_all, starts[part.start : part.stop + 1], x[part], y[part], left[part])

    over_spans(span, spans(len(one), _SPAN))
    if left.any():
        # what is no well-known binary has no place, and hides no other row
        rest = shapely.centroid(shapely.from_wkb(one.filter(pa.array(left)).to_numpy(zero_copy_only=False), on_invalid="ignore"))
        x[left], y[left] = coordinates_of(rest)
    return x, y


def write_partitions(frames: Iterable[gpd.GeoDataFrame], folder: Path, rows_a_piece: int = ROWS_A_PIECE) -> tuple[Partition, ...]:
    """Write frames (EPSG:4326, the same columns) as one folder of pieces sorted along a Hilbert curve over the globe.

    Two passes, so that no more than a million rows or a bucket are in memory: rows go to buckets by the first part of
    their Hilbert number, then each bucket is sorted and written as one file. Rows of equal number keep no order of
    their own: they are sorted by their bytes, so the result does not depend on the order of the rows given.

    Raises
    ------
    ParameterError
        The folder is not empty, or a piece would have no rows or more than 2,000,000.
    """
    if not 0 < rows_a_piece <= MAX_ROWS_A_PIECE:
        raise ParameterError(
            "rows a piece out of range", where="write_partitions", expected=f"1 to {MAX_ROWS_A_PIECE}", got=shown(rows_a_piece)
        )
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise ParameterError("the folder is not empty", where=folder.name, expected="an empty folder", then="name another")
    buckets = folder / "_buckets"
    buckets.mkdir()
    for number, frame in enumerate(frames):
        _to_buckets(frame, buckets, number)
    for number, names in enumerate(_even(buckets)):
        _write_bucket(names, folder / f"part-{number:05d}.parquet", rows_a_piece)
    for name in buckets.iterdir():
        name.unlink()
    buckets.rmdir()
    return partitions(folder)


def _read(piece: Partition, columns: Sequence[str]) -> tuple[Any, str, pyproj.CRS]:
    """The table of one piece, the name of its geometry column and its CRS."""
    path = Path(piece.path)
    with _opened(path) as file:
        schema = file.schema_arrow
        geometry, crs = _geometry_of(schema, path)
        missing = sorted(set(columns) - set(schema.names))
        if missing:
            raise FileError(
                "a column is not there", where=path.name, expected=", ".join(sorted(schema.names))[:200],
                got=", ".join(map(shown, missing)),
            )
        if piece.group >= file.num_row_groups or file.metadata.row_group(piece.group).num_rows != piece.rows:
            raise FileError("the file has changed since its pieces were listed", where=path.name, then="start again")
        return file.read_row_group(piece.group, columns=[*columns, geometry], use_threads=False), geometry, crs


def _lonlat(
    x: NDArray[np.float64], y: NDArray[np.float64], crs: pyproj.CRS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if _is_lonlat(crs):
        return x, y
    lon, lat = pyproj.Transformer.from_crs(crs, WGS84, always_xy=True).transform(x, y)
    inside = np.isfinite(lon) & np.isfinite(lat)
    return np.where(inside, lon, np.nan), np.where(inside, lat, np.nan)


def _is_lonlat(crs: pyproj.CRS) -> bool:
    return bool(crs.equals(pyproj.CRS(WGS84), ignore_axis_order=True))


def _pieces(file: Path) -> list[Partition]:
    with _opened(file) as opened:
        _geometry_of(opened.schema_arrow, file)
        groups = [opened.metadata.row_group(group).num_rows for group in range(opened.num_row_groups)]
    if groups and max(groups) > MAX_ROWS_A_PIECE:
        raise FileError(
            "a row group is too large to work on in one piece", where=file.name, expected=f"at most {MAX_ROWS_A_PIECE} rows",
            got=str(max(groups)), then="write it anew with smaller row groups",
        )
    return [Partition(path=str(file), group=group, rows=rows) for group, rows in enumerate(groups) if rows]


def _opened(file: Path) -> Any:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise FileError("the file is no Parquet", where=file.name, expected="GeoParquet", got=type(error).__name__) from None


def _schema_of(file: Path) -> Any:
    with _opened(file) as opened:
        return opened.schema_arrow


def _geometry_of(schema: Any, file: Path) -> tuple[str, pyproj.CRS]:
    """The name of the geometry column and its CRS, from the file's ``geo`` metadata."""
    told = (schema.metadata or {}).get(b"geo")
    if told is None:
        raise FileError("the file has no geometry", where=file.name, expected="GeoParquet", got="plain Parquet")
    try:
        geo = json.loads(told)
        name = str(geo["primary_column"])
        column = dict(geo["columns"][name])
    except (ValueError, LookupError, TypeError):
        raise FileError("the geo metadata cannot be understood", where=file.name, expected="GeoParquet 1.0 or 1.1") from None
    if column.get("encoding") != "WKB":
        got = shown(column.get("encoding"))
        raise FileError("the geometry is not WKB", where=file.name, expected="WKB", got=got, then="write it as WKB")
    if "crs" in column and column["crs"] is None:
        raise FileError("the file says that its CRS is unknown", where=file.name, expected="a CRS", then="write it with its CRS")
    try:
        return name, pyproj.CRS(column.get("crs", "OGC:CRS84"))
    except CRSError:
        raise FileError("the CRS cannot be understood", where=file.name, expected="PROJJSON", then="write it anew") from None


def _to_buckets(frame: gpd.GeoDataFrame, buckets: Path, number: int) -> None:
    """Append a frame's rows to the files of their buckets; a file name holds the first part of the Hilbert number."""
    require_lonlat(frame, "write_partitions")
    order = frame.geometry.hilbert_distance((-180.0, -90.0, 180.0, 90.0), level=_HILBERT_LEVEL).to_numpy(dtype=np.uint64)
    table = pa.Table.from_pandas(pd.DataFrame(frame.drop(columns=frame.geometry.name)), preserve_index=False)
    table = table.append_column("geometry", pa.array(shapely.to_wkb(frame.geometry.to_numpy()), pa.binary()))
    table = table.append_column("_order", pa.array(order))
    for bucket in np.unique(order >> np.uint64(_bucket_shift())):
        rows = np.flatnonzero(order >> np.uint64(_bucket_shift()) == bucket)
        pq.write_table(table.take(pa.array(rows)), buckets / f"{bucket:012d}-{number:06d}.parquet", compression="zstd")


def _bucket_shift() -> int:
    """Buckets are squares of some 10 km."""
    return 2 * (_HILBERT_LEVEL - 12)


def _even(buckets: Path) -> Iterator[list[Path]]:
    """Files in the order of the curve, gathered until a million rows are together; a bucket is never parted."""
    gathered: list[Path] = []
    rows, last = 0, ""
    for file in sorted(buckets.iterdir()):
        bucket = file.name.partition("-")[0]
        if rows >= _BUCKET_ROWS and bucket != last:
            yield gathered
            gathered, rows = [], 0
        gathered.append(file)
        rows += pq.ParquetFile(file).metadata.num_rows
        last = bucket
    if gathered:
        yield gathered


def _write_bucket(files: Sequence[Path], to: Path, rows_a_piece: int) -> None:
    table = pa.concat_tables([pq.read_table(file) for file in files])
    others = [name for name in table.column_names if name not in ("_order", "geometry")]
    keys = [(name, "ascending") for name in ("_order", "geometry", *others)]
    table = table.sort_by(keys).drop_columns(["_order"])
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", "geometry_types": []}}}
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), b"geo": json.dumps(geo).encode()})
    pq.write_table(table, to, compression="zstd", row_group_size=rows_a_piece)
