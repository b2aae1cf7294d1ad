"""What the service answers from: the newest snapshot it could get, and how it stands with the store."""

import datetime as dt
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from shapely.errors import ShapelyError

from geo_risk.errors import GeoRiskError
from layers._store import Snapshot, Store

_log = logging.getLogger(__name__)
_SILENCE: Final = dt.timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Served:
    """A snapshot, when it was last confirmed with the store, and what is wrong if it could not be."""

    snapshot: Snapshot
    confirmed_at: dt.datetime
    problem: str = ""

    def standing(self) -> str:
        """What is wrong now, or nothing: a problem met, or no word with the store for longer than any import takes."""
        silent = _now() - self.confirmed_at > _SILENCE
        return self.problem or ("the store was not asked for longer than it should be" if silent else "")


class Follower:
    """Keeps the newest snapshot in memory while others write the store; a lost store leaves the last one in place.

    ``warm`` is called on each new snapshot before it is served, so that no request waits for an index.
    """

    def __init__(self, store: Store, poll_s: float, warm: Callable[[Snapshot], None]) -> None:
        self._store, self._poll_s, self._warm = store, poll_s, warm
        self._stopped, self._refreshing = threading.Event(), threading.Lock()
        self._refused: Snapshot | None = None  # one that could not be made ready is not tried again and again
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
        """Bring the served snapshot forward once; if that cannot be done keep the last one and say so."""
        with self._refreshing:
            self._refresh()

    def _refresh(self) -> None:
        try:
            snapshot = self._store.snapshot()
            if snapshot is self._refused:
                return
            self._refused = snapshot
            if snapshot is not self._served.snapshot:
                self._warm(snapshot)
        except (GeoRiskError, ShapelyError) as error:
            self._say(error.what if isinstance(error, GeoRiskError) else "a geometry of the newest revision cannot be worked with")
            return
        self._refused = None
        self._served = Served(snapshot=snapshot, confirmed_at=_now())

    def _say(self, problem: str) -> None:
        if problem != self._served.problem:
            _log.error("serving the last snapshot, of revision %s: %s", self._served.snapshot.revision, problem)
        self._served = replace(self._served, problem=problem)

    def _follow(self) -> None:
        while not self._stopped.wait(self._poll_s):
            self.refresh()


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)
