"""Changes of single features: made from a known state, by the rule of the current state, answered once however often sent.

The rule of the current state: what was observed last holds; where two are as old, what came last. A change that was
observed before what the current row says is *late*: it is kept in the log and changes no current row. When something was
observed is never taken to be later than when it came here, so a clock that runs ahead cannot hold off later reports.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain

import shapely
import sqlalchemy as sa
from shapely.geometry.base import BaseGeometry

from geo_risk.errors import Conflict, DeclarationError, GeoRiskError, KeyReused, NotFound, Stale, StoreCorrupt, shown
from layers._layer import Layer
from layers._store.draft import Draft
from layers._store.group import Group, group_of
from layers._store.log import Entry, Log, declared_here, is_declared_here
from layers._store.records import (
    UNCHANGED,
    Batch,
    Change,
    Feature,
    Op,
    Outcome,
    Reply,
    ReplyKey,
    Written,
    effective,
    now,
)
from layers._store.rows import Row, encoded_one
from layers._store.schema import REPLIES, current_table, declared
from layers._store.standing import (
    FeatureKey,
    ReplyOwner,
    Standing,
    StoredReply,
    Told,
    Wanted,
    feature_of,
    standings,
    stored_replies,
    told,
)

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
    desk = _Desk(connection)
    stored = desk.reply(reply_key) if reply_key else None
    if stored is not None:
        return Written(reply=stored, replayed=True)
    log = Log(connection, batch, desk.draft.insert)
    outcomes = tuple(_outcome(desk, log, layers, batch, change, judge, whole) for change in given)
    written = Written(revision=log.seq, batch_id=log.batch_id, recorded_at=log.recorded_at, outcomes=outcomes)
    if compose is not None:
        written = replace(written, reply=compose(written))
    if written.reply is not None and reply_key is not None:
        desk.keep(reply_key, written.reply)
    desk.hand_over()
    log.close()
    return written


def look_up(connection: sa.Connection, group: Group, given: Sequence[Wanted], *, layers: Mapping[str, Layer]) -> None:
    """Find what the writes of a group will ask for: current rows by one question a layer, replies by one."""
    by_layer: dict[str, list[str]] = {}
    for layer_id, fid in chain.from_iterable(each.features for each in given):
        by_layer.setdefault(layer_id, []).append(fid)
    for layer_id, fids in by_layer.items():
        # what cannot be read, or is another's by now, each write finds out itself
        with suppress(StoreCorrupt, DeclarationError):
            if is_declared_here(connection, layers[layer_id]):
                found = standings(connection, layers[layer_id], fids)
                group.standings |= {(layer_id, fid): found.get(fid) for fid in fids}
    owners = [each.reply for each in given if each.reply]
    replies = stored_replies(connection, owners)
    group.replies |= {owner: replies.get(owner) for owner in owners}


def wanted(given: Sequence[Change], reply_key: ReplyKey | None) -> Wanted:
    """What a write of these changes will ask for."""
    return Wanted(tuple((change.layer, change.fid) for change in given), reply_key.owner if reply_key else None)


def current(connection: sa.Connection, layer: Layer, fid: str) -> Feature | None:
    """The feature's current row, or None."""
    return _Desk(connection).feature(layer, fid)


class _Desk:
    """Where a write is worked out: what stands there for it, and the draft of what it would put in."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection, self.draft, self._group = connection, Draft(), group_of(connection)
        self._changed: dict[FeatureKey, Standing | None] = {}
        self._told: dict[FeatureKey, list[Told]] = {}
        self._replies: dict[ReplyOwner, StoredReply | None] = {}

    def feature(self, layer: Layer, fid: str) -> Feature | None:
        """The feature's current row."""
        standing = self.standing(layer, fid)
        return standing and standing.feature

    def standing(self, layer: Layer, fid: str) -> Standing | None:
        """The feature's current row, as this write and those before it in the group leave it."""
        key = (layer.id, fid)
        for known in (self._changed, self._group.standings if self._group else self._changed):
            if key in known:
                return known[key]
        declared_here(self.connection, layer)
        return standings(self.connection, layer, [fid]).get(fid)

    def told(self, layer_id: str, fid: str) -> list[Told]:
        """All that is told of a feature; what is still to be put in stands at the end."""
        key = (layer_id, fid)
        before = self._group.told.get(key, []) if self._group else []
        return [*told(self.connection, layer_id, fid), *before, *self._told.get(key, [])]

    def put(self, layer: Layer, standing: Standing | None, row: Row | None, new: Told, fid: str) -> None:
        """A revision was drafted: what it tells, and unless it is a late one the current row that it makes."""
        self._told.setdefault((layer.id, fid), []).append(new)
        if new.op == "late":
            return
        self._changed[layer.id, fid] = standing
        values = None if row is None else (fid, *row.values, row.geometry, new.source, new.recorded_at, new.seq)
        self.draft.place(current_table(layer.id, declared(layer)), fid, values)

    def reply(self, key: ReplyKey) -> Reply | None:
        """What was answered under the key; `KeyReused` where it came with another request."""
        known = self._group.replies if self._group else {}
        found = known[key.owner] if key.owner in known else stored_replies(self.connection, [key.owner]).get(key.owner)
        if found is not None and found.request_sha256 != key.request_sha256:
            raise KeyReused(
                "the idempotency key came with another request before", where="Idempotency-Key",
                expected="a new key for a new request", then="send the same request again, or choose a new key",
            )
        return found and found.reply

    def keep(self, key: ReplyKey, reply: Reply) -> None:
        """Draft the reply with what it tells of."""
        self._replies[key.owner] = StoredReply(key.request_sha256, reply)
        row = (key.actor, key.key, key.request_sha256, reply.status, json.dumps(reply.headers), reply.body, now())
        self.draft.insert(REPLIES, [row])

    def hand_over(self) -> None:
        """The write is whole: give the draft to the group, or put it in."""
        if self._group is None:
            self.draft.put_in(self.connection)
        else:
            self._group.take(self.draft, self._changed, self._told, self._replies)


def require_feature(layer: Layer, found: Feature | None, fid: str) -> Feature:
    """The feature, or `NotFound`."""
    if found is None:
        raise NotFound(
            f"layer {layer.id} has no such feature", where=f"layer {layer.id}", expected="the id of a feature that is there",
            got=shown(fid), then="look it up again: it may have been removed",
        )
    return found


def _outcome(
    desk: _Desk, log: Log, layers: Mapping[str, Layer], batch: Batch, change: Change, judge: Judge, whole: bool
) -> Outcome:
    layer = layers[change.layer]
    try:
        return _applied(desk, log, layer, batch, change, judge)
    except GeoRiskError as error:
        # every check comes before the first word is drafted, so a refused change needs no undoing
        if whole:
            raise
        return Outcome(change=change, feature=desk.feature(layer, change.fid), error=error)


def _applied(desk: _Desk, log: Log, layer: Layer, batch: Batch, change: Change, judge: Judge) -> Outcome:
    standing = desk.standing(layer, change.fid)
    before = standing and standing.feature
    late = _is_late(desk, change, before)
    base = _then(desk, layer, change) or before if late else before
    _require_base(layer, change, base, late=late)
    after = judge(layer, base, _merged(layer, batch, change, base))
    row = None if after is None else encoded_one(layer, after)
    if not late and change.observed_at is None and _is_same(standing, after, row):
        return Outcome(change=change, feature=before)
    op: Op = "late" if late else "delete" if row is None else "update" if before else "create"
    source = None if after is None or after.source == batch.source else after.source
    properties, geometry = (row.properties, row.geometry) if row else (None, None)
    (seq,) = log.append(layer.id, [Entry(change.fid, op, properties, geometry, source, change.observed_at, change.skew_s)])
    now_there = before if late else None if after is None else replace(
        after, geometry=geometry, updated_at=log.recorded_at, revision=seq, observed_at=change.observed_at, skew_s=change.skew_s
    )  # fmt: skip
    made = None if now_there is None or properties is None else Standing(now_there, properties)
    said = Told(
        effective(change.observed_at, log.recorded_at), seq, op, properties, geometry, source or batch.source, log.recorded_at,
        change.observed_at,
    )
    desk.put(layer, made, row, said, change.fid)
    return Outcome(change=change, op=op, seq=seq, feature=now_there)


def _is_late(desk: _Desk, change: Change, before: Feature | None) -> bool:
    """Whether the change was observed before what the current row says, or before the feature was removed."""
    if change.observed_at is None:
        return False
    last = _effective_now(desk, change) if before is None else effective(before.observed_at, before.updated_at)
    return last is not None and change.observed_at < last


def _effective_now(desk: _Desk, change: Change) -> str | None:
    lasting = [each for each in desk.told(change.layer, change.fid) if each.op != "late"]
    return lasting[-1].effective if lasting else None


def _then(desk: _Desk, layer: Layer, change: Change) -> Feature | None:
    """The feature as it was when a late change was observed, by all that is known now; None where it was not there."""
    told = [each for each in desk.told(layer.id, change.fid) if each.effective <= (change.observed_at or "")]
    if not told:
        return None
    last = max(told)
    if last.properties is None:
        return None
    return feature_of(
        layer, change.fid, last.properties, last.geometry, last.source, updated_at=last.recorded_at, revision=last.seq,
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
    named = change.expects if isinstance(change.expects, frozenset | None) else frozenset({change.expects})
    if named is not None and (base.revision if base else None) not in named:
        stated = ", ".join(map(str, sorted(named))) or "none"
        raise Stale(
            "the feature was changed since", where=f"layer {layer.id}, feature {shown(change.fid)}",
            expected=f"revision {base.revision if base else 'none'}", got=f"revision {stated}",
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


def _is_same(standing: Standing | None, after: Feature | None, row: Row | None) -> bool:
    if standing is None or after is None or row is None:
        return False
    before = standing.feature
    return (standing.properties, before.geometry, before.source) == (row.properties, row.geometry, after.source)
