"""The one writer: a thread with one connection; writes that wait are committed together, and answered after COMMIT."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import sqlalchemy as sa

from geo_risk.errors import StoreUnavailable
from layers._store.faults import told

_TOGETHER: Final = 20_000
"""Rows committed together at most, so that a small write does not wait for a large one behind it."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One write: work inside a transaction, of about so many rows, and the future of its result."""

    work: Callable[[sa.Connection], Any]
    rows: int
    done: Future[Any] = field(default_factory=Future)


class Writer:
    """Runs jobs in the order they came, on one connection. ``commits`` counts the transactions committed.

    ``check`` is called before each transaction and stops it by raising.
    """

    def __init__(self, connection: sa.Connection, path: Path, check: Callable[[], None]) -> None:
        self.commits = 0
        self._connection, self._path, self._check = connection, path, check
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        # a daemon: leaving the program in mid-write is a crash like any other, and undone like one
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> Future[Any]:
        """Queue a write. Its future resolves only after COMMIT returned, or with the error that undid it."""
        with self._changed:
            if self._closed:
                raise StoreUnavailable("the store is closed", where=self._path.name, expected="an open store", then="open it again")
            self._waiting.append(job)
            self._changed.notify()
        return job.done

    def close(self) -> None:
        """Finish what waits, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        # a call a group, so that a job and its frame are let go before the wait for the next
        while self._commit_next():
            pass

    def _commit_next(self) -> bool:
        group = self._next_group()
        self._commit(group)
        return bool(group)

    def _next_group(self) -> list[Job]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            group: list[Job] = []
            while self._waiting and (not group or sum(job.rows for job in group) + self._waiting[0].rows <= _TOGETHER):
                group.append(self._waiting.popleft())
            return group

    def _commit(self, jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        results: list[Any] = []
        with _Attempt() as attempt, told(self._path):
            self._check()
            with self._connection.begin():
                results = [job.work(self._connection) for job in jobs]
        if attempt.error is None:
            self.commits += 1
            for job, result in zip(jobs, results, strict=True):
                job.done.set_result(result)
        elif len(jobs) == 1:
            jobs[0].done.set_exception(attempt.error)
        else:
            # one of them failed and undid all: each alone, so that only the culprit hears of it
            for job in jobs:
                self._commit([job])


class _Attempt(AbstractContextManager["_Attempt"]):
    """Keeps the block's error instead of raising it here: it is raised where the future is waited for."""

    error: BaseException | None = None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        self.error = error
        return True
