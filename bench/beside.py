"""All comparisons with peers, one after the other, each in a process of its own; prints the table of docs/benchmarks.md.

``python -m bench.beside --data FOLDER`` takes the better part of an hour at full size; ``--only raster_points`` one of them.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEADER = ("work", "beside", "seconds, theirs / ours", "times", "CPU seconds, theirs / ours", "times", "memory", "answers")


def comparisons(data: Path, folder: str) -> dict[str, tuple[str, ...]]:
    """Each module with its arguments; ``folder`` holds what they make."""
    return {
        "raster_points": ("--folder", folder),
        "points_in_zones": (),
        "zonal_sums": (),
        "footprints": (),
        "impact": ("--folder", folder, "--climada", str(data / "climada")),
        "damage_kampen": (),
        "reassess": (),
        "roads_nearest": (),
        "roads_matrix": (),
        "k_nearest": (),
        "evacuation": (),
        "closure_change": (),
        "scale": ("--folder", folder),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("GEO_RISK_SHARED_DATA", "../shared/data")))
    parser.add_argument("--only", nargs="*", default=None)
    parser.add_argument("--timeout-s", type=float, default=3600.0, help="for each comparison")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}\n")
    print(_row(HEADER) + "\n" + _row(("---",) * len(HEADER)))
    with tempfile.TemporaryDirectory(prefix="geo-risk-beside-") as folder:
        for module, arguments in comparisons(given.data, folder).items():
            if given.only is None or module in given.only:
                _compare(module, arguments, given.timeout_s)


def _compare(module: str, arguments: tuple[str, ...], timeout_s: float) -> None:
    start = time.monotonic()
    try:
        done = subprocess.run(
            [sys.executable, "-m", f"bench.{module}", *arguments], check=False, capture_output=True, text=True, timeout=timeout_s
        )
    except subprocess.TimeoutExpired:
        print(_row((module, "", f"not done after {timeout_s:.0f} s")), flush=True)
        return
    for line in done.stdout.splitlines():
        print(_row(tuple(line.split("\t"))), flush=True)
    if done.returncode:
        print(_row((module, "", f"failed with status {done.returncode}")), flush=True)
        print(done.stderr[-2000:], file=sys.stderr)
    print(f"{module}: {time.monotonic() - start:.0f} s", file=sys.stderr)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main()
