"""One direction's bytes, read by coroutines."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.inbox import Inbox, LostPlaceError, StreamEndedError


def turn(data: bytes, *gaps: tuple[int, int], time_ns: int = 0) -> Turn:
    """A message."""
    return Turn(data, True, Moment(time_ns), gaps)


def result(reading: Generator[None, None, Any]) -> Any:
    """What a reading returns; None while it waits."""
    try:
        next(reading)
    except StopIteration as stop:
        return stop.value
    return None


def test_exactly_refuses_a_hole() -> None:
    """Bytes that are needed and missing lose the place."""
    inbox = Inbox()
    inbox.add(turn(b"abc", (2, 5)))
    with pytest.raises(LostPlaceError):
        next(inbox.exactly(3))


def test_exactly_ends_with_the_stream() -> None:
    """Fewer bytes than asked for."""
    inbox = Inbox()
    inbox.add(turn(b"abc"))
    inbox.end()
    with pytest.raises(StreamEndedError):
        next(inbox.exactly(4))


def test_through_gives_up_at_its_limit() -> None:
    """A line without an end is not collected forever."""
    inbox = Inbox()
    inbox.add(turn(b"x" * 100))
    with pytest.raises(LostPlaceError):
        next(inbox.through(re.compile(b"\n"), 64))


def test_exactly_waits_for_more() -> None:
    """A value split over two turns."""
    inbox = Inbox()
    inbox.add(turn(b"ab"))
    reading = inbox.exactly(4)
    next(reading)
    inbox.add(turn(b"cde"))
    assert result(reading) == b"abcd"
    assert inbox.peek() == b"e"


def test_prefix_counts_what_is_missing() -> None:
    """Ten bytes of the wire, of which four were captured before the hole."""
    inbox = Inbox()
    inbox.add(turn(b"abcdXYrest", (4, 4)))
    assert result(inbox.prefix(10, 100)) == b"abcd"
    assert inbox.peek() == b"rest"


def test_prefix_keeps_no_more_than_asked() -> None:
    """A long value costs no memory."""
    inbox = Inbox()
    inbox.add(turn(b"abcdefgh"))
    assert result(inbox.prefix(6, 2)) == b"ab"
    assert inbox.peek() == b"gh"


def test_moment_is_that_of_the_next_byte() -> None:
    """Several turns wait."""
    inbox = Inbox()
    inbox.add(turn(b"ab", time_ns=1))
    inbox.add(turn(b"cd", time_ns=2))
    assert inbox.moment.time_ns == 1
    result(inbox.exactly(2))
    assert inbox.moment.time_ns == 2


def test_turns_that_were_taken_are_forgotten() -> None:
    """A long body in turns of a byte each takes no memory for each, also where nobody asks for the moment."""
    inbox = Inbox()
    reading = inbox.prefix(2000, keep=0)
    for time_ns in range(1000):
        inbox.add(turn(b"x", time_ns=time_ns))
        assert result(reading) is None
    assert len(inbox._marks) <= 2
    assert inbox.moment.time_ns == 999


def test_through_finds_an_end_split_over_turns() -> None:
    """Each byte comes alone."""
    inbox = Inbox()
    reading = inbox.through(re.compile(rb"\r?\n\r?\n"), 100)
    found = None
    for byte in b"a\nb\r\n\r\n":
        inbox.add(turn(bytes([byte])))
        found = found or result(reading)
    assert found == b"a\nb\r\n\r\n"
