"""One flipped bit in what a store holds: opening refuses it, verify names it, or it was derived and is made anew. None is missed.

What is covered is the content of the log (batches, revisions, its head) and of the current rows. Bytes that are no content
(free pages, gaps in pages, an index's order) may change nothing; where SQLite's own check sees them, they are named too.
"""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import shapely

from geo_risk.errors import StoreError
from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, Change, open_store

LAYERS = {name: catalog()[name] for name in ("aeds", "shelters")}
COVERED = {
    "batches": "SELECT * FROM batches NOT INDEXED ORDER BY +id",
    "revisions": "SELECT * FROM revisions NOT INDEXED ORDER BY +seq",
    "head": "SELECT value FROM meta WHERE key IN ('head', 'schema') OR key LIKE 'columns.%' ORDER BY key",
    "current_aeds": "SELECT * FROM current_aeds ORDER BY +fid",
    "current_shelters": "SELECT * FROM current_shelters ORDER BY +fid",
}
SAMPLE = 150


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """All that is covered, read by SQLite alone."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)) as store:
        store.text_factory = bytes
        return {name: store.execute(query).fetchall() for name, query in COVERED.items()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A store of some forty revisions, one of them late, closed."""
    path = tmp_path_factory.mktemp("whole") / "store.db"
    with open_store(path, layers=LAYERS) as store:
        for name, layer in LAYERS.items():
            ids = [f"{name}:{number}" for number in range(15)]
            store.apply(name, typed(layer, {"name": ids}, shapely.points([120.0] * 15, [30.0] * 15), ids), Batch("a", "b", "c"))
            store.remove(name, ids[:3], Batch("a", "gone", "c", note="n"))
        for moment in ("2020-01-02T00:00:00.000000Z", "2020-01-01T00:00:00.000000Z"):
            told = Change(
                layer="aeds", fid="told", op="put", values={"name": moment}, geometry=shapely.Point(1, 2), observed_at=moment,
                skew_s=7,
            )
            store.write(Batch("field", "late", "phone"), [told])
    return path


def outcome(path: Path, flipped: bytes, before: dict[str, list[tuple[object, ...]]]) -> str:
    """What became of a store with these bytes: refused, named by verify, made anew, or missed."""
    for left in path.parent.iterdir():
        left.unlink()
    path.write_bytes(flipped)
    try:
        changed = content(path) != before
    except (sqlite3.Error, UnicodeDecodeError):
        changed = True
    try:
        with open_store(path, layers=LAYERS) as store:
            store.verify()
    except StoreError:
        return "named"
    except UnicodeDecodeError:
        return "crashed"
    if not changed:
        return "no content"
    return "made anew" if content(path) == before else "missed"


def positions(content: bytes, table: str, rows: list[tuple[object, ...]]) -> list[int]:
    """Where in the file the values of a table's rows are."""
    values = {value for row in rows for value in row if isinstance(value, bytes) and value}
    return sorted({at + offset for value in values if (at := content.find(value)) >= 0 for offset in range(len(value))})


@pytest.mark.parametrize("table", COVERED)
def test_no_flipped_bit_of_the_content_is_missed(tmp_path, whole, table):
    original, before, chance = whole.read_bytes(), content(whole), random.Random(table)
    found = {}
    for at in chance.sample(positions(original, table, before[table]), 40):
        flipped = bytearray(original)
        flipped[at] ^= 1 << chance.randrange(8)
        found.setdefault(outcome(tmp_path / "store.db", bytes(flipped), before), []).append(at)
    assert set(found) <= {"named", "made anew", "no content"}  # some values also lie where SQLite left them
    assert len(found["named"]) > 15 or table == "head"


def test_no_flipped_bit_anywhere_is_missed(tmp_path, whole):
    original, before, chance = whole.read_bytes(), content(whole), random.Random(3)
    found = {}
    for at in chance.sample(range(len(original)), SAMPLE):
        flipped = bytearray(original)
        flipped[at] ^= 1 << chance.randrange(8)
        found.setdefault(outcome(tmp_path / "store.db", bytes(flipped), before), []).append(at)
    assert set(found) <= {"named", "made anew", "no content"}
    assert len(found["named"]) > 10


def test_a_flipped_bit_in_the_write_ahead_log_cuts_the_log_there(tmp_path, whole):
    """What verify cannot see: SQLite takes a log with a broken frame for one that ended before it. A head noted elsewhere tells."""
    path = tmp_path / "store.db"
    path.write_bytes(whole.read_bytes())
    with open_store(path, layers=LAYERS) as store:
        before = store.verify()
        store.remove("shelters", ["shelters:9"], Batch("a", "gone", "c"))
        noted = store.verify()
        left = path.read_bytes(), bytearray(path.with_name("store.db-wal").read_bytes())  # as a crash would leave them
    left[1][len(left[1]) // 2] ^= 1
    path.write_bytes(left[0])
    path.with_name("store.db-wal").write_bytes(left[1])
    with open_store(path, layers=LAYERS) as store:
        assert store.verify() == before
        assert before.head != noted.head
