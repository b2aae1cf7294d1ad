"""PostgreSQL's part of keeping copies: a dump of one moment by pg_dump, and the same read back without a server."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import sqlalchemy as sa

from geo_risk.errors import FileError, StoreUnavailable
from layers._store import audit
from layers._store.rows import CHUNK, legible
from layers._store.schema import META, METADATA, current_table, from_text
from layers._store.sql import insert

MAGIC: Final = b"PGDMP"
_LIMIT_S: Final = 6 * 3600
_COPY: Final = re.compile(rb"COPY (?:\w+\.)?(\w+) \((.*)\) FROM stdin;\n")
_ESCAPED: Final = re.compile(rb"\\(.)", re.DOTALL)
_MEANT: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class Row(NamedTuple):
    """A row of a dump: its table, the names of its columns, and its values as PostgreSQL writes them."""

    table: str
    columns: tuple[str, ...]
    values: tuple[bytes | None, ...]


def dumped(connection: sa.Connection, to: Path, report: Callable[[float], None]) -> None:
    """Dump what an open read transaction sees to a new file; writes go on and are not in it.

    Raises
    ------
    StoreUnavailable
        pg_dump is not there, or could not do it.
    """
    # the transaction waits for the dump, however long that takes
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    snapshot = connection.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
    info = connection.connection.driver_connection.info  # type: ignore[union-attr] # psycopg's, which SQLAlchemy does not know
    os.close(os.open(to, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    # who and the password go by the environment: arguments can be read by every user of the machine
    who = {
        "PGHOST": info.host, "PGPORT": str(info.port), "PGDATABASE": info.dbname, "PGUSER": info.user,
        "PGPASSWORD": info.password,
    }  # fmt: skip
    _ran(
        [_program("pg_dump"), "--format=custom", "--no-password", f"--snapshot={snapshot}", f"--file={to}"],
        os.environ | {name: value for name, value in who.items() if value},
    )
    report(1.0)


def _ran(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=_LIMIT_S)  # noqa: S603 - no outside text
    if done.returncode:
        raise StoreUnavailable(
            "the database could not be dumped", where=Path(command[0]).name, expected="status 0", got=str(done.returncode),
            then="run pg_dump by hand to see why; it must be no older than the server",
        )


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise StoreUnavailable(
            f"{name} is not there", where="this machine", expected="PostgreSQL's own programs", got="none",
            then="install postgresql-client",
        )
    return found


def laid_out(dump: Path, connection: sa.Connection) -> None:
    """Lay the log, the audit and the current rows of a dump out as tables of an empty SQLite database.

    Raises
    ------
    FileError
        The dump cannot be read, or holds no store.
    """
    tables = {name: table for held in (METADATA, audit.TABLES) for name, table in held.tables.items()}
    METADATA.create_all(connection)
    audit.TABLES.create_all(connection)
    _stored(connection, dump, tables, "meta")
    for key, value in connection.execute(sa.select(META.c.key, META.c.value).where(META.c.key.startswith("columns."))).all():
        with legible("table meta, stated columns"):
            table = current_table(key.removeprefix("columns."), from_text(value))
        table.create(connection)
        tables[table.name] = table
    del tables[META.name]
    _stored(connection, dump, tables)


def _stored(connection: sa.Connection, dump: Path, tables: dict[str, sa.Table], only: str = "") -> None:
    with _as_text(dump, only) as text:
        for (name, columns), rows in groupby(_rows(text), key=lambda row: (row.table, row.columns)):
            if name in tables:
                _inserted(connection, tables[name], columns, rows)


def _inserted(connection: sa.Connection, table: sa.Table, columns: tuple[str, ...], rows: Iterator[Row]) -> None:
    places = {name: place for place, name in enumerate(columns)}
    with legible(f"table {table.name}"):
        takes = [(places[column.name], _reader(column.type)) for column in table.columns]
    while part := list(islice(rows, CHUNK)):
        with legible(f"table {table.name}"):
            values = [tuple(None if (value := row.values[at]) is None else read(value) for at, read in takes) for row in part]
        insert(connection, table, values)


def _reader(kind: sa.types.TypeEngine[Any]) -> Callable[[bytes], Any]:
    return next(read for known, read in _READERS if isinstance(kind, known))


def _whole_number(text: bytes) -> int:
    return _TRUTHS[text] if text in _TRUTHS else int(text)


_TRUTHS: Final = {b"t": 1, b"f": 0}
_READERS: Final[tuple[tuple[type, Callable[[bytes], Any]], ...]] = (
    (sa.LargeBinary, lambda text: bytes.fromhex(text.removeprefix(b"\\x").decode("ascii"))),
    (sa.Integer, _whole_number),
    (sa.Float, float),
    (sa.Text, bytes.decode),
)


@contextmanager
def _as_text(dump: Path, only: str) -> Iterator[IO[bytes]]:
    command = [_program("pg_restore"), "--data-only", "--file=-", *([f"--table={only}"] if only else []), str(dump)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:  # noqa: S603 - no outside text
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        yield process.stdout
    if process.returncode:
        raise FileError(
            "the dump cannot be read", where=dump.name, expected="a file that pg_dump made", got=f"status {process.returncode}",
            then="use another backup",
        )


def _rows(text: IO[bytes]) -> Iterator[Row]:
    """The rows of a dump's text: lines between a COPY and its end, values apart by tabs."""
    table, columns = "", tuple[str, ...]()
    for line in text:
        if table and line != b"\\.\n":
            yield Row(table, columns, tuple(_value(part) for part in line.removesuffix(b"\n").split(b"\t")))
        elif table:
            table = ""
        elif found := _COPY.fullmatch(line):
            table = found[1].decode()
            columns = tuple(name.strip(' "') for name in found[2].decode().split(","))


def _value(text: bytes) -> bytes | None:
    r"""A value as it was before PostgreSQL escaped it for COPY; NULL is ``\N``.

    >>> _value(rb"a\tb\\c"), _value(rb"\N")
    (b'a\tb\\c', None)
    """
    if text == b"\\N":
        return None
    return _ESCAPED.sub(lambda found: _MEANT.get(found[1], found[1]), text) if b"\\" in text else text
