"""The shared store's database: PostgreSQL with PostGIS, for several services, QGIS and GeoServer at once (docs/postgis.md)."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, Literal, NamedTuple, Self

import psycopg
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from geo_risk.errors import OutcomeUnknown, ParameterError, StoreCorrupt, StoreError, StoreFull, StoreUnavailable, shown
from layers._layer import Layer
from layers._store import views

CHANNEL: Final = "geo_risk"
"""What is notified at each commit that moved the log, with the last revision as payload."""
SETTLED_S: Final = 1.5
"""How long the outcome of a COMMIT that got no answer is asked for."""

_OLDEST: Final = 150_000
_STATEMENT_S: Final = 120
_ANSWER_S: Final = 5
_LOOK_S: Final = 0.5
_BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_BEGINNING: Final = (
    "CREATE SCHEMA IF NOT EXISTS geo_risk",
    "CREATE TABLE IF NOT EXISTS geo_risk.edits (xid xid8 PRIMARY KEY, batch_id bigint NOT NULL)",
)


class CommitUnknown(psycopg.OperationalError):
    """The connection was lost in COMMIT, and nobody could be asked what became of it."""


class _Connection(psycopg.Connection[Any]):
    """A connection that knows its transaction's id, so that a COMMIT without an answer can be asked for on another."""

    known_as: str = ""
    transaction_id: str | None = None

    def commit(self) -> None:
        """Commit; where the answer is lost, find out what the server did."""
        try:
            super().commit()
        except psycopg.OperationalError:
            if not self.closed or self.transaction_id is None or not _was_committed(self.known_as, self.transaction_id):
                raise
        finally:
            self.transaction_id = None


def _was_committed(dsn: str, xid: str) -> bool:
    """What became of a transaction, asked on a connection of its own until the server answers.

    Raises
    ------
    CommitUnknown
        It did not answer in time, or is still at it.
    """
    until = time.monotonic() + SETTLED_S
    while time.monotonic() < until:
        try:
            with psycopg.connect(dsn, connect_timeout=2, autocommit=True) as other:
                (status,) = other.execute("SELECT pg_xact_status(%s::xid8)", (xid,)).fetchone() or (None,)
        except psycopg.OperationalError:
            status = None
        if status in ("committed", "aborted"):
            return bool(status == "committed")
        time.sleep(0.05)
    raise CommitUnknown("the connection was lost in COMMIT")


class PostgisDatabase:
    """A `Database` on a server. Made from a URL: ``postgresql://user:password@host:5432/database``.

    Raises
    ------
    ParameterError
        The URL is none of PostgreSQL's.
    StoreUnavailable
        The server does not answer, lets nobody in, is too old, has no PostGIS in this database, or keeps no UTF-8.
    """

    name: Literal["postgis"] = "postgis"

    def __init__(self, url: str, wait_s: float) -> None:
        given = _parsed(url)
        self.where = f"{given.host or 'local socket'}/{given.database}"
        self._dsn = _dsn(given, wait_s)
        with self.told():
            self.extension = _begun(self._dsn)
        engine = sa.create_engine(
            "postgresql+psycopg://", creator=self._connected, pool_size=4, max_overflow=12, pool_timeout=wait_s, pool_pre_ping=True,
            hide_parameters=True,  # statements carry people's data
        )
        self._engine = engine
        self._reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._writing = engine.execution_options(isolation_level="READ COMMITTED", writes=True)
        sa.event.listen(self._writing, "begin", _locked)

    def connect(self, *, writes: bool = False) -> sa.Connection:
        """A connection; with ``writes`` its transactions begin by taking the log's lock."""
        return (self._writing if writes else self._reading).connect()

    @contextmanager
    def told(self) -> Iterator[None]:
        """PostgreSQL's errors as the store's."""
        try:
            yield
        except DBAPIError as error:
            raise _as_ours(error.orig, self.where) from error
        except sa.exc.TimeoutError as error:
            raise _CROWDED.of(self.where, "no free connection") from error
        except psycopg.Error as error:
            raise _as_ours(error, self.where) from error

    def require_there(self) -> None:
        """Nothing: a server that is gone says so when it is asked."""

    def let_go(self, connection: sa.Connection) -> None:
        """Close it: it is the server that writes to the disk."""
        connection.invalidate()
        connection.close()

    def made_sure(self, connection: sa.Connection) -> None:
        """Nothing: the server restarts from its own log when a disk refuses it."""

    def faults(self, connection: sa.Connection) -> str:
        """Rows whose shape is not what their bytes say: PostgreSQL itself checks its pages, where it was set up with checksums."""
        tables = [name for name in sa.inspect(connection).get_table_names() if name.startswith("current_")]
        return next((f"shapes of {name}" for name in tables if views.shapes_differ(connection, name, self.extension)), "")

    def announce(self, connection: sa.Connection, seq: int) -> None:
        """Notify whoever listens, once this transaction is committed."""
        connection.exec_driver_sql("SELECT pg_notify(%s, %s)", (CHANNEL, str(seq)))

    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Call back, from a thread, after each change announced by any process, and after each time the server was lost."""
        return _Listener(self._dsn, on_change).stop

    def is_ready(self, connection: sa.Connection, layers: Mapping[str, Layer]) -> bool:
        """Whether the views are those of these declarations."""
        return views.are_made(connection, layers, self.extension)

    def made_ready(self, connection: sa.Connection, layers: Mapping[str, Layer]) -> None:
        """Shapes, functions, views and rights, as the layers declare them."""
        views.make(connection, layers, self.extension)

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()

    def _connected(self) -> _Connection:
        connection = _Connection.connect(self._dsn)
        connection.known_as = self._dsn
        return connection


def _parsed(url: str) -> sa.URL:
    try:
        given = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise _no_url() from None
    if given.get_backend_name() != "postgresql" or not given.database:
        raise _no_url()
    return given


def _no_url() -> ParameterError:
    # the URL may hold a password: it is not shown
    return ParameterError(
        "the database's URL is not one of PostgreSQL", where="GEO_RISK_DATABASE_URL",
        expected="postgresql://user:password@host:5432/database", then="mend the setting",
    )


def _dsn(given: sa.URL, wait_s: float) -> str:
    """What libpq is told: who and where, and the bounds of every wait."""
    options = {
        "search_path": "geo_risk,public", "synchronous_commit": "on", "client_min_messages": "warning", "DateStyle": "ISO",
        "lock_timeout": f"{int(wait_s * 1000)}ms", "statement_timeout": f"{_STATEMENT_S}s",
        "idle_in_transaction_session_timeout": f"{_STATEMENT_S}s",
    }
    bounds = {
        "connect_timeout": _ANSWER_S, "tcp_user_timeout": _ANSWER_S * 1000, "keepalives_idle": 5, "keepalives_interval": 2,
        "keepalives_count": 3, "application_name": "geo-risk", "client_encoding": "UTF8",
    }
    who = {"host": given.host, "port": given.port, "user": given.username, "password": given.password, "dbname": given.database}
    known = {name: str(value) for name, value in {**bounds, **who, **given.query}.items() if value is not None}
    settings = " ".join(f"-c {name}={value}" for name, value in options.items())
    try:
        return psycopg.conninfo.make_conninfo("", **{**known, "options": settings})
    except psycopg.ProgrammingError:
        raise _no_url() from None


def _begun(dsn: str) -> str:
    """Make the store's schema where there is none, and say in which schema PostGIS is."""
    with psycopg.connect(dsn) as connection:
        _require_fit(connection)
        # two services that start at once on an empty database: one waits for the other
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('geo_risk'))")
        if connection.execute("SELECT to_regclass('geo_risk.edits')").fetchone() == (None,):
            for statement in _BEGINNING:
                connection.execute(statement)
        found = connection.execute(
            "SELECT quote_ident(nspname) FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname = 'postgis'"
        ).fetchone()
    if found is None:
        raise StoreUnavailable(
            "the database has no PostGIS", where="database", expected="the extension postgis", got="none",
            then="let its owner say CREATE EXTENSION postgis in it",
        )
    return str(found[0])


def _require_fit(connection: psycopg.Connection[Any]) -> None:
    version, encoding = connection.info.server_version, connection.info.parameter_status("server_encoding")
    if version < _OLDEST or encoding != "UTF8":
        raise StoreUnavailable(
            "the database cannot hold a store", where="database", expected="PostgreSQL 15 or newer, encoding UTF8",
            got=f"{version // 10_000}, {shown(encoding)}", then="make a database of that encoding on a newer server",
        )


def _locked(connection: sa.Connection) -> None:
    # read after the lock is held, the end of the log is the end
    connection.exec_driver_sql("LOCK TABLE geo_risk.edits IN EXCLUSIVE MODE")
    held = connection.connection.driver_connection
    assert isinstance(held, _Connection)  # noqa: S101 - the engine's creator makes no other
    held.transaction_id = connection.exec_driver_sql("SELECT pg_current_xact_id()::text").scalar_one()


class _Listener:
    """A thread that hears what is notified, on a connection of its own, made anew when it is lost."""

    def __init__(self, dsn: str, on_change: Callable[[], None]) -> None:
        self._dsn, self._on_change = dsn, on_change
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Hear no more; returns once the thread has ended."""
        self._stopped.set()
        self._thread.join(timeout=_ANSWER_S)

    def _run(self) -> None:
        tries = 0
        while not self._stopped.is_set():
            try:
                self._hear()
                tries = 0
            except psycopg.Error:
                self._stopped.wait(_BACKOFF_S[min(tries, len(_BACKOFF_S) - 1)])
                tries += 1

    def _hear(self) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            # what was announced while nobody listened was missed: look once
            self._on_change()
            while not self._stopped.is_set():
                if list(connection.notifies(timeout=_LOOK_S, stop_after=1)):
                    self._on_change()


class _Fault(NamedTuple):
    error: type[StoreError]
    what: str
    then: str

    def of(self: Self, where: str, got: str) -> StoreError:
        return self.error(self.what, where=where, expected="a store that can be read and written", got=got, then=self.then)


_LOST: Final = _Fault(
    StoreUnavailable, "the database does not answer, or ended the connection; nothing was changed",
    "check that the server runs and can be reached; the service goes on by itself once it does",
)
_UNKNOWN: Final = _Fault(
    OutcomeUnknown, "the database was lost while it committed: it is not known whether the change was kept",
    "send it again with the same idempotency key: it is answered as it was, or done then",
)
_CROWDED: Final = _Fault(
    StoreUnavailable, "the database takes no more connections; nothing was changed", "try again, or allow more connections",
)
_HELD: Final = _Fault(
    StoreUnavailable, "somebody else is writing to the store and did not finish in time; nothing was changed",
    "wait for the import or the edit in a GIS to end (or end it), then try again",
)
_SLOW: Final = _Fault(StoreUnavailable, "the database took too long; nothing was changed", "try again; look at what else it does")
_NO_ENTRY: Final = _Fault(
    StoreUnavailable, "the database does not let this user in, or do this; nothing was changed",
    "check the user's password and rights (docs/postgis.md)",
)
_FULL: Final = _Fault(StoreFull, "the database's disk is full; nothing was changed", "free some space, then try again")
_DISK: Final = _Fault(
    StoreUnavailable, "the database's disk did not take or give its data; nothing was changed",
    "check the server's disk and its log",
)
_READ_ONLY: Final = _Fault(
    StoreUnavailable, "the database takes no changes: it is a standby, or set read-only", "name the primary server",
)
_BROKEN: Final = _Fault(
    StoreCorrupt, "the database's files are damaged", "stop it, keep its files, restore the last backup, and run verify on that",
)
_OTHER: Final = _Fault(
    StoreCorrupt, "the store's tables are not as this version makes them; nothing was changed",
    "run verify; if another version of the software is at work on it, use that one",
)
_FAULTS: Final[Mapping[str, _Fault]] = {
    "08": _LOST, "57P": _LOST, "53300": _CROWDED, "53100": _FULL, "53": _CROWDED, "55P03": _HELD, "40": _HELD, "57014": _SLOW,
    "25P03": _SLOW, "25006": _READ_ONLY, "42501": _NO_ENTRY, "28": _NO_ENTRY, "3D000": _NO_ENTRY, "58": _DISK, "XX001": _BROKEN,
    "XX002": _BROKEN,
}
"""From the beginning of an SQLSTATE, the longest that fits, to what it means."""


def _as_ours(error: BaseException | None, where: str) -> StoreError:
    if isinstance(error, CommitUnknown):
        return _UNKNOWN.of(where, "no answer")
    state = getattr(error, "sqlstate", None)
    if state is None:
        return (_LOST if isinstance(error, psycopg.OperationalError) else _OTHER).of(where, type(error).__name__)
    fault = next((_FAULTS[state[:length]] for length in (5, 3, 2) if state[:length] in _FAULTS), _OTHER)
    return fault.of(where, f"SQLSTATE {state}")
