"""What was logged after a revision, each change with the feature before and after; and the revision of a moment."""

from typing import Final

import sqlalchemy as sa

from layers._store.records import Changed
from layers._store.schema import BATCHES, REVISIONS, SOURCE
from layers._store.sql import at_once

_NAMES: Final = (
    "seq", "layer", "fid", "op", "batch_id", "recorded_at", "actor", "reason", "source", "properties", "geometry",
    "properties_before", "geometry_before", "observed_at", "skew_s",
)  # fmt: skip


def since(connection: sa.Connection, revision: int, limit: int) -> tuple[Changed, ...]:
    """The changes after a revision, the oldest first, at most ``limit``."""
    earlier = REVISIONS.alias("earlier")
    before = (
        sa.select(sa.func.max(earlier.c.seq))
        .where(
            earlier.c.layer == REVISIONS.c.layer, earlier.c.fid == REVISIONS.c.fid, earlier.c.seq < REVISIONS.c.seq,
            earlier.c.op != "late",
        )
        .correlate(REVISIONS)
        .scalar_subquery()
    )  # fmt: skip
    previous = REVISIONS.alias("previous")
    found = at_once(
        connection,
        sa.select(
            REVISIONS.c.seq, REVISIONS.c.layer, REVISIONS.c.fid, REVISIONS.c.op, REVISIONS.c.batch_id, BATCHES.c.recorded_at,
            BATCHES.c.actor, BATCHES.c.reason, SOURCE.label("source"), REVISIONS.c.properties, REVISIONS.c.geometry,
            previous.c.properties.label("properties_before"), previous.c.geometry.label("geometry_before"),
            REVISIONS.c.observed_at, REVISIONS.c.skew_s,
        )
        .join(BATCHES, BATCHES.c.id == REVISIONS.c.batch_id)
        .outerjoin(previous, previous.c.seq == before)
        .where(REVISIONS.c.seq > revision)
        .order_by(REVISIONS.c.seq)
        .limit(limit),
    )  # fmt: skip
    return tuple(Changed(**dict(zip(_NAMES, row, strict=True))) for row in sorted(found))


def revision_at(connection: sa.Connection, moment: str) -> int:
    """The last revision recorded at or before a moment; 0 before the first. Batches are numbered in the order of their times."""
    batch = sa.select(sa.func.max(BATCHES.c.id)).where(BATCHES.c.recorded_at <= moment).scalar_subquery()
    found = connection.execute(sa.select(sa.func.max(REVISIONS.c.seq)).where(REVISIONS.c.batch_id <= batch)).scalar_one()
    return found or 0
