"""SQLite's part of keeping copies: a copy made while writes go on, a copy read as it lies, a store's file put aside."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

import sqlalchemy as sa

from geo_risk.errors import StoreUnavailable
from layers._store.database import Database
from layers._store.faults import told
from layers._store.sqlite import make_names_sure

_STEP_PAGES: Final = 2048
_IN_USE: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_BESIDE: Final = ("-wal", "-shm", "-journal")


def copied(connection: sa.Connection, to: Path, report: Callable[[float], None]) -> None:
    """Copy what an open read transaction sees to a new file of its own; writes go on and are not in it.

    The transaction keeps its state to its end, so the copy takes as long as the file is large, whatever is written meanwhile.
    """
    source = connection.connection.driver_connection
    assert isinstance(source, sqlite3.Connection)  # noqa: S101 - only an embedded store comes here
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(to)) as copy:
        # nothing of it counts before it was made sure below
        copy.execute("PRAGMA synchronous = OFF")
        source.backup(copy, pages=_STEP_PAGES, progress=lambda _, left, pages: report(1 - left / max(pages, 1)))
        # the copy says that it goes with a write-ahead log: as one file it goes without
        copy.execute("PRAGMA journal_mode = DELETE")
    make_sure(to)


def make_sure(file: Path) -> None:
    """Let a file's content outlast a power cut."""
    with file.open("rb+") as held:
        os.fsync(held.fileno())


@contextmanager
def opened_copy(path: Path) -> Iterator[sa.Connection]:
    """A connection that reads a copy and changes nothing of it, nor beside it."""
    # with a log beside it the file is a store at work, whose newest rows are in the log
    alone = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    uri = f"file:{quote(str(path.absolute()))}?mode=ro{alone}"
    engine = sa.create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(uri, uri=True, isolation_level=None), poolclass=sa.NullPool,
        hide_parameters=True,
    )
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with told(path), engine.connect() as connection, connection.begin():
        yield connection
    engine.dispose()


@contextmanager
def new_database(path: Path) -> Iterator[sa.Connection]:
    """A connection, in one transaction, to a new database that nobody needs after a crash."""
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.NullPool, hide_parameters=True)
    with told(path), engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA synchronous = OFF")
        yield connection
    engine.dispose()


def put_in_place(copy: Path, store: Path, aside: Path | None) -> None:
    """Make a finished copy the store, in one step that is done or not; the store that was there is kept aside.

    Raises
    ------
    StoreUnavailable
        Another process has the store open.
    """
    if aside is not None:
        _end_its_log(store)
        _move_beside(store, aside)
        os.link(store, aside)
    make_names_sure(store.parent)
    copy.replace(store)
    make_names_sure(store.parent)


def _end_its_log(store: Path) -> None:
    # leaving the write-ahead log needs the file for oneself, and folds the log in: else it would be replayed into the copy
    with closing(sqlite3.connect(store, timeout=0)) as alone:
        try:
            left = alone.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
        except sqlite3.DatabaseError as error:
            left = "in use" if error.sqlite_errorcode & 0xFF in _IN_USE else "broken"
    if left in ("wal", "in use"):
        raise StoreUnavailable(
            "another process has the store open; nothing was changed", where=store.name, expected="a store not in use",
            got="one in use", then="stop the service, then restore",
        )


def _move_beside(store: Path, aside: Path) -> None:
    for end in _BESIDE:
        left = store.with_name(store.name + end)
        if left.exists():
            left.rename(aside.with_name(aside.name + end))


def page_faults(connection: sa.Connection) -> str:
    """What SQLite's own check of a copy finds first, or nothing."""
    found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one())
    return "" if found == "ok" else found


def leave_no_traces(connection: sa.Connection) -> None:
    """What is removed from now on is overwritten, not only let go of; PostgreSQL does the like with its next vacuum."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")


@contextmanager
def no_traces(connection: sa.Connection) -> Iterator[None]:
    """What is removed inside the block is overwritten; afterwards it is as it was before, since overwriting takes time."""
    if connection.dialect.name != "sqlite":
        yield
        return
    was = connection.exec_driver_sql("PRAGMA secure_delete").scalar_one()
    leave_no_traces(connection)
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA secure_delete = {int(was)}")


def fold_in(database: Database) -> None:
    """Fold the write-ahead log into the file and empty it: it still holds what was removed."""
    if database.name == "sqlite":
        with database.told(), database.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
