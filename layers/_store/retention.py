"""How long things are kept: answers, sessions and the audit by rule; the log cut at a moment after an archive was verified."""

import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from geo_risk.errors import NotFound, ParameterError, StoreCorrupt
from layers._store import accounts, attempts, audit
from layers._store.backup import backup
from layers._store.changes import revision_at
from layers._store.cuts import ACTION, KEY, Retained, baseline_digest, first_kept, stays
from layers._store.records import now, stamp
from layers._store.schema import BATCHES, META, REPLIES, REVISIONS
from layers._store.sql import insert_or_replace
from layers._store.sqlite_copies import fold_in, leave_no_traces, no_traces
from layers._store.store import Store
from layers._tables import table

_PART: Final = 5_000
_LEASE: Final = dt.timedelta(hours=1)
_BEGUN, _DONE = "forgetting_since", "forgotten_at"
_AUDIT: Final = "audit"
TABLES: Final[Mapping[str, sa.Table]] = {
    "replies": REPLIES, "sessions": accounts.TABLES.tables["sessions"], "attempts": attempts.ATTEMPTS,
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a cut would do: the last revision of the archived time, and of those up to it how many stay and how many go."""

    cut: int
    until: str
    kept: int
    removed: int


def forget(store: Store, today: dt.datetime | None = None) -> dict[str, int]:
    """Remove what the rules of table *retention* keep no longer; how many rows of each. Never of the log.

    Of the audit it takes the oldest entries, and each time adds one that says so.
    """
    moment = today or dt.datetime.now(dt.UTC)
    return {
        row["what"]: _forgotten(store, row["what"], row["column"], stamp(moment - dt.timedelta(days=max(0, row["keep_days"]))))
        for row in table("retention")["row"]
    }


def begin(connection: sa.Connection, due: dt.datetime) -> bool:
    """Whether whoever asks is to forget what is due since a moment; one of several does, and another if he did not end it."""
    if last_forgotten(connection) >= stamp(due):
        return False
    stated = _stated(connection, _BEGUN)
    if stated >= stamp(max(due, dt.datetime.now(dt.UTC) - _LEASE)):
        return False
    insert_or_replace(connection, META, [(_BEGUN, now())])
    return True


def end(connection: sa.Connection) -> None:
    """Note that what was due is forgotten."""
    insert_or_replace(connection, META, [(_DONE, now())])


def last_forgotten(connection: sa.Connection) -> str:
    """When a service last ended forgetting, or nothing."""
    return _stated(connection, _DONE)


def _stated(connection: sa.Connection, key: str) -> str:
    return connection.execute(sa.select(META.c.value).where(META.c.key == key)).scalar_one_or_none() or ""


def _forgotten(store: Store, what: str, column: str, before: str) -> int:
    """Remove old rows, a part in each transaction: no write waits long for it."""
    before = min(before, now())  # or what a cut of the audit adds would be cut off next, and so on

    def part(connection: sa.Connection) -> int:
        if not sa.inspect(connection).has_table(what):
            return 0
        if what != _AUDIT:
            return _removed(connection, TABLES[what], column, before)
        with no_traces(connection):
            return audit.cut_off(connection, before, _PART)

    count = 0
    while (done := store.transact(part)) == _PART:
        count += done
    return count + done


def _removed(connection: sa.Connection, which: sa.Table, column: str, before: str) -> int:
    keys = list(which.primary_key)
    old = sa.select(*keys).where(which.c[column] < before).limit(_PART)
    return connection.execute(sa.delete(which).where(sa.tuple_(*keys).in_(old))).rowcount


def plan(connection: sa.Connection, before: str) -> Plan:
    """What cutting the log at a moment (`records.stamp`) would do.

    Raises
    ------
    NotFound
        Nothing was recorded before that moment, or no more than an earlier cut left.
    """
    cut = revision_at(connection, before)
    if cut <= first_kept(connection):
        raise NotFound("the log has nothing to archive before that moment", where="before", expected="a later moment", got=before)
    older = sa.select(sa.func.count()).where(REVISIONS.c.seq <= cut).scalar_subquery()
    kept = sa.select(sa.func.count()).where(stays(cut)).scalar_subquery()
    total, staying = connection.execute(sa.select(older, kept)).one()
    return Plan(cut=cut, until=_recorded_at(connection, cut), kept=staying, removed=total - staying)


def retain(store: Store, before: str, archive: Path, *, actor: str, reason: str, report: Callable[[float], None]) -> Retained:
    """Archive the whole store as a verified backup, then cut the log at a moment: see `plan` first.

    Raises
    ------
    NotFound
        There is nothing to archive before that moment.
    ParameterError
        Nobody gave a reason.
    """
    if not reason.strip():
        raise ParameterError("a cut of the log needs a reason", where="reason", expected="why, in a sentence", got="nothing")
    with store.read() as connection:
        planned = plan(connection, before)
    made = backup(store, archive, report)

    def cut(connection: sa.Connection) -> Retained:
        if plan(connection, before) != planned:
            raise StoreCorrupt("the log changed before the cut", expected=str(planned.removed), got="another number")
        done = Retained(
            cut=planned.cut, head=_hash_at(connection, planned.cut).hex(), until=planned.until,
            baseline_sha256=baseline_digest(connection, planned.cut, kept_only=True), removed=planned.removed, archive=made.file,
            archive_sha256=made.sha256, at=now(), actor=actor, reason=reason,
        )  # fmt: skip
        leave_no_traces(connection)
        _cut(connection, done)
        return done

    done = store.transact(cut)
    fold_in(store.database)
    return done


def _cut(connection: sa.Connection, done: Retained) -> None:
    connection.execute(sa.delete(REVISIONS).where(REVISIONS.c.seq <= done.cut, sa.not_(stays(done.cut))))
    connection.execute(sa.delete(BATCHES).where(BATCHES.c.id.not_in(sa.select(REVISIONS.c.batch_id))))
    insert_or_replace(connection, META, [(KEY, json.dumps(asdict(done), ensure_ascii=False))])
    audit.prepare(connection)
    audit.append(connection, audit.Event(actor=done.actor, action=ACTION, subject=f"revision {done.cut}", detail=asdict(done)))


def _hash_at(connection: sa.Connection, revision: int) -> bytes:
    return bytes(connection.execute(sa.select(REVISIONS.c.hash).where(REVISIONS.c.seq == revision)).scalar_one())


def _recorded_at(connection: sa.Connection, revision: int) -> str:
    joined = sa.select(BATCHES.c.recorded_at).join(REVISIONS, REVISIONS.c.batch_id == BATCHES.c.id)
    return str(connection.execute(joined.where(REVISIONS.c.seq == revision)).scalar_one())
