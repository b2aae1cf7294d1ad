"""Backups of the shared store: a dump of one moment, read back whole without a server, and restored by PostgreSQL's own program."""

import subprocess
import threading
from pathlib import Path

import pytest
import shapely
from test_group import until

from geo_risk.errors import FileError, StoreCorrupt
from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, Store, open_store
from layers._store.backup import backup, check, manifest_of, restore
from layers._store.cuts import retained
from layers._store.postgis_copies import _value
from layers._store.retention import retain

LAYERS = {name: catalog()[name] for name in ("aeds", "shelters", "towns")}
NAMES = ["plain", "tab\tline\nreturn\r", "back\\slash \\N \\.", "避难所", "{7*191}", "", " ", "a'b\"c"]


def opened(url: str) -> Store:
    return open_store(url, layers=LAYERS)


def add(store: Store, layer: str, *names: str, **columns: list[object]) -> int:
    ids = [f"{layer}:{number}" for number in range(len(names))]
    frame = typed(LAYERS[layer], {"name": names, **columns}, shapely.points([120.0] * len(names), [30.0] * len(names)), ids)
    return store.apply(layer, frame, Batch("clerk", "list\twith tab", "list.csv")).revision


@pytest.fixture
def saved(postgis_url: str, tmp_path: Path) -> Path:
    """A dump of a store with every kind of value; then the store goes on."""
    with opened(postgis_url) as store:
        add(store, "aeds", *NAMES)
        add(store, "shelters", "a", "b", "c", capacity=[None, 0, 10**6], floor_area_m2=[None, 0.1, 1e-7])
        store.remove("aeds", ["aeds:0"], Batch("clerk", "gone", "list.csv"))
        backup(store, tmp_path / "copy.dump")
        add(store, "aeds", "later")
    return tmp_path / "copy.dump"


def test_a_dump_is_read_back_whole(saved, postgis_url):
    found, said = check(saved), manifest_of(saved)
    assert (found.revision, found.features, found.head) == (12, 10, said.head)
    with opened(postgis_url) as store, store.read() as connection:
        logged = connection.exec_driver_sql("SELECT encode(hash, 'hex') FROM revisions WHERE seq = 12").scalar_one()
    assert logged == said.head
    assert saved.stat().st_mode & 0o777 == 0o600


def test_it_is_one_moment_of_a_store_that_is_written_to(postgis_url, tmp_path):
    with opened(postgis_url) as store:
        add(store, "aeds", *map(str, range(200)))
        stop, written = threading.Event(), []

        def writes():
            while not stop.is_set():
                written.append(add(store, "shelters", f"while {len(written)}"))

        thread = threading.Thread(target=writes)
        thread.start()
        said = backup(store, tmp_path)
        until(lambda: written and written[-1] > said.revision)
        stop.set()
        thread.join()
        assert written[-1] > said.revision >= 200
    assert check(tmp_path / said.file).head == said.head


def test_one_flipped_bit_is_found(saved):
    content = bytearray(saved.read_bytes())
    content[len(content) // 2] ^= 1
    saved.write_bytes(content)
    with pytest.raises(StoreCorrupt, match="not what was copied"):
        check(saved)


def test_a_dump_cut_short_is_found_without_its_manifest(saved):
    saved.with_name("copy.dump.json").unlink()
    assert check(saved).revision == 12
    saved.write_bytes(saved.read_bytes()[: saved.stat().st_size * 3 // 4])
    with pytest.raises((StoreCorrupt, FileError)):
        check(saved)


def test_pg_restore_makes_the_store_again(saved, postgis_server):
    url = postgis_server.fresh("template0")
    subprocess.run(["pg_restore", f"--dbname={url}", "--exit-on-error", str(saved)], check=True)
    with opened(url) as store:
        assert store.verify().head == manifest_of(saved).head
        assert add(store, "aeds", "next") > 12


def test_a_dump_is_not_restored_as_a_file(saved, tmp_path):
    with pytest.raises(FileError, match=r"of a shared store.*next: make an empty database"):
        restore(saved, tmp_path / "store.db")


def test_a_shared_store_is_cut_too(saved, postgis_url, tmp_path):
    with opened(postgis_url) as store:
        before = store.verify()
        until = store.batches(1)[0].recorded_at
        (tmp_path / "archive").mkdir()
        done = retain(store, until, tmp_path / "archive", actor="keeper", reason="five years", report=lambda _: None)
        assert store.verify() == before
        with store.read() as connection:
            assert retained(connection) == done
    assert check(tmp_path / "archive" / done.archive).head == before.head


@pytest.mark.parametrize(
    ("text", "value"), [(rb"\\N", rb"\N"), (rb"\N", None), (rb"a\tb", b"a\tb"), (rb"\\x00ff", rb"\x00ff"), (b"", b"")]
)
def test_values_are_read_as_they_were(text, value):
    assert _value(text) == value
