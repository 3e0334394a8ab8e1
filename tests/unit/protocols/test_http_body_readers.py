"""Bodies, as their framing says."""

from __future__ import annotations

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.http_body_readers import BodyReader, HeldReader, is_html
from pcapdig.protocols.http_messages import Ending, Framing
from pcapdig.protocols.inbox import Inbox, LostPlaceError, StreamEndedError


def body(framing: Framing, data: bytes, *, keep: int = 100) -> tuple[int, bytes, bool, bytes]:
    """Size, bytes kept, completeness, and what was left."""
    inbox, reader = Inbox(), BodyReader(framing, keep)
    inbox.add(Turn(data, True, Moment(0)))
    inbox.end()
    try:
        for _ in reader.read(inbox):
            raise AssertionError
    except (LostPlaceError, StreamEndedError):
        pass
    read = reader.body()
    return read.size_bytes, read.kept, read.is_complete, inbox.peek()


@pytest.mark.parametrize(
    ("framing", "data", "told"),
    [
        (Framing(Ending.UNKNOWN), b"abc", (0, b"", False, b"abc")),
        (Framing(Ending.CHUNKS), b"zz\r\n", (0, b"", False, b"")),
        (Framing(Ending.CHUNKS), b"2\r\nabc\r\n", (2, b"ab", False, b"c\r\n")),
        (Framing(Ending.CHUNKS), b"2\r\nab\r\n0\r\nT: 1\r\n\r\nmore", (2, b"ab", True, b"more")),
        (Framing(Ending.LENGTH, 5), b"abc", (3, b"abc", False, b"")),
        (Framing(Ending.LENGTH, 2), b"abc", (2, b"ab", True, b"c")),
        (Framing(Ending.CLOSE), b"abc", (3, b"abc", True, b"")),
    ],
)
def test_bodies(framing: Framing, data: bytes, told: tuple[int, bytes, bool, bytes]) -> None:
    """Too short, broken, whole."""
    assert body(framing, data) == told


def test_what_is_kept_is_bounded() -> None:
    """The size counts on."""
    assert body(Framing(Ending.CLOSE), bytes(1000), keep=10)[:2] == (1000, bytes(10))


@pytest.mark.parametrize(("is_complete", "told"), [(True, [b"ab", b"c", b""]), (False, [])])
def test_held_pieces(is_complete: bool, told: list[bytes]) -> None:
    """An answer without a head is one when its server closes; not before."""
    found: list[bytes] = []
    reader = HeldReader(Framing(Ending.CLOSE), lambda data, missing, **_: found.append(data))
    reader.take(b"ab", 2)
    reader.take(b"c", 1)
    assert found == []
    reader.end(is_complete=is_complete)
    assert found == told


def test_html() -> None:
    """Begins with a tag."""
    assert is_html(b"\r\n<html>") and not is_html(b"") and not is_html(b"a<b")
