"""True then, known then: the log read by both of its times, against the rule followed by hand over drawn logs."""

import datetime as dt
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import MappingProxyType

import geopandas as gpd
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_log import ENTRIES, Entry, at, logged, then
from layers._catalog import catalog, layer
from layers._frame import empty
from layers._store.chain import GENESIS
from layers._store.differences import counts_by_minute, effective_between, recorded_between
from layers._store.moments import Horizon, Moment, Reading, horizon, rows_then, snapshot_then
from layers._store.rows import frame_of, values_of
from layers._store.schema import METADATA, declared
from layers._store.snapshot import Snapshot

SHELTERS = layer("shelters")
DAY = dt.date(2026, 7, 1)
_MINUTES = st.integers(0, 60)


def during(entries: list[Entry], since: int, until: int, known_at: int) -> dict[str, int]:
    """What was there at some moment of a time, as it was last: the rule at each moment at which anything changed."""
    found: dict[str, int] = {}
    for minute in sorted({since, until} | {entry.effective for entry in entries if since < entry.effective <= until}):
        found |= then(entries, minute, known_at)
    return found


def found(connection: sa.Connection, where: Horizon, only: list[str] | None = None) -> dict[str, int]:
    """What the statement says: the revision that each feature has."""
    return {row[0]: row[-1] for row in rows_then(connection, SHELTERS, where, only)}


@settings(max_examples=120, deadline=None)
@given(ENTRIES, _MINUTES, _MINUTES)
def test_true_then_and_known_then_is_the_rule_followed_by_hand(entries: list[Entry], true_at: int, known_at: int) -> None:
    with logged(entries) as connection:
        where = horizon(connection, Moment(true_at=at(true_at), known_at=at(known_at)), len(entries))
        assert found(connection, where) == then(entries, true_at, known_at)
        assert found(connection, where, ["a", "c"]) == {f: s for f, s in then(entries, true_at, known_at).items() if f in "ac"}


@settings(max_examples=120, deadline=None)
@given(ENTRIES, _MINUTES, _MINUTES, _MINUTES)
def test_a_time_shows_what_was_there_at_some_moment_of_it(entries: list[Entry], one: int, other: int, known_at: int) -> None:
    since, until = sorted((one, other))
    with logged(entries) as connection:
        where = horizon(connection, Moment(true_at=at(until), known_at=at(known_at), since=at(since)), len(entries))
        assert found(connection, where) == during(entries, since, until, known_at)


@settings(max_examples=90, deadline=None)
@given(ENTRIES, _MINUTES, _MINUTES, st.none() | _MINUTES, st.sampled_from(["spliced", "joined", "read"]))
def test_a_snapshot_then_is_now_with_only_what_changed_read_anew(
    entries: list[Entry], true_at: int, known_at: int, since: int | None, how: str
) -> None:
    with logged(entries) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr("layers._store.moments._SPLICED", 5_000 if how == "spliced" else 0)
        patch.setattr("layers._store.moments._REREAD", 0.0 if how == "read" else 10.0)
        patch.setattr("layers._store.moments._LOOKED_THROUGH", 50_000 if how == "spliced" else 0)
        start = None if since is None else min(since, true_at)
        asked = Moment(true_at=at(true_at), known_at=at(known_at), since=at(start) if start else None)
        where = horizon(connection, asked, len(entries))
        shown = snapshot_then(_reading(connection), _now(entries), where, DAY)
        frame = shown.frames["shelters"]
        expected = then(entries, true_at, known_at) if not start else during(entries, start, true_at, known_at)
        assert dict(frame["revision"]) == expected == dict(frame["capacity"])
        assert list(frame.index) == sorted(expected)
        assert (shown.updated_at("shelters") is None) <= frame.empty


def _reading(connection: sa.Connection) -> Reading:
    @contextmanager
    def read() -> Iterator[sa.Connection]:
        yield connection

    return read


@cache
def _nothing() -> dict[str, gpd.GeoDataFrame]:
    return {layer_id: empty(each) for layer_id, each in catalog().items()}


def _now(entries: list[Entry]) -> Snapshot:
    """The snapshot of now by the rule of the current state: what was observed last, wins."""
    columns = declared(SHELTERS)
    rows = [
        (fid, *values_of(columns, f'{{"capacity":{seq}}}', ""), None, "s", at(0), seq)
        for fid, seq in sorted(then(entries, 10_000, 10_000).items())
    ]
    frames = {**_nothing(), "shelters": frame_of(SHELTERS, columns, rows)}
    updated = MappingProxyType({"shelters": at(entries[-1].recorded)})
    return Snapshot(revision=len(entries), head="", recorded_at=None, frames=frames, updated=updated)


LATE = [Entry("a", 10, None, True), Entry("a", 30, None, True), Entry("a", 50, 20, True)]
"""Known at 10 and 30 as it happened; at 50 somebody comes back and tells how it was at 20."""


@pytest.mark.parametrize(
    ("true_at", "known_at", "seq"),
    [(9, 60, None), (10, 60, 1), (20, 49, 1), (20, 50, 3), (29, 60, 3), (30, 60, 2), (60, 60, 2), (60, 29, 1), (60, 9, None)],
)
def test_a_late_report_changes_what_was_true_but_not_what_was_known(true_at: int, known_at: int, seq: int | None) -> None:
    with logged(LATE) as connection:
        where = horizon(connection, Moment(true_at=at(true_at), known_at=at(known_at)), 3)
        assert found(connection, where) == ({} if seq is None else {"a": seq})


def test_what_ended_as_it_began_never_was() -> None:
    with logged([Entry("a", 10, None, True), Entry("a", 10, None, False), Entry("b", 10, None, True)]) as connection:
        where = horizon(connection, Moment(true_at=at(20), since=at(5)), 3)
        assert found(connection, where) == {"b": 3}


def test_a_clock_that_runs_ahead_cannot_hold_off_what_comes_after() -> None:
    ahead = [Entry("a", 10, 59, True), Entry("a", 20, None, True)]
    with logged(ahead) as connection:
        assert found(connection, horizon(connection, Moment(true_at=at(30), known_at=at(60)), 2)) == {"a": 2}
        assert found(connection, horizon(connection, Moment(true_at=at(15), known_at=at(60)), 2)) == {"a": 1}


def test_moments_between_which_nothing_happened_are_one_horizon() -> None:
    with logged(LATE) as connection:
        asked = [Moment(true_at=at(minute), known_at=at(60)) for minute in (31, 40, 49)]
        assert len({horizon(connection, each, 3) for each in asked}) == 1
        assert horizon(connection, asked[0], 3) == Horizon(certain=2, known=3, true_at=at(30))


def test_what_is_written_after_the_moment_leaves_its_horizon_as_it_is() -> None:
    asked = Moment(true_at=at(31), known_at=at(120))
    later = [*LATE, Entry("b", 60, None, True), Entry("b", 70, 65, True)]
    with logged(LATE) as connection:
        before = horizon(connection, asked, 3)
    with logged(later) as connection:
        assert horizon(connection, asked, 5) == before


def test_before_the_log_began_there_is_nothing() -> None:
    with logged(LATE) as connection:
        where = horizon(connection, Moment(true_at=at(5), known_at=at(5)), 3)
        shown = snapshot_then(_reading(connection), _now(LATE), where, DAY)
        assert (where.known, shown.head, shown.recorded_at, len(shown.frames["shelters"])) == (0, GENESIS.hex(), None, 0)
        assert shown.updated_at("shelters") is None


def test_a_layer_that_did_not_change_since_is_the_frame_of_now() -> None:
    with logged(LATE) as connection:
        now = _now(LATE)
        shown = snapshot_then(_reading(connection), now, horizon(connection, Moment(true_at=at(55), known_at=at(60)), 3), DAY)
        assert all(shown.frames[each] is now.frames[each] for each in catalog())
        assert (shown.revision, shown.recorded_at, shown.day) == (3, at(50), DAY)


def drawn(seed: int) -> list[Entry]:
    """A log of some length by a fixed seed."""
    choose = random.Random(seed)
    recorded = sorted(choose.randrange(10, 60) for _ in range(choose.randrange(1, 25)))
    offsets = [choose.choice([None, *range(-9, 4)]) for _ in recorded]
    return [
        Entry(choose.choice("abc"), minute, None if offset is None else max(minute + offset, 0), choose.random() < 0.7)
        for minute, offset in zip(recorded, offsets, strict=True)
    ]


def test_postgis_reads_the_log_as_the_embedded_store_does(postgis_url: str) -> None:
    database = sa.create_engine(postgis_url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    METADATA.create_all(database)
    for seed in range(15):
        entries = drawn(seed)
        with logged(entries, database) as connection:
            for true_at, known_at, since in ((20, 60, 11), (35, 40, 20), (59, 59, 30), (30, 45, 30)):
                where = horizon(connection, Moment(true_at=at(true_at), known_at=at(known_at)), len(entries))
                assert found(connection, where) == then(entries, true_at, known_at)
                assert found(connection, where, ["b"]) == {f: s for f, s in then(entries, true_at, known_at).items() if f == "b"}
                span = horizon(connection, Moment(true_at=at(true_at), known_at=at(known_at), since=at(since)), len(entries))
                assert found(connection, span) == during(entries, since, true_at, known_at)
                courses = effective_between(connection, ["shelters"], at(since), at(true_at), len(entries))
                assert {each.fid for each in courses} == {e.fid for e in entries if since < e.effective <= true_at}
                seqs = [step.seq for course in recorded_between(connection, ["shelters"], 3, 9) for step in course.steps]
                assert sorted(seqs) == list(range(4, min(9, len(entries)) + 1))
                counted = sum(row[1] for row in counts_by_minute(connection, ["shelters"], 0, len(entries)))
                assert counted == len(entries)
    database.dispose()
