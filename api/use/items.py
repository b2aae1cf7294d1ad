"""A layer's features, page by page: what a GIS asks for."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from api.use.parameters import Box
from geo_risk.errors import NotFound, shown
from layers._store import Snapshot
from layers._store.frames import part_of, position
from layers._store.touched import touched


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows ``offset`` to ``offset + len(rows)`` of ``matched``, in the order of ids; all of one revision."""

    rows: gpd.GeoDataFrame
    matched: int
    offset: int
    revision: int

    @property
    def has_next(self) -> bool:
        """Whether rows are left after this page."""
        return self.offset + len(self.rows) < self.matched


def page(snapshot: Snapshot, layer_id: str, bbox: Box | None, limit: int, offset: int) -> Page:
    """The features of a layer whose geometry touches the box (all without one), ``limit`` from ``offset`` on."""
    found = snapshot.layer(layer_id).id
    if bbox is None:
        rows, matched = part_of(snapshot.frames, found, offset, offset + limit)
    else:
        # whoever asks, it is the tree of the same frame
        inside = touching(snapshot.whole.frames[found], bbox)
        rows, matched = snapshot.frames[found].iloc[inside[offset : offset + limit]], len(inside)
    return Page(rows=rows, matched=matched, offset=offset, revision=snapshot.revision)


def one(snapshot: Snapshot, layer_id: str, fid: str) -> gpd.GeoDataFrame:
    """The one feature of that id, as a frame of one row.

    Raises
    ------
    NotFound
        There is no such layer or feature.
    """
    frame = snapshot.frames[snapshot.layer(layer_id).id]
    return frame.iloc[[place_of(frame, layer_id, fid)]]


def place_of(frame: gpd.GeoDataFrame, layer_id: str, fid: str) -> int:
    """Where the feature of that id stands in the layer's frame; `NotFound` where it is not there."""
    at = position(frame, fid)
    if at is None:
        raise NotFound(
            f"layer {layer_id} has no such feature", where=layer_id, expected="an id listed by its items", got=shown(fid)
        )
    return at


def touching(frame: gpd.GeoDataFrame, bbox: Box) -> np.ndarray:
    """Positions, rising, of the rows whose geometry touches the box; a box across the antimeridian is two."""
    if len(frame) == 0:
        return np.array([], dtype=int)
    boxes = (
        [shapely.box(bbox.west, bbox.south, bbox.east, bbox.north)]
        if bbox.west <= bbox.east
        else [shapely.box(bbox.west, bbox.south, 180.0, bbox.north), shapely.box(-180.0, bbox.south, bbox.east, bbox.north)]
    )
    return np.unique(np.concatenate([touched(frame, each) for each in boxes]))
