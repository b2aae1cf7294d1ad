"""The snapshot on disk: one file beside the store, from which a restart answers at once; any doubt, and the store is read.

Each layer is one part of the file (`layers._kept_file`), an Arrow IPC stream; its head names the revision, the log's hash there
and the declarations. It holds what the store holds, people's data too.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from geo_risk.crs import WGS84
from layers._collector import uncollected
from layers._frame import dtypes_of
from layers._kept_file import KeptFile, keep, kept_file
from layers._layer import Layer
from layers._store.frames import Frames, Part, Pending
from layers._store.snapshot import Snapshot

_INDEX, _GEOMETRY, _LON, _LAT = "\tid", "\tgeometry", "\tlon", "\tlat"
"""The part's own columns; no declared column has such a name."""
_POINT: Final = 0
_NO_GEOMETRY: Final = -1
_UNREADABLE: Final = (ValueError, KeyError, TypeError, OverflowError, MemoryError, pa.ArrowException)
"""All that reading parts of any content raises."""


def save(snapshot: Snapshot, path: Path) -> None:
    """Put the snapshot in the file at that path, as `layers._kept_file.keep` does."""
    keep(path, _head(snapshot), ((layer_id, memoryview(_encoded(frame))) for layer_id, frame in snapshot.frames.items()))


def saved(path: Path, layers: Mapping[str, Layer]) -> Snapshot | None:
    """The snapshot in the file; None from one that is not there, damaged, or of others. See `snapshot_in`."""
    kept = kept_file(path)
    return None if kept is None else snapshot_in(kept, layers)


def snapshot_in(kept: KeptFile, layers: Mapping[str, Layer]) -> Snapshot | None:
    """The snapshot that was kept, its frames made when they are asked for; None from a file of others.

    It says what was so at its revision, if the log has the same hash there: whoever takes it up asks the log
    (`Store.take_up`).
    """
    try:
        return _snapshot(kept.said, kept.parts, layers)
    except _UNREADABLE:
        return None


def _head(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "revision": snapshot.revision, "head": snapshot.head, "recorded_at": snapshot.recorded_at,
        "updated": dict(snapshot.updated), "declarations": _declarations(snapshot.layers),
    }


def _declarations(layers: Mapping[str, Layer]) -> str:
    """What the frames of these layers look like, in one number: a file made by other declarations is of no use."""
    said = {layer_id: [layer.geometry.value, *dtypes_of(layer).items()] for layer_id, layer in sorted(layers.items())}
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


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


def _snapshot(said: Mapping[str, Any], parts: Mapping[str, bytes], layers: Mapping[str, Layer]) -> Snapshot | None:
    if said["declarations"] != _declarations(layers) or set(parts) != set(layers):
        return None
    tables = {layer_id: pa.ipc.open_stream(pa.py_buffer(content)).read_all() for layer_id, content in parts.items()}
    return Snapshot(
        revision=int(said["revision"]), head=str(said["head"]), recorded_at=said["recorded_at"], layers=layers,
        frames=Frames({layer_id: _pending(layer, tables[layer_id]) for layer_id, layer in layers.items()}),
        updated=MappingProxyType(dict(said["updated"])),
    )


def _pending(layer: Layer, table: Any) -> Pending:
    def part(start: int, stop: int) -> Part:
        return Part(_decoded(layer, table[start:stop]), table.num_rows)

    return Pending(partial(_decoded, layer, table), part)


def _decoded(layer: Layer, table: Any) -> gpd.GeoDataFrame:
    """The layer's frame as `layers._frame.typed` makes it, text not copied."""
    index = pd.Index(table[_INDEX].to_numpy(), dtype=object, name="id")
    columns = {name: _values(table[name], pd.api.types.pandas_dtype(dtype)) for name, dtype in dtypes_of(layer).items()}
    plain = pd.DataFrame(columns, index=index, copy=False)
    # an array of geometries made here need not be looked through for what is none
    places = gpd.array.GeometryArray(_shapes(table), crs=WGS84)
    return gpd.GeoDataFrame(plain, geometry=gpd.GeoSeries(places, index=index), copy=False)


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
