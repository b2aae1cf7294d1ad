"""The log's hash chain: each revision's hash covers every field of it, its batch, and the hash before (docs/store.md)."""

import hashlib
from typing import Final

from layers._store.records import RecordedBatch

GENESIS: Final = bytes(32)
"""What stands before the first revision."""


def netstring(field: bytes | None) -> bytes:
    """A field with its length before it, so that no two lists of fields read the same; a missing field is ``-,``.

    >>> netstring(b"abc"), netstring(b""), netstring(None)
    (b'3:abc,', b'0:,', b'-,')
    """
    return b"-," if field is None else b"%d:%b," % (len(field), field)


def batch_digest(batch: RecordedBatch) -> bytes:
    """SHA-256 over the batch's fields in the order of the table."""
    texts = (str(batch.id), batch.actor, batch.reason, batch.source, batch.file_sha256, batch.note, batch.recorded_at)
    return hashlib.sha256(b"".join(netstring(text if text is None else text.encode()) for text in texts)).digest()


def link(
    previous: bytes, seq: int, batch: bytes, layer: str, fid: str, op: str, properties: str | None, geometry: bytes | None,
    source: str | None = None, observed_at: str | None = None, skew_s: int | None = None,
) -> bytes:
    """The hash of one revision: SHA-256 over previous, seq, its batch's digest, layer, fid, op, properties, geometry.

    Where one of source, observed_at and skew_s is stated, all three follow; most revisions state none.
    """
    # one format, not eight joins: a million of these are made in an import
    number, owner, name, what = b"%d" % seq, layer.encode(), fid.encode(), op.encode()
    text = netstring(properties if properties is None else properties.encode())
    stated = b"" if source is None and observed_at is None and skew_s is None else _stated(source, observed_at, skew_s)
    return hashlib.sha256(
        b"32:%b,%d:%b,32:%b,%d:%b,%d:%b,%d:%b,%b%b%b"
        % (
            previous, len(number), number, batch, len(owner), owner, len(name), name, len(what), what, text, netstring(geometry),
            stated,
        )
    ).digest()


def _stated(*fields: str | int | None) -> bytes:
    return b"".join(netstring(None if field is None else str(field).encode()) for field in fields)
