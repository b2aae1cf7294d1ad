"""Ours beside its peers in one run: each timed by the same clock on the same input, their answers compared, a ratio printed.

Peers that need an environment of their own are named by the variable ``GEO_RISK_PEERS``: a folder with one virtual
environment a peer (see docs/benchmarks.md). What is not there is printed as absent, never left out.
"""

import json
import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Timed:
    """A contender: name, seconds (the best of the rounds), its answer or why it has none."""

    name: str
    seconds: float
    answer: Any = None
    absent: str = ""


def timed(name: str, work: Callable[[], Any], rounds: int = 3) -> Timed:
    """The best of several rounds in this process; the first answer is kept."""
    best, answer = float("inf"), None
    for number in range(rounds):
        start = time.perf_counter()
        found = work()
        best = min(best, time.perf_counter() - start)
        answer = found if number == 0 else answer
    return Timed(name, best, answer)


def peer(name: str, environment: str, script: str, *arguments: str, timeout_s: float = 900.0) -> Timed:
    """A peer in its own environment: ``bench/peers/<script>`` prints one JSON line with ``seconds`` and ``answer``."""
    python = Path(os.environ.get("GEO_RISK_PEERS", "var/peers")) / environment / "bin" / "python"
    if not python.is_file():
        return Timed(name, float("nan"), absent=f"no environment {environment}")
    command = [str(python), str(Path(__file__).parent / "peers" / script), *arguments]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return Timed(name, float("nan"), absent=f"not done after {timeout_s:.0f} s")
    if done.returncode:
        return Timed(name, float("nan"), absent=(done.stderr.strip().splitlines() or ["failed"])[-1][:120])
    told = json.loads(done.stdout.strip().splitlines()[-1])
    return Timed(name, float(told["seconds"]), told.get("answer"))


def versus(work: str, ours: Timed, peers: list[Timed], agrees: Callable[[Any, Any], str]) -> None:
    """Print a line a peer: work, peer, its seconds, ours, the ratio, and whether the answers agree."""
    for other in peers:
        row = (
            (other.name, "absent", f"{ours.seconds:.4g}", "-", other.absent)
            if other.absent
            else (
                other.name,
                f"{other.seconds:.4g}",
                f"{ours.seconds:.4g}",
                f"{other.seconds / ours.seconds:.1f}",
                agrees(ours.answer, other.answer),
            )
        )
        print("\t".join((work, *row)), flush=True)
