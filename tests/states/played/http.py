"""HTTP/1."""

from __future__ import annotations

from typing import Any

from pcapdig.protocols.http import HttpDialogue
from played.scenario import Scenario


def new() -> HttpDialogue:
    """Keeps bodies."""
    return HttpDialogue(body_limit=1000)


def summary(record: Any) -> tuple[str, str]:
    """`POST /a 4`, `200 5`."""
    request, response = record.request, record.response
    return (
        f"{request.method} {request.target} {request.body.size_bytes}{' cut' * request.is_cut}" if request else "-",
        f"{response.status} {response.body.size_bytes}{' cut' * (response.is_cut or not response.body.is_complete)}"
        if response
        else "-",
    )


def ask(name: bytes, *fields: bytes, method: bytes = b"GET", body: bytes = b"") -> bytes:
    """A request."""
    return b"%b %b HTTP/1.1\r\nHost: h\r\n%b\r\n%b" % (
        method,
        name,
        b"".join(field + b"\r\n" for field in fields),
        body,
    )


def post(name: bytes, body: bytes, *fields: bytes) -> bytes:
    """A request with a body."""
    return ask(name, b"Content-Length: %d" % len(body), *fields, method=b"POST", body=body)


def answer(status: int, body: bytes = b"", *fields: bytes) -> bytes:
    """A response."""
    return b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n%b\r\n%b" % (
        status,
        len(body),
        b"".join(field + b"\r\n" for field in fields),
        body,
    )


def head(status: int, *fields: bytes) -> bytes:
    """A response without a length."""
    return b"HTTP/1.1 %d x\r\n%b\r\n" % (status, b"".join(field + b"\r\n" for field in fields))


AFTER = (("c", ask(b"/k")), ("s", answer(200, b"kkkkkkk")), ("c", post(b"/l", b"12")), ("s", answer(201, b"llllllll")))
AFTERWARDS = ("GET /k 0 = 200 7", "POST /l 2 = 201 8")
EXPECT = b"Expect: 100-continue"
BIG = ask(b"/big", b"Content-Length: 60", EXPECT, method=b"POST")
CHUNKED = ask(b"/big", b"Transfer-Encoding: chunked", EXPECT, method=b"PUT")
CHUNKS = b"3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\nU: 2\r\n\r\n"
LOOKS_LIKE_A_REQUEST = ask(b"/inner") * 2 + b"x" * 60
REFUSED = "a final status: what looks like a request then is one"
EARLY = "a response: 400, 408, 431 and the like answer it"
CONNECT = ask(b"h:443", method=b"CONNECT")

SCENARIOS = (
    Scenario(
        "body",
        "so many bytes",
        (("c", post(b"/a", b"abc") + ask(b"/b")), ("s", answer(200, b"a") + answer(200, b"bb")), *AFTER),
        ("POST /a 3 = 200 1", "GET /b 0 = 200 2", *AFTERWARDS),
    ),
    Scenario(
        "body",
        "so many bytes",
        (
            ("c", ask(b"/a", method=b"HEAD") + ask(b"/b") + ask(b"/c") + ask(b"/d")),
            ("s", answer(200, b"123")[:-3] + head(304, b"Content-Length: 9") + head(204) + answer(200, b"d")),
            *AFTER,
        ),
        ("HEAD /a 0 = 200 0", "GET /b 0 = 304 0", "GET /c 0 = 204 0", "GET /d 0 = 200 1", *AFTERWARDS),
    ),
    Scenario(
        "body", "so many bytes", (("c", ask(b"/a")), ("S", answer(200, b"12345")[:-2])), ("GET /a 0 = 200 3 cut",)
    ),
    Scenario(
        "body",
        "the last chunk and its trailers",
        (
            (
                "c",
                ask(b"/a", b"Content-Length: 1", b"Transfer-Encoding: chunked", method=b"POST", body=CHUNKS)
                + ask(b"/b"),
            ),
            ("s", head(200, b"Transfer-Encoding: chunked", b"Content-Length: 1") + CHUNKS + answer(200, b"b")),
            *AFTER,
        ),
        ("POST /a 5 = 200 5", "GET /b 0 = 200 1", *AFTERWARDS),
    ),
    Scenario(
        "body",
        "a final answer that was refused before a byte of it was sent: see expectation",
        (("c", BIG), ("s", answer(417)), *AFTER),
        ("POST /big 0 = 417 0", *AFTERWARDS),
    ),
    Scenario(
        "body until close",
        "connection closes",
        (("c", ask(b"/a")), ("S", head(200) + b"hello\r\n\r\nHTTP/1.1 200 no\r\n\r\n")),
        ("GET /a 0 = 200 28",),
    ),
    Scenario(
        "body until close",
        "connection closes",
        (("c", ask(b"/a") + ask(b"/b")), ("S", head(200, b"Connection: close") + b"hello")),
        ("GET /a 0 = 200 5", "GET /b 0 = -"),
    ),
    Scenario(
        "expectation",
        "100",
        (
            ("c", BIG),
            ("s", head(102) + head(103, b"Link: x") + head(100)),
            ("c", LOOKS_LIKE_A_REQUEST[:60]),
            ("s", answer(200, b"1")),
            *AFTER,
        ),
        ("POST /big 60 = 200 1", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "expectation",
        "100",
        (("c", CHUNKED), ("s", head(100)), ("c", CHUNKS), ("s", answer(200, b"1")), *AFTER),
        ("PUT /big 5 = 200 1", *AFTERWARDS),
    ),
    Scenario(
        "expectation", REFUSED, (("c", CHUNKED), ("s", answer(413, b"no")), *AFTER), ("PUT /big 0 = 413 2", *AFTERWARDS)
    ),
    Scenario(
        "expectation",
        REFUSED,
        (
            ("c", BIG),
            ("s", head(103) + answer(401, b"no")),
            ("c", post(b"/big", b"abcd", b"Authorization: x")),
            ("s", answer(200, b"taken")),
            *AFTER,
        ),
        ("POST /big 0 = 401 2", "POST /big 4 = 200 5", *AFTERWARDS),
    ),
    Scenario(
        "expectation",
        REFUSED,
        (("c", BIG), ("s", answer(417)), ("c", b"\r\n" + BIG), ("s", answer(417)), *AFTER),
        ("POST /big 0 = 417 0", "POST /big 0 = 417 0", *AFTERWARDS),
    ),
    Scenario(
        "expectation",
        REFUSED,
        (("c", BIG), ("s", answer(413, b"no")), ("c", b"B" * 60 + AFTER[0][1]), *AFTER[1:]),
        ("POST /big 0 = 413 2", *AFTERWARDS),
    ),
    Scenario(
        "expectation",
        "the first byte of the body",
        (("c", BIG), ("c", LOOKS_LIKE_A_REQUEST[:60]), ("s", answer(200, b"1")), *AFTER),
        ("POST /big 60 = 200 1", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "expectation",
        "the first byte of the body",
        (("c", BIG + b"GET / HTTP/1.1\r\n"), ("s", answer(413, b"1")), ("c", b"x" * 44 + AFTER[0][1]), *AFTER[1:]),
        ("POST /big 16 = 413 1", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "upgrade",
        "connection closes",
        (("c", ask(b"/ws", b"Upgrade: websocket")), ("s", head(101, b"Upgrade: websocket") + b"\x81\x05hello"), *AFTER),
        ("GET /ws 0 = 101 0",),
        survives_loss=False,
    ),
    Scenario(
        "upgrade",
        "connection closes",
        (
            ("c", ask(b"/ws", b"Upgrade: h2c")),
            ("s", answer(426, b"no")),
            *AFTER,
            ("c", ask(b"/v", b"Upgrade: h2c")),
            ("s", answer(200, b"v")),
            *AFTER,
        ),
        ("GET /ws 0 = 426 2", *AFTERWARDS, "GET /v 0 = 200 1", *AFTERWARDS),
    ),
    Scenario(
        "tunnel",
        "connection closes",
        (("c", CONNECT), ("s", head(200)), ("c", b"\x16\x03\x01"), ("s", b"\x16\x03\x03"), *AFTER),
        ("CONNECT h:443 0 = 200 0",),
        survives_loss=False,
    ),
    Scenario(
        "tunnel",
        "connection closes",
        (("c", CONNECT), ("s", answer(200, b"xyz")[:-3]), *AFTER),
        ("CONNECT h:443 0 = 200 0", *AFTERWARDS),
    ),
    Scenario(
        "tunnel",
        "connection closes",
        (("c", CONNECT), ("s", answer(407, b"who")), ("c", CONNECT), ("s", answer(502, b"no")), *AFTER),
        ("CONNECT h:443 0 = 407 3", "CONNECT h:443 0 = 502 2", *AFTERWARDS),
    ),
    Scenario(
        "tunnel",
        "connection closes",
        (("c", CONNECT + AFTER[0][1]), ("s", head(200) + AFTER[1][1]), *AFTER[2:]),
        ("CONNECT h:443 0 = 200 0", *AFTERWARDS),
    ),
    Scenario(
        "half-read head",
        "the empty line",
        (("c", ask(b"/a")[:-2]), ("c", b"\r\n"), ("s", answer(200)), *AFTER),
        ("GET /a 0 = 200 0", *AFTERWARDS),
    ),
    Scenario("half-read head", EARLY, (("c", ask(b"/a")[:-2]), ("S", answer(408, b"late"))), ("GET /a 0 cut = 408 4",)),
    Scenario(
        "half-read head",
        EARLY,
        (("c", post(b"/a", b"xyz")[:-10]), ("s", answer(400, b"bad")), ("c", post(b"/a", b"xyz")[-10:]), *AFTER),
        ("POST /a 0 cut = 400 3", *AFTERWARDS),
    ),
    Scenario("half-read head", EARLY, (*AFTER, ("S", answer(408, b"late"))), (*AFTERWARDS, "- = 408 4")),
    Scenario("half-read head", EARLY, (("c", b"GET /a"), ("S", answer(400, b"bad"))), ("- = 400 3",)),
    Scenario("HTTP/0.9", "connection closes", (("c", b"GET /a\r\n"), ("S", b"hello")), ("GET /a 0 = None 5",)),
    Scenario(
        "HTTP/0.9", "connection closes", (("c", b"GET /a\r\n"), ("s", b"<html>"), ("S", b"x")), ("GET /a 0 = None 7",)
    ),
    Scenario(
        "HTTP/0.9",
        "the client goes on: then it was no answer",
        (("c", b"GET /a\r\n"), ("s", b"hello"), *AFTER),
        ("GET /a 0 = -", *AFTERWARDS),
        survives_loss=False,
    ),
    Scenario(
        "HTTP/2",
        "connection closes",
        (("c", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), ("s", b"\0\0\0\4"), *AFTER),
        ("PRI * 0 = -",),
        survives_loss=False,
    ),
)
