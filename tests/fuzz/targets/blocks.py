"""Blocks of a capture walked by hand, for what must hold of copies; and captures with blocks of every kind to begin with."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from random import Random

from carried import make

SECTION, INTERFACE, OLD, SIMPLE, NAMES, STATISTICS, PACKET, JOURNAL, SECRETS = 0x0A0D0D0A, 1, 2, 3, 4, 5, 6, 9, 10
APPLE, CUSTOM, CUSTOM_PRIVATE = 0x80000001, 0xBAD, 0x40000BAD
UNDERSTOOD = {
    SECTION,
    INTERFACE,
    OLD,
    SIMPLE,
    NAMES,
    STATISTICS,
    PACKET,
    JOURNAL,
    SECRETS,
    APPLE,
    CUSTOM,
    CUSTOM_PRIVATE,
}
APPLE_NUMBERS = (0x8001, 0x8003)


def described() -> list[bytes]:
    """Captures whose every block is known to belong to something."""
    return [make(Random(seed)).data for seed in range(4)]


def walked(data: bytes) -> Iterator[tuple[int, str, bytes]]:
    """(type, byte order, body) of each block of a whole capture."""
    at, order = 0, "<"
    while at < len(data):
        if data[at : at + 4] == b"\n\r\r\n":
            order = "<" if data[at + 8] == 0x4D else ">"
        kind, size = struct.unpack_from(f"{order}II", data, at)
        yield kind, order, data[at + 8 : at + size - 4]
        at += size


def check_described(data: bytes) -> None:
    """A copy with a filter has only blocks that are understood; interfaces of packets and statistics are described before them; and a
    process number counts a block before it, or there is none."""
    interfaces = processes = 0
    for kind, order, body in walked(data):
        assert kind in UNDERSTOOD, hex(kind)
        if kind == SECTION:
            interfaces = processes = 0
        elif kind == INTERFACE:
            interfaces += 1
        elif kind == APPLE:
            processes += 1
        elif kind in (CUSTOM, CUSTOM_PRIVATE):
            assert struct.unpack_from(f"{order}I", body)[0] == 32622
        elif kind == STATISTICS:
            assert struct.unpack_from(f"{order}I", body)[0] < interfaces
        elif kind in (PACKET, OLD):
            number = struct.unpack_from(f"{order}{'I' if kind == PACKET else 'H'}", body)[0]
            assert number < interfaces
            (captured,) = struct.unpack_from(f"{order}I", body, 12)
            check_numbers(body[20 + captured + -captured % 4 :], order, processes)


def check_numbers(options: bytes, order: str, processes: int) -> None:
    """Apple's process numbers of a packet."""
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from(f"{order}HH", options, at)
        if code == 0 or at + 4 + size > len(options):
            break
        if code in APPLE_NUMBERS and size == 4:
            assert struct.unpack_from(f"{order}I", options, at + 4)[0] < processes
        at += 4 + size + -size % 4
