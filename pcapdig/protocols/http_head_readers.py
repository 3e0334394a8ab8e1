"""Where the next HTTP/1 message begins, and where its head ends: it waits for as much as decides that, and no more.

In: an inbox between two messages. Out: heads, or what stands in their place. Source: RFC 9112 sections 2 and 3, RFC 1945 section 5.1 (HTTP/0.9).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pcapdig.protocols._http_heads import request_in
from pcapdig.protocols.http_messages import HEAD_END, HEAD_LIMIT, PREFACE, Ending
from pcapdig.protocols.inbox import LostPlaceError, StreamEndedError

if TYPE_CHECKING:
    from pcapdig.protocols.conversation import Moment
    from pcapdig.protocols.http_messages import HttpRequest
    from pcapdig.protocols.inbox import Inbox, Reading

LOOK = 33
"""Bytes in which a message is seen to begin: those of the longest method, and a blank."""
LINE_LIMIT = 8192
"""Bytes of a request of HTTP/0.9, which is a line, and of a request line that is looked for in the place of a body."""
_SIMPLE_START = re.compile(rb"GET[ \t]|(?:G|GE|GET)\Z")


def is_preface(inbox: Inbox) -> Reading[bool]:
    """Whether HTTP/2 without TLS begins here."""
    seen = inbox.peek(len(PREFACE))
    while len(seen) < len(PREFACE) and PREFACE.startswith(seen):
        before, seen = len(seen), (yield from inbox.look(len(seen) + 1))[: len(PREFACE)]
        if len(seen) == before:
            break
    return seen == PREFACE


def expects_continue(request: HttpRequest) -> bool:
    """The client may wait for 100 before it sends a body (RFC 9110 section 10.1.1)."""
    if request.framing.ending is Ending.LENGTH and not request.framing.length:
        return False
    return any(name == "expect" and value.lower() == "100-continue" for name, value in request.headers)


def has_status(inbox: Inbox) -> Reading[bool]:
    """Whether a response with a status line comes; empty lines may stand before it."""
    while True:
        first = inbox.peek(LOOK)
        line = first.lstrip(b"\r\n\0")
        if line[:5] == b"HTTP/" or len(first) == LOOK or not b"HTTP/".startswith(line):
            return line[:5] == b"HTTP/"
        if len((yield from inbox.look(len(first) + 1))) == len(first):
            return False


def first_line(inbox: Inbox, start: re.Pattern[bytes]) -> Reading[bytes]:
    """What can be taken, once a line that begins like `start` has come to its end; empty lines may stand before it."""
    seen = inbox.peek(LINE_LIMIT)
    while (line := seen.lstrip(b"\r\n\0")) == b"" or (b"\n" not in line and start.match(line)):
        if len(seen) == LINE_LIMIT or len((yield from inbox.look(len(seen) + 1))) == len(seen):
            break
        seen = inbox.peek(LINE_LIMIT)
    return seen


def read_request(inbox: Inbox) -> Reading[tuple[HttpRequest | None, bool]]:
    """A request without its body; None: it is none. True: its head was not captured to its end. One of HTTP/0.9 is not waited for more of."""
    line = yield from first_line(inbox, _SIMPLE_START)
    if line[:3] in (b"GET", b"PRO") and line[-1:] == b"\n" and len(line) < LINE_LIMIT:
        request = request_in(line, inbox.moment)
        if request is not None and request.version == "0.9" and request.head_size == len(line):
            yield from inbox.exactly(len(line))
            return request, False
    head, is_cut, moment = yield from read_head(inbox)
    return request_in(head, moment, is_cut=is_cut), is_cut


def read_head(inbox: Inbox) -> Reading[tuple[bytes, bool, Moment]]:
    """A head with its empty line, and when it began. True: it was not captured to its end, but its first line was."""
    moment = inbox.moment
    try:
        return (yield from inbox.through(HEAD_END, HEAD_LIMIT)), False, moment
    except (LostPlaceError, StreamEndedError):
        before = inbox.peek()[:HEAD_LIMIT]
        if b"\n" not in before[2:]:
            raise
        return before[: before.rindex(b"\n") + 1], True, moment  # a field that is not whole is none
