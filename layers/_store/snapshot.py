"""The current rows in memory at one revision, brought forward by the revisions that came since."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa

from layers._catalog import catalog, named
from layers._collector import uncollected
from layers._frame import empty
from layers._layer import SENSITIVITIES, Layer, Sensitivity
from layers._store.frames import Frames, spliced
from layers._store.log import head
from layers._store.rows import frame_of, values_of
from layers._store.schema import BATCHES, REVISIONS, current_table, declared
from layers._store.sql import at_once, in_parts
from layers._store.standing import current_rows

_FETCHED: Final = 50_000
"""Rows turned into a frame at a time, so that a large layer is never held as Python tuples."""
_PATCHED: Final = 5_000
"""Changed features up to which a frame is patched; above, it is read anew."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """Every layer's frame at one revision. Frames are shared between snapshots: read them, never change them.

    ``head`` is the hash of the last revision, ``recorded_at`` its time; of a layer `updated_at` tells it. What a caller sees
    (`layers._store.sight.seen`) is a snapshot too: ``layers`` are those there are for him, ``readable`` the sensitivities of
    columns he may read. One of the past (`layers._store.moments`) has the ``day`` that it shows, by which seasons go.
    """

    revision: int
    head: str
    recorded_at: str | None
    frames: Mapping[str, gpd.GeoDataFrame]
    updated: Mapping[str, str]
    layers: Mapping[str, Layer] = field(default_factory=catalog)
    readable: tuple[Sensitivity, ...] = SENSITIVITIES
    seen_of: "Snapshot | None" = None
    day: dt.date | None = None

    @property
    def whole(self) -> "Snapshot":
        """All there is: what is computed for everybody alike is computed on this."""
        return self.seen_of or self

    def layer(self, layer_id: str) -> Layer:
        """The layer of that id, if it is there for whoever asks; `NotFound` names those that are."""
        return named(self.layers, layer_id)

    def updated_at(self, layer_id: str) -> str | None:
        """When the layer last changed, removals included; None if it never held anything."""
        return self.updated.get(layer_id)


def brought_forward(connection: sa.Connection, layers: Mapping[str, Layer], last: Snapshot | None) -> Snapshot:
    """The snapshot of what the connection sees: the last one itself where nothing was logged since."""
    seq, digest = head(connection)
    if last is not None and last.revision == seq and last.head == digest.hex():
        return last
    since = 0 if last is None else last.revision
    touched = _touched(connection, since)
    before = Frames(last.frames if last else {layer_id: partial(empty, layer) for layer_id, layer in layers.items()})
    changed = {layer_id: _frame(connection, layers[layer_id], before, since) for layer_id in touched if layer_id in layers}
    updated = {**(last.updated if last else {}), **touched}
    return Snapshot(
        revision=seq, head=digest.hex(), recorded_at=max(updated.values(), default=None),
        frames=before.with_changed(changed), updated=MappingProxyType(updated), layers=layers,
    )


def _touched(connection: sa.Connection, since: int) -> dict[str, str]:
    """The layers with revisions since, and when the last of them was recorded."""
    newest = (
        sa.select(REVISIONS.c.layer, sa.func.max(REVISIONS.c.seq).label("seq"))
        .where(REVISIONS.c.seq > since, REVISIONS.c.op != "late")
        .group_by(REVISIONS.c.layer)
        .subquery()
    )
    found = connection.execute(
        sa.select(newest.c.layer, BATCHES.c.recorded_at)
        .join(REVISIONS, REVISIONS.c.seq == newest.c.seq)
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
    )
    return {row.layer: row.recorded_at for row in found}


def _frame(connection: sa.Connection, layer: Layer, frames: Frames, since: int) -> gpd.GeoDataFrame:
    changed = _changed(connection, layer.id, since) if since else None
    if changed is None or len(changed) > _PATCHED or frames[layer.id].empty:
        return _read(connection, layer)
    return spliced(frames[layer.id], _fresh(connection, layer, changed), changed)


def _changed(connection: sa.Connection, layer_id: str, since: int) -> list[str]:
    """Features of the layer with revisions since; one more than are patched tells that there are too many."""
    changed = sa.select(REVISIONS.c.fid).distinct().where(
        REVISIONS.c.seq > since, REVISIONS.c.layer == layer_id, REVISIONS.c.op != "late"
    )
    return [fid for (fid,) in at_once(connection, changed.limit(_PATCHED + 1))]


def _fresh(connection: sa.Connection, layer: Layer, fids: list[str]) -> gpd.GeoDataFrame:
    columns, where = declared(layer), f"layer {layer.id}"
    rows = [
        (row.fid, *values_of(columns, row.properties, where), row.geometry, row.source, row.updated_at, row.revision)
        for row in sorted(current_rows(connection, layer, fids))
    ]
    return frame_of(layer, columns, rows)


def _read(connection: sa.Connection, layer: Layer) -> gpd.GeoDataFrame:
    columns = declared(layer)
    table = current_table(layer.id, columns)
    query = sa.select(table).order_by(table.c.fid)
    with uncollected():
        parts = [frame_of(layer, columns, rows) for rows in in_parts(connection, query, _FETCHED)]
        return _together(parts) if parts else empty(layer)


def _together(parts: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    if len(parts) == 1:
        return parts[0]
    whole = pd.concat(parts)
    # pandas takes ids laid together for its own kind of text, which is turned into objects again wherever it is read
    return whole.set_axis(pd.Index(whole.index.to_numpy(), dtype="object", name="id"), axis="index")
