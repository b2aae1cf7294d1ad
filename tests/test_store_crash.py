"""Kill -9 under load: what was acknowledged is in the log, every write is whole or absent, the log verifies."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest

from layers._catalog import catalog
from layers._store import open_store

pytestmark = pytest.mark.crash

ROUNDS = 200
ROUNDS_A_STORE = 10
THREADS = 4  # every other one imports; the others write single features with an idempotency key

# The nursery imports once, then forks a child a line. Child's threads write until it is killed; each write says on the pipe that
# it begins, and that it was acknowledged after its call returned. Its batch's note is the number of revisions it must have.
NURSERY = """
import os, random, sqlite3, sys, threading
from pathlib import Path
import shapely
from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, Change, Reply, ReplyKey, open_store

AEDS = catalog()["aeds"]

class Checkpointing(sqlite3.Connection):
    # forty pages, not a thousand: kills are to fall into checkpoints too
    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.execute("PRAGMA wal_autocheckpoint = 40")

connect = sqlite3.connect
sqlite3.connect = lambda *args, **named: connect(*args, **named, factory=Checkpointing)

def say(word, name, revision=0):
    os.write(1, f"{{word}} {{name}} {{revision}}\\n".encode())

def told(name, rows, write):
    say("begun", name)
    say("done", name, write(Batch("crash test", name, "crash", note=str(rows))).revision)

def answered(written):
    return Reply(201, (), b"%d" % written.revision)

def single(store, number, first):
    for turn in range(first, first + 100_000):
        name = f"{{number}}:{{turn}}"
        wanted = Change(layer="aeds", fid=f"{{number}}", op="put", values={{"name": name}}, geometry=shapely.Point(120, 30))
        key = ReplyKey("crash", name, "0" * 64)
        told(name, 1, lambda batch: store.write(batch, [wanted], reply_key=key, compose=answered))

def imports(store, number, first):
    chance = random.Random(first)
    for turn in range(first, first + 100_000):
        rows, name = chance.choice((1, 3, 300)), f"{{number}}:{{turn}}"
        ids = [f"{{name}}-{{row}}" for row in range(rows)]
        frame = typed(AEDS, {{"name": [name] * rows}}, shapely.points([120.0] * rows, [30.0] * rows), ids)
        told(name, rows, lambda batch: store.apply("aeds", frame, batch))
        told(name + "-gone", 1, lambda batch: store.remove("aeds", ids[:1], batch))

def child(path, first):
    with open_store(Path(path), layers={{"aeds": AEDS}}) as store:
        for number in range({threads}):
            threading.Thread(target=imports if number % 2 else single, args=(store, number, first)).start()
        threading.Event().wait()

os.write(1, b"ready\\n")
for line in sys.stdin:
    path, first = line.split()
    pid = os.fork()
    if pid == 0:
        child(path, int(first))
    say("child", pid)
    os.waitpid(pid, 0)
    say("buried", pid)
"""


class Heard(NamedTuple):
    """What a child said before it was killed: writes it began, and of those acknowledged the revision."""

    begun: set[str]
    done: dict[str, int]


@pytest.fixture
def nursery():
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY.format(threads=THREADS)], cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.stdin.close()


def killed(nursery, path, first, after_s) -> Heard:
    """Start a child, and kill it some time after its first write has begun."""
    nursery.stdin.write(f"{path} {first}\n")
    heard, child, word = Heard(set(), {}), None, ""
    while word != "buried":
        word, name, number = nursery.stdout.readline().split()
        child = int(name) if word == "child" else child
        if word == "done":
            heard.done[name] = int(number)
        if word == "begun":
            heard.begun.add(name)
        if child and heard.begun and after_s is not None:
            time.sleep(after_s)
            os.kill(child, signal.SIGKILL)
            after_s = None
    return heard


def faults(path: Path, done: dict[str, int]) -> list[str]:
    """Writes that are there in part, that were acknowledged and are not there, and answers stored without their write."""
    with closing(sqlite3.connect(path)) as store:
        found = store.execute(
            "SELECT reason, CAST(note AS INTEGER), count(*), max(seq) FROM batches JOIN revisions ON batch_id = id GROUP BY id"
        ).fetchall()
        answers = dict(store.execute("SELECT key, CAST(CAST(body AS TEXT) AS INTEGER) FROM replies"))
    last = {name: seq for name, _, _, seq in found}
    halves = [name for name, rows, count, _ in found if rows != count]
    lost = [name for name, seq in done.items() if last.get(name) != seq]
    return halves + lost + [key for key, seq in answers.items() if last.get(key) != seq]


def test_two_hundred_kills_under_load_lose_nothing_and_halve_nothing(tmp_path, nursery):
    chance, acknowledged, cut_short = random.Random(7), {}, 0
    for turn in range(ROUNDS):
        path = tmp_path / f"{turn // ROUNDS_A_STORE}" / "store.db"
        if turn % ROUNDS_A_STORE == 0:
            acknowledged = {}
        heard = killed(nursery, path, turn * 100_000, chance.uniform(0.0, 0.15))
        acknowledged |= heard.done
        cut_short += len(heard.begun) > len(heard.done)
        with open_store(path, layers={"aeds": catalog()["aeds"]}) as store:
            assert store.verify().revisions >= max(acknowledged.values(), default=0)
        assert faults(path, acknowledged) == []
    assert cut_short > ROUNDS * 0.9  # a kill between two writes proves little


def test_the_check_finds_imports_that_are_not_written_in_one_transaction(tmp_path):
    path = tmp_path / "careless.db"
    code = f"""
import sqlite3
careless = sqlite3.connect({str(path)!r}, isolation_level=None)
careless.execute("CREATE TABLE batches (id INTEGER, reason TEXT, note TEXT)")
careless.execute("CREATE TABLE revisions (seq INTEGER PRIMARY KEY, batch_id INTEGER)")
careless.execute("CREATE TABLE replies (key TEXT, body BLOB)")
for number, rows in enumerate((20, 20, 7)):
    careless.execute("INSERT INTO batches VALUES (?, ?, '20')", (number, str(number)))
    for row in range(rows):
        careless.execute("INSERT INTO revisions VALUES (NULL, ?)", (number,))
print("in the middle of the third", flush=True)
input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        child.stdout.readline()
        child.kill()
    assert faults(path, {}) == ["2"]
    assert faults(path, {"never written": 7}) == ["2", "never written"]
