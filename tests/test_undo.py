"""Taking back: each feature goes back to what it was, unless it is somebody's later work; nothing leaves the log."""

from itertools import count

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from test_store import LAYERS, ME, PADS, pads

from geo_risk.errors import Conflict, Forbidden, NotFound, ParameterError
from layers._store import Batch, Change, Store, open_store
from layers._store.differences import effective_between, recorded_between
from layers._store.moments import Moment, horizon, rows_then
from layers._store.retention import retain
from layers._store.undo import ChangedSince, Target, Undone, undo

CLERK = Batch("clerk", "wrong file", "-")
TEAM = Batch("team 7", "report", "report")
HERE = shapely.Point(120.0, 30.0)
_numbers = count()


@pytest.fixture
def store(place):
    with open_store(place, layers=LAYERS) as opened:
        opened.apply("pads", pads({"a": "A", "b": "B"}), ME)
        yield opened


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory):
    with open_store(tmp_path_factory.mktemp("undo") / "store.db", layers=LAYERS) as opened:
        yield opened


def taken_back(store: Store, batch_id=None, revision=None, **options) -> Undone:
    target = Target(batch_id=batch_id, revision=revision)
    return store.transact(lambda connection: undo(connection, store.layers, target, CLERK, **options))


def names(store: Store) -> dict[str, tuple[str, str]]:
    frame = store.snapshot().frames["pads"]
    return dict(zip(frame.index, zip(frame["name"], frame["source"], strict=True), strict=True))


def write(store: Store, fid: str, name: str | None, batch: Batch = TEAM) -> int:
    """A feature put in place under that name, or removed; the batch that did it."""
    op, values = ("delete", {}) if name is None else ("put", {"name": name})
    return store.write(batch, [Change(layer="pads", fid=fid, op=op, values=values, geometry=HERE)]).batch_id


def test_an_import_is_taken_back_with_the_sources_it_overwrote(store):
    other = Batch("importer", "new file", "other.csv")
    imported = store.apply("pads", pads({"a": "A2", "c": "C"}), other)
    store.remove("pads", ["b"], other)
    done = taken_back(store, imported.batch_id)
    assert [(each.fid, each.op) for each in done.reverted] == [("a", "update"), ("c", "delete")]
    assert names(store) == {"a": ("A", "city.csv")}
    store.verify()


def test_what_was_removed_comes_back_as_it_was(store):
    removed = store.remove("pads", ["a", "b"], ME)
    before = store.history("pads", "a")[0]
    done = taken_back(store, removed.batch_id)
    last = store.history("pads", "a")[-1]
    assert (last.op, last.properties, last.geometry) == ("create", before.properties, before.geometry)
    assert (last.actor, last.reason, last.note, last.batch_id) == ("clerk", "wrong file", "undo of batch 2", done.batch_id)


def test_features_of_several_sources_come_back_in_one_batch(store):
    store.apply("pads", pads({"c": "C"}), Batch("x", "r", "third.csv"))
    all_gone = store.remove("pads", ["a", "b", "c"], ME)
    taken_back(store, all_gone.batch_id)
    assert names(store) == {"a": ("A", "city.csv"), "b": ("B", "city.csv"), "c": ("C", "third.csv")}
    store.verify()


def test_an_undo_is_undone_by_the_same_rule(store):
    imported = store.apply("pads", pads({"a": "A2", "c": "C"}), Batch("x", "r", "other.csv"))
    after = names(store)
    once = taken_back(store, imported.batch_id)
    taken_back(store, once.batch_id)
    assert names(store) == after
    store.verify()


def test_later_work_is_named_and_nothing_is_changed(store):
    imported = store.apply("pads", pads({"a": "A2", "b": "B2"}), ME)
    write(store, "b", "by the team")
    with pytest.raises(ChangedSince, match=r"1 features were changed since; where: batch 2; .*got: pads b; next:") as refused:
        taken_back(store, imported.batch_id)
    assert [(each.fid, each.since) for each in refused.value.left] == [("b", 5)]
    assert names(store)["a"] == ("A2", "city.csv")


def test_on_request_only_what_nobody_changed_since_goes_back(store):
    imported = store.apply("pads", pads({"a": "A2", "b": "B2"}), ME)
    write(store, "b", None)
    done = taken_back(store, imported.batch_id, only_clean=True)
    assert ([each.fid for each in done.reverted], [(each.fid, each.since) for each in done.left]) == (["a"], [("b", None)])
    assert names(store) == {"a": ("A", "city.csv")}


def test_one_revision_of_a_batch_can_be_taken_back_alone(store):
    store.apply("pads", pads({"a": "A2", "b": "B2"}), ME)
    done = taken_back(store, revision=3)
    assert ([each.fid for each in done.reverted], names(store)["b"][0]) == (["a"], "B2")
    assert store.history("pads", "a")[-1].note == "undo of revision 3"


def test_changed_and_changed_back_is_as_the_change_made_it(store):
    first = write(store, "a", "A2")
    second = write(store, "a", "A3")
    taken_back(store, second)
    taken_back(store, first)
    assert names(store)["a"] == ("A", "city.csv")


def test_a_second_time_there_is_nothing_left(store):
    first = write(store, "a", "A2")
    taken_back(store, first)
    with pytest.raises(Conflict, match=r"nothing is left to undo; .*got: 1 that are as before, 0 late reports, 0 changed since"):
        taken_back(store, first)


def test_a_late_report_changed_no_row_and_leaves_nothing_to_take_back(store):
    late = Change(layer="pads", fid="a", op="patch", values={"name": "then"}, observed_at="2020-01-01T00:00:00.000000Z")
    written = store.write(TEAM, [late])
    assert written.outcomes[0].op == "late"
    with pytest.raises(Conflict, match=r"nothing is left to undo; .*0 that are as before, 1 late reports"):
        taken_back(store, written.batch_id)


def test_dry_says_what_would_be_done_and_does_nothing(store):
    first = write(store, "a", "A2")
    done = taken_back(store, first, dry=True)
    assert ([each.fid for each in done.reverted], done.batch_id, done.revision) == (["a"], 0, 0)
    assert (names(store)["a"][0], store.snapshot().revision) == ("A2", 3)


def test_one_feature_that_may_not_be_changed_holds_back_all(store):
    imported = store.apply("pads", pads({"a": "A2", "b": "B2"}), ME)

    def judge(layer, before, after):
        if before.fid == "b":
            raise Forbidden("not here")
        return after

    with pytest.raises(Forbidden, match="not here"):
        taken_back(store, imported.batch_id, judge=judge)
    assert names(store)["a"][0] == "A2"


@pytest.mark.parametrize(("target", "text"), [({"batch_id": 99}, "no batch 99"), ({"revision": 99}, "no revision 99")])
def test_what_is_not_in_the_log_cannot_be_undone(store, target, text):
    with pytest.raises(NotFound, match=text):
        taken_back(store, **target)


def test_too_much_for_one_piece_is_refused(store, monkeypatch):
    monkeypatch.setattr("layers._store.undo.AT_ONCE", 1)
    with pytest.raises(ParameterError, match=r"more than can be taken back in one piece; where: batch 1; .*at most 1 .*got: 2"):
        taken_back(store, 1)


def test_what_was_archived_is_refused_and_not_shown_as_nothing(store, tmp_path):
    store.apply("pads", pads({"a": "A2"}), ME)
    store.apply("pads", pads({"a": "A3"}), ME)
    cut, before = store.batches()[1].recorded_at, "2020-01-01T00:00:00.000000Z"
    retain(store, cut, tmp_path / "archive", actor="clerk", reason="old", report=lambda share: None)
    with store.read() as connection:
        for moment in (Moment(true_at=before), Moment(true_at=cut, known_at=before), Moment(true_at=cut, since=before)):
            with pytest.raises(ParameterError, match="the log before this moment was archived"):
                horizon(connection, moment, 4)
        with pytest.raises(ParameterError, match="the log before this moment was archived"):
            effective_between(connection, ["pads"], before, cut, 4)
        assert [row[-1] for row in rows_then(connection, PADS, horizon(connection, Moment(true_at=cut), 4))] == [3, 2]
        assert [len(each.steps) for each in recorded_between(connection, ["pads"], 3, 4)] == [1]
    with pytest.raises(ParameterError, match="the log before this revision was archived"):
        taken_back(store, 1)


_BATCHES = st.lists(
    st.dictionaries(st.sampled_from("abc"), st.none() | st.sampled_from(["x", "y"]), min_size=1), min_size=1, max_size=6
)


@settings(max_examples=40, deadline=None)
@given(_BATCHES, st.data())
def test_drawn_batches_are_taken_back_as_a_list_kept_by_hand_says(shared_store, batches, data):
    run, current, kept = next(_numbers), {}, []
    for wanted in batches:
        changes = {fid: name for fid, name in wanted.items() if name != current.get(fid)}
        if not changes:
            continue
        batch_id = shared_store.write(TEAM, [_change(run, fid, name) for fid, name in changes.items()]).batch_id
        kept.append((batch_id, {fid: (current.get(fid), name) for fid, name in changes.items()}))
        current |= changes
    if not kept:
        return
    batch_id, did = data.draw(st.sampled_from(kept))
    back = {fid: was for fid, (was, became) in did.items() if current[fid] == became}
    already = {fid for fid, (was, _) in did.items() if current[fid] == was}
    left = did.keys() - back.keys() - already
    if left:
        with pytest.raises(ChangedSince):
            taken_back(shared_store, batch_id)
    if not back:
        with pytest.raises(Conflict):
            taken_back(shared_store, batch_id, only_clean=True)
    else:
        done = taken_back(shared_store, batch_id, only_clean=True)
        assert ({e.fid[-1] for e in done.reverted}, {e.fid[-1] for e in done.left}, done.already) == (set(back), left, len(already))
    found = {fid[-1]: name for fid, (name, _) in names(shared_store).items() if fid.startswith(f"{run}-")}
    assert found == {fid: name for fid, name in (current | back).items() if name is not None}


def _change(run: int, fid: str, name: str | None) -> Change:
    op, values = ("delete", {}) if name is None else ("put", {"name": name})
    return Change(layer="pads", fid=f"{run}-{fid}", op=op, values=values, geometry=HERE)


def test_after_all_of_it_the_log_verifies(shared_store):
    assert shared_store.verify().revisions == shared_store.snapshot().revision
