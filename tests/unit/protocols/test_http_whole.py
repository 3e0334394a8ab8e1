"""Turns that are one whole HTTP message."""

from __future__ import annotations

import pytest

from pcapdig.protocols._http_whole import Asked, call_of, read_whole
from pcapdig.protocols.conversation import OPEN_LIMIT, Moment, Turn
from pcapdig.protocols.http import HttpBodies, HttpCall, HttpDialogue

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"


def turn(
    data: bytes, *, from_client: bool = True, gaps: tuple[tuple[int, int], ...] = (), is_last: bool = False
) -> Turn:
    """A turn; each begins at its own moment."""
    return Turn(data, from_client, Moment(len(data)), gaps, is_last)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET /a HTT",
        GET + GET,
        GET[:-1],
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_requests_that_are_not_one_whole(data: bytes) -> None:
    """Nothing of them is taken."""
    dialogue = HttpDialogue()
    assert read_whole(dialogue, turn(data)) is None
    assert not dialogue.open


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 304 X\r\nContent-Length: 3\r\n\r\nabc",
        OK + b"d",
        OK[:-1],
    ],
)
def test_responses_that_are_not_one_whole(data: bytes) -> None:
    """Nothing of them is taken, and the request goes on waiting."""
    dialogue = HttpDialogue()
    assert read_whole(dialogue, turn(GET)) == []
    assert read_whole(dialogue, turn(data, from_client=False)) is None
    assert len(dialogue.open) == 1


def test_what_the_long_way_has_to_read() -> None:
    """Holes, what follows half a message, the answer to CONNECT, and what comes when all is over."""
    dialogue = HttpDialogue()
    assert read_whole(dialogue, turn(GET, gaps=((3, 1),))) is None
    dialogue.feed(turn(GET[:9]))
    assert read_whole(dialogue, turn(GET)) is None
    dialogue = HttpDialogue()
    dialogue.feed(turn(b"CONNECT h:1 HTTP/1.1\r\n\r\n"))
    assert read_whole(dialogue, turn(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", from_client=False)) is None
    dialogue.is_over = True
    assert read_whole(dialogue, turn(GET)) is None


def test_a_call() -> None:
    """With the beginning of its body, as sent."""
    dialogue = HttpDialogue(body_limit=2)
    assert read_whole(dialogue, turn(GET)) == []
    (call,) = read_whole(dialogue, turn(OK, from_client=False)) or []
    assert (call.asked, call.answered) == (Moment(len(GET)), Moment(len(OK)))
    assert call.request.body.size_bytes == 0
    assert call.response.body == (3, b"ab", ("gzip",), True)


def test_head_has_no_body() -> None:
    """Whatever its length says."""
    dialogue = HttpDialogue()
    read_whole(dialogue, turn(b"HEAD / HTTP/1.1\r\n\r\n"))
    (call,) = read_whole(dialogue, turn(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", from_client=False)) or []
    assert call.response.body.size_bytes == 0


def test_a_response_alone() -> None:
    """Of a request before the capture began."""
    (call,) = read_whole(HttpDialogue(), turn(OK, from_client=False)) or []
    assert (call.request, call.response.status) == (None, 200)


def test_pieces_of_a_dialogue_that_takes_bodies() -> None:
    """One each."""
    dialogue = HttpBodies()
    (piece,) = read_whole(dialogue, turn(b"PUT / HTTP/1.0\r\nContent-Length: 1\r\n\r\nx")) or []
    assert (piece.data, piece.is_end, piece.response) == (b"x", True, None)
    (piece,) = read_whole(dialogue, turn(OK, from_client=False)) or []
    assert (piece.data, piece.codings, piece.request.method) == (b"abc", ("gzip",), "PUT")


def test_too_many_open_requests() -> None:
    """The oldest is told without an answer."""
    dialogue = HttpDialogue()
    told = [record for _ in range(OPEN_LIMIT + 1) for record in read_whole(dialogue, turn(GET)) or []]
    assert [call.response for call in told] == [None]


def test_the_last_turn_ends_its_side() -> None:
    """What was half read of it before is no part of the next message."""
    dialogue = HttpDialogue()
    dialogue.feed(turn(GET + GET))  # read by the long way, which now waits for more
    read_whole(dialogue, turn(GET, is_last=True))
    assert (len(dialogue.open), dialogue.is_between(True)) == (3, True)


def test_a_call_is_as_its_constructor_makes_it() -> None:
    """And as frozen."""
    dialogue = HttpDialogue()
    read_whole(dialogue, turn(GET))
    asked = dialogue.open[0]
    assert isinstance(asked, Asked) and asked.body is None
    request = asked.whole()
    call = call_of(request, None)
    assert call == HttpCall(asked=request.moment, answered=None, request=request, response=None)
    with pytest.raises(AttributeError):
        call.request = None  # type: ignore[misc]
