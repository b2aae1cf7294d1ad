"""What stands in the store when a write comes: current rows and their text in the log, what the log tells, replies given before."""

import json
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from layers._layer import Layer
from layers._store.records import Feature, Reply, effective
from layers._store.rows import values_of
from layers._store.schema import BATCHES, REVISIONS, SOURCE, current_table, declared
from layers._store.sql import among, at_once, directly, in_runs

FeatureKey = tuple[str, str]
"""Layer and id."""
ReplyOwner = tuple[str, str]
"""Actor and idempotency key."""

_REPLIES: Final = "SELECT actor, key, request_sha256, status, headers, body FROM replies WHERE (actor, key) IN (VALUES {marks})"

_ASKED: Final = 250
"""Features asked for at once: as one value (`at_once`) SQLite holds no more of the largest geometries that are taken."""


class CurrentRow(NamedTuple):
    """A current row: canonical text, WKB, and what is stated of it."""

    fid: str
    properties: str
    geometry: bytes | None
    source: str
    updated_at: str
    revision: int
    observed_at: str | None
    skew_s: int | None


class Standing(NamedTuple):
    """A current row, and its canonical text in the log."""

    feature: Feature
    properties: str


class Told(NamedTuple):
    """A revision of a feature: from when it tells, and what."""

    effective: str
    seq: int
    op: str
    properties: str | None
    geometry: bytes | None
    source: str
    recorded_at: str
    observed_at: str | None


class StoredReply(NamedTuple):
    """The digest of the request that came with a key, and what was answered."""

    request_sha256: str
    reply: Reply


class Wanted(NamedTuple):
    """What a write will ask for."""

    features: tuple[FeatureKey, ...]
    reply: ReplyOwner | None = None


def standings(connection: sa.Connection, layer: Layer, fids: Iterable[str]) -> dict[str, Standing]:
    """The current rows of these features, those that are there, by one question."""
    return {row.fid: _standing(layer, row) for row in current_rows(connection, layer, fids)}


def current_rows(connection: sa.Connection, layer: Layer, fids: Iterable[str]) -> list[CurrentRow]:
    """The current rows of these features, those that are there, by one question for some hundreds of them.

    Values are those of the log's text, in which numbers are as they were written.
    """
    wanted = list(dict.fromkeys(fids))
    parts = (wanted[start : start + _ASKED] for start in range(0, len(wanted), _ASKED))
    return [row for part in parts for row in _current_rows(connection, layer, part)]


def _current_rows(connection: sa.Connection, layer: Layer, fids: Sequence[str]) -> list[CurrentRow]:
    table = current_table(layer.id, declared(layer))
    query = (
        sa.select(
            table.c.fid, REVISIONS.c.properties, table.c.geometry, table.c.source, table.c.updated_at, table.c.revision,
            REVISIONS.c.observed_at, REVISIONS.c.skew_s,
        )
        .join(REVISIONS, REVISIONS.c.seq == table.c.revision)
        .where(among(connection, table.c.fid, fids))
    )  # fmt: skip
    return [CurrentRow(*row) for row in at_once(connection, query)]


def told(connection: sa.Connection, layer_id: str, fid: str) -> list[Told]:
    """All that the log tells of a feature, in its order."""
    found = connection.execute(
        sa.select(
            REVISIONS.c.seq, REVISIONS.c.op, REVISIONS.c.properties, REVISIONS.c.geometry, SOURCE, BATCHES.c.recorded_at,
            REVISIONS.c.observed_at,
        )
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.layer == layer_id, REVISIONS.c.fid == fid)
        .order_by(REVISIONS.c.seq)
    )  # fmt: skip
    return [Told(effective(row[6], row[5]), *row) for row in found]


def stored_replies(connection: sa.Connection, owners: Sequence[ReplyOwner]) -> dict[ReplyOwner, StoredReply]:
    """What was answered under these keys, where anything was."""
    found: dict[ReplyOwner, StoredReply] = {}
    for run in in_runs(owners):
        text = _REPLIES.format(marks=", ".join(["(?, ?)"] * len(run)))
        for actor, key, request_sha256, status, headers, body in directly(connection, text, tuple(chain.from_iterable(run))):
            named = tuple((name, value) for name, value in json.loads(headers))
            found[actor, key] = StoredReply(request_sha256, Reply(status, named, bytes(body)))
    return found


def _standing(layer: Layer, row: CurrentRow) -> Standing:
    fid, properties, geometry, source, updated_at, revision, observed_at, skew_s = row
    found = feature_of(
        layer, fid, properties, geometry, source, updated_at=updated_at, revision=revision, observed_at=observed_at, skew_s=skew_s,
    )  # fmt: skip
    return Standing(found, properties)


def feature_of(layer: Layer, fid: str, properties: str, geometry: bytes | None, source: str, **stated: Any) -> Feature:
    """A feature from its canonical text in the log, and what else is stated of it."""
    columns = declared(layer)
    values = dict(zip((name for name, _ in columns), values_of(columns, properties, f"layer {layer.id}"), strict=True))
    derived = values.pop("derived")
    return Feature(
        layer=layer.id, fid=fid, values=values, geometry=geometry, source=source, derived=None if derived is None else str(derived),
        **stated,
    )
