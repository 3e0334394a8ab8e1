"""Heads of HTTP/1.0 and HTTP/1.1 messages: what stands in them, and how they say where their body ends.

`HttpRequest`, `HttpResponse`, `Framing`; _http_heads.pyx reads them. Source: RFC 9112 (message format: sections 2 to 6), RFC 9110 (fields:
section 5). dpkt.http serves whole messages of a list of methods only. Header fields are read when they are asked for: a log of a million
requests looks at few.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pcapdig.protocols.bodies import NO_BODY, Body
from pcapdig.protocols.conversation import Record

if TYPE_CHECKING:
    from pcapdig.protocols.conversation import Moment

HEAD_LIMIT = 128 << 10
"""Bytes of a head; servers refuse far less (Apache LimitRequestFieldSize and nginx large_client_header_buffers: 8 KiB)."""
HEAD_END = re.compile(rb"\n\r?\n")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What a client says first that knows its server speaks HTTP/2 without TLS (RFC 9113 section 3.4)."""
BODILESS = (101, 204, 304)
"""Statuses whose responses have no body (RFC 9112 section 6.3)."""
FIRST_BYTES = bytes(chr(value) in "\r\nABCDEFGHIJKLMNOPQRSTUVWXYZ" for value in range(256))
"""By value, 1 for the first bytes of what `starts` takes, behind the NUL of a keep-alive probe."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LENGTH = re.compile(r"0*+[0-9]{0,18}(?<=[0-9])", re.ASCII)


class Ending(Enum):
    """How the end of a body is found (RFC 9112 section 6.3)."""

    LENGTH = auto()
    CHUNKS = auto()
    CLOSE = auto()
    UNKNOWN = auto()
    """By nobody: the headers contradict each other."""


class Framing(NamedTuple):
    """How a body ends, and what is laid over it."""

    ending: Ending
    length: int = 0
    """Bytes, with LENGTH."""
    codings: tuple[str, ...] = ()
    """Content-Encoding, then Transfer-Encoding without chunks, in the order applied."""


@dataclass(slots=True, kw_only=True, eq=False)
class HttpMessage:
    """What requests and responses share. Not to be changed by those it is handed to; freezing one takes longer than reading it."""

    moment: Moment
    version: str
    """1.0, 1.1; as it was written, so others too; 0.9 where there is none."""
    fields: bytes
    """The header fields as sent, from the end of the first line on (its newline is there)."""
    framing: Framing
    """How the body ends, by the fields. That a response to HEAD, 204 and the like have none is for the reader to know."""
    head_size: int
    """Bytes of the head, its empty line included."""
    body: Body = NO_BODY
    """Once the message is complete; in a piece of a body (`HttpPiece`) it is not known yet."""
    is_cut: bool = False
    """The head was not captured to its end: headers are missing."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """(name in lower case, value) in their order."""
        return _headers(self.fields)

    def header(self, name: str) -> str | None:
        """Value of the first header of that name (in lower case)."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(slots=True, kw_only=True, eq=False)
class HttpRequest(HttpMessage):
    """A request."""

    method: str
    target: str
    """As it stands in the request line."""
    host: str | None
    """Host; None: it is not there, or is more than one line."""

    @property
    def url(self) -> str:
        """Host and path without a scheme: `localhost/bar`. An absolute target, and that of CONNECT, loses nothing but its scheme."""
        target = self.target
        if target[:1] == "/":
            if self.host is not None:
                return self.host + target
        elif absolute := _SCHEME.match(target):
            return target[absolute.end() :]
        host_field = self.header("host")
        return target if host_field is None or self.method == "CONNECT" else f"{host_field}{target}"


@dataclass(slots=True, kw_only=True, eq=False)
class HttpResponse(HttpMessage):
    """A final response; interim ones (1xx) are passed over, but for 101."""

    status: int | None
    """100 to 999; None: HTTP/0.9 has none."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall(Record):
    """A request and its response, one of which may be missing.

    A request with the method PRI stands for all of a connection in HTTP/2, which is not read.
    """

    request: HttpRequest | None
    response: HttpResponse | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPiece(Record):
    """Some more of one body, without chunk framing, with its content coding."""

    request: HttpRequest | None
    response: HttpResponse | None
    """None: the body is the request's."""
    codings: tuple[str, ...]
    """Content-Encoding, then Transfer-Encoding without chunks, in the order applied."""
    data: bytes
    """What comes next of it."""
    missing: int = 0
    """Bytes that come next and were not captured; then `data` is empty."""
    is_end: bool = False
    """Nothing more will come of this body."""
    is_complete: bool = False
    """With `is_end`: it came to its end as its framing says."""

    @property
    def carrier(self) -> HttpMessage:
        """The message it is the body of: the same object in all pieces."""
        carrier = self.response or self.request
        assert carrier is not None
        return carrier


@lru_cache(maxsize=4096)
def framing_by(found: tuple[tuple[bytes, bytes], ...], *, of_response: bool) -> Framing:
    """How a body ends by these fields (name in lower case, value): all of Content-Length, Transfer-Encoding and Content-Encoding there are.

    That a response to HEAD, 204 and the like have none is for the caller to know. Remembered, since most messages of a server have the
    same few.
    """
    listed: dict[bytes, list[str]] = {b"content-length": [], b"transfer-encoding": [], b"content-encoding": []}
    for name, value in found:
        listed[name] += _listed(value)
    lengths, transfer, content = listed.values()
    # What was laid over the body on its way (RFC 9112 section 7.2) lies over its content codings.
    codings = (*content, *(coding for coding in transfer if coding != "chunked"))
    if transfer:
        if transfer[-1] == "chunked":
            return Framing(Ending.CHUNKS, 0, codings)
        return Framing(Ending.CLOSE if of_response else Ending.UNKNOWN, 0, codings)
    if lengths:
        if lengths.count(lengths[0]) < len(lengths) or not _LENGTH.fullmatch(lengths[0]):
            return Framing(Ending.UNKNOWN, 0, codings)
        return Framing(Ending.LENGTH, int(lengths[0]), codings)
    return Framing(Ending.CLOSE if of_response else Ending.LENGTH, 0, codings)


def _headers(data: bytes) -> tuple[tuple[str, str], ...]:
    """Header fields; lines that are none are passed over, folded ones joined (RFC 9112 section 5.2)."""
    fields: list[tuple[str, str]] = []
    for line in data.decode("iso-8859-1").split(
        "\n"
    ):  # as texts, which keep their bytes: to decode each part takes longer
        line = line.rstrip("\r")
        if line[:1] in (" ", "\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {_stripped(line)}")
            continue
        key, colon, rest = line.partition(":")
        if colon and key:
            fields.append((_stripped(key).lower(), _stripped(rest)))
    return tuple(fields)


def _stripped(part: str) -> str:
    """Text of a part of a line, each of whose characters stands for a byte."""
    part = part.strip(" \t\n\r\v\f")  # strip() alone would take what is no white space in bytes
    return part if part.isascii() else _text(part.encode("iso-8859-1"))


def _listed(value: bytes) -> list[str]:
    """The members of a list field, in lower case (RFC 9110 section 5.6.1)."""
    if b"," not in value:
        word = _text(value.strip()).lower()
        return [word] if word else []
    return [word for part in value.split(b",") if (word := _text(part.strip()).lower())]


def _text(data: bytes) -> str:
    """Header text: UTF-8 where it is, else ISO 8859-1 (RFC 9110 section 5.5)."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")
