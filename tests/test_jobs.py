"""Jobs: bounded, cancelled at once, and never hanging on a worker that dies."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from api.use import jobs as jobs_module
from api.use.jobs import FINISHED, Job, JobLimits, Jobs
from api.use.scenarios import scenario_of
from geo_risk.errors import Busy, GeoRiskError, NotFound, ParameterError
from layers._store import Store, open_store

SCENARIO = scenario_of({"question": "index", "title": "small"})
SLEEPS = "import sys, time; sys.stdin.readline(); print('[\"assess\", 0.5]', flush=True); time.sleep(60)"
Start = Callable[..., Jobs]


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Iterator[Store]:
    (tmp_path / "store.sqlite").write_bytes(small_store.read_bytes())
    with open_store(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.fixture
def start(store: Store, tmp_path: Path) -> Iterator[Start]:
    """Jobs whose workers run the given program, or the real one."""
    opened: list[Jobs] = []

    def begin(program: str | None = None, **limits: float) -> Jobs:
        command = {} if program is None else {"command": (sys.executable, "-c", program)}
        opened.append(Jobs(store, tmp_path / "store.sqlite", None, JobLimits(**limits), **command))  # type: ignore[arg-type]
        return opened[-1]

    yield begin
    for jobs in opened:
        jobs.close()


def until(jobs: Jobs, job: Job, holds: Callable[[Job], bool], seconds: float = 60) -> Job:
    """Wait until something holds of a job."""
    end = time.monotonic() + seconds
    while not holds(jobs.job(job.id)):
        assert time.monotonic() < end, jobs.job(job.id)
        time.sleep(0.02)
    return jobs.job(job.id)


def finished(job: Job) -> bool:
    return job.status in FINISHED


def test_a_job_makes_a_run_and_keeps_it(start: Start, store: Store) -> None:
    jobs = start()
    done = until(jobs, jobs.submit(SCENARIO, "clerk"), finished)
    assert (done.status, done.progress, done.error) == ("successful", 100, None)
    assert jobs.run(done.id).id == done.run == store.runs()[0].id
    assert store.runs()[0].actor == "clerk"


def test_a_job_that_is_refused_says_why(start: Start) -> None:
    jobs = start()
    given = scenario_of({"question": "index", "factors": ["luck"]})
    done = until(jobs, jobs.submit(given, "clerk"), finished)
    assert (done.status, done.message) == ("failed", "no such factor")
    with pytest.raises(ParameterError, match="no such factor; where: factors"):
        jobs.run(done.id)


def test_progress_is_told_while_it_runs_and_a_cancelled_job_is_gone_within_a_second(start: Start) -> None:
    jobs = start(SLEEPS)
    job = until(jobs, jobs.submit(SCENARIO, "clerk"), lambda job: job.message == "assess")
    assert job.progress == 83  # the inputs, reading, and half of the assessment: 2.5 of 3 steps
    worker = jobs._processes[job.id]
    assert jobs.dismiss(job.id).status == "dismissed"
    assert worker.wait(timeout=1) == -signal.SIGKILL
    with pytest.raises(NotFound, match=r"the job has no result.*got: dismissed"):
        jobs.run(job.id)


def test_a_cancelled_worker_takes_its_children_along(start: Start, tmp_path: Path) -> None:
    note = tmp_path / "child"
    child = f"import subprocess, sys; c = subprocess.Popen(['sleep', '60']); open({str(note)!r}, 'w').write(str(c.pid)); c.wait()"
    jobs = start(child)
    job = jobs.submit(SCENARIO, "clerk")
    until(jobs, job, lambda _: note.exists() and note.read_text() != "")
    jobs.dismiss(job.id)
    until(jobs, job, lambda _: not alive(int(note.read_text())), seconds=5)
    assert not alive(int(note.read_text()))


def alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet waited for does not."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_one_that_waits_never_starts_once_dismissed(start: Start) -> None:
    jobs = start(SLEEPS)
    first, second = (jobs.submit(SCENARIO, "clerk") for _ in range(2))
    until(jobs, first, lambda job: job.status == "running")
    assert (jobs.job(second.id).status, jobs.dismiss(second.id).status) == ("accepted", "dismissed")
    jobs.dismiss(first.id)
    third = jobs.submit(SCENARIO, "clerk")
    until(jobs, third, lambda job: job.status == "running")
    assert jobs.job(second.id).started is None


@pytest.mark.parametrize(
    ("program", "says"),
    [
        ("import os; os.kill(os.getpid(), 9)", "got: signal 9"),
        ("pass", "got: no result"),
        ("import os, sys; sys.stdin.close(); os.close(1); os.kill(os.getpid(), 11)", "got: signal 11"),
    ],
)
def test_a_worker_that_dies_is_a_failed_job_with_the_reason(start: Start, program: str, says: str) -> None:
    jobs = start(program)
    done = until(jobs, jobs.submit(SCENARIO, "clerk"), finished)
    assert done.status == "failed"
    with pytest.raises(ParameterError, match=f"ended before it was done.*{says}"):
        jobs.run(done.id)


def test_a_worker_that_ends_with_a_status_met_a_fault_of_ours(start: Start) -> None:
    jobs = start("raise SystemExit(3)")
    done = until(jobs, jobs.submit(SCENARIO, "clerk"), finished)
    with pytest.raises(GeoRiskError, match=r"the job met a fault of ours; .*got: status 3") as met:
        jobs.run(done.id)
    assert type(met.value) is GeoRiskError  # a 500: nothing that was asked can be mended


@pytest.mark.parametrize("words", ["half a li", "[1, 2, 3]", '["assess", "most"]', "null", "\x00"])
def test_words_of_a_library_among_the_progress_stop_no_job(start: Start, words: str) -> None:
    jobs = start(f"print({words!r}, flush=True)")
    first, second = jobs.submit(SCENARIO, "clerk"), jobs.submit(SCENARIO, "clerk")
    assert [until(jobs, job, finished).status for job in (first, second)] == ["failed", "failed"]


def test_a_program_that_is_not_there_is_a_failed_job(store: Store, tmp_path: Path) -> None:
    jobs = Jobs(store, tmp_path / "store.sqlite", None, JobLimits(), command=(str(tmp_path / "none"),))
    done = until(jobs, jobs.submit(SCENARIO, "clerk"), finished)
    with pytest.raises(GeoRiskError, match=r"could not be started.*FileNotFoundError"):
        jobs.run(done.id)
    jobs.close()


def test_a_job_killed_from_outside_fails_and_the_next_one_runs(start: Start) -> None:
    jobs = start(SLEEPS)
    job = until(jobs, jobs.submit(SCENARIO, "clerk"), lambda job: job.message == "assess")
    os.kill(jobs._processes[job.id].pid, signal.SIGKILL)
    assert until(jobs, job, finished).status == "failed"
    until(jobs, jobs.submit(SCENARIO, "clerk"), lambda job: job.status == "running")


def test_a_job_has_its_time(start: Start) -> None:
    jobs = start(SLEEPS, seconds=0.5)
    done = until(jobs, jobs.submit(SCENARIO, "clerk"), finished, seconds=30)
    with pytest.raises(ParameterError, match=r"expected: at most 0.5 s"):
        jobs.run(done.id)


def test_a_job_has_its_memory(start: Start) -> None:
    jobs = start(memory_bytes=300_000_000)
    done = until(jobs, jobs.submit(SCENARIO, "clerk"), finished)
    assert done.status == "failed"


def test_a_full_queue_says_when_to_come_again(start: Start) -> None:
    jobs = start(SLEEPS, waiting=1)
    until(jobs, jobs.submit(SCENARIO, "clerk"), lambda job: job.status == "running")
    jobs.submit(SCENARIO, "clerk")
    with pytest.raises(Busy, match=r"too many jobs wait.*at most 1 waiting"):
        jobs.submit(SCENARIO, "clerk")


def test_nobody_in_particular_leaves_places_to_others_and_goes_after_them(start: Start) -> None:
    jobs = start(SLEEPS, waiting=4)
    running = until(jobs, jobs.submit(SCENARIO, "clerk"), lambda job: job.status == "running")
    anonymous = [jobs.submit(SCENARIO, "anonymous", "anonymous") for _ in range(2)]
    with pytest.raises(Busy, match="too many jobs of people who are not signed in wait"):
        jobs.submit(SCENARIO, "anonymous", "anonymous")
    officers = jobs.submit(SCENARIO, "li", "acc-1")
    jobs.dismiss(running.id)
    until(jobs, officers, lambda job: job.status == "running")
    assert [jobs.job(each.id).status for each in anonymous] == ["accepted", "accepted"]


def test_as_many_run_at_once_as_may(start: Start) -> None:
    jobs = start(SLEEPS, at_once=2)
    given = [jobs.submit(SCENARIO, "clerk") for _ in range(3)]
    for job in given[:2]:
        until(jobs, job, lambda job: job.status == "running")
    assert jobs.job(given[2].id).status == "accepted"


def test_finished_jobs_are_forgotten_beyond_a_number(start: Start) -> None:
    jobs = start("pass", kept=1)
    given = [jobs.submit(SCENARIO, "clerk") for _ in range(3)]
    until(jobs, given[2], finished)
    jobs.submit(SCENARIO, "clerk")
    with pytest.raises(NotFound, match="no such job"):
        jobs.job(given[0].id)
    assert jobs.job(given[2].id)


def test_closing_ends_what_runs_and_what_waits(start: Start) -> None:
    jobs = start(SLEEPS)
    running, waiting = (jobs.submit(SCENARIO, "clerk") for _ in range(2))
    until(jobs, running, lambda job: job.message == "assess")
    worker = jobs._processes[running.id]
    jobs.close()
    assert worker.poll() == -signal.SIGKILL
    assert {jobs.job(job.id).status for job in (running, waiting)} == {"dismissed"}
    with pytest.raises(Busy):
        jobs.submit(SCENARIO, "clerk")


def test_a_worker_whose_parent_is_gone_ends_itself(small_store: Path, tmp_path: Path) -> None:
    import subprocess  # noqa: PLC0415

    program = "import api.use._job_worker as w, time; w._made = lambda job: time.sleep(60); w.main()"
    job = json.dumps({"memory_bytes": 6_000_000_000, "scenario": SCENARIO.canonical(), "store": str(small_store), "folder": ""})
    root = str(Path(__file__).resolve().parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, cwd=tmp_path, env={**os.environ, "PYTHONPATH": root},
        start_new_session=True,
    ) as worker:
        assert worker.stdin is not None
        worker.stdin.write(job.encode() + b"\n")
        worker.stdin.close()
        assert worker.wait(timeout=60) == -signal.SIGKILL


def test_a_worker_that_is_dead_before_it_is_told_anything_leaves_no_error_of_pipes() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"], stdin=subprocess.PIPE, text=True) as worker:
        worker.wait()
        jobs_module._send(worker, {"store": "x" * 100_000})
    assert worker.returncode == 0
