"""memcached over UDP, of a real server too."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import OPEN_LIMIT, Moment, Turn
from pcapdig.protocols.memcached import MemcachedCall
from pcapdig.protocols.memcached_datagrams import MemcachedDatagrams, starts


def framed(content: bytes, number: int = 7, place: int = 0, count: int = 1) -> bytes:
    """A datagram."""
    return struct.pack(">HHHH", number, place, count, 0) + content


def calls(*turns: tuple[bool, bytes]) -> list[MemcachedCall]:
    """The calls of a flow."""
    dialogue = MemcachedDatagrams()
    return [
        r for from_client, data in turns for r in dialogue.feed(Turn(data, from_client, Moment(0)))
    ] + dialogue.end()


@pytest.mark.parametrize(
    "data", [b"", framed(b""), b"get k\r\n", framed(b"get k\r\n", place=1), b"\0\7\0\0\0\1\0\1get k\r\n"]
)
def test_what_has_no_header(data: bytes) -> None:
    """Cut, text alone, a place beyond the count, a reserved word that is not 0."""
    assert not starts(data)
    assert calls((True, data)) == []


def test_a_header_that_was_not_captured() -> None:
    """What is behind a gap is not taken for one."""
    assert MemcachedDatagrams().feed(Turn(framed(b"get k\r\n"), True, Moment(0), ((2, 4),))) == []


def test_answers_name_their_request() -> None:
    """In another order than the requests."""
    found = calls(
        (True, framed(b"get a\r\n", 1)),
        (True, framed(b"get b\r\n", 2)),
        (False, framed(b"VALUE b 0 2\r\nxx\r\nEND\r\n", 2)),
        (False, framed(b"END\r\n", 1)),
    )
    assert [(call.keys, call.values, call.status) for call in found] == [
        (("b",), (("b", 2),), "END"),
        (("a",), (), "END"),
    ]


def test_an_answer_in_several_datagrams() -> None:
    """In any order, one of them twice."""
    parts = [b"VALUE a 0 9\r\n123", b"456", b"789\r\nEND\r\n"]
    answers = [framed(parts[place], place=place, count=3) for place in (1, 0, 1, 2)]
    (call,) = calls((True, framed(b"get a\r\n")), *((False, answer) for answer in answers))
    assert (call.values, call.status) == ((("a", 9),), "END")


def test_a_datagram_that_does_not_come() -> None:
    """The request is told without an answer, and what waits for it is bounded."""
    parts = [(False, framed(b"x" * 1000, place=place, count=500)) for place in range(1, 200)]
    assert [(call.command, call.status) for call in calls((True, framed(b"get a\r\n")), *parts)] == [("get", "")]


def test_requests_that_nobody_answers_are_not_kept() -> None:
    """Of many the oldest are told."""
    dialogue = MemcachedDatagrams()
    found = [
        call
        for number in range(OPEN_LIMIT + 5)
        for call in dialogue.feed(Turn(framed(b"get a\r\n", number), True, Moment(0)))
    ]
    assert len(found) == 5
    assert len(dialogue.end()) == OPEN_LIMIT
    assert dialogue.is_idle


def test_noreply_is_not_waited_for() -> None:
    """It is told at once."""
    dialogue = MemcachedDatagrams()
    (call,) = dialogue.feed(Turn(framed(b"set a 0 0 1 noreply\r\nx\r\n"), True, Moment(0)))
    assert call.is_quiet
    assert dialogue.is_idle


def test_the_capture(records_of: Callable[..., list[Any]]) -> None:
    """A real server: what captures/clients.py asks for, text and binary, answers of several datagrams that each say they are the only one."""
    found = records_of("memcached_udp", lambda opening: MemcachedDatagrams() if starts(opening.data) else None)
    assert [(call.command, call.keys, call.size_bytes, call.values, call.status) for call in found] == [
        ("set", ("k",), 5, (), "STORED"),
        ("set", ("big",), 1200, (), "STORED"),
        ("get", ("k", "missing", "big"), 0, (("k", 5), ("big", 1200)), "END"),
        ("get", ("k", "big", "big"), 0, (("k", 5), ("big", 1200), ("big", 1200)), "END"),
        ("delete", ("nothing",), 0, (), "NOT_FOUND"),
        ("mg", ("k",), 0, (("k", 5),), "VA"),
        ("get", ("k",), 0, (("k", 5),), "END"),
    ]
