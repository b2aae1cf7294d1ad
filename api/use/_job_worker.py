"""One job in a process of its own: what to run comes on standard input, progress goes to standard output, the run to a file.

When standard input ends, whoever waited is gone: the process ends itself and all that it started.
"""

import json
import os
import resource
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from api.use.runs import as_json, canonical_json, inputs_of, make_run
from api.use.scenarios import Progress, scenario_of
from geo_risk import errors
from geo_risk.errors import GeoRiskError
from layers._store import PUBLIC, open_store

_EVERY_S: Final = 0.1
_FACTS: Final = ("what", "where", "expected", "got", "then")


def main() -> int:
    """Run the job and leave ``run.json`` or ``error.json`` in the current folder."""
    job = json.loads(sys.stdin.readline())
    _limit(job["memory_bytes"])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _leave("run.json", _made(job))
    except GeoRiskError as error:
        _leave("error.json", {"kind": _kind(error), **{name: getattr(error, name) for name in _FACTS}})
    except MemoryError:
        _leave("error.json", _too_large(job["memory_bytes"]))
    return 0


def _made(job: dict[str, Any]) -> dict[str, Any]:
    scenario = scenario_of(job["scenario"])
    folder = Path(job["folder"]) if job["folder"] else None
    layers = job.get("layers")
    sight = replace(PUBLIC, layers=None if layers is None else frozenset(layers))
    with open_store(job["store"], create=False) as store:
        inputs = inputs_of(scenario, folder, store.snapshot, confined=True, sight=sight)
        return as_json(make_run(scenario, inputs, _reporter()).run)


def _limit(memory_bytes: int) -> None:
    # the soft limit alone: a file's reader, started from here, sets a limit of its own
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, resource.getrlimit(resource.RLIMIT_AS)[1]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os.killpg(0, signal.SIGKILL)


def _reporter() -> Progress:
    """Each new step at once, shares of it at most ten times a second."""
    told: dict[str, float] = {}

    def report(step: str, share: float) -> None:
        now = time.monotonic()
        if now - told.get(step, -1.0) >= _EVERY_S:
            told[step] = now
            print(json.dumps([step, round(share, 3)]), flush=True)  # noqa: T201 (the pipe to the process that waits)

    return report


def _kind(error: GeoRiskError) -> str:
    names: list[str] = [kind.__name__ for kind in type(error).__mro__ if vars(errors).get(kind.__name__) is kind]
    return names[0]


def _too_large(memory_bytes: int) -> dict[str, str]:
    return {
        "kind": "ParameterError", "what": "the job needs too much memory", "where": "job",
        "expected": f"at most {memory_bytes // 10**6} MB", "got": "more", "then": "ask for fewer areas or a smaller raster",
    }


def _leave(name: str, content: dict[str, Any]) -> None:
    Path(name).write_text(canonical_json(content), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
