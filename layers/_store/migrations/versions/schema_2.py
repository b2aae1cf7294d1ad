"""Schema 2: when and by which clock a revision was observed, whose source it is, and replies kept to be given again.

The hash of a revision that states none of these is what it was, so the log's chain goes on.
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "0002", "0001", None, None

_TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_NUMBER = sa.Integer().with_variant(sa.BigInteger(), "postgresql")


def upgrade() -> None:
    """Add columns to the log, the index by batch, and the table of replies."""
    for name, kind in (("source", _TEXT), ("observed_at", _TEXT), ("skew_s", _NUMBER)):
        op.add_column("revisions", sa.Column(name, kind))
    op.drop_index("revisions_of_feature", "revisions")
    op.create_index("revisions_of_feature", "revisions", ["layer", "fid", "seq"])
    op.create_index("revisions_of_batch", "revisions", ["batch_id"])
    stated = sa.text("observed_at IS NOT NULL")
    op.create_index(
        "revisions_observed", "revisions", ["seq", "observed_at"], sqlite_where=stated, postgresql_where=stated,
    )  # fmt: skip
    op.create_table(
        "replies",
        sa.Column("actor", _TEXT, primary_key=True),
        sa.Column("key", _TEXT, primary_key=True),
        sa.Column("request_sha256", _TEXT, nullable=False),
        sa.Column("status", _NUMBER, nullable=False),
        sa.Column("headers", _TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("made_at", _TEXT, nullable=False),
        sqlite_strict=True, sqlite_with_rowid=False,
    )  # fmt: skip
    op.execute("UPDATE meta SET value = '2' WHERE key = 'schema'")
