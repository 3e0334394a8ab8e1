"""Heads of HTTP/1 messages."""

from __future__ import annotations

import pytest

from pcapdig.protocols.conversation import Moment
from pcapdig.protocols.http_messages import (
    PREFACE,
    Ending,
    Framing,
    HttpRequest,
    HttpResponse,
    framing_of,
    is_response,
    request_in,
    response_in,
    starts,
)

NOW = Moment(0)


def request(*fields: str, line: str = "GET /a HTTP/1.1") -> HttpRequest:
    """A request with these header fields."""
    made = request_in("\r\n".join([line, *fields, "", ""]).encode(), NOW)
    assert made
    return made


def response(*fields: str) -> HttpResponse:
    """A response with these header fields."""
    made = response_in("\r\n".join(["HTTP/1.1 200 OK", *fields, "", ""]).encode(), NOW)
    assert made
    return made


@pytest.mark.parametrize(
    "head", [b"", b"GET / HTTP/2.0\r\n\r\n", b"get / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"]
)
def test_what_is_no_request(head: bytes) -> None:
    """Nothing is made of it."""
    assert request_in(head, NOW) is None


@pytest.mark.parametrize("head", [b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 099 X\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n"])
def test_what_is_no_response(head: bytes) -> None:
    """Nothing is made of it."""
    assert response_in(head, NOW) is None


@pytest.mark.parametrize("value", ["x", "-1", "3, 4", "9" * 19, "٣"])
def test_a_wrong_length_is_nobodys(value: str) -> None:
    """RFC 9112 section 6.3, rule 5."""
    assert framing_of(response(f"Content-Length: {value}")).ending is Ending.UNKNOWN


def test_a_request_with_an_unknown_transfer_coding_has_no_end() -> None:
    """RFC 9112 section 6.3, rule 4; a response then ends with the connection."""
    assert framing_of(request("Transfer-Encoding: gzip")).ending is Ending.UNKNOWN
    assert framing_of(response("Transfer-Encoding: gzip")).ending is Ending.CLOSE


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], Framing(Ending.CLOSE)),
        (["Content-Length: 3"], Framing(Ending.LENGTH, 3)),
        (["content-length:3", "CONTENT-LENGTH : 3"], Framing(Ending.LENGTH, 3)),
        (["Content-Length: 3, 3"], Framing(Ending.LENGTH, 3)),
        (["Content-Length:", " 3"], Framing(Ending.LENGTH, 3)),
        (["X-Content-Length: 3", "X: Content-Length: 3"], Framing(Ending.CLOSE)),
        (["Content-Length: 3", "Transfer-Encoding: gzip, Chunked"], Framing(Ending.CHUNKS, 0, ("gzip",))),
        (["Content-Encoding: gzip", "Content-Encoding: BR"], Framing(Ending.CLOSE, 0, ("gzip", "br"))),
    ],
)
def test_framing_of_responses(fields: list[str], expected: Framing) -> None:
    """Names in any case, lists over several fields, folded ones, chunks before length."""
    assert framing_of(response(*fields)) == expected


def test_a_request_without_length_has_no_body() -> None:
    """Unlike a response."""
    assert framing_of(request("Host: h")) == Framing(Ending.LENGTH)


@pytest.mark.parametrize(
    ("line", "fields", "url"),
    [
        ("GET /a HTTP/1.1", ["Host: h"], "h/a"),
        ("GET /a HTTP/1.1", ["X: 1", "hOsT :\th:81 ", "Y: 2"], "h:81/a"),
        ("GET /a HTTP/1.0", [], "/a"),
        ("GET /a HTTP/1.0", ["X-Host: h"], "/a"),
        ("GET http://p/a HTTP/1.1", ["Host: h"], "p/a"),
        ("CONNECT h:443 HTTP/1.1", ["Host: x"], "h:443"),
        ("OPTIONS * HTTP/1.1", ["Host: h"], "h*"),
    ],
)
def test_url(line: str, fields: list[str], url: str) -> None:
    """Host and path, as sysdig has it."""
    assert request(*fields, line=line).url == url


def test_headers_in_their_order() -> None:
    """Folded lines joined, text that is no UTF-8 read as ISO 8859-1, lines without a colon passed over."""
    head = b"GET / HTTP/1.1\r\nA: 1\r\nnothing\r\nB: 2\r\n  3\nC: \xe9\r\na: 4\r\n\r\n"
    made = request_in(head, NOW)
    assert made and made.headers == (("a", "1"), ("b", "2 3"), ("c", "é"), ("a", "4"))
    assert (made.header("a"), made.header("z")) == ("1", None)


def test_starts_and_sides() -> None:
    """Requests, responses, and HTTP/2's preface, which a client says."""
    assert [is_response(data) for data in (b"GET / HTTP/1.1\r\n", b"HTTP/1.0 200 \r\n", PREFACE, b"SSH-2.0\r\n")] == [
        False,
        True,
        False,
        None,
    ]
    assert starts(PREFACE) and not starts(PREFACE[:-1])
