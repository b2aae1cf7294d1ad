"""One feature, told from its row: no frame is made for it, since hundreds a second may be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from api.use._remember import remember
from api.use.items import place_of
from api.use.records import geojson, plain, system_text
from layers._layer import SYSTEM_COLUMNS, Layer
from layers._store import Snapshot
from layers._store.frames import is_made

_REVISION = "revision"
_SHORT = 200


@dataclass(frozen=True, kw_only=True)
class Item:
    """Where a feature stands in its layer's columns, and those that its reader may know."""

    layer: Layer
    fid: str
    at: int
    columns: Mapping[str, Any]
    snapshot: Snapshot

    @property
    def revision(self) -> int:
        """The revision that made the feature what it is."""
        return int(self.columns[_REVISION][self.at])

    @property
    def geometry(self) -> BaseGeometry | None:
        """Where it is."""
        found: BaseGeometry | None = self.columns["geometry"][self.at]
        return found

    @property
    def is_short(self) -> bool:
        """Whether telling it takes no time to speak of: its geometry has few vertices."""
        return self.geometry is None or int(shapely.get_num_coordinates(self.geometry)) <= _SHORT


def is_at_hand(snapshot: Snapshot, layer_id: str) -> bool:
    """Whether a feature of the layer can be found at once; after a start its frame may be still to be made."""
    return is_made(snapshot.whole.frames, layer_id)


def item(snapshot: Snapshot, layer_id: str, fid: str) -> Item:
    """The feature of that id.

    Raises
    ------
    NotFound
        There is no such layer or feature for whoever asks.
    """
    layer = snapshot.layer(layer_id)
    frame = snapshot.whole.frames[layer.id]
    at = place_of(frame, layer.id, fid)
    return Item(layer=layer, fid=fid, at=at, columns=remember(frame, "columns", _columns), snapshot=snapshot)


def told(found: Item) -> dict[str, Any]:
    """The feature as `api.use.records.features` tells it: of its columns those that may be read."""
    at, columns = found.at, found.columns
    properties = {
        column.name: plain(columns[column.name][at], column) for column in found.layer.readable(found.snapshot.readable)
    }
    properties |= {name: system_text(columns[name][at]) for name in SYSTEM_COLUMNS if name in columns and name != _REVISION}
    return {
        "type": "Feature", "id": found.fid, "geometry": _place(found.geometry), "properties": properties,
        "revision": found.revision,
    }


def _columns(frame: gpd.GeoDataFrame) -> dict[str, Any]:
    """The frame's columns as arrays: a frame looks a column up in a hundred times what an array takes."""
    return {str(name): column.array for name, column in pd.DataFrame(frame).items()}


def _place(geometry: BaseGeometry | None) -> dict[str, Any] | None:
    """A GeoJSON geometry; points, of which most are, without a text in between."""
    if isinstance(geometry, shapely.Point) and not geometry.is_empty and not geometry.has_z:
        return {"type": "Point", "coordinates": [geometry.x, geometry.y]}
    return geojson(geometry)
