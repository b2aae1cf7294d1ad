"""The live service under load: durable writes from 50 clients, cached reads, and the way from a write to 300 open screens.

``python -m bench.live`` makes a store of 10,000 shelters, starts the real service over it, and asks it over plain sockets from
this process. With ``--database URL`` the same writes go to a PostGIS store as well; what it holds is lost.
"""

import argparse
import asyncio
import datetime as dt
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import shapely

from api.keys import digest, key_text
from bench.figures import Figure, pace, scattered, told
from layers._catalog import layer
from layers._frame import typed
from layers._store import Batch, accounts, open_store
from layers._store.accounts import Account, Key
from layers._store.records import now, stamp

FEATURES = 10_000
CLIENTS = 50
SCREENS = 300
_SECRET = "ab" * 32
_ITEMS = "/collections/shelters/items"
_REVISION = re.compile(rb'"revision":(\d+)')
_ETAG = re.compile(rb'\r\netag: "(\d+)"', re.IGNORECASE)
_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


@dataclass
class Seen:
    """What was measured in one phase: seconds of each answer, and the moments at which writes were acknowledged."""

    took: list[float] = field(default_factory=list)
    acknowledged: dict[int, float] = field(default_factory=dict)
    refused: int = 0


class Client:
    """One kept-alive connection that asks one thing after the other."""

    def __init__(self, port: int, key: str) -> None:
        self._port, self._headers = port, f"Host: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"

    async def open(self) -> "Client":
        """Connect."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def ask(self, method: str, path: str, body: bytes = b"", headers: str = "") -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer."""
        content = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{method} {path} HTTP/1.1\r\n{self._headers}{headers}{content}\r\n".encode() + body)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        answer = await self._reader.readexactly(int(length[1])) if length else b""
        return int(head[9:12]), head, answer

    def close(self) -> None:
        """Let go."""
        self._writer.close()


class Screen(asyncio.Protocol):
    """One open stream: which revision came when."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self.came: list[tuple[int, float]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        self.transport = transport
        transport.write(self._request)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        """Note which revisions came."""
        at = time.perf_counter()
        self.came += [(int(found), at) for found in _REVISION.findall(data)]


@contextmanager
def service(where: Path | str) -> Iterator[int]:
    """The port of the real service over a store in a file, or in the database at a URL."""
    store = {"GEO_RISK_STORE": str(where)} if isinstance(where, Path) else {"GEO_RISK_DATABASE_URL": where}
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0"]
    environment = os.environ | {"GEO_RISK_COMPILE_AHEAD": "false"} | store
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as process:
        try:
            yield int(process.stdout.readline().split()[0].rstrip("/").rpartition(":")[2])  # type: ignore[union-attr]
        finally:
            process.terminate()


def fill(where: Path | str) -> tuple[str, dict[str, int]]:
    """A store of shelters; the key that may write them, and each one's revision."""
    lon, lat = scattered(FEATURES)
    ids = [f"s{number:05}" for number in range(FEATURES)]
    names = [f"避难所 {number}" for number in range(FEATURES)]
    columns = {"name": names, "kind": ["shelter"] * FEATURES, "capacity": [500] * FEATURES}
    with open_store(where) as store:
        store.apply("shelters", typed(layer("shelters"), columns, shapely.points(lon, lat), ids), Batch("bench", "bench", "bench"))
        account = Account(id="bench", name="bench", role="admin", clearance="personal", created_at=now(), created_by="bench")
        until = stamp(dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
        key = Key(
            id="benchbench", account_id="bench", secret_sha256=digest(_SECRET), title="", scopes=frozenset({"read", "write"}),
            created_at=now(), created_by="bench", expires_at=until,
        )  # fmt: skip
        store.transact(accounts.prepare)
        store.transact(lambda connection: accounts.add_account(connection, account))
        store.transact(lambda connection: accounts.add_key(connection, key))
        revisions = store.snapshot().frames["shelters"]["revision"]
        return key_text(key.id, _SECRET), revisions.to_dict()


class Load:
    """Clients of one service, and what each feature's last revision is."""

    def __init__(self, port: int, key: str, revisions: dict[str, int]) -> None:
        self.port, self.key, self.revisions = port, key, revisions
        self._number = itertools.count()

    async def begun(self) -> None:
        """Wait until the service has loaded and made warm what comes after its first answers."""
        client = await Client(self.port, self.key).open()
        for path in ("/openapi.json", "/risk"):
            await client.ask("GET", path)
        client.close()

    async def each(self, clients: int, seconds: float, act: Callable[[Client, int, Seen], Awaitable[None]]) -> tuple[Seen, float]:
        """What so many clients saw who acted one time after the other for so long; and how long it was."""
        opened = [await Client(self.port, self.key).open() for _ in range(clients)]
        seen, began = Seen(), time.perf_counter()

        async def go(number: int, client: Client) -> None:
            while time.perf_counter() - began < seconds:
                await act(client, number, seen)

        await asyncio.gather(*(go(number, client) for number, client in enumerate(opened)))
        took = time.perf_counter() - began
        for client in opened:
            client.close()
        return seen, took

    async def write(self, client: Client, number: int, seen: Seen) -> None:
        """One client's next change of one of its own features, made from the revision it knows."""
        fid = f"s{number + 50 * (next(self._number) % 190):05}"
        body = json.dumps({"properties": {"occupancy": next(self._number) % 400}}).encode()
        began = time.perf_counter()
        status, head, answer = await client.ask("PATCH", f"{_ITEMS}/{fid}", body, f'If-Match: "{self.revisions[fid]}"\r\n')
        at = time.perf_counter()
        if status != 200 or not (tag := _ETAG.search(head)):
            seen.refused += 1
            if seen.refused == 1:
                print(f"{status} for a write: {answer[:500]!r}", file=sys.stderr)
            return
        self.revisions[fid] = int(tag[1])
        seen.took.append(at - began)
        seen.acknowledged[int(tag[1])] = at

    def read(self, path: str, headers: str = "", rest_s: float = 0.0) -> Callable[[Client, int, Seen], Awaitable[None]]:
        """Reading one path again and again."""

        async def act(client: Client, _: int, seen: Seen) -> None:
            began = time.perf_counter()
            status = (await client.ask("GET", path, headers=headers))[0]
            seen.took.append(time.perf_counter() - began)
            seen.refused += status not in (200, 304)
            await asyncio.sleep(rest_s)

        return act

    def write_now_and_then(self, rest_s: float) -> Callable[[Client, int, Seen], Awaitable[None]]:
        """As `write`, with a rest."""

        async def act(client: Client, number: int, seen: Seen) -> None:
            await self.write(client, number, seen)
            await asyncio.sleep(rest_s)

        return act

    async def screens(self, count: int) -> list[Screen]:
        """So many open streams."""
        request = f"GET /events?layers=shelters HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.key}\r\n\r\n".encode()
        loop = asyncio.get_running_loop()
        opened = [(await loop.create_connection(lambda: Screen(request), "127.0.0.1", self.port))[1] for _ in range(count)]
        await asyncio.sleep(1)
        return opened


def lags(screens: list[Screen], acknowledged: dict[int, float]) -> list[float]:
    """Seconds from each acknowledgement to the event that has it, at each screen; one that came before is none late."""
    wanted = np.array(sorted(acknowledged))
    at = np.array([acknowledged[revision] for revision in wanted.tolist()])
    found: list[float] = []
    for screen in screens:
        revisions, moments = np.array([came[0] for came in screen.came]), np.array([came[1] for came in screen.came])
        first = np.searchsorted(revisions, wanted)
        heard = first < len(revisions)
        found += np.maximum(moments[first[heard]] - at[heard], 0).tolist()
        found += [np.inf] * int((~heard).sum())
    return found


def figures(what: str, seconds: list[float]) -> list[Figure]:
    """Median and 99th percentile."""
    return [Figure(f"{what}: p{share}", float(np.percentile(seconds, share)) * 1000, "ms") for share in (50, 99)]


async def measured(load: Load, seconds: float) -> list[Figure]:
    """Every phase over one running service."""
    await load.begun()
    before = pace()
    await load.each(CLIENTS, 1.0, load.write)
    written, took = await load.each(CLIENTS, seconds, load.write)
    alone, alone_took = await load.each(1, seconds / 2, load.write)
    page, page_took = await load.each(CLIENTS, seconds / 2, load.read(f"{_ITEMS}?limit=10"))
    tag = f'If-None-Match: "{load.revisions["s09990"]}"\r\n'
    known, known_took = await load.each(CLIENTS, seconds / 2, load.read(f"{_ITEMS}/s09990", tag))
    screens = await load.screens(SCREENS)
    (some, some_took), (reads, _) = await asyncio.gather(
        load.each(10, seconds, load.write_now_and_then(0.1)), load.each(10, seconds, load.read(f"{_ITEMS}?limit=10", rest_s=0.1))
    )
    await asyncio.sleep(2)
    calm = lags(screens, some.acknowledged)
    for screen in screens:
        screen.came.clear()
    (most, most_took), (busy, _) = await asyncio.gather(
        load.each(CLIENTS, seconds, load.write), load.each(10, seconds, load.read(f"{_ITEMS}?limit=10", rest_s=0.1))
    )
    await asyncio.sleep(2)
    loud = lags(screens, most.acknowledged)
    refused = sum(seen.refused for seen in (written, alone, page, known, some, reads, most, busy))
    for screen in screens:
        screen.transport.close()
    with_screens = f"with {SCREENS} screens"
    return [
        before,
        Figure(f"durable writes from {CLIENTS} clients", len(written.took) / took, "/s"), *figures("a write", written.took),
        Figure("durable writes, a commit each (1 client)", len(alone.took) / alone_took, "/s"),
        *figures("such a write", alone.took),
        Figure("reads of a page of 10", len(page.took) / page_took, "/s"), *figures("such a read", page.took),
        Figure("reads of what is known already (304)", len(known.took) / known_took, "/s"),
        Figure(f"{with_screens}: writes now and then", len(some.took) / some_took, "/s"),
        *figures(f"{with_screens}: write to event", calm), *figures(f"{with_screens}: a read", reads.took),
        Figure(f"{with_screens}: writes from {CLIENTS} clients", len(most.took) / most_took, "/s"),
        *figures(f"{with_screens}, writes at full rate: a write", most.took),
        *figures(f"{with_screens}, writes at full rate: write to event", loud),
        *figures(f"{with_screens}, writes at full rate: a read", busy.took),
        Figure("answers that were none", refused, ""), pace(),
    ]  # fmt: skip


async def written_to(load: Load, seconds: float, name: str) -> list[Figure]:
    """Writes alone."""
    await load.begun()
    await load.each(CLIENTS, 1.0, load.write)
    written, took = await load.each(CLIENTS, seconds, load.write)
    alone, alone_took = await load.each(1, seconds / 2, load.write)
    return [
        Figure(f"{name}: durable writes from {CLIENTS} clients", len(written.took) / took, "/s"),
        *figures(f"{name}: a write", written.took),
        Figure(f"{name}: a commit each (1 client)", len(alone.took) / alone_took, "/s"),
        Figure(f"{name}: answers that were none", written.refused + alone.refused, ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="length of a phase")
    parser.add_argument("--folder", type=Path, help="where the store is made; a folder of the system's without")
    parser.add_argument("--database", help="URL of an empty PostGIS database, to write to as well")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-", dir=given.folder) as folder:
        store = Path(folder) / "store.sqlite"
        key, revisions = fill(store)
        with service(store) as port:
            told(asyncio.run(measured(Load(port, key, revisions), given.seconds)))
        if given.database:
            key, revisions = fill(given.database)
            with service(given.database) as port:
                told(asyncio.run(written_to(Load(port, key, revisions), given.seconds, "PostGIS")))


if __name__ == "__main__":
    main()
