"""The service on a socket: TLS, a deadline for headers, an end to readers who do not read, and an end that comes in time.

What is refused here never became a request: too many connections, headers that do not end, bytes that are no HTTP.
"""

import asyncio
import logging
import os
import resource
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, ClassVar, Final, Literal

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.certificate import Certificate, certificate_of
from api.guard import SECURITY_HEADERS, Refusal, answer_of
from api.settings import Settings
from geo_risk.errors import Busy, GeoRiskError, ParameterError, TooLarge, TooSlow

_log = logging.getLogger(__name__)
_HANDSHAKE_S: Final = 10.0
_BACKLOG: Final = 2048
_OTHER_FILES: Final = 500
_LINGER_S: Final = 2.0
_UNSENT: Final = 131_072
"""Bytes that the kernel takes before a reader is ready for them: what it takes at once says nothing about the reader."""
_AT_ONCE: Final = struct.pack("ii", 1, 0)
_SLOWEST: Final = 1000
"""Bytes a second that a reader must take at least, over the time in which it is looked at."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """What connections may take. ``message`` is the bytes of one request at most, as they come over the line."""

    connections: int = 3000
    header_s: float = 10.0
    header_bytes: int = 64_000
    message: int = 5_000_000
    stalled_s: float = 30.0


def patience_of(settings: Settings) -> Patience:
    """What the settings state. A body in pieces may carry as much again between them."""
    head = settings.path_max_bytes + settings.query_max_bytes + settings.headers_max_bytes
    return Patience(
        connections=settings.connections_max,
        header_s=settings.header_s,
        header_bytes=2 * head,
        message=2 * (head + settings.body_max_bytes),
        stalled_s=settings.stalled_s,
    )


class Connection(HttpToolsProtocol):
    """One connection. uvicorn reads and writes HTTP; this bounds what it would wait for and keep."""

    patience: ClassVar[Patience] = Patience()

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._header_due: asyncio.TimerHandle | None = None
        self._stall: asyncio.TimerHandle | None = None
        self._head_bytes = self._message_bytes = 0
        self._reading: Literal["nothing", "head", "body"] = "nothing"

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; one connection too many is told so at once."""
        super().connection_made(transport)
        if hasattr(socket, "TCP_NOTSENT_LOWAT"):
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT)
        self._expect_head()
        if len(self.connections) > self.patience.connections:
            self._refuse(503, Busy("too many connections are open", expected=f"at most {self.patience.connections}"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timers."""
        self._head_is_there()
        self._is_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, within the bounds of a head and of a whole message."""
        if self.transport.is_closing():
            return
        if self._reading != "body":
            self._expect_head()
        self._message_bytes += len(data)
        self._head_bytes += len(data)
        super().data_received(data)
        if self._reading == "head" and self._head_bytes > self.patience.header_bytes:
            self._refuse(431, _head_too_long(self.patience))
        elif self._reading == "body" and self._message_bytes > self.patience.message:
            self._refuse(413, _message_too_long(self.patience))

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        # what came with its first bytes is not counted: an earlier request's body may be among it
        self._reading, self._head_bytes, self._message_bytes = "head", 0, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one that follows a body in pieces is dropped: what was checked would no longer be what is read."""
        if self._reading == "head":
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is there."""
        self._head_is_there()
        self._reading = "body"
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The request is there."""
        self._reading = "nothing"
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The answer is given; a body nobody wanted may still come for a little, so that the answer is not lost."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._expect_end()
        elif self._reading == "body":
            self.loop.call_later(_LINGER_S, self._end_unread, self.cycle)

    def pause_writing(self) -> None:
        """The reader does not keep up; look again in a while."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The reader keeps up again."""
        self._is_read()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Nothing was asked for long."""
        self.transport.close()
        self._expect_end()

    def send_400_response(self, msg: str) -> None:
        """Bytes that are no HTTP."""
        self._refuse(400, ParameterError("this is no HTTP request", expected="HTTP/1.1", then="mend the request"))

    def _unsupported_upgrade_warning(self) -> None:
        """Whoever asks for another protocol is answered in this one; no line in the log for each."""

    def _refuse(self, status: int, error: GeoRiskError) -> None:
        """Answer what no request came of, unless an answer to another is on its way, and hang up."""
        self._head_is_there()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(answer_bytes(Refusal(status, error), over_tls=self.scheme == "https"))
        self.transport.close()
        self._expect_end()

    def _expect_head(self) -> None:
        if self._header_due is None:
            self._header_due = self.loop.call_later(self.patience.header_s, self._head_late)

    def _head_is_there(self) -> None:
        if self._header_due is not None:
            self._header_due.cancel()
            self._header_due = None

    def _head_late(self) -> None:
        self._header_due = None
        if self.cycle is not None and not self.cycle.response_complete:
            return
        if self._reading == "nothing":  # a browser's spare connection: nothing was asked, so nothing is said
            self.transport.close()
        else:
            self._refuse(408, TooSlow("the headers did not come in time", expected=f"within {self.patience.header_s:g} s"))

    def _watch(self) -> None:
        self._is_read()
        left = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(self.patience.stalled_s, self._look_again, left)

    def _is_read(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _look_again(self, before: int) -> None:
        """Hang up on a reader who took next to nothing."""
        self._stall = None
        if before - self.transport.get_write_buffer_size() < _SLOWEST * self.patience.stalled_s:
            # what the kernel holds for such a reader is let go of too
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            self.transport.abort()
        else:
            self._watch()

    def _expect_end(self) -> None:
        """A connection that is closing waits for its reader to take the rest, but not for ever."""
        if self._stall is None:
            self._watch()

    def _end_unread(self, cycle: Any) -> None:
        if cycle is self.cycle and self._reading == "body" and not self.transport.is_closing():
            self.transport.close()
            self._expect_end()


def answer_bytes(refusal: Refusal, *, over_tls: bool = False) -> bytes:
    """A refusal as it goes over the line, after which the connection is closed.

    >>> answer_bytes(Refusal(400, ParameterError("no"))).splitlines()[0]
    b'HTTP/1.1 400 Bad Request'
    """
    headers, body = answer_of(refusal, [(b"connection", b"close")])
    security = [(name.encode(), text.encode()) for name, text in SECURITY_HEADERS.items()]
    tls = [(b"strict-transport-security", b"max-age=31536000")] if over_tls else []
    lines = [b"HTTP/1.1 %d %s" % (refusal.status, HTTPStatus(refusal.status).phrase.encode())]
    lines += [name + b": " + value for name, value in (*headers, *security, *tls)]
    return b"\r\n".join((*lines, b"", body))


class Server(uvicorn.Server):
    """uvicorn's server, which calls ``ready`` when it answers and ``ending`` before it waits for what is still asked."""

    def __init__(
        self, config: uvicorn.Config, certificate: Certificate | None, ready: Callable[[], None],
        ending: Sequence[Callable[[], None]], end_s: float,
    ) -> None:
        super().__init__(config)
        self._certificate, self._ready, self._ending, self._end_s = certificate, ready, ending, end_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open the service, then listen; a handshake that does not end is given up."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            raise SystemExit(STARTUP_FAILURE)
        loop = asyncio.get_running_loop()
        tls, patience_s = (self._certificate.tls, _HANDSHAKE_S) if self._certificate else (None, None)
        self.servers = [
            await loop.create_server(self._connection, sock=each, ssl=tls, backlog=_BACKLOG, ssl_handshake_timeout=patience_s)
            for each in sockets or ()
        ]
        if self._certificate:
            self._certificate.follow(loop)
        self.started = True
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Tell streams, answer what was asked, finish writes; after that long it ends whatever happens."""
        last = threading.Timer(self._end_s, _end_now)
        last.daemon = True
        last.start()
        if self._certificate:
            self._certificate.leave()
        for tell in self._ending:
            tell()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End when told to, and let the caller clear up: the signal is not raised again."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    def _connection(self) -> asyncio.Protocol:
        made: Any = self.config.http_protocol_class
        protocol: asyncio.Protocol = made(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state, _loop=asyncio.get_running_loop()
        )
        return protocol


def serve_on(
    listener: socket.socket, app: ASGIApp, settings: Settings, *, ready: Callable[[], None] = lambda: None,
    ending: Sequence[Callable[[], None]] = (),
) -> None:
    """Serve on a socket that is bound, until a signal ends it."""
    _allow_files(settings.connections_max + _OTHER_FILES)
    # connections are of a class of their own, which carries what this service's may take
    connection = type("ServiceConnection", (Connection,), {"patience": patience_of(settings)})
    config = uvicorn.Config(
        app, loop="uvloop", http=connection, ws="none", lifespan="on", log_config=None, access_log=False, server_header=False,
        proxy_headers=False, backlog=_BACKLOG, timeout_keep_alive=settings.keep_alive_s,
        timeout_graceful_shutdown=max(1, round(settings.end_s / 2)),
    )
    Server(config, certificate_of(settings), ready, ending, settings.end_s).run(sockets=[listener])


def _allow_files(wanted: int) -> None:
    """Let the process hold a file open for each connection, as far as whoever started it allows."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    given = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    if soft != resource.RLIM_INFINITY and soft < given:
        resource.setrlimit(resource.RLIMIT_NOFILE, (given, most))
    if given < wanted:
        _log.warning("only %d files may be open, %d are wanted: LimitNOFILE in the unit", given, wanted)


def _end_now() -> None:
    _log.error("work did not end in time; the service ends without it")
    os._exit(1)


def _head_too_long(patience: Patience) -> TooLarge:
    return TooLarge("the headers are too long", where="headers", expected=f"at most {patience.header_bytes} bytes", got="more")


def _message_too_long(patience: Patience) -> TooLarge:
    return TooLarge("the request is too long", where="body", expected=f"at most {patience.message} bytes", got="more")
