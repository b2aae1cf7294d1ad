"""The id of a request: what ties its answer, its line in the log and a complaint to one another."""

import secrets
from contextvars import ContextVar
from itertools import count
from typing import Final

REQUEST_ID: Final[ContextVar[str]] = ContextVar("request_id", default="")
"""That of the request at work here; empty outside of one."""

_PROCESS: Final = secrets.token_hex(4).encode()
_NUMBERS: Final = count()


def new_request_id() -> bytes:
    """An id for a request that brought none; not by chance each time: to ask the system for it lets go of the GIL."""
    return b"%s%08x" % (_PROCESS, next(_NUMBERS) & 0xFFFFFFFF)
