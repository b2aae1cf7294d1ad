"""Python's collector of garbage, and when it had better rest."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Rest:
    """How many want the collector to rest, and whether it was at work before the first of them."""

    def __init__(self) -> None:
        self._lock, self._wanted, self._was = threading.Lock(), 0, False

    def begin(self) -> None:
        with self._lock:
            if not self._wanted:
                self._was = gc.isenabled()
                gc.disable()
            self._wanted += 1

    def end(self) -> None:
        with self._lock:
            self._wanted -= 1
            if not self._wanted and self._was:
                gc.enable()


_REST = _Rest()


@contextmanager
def uncollected() -> Iterator[None]:
    """While much is made that stays, modules or a million geometries: it sets off the collector again and again for nothing.

    The collector goes on when the last of those who want it to rest, in whichever threads, has ended.

    >>> import gc
    >>> with uncollected(), uncollected():
    ...     gc.isenabled()
    False
    >>> gc.isenabled()
    True
    """
    _REST.begin()
    try:
        yield
    finally:
        _REST.end()
