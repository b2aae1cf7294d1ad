"""An event loop that waits for nothing: where it would sleep, its clock jumps to what is due next.

What is asserted about delays of milliseconds then holds on any machine, however busy. For code that starts no threads and reads
no sockets: those would come too late.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


class _Jumping(selectors.DefaultSelector):
    """Tells at once what is ready, and adds up what it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is not None else None)
        if not ready:
            self.now += timeout or 0.0
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._clock = _Jumping()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def run(main: Coroutine[Any, Any, Result]) -> Result:
    """As `asyncio.run`, by such a clock.

    >>> async def hour():
    ...     before = asyncio.get_running_loop().time()
    ...     await asyncio.sleep(3600)
    ...     return asyncio.get_running_loop().time() - before
    >>> run(hour())
    3600.0
    """
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(main)
