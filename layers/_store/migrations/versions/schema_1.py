"""Schema 1: the log, its head, and what the tables of current rows were made from."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0001", None, None, None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Make the tables of an empty store."""
    meta = op.create_table(
        "meta",
        sa.Column("key", _TEXT, primary_key=True),
        sa.Column("value", _TEXT, nullable=False),
        sqlite_strict=True, sqlite_with_rowid=False,
    )  # fmt: skip
    op.create_table(
        "batches",
        sa.Column("id", _NUMBER, primary_key=True, autoincrement=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("actor", "reason", "source")),
        sa.Column("file_sha256", _TEXT),
        sa.Column("note", _TEXT, nullable=False),
        sa.Column("recorded_at", _TEXT, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "revisions",
        sa.Column("seq", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("batch_id", _NUMBER, sa.ForeignKey("batches.id"), nullable=False),
        *(sa.Column(name, _TEXT, nullable=False) for name in ("layer", "fid", "op")),
        sa.Column("properties", _TEXT),
        sa.Column("geometry", sa.LargeBinary),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("revisions_of_feature", "revisions", ["layer", "fid"])
    op.bulk_insert(meta, [{"key": "schema", "value": "1"}, {"key": "head", "value": f"0:{bytes(32).hex()}"}])
