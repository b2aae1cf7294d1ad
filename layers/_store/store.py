"""The store: an append-only log and the current rows in one SQLite file, read as snapshots, written by one thread."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Final, Literal, Self, TypeVar

import geopandas as gpd
import sqlalchemy as sa

from geo_risk.errors import ParameterError, StoreCorrupt, StoreError, StoreUnavailable, shown
from layers._catalog import catalog, named
from layers._layer import Layer
from layers._store import audit, changes, log, replay, runs, writes
from layers._store.awaited import awaited
from layers._store.chain import GENESIS
from layers._store.database import Database
from layers._store.records import Applied, Batch, Change, Changed, Feature, RecordedBatch, ReplyKey, Revision, Verified, Written
from layers._store.rows import require_storable
from layers._store.runs import RunRecord
from layers._store.schema import META, METADATA, SCHEMA, as_text, declared
from layers._store.snapshot import Snapshot, brought_forward
from layers._store.sql import insert
from layers._store.sqlite import SqliteDatabase, require_file
from layers._store.standing import Wanted
from layers._store.writer import Job, Writer

WAIT_S: Final = 30.0
"""How long a write waits for another process's."""
Result = TypeVar("Result")


class Store:
    """One store, open. Any thread may call it; other processes may have it open too. Made by `open_store`."""

    def __init__(self, database: Database, layers: Mapping[str, Layer]) -> None:
        self.layers, self.database = layers, database
        self._closed = False
        self._follower: sa.Connection | None = None
        self._last: Snapshot | None = None
        self._reading = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._writer = Writer(database, partial(writes.look_up, layers=layers), self._tell)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Finish the writes that wait and let go of the file."""
        self._writer.close()
        with self._reading:
            self._closed = True
            if self._follower is not None:
                self._follower.close()
            self.database.close()

    @property
    def commits(self) -> int:
        """Transactions committed by this process; fewer than its writes where some waited and went together."""
        return self._writer.commits

    @property
    def committed(self) -> tuple[int, float]:
        """Writes committed by this process, and the seconds that their transactions took."""
        return self._writer.writes, self._writer.busy_s

    @property
    def problem(self) -> str:
        """Why the last write failed, until one goes through again; else nothing."""
        return self._writer.problem

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back, from whichever thread, when this process committed something or another announced it.

        It ends with the function that is given back.
        """
        self._listeners.append(callback)
        stop = self.database.listen(callback)

        def end() -> None:
            self._listeners.remove(callback)
            stop()

        return end

    def _tell(self) -> None:
        for callback in tuple(self._listeners):
            callback()

    def take_up(self, snapshot: Snapshot) -> bool:
        """Go on from a snapshot that was kept elsewhere, if the log has its hash at its revision; whether it has."""
        with self._reading, self.read() as connection:
            if self._last is None and log.continues(connection, snapshot.revision, bytes.fromhex(snapshot.head)):
                self._last = snapshot
            return self._last is snapshot

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
        with self._reading, self._following() as connection:
            self._last = brought_forward(connection, self.layers, self._last)
            return self._last

    def history(self, layer_id: str, fid: str) -> tuple[Revision, ...]:
        """All revisions of a feature, the oldest first, each with what it changed."""
        layer = self._layer(layer_id)
        with self.read() as connection:
            return replay.history(connection, layer, fid)

    def features_at(self, layer_id: str, revision: int) -> gpd.GeoDataFrame:
        """The layer's frame as it was after that revision."""
        layer = self._layer(layer_id)
        with self.read() as connection:
            return replay.features_at(connection, layer, revision)

    def batches(self, limit: int = 100) -> tuple[RecordedBatch, ...]:
        """The last batches, the newest first."""
        if limit < 1:
            raise ParameterError("no batches are asked for", where="limit", expected="1 or more", got=shown(limit))
        with self.read() as connection:
            return replay.batches(connection, limit)

    def add_run(self, record: RunRecord) -> None:
        """Keep an assessment run; returns after COMMIT. What is kept is never changed."""
        self.transact(lambda connection: runs.add(connection, record))

    def runs(self, limit: int = 100) -> tuple[RunRecord, ...]:
        """The last assessment runs without their content, the newest first."""
        if limit < 1:
            raise ParameterError("no runs are asked for", where="limit", expected="1 or more", got=shown(limit))
        with self.read() as connection:
            return runs.listed(connection, limit)

    def run(self, run_id: str) -> RunRecord:
        """One assessment run, whole; `NotFound` if there is none of that id."""
        with self.read() as connection:
            return runs.run(connection, run_id)

    def verify(self, progress: Callable[[float], None] | None = None) -> Verified:
        """Replay the log from nothing and compare the current rows with it, byte for byte; `StoreCorrupt` where they part.

        The audit is followed from its first entry to its stated head too.
        """
        with self.read() as connection:
            replay.require_sound(self.database.faults(connection))
            audit.verify_kept(connection)
            return replay.verify(connection, self.layers, progress or _unheard)

    def write(
        self, batch: Batch, given: Sequence[Change], *, judge: writes.Judge = writes.permit, whole: bool = True,
        reply_key: ReplyKey | None = None, compose: writes.Compose | None = None, deadline_s: float | None = None,
    ) -> Written:
        """Change single features, in one transaction; returns after COMMIT. See `layers._store.writes.write`.

        With ``deadline_s`` a write that could not begin in time raises `Busy`, and changed nothing.
        """
        return self.submit(
            batch, given, judge=judge, whole=whole, reply_key=reply_key, compose=compose, deadline_s=deadline_s
        ).result()

    def submit(
        self, batch: Batch, given: Sequence[Change], *, judge: writes.Judge = writes.permit, whole: bool = True,
        reply_key: ReplyKey | None = None, compose: writes.Compose | None = None, deadline_s: float | None = None,
    ) -> Future[Written]:
        """As `write`, not waited for."""

        def work(connection: sa.Connection) -> Written:
            return writes.write(
                connection, self.layers, batch, given, judge=judge, whole=whole, reply_key=reply_key, compose=compose
            )

        return self._submit(work, len(given), deadline_s, wanted=writes.wanted(given, reply_key))

    def transact(self, work: Callable[[sa.Connection], Result], deadline_s: float | None = None) -> Result:
        """Do something else in the one writer's next transaction; returns after COMMIT."""
        return self._submit(work, 1, deadline_s).result()

    def feature(self, layer_id: str, fid: str) -> Feature:
        """The feature as it stands in the database; `NotFound` if it is not there."""
        layer = self._layer(layer_id)
        with self.read() as connection:
            return writes.require_feature(layer, writes.current(connection, layer, fid), fid)

    def changes_since(self, revision: int, limit: int = 10_000) -> tuple[Changed, ...]:
        """The log's changes after a revision, the oldest first, at most ``limit``."""
        with self.read() as connection:
            return changes.since(connection, revision, limit)

    def revision_at(self, moment: str) -> int:
        """The last revision recorded at or before a moment (`records.stamp`); 0 before the first."""
        with self.read() as connection:
            return changes.revision_at(connection, moment)

    def _submit(
        self, work: Callable[[sa.Connection], Result], rows: int, deadline_s: float | None, wanted: Wanted | None = None
    ) -> Future[Result]:
        begin_by = None if deadline_s is None else time.monotonic() + deadline_s
        return self._writer.submit(Job(work=work, rows=rows, begin_by=begin_by, wanted=wanted))

    def _written(
        self, work: Callable[[sa.Connection, log.Report], Applied], rows: int, progress: Callable[[float], None] | None
    ) -> Applied:
        abandoned = threading.Event()

        def report(share: float) -> None:
            if abandoned.is_set():
                raise StoreUnavailable("the caller left before the write was done; nothing was changed", where=self.database.where)
            (progress or _unheard)(share)

        try:
            result = self._submit(lambda connection: work(connection, report), rows, None).result()
        finally:
            # the wait ends early only on an interrupt (Ctrl-C): the write is undone at its next chunk
            abandoned.set()
        return result

    @contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A connection that sees one state of the store until the block ends."""
        with self.database.told():
            self._require_open()
            with self.database.connect() as connection, connection.begin():
                yield connection

    @contextmanager
    def _following(self) -> Iterator[sa.Connection]:
        """As `read`, on a connection that is kept: to open one takes longer than to see that nothing changed."""
        with self.database.told():
            self._require_open()
            connection, self._follower = self._follower or self.database.connect(), None
            try:
                with connection.begin():
                    yield connection
            except BaseException:
                connection.invalidate()
                connection.close()
                raise
            self._follower = connection

    def _require_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(
                "the store is closed", where=self.database.where, expected="an open store", then="open it again",
            )
        self.database.require_there()

    def _layer(self, layer_id: str) -> Layer:
        return named(self.layers, layer_id)


def open_store(
    where: Path | str, *, layers: Mapping[str, Layer] | None = None, create: bool = True, wait_s: float = WAIT_S
) -> Store:
    """Open the store in that file, or at that URL of a PostgreSQL database with PostGIS, making it where there is none.

    A file and its folder are made for their owner's eyes only. An embedded store of an older version is copied beside itself,
    then brought forward.

    Raises
    ------
    StoreUnavailable
        It is not there and is not to be made, cannot be opened, is held by another process, or a newer version made it.
    StoreCorrupt
        The file is something else, or is damaged.
    """
    held = MappingProxyType(dict(catalog() if layers is None else layers))
    return store_in(open_database(where, create=create, wait_s=wait_s), held, create=create)


def await_store(where: Path | str, error: StoreError, *, wait_s: float = WAIT_S) -> Store:
    """The store that could not be opened for that error: it opens with the first use for which it can, and is never made anew."""
    held = MappingProxyType(dict(catalog()))

    def opened() -> Database:
        database = open_database(where, create=False, wait_s=wait_s)
        make_ready(database, held, create=False)
        return database

    is_url = isinstance(where, str) and "://" in where
    name: Literal["sqlite", "postgis"] = "postgis" if is_url else "sqlite"
    return Store(awaited(name, error.where if is_url else Path(where).name, opened, error), held)


def open_database(where: Path | str, *, create: bool = False, wait_s: float = WAIT_S) -> Database:
    """The database in that file or at that URL, whatever is in it."""
    if isinstance(where, str) and "://" in where:
        from layers._store.postgis import PostgisDatabase  # noqa: PLC0415 - an embedded store starts without it

        return PostgisDatabase(where, wait_s)
    place = Path(where).absolute()
    require_file(place, create)
    return SqliteDatabase(place, wait_s)


def store_in(database: Database, layers: Mapping[str, Layer], *, create: bool = True) -> Store:
    """The store in a database, its tables made or made anew where they are not as the layers declare."""
    make_ready(database, layers, create=create)
    return Store(database, layers)


def make_ready(database: Database, layers: Mapping[str, Layer], *, create: bool = True) -> None:
    """Make the database's tables, or make them anew where they are not as the layers declare."""
    with ExitStack() as undone, database.told():
        undone.callback(database.close)
        with database.connect() as connection, connection.begin():
            schema = _stated_schema(connection)
        _require_schema(database, schema, create)
        with database.connect() as connection, connection.begin():
            ready = _lacking(connection, layers) == () and database.is_ready(connection, layers)
        if not ready:
            with database.connect(writes=True) as connection, connection.begin():
                _prepare(connection, layers)
                database.made_ready(connection, layers)
        undone.pop_all()


def _unheard(_: float) -> None:
    return None


def _lacking(connection: sa.Connection, layers: Mapping[str, Layer]) -> tuple[Layer, ...] | None:
    """The layers whose tables are not as declared now; None where the database is still empty."""
    names = set(sa.inspect(connection).get_table_names())
    if not names & set(METADATA.tables):
        if names and connection.dialect.name == "sqlite":
            raise StoreCorrupt(
                "the file is a database but not a store", expected="a store made by geo-risk", got=f"{len(names)} other tables",
                then="name another file",
            )
        return None
    if not names >= set(METADATA.tables):
        raise StoreCorrupt(
            "the file is a database but not a store", expected="a store made by geo-risk", got="other tables",
            then="name another file",
        )
    stated = {row.key: row.value for row in connection.execute(sa.select(META))}
    return tuple(layer for layer in layers.values() if stated.get(f"columns.{layer.id}") != as_text(declared(layer)))


def _stated_schema(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(META.name):
        return None
    return connection.execute(sa.select(META.c.value).where(META.c.key == "schema")).scalar_one_or_none() or ""


def _require_schema(database: Database, stated: str | None, create: bool) -> None:
    if stated is None:
        if not create and database.name == "postgis":
            raise StoreUnavailable(
                "there is no store", where=database.where, expected="a store's tables", got="nothing",
                then="import a file, or make the demo",
            )
        return
    if not stated.isdecimal() or int(stated) > SCHEMA:
        raise StoreUnavailable(
            "the store was made by a newer version", expected=f"schema {SCHEMA} or lower", got=f"schema {shown(stated)}",
            then="install that version; nothing was changed",
        )
    if int(stated) < SCHEMA:
        from layers._store import migrate  # noqa: PLC0415 - alembic is loaded only by the first start of a new version

        migrate.at_start(database)


def _prepare(connection: sa.Connection, layers: Mapping[str, Layer]) -> None:
    lacking = _lacking(connection, layers)
    if lacking is None:
        METADATA.create_all(connection)
        beginning = [("schema", str(SCHEMA)), ("head", log.head_text(0, GENESIS))]
        insert(connection, META, beginning)
        lacking = tuple(layers.values())
    for layer in lacking:
        replay.rebuild(connection, layer)
