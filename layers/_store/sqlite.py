"""The embedded store's database: one SQLite file, write-ahead log, every commit on the disk before it is acknowledged."""

import os
import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from geo_risk.errors import StoreUnavailable
from layers._layer import Layer
from layers._store.faults import told

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cache_size = -65536",
    "PRAGMA journal_size_limit = 67108864",
)


_PART: Final = 1 << 20


class SqliteDatabase:
    """A `Database` in one file.

    One connection more than are asked for stays open and does nothing: so the log and the shared memory beside the file stay
    there between uses. On a full disk they could not be made anew, and whoever restores sees that the file is in use. And SQLite
    syncs a file when the last connection leaves it: the one on which a sync had failed is never the last.
    """

    name: Literal["sqlite"] = "sqlite"

    def __init__(self, path: Path, wait_s: float) -> None:
        self.path, self.where = path, path.name
        self._engine, self._file = _engine(path, wait_s), _identity(path)
        self._staying: sa.Connection | None = None
        self._opening = threading.Lock()

    def connect(self, *, writes: bool = False) -> sa.Connection:
        """A connection; with ``writes`` its transactions begin by taking SQLite's write lock."""
        with self._opening:
            self._staying = self._staying or _taken_place(self._engine)
        return self._engine.connect().execution_options(writes=writes)

    def told(self) -> AbstractContextManager[None]:
        """SQLite's errors as the store's."""
        return told(self.path)

    def require_there(self) -> None:
        """Stop where the file was moved, deleted or replaced while it was open."""
        if _identity(self.path) != self._file:
            raise StoreUnavailable(
                "the store's file was moved, deleted or replaced while it was open", where=self.where,
                expected="the file that was opened", got="another or none", then="put it back, then start again",
            )

    def let_go(self, connection: sa.Connection) -> None:
        """Close it; the one that stays is the last to leave."""
        connection.invalidate()
        connection.close()

    def made_sure(self, connection: sa.Connection) -> None:
        """Write the write-ahead log's own bytes over it, then sync: after a failed sync the system takes for written what is not.

        The transaction holds off every writer meanwhile; readers see the same bytes before and after.
        """
        try:
            _rewrite(self.path.with_name(f"{self.path.name}-wal"))
        except OSError as error:
            raise StoreUnavailable(
                "the disk did not take the store's data; nothing was changed", where=self.where,
                expected="a disk that takes what was written", got=type(error).__name__, then="check the disk and its space",
            ) from error

    def faults(self, connection: sa.Connection) -> str:
        """What SQLite's integrity check finds first."""
        found = str(connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one())
        return "" if found == "ok" else found

    def announce(self, connection: sa.Connection, seq: int) -> None:
        """Nothing: other processes look at the file."""

    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Nothing to listen to: other processes' changes are found by looking."""
        return lambda: None

    def is_ready(self, connection: sa.Connection, layers: Mapping[str, Layer]) -> bool:
        """Always: there is nothing more than tables."""
        return True

    def made_ready(self, connection: sa.Connection, layers: Mapping[str, Layer]) -> None:
        """Nothing more than tables."""

    def close(self) -> None:
        """Let go of the file."""
        with self._opening:
            if self._staying is not None:
                self._staying.close()
            self._staying = None
        self._engine.dispose()


def require_file(path: Path, create: bool) -> None:
    """Make the store's file and folder, for their owner's eyes only, where there is none and it may be made."""
    size = path.stat().st_size if path.exists() else None
    if not create and not size:
        # what an interrupted copy or a lost disk left must not pass for a map with nothing on it
        raise StoreUnavailable(
            "there is no store", where=path.name, expected="a store's file", got="nothing" if size is None else "an empty file",
            then="import a file, or make the demo; or restore a backup",
        )
    if size is not None:
        return
    try:
        make_folder(path.parent)
        # SQLite gives its -wal and -shm files the mode of this one: it holds people's telephone numbers
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            "the store's file cannot be made", where=path.name, expected="a folder that can be written", got=type(error).__name__,
            then="check the folder and who owns it",
        ) from error


def make_folder(folder: Path) -> None:
    """Make a folder, for its owner's eyes only, and those above it, where there is none."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    # SQLite makes names in the folder sure, not the folder's own: a power cut would take it with all that was acknowledged
    make_names_sure(folder.parent)


def make_names_sure(folder: Path) -> None:
    """Let the names made in and removed from a folder outlast a power cut."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def _taken_place(engine: sa.Engine) -> sa.Connection:
    connection = engine.connect()
    try:
        # a connection takes its place in the file with its first read
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").all()
        connection.rollback()
    except DBAPIError:
        connection.close()
        raise
    return connection


def _rewrite(path: Path) -> None:
    if not path.exists():
        return
    held = os.open(path, os.O_RDWR)
    try:
        at = 0
        while part := os.pread(held, _PART, at):
            at += os.pwrite(held, part, at)
        os.fsync(held)
    finally:
        os.close(held)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _engine(path: Path, wait_s: float) -> sa.Engine:
    def connected() -> sqlite3.Connection:
        connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)
        try:
            for pragma in _PRAGMAS:
                connection.execute(pragma)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    # statements carry people's data: hide_parameters keeps it out of error texts
    engine = sa.create_engine("sqlite://", creator=connected, poolclass=sa.NullPool, hide_parameters=True)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _begin(connection: sa.Connection) -> None:
    # a writer takes its place at once: one that first reads may find itself overtaken when it writes
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
