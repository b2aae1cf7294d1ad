"""Taking back in parts: as in one piece, with others writing in between, broken off and asked for again, and itself undone."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_store import LAYERS, ME, pads
from test_undo import CLERK, TEAM, names, write

from geo_risk.errors import Conflict, Forbidden, NotFound
from layers._store import Batch, open_store
from layers._store.undo import ChangedSince, Target, undo
from layers._store.undo_parts import is_large, undo_in_parts

FIVE = dict(zip("abcde", "ABCDE", strict=True))
WRONG = Batch("x", "wrong", "other.csv")


@pytest.fixture(autouse=True)
def two_at_a_time(monkeypatch):
    """Parts of two features, and more than three revisions are many."""
    monkeypatch.setattr("layers._store.undo_parts._FEATURES", 2)
    monkeypatch.setattr("layers._store.undo_parts.AT_ONCE", 3)


@pytest.fixture
def store(place):
    with open_store(place, layers=LAYERS) as opened:
        opened.apply("pads", pads(FIVE), ME)
        yield opened


def wrong(store, *fids):
    return store.apply("pads", pads({fid: f"{fid} wrong" for fid in fids or FIVE}), WRONG).batch_id


def taken_back(store, batch_id, **options):
    return undo_in_parts(store, store.layers, Target(batch_id=batch_id), CLERK, **options)


def test_five_features_go_back_in_three_batches_and_all_is_as_it_was(store):
    before = names(store)
    done = taken_back(store, wrong(store))
    assert (done.undone, done.stay, done.parts, done.batch_id, done.revision) == (5, 0, 3, 3, 15)
    assert names(store) == before
    assert [batch.note for batch in store.batches()][:3] == [f"undo of batch 2, part {part}" for part in (3, 2, 1)]
    assert store.verify().revisions == 15


def test_dry_counts_all_and_writes_nothing(store):
    wrong(store)
    write(store, "c", "by the team")
    done = taken_back(store, 2, dry=True)
    assert (done.undone, [each.fid for each in done.left], store.snapshot().revision) == (4, ["c"], 11)


def test_later_work_stops_all_of_it_or_stays(store):
    wrong(store)
    write(store, "e", "by the team")
    with pytest.raises(ChangedSince, match=r"1 features were changed since; where: batch 2; .*got: pads e"):
        taken_back(store, 2)
    assert store.snapshot().revision == 11
    done = taken_back(store, 2, only_clean=True)
    assert (done.undone, done.stay, names(store)["e"][0], names(store)["a"]) == (4, 1, "by the team", ("A", "city.csv"))


def test_what_somebody_changes_meanwhile_stays(store):
    wrong(store)

    def meanwhile(share):
        if share == 0.5:
            write(store, "e", "just now")

    done = taken_back(store, 2, report=meanwhile)
    assert (done.undone, [(each.fid, each.since) for each in done.left]) == (4, [("e", 11)])
    assert names(store)["e"][0] == "just now"
    store.verify()


def test_what_somebody_changes_between_looking_and_writing_stays(store, monkeypatch):
    """The last moment: the part is worked out, and its turn to be written has not come."""
    wrong(store)
    transact = store.transact

    def late(work, deadline_s=None):
        monkeypatch.undo()
        write(store, "a", "just now")
        return transact(work, deadline_s)

    monkeypatch.setattr(store, "transact", late)
    done = taken_back(store, 2)
    assert (done.undone, [each.fid for each in done.left], names(store)["a"][0]) == (4, ["a"], "just now")


def test_broken_off_and_asked_for_again_it_goes_on(store):
    wrong(store)

    def broken_off(share):
        if share > 0.6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        taken_back(store, 2, report=broken_off)
    done = taken_back(store, 2)
    assert (done.undone, done.already) == (3, 2)
    assert {name for name, _ in names(store).values()} == set(FIVE.values())
    with pytest.raises(Conflict, match=r"nothing is left to undo; .*got: 5 that are as before"):
        taken_back(store, 2)


@pytest.mark.parametrize("part", [3, 4, 5])
def test_any_part_stands_for_the_whole_undo(store, part):
    wrong(store)
    after = names(store)
    taken_back(store, 2)
    with store.read() as connection:
        assert is_large(connection, Target(batch_id=part))
    assert taken_back(store, part).undone == 5
    assert names(store) == after
    store.verify()


def test_an_undo_that_came_again_is_another_undo(store):
    wrong(store)
    for batch in (2, 3, 6):  # wrong, its undo, the undo of that
        taken_back(store, batch)
    assert {name for name, _ in names(store).values()} == set(FIVE.values())
    assert taken_back(store, 9).undone == 5


def test_one_feature_that_may_not_be_changed_holds_back_all(store):
    wrong(store)

    def judge(layer, before, after):
        if before.fid == "e":
            raise Forbidden("not here")

    with pytest.raises(Forbidden, match="not here"):
        taken_back(store, 2, judge=judge)
    assert store.snapshot().revision == 10


def test_what_is_noted_is_noted_with_each_part(store):
    noted = []
    wrong(store)
    taken_back(store, 2, noted=lambda connection, done: noted.append((done.batch_id, done.undone)))
    assert noted == [(3, 2), (4, 2), (5, 1)]


def test_which_are_many(store):
    wrong(store)
    write(store, "a", "x")
    with store.read() as connection:
        assert [is_large(connection, Target(batch_id=batch)) for batch in (1, 2, 3)] == [True, True, False]
        assert not is_large(connection, Target(revision=4))
        with pytest.raises(NotFound, match="no batch 99"):
            is_large(connection, Target(batch_id=99))


def test_few_bytes_make_small_parts_and_one_feature_is_one_at_least(store, monkeypatch):
    monkeypatch.setattr("layers._store.undo_parts._BYTES", 1)
    wrong(store)
    assert taken_back(store, 2).parts == 5


STEPS = st.lists(st.tuples(st.sampled_from("abcde"), st.none() | st.sampled_from("xy")), max_size=6)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.lists(st.sampled_from("abcde"), min_size=1, unique=True), STEPS)
def test_in_parts_as_in_one_piece(tmp_path_factory, before, imported, after):
    """The same store twice: taken back at once, by the code that other tests hold to a list kept by hand, and in parts."""
    ends = []
    for way in ("one piece", "parts"):
        with open_store(tmp_path_factory.mktemp("two") / "s.db", layers=LAYERS) as store:
            _write_all(store, before)
            batch = wrong(store, *imported)
            _write_all(store, after)
            try:
                ends.append((_back(store, batch, way), names(store)))
            except Conflict as error:
                ends.append((str(error), names(store)))
            store.verify()
    assert ends[0] == ends[1]


def _back(store, batch, way):
    target = Target(batch_id=batch)
    if way == "parts":
        done = undo_in_parts(store, store.layers, target, CLERK, only_clean=True)
    else:
        done = store.transact(lambda connection: undo(connection, store.layers, target, CLERK, only_clean=True))
    return done.undone, done.stay, done.already, [each.fid for each in done.reverted]


def _write_all(store, steps):
    there = names(store)
    for fid, name in steps:
        if name is not None or fid in there:
            write(store, fid, name, TEAM)
            there = names(store)
