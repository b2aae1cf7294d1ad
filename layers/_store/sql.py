"""SQL that SQLite and PostgreSQL both take, and the few words in which they differ."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any

import sqlalchemy as sa

_MARKS = {"qmark": "?", "format": "%s", "pyformat": "%s"}


def insertion(connection: sa.Connection, table: sa.Table) -> str:
    """INSERT of whole rows, values in the order of the table's columns; for ``exec_driver_sql`` with tuples."""
    return _insertion(_mark(connection), table)


def insert(connection: sa.Connection, table: sa.Table, rows: Sequence[tuple[object, ...]]) -> None:
    """INSERT whole rows; one alone on the short way."""
    if len(rows) == 1:
        directly(connection, insertion(connection, table), rows[0])
    else:
        connection.exec_driver_sql(insertion(connection, table), list(rows))


def replacement(connection: sa.Connection, table: sa.Table) -> str:
    """INSERT of whole rows that takes the place of rows with the same primary key."""
    return _replacement(_mark(connection), table)


def deletion(connection: sa.Connection, table: sa.Table) -> str:
    """DELETE of rows by their primary key's values."""
    marked = " AND ".join(f"{_quoted(column.name)} = {_mark(connection)}" for column in table.primary_key)
    return f"DELETE FROM {_quoted(table.name)} WHERE {marked}"  # noqa: S608 - declared names


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


@cache
def _insertion(mark: str, table: sa.Table) -> str:
    columns = ", ".join(_quoted(column.name) for column in _stored(table))
    marks = ", ".join(mark for _ in _stored(table))
    return f"INSERT INTO {_quoted(table.name)} ({columns}) VALUES ({marks})"  # noqa: S608 - declared names


@cache
def _replacement(mark: str, table: sa.Table) -> str:
    keys = ", ".join(_quoted(column.name) for column in table.primary_key)
    others = [_quoted(column.name) for column in _stored(table) if not column.primary_key]
    given = ", ".join(f"{name} = excluded.{name}" for name in others)
    return f"{_insertion(mark, table)} ON CONFLICT ({keys}) DO UPDATE SET {given}"


def _stored(table: sa.Table) -> list[sa.Column[object]]:
    """The columns that rows are given for; those the database computes are left to it."""
    return [column for column in table.columns if column.computed is None]
