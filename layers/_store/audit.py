"""The audit: who signed in, was refused, or changed who may what; appended in the transaction of the change, and chained.

Each entry's hash covers every field of it and the hash before, and the head is stated beside the table, so that an entry that
was changed, taken out or cut off shows (`verify_audit`). What a rule of retention lets go of is cut off aloud (`cut_off`): the
chain goes on from the hash of the last entry that is gone, which is stated beside the table and in an entry. Secrets have no place
here: whoever appends passes none.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

import sqlalchemy as sa

from geo_risk.errors import ParameterError, StoreCorrupt, shown
from layers._store.chain import GENESIS, netstring
from layers._store.records import is_clean, now
from layers._store.rows import legible
from layers._store.schema import META, TEXT, WHOLE_NUMBER
from layers._store.sql import insert_or_replace

Outcome = Literal["ok", "refused"]

CUT: Final = "audit cut"
LOG_CUT: Final = "log cut"
_CARRIED: Final = (LOG_CUT,)
"""Actions whose last detail verifying needs for ever: a cut carries it on."""
_HEAD: Final = "audit_head"
_BEGINNING: Final = "audit_cut"
_LONGEST: Final = 300
TABLES: Final = sa.MetaData()
_AUDIT: Final = sa.Table(
    "audit", TABLES,
    sa.Column("id", WHOLE_NUMBER, primary_key=True, autoincrement=False),
    sa.Column("at", TEXT, nullable=False),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("address", TEXT, nullable=False),
    sa.Column("action", TEXT, nullable=False),
    sa.Column("subject", TEXT, nullable=False),
    sa.Column("outcome", TEXT, nullable=False),
    sa.Column("detail", TEXT, nullable=False),
    sa.Column("batch_id", WHOLE_NUMBER),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sqlite_strict=True,
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """What is to be noted: who did what to what, from where, and how it ended. ``detail`` is plain JSON."""

    actor: str
    action: str
    subject: str = ""
    outcome: Outcome = "ok"
    address: str = ""
    detail: Mapping[str, Any] | None = None
    batch_id: int | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be stored."""
        for where in ("actor", "action", "subject", "address"):
            text = getattr(self, where)
            if len(text) > _LONGEST or not is_clean(text):
                raise ParameterError(
                    f"an audit entry's {where} cannot be stored", where=where, expected=f"at most {_LONGEST} characters, no NUL",
                    got=shown(text),
                )


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry as the audit holds it."""

    id: int
    at: str
    actor: str
    address: str
    action: str
    subject: str
    outcome: str
    detail: Mapping[str, Any]
    batch_id: int | None


@dataclass(frozen=True, kw_only=True)
class AuditCut:
    """What was cut off last: all up to that entry, whose hash the chain goes on from. ``carried`` is what of it still counts."""

    entry: int
    hash: str
    until: str
    removed: int
    carried: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VerifiedAudit:
    """An audit that agrees with itself, of so many entries; ``head`` is the hash to note down elsewhere."""

    entries: int
    head: str


def prepare(connection: sa.Connection) -> None:
    """Make the table where a store has none yet."""
    TABLES.create_all(connection)


def append(connection: sa.Connection, *events: Event) -> None:
    """Append entries inside the caller's transaction."""
    last = connection.execute(sa.select(_AUDIT.c.id, _AUDIT.c.at, _AUDIT.c.hash).order_by(_AUDIT.c.id.desc()).limit(1)).first()
    last_id, at, digest = (last.id, max(last.at, now()), bytes(last.hash)) if last else (0, now(), GENESIS)
    for number, event in enumerate(events, last_id + 1):
        row = {
            "id": number, "at": at, "actor": event.actor, "address": event.address, "action": event.action,
            "subject": event.subject, "outcome": event.outcome, "detail": _as_text(event.detail or {}), "batch_id": event.batch_id,
        }
        digest = _link(digest, row)
        connection.execute(sa.insert(_AUDIT).values(**row, hash=digest))
    if events:
        _state_head(connection, f"{last_id + len(events)}:{digest.hex()}")


def entries(connection: sa.Connection, *, before: int | None = None, limit: int = 100) -> tuple[Entry, ...]:
    """The last entries, the newest first; those before an id for the next page."""
    query = sa.select(_AUDIT).order_by(_AUDIT.c.id.desc()).limit(limit)
    found = connection.execute(query if before is None else query.where(_AUDIT.c.id < before)).mappings()
    return tuple(Entry(**{name: row[name] for name in _FIELDS} | {"detail": json.loads(row["detail"])}) for row in found)


def last_sign_ins(connection: sa.Connection, among: int = 100_000) -> dict[str, str]:
    """When each name signed in last, as far as the last ``among`` entries tell: however long the audit, it takes no longer."""
    newest = connection.execute(sa.select(sa.func.max(_AUDIT.c.id))).scalar_one_or_none() or 0
    signed = sa.select(_AUDIT.c.actor, sa.func.max(_AUDIT.c.at).label("at")).where(
        _AUDIT.c.id > newest - among, _AUDIT.c.action == "sign_in", _AUDIT.c.outcome == "ok"
    )
    return {row.actor: row.at for row in connection.execute(signed.group_by(_AUDIT.c.actor))}


def last_detail(connection: sa.Connection, action: str) -> Mapping[str, Any] | None:
    """What the last entry of an action says, also where that entry was cut off and its detail carried on."""
    wanted = sa.select(_AUDIT.c.detail).where(_AUDIT.c.action == action).order_by(_AUDIT.c.id.desc()).limit(1)
    found = connection.execute(wanted).scalar_one_or_none()
    cut = cut_made(connection)
    return json.loads(found) if found is not None else cut.carried.get(action) if cut else None


def cut_made(connection: sa.Connection) -> AuditCut | None:
    """The last cut of the audit, or None where it is whole."""
    text = connection.execute(sa.select(META.c.value).where(META.c.key == _BEGINNING)).scalar_one_or_none()
    if text is None:
        return None
    with legible("table meta, audit_cut"):
        return AuditCut(**json.loads(text))


def cut_off(connection: sa.Connection, before: str, most: int) -> int:
    """Remove the oldest entries, as far as they were made before a moment and at most so many, and note it; how many went."""
    first = connection.execute(sa.select(sa.func.min(_AUDIT.c.id))).scalar_one_or_none() or 0
    old = sa.select(_AUDIT).where(_AUDIT.c.id < first + most, _AUDIT.c.at < before).order_by(_AUDIT.c.id.desc()).limit(1)
    last = connection.execute(old).first()
    if last is None:
        return 0
    told = {action: last_detail(connection, action) for action in _CARRIED}
    carried = {action: detail for action, detail in told.items() if detail is not None}
    cut = AuditCut(entry=last.id, hash=bytes(last.hash).hex(), until=last.at, removed=last.id - first + 1, carried=carried)
    append(connection, Event(actor="retention", action=CUT, subject=f"entry {cut.entry}", detail=asdict(cut)))
    connection.execute(sa.delete(_AUDIT).where(_AUDIT.c.id <= cut.entry))
    insert_or_replace(connection, META, [(_BEGINNING, _as_text(asdict(cut)))])
    return cut.removed


def verify_audit(connection: sa.Connection) -> VerifiedAudit:
    """Follow the chain from the first entry, or from the last cut, to the stated head.

    Raises
    ------
    StoreCorrupt
        An entry is not as it was appended, or one is missing; or the audit does not know of what was cut off it.
    """
    cut, told = cut_made(connection), None
    digest, number = (bytes.fromhex(cut.hash), cut.entry) if cut else (GENESIS, 0)
    for row in connection.execute(sa.select(_AUDIT).order_by(_AUDIT.c.id)).mappings():
        number += 1
        digest = _link(digest, row)
        if row["id"] != number or bytes(row["hash"]) != digest:
            raise _broken(f"entry {number}")
        told = row["detail"] if row["action"] == CUT else told
    if told != (_as_text(asdict(cut)) if cut else None):
        raise _broken("the beginning")
    stated = connection.execute(sa.select(META.c.value).where(META.c.key == _HEAD)).scalar_one_or_none()
    if stated != (f"{number}:{digest.hex()}" if number else None):
        raise _broken("the end")
    return VerifiedAudit(entries=number - (cut.entry if cut else 0), head=digest.hex())


def verify_kept(connection: sa.Connection) -> str | None:
    """The head of the audit once it was verified; None where nothing was ever noted."""
    if not sa.inspect(connection).has_table(_AUDIT.name):
        return None
    return verify_audit(connection).head


_FIELDS: Final = ("id", "at", "actor", "address", "action", "subject", "outcome", "detail", "batch_id")


def _link(previous: bytes, row: Mapping[Any, Any]) -> bytes:
    texts: Iterable[str | None] = (None if row[name] is None else str(row[name]) for name in _FIELDS)
    return hashlib.sha256(
        netstring(previous) + b"".join(netstring(None if text is None else text.encode()) for text in texts)
    ).digest()


def _state_head(connection: sa.Connection, head: str) -> None:
    where = META.c.key == _HEAD
    if connection.execute(sa.update(META).where(where).values(value=head)).rowcount == 0:
        connection.execute(sa.insert(META).values(key=_HEAD, value=head))


def _as_text(detail: Mapping[str, Any]) -> str:
    return json.dumps(detail, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _broken(where: str) -> StoreCorrupt:
    return StoreCorrupt(
        "the audit does not agree with itself", where=where, expected="entries as they were appended",
        got="one changed, added or missing", then="keep the store as it is, and compare it with the last backup",
    )
