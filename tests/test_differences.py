"""What became of features between two moments, against the rule followed by hand over drawn logs."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drawn_log import ENTRIES, Entry, at, logged, ops, then
from geo_risk.errors import ParameterError
from layers._store.differences import Course, State, effective_between, recorded_between

EVER = 10_000
_MINUTES = st.integers(0, 60)


def told(state: State | None) -> int | None:
    """The revision that made a state."""
    return None if state is None else json.loads(state.properties)["capacity"]


def steps(courses: list[Course]) -> dict[str, list[tuple[int, int | None, int | None]]]:
    """Each feature's steps as (revision, made from, made)."""
    return {course.fid: [(step.seq, told(step.before), told(step.after)) for step in course.steps] for course in courses}


@settings(max_examples=100, deadline=None)
@given(ENTRIES, st.integers(0, 14), st.integers(0, 14))
def test_by_arrival_each_revision_stands_beside_what_was_known_when_it_came(entries: list[Entry], one: int, other: int) -> None:
    after, until = sorted((one, other))
    with logged(entries) as connection:
        courses = list(recorded_between(connection, ["shelters"], after, until))
    expected: dict[str, list[tuple[int, int | None, int | None]]] = {}
    for seq, entry in enumerate(entries[:until], start=1):
        if seq > after:
            before = then(entries[: seq - 1], entry.effective, EVER).get(entry.fid)
            expected.setdefault(entry.fid, []).append((seq, before, seq if entry.there else None))
    assert steps(courses) == expected
    assert [course.fid for course in courses] == sorted(expected)


@settings(max_examples=100, deadline=None)
@given(ENTRIES, st.integers(0, 14), st.integers(0, 14))
def test_by_arrival_a_course_leads_from_what_was_current_to_what_is(entries: list[Entry], one: int, other: int) -> None:
    after, until = sorted((one, other))
    with logged(entries) as connection:
        courses = {course.fid: course for course in recorded_between(connection, ["shelters"], after, until)}
    was, became = then(entries[:after], EVER, EVER), then(entries[:until], EVER, EVER)
    assert {fid for fid in was.keys() | became.keys() if was.get(fid) != became.get(fid)} <= courses.keys()
    for fid, course in courses.items():
        if not course.only_late:
            assert (told(course.before), told(course.after)) == (was.get(fid), became.get(fid))
        assert course.only_late == all(ops(entries)[step.seq - 1] == "late" for step in course.steps)


@settings(max_examples=100, deadline=None)
@given(ENTRIES, _MINUTES, _MINUTES, _MINUTES)
def test_by_what_was_true_a_course_leads_from_moment_to_moment(entries: list[Entry], one: int, other: int, known: int) -> None:
    since, until = sorted((one, other))
    newest = sum(entry.recorded <= known for entry in entries)
    with logged(entries) as connection:
        courses = {course.fid: course for course in effective_between(connection, ["shelters"], at(since), at(until), newest)}
    was, became = then(entries, since, known), then(entries, until, known)
    assert {fid for fid in was.keys() | became.keys() if was.get(fid) != became.get(fid)} <= courses.keys()
    assert set(courses) == {e.fid for e in entries[:newest] if since < e.effective <= until}
    for fid, course in courses.items():
        assert (told(course.before), told(course.after)) == (was.get(fid), became.get(fid))
        assert [told(step.before) for step in course.steps[1:]] == [told(step.after) for step in course.steps[:-1]]


def test_other_layers_are_left_out() -> None:
    with logged([Entry("a", 10, None, True)]) as connection:
        assert list(recorded_between(connection, ["towns"], 0, 1)) == []
        assert list(effective_between(connection, ["towns"], at(0), at(60), 1)) == []


def test_more_than_can_be_looked_through_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers._store.differences.MOST", 2)
    with logged([Entry(fid, 10, None, True) for fid in "abc"]) as connection:
        assert len(list(recorded_between(connection, ["shelters"], 1, 3))) == 2
        with pytest.raises(ParameterError, match=r"more changed in this time than can be compared.*at most 2 revisions"):
            recorded_between(connection, ["shelters"], 0, 3)


def test_many_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("layers._store.differences._TOGETHER", 2)
    monkeypatch.setattr("layers._store.differences._ASKED", 1)
    entries = [Entry(fid, 10 + number, None, True) for number, fid in enumerate("abcab")]
    with logged(entries) as connection:
        found = steps(list(recorded_between(connection, ["shelters"], 1, 5)))
    assert found == {"a": [(4, 1, 4)], "b": [(2, None, 2), (5, 2, 5)], "c": [(3, None, 3)]}
