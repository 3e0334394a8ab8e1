"""Any heads of HTTP/1 messages are read natively as regular expressions read them."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from targets import heads

LINES = (
    *(b"GET / HTTP/1.1\r\n", b"\r\nPUT /\xff HTTP/1.0\n", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 404\n", b"HTTP/1.9 999 \xe9\r\n", b"GET / HTTP/2.0\r\n"),
    *(b"\0GET / HTTP/1.1\n", b"\0HTTP/1.0 200 \r\n", b"\0\0GET / HTTP/1.1\n"),
    *(b"HTTP/1.1 099 X\r\n", b"get / HTTP/1.1\r\n", b"A_1-B x HTTP/1.1\r\n", b"HTTP/1.1 200 a\rb\r\n", b"GET / HTTP/1.1\r", b"GET /\t HTTP/1.1\r\n"),
    *(b"\r\nHTTP/2.10\t 200ok \r\n", b"HTTP/1.1 2000\r\n", b"GET\t /a b\t HTTP/1.1 \r\n", b"GET HTTP/1.1 HTTP/1.1\r\n", b"PRI / HTTP/2.0\r\n"),
    *(b"GET / HTTP/1.0.8\r\n", b"GET / HTTP/1..8\r\n", b"GET / xHTTP/1.0\r\n", b"HTTP/1.2345678 200\r\n", b"HTTP/1.23456789 200\r\n"),
    *(b"HTTP/.11 200\r\n", b"GET /\r\n\r\n", b"PROXY UNKNOWN\r\nGET /\r\n", b"PROXY TCP6 a\nGET / HTTP/1.1\n", b"PROXY TCP4 HTTP/1.1\n"),
    *(b"GET /\r\n", b"GET /a\x0b\r\n", b"GET  / \n", b"POST /\r\n", b"GET /\r\nHOST :", b"GET  HTTP/1.1\r\n", b"GET / \r HTTP/1.1\r\n"),
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(
    line=st.sampled_from(LINES),
    fields=st.lists(st.one_of(st.sampled_from(heads.FIELDS), st.binary(max_size=6)), max_size=8),
    rest=st.sampled_from([b"\r\n", b"\n", b"", b"\r\n\r\n", b"\r\nHost: body\r\n\r\n", b"\r"]),
)
@example(line=b"GET / HTTP/1.1\r\n", fields=[b"X: " + b"y" * 70_000 + b"\r\n"] * 2, rest=b"\r\n")
@example(line=b"GET /" + b"a" * 140_000 + b" HTTP/1.1\r\n", fields=[], rest=b"\r\n")
def test_heads(line: bytes, fields: list[bytes], rest: bytes) -> None:
    """A start line, fields, and an end or none."""
    heads.run(line + b"".join(fields) + rest)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes(data: bytes) -> None:
    """What is no head at all."""
    heads.run(data)
