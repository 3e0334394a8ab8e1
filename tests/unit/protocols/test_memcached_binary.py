"""memcached's binary protocol, of a real server too."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.memcached import MemcachedCall
from pcapdig.protocols.memcached_binary import MemcachedBinaryDialogue, starts


def message(
    magic: int,
    opcode: int,
    *,
    key: bytes = b"",
    value: bytes = b"",
    extras: bytes = b"",
    status: int = 0,
    opaque: int = 0,
) -> bytes:
    """Header and body."""
    size = len(key) + len(extras) + len(value)
    header = struct.pack(">BBHBBHIIQ", magic, opcode, len(key), len(extras), 0, status, size, opaque, 0)
    return header + extras + key + value


def calls(*turns: tuple[bool, bytes]) -> list[MemcachedCall]:
    """The calls of a connection."""
    dialogue = MemcachedBinaryDialogue()
    return [
        r for from_client, data in turns for r in dialogue.feed(Turn(data, from_client, Moment(0)))
    ] + dialogue.end()


def told(found: list[MemcachedCall]) -> list[tuple[str, tuple[str, ...], str, int]]:
    """(command, keys, status, bytes of the value got or set)."""
    return [(c.command, c.keys, c.status, c.values[0][1] if c.values else c.size_bytes) for c in found]


GET = message(0x80, 0x00, key=b"k")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GET[:23],
        b"get k\r\n" * 4,
        message(0x80, 0x99),
        b"\x80\0\0\7" + GET[4:],
        b"\x80\0\0\1\0\1" + GET[6:],
        bytes(24),
    ],
)
def test_what_does_not_begin_a_connection(data: bytes) -> None:
    """Cut, text, unknown commands, sizes that do not agree."""
    assert not starts(data)


def test_a_wrong_header_loses_the_place() -> None:
    """The next turn is read."""
    assert told(calls((True, GET + bytes(24) + GET), (True, GET))) == [("get", ("k",), "", 0)] * 2


def test_a_value_and_a_miss() -> None:
    """As the text protocol tells them."""
    found = message(0x81, 0x00, value=b"hello", extras=bytes(4))
    missed = message(0x81, 0x00, value=b"Not found", status=1)
    assert told(calls((True, GET + GET), (False, found + missed))) == [
        ("get", ("k",), "END", 5),
        ("get", ("k",), "END", 0),
    ]


def test_quiet_commands_before_an_answer_had_none() -> None:
    """Also where all have one number, as some clients do."""
    asked = (
        message(0x80, 0x0D, key=b"a")
        + message(0x80, 0x0D, key=b"b")
        + message(0x80, 0x11, key=b"c", value=b"xy", extras=bytes(8))
    )
    answers = message(0x81, 0x0D, key=b"b", value=b"1", extras=bytes(4)) + message(0x81, 0x0A)
    expected = [("get", ("a",), "", 0), ("get", ("b",), "END", 1), ("set", ("c",), "", 2), ("noop", (), "OK", 0)]
    found = calls((True, asked + message(0x80, 0x0A)), (False, answers))
    assert told(found) == expected
    assert [call.is_quiet for call in found] == [True, False, True, False]


def test_statistics_are_one_answer() -> None:
    """However many there are."""
    answers = message(0x81, 0x10, key=b"pid", value=b"1") * 3 + message(0x81, 0x10)
    assert told(calls((True, message(0x80, 0x10)), (False, answers))) == [("stats", (), "OK", 0)]


def test_the_capture(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """Opcodes and keys are tshark's."""
    found = records_of("memcached_binary", lambda opening: MemcachedBinaryDialogue() if starts(opening.data) else None)
    rows = tshark("memcached_binary", "memcache.magic == 0x80", "memcache.opcode", options=("-E", "aggregator=,"))
    assert len(found) == sum(len(row[0].split(",")) for row in rows)
    keys = tshark(
        "memcached_binary", "memcache.magic == 0x80 and memcache.key", "memcache.key", options=("-E", "aggregator=,")
    )
    assert sorted(key for call in found for key in call.keys) == sorted(
        key for row in keys for key in row[0].split(",")
    )
    assert [(c.command, c.keys, c.values, c.status) for c in found if c.keys == ("k",)][:3] == [
        ("set", ("k",), (), "STORED"),
        ("get", ("k",), (("k", 5),), "END"),
        ("delete", ("k",), (), "DELETED"),
    ]


def test_a_request_that_was_not_answered_is_passed_by() -> None:
    """The answers after it are still those of the requests that they name."""
    asked = [b"\x80\0\0\1" + bytes(7) + b"\1\0\0\0" + bytes([number]) + bytes(8) + b"k" for number in (1, 2)]
    answer = b"\x81\0\0\0\4" + bytes(6) + b"\6\0\0\0\2" + bytes(8) + b"\0\0\0\0hi"
    dialogue = MemcachedBinaryDialogue()
    found = dialogue.feed(Turn(b"".join(asked), True, Moment(0))) + dialogue.feed(Turn(answer, False, Moment(0)))
    assert [(call.keys, call.status) for call in found] == [(("k",), ""), (("k",), "END")]
