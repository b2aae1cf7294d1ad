"""The store: append-only revision log and current rows in one SQLite file (docs/store.md)."""

from layers._store.records import Applied, Batch, Op, RecordedBatch, Revision, Value, Verified
from layers._store.runs import RunRecord
from layers._store.sight import PUBLIC, WHOLE, Sight, seen, sight_up_to
from layers._store.snapshot import Snapshot
from layers._store.store import Store, open_store

__all__ = [
    "PUBLIC", "WHOLE", "Applied", "Batch", "Op", "RecordedBatch", "Revision", "RunRecord", "Sight", "Snapshot", "Store", "Value",
    "Verified", "open_store", "seen", "sight_up_to",
]
