"""The store's tables: the log's three, and one typed table of current rows for each layer, made from its declaration."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import sqlalchemy as sa

from layers._layer import Layer

SCHEMA: Final = 2
"""The version of the tables below; a store that states a higher one is refused."""

_STRICT: Final[Mapping[str, Any]] = {"sqlite_strict": True, "sqlite_with_rowid": False}
TEXT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text that sorts by code points in both databases, as Python sorts it."""
WHOLE_NUMBER: Final = sa.Integer().with_variant(sa.BigInteger(), "postgresql")
_SQL_TYPES: Final[Mapping[str, sa.types.TypeEngine[Any]]] = {
    "str": TEXT,
    "int": WHOLE_NUMBER,
    "float": sa.REAL().with_variant(sa.Double(), "postgresql"),
    "bool": sa.Integer().with_variant(sa.Boolean(), "postgresql"),
    "date": TEXT,
}
Declared = tuple[tuple[str, str], ...]
"""Name and type of each declared column, as the store remembers them."""

METADATA: Final = sa.MetaData()
META: Final = sa.Table(
    "meta", METADATA,
    sa.Column("key", TEXT, primary_key=True),
    sa.Column("value", TEXT, nullable=False),
    **_STRICT,
)
_WHERE_OBSERVED: Final[Mapping[str, Any]] = {
    f"{dialect}_where": sa.text("observed_at IS NOT NULL") for dialect in ("sqlite", "postgresql")
}
BATCHES: Final = sa.Table(
    "batches", METADATA,
    sa.Column("id", WHOLE_NUMBER, primary_key=True, autoincrement=False),
    sa.Column("actor", TEXT, nullable=False),
    sa.Column("reason", TEXT, nullable=False),
    sa.Column("source", TEXT, nullable=False),
    sa.Column("file_sha256", TEXT),
    sa.Column("note", TEXT, nullable=False),
    sa.Column("recorded_at", TEXT, nullable=False),
    sqlite_strict=True,
)
REVISIONS: Final = sa.Table(
    "revisions", METADATA,
    sa.Column("seq", WHOLE_NUMBER, primary_key=True, autoincrement=False),
    sa.Column("batch_id", WHOLE_NUMBER, sa.ForeignKey("batches.id"), nullable=False),
    sa.Column("layer", TEXT, nullable=False),
    sa.Column("fid", TEXT, nullable=False),
    sa.Column("op", TEXT, nullable=False),
    sa.Column("properties", TEXT),
    sa.Column("geometry", sa.LargeBinary),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("source", TEXT),
    sa.Column("observed_at", TEXT),
    sa.Column("skew_s", WHOLE_NUMBER),
    sa.Index("revisions_of_feature", "layer", "fid", "seq"),
    sa.Index("revisions_of_batch", "batch_id"),
    sa.Index("revisions_observed", "seq", "observed_at", **_WHERE_OBSERVED),
    sqlite_strict=True,
)
SOURCE: Final = sa.func.coalesce(REVISIONS.c.source, BATCHES.c.source)
"""Where a revision's row comes from: its own source, or that of its batch."""
REPLIES: Final = sa.Table(
    "replies", METADATA,
    sa.Column("actor", TEXT, primary_key=True),
    sa.Column("key", TEXT, primary_key=True),
    sa.Column("request_sha256", TEXT, nullable=False),
    sa.Column("status", WHOLE_NUMBER, nullable=False),
    sa.Column("headers", TEXT, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("made_at", TEXT, nullable=False),
    **_STRICT,
)


_DECLARED: Final[dict[int, tuple[Layer, Declared]]] = {}


def declared(layer: Layer) -> Declared:
    """The columns that the layer's current rows have, by name: those of the declaration, and what was derived."""
    held = _DECLARED.get(id(layer))
    if held is None or held[0] is not layer:  # a layer cannot be hashed, and every write asks several times
        columns = {column.name: column.type.__name__ for column in layer.columns} | {"derived": "str"}
        held = _DECLARED[id(layer)] = (layer, tuple(sorted(columns.items())))
    return held[1]


@cache
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
        sa.Column("fid", TEXT, primary_key=True),
        *(sa.Column(name, _SQL_TYPES[kind]) for name, kind in columns),
        sa.Column("geometry", sa.LargeBinary),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("updated_at", TEXT, nullable=False),
        sa.Column("revision", WHOLE_NUMBER, nullable=False),
        **_STRICT,
    )
