"""What changed since a moment: whose town it is, since when, and what a caller may know; by hand over the small city."""

import datetime as dt

import pytest
import shapely

import small_city
from api.use.changed_columns import Person, column_changes, naming, said_freely
from api.use.clock_times import last_time_of_day
from api.use.shift import OUTSIDE, UNPLACED, Made, Row, _Places, _towns, by_actor, tallies, tally
from api.use.shift_answer import _harmless
from layers._catalog import layer
from layers._store import Snapshot
from layers._store.differences import State

SHELTERS = layer("shelters")


@pytest.mark.parametrize(
    ("point", "code", "town"),
    [
        ((0.005, 0.005), None, "w"),
        ((0.010, 0.005), None, "e"),  # on the border of both: the least id
        ((0.030, 0.005), None, OUTSIDE),
        ((0.030, 0.005), "339900001000", OUTSIDE),  # a place says more than a code
        (None, "339900001000", "w"),
        (None, "339900001023", "w"),  # a village of West
        (None, "339900009000", OUTSIDE),
        (None, None, UNPLACED),
    ],
)
def test_a_feature_is_of_the_town_it_lies_in(
    small_snapshot: Snapshot, point: tuple[float, float] | None, code: str | None, town: str
) -> None:
    place = None if point is None else shapely.Point(point)
    assert _towns(small_snapshot, [_Places(place, place, code, code)]) == [(town, town)]


@pytest.mark.parametrize(
    ("now", "asked", "expected"),
    [
        ("02 07:00", (8, 0), "01 08:00"),
        ("02 08:00", (8, 0), "02 08:00"),
        ("02 09:00", (8, 0), "02 08:00"),
        ("02 00:00", (23, 59), "01 23:59"),
    ],
)
def test_a_time_of_day_is_the_last_such_time(now: str, asked: tuple[int, int], expected: str) -> None:
    moment = dt.datetime.strptime(f"2026-07-{now}", "%Y-%m-%d %H:%M").astimezone()
    assert f"{last_time_of_day(*asked, moment):%d %H:%M}" == expected


def _row(fid: str, net: str, *actors: str) -> Row:
    made = tuple(Made(number, "update", 1, actor, "", "", None, late=False) for number, actor in enumerate(actors))
    return Row(layer="shelters", fid=fid, name=fid, net=net, changes=(), made=made)


def test_features_count_once_and_changes_for_who_made_them() -> None:
    rows = [_row("a", "changed", "li", "li", "wang"), _row("b", "created", "wang")]
    assert (tally(rows).features, tally(rows).changes, tally(rows).nets["changed"]) == (2, 4, 1)
    assert {who: (each.features, each.changes) for who, each in by_actor(rows).items()} == {"li": (1, 2), "wang": (2, 2)}
    assert {net: each.features for net, each in tallies(rows, lambda row: (row.net,)).items()} == {"changed": 1, "created": 1}


def test_columns_differ_by_value_place_and_source_as_far_as_they_may_be_read() -> None:
    here, there = shapely.Point(1, 2).wkb, small_city.WEST.wkb
    before = State('{"name":"A","phone":"1","capacity":5,"derived":"capacity,phone"}', here, "old")
    after = State('{"name":"A","phone":"2","status":"open"}', there, "new")
    assert column_changes(SHELTERS, before, after, ("public",)) == (
        ("capacity", 5, None), ("status", None, "open"),
        ("geometry", {"type": "Point", "coordinates": [1.0, 2.0]}, {"type": "Polygon", "bbox": [0.0, 0.0, 0.01, 0.01]}),
        ("derived", "capacity", None), ("source", "old", "new"),
    )  # fmt: skip
    assert ("phone", "1", "2") in column_changes(SHELTERS, before, after, ("public", "internal", "personal"))
    assert column_changes(SHELTERS, None, None, ("public",)) == ()


def test_who_made_a_change_is_a_name_to_some_and_a_role_to_others() -> None:
    role_of = {"li": "operator"}.get
    assert naming(("public", "internal"), role_of)("li/k1") == Person("li/k1", "operator")
    assert naming(("public",), role_of)("li/k1") == Person(None, "operator")
    assert naming(("public",), role_of)("stranger") == Person(None, None)
    assert (said_freely("why", ("public",)), said_freely("why", ("public", "internal"))) == (None, "why")


@pytest.mark.parametrize(
    ("cell", "harmless"),
    [("=1+1", "'=1+1"), ("＝1", "'＝1"), ("@x", "'@x"), ("-5", "-5"), ("-5.25", "-5.25"), ("-5+cmd", "'-5+cmd"), ("open", "open"),
     ("\t=1", "'\t=1")],
)  # fmt: skip
def test_no_cell_becomes_a_formula(cell: str, harmless: str) -> None:
    assert _harmless(cell) == harmless
