"""Starts the worker on one job in a folder of its own, watches it, and kills it when it takes too long."""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Final

import layers
from geo_risk.errors import CrsError, FileError
from layers._worker.content import Content, Job, load
from layers._worker.gdal import environment
from layers._worker.plain import plain

_ROOT: Final = str(Path(layers.__file__).resolve().parents[1])
_KINDS: Final = {"FileError": FileError, "CrsError": CrsError}
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT")


def contents(job: Job, progress: Callable[[str, float], None]) -> Content:
    """What the worker read.

    Raises
    ------
    FileError, CrsError
        The worker's own, or that it was stopped by a limit or by the file.
    """
    with tempfile.TemporaryDirectory(prefix="geo-risk-read-") as name:
        folder = Path(name)
        code = _run(job, folder, progress)
        _raise_left(folder, code, job)
        return load(folder)


def _run(job: Job, folder: Path, progress: Callable[[str, float], None]) -> int:
    command = [sys.executable, "-P", "-s", "-m", "layers._worker", json.dumps(asdict(job))]
    with (
        (folder / "stderr").open("wb") as errors,
        subprocess.Popen(  # noqa: S603 (our own module, the job as one argument)
            command,
            cwd=folder,
            env=_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as worker,
    ):
        clock = threading.Timer(job.limits.seconds, worker.kill)
        clock.start()
        try:
            for line in worker.stdout or ():
                what, share = json.loads(line)
                progress(what, share)
            return worker.wait()
        finally:
            clock.cancel()
            worker.kill()


def _environment(folder: Path) -> dict[str, str]:
    """Only what Python needs to start, and GDAL's restraints: no proxies, no tokens, no one's settings."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed, **environment(), "PYTHONPATH": _ROOT, "PYTHONUTF8": "1", "HOME": str(folder), "TMPDIR": str(folder)}


def _raise_left(folder: Path, code: int, job: Job) -> None:
    left = folder / "error.json"
    if left.is_file():
        parts = json.loads(left.read_text(encoding="ascii"))
        raise _KINDS[parts.pop("kind")](parts.pop("what"), **parts)
    if code < 0:
        raise FileError(
            "the file stopped its reader",
            expected=f"at most {job.limits.seconds} s and {job.limits.memory_bytes // 10**6} MB",
            got=f"signal {-code}",
            then="export the data again, smaller or as GeoPackage",
        )
    if code > 0:
        words = (folder / "stderr").read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["nothing said"]
        raise FileError(
            "the file could not be read",
            expected=f"a {job.format} file",
            got=plain(words[-1].split(":")[0], 60),
            then="export the data again",
        )
