"""The command map in chromium over a real service: bytes before any data, time to the first features, the longest freeze."""

import argparse
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import shapely
from playwright.sync_api import Page, Request, sync_playwright

from bench.figures import Figure, scattered, told
from layers._catalog import layer
from layers._demo import make_city
from layers._frame import typed
from layers._store import Batch, open_store

_DATA = ("/marks/", "/risk", "/collections", "/layers", "/nearby")
_CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_WATCH = """
window.longestFreeze = 0;
let last = performance.now();
const tick = (now) => {
  window.longestFreeze = Math.max(window.longestFreeze, now - last);
  last = now;
  requestAnimationFrame(tick);
};
requestAnimationFrame(tick);
"""


def measure(points: int, folder: Path) -> list[Figure]:
    place = folder / f"page-{points}.sqlite"
    _fill(place, points)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "uvicorn", "--factory", "api.app:create_app", "--port", str(port), "--log-level", "warning"]
    service = subprocess.Popen(command, env={**os.environ, "GEO_RISK_STORE": str(place)})
    try:
        _wait(f"http://127.0.0.1:{port}/readyz")
        return _opened(f"http://127.0.0.1:{port}/", points)
    finally:
        service.terminate()
        service.wait(timeout=20)


def _fill(place: Path, points: int) -> None:
    lon, lat = scattered(points)
    names = {"name": [f"点 {number}" for number in range(points)]}
    with open_store(place) as store:
        batch = Batch(actor="bench", reason="bench", source="bench")
        towns = make_city().layers["towns"]
        store.apply("towns", towns, batch)
        ids = [f"shelter-{number}" for number in range(points)]
        store.apply("shelters", typed(layer("shelters"), names, shapely.points(lon, lat), ids), batch)


def _wait(url: str) -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise TimeoutError("the service did not get ready within two minutes")


def _opened(url: str, points: int) -> list[Figure]:
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=os.environ.get("GEO_RISK_CHROMIUM", "/usr/bin/chromium"), args=_CHROMIUM
        )
        page = browser.new_page(viewport={"width": 1600, "height": 900})
        page.add_init_script(_WATCH)
        sizes: dict[bool, int] = {True: 0, False: 0}
        page.on("requestfinished", lambda request: _counted(sizes, request))
        start = time.perf_counter()
        page.goto(url, wait_until="commit")
        first = _first_marks(page, start)
        page.wait_for_function("document.body.dataset.drawn !== undefined", timeout=120_000)
        whole = time.perf_counter() - start
        page.wait_for_timeout(1000)
        freeze: Any = page.evaluate("window.longestFreeze")
        html = len(urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": "text/html"}), timeout=10).read())
        browser.close()
    return [
        Figure("page: the document / itself", html / 1000, "kB"),
        Figure("page: all bytes that are not data (document, scripts, styles, pictures)", sizes[False] / 1000, "kB"),
        Figure(f"page: data for the first view of {points:,} shelters", sizes[True] / 1000, "kB"),
        Figure("page: to the first features' answer", first, "s"),
        Figure("page: to every layer drawn", whole, "s"),
        Figure("page: longest time without a frame", float(freeze) / 1000, "s"),
    ]


def _first_marks(page: Page, start: float) -> float:
    with page.expect_response(lambda response: "/marks/shelters" in response.url, timeout=120_000) as answer:
        pass
    answer.value.finished()
    return time.perf_counter() - start


def _counted(sizes: dict[bool, int], request: Request) -> None:
    size = request.sizes()
    is_data = any(part in request.url for part in _DATA)
    sizes[is_data] += size["responseBodySize"] + size["responseHeadersSize"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    told(measure(given.points, given.folder))
