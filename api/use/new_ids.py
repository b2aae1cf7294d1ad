"""Ids for features that came without one: ULIDs, which sort as they were made."""

import random
import secrets
import threading
import time
from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 26
_CHANCE: Final = random.Random(secrets.randbits(256))  # noqa: S311 (an id is no secret; asking the system lets go of the GIL)


class Ulids:
    """Numbers of 128 bits: the millisecond, then chance; within one, or after a clock stepped back, more than the last one."""

    def __init__(self) -> None:
        self._last, self._making = 0, threading.Lock()

    def number(self) -> int:
        """The next."""
        with self._making:
            self._last = max((time.time_ns() // 1_000_000 << 80) | _CHANCE.getrandbits(80), self._last + 1)
            return self._last


_ULIDS: Final = Ulids()


def new_id(source: str) -> str:
    """An id that nobody has: ``report:`` and a ULID."""
    number = _ULIDS.number()
    return f"{source}:" + "".join(_DIGITS[(number >> shift) & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))
