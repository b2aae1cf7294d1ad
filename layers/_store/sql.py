"""SQL that SQLite and PostgreSQL both take, and the few words in which they differ."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, Final, TypeVar

import sqlalchemy as sa

_MARKS: Final = {"qmark": "?", "format": "%s", "pyformat": "%s"}
_TOGETHER: Final = 64
Rows = Sequence[tuple[object, ...]]
Row = TypeVar("Row")


def insert(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """INSERT whole rows, values in the order of the table's columns."""
    _put(connection, table, rows, "")


def insert_or_replace(connection: sa.Connection, table: sa.Table, rows: Rows) -> None:
    """INSERT whole rows in the place of those with the same primary key; no two of them have the same."""
    _put(connection, table, rows, _in_place(table))


def delete(connection: sa.Connection, table: sa.Table, keys: Sequence[object]) -> None:
    """DELETE rows by their primary key, which is one column."""
    (key,) = table.primary_key
    for part in in_runs(keys):
        text = f"DELETE FROM {_quoted(table.name)} WHERE {_quoted(key.name)} IN {_marks(len(part))}"  # noqa: S608 - declared names
        directly(connection, text, tuple(part))


def drop(connection: sa.Connection, table: sa.Table) -> str:
    """DROP of a table if it is there, with what PostgreSQL has depend on it, such as views."""
    return f"DROP TABLE IF EXISTS {_quoted(table.name)}" + (" CASCADE" if connection.dialect.name == "postgresql" else "")


def among(connection: sa.Connection, column: sa.ColumnElement[str], ids: Iterable[str]) -> sa.ColumnElement[bool]:
    """Is the column one of these ids? One bound value whatever their number."""
    wanted = list(ids)
    if connection.dialect.name == "postgresql":
        return column == sa.func.any(sa.bindparam(None, wanted, type_=sa.ARRAY(sa.Text)))
    named = sa.func.json_each(json.dumps(wanted, ensure_ascii=False)).table_valued("value")
    return column.in_(sa.select(named.c.value))


def directly(connection: sa.Connection, text: str, values: tuple[object, ...] = ()) -> Any:
    """Run our own SQL text, ``?`` for values, on the driver's connection; gives its cursor.

    Six times as fast as through SQLAlchemy's results, which are a write's greatest cost where it is one row.
    """
    driver: Any = connection.connection.driver_connection
    return driver.execute(marked(connection, text), values)


def at_once(connection: sa.Connection, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """The rows of a query, in no order: texts, whole numbers, and bytes (None where there are none of them).

    For each row that it fetches sqlite3 lets other threads run, and waits until they let it go on: a thousand rows take a second
    beside a busy event loop. So SQLite gives one row that holds them all. Fractions would lose digits on that way.
    """
    if connection.dialect.name == "postgresql":
        return [tuple(row) for row in connection.execute(query)]
    rows = query.subquery()
    are_bytes = [isinstance(column.type, sa.LargeBinary) for column in rows.c]
    told = [sa.func.hex(column) if is_bytes else column for column, is_bytes in zip(rows.c, are_bytes, strict=True)]
    held = connection.execute(sa.select(sa.func.json_group_array(sa.func.json_array(*told)))).scalar_one()
    return [
        tuple(bytes.fromhex(value) or None if is_bytes else value for value, is_bytes in zip(row, are_bytes, strict=True))
        for row in json.loads(held)
    ]


def in_runs(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """The rows in runs of 64, then of 32, 16, ... 1: few statements, and few different ones, which the drivers keep prepared."""
    start, length = 0, _TOGETHER
    while start < len(rows):
        while start + length > len(rows):
            length //= 2
        yield rows[start : start + length]
        start += length


def in_parts(connection: sa.Connection, query: sa.Select[Any], length: int) -> Iterator[Sequence[Any]]:
    """The rows of a query, so many at a time: neither database's driver holds more of them."""
    if connection.dialect.name == "postgresql":
        with connection.execute(query, execution_options={"yield_per": length}) as found:
            yield from found.partitions()
        return
    # plain tuples from the driver: a million rows in half the time
    cursor = connection.execute(query).cursor
    yield from iter(lambda: cursor.fetchmany(length), [])


def marked(connection: sa.Connection, text: str) -> str:
    """Our own SQL text with ``?`` for values, as the connection's driver wants it; the text holds no other ``?`` or ``%``."""
    return text.replace("?", _mark(connection))


def _mark(connection: sa.Connection) -> str:
    return _MARKS[connection.dialect.paramstyle]


def _quoted(name: str) -> str:
    return f'"{name}"'  # declared names are lower-case letters, digits and underscores


def _put(connection: sa.Connection, table: sa.Table, rows: Rows, place: str) -> None:
    for part in in_runs(rows):
        directly(connection, _insertion(table, len(part), place), tuple(chain.from_iterable(part)))


@cache
def _insertion(table: sa.Table, length: int, place: str) -> str:
    stored = _stored(table)
    columns = ", ".join(_quoted(column.name) for column in stored)
    marks = ", ".join([_marks(len(stored))] * length)
    return f"INSERT INTO {_quoted(table.name)} ({columns}) VALUES {marks}{place}"  # noqa: S608 - declared names


@cache
def _in_place(table: sa.Table) -> str:
    keys = ", ".join(_quoted(column.name) for column in table.primary_key)
    others = [_quoted(column.name) for column in _stored(table) if not column.primary_key]
    given = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f" ON CONFLICT ({keys}) DO UPDATE SET {given}"


def _marks(length: int) -> str:
    return f"({', '.join('?' * length)})"


def _stored(table: sa.Table) -> list[sa.Column[object]]:
    """The columns that rows are given for; those the database computes are left to it."""
    return [column for column in table.columns if column.computed is None]
