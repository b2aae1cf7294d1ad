"""Rows that a write would put in, kept until it is whole: what it was refused for then needs no undoing."""

from typing import Any

import sqlalchemy as sa

from layers._store.sql import Rows, delete, insert, insert_or_replace


class Draft:
    """New rows by table, and current rows by table and feature; of one feature the last is put in."""

    def __init__(self) -> None:
        self._new: dict[sa.Table, list[tuple[Any, ...]]] = {}
        self._current: dict[sa.Table, dict[str, tuple[Any, ...] | None]] = {}

    def insert(self, table: sa.Table, rows: Rows) -> None:
        """Rows to be added to a table that is only added to."""
        self._new.setdefault(table, []).extend(rows)

    def place(self, table: sa.Table, fid: str, row: tuple[Any, ...] | None) -> None:
        """A feature's current row, in the place of the one that is there; None for none."""
        self._current.setdefault(table, {})[fid] = row

    def add(self, later: "Draft") -> None:
        """What came later, after this."""
        for table, rows in later._new.items():
            self.insert(table, rows)
        for table, current in later._current.items():
            self._current.setdefault(table, {}).update(current)

    def put_in(self, connection: sa.Connection) -> None:
        """Write all of it, tables in the order in which they were first named."""
        for table, rows in self._new.items():
            insert(connection, table, rows)
        for table, current in self._current.items():
            delete(connection, table, [fid for fid, row in current.items() if row is None])
            insert_or_replace(connection, table, [row for row in current.values() if row is not None])
