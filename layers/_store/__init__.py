"""The store: append-only revision log and current rows in one SQLite file (docs/store.md)."""

from layers._store.records import (
    UNCHANGED,
    Applied,
    Batch,
    Change,
    Changed,
    Feature,
    Op,
    Outcome,
    RecordedBatch,
    Reply,
    ReplyKey,
    Revision,
    Value,
    Verified,
    Written,
)
from layers._store.runs import RunRecord
from layers._store.sight import PUBLIC, WHOLE, Sight, seen, sight_up_to
from layers._store.snapshot import Snapshot
from layers._store.store import Store, open_store

__all__ = [
    "PUBLIC", "UNCHANGED", "WHOLE", "Applied", "Batch", "Change", "Changed", "Feature", "Op", "Outcome", "RecordedBatch", "Reply",
    "ReplyKey", "Revision", "RunRecord", "Sight", "Snapshot", "Store", "Value", "Verified", "Written", "open_store", "seen",
    "sight_up_to",
]
