"""Long arrays in spans, on all cores: compiled kernels release the interpreter, so plain threads share the work.

Kernels are compiled serial with ``nogil=True`` and never with numba's own ``parallel=True``: its default thread pool
ends the process when two requests enter it at once.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, TypeVar

Piece = TypeVar("Piece")
Result = TypeVar("Result")
_allowed: Final[ContextVar[int | None]] = ContextVar("threads", default=None)


def threads() -> int:
    """How many threads work may take here: as many as this process has cores, unless `with_threads` says fewer."""
    return _allowed.get() or len(os.sched_getaffinity(0))


@contextmanager
def with_threads(count: int) -> Iterator[None]:
    """Within it, `over_spans` takes that many threads; a worker among several takes one.

    >>> with with_threads(1):
    ...     threads()
    1
    """
    token = _allowed.set(count)
    try:
        yield
    finally:
        _allowed.reset(token)


def spans(count: int, size: int) -> list[slice]:
    """Slices of at most ``size`` that cover ``count`` in order.

    >>> spans(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    >>> spans(0, 2)
    []
    """
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def over_spans(work: Callable[[slice], Result], parts: Iterable[slice]) -> list[Result]:
    """What ``work`` gives for each span, in the order of the spans, on the threads allowed.

    >>> over_spans(lambda part: part.stop - part.start, spans(5, 2))
    [2, 2, 1]
    """
    listed = list(parts)
    count = min(threads(), len(listed))
    if count <= 1:
        return [work(part) for part in listed]
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(work, listed))


def each_here(
    work: Callable[[Piece], Result], pieces: Sequence[Piece], progress: Callable[[float], None]
) -> list[Result]:
    """The results in this process, one piece after the other; ``progress`` hears the share done and may raise to stop."""
    found = []
    with with_threads(1):
        for number, piece in enumerate(pieces, start=1):
            found.append(work(piece))
            progress(number / len(pieces))
    return found
