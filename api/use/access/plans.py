"""Evacuation plans as jobs: made one after the other in a thread, watched, called off, kept while the service runs."""

import asyncio
import datetime as dt
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from api.caller import ANONYMOUS
from geo_risk.errors import Busy, GeoRiskError, NotFound, shown
from layers._store.sight import PUBLIC, WHOLE, Sight

Status = Literal["accepted", "running", "successful", "failed", "dismissed"]
Progress = Callable[[str, float], None]
Work = Callable[[Progress], dict[str, Any]]
WAITING: Final = 20
KEPT: Final = 50


@dataclass(frozen=True, kw_only=True)
class PlanJob:
    """How a plan stands; ``plan`` is there once it is successful, ``error`` once it failed.

    It holds what whoever asked for it may read (``sight``), so it is there for those who may read as much.
    """

    id: str
    status: Status
    created: str
    step: str = ""
    progress: int = 0
    finished: str | None = None
    plan: dict[str, Any] | None = field(default=None, repr=False)
    error: GeoRiskError | None = None
    asked_by: str = ""
    sight: Sight = PUBLIC


class CalledOff(GeoRiskError):
    """Somebody called the plan off while it was made."""


class Plans:
    """The plans of one service. Any thread may call it; ``close`` waits for the plan that is being made."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[str, PlanJob] = OrderedDict()
        self._futures: dict[str, Future[None]] = {}
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="plans")

    def submit(self, work: Work, asked_by: str = "", sight: Sight = PUBLIC) -> PlanJob:
        """Begin to make a plan, or let it wait for those before it; `Busy` where too many wait.

        Nobody in particular leaves half of the places to others.
        """
        with self._lock:
            waiting = [job.asked_by for job in self._jobs.values() if job.status in ("accepted", "running")]
            if len(waiting) >= WAITING or (asked_by == ANONYMOUS.id and waiting.count(asked_by) >= WAITING // 2):
                raise Busy("too many plans wait to be made", where="evacuations", expected=f"at most {WAITING}", then="come again")
            job = PlanJob(id=uuid.uuid4().hex, status="accepted", created=_now(), asked_by=asked_by, sight=sight)
            self._jobs[job.id] = job
            self._forget()
            self._futures[job.id] = self._pool.submit(self._make, job.id, work)
        return job

    def job(self, job_id: str, sight: Sight = WHOLE) -> PlanJob:
        """The job of that id; `NotFound` where there is none for this sight, or it was forgotten."""
        with self._lock:
            found = self._jobs.get(job_id)
        if found is None or not sight.covers(found.sight):
            raise NotFound("no such plan", where="evacuations", expected="an id that was handed out", got=shown(job_id))
        return found

    def jobs(self, sight: Sight = WHOLE) -> tuple[PlanJob, ...]:
        """All that are remembered and there for this sight, the newest first."""
        with self._lock:
            return tuple(job for job in reversed(self._jobs.values()) if sight.covers(job.sight))

    async def awaited(self, job_id: str, seconds: float) -> PlanJob:
        """The job once it is finished, or as it stands after so many seconds; no thread waits for it."""
        with self._lock:
            future = self._futures.get(job_id)
        if future is not None:
            await asyncio.wait([asyncio.wrap_future(future)], timeout=seconds)
        return self.job(job_id)

    def dismiss(self, job_id: str) -> PlanJob:
        """Call a plan off; one that is being made stops at its next step."""
        job = self.job(job_id)
        if job.status in ("accepted", "running"):
            self._change(job_id, status="dismissed", finished=_now())
        return self.job(job_id)

    def close(self) -> None:
        """Call off what waits, and let what is being made come to its next step."""
        for job in self.jobs():
            self.dismiss(job.id)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _make(self, job_id: str, work: Work) -> None:
        def tell(step: str, share: float) -> None:
            if self.job(job_id).status == "dismissed":
                raise CalledOff("the plan was called off")
            self._change(job_id, status="running", step=step, progress=round(100 * share))

        try:
            tell("begun", 0.0)
            plan = work(tell)
            tell("done", 1.0)
        except CalledOff:
            return
        except GeoRiskError as error:
            self._change(job_id, status="failed", error=error, finished=_now())
            return
        self._change(job_id, status="successful", plan=plan, finished=_now(), progress=100)

    def _change(self, job_id: str, **values: Any) -> None:
        with self._lock:
            job = self._jobs.get(job_id)
            if job is not None and job.status != "dismissed":
                self._jobs[job_id] = replace(job, **values)

    def _forget(self) -> None:
        """The oldest finished plans, beyond those kept."""
        finished = [key for key, job in self._jobs.items() if job.status not in ("accepted", "running")]
        for key in finished[: max(len(finished) - KEPT, 0)]:
            del self._jobs[key]
            self._futures.pop(key, None)


def _now() -> str:
    return dt.datetime.now(tz=dt.UTC).isoformat(timespec="milliseconds")
