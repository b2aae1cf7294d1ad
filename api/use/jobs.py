"""Long questions as jobs: so many at once, the rest in a bounded queue, each in a process that can be killed at any time.

What changes the store at length is a job too, in a thread of the service, whose writer it needs: one after the other.
"""

import contextlib
import dataclasses
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import api
from api.caller import ANONYMOUS
from api.use.runs import Run, load, run_of, save
from api.use.scenarios import QUESTIONS, Scenario
from geo_risk import errors
from geo_risk.errors import Busy, GeoRiskError, NotFound, ParameterError, shown
from layers._store import Store
from layers._worker.gdal import environment

Status = Literal["accepted", "running", "successful", "failed", "dismissed"]
FINISHED: Final = frozenset({"successful", "failed", "dismissed"})
_ROOT: Final = str(Path(api.__file__).resolve().parents[1])
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "GEO_RISK_TABLES", "NUMBA_CACHE_DIR")
Tell = Callable[[float], None]
"""Told the share done; raises where the job was dismissed."""
Work = Callable[[Tell], Mapping[str, Any]]
_WORKER: Final = (sys.executable, "-P", "-s", "-m", "api.use._job_worker")


@dataclass(frozen=True, kw_only=True)
class JobLimits:
    """How many jobs run at once and wait, what each may take, and how many finished ones are remembered."""

    at_once: int = 1
    waiting: int = 20
    seconds: float = 600.0
    memory_bytes: int = 6_000_000_000
    kept: int = 200


@dataclass(frozen=True, kw_only=True)
class Job:
    """How a job stands. ``progress`` is in percent; ``run`` is the id of the run it made; ``error`` why it failed.

    A job that made no run has an ``answer``.
    """

    id: str
    question: str
    status: Status
    created: str
    message: str = ""
    progress: int = 0
    started: str | None = None
    finished: str | None = None
    run: str | None = None
    error: GeoRiskError | None = None
    asked_by: str = ""
    answer: Mapping[str, Any] | None = None


class Dismissed(GeoRiskError):
    """A job was ended by request between two of its steps."""


class _Waiting(NamedTuple):
    job_id: str
    scenario: Scenario
    actor: str
    layers: frozenset[str] | None


class Jobs:
    """The jobs of one service. Runs that succeed are kept in the store; the jobs themselves are forgotten with the service."""

    def __init__(
        self, store: Store, where: Path | str, data_folder: Path | None, limits: JobLimits, command: tuple[str, ...] = _WORKER
    ) -> None:
        self._store, self._limits, self._command = store, limits, command
        self._spec = {
            # a worker has a folder of its own, where a relative path would name another file
            "store": where if isinstance(where, str) else str(where.absolute()),
            "folder": str(data_folder.resolve()) if data_folder else "",
            "memory_bytes": limits.memory_bytes,
        }
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._waiting: deque[_Waiting] = deque()
        self._processes: dict[str, subprocess.Popen[str]] = {}
        self._closed = False
        self._one_here = threading.Lock()
        self._threads = [threading.Thread(target=self._work, name=f"job-{number}", daemon=True) for number in range(limits.at_once)]
        for thread in self._threads:
            thread.start()

    def submit(self, scenario: Scenario, actor: str, asked_by: str = "", layers: frozenset[str] | None = None) -> Job:
        """Queue a scenario, of which the job sees these layers (None: all), and of them the public columns.

        Raises
        ------
        Busy
            As many wait as may; whoever is nobody in particular leaves half of the places to others.
        """
        with self._changed:
            if len(self._waiting) >= self._limits.waiting or self._closed:
                raise Busy(
                    "too many jobs wait", where="jobs", expected=f"at most {self._limits.waiting} waiting",
                    got=str(len(self._waiting)), then="try again later, or dismiss a job",
                )
            if asked_by == ANONYMOUS.id and sum(map(self._is_nobodys, self._waiting)) >= max(1, self._limits.waiting // 2):
                raise Busy("too many jobs of people who are not signed in wait", where="jobs", then="sign in, or try again later")
            job = Job(id=uuid.uuid4().hex, question=scenario.question, status="accepted", created=_now(), asked_by=asked_by)
            self._jobs[job.id] = job
            self._forget()
            self._waiting.append(_Waiting(job.id, scenario, actor, layers))
            self._changed.notify()
        return job

    def submit_here(self, question: str, work: Work, asked_by: str) -> Job:
        """Queue work that is done in the service itself, one after the other; its answer is kept with the job.

        Raises
        ------
        Busy
            As many wait as may.
        """
        with self._changed:
            unfinished = sum(job.status not in FINISHED for job in self._jobs.values())
            if unfinished > self._limits.waiting or self._closed:
                raise Busy(
                    "too many jobs wait", where="jobs", expected=f"at most {self._limits.waiting} waiting", got=str(unfinished),
                    then="try again later, or dismiss a job",
                )
            job = Job(id=uuid.uuid4().hex, question=question, status="accepted", created=_now(), asked_by=asked_by)
            self._jobs[job.id] = job
            self._forget()
            thread = threading.Thread(target=self._run_here, args=(job.id, work), name=f"job-{question}", daemon=True)
            self._threads = [*(each for each in self._threads if each.is_alive()), thread]
            thread.start()
        return job

    def _run_here(self, job_id: str, work: Work) -> None:
        with self._one_here:
            try:
                answer = work(self._telling(job_id))
            except Dismissed:
                return
            except GeoRiskError as error:
                self._end(job_id, status="failed", message=error.what, error=error)
            else:
                self._end(job_id, status="successful", message="done", progress=100, answer=answer)
            finally:
                # what was said first stays; anything else goes on to the log
                self._end(job_id, status="failed", message="the job met a fault of ours")

    def _telling(self, job_id: str) -> Tell:
        def tell(share: float) -> None:
            with self._changed:
                job = self._jobs[job_id]
                if job.status in FINISHED:
                    raise Dismissed("the job was ended by request", where=f"job {job_id}")
                percent = max(job.progress, min(int(100 * share), 99))
                self._jobs[job_id] = dataclasses.replace(
                    job, status="running", message=job.question, progress=percent, started=job.started or _now()
                )

        tell(0.0)
        return tell

    def job(self, job_id: str) -> Job:
        """How a job stands now."""
        found = self._jobs.get(job_id)
        if found is None:
            raise NotFound("no such job", expected="the id of a job of this service", got=shown(job_id), then="list the jobs first")
        return found

    def jobs(self) -> tuple[Job, ...]:
        """Every job that is remembered, the newest first."""
        return tuple(reversed(list(self._jobs.values())))

    def dismiss(self, job_id: str) -> Job:
        """End a job: one that waits never starts, one that runs is killed; one that is finished stays as it is."""
        with self._changed:
            job = self.job(job_id)
            if job.status in FINISHED:
                return job
            self._waiting = deque(each for each in self._waiting if each.job_id != job_id)
            self._end(job_id, status="dismissed", message="dismissed by request")
            _kill(self._processes.get(job_id))
            return self._jobs[job_id]

    def run(self, job_id: str) -> Run:
        """The run that a job made.

        Raises
        ------
        NotFound
            It is not finished, or was dismissed.
        GeoRiskError
            What it failed with.
        """
        job = self.job(job_id)
        if job.error is not None:
            raise job.error
        if job.run is None:
            raise NotFound(
                "the job has no result", where=f"job {job.id}", expected="a successful job", got=job.status,
                then="ask for its status",
            )
        return load(self._store, job.run)

    def close(self) -> None:
        """End every job, waiting or running, and the threads that watch them."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            for job in [job for job in self._jobs.values() if job.status not in FINISHED]:
                self._end(job.id, status="dismissed", message="the service ended")
                _kill(self._processes.get(job.id))
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(timeout=10)

    def _forget(self) -> None:
        finished = [job.id for job in self._jobs.values() if job.status in FINISHED]
        for job_id in finished[: max(len(finished) - self._limits.kept, 0)]:
            del self._jobs[job_id]

    def _work(self) -> None:
        while (next_one := self._next()) is not None:
            self._run(next_one)

    def _next(self) -> "_Waiting | None":
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            if not self._waiting:
                return None
            # whoever signed in need not stand behind any number of those who did not
            at = next((at for at, each in enumerate(self._waiting) if not self._is_nobodys(each)), 0)
            found = self._waiting[at]
            del self._waiting[at]
            job = self._jobs[found.job_id]
            self._jobs[found.job_id] = dataclasses.replace(job, status="running", started=_now(), message="start")
            return found

    def _is_nobodys(self, waiting: "_Waiting") -> bool:
        return self._jobs[waiting.job_id].asked_by == ANONYMOUS.id

    def _run(self, asked: "_Waiting") -> None:
        job_id = asked.job_id
        with tempfile.TemporaryDirectory(prefix="geo-risk-job-", ignore_cleanup_errors=True) as name:
            try:
                run = self._made(asked, Path(name))
                save(self._store, run, asked.actor)
            except GeoRiskError as error:
                self._end(job_id, status="failed", message=error.what, error=error)
            except OSError as error:
                self._end(job_id, status="failed", message="the job could not be started", error=_not_started(error))
            else:
                self._end(job_id, status="successful", message="done", progress=100, run=run.id)
            finally:
                self._processes.pop(job_id, None)

    def _made(self, asked: "_Waiting", folder: Path) -> Run:
        job_id, steps = asked.job_id, ("inputs", *QUESTIONS[asked.scenario.question].steps)
        layers = None if asked.layers is None else sorted(asked.layers)
        spec = {**self._spec, "scenario": asked.scenario.canonical(), "layers": layers}
        code = _watched(self._command, spec, folder, self._limits.seconds, self._started(job_id), self._teller(job_id, steps))
        return _left(folder, code, self._limits)

    def _started(self, job_id: str) -> Callable[[subprocess.Popen[str]], None]:
        """Keeps a job's process within reach while it runs; one dismissed before it started is killed at once."""

        def keep(process: subprocess.Popen[str]) -> None:
            with self._changed:
                self._processes[job_id] = process
                if self._jobs[job_id].status in FINISHED:
                    _kill(process)

        return keep

    def _teller(self, job_id: str, steps: tuple[str, ...]) -> Callable[[str, float], None]:
        def tell(step: str, share: float) -> None:
            done = (steps.index(step) + share) / len(steps) if step in steps else 0.0
            with self._changed:
                job = self._jobs[job_id]
                if job.status == "running":
                    percent = max(job.progress, min(int(100 * done), 99))
                    self._jobs[job_id] = dataclasses.replace(job, message=step, progress=percent)

        return tell

    def _end(self, job_id: str, **facts: Any) -> None:
        """Say how a job ended; what was said first stays."""
        with self._changed:
            if self._jobs[job_id].status not in FINISHED:
                self._jobs[job_id] = dataclasses.replace(self._jobs[job_id], finished=_now(), **facts)


def _watched(
    command: tuple[str, ...], spec: dict[str, Any], folder: Path, seconds: float,
    started: Callable[[subprocess.Popen[str]], None], tell: Callable[[str, float], None],
) -> int:
    """Run the worker to its end, or to the end of its time; its exit code. What it starts is in its session and ends with it."""
    with (
        (folder / "stderr").open("wb") as complaints,
        subprocess.Popen(  # noqa: S603 (our own module)
            command, cwd=folder, env=_environment(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints,
            text=True, start_new_session=True,
        ) as worker,
    ):
        clock = threading.Timer(seconds, _kill, (worker,))
        clock.start()
        try:
            started(worker)
            _send(worker, spec)
            for line in worker.stdout or ():
                _tell(line, tell)
            return worker.wait()
        finally:
            clock.cancel()
            _kill(worker)


def _tell(line: str, tell: Callable[[str, float], None]) -> None:
    """Pass progress on; a library's own words, or half a line of a killed worker, are none."""
    try:
        step, share = json.loads(line)
        tell(str(step), float(share))
    except (ValueError, TypeError):
        return


def _send(worker: "subprocess.Popen[str]", spec: dict[str, Any]) -> None:
    if worker.stdin is None:
        return
    try:
        worker.stdin.write(json.dumps(spec) + "\n")
        worker.stdin.flush()
    except BrokenPipeError:  # it is dead already, which its exit code will say; what it did not read is let go
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.close()


def _kill(process: "subprocess.Popen[str] | None") -> None:
    """Kill a worker with all that it started; a process that has ended, but was not yet waited for, keeps its number."""
    if process is None or process.returncode is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _left(folder: Path, code: int, limits: JobLimits) -> Run:
    """The run that the worker left, or the error."""
    if (folder / "run.json").is_file() and code == 0:
        return run_of(json.loads((folder / "run.json").read_text(encoding="utf-8")))
    if (folder / "error.json").is_file():
        facts = json.loads((folder / "error.json").read_text(encoding="utf-8"))
        kind: type[GeoRiskError] = getattr(errors, facts.pop("kind"))
        raise kind(facts.pop("what"), **facts)
    if code > 0:
        raise GeoRiskError(
            "the job met a fault of ours", where="job", got=f"status {code}", then="tell whoever runs the service what was asked",
        )
    raise ParameterError(
        "the job's process was ended before it was done", where="job",
        expected=f"at most {limits.seconds:g} s and {limits.memory_bytes // 10**6} MB",
        got=f"signal {-code}" if code < 0 else "no result",
        then="ask for less, or let whoever runs the service raise the limits",
    )


def _not_started(error: OSError) -> GeoRiskError:
    return GeoRiskError("the job could not be started", where="job", got=type(error).__name__, then="tell whoever runs the service")


def _environment(folder: Path) -> dict[str, str]:
    """Only what Python needs to start, and GDAL's restraints."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {**passed, **environment(), "PYTHONPATH": _ROOT, "PYTHONUTF8": "1", "HOME": str(folder), "TMPDIR": str(folder)}


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="milliseconds")
