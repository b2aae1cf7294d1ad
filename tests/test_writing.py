"""What a client sent becomes changes: moments, clocks, ids, conditions, and what may be seen; sums on paper, no store."""

import datetime as dt
import time
from dataclasses import replace
from typing import Any

import pytest
import shapely

from api.use.new_ids import new_id
from api.use.writing import (
    Clock,
    Condition,
    Judge,
    Sent,
    clock_of,
    given_of,
    moment_of,
    reason_of,
    require_new_id,
    sent_feature,
    sent_removal,
    sent_rows,
)
from geo_risk.errors import Forbidden, ParameterError, Stale
from layers._catalog import layer
from layers._check.one import RowRejected
from layers._store import UNCHANGED, WHOLE, Feature, sight_up_to

SHELTERS = layer("shelters")
INTERNAL = sight_up_to("internal")
NOON = dt.datetime(2026, 7, 1, 12, tzinfo=dt.UTC)
HERE = {"type": "Point", "coordinates": [1.5, 2.5]}


def feature(revision: int = 5, derived: str | None = None, **values: Any) -> Feature:
    everything = {column.name: values.get(column.name) for column in SHELTERS.columns}
    return Feature(
        layer="shelters", fid="a", values=everything, geometry=shapely.to_wkb(shapely.Point(1, 2)), source="s", derived=derived,
        revision=revision,
    )  # fmt: skip


def anybody(*_: object) -> None:
    return None


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00+00:00"),
        ("2026-07-01T20:00:00+08:00", "2026-07-01T12:00:00+00:00"),
        ("2026-07-01T12:00:00.1234567Z", "2026-07-01T12:00:00.123456+00:00"),
        ("2026-07-01T12:00:00-00:00", "2026-07-01T12:00:00+00:00"),
        ("1990-01-01T00:00:00Z", "1990-01-01T00:00:00+00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_moments_are_read_with_their_offset(text: str, utc: str) -> None:
    assert moment_of(text, "observed_at") == dt.datetime.fromisoformat(utc)


@pytest.mark.parametrize(
    "text",
    [
        "2026-07-01T12:00:00", "2026-07-01 12:00:00Z", "2026-07-01T12:00Z", "20260701T120000Z", "2026-07-01",
        "2026-02-30T00:00:00Z", "2026-07-01T24:00:00Z", "2026-07-01T12:00:60Z", "2026-07-01T12:00:00+8",
        "2026-07-01T12:00:00+24:00", "1989-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00Z",
        "２０２６-07-01T12:00:00Z", "", 1_782_907_200, True, ["2026"],
    ],
)  # fmt: skip
def test_what_is_no_moment_is_refused(text: Any) -> None:
    with pytest.raises(ParameterError, match="no moment with its offset; where: observed_at; expected: RFC 3339"):
        moment_of(text, "observed_at")


@pytest.mark.parametrize(
    ("seen_min", "sent_min", "skew_s", "flagged"),
    [
        (None, None, None, False),
        (-60, None, None, False),  # an hour old, and nothing known of its clock
        (-60, 0, 0, False),  # offline for an hour, with a good clock
        (-60, -1, 60, False),  # a minute behind is not yet flagged
        (-60, -2, 120, True),
        (120, 120, -7200, True),  # a clock that runs two hours ahead
        (-1440, -1440, 86_400, True),  # one set back by a day
        (2, None, None, True),  # it saw what had yet to happen
    ],
)
def test_how_far_a_clock_was_off(seen_min: int | None, sent_min: int | None, skew_s: int | None, flagged: bool) -> None:
    def moment(minutes: int | None) -> dt.datetime | None:
        return None if minutes is None else NOON + dt.timedelta(minutes=minutes)

    sent = Sent(fid=None, values={}, geometry=None, observed_at=moment(seen_min), sent_at=moment(sent_min))
    clock = clock_of(sent, NOON, 60)
    assert (clock.skew_s, clock.flagged) == (skew_s, flagged)


def test_what_was_observed_is_kept_as_it_was_said() -> None:
    sent = Sent(fid=None, values={}, geometry=None, observed_at=NOON + dt.timedelta(hours=2))
    assert clock_of(sent, NOON, 60) == Clock(observed_at="2026-07-01T14:00:00.000000Z", skew_s=None, flagged=True)


def test_ids_made_after_the_clock_stepped_back_sort_after_those_before(monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time_ns()
    before = new_id("report")
    monkeypatch.setattr(time, "time_ns", lambda: now - 10**12)
    assert before < new_id("report") < new_id("report")


def test_new_ids_differ_sort_as_they_were_made_and_need_no_quoting() -> None:
    ids = [new_id("report") for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert ids == sorted(ids)
    assert {len(each) for each in ids} == {len("report:") + 26}
    assert [require_new_id(each) for each in ids[:3]] == ids[:3]


@pytest.mark.parametrize("fid", ["", ".", "..", "a/b", "a b", "-a", "a" * 101, "村", "a\n", "a%2fb"])
def test_nothing_is_made_under_an_id_that_needs_quoting(fid: str) -> None:
    with pytest.raises(ParameterError, match="an id cannot be used; where: id; expected: 1 to 100 letters"):
        require_new_id(fid)
    assert sent_feature(SHELTERS, whole(id=fid), WHOLE, partial=False).fid == fid  # what is there already may be named so
    (row,) = sent_rows(SHELTERS, {"features": [whole(id=fid)]}, WHOLE, 1)
    assert isinstance(row, ParameterError)


@pytest.mark.parametrize("fid", [7, True, ["a"], "a\0", "\ud800"])
def test_an_id_is_a_text(fid: Any) -> None:
    with pytest.raises(ParameterError, match="this is no id; where: id; expected: a text"):
        sent_feature(SHELTERS, whole(id=fid), WHOLE, partial=False)


@pytest.mark.parametrize("reason", ["a\nb", "\x1b[31m", "x" * 501, 7, ["a"], "\ud800"])
def test_reasons_are_one_plain_line(reason: Any) -> None:
    with pytest.raises(ParameterError, match="a reason cannot be kept; where: reason"):
        reason_of(reason)


@pytest.mark.parametrize(("given", "kept"), [(None, None), ("", None), (" ", None), (" 已核实 ", "已核实")])
def test_a_reason_may_be_left_out(given: str | None, kept: str | None) -> None:
    assert reason_of(given) == kept


@pytest.mark.parametrize(
    ("condition", "met_by"),
    [
        (Condition(), {None, 5, 6}),
        (Condition(revisions=frozenset({5})), {5}),
        (Condition(revisions=frozenset({5, 6})), {5, 6}),
        (Condition(revisions=frozenset()), set()),  # no tag was one of ours
        (Condition(exists=True), {5, 6}),
        (Condition(absent=True), {None}),
    ],
)
def test_conditions(condition: Condition, met_by: set[int | None]) -> None:
    for revision in (None, 5, 6):
        before = None if revision is None else feature(revision)
        if revision in met_by:
            condition.require(SHELTERS, before)
        else:
            with pytest.raises(Stale, match="not in the state that the change was made from") as caught:
                condition.require(SHELTERS, before)
            assert caught.value.current is before


@pytest.mark.parametrize("revisions", [None, {5}, {5, 6}, set()])
def test_tags_are_compared_by_the_store_which_knows_what_is_late(revisions: set[int] | None) -> None:
    expected = None if revisions is None else frozenset(revisions)
    assert Condition(revisions=expected).expects == expected


def whole(**members: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": HERE, "properties": {"name": "School"}} | members


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"properties": {}}, "no GeoJSON feature; where: type"),
        (whole(type="Point"), "no GeoJSON feature; where: type"),
        (whole(properties=None), "a feature has properties; where: properties"),
        (whole(observedAt="2026-07-01T12:00:00Z"), "member of the body is not known; .*got: observedAt"),
        (whole(properties={"name": "a", "capcity": 1}), "a property is not known; where: layer shelters; .*got: capcity"),
        (whole(observed_at="yesterday"), "no moment"),
        (whole(sent_at=7), "no moment"),
    ],
)
def test_what_is_not_known_is_refused_not_ignored(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        sent_feature(SHELTERS, given, WHOLE, partial=False)


def test_an_answer_sent_back_is_taken() -> None:
    answer = whole(links=[], revision=5, changed=True, properties={"name": "School", "derived": "capacity", "updated_at": "x"})
    assert sent_feature(SHELTERS, answer, WHOLE, partial=False).values == {"name": "School"}


def test_a_hidden_column_is_as_unknown_as_any_other_name() -> None:
    for name in ("phone", "phoney"):
        with pytest.raises(ParameterError, match="a property is not known") as caught:
            sent_feature(SHELTERS, whole(properties={"name": "a", name: "1"}), INTERNAL, partial=False)
        assert "phone" not in caught.value.expected


def test_a_patch_that_names_no_geometry_leaves_it() -> None:
    assert sent_feature(SHELTERS, {"properties": {}}, WHOLE, partial=True).geometry is UNCHANGED
    with pytest.raises(RowRejected, match="geometry: no geometry"):
        sent_feature(SHELTERS, {"geometry": None}, WHOLE, partial=True)


def test_all_faults_of_a_whole_feature_are_told_at_once() -> None:
    given = {"type": "Feature", "geometry": {"type": "Point"}, "properties": {"capacity": -1}}
    with pytest.raises(RowRejected) as caught:
        sent_feature(SHELTERS, given, WHOLE, partial=False)
    assert [(*fault.columns, fault.rule) for fault in caught.value.faults] == [
        ("capacity", "minimum"), ("geometry", "geojson"), ("name", "required"),
    ]  # fmt: skip


def test_a_removal_says_no_more_than_when_and_why() -> None:
    assert sent_removal({"reason": "demolished"}).reason == "demolished"
    with pytest.raises(ParameterError, match="member of the body is not known"):
        sent_removal({"properties": {}})


def test_what_may_not_be_seen_stays_as_it_was() -> None:
    before = feature(name="School", phone="1")
    assert given_of(SHELTERS, before, feature(name="Hall"), INTERNAL)["phone"] == "1"
    assert given_of(SHELTERS, before, feature(name="Hall"), WHOLE)["phone"] is None


def test_what_was_derived_and_comes_back_unchanged_is_derived_anew() -> None:
    judge = Judge(rights=anybody, sight=WHOLE)
    before = feature(name="a", area_m2=9.0, stay_class="short", capacity=4, derived="capacity")  # 9 m2, 2 m2 a person
    larger = judge(SHELTERS, before, feature(name="a", area_m2=21.0, stay_class="short", capacity=4))
    stated = judge(SHELTERS, before, feature(name="a", area_m2=21.0, stay_class="short", capacity=7))
    assert [(found.values["capacity"], found.derived) for found in (larger, stated) if found] == [(10, "capacity"), (7, None)]


def test_warnings_reject_nothing_and_are_told() -> None:
    judge = Judge(rights=anybody, sight=WHOLE)
    judge(SHELTERS, None, feature(name="a", capacity=1, occupancy=2))
    assert [fault.rule for fault in judge.warnings["a"]] == ["occupancy_not_above_capacity"]


def test_a_rule_over_hidden_columns_is_told_without_them() -> None:
    found = layer("duty_holders")
    columns = tuple(replace(column, required=column.name == "name") for column in found.columns)
    given = Feature(layer="duty_holders", fid="a", values={"post": "x"}, geometry=None, source="s")
    with pytest.raises(RowRejected, match="does not agree with what is there and you may not see") as caught:
        Judge(rights=anybody, sight=sight_up_to("public"))(replace(found, columns=columns), None, given)
    assert [fault.columns for fault in caught.value.faults] == [()]


def test_rights_are_asked_before_anything_else_of_the_row_is_told() -> None:
    def nobody(*_: object) -> None:
        raise Forbidden("no")

    with pytest.raises(Forbidden):
        Judge(rights=nobody, sight=WHOLE)(SHELTERS, None, feature())
    with pytest.raises(Forbidden):
        Judge(rights=nobody, sight=WHOLE)(SHELTERS, feature(), None)
