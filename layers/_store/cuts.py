"""Where the log begins: at its first revision, or at a cut that was made with an archive (`layers._store.retention`).

The chain forbids taking anything out of the log silently, so a cut is said aloud. Of what is older only the last revision of
each feature is left (the *baseline*); the cut's own hash, from which the chain goes on, is stated beside the log with the digest
of the baseline and of the archive; and the same statement is an entry of the audit. Verifying follows the chain from there.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any, Final

import sqlalchemy as sa

from geo_risk.errors import ParameterError, StoreCorrupt, shown
from layers._store import audit
from layers._store.chain import GENESIS, batch_digest, netstring
from layers._store.records import RecordedBatch
from layers._store.rows import legible
from layers._store.schema import BATCHES, META, REVISIONS

KEY: Final = "retained"
ACTION: Final = audit.LOG_CUT


@dataclass(frozen=True, kw_only=True)
class Retained:
    """A cut that was made: what the log holds from its revision on, and what says that the rest was as it was."""

    cut: int
    head: str
    until: str
    baseline_sha256: str
    removed: int
    archive: str
    archive_sha256: str
    at: str
    actor: str
    reason: str


def retained(connection: sa.Connection) -> Retained | None:
    """The last cut of the log, or None where it is whole."""
    text = connection.execute(sa.select(META.c.value).where(META.c.key == KEY)).scalar_one_or_none()
    if text is None:
        return None
    with legible("table meta, retained"):
        return Retained(**json.loads(text))


def first_kept(connection: sa.Connection) -> int:
    """The first revision after which the map can be told from the log: 0, or the last cut's."""
    cut = retained(connection)
    return 0 if cut is None else cut.cut


def require_kept(connection: sa.Connection, moment: str) -> None:
    """Stop where a moment lies before the cut: what was true or known then is in the archive.

    Raises
    ------
    ParameterError
        The log was cut after that moment.
    """
    cut = retained(connection)
    if cut is not None and moment < cut.until:
        raise ParameterError(
            "the log before this moment was archived", where="moment", expected=f"{cut.until} or later", got=shown(moment),
            then=f"ask the archive that was made with the cut at revision {cut.cut}",
        )


def beginning(connection: sa.Connection) -> tuple[int, bytes, dict[str, dict[str, int]]]:
    """From where the chain is followed: the revision before, its hash, and each layer's live features with their revision.

    Raises
    ------
    StoreCorrupt
        What the cut left is not what it says, or the audit does not know of it.
    """
    cut = retained(connection)
    if cut is None:
        return 0, GENESIS, {}
    if baseline_digest(connection, cut.cut) != cut.baseline_sha256:
        raise _broken("what a cut of the log left is not what it left then", f"revisions up to {cut.cut}")
    if audit.last_detail(connection, ACTION) != asdict(cut):
        raise _broken("the audit does not know of this cut of the log", f"revision {cut.cut}")
    return cut.cut, bytes.fromhex(cut.head), _live(connection, cut.cut)


def baseline_digest(connection: sa.Connection, cut: int, *, kept_only: bool = False) -> str:
    """SHA-256 over the revisions up to a cut (those that are to stay, or all there are), each with its batch's digest."""
    which = stays(cut) if kept_only else REVISIONS.c.seq <= cut
    digests = {row["id"]: batch_digest(RecordedBatch(**row)) for row in connection.execute(sa.select(BATCHES)).mappings()}
    whole = hashlib.sha256()
    for row in connection.execute(sa.select(REVISIONS).where(which).order_by(REVISIONS.c.seq)).mappings():
        fields = [digests.get(row["batch_id"], b""), *(_bytes(value) for value in row.values())]
        whole.update(b"".join(map(netstring, fields)))
    return whole.hexdigest()


def _bytes(value: Any) -> bytes | None:
    if value is None:
        return None
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def stays(cut: int) -> sa.ColumnElement[bool]:
    """The last revision of each feature, ends included: a report that comes late must find them. And the cut's own."""
    last = (
        sa.select(sa.func.max(REVISIONS.c.seq))
        .where(REVISIONS.c.seq <= cut, REVISIONS.c.op != "late")
        .group_by(REVISIONS.c.layer, REVISIONS.c.fid)
    )
    return sa.and_(REVISIONS.c.seq <= cut, sa.or_(REVISIONS.c.seq.in_(last), REVISIONS.c.seq == cut))


def _live(connection: sa.Connection, cut: int) -> dict[str, dict[str, int]]:
    found = connection.execute(
        sa.select(REVISIONS.c.layer, REVISIONS.c.fid, REVISIONS.c.seq).where(
            REVISIONS.c.seq <= cut, REVISIONS.c.op.not_in(("delete", "late"))
        )
    )
    live: dict[str, dict[str, int]] = {}
    for layer_id, fid, seq in found:
        live.setdefault(layer_id, {})[fid] = seq
    return live


def _broken(what: str, where: str) -> StoreCorrupt:
    return StoreCorrupt(
        what, where=where, expected="what was stated when it was cut", got="another",
        then="restore the last backup that verifies; keep this file for study",
    )
