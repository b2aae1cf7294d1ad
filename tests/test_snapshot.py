"""The snapshot: every layer's frame at one revision, only what changed made anew."""

import numpy as np
import pytest
import shapely
from test_store import LAYERS, ME, PADS, pads

from layers import _catalog
from layers._frame import empty, typed
from layers._layer import SYSTEM_COLUMNS
from layers._store import open_store
from layers._store import snapshot as snapshots
from layers._store.sqlite import _engine


@pytest.fixture
def store(place):
    with open_store(place, layers=LAYERS) as opened:
        yield opened


def test_an_empty_store_has_every_layers_empty_frame(tmp_path):
    with open_store(tmp_path / "store.db") as store:
        snapshot = store.snapshot()
    assert list(snapshot.frames) == list(_catalog.catalog())
    assert all(snapshot.frames[layer_id].equals(empty(layer)) for layer_id, layer in _catalog.catalog().items())
    assert (snapshot.revision, snapshot.recorded_at, snapshot.updated_at("aeds")) == (0, None, None)


def test_nothing_new_is_the_same_snapshot(store):
    store.apply("pads", pads({"a": "A"}), ME)
    assert store.snapshot() is store.snapshot()


def test_only_layers_with_new_revisions_are_made_anew(store):
    store.apply("pads", pads({"a": "A"}), ME)
    store.apply("people", typed(LAYERS["people"], {"name": ["Li"]}, [None], ["p"]), ME)
    before = store.snapshot()
    store.apply("people", typed(LAYERS["people"], {"name": ["Wu"]}, [None], ["p"]), ME)
    after = store.snapshot()
    assert after.frames["pads"] is before.frames["pads"]
    assert (before.frames["people"]["name"].item(), after.frames["people"]["name"].item()) == ("Li", "Wu")


def test_rows_are_in_the_order_of_ids_and_say_where_they_come_from(store):
    store.apply("pads", pads({"b": "B", "c": "C", "a": "A"}, derived=["beds", None, None]), ME)
    snapshot = store.snapshot()
    frame = snapshot.frames["pads"]
    assert list(frame.index) == ["a", "b", "c"]
    assert list(frame.columns) == [*(column.name for column in PADS.columns), *SYSTEM_COLUMNS, "geometry"]
    assert frame["revision"].tolist() == [1, 2, 3]
    assert set(frame["source"]) == {"city.csv"}
    assert set(frame["updated_at"]) == {snapshot.recorded_at}
    assert frame.loc["b", "derived"] == "beds"


def test_a_layer_is_as_old_as_its_last_change_removals_included(store):
    store.apply("pads", pads({"a": "A"}), ME)
    first = store.snapshot()
    store.remove("pads", ["a"], ME)
    second = store.snapshot()
    assert second.updated_at("pads") == second.recorded_at > first.updated_at("pads")
    assert second.updated_at("people") is None
    assert second.frames["pads"].empty


@pytest.mark.parametrize("patched_up_to", [0, 100])
def test_a_frame_patched_is_the_frame_read_anew(place, store, monkeypatch, patched_up_to):
    monkeypatch.setattr(snapshots, "_PATCHED", patched_up_to)
    store.apply("pads", pads({f"{n:02}": "A" for n in range(0, 40, 2)}), ME)
    store.snapshot()
    store.apply("pads", pads({"01": "new", "02": "changed", "99": "last"}), ME)
    store.remove("pads", ["04", "38"], ME)
    brought = store.snapshot().frames["pads"]
    with open_store(place, layers=LAYERS) as other:
        anew = other.snapshot().frames["pads"]
    assert brought.equals(anew)
    assert (brought.dtypes == anew.dtypes).all()
    assert brought.crs == anew.crs == "EPSG:4326"


def test_more_rows_than_are_fetched_at_once(store, monkeypatch):
    monkeypatch.setattr(snapshots, "_FETCHED", 3)
    lon = np.linspace(100, 110, 10)
    frame = typed(PADS, {"beds": range(10)}, shapely.points(lon, 30), [f"{n}" for n in range(10)])
    store.apply("pads", frame, ME)
    back = store.snapshot().frames["pads"]
    assert back["beds"].tolist() == list(range(10))
    assert shapely.get_x(back.geometry).tolist() == lon.tolist()


def test_a_snapshot_stays_as_it_was(store):
    store.apply("pads", pads({"a": "A"}), ME)
    before = store.snapshot()
    store.apply("pads", pads({"a": "B"}), ME)
    store.snapshot()
    assert before.frames["pads"]["name"].item() == "A"
    with pytest.raises(TypeError, match="does not support item assignment"):
        before.frames["pads"] = None


def test_reading_does_not_write(tmp_path):
    path = tmp_path / "store.db"
    with open_store(path, layers=LAYERS) as store:
        store.apply("pads", pads({"a": "A"}), ME)
    engine = _engine(path, 1.0)
    with engine.connect() as connection, connection.begin():
        before = connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        with open_store(path, layers=LAYERS) as store:
            store.snapshot()
            store.verify()
            store.history("pads", "a")
    with engine.connect() as connection, connection.begin():
        assert connection.exec_driver_sql("PRAGMA data_version").scalar_one() == before
