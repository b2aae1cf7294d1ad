"""Changes of single features: made from a known state, by the rule of the current state, answered once however often sent.

The rule of the current state: what was observed last holds; where two are as old, what came last. A change that was
observed before what the current row says is *late*: it is kept in the log and changes no current row. When something was
observed is never taken to be later than when it came here, so a clock that runs ahead cannot hold off later reports.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from geo_risk.errors import Conflict, GeoRiskError, KeyReused, NotFound, Stale, shown
from layers._layer import Layer
from layers._store.log import Entry, Log, declared_here
from layers._store.records import (
    UNCHANGED,
    Batch,
    Change,
    Feature,
    Op,
    Outcome,
    Reply,
    ReplyKey,
    Value,
    Written,
    effective,
    now,
)
from layers._store.rows import Row, encoded_one, values_of
from layers._store.schema import BATCHES, REPLIES, REVISIONS, SOURCE, Declared, current_table, declared
from layers._store.sql import deletion, directly, insertion, replacement

Judge = Callable[[Layer, Feature | None, Feature | None], Feature | None]
"""Called in the transaction with the feature before and after; gives what is to be stored, or raises to refuse."""
Compose = Callable[[Written], Reply]


def permit(layer: Layer, before: Feature | None, after: Feature | None) -> Feature | None:
    """The judge that lets everything pass as it is."""
    return after


def write(
    connection: sa.Connection, layers: Mapping[str, Layer], batch: Batch, given: Sequence[Change], *,
    judge: Judge, whole: bool, reply_key: ReplyKey | None, compose: Compose | None,
) -> Written:
    """Apply the changes in their order, as one batch of the log.

    Parameters
    ----------
    judge
        Checks each change on the row it would make, and who makes it.
    whole
        All or none: the first refusal is raised. Else a refused change is skipped and its outcome says why.
    reply_key, compose
        What is composed of the outcome is stored under the key, to be answered again: a key that was seen with the same
        request writes nothing and gives the stored reply.

    Raises
    ------
    KeyReused
        The key came with another request before.
    Stale, Conflict, NotFound
        A change was made from another state than the current one; makes what is there; changes what is not there.
    """
    stored = _stored_reply(connection, reply_key) if reply_key else None
    if stored is not None:
        return Written(reply=stored, replayed=True)
    log = Log(connection, batch)
    outcomes = tuple(_outcome(connection, log, layers, batch, change, judge, whole) for change in given)
    log.close()
    written = Written(revision=log.seq, batch_id=log.batch_id, recorded_at=log.recorded_at, outcomes=outcomes)
    if compose is None:
        return written
    reply = compose(written)
    if reply_key is not None:
        _store_reply(connection, reply_key, reply)
    return replace(written, reply=reply)


def current(connection: sa.Connection, layer: Layer, fid: str) -> Feature | None:
    """The feature's current row, or None."""
    standing = _standing(connection, layer, fid)
    return standing and standing.feature


class _Standing(NamedTuple):
    """A current row, and its canonical text in the log."""

    feature: Feature
    properties: str


def _standing(connection: sa.Connection, layer: Layer, fid: str) -> _Standing | None:
    columns = declared_here(connection, layer)
    row = directly(connection, _selection(layer.id, columns), (fid,)).fetchone()
    if row is None:
        return None
    *values, geometry, source, updated_at, revision, observed_at, skew_s, properties = row
    named = {name: _typed(kind, value) for (name, kind), value in zip(columns, values, strict=True)}
    derived = named.pop("derived")
    found = Feature(
        layer=layer.id, fid=fid, values=named, geometry=None if geometry is None else bytes(geometry), source=source,
        derived=None if derived is None else str(derived), updated_at=updated_at, revision=revision, observed_at=observed_at,
        skew_s=skew_s,
    )  # fmt: skip
    return _Standing(found, properties)


def require_feature(layer: Layer, found: Feature | None, fid: str) -> Feature:
    """The feature, or `NotFound`."""
    if found is None:
        raise NotFound(
            f"layer {layer.id} has no such feature", where=f"layer {layer.id}", expected="the id of a feature that is there",
            got=shown(fid), then="look it up again: it may have been removed",
        )
    return found


def _outcome(
    connection: sa.Connection, log: Log, layers: Mapping[str, Layer], batch: Batch, change: Change, judge: Judge, whole: bool
) -> Outcome:
    layer = layers[change.layer]
    try:
        return _applied(connection, log, layer, batch, change, judge)
    except GeoRiskError as error:
        # every check comes before the first word is written, so a refused change needs no undoing
        if whole:
            raise
        return Outcome(change=change, feature=current(connection, layer, change.fid), error=error)


def _applied(connection: sa.Connection, log: Log, layer: Layer, batch: Batch, change: Change, judge: Judge) -> Outcome:
    standing = _standing(connection, layer, change.fid)
    before = standing and standing.feature
    late = _is_late(connection, change, before)
    base = _then(connection, layer, change) or before if late else before
    _require_base(layer, change, base, late=late)
    after = judge(layer, base, _merged(layer, batch, change, base))
    row = None if after is None else encoded_one(layer, after)
    if not late and change.observed_at is None and _is_same(standing, after, row):
        return Outcome(change=change, feature=before)
    op: Op = "late" if late else "delete" if row is None else "update" if before else "create"
    source = None if after is None or after.source == batch.source else after.source
    (seq,) = log.append(
        layer.id,
        [Entry(change.fid, op, row and row.properties, row and row.geometry, source, change.observed_at, change.skew_s)],
    )
    if late:
        return Outcome(change=change, op=op, seq=seq, feature=before)
    _put(connection, layer, change.fid, row, after, log.recorded_at, seq)
    now_there = None if after is None or row is None else replace(
        after, geometry=row.geometry, updated_at=log.recorded_at, revision=seq, observed_at=change.observed_at, skew_s=change.skew_s
    )  # fmt: skip
    return Outcome(change=change, op=op, seq=seq, feature=now_there)


def _put(
    connection: sa.Connection, layer: Layer, fid: str, row: Row | None, after: Feature | None, recorded_at: str, seq: int
) -> None:
    table = current_table(layer.id, declared(layer))
    if row is None or after is None:
        directly(connection, deletion(connection, table), (fid,))
    else:
        values = (fid, *row.values, row.geometry, after.source, recorded_at, seq)
        directly(connection, replacement(connection, table), values)


def _is_late(connection: sa.Connection, change: Change, before: Feature | None) -> bool:
    """Whether the change was observed before what the current row says, or before the feature was removed."""
    if change.observed_at is None:
        return False
    last = _effective_now(connection, change) if before is None else effective(before.observed_at, before.updated_at)
    return last is not None and change.observed_at < last


def _effective_now(connection: sa.Connection, change: Change) -> str | None:
    found = _revisions(connection, change.layer, change.fid)
    lasting = [revision for revision in found if revision.op != "late"]
    return lasting[-1].effective if lasting else None


class _Told(NamedTuple):
    """A revision of a feature: from when it tells, and what."""

    effective: str
    seq: int
    op: str
    properties: str | None
    geometry: bytes | None
    source: str
    recorded_at: str
    observed_at: str | None


def _revisions(connection: sa.Connection, layer_id: str, fid: str) -> list[_Told]:
    found = connection.execute(
        sa.select(
            REVISIONS.c.seq, REVISIONS.c.op, REVISIONS.c.properties, REVISIONS.c.geometry, SOURCE, BATCHES.c.recorded_at,
            REVISIONS.c.observed_at,
        )
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.layer == layer_id, REVISIONS.c.fid == fid)
        .order_by(REVISIONS.c.seq)
    )  # fmt: skip
    return [_Told(effective(row[6], row[5]), *row) for row in found]


def _then(connection: sa.Connection, layer: Layer, change: Change) -> Feature | None:
    """The feature as it was when a late change was observed, by all that is known now; None where it was not there."""
    told = [each for each in _revisions(connection, layer.id, change.fid) if each.effective <= (change.observed_at or "")]
    if not told:
        return None
    last = max(told)
    if last.properties is None:
        return None
    columns = declared(layer)
    values = dict(zip((name for name, _ in columns), values_of(columns, last.properties, f"layer {layer.id}"), strict=True))
    derived = values.pop("derived")
    return Feature(
        layer=layer.id, fid=change.fid, values=values, geometry=last.geometry, source=last.source,
        derived=None if derived is None else str(derived), updated_at=last.recorded_at, revision=last.seq,
        observed_at=last.observed_at,
    )  # fmt: skip


def _require_base(layer: Layer, change: Change, base: Feature | None, *, late: bool) -> None:
    """Stop unless the change can be made from this state; a late one overwrites nothing, so what it expected does not matter."""
    if base is None and change.op in ("patch", "delete"):
        require_feature(layer, None, change.fid)
    if late:
        return
    if base is not None and change.op == "create":
        raise Conflict(
            f"layer {layer.id} has a feature of this id already", where=f"layer {layer.id}", expected="an id that is not there",
            got=shown(change.fid), then="change that feature, or choose another id",
        )
    if change.expects is not None and change.expects != (base.revision if base else None):
        raise Stale(
            "the feature was changed since", where=f"layer {layer.id}, feature {shown(change.fid)}",
            expected=f"revision {base.revision if base else 'none'}", got=f"revision {change.expects}",
            then="look at the current state, then decide again",
        ).of(base)


def _merged(layer: Layer, batch: Batch, change: Change, base: Feature | None) -> Feature | None:
    if change.op == "delete":
        return None
    names = [column.name for column in layer.columns]
    kept = base.values if change.op == "patch" and base else {}
    geometry = base.geometry if change.geometry is UNCHANGED and base else _wkb(change.geometry)
    return Feature(
        layer=layer.id, fid=change.fid, values={name: change.values.get(name, kept.get(name)) for name in names},
        geometry=geometry, source=base.source if base else batch.source, derived=base.derived if kept and base else None,
        revision=base.revision if base else 0, observed_at=change.observed_at, skew_s=change.skew_s,
    )  # fmt: skip


def _wkb(geometry: object) -> bytes | None:
    if not isinstance(geometry, BaseGeometry):
        return None
    made: bytes = shapely.to_wkb(geometry, byte_order=1, output_dimension=2, include_srid=False)
    return made


def _is_same(standing: _Standing | None, after: Feature | None, row: Row | None) -> bool:
    if standing is None or after is None or row is None:
        return False
    before = standing.feature
    return (standing.properties, before.geometry, before.source) == (row.properties, row.geometry, after.source)


@cache
def _selection(layer_id: str, columns: Declared) -> str:
    named = ", ".join(f'c."{name}"' for name, _ in columns)
    return (
        f"SELECT {named}, c.geometry, c.source, c.updated_at, c.revision, r.observed_at, r.skew_s, r.properties"  # noqa: S608 - declared names
        f' FROM "current_{layer_id}" c JOIN revisions r ON r.seq = c.revision WHERE c.fid = ?'
    )


def _typed(kind: str, value: Any) -> Value:
    typed: Value = bool(value) if kind == "bool" and value is not None else value
    return typed


def _stored_reply(connection: sa.Connection, key: ReplyKey) -> Reply | None:
    query = "SELECT request_sha256, status, headers, body FROM replies WHERE actor = ? AND key = ?"
    row = directly(connection, query, (key.actor, key.key)).fetchone()
    if row is None:
        return None
    if row[0] != key.request_sha256:
        raise KeyReused(
            "the idempotency key came with another request before", where="Idempotency-Key",
            expected="a new key for a new request", then="send the same request again, or choose a new key",
        )
    return Reply(row[1], tuple((name, value) for name, value in json.loads(row[2])), bytes(row[3]))


def _store_reply(connection: sa.Connection, key: ReplyKey, reply: Reply) -> None:
    values = (key.actor, key.key, key.request_sha256, reply.status, json.dumps(reply.headers), reply.body, now())
    directly(connection, insertion(connection, REPLIES), values)
