"""Power cuts: a thousand images of what a cut leaves of a recorded run; nothing acknowledged is lost, each log verifies."""

import random
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import shapely
from conftest import require_strace

from geo_risk.errors import StoreError
from layers._catalog import catalog
from layers._store import Batch, Change, Store, open_store
from layers._store.backup import backup
from power_cut import Disk, Event, Found, examine, images, lay_out, read_trace, record, watched

IMAGES = 1_000
LAYERS = ("aeds", "shelters")

# Three threads write to two layers, one reads; then the store is closed, opened again and written to once more.
WRITER = """
import os, random, sqlite3, sys, threading
from pathlib import Path
import shapely
from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, Change, open_store

class Careless(sqlite3.Connection):
    def execute(self, sql, *values):
        return super().execute(sql.replace("synchronous = FULL", "synchronous = NORMAL"), *values)

if {careless}:
    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **named: connect(*args, **named, factory=Careless)

BASE = Path(sys.argv[1])
LAYERS = {{name: catalog()[name] for name in ("aeds", "shelters")}}
acks = os.open(BASE / "acks", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

def writes(store, number, rounds):
    chance, layer = random.Random(number), LAYERS["shelters" if number else "aeds"]
    for turn in range(rounds):
        rows = chance.choice((1, 1, 1, 5, 60))
        ids = [f"{{number}}:{{turn % 7}}-{{row}}" for row in range(rows)]
        frame = typed(layer, {{"name": [f"{{turn}}"] * rows}}, shapely.points([120.0] * rows, [30.0] * rows), ids)
        os.write(acks, b"%d\\n" % store.apply(layer.id, frame, Batch("power", "cut", f"{{turn}}")).revision)
        named = {{"name": f"{{turn}}"}}
        wanted = Change(layer=layer.id, fid=f"{{number}}", op="put", values=named, geometry=shapely.Point(120, 30))
        os.write(acks, b"%d\\n" % store.write(Batch("power", "cut", "single"), [wanted]).revision)
        if turn % 5 == 4:
            os.write(acks, b"%d\\n" % store.remove(layer.id, ids[:1], Batch("power", "cut", "gone")).revision)

def session(rounds):
    with open_store(BASE / "data" / "store.db", layers=LAYERS) as store:
        threads = [threading.Thread(target=writes, args=(store, number, rounds)) for number in range(3)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            store.snapshot()
            threads[0].join(0.2)

session({rounds})
session(8)
"""


def cut_everywhere(tmp_path: Path, number: int, rounds: int, *, careless: bool) -> list[Found]:
    """Record a run and examine images of it; in this process, which has loaded all that opens a store."""
    base, trace = tmp_path / "disk", tmp_path / "trace"
    base.mkdir()
    record(WRITER.format(careless=careless, rounds=rounds), base, trace, watched(base))
    read, chance = read_trace(trace, base), random.Random(5)
    cuts = [chance.randrange(read.events[-1].ended + 2) for _ in range(number)]
    with tempfile.TemporaryDirectory() as memory:
        return list(examine(read, base, cuts, LAYERS, 0, Path(memory)))


@pytest.fixture
def strace() -> None:
    require_strace()


@pytest.mark.crash
@pytest.mark.usefixtures("strace")
def test_no_power_cut_loses_what_was_acknowledged(tmp_path):
    found = cut_everywhere(tmp_path, IMAGES, 50, careless=False)
    assert [each for each in found if each.lost or each.wrong] == []
    assert len({each.acknowledged for each in found}) > IMAGES / 10  # the cuts fell all over the run


@pytest.mark.crash
@pytest.mark.usefixtures("strace")
def test_the_images_show_what_a_commit_without_fsync_loses(tmp_path):
    found = cut_everywhere(tmp_path, IMAGES // 5, 20, careless=True)
    lost = [each for each in found if each.lost]
    assert [each.wrong for each in lost if each.wrong] == []  # short, and otherwise sound
    assert len(lost) > IMAGES / 50


RESTORING = """
import os, sys
from pathlib import Path
from layers._store import backup

if {careless}:
    backup.make_sure = lambda file: None

BASE = Path(sys.argv[1])
acks = os.open(BASE / "acks", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
backup.restore(BASE / "copy.sqlite", BASE / "data" / "store.db", replace=True)
os.write(acks, b"1\\n")
"""


@pytest.mark.crash
@pytest.mark.usefixtures("strace")
def test_a_power_cut_in_a_restore_leaves_the_old_store_or_the_new_one(tmp_path):
    old, new = to_be_restored(tmp_path)
    assert set(restored(tmp_path, careless=False)) == {(0, old), (0, new), (1, new)}


@pytest.mark.crash
@pytest.mark.usefixtures("strace")
def test_the_images_show_a_restore_without_fsync(tmp_path):
    to_be_restored(tmp_path)
    with pytest.raises(StoreError):
        list(restored(tmp_path, careless=True))


def restored(tmp_path: Path, *, careless: bool) -> Iterator[tuple[int, str]]:
    """Record a restore; of each image whether it had been acknowledged, and the head of the store that is found."""
    base, trace, layers = tmp_path / "disk", tmp_path / "trace", {"aeds": catalog()["aeds"]}
    before = {str(path): path.read_bytes() for path in [*base.glob("data/*"), base / "copy.sqlite"]}
    record(RESTORING.format(careless=careless), base, trace, [*watched(base), base / "data" / ".store.db.unfinished"])
    read, chance = read_trace(trace, base), random.Random(2)
    cuts = [chance.choice(read.events).ended + chance.randrange(2) for _ in range(150)] + [read.acknowledged[0][0] + 1] * 20
    for number, (cut, left) in enumerate(images(read, base, cuts, 2, before)):
        with open_store(lay_out(left, base, tmp_path / str(number)), layers=layers, create=False) as store:
            yield read.acknowledged_by(cut), store.verify().head


def to_be_restored(tmp_path: Path) -> tuple[str, str]:
    """A store as a crash left it, its log not folded in, and a backup of it before; the heads of both."""
    place = tmp_path / "made" / "store.db"
    (tmp_path / "disk" / "data").mkdir(parents=True)
    with open_store(place, layers={"aeds": catalog()["aeds"]}) as store:
        put(store, "a")
        kept = backup(store, tmp_path / "disk" / "copy.sqlite")
        put(store, "b")
        for path in (place, place.with_name("store.db-wal")):
            shutil.copyfile(path, tmp_path / "disk" / "data" / path.name)
        return store.verify().head, kept.head


def put(store: Store, name: str) -> None:
    wanted = Change(layer="aeds", fid=name, op="put", values={"name": name}, geometry=shapely.Point(120, 30))
    store.write(Batch("power", "cut", "restore"), [wanted])


def event(line: int, call: str, path: str, offset: int = 0, data: bytes = b"") -> Event:
    return Event(line, line, call, path, offset, data)


def left_by(*events: Event, cuts: int = 200) -> list[dict[str, bytes]]:
    """What cuts at the end of these events leave, as many as are drawn."""
    disk = Disk("/d")
    for each in events:
        disk.take(each)
    return [disk.after_cut(random.Random(number)) for number in range(cuts)]


MADE = (event(0, "openat", "/d/f"), event(1, "fsync", "/d"))


@pytest.mark.parametrize(
    ("events", "possible"),
    [
        ((event(0, "openat", "/d/f"),), {None, b""}),
        (MADE, {b""}),
        ((*MADE, event(2, "pwrite64", "/d/f", 0, b"ab")), {b"", b"ab", b"\0\0", b"\xa5\xa5"}),
        ((*MADE, event(2, "pwrite64", "/d/f", 0, b"ab"), event(3, "fsync", "/d/f")), {b"ab"}),
        ((*MADE, event(2, "write", "/d/f", 0, b"ab"), event(3, "fsync", "/d/f"), event(4, "ftruncate", "/d/f", 1)), {b"a", b"ab"}),
        ((*MADE, event(2, "unlink", "/d/f")), {None, b""}),
        ((*MADE, event(2, "unlink", "/d/f"), event(3, "fsync", "/d")), {None}),
    ],
)
def test_a_cut_leaves_what_was_made_sure_and_any_part_of_the_rest(events, possible):
    assert {left.get("/d/f") for left in left_by(*events)} == possible


def test_a_write_is_torn_at_sectors():
    found = {left["/d/f"] for left in left_by(*MADE, event(2, "pwrite64", "/d/f", 0, b"a" * 512 + b"b" * 512))}
    assert {b"a" * 512, bytes(512) + b"b" * 512, b"a" * 512 + b"b" * 512} < found
