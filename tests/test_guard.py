"""The guard: each refusal, what every answer carries, and that what a door says too late is dropped."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import jumping_clock
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.middleware.gzip import GZipMiddleware

from api.forwarded import Proxies, address, believe, is_beside
from api.guard import Exchange, Guard, Limits, head_of, host_name, limits_of, refusal_of
from api.settings import Settings
from geo_risk.errors import ParameterError

SMALL = Limits(hosts=frozenset({"map.lan"}), path=20, query=10, headers=3, headers_bytes=60, body=8, body_s=0.2, body_rate=1e9)
HOST = (b"host", b"map.lan")
App = Callable[[Any, Any, Any], Awaitable[None]]


def scope_of(*headers: tuple[bytes, bytes], path: str = "/", query: bytes = b"", **more: Any) -> dict[str, Any]:
    return {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": query, "scheme": "http",
        "headers": list(headers), "client": ("10.0.0.9", 5), "server": ("10.0.0.1", 80), **more,
    }  # fmt: skip


class Said:
    """What went out."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.exchanges: list[Exchange] = []

    async def send(self, message: Any) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}

    @property
    def problem(self) -> Any:
        return json.loads(self.messages[1]["body"])


async def fine(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": scope.get("answers", [])})
    await send({"type": "http.response.body", "body": b"fine"})


async def reads(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await fine(scope, receive, send)


def asked(scope: dict[str, Any], app: App = fine, limits: Limits = SMALL, parts: list[bytes | float] | None = None) -> Said:
    """What one request gets. ``parts`` of its body: bytes, or seconds in which nothing comes."""
    said, left = Said(), list(parts or [])

    async def receive() -> Any:
        while left and isinstance(left[0], float):
            await asyncio.sleep(left.pop(0))
        body = left.pop(0) if left else b""
        return {"type": "http.request", "body": body, "more_body": bool(left)}

    jumping_clock.run(Guard(app, limits, [said.exchanges.append])(scope, receive, said.send))  # type: ignore[arg-type]
    return said


@pytest.mark.parametrize(
    ("scope", "status", "title", "got"),
    [
        (scope_of(), 421, "not called by that name", "nothing"),
        (scope_of((b"host", b"evil.example")), 421, "not called by that name", "evil.example"),
        (scope_of((b"host", b"a b<script>")), 421, "not called by that name", "text of 0"),
        (scope_of(HOST, HOST), 400, "a header is given twice", "several"),
        (scope_of(HOST, (b"authorization", b"a"), (b"authorization", b"b")), 400, "a header is given twice", "several"),
        (scope_of(HOST, *[(b"x", b"")] * 3), 431, "too many or too long headers", "4 of 14 bytes"),
        (scope_of(HOST, (b"x", b"a" * 60)), 431, "too many or too long headers", "2 of 72 bytes"),
        (scope_of(HOST, path="/" + "a" * 20), 414, "the path is too long", "more"),
        (scope_of(HOST, query=b"a" * 11), 414, "the query is too long", "11"),
        (scope_of(HOST, (b"content-encoding", b"gzip")), 415, "the body is compressed", "one"),
        (scope_of(HOST, (b"transfer-encoding", b"gzip, chunked")), 400, "a coding that is not taken", "another"),
        (scope_of(HOST, (b"content-length", b"9" * 30)), 413, "the body is too long", "more"),
        (scope_of(HOST, (b"content-length", b"9")), 413, "the body is too long", "more"),
    ],
)
def test_each_refusal_says_its_facts_and_reaches_no_door(scope, status, title, got):
    said = asked(scope, app=None)  # type: ignore[arg-type]
    assert (said.status, said.headers["content-type"]) == (status, "application/problem+json")
    assert title in said.problem["title"]
    assert said.problem["got"].startswith(got)
    assert said.problem["status"] == status
    assert said.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", [b"map.lan", b"MAP.lan:8000", b"map.lan.", b"10.0.0.1", b"10.0.0.1:80"])
def test_names_of_ours_and_the_address_called(host):
    assert asked(scope_of((b"host", host))).status == 200


def test_a_service_answers_to_loopback_its_own_address_and_the_names_that_are_set():
    assert limits_of(Settings(host="10.1.1.1", hosts=("Map.lan",))).hosts >= {"localhost", "::1", "10.1.1.1", "map.lan"}


@given(st.binary(max_size=40))
def test_a_host_is_a_plain_name_or_none(value):
    assert all(letter.isalnum() or letter in "_.-:" for letter in host_name(value))


def test_what_every_answer_carries_and_no_door_has_to_set():
    headers = asked(scope_of(HOST)).headers
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["permissions-policy"].startswith("geolocation=(self)")
    assert (headers["cache-control"], headers["vary"]) == ("private, no-cache", "Cookie, Authorization")
    assert "strict-transport-security" not in headers
    assert asked(scope_of(HOST, scheme="https")).headers["strict-transport-security"] == "max-age=31536000"


def test_what_a_door_sets_itself_stays():
    headers = asked(scope_of(HOST, answers=[(b"Cache-Control", b"max-age=9")])).headers
    assert headers["Cache-Control"] == "max-age=9"
    assert "cache-control" not in headers


def test_what_is_for_one_caller_is_kept_nowhere():
    caller = type("Known", (), {"by": "session"})()
    assert asked(scope_of(HOST, state={"caller": caller})).headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize(("given_id", "kept"), [(b"abc-1234", True), (b"short", False), (b"a" * 65, False), (b"ab\ncd<>12", False)])
def test_a_request_id_is_taken_over_if_it_is_plain(given_id, kept):
    limits = Limits(hosts=frozenset({"map.lan"}))
    sent = asked(scope_of(HOST, (b"x-request-id", given_id)), limits=limits).headers["x-request-id"]
    assert (sent == given_id.decode()) == kept
    assert sent.replace("-", "").isalnum()


CHUNKED = (b"transfer-encoding", b"chunked")


@pytest.mark.parametrize(
    ("parts", "status"),
    [([b"abcd", b"efgh"], 200), ([b"abcd", b"efgh", b"i"], 413), ([b"abcd", 0.05, b"e"], 200), ([b"abcd", 9.0, b"e"], 408)],
)
def test_a_body_is_counted_and_waited_for_only_so_long(parts, status):
    said = asked(scope_of(HOST, CHUNKED), app=swallowing, parts=parts)
    assert said.status == status
    assert len([message for message in said.messages if message["type"] == "http.response.start"]) == 1


async def swallowing(scope: Any, receive: Any, send: Any) -> None:
    """A door that answers its own way when the body cannot be read, as FastAPI does."""
    try:
        await reads(scope, receive, send)
    except Exception:  # noqa: BLE001 (what a framework might do)
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"cannot read"})


def test_a_body_must_come_at_a_rate(monkeypatch):
    monkeypatch.setattr("api.guard._GRACE_S", 0.05)
    limits = Limits(hosts=frozenset({"map.lan"}), body_rate=40)
    assert asked(scope_of(HOST, CHUNKED), swallowing, limits, [b"aaaa", 0.12, b"bb"]).status == 200  # 0.05 + 4/40 s
    assert asked(scope_of(HOST, CHUNKED), swallowing, limits, [b"aa", 0.2, b"bb"]).status == 408


def test_an_answer_too_late_is_given_in_its_place_and_the_place_is_held_until_it_is_over():
    held: list[str] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        scope["ticket"] = type("Ticket", (), {"release": lambda _: held.append("released")})()
        await asyncio.sleep(0.15)
        assert held == []
        await fine(scope, receive, send)

    said = asked(scope_of(HOST), slow, Limits(hosts=frozenset({"map.lan"}), answer_s=0.05))
    assert (said.status, len(said.messages), said.headers["retry-after"]) == (504, 2, "10")
    assert held == ["released"]
    assert said.exchanges[0].overdue


def test_an_answer_that_has_begun_in_time_may_go_on():
    async def streamed(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": b"news"})

    said = asked(scope_of(HOST), streamed, Limits(hosts=frozenset({"map.lan"}), answer_s=0.03))
    assert [message.get("body") for message in said.messages] == [None, b"news"]
    assert said.exchanges[0].is_stream


def test_a_fault_of_a_door_lets_go_of_its_place_too():
    held: list[str] = []

    async def broken(scope: Any, receive: Any, send: Any) -> None:
        scope["ticket"] = type("Ticket", (), {"release": lambda _: held.append("released")})()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asked(scope_of(HOST), broken)
    assert held == ["released"]


def test_other_protocols_are_declined():
    said = Said()
    asyncio.run(Guard(fine, SMALL)({"type": "websocket"}, None, said.send))  # type: ignore[arg-type]
    assert said.messages[0]["type"] == "websocket.close"


def test_what_a_client_waits_to_be_told_is_not_read_as_its_next_request():
    said = asked(scope_of(HOST, (b"expect", b"100-continue"), (b"content-length", b"9"), path="/"))
    assert said.headers["connection"] == "close"


@pytest.mark.parametrize(
    ("peer", "says", "client", "scheme"),
    [
        ("10.0.0.9", [(b"x-forwarded-for", b"9.9.9.9, 7.7.7.7"), (b"x-forwarded-proto", b"https")], "7.7.7.7", "https"),
        ("10.0.0.9", [(b"x-forwarded-for", b"7.7.7.7, 10.0.0.5")], "7.7.7.7", "http"),
        ("10.0.0.9", [(b"x-forwarded-for", b"7.7.7.7"), (b"x-forwarded-for", b"8.8.8.8")], "8.8.8.8", "http"),
        ("10.0.0.9", [(b"x-forwarded-for", b"<script>")], "10.0.0.9", "http"),
        ("10.0.0.9", [(b"x-forwarded-proto", b"https, http")], "10.0.0.9", "http"),
        ("10.9.9.9", [(b"x-forwarded-for", b"7.7.7.7"), (b"x-forwarded-proto", b"https")], "10.9.9.9", "http"),
        ("::ffff:10.0.0.9", [(b"x-forwarded-for", b"7.7.7.7")], "7.7.7.7", "http"),
    ],
)
def test_a_proxy_is_believed_where_it_is_named(peer, says, client, scheme):
    scope = scope_of(*says) | {"client": (peer, 1)}
    believe(scope, Proxies.named(["10.0.0.0/28"]))
    assert (scope["client"][0], scope["scheme"]) == (client, scheme)


def test_a_proxy_is_named_by_its_address():
    with pytest.raises(ParameterError, match=r"its address; where: trusted_proxy; expected: an address .*; got: proxy\.lan"):
        Proxies.named(["proxy.lan"])


@pytest.mark.parametrize(
    ("client", "headers", "beside"),
    [
        ("127.0.0.1", [], True), ("::1", [], True), ("::ffff:127.0.0.1", [], True),
        ("10.0.0.1", [], False), ("testclient", [], False),
        ("127.0.0.1", [(b"x-forwarded-for", b"127.0.0.1")], False), ("127.0.0.1", [(b"via", b"1.1 proxy")], False),
    ],
)  # fmt: skip
def test_beside_is_this_machine_and_no_proxy_on_it(client, headers, beside):
    assert is_beside(scope_of(*headers) | {"client": (client, 1)}) == beside


@given(st.lists(st.tuples(st.binary(max_size=12), st.binary(max_size=12)), max_size=6), st.binary(max_size=12))
def test_any_headers_are_refused_or_let_in_and_never_a_fault(headers, query):
    scope = scope_of(*headers, query=query)
    refused = refusal_of(scope, head_of(scope["headers"]), SMALL)
    assert refused is None or 400 <= refused.status < 500
    assert address("10.0.0.1") is not None


def test_a_stream_is_not_held_back_to_be_compressed():
    async def streamed(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for part in (b": beat\n\n", b""):
            await send({"type": "http.response.body", "body": part, "more_body": bool(part)})

    said = asked(scope_of(HOST, (b"accept-encoding", b"gzip")), GZipMiddleware(streamed, minimum_size=1))
    assert [message.get("body") for message in said.messages] == [None, b": beat\n\n", b""]
