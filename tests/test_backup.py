"""Backups: one moment while writes go on, verified before they count; refused where bytes differ; restored without losing any."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import shapely
from test_group import until

from geo_risk.errors import Conflict, FileError, ParameterError, StoreCorrupt, StoreUnavailable
from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, Store, open_store
from layers._store.backup import backup, check, manifest_of, restore, rotate

PROJECT = Path(__file__).parents[1]
AEDS = catalog()["aeds"]


def opened(path: Path) -> Store:
    return open_store(path, layers={"aeds": AEDS})


def add(store: Store, *names: str) -> int:
    frame = typed(AEDS, {"name": names}, shapely.points([120.0] * len(names), [30.0] * len(names)), names)
    return store.apply("aeds", frame, Batch("clerk", "list", "list.csv")).revision


def hash_at(path: Path, revision: int) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT hex(hash) FROM revisions WHERE seq = ?", (revision,)).fetchone()[0].lower()


def all_bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "kept").mkdir()
    return tmp_path


@pytest.fixture
def saved(place: Path) -> Path:
    """A backup at revision 3 of a store that went on to revision 4."""
    with opened(place / "store.db") as store:
        add(store, "a", "b", "c")
        backup(store, place / "kept" / "copy.db")
        add(store, "d")
    return place / "kept" / "copy.db"


def test_a_backup_says_what_it_holds(saved):
    said = manifest_of(saved)
    assert (said.revision, said.head, said.bytes) == (3, hash_at(saved, 3), saved.stat().st_size)
    assert json.loads(saved.with_name("copy.db.json").read_text())["file"] == "copy.db"
    assert sorted(path.name for path in saved.parent.iterdir()) == ["copy.db", "copy.db.json"]
    assert {path.stat().st_mode & 0o777 for path in saved.parent.iterdir()} == {0o600}


def test_it_is_one_moment_of_a_store_that_is_written_to(place):
    with opened(place / "store.db") as store:
        add(store, *map(str, range(5000)))
        stop, written = threading.Event(), []

        def writes():
            while not stop.is_set():
                written.append(add(store, f"while {len(written)}"))

        thread = threading.Thread(target=writes)
        thread.start()
        said = [backup(store, place / "kept") for _ in range(3)]
        until(lambda: written and written[-1] > said[-1].revision)
        stop.set()
        thread.join()
    assert [each.head for each in said] == [hash_at(place / "store.db", each.revision) for each in said]
    assert written[-1] > said[-1].revision > said[0].revision >= 5000
    assert [check(place / "kept" / each.file).head for each in said] == [each.head for each in said]


def test_a_damaged_store_is_not_backed_up_under_the_name(place):
    with opened(place / "store.db") as store:
        add(store, "a", "b")
    with closing(sqlite3.connect(place / "store.db")) as connection, connection:
        connection.execute("UPDATE current_aeds SET name = 'x' WHERE fid = 'a'")
    with opened(place / "store.db") as store, pytest.raises(StoreCorrupt, match="layer aeds, feature a"):
        backup(store, place / "kept" / "copy.db")
    assert list((place / "kept").iterdir()) == []


@pytest.mark.parametrize(
    ("to", "error", "text"),
    [("kept/copy.db", Conflict, "a file of that name"), ("nowhere/copy.db", FileError, "no folder to put the backup in")],
)
def test_a_backup_takes_no_other_files_place(saved, place, to, error, text):
    with opened(place / "store.db") as store, pytest.raises(error, match=text):
        backup(store, place / to)


def test_a_check_changes_nothing(saved):
    before = all_bytes(saved.parent)
    found = check(saved)
    assert (found.revision, found.features, found.manifest) == (3, 3, manifest_of(saved))
    assert all_bytes(saved.parent) == before


def test_a_check_without_a_manifest_says_so(saved):
    saved.with_name("copy.db.json").unlink()
    assert check(saved).manifest is None


def _flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("part", range(8))
def test_one_flipped_bit_anywhere_is_found(saved, part):
    size = saved.stat().st_size
    _flip(saved, size * part // 8 + size // 16)
    with pytest.raises(StoreCorrupt, match="not what was copied"):
        check(saved)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda path: path.unlink(), FileError, "no such backup"),
        (lambda path: path.with_name("copy.db.json").write_text("{"), FileError, "manifest cannot be read"),
        (lambda path: path.with_name("copy.db.json").write_text('{"format": "another"}'), FileError, "manifest cannot be read"),
        (lambda path: os.truncate(path, 4096), StoreCorrupt, "not what was copied"),
    ],
)
def test_what_is_no_backup_is_refused(saved, change, error, text):
    change(saved)
    with pytest.raises(error, match=text):
        check(saved)


def test_another_database_is_no_backup(place):
    with closing(sqlite3.connect(place / "other.db")) as connection, connection:
        connection.execute("CREATE TABLE cats (name TEXT)")
    with pytest.raises(FileError, match="not a store"):
        check(place / "other.db")


def test_restored_where_nothing_was(saved, place):
    done = restore(saved, place / "new" / "store.db")
    with opened(place / "new" / "store.db") as store:
        assert (store.verify().head, done.aside) == (manifest_of(saved).head, None)
        assert add(store, "e") == 4
    assert (place / "new" / "store.db").stat().st_mode & 0o777 == 0o600
    assert check(saved).revision == 3


def test_a_store_with_more_than_the_backup_is_not_overwritten_unasked(saved, place):
    before = (place / "store.db").read_bytes()
    with pytest.raises(Conflict, match="revisions to 4"):
        restore(saved, place / "store.db")
    assert (place / "store.db").read_bytes() == before


def test_replaced_when_asked_and_the_old_one_is_kept(saved, place):
    done = restore(saved, place / "store.db", replace=True)
    with opened(place / "store.db") as store, opened(done.aside) as old:
        assert (store.verify().revisions, old.verify().revisions) == (3, 4)


def test_a_store_whose_log_the_backup_holds_whole_may_be_replaced(saved, place):
    restore(saved, place / "older.db")
    with opened(place / "older.db") as store:
        add(store, "e")
        backup(store, place / "kept" / "newer.db")
    restore(saved, place / "other.db")
    assert restore(place / "kept" / "newer.db", place / "other.db").aside is not None


def test_as_long_a_store_with_another_past_is_not_overwritten_unasked(saved, place):
    with opened(place / "other.db") as store:
        add(store, "x", "y", "z")
    with pytest.raises(Conflict, match="revisions to 3"):
        restore(saved, place / "other.db")


def test_a_broken_store_is_replaced_only_when_asked(saved, place):
    (place / "store.db").write_bytes(b"broken" * 1000)
    with pytest.raises(Conflict, match="cannot be read"):
        restore(saved, place / "store.db")
    done = restore(saved, place / "store.db", replace=True)
    assert done.aside.read_bytes() == b"broken" * 1000
    with opened(place / "store.db") as store:
        assert store.verify().revisions == 3


def test_a_store_in_use_is_not_replaced(saved, place):
    with opened(place / "store.db") as store:
        add(store, "e")
        with pytest.raises(StoreUnavailable, match="another process has the store open"):
            restore(saved, place / "store.db", replace=True)
        assert store.verify().revisions == 5
    assert not list(place.glob(".*unfinished"))


def test_the_log_beside_a_store_is_not_replayed_into_the_copy(saved, place):
    with opened(place / "store.db") as store:
        add(store, "e")
        left = (place / "store.db-wal").read_bytes()
    (place / "store.db").write_bytes(b"broken" * 1000)
    (place / "store.db-wal").write_bytes(left)
    restore(saved, place / "store.db", replace=True)
    with opened(place / "store.db") as store:
        assert store.verify().revisions == 3


def test_rotation_keeps_the_newest(place):
    with opened(place / "store.db") as store:
        made = [(add(store, name), backup(store, place / "kept"))[1].file for name in "abcd"]
    assert sorted(rotate(place / "kept", 2)) == made[:2]
    assert sorted(path.name for path in (place / "kept").iterdir()) == sorted(made[2:] + [f"{name}.json" for name in made[2:]])


def test_rotation_never_removes_the_last_good_one(place):
    with opened(place / "store.db") as store:
        made = [(add(store, name), backup(store, place / "kept"))[1].file for name in "abc"]
    for name in made[1:]:
        _flip(place / "kept" / name, 5000)
    assert rotate(place / "kept", 1) == ()
    assert (place / "kept" / made[0]).is_file()
    with pytest.raises(ParameterError, match="no backup would be kept"):
        rotate(place / "kept", 0)


def test_rotation_leaves_other_files_alone(saved):
    (saved.parent / "notes.txt").write_text("keep")
    (saved.parent / "alone.db.json").write_text("{}")
    assert rotate(saved.parent, 1) == ()
    assert (saved.parent / "notes.txt").is_file()


def test_what_a_killed_backup_left_is_swept_after_a_day(place):
    old, fresh = place / "kept" / ".a.sqlite.unfinished", place / "kept" / ".b.sqlite.unfinished"
    for left in (old, fresh):
        left.write_bytes(b"part")
    os.utime(old, (0, 0))
    with opened(place / "store.db") as store:
        add(store, "a")
        backup(store, place / "kept")
    assert (old.exists(), fresh.exists()) == (False, True)


# imports once; for each line it forks a child that restores over and over, and says its number each time it begins
RESTORING = """
import os, sys
from pathlib import Path
from layers._store.backup import restore
copy, store = map(Path, sys.argv[1:])
for _ in sys.stdin:
    child = os.fork()
    while child == 0:
        os.write(1, b"%d\\n" % os.getpid())
        restore(copy, store, replace=True)
    os.waitpid(child, 0)
    os.write(1, b"buried\\n")
"""


@pytest.mark.crash
def test_a_killed_restore_leaves_the_old_store_or_the_new_one(saved, place):
    heads = {manifest_of(saved).head, hash_at(place / "store.db", 4)}
    older, found = (place / "store.db").read_bytes(), []
    with subprocess.Popen(
        [sys.executable, "-c", RESTORING, str(saved), str(place / "store.db")], cwd=PROJECT,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as nursery:
        for turn in range(120):
            if turn >= 12 and set(found) == heads:
                break
            (place / "store.db").write_bytes(older)
            killed(nursery, 0.02 * (turn % 12), begun=2 if turn % 12 == 11 else 1)
            with open_store(place / "store.db", layers={"aeds": AEDS}, create=False) as store:
                found.append(store.verify().head)
            assert check(saved).revision == 3
        nursery.stdin.close()
    assert set(found) == heads


def killed(nursery, after_s, *, begun):
    """Start a child, and kill it some time after it has begun so often."""
    nursery.stdin.write("restore\n")
    (number,) = {int(nursery.stdout.readline()) for _ in range(begun)}
    time.sleep(after_s)
    os.kill(number, signal.SIGKILL)
    while nursery.stdout.readline() != "buried\n":
        pass


def test_an_empty_file_is_no_store_to_whoever_makes_none(place):
    (place / "store.db").touch()
    with pytest.raises(StoreUnavailable, match=r"there is no store.*got: an empty file"):
        open_store(place / "store.db", create=False)
