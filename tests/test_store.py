"""The store: what is logged, what is refused, what is found when somebody tampers."""

import datetime as dt
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geo_risk.errors import CrsError, DeclarationError, NotFound, ParameterError, StoreCorrupt, StoreUnavailable
from layers._frame import typed
from layers._layer import Column, Geometry, Layer, Style
from layers._store import Applied, Batch, Store, Verified, log, open_store, rows

ME = Batch("duty officer", "after the storm", "city.csv")
PLAIN = Style(icon="h", colour="#000000")


def layer(layer_id="pads", geometry=Geometry.POINT, **types):
    types = types or {"name": str, "beds": int, "area_m2": float, "open": bool, "checked_on": dt.date}
    columns = tuple(Column(name, kind, title={"en": name, "zh": name}) for name, kind in types.items())
    return Layer(id=layer_id, title={"en": layer_id, "zh": layer_id}, geometry=geometry, columns=columns, style=PLAIN, group="base")


PADS = layer()
LAYERS = {"pads": PADS, "people": layer("people", Geometry.NONE, name=str), "zones": layer("zones", Geometry.AREA, name=str)}


def pads(names, *, lon=120.0, **columns):
    """A frame of pads: id -> name, one place for all."""
    return typed(PADS, {"name": list(names.values()), **columns}, [shapely.Point(lon, 30)] * len(names), list(names))


def names(store, layer_id="pads"):
    return store.snapshot().frames[layer_id]["name"].to_dict()


@pytest.fixture
def embedded(path):
    with open_store(path, layers=LAYERS) as opened:
        yield opened


@pytest.fixture
def store(place):
    with open_store(place, layers=LAYERS) as opened:
        yield opened


def test_apply_counts_what_differs(store):
    assert store.apply("pads", pads({"a": "A", "b": "B"}), ME) == Applied(revision=2, batch_id=1, new=2)
    assert store.apply("pads", pads({"a": "A", "b": "B2", "c": "C"}), ME) == Applied(
        revision=4, batch_id=2, new=1, changed=1, unchanged=1
    )
    assert names(store) == {"a": "A", "b": "B2", "c": "C"}


def test_the_same_rows_again_change_nothing_not_even_the_list_of_batches(store):
    store.apply("pads", pads({"a": "A"}), ME)
    assert store.apply("pads", pads({"a": "A"}), ME) == Applied(revision=1, batch_id=0, unchanged=1)
    assert [batch.id for batch in store.batches()] == [1]


@pytest.mark.parametrize(
    ("frame", "source"),
    [
        (pads({"a": "B"}), "city.csv"),
        (pads({"a": "A"}, lon=120.1), "city.csv"),
        (pads({"a": "A"}, beds=[0]), "city.csv"),
        (pads({"a": "A"}, derived=["beds"]), "city.csv"),
        (pads({"a": "A"}), "county.csv"),
    ],
)
def test_a_row_differs_by_value_place_derivation_or_source(store, frame, source):
    store.apply("pads", pads({"a": "A"}), ME)
    assert store.apply("pads", frame, Batch("x", "y", source)).changed == 1


def test_replace_removes_what_the_same_source_no_longer_has(store):
    store.apply("pads", pads({"a": "A", "b": "B"}), ME)
    store.apply("pads", pads({"c": "C"}), Batch("x", "y", "county.csv"))
    assert store.apply("pads", pads({"b": "B"}), ME, replace=True) == Applied(revision=4, batch_id=3, unchanged=1, removed=1)
    assert names(store) == {"b": "B", "c": "C"}
    assert [revision.op for revision in store.history("pads", "a")] == ["create", "delete"]


def test_a_removed_feature_can_come_back(store):
    store.apply("pads", pads({"a": "A"}), ME)
    assert store.remove("pads", ["a", "a"], ME) == Applied(revision=2, batch_id=2, removed=1)
    assert store.apply("pads", pads({"a": "A"}), ME).new == 1
    assert [revision.op for revision in store.history("pads", "a")] == ["create", "delete", "create"]


def test_removing_what_is_not_there_removes_nothing(store):
    store.apply("pads", pads({"a": "A"}), ME)
    with pytest.raises(NotFound, match=r"no such feature in layer pads.*got: b.*nothing was removed"):
        store.remove("pads", ["a", "b"], ME)
    assert names(store) == {"a": "A"}


def test_history_says_who_why_and_what_changed(store):
    store.apply("pads", pads({"a": "A"}, beds=[10]), ME)
    store.apply("pads", pads({"a": "A"}, beds=[12], lon=121), Batch("clerk", "recount", "county.csv", note="by hand"))
    first, second = store.history("pads", "a")
    assert (first.seq, first.op, first.actor, first.changes["beds"]) == (1, "create", "duty officer", (None, 10))
    assert (second.actor, second.reason, second.source, second.note) == ("clerk", "recount", "county.csv", "by hand")
    assert second.changes == {"beds": (10, 12), "geometry": ("POINT (120 30)", "POINT (121 30)")}
    assert first.recorded_at <= second.recorded_at


def test_features_at_is_the_layer_as_it_was(store):
    store.apply("pads", pads({"a": "A", "b": "B"}), ME)
    store.apply("pads", pads({"a": "A2"}), ME)
    store.remove("pads", ["b"], ME)
    at = [store.features_at("pads", revision)["name"].to_dict() for revision in range(5)]
    assert at == [{}, {"a": "A"}, {"a": "A", "b": "B"}, {"a": "A2", "b": "B"}, {"a": "A2"}]


VALUES = {
    "name": ["避难所 {{7*191}}", None, "'; DROP TABLE pads; --", "𠮷 line\nbreak", ""],
    "beds": [0, None, -(2**63), 2**63 - 1, 1],
    "area_m2": [0.1, None, 1e300, 5e-324, -0.0],
    "open": [True, None, False, True, False],
    "checked_on": [dt.date(2024, 2, 29), None, dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1970, 1, 1)],
}


def test_every_value_comes_back_as_it_went_in(place):
    frame = typed(PADS, VALUES, [shapely.Point(120.123456789, 30), None, *[shapely.Point(-180, 90)] * 3], list("abcde"))
    with open_store(place, layers=LAYERS) as store:
        store.apply("pads", frame, ME)
    with open_store(place, layers=LAYERS) as store:
        back = store.snapshot().frames["pads"]
        assert store.apply("pads", back, ME).unchanged == 5
        store.verify()
    assert back.drop(columns=["derived", "source", "updated_at", "revision"]).equals(frame)


@pytest.mark.parametrize(
    ("frame", "error", "text"),
    [
        (pads({"a": "A"}).set_crs(None, allow_override=True), CrsError, "no CRS"),
        (pads({"a": "A"}).to_crs(3857), CrsError, "not longitude, latitude"),
        (pads({"a": "A"}).drop(columns="beds"), ParameterError, "columns are not the layer's"),
        (pads({"a": "A"}).assign(extra=1), ParameterError, "columns are not the layer's"),
        (pads({"a": "A"}).assign(beds=1.5), ParameterError, "dtype is not its declared type's.*column beds.*expected: Int64"),
        (pads({"a": "A"}).rename({"a": ""}), ParameterError, "id cannot be stored"),
        (pads({"a": "A"}).rename({"a": 7}), ParameterError, "id cannot be stored.*got: 7"),
        (pads({"a": "A"}).set_axis(pd.Index(["\ud800"], dtype=object)), ParameterError, "id cannot be stored"),
        (pads({"a": "A", "b": "B"}).rename({"b": "a"}), ParameterError, "same feature id.*got: a"),
        (pads({"a": "A\0B"}), ParameterError, "column name, feature a.*expected: text without NUL"),
        (pads({"a": "A"}, area_m2=[float("-inf")]), ParameterError, "column area_m2, feature a.*expected: a finite number"),
        (pads({"a": "A"}, checked_on=[np.datetime64("2024-01-01T05")]), ParameterError, "expected: a day of the years 1 to 9999"),
        (pads({"a": "A"}, lon=180.1), ParameterError, "geometry cannot be stored.*feature a.*longitude -180 to 180"),
        (pads({"a": "A"}, lon=np.nan), ParameterError, "geometry cannot be stored"),
        (pads({"a": "A"}, lon=np.inf), ParameterError, "geometry cannot be stored"),
        (pads({"a": "A"}).set_geometry(gpd.GeoSeries({"a": shapely.Point()}, crs=4326)), ParameterError, "got: an empty Point"),
        (pads({"a": "A"}).set_geometry(gpd.GeoSeries({"a": shapely.box(0, 0, 1, 1)}, crs=4326)), ParameterError, "got: Polygon"),
    ],
)
def test_what_cannot_be_stored_is_refused_and_nothing_changes(store, frame, error, text):
    with pytest.raises(error, match=text):
        store.apply("pads", frame, ME)
    assert store.snapshot().revision == 0


def test_geometry_is_kept_in_two_dimensions_and_none_where_unknown(store):
    frame = typed(PADS, {}, [shapely.Point(1, 2, 3), None], ["a", "b"])
    store.apply("pads", frame, ME)
    assert list(store.snapshot().frames["pads"].geometry) == [shapely.Point(1, 2), None]


def test_a_layer_without_geometry(store):
    store.apply("people", typed(LAYERS["people"], {"name": ["Li"]}, [None], ["a"]), ME)
    assert names(store, "people") == {"a": "Li"}
    with pytest.raises(ParameterError, match="expected: no geometry"):
        store.apply("people", typed(LAYERS["people"], {"name": ["Li"]}, [shapely.Point(0, 0)], ["a"]), ME)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (("", "why", "file"), "actor cannot be stored"),
        (("who", "why", ""), "source cannot be stored"),
        (("who", "why\0", "file"), "reason cannot be stored"),
        (("who", "why", "file", "abc"), "file_sha256 is not one.*64 hexadecimal digits"),
        (("who", "why", "file", None, "x" * 2001), "note cannot be stored"),
    ],
)
def test_a_batch_says_who_why_and_from_where(fields, text):
    with pytest.raises(ParameterError, match=text):
        Batch(*fields)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda store: store.features_at("pads", -1), "no such revision yet; where: revision; expected: 0 to 0; got: -1"),
        (lambda store: store.features_at("pads", 1), "no such revision yet.*got: 1"),
        (lambda store: store.batches(limit=0), "expected: 1 or more; got: 0"),
    ],
)
def test_numbers_out_of_range(store, call, text):
    with pytest.raises(ParameterError, match=text):
        call(store)


def test_unknown_layers_and_features_are_named(store):
    with pytest.raises(NotFound, match="no layer 'aeds'; expected: one of pads, people, zones"):
        store.apply("aeds", pads({"a": "A"}), ME)
    with pytest.raises(NotFound, match=r"never had this feature.*got: x"):
        store.history("pads", "x")


@pytest.fixture
def small_chunks(monkeypatch):
    monkeypatch.setattr(rows, "CHUNK", 10)


def test_progress_rises_to_one_and_raising_from_it_undoes_the_write(store, small_chunks):
    shares = []
    many = pads({f"{n:05}": "A" for n in range(25)})
    store.apply("pads", many, ME, progress=shares.append)
    assert shares == [0.4, 0.8, 1.0]

    def give_up(share):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.apply("pads", many.assign(name=many["name"] + "B"), ME, progress=give_up)
    assert store.snapshot().revision == 25
    assert store.verify().features == 25


def test_leaving_by_ctrl_c_undoes_the_write(store, small_chunks, listening_to_ctrl_c):
    def interrupt(share):
        if share == 0.4:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            assert listening_to_ctrl_c.wait(20)
            time.sleep(0.2)  # until the main thread has left

    with pytest.raises(KeyboardInterrupt):
        store.apply("pads", pads({f"{n:05}": "A" for n in range(25)}), ME, progress=interrupt)
    assert store.apply("pads", pads({"a": "A"}), ME).revision == 1


@pytest.fixture
def listening_to_ctrl_c():
    """A process that was started in the background ignores Ctrl-C, until it says otherwise."""
    heard = threading.Event()

    def interrupted(number, frame):
        heard.set()
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, interrupted)
    yield heard
    signal.signal(signal.SIGINT, before)


def test_writes_that_wait_are_committed_together_and_none_is_lost(store):
    def one(n):
        return store.apply("pads", pads({f"{n:03}": "A"}), ME).revision

    with ThreadPoolExecutor(16) as threads:
        revisions = list(threads.map(one, range(160)))
    assert sorted(revisions) == list(range(1, 161))
    assert len(names(store)) == 160
    assert store.commits < 160
    assert store.verify().revisions == 160


def test_of_writes_committed_together_only_the_culprit_hears_of_its_error(store):
    store.apply("pads", pads({"a": "A"}), ME)
    held, go = threading.Event(), threading.Event()

    def hold(share):
        held.set()
        go.wait(10)

    with ThreadPoolExecutor(8) as threads:
        first = threads.submit(store.apply, "pads", pads({"b": "B"}), ME, progress=hold)
        held.wait(10)
        good = [threads.submit(store.apply, "pads", pads({f"c{n}": "C"}), ME) for n in range(3)]
        bad = threads.submit(store.remove, "pads", ["nobody"], ME)
        go.set()
        assert all(future.result().new == 1 for future in [first, *good])
        with pytest.raises(NotFound, match="no such feature"):
            bad.result()
    assert sorted(names(store)) == ["a", "b", "c0", "c1", "c2"]


def test_a_connection_lost_in_mid_write_is_told_as_such_and_the_next_write_goes_through(store):
    def lost(connection):
        connection.invalidate()
        raise StoreUnavailable("the connection is gone") from ConnectionResetError()

    with pytest.raises(StoreUnavailable, match="the connection is gone"):
        store.transact(lost)
    assert store.apply("pads", pads({"a": "A"}), ME).revision == 1


def test_other_processes_writes_are_seen_and_chained(place, store):
    with open_store(place, layers=LAYERS) as other:
        store.apply("pads", pads({"a": "A"}), ME)
        before = store.snapshot()
        other.apply("pads", pads({"a": "B"}), ME)
        assert names(store) == {"a": "B"}
        assert store.apply("pads", pads({"a": "C"}), ME).revision == 3
        assert (other.verify().head, before.revision) == (store.snapshot().head, 1)


def test_a_locked_store_says_so_and_changes_nothing(path):
    with open_store(path, layers=LAYERS, wait_s=0.1) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match=r"another process is writing.*next: wait for its import to end"):
            store.apply("pads", pads({"a": "A"}), ME)
        other.close()
        assert store.apply("pads", pads({"a": "A"}), ME).new == 1


def test_a_store_that_another_process_writes_to_can_be_opened_and_read(filled):
    other = sqlite3.connect(filled, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with open_store(filled, layers=LAYERS, wait_s=0.1) as store:
        assert names(store) == {"a": "C", "b": "B"}
    other.close()


def test_a_clock_set_back_does_not_put_a_later_batch_before_an_earlier_one(store, monkeypatch):
    for time_told in ("2026-01-02T00:00:00.000000Z", "2026-01-01T00:00:00.000000Z"):
        monkeypatch.setattr(log, "now", lambda told=time_told: told)
        store.apply("pads", pads({time_told: "A"}), ME)
    assert [batch.recorded_at[:10] for batch in store.batches()] == ["2026-01-02", "2026-01-02"]
    assert [batch.id for batch in store.batches(limit=1)] == [2]


@pytest.mark.parametrize(
    ("flip", "read"),
    [
        ("UPDATE current_pads SET geometry = x'00' WHERE fid = 'a'", lambda store: store.snapshot()),
        ("UPDATE current_pads SET open = 2 WHERE fid = 'b'", lambda store: store.snapshot()),
        ("UPDATE current_pads SET checked_on = 'soon' WHERE fid = 'b'", lambda store: store.snapshot()),
        ("UPDATE revisions SET properties = '{' WHERE seq = 1", lambda store: store.history("pads", "a")),
        ("UPDATE revisions SET properties = '{' WHERE seq = 2", lambda store: store.features_at("pads", 5)),
    ],
)
def test_values_that_cannot_be_read_are_never_an_empty_map(filled, flip, read):
    tampered(filled, flip)
    with open_store(filled, layers=LAYERS) as store, pytest.raises(StoreCorrupt, match=r"cannot be read.*next: run verify"):
        read(store)


def test_a_full_disk_says_so_and_changes_nothing(path, embedded):
    store = embedded
    store.apply("pads", pads({"a": "A"}), ME)
    store._writer._connection.connection.driver_connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(StoreUnavailable, match=r"the disk is full; nothing was changed.*next: free some space"):
        store.apply("pads", pads({f"{n:05}": "A" for n in range(9_000)}), ME)
    assert names(store) == {"a": "A"}
    store.verify()


def test_a_store_that_is_gone_stops_writes_and_reads_go_on_from_the_last_snapshot(path, embedded):
    store = embedded
    store.apply("pads", pads({"a": "A"}), ME)
    last = store.snapshot()
    path.rename(path.with_name("elsewhere.db"))
    for call in (store.snapshot, store.verify, lambda: store.apply("pads", pads({"a": "B"}), ME)):
        with pytest.raises(StoreUnavailable, match="moved, deleted or replaced"):
            call()
    assert store.last_snapshot is last


def test_a_closed_store_says_so(place):
    store = open_store(place, layers=LAYERS)
    store.close()
    store.close()
    for call in (store.snapshot, lambda: store.apply("pads", pads({"a": "A"}), ME)):
        with pytest.raises(StoreUnavailable, match="the store is closed"):
            call()


def test_only_the_owner_can_read_it(path, embedded):
    embedded.apply("pads", pads({"a": "A"}), ME)
    modes = {file.name: file.stat().st_mode & 0o777 for file in [path.parent, *path.parent.iterdir()]}
    assert modes == {"data": 0o700, "store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600}


def test_the_connection_is_durable(embedded):
    with embedded.database.connect() as connection:
        asked = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert asked == ["wal", 2, 1]


def test_no_store_where_none_is_to_be_made(path):
    with pytest.raises(StoreUnavailable, match=r"there is no store; where: store\.db"):
        open_store(path, create=False)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("content", "error", "text"),
    [
        (b"not a database at all" * 99, StoreCorrupt, "damaged, or is not a store.*got: SQLITE_NOTADB"),
        ("CREATE TABLE x(y)", StoreCorrupt, "a database but not a store"),
    ],
)
def test_other_files_are_refused_and_left_alone(tmp_path, content, error, text):
    path = tmp_path / "x.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        tampered(path, content)
    with pytest.raises(error, match=text):
        open_store(path, layers=LAYERS)
    assert not isinstance(content, bytes) or path.read_bytes() == content


def test_a_newer_schema_is_refused(path):
    open_store(path, layers=LAYERS).close()
    tampered(path, "UPDATE meta SET value = '3' WHERE key = 'schema'")
    with pytest.raises(StoreUnavailable, match="newer version; expected: schema 2 or lower; got: schema 3"):
        open_store(path, layers=LAYERS)


def tampered(path, *statements):
    """Do what somebody with the file and SQLite could."""
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        assert connection.execute(statement).rowcount != 0
    connection.close()


@pytest.fixture(scope="module")
def first_filled(tmp_path_factory):
    path = tmp_path_factory.mktemp("filled") / "store.db"
    with open_store(path, layers=LAYERS) as store:
        others = {name: values[:1] * 2 for name, values in VALUES.items() if name != "name"}
        frame = pads({"a": "A", "b": "B"}, **others, derived=["beds"] * 2)
        store.apply("pads", frame, Batch("who", "why", "file", "0" * 64, "a note"))
        store.apply("pads", pads({"a": "C", "c": "C"}), ME)
        store.remove("pads", ["c"], ME)
    return path


@pytest.fixture
def filled(first_filled, tmp_path):
    """A store with every column of every table in use: five revisions, two features."""
    return shutil.copy(first_filled, tmp_path / "filled.db")


FLIPS = {
    "batches": ("id", "actor", "reason", "source", "file_sha256", "note", "recorded_at"),
    "revisions": ("seq", "batch_id", "layer", "fid", "op", "properties", "geometry", "hash"),
    "current_pads": (
        "fid", "name", "beds", "area_m2", "open", "checked_on", "derived", "geometry", "source", "updated_at", "revision",
    ),
}


def test_the_table_of_flips_names_every_column(filled):
    with sqlite3.connect(filled) as connection:
        found = {table: {row[1] for row in connection.execute(f"PRAGMA table_info({table})")} for table in FLIPS}
    connection.close()
    stated_seldom = {"source", "observed_at", "skew_s"}  # flipped in test_writes.py, where they are stated
    assert found.pop("revisions") - stated_seldom == set(FLIPS["revisions"])
    assert found == {table: set(columns) for table, columns in FLIPS.items() if table != "revisions"}


@pytest.mark.parametrize(("table", "column"), [(table, column) for table, columns in FLIPS.items() for column in columns])
def test_one_changed_byte_anywhere_is_found(filled, table, column):
    numbers = {"id", "seq", "batch_id", "beds", "area_m2", "revision"}
    flip = f"{column} + 1000" if column in numbers else f"1 - {column}" if column == "open" else flipped_text(column)
    key = {"batches": "id", "revisions": "seq", "current_pads": "revision"}[table]
    first = f"(SELECT min({key}) FROM {table} WHERE {column} IS NOT NULL)"
    tampered(filled, f"UPDATE {table} SET {column} = {flip} WHERE {key} = {first}")
    with open_store(filled, layers=LAYERS) as store, pytest.raises(StoreCorrupt, match=r"where: .*next: restore the last"):
        store.verify()


def flipped_text(column):
    """The value with its last byte one higher."""
    if column in {"geometry", "hash"}:
        return f"CAST(substr({column}, 1, length({column}) - 1) || x'77' AS BLOB)"
    return f"substr({column}, 1, length({column}) - 1) || char(unicode(substr({column}, -1)) + 1)"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("DELETE FROM revisions WHERE seq = 1", "revision 1"),
        ("DELETE FROM revisions WHERE seq = 5", "does not end at the head it states.*revision 4"),
        ("DELETE FROM batches WHERE id = 2", "revision 3"),
        ("INSERT INTO batches VALUES (9, 'x', 'y', 'z', NULL, '', '2020')", "a batch has no revisions.*batch 9"),
        ("DELETE FROM current_pads WHERE fid = 'b'", "current rows are missing.*layer pads.*expected: 2 rows"),
        ("INSERT INTO current_pads (fid, source, updated_at, revision) VALUES ('x', 'y', 'z', 1)", "layer pads, feature x"),
        ("UPDATE current_pads SET beds = NULL WHERE fid = 'b'", "layer pads, feature b"),
        ("UPDATE current_pads SET name = 'Z' WHERE fid = 'a'", "layer pads, feature a"),
        ("UPDATE revisions SET properties = NULL WHERE seq = 3", "revision 3"),
        ("UPDATE meta SET value = '4' || substr(value, 2) WHERE key = 'head'", "does not end at the head it states"),
        ("UPDATE meta SET value = substr(value, 1, 65) || 'g' WHERE key = 'head'", "does not end at the head it states"),
        ("DELETE FROM meta WHERE key = 'head'", "does not end at the head it states"),
    ],
)
def test_verify_names_the_first_bad_revision_or_the_feature(filled, statement, text):
    tampered(filled, statement)
    with open_store(filled, layers=LAYERS) as store, pytest.raises(StoreCorrupt, match=text):
        store.verify()


def test_a_consistent_store_verifies_and_its_head_is_the_snapshots(filled):
    with open_store(filled, layers=LAYERS) as store:
        shares = []
        assert store.verify(shares.append) == Verified(revisions=5, features=2, head=store.snapshot().head)
        assert shares[-1] == 1.0


def test_a_declaration_that_changes_makes_the_current_rows_anew(filled):
    wider = {**LAYERS, "pads": layer(name=str, open=bool, storeys=int)}
    with open_store(filled, layers=wider) as store:
        frame = store.snapshot().frames["pads"]
        assert list(frame.columns[:3]) == ["name", "open", "storeys"]
        assert frame["open"].tolist()[1] is True
        store.verify()
    with open_store(filled, layers=LAYERS) as store:
        assert store.snapshot().frames["pads"]["beds"].tolist()[1] == 0
        store.verify()


def test_a_declaration_that_contradicts_the_log_is_refused_and_changes_nothing(filled):
    with pytest.raises(DeclarationError, match="layer pads, revision 3, column name; expected: int; got: str"):
        open_store(filled, layers={**LAYERS, "pads": layer(name=int)})
    with open_store(filled, layers=LAYERS) as store:
        store.verify()


def test_a_declaration_changed_by_another_process_stops_writes(place, store):
    open_store(place, layers={**LAYERS, "pads": layer(name=str)}).close()
    with pytest.raises(StoreUnavailable, match=r"made anew from another declaration.*start it again"):
        store.apply("pads", pads({"a": "A"}), ME)


def test_a_layer_no_longer_in_the_catalogue_is_kept_and_verified(filled):
    few = {"people": LAYERS["people"]}
    with open_store(filled, layers=few) as store:
        assert list(store.snapshot().frames) == ["people"]
        assert store.verify().features == 2
    tampered(filled, "UPDATE current_pads SET beds = 7 WHERE fid = 'b'")
    with open_store(filled, layers=few) as store, pytest.raises(StoreCorrupt, match="layer pads, feature b"):
        store.verify()


def test_processes_that_open_a_new_store_at_once_all_get_one(path):
    code = f"""
import os
from pathlib import Path
from layers._store import open_store
for _ in range(4):
    if os.fork() == 0:
        open_store(Path({os.fspath(path)!r})).close()
        os._exit(0)
print([os.wait()[1] for _ in range(4)])
"""
    ran = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[1], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("[0, 0, 0, 0]\n", "")


def test_the_program_in_the_docs_verifies_a_store(filled):
    page = (Path(__file__).parents[1] / "docs" / "store.md").read_text(encoding="utf-8")
    program = page.rpartition("```python\n")[2].partition("```")[0]
    with open_store(filled, layers=LAYERS) as store:
        head = store.verify().head

    def run():
        return subprocess.run([sys.executable, "-c", program, os.fspath(filled)], capture_output=True, text=True, check=False)

    assert run().stdout == f"5 revisions, head {head}\n"
    tampered(filled, "UPDATE revisions SET op = 'delete' WHERE seq = 2")
    assert "revision 2" in run().stderr


IDS = st.sampled_from("abcd")
ROWS = st.dictionaries(IDS, st.sampled_from(["x", "y", None]), max_size=4)
STEPS = st.one_of(
    st.tuples(st.just("apply"), ROWS, st.sampled_from(["s", "t"])),
    st.tuples(st.just("replace"), ROWS, st.sampled_from(["s", "t"])),
    st.tuples(st.just("remove"), st.sets(IDS), st.just("s")),
)


def modelled(model, step):
    """The oracle: what a plain dict of id -> (name, source) becomes."""
    act, rows, source = step
    if act == "remove":
        return {fid: row for fid, row in model.items() if fid not in rows}
    kept = {fid: row for fid, row in model.items() if act == "apply" or row[1] != source or fid in rows}
    return kept | {fid: (name, source) for fid, name in rows.items()}


def act(store: Store, model, step):
    kind, rows, source = step
    batch = Batch("who", "why", source)
    if kind == "remove":
        store.remove("pads", rows & model.keys(), batch)
    else:
        store.apply("pads", pads(rows), batch, replace=kind == "replace")


def rows_of(frame):
    known = frame["name"].astype(object).where(frame["name"].notna(), None)
    return {fid: (name, source) for fid, name, source in zip(frame.index, known, frame["source"], strict=True)}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=8))
def test_any_sequence_of_writes_agrees_with_a_plain_dict(tmp_path_factory, steps):
    model, models = {}, {0: {}}
    with open_store(tmp_path_factory.mktemp("s") / "store.db", layers={"pads": PADS}) as store:
        for step in steps:
            act(store, model, step)
            model = modelled(model, step)
            snapshot = store.snapshot()
            models[snapshot.revision] = model
            assert rows_of(snapshot.frames["pads"]) == model
            assert snapshot.frames["pads"].index.is_monotonic_increasing
        for revision, then in models.items():
            assert rows_of(store.features_at("pads", revision)) == then
        for fid in model:
            assert store.history("pads", fid)[-1].properties.get("name") == model[fid][0]
        assert store.verify().features == len(model)
