"""HTTP/1.0 and HTTP/1.1: calls, pipelined or not, and bodies of every framing.

In: turns. Out: `HttpCall` (HttpDialogue) or `HttpPiece` (HttpBodies), of http_messages.py. Source: RFC 9112 (body length: section 6.3,
chunks: 7.1, pipelining: 9.3.2), RFC 9110 (methods, status codes). HTTP/2 without TLS is recognised, and told by one call that has
no response; it is not read, and HTTP/3 is not seen. Inside a tunnel that CONNECT made reading goes on where it is HTTP.

The answer to a request of HTTP/0.9 has no head (RFC 1945 section 6): it is all that comes until the server closes the connection. That alone
distinguishes it from another protocol's, but for HTML; so it is no answer where the client goes on, or the capture ends before.

A turn that is one whole message, as most are, is read at once; only what is split, joined or damaged goes through the coroutines.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from pcapdig.protocols._http_heads import is_response, request_in, response_in, starts
from pcapdig.protocols._http_whole import Asked, call_of, read_whole
from pcapdig.protocols.bodies import Body
from pcapdig.protocols.conversation import Dialogue, Record, Turn
from pcapdig.protocols.http_body_readers import BodyReader, HeldReader, PieceReader, is_html
from pcapdig.protocols.http_head_readers import (
    LOOK,
    expects_continue,
    first_line,
    has_status,
    is_preface,
    read_head,
    read_request,
)
from pcapdig.protocols.http_messages import (
    BODILESS,
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
from pcapdig.protocols.states import UNTIL_CLOSE, State

if TYPE_CHECKING:
    from pcapdig.protocols.conversation import Moment
    from pcapdig.protocols.inbox import Inbox, Reading

__all__ = ["HttpBodies", "HttpCall", "HttpDialogue", "HttpPiece", "HttpRequest", "HttpResponse", "starts"]

_BLANKS = re.compile(rb"[\0\r\n]+")  # NUL: of a keep-alive probe
_REQUEST_START = re.compile(rb"[A-Z][A-Z0-9_-]{0,31}(?:[ \t]|\Z)")
_STATUS_START = re.compile(rb"HTTP/|(?:H|HT|HTT|HTTP)\Z")
_OTHERS = re.compile(
    rb"\$-?[0-9]+\r\n|[*:][0-9]+\r\n|_\r\n|[-+][A-Z]{2,}[ \r]"  # Redis, POP3
    rb"|END\r\n|VALUE |(?:CLIENT_|SERVER_)?ERROR[ \r]"  # memcached, IRC
)
"""Answers to a line that is GET and a path in protocols that have such lines too."""
_REPLY_CODE = re.compile(rb"[1-5][0-9][0-9][ -]|(?:\*|GET) (?:BAD|NO|BYE)\b")
"""What mail servers and others answer to what they do not understand."""

STATES = (
    State("body", "a head with Content-Length, or Transfer-Encoding", "bytes of the body, of chunks and trailers",
          ("so many bytes", "the last chunk and its trailers", "a final answer that was refused before a byte of it was sent: see expectation")),
    State("body until close", "the head of a response without a length", "bytes of the body", UNTIL_CLOSE),
    State("expectation", "a request with Expect: 100-continue and a body that has not begun", "the client waits, or sends its body all the same",
          ("100", "a final status: what looks like a request then is one", "the first byte of the body")),
    State("upgrade", "101", "another protocol's bytes", UNTIL_CLOSE),
    State("tunnel", "CONNECT, answered 2xx", "bytes between others, read on where they are HTTP", UNTIL_CLOSE),
    State("half-read head", "the first line of a request", "header fields", ("the empty line", "a response: 400, 408, 431 and the like answer it")),
    State("HTTP/0.9", "GET and a path without a version, not answered by a status line", "bytes of the answer until the server closes",
          ("connection closes", "the client goes on: then it was no answer")),
    State("HTTP/2", "its preface", "frames, which are not read", UNTIL_CLOSE),
)  # fmt: skip
"""What docs/protocol-states.md says of HTTP/1."""

_R = TypeVar("_R", bound=Record)


class _Http(Dialogue[_R, Asked]):
    """Reads one TCP connection. Who asks is who sends requests, whatever the flow says of client and server."""

    client_asks: bool | None = None
    """The flow's client sends the requests; None: nobody has said anything that is HTTP."""
    body_limit: int | None = None
    """Bytes kept of each body, as sent; None: they are told as they come."""

    _is_tunnel = False
    """A proxy took a CONNECT: what follows is between others, and may be HTTP too."""
    _simple: Asked | None = None
    """The request of HTTP/0.9 whose answer is being read."""
    _reads_head = False
    """A request has begun, and its head has not ended."""
    _is_answered = False
    """The request whose head is being read has had its response, and stands in a record as far as it was."""

    def called(self, request: HttpRequest | None, response: HttpResponse | None) -> None:
        """A call is complete, as far as it ever will be."""
        raise NotImplementedError

    def reader(self, request: HttpRequest | None, response: HttpResponse | None, framing: Framing) -> BodyReader:
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
            if (yield from is_preface(inbox)):
                self._speaks_http2(inbox.moment)
                return
            if self._simple:
                self._simple = None  # its server closes, which this one did not
                self.lose_place(False)
                self._is_half_unsure = False
            self._reads_head = True
            request, is_cut = yield from read_request(inbox)
            self._reads_head = False
            if request is None:
                raise LostPlaceError
            body = self.reader(request, None, request.framing)
            asked = Asked(request, body)
            is_unsure = (self._is_unsure or self._is_half_unsure) and not self._is_answered
            self._is_half_unsure = False
            if not is_unsure and not self._is_answered:
                self.open.append(asked)
            self._is_answered = False
            try:
                yield from self._request_body(inbox, asked, body, is_cut=is_cut)
            except (LostPlaceError, StreamEndedError):
                if is_unsure:
                    self.give_up(asked)
                raise
            if is_unsure:
                self.give_up(asked)

    def _request_body(self, inbox: Inbox, asked: Asked, body: BodyReader, *, is_cut: bool) -> Reading[None]:
        """Read what follows the head of a request, if that is its body.

        Raises:
            LostPlaceError: where it ends is not known.
        """
        if is_cut:
            body.end(is_complete=False)
            raise LostPlaceError
        if inbox.is_empty and expects_continue(asked.request):
            body.end(is_complete=False)
            if not (yield from self._sends_body(inbox, asked)):
                return
        yield from body.read(inbox)

    def _sends_body(self, inbox: Inbox, asked: Asked) -> Reading[bool]:
        """Wait for what follows a head with Expect: the body, or, after a final answer, another request (RFC 9110 section 10.1.1).

        Raises:
            LostPlaceError: what comes first was not captured, so its meaning is unknown.
        """
        yield from inbox.something()
        if asked.is_continued or asked in self.open:
            return True
        if not inbox.peek(1):
            raise LostPlaceError
        seen = yield from first_line(inbox, _REQUEST_START)
        return is_response(seen.lstrip(b"\r\n")) is not False

    def _after_loss(self, asks: bool) -> None:
        super()._after_loss(asks)
        self._is_half_unsure = not asks and self._reads_head  # one whose body is half read was open, and is handed out
        if asks:
            self._reads_head = self._is_answered = False
        else:
            self._simple = None

    def _next_start(self, inbox: Inbox, start: re.Pattern[bytes]) -> Reading[None]:
        """Wait for the next message, past empty lines before it (RFC 9112 section 2.2). In a tunnel that has no HTTP inside it is over.

        Raises:
            LostPlaceError: what comes is none; it is not waited for more of it.
        """
        yield from inbox.next_message()
        while blanks := _BLANKS.match(inbox.peek(LOOK)):
            yield from inbox.prefix(blanks.end(), 0)
            yield from inbox.next_message()
        first = inbox.peek(LOOK)
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
            yield from inbox.next_message()
            if self.open and self.open[0].request.version == "0.9" and not (yield from has_status(inbox)):
                yield from self._simple_answer(inbox, self.open[0])
                continue
            yield from self._next_start(inbox, _STATUS_START)
            if self.is_over:
                return
            head, is_cut, moment = yield from read_head(inbox)
            response = response_in(head, moment, is_cut=is_cut)
            if response is None:
                raise LostPlaceError
            status = response.status
            assert status is not None
            if status < 200 and status != 101:
                if is_cut:
                    raise LostPlaceError  # where it ends is not known, and nothing of it was taken
                if status == 100 and self.open:
                    self.open[0].is_continued = True
                continue
            yield from self._final(inbox, response)
            if status == 101:
                self.is_over = True
                return

    def _final(self, inbox: Inbox, response: HttpResponse) -> Reading[None]:
        """A final response, behind its head."""
        status = response.status or 0
        asked = self.next_open() or self._half_request()
        method = asked.request.method if asked else ""
        is_tunnel = method == "CONNECT" and 200 <= status < 300
        body = self.reader(asked.request if asked else None, response, response.framing)
        is_lost = response.is_cut
        try:
            if response.is_cut:
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

    def _half_request(self) -> Asked | None:
        """The request that is answered before its head has ended; None: none has begun, or not even its first line has come."""
        if not self._reads_head or self._is_answered:
            return None
        self._is_answered = True
        inbox = self._inboxes[True]
        head = inbox.peek(HEAD_LIMIT).rpartition(b"\n")[0] + b"\n"  # a field that is not whole is none
        request = request_in(head, inbox.moment, is_cut=True)
        return Asked(request, None) if request else None

    def _simple_answer(self, inbox: Inbox, asked: Asked) -> Reading[None]:
        """The answer to a request of HTTP/0.9.

        Raises:
            LostPlaceError: it is another protocol's, or was not captured from its beginning on.
        """
        first = inbox.peek(LOOK)
        if _OTHERS.match(first):
            self.open.clear()
            self.is_over = True
        if not first or self.is_over or _REPLY_CODE.match(first):
            raise LostPlaceError
        framing = Framing(Ending.CLOSE)
        response = HttpResponse(
            moment=inbox.moment, version="0.9", fields=b"", framing=framing, head_size=0, status=None, reason=""
        )
        body = self.reader(asked.request, response, framing)
        self._simple = asked
        yield from body.read(inbox)
        self._simple = None
        response.body = body.body()
        if response.body.is_complete or is_html(first):
            self.open.popleft()
            self.called(asked.whole(), response)


class HttpDialogue(_Http[HttpCall]):
    """Requests with their responses."""

    def __init__(self, *, body_limit: int = 0) -> None:
        """`body_limit`: bytes kept of each body, as sent."""
        super().__init__()
        self.body_limit = body_limit

    def called(self, request: HttpRequest | None, response: HttpResponse | None) -> None:
        """A record."""
        self.tell(call_of(request, response))

    def reader(self, request: HttpRequest | None, response: HttpResponse | None, framing: Framing) -> BodyReader:
        """Keeps the beginning of a body."""
        return BodyReader(framing, self.body_limit or 0)

    def unanswered(self, asked: Asked) -> HttpCall:
        """A request alone."""
        return call_of(asked.whole(), None)


class HttpBodies(_Http[HttpPiece]):
    """The bodies themselves, piece by piece as they come, of any size. A message without a body gives none."""

    def called(self, request: HttpRequest | None, response: HttpResponse | None) -> None:
        """Its pieces were told."""

    def reader(self, request: HttpRequest | None, response: HttpResponse | None, framing: Framing) -> BodyReader:
        """Tells pieces."""

        def piece(data: bytes, missing: int, *, is_end: bool = False, is_complete: bool = False) -> None:
            self._tell_piece(request, response, framing, data, missing=missing, is_end=is_end, is_complete=is_complete)

        return HeldReader(framing, piece) if response and response.status is None else PieceReader(framing, piece)

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
