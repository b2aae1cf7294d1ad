"""The store's tables: the log's three, and one typed table of current rows for each layer, made from its declaration."""

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from layers._layer import Layer

SCHEMA: Final = 1
"""The version of the tables below; a store that states a higher one is refused."""

_STRICT: Final[Mapping[str, Any]] = {"sqlite_strict": True, "sqlite_with_rowid": False}
_SQL_TYPES: Final[Mapping[str, sa.types.TypeEngine[Any]]] = {
    "str": sa.Text(), "int": sa.Integer(), "float": sa.REAL(), "bool": sa.Integer(), "date": sa.Text(),
}
Declared = tuple[tuple[str, str], ...]
"""Name and type of each declared column, as the store remembers them."""

METADATA: Final = sa.MetaData()
META: Final = sa.Table(
    "meta", METADATA,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    **_STRICT,
)
BATCHES: Final = sa.Table(
    "batches", METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("file_sha256", sa.Text),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.Text, nullable=False),
    sqlite_strict=True,
)
REVISIONS: Final = sa.Table(
    "revisions", METADATA,
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("batch_id", sa.Integer, sa.ForeignKey("batches.id"), nullable=False),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("fid", sa.Text, nullable=False),
    sa.Column("op", sa.Text, nullable=False),
    sa.Column("properties", sa.Text),
    sa.Column("geometry", sa.LargeBinary),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Index("revisions_of_feature", "layer", "fid"),
    sqlite_strict=True,
)


def declared(layer: Layer) -> Declared:
    """The columns that the layer's current rows have, by name: those of the declaration, and what was derived."""
    columns = {column.name: column.type.__name__ for column in layer.columns} | {"derived": "str"}
    return tuple(sorted(columns.items()))


def as_text(columns: Declared) -> str:
    """The declared columns as the table *meta* keeps them."""
    return json.dumps(columns, separators=(",", ":"))


def from_text(text: str) -> Declared:
    """The declared columns read back from the table *meta*."""
    return tuple((str(name), str(kind)) for name, kind in json.loads(text))


@cache
def current_table(layer_id: str, columns: Declared) -> sa.Table[Any]:
    """The table of a layer's current rows; clustered by feature id, so that reading it is reading in order."""
    return sa.Table(
        f"current_{layer_id}", sa.MetaData(),
        sa.Column("fid", sa.Text, primary_key=True),
        *(sa.Column(name, _SQL_TYPES[kind]) for name, kind in columns),
        sa.Column("geometry", sa.LargeBinary),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        **_STRICT,
    )


@cache
def insertion(table: sa.Table) -> str:
    """INSERT of whole rows, values in the order of the table's columns."""
    return str(sa.insert(table).compile(dialect=sqlite.dialect()))


@cache
def replacement(table: sa.Table) -> str:
    """INSERT of whole rows that takes the place of rows with the same primary key."""
    return str(sa.insert(table).prefix_with("OR REPLACE").compile(dialect=sqlite.dialect()))


def among(column: sa.ColumnElement[str], ids: Iterable[str]) -> sa.ColumnElement[bool]:
    """Is the column one of these ids? One bound value whatever their number."""
    wanted = sa.func.json_each(json.dumps(list(ids), ensure_ascii=False)).table_valued("value")
    return column.in_(sa.select(wanted.c.value))
