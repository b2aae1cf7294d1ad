"""The map as it was true at one moment and known at another: the two times of the log, read in one statement.

A revision is *effective* from when it was observed, or from when it was recorded if nobody said or if the device's clock ran
ahead. True at T, as known at K: of each feature the last revision by (effective, seq) among those recorded up to K and
effective up to T; a feature whose last one is its end was not there.
"""

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import sqlalchemy as sa

from layers._frame import empty
from layers._layer import Layer
from layers._store.chain import GENESIS
from layers._store.changes import revision_at
from layers._store.cuts import require_kept
from layers._store.frames import Frames, spliced
from layers._store.rows import CHUNK, frame_of, values_of
from layers._store.schema import BATCHES, REVISIONS, SOURCE, Declared, declared
from layers._store.snapshot import Snapshot
from layers._store.sql import among

Reading = Callable[[], AbstractContextManager[sa.Connection]]
"""Opens a read transaction."""

_SPLICED: Final = 5_000
"""Changed features up to which they are put into the frame of now one by one; above, both are joined and sorted."""
_REREAD: Final = 0.5
"""The share of a layer's features above which it is read from the log as a whole."""
_LOOKED_THROUGH: Final = 50_000
"""Revisions looked through one by one for the features they changed; above, each layer's index tells."""

effective: Final = sa.case(
    (REVISIONS.c.observed_at < BATCHES.c.recorded_at, REVISIONS.c.observed_at), else_=BATCHES.c.recorded_at
)
"""When a revision's state began: an observation not stated compares as unknown, and one ahead of us counts when it came."""


@dataclass(frozen=True, kw_only=True)
class Moment:
    """What is asked of the past, as stamps: true at, or at some time from ``since`` to, ``true_at``; as known at ``known_at``.

    Without ``known_at`` it is all that is known now.
    """

    true_at: str
    known_at: str | None = None
    since: str | None = None


@dataclass(frozen=True, kw_only=True)
class Horizon:
    """A moment by what of the log it rests on; equal horizons show equal maps, so this is what maps are kept by.

    Revisions up to ``certain`` were recorded by the (first) moment asked about; of the later ones up to ``known`` count those that
    are effective by ``true_at``, which is the last such effective time and so may lie before the moment asked about.
    """

    certain: int
    known: int
    true_at: str
    since: str | None = None


def horizon(connection: sa.Connection, moment: Moment, newest: int) -> Horizon:
    """Where the moment lies in the log up to its revision ``newest``; `ParameterError` where that was archived."""
    require_kept(connection, min(filter(None, (moment.true_at, moment.known_at, moment.since))))
    known = newest if moment.known_at is None else min(revision_at(connection, moment.known_at), newest)
    by_true = min(revision_at(connection, moment.true_at), known)
    certain = by_true if moment.since is None else min(revision_at(connection, moment.since), known)
    late = connection.execute(
        sa.select(sa.func.max(REVISIONS.c.seq), sa.func.max(REVISIONS.c.observed_at)).where(
            REVISIONS.c.seq > by_true, REVISIONS.c.seq <= known, REVISIONS.c.observed_at <= moment.true_at
        )
    ).one()
    true_at = max(_recorded_at(connection, by_true), late[1] or "")
    return Horizon(certain=certain, known=late[0] or by_true, true_at=true_at, since=moment.since)


def rows_then(
    connection: sa.Connection, layer: Layer, at: Horizon, only: Collection[str] | None = None
) -> Iterator[tuple[Any, ...]]:
    """The layer's rows by id, as `layers._store.rows.frame_of` takes them: all, or of the features named only.

    With ``since`` these are the features that were there at some moment of the time asked about, each as it was last.
    """
    columns = declared(layer)
    for fid, properties, geometry, source, recorded_at, seq in connection.execute(_statement(connection, layer.id, at, only)):
        yield (fid, *values_of(columns, properties, f"layer {layer.id}, revision {seq}"), geometry, source, recorded_at, seq)


def present(connection: sa.Connection, layer_id: str, at: Horizon, only: Collection[str] | None = None) -> dict[str, int]:
    """The revision that made each feature what it was at the horizon; those that were not there are left out."""
    ranked = _ranked(connection, layer_id, at, only)
    return {row.fid: row.seq for row in connection.execute(sa.select(ranked.c.fid, ranked.c.seq).where(ranked.c.rank == 1))}


def _statement(connection: sa.Connection, layer_id: str, at: Horizon, only: Collection[str] | None) -> sa.Select[Any]:
    ranked = _ranked(connection, layer_id, at, only)
    return (
        sa.select(REVISIONS.c.fid, REVISIONS.c.properties, REVISIONS.c.geometry, SOURCE, BATCHES.c.recorded_at, REVISIONS.c.seq)
        .join(ranked, ranked.c.seq == REVISIONS.c.seq)
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(ranked.c.rank == 1)
        .order_by(REVISIONS.c.fid)
    )


def _ranked(connection: sa.Connection, layer_id: str, at: Horizon, only: Collection[str] | None) -> sa.Subquery:
    """The versions that each feature had, the last ranked first."""
    own = REVISIONS.c.fid
    versions = (
        sa.select(
            REVISIONS.c.seq, own, effective.label("effective"), REVISIONS.c.properties.is_not(None).label("there"),
            sa.func.lead(effective).over(partition_by=own, order_by=(effective, REVISIONS.c.seq)).label("until"),
        )
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.layer == layer_id, REVISIONS.c.seq <= at.known, effective <= at.true_at)
        .where(sa.true() if only is None else among(connection, own, only))
        .subquery()
    )  # fmt: skip
    order = (versions.c.effective.desc(), versions.c.seq.desc())
    rank = sa.func.row_number().over(partition_by=versions.c.fid, order_by=order).label("rank")
    return sa.select(versions.c.seq, versions.c.fid, rank).where(versions.c.there, _lasted(versions, at.since)).subquery()


def _lasted(versions: sa.Subquery, since: str | None) -> sa.ColumnElement[bool]:
    """Whether a version was the state at the end, or at some moment since: what ended as it began never was."""
    at_the_end = versions.c.until.is_(None)
    if since is None:
        return at_the_end
    return sa.or_(at_the_end, sa.and_(versions.c.until > since, versions.c.until > versions.c.effective))


def snapshot_then(read: Reading, base: Snapshot, at: Horizon, day: dt.date) -> Snapshot:
    """The snapshot at a horizon: frames that did not change since are those of ``base``, the others are made when asked for.

    ``base`` is whole, and of a revision not before the horizon's. ``day`` is the day it shows, by which seasons go.
    """
    with read() as connection:
        changed = _changed(connection, base, at.certain)
        updated = {**base.updated, **dict.fromkeys(changed), **_updated(connection, changed, at)}
        digest, recorded_at = _stated(connection, at.known)
    frames = {layer_id: _making(read, base, layer_id, ids, at) for layer_id, ids in changed.items()}
    return Snapshot(
        revision=at.known, head=digest.hex(), recorded_at=recorded_at, frames=_with(base.frames, frames),
        updated=MappingProxyType({layer_id: stamp for layer_id, stamp in updated.items() if stamp}), layers=base.layers, day=day,
    )


def _with(frames: Mapping[str, gpd.GeoDataFrame], changed: Mapping[str, Callable[[], gpd.GeoDataFrame]]) -> Frames:
    held = frames if isinstance(frames, Frames) else Frames(frames)
    return held.with_changed(changed)


def _making(read: Reading, base: Snapshot, layer_id: str, ids: list[str], at: Horizon) -> Callable[[], gpd.GeoDataFrame]:
    def frame() -> gpd.GeoDataFrame:
        layer, before = base.layers[layer_id], base.frames[layer_id]
        whole = len(ids) > len(before) * _REREAD
        with read() as connection:
            fresh = _framed(layer, declared(layer), rows_then(connection, layer, at, None if whole else ids))
        if whole:
            return fresh
        return spliced(before, fresh, ids) if len(ids) <= _SPLICED else _joined(before, fresh, ids)

    return frame


def _framed(layer: Layer, columns: Declared, rows: Iterator[tuple[Any, ...]]) -> gpd.GeoDataFrame:
    parts = [frame_of(layer, columns, part) for part in iter(lambda: list(islice(rows, CHUNK)), [])]
    return _with_ids(pd.concat(parts)) if parts else empty(layer)


def _joined(before: gpd.GeoDataFrame, fresh: gpd.GeoDataFrame, ids: list[str]) -> gpd.GeoDataFrame:
    kept = before[~before.index.isin(ids)]
    parts = [part for part in (kept, fresh) if len(part)]
    return _with_ids(pd.concat(parts)).sort_index(kind="stable") if parts else fresh


def _with_ids(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    # joined, ids that are all text become another kind of index than the frames of now have
    return frame.set_index(frame.index.astype(object))


def _changed(connection: sa.Connection, base: Snapshot, after: int) -> dict[str, list[str]]:
    """The features of each layer with revisions after."""
    span = sa.and_(REVISIONS.c.seq > after, REVISIONS.c.seq <= base.revision)
    found: dict[str, set[str]] = {layer_id: set() for layer_id in base.layers}
    if base.revision - after <= _LOOKED_THROUGH:
        for layer_id, fid in connection.execute(sa.select(REVISIONS.c.layer, REVISIONS.c.fid).where(span)):
            found.setdefault(layer_id, set()).add(fid)
    else:
        for layer_id in base.layers:
            named = sa.select(REVISIONS.c.fid).distinct().where(REVISIONS.c.layer == layer_id, span)
            found[layer_id] = set(connection.execute(named).scalars())
    return {layer_id: sorted(found[layer_id]) for layer_id in base.layers if found[layer_id]}


def _updated(connection: sa.Connection, layers: Collection[str], at: Horizon) -> dict[str, str]:
    """When each of these layers last changed, as known at the horizon; one that had nothing yet is left out."""
    # what came after the moment counts if it tells of a time before; by number, not by layer: the span is mostly short
    recent = connection.execute(
        sa.select(REVISIONS.c.layer, sa.func.max(effective))
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.seq > at.certain, REVISIONS.c.seq <= at.known, at.true_at >= effective)
        .group_by(REVISIONS.c.layer)
    )
    late: dict[str, str] = {layer_id: stamp for layer_id, stamp in recent}  # noqa: C416 - rows are no pairs to mypy
    found = {layer_id: max(_last_change(connection, layer_id, at.certain), late.get(layer_id, "")) for layer_id in layers}
    return {layer_id: stamp for layer_id, stamp in found.items() if stamp}


def _last_change(connection: sa.Connection, layer_id: str, certain: int) -> str:
    of_layer = sa.and_(REVISIONS.c.layer == layer_id, REVISIONS.c.seq <= certain)
    last = connection.execute(sa.select(sa.func.max(REVISIONS.c.seq)).where(of_layer)).scalar_one()
    return _recorded_at(connection, last) if last else ""


def _stated(connection: sa.Connection, seq: int) -> tuple[bytes, str | None]:
    found = connection.execute(
        sa.select(REVISIONS.c.hash, BATCHES.c.recorded_at)
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.seq == seq)
    ).first()
    return (bytes(found[0]), found[1]) if found else (GENESIS, None)


def _recorded_at(connection: sa.Connection, seq: int) -> str:
    return _stated(connection, seq)[1] or ""
