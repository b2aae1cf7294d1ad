"""One job from the command line, its content left in the current folder, progress on standard output."""

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from geo_risk.errors import CrsError, FileError, GeoRiskError
from layers._worker.content import Content, Job, Progress, write
from layers._worker.limits import Limits
from layers._worker.zipped import unzipped

_READERS: Final = {
    "csv": ("csv_table", "read_csv"),
    "xlsx": ("xlsx_table", "read_xlsx"),
    "geojson": ("geojson", "read_geojson"),
    "gpkg": ("vector", "read_gpkg"),
    "kml": ("vector", "read_kml"),
    "osm": ("osm", "read_osm"),
    "shapefile": ("vector", "read_shapefile"),
}
_ERRORS: Final = (FileError, CrsError)
_EVERY_S: Final = 0.1


def main() -> int:
    """Read one file; what is wrong with it goes back as an error's five parts."""
    gc.disable()  # millions of cells and no cycles: collecting took two thirds of the time, and the process ends soon
    given = json.loads(sys.argv[1])
    job = Job(**{**given, "limits": Limits(**given["limits"])})
    _limit(job.limits)
    folder = Path.cwd()
    try:
        write(_content(job, folder, _reporter()), folder)
    except _ERRORS as error:
        _leave(error, folder)
    except MemoryError:
        _leave(
            FileError(
                "the file needs too much memory",
                expected=f"at most {job.limits.memory_bytes // 10**6} MB",
                got="more",
                then="split it, or convert it to GeoPackage",
            ),
            folder,
        )
    return 0


def _content(job: Job, folder: Path, progress: Progress) -> Content:
    if job.format == "zip":
        path, kind = unzipped(job.path, folder, job.limits)
        job = Job(**{**vars(job), "path": path, "format": kind})
    module, function = _READERS[job.format]
    read: Callable[[Job, Progress], Content] = getattr(import_module(f"layers._worker.{module}"), function)
    return read(job, progress)


def _limit(limits: Limits) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _reporter() -> Progress:
    """Progress at most ten times a second."""
    last = 0.0

    def report(what: str, share: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY_S:
            last = now
            print(json.dumps([what, round(share, 3)]), flush=True)  # noqa: T201 (the pipe to the process that waits)

    return report


def _leave(error: GeoRiskError, folder: Path) -> None:
    parts = {
        "kind": type(error).__name__,
        "what": error.what,
        "where": error.where,
        "expected": error.expected,
        "got": error.got,
        "then": error.then,
    }
    (folder / "error.json").write_text(json.dumps(parts), encoding="ascii")


if __name__ == "__main__":
    sys.exit(main())
