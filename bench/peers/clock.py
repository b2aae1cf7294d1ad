"""The clock of all peers: seconds on the wall, CPU seconds of all threads, and the peak memory of the process."""

import resource
import time


class Clock:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def figures(self) -> dict[str, float]:
        """What has passed until now, under the names that ``bench.versus.peer`` reads."""
        return {
            "seconds": time.perf_counter() - self.wall,
            "cpu_s": time.process_time() - self.cpu,
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        }
