"""What the service answers from: the newest snapshot it could get, and how it stands with the store."""

import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

from geo_risk.errors import StoreError
from layers._store import Snapshot, Store

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A snapshot, when it was last confirmed with the store, and what is wrong if it could not be."""

    snapshot: Snapshot
    confirmed_at: dt.datetime
    problem: str = ""


class Follower:
    """Keeps the newest snapshot in memory while others write the store; a lost store leaves the last one in place.

    ``warm`` is called on each new snapshot before it is served, so that no request waits for an index.
    """

    def __init__(self, store: Store, poll_s: float, warm: Callable[[Snapshot], None]) -> None:
        self._store, self._poll_s, self._warm = store, poll_s, warm
        self._stopped = threading.Event()
        snapshot = store.snapshot()
        warm(snapshot)
        self._served = Served(snapshot=snapshot, confirmed_at=_now())
        self._thread = threading.Thread(target=self._follow, name="snapshot-follower", daemon=True)

    def served(self) -> Served:
        """What to answer from now; a request takes it once and keeps it to its end."""
        return self._served

    def start(self) -> None:
        """Begin to follow the store."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following; the store is the caller's to close."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def refresh(self) -> None:
        """Bring the served snapshot forward once; on a store error keep the last and say so."""
        try:
            snapshot = self._store.snapshot()
        except StoreError as error:
            if not self._served.problem:
                _log.error("the store cannot be read; serving the last snapshot: %s", error.what)
            self._served = replace(self._served, problem=error.what)
            return
        if snapshot is not self._served.snapshot:
            self._warm(snapshot)
        self._served = Served(snapshot=snapshot, confirmed_at=_now())

    def _follow(self) -> None:
        while not self._stopped.wait(self._poll_s):
            self.refresh()


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)
