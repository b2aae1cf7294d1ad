"""What stands in the store when a write comes: current rows and their text in the log, what the log tells, replies given before."""

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from layers._layer import Layer
from layers._store.records import Feature, Reply, effective
from layers._store.rows import values_of
from layers._store.schema import BATCHES, REVISIONS, SOURCE, declared
from layers._store.sql import directly, in_runs

FeatureKey = tuple[str, str]
"""Layer and id."""
ReplyOwner = tuple[str, str]
"""Actor and idempotency key."""

_NAMES: Final = "c.fid, r.properties, {geometry}, c.source, c.updated_at, c.revision, r.observed_at, r.skew_s"
_REPLIES: Final = "SELECT actor, key, request_sha256, status, headers, body FROM replies WHERE (actor, key) IN (VALUES {marks})"


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


def standings(connection: sa.Connection, layer: Layer, fids: Sequence[str]) -> dict[str, Standing]:
    """The current rows of these features, those that are there, by one question.

    Values are read from the log's text, in which numbers are as they were written.
    """
    rows = _from_server if connection.dialect.name == "postgresql" else _from_file
    return {row[0]: _standing(layer, row) for row in rows(connection, layer.id, list(dict.fromkeys(fids)))}


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


def _from_server(connection: sa.Connection, layer_id: str, fids: list[str]) -> Sequence[Sequence[Any]]:
    names = _NAMES.format(geometry="c.geometry")
    query = f'SELECT {names} FROM "current_{layer_id}" c JOIN revisions r ON r.seq = c.revision WHERE c.fid = ANY(?)'  # noqa: S608 - declared names
    found: Sequence[Sequence[Any]] = directly(connection, query, (fids,)).fetchall()
    return found


def _from_file(connection: sa.Connection, layer_id: str, fids: list[str]) -> Sequence[Sequence[Any]]:
    # in one row: for each that it fetches sqlite3 lets other threads run, and waits until they let it go on
    names = _NAMES.format(geometry="hex(c.geometry)")
    query = (
        f"SELECT json_group_array(json_array({names})) FROM json_each(?) w"  # noqa: S608 - declared names
        f' CROSS JOIN "current_{layer_id}" c ON c.fid = w.value CROSS JOIN revisions r ON r.seq = c.revision'
    )
    (text,) = directly(connection, query, (json.dumps(fids, ensure_ascii=False),)).fetchone()
    return [(fid, properties, bytes.fromhex(place) or None, *rest) for fid, properties, place, *rest in json.loads(text)]


def _standing(layer: Layer, row: Sequence[Any]) -> Standing:
    fid, properties, geometry, source, updated_at, revision, observed_at, skew_s = row
    found = feature_of(
        layer, fid, properties, None if geometry is None else bytes(geometry), source, updated_at=updated_at, revision=revision,
        observed_at=observed_at, skew_s=skew_s,
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
