"""Once a day, what the rules of retention keep no longer is removed (docs/backup.md): by one of the services on a store."""

import datetime as dt
import logging
import threading
from typing import Final

from api.use.clock_times import last_time_of_day
from geo_risk.errors import GeoRiskError
from layers._store import Store, retention

_log = logging.getLogger(__name__)
_FIRST_S: Final = 1.0
_EVERY_S: Final = 60.0


class Forgetting:
    """A thread that removes what is due from a time of day on, such as ``03:45``; without a time it never does.

    ``removed`` counts rows that this service removed, by what they were; ``last`` is when any service on the store last ended, in
    seconds since 1970, 0 where none ever did.
    """

    def __init__(self, store: Store, at: str | None) -> None:
        self.removed: dict[tuple[str, ...], float] = {}
        self.last = 0.0
        self._store, self._at = store, at
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="forgetting", daemon=True)

    def start(self) -> None:
        """Begin, if there is a time."""
        if self._at is not None:
            self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait a little for what is at work."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def tend(self, now: dt.datetime) -> None:
        """Forget what is due, unless another service did or does; what fails is tried again later."""
        hour, minute = map(int, (self._at or "00:00").split(":"))
        due = last_time_of_day(hour, minute, now)
        try:
            if not self._is_done(due) and self._store.transact(lambda connection: retention.begin(connection, due)):
                self._forget()
                self._is_done(due)
        except GeoRiskError as error:
            _log.warning("what is due to be forgotten is not yet: %s", error.what)

    def _follow(self) -> None:
        wait_s = _FIRST_S
        while not self._stopped.wait(wait_s):
            self.tend(dt.datetime.now(dt.UTC))
            wait_s = _EVERY_S

    def _is_done(self, due: dt.datetime) -> bool:
        with self._store.read() as connection:
            stated = retention.last_forgotten(connection)
        self.last = dt.datetime.fromisoformat(stated).timestamp() if stated else 0.0
        return self.last >= due.timestamp()

    def _forget(self) -> None:
        counts = retention.forget(self._store)
        self._store.transact(retention.end)
        for what, count in counts.items():
            self.removed[what,] = self.removed.get((what,), 0.0) + count
        _log.info("forgotten by rule: %s", ", ".join(f"{count} {what}" for what, count in counts.items()) or "nothing")
