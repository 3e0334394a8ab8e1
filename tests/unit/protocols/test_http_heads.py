"""Heads of HTTP/1 messages out of bytes."""

from __future__ import annotations

import dpkt
import pytest

from pcapdig.protocols._http_heads import is_response, request_in, response_in, starts
from pcapdig.protocols.conversation import Moment
from pcapdig.protocols.http_messages import HEAD_LIMIT, PREFACE, Ending, Framing

NOW = Moment(0)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"GET / HTTP/2\r\n\r\n",
        PREFACE,
        b"POST /\r\n",
        b"GET a\r\n",
        b"GET /a b\r\n",
        b"GET /a\r\nX: h\r\n\r\n",
        b"get / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET /a\rb HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\r\n\r\n",
        b"A" * 33 + b" / HTTP/1.1\r\n\r\n",
        b"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request(head: bytes) -> None:
    """Nothing is made of it."""
    assert request_in(head, NOW) is None


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 X\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 2xx OK\r\n\r\n",
        b"HTTP/1.1200 OK\r\n\r\n",
        b"HTTP/1 200 OK\r\n\r\n",
        b"HTTP/1..1 200 OK\r\n\r\n",
        b"\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_what_is_no_response(head: bytes) -> None:
    """Nothing is made of it."""
    assert response_in(head, NOW) is None


@pytest.mark.parametrize("end", range(len(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")))
def test_a_head_that_has_not_ended(end: int) -> None:
    """It is none, unless it is said to be cut and has its first line."""
    head = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"[:end]
    assert request_in(head, NOW) is None
    cut = request_in(head, NOW, is_cut=True)
    assert (cut is not None and cut.is_cut) == (b"\n" in head)


def test_a_head_beyond_the_limit() -> None:
    """Its end is not looked for there."""
    filled = b"GET / HTTP/1.1\r\nX: ".ljust(HEAD_LIMIT - 4, b"y")
    assert request_in(filled + b"\r\n\r\n", NOW) is not None
    assert request_in(filled + b"y\r\n\r\n", NOW) is None


def test_a_request_as_dpkt_reads_it() -> None:
    """And where its head ends."""
    head = b"POST /a?b=c HTTP/1.0\r\nUser-Agent: x\r\nHost: \t h:81 \r\nContent-Length: 3\r\n\r\n"
    made, expected = request_in(head + b"abc", NOW), dpkt.http.Request(head + b"abc")
    assert made and (made.method, made.target, made.version) == (expected.method, expected.uri, expected.version)
    assert (made.host, dict(made.headers)) == ("h:81", dict(expected.headers))
    assert (made.framing, made.head_size) == (Framing(Ending.LENGTH, len(expected.body)), len(head))


@pytest.mark.parametrize(("line", "reason"), [(b"404 Not Found", "Not Found"), (b"404 ", ""), (b"404", "")])
def test_a_response(line: bytes, reason: str) -> None:
    """The reason phrase, and the blank before it, may be missing."""
    made = response_in(b"HTTP/1.1 " + line + b"\nA: b\n\nbody", NOW)
    assert made and (made.version, made.status, made.reason) == ("1.1", 404, reason)
    assert (made.fields, made.framing.ending) == (b"\nA: b\n\n", Ending.CLOSE)


@pytest.mark.parametrize(
    ("line", "target", "version"),
    [
        (b"GET  /a\t HTTP/1.1", "/a", "1.1"),
        (b"GET /a;rm -rf /;wget x HTTP/1.1", "/a;rm -rf /;wget x", "1.1"),
        (b"GET / HTTP/1.1 ", "/", "1.1"),
        (b"\r\nGET / HTTP/2.0", "/", "2.0"),
        (b"GET HTTP/1.1 HTTP/1.0", "HTTP/1.1", "1.0"),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 50000 80\r\nGET /a HTTP/1.1", "/a", "1.1"),
        (b"GET / HTTP/1.0.8", "/", "1.0.8"),
        (b"GET /a\r\nHost: h", "/a", "0.9"),
    ],
)
def test_odd_request_lines(line: bytes, target: str, version: str) -> None:
    """What servers take that are not strict (RFC 9112 section 3), and so what attacks are written in."""
    made = request_in(line + b"\r\n\r\n", NOW)
    assert made and (made.method, made.target, made.version) == ("GET", target, version)


@pytest.mark.parametrize("head", [b"GET /a?b\r\n", b"GET /a?b\n\r\n"])
def test_a_request_of_http_09(head: bytes) -> None:
    """A line is all of it, or it and an empty one."""
    made = request_in(head, NOW)
    assert made and (made.target, made.version, made.head_size) == ("/a?b", "0.9", len(head))


@pytest.mark.parametrize(
    ("line", "version", "reason"),
    [
        (b"\r\nHTTP/1.1 200 OK", "1.1", "OK"),
        (b"HTTP/1.10 \t 200\tOK", "1.10", "OK"),
        (b"HTTP/2.0 200OK", "2.0", "OK"),
        (b"HTTP/0.9 200 a\rb", "0.9", "a\rb"),
    ],
)
def test_odd_status_lines(line: bytes, version: str, reason: str) -> None:
    """What browsers take."""
    made = response_in(line + b"\r\n\r\n", NOW)
    assert made and (made.version, made.status, made.reason) == (version, 200, reason)


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        (b"Host: a\r\nHost: b\r\n", "a"),
        (b"Host: a\r\n b\r\nHost: c\r\n", "c"),
        (b"Host: a\rb\r\n", None),
        (b"X-Host: a\r\nHosts: b\r\n", None),
        (b"Host: \xc3\xa9\xff\r\n", "Ã©ÿ"),
    ],
)
def test_host(fields: bytes, host: str | None) -> None:
    """The first that is one line."""
    made = request_in(b"GET / HTTP/1.1\r\n" + fields + b"\r\n", NOW)
    assert made and made.host == host


def test_starts_and_sides() -> None:
    """Requests, responses, and HTTP/2's preface, which a client says."""
    assert [is_response(data) for data in (b"GET / HTTP/1.1\r\n", b"HTTP/1.0 200 \r\n", PREFACE, b"SSH-2.0\r\n")] == [
        False,
        True,
        False,
        None,
    ]
    assert starts(PREFACE) and not starts(PREFACE[:-1])
    assert starts(b"HTTP/1.1 200 ") and not starts(b"HTTP/1.1 200") and not starts(b"GET / HTTP/1.1")


def test_behind_a_keep_alive_probe() -> None:
    """Its NUL is data to a capture that begins with it (RFC 9293 section 3.8.4). What a server says after one is a message of its own."""
    request = request_in(b"\0GET /a HTTP/1.1\r\nHost: h\r\n\r\n", NOW)
    assert request and (request.method, request.url) == ("GET", "h/a")
    assert starts(b"\0GET / HTTP/1.1\r\n") and not starts(b"\0HTTP/1.1 200 OK\r\n")
    assert not starts(b"\0\0GET / HTTP/1.1\r\n")
