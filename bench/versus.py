"""Ours beside its peers in one run: each timed by the same clock on the same input, their answers compared, ratios printed.

Two ratios: of seconds on the wall, and of CPU seconds over all threads, which on a machine that others load say more.
Peers that need an environment of their own are named by the variable ``GEO_RISK_PEERS``: a folder with one virtual
environment a peer (see docs/benchmarks.md). What is not there is printed as absent, never left out.
"""

import json
import math
import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.clock import peak_mb

__all__ = ["Timed", "peak_mb", "peer", "timed", "versus"]


@dataclass(frozen=True)
class Timed:
    """A contender: name, seconds (the best of the rounds), its answer or why it has none; CPU seconds and peak MB where known.

    The peak is that of its process, libraries included; contenders of one process share it, so it is told of those alone in one.
    """

    name: str
    seconds: float
    answer: Any = None
    absent: str = ""
    cpu_s: float = math.nan
    peak_mb: float = math.nan

    def times(self, factor: float, name: str) -> "Timed":
        """As if it had gone on as it began, under another name."""
        return Timed(name, self.seconds * factor, self.answer, self.absent, self.cpu_s * factor, self.peak_mb)


def timed(name: str, work: Callable[[], Any], rounds: int = 3) -> Timed:
    """The best of several rounds in this process; the first answer is kept."""
    best, least, answer = math.inf, math.inf, None
    for number in range(rounds):
        start, cpu = time.perf_counter(), time.process_time()
        found = work()
        best, least = min(best, time.perf_counter() - start), min(least, time.process_time() - cpu)
        answer = found if number == 0 else answer
    return Timed(name, best, answer, cpu_s=least)


def peer(name: str, environment: str, script: str, *arguments: str, timeout_s: float = 900.0) -> Timed:
    """A peer in its own environment: ``bench/peers/<script>`` prints one JSON line with ``seconds`` and ``answer``.

    ``cpu_s`` and ``peak_mb`` are printed as well by those that use ``bench/peers/clock.py``.
    """
    python = Path(os.environ.get("GEO_RISK_PEERS", "var/peers")) / environment / "bin" / "python"
    if not python.is_file():
        return Timed(name, math.nan, absent=f"no environment {environment}")
    command = [str(python), str(Path(__file__).parent / "peers" / script), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as started:
        try:
            printed, faults = started.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(started.pid, signal.SIGKILL)  # its own children hold the pipes open
            return Timed(name, math.nan, absent=f"not done after {timeout_s:.0f} s")
    if started.returncode:
        return Timed(name, math.nan, absent=(faults.strip().splitlines() or ["failed"])[-1][:120])
    told = json.loads(printed.strip().splitlines()[-1])
    cpu_s, most_mb = (float(told.get(key, math.nan)) for key in ("cpu_s", "peak_mb"))
    return Timed(name, float(told["seconds"]), told.get("answer"), cpu_s=cpu_s, peak_mb=most_mb)


def versus(work: str, ours: Timed, peers: list[Timed], agrees: Callable[[Any, Any], str]) -> None:
    """Print a line a peer: work, peer; seconds, CPU seconds and peak MB of theirs and ours with ratios; whether answers agree."""
    for other in peers:
        print("\t".join((work, other.name, *_beside(ours, other, agrees))), flush=True)


def _beside(ours: Timed, other: Timed, agrees: Callable[[Any, Any], str]) -> tuple[str, ...]:
    if other.absent:
        return "absent", _figure(ours.seconds), "-", other.absent
    return (
        *_pair(other.seconds, ours.seconds, "s"),
        *_pair(other.cpu_s, ours.cpu_s, "s CPU"),
        f"peak {_figure(other.peak_mb)} / {_figure(ours.peak_mb)} MB",
        agrees(ours.answer, other.answer),
    )


def _pair(theirs: float, ours: float, unit: str) -> tuple[str, str]:
    return f"{_figure(theirs)} / {_figure(ours)} {unit}", f"x {_figure(theirs / ours, '.1f')}"


def _figure(value: float, form: str = ".4g") -> str:
    return "-" if math.isnan(value) else format(value, form)
