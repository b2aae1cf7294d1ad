"""A database that cannot be opened yet: asked for again with each use, while what was kept on the disk is served."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final, Literal, cast

from geo_risk.errors import StoreError
from layers._store.database import Database

_AGAIN_S: Final = 1.0


def awaited(name: Literal["sqlite", "postgis"], where: str, open_it: Callable[[], Database], error: StoreError) -> Database:
    """A database that opens with the first use for which it can; each use before raises why it could not.

    It is tried at most once a second; ``error`` is why the first try failed.
    """
    return cast("Database", _Awaited(name, where, open_it, error))


class _Awaited:
    def __init__(self, name: str, where: str, open_it: Callable[[], Database], error: StoreError) -> None:
        self.name, self.where = name, where
        self._open_it, self._error, self._tried_at = open_it, error, time.monotonic()
        self._lock = threading.Lock()
        self._there: Database | None = None
        self._listening: list[tuple[Callable[[], None], list[Callable[[], None]]]] = []

    def __getattr__(self, attribute: str) -> Any:
        """What the database itself has, once it is there."""
        return getattr(self._opened(), attribute)

    def told(self) -> AbstractContextManager[None]:
        """As the database tells; until it is there nothing needs translating."""
        return nullcontext() if self._there is None else self._there.told()

    def listen(self, on_change: Callable[[], None]) -> Callable[[], None]:
        """Listen from when it is there, and be called then: all may have changed."""
        stops: list[Callable[[], None]] = []
        with self._lock:
            if self._there is not None:
                return self._there.listen(on_change)
            self._listening.append((on_change, stops))

        def stop() -> None:
            for each in stops:
                each()

        return stop

    def close(self) -> None:
        """Let go of it, if it was opened."""
        if self._there is not None:
            self._there.close()

    def _opened(self) -> Database:
        if self._there is not None:
            return self._there
        with self._lock:
            if self._there is None:
                self._there = self._tried()
                for on_change, stops in self._listening:
                    stops.append(self._there.listen(on_change))
                    on_change()
            return self._there

    def _tried(self) -> Database:
        if time.monotonic() - self._tried_at < _AGAIN_S:
            raise self._error
        try:
            return self._open_it()
        except StoreError as error:
            self._error, self._tried_at = error, time.monotonic()
            raise
