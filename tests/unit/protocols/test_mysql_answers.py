"""Answers of a MySQL server."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.inbox import Inbox, LostPlaceError
from pcapdig.protocols.mysql_answers import AnswerReader
from pcapdig.protocols.sql import SqlAnswer


def packets(*payloads: bytes, first: int = 1) -> bytes:
    """Payloads with their headers."""
    return b"".join(len(p).to_bytes(3, "little") + bytes([i]) + p for i, p in enumerate(payloads, first))


def read(command: str, data: bytes) -> SqlAnswer | None:
    """The answer."""
    inbox = Inbox()
    inbox.add(Turn(data, False, Moment(0)))
    reading: Generator[None, None, Any] = AnswerReader(command).read(inbox)
    try:
        next(reading)
    except StopIteration as stop:
        assert inbox.is_empty
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("it waits for more")


EOF, OK_AS_EOF, COLUMN, ROW = b"\xfe\0\0\2\0", b"\xfe\0\0\2\0\0\0", b"\3def", b"\1x"


@pytest.mark.parametrize("data", [packets(b"\0", first=0), packets(b"\xff"), packets(b"\0\xff")])
def test_wrong_packets_lose_the_place(data: bytes) -> None:
    """A request's number, an error without a code, an OK without its counts."""
    with pytest.raises(LostPlaceError):
        read("query", data)


@pytest.mark.parametrize("rows", [0, 1, 3])
def test_rows_with_and_without_eof(rows: int) -> None:
    """Both forms of a result set are counted, whichever the connection uses."""
    with_eof = packets(b"\1", COLUMN, EOF, *[ROW] * rows, EOF)
    without = packets(b"\1", COLUMN, *[ROW] * rows, OK_AS_EOF)
    assert read("query", with_eof) == read("query", without) == SqlAnswer(rows=rows)


def test_an_error_amid_rows() -> None:
    """Both are told."""
    answer = read("query", packets(b"\1", COLUMN, EOF, ROW, b"\xff\x25\x05#70100stopped"))
    assert answer and answer.rows == 1
    assert answer.error and (answer.error.code, answer.error.state, answer.error.message) == (1317, "70100", "stopped")


def test_several_results() -> None:
    """Rows and changes of all of them."""
    more = b"\xfe\0\0\x0a\0"
    assert read("query", packets(b"\1", COLUMN, EOF, ROW, more, b"\0\5\0\2\0\0\0")) == SqlAnswer(rows=1, affected=5)


def test_a_cursor_has_no_rows_yet() -> None:
    """They come with fetch."""
    assert read("execute", packets(b"\1", COLUMN, b"\xfe\0\0\x42\0")) == SqlAnswer(rows=0)
    assert read("fetch", packets(b"\0\0x", b"\0\0y", b"\xfe\0\0\x82\0")) == SqlAnswer(rows=2)


def test_prepare() -> None:
    """Id and parameters; the last EOF packet belongs to nobody."""
    data = packets(b"\0\7\0\0\0\1\0\2\0\0\0\0", COLUMN, COLUMN, EOF, COLUMN)
    assert read("prepare", data) == SqlAnswer()
    assert read("query", packets(EOF, first=6)) is None
