"""The clock of all peers: seconds on the wall, CPU seconds of all threads, and the peak memory of the process."""

import re
import time
from pathlib import Path


def peak_mb() -> float:
    """The most memory this process has held. The kernel's own mark: what getrusage tells starts at that of the parent."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else float("nan")


class Clock:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def figures(self) -> dict[str, float]:
        """What has passed until now, under the names that ``bench.versus.peer`` reads."""
        return {
            "seconds": time.perf_counter() - self.wall,
            "cpu_s": time.process_time() - self.cpu,
            "peak_mb": peak_mb(),
        }
