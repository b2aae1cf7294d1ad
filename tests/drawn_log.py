"""Logs drawn by hypothesis, with reports that come late, clocks that are off, ends and returns; and the rule to read them by."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import sqlalchemy as sa
from hypothesis import strategies as st

from layers._store.schema import BATCHES, METADATA, REVISIONS


class Entry(NamedTuple):
    """One revision: minutes of the day at which it was recorded and observed, whether the feature is there after it."""

    fid: str
    recorded: int
    observed: int | None
    there: bool

    @property
    def effective(self) -> int:
        return self.recorded if self.observed is None else min(self.observed, self.recorded)


def at(minute: int) -> str:
    """A minute of the day as a stamp."""
    return f"2026-07-01T{minute // 60:02}:{minute % 60:02}:00.000000Z"


@contextmanager
def logged(entries: list[Entry], database: sa.Engine | None = None) -> Iterator[sa.Connection]:
    """A database that holds these revisions, each with its number as its capacity, for as long as the block lasts."""
    batches = [
        {"id": seq, "actor": "a", "reason": "r", "source": "s", "note": "", "recorded_at": at(entry.recorded)}
        for seq, entry in enumerate(entries, start=1)
    ]
    revisions = [
        {
            "seq": seq, "batch_id": seq, "layer": "shelters", "fid": entry.fid, "op": op, "hash": bytes([seq]) * 32,
            "properties": f'{{"capacity":{seq}}}' if entry.there else None,
            "observed_at": None if entry.observed is None else at(entry.observed),
        }
        for (seq, entry), op in zip(enumerate(entries, start=1), ops(entries), strict=True)
    ]  # fmt: skip
    with (database or _embedded()).connect() as connection, connection.begin() as transaction:
        connection.execute(sa.insert(BATCHES), batches)
        connection.execute(sa.insert(REVISIONS), revisions)
        yield connection
        transaction.rollback()


def ops(entries: list[Entry]) -> list[str]:
    """What each revision does to the current rows: nothing, if it was observed before what its feature's row says."""
    last: dict[str, int] = {}
    found = []
    for entry in entries:
        late = entry.observed is not None and entry.effective < last.get(entry.fid, -1)
        found.append("late" if late else "update" if entry.there else "delete")
        last[entry.fid] = max(entry.effective, last.get(entry.fid, -1))
    return found


@cache
def _embedded() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    METADATA.create_all(engine)
    return engine


def then(entries: list[Entry], true_at: int, known_at: int) -> dict[str, int]:
    """The rule, followed: each feature's last revision by (effective, number), where it leaves the feature there."""
    last: dict[str, tuple[int, int, bool]] = {}
    for seq, entry in enumerate(entries, start=1):
        if entry.recorded <= known_at and entry.effective <= true_at and (entry.effective, seq) >= last.get(entry.fid, (-1, 0))[:2]:
            last[entry.fid] = (entry.effective, seq, entry.there)
    return {fid: seq for fid, (_, seq, there) in last.items() if there}


ENTRIES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.none() | st.integers(-6, 3), st.booleans()), min_size=1, max_size=14
).map(
    lambda drawn: [
        Entry(fid, recorded, None if offset is None else max(recorded + offset, 0), there)
        for recorded, (fid, _, offset, there) in zip(
            [10 + sum(gap for _, gap, _, _ in drawn[: i + 1]) for i in range(len(drawn))], drawn, strict=True
        )
    ]
)
