"""Reading the log: a feature's history, a layer as it was, current rows made anew, and the check that all agree."""

import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import Any, Final

import geopandas as gpd
import shapely
import sqlalchemy as sa

from geo_risk.errors import NotFound, ParameterError, StoreCorrupt, shown
from layers._layer import Layer
from layers._store.chain import batch_digest, link
from layers._store.cuts import beginning, first_kept
from layers._store.log import head
from layers._store.records import RecordedBatch, Revision, Value, Verified, effective
from layers._store.rows import CHUNK, canonical, frame_of, legible, values_of
from layers._store.schema import (
    BATCHES,
    META,
    REVISIONS,
    SOURCE,
    Declared,
    as_text,
    current_table,
    declared,
    from_text,
)
from layers._store.sql import drop, insert, insert_or_replace

Report = Callable[[float], None]
_STREAMED: Final = {"yield_per": CHUNK}
"""Of one statement, not of its connection: PostgreSQL would make a cursor of every statement that follows."""


def history(connection: sa.Connection, layer: Layer, fid: str) -> tuple[Revision, ...]:
    """All revisions of a feature, in the order they came, each beside the state that it was made from.

    A late one tells of an earlier time: it stands beside what was true then, and is not what the next was made from.

    Raises
    ------
    NotFound
        The feature was never there.
    """
    found = connection.execute(
        sa.select(REVISIONS, BATCHES)
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.layer == layer.id, REVISIONS.c.fid == fid)
        .order_by(REVISIONS.c.seq)
    ).mappings()
    with legible(f"layer {layer.id}, feature {shown(fid)}"):
        revisions = [_revision(row) for row in found]
    if not revisions:
        raise NotFound(
            f"layer {layer.id} never had this feature", where=f"layer {layer.id}",
            expected="the id of a feature, as the map shows it", got=shown(fid), then="check the id",
        )
    return tuple(_with_changes(_made_from(revisions[:number], each), each) for number, each in enumerate(revisions))


def _made_from(earlier: Sequence[Revision], revision: Revision) -> Revision | None:
    if revision.op != "late":
        return next((each for each in reversed(earlier) if each.op != "late"), None)
    then = [each for each in earlier if _told_from(each) <= _told_from(revision)]
    return max(then, key=lambda each: (_told_from(each), each.seq), default=None)


def _told_from(revision: Revision) -> str:
    return effective(revision.observed_at, revision.recorded_at)


def features_at(connection: sa.Connection, layer: Layer, revision: int) -> gpd.GeoDataFrame:
    """The layer's frame as it was after that revision, from the log alone."""
    last, _ = head(connection)
    first = first_kept(connection)
    if not first <= revision <= last:
        archived = 0 <= revision < first
        what = "the log before this revision was archived" if archived else "there is no such revision yet"
        raise ParameterError(what, where="revision", expected=f"{first} to {last}", got=shown(revision))
    columns = declared(layer)
    return frame_of(layer, columns, list(_rows_at(connection, layer.id, columns, revision)))


def rebuild(connection: sa.Connection, layer: Layer) -> None:
    """Make the layer's table of current rows from the log, with the columns that are declared now."""
    columns = declared(layer)
    table = current_table(layer.id, columns)
    connection.exec_driver_sql(drop(connection, table))
    table.create(connection)
    rows = _rows_at(connection, layer.id, columns, head(connection)[0])
    while part := list(islice(rows, CHUNK)):
        insert(connection, table, part)
    insert_or_replace(connection, META, [(f"columns.{layer.id}", as_text(columns))])


def batches(connection: sa.Connection, limit: int | None) -> tuple[RecordedBatch, ...]:
    """The last batches, the newest first; with no limit all."""
    found = connection.execute(sa.select(BATCHES).order_by(BATCHES.c.id.desc()).limit(limit)).mappings()
    return tuple(RecordedBatch(**row) for row in found)


def verify(connection: sa.Connection, layers: Mapping[str, Layer], report: Report) -> Verified:
    """Replay the log from nothing and compare the current rows with it, byte for byte.

    Raises
    ------
    StoreCorrupt
        The first revision that breaks the chain, or the layer and feature whose current row is not what the log says.
    """
    last, digest = head(connection)
    live = _replayed(connection, last, report)
    stated = _stated_columns(connection, layers)
    for layer_id in sorted({*live, *stated}):
        if layer_id not in stated:
            raise _corrupt("the log knows a layer that has no table of current rows", f"layer {shown(layer_id)}", "a table", "none")
        _compare(connection, layer_id, stated[layer_id], live.get(layer_id, {}))
    report(1.0)
    return Verified(revisions=last, features=sum(map(len, live.values())), head=digest.hex())


def _corrupt(what: str, where: str, expected: str, got: str) -> StoreCorrupt:
    return StoreCorrupt(
        what, where=where, expected=expected, got=got, then="restore the last backup that verifies; keep this file for study",
    )


def require_sound(faults: str) -> None:
    """Stop where the database's own check of its pages found something."""
    if faults:
        raise _corrupt("the file's pages or indexes are damaged", "the store's file", "no faults", shown(faults))


def _replayed(connection: sa.Connection, last: int, report: Report) -> dict[str, dict[str, int]]:
    """Each layer's live features and the revision that made them so, after checking every link of the chain."""
    digests = {batch.id: batch_digest(batch) for batch in batches(connection, None)}
    start, previous, live = beginning(connection)
    unused = set(digests) - _batches_up_to(connection, start)
    chained = sa.select(REVISIONS).where(REVISIONS.c.seq > start).order_by(REVISIONS.c.seq)
    with connection.execute(chained, execution_options=_STREAMED) as found:
        for number, row in enumerate(found, start=start + 1):
            seq, batch_id, layer_id, fid, op, properties, geometry, stated, *observed = row
            previous = link(previous, number, digests.get(batch_id, b""), layer_id, fid, op, properties, geometry, *observed)
            if seq != number or previous != stated:
                raise _corrupt("a revision, or its batch, is not what was written", f"revision {number}", "its hash", "another")
            unused.discard(batch_id)
            _step(live.setdefault(layer_id, {}), fid, op, number)
            if number % CHUNK == 0:
                report(number / last / 2)
    if unused:
        raise _corrupt("a batch has no revisions", f"batch {min(unused)}", "at least one revision", "none")
    return live


def _batches_up_to(connection: sa.Connection, revision: int) -> set[int]:
    return set(connection.execute(sa.select(REVISIONS.c.batch_id).where(REVISIONS.c.seq <= revision).distinct()).scalars())


def _step(features: dict[str, int], fid: str, op: str, number: int) -> None:
    if op == "late":
        return
    if (op == "create") == (fid in features):
        raise _corrupt("a revision does not follow from those before", f"revision {number}", "create what is new", shown(op))
    if op == "delete":
        del features[fid]
    else:
        features[fid] = number


def _stated_columns(connection: sa.Connection, layers: Mapping[str, Layer]) -> dict[str, Declared]:
    found = connection.execute(sa.select(META.c.key, META.c.value).where(META.c.key.startswith("columns.")))
    stated = {key.removeprefix("columns."): value for key, value in found}
    for layer_id, layer in layers.items():
        if stated.get(layer_id) != as_text(declared(layer)):
            raise _corrupt("the stated columns are not the declared ones", f"layer {layer_id}", "those declared", "others")
    with legible("table meta, stated columns"):
        return {layer_id: from_text(text) for layer_id, text in stated.items()}


def _compare(connection: sa.Connection, layer_id: str, columns: Declared, live: dict[str, int]) -> None:
    table = current_table(layer_id, columns)
    rowed = (
        sa.select(table, REVISIONS.c.properties, REVISIONS.c.geometry, SOURCE, BATCHES.c.recorded_at)
        .outerjoin(REVISIONS, REVISIONS.c.seq == table.c.revision)
        .outerjoin(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
    )
    count = 0
    with connection.execute(rowed, execution_options=_STREAMED) as found:
        for rows in found.partitions():
            _compare_rows(layer_id, columns, live, rows)
            count += len(rows)
    if count != len(live):
        raise _corrupt("current rows are missing", f"layer {layer_id}", f"{len(live)} rows", str(count))


def _compare_rows(layer_id: str, columns: Declared, live: dict[str, int], rows: Sequence[Sequence[Any]]) -> None:
    fids, *lists = zip(*rows, strict=True)
    values, (places, sources, times, revisions, *logged) = lists[: len(columns)], lists[len(columns) :]
    texts = canonical(columns, values, len(rows))
    found = zip(fids, revisions, texts, places, sources, times, strict=True)
    expected = zip(fids, map(live.get, fids), *_declared_only(layer_id, columns, texts, logged), strict=True)
    differing = next((fid for (fid, *_), same in zip(rows, map(operator.eq, found, expected), strict=True) if not same), None)
    if differing is not None:
        raise _corrupt(
            "a current row is not what the log says", f"layer {layer_id}, feature {shown(differing)}",
            "the row of its last revision", "another",
        )


def _declared_only(layer_id: str, columns: Declared, texts: list[str], logged: list[Any]) -> list[Any]:
    """What was logged, its properties without those of columns no longer declared."""
    properties, *others = logged
    where = f"layer {layer_id}"
    kept = [
        told if told is None or told == text else canonical(columns, [[value] for value in values_of(columns, told, where)], 1)[0]
        for told, text in zip(properties, texts, strict=True)
    ]
    return [kept, *others]


def _rows_at(connection: sa.Connection, layer_id: str, columns: Declared, revision: int) -> Iterator[tuple[Any, ...]]:
    last = (
        sa.select(sa.func.max(REVISIONS.c.seq).label("seq"))
        .where(REVISIONS.c.layer == layer_id, REVISIONS.c.seq <= revision, REVISIONS.c.op != "late")
        .group_by(REVISIONS.c.fid)
        .subquery()
    )
    lasting = (
        sa.select(
            REVISIONS.c.fid, REVISIONS.c.properties, REVISIONS.c.geometry, SOURCE, BATCHES.c.recorded_at, REVISIONS.c.seq,
        )
        .join(last, last.c.seq == REVISIONS.c.seq)
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .where(REVISIONS.c.op != "delete")
        .order_by(REVISIONS.c.fid)
    )
    with connection.execute(lasting, execution_options=_STREAMED) as found:
        for fid, properties, geometry, source, recorded_at, seq in found:
            yield (fid, *values_of(columns, properties, f"layer {layer_id}, revision {seq}"), geometry, source, recorded_at, seq)


def _revision(row: sa.RowMapping) -> Revision:
    properties: dict[str, Value] = json.loads(row[REVISIONS.c.properties] or "{}")
    geometry = row[REVISIONS.c.geometry]
    return Revision(
        seq=row[REVISIONS.c.seq], op=row[REVISIONS.c.op], batch_id=row[BATCHES.c.id], recorded_at=row[BATCHES.c.recorded_at],
        actor=row[BATCHES.c.actor], reason=row[BATCHES.c.reason], source=row[REVISIONS.c.source] or row[BATCHES.c.source],
        note=row[BATCHES.c.note], observed_at=row[REVISIONS.c.observed_at], skew_s=row[REVISIONS.c.skew_s],
        properties=MappingProxyType(properties), geometry=None if geometry is None else shapely.from_wkb(geometry).wkt,
    )


def _with_changes(before: Revision | None, after: Revision) -> Revision:
    old = {} if before is None else {**before.properties, "geometry": before.geometry}
    new = {**after.properties, "geometry": after.geometry}
    changes = {name: (old.get(name), new.get(name)) for name in sorted({*old, *new}) if old.get(name) != new.get(name)}
    return replace(after, changes=MappingProxyType(changes))
