"""The snapshot on disk: one file beside the store, from which a restart answers at once; any doubt, and the store is read.

    MAGIC | one part a layer, an Arrow IPC stream | head, JSON | length of the head, 8 bytes | sha256 of all but the parts

The head names the revision, the log's hash there, the declarations, and each part's length and sha256. A file is written whole
beside its place and renamed into it, never changed. It holds what the store holds, people's data too: its owner's eyes only.
Nothing is mapped from the disk: a file cut short under a mapping would end the process that reads it.
"""

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from sqlalchemy import make_url

from geo_risk.crs import WGS84
from geo_risk.errors import FileError, StoreFull, StoreUnavailable
from layers._frame import empty
from layers._layer import Layer
from layers._store.frames import Frames, uncollected
from layers._store.snapshot import Snapshot

_MAGIC: Final = b"geo-risk snapshot 1\n"
_LENGTH: Final = 8
_DIGEST: Final = 32
_STRAY_S: Final = 3600.0
"""What a process that was killed left half written is swept away after this long."""
_INDEX, _GEOMETRY, _LON, _LAT = "\tid", "\tgeometry", "\tlon", "\tlat"
"""The part's own columns; no declared column has such a name."""
_POINT: Final = 0
_NO_GEOMETRY: Final = -1
_UNREADABLE: Final = (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError, pa.ArrowException, FileError)
"""All that reading a file of any content raises."""


def saved_path(store: Path, where: Path | str = "") -> Path:
    """Where the snapshot of the store in that file is kept; that of a database lies there too, under a name of its own.

    >>> saved_path(Path("var/geo-risk.sqlite")).name
    'geo-risk.snapshot'
    >>> saved_path(Path("var/geo-risk.sqlite"), "postgresql://a:b@host/map").name
    'geo-risk.d75e8348.snapshot'
    """
    if isinstance(where, Path) or "://" not in where:
        return store.with_name(f"{store.stem}.snapshot")
    url = make_url(where)
    named = hashlib.sha256(f"{url.host} {url.port} {url.database} {sorted(url.query.items())}".encode()).hexdigest()[:8]
    return store.with_name(f"{store.stem}.{named}.snapshot")


def save(snapshot: Snapshot, path: Path) -> None:
    """Put the snapshot in the file at that path, whole or not at all; when this returns it is on the disk.

    Raises
    ------
    StoreFull
        The disk would be left with less room than the file takes: the store needs it more.
    StoreUnavailable
        The folder does not take it. Nothing is lost; a restart takes longer.
    """
    try:
        _sweep(path)
        with _replacing(path) as file:
            file.write(_MAGIC)
            parts = [_written(file, path, layer_id, frame) for layer_id, frame in snapshot.frames.items()]
            file.write(_tail(_head(snapshot, parts)))
    except OSError as error:
        raise StoreUnavailable(
            "the snapshot cannot be kept on the disk", where=path.name, expected="a folder that can be written",
            got=type(error).__name__, then="check the folder and its space; nothing is lost, a restart takes longer",
        ) from error


def saved(path: Path, layers: Mapping[str, Layer]) -> Snapshot | None:
    """The snapshot in the file, its frames made when they are asked for; None from one that is not there, damaged, or of others.

    It says what was so at its revision, if the log has the same hash there: whoever takes it up asks the log
    (`Store.take_up`).
    """
    try:
        with path.open("rb") as file:
            return _read(file, path.stat().st_size, layers)
    except _UNREADABLE:
        return None


def _head(snapshot: Snapshot, parts: list[list[Any]]) -> bytes:
    said = {
        "revision": snapshot.revision, "head": snapshot.head, "recorded_at": snapshot.recorded_at,
        "updated": dict(snapshot.updated), "declarations": _declarations(snapshot.layers), "parts": parts,
    }
    return json.dumps(said).encode()


def _declarations(layers: Mapping[str, Layer]) -> str:
    """What the frames of these layers look like, in one number: a file made by other declarations is of no use."""
    said = {layer_id: [layer.geometry.value, *_dtypes(layer).items()] for layer_id, layer in sorted(layers.items())}
    return hashlib.sha256(json.dumps(said, default=str).encode()).hexdigest()


def _dtypes(layer: Layer) -> dict[str, Any]:
    return {str(name): dtype for name, dtype in empty(layer).dtypes.items() if name != "geometry"}


def _tail(head: bytes) -> bytes:
    length = len(head).to_bytes(_LENGTH, "little")
    return head + length + hashlib.sha256(_MAGIC + head + length).digest()


def _written(file: IO[bytes], path: Path, layer_id: str, frame: gpd.GeoDataFrame) -> list[Any]:
    """Write one layer's part; its id, length and sha256."""
    content = _encoded(frame)
    if shutil.disk_usage(path.parent).free < 2 * content.size:
        raise StoreFull(
            "there is no room to keep the snapshot on the disk", where=path.name, expected="twice the room it takes",
            then="free some space; nothing is lost, a restart takes longer",
        )
    file.write(content)
    return [layer_id, content.size, hashlib.sha256(content).hexdigest()]


def _encoded(frame: gpd.GeoDataFrame) -> pa.Buffer:
    columns = {_INDEX: pa.array(frame.index.to_numpy(), pa.large_string()), **_places(frame.geometry.to_numpy())}
    columns |= {name: _column(frame[name]) for name in frame.columns if name != frame.geometry.name}
    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _column(values: pd.Series) -> Any:
    return pa.chunked_array(values.array.__arrow_array__()) if values.dtype == "str" else pa.array(_plain(values))


def _plain(values: pd.Series) -> Any:
    """Masked columns say what is missing; in plain ones nan and NaT are values like any other."""
    return values.array if isinstance(values.dtype, pd.Int64Dtype | pd.BooleanDtype) else values.to_numpy()


def _places(places: Any) -> dict[str, Any]:
    """Points as longitude and latitude, nan where there is none; anything else as WKB."""
    if np.isin(shapely.get_type_id(places), (_POINT, _NO_GEOMETRY)).all():
        return {_LON: pa.array(shapely.get_x(places)), _LAT: pa.array(shapely.get_y(places))}
    return {_GEOMETRY: pa.array(shapely.to_wkb(places, byte_order=1, include_srid=False), pa.large_binary())}


def _read(file: IO[bytes], size: int, layers: Mapping[str, Layer]) -> Snapshot | None:
    said = _stated(file, size)
    if said["declarations"] != _declarations(layers):
        return None
    file.seek(len(_MAGIC))
    tables = {layer_id: _table(file.read(length), digest) for layer_id, length, digest in said["parts"]}
    if set(tables) != set(layers):
        return None
    return Snapshot(
        revision=int(said["revision"]), head=str(said["head"]), recorded_at=said["recorded_at"], layers=layers,
        frames=Frames({layer_id: partial(_decoded, layer, tables[layer_id]) for layer_id, layer in layers.items()}),
        updated=MappingProxyType(dict(said["updated"])),
    )


def _stated(file: IO[bytes], size: int) -> dict[str, Any]:
    """The head, if the file begins and ends as one of ours does."""
    magic = file.read(len(_MAGIC))
    file.seek(size - _DIGEST - _LENGTH)
    length = file.read(_LENGTH)
    digest, begin = file.read(), size - _DIGEST - _LENGTH - int.from_bytes(length, "little")
    if magic != _MAGIC or begin < len(_MAGIC):
        raise _foreign()
    file.seek(begin)
    head = file.read(size - _DIGEST - _LENGTH - begin)
    if hashlib.sha256(magic + head + length).digest() != digest:
        raise _foreign()
    said: dict[str, Any] = json.loads(head)
    return said


def _foreign() -> FileError:
    return FileError("the file holds no whole snapshot of this version", where="snapshot", then="it is made anew")


def _table(content: bytes, digest: str) -> Any:
    if hashlib.sha256(content).hexdigest() != digest:
        raise _foreign()
    return pa.ipc.open_stream(pa.py_buffer(content)).read_all()


def _decoded(layer: Layer, table: Any) -> gpd.GeoDataFrame:
    """The layer's frame as `layers._frame.typed` makes it, text not copied."""
    index = pd.Index(table[_INDEX].to_numpy(), dtype=object, name="id")
    columns = {name: _values(table[name], dtype) for name, dtype in _dtypes(layer).items()}
    plain = pd.DataFrame(columns, index=index, copy=False)
    return gpd.GeoDataFrame(plain, geometry=gpd.GeoSeries(_shapes(table), index=index, crs=WGS84), copy=False)


def _values(column: Any, dtype: Any) -> Any:
    return dtype.__from_arrow__(column) if hasattr(dtype, "__from_arrow__") else np.array(column.to_numpy())


def _shapes(table: Any) -> Any:
    with uncollected():
        if _GEOMETRY in table.column_names:
            return shapely.from_wkb(table[_GEOMETRY].to_numpy())
        lon, lat = table[_LON].to_numpy(), table[_LAT].to_numpy()
        points = shapely.points(lon, lat)
        points[np.isnan(lon)] = None
        return points


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file beside the path that takes its place when the block ends well, and is gone when it does not."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", suffix=".part", delete=False) as file:
        part = Path(file.name)
        try:
            yield file
            file.flush()
            os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _sweep(path: Path) -> None:
    for stray in path.parent.glob(f".{path.name}.*.part"):
        if time.time() - stray.stat().st_mtime > _STRAY_S:
            stray.unlink(missing_ok=True)
