"""Heads of HTTP/1 messages."""

from __future__ import annotations

import pytest

from pcapdig.protocols._http_heads import request_in, response_in
from pcapdig.protocols.conversation import Moment
from pcapdig.protocols.http_messages import Ending, Framing, HttpRequest, HttpResponse

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


@pytest.mark.parametrize("value", ["x", "-1", "3, 4", "9" * 19, "٣"])
def test_a_wrong_length_is_nobodys(value: str) -> None:
    """RFC 9112 section 6.3, rule 5."""
    assert response(f"Content-Length: {value}").framing.ending is Ending.UNKNOWN


def test_a_request_with_an_unknown_transfer_coding_has_no_end() -> None:
    """RFC 9112 section 6.3, rule 4; a response then ends with the connection."""
    assert request("Transfer-Encoding: gzip").framing.ending is Ending.UNKNOWN
    assert response("Transfer-Encoding: gzip").framing.ending is Ending.CLOSE


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([], Framing(Ending.CLOSE)),
        (["Content-Length: 3"], Framing(Ending.LENGTH, 3)),
        (["content-length:3", "CONTENT-LENGTH : 3"], Framing(Ending.LENGTH, 3)),
        (["Content-Length: 3, 3"], Framing(Ending.LENGTH, 3)),
        (["Content-Length: " + "0" * 30 + "3"], Framing(Ending.LENGTH, 3)),
        (["Content-Length: 00, 00"], Framing(Ending.LENGTH, 0)),
        (["Content-Length:", " 3"], Framing(Ending.LENGTH, 3)),
        (["X-Content-Length: 3", "X: Content-Length: 3"], Framing(Ending.CLOSE)),
        (["Content-Length: 3", "Transfer-Encoding: gzip, Chunked"], Framing(Ending.CHUNKS, 0, ("gzip",))),
        (["Content-Encoding: gzip", "Content-Length: 3"], Framing(Ending.LENGTH, 3, ("gzip",))),
        (["Content-Length: 3", "Content-Encoding: gzip", "Content-Length: 4"], Framing(Ending.UNKNOWN, 0, ("gzip",))),
        (["Content-Encoding: gzip", "Content-Encoding: BR"], Framing(Ending.CLOSE, 0, ("gzip", "br"))),
    ],
)
def test_framing_of_responses(fields: list[str], expected: Framing) -> None:
    """Names in any case, lists over several fields, folded ones, chunks before length."""
    assert response(*fields).framing == expected


def test_a_request_without_length_has_no_body() -> None:
    """Unlike a response."""
    assert request("Host: h").framing == Framing(Ending.LENGTH)


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
