"""Frames of MySQL's compressed protocol, of a real MariaDB too."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest
import zstandard

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.mysql import MysqlDialogue, begin
from pcapdig.protocols.mysql_compression import Unpacker, opening
from pcapdig.protocols.sql import SqlCall

QUERY = b"\x09\0\0\0\x03SELECT 1"
OK = b"\7\0\0\1\0\0\0\2\0\0\0"
GREETING = b"\x0a8.0\0" + bytes(12) + b"\0" + b"\x20\x02" + bytes(3) + b"\0\x04"
LOGIN = b"\x20\x02\0\x04" + bytes(28) + b"alice\0\0"


def packet(payload: bytes, number: int = 0) -> bytes:
    """With its header."""
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def frame(content: bytes, compress: Callable[[bytes], bytes] | None = zlib.compress, number: int = 0) -> bytes:
    """Bytes as one frame."""
    sent = compress(content) if compress else content
    plain_size = len(content) if compress else 0
    return len(sent).to_bytes(3, "little") + bytes([number]) + plain_size.to_bytes(3, "little") + sent


def unpacked(*turns: bytes, gaps: tuple[tuple[int, int], ...] = ()) -> list[tuple[bytes, int] | None]:
    """What the turns of one direction hold: bytes and how many are missing behind them; None: the place is lost."""
    unpacker, found = Unpacker(), list[tuple[bytes, int] | None]()
    for data in turns:
        for turn in unpacker.feed(Turn(data, True, Moment(0), gaps)):
            found.append(turn and (turn.data, sum(missing for _, missing in turn.gaps)))
    return found


def calls(*turns: tuple[bool, bytes], is_compressed: bool = False) -> list[SqlCall]:
    """The calls of a connection."""
    dialogue = MysqlDialogue(is_compressed=is_compressed)
    return [
        r for from_client, data in turns for r in dialogue.feed(Turn(data, from_client, Moment(0)))
    ] + dialogue.end()


def test_what_is_not_compressed_loses_the_place() -> None:
    """A frame that says it is zlib's and is not; the next turn is read."""
    assert unpacked(b"\4\0\0\0\x64\0\0none", frame(QUERY)) == [None, (QUERY, 0)]


def test_broken_compression_is_a_gap() -> None:
    """As long as the frame says; the next frame is read."""
    broken = bytearray(frame(QUERY * 20))
    broken[12:16] = b"\xff\xff\xff\xff"
    assert unpacked(bytes(broken) + frame(QUERY)) == [(b"", len(QUERY) * 20), (QUERY, 0)]


def test_no_more_is_unpacked_than_the_frame_says() -> None:
    """A frame of a few kilobytes that would fill memory."""
    bomb = bytearray(frame(bytes(16_000_000)))
    bomb[4:7] = (1000).to_bytes(3, "little")
    assert sum(len(piece[0]) for piece in unpacked(bytes(bomb)) if piece) == 1000


def test_what_grows_a_thousandfold_is_not_unpacked_whole() -> None:
    """Beyond 16 MiB and 64 times what was sent it is missing; its length stays known."""
    data = frame(bytes(16_000_000)) * 10
    found = unpacked(data)
    assert sum(len(piece[0]) for piece in found if piece) == (16 << 20) + 64 * len(data)
    assert sum(len(piece[0]) + piece[1] for piece in found if piece) == 160_000_000
    assert max(len(piece[0]) for piece in found if piece) <= 64 << 10


def test_millions_of_commands_are_not_told() -> None:
    """A turn of some kilobytes that holds them is given up."""
    dialogue = MysqlDialogue(is_compressed=True)
    found = dialogue.feed(Turn(frame(packet(b"\x0e") * 3_000_000), True, Moment(0)))
    assert dialogue.is_over
    assert 10_000 < len(found) < 30_000


@pytest.mark.parametrize("where", [3, 10])
def test_a_hole(where: int) -> None:
    """In a header the place is lost, in a frame its rest is missing."""
    data = frame(QUERY * 20)
    found = unpacked(data[:where] + data[where + 2 :] + frame(QUERY), gaps=((where, 2),))
    assert found == ([None] if where < 7 else [(b"", len(QUERY) * 20), (QUERY, 0)])


def test_a_hole_in_what_is_sent_as_it_is() -> None:
    """Only those bytes are missing."""
    data = frame(QUERY, None)
    assert unpacked(data[:9] + data[11:], gaps=((9, 2),)) == [(QUERY[:2], 0), (b"", 2), (QUERY[4:], 0)]


@pytest.mark.parametrize("compress", [None, zlib.compress, zstandard.compress])
def test_byte_by_byte(compress: Callable[[bytes], bytes] | None) -> None:
    """As sent, zlib, zstd: the same bytes, however they are cut."""
    data = frame(QUERY * 50, compress) + frame(QUERY, None, 1)
    found = unpacked(*(bytes([byte]) for byte in data))
    assert b"".join(piece[0] for piece in found if piece) == QUERY * 51


@pytest.mark.parametrize("compress", [None, zlib.compress, zstandard.compress])
def test_packets_across_frames(compress: Callable[[bytes], bytes] | None) -> None:
    """Frames cut packets anywhere, and hold several."""
    found = calls(
        (False, packet(GREETING)),
        (True, packet(LOGIN, 1)),
        (False, packet(OK[4:], 2)),
        (True, frame(QUERY[:6], compress) + frame(QUERY[6:], compress, 1)),
        (False, frame(OK, compress)),
        (True, frame(QUERY, compress)),
    )
    assert [(call.command, call.user, call.statement, call.answer is not None) for call in found] == [
        ("connect", "alice", "", True),
        ("query", "alice", "SELECT 1", True),
        ("query", "alice", "SELECT 1", False),
    ]


def test_the_answer_to_the_login_was_not_captured() -> None:
    """That a command comes says that compression has begun."""
    found = calls((False, packet(GREETING)), (True, packet(LOGIN, 1)), (True, frame(QUERY)))
    assert [(call.command, call.statement) for call in found] == [("connect", ""), ("query", "SELECT 1")]


@pytest.mark.parametrize("compress", [None, zlib.compress, zstandard.compress])
def test_a_connection_older_than_the_capture(compress: Callable[[bytes], bytes] | None) -> None:
    """It is recognised by a command in a frame."""
    dialogue = begin(frame(QUERY, compress), from_client=True)
    assert dialogue
    assert dialogue.feed(Turn(frame(QUERY, compress), True, Moment(0))) == []
    assert [call.statement for call in dialogue.feed(Turn(frame(OK, compress), False, Moment(1)))] == ["SELECT 1"]


@pytest.mark.parametrize("data", [b"", b"\4\0\0\0", frame(QUERY)[:-1], frame(QUERY, number=1), b"\4\0\0\0\x64\0\0none"])
def test_what_is_no_frame(data: bytes) -> None:
    """Cut, not a command's first, not compressed."""
    assert opening(data) == b""


def test_the_capture(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """A real server: texts as tshark has them, where it unpacks them; counts and errors are what captures/clients.py asks for."""
    found = records_of("mysql_compressed", lambda opening: begin(opening.data, from_client=opening.from_client))
    texts = [call.statement for call in found if call.command in ("query", "prepare")]
    seen = tshark("mysql_compressed", "mysql.query", "mysql.query")
    assert seen
    assert {query for (query,) in seen} <= {*texts}
    counts = [
        (call.statement.split(" ")[0], call.answer.rows, call.answer.affected)
        for call in found
        if not call.answer.error
    ]
    assert counts == [
        ("", None, None),
        ("CREATE", None, 0),
        ("LOAD", None, 1000),
        ("SELECT", 500, None),
        ("SELECT", 1, None),
        ("INSERT", None, 1),
        ("SELECT", 1, None),
        ("", None, None),
        ("SELECT", None, None),
        ("SELECT", 1, None),
        ("", None, None),
        ("SELECT", 1002, 5),
    ]
    assert [call.answer.error.code for call in found if call.answer.error] == [1064, 1045]
    assert [call.parameters for call in found if call.command == "execute"] == [("y" * 1024, "thing 7")]
