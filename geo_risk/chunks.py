"""Long arrays in spans, on all cores: compiled kernels release the interpreter, so plain threads share the work.

Kernels are compiled serial with ``nogil=True`` and never with numba's own ``parallel=True``: its default thread pool
ends the process when two requests enter it at once.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

Result = TypeVar("Result")
THREADS: Final = len(os.sched_getaffinity(0))


def spans(count: int, size: int) -> list[slice]:
    """Slices of at most ``size`` that cover ``count`` in order.

    >>> spans(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    >>> spans(0, 2)
    []
    """
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def over_spans(work: Callable[[slice], Result], parts: Iterable[slice], threads: int = THREADS) -> list[Result]:
    """What ``work`` gives for each span, in the order of the spans, on that many threads.

    >>> over_spans(lambda part: part.stop - part.start, spans(5, 2))
    [2, 2, 1]
    """
    listed = list(parts)
    if threads <= 1 or len(listed) <= 1:
        return [work(part) for part in listed]
    with ThreadPoolExecutor(min(threads, len(listed))) as pool:
        return list(pool.map(work, listed))
