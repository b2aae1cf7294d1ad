"""Changes of single features: the state they are made from, late reports, stored replies, one refused among many."""

import threading
import time
from contextlib import contextmanager

import pytest
import shapely
from test_store import LAYERS, ME, pads, tampered

from geo_risk.errors import Busy, Conflict, Forbidden, KeyReused, NotFound, ParameterError, Stale, StoreCorrupt
from layers._store import UNCHANGED, Batch, Change, Reply, ReplyKey, open_store

PHONE = Batch("team 7", "report", "report")
HERE = shapely.Point(120.0, 30.0)


@pytest.fixture
def store(place):
    with open_store(place, layers=LAYERS) as opened:
        opened.apply("pads", pads({"a": "A"}), ME)
        yield opened


@contextmanager
def held_up(store):
    """What is submitted inside waits until the block ends."""
    begun, go = threading.Event(), threading.Event()

    def hold(_):
        begun.set()
        go.wait(20)

    holding = threading.Thread(target=store.transact, args=(hold,))
    holding.start()
    assert begun.wait(20)
    yield
    go.set()
    holding.join()


def change(op="patch", fid="a", *, expects=None, at=None, geometry=UNCHANGED, **values):
    return Change(layer="pads", fid=fid, op=op, values=values, geometry=geometry, expects=expects, observed_at=at)


def one(store, *changes, **options):
    (outcome,) = store.write(PHONE, changes, **options).outcomes
    return outcome


def test_a_patch_changes_what_it_names_and_keeps_the_rest(store):
    outcome = one(store, change(name="B", expects=1))
    assert (outcome.op, outcome.feature.revision, outcome.feature.values["name"]) == ("update", 2, "B")
    assert store.feature("pads", "a").values == outcome.feature.values
    assert shapely.from_wkb(outcome.feature.geometry) == store.snapshot().frames["pads"].geometry.item()
    store.verify()


def test_a_put_replaces_and_a_changed_feature_stays_its_sources(store):
    outcome = one(store, change("put", name="B", geometry=HERE))
    assert (outcome.feature.values["name"], outcome.feature.values["beds"]) == ("B", None)
    assert outcome.feature.source == "city.csv" == store.snapshot().frames["pads"]["source"].item()
    assert store.history("pads", "a")[-1].source == "city.csv"
    store.verify()


def test_what_is_made_anew_says_where_it_comes_from(store):
    assert one(store, change("create", fid="n", name="N", geometry=HERE)).feature.source == "report"
    assert list(store.snapshot().frames["pads"].index) == ["a", "n"]


def test_what_differs_in_nothing_makes_no_revision(store):
    written = store.write(PHONE, [change(name="A")])
    assert (written.revision, written.batch_id, written.outcomes[0].op) == (1, 0, None)


@pytest.mark.parametrize(
    ("wanted", "error", "text"),
    [
        (change(expects=7, name="B"), Stale, "was changed since.*expected: revision 2; got: revision 7"),
        (change(expects=frozenset({7, 3}), name="B"), Stale, "expected: revision 2; got: revision 3, 7"),
        (change(expects=frozenset(), name="B"), Stale, "was changed since"),
        (change("create", name="B"), Conflict, "has a feature of this id already"),
        (change(fid="x", name="B"), NotFound, "no such feature"),
        (change("delete", fid="x"), NotFound, "no such feature"),
        (change("put", fid="x", expects=3), Stale, "expected: revision none"),
        (change(beds="many"), ParameterError, "column beds; expected: a whole number"),
        (change(name="a\0"), ParameterError, "cannot be stored"),
        (change("put", name="B", geometry=shapely.Point(200, 0)), ParameterError, "a geometry cannot be stored"),
    ],
)
def test_what_cannot_be_done_changes_nothing(store, wanted, error, text):
    with pytest.raises(error, match=text):
        store.write(PHONE, [change(name="first"), wanted])
    assert (store.snapshot().revision, store.feature("pads", "a").values["name"]) == (1, "A")


def test_a_stale_change_is_told_what_is_there_now(store):
    with pytest.raises(Stale) as stale:
        store.write(PHONE, [change(expects=9, name="B")])
    assert stale.value.current == store.feature("pads", "a")


def test_of_many_changes_one_refused_stops_only_itself(store):
    written = store.write(PHONE, [change(name="B"), change(fid="x", name="X"), change(beds=4)], whole=False)
    assert [outcome.op for outcome in written.outcomes] == ["update", None, "update"]
    assert isinstance(written.outcomes[1].error, NotFound)
    assert (store.feature("pads", "a").values["name"], store.feature("pads", "a").values["beds"]) == ("B", 4)
    store.verify()


def test_the_judge_sees_the_row_before_and_after_and_may_refuse(store):
    seen = []

    def judge(layer, before, after):
        seen.append((before.values["name"], after.values["name"]))
        raise Forbidden("not yours")

    with pytest.raises(Forbidden):
        store.write(PHONE, [change(name="B")], judge=judge)
    assert seen == [("A", "B")]
    assert store.snapshot().revision == 1


def minutes(number: int) -> str:
    """A moment on the day after tomorrow of the log's first, so many minutes after eight: no clock is needed."""
    return f"2026-01-01T08:{number:02}:00.000000Z"


@pytest.fixture
def clock(monkeypatch):
    """What the store takes for the present moment."""
    told = ["2026-01-01T08:00:00.000000Z"]
    monkeypatch.setattr("layers._store.log.now", lambda: told[0])
    return told


@pytest.mark.parametrize(
    ("reports", "stands", "ops"),
    [  # reports: (came at, observed at, name)
        ([(10, 5, "five"), (11, 8, "eight")], "eight", ["update", "update"]),
        ([(10, 8, "eight"), (11, 5, "five")], "eight", ["update", "late"]),
        ([(10, 8, "eight"), (11, 8, "too")], "too", ["update", "update"]),
        ([(10, 59, "fast clock"), (11, 10, "ten")], "ten", ["update", "update"]),
        ([(10, 59, "fast clock"), (11, 9, "nine")], "fast clock", ["update", "late"]),
        ([(10, None, "desk"), (11, 9, "nine")], "desk", ["update", "late"]),
    ],
)
def test_what_was_observed_last_holds_and_a_clock_ahead_holds_nothing_off(place, clock, reports, stands, ops):
    with open_store(place, layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A"}), ME)
        for came, seen, name in reports:
            clock[0] = minutes(came)
            one(store, change(name=name, at=None if seen is None else minutes(seen)))
        assert store.feature("pads", "a").values["name"] == stands == store.snapshot().frames["pads"]["name"].item()
        assert [revision.op for revision in store.history("pads", "a")[1:]] == ops
        store.verify()


def test_a_late_patch_is_made_on_what_was_true_then_and_expects_nothing(place, clock):
    with open_store(place, layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A"}, beds=[1]), ME)
        clock[0] = minutes(20)
        one(store, change(name="B", beds=9))
        outcome = one(store, change(name="seen at ten", at=minutes(10), expects=frozenset({998, 999})))
        assert (outcome.op, outcome.feature.values["name"]) == ("late", "B")
        assert store.history("pads", "a")[-1].properties["beds"] == 1


def test_history_compares_each_revision_with_what_it_was_made_from(place, clock):
    with open_store(place, layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A"}), ME)
        clock[0] = minutes(20)
        one(store, change(name="B"))
        one(store, change(name="ten", at=minutes(10)))
        one(store, change(name="C"))
        changes = [dict(revision.changes).get("name") for revision in store.history("pads", "a")]
    assert changes == [(None, "A"), ("A", "B"), ("A", "ten"), ("B", "C")]


def test_a_late_report_does_not_bring_back_what_was_removed(place, clock):
    with open_store(place, layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A"}), ME)
        clock[0] = minutes(20)
        store.remove("pads", ["a"], ME)
        assert one(store, change("put", name="B", geometry=HERE, at=minutes(10))).op == "late"
        assert store.snapshot().frames["pads"].empty
        store.verify()


@pytest.mark.parametrize("column", ["source", "observed_at", "skew_s"])
def test_a_changed_byte_of_what_is_stated_seldom_is_found(path, column):
    stated = Change(layer="pads", fid="a", op="patch", values={"name": "B"}, observed_at="2099-01-01T00:00:00.000000Z", skew_s=90)
    value = "skew_s + 1" if column == "skew_s" else f"substr({column}, 2)"
    with open_store(path, layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A"}), ME)
        store.write(PHONE, [stated])
        store.verify()
        tampered(path, f"UPDATE revisions SET {column} = {value} WHERE seq = 2")
        with pytest.raises(StoreCorrupt, match="revision 2"):
            store.verify()


def composed(written):
    return Reply(200, (("ETag", f'"{written.revision}"'),), b"done")


def test_the_same_request_again_is_answered_again_and_writes_nothing(store):
    key = ReplyKey("team 7", "k1", "0" * 64)
    first = store.write(PHONE, [change(name="B")], reply_key=key, compose=composed)
    again = store.write(PHONE, [change(name="C")], reply_key=key, compose=composed)
    assert (first.replayed, again.replayed, again.reply) == (False, True, first.reply)
    assert store.feature("pads", "a").values["name"] == "B"


def test_a_key_with_another_request_is_refused_and_anothers_key_is_another(store):
    store.write(PHONE, [change(name="B")], reply_key=ReplyKey("team 7", "k1", "0" * 64), compose=composed)
    with pytest.raises(KeyReused, match="came with another request"):
        store.write(PHONE, [change(name="C")], reply_key=ReplyKey("team 7", "k1", "1" * 64), compose=composed)
    assert not store.write(PHONE, [change(name="C")], reply_key=ReplyKey("team 8", "k1", "1" * 64), compose=composed).replayed


def test_a_refused_write_keeps_no_reply(store):
    key = ReplyKey("team 7", "k1", "0" * 64)
    with pytest.raises(Stale):
        store.write(PHONE, [change(expects=9, name="B")], reply_key=key, compose=composed)
    assert not store.write(PHONE, [change(name="B")], reply_key=key, compose=composed).replayed


def test_writes_that_wait_together_are_one_commit_and_a_refused_one_undoes_itself_alone(store):
    before = store.commits
    with held_up(store):
        futures = [store.submit(PHONE, [change(name=f"{n}", expects=9 if n == 3 else None)]) for n in range(8)]
    refused = [n for n, future in enumerate(futures) if future.exception()]
    assert (refused, store.commits - before) == ([3], 2)
    assert store.feature("pads", "a").values["name"] == "7"


def test_a_write_that_cannot_begin_in_time_changes_nothing(store):
    with held_up(store):
        late = store.submit(PHONE, [change(name="B")], deadline_s=0.05)
        time.sleep(0.1)
    with pytest.raises(Busy, match="at work on other writes"):
        late.result(20)
    assert store.feature("pads", "a").values["name"] == "A"


def test_changes_since_tell_before_and_after(store):
    store.write(PHONE, [change(name="B")])
    store.remove("pads", ["a"], ME)
    made, changed, gone = store.changes_since(0)
    assert (made.properties_before, changed.properties_before, changed.op) == (None, made.properties, "update")
    assert (gone.properties, gone.properties_before, gone.op) == (None, changed.properties, "delete")
    assert [each.seq for each in store.changes_since(1, limit=1)] == [2]


def test_the_revision_of_a_moment(store):
    first = store.batches()[0].recorded_at
    store.write(PHONE, [change(name="B")])
    assert (store.revision_at("2020"), store.revision_at(first), store.revision_at("2999")) == (0, 1, 2)
