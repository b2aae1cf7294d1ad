"""A service of five answers behind the guard and on a real socket, started in a process of its own; for test_server and test_guard.

Run as a program it takes its settings as JSON, and prints its port when it answers.
"""

import asyncio
import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from api.admission import LANES, Admission
from api.guard import Guard, limits_of
from api.server import serve_on
from api.settings import Settings
from geo_risk.errors import GeoRiskError

HELD = bytes(30_000_000)
_TRICKLES_S = 20


class Bare:
    """Answers by path; ``route`` is set as a router would."""

    def __init__(self) -> None:
        self.admission = Admission(LANES)
        self.ended = asyncio.Event()
        self.slow_answers = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            for kind in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{kind}.complete"})
            return
        scope["route"] = SimpleNamespace(path=scope["path"])
        try:
            status, headers, body = await getattr(self, scope["path"].strip("/") or "ok")(scope, receive)
        except GeoRiskError:
            return  # the guard has answered
        length = [] if scope["path"] == "/stream" else [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
        if scope["path"] == "/stream":
            while not self.ended.is_set():
                await send({"type": "http.response.body", "body": b": %d slow answer\n\n" % self.slow_answers, "more_body": True})
                await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": body})

    async def ok(self, scope: Any, receive: Any) -> Any:
        return 200, [], b"ok"

    async def echo(self, scope: Any, receive: Any) -> Any:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        seen = [(name.decode(), value.decode()) for name, value in scope["headers"]]
        said = {"body": len(body), "headers": seen, "client": scope["client"][0], "scheme": scope["scheme"]}
        return 200, [], json.dumps(said).encode()

    async def slow(self, scope: Any, receive: Any) -> Any:
        self.slow_answers += 1
        await asyncio.sleep(float(scope["query_string"] or b"1"))
        return 200, [], b"late"

    async def big(self, scope: Any, receive: Any) -> Any:
        return 200, [], HELD

    async def stream(self, scope: Any, receive: Any) -> Any:
        return 200, [(b"content-type", b"text/event-stream")], b""


def main() -> None:
    """Serve until told to end."""
    settings = Settings(port=0, **json.loads(sys.argv[1]))
    listener = socket.create_server((settings.host, 0))
    bare = Bare()
    guard = Guard(bare, limits_of(settings))
    port = listener.getsockname()[1]
    told = lambda: print(port, flush=True)  # noqa: E731, T201 (who started it reads this)
    serve_on(listener, guard, settings, ready=told, ending=[bare.ended.set])


@contextmanager
def serving(**settings: Any) -> Iterator[SimpleNamespace]:
    """The bare service in a process of its own: its port and the process."""
    given = {name: str(value) if isinstance(value, Path) else value for name, value in settings.items()}
    command = [sys.executable, __file__, json.dumps(given)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        assert process.stdout is not None
        try:
            yield SimpleNamespace(port=int(process.stdout.readline()), process=process)
        finally:
            process.kill()


class Line:
    """One connection, spoken to byte by byte."""

    def __init__(self, port: int, timeout: float = 10.0) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.began = time.monotonic()
        self._heard = b""

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def say(self, *lines: str, end: bool = True) -> "Line":
        """Send lines, and with ``end`` the empty line that ends the headers."""
        self.socket.sendall("\r\n".join([*lines, *(["", ""] if end else [])]).encode())
        return self

    def hear(self) -> bytes:
        """One answer with a stated length."""
        head = self.up_to(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(self._heard) < length:
            self._heard += self._part()
        body, self._heard = self._heard[:length], self._heard[length:]
        return head + body

    def up_to(self, end: bytes) -> bytes:
        """All up to these bytes and with them."""
        while end not in self._heard:
            self._heard += self._part()
        head, end, self._heard = self._heard.partition(end)
        return head + end

    def rest(self) -> bytes:
        """All until the connection is closed."""
        heard, self._heard = self._heard, b""
        while part := self._some():
            heard += part
        return heard

    def trickle(self, part: bytes, every_s: float) -> bytes:
        """All until the connection is closed, while the same few bytes are sent again and again."""
        self.socket.settimeout(every_s)
        heard, closed = b"", False
        while not closed and self.lasted < _TRICKLES_S:
            try:
                some = self._some()
                heard, closed = heard + some, not some
            except TimeoutError:
                with suppress(BrokenPipeError, ConnectionResetError):  # closed this moment: the next look says so
                    self.socket.sendall(part)
        return heard

    def is_hung_up(self, within_s: float) -> bool:
        """Whether the other side breaks the connection off in that time, in which nothing is read."""
        broken = select.poll()
        broken.register(self.socket, 0)
        return bool(broken.poll(within_s * 1000))

    @property
    def lasted(self) -> float:
        """Seconds since it was opened."""
        return time.monotonic() - self.began

    def _part(self) -> bytes:
        part = self._some()
        assert part, "the connection was closed"
        return part

    def _some(self) -> bytes:
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""


if __name__ == "__main__":
    main()
