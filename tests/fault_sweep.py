"""Failing calls to the disk on purpose: a warm process is forked, strace is attached to it, and the n-th call of a kind fails."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

_CLOSED = re.compile(r" close\((\d+)<")
_MAIN_WRITTEN = re.compile(r" pwrite64\((\d+)<[^>]*\.db>")
_SYNCED = re.compile(r" f(?:data)?sync\((\d+)<")

# The nursery imports once. For each line it forks a child, which waits for a byte (strace is attached meanwhile) and then goes
# through the script; each step says how it ended.
NURSERY = """
import json, os, signal, sys
from pathlib import Path
import shapely
from geo_risk.errors import GeoRiskError
from layers._catalog import catalog
from layers._frame import typed
from layers._store import Batch, Change, open_store

AEDS = catalog()["aeds"]

def say(**what):
    os.write(1, json.dumps(what).encode() + b"\\n")

def attempted(step, call):
    try:
        result = call()
    except GeoRiskError as error:
        say(step=step, error=type(error).__name__, text=str(error))
    else:
        say(step=step, revision=getattr(result, "revision", None))
        return result

def single(store, name):
    wanted = Change(layer="aeds", fid=name, op="put", values={"name": name}, geometry=shapely.Point(120, 30))
    return store.write(Batch("sweep", name, "sweep", note="1"), [wanted])

def imported(store, rows):
    ids = [f"i{row}" for row in range(rows)]
    frame = typed(AEDS, {"name": ids}, shapely.points([120.0] * rows, [30.0] * rows), ids)
    return store.apply("aeds", frame, Batch("sweep", "import", "sweep", note=str(rows)))

def checkpointed(store):
    with store.database.told(), store.database.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()

def script(path):
    store = attempted("open", lambda: open_store(path, layers={"aeds": AEDS}))
    if store is None:
        return
    attempted("write a", lambda: single(store, "a"))
    attempted("write b", lambda: single(store, "b"))
    attempted("import", lambda: imported(store, 40))
    attempted("checkpoint", lambda: checkpointed(store))
    attempted("snapshot", store.snapshot)
    attempted("write c", lambda: single(store, "c"))
    attempted("write d", lambda: single(store, "d"))
    attempted("close", store.close)

say(ready=True)
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.read(int(sys.argv[1]), 1)
        signal.alarm(30)
        script(Path(line.strip()))
        os._exit(0)
    say(child=child)
    say(status=os.waitpid(child, 0)[1])
"""


class Run(NamedTuple):
    """One run of the script with one fault: what its steps said, how the process ended, and the calls that strace saw."""

    steps: list[dict[str, Any]]
    status: int
    calls: list[str]

    @property
    def fired(self) -> bool:
        """Was there a call to fail?"""
        return any("(INJECTED)" in call for call in self.calls)

    @property
    def acknowledged(self) -> dict[str, int]:
        """The writes that were acknowledged, with their revision."""
        return {step["step"].split()[-1]: step["revision"] for step in self.steps if _is_write(step) and "error" not in step}

    @property
    def errors(self) -> set[str]:
        """The kinds of errors that were raised."""
        return {step["error"] for step in self.steps if "error" in step}

    @property
    def synced_again(self) -> list[str]:
        """Calls that fsync a descriptor on which an fsync had failed before, and that was not closed in between.

        The store's main file may be synced again once it was written to again: a checkpoint that failed writes all its pages anew.
        """
        failed, again = set(), []
        for call in self.calls:
            if found := _CLOSED.search(call) or _MAIN_WRITTEN.search(call):
                failed.discard(found[1])
            elif found := _SYNCED.search(call):
                again += [call] if found[1] in failed else []
                failed |= {found[1]} if "(INJECTED)" in call else set()
        return again


def _is_write(step: dict[str, Any]) -> bool:
    return step["step"] == "import" or step["step"].startswith("write")


class Nursery:
    """A warm process that runs the script over and over, each time in a child of its own."""

    def __init__(self, process: "subprocess.Popen[str]", go: int) -> None:
        self._process, self._go = process, go

    def run(self, path: Path, calls: Sequence[str], fault: str, log: Path) -> Run:
        """Run the script on the store at that path while a fault of strace's ``inject`` is in force."""
        self._process.stdin.write(f"{path}\n")
        child = self._said()["child"]
        with _attached(child, path, calls, fault, log):
            os.write(self._go, b"g")
            steps = []
            while "status" not in (said := self._said()):
                steps.append(said)
        return Run(steps, said["status"], log.read_text().splitlines())

    def _said(self) -> dict[str, Any]:
        return json.loads(self._process.stdout.readline())


@contextmanager
def nursery() -> Iterator[Nursery]:
    """The warm process, ready."""
    waits, go = os.pipe()
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, str(waits)], cwd=Path(__file__).parents[1], pass_fds=[waits],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
    ) as process:
        assert json.loads(process.stdout.readline())["ready"]
        yield Nursery(process, go)
        process.stdin.close()
    os.close(waits)
    os.close(go)


@contextmanager
def _attached(child: int, path: Path, calls: Sequence[str], fault: str, log: Path) -> Iterator[None]:
    names = [path.parent.parent, path.parent, *(path.with_name(path.name + end) for end in ("", "-wal", "-shm", "-journal"))]
    command = ["strace", "-f", "-y", "-p", str(child), "-s", "0", "-o", str(log), "-e", f"trace={','.join(calls)}"]
    command += [part for name in names for part in ("-P", str(name))] + ["-e", f"inject={fault}"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        for line in strace.stderr:
            if "attached" in line:
                break
        yield
        strace.stderr.read()
