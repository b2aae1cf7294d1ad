"""Small writes that are committed together: each finds what those before it left, and a refused one leaves nothing."""

import threading
import time
from contextlib import contextmanager

import pytest
import shapely
from test_store import LAYERS, ME, pads
from test_writes import PHONE, change, held_up

from geo_risk.errors import NotFound, Stale, StoreCorrupt, StoreError
from layers._store import Change, Reply, ReplyKey, open_store

HERE = shapely.Point(120.0, 30.0)


def until(holds):
    """Wait for what another thread does, but not for ever."""
    ends = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.001)


@pytest.fixture
def store(place):
    with open_store(place, layers=LAYERS) as opened:
        opened.apply("pads", pads({"a": "A"}), ME)
        yield opened


@contextmanager
def committed_together(store, most=2):
    """What is submitted inside goes into one transaction, what held it up into another, or into so many."""
    with held_up(store):
        before = store.commits
        yield
    until(lambda: not store._writer._waiting)
    assert store.commits - before <= most


def test_each_finds_what_those_before_it_left(store):
    with committed_together(store):
        first = store.submit(PHONE, [change(name="B", expects=1)])
        second = store.submit(PHONE, [change(beds=7, expects=2)])
        third = store.submit(PHONE, [change("delete", expects=3)])
        fourth = store.submit(PHONE, [change("create", name="C", geometry=HERE)])
    assert [future.result().revision for future in (first, second, third, fourth)] == [2, 3, 4, 5]
    assert second.result().outcomes[0].feature.values["name"] == "B"
    assert [(entry.op, entry.properties.get("name")) for entry in store.history("pads", "a")] == [
        ("create", "A"), ("update", "B"), ("update", "B"), ("delete", None), ("create", "C"),
    ]  # fmt: skip
    assert store.snapshot().frames["pads"]["name"].to_dict() == {"a": "C"}
    store.verify()


def test_a_refused_one_leaves_nothing_and_the_others_go_on(store):
    with committed_together(store):
        first = store.submit(PHONE, [change(name="B")])
        refused = store.submit(PHONE, [change(name="C"), change(fid="nobody", name="X")])
        stale = store.submit(PHONE, [change(name="D", expects=1)])
        last = store.submit(PHONE, [change(beds=3)])
    for future, error in ((refused, NotFound), (stale, Stale)):
        with pytest.raises(error):
            future.result()
    assert (first.result().revision, last.result().revision) == (2, 3)
    assert (first.result().batch_id, last.result().batch_id) == (2, 3)
    values = store.feature("pads", "a").values
    assert (values["name"], values["beds"]) == ("B", 3)
    assert store.verify().revisions == 3


def test_a_key_sent_twice_at_once_is_done_once(store):
    def sent():
        return store.submit(
            PHONE, [change("create", fid="n", name="N", geometry=HERE)], reply_key=ReplyKey("me", "k", "0" * 64),
            compose=lambda written: Reply(201, (), str(written.revision).encode()),
        )  # fmt: skip

    with committed_together(store):
        first, again = sent(), sent()
    assert (first.result().replayed, again.result().replayed) == (False, True)
    assert first.result().reply == again.result().reply == Reply(201, (), b"2")
    assert sent().result().reply == Reply(201, (), b"2")


def test_an_import_between_them_is_seen_by_those_after_it(store):
    with committed_together(store, most=4):
        before = store.submit(PHONE, [change(name="B")])
        imported = threading.Thread(target=store.apply, args=("pads", pads({"a": "I", "b": "J"}), ME))
        imported.start()
        until(lambda: len(store._writer._waiting) == 2)
        after = store.submit(PHONE, [change(beds=5, expects=3), change(fid="b", beds=6, expects=4)])
    imported.join()
    assert (before.result().revision, after.result().revision) == (2, 6)
    assert store.snapshot().frames["pads"]["name"].to_dict() == {"a": "I", "b": "J"}
    assert store.snapshot().frames["pads"]["beds"].to_dict() == {"a": 5, "b": 6}
    store.verify()


def test_a_late_report_is_held_to_what_was_only_just_told(store):
    noon, one, two = (f"2026-07-01T{hour}:00:00.000000Z" for hour in (12, 13, 14))
    made = change("put", fid="n", at=noon, name="N", beds=1, geometry=HERE)
    with committed_together(store):
        store.submit(PHONE, [made])
        store.submit(PHONE, [change(fid="n", at=two, beds=9)])
        late = store.submit(PHONE, [change(fid="n", at=one, name="late")])
    assert (late.result().outcomes[0].op, late.result().outcomes[0].feature.values["beds"]) == ("late", 9)
    assert [(entry.op, entry.properties["name"], entry.properties.get("beds")) for entry in store.history("pads", "n")] == [
        ("create", "N", 1), ("update", "N", 9), ("late", "late", 1),
    ]  # fmt: skip
    store.verify()


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200])
def test_as_many_as_come_are_put_in_whatever_their_number(store, count):
    with committed_together(store):
        made = [store.submit(PHONE, [change("create", fid=f"n{n:03}", name=f"{n}", geometry=HERE)]) for n in range(count)]
        gone = [store.submit(PHONE, [change("delete", fid=f"n{n:03}")]) for n in range(0, count, 2)]
    assert [future.result().revision for future in (*made, *gone)] == list(range(2, 2 + len(made) + len(gone)))
    assert list(store.snapshot().frames["pads"].index) == ["a", *(f"n{n:03}" for n in range(1, count, 2))]
    store.verify()


def test_what_the_database_does_not_take_harms_none_of_those_that_came_with_it(store):
    stated = Change(layer="pads", fid="x", op="put", values={"name": "X"}, geometry=HERE, skew_s=10**40)
    with committed_together(store, most=5):
        first = store.submit(PHONE, [change(name="B")])
        odd = store.submit(PHONE, [stated])
        last = store.submit(PHONE, [change(beds=7, expects=2)])
    assert isinstance(odd.exception(), OverflowError if store.database.name == "sqlite" else StoreCorrupt)
    assert (first.result().revision, last.result().revision) == (2, 3)
    assert store.feature("pads", "a").values["beds"] == 7
    assert store.verify().revisions == 3


def test_a_fault_of_ours_in_one_is_told_to_its_sender_alone(store):
    def broken(layer, before, after):
        raise ZeroDivisionError

    with committed_together(store):
        first = store.submit(PHONE, [change(name="B")])
        odd = store.submit(PHONE, [change(name="C")], judge=broken)
        last = store.submit(PHONE, [change(beds=7, expects=2)])
    assert isinstance(odd.exception(), ZeroDivisionError)
    assert (first.result().revision, last.result().revision, store.verify().revisions) == (2, 3, 3)


def test_a_connection_lost_on_the_way_leaves_what_was_answered_and_nothing_else(store):
    def losing(layer, before, after):
        store._writer._connection.connection.driver_connection.close()
        return after

    with committed_together(store, most=5):
        sent = [store.submit(PHONE, [change("put", fid="b", name="B", geometry=HERE)])]
        sent += [store.submit(PHONE, [change(name="lost")], judge=losing)]
        sent += [store.submit(PHONE, [change("put", fid="c", name="C", geometry=HERE)])]
    names = {"a": "A"} | {fid: fid.upper() for fid, future in zip("bxc", sent, strict=True) if future.exception() is None}
    assert isinstance(sent[1].exception(), StoreError)
    assert store.snapshot().frames["pads"]["name"].to_dict() == names
    assert store.write(PHONE, [change(name="after")]).revision == store.verify().revisions == len(names) + 1
