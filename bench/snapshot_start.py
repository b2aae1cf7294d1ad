"""Start over a store that is already full: its snapshot in memory, and the real service up to its first page.

``python -m bench.snapshot_start --folder F`` takes the store that ``bench.import_points`` made there. The service is started twice:
the first time it reads the store and keeps a snapshot on the disk, the second time it begins from that. Beside the clock stands the
processor time that the service took until then: on a machine that does other work it says more.
"""

import argparse
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.figures import Figure, peak_mb, told
from layers._kept_file import saved_path
from layers._store import open_store

_LONGEST_S = 120.0
_ASKED = (
    ("/readyz", "ready"),
    ("/collections/aeds/items", "first page of the big layer"),
    ("/", "first view"),
    ("/openapi.json", "every door open"),
)


def measure(place: Path) -> list[Figure]:
    before = peak_mb()
    start = time.perf_counter()
    with open_store(place) as store:
        snapshot = store.snapshot()
        first = time.perf_counter() - start
        start = time.perf_counter()
        store.snapshot()
        again = time.perf_counter() - start
    rows = sum(len(frame) for frame in snapshot.frames.values())
    figures = [
        Figure(f"snapshot start at {rows:,} features", first, "s"),
        Figure("snapshot: asked again with nothing new", again * 1000, "ms"),
        Figure("snapshot: memory it added at most", peak_mb() - before, "MB"),
    ]
    del snapshot, store
    saved_path(place).unlink(missing_ok=True)
    return [*figures, *started(place, "service without a kept snapshot"), *started(place, "service with one")]


def started(place: Path, what: str) -> list[Figure]:
    """Seconds from the start of the process to what it answers first; then it is ended."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "api.cli.main", "serve", "--port", "0", "--store", str(place)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as service:
        assert service.stdout is not None
        root = service.stdout.readline().split()[0].rstrip("/")
        figures = []
        for path, name in _ASKED:
            _wait(f"{root}{path}")
            figures.append(Figure(f"{what}: {name}", time.perf_counter() - start, "s"))
            figures.append(Figure(f"{what}: {name}, processor time", _processor_s(service.pid), "s"))
        service.terminate()
    return figures


def _processor_s(pid: int) -> float:
    """Processor time that the process took so far, as Linux tells it."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _wait(url: str) -> None:
    ends = time.perf_counter() + _LONGEST_S
    while time.perf_counter() < ends:
        try:
            with urllib.request.urlopen(url, timeout=_LONGEST_S):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    told(measure(given.folder / f"points-{given.points}.sqlite"))
