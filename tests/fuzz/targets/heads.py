"""Heads of HTTP/1 messages: the native reader beside the same in regular expressions, which say what it has to find."""

from __future__ import annotations

import re
from collections.abc import Callable

from pcapdig.protocols._http_heads import is_response, request_in, response_in, starts
from pcapdig.protocols.conversation import Moment
from pcapdig.protocols.http_messages import (
    HEAD_END,
    HEAD_LIMIT,
    PREFACE,
    Ending,
    Framing,
    HttpMessage,
    HttpRequest,
    HttpResponse,
    framing_by,
)
from targets.target import Target, exact
from targets.words import WORDS

_BEFORE = rb"(?>\0?(?:\r?\n|PROXY (?:TCP[46] |UNKNOWN)[^\n]*\n)?)"
_REQUEST = re.compile(
    rb"%b(?!PRI[ \t])([A-Z][A-Z0-9_-]{0,31})[ \t]+([^ \t\r\n](?:[^\r\n]*[^ \t\r\n])?)[ \t]+HTTP/([0-9]\.[0-9][0-9.]{0,5})[ \t]*\r?\n"
    % _BEFORE
)
_SIMPLE = re.compile(rb"%b(GET)[ \t]+(/[^\s]*)[ \t]*()\r?\n(?:\Z|(?=\r?\n)|(?=(?i:host)[ \t]*:))" % _BEFORE)
_STATUS = re.compile(rb"(?:\r?\n)?HTTP/([0-9]\.[0-9][0-9.]{0,5})[ \t]+([1-9][0-9]{2})(?![0-9])([^\n]*)\n")
_RESPONSE = re.compile(rb"(?:\r?\n)?HTTP/[0-9]\.[0-9][0-9.]{0,5}[ \t]+[1-9][0-9]{2}[^0-9]", re.DOTALL)
_FRAMING = re.compile(
    rb"\n(content-length|transfer-encoding|content-encoding)[ \t]*+:([^\n]*+(?:\n[ \t][^\n]*+)*+)", re.IGNORECASE
)
_HOST = re.compile(rb"\nhost[ \t]*+:([^\r\n]*+)\r?\n(?![ \t])", re.IGNORECASE)

Reader = Callable[[bytes], HttpMessage | None]


def run(data: bytes) -> None:
    """Any bytes are read as the expressions read them, whole or cut, and no byte behind them is."""
    view, now = exact(data), Moment(0)
    assert starts(view) is _starts(data)
    assert is_response(view) is _is_response(data)
    for is_cut in (False, True):
        head = data[:HEAD_LIMIT] if is_cut else _head(data)
        for made, expected in (
            (request_in(view, now, is_cut=is_cut), _request(head, is_cut=is_cut)),
            (response_in(view, now, is_cut=is_cut), _response(head, is_cut=is_cut)),
        ):
            if not is_cut or HEAD_END.search(head) is None:  # else it is not cut
                assert repr(made) == repr(expected)


def _head(data: bytes) -> bytes | None:
    """Through the empty line."""
    simple = _SIMPLE.match(data, 0, HEAD_LIMIT)
    end = simple if simple and simple.end() == min(len(data), HEAD_LIMIT) else HEAD_END.search(data, 0, HEAD_LIMIT)
    return data[: end.end()] if end else None


def _request_line(data: bytes) -> re.Match[bytes] | None:
    return _REQUEST.match(data, 0, HEAD_LIMIT) or _SIMPLE.match(data, 0, HEAD_LIMIT)


def _starts(data: bytes) -> bool:
    request = _request_line(data)
    return bool(request or _RESPONSE.match(data, 0, HEAD_LIMIT) or data.startswith(PREFACE))


def _is_response(data: bytes) -> bool | None:
    if _STATUS.match(data):
        return True
    return False if _request_line(data) or data.startswith(PREFACE) else None


def _request(head: bytes | None, *, is_cut: bool) -> HttpRequest | None:
    start = _request_line(head) if head is not None else None
    if head is None or start is None:
        return None
    fields = head[start.end() - 1 :]
    host = _HOST.search(fields)
    return HttpRequest(
        moment=Moment(0),
        version=start[3].decode() or "0.9",
        fields=fields,
        framing=_framing(fields, Ending.LENGTH, of_response=False),
        head_size=len(head),
        is_cut=is_cut,
        method=start[1].decode(),
        target=_text(start[2]),
        host=_text(host[1].strip()) if host else None,
    )


def _response(head: bytes | None, *, is_cut: bool) -> HttpResponse | None:
    start = _STATUS.match(head) if head is not None else None
    if head is None or start is None:
        return None
    fields = head[start.end() - 1 :]
    return HttpResponse(
        moment=Moment(0),
        version=start[1].decode(),
        fields=fields,
        framing=_framing(fields, Ending.CLOSE, of_response=True),
        head_size=len(head),
        is_cut=is_cut,
        status=int(start[2]),
        reason=_text(start[3].strip()),
    )


def _framing(fields: bytes, if_none: Ending, *, of_response: bool) -> Framing:
    found = tuple((name.lower(), value) for name, value in _FRAMING.findall(fields))
    return framing_by(found, of_response=of_response) if found else Framing(if_none)


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")


FIELDS = (
    *(b"Content-Length: 00\r\n", b"Content-Length: 0000000000000000000009\r\n", b"Content-Length: 03, 3\r\n"),
    *(b"Host: h\r\n", b"host :\t h \r\n", b"HOST:a\r\n b\r\n", b"Host: a\rb\r\n", b"Host:\n", b"Hos\r\n", b"X-Host: z\r\n", b"Host: \xe9\xff\n"),
    *(b"Content-Length: 3\r\n", b"content-length\t: 0\n", b"Content-Length: 3, 3\r\n", b"Content-Length:\r\n 7\r\n", b"Content-Length: -1\r\n"),
    *(b"Content-Length: 999999999999999999\r\n", b"Content-Length: 1999999999999999999\r\n", b"Content-Length: \xd9\xa3\r\n", b"Content-Length:"),
    *(b"Transfer-Encoding: chunked\r\n", b"TRANSFER-ENCODING: gzip,\r\n\tchunked\r\n", b"transfer\rencoding: chunked\r\n", b"Transfer-Encoding\n"),
    *(b"Content-Encoding: gzip\r\n", b"Content-Encoding: br, GZIP\r\n", b"Content-Encoding :\n", b"Content-Type: a/b\r\n", b": x\r\n", b" y\r\n"),
)  # fmt: skip
"""Fields in forms that are easily taken for each other."""

SEEDS = (
    *(b"GET /a?b HTTP/1.1\r\n" + field + b"\r\nabc" for field in FIELDS),
    *(b"HTTP/1.0 200 OK\r\n" + field + field + b"\r\nabc" for field in FIELDS),
    *(
        b"\0GET / HTTP/1.1\r\n\r\n",
        b"\0\r\nGET / HTTP/1.1\n\n",
        b"\0\0GET / HTTP/1.1\n\n",
        b"\0HTTP/1.1 200 OK\r\n\r\n",
        b"\r\nPOST http://h/ HTTP/1.0\n\nx",
        b"HTTP/1.1 404\r\n\r\n",
        b"HTTP/1.1 304 \n\n",
        b"A" * 33 + b" / HTTP/1.1\r\n\r\n",
        PREFACE,
    ),
    *(
        b"GET / HTTP/1.1\r\nHost: h",
        b"HTTP/1.1 200 OK",
        b"GET  HTTP/1.1\r\n\r\n",
        b"M-SEARCH * HTTP/1.1\r\n\r\n",
        b"GET /\x0b HTTP/1.1\r\n\r\n",
        b"GET  / a \t HTTP/2.0 \r\n\r\n",
        b"GET /a \r\nHost: h\r\n\r\n",
        b"GET /\r\n",
        b"GET /\r\n\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\nGET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.0.8\r\n\r\n",
        b"\r\nHTTP/1.10  200\rok\r\n\r\n",
    ),
)

TARGETS = (
    Target(
        name="http-heads", run=run, seeds=lambda: SEEDS, words=(*WORDS["http"], *FIELDS), is_native=True, longest=1000
    ),
)
