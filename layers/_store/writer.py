"""The one writer: a thread with one connection; writes that wait are committed together, and answered after COMMIT."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from geo_risk.errors import Busy, GeoRiskError, StoreCorrupt, StoreError, StoreUnavailable
from layers._store.database import Database
from layers._store.group import Group, together
from layers._store.log import require_continues, restate_head, state_head
from layers._store.sql import directly
from layers._store.standing import Wanted

_TOGETHER: Final = 20_000
"""Rows committed together at most, so that a small write does not wait for a large one behind it."""
LookUp = Callable[[sa.Connection, Group, Sequence[Wanted]], None]
_HEAL_S: Final = 1.0
"""How long after a failure it is looked whether its cause is gone, where no write asks before."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One write: work inside a transaction, of about so many rows, and the future of its result.

    With ``wanted``, which is looked up before for many together, it drafts what it would put in and writes nothing itself.

    It is given up with `Busy` if it cannot begin by the moment ``begin_by`` of the monotonic clock, and left out if its future
    was cancelled by then.
    """

    work: Callable[[sa.Connection], Any]
    rows: int = 1
    begin_by: float | None = None
    wanted: Wanted | None = None
    done: Future[Any] = field(default_factory=Future)

    def is_wanted(self) -> bool:
        """Whether somebody still waits for it; from now on nobody can take it back."""
        return self.done.running() or self.done.set_running_or_notify_cancel()

    def may_begin(self) -> bool:
        """Whether the job is still wanted and in time; one that is late is told so."""
        if not self.is_wanted():
            return False
        if self.begin_by is not None and time.monotonic() > self.begin_by:
            self.done.set_exception(
                Busy("the store is at work on other writes; nothing was changed", expected="a write that begins in time",
                     then="send it again, with the same idempotency key")
            )  # fmt: skip
            return False
        return True


class _NotTogether(Exception):
    """What was drafted together cannot be put in together, and was not; the cause is what the database said of it."""


class Writer:
    """Runs jobs in the order they came, on one connection.

    Jobs that draft go together, and so do those that write themselves. Drafts that the database does not take together are worked
    out again one by one, each in a transaction of its own: what one of them holds does no harm to the others.

    ``commits`` counts the transactions committed, ``writes`` the jobs in them, ``busy_s`` the seconds they took.

    A connection on which something failed that is not a job's own fault is let go of: what the disk did not take is never
    tried again on it. Then ``problem`` says what it was, and each new connection must first prove itself: what the failure may
    have left unwritten is written again, the log must still hold what was acknowledged last, and a transaction of nothing must
    go through. That is tried with the next write, and about once a second without one.
    """

    def __init__(self, database: Database, look_up: LookUp, committed: Callable[[], None] = lambda: None) -> None:
        self.commits = self.writes = 0
        self.busy_s = 0.0
        self._database, self._look_up, self._committed_one = database, look_up, committed
        self._connection: sa.Connection | None = None
        self._acknowledged: str | None = None
        self._fault: BaseException | None = None
        self._heal_at = 0.0
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._closed = False
        # a daemon: leaving the program in mid-write is a crash like any other, and undone like one
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def problem(self) -> str:
        """Why the last transaction failed, until one goes through again; else nothing."""
        fault = self._fault
        return "" if fault is None else fault.what if isinstance(fault, GeoRiskError) else "the store's writer failed"

    def submit(self, job: Job) -> Future[Any]:
        """Queue a write. Its future resolves only after COMMIT returned, or with the error that undid it."""
        with self._changed:
            if self._closed:
                raise StoreUnavailable(
                    "the store is closed", where=self._database.where, expected="an open store", then="open it again",
                )
            self._waiting.append(job)
            self._changed.notify()
        return job.done

    def close(self) -> None:
        """Finish what waits, then stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()
        self._let_go()

    def _run(self) -> None:
        # a call a group, so that a job and its frame are let go before the wait for the next
        while self._step():
            pass

    def _step(self) -> bool:
        group = self._next_group()
        if group:
            self._commit(group)
        elif self._fault is not None and not self._closed:
            self._heal()
        return bool(group) or not self._closed

    def _next_group(self) -> list[Job]:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout=_HEAL_S if self._fault else None)
            group: list[Job] = []
            rows = 0
            while self._waiting and (not group or _goes_with(group, rows, self._waiting[0])):
                group.append(self._waiting.popleft())
                rows += group[-1].rows
            return group

    def _commit(self, jobs: Sequence[Job]) -> None:
        if self._fault is not None and not self._heal():
            _refuse(jobs, self._fault)
            return
        try:
            with self._database.told():
                self._database.require_there()
                done = self._committed(jobs)
        except _NotTogether:
            self._let_go()
            for job in [each for each in jobs if not each.done.done()]:
                self._commit([job])
            return
        except BaseException as error:  # noqa: BLE001 - it is raised where the futures are waited for
            self._let_go()
            self._fault = error if isinstance(error, StoreError) else None
            _refuse(jobs, error)
            return
        for job, result, refusal in done:
            if refusal is None:
                job.done.set_result(result)
            else:
                job.done.set_exception(refusal)
        if done:
            self._committed_one()

    def _committed(self, jobs: Sequence[Job]) -> list[tuple[Job, Any, BaseException | None]]:
        connection, since = self._connected(), time.perf_counter()
        with connection.begin() as transaction, together(connection) as group:
            with _alone(len(jobs)), self._database.told():
                self._look_up(connection, group, [job.wanted for job in jobs if job.wanted])
            # asked when its turn has come: another process, or the job before, may have held it up
            done = [(job, *self._attempted(connection, group, job)) for job in jobs if job.may_begin()]
            if all(error is not None for _, _, error in done):
                transaction.rollback()
                return done
            with _alone(len(jobs)), self._database.told():
                group.put_in(connection)
            acknowledged = state_head(connection, group)
            if group.tail.grew and group.tail.head:
                self._database.announce(connection, group.tail.head[0])
        self._acknowledged, self.commits = acknowledged, self.commits + 1
        self.writes += sum(error is None for _, _, error in done)
        self.busy_s += time.perf_counter() - since
        return done

    def _attempted(self, connection: sa.Connection, group: Group, job: Job) -> tuple[Any, BaseException | None]:
        """A job: what it raises undoes it alone, and the others of its group go on."""
        known = group.tail
        if job.wanted is None:
            directly(connection, "SAVEPOINT job")
        try:
            with self._database.told():
                result = job.work(connection)
        except BaseException as error:
            if isinstance(error, StoreUnavailable) and error.__cause__ is not None:
                raise  # the disk's or the connection's fault, not the job's: all of the group fail
            if job.wanted is None:
                _back_to_savepoint(connection, error)
            group.tail = known
            return None, error
        if job.wanted is None:
            directly(connection, "RELEASE SAVEPOINT job")
        return result, None

    def _connected(self) -> sa.Connection:
        if self._connection is None:
            self._connection = self._database.connect(writes=True)
        return self._connection

    def _heal(self) -> bool:
        """Whether a new connection proves itself; not tried again at once where the last one did not."""
        if time.monotonic() < self._heal_at:
            return False
        try:
            with self._database.told():
                self._prove()
        except StoreError as error:
            self._let_go()
            self._fault, self._heal_at = error, time.monotonic() + _HEAL_S / 4
            return False
        self._fault = None
        return True

    def _prove(self) -> None:
        self._database.require_there()
        connection = self._connected()
        with connection.begin():
            self._database.made_sure(connection)
            require_continues(connection, self._acknowledged)
            restate_head(connection)

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._database.let_go(connection)


def _refuse(jobs: Sequence[Job], error: BaseException) -> None:
    for job in jobs:
        if not job.done.done() and job.is_wanted():
            job.done.set_exception(error)


def _goes_with(group: Sequence[Job], rows: int, job: Job) -> bool:
    """Whether the job may be committed with these: not too much at once, and all of them draft or none."""
    return rows + job.rows <= _TOGETHER and (job.wanted is None) == (group[0].wanted is None)


@contextmanager
def _alone(jobs: int) -> Iterator[None]:
    """What the values of one job may be the fault of, told as a reason to take each of several jobs alone."""
    try:
        yield
    except (StoreCorrupt, ArithmeticError, ValueError, TypeError) as error:
        if jobs == 1:
            raise
        raise _NotTogether from error


def _back_to_savepoint(connection: sa.Connection, error: BaseException) -> None:
    try:
        directly(connection, "ROLLBACK TO SAVEPOINT job")
    except (DBAPIError, connection.dialect.loaded_dbapi.Error):
        raise error from None  # the database gave up the whole transaction: all of the group fail
