"""Stands before everything: refuses what no door should have to look at, and puts the same headers on every answer.

It looks at a request before anything is parsed: the name it was called by, lengths, how fast the body comes, how long the
answer takes. Each refusal is a row of a table. What it cannot see, because no request came of it, `api.server` refuses.
"""

import asyncio
import contextlib
import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.forwarded import NONE_NAMED, Proxies, believe
from api.request_id import REQUEST_ID, new_request_id
from api.settings import Settings
from api.status_codes import PROBLEM, problem
from geo_risk.errors import Busy, GeoRiskError, ParameterError, TooLarge, TooSlow, shown
from maps.content_security import CONTENT_SECURITY_POLICY

Headers = Sequence[tuple[bytes, bytes]]
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
SECURITY_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "geolocation=(self), camera=(), microphone=(), payment=(), usb=()",
}
_SECURITY: Final = tuple((name.encode(), text.encode()) for name, text in SECURITY_HEADERS.items())
_OVER_TLS: Final = ((b"strict-transport-security", b"max-age=31536000"),)
_SHARED: Final = ((b"cache-control", b"private, no-cache"), (b"vary", b"Cookie, Authorization"))
_OWN: Final = ((b"cache-control", b"private, no-store"),)
_ONCE: Final = frozenset(
    {b"host", b"content-length", b"content-type", b"content-encoding", b"transfer-encoding", b"authorization", b"if-match",
     b"idempotency-key", b"x-csrf-token"}
)  # fmt: skip
"""Headers that have one meaning: given twice, two readers might each believe another."""
_PLAIN_ID: Final = re.compile(rb"[A-Za-z0-9_-]{8,64}")
_HOST: Final = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_.-]{1,253})(?::[0-9]{1,5})?")
_GRACE_S: Final = 5.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a request may be. Lengths in bytes, times in seconds."""

    hosts: frozenset[str] = LOOPBACK
    proxies: Proxies = NONE_NAMED
    path: int = 2000
    query: int = 16_000
    headers: int = 100
    headers_bytes: int = 32_000
    body: int = 2_000_000
    body_s: float = 25.0
    body_rate: float = 1000.0
    answer_s: float = 30.0


class Head(NamedTuple):
    """What the headers say that the guard goes by."""

    number: int
    size: int
    twice: str
    host: str | None
    length: int | None
    chunked: bool
    encoded: bool
    coded: bool
    waits: bool
    request_id: bytes


class Refusal(NamedTuple):
    """An answer of the guard's own."""

    status: int
    error: GeoRiskError


def limits_of(settings: Settings) -> Limits:
    """The limits that settings state."""
    return Limits(
        hosts=LOOPBACK | {name.lower() for name in (settings.host, *settings.hosts)},
        proxies=Proxies.named(settings.trusted_proxy),
        path=settings.path_max_bytes,
        query=settings.query_max_bytes,
        headers=settings.headers_max,
        headers_bytes=settings.headers_max_bytes,
        body=settings.body_max_bytes,
        body_s=settings.body_s,
        body_rate=settings.body_min_bytes_s,
        answer_s=settings.request_s,
    )


def head_of(headers: Headers) -> Head:
    """One look at the headers.

    >>> head_of([(b"host", b"Map.Lan:8000"), (b"content-length", b"12")]).host
    'map.lan'
    >>> head_of([(b"host", b"a"), (b"host", b"b")]).twice
    'host'
    """
    size, twice, seen = 0, "", {}
    for name, value in headers:
        size += len(name) + len(value)
        if name in seen and name in _ONCE:
            twice = name.decode()
        seen[name] = value
    length = seen.get(b"content-length")
    given_id = seen.get(b"x-request-id", b"")
    return Head(
        number=len(headers),
        size=size,
        twice=twice,
        host=host_name(seen[b"host"]) if b"host" in seen else None,
        length=int(length[:19]) if length is not None and length.isdigit() else None,
        chunked=b"transfer-encoding" in seen,
        encoded=seen.get(b"content-encoding", b"identity").lower() != b"identity",
        coded=seen.get(b"transfer-encoding", b"chunked").strip().lower() != b"chunked",
        waits=b"expect" in seen,
        request_id=given_id if _PLAIN_ID.fullmatch(given_id) else b"",
    )


@lru_cache(maxsize=256)
def host_name(value: bytes) -> str:
    """The name in a Host header, without its port; nothing where it is no name.

    >>> host_name(b"Map.Lan:8000"), host_name(b"[::1]:80"), host_name(b"a b"), host_name(b"user@map.lan")
    ('map.lan', '::1', '', '')
    """
    found = _HOST.fullmatch(value.decode("latin-1").lower())
    return found[1].strip("[]").removesuffix(".") if found else ""


class _Rule(NamedTuple):
    """One row: when it refuses, with which status, and what it says."""

    broken: Callable[[Scope, Head, Limits], bool]
    status: int
    error: Callable[[Scope, Head, Limits], GeoRiskError]


def _called(scope: Scope, head: Head, limits: Limits) -> bool:
    """Whether the request was called by a name of ours; the address it came in on cannot be another site's name."""
    server = scope.get("server")
    return head.host in limits.hosts or (server is not None and head.host == server[0])


_RULES: Final = (
    _Rule(
        lambda scope, head, limits: head.number > limits.headers or head.size > limits.headers_bytes, 431,
        lambda scope, head, limits: TooLarge(
            "the request has too many or too long headers", where="headers",
            expected=f"at most {limits.headers} of {limits.headers_bytes} bytes", got=f"{head.number} of {head.size} bytes",
            then="send fewer",
        ),
    ),
    _Rule(
        lambda scope, head, limits: bool(head.twice), 400,
        lambda scope, head, limits: ParameterError(
            "a header is given twice", where=head.twice, expected="one", got="several", then="send one",
        ),
    ),
    _Rule(
        lambda scope, head, limits: not _called(scope, head, limits), 421,
        lambda scope, head, limits: ParameterError(
            "the service is not called by that name", where="Host", expected="a name that the setting hosts lists",
            got=shown(head.host), then="use the address that the bureau gave; an admin adds names (GEO_RISK_HOSTS)",
        ),
    ),
    _Rule(
        lambda scope, head, limits: len(scope.get("raw_path") or scope["path"]) > limits.path, 414,
        lambda scope, head, limits: TooLarge(
            "the path is too long", where="path", expected=f"at most {limits.path} bytes", got="more", then="see /openapi.json",
        ),
    ),
    _Rule(
        lambda scope, head, limits: len(scope["query_string"]) > limits.query, 414,
        lambda scope, head, limits: TooLarge(
            "the query is too long", where="query", expected=f"at most {limits.query} bytes",
            got=f"{len(scope['query_string'])}", then="ask for less at a time",
        ),
    ),
    _Rule(
        lambda scope, head, limits: head.encoded, 415,
        lambda scope, head, limits: ParameterError(
            "the body is compressed", where="Content-Encoding", expected="none", got="one", then="send the body as it is",
        ),
    ),
    _Rule(
        lambda scope, head, limits: head.coded, 400,
        lambda scope, head, limits: ParameterError(
            "the body comes in a coding that is not taken", where="Transfer-Encoding", expected="chunked, or none", got="another",
            then="send the body as it is",
        ),
    ),
    _Rule(
        lambda scope, head, limits: (head.length or 0) > limits.body, 413,
        lambda scope, head, limits: _too_long(limits),
    ),
)  # fmt: skip


def refusal_of(scope: Scope, head: Head, limits: Limits) -> Refusal | None:
    """Why a request is refused before it is looked at further; None where it is not."""
    broken = next((rule for rule in _RULES if rule.broken(scope, head, limits)), None)
    return None if broken is None else Refusal(broken.status, broken.error(scope, head, limits))


def answer_of(refusal: Refusal, headers: Iterable[tuple[bytes, bytes]] = ()) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of a refusal, the security headers not among them."""
    body = json.dumps(problem(refusal.error) | {"status": refusal.status}, ensure_ascii=False).encode()
    later = [(b"retry-after", b"%d" % refusal.error.retry_after_s)] if isinstance(refusal.error, Busy) else []
    about = [(b"content-type", PROBLEM.encode()), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    return [*about, *later, *headers], body


class Exchange:
    """One request and its answer, as the guard sees them pass.

    ``status`` is that of the answer as it was sent, 0 before; ``is_stream`` that it goes on until somebody leaves; ``overdue``
    that the guard answered because the door did not in time: what the door says later is dropped, and its place in the queue
    is held until it is done.
    """

    __slots__ = (
        "_answering", "_due", "_limits", "_refusing", "_send", "began", "head", "is_stream", "overdue", "request_id", "scope",
        "sent", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope, send: Send, head: Head, limits: Limits) -> None:
        self.scope, self.head, self._send, self._limits = scope, head, send, limits
        self.request_id = head.request_id or new_request_id()
        self.began = time.perf_counter()
        self.status, self.sent = 0, 0
        self.overdue = self.is_stream = self._answering = False
        self._refusing: asyncio.Task[None] | None = None
        self._due = asyncio.get_running_loop().call_later(limits.answer_s, self._expire)

    @property
    def route(self) -> str:
        """The template of the route that answered; one word for all that none did."""
        return getattr(self.scope.get("route"), "path", "none")

    async def send(self, message: Message) -> None:
        """Pass an answer on with what every answer carries."""
        if self._answering:
            return
        if message["type"] == "http.response.start":
            self._due.cancel()
            self.status = message["status"]
            headers = message.get("headers", ())
            self.is_stream = any(name == b"content-type" and value.startswith(b"text/event-stream") for name, value in headers)
            message["headers"] = [*headers, *self._lacking(headers)]
        else:
            self.sent += len(message.get("body", b""))
        await self._send(message)

    async def refuse(self, refusal: Refusal) -> None:
        """Answer in the door's place, if nothing was answered yet; what the door says after is dropped."""
        begun, self._answering = self.status != 0 or self._answering, True
        self._due.cancel()
        if not begun:
            await self._answer(refusal)

    async def _answer(self, refusal: Refusal) -> None:
        # a client that waits to be told to go on would send its body into the next request
        headers, body = answer_of(refusal, [(b"connection", b"close")] if self.head.waits else ())
        self.status, self.sent = refusal.status, len(body)
        await self._send(
            {"type": "http.response.start", "status": refusal.status, "headers": [*headers, *self._lacking(headers)]}
        )
        await self._send({"type": "http.response.body", "body": body, "more_body": False})

    def close(self) -> None:
        """The request is done with."""
        self._due.cancel()

    def _expire(self) -> None:
        self.overdue = self._answering = True
        late = Busy(
            "the answer was not ready in time", expected=f"an answer within {self._limits.answer_s:g} s",
            then="ask for less, or send it as a job",
        )
        self._refusing = asyncio.get_running_loop().create_task(self._answer(Refusal(504, late)))

    def _lacking(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """What every answer carries and this one lacks."""
        there = {name.lower() for name, _ in headers}
        wanted = (*_SECURITY, (b"x-request-id", self.request_id), *self._about_caching(there))
        if self.scope["scheme"] == "https":
            wanted = (*wanted, *_OVER_TLS)
        return [(name, value) for name, value in wanted if name not in there]

    def _about_caching(self, there: set[bytes]) -> Headers:
        if b"cache-control" in there:
            return ()
        caller = self.scope["state"].get("caller")
        return _SHARED if caller is None or caller.by == "nobody" else _OWN


class _Body:
    """The request's body as it comes: counted, and waited for only so long."""

    __slots__ = ("_began", "_exchange", "_limits", "_receive", "_received", "_whole")

    def __init__(self, receive: Receive, exchange: Exchange, limits: Limits) -> None:
        self._receive, self._exchange, self._limits = receive, exchange, limits
        self._began, self._received, self._whole = asyncio.get_running_loop().time(), 0, False

    async def receive(self) -> Message:
        """The next part; the request is refused if it is too late or one too many."""
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._due()):
                message = await self._receive()
        except TimeoutError:
            await self._stop(408, _too_slow(self._limits))
        self._received += len(message.get("body", b""))
        self._whole = not message.get("more_body", False)
        if self._received > self._limits.body:
            await self._stop(413, _too_long(self._limits))
        return message

    def _due(self) -> float:
        """When the next part must be there: later the more came, but not for ever."""
        return self._began + min(_GRACE_S + self._received / self._limits.body_rate, self._limits.body_s)

    async def _stop(self, status: int, error: GeoRiskError) -> None:
        await self._exchange.refuse(Refusal(status, error))
        raise error


class Guard:
    """The outermost part of the service. ``observers`` are told of every exchange when it is over."""

    def __init__(self, app: ASGIApp, limits: Limits, observers: Sequence[Callable[[Exchange], None]] = ()) -> None:
        self._app, self._limits, self._observers = app, limits, tuple(observers)
        self.open: set[Exchange] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._pass(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": "not spoken here"})

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        head = head_of(scope["headers"])
        scope.setdefault("state", {})
        believe(scope, self._limits.proxies)
        exchange = Exchange(scope, send, head, self._limits)
        token = REQUEST_ID.set(exchange.request_id.decode())
        self.open.add(exchange)
        try:
            refusal = refusal_of(scope, head, self._limits)
            if refusal is not None:
                await exchange.refuse(refusal)
                return
            heard = _Body(receive, exchange, self._limits).receive if head.chunked or head.length else receive
            await self._app(scope, heard, exchange.send)
        finally:
            self._over(exchange)
            REQUEST_ID.reset(token)

    def _over(self, exchange: Exchange) -> None:
        exchange.close()
        self.open.discard(exchange)
        ticket: Any = exchange.scope.get("ticket")
        with contextlib.ExitStack() as after:
            if ticket is not None:
                after.callback(ticket.release)
            for observer in self._observers:
                observer(exchange)


def _too_long(limits: Limits) -> TooLarge:
    return TooLarge(
        "the body is too long", where="body", expected=f"at most {limits.body} bytes", got="more", then="send less at a time",
    )


def _too_slow(limits: Limits) -> TooSlow:
    return TooSlow(
        "the body did not come in time", where="body",
        expected=f"{limits.body_rate:g} bytes a second, all within {limits.body_s:g} s", got="less",
        then="send it again, in smaller parts",
    )
