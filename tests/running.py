"""The real service in a process of its own, and a screen that listens to it."""

import http.client
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import callers


def said(chunk: bytes) -> dict[str, Any]:
    """The fields of one event, its data read."""
    fields = dict(line.split(": ", 1) for line in chunk.decode().strip().split("\n"))
    return fields | {"data": json.loads(fields["data"])}


class Service:
    """A service in a process of its own, on a free port."""

    def __init__(self, store: Path, **settings: str) -> None:
        command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--store", str(store)]
        environment = os.environ | {"GEO_RISK_COMPILE_AHEAD": "false"} | settings
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        assert self.process.stdout is not None
        self.revision = 0
        self.port = int(self.process.stdout.readline().split()[0].rstrip("/").rpartition(":")[2])

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self.process.stdout.close()  # type: ignore[union-attr]

    def ask(self, method: str, path: str, who: str = "", body: Any = None, **named: str) -> tuple[int, dict[str, str], Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        given = (callers.headers(who) if who else {}) | {"Content-Type": "application/json"} | named
        connection.request(method, path, json.dumps(body) if body is not None else None, given)
        answer = connection.getresponse()
        content = answer.read()
        found = {name.lower(): value for name, value in answer.getheaders()}
        connection.close()
        return answer.status, found, json.loads(content) if content else None

    def rename(self, fid: str, name: str) -> int:
        """Write a shelter's name; the revision it made."""
        known = {"Geo-Risk-At-Least": str(self.revision)}
        _, headers, _ = self.ask("GET", f"/collections/shelters/items/{fid}", "operator", **known)
        change, seen = {"properties": {"name": name}}, {"If-Match": headers["etag"]}
        status, headers, body = self.ask("PATCH", f"/collections/shelters/items/{fid}", "operator", change, **seen)
        assert status == 200, body
        self.revision = int(headers["etag"].strip('"'))
        return self.revision

    def listen(self, query: str = "", who: str = "", **named: str) -> "Screen":
        return Screen(self.port, f"/events{query}", (callers.headers(who) if who else {}) | named)


class Screen:
    """One open stream of events."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        self._connection.request("GET", path, headers=headers)
        self.answer = self._connection.getresponse()
        self.hello = self.block() if self.answer.status == 200 else b""

    def block(self) -> bytes:
        """What comes up to the next empty line; nothing where the stream has ended."""
        lines = []
        while (line := self.answer.readline()) not in (b"", b"\n"):
            lines.append(line)
        return b"".join(lines)

    def __enter__(self) -> "Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self.answer.close()
        self._connection.close()

    def event(self) -> dict[str, Any]:
        while (block := self.block()) and b"event:" not in block:
            pass
        return said(block) if block else {}
