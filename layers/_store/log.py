"""Writing: what differs from the current rows is appended to the log and put in the current rows, in one transaction."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import geopandas as gpd
import sqlalchemy as sa

from geo_risk.errors import NotFound, StoreCorrupt, StoreUnavailable, shown
from layers._layer import Layer
from layers._store.chain import GENESIS, batch_digest, link
from layers._store.group import Group, group_of
from layers._store.records import Applied, Batch, Op, RecordedBatch, now
from layers._store.rows import CHUNK, Row, encoded
from layers._store.schema import BATCHES, META, REVISIONS, Declared, as_text, current_table, declared
from layers._store.sql import Rows, among, delete, directly, insert, insert_or_replace

Report = Callable[[float], None]
Put = Callable[[sa.Table, Rows], None]


class Entry(NamedTuple):
    """A revision still to be numbered; ``source`` where it is not its batch's."""

    fid: str
    op: Op
    properties: str | None
    geometry: bytes | None
    source: str | None = None
    observed_at: str | None = None
    skew_s: int | None = None



class Log:
    """The end of the log inside one transaction: numbers, chains and appends the revisions of one batch.

    ``put`` takes the rows of a table to put them in with others later; without it they are put in at once.
    """

    def __init__(self, connection: sa.Connection, batch: Batch, put: Put | None = None) -> None:
        self._connection = connection
        self._put = put or partial(insert, connection)
        self._batch = batch
        self._recorded: RecordedBatch | None = None
        self._digest = b""
        self.seq, self._hash = head(connection)

    @property
    def batch_id(self) -> int:
        """The batch's number, or 0 before its first revision: a batch without revisions is not recorded."""
        return self._recorded.id if self._recorded else 0

    @property
    def recorded_at(self) -> str:
        """When the batch's first revision was appended."""
        return self._recorded.recorded_at if self._recorded else ""

    def append(self, layer_id: str, entries: Sequence[Entry]) -> range:
        """Append revisions and give their numbers."""
        if self._recorded is None:
            self._recorded = _recorded(self._connection, self._batch, self._put)
            self._digest = batch_digest(self._recorded)
        start, rows = self.seq, []
        for fid, op, properties, geometry, source, observed_at, skew_s in entries:
            self.seq += 1
            text = (layer_id, fid, op, properties, geometry)
            self._hash = link(self._hash, self.seq, self._digest, *text, source, observed_at, skew_s)
            rows.append((self.seq, self._recorded.id, *text, self._hash, source, observed_at, skew_s))
        self._put(REVISIONS, rows)
        return range(start + 1, self.seq + 1)

    def close(self) -> None:
        """State the new head beside the log, so that a log cut short does not pass for a whole one.

        In a transaction of several writes the last states it (`state_head`).
        """
        if self._recorded is None:
            return
        group = group_of(self._connection)
        if group is None:
            _state_head(self._connection, self.seq, self._hash)
        else:
            group.learn(head=(self.seq, self._hash), grew=True)


def head(connection: sa.Connection) -> tuple[int, bytes]:
    """The last revision's number and hash; stops where the log does not end where it says it does.

    Raises
    ------
    StoreCorrupt
        Revisions are missing at the end, or were added by something else.
    """
    group = group_of(connection)
    if group is not None and group.tail.head is not None:
        return group.tail.head
    last = directly(connection, "SELECT seq, hash FROM revisions ORDER BY seq DESC LIMIT 1").fetchone()
    seq, found = (last[0], bytes(last[1])) if last else (0, GENESIS)
    (stated,) = directly(connection, "SELECT value FROM meta WHERE key = 'head'").fetchone() or (None,)
    if stated != head_text(seq, found):
        raise StoreCorrupt(
            "the log does not end at the head it states", where=f"revision {seq}",
            expected=shown((stated or "none").partition(":")[0]), got=str(seq),
            then="restore the last backup that verifies; keep this file for study",
        )
    if group is not None:
        group.learn(head=(seq, found))
    return seq, found


def state_head(connection: sa.Connection, group: Group) -> str | None:
    """State the head that a group's writes led to, once for all of them; gives the head as it is stated now."""
    if group.tail.head is None or not group.tail.grew:
        return stated_head(connection)
    _state_head(connection, *group.tail.head)
    return head_text(*group.tail.head)


def _state_head(connection: sa.Connection, seq: int, digest: bytes) -> None:
    insert_or_replace(connection, META, [("head", head_text(seq, digest))])


def stated_head(connection: sa.Connection) -> str | None:
    """The head as it is stated beside the log; None in a store that is still being made."""
    (stated,) = directly(connection, "SELECT value FROM meta WHERE key = 'head'").fetchone() or (None,)
    return stated


def restate_head(connection: sa.Connection) -> None:
    """Write what is there already: a transaction of nothing, to see whether one goes through."""
    insert_or_replace(connection, META, [("head", stated_head(connection))])


def require_continues(connection: sa.Connection, acknowledged: str | None) -> None:
    """Stop unless the log still holds the head that was acknowledged, as it was.

    Raises
    ------
    StoreCorrupt
        It does not: another store stands there, or an older copy of this one.
    """
    if acknowledged is not None and not continues(connection, *_head_of(acknowledged)):
        raise StoreCorrupt(
            "the store does not hold what was acknowledged", where=f"revision {acknowledged.partition(':')[0]}",
            expected="the log as it was", got="another, or a shorter one",
            then="put the store back that was there, or restore the last backup and start again",
        )


def continues(connection: sa.Connection, revision: int, digest: bytes) -> bool:
    """Whether the log has this hash at this revision."""
    if revision == 0:
        return digest == GENESIS
    found = connection.execute(sa.select(REVISIONS.c.hash).where(REVISIONS.c.seq == revision)).scalar_one_or_none()
    return found is not None and bytes(found) == digest


def _head_of(text: str) -> tuple[int, bytes]:
    seq, _, digest = text.partition(":")
    return int(seq), bytes.fromhex(digest)


def head_text(seq: int, digest: bytes) -> str:
    """The head as the table *meta* keeps it: ``12:9f86...``."""
    return f"{seq}:{digest.hex()}"


def upsert(
    connection: sa.Connection, layer: Layer, frame: gpd.GeoDataFrame, batch: Batch, *, replace: bool, report: Report
) -> Applied:
    """Log and store the rows of the frame that differ; with ``replace`` remove what the same source no longer has."""
    columns = declared_here(connection, layer)
    table = current_table(layer.id, columns)
    log = Log(connection, batch)
    began_empty = connection.execute(sa.select(table.c.fid).limit(1)).first() is None
    new = changed = done = 0
    for rows in encoded(layer, frame):
        before = {} if began_empty else _current(connection, table, [row.fid for row in rows])
        differing = [row for row in rows if before.get(row.fid) != (row.properties, row.geometry, batch.source)]
        _store(connection, log, layer.id, table, differing, before.keys(), batch.source)
        updated = sum(row.fid in before for row in differing)
        changed, new, done = changed + updated, new + len(differing) - updated, done + len(rows)
        report(done / len(frame))
    gone = _gone(connection, table, frame, batch.source) if replace and not began_empty else []
    _delete(connection, log, layer.id, table, gone)
    log.close()
    return Applied(
        revision=log.seq, batch_id=log.batch_id, new=new, changed=changed, unchanged=len(frame) - new - changed, removed=len(gone),
    )


def remove(connection: sa.Connection, layer: Layer, ids: Iterable[str], batch: Batch) -> Applied:
    """Log the removal of features and take them out of the current rows; all of them or none.

    Raises
    ------
    NotFound
        One of them is not there.
    """
    table = current_table(layer.id, declared_here(connection, layer))
    wanted = sorted(set(ids))
    there = {fid for start in range(0, len(wanted), CHUNK) for fid in _current(connection, table, wanted[start : start + CHUNK])}
    absent = next((fid for fid in wanted if fid not in there), None)
    if absent is not None:
        raise NotFound(
            f"no such feature in layer {layer.id}", where=f"layer {layer.id}", expected="ids of features that are there",
            got=shown(absent), then="nothing was removed; take a new snapshot and try again",
        )
    log = Log(connection, batch)
    _delete(connection, log, layer.id, table, wanted)
    log.close()
    return Applied(revision=log.seq, batch_id=log.batch_id, removed=len(wanted))


def _recorded(connection: sa.Connection, batch: Batch, put: Put) -> RecordedBatch:
    group = group_of(connection)
    asked = "SELECT id, recorded_at FROM batches ORDER BY id DESC LIMIT 1"
    last = group.tail.last_batch if group and group.tail.last_batch else directly(connection, asked).fetchone()
    last_id, last_at = last or (0, "")
    recorded = RecordedBatch(
        id=last_id + 1, actor=batch.actor, reason=batch.reason, source=batch.source,
        file_sha256=batch.file_sha256, note=batch.note,
        # a clock set back must not put a later batch before an earlier one
        recorded_at=max(now(), last_at),
    )
    values = (recorded.id, batch.actor, batch.reason, batch.source, batch.file_sha256, batch.note, recorded.recorded_at)
    put(BATCHES, [values])
    if group is not None:
        group.learn(last_batch=(recorded.id, recorded.recorded_at))
    return recorded


def declared_here(connection: sa.Connection, layer: Layer) -> Declared:
    """The layer's columns, once it is sure that its table has them."""
    if not is_declared_here(connection, layer):
        raise StoreUnavailable(
            "the layer's table was made anew from another declaration while this process ran", where=f"layer {layer.id}",
            expected="the columns this process declares", got="others", then="run one version of the software, and start it again",
        )
    return declared(layer)


def is_declared_here(connection: sa.Connection, layer: Layer) -> bool:
    """Whether the layer's table has the columns that this process declares."""
    group = group_of(connection)
    if group is not None and layer.id in group.tail.declared:
        return True
    (stated,) = directly(connection, "SELECT value FROM meta WHERE key = ?", (f"columns.{layer.id}",)).fetchone() or (None,)
    fits = bool(stated == as_text(declared(layer)))
    if group is not None and fits:
        group.learn(declared=group.tail.declared | {layer.id})
    return fits


def _current(connection: sa.Connection, table: sa.Table, ids: Sequence[str]) -> dict[str, tuple[str, bytes | None, str]]:
    found = connection.execute(
        sa.select(table.c.fid, REVISIONS.c.properties, table.c.geometry, table.c.source)
        .join(REVISIONS, REVISIONS.c.seq == table.c.revision)
        .where(among(connection, table.c.fid, ids))
    )
    return {fid: (properties, geometry, source) for fid, properties, geometry, source in found}


def _store(
    connection: sa.Connection, log: Log, layer_id: str, table: sa.Table, rows: Sequence[Row], there: Iterable[str], source: str
) -> None:
    if not rows:
        return
    known = frozenset(there)
    entries = [Entry(row.fid, "update" if row.fid in known else "create", row.properties, row.geometry) for row in rows]
    numbers = log.append(layer_id, entries)
    current: list[tuple[Any, ...]] = [
        (row.fid, *row.values, row.geometry, source, log.recorded_at, seq) for row, seq in zip(rows, numbers, strict=True)
    ]
    put = insert_or_replace if known else insert
    put(connection, table, current)


def _gone(connection: sa.Connection, table: sa.Table, frame: gpd.GeoDataFrame, source: str) -> list[str]:
    kept = frozenset(frame.index)
    of_source = connection.execute(sa.select(table.c.fid).where(table.c.source == source).order_by(table.c.fid)).scalars()
    return [fid for fid in of_source if fid not in kept]


def _delete(connection: sa.Connection, log: Log, layer_id: str, table: sa.Table, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        log.append(layer_id, [Entry(fid, "delete", None, None) for fid in part])
        delete(connection, table, part)
