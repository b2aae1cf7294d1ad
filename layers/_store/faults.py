"""From what SQLite reports to the store's errors, as a table."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy.exc import DBAPIError

from geo_risk.errors import StoreCorrupt, StoreError, StoreFull, StoreUnavailable


class _Fault(NamedTuple):
    error: type[StoreError]
    what: str
    then: str


_HELD: Final = _Fault(
    StoreUnavailable, "another process is writing to the store and did not finish in time; nothing was changed",
    "wait for its import to end (or end it), then try again",
)
_NO_ENTRY: Final = _Fault(
    StoreUnavailable, "the store's file or its folder cannot be written or opened; nothing was changed",
    "check that both exist and belong to the user who runs this",
)
_BROKEN: Final = _Fault(
    StoreCorrupt, "the file is damaged, or is not a store", "keep it, restore the last backup, and run verify on that",
)
_FULL: Final = _Fault(StoreFull, "the disk is full; nothing was changed", "free some space, then try again")
_FOR_WANT_OF_ROOM: Final = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
_LEAST_ROOM: Final = 1 << 16
_FAULTS: Final = {
    sqlite3.SQLITE_BUSY: _HELD,
    sqlite3.SQLITE_LOCKED: _HELD,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_IOERR: _Fault(
        StoreUnavailable, "the disk did not take or give the store's data; nothing was changed", "check the disk and its space",
    ),
    sqlite3.SQLITE_TOOBIG: _Fault(
        StoreUnavailable, "a geometry or a text is longer than SQLite can hold; nothing was changed", "split it, or simplify it",
    ),
    sqlite3.SQLITE_READONLY: _NO_ENTRY,
    sqlite3.SQLITE_CANTOPEN: _NO_ENTRY,
    sqlite3.SQLITE_PERM: _NO_ENTRY,
    sqlite3.SQLITE_CORRUPT: _BROKEN,
    sqlite3.SQLITE_NOTADB: _BROKEN,
}
_OTHER: Final = _Fault(
    StoreCorrupt, "the store's tables are not as this version makes them; nothing was changed",
    "run verify; if another version of the software is at work on it, use that one",
)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Raise what SQLite reports inside the block as an error of the store at that path."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        # the low byte is the kind; extended codes say where in SQLite it arose
        reported = error.orig if isinstance(error, DBAPIError) else error
        code = getattr(reported, "sqlite_errorcode", 0)
        fault = _FULL if code & 0xFF in _FOR_WANT_OF_ROOM and _is_full(path.parent) else _FAULTS.get(code & 0xFF, _OTHER)
        raise fault.error(
            fault.what, where=path.name, expected="a store that can be read and written",
            got=getattr(reported, "sqlite_errorname", type(reported).__name__), then=fault.then,
        ) from error


def _is_full(folder: Path) -> bool:
    # SQLite says only of the file itself and its log that there was no room, not of what else it makes beside them
    try:
        room = os.statvfs(folder)
    except OSError:
        return False
    return room.f_bavail * room.f_frsize < _LEAST_ROOM
