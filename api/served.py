"""What the service answers from: the newest snapshot it could get, and how it stands with the store (docs/live.md)."""

import asyncio
import datetime as dt
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

from shapely.errors import ShapelyError

from geo_risk.errors import GeoRiskError, StoreError
from layers._store import Snapshot
from layers._store.moments import Moment
from layers._store.saved import save

_log = logging.getLogger(__name__)
_SILENCE: Final = dt.timedelta(minutes=2)
_REST_S: Final = 0.2
"""Between two refreshes while writes go on: what came meanwhile is served together."""
_SHARE: Final = 4.0
"""A thread that worked rests this many times as long: it is never more than a fifth of one core."""
_WARM_REST_S: Final = 1.0
_WARM_SHARE: Final = 20.0
"""While writes go on, figures are made ahead for a twentieth of the time: what a question needs it makes itself."""
_MUCH: Final = 5_000
"""Changes from which on a restart no longer puts them on top of what was kept: it reads the store, which takes long."""
_MUCH_S: Final = 60.0
"""After so long a snapshot that is that far behind is kept anew."""
_END_S: Final = 2.0
"""How long the end waits for a thread at work: it keeps nothing that must be finished."""
Published = Callable[["Served", "Served"], None]


class Source(Protocol):
    """What a follower asks of a store."""

    @property
    def problem(self) -> str:
        """Why the last write failed, or nothing."""

    def snapshot(self) -> Snapshot:
        """All current rows at the last revision."""

    def on_change(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back when something was committed, until the end is called."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A snapshot, when it was last confirmed with the store, and what is wrong if it could not be.

    ``moment`` is what of the past was asked about.
    ``lacking`` says why the newest revision's figures cannot be made, where they cannot; what was read is right all the same.
    """

    snapshot: Snapshot
    confirmed_at: dt.datetime
    problem: str = ""
    lacking: str = ""
    moment: Moment | None = None

    @property
    def now(self) -> dt.datetime:
        """The moment that the snapshot shows: now, or that of the past which was asked about."""
        return _now() if self.moment is None else dt.datetime.fromisoformat(self.moment.true_at)

    def standing(self) -> str:
        """What is wrong now, or nothing: a problem met, or no word with the store for longer than any import takes."""
        silent = _now() - self.confirmed_at > _SILENCE
        return self.problem or ("the store was not asked for longer than it should be" if silent else "") or self.lacking

    def age_s(self) -> int:
        """Seconds since the store last said that this is the newest."""
        return max(0, int((_now() - self.confirmed_at).total_seconds()))


class Follower:
    """Keeps the newest snapshot in memory while others write the store; a lost store leaves the last one in place.

    A snapshot is served as soon as it is there; ``warm`` makes afterwards, in a thread of its own, what is expensive: a question
    that comes before makes what it needs itself. With ``keep`` the snapshot is kept in that file, at most every ``keep_every_s``
    (every minute, where much came meanwhile) and at the end; ``first`` is one to begin with, where the store cannot be asked.
    """

    def __init__(
        self, store: Source, poll_s: float, warm: Callable[[Snapshot], None], *,
        first: Served | None = None, keep: Path | None = None, keep_every_s: float = 300.0,
    ) -> None:  # fmt: skip
        self._store, self._poll_s, self._warm = store, poll_s, warm
        self._stopped, self._woken, self._fresh = threading.Event(), threading.Event(), threading.Event()
        self._hurried = threading.Event()
        self._refreshing, self._waiting, self._saving = threading.Lock(), threading.Lock(), threading.Lock()
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self._listeners: list[Published] = []
        self._keep, self._keep_every_s, self._kept_at = keep, keep_every_s, time.monotonic()
        self._kept = -1 if first is None else first.snapshot.revision
        self._served = self._begun(first)
        self._threads = [
            threading.Thread(target=work, name=name, daemon=True)
            for name, work in (("snapshot-follower", self._follow), ("snapshot-tender", self._tend))
        ]
        self._unheard = store.on_change(self._woken.set)

    def served(self) -> Served:
        """What to answer from now; a request takes it once and keeps it to its end."""
        return self._served

    async def at_least(self, revision: int, seconds: float) -> Served:
        """What is served once it has that revision, or at the latest after so long."""
        ends = time.monotonic() + seconds
        if self._served.snapshot.revision < revision:
            self._hurried.set()
        while self._served.snapshot.revision < revision and (left := ends - time.monotonic()) > 0:
            await self._next(left)
        return self._served

    def on_publish(self, listener: Published) -> None:
        """Call back, from the follower's thread, after each new snapshot or standing with what was and what is served."""
        self._listeners.append(listener)

    def start(self) -> None:
        """Begin to follow the store."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop following, and keep the last snapshot on the disk; the store is the caller's to close."""
        self._stopped.set()
        self._woken.set()
        self._fresh.set()
        self._hurried.set()
        self._unheard()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=_END_S)
        self._save()

    def refresh(self) -> None:
        """Bring the served snapshot forward once; if that cannot be done keep the last one and say so."""
        with self._refreshing:
            before = self._served
            try:
                snapshot = self._store.snapshot()
            except StoreError as error:
                self._publish(replace(before, problem=error.what))
                return
            lacking = before.lacking if snapshot is before.snapshot else ""
            self._publish(Served(snapshot=snapshot, confirmed_at=_now(), problem=self._store.problem, lacking=lacking))

    def _begun(self, first: Served | None) -> Served:
        try:
            return Served(snapshot=self._store.snapshot(), confirmed_at=_now())
        except StoreError as error:
            if first is None:
                raise
            _log.error("serving the snapshot that was kept on the disk, of revision %s: %s", first.snapshot.revision, error.what)
            return replace(first, problem=error.what)

    def _publish(self, served: Served) -> None:
        before, self._served = self._served, served
        if served.problem and served.problem != before.problem:
            _log.error("serving the last snapshot, of revision %s: %s", served.snapshot.revision, served.problem)
        if served.snapshot is not before.snapshot or served.problem != before.problem:
            for listener in self._listeners:
                listener(before, served)
        if served.snapshot is not before.snapshot:
            self._fresh.set()
            with self._waiting:
                waiters, self._waiters = self._waiters, []
            for loop, turned in waiters:
                with suppress(RuntimeError):  # its loop ended meanwhile: nobody waits
                    loop.call_soon_threadsafe(turned.set)

    async def _next(self, seconds: float) -> None:
        loop, turned = asyncio.get_running_loop(), asyncio.Event()
        known = self._served
        with self._waiting:
            self._waiters.append((loop, turned))
        if self._served.snapshot is known.snapshot:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await turned.wait()

    def _follow(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait(self._poll_s)
            self._woken.clear()
            known, began = self._served.snapshot, time.thread_time()
            self.refresh()
            if self._served.snapshot is not known:
                # somebody who waits for what he wrote himself ends the rest
                self._hurried.wait(max(_REST_S, _SHARE * (time.thread_time() - began)))
                self._hurried.clear()

    def _tend(self) -> None:
        warmed: Snapshot | None = None
        while not self._stopped.is_set():
            self._fresh.wait(_WARM_REST_S) if warmed is not None else None
            self._fresh.clear()
            began, snapshot = time.thread_time(), self._served.snapshot
            if snapshot is not warmed:
                self._make_warm(snapshot)
                warmed = snapshot
            if self._is_due():
                self._save()
            if snapshot is self._served.snapshot:
                continue
            self._stopped.wait(max(_WARM_REST_S, _WARM_SHARE * (time.thread_time() - began)))

    def _make_warm(self, snapshot: Snapshot) -> None:
        try:
            self._warm(snapshot)
        except (GeoRiskError, ShapelyError) as error:
            lacking = error.what if isinstance(error, GeoRiskError) else "a geometry of the newest revision cannot be worked with"
            _log.error("revision %s is served, but its figures cannot be made: %s", snapshot.revision, lacking)
            with self._refreshing:
                if self._served.snapshot is snapshot:
                    self._served = replace(self._served, lacking=lacking)

    def _is_due(self) -> bool:
        behind = self._served.snapshot.revision - max(0, self._kept)
        every_s = min(_MUCH_S, self._keep_every_s) if behind > _MUCH else self._keep_every_s
        return time.monotonic() - self._kept_at > every_s

    def _save(self) -> None:
        with self._saving:
            served = self._served
            if self._keep is None or served.snapshot.revision == self._kept or served.problem:
                return
            self._kept_at = time.monotonic()
            try:
                save(served.snapshot, self._keep)
            except StoreError as error:
                _log.warning("%s", error)
                return
            self._kept = served.snapshot.revision


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)
