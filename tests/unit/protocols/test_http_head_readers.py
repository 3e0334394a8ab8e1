"""Waiting for the head of a message."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.http import HttpDialogue
from pcapdig.protocols.http_head_readers import LOOK, first_line, has_status, is_preface
from pcapdig.protocols.http_messages import PREFACE
from pcapdig.protocols.inbox import Inbox


def read(reader: Any, *pieces: bytes, ends: bool = False) -> Any:
    """What a reader returns after these pieces; None: it waits for more."""
    inbox = Inbox()
    inbox.add(Turn(pieces[0], True, Moment(0)))
    reading = reader(inbox)
    for piece in (*pieces[1:], b""):
        try:
            next(reading)
        except StopIteration as end:
            return end.value
        inbox.add(Turn(piece, True, Moment(0)))
    if ends:
        inbox.end()
        with suppress(RuntimeError):
            try:
                next(reading)
            except StopIteration as end:
                return end.value
    return None


@pytest.mark.parametrize(
    ("pieces", "is_status"),
    [
        ((b"HTTP/1.1 200",), True), ((b"\r\nHTTP/",), True), ((b"HT", b"TP/"), True), ((b"HT",), None), ((b"\r\n",), None),
        ((b"HT", b"ML"), False), ((b"hello",), False), ((b"\r\n" * LOOK,), False), ((b"\0" * 500,), False),
    ],
)  # fmt: skip
def test_a_status_line_is_waited_for(pieces: tuple[bytes, ...], is_status: bool | None) -> None:
    """As long as it could become one, and no longer."""
    assert read(has_status, *pieces) is is_status


def test_what_could_have_become_a_status_line() -> None:
    """At the end it is none."""
    assert read(has_status, b"HTT", ends=True) is False


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ((PREFACE,), True),
        (tuple(PREFACE[i : i + 1] for i in range(len(PREFACE))), True),
        ((PREFACE + b"x",), True),
        ((b"PR",), None),
        ((b"PUT /",), False),
    ],
)
def test_the_preface_of_http2(pieces: tuple[bytes, ...], found: bool | None) -> None:
    """In pieces too; another method is not waited for."""
    assert read(is_preface, *pieces) is found


@pytest.mark.parametrize(
    ("pieces", "line"),
    [
        ((b"GE", b"T /a", b" x\r", b"\nmore"), b"GET /a x\r\nmore"),
        ((b"POST",), b"POST"),
        ((b"\r\n", b"GET\n"), b"\r\nGET\n"),
        ((b"GET /",), None),
    ],
)
def test_a_line_is_waited_for(pieces: tuple[bytes, ...], line: bytes | None) -> None:
    """What does not begin so is given as it is."""
    assert read(lambda inbox: first_line(inbox, re.compile(rb"GET[ \n]|G\Z|GE\Z")), *pieces) == line


@pytest.mark.parametrize("gap", [31, 33, 36])
def test_a_field_that_is_not_whole_is_none(gap: int) -> None:
    """A host that is cut would be one that nobody named."""
    head = b"GET /a HTTP/1.1\r\nX: y\r\nHost: www.example.test\r\n\r\n"
    dialogue = HttpDialogue()
    (call,) = dialogue.feed(Turn(head[:gap] + head[gap + 5 :], True, Moment(0), ((gap, 5),))) + dialogue.end()
    assert call.request and call.request.is_cut
    assert (call.request.host, call.request.url, call.request.headers) == (None, "/a", (("x", "y"),))
    dialogue = HttpDialogue()
    dialogue.feed(Turn(head[:gap], True, Moment(0)))
    (call,) = dialogue.feed(Turn(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False, Moment(1)))
    assert call.request and (call.request.url, call.response and call.response.status) == ("/a", 200)
