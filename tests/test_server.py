"""The service on real sockets: what it refuses, what it waits for and for how long, how it ends."""

import json
import signal
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from api.server import Refusal, answer_bytes
from bare_service import Line, serving
from geo_risk.errors import Busy

HOST = "Host: 127.0.0.1"


@pytest.fixture(scope="module")
def quick() -> Iterator[SimpleNamespace]:
    with serving(
        header_s=0.6, body_s=0.7, body_min_bytes_s=10, keep_alive_s=1, stalled_s=1, request_s=1,
        headers_max_bytes=2000, query_max_bytes=500, path_max_bytes=300, body_max_bytes=5000,
    ) as found:
        yield found


def problem_of(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head
    assert b"content-security-policy: default-src 'none'" in head
    said = json.loads(body)
    return int(head.split()[1]), said["title"]


def test_answers_and_keeps_the_connection(quick):
    with Line(quick.port) as line:
        for _ in range(2):
            assert line.say("GET / HTTP/1.1", HOST).hear().startswith(b"HTTP/1.1 200 OK")
        assert line.rest() == b""
        assert 1 <= line.lasted < 4  # kept for a second


def test_bytes_that_are_no_http(quick):
    with Line(quick.port) as line:
        assert problem_of(line.say("\x00\x01 what").rest()) == (400, "this is no HTTP request")


@pytest.mark.parametrize(
    "lines",
    [
        ("POST /echo HTTP/1.1", HOST, "Content-Length: 3", "Content-Length: 4"),
        ("POST /echo HTTP/1.1", HOST, "Content-Length: 3", "Transfer-Encoding: chunked"),
        ("POST /echo HTTP/1.1", HOST, "Content-Length: -3"),
        ("POST /echo HTTP/1.1", HOST, "Content-Length : 3"),
        ("POST /echo HTTP/1.1", HOST, "Content-Length: 3, 3"),
        ("POST /echo HTTP/1.1", HOST, "Transfer-Encoding:\x0bchunked"),
        ("POST /echo HTTP/1.1", HOST, "Transfer-Encoding:", " chunked"),
        ("GET /\u00e9 HTTP/1.1", HOST),
        ("CONNECT evil:80 HTTP/1.1", HOST),
        ("GET / HTTP/1.1", HOST, "Bad\x00: 1"),
    ],
)
def test_what_two_readers_might_read_differently_is_refused(quick, lines):
    with Line(quick.port) as line:
        assert problem_of(line.say(*lines, "", "abc", end=False).rest())[0] == 400


def test_headers_that_come_too_slowly(quick):
    with Line(quick.port) as line:
        line.say("GET / HTTP/1.1", "Host: 12", end=False)
        assert problem_of(line.trickle(b"7", every_s=0.1)) == (408, "the headers did not come in time")
        assert line.lasted < 3


@pytest.mark.parametrize(("bytes_", "status"), [(b"GET / HT", 408), (b"\r\n", None)])
def test_the_next_headers_on_a_kept_connection_too(quick, bytes_, status):
    with Line(quick.port) as line:
        line.say("GET / HTTP/1.1", HOST).hear()
        line.socket.sendall(bytes_)
        heard = line.rest()
        assert problem_of(heard)[0] == 408 if status else heard == b""
        assert line.lasted < 3


@pytest.mark.parametrize("bytes_", [b"", b"\r\n\r\n"])
def test_a_connection_that_asks_nothing_is_closed(quick, bytes_):
    with Line(quick.port) as line:
        line.socket.sendall(bytes_)
        assert line.rest() == b""
        assert line.lasted < 3


def test_headers_without_end(quick):
    with Line(quick.port) as line:
        line.say("GET / HTTP/1.1", HOST, "X-Long: ", end=False)
        try:
            for _ in range(400):
                line.socket.sendall(b"a" * 1000)
        except (BrokenPipeError, ConnectionResetError):
            return
        assert problem_of(line.rest())[0] == 431


def test_too_many_connections():
    with serving(connections_max=2) as found, Line(found.port), Line(found.port), Line(found.port) as one_more:
        assert problem_of(one_more.rest()) == (503, "too many connections are open")


def test_a_body_that_comes_too_slowly(quick):
    with Line(quick.port) as line:
        line.say("POST /echo HTTP/1.1", HOST, "Content-Length: 100")
        time.sleep(0.3)
        line.socket.sendall(b"a")
        answer = line.hear()
        assert problem_of(answer) == (408, "the body did not come in time")
        assert 0.6 < line.lasted < 3
        assert line.trickle(b"a", every_s=0.1) == b""  # the rest of the body is not waited for
        assert line.lasted < 6


def test_a_body_too_long_is_refused_before_it_is_sent(quick):
    with Line(quick.port) as line:
        line.say("POST /echo HTTP/1.1", HOST, "Content-Length: 9000000", "Expect: 100-continue")
        assert problem_of(line.rest()) == (413, "the body is too long")


def test_a_body_in_pieces_is_counted(quick):
    with Line(quick.port) as line:
        line.say("POST /echo HTTP/1.1", HOST, "Transfer-Encoding: chunked")
        for _ in range(6):
            line.socket.sendall(b"3e8\r\n" + b"a" * 1000 + b"\r\n")
        assert problem_of(line.hear()) == (413, "the body is too long")


def test_what_stands_between_the_pieces_is_counted_too(quick):
    with Line(quick.port, timeout=5) as line:
        line.say("POST /echo HTTP/1.1", HOST, "Transfer-Encoding: chunked")
        time.sleep(0.1)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            line.socket.sendall((b"1;" + b"x" * 10_000 + b"\r\na\r\n") * 2000)


def test_headers_after_the_body_are_not_read_as_if_they_had_come_before(quick):
    with Line(quick.port) as line:
        line.say("POST /echo HTTP/1.1", HOST, "Transfer-Encoding: chunked")
        time.sleep(0.1)
        line.socket.sendall(b"1\r\na\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n")
        heard = line.hear()
        assert b"HTTP/1.1 200 OK" in heard
        assert b"stolen" not in heard


def test_two_requests_sent_at_once_are_answered_in_order(quick):
    with Line(quick.port) as line:
        line.say("POST /echo HTTP/1.1", HOST, "Content-Length: 3", "", "abcGET / HTTP/1.1", HOST)
        assert b'"body": 3' in line.hear()
        assert line.hear().endswith(b"\r\n\r\nok")


def test_an_answer_that_takes_too_long(quick):
    with Line(quick.port) as line:
        assert problem_of(line.say("GET /slow?30 HTTP/1.1", HOST).hear()) == (504, "the answer was not ready in time")
        assert line.lasted < 10


def test_a_reader_who_does_not_read_is_hung_up_on(quick):
    with Line(quick.port) as line:
        line.say("GET /big HTTP/1.1", HOST)
        assert line.is_hung_up(within_s=20)
        assert len(line.rest()) < 30_000_000


def test_a_slow_reader_is_waited_for(quick):
    with Line(quick.port) as line:
        line.say("GET /big HTTP/1.1", HOST)
        while line.lasted < 3:  # longer than a reader may stand still
            assert line.socket.recv(20_000)
            time.sleep(0.01)


def test_an_end_tells_streams_and_answers_what_was_asked():
    with serving(end_s=10) as found, Line(found.port) as stream, Line(found.port) as asked:
        stream.say("GET /stream HTTP/1.1", HOST)
        asked.say("GET /slow?1 HTTP/1.1", HOST)
        assert b"200 OK" in stream.up_to(b": 1 slow answer")
        found.process.send_signal(signal.SIGTERM)
        assert asked.rest().endswith(b"late")
        assert stream.rest().endswith(b"0\r\n\r\n")
        assert found.process.wait(timeout=10) == 0


def test_an_end_comes_in_time_whatever_goes_on():
    with serving(end_s=2, request_s=60) as found, Line(found.port) as stream, Line(found.port) as asked:
        stream.say("GET /stream HTTP/1.1", HOST)
        asked.say("GET /slow?60 HTTP/1.1", HOST)
        stream.up_to(b": 1 slow answer")
        found.process.send_signal(signal.SIGTERM)
        found.process.wait(timeout=10)


def test_plain_http_says_no_word_of_tls(quick):
    with Line(quick.port) as line:
        assert b"strict-transport" not in line.say("GET /echo HTTP/1.1", HOST, "Connection: close").rest()


def test_a_refusal_on_the_line_says_when_to_come_again():
    text = answer_bytes(Refusal(503, Busy("too many")))
    assert b"retry-after: 10\r\n" in text
    assert b"connection: close\r\n" in text


def test_a_trusted_proxy_is_believed_and_no_other():
    says = ("GET /echo HTTP/1.1", HOST, "X-Forwarded-For: 9.9.9.9, 10.1.1.1", "X-Forwarded-Proto: https", "Connection: close")
    with serving(trusted_proxy=["127.0.0.1"]) as found, Line(found.port) as line:
        assert b'"client": "10.1.1.1", "scheme": "https"' in line.say(*says).rest()
    with serving() as found, Line(found.port) as line:
        assert b'"client": "127.0.0.1", "scheme": "http"' in line.say(*says).rest()
