"""sqllog: a line a statement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pcapdig.chisels.sqllog import SHOWN, Sqllog


def packet(payload: bytes, number: int = 0) -> bytes:
    """With its header."""
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def words_of(rows: Any, **arguments: Any) -> list[str]:
    """Lines without date and time."""
    chisel = Sqllog(**arguments)
    return [item.text.split(" ", 2)[2] for item in (*chisel.feed(rows), *chisel.end())]  # type: ignore[union-attr]


def test_an_error(conversation: Callable[..., Any]) -> None:
    """Code, state and text; the statement on one line."""
    turns = [(True, packet(b"\x03SELECT\n  broken")), (False, packet(b"\xff\x28\x04#42000near 'broken'", 1))]
    (words,) = words_of(conversation(turns, port=3306))
    start = 'command=query user=<NA> db=<NA> rows=<NA> error="1064 (42000) near \'broken\'" sql="SELECT broken"'
    assert words == f"{start} latency=1.50ms client.proc=curl server.proc=httpd"


def test_rows_and_changes(conversation: Callable[..., Any]) -> None:
    """Of a query, and of an update."""
    rows = (
        packet(b"\1", 1)
        + packet(b"\3def", 2)
        + packet(b"\xfe\0\0\2\0", 3)
        + packet(b"\1x", 4)
        + packet(b"\xfe\0\0\2\0", 5)
    )
    turns = [
        (True, packet(b"\x03SELECT x")),
        (False, rows),
        (True, packet(b"\x03UPDATE t")),
        (False, packet(b"\0\2\0\2\0\0\0", 1)),
    ]
    first, second = words_of(conversation(turns, port=3306))
    assert 'db=<NA> rows=1 sql="SELECT x"' in first
    assert 'db=<NA> affected=2 sql="UPDATE t"' in second


def test_long_statements_are_cut_unless_verbose(conversation: Callable[..., Any]) -> None:
    """A line stays a line."""
    turns = [(True, packet(b"\x03SELECT " + b"x" * 5000))]
    (short,) = words_of(conversation(turns, port=3306))
    (whole,) = words_of(conversation(turns, port=3306), verbose=True)
    assert (len(short) < SHOWN + 200, len(whole) > 5000) == (True, True)
