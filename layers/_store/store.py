"""The store: an append-only log and the current rows in one SQLite file, read as snapshots, written by one thread."""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Self

import geopandas as gpd
import sqlalchemy as sa

from geo_risk.errors import NotFound, ParameterError, StoreCorrupt, StoreUnavailable, shown
from layers._catalog import catalog
from layers._layer import Layer
from layers._store import log, replay, runs
from layers._store.chain import GENESIS
from layers._store.faults import told
from layers._store.records import Applied, Batch, RecordedBatch, Revision, Verified
from layers._store.rows import require_storable
from layers._store.runs import RunRecord
from layers._store.schema import META, METADATA, SCHEMA, as_text, declared, insertion
from layers._store.snapshot import Snapshot, brought_forward
from layers._store.writer import Job, Writer

WAIT_S: Final = 30.0
"""How long a write waits for another process's."""

_PRAGMAS: Final = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cache_size = -65536",
    "PRAGMA journal_size_limit = 67108864",
)


class Store:
    """One store, open. Any thread may call it; other processes may have it open too. Made by `open_store`."""

    def __init__(self, path: Path, engine: sa.Engine, layers: Mapping[str, Layer]) -> None:
        self.layers = layers
        self._path, self._engine, self._closed = path, engine, False
        self._file = _identity(path)
        self._last: Snapshot | None = None
        self._reading = threading.Lock()
        self._reader = engine.connect()
        self._writer = Writer(engine.connect().execution_options(writes=True), path, self._require_there)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish the writes that wait and let go of the file."""
        self._writer.close()
        with self._reading:
            self._closed = True
            self._reader.close()
            self._engine.dispose()

    @property
    def commits(self) -> int:
        """Transactions committed by this process; fewer than its writes where some waited and went together."""
        return self._writer.commits

    @property
    def last_snapshot(self) -> Snapshot | None:
        """The snapshot handed out last, with no look at the file: what reads go on from when the store is lost."""
        return self._last

    def apply(
        self, layer_id: str, frame: gpd.GeoDataFrame, batch: Batch, *,
        replace: bool = False, progress: Callable[[float], None] | None = None,
    ) -> Applied:
        """Store the frame's rows that differ from the current ones: all of them or, on any error, none.

        The frame is as `layers._frame.typed` makes it; columns that the store itself fills are not read.
        A row differs if a value, its geometry, what was derived or its source does.

        Parameters
        ----------
        replace
            Also remove the layer's features of the same source that the frame does not have; the log keeps them.
        progress
            Called from the writing thread with the share done; raising from it undoes the write.
        """
        layer = self._layer(layer_id)
        require_storable(layer, frame)
        return self._written(
            lambda connection, report: log.upsert(connection, layer, frame, batch, replace=replace, report=report),
            len(frame), progress,
        )

    def remove(self, layer_id: str, ids: Iterable[str], batch: Batch) -> Applied:
        """Remove features, all or none; the log keeps them. `NotFound` if one is not there."""
        layer, wanted = self._layer(layer_id), tuple(ids)
        return self._written(lambda connection, _: log.remove(connection, layer, wanted, batch), len(wanted), None)

    def snapshot(self) -> Snapshot:
        """All current rows at the last revision, other processes' writes included.

        Frames of layers that did not change are the same objects as in the snapshot before.
        """
        with self._reading, told(self._path):
            self._require_there()
            with self._reader.begin():
                self._last = brought_forward(self._reader, self.layers, self._last)
            return self._last

    def history(self, layer_id: str, fid: str) -> tuple[Revision, ...]:
        """All revisions of a feature, the oldest first, each with what it changed."""
        layer = self._layer(layer_id)
        with self._read() as connection:
            return replay.history(connection, layer, fid)

    def features_at(self, layer_id: str, revision: int) -> gpd.GeoDataFrame:
        """The layer's frame as it was after that revision."""
        layer = self._layer(layer_id)
        with self._read() as connection:
            return replay.features_at(connection, layer, revision)

    def batches(self, limit: int = 100) -> tuple[RecordedBatch, ...]:
        """The last batches, the newest first."""
        if limit < 1:
            raise ParameterError("no batches are asked for", where="limit", expected="1 or more", got=shown(limit))
        with self._read() as connection:
            return replay.batches(connection, limit)

    def add_run(self, record: RunRecord) -> None:
        """Keep an assessment run; returns after COMMIT. What is kept is never changed."""
        self._writer.submit(Job(work=lambda connection: runs.add(connection, record), rows=1)).result()

    def runs(self, limit: int = 100) -> tuple[RunRecord, ...]:
        """The last assessment runs without their content, the newest first."""
        if limit < 1:
            raise ParameterError("no runs are asked for", where="limit", expected="1 or more", got=shown(limit))
        with self._read() as connection:
            return runs.listed(connection, limit)

    def run(self, run_id: str) -> RunRecord:
        """One assessment run, whole; `NotFound` if there is none of that id."""
        with self._read() as connection:
            return runs.run(connection, run_id)

    def verify(self, progress: Callable[[float], None] | None = None) -> Verified:
        """Replay the log from nothing and compare the current rows with it, byte for byte; `StoreCorrupt` where they part."""
        with self._read() as connection:
            return replay.verify(connection, self.layers, progress or _unheard)

    def _written(
        self, work: Callable[[sa.Connection, log.Report], Applied], rows: int, progress: Callable[[float], None] | None
    ) -> Applied:
        abandoned = threading.Event()

        def report(share: float) -> None:
            if abandoned.is_set():
                raise StoreUnavailable("the caller left before the write was done; nothing was changed", where=self._path.name)
            (progress or _unheard)(share)

        try:
            result: Applied = self._writer.submit(Job(work=lambda connection: work(connection, report), rows=rows)).result()
        finally:
            # the wait ends early only on an interrupt (Ctrl-C): the write is undone at its next chunk
            abandoned.set()
        return result

    @contextmanager
    def _read(self) -> Iterator[sa.Connection]:
        with told(self._path):
            self._require_there()
            with self._engine.connect() as connection, connection.begin():
                yield connection

    def _require_there(self) -> None:
        if self._closed:
            raise StoreUnavailable("the store is closed", where=self._path.name, expected="an open store", then="open it again")
        if _identity(self._path) != self._file:
            raise StoreUnavailable(
                "the store's file was moved, deleted or replaced while it was open", where=self._path.name,
                expected="the file that was opened", got="another or none", then="put it back, then start again",
            )

    def _layer(self, layer_id: str) -> Layer:
        try:
            return self.layers[layer_id]
        except KeyError:
            raise NotFound(
                f"no layer {shown(layer_id)!r}", expected="one of " + ", ".join(self.layers), got=shown(layer_id),
                then="check the spelling",
            ) from None


def open_store(path: Path, *, layers: Mapping[str, Layer] | None = None, create: bool = True, wait_s: float = WAIT_S) -> Store:
    """Open the store at that path, making it (and its folder, for its owner's eyes only) where there is none.

    Raises
    ------
    StoreUnavailable
        It is not there and is not to be made, cannot be opened, is held by another process, or a newer version made it.
    StoreCorrupt
        The file is something else, or is damaged.
    """
    held = MappingProxyType(dict(catalog() if layers is None else layers))
    place = Path(path).absolute()
    _require_file(place, create)
    engine = _engine(place, wait_s)
    with told(place), engine.connect() as connection:
        with connection.begin():
            ready = _lacking(connection, held) == ()
        if not ready:
            with connection.execution_options(writes=True).begin():
                _prepare(connection, held)
    with told(place):
        return Store(place, engine, held)


def _unheard(_: float) -> None:
    return None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _require_file(path: Path, create: bool) -> None:
    if path.exists():
        return
    if not create:
        raise StoreUnavailable(
            "there is no store", where=path.name, expected="a store's file", got="nothing", then="import a file, or make the demo",
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its -wal and -shm files the mode of this one: it holds people's telephone numbers
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            "the store's file cannot be made", where=path.name, expected="a folder that can be written", got=type(error).__name__,
            then="check the folder and who owns it",
        ) from error


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


def _lacking(connection: sa.Connection, layers: Mapping[str, Layer]) -> tuple[Layer, ...] | None:
    """The layers whose tables are not as declared now; None where the file is still empty."""
    names = set(connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars())
    if not names:
        return None
    if not set(METADATA.tables) <= names:
        raise StoreCorrupt(
            "the file is a database but not a store", expected="a store made by geo-risk", got=f"{len(names)} other tables",
            then="name another file",
        )
    stated = {row.key: row.value for row in connection.execute(sa.select(META))}
    if not stated.get("schema", "").isdecimal() or int(stated["schema"]) > SCHEMA:
        raise StoreUnavailable(
            "the store was made by a newer version", expected=f"schema {SCHEMA} or lower",
            got=f"schema {shown(stated.get('schema'))}", then="install that version; nothing was changed",
        )
    return tuple(layer for layer in layers.values() if stated.get(f"columns.{layer.id}") != as_text(declared(layer)))


def _prepare(connection: sa.Connection, layers: Mapping[str, Layer]) -> None:
    lacking = _lacking(connection, layers)
    if lacking is None:
        METADATA.create_all(connection)
        connection.exec_driver_sql(insertion(META), [("schema", str(SCHEMA)), ("head", log.head_text(0, GENESIS))])
        lacking = tuple(layers.values())
    for layer in lacking:
        replay.rebuild(connection, layer)
