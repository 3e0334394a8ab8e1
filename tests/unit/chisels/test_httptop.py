"""httptop: URLs by calls, bytes, time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.chisels.httptop import Httptop
from pcapdig.errors import UsageError


def get(path: bytes, size: int) -> list[tuple[bool, bytes]]:
    """A call."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    return [(True, b"GET /" + path + b" HTTP/1.1\r\nHost: h\r\n\r\n"), (False, answer)]


CALLS = [*get(b"a", 10), *get(b"b", 500), *get(b"a", 20), (True, b"GET /c HTTP/1.1\r\n\r\n")]


def test_another_word_is_refused() -> None:
    """With the words there are."""
    with pytest.raises(UsageError, match="one of ncalls, bytes, time"):
        Httptop(by="size")


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ("ncalls", ((2, ("GET", "h/a")), (1, ("GET", "/c")), (1, ("GET", "h/b")))),
        ("bytes", ((500, ("GET", "h/b")), (30, ("GET", "h/a")))),
        ("time", ((7, ("GET", "h/a")), (7, ("GET", "h/b")))),
    ],
)
def test_ranked(conversation: Callable[..., Any], by: str, rows: tuple[object, ...]) -> None:
    """Each call once, though both ends are local; ties by key; no row without a value."""
    chisel = Httptop(by=by)
    assert list(chisel.feed(conversation(CALLS, step_ns=7))) == []
    (table,) = chisel.end()
    assert (table.rows, table.value.heading) == (rows, by)  # type: ignore[union-attr]


def test_an_interval_begins_anew(conversation: Callable[..., Any]) -> None:
    """Live, a table shows one second."""
    chisel = Httptop()
    chisel.feed(conversation(CALLS[:2]))
    (first,) = chisel.interval(0)
    (second,) = chisel.interval(1)
    assert (len(first.rows), len(second.rows)) == (1, 0)  # type: ignore[union-attr]


def test_more_urls_than_are_counted(conversation: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that came first have rows with all their calls; how many calls are in no row is said."""
    monkeypatch.setattr("pcapdig.chisels.httptop.MOST_KEYS", 2)
    chisel = Httptop()
    chisel.feed(conversation([*get(b"a", 1), *get(b"b", 1), *get(b"c", 1), *get(b"a", 1), *get(b"d", 1)]))
    (table,) = chisel.end()
    assert [(2, "/a"), (1, "/b")] == [(calls, url[url.index("/") :]) for calls, (_, url) in table.rows]  # type: ignore[union-attr]
    assert ["2 calls of other URLs than the first 2 are in no row"] == [*chisel.notes()]
