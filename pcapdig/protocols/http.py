"""HTTP/1.0 and HTTP/1.1: calls, pipelined or not, and bodies of every framing.

In: turns. Out: `HttpCall` (HttpDialogue) or `HttpPiece` (HttpBodies), of http_messages.py. Source: RFC 9112 (body length: section 6.3,
chunks: 7.1, pipelining: 9.3.2), RFC 9110 (methods, status codes). HTTP/2 without TLS is recognised, and told by one call that has
no response; it is not read, and HTTP/3 is not seen. Of HTTP/0.9 the request is told, and its answer, which has no head, is not read.
Inside a tunnel that CONNECT made reading goes on where it is HTTP.

A turn that is one whole message, as most are, is read at once; only what is split, joined or damaged goes through the coroutines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from pcapdig.protocols._http_heads import is_response, request_in, response_in, starts
from pcapdig.protocols._http_whole import Asked, call_of, read_whole
from pcapdig.protocols.bodies import Body
from pcapdig.protocols.conversation import Dialogue, Record, Turn
from pcapdig.protocols.http_messages import (
    BODILESS,
    HEAD_END,
    HEAD_LIMIT,
    PREFACE,
    Ending,
    Framing,
    HttpCall,
    HttpPiece,
    HttpRequest,
    HttpResponse,
)
from pcapdig.protocols.inbox import LostPlaceError, StreamEndedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pcapdig.protocols.conversation import Moment
    from pcapdig.protocols.inbox import Inbox, Reading

__all__ = ["HttpBodies", "HttpCall", "HttpDialogue", "HttpPiece", "HttpRequest", "HttpResponse", "starts"]

_CHUNK_LINE_LIMIT = 4096
_LINE_END = re.compile(rb"\n")
_BLANKS = re.compile(rb"[\0\r\n]+")  # NUL: of a keep-alive probe
_REQUEST_START = re.compile(rb"[A-Z][A-Z0-9_-]{0,31}(?:[ \t]|\Z)")
_STATUS_START = re.compile(rb"HTTP/|(?:H|HT|HTT|HTTP)\Z")
_LOOK = 33
"""Bytes in which a message is seen to begin: those of the longest method, and a blank."""
_LINE_LIMIT = 8192
"""Bytes of a request of HTTP/0.9, which is a line."""
_CHUNK_SIZE = re.compile(rb"\s*([0-9A-Fa-f]{1,15})\s*(?:;[^\n]*)?\r?\n")

_R = TypeVar("_R", bound=Record)


class _Http(Dialogue[_R, Asked]):
    """Reads one TCP connection. Who asks is who sends requests, whatever the flow says of client and server."""

    client_asks: bool | None = None
    """The flow's client sends the requests; None: nobody has said anything that is HTTP."""
    body_limit: int | None = None
    """Bytes kept of each body, as sent; None: they are told as they come."""

    _is_tunnel = False
    """A proxy took a CONNECT: what follows is between others, and may be HTTP too."""

    def called(self, request: HttpRequest | None, response: HttpResponse | None) -> None:
        """A call is complete, as far as it ever will be."""
        raise NotImplementedError

    def reader(self, request: HttpRequest | None, response: HttpResponse | None, framing: Framing) -> _BodyReader:
        """What takes a body that begins: that of the response, else of the request."""
        raise NotImplementedError

    def whole_body(self, request: HttpRequest | None, response: HttpResponse | None, data: bytes) -> Body:
        """A body that is all there, behind the head of the response, else of the request, that `data` begins with."""
        raise NotImplementedError

    def asks(self, turn: Turn) -> bool:
        """Decided by the first turn that is HTTP."""
        if self.client_asks is None:
            answers = is_response(turn.data)
            if answers is None:
                return turn.from_client
            self.client_asks = turn.from_client != answers
        return turn.from_client == self.client_asks

    def feed(self, turn: Turn) -> list[_R]:
        """Read the next message of the flow; the records that are complete with it."""
        records = read_whole(self, turn)
        return super().feed(turn) if records is None else records

    def begins(self, data: bytes, *, asks: bool) -> bool:
        """A start line of that side."""
        return is_response(data) is (not asks)

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Requests, one after the other."""
        while True:
            yield from self._next_start(inbox, _REQUEST_START)
            if self.is_over:
                return
            if inbox.peek(len(PREFACE)) == PREFACE:
                self._speaks_http2(inbox.moment)
                return
            request, is_cut = yield from _request(inbox)
            if request is None:
                raise LostPlaceError
            body = self.reader(request, None, request.framing)
            self.open.append(Asked(request, body))
            if is_cut:
                body.end(is_complete=False)
                raise LostPlaceError
            yield from body.read(inbox)

    def _next_start(self, inbox: Inbox, start: re.Pattern[bytes]) -> Reading[None]:
        """Wait for the next message, past empty lines before it (RFC 9112 section 2.2). In a tunnel that has no HTTP inside it is over.

        Raises:
            LostPlaceError: what comes is none; it is not waited for more of it.
        """
        yield from inbox.next_message()
        while blanks := _BLANKS.match(inbox.peek(_LOOK)):
            yield from inbox.prefix(blanks.end(), 0)
            yield from inbox.next_message()
        first = inbox.peek(_LOOK)
        if first and not start.match(first):
            if not self._is_tunnel:
                raise LostPlaceError
            self.is_over = True

    def _speaks_http2(self, moment: Moment) -> None:
        method, target, version = PREFACE.split(b"\r\n")[0].decode("ascii").replace("HTTP/", "").split()
        request = HttpRequest(
            moment=moment, version=version, fields=b"", framing=Framing(Ending.LENGTH), head_size=len(PREFACE),
            method=method, target=target, host=None,
        )  # fmt: skip
        self.called(request, None)
        self.is_over = True

    def answering(self, inbox: Inbox) -> Reading[None]:
        """Responses, one after the other."""
        while True:
            yield from self._next_start(inbox, _STATUS_START)
            if self.is_over:
                return
            head, is_cut, moment = yield from _head(inbox)
            response = response_in(head, moment, is_cut=is_cut)
            if response is None:
                raise LostPlaceError
            status = response.status
            if status < 200 and status != 101:
                if is_cut:
                    raise LostPlaceError  # where it ends is not known, and nothing of it was taken
                continue
            asked = self.next_open()
            method = asked.request.method if asked else ""
            is_tunnel = method == "CONNECT" and status < 300
            body = self.reader(asked.request if asked else None, response, response.framing)
            is_lost = is_cut
            try:
                if is_cut:
                    body.end(is_complete=False)
                elif not (method == "HEAD" or status in BODILESS or is_tunnel):
                    yield from body.read(inbox)
            except (LostPlaceError, StreamEndedError):
                is_lost = True
            response.body = body.body()
            self.called(asked.whole() if asked else None, response)
            if is_lost:
                raise LostPlaceError
            self._is_tunnel |= is_tunnel
            if status == 101:
                self.is_over = True
                return


class HttpDialogue(_Http[HttpCall]):
    """Requests with their responses."""

    def __init__(self, *, body_limit: int = 0) -> None:
        """`body_limit`: bytes kept of each body, as sent."""
        super().__init__()
        self.body_limit = body_limit

    def called(self, request: HttpRequest | None, response: HttpResponse | None) -> None:
        """A record."""
        self.tell(call_of(request, response))

    def reader(self, request: HttpRequest | None, response: HttpResponse | None, framing: Framing) -> _BodyReader:
        """Keeps the beginning of a body."""
        return _BodyReader(framing, self.body_limit or 0)

    def unanswered(self, asked: Asked) -> HttpCall:
        """A request alone."""
        return call_of(asked.whole(), None)


class HttpBodies(_Http[HttpPiece]):
    """The bodies themselves, piece by piece as they come, of any size. A message without a body gives none."""

    def called(self, request: HttpRequest | None, response: HttpResponse | None) -> None:
        """Its pieces were told."""

    def reader(self, request: HttpRequest | None, response: HttpResponse | None, framing: Framing) -> _BodyReader:
        """Tells pieces."""

        def piece(data: bytes, missing: int, *, is_end: bool = False, is_complete: bool = False) -> None:
            self._tell_piece(request, response, framing, data, missing=missing, is_end=is_end, is_complete=is_complete)

        return _PieceReader(framing, piece)

    def whole_body(self, request: HttpRequest | None, response: HttpResponse | None, data: bytes) -> Body:
        """One piece."""
        message = response or request
        assert message is not None
        body = data[message.head_size :]
        self._tell_piece(request, response, message.framing, body, is_end=True, is_complete=True)
        return Body(message.framing.length, b"", message.framing.codings, True)

    def give_up(self, asked: Asked) -> None:
        """Its pieces were told."""

    def _tell_piece(
        self,
        request: HttpRequest | None,
        response: HttpResponse | None,
        framing: Framing,
        data: bytes,
        *,
        missing: int = 0,
        is_end: bool = False,
        is_complete: bool = False,
    ) -> None:
        """A piece of the body of the response, or of the request where there is none."""
        self.tell(
            HttpPiece(
                asked=request.moment if request else None,
                answered=response.moment if response else None,
                request=request,
                response=response,
                codings=framing.codings,
                data=data,
                missing=missing,
                is_end=is_end,
                is_complete=is_complete,
            )
        )


class _BodyReader:
    """Reads one body as its framing says, and keeps its beginning. `body` can be asked for at any time."""

    def __init__(self, framing: Framing, keep: int) -> None:
        self._framing = framing
        self._keep = keep
        self._parts: list[bytes] = []
        self._size = 0
        self._is_complete = True

    def body(self) -> Body:
        """What came so far."""
        return Body(self._size, b"".join(self._parts), self._framing.codings, self._is_complete)

    def take(self, data: bytes, size: int) -> None:
        """`size` more bytes of the wire. Of the `data` of them that were asked for, fewer means that they were not captured."""
        self._size += size
        if data:
            self._parts.append(data)
        if len(data) < min(size, self._keep):
            self._keep = 0  # what follows a hole is not its beginning
        self._keep -= len(data)

    def end(self, *, is_complete: bool) -> None:
        """Nothing more will come."""
        self._is_complete = is_complete

    def read(self, inbox: Inbox) -> Reading[None]:
        """Read it to its end."""
        self._is_complete = False
        ending = self._framing.ending
        try:
            if ending is Ending.LENGTH:
                yield from self._exactly(inbox, self._framing.length)
            elif ending is Ending.CHUNKS:
                yield from self._chunked(inbox)
            elif ending is Ending.CLOSE:
                yield from self._until_close(inbox)
            else:
                raise LostPlaceError
        except (LostPlaceError, StreamEndedError):
            self.end(is_complete=False)
            raise
        self.end(is_complete=ending is not Ending.CLOSE or not inbox.is_cut_off)

    def _until_close(self, inbox: Inbox) -> Reading[None]:
        """Until the connection closes."""
        try:
            while True:
                yield from self._exactly(inbox, 1 << 60)
        except StreamEndedError:
            return

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
            self.take((yield from inbox.prefix(step, self._keep)), step)
            count -= step


class _PieceReader(_BodyReader):
    """Reads one body and hands out what comes."""

    def __init__(self, framing: Framing, piece: Callable[..., None]) -> None:
        super().__init__(framing, 1 << 60)
        self._piece = piece

    def take(self, data: bytes, size: int) -> None:
        """Bytes, or as many that are missing."""
        self._size += size
        self._piece(data, size - len(data))

    def end(self, *, is_complete: bool) -> None:
        """The end, of a body that had something."""
        if self._size:
            self._piece(b"", 0, is_end=True, is_complete=is_complete)


def _request(inbox: Inbox) -> Reading[tuple[HttpRequest | None, bool]]:
    """A request without its body; None: it is none. True: its head was not captured to its end. One of HTTP/0.9 is not waited for more of."""
    line = inbox.peek(_LINE_LIMIT)
    if line[:3] in (b"GET", b"PRO") and line[-1:] == b"\n" and len(line) < _LINE_LIMIT:
        request = request_in(line, inbox.moment)
        if request is not None and request.version == "0.9" and request.head_size == len(line):
            yield from inbox.exactly(len(line))
            return request, False
    head, is_cut, moment = yield from _head(inbox)
    return request_in(head, moment, is_cut=is_cut), is_cut


def _head(inbox: Inbox) -> Reading[tuple[bytes, bool, Moment]]:
    """A head with its empty line, and when it began. True: it was not captured to its end, but its first line was."""
    moment = inbox.moment
    try:
        return (yield from inbox.through(HEAD_END, HEAD_LIMIT)), False, moment
    except (LostPlaceError, StreamEndedError):
        before = inbox.peek()[:HEAD_LIMIT]
        if b"\n" not in before[2:]:
            raise
        return before, True, moment
