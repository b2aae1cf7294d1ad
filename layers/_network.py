"""The road network beside the store: one file, made anew when the roads change, never trusted when it is damaged or foreign."""

import hashlib
import json
import os
import struct
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from geo_risk.access.road_graph import Left, RoadGraph, graph_of_arrays
from geo_risk.access.road_lines import DEFAULT_COLUMNS, TOLERANCE_M, Noding, road_graph
from geo_risk.errors import FileError, GeoRiskError
from layers._tables.vehicle_table import class_modes

_FORMAT: Final = 1
"""Raised when the rules by which a graph is made change, or the file's arrays."""
_NODING: Final[Noding] = "crossings"
_ARRAYS: Final = (
    "lon", "lat", "start", "end", "length_m", "road_class", "forward", "backward", "limit_kmh", "bridge", "tunnel",
    "feature", "part", "points", "point_at",
)  # fmt: skip
_BROKEN: Final = (
    OSError, EOFError, ValueError, KeyError, TypeError, OverflowError, MemoryError, RuntimeError, struct.error, zipfile.BadZipFile,
    GeoRiskError,
)  # fmt: skip
"""All that reading a file of any content raises."""


def road_network(frame: gpd.GeoDataFrame, path: Path, progress: Callable[[float], None] | None = None) -> RoadGraph:
    """The graph of the layer *roads*: from the file if that was made of these very rows, else made and saved there.

    Where the file cannot be written the graph is given all the same, and made again next time.
    """
    key = digest(frame)
    saved = load(path, key)
    if saved is not None:
        return saved
    graph = road_graph(frame, noding=_NODING, class_modes=class_modes(), progress=progress)
    save(graph, path, key)
    return graph


def digest(frame: gpd.GeoDataFrame) -> str:
    """What a graph is made of, in one number: the rows with their ids and geometries, the rules and this format."""
    rules = [_FORMAT, _NODING, TOLERANCE_M, sorted((kind, list(modes)) for kind, modes in class_modes().items())]
    found = hashlib.sha256(json.dumps(rules).encode())
    for part in _bytes(frame):
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.hexdigest()


def save(graph: RoadGraph, path: Path, key: str) -> bool:
    """Write the graph to a file beside ``path`` and put it in its place; whether that went well."""
    content: dict[str, Any] = {name: getattr(graph, name) for name in _ARRAYS}
    texts: dict[str, Any] = {"key": key, "classes": graph.classes, "feature_ids": graph.feature_ids, "names": graph.names}
    texts["left"] = [asdict(each) for each in graph.left]
    content["texts"] = np.frombuffer(json.dumps(texts).encode(), dtype=np.uint8)
    written = ""
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            written = file.name
            np.savez(file, **content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(written, path)
    except OSError:
        if written:
            Path(written).unlink(missing_ok=True)
        return False
    return True


def load(path: Path, key: str) -> RoadGraph | None:
    """The graph that was saved under that key; nothing from a file that is not there, of other rows, damaged or foreign."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as saved:
            texts = json.loads(bytes(saved["texts"]))
            return _graph({name: saved[name] for name in _ARRAYS}, texts) if texts["key"] == key else None
    except _BROKEN:
        return None


def _graph(arrays: dict[str, Any], texts: dict[str, Any]) -> RoadGraph:
    """What the file says; `graph_of_arrays` refuses all that is out of range."""
    if any(arrays[name].dtype.kind not in "biuf" for name in _ARRAYS):
        raise FileError("the network's file holds no network", where="road_network", then="it is made anew")
    listed: dict[str, Any] = {name: tuple(map(str, texts[name])) for name in ("classes", "feature_ids", "names")}
    return graph_of_arrays(**arrays, **listed, left=tuple(Left(**each) for each in texts["left"]))


def _bytes(frame: gpd.GeoDataFrame) -> Iterator[bytes]:
    """The rows in their order: ids, the columns that a graph reads, as text, and geometry as WKB."""
    yield json.dumps([str(row) for row in frame.index]).encode()
    for name in asdict(DEFAULT_COLUMNS).values():
        if name in frame:
            said = frame[name].astype("string")
            yield json.dumps([name, said.where(said.notna(), None).tolist()], default=str).encode()
    for shape in shapely.to_wkb(frame.geometry.to_numpy()):
        yield shape or b""
