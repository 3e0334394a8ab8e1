"""HTTP/1.0 and HTTP/1.1: calls, pipelined or not, with bodies of every framing.

In: turns. Out: `HttpCall`. Source: RFC 9112 (message format: sections 2 to 7, body length: 6.3), RFC 9110 (methods, status codes,
content coding). dpkt.http serves whole messages of a list of methods only, so heads are read here. HTTP/2 and 3 are not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcapdig.protocols.bodies import Body
from pcapdig.protocols.conversation import Dialogue, Moment, Record, Turn
from pcapdig.protocols.inbox import LostPlaceError, StreamEndedError

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

HEAD_LIMIT = 128 << 10
"""Bytes of a head; servers refuse far less (Apache LimitRequestFieldSize and nginx large_client_header_buffers: 8 KiB)."""
_CHUNK_LINE_LIMIT = 4096
_REQUEST = re.compile(rb"(?:\r?\n)?([A-Z][A-Z0-9_-]{0,31}) ([^\s]+) HTTP/(1\.[0-9])\r?\n")
_STATUS = re.compile(rb"HTTP/(1\.[0-9]) ([1-9][0-9]{2})(?: ([^\r\n]*))?\r?\n")
_START = re.compile(rb"(?:\r?\n)?[A-Z][A-Z0-9_-]{0,31} [^\s]+ HTTP/1\.[0-9]\r?\n|HTTP/1\.[0-9] [1-9][0-9]{2}[ \r\n]")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_LINE_END = re.compile(rb"\n")
_CHUNK_SIZE = re.compile(rb"\s*([0-9A-Fa-f]{1,15})\s*(?:;[^\n]*)?\r?\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpMessage:
    """What requests and responses share."""

    moment: Moment
    version: str
    """1.0, 1.1."""
    headers: tuple[tuple[str, str], ...]
    """(name in lower case, value) in their order."""
    body: Body
    is_cut: bool = False
    """The head was not captured to its end: headers are missing."""

    def header(self, name: str) -> str | None:
        """Value of the first header of that name (in lower case)."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest(HttpMessage):
    """A request."""

    method: str
    target: str
    """As it stands in the request line."""

    @property
    def url(self) -> str:
        """Host and path without a scheme: `localhost/bar`. An absolute target, and that of CONNECT, loses nothing but its scheme."""
        absolute = re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", self.target)
        if absolute:
            return self.target[absolute.end() :]
        host = self.header("host")
        return self.target if host is None or self.method == "CONNECT" else f"{host}{self.target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse(HttpMessage):
    """A final response; interim ones (1xx) are passed over, but for 101."""

    status: int
    """100 to 999."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall(Record):
    """A request and its response, one of which may be missing."""

    request: HttpRequest | None
    response: HttpResponse | None


@dataclass(slots=True)
class _Asked:
    """A request being read. Its body may still come while the response does."""

    moment: Moment
    method: str
    target: str
    version: str
    headers: tuple[tuple[str, str], ...]
    is_cut: bool
    body: _BodyReader

    def frozen(self) -> HttpRequest:
        return HttpRequest(
            moment=self.moment,
            method=self.method,
            target=self.target,
            version=self.version,
            headers=self.headers,
            is_cut=self.is_cut,
            body=self.body.body(),
        )


def starts(data: bytes) -> bool:
    """An HTTP/1 request or response begins here."""
    return _START.match(data, 0, HEAD_LIMIT) is not None


class HttpDialogue(Dialogue[HttpCall, _Asked]):
    """Reads one TCP connection. Who asks is who sends requests, whatever the flow says of client and server."""

    def __init__(self, *, body_limit: int = 0) -> None:
        """`body_limit`: bytes kept of each body, as sent."""
        super().__init__()
        self._body_limit = body_limit
        self._client_asks: bool | None = None

    def asks(self, turn: Turn) -> bool:
        """Decided by the first turn that is HTTP."""
        if self._client_asks is None:
            is_response = _STATUS.match(turn.data) is not None
            if not is_response and not _REQUEST.match(turn.data, 0, HEAD_LIMIT):
                return turn.from_client
            self._client_asks = turn.from_client != is_response
        return turn.from_client == self._client_asks

    def begins(self, data: bytes, *, asks: bool) -> bool:
        """A start line of that side."""
        return (_REQUEST.match(data, 0, HEAD_LIMIT) if asks else _STATUS.match(data)) is not None

    def unanswered(self, asked: _Asked) -> HttpCall:
        """A request alone."""
        return HttpCall(asked=asked.moment, answered=None, request=asked.frozen(), response=None)

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Requests, one after the other."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            head, is_cut = yield from _head(inbox)
            start = _REQUEST.match(head)
            if not start:
                raise LostPlaceError
            method, target, version = (_text(group) for group in start.groups())
            headers = _headers(head[start.end() :])
            body = _BodyReader(headers, self._body_limit, is_complete=not is_cut)
            self.open.append(_Asked(moment, method, target, version, headers, is_cut, body))
            if is_cut:
                raise LostPlaceError
            yield from body.read(inbox, is_response=False)

    def answering(self, inbox: Inbox) -> Reading[None]:
        """Responses, one after the other."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            head, is_cut = yield from _head(inbox)
            start = _STATUS.match(head)
            if not start:
                raise LostPlaceError
            status = int(start[2])
            if status < 200 and status != 101:
                continue
            asked = self.next_open()
            headers = _headers(head[start.end() :])
            method = asked.method if asked else ""
            is_tunnel = status == 101 or (method == "CONNECT" and status < 300)
            has_body = not (method == "HEAD" or status in (101, 204, 304) or is_tunnel or is_cut)
            body = _BodyReader(headers, self._body_limit, is_complete=not is_cut)
            try:
                if has_body:
                    yield from body.read(inbox, is_response=True)
            except (LostPlaceError, StreamEndedError):
                self._answer(asked, moment, start, headers, body.body(), is_cut=is_cut)
                raise
            self._answer(asked, moment, start, headers, body.body(), is_cut=is_cut)
            if is_cut:
                raise LostPlaceError
            if is_tunnel:
                self.is_over = True
                return

    def _answer(
        self,
        asked: _Asked | None,
        moment: Moment,
        start: re.Match[bytes],
        headers: tuple[tuple[str, str], ...],
        body: Body,
        *,
        is_cut: bool,
    ) -> None:
        response = HttpResponse(
            moment=moment,
            version=_text(start[1]),
            status=int(start[2]),
            reason=_text(start[3] or b""),
            headers=headers,
            body=body,
            is_cut=is_cut,
        )
        request = asked.frozen() if asked else None
        self.tell(
            HttpCall(asked=request.moment if request else None, answered=moment, request=request, response=response)
        )


class _BodyReader:
    """Reads one body as its headers frame it (RFC 9112 section 6.3). `body` can be asked for at any time."""

    def __init__(self, headers: tuple[tuple[str, str], ...], keep: int, *, is_complete: bool) -> None:
        self._headers = headers
        self._keep = keep
        self._parts: list[bytes] = []
        self._kept = 0
        self._size = 0
        self._is_whole = True  # no byte was missing so far
        self._is_complete = is_complete

    def body(self) -> Body:
        """What came so far."""
        return Body(
            size_bytes=self._size,
            kept=b"".join(self._parts),
            codings=_listed(self._headers, "content-encoding"),
            is_complete=self._is_complete,
        )

    def read(self, inbox: Inbox, *, is_response: bool) -> Reading[None]:
        """Read it to its end."""
        self._is_complete = False
        coding = _listed(self._headers, "transfer-encoding")
        lengths = set(_listed(self._headers, "content-length"))
        if coding and coding[-1] == "chunked":
            yield from self._chunked(inbox)
        elif coding and not is_response:
            raise LostPlaceError  # no server can find its end
        elif coding:
            yield from self._until_end(inbox)
        elif lengths:
            length = lengths.pop()
            if lengths or not re.fullmatch(r"[0-9]{1,18}", length, re.ASCII):
                raise LostPlaceError
            yield from self._exactly(inbox, int(length))
        elif is_response:
            yield from self._until_end(inbox)
        self._is_complete = True

    def _until_end(self, inbox: Inbox) -> Reading[None]:
        """Until the connection closes. The capture's end counts as that."""
        self._size, data = yield from inbox.rest(self._keep)
        self._parts.append(data)

    def _chunked(self, inbox: Inbox) -> Reading[None]:
        """RFC 9112 section 7.1."""
        while True:
            line = yield from inbox.through(_LINE_END, _CHUNK_LINE_LIMIT)
            size = _CHUNK_SIZE.fullmatch(line)
            if not size:
                raise LostPlaceError
            count = int(size[1], 16)
            if not count:
                break
            yield from self._exactly(inbox, count)
            if (yield from inbox.through(_LINE_END, 2)) not in (b"\r\n", b"\n"):
                raise LostPlaceError
        while (yield from inbox.through(_LINE_END, HEAD_LIMIT)).strip():
            pass  # trailer fields

    def _exactly(self, inbox: Inbox, count: int) -> Reading[None]:
        """Some more bytes, in steps, so that what came before an end too early is counted."""
        while count:
            yield from inbox.something()
            step = min(count, inbox.next_size)
            room = self._keep - self._kept if self._is_whole else 0
            data = yield from inbox.prefix(step, room)
            self._is_whole = self._is_whole and len(data) == min(step, room)
            if data:
                self._parts.append(data)
                self._kept += len(data)
            self._size += step
            count -= step


def _head(inbox: Inbox) -> Reading[tuple[bytes, bool]]:
    """A head with its empty line. True: it was not captured to its end, but its first line was."""
    try:
        return (yield from inbox.through(_HEAD_END, HEAD_LIMIT)), False
    except (LostPlaceError, StreamEndedError):
        before = inbox.peek()[:HEAD_LIMIT]
        if b"\n" not in before[2:]:
            raise
        return before, True


def _headers(data: bytes) -> tuple[tuple[str, str], ...]:
    """Header fields; lines that are none are passed over, folded ones joined (RFC 9112 section 5.2)."""
    fields: list[tuple[str, str]] = []
    for line in data.split(b"\n"):
        line = line.rstrip(b"\r")
        if line[:1] in (b" ", b"\t") and fields:
            name, value = fields[-1]
            fields[-1] = (name, f"{value} {_text(line.strip())}")
            continue
        key, colon, rest = line.partition(b":")
        if colon and key:
            fields.append((_text(key.strip()).lower(), _text(rest.strip())))
    return tuple(fields)


def _listed(headers: tuple[tuple[str, str], ...], name: str) -> tuple[str, ...]:
    """The members of a list header, in lower case, over all its fields (RFC 9110 section 5.6.1)."""
    words = (word.strip().lower() for key, value in headers if key == name for word in value.split(","))
    return tuple(word for word in words if word)


def _text(data: bytes) -> str:
    """Header text: UTF-8 where it is, else ISO 8859-1 (RFC 9110 section 5.5)."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("iso-8859-1")
