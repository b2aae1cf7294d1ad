"""Log lines: JSON to stderr, one a request; no names, no queries, no bodies, no addresses.

Text from outside cannot begin a line of its own or colour a terminal: values are written as JSON, or as Python would show
them. Of an error that is not ours only its kind and where it happened are written, not its words: they may hold data.
"""

import atexit
import json
import logging
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, WrappedLogger

from api.guard import Exchange
from api.request_id import REQUEST_ID
from geo_risk.errors import GeoRiskError

ACCESS: Final = "geo_risk.access"
_NOT_SHOWN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_FRAMES: Final = 12
_GATHER_S: Final = 0.1


def configure(form: Literal["json", "console"] = "json", stream: TextIO | None = None) -> None:
    """Send every log line of the process, uvicorn's and our own, to stderr in one form."""
    written = _as_json if form == "json" else _as_line
    foreign = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[_of_record, _at_request, _told_error],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, written],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(foreign)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    structlog.configure(
        processors=[_at_request, structlog.processors.add_log_level, _told_error, written],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(stream or cast("TextIO", Gathered(sys.stderr))),
        cache_logger_on_first_use=False,
    )


class Gathered:
    """A stream whose lines are written together, by a thread of its own: to write each would let go of the GIL in every request."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lines: deque[str] = deque()
        self._some = threading.Event()
        self._writing = threading.Lock()
        threading.Thread(target=self._run, name="log", daemon=True).start()
        atexit.register(self.drain)

    def write(self, text: str) -> int:
        """Take a line, or a part of one."""
        self._lines.append(text)
        if not self._some.is_set():
            self._some.set()
        return len(text)

    def flush(self) -> None:
        """Nothing: it is written soon, and at the end."""

    def drain(self) -> None:
        """Write all there is now."""
        with self._writing:
            text = "".join(self._lines.popleft() for _ in range(len(self._lines)))
            if text:
                self._stream.write(text)
                self._stream.flush()

    def _run(self) -> None:
        while True:
            self._some.wait()
            time.sleep(_GATHER_S)
            self._some.clear()
            with suppress(OSError, ValueError):  # who read the log is gone: what is left to do is to answer
                self.drain()


def access(*, addresses: bool = False) -> Callable[[Exchange], None]:
    """What writes one line for each request when it is over; nothing where logs are not configured."""
    if not structlog.is_configured():
        return lambda _: None
    write = structlog.get_logger().bind(logger=ACCESS).info

    def tell(exchange: Exchange) -> None:
        caller = exchange.scope["state"].get("caller")
        about = {
            "method": exchange.scope["method"] if exchange.scope["method"] in METHODS else "other",
            "route": exchange.route,
            "status": exchange.status,
            "ms": round((time.perf_counter() - exchange.began) * 1000, 1),
            "bytes": exchange.sent,
            "role": caller.role if caller else "none",
            "by": caller.by if caller else "none",
        }
        if exchange.overdue:
            about["overdue"] = True
        if addresses:
            about["address"] = (exchange.scope.get("client") or ("",))[0]
        write("request", **about)

    return tell


METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _at_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The time, and the id of the request that the line is about."""
    seconds, part = divmod(int(time.time() * 1000), 1000)
    event["at"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{part:03d}Z"
    if request_id := REQUEST_ID.get():
        event["request_id"] = request_id
    return event


def _of_record(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Level and logger of a line that came by the standard library."""
    record: logging.LogRecord = event["_record"]
    event.update(level=record.levelname.lower(), logger=record.name)
    return event


def _told_error(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An error as its kind and where it was raised; in words only if they are ours."""
    given = event.pop("exc_info", None)
    found = given[1] if isinstance(given, tuple) else sys.exc_info()[1] if given is True else given
    if isinstance(found, BaseException):
        event["error"] = type(found).__name__
        if isinstance(found, GeoRiskError):
            event["said"] = str(found)
        event["raised_in"] = _frames(found)
    return event


def _frames(error: BaseException) -> list[str]:
    found, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{trace.tb_frame.f_globals.get('__name__', '?')}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found[-_FRAMES:]


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return json.dumps(event, ensure_ascii=True, default=_plain)


def _as_line(_: WrappedLogger, __: str, event: EventDict) -> str:
    """``at level event key=value ...``, each value on the line and harmless to a terminal."""
    first = " ".join(_harmless(event.pop(key, "")) for key in ("at", "level", "event"))
    return " ".join((first, *(f"{key}={_harmless(value)}" for key, value in event.items())))


def _harmless(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=_plain)
    return _NOT_SHOWN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> str:
    return str(value)[:200]
