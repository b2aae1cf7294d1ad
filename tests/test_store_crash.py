"""Kill -9 in mid-import: what was acknowledged is there, every import is whole or absent, the log verifies."""

import itertools
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from layers._catalog import catalog
from layers._store import open_store

pytestmark = pytest.mark.crash

ROUNDS = 50  # kills that meet an import under way
ROUNDS_A_STORE = 5
ROWS = 2_000

# The nursery imports once, then forks a child a line: child imports until it is killed, saying when it began and ended each.
NURSERY = """
import os, sys
from pathlib import Path
import shapely
from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, open_store

ROWS = {rows}
AEDS = catalog()["aeds"]
PLACES = shapely.points([120.0] * ROWS, [30.0] * ROWS)

def imports(path, first):
    with open_store(Path(path), layers={{"aeds": AEDS}}) as store:
        for number in range(first, first + 1000):
            frame = typed(AEDS, {{"name": [f"{{number}}"] * ROWS}}, PLACES, [f"{{number:06}}-{{row:04}}" for row in range(ROWS)])
            os.write(1, b"begun %d\\n" % number)
            store.apply("aeds", frame, Batch("crash test", "round", f"{{number}}"))
            os.write(1, b"done %d\\n" % number)

os.write(1, b"ready\\n")
for line in sys.stdin:
    path, first = line.split()
    child = os.fork()
    if child == 0:
        imports(path, int(first))
        os._exit(0)
    os.write(1, b"child %d\\n" % child)
    os.waitpid(child, 0)
    os.write(1, b"buried\\n")
"""


@pytest.fixture
def nursery():
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY.format(rows=ROWS)], cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


def killed(nursery, path, first, after_s) -> tuple[set[int], set[int]]:
    """Start a child, kill it some time after its first import has begun; the imports it began, and those it acknowledged."""
    nursery.stdin.write(f"{path} {first}\n")
    lines, child = [], None
    while not (child and lines):
        word, _, number = nursery.stdout.readline().strip().partition(" ")
        child = int(number) if word == "child" else child
        lines += [(word, int(number))] if word == "begun" else []
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    while (line := nursery.stdout.readline().strip()) != "buried":
        word, _, number = line.partition(" ")
        lines.append((word, int(number)))
    return {number for word, number in lines if word == "begun"}, {number for word, number in lines if word == "done"}


def not_whole(counts: Counter[int], acknowledged: set[int], rows: int) -> list[int]:
    """Imports of which a part is there, or that were acknowledged and are not."""
    return sorted(number for number in {*counts, *acknowledged} if counts[number] != rows)


def test_fifty_kills_in_mid_import_lose_nothing_and_halve_nothing(tmp_path, nursery):
    chance = random.Random(7)
    acknowledged: set[int] = set()
    cut_short = 0
    # a kill between two imports proves little: it is checked too, and does not count
    for turn in itertools.count():
        path = tmp_path / f"{turn // ROUNDS_A_STORE}" / "store.db"
        if turn % ROUNDS_A_STORE == 0:
            acknowledged = set()
        begun, done = killed(nursery, path, turn * 1000, chance.uniform(0.0, 0.35))
        acknowledged |= done
        cut_short += bool(begun - done)
        with open_store(path, layers={"aeds": catalog()["aeds"]}) as store:
            counts = Counter(int(name) for name in store.snapshot().frames["aeds"]["name"])
            assert not_whole(counts, acknowledged, ROWS) == []
            assert store.verify().features == counts.total()
        if cut_short == ROUNDS:
            break
        assert turn < 4 * ROUNDS, f"{cut_short} of {turn + 1} kills met an import under way: draw other moments"


def test_the_check_finds_imports_that_are_not_written_in_one_transaction(tmp_path):
    path = tmp_path / "careless.db"
    code = f"""
import sqlite3
careless = sqlite3.connect({str(path)!r}, isolation_level=None)
careless.execute("CREATE TABLE rows (number INTEGER)")
print("begun", flush=True)
for number in range(1000):
    for row in range({ROWS}):
        careless.execute("INSERT INTO rows VALUES (?)", (number,))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        time.sleep(0.2)
        child.kill()
    with closing(sqlite3.connect(path)) as connection:
        counts = Counter(number for (number,) in connection.execute("SELECT number FROM rows"))
    assert not_whole(counts, set(), ROWS) == [max(counts)]
