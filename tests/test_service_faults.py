"""The real service killed, its disk failing, its disk full: the status says so, reads go on, what was acknowledged stays."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import require_strace
from test_full_disk import filled, small_disk  # noqa: F401 - a fixture

import callers
from layers._store import open_store

pytestmark = pytest.mark.crash

THREADS = 4
KILLS = 3
AGE = "geo-risk-snapshot-age"
PLACE = {"type": "Point", "coordinates": [120.0, 30.0]}


class Answer(NamedTuple):
    """What came back, and how long it took."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


def _answer(status: int, found: Any, began: float) -> Answer:
    headers = {name.lower(): value for name, value in found.headers.items()}
    return Answer(status, headers, found.read(), time.monotonic() - began)


class Service(NamedTuple):
    """A running service."""

    url: str
    pid: int

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> Answer:
        """One request as the field's program; no answer raises OSError."""
        request = urllib.request.Request(f"{self.url}{path}", method=method, headers=callers.headers("field"))
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/geo+json")
        if key:
            request.add_header("Idempotency-Key", key)
        began = time.monotonic()
        try:
            with urllib.request.urlopen(request, timeout=30) as found:
                return _answer(found.status, found, began)
        except urllib.error.HTTPError as refused:
            with refused:
                return _answer(refused.code, refused, began)

    def report(self, name: str) -> Answer:
        """A new AED, with its name as idempotency key."""
        feature = {"type": "Feature", "geometry": PLACE, "properties": {"name": name}}
        return self.ask("POST", "/collections/aeds/items", feature, name)

    def read_with_age(self, within_s: float = 30.0) -> Answer:
        """Read until the answer says how old it is; the last one."""
        end = time.monotonic() + within_s
        while AGE not in (answer := self.ask("GET", "/collections/aeds/items")).headers and time.monotonic() < end:
            time.sleep(0.1)
        return answer

    def until(self, name: str, status: int, within_s: float = 30.0) -> Answer:
        """Report until it is answered so."""
        end = time.monotonic() + within_s
        while (answer := self.report(name)).status != status and time.monotonic() < end:
            time.sleep(0.1)
        return answer


@contextmanager
def serving(store: Path, **settings: str) -> Iterator[Service]:
    """The service over a store, until the block ends; it may be dead by then."""
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--store", str(store)]
    environment = os.environ | {"GEO_RISK_COMPILE_AHEAD": "false"} | settings
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as process:
        yield Service(process.stdout.readline().split()[0].rstrip("/"), process.pid)
        process.terminate()


@pytest.fixture
def store(tmp_path) -> Path:
    path = tmp_path / "data" / "store.db"
    with open_store(path) as fresh:
        callers.settle(fresh)
    return path


def reports(service: Service, number: int, asked: list[str], answered: dict[str, Answer]) -> None:
    """Report until the service is gone."""
    for turn in range(10_000):
        name = f"{service.pid}-{number}-{turn}"
        asked.append(name)
        try:
            answered[name] = service.report(name)
        except (OSError, http.client.HTTPException):  # an answer cut off in the middle is none
            return


def test_a_killed_service_keeps_what_it_answered_and_its_keys_settle_the_rest(store):
    asked: list[str] = []
    answered: dict[str, Answer] = {}
    for turn in range(KILLS):
        with serving(store) as service:
            threads = [threading.Thread(target=reports, args=(service, number, asked, answered)) for number in range(THREADS)]
            for thread in threads:
                thread.start()
            answers, ends = len(answered) + 12, time.monotonic() + 30
            while len(answered) < answers and time.monotonic() < ends:
                time.sleep(0.01)
            time.sleep(0.1 * turn)
            os.kill(service.pid, signal.SIGKILL)
            for thread in threads:
                thread.join()
    assert {answer.status for answer in answered.values()} == {201}
    assert len(asked) > len(answered) > 10 * KILLS
    names = list(dict.fromkeys(asked[-200:] + [name for name in asked if name not in answered]))
    with serving(store) as service, ThreadPoolExecutor(THREADS) as pool:
        again = dict(zip(names, pool.map(service.report, names), strict=True))
    assert {answer.status for answer in again.values()} == {201}
    told_again = [name for name in again if name in answered]
    assert [again[name].body for name in told_again] == [answered[name].body for name in told_again]
    with open_store(store) as opened:
        names = sorted(opened.snapshot().frames["aeds"]["name"])
        assert opened.verify().features == len(names)
    assert names == sorted(asked)  # each once: answered, or settled by its key


def test_a_disk_that_fails_is_told_and_healed(store, tmp_path):
    with serving(store, GEO_RISK_WRITE_DEADLINE_S="1") as service:
        assert service.until("before", 201).status == 201
        with failing(service, store, tmp_path / "log"):
            refused = [service.report(f"during-{number}") for number in range(3)]
            read = service.read_with_age()
        healed = service.until("after", 201)
    assert {answer.status for answer in refused} == {503}
    assert max(answer.seconds for answer in refused) < 2.0
    assert (read.status, json.loads(read.body)["numberMatched"]) == (200, 1)
    assert AGE in read.headers
    assert healed.status == 201
    with open_store(store) as opened:
        assert opened.verify().features == 2  # nothing of what was refused


@contextmanager
def failing(service: Service, store: Path, log: Path) -> Iterator[None]:
    """Every fsync of the store's files fails with EIO until the block ends."""
    names = [store.parent, *(store.with_name(store.name + end) for end in ("", "-wal"))]
    command = ["strace", "-f", "-p", str(service.pid), "-o", str(log), "-e", "trace=fsync,fdatasync"]
    command += ["-e", "inject=fsync,fdatasync:error=EIO"] + [part for name in names for part in ("-P", str(name))]
    require_strace()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        next(line for line in strace.stderr if "attached" in line)
        time.sleep(0.5)
        yield
        strace.send_signal(signal.SIGINT)
        strace.stderr.read()


def test_a_full_disk_is_told_and_healed(small_disk):  # noqa: F811 - the fixture
    store = small_disk / "data" / "store.db"
    with open_store(store) as fresh:
        callers.settle(fresh)
    with serving(store) as service:
        assert service.report("before").status == 201
        with filled(small_disk) as fill:
            answers = []
            for number in range(12):
                answers.append(service.report(f"during-{number}"))
                fill()
            read = service.ask("GET", "/collections/aeds/items")
        healed = service.until("after", 201)
    written = [answer for answer in answers if answer.status == 201]
    assert {answer.status for answer in answers} <= {201, 507}
    assert answers[-1].status == 507
    assert max(answer.seconds for answer in answers) < 2.0
    assert (read.status, healed.status) == (200, 201)
    with open_store(store) as opened:
        assert opened.verify().features == len(written) + 2
