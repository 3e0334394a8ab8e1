"""memcachelog: sysdig's line, a key and end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.chisels.memcachelog import Memcachelog
from pcapdig.errors import UsageError

TURNS = [
    (True, b"set big 0 0 2000\r\n" + b"x" * 2000 + b"\r\n"),
    (False, b"STORED\r\n"),
    (True, b"set small 0 0 5\r\nhello\r\n"),
    (False, b"STORED\r\n"),
    (True, b"get small absent\r\n"),
    (False, b"VALUE small 0 5\r\nhello\r\nEND\r\n"),
]


def words_of(rows: Any, **arguments: Any) -> list[str]:
    """Lines without date and time."""
    chisel = Memcachelog(**arguments)
    return [item.text.split(" ", 2)[2] for item in (*chisel.feed(rows), *chisel.end())]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "arguments", [{"method": "delete"}, {"method": "set", "size": "big"}, {"method": "set", "size": "-1"}]
)
def test_wrong_arguments_are_refused(arguments: dict[str, str]) -> None:
    """Before anything is read."""
    with pytest.raises(UsageError, match="chisel memcachelog"):
        Memcachelog(**arguments)


def test_the_size_of_a_get_is_that_of_its_value(conversation: Callable[..., Any]) -> None:
    """A line for each key; nothing found is 0."""
    found = words_of(conversation(TURNS, port=11211, ends="server"))
    assert found == [
        "method=set size=2000B key=big",
        "method=set size=5B key=small",
        "method=get size=5B key=small",
        "method=get size=0B key=absent",
    ]


def test_method_and_size(conversation: Callable[..., Any]) -> None:
    """sysdig's 'set 1000', and set alone, which fails there."""
    rows = conversation(TURNS, port=11211, ends="server")
    assert words_of(rows, method="set", size="1000") == ["method=set size=2000B key=big"]
    assert len(words_of(rows, method="set")) == 2


def test_verbose(conversation: Callable[..., Any]) -> None:
    """Answer, latency, process, connection; two local ends are two lines."""
    lines = words_of(conversation(TURNS[:2], port=11211), verbose=True)
    more = "method=set size=2000B key=big status=STORED latency=1.50ms"
    connection = "fd.name=10.0.0.1:5000->10.0.0.2:11211"
    assert lines == [
        f"{more} proc.name=curl proc.pid=100 {connection}",
        f"{more} proc.name=httpd proc.pid=200 {connection}",
    ]


def test_the_connection_is_shown_where_no_process_is_known(conversation: Callable[..., Any]) -> None:
    """As in every other log."""
    lines = words_of(conversation(TURNS[:2], port=11211, ends="none"))
    assert lines == ["method=set size=2000B key=big fd.name=10.0.0.1:5000->10.0.0.2:11211"]


def test_the_binary_protocol(conversation: Callable[..., Any]) -> None:
    """The same lines."""
    get = b"\x80\0\0\1" + bytes(4) + b"\0\0\0\1" + bytes(12) + b"k"
    found = b"\x81\0\0\0\4" + bytes(3) + b"\0\0\0\x09" + bytes(12) + bytes(4) + b"hello"
    lines = words_of(conversation([(True, get), (False, found)], port=11211, ends="client"))
    assert lines == ["method=get size=5B key=k"]
