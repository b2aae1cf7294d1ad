"""The audit: who signed in, was refused, or changed who may what; appended in the transaction of the change, and chained.

Each entry's hash covers every field of it and the hash before, and the head is stated beside the table, so that an entry that
was changed, taken out or cut off shows (`verify_audit`). Secrets have no place here: whoever appends passes none.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import sqlalchemy as sa

from geo_risk.errors import ParameterError, StoreCorrupt, shown
from layers._store.chain import GENESIS, netstring
from layers._store.records import is_clean, now
from layers._store.schema import META, TEXT, WHOLE_NUMBER

Outcome = Literal["ok", "refused"]

_HEAD: Final = "audit_head"
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
class VerifiedAudit:
    """An audit that agrees with itself; ``head`` is the hash to note down elsewhere."""

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


def verify_audit(connection: sa.Connection) -> VerifiedAudit:
    """Follow the chain from the first entry to the stated head.

    Raises
    ------
    StoreCorrupt
        An entry is not as it was appended, or one is missing.
    """
    digest, number = GENESIS, 0
    for row in connection.execute(sa.select(_AUDIT).order_by(_AUDIT.c.id)).mappings():
        number += 1
        digest = _link(digest, row)
        if row["id"] != number or bytes(row["hash"]) != digest:
            raise _broken(f"entry {number}")
    stated = connection.execute(sa.select(META.c.value).where(META.c.key == _HEAD)).scalar_one_or_none()
    if stated != (f"{number}:{digest.hex()}" if number else None):
        raise _broken("the end")
    return VerifiedAudit(entries=number, head=digest.hex())


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
