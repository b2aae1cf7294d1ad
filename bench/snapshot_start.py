"""Open a store that is already full and bring its snapshot into memory, as the service does when it starts."""

import argparse
import time
from pathlib import Path

from bench.figures import Figure, peak_mb, told
from layers._store import open_store


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
    return [
        Figure(f"snapshot start at {rows:,} features", first, "s"),
        Figure("snapshot: asked again with nothing new", again * 1000, "ms"),
        Figure("snapshot: memory it added at most", peak_mb() - before, "MB"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    given = parser.parse_args()
    told(measure(given.folder / f"points-{given.points}.sqlite"))
