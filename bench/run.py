"""All measurements, each in a process of its own so that memory is its own; prints a table for the README.

``python -m bench.run`` takes some minutes; ``--points 100000`` a tenth of it.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator


def rows(points: int, folder: str) -> Iterator[tuple[str, ...]]:
    """What was measured, the figure, its unit; or what failed."""
    for module, count in (("import_points", points), ("snapshot_start", points), ("nearby", points // 5), ("page", points // 10)):
        command = [sys.executable, "-m", f"bench.{module}", "--points", str(count), "--folder", folder]
        start = time.monotonic()
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=1800)
        print(f"{module}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        if done.returncode:
            print(done.stderr[-2000:], file=sys.stderr)
            yield module, "failed", f"exit status {done.returncode}"
        for line in done.stdout.splitlines():
            yield tuple(line.split("\t"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000, help="points to import; nearby takes a fifth, the page a tenth")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    print("| what | figure | unit |\n|---|---:|---|")
    with tempfile.TemporaryDirectory(prefix="geo-risk-bench-") as folder:
        for row in rows(given.points, folder):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
