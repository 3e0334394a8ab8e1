"""The options of a kept packet that refer to other blocks: Apple's process numbers (32769, 32771) and process ids (option 8)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from pcapdig.pcapng.blocks import PacketOption
from pcapdig.pcapng.layout import option, read_options

MOST_CACHED = 4096
"""Packets' options remembered: those of one end and flow are the same again and again."""
_INDEXES = (PacketOption.APPLE_PROCESS, PacketOption.APPLE_EFFECTIVE_PROCESS)


class References(NamedTuple):
    """What a packet's options refer to."""

    indexes: tuple[int, ...]
    """Numbers of Apple's process blocks in the section, in the order of the options."""
    pids: tuple[int, ...]
    """Process ids of option 8, without 0, which is not known."""


class KeptOptions:
    """Reads the options of packets."""

    def __init__(self) -> None:
        """Nothing was read yet."""
        self._cached: dict[tuple[bytes, str], References] = {}

    def read(self, options: bytes, order: str) -> References:
        """What these options of a packet refer to."""
        key = (options, order)
        found = self._cached.get(key)
        if found is None:
            if len(self._cached) >= MOST_CACHED:
                self._cached.clear()
            found = self._cached[key] = _read(options, order)
        return found


def _read(options: bytes, order: str) -> References:
    indexes, pids = [], []
    for code, value in read_options(options, 0, order):
        if code in _INDEXES and len(value) == 4:
            indexes.append(struct.unpack(f"{order}I", value)[0])
        elif code == PacketOption.PROCESS_AND_THREAD and len(value) == 8:
            pids.append(struct.unpack_from(f"{order}I", value)[0])
    return References(tuple(indexes), tuple(pid for pid in pids if pid))


def renumbered(options: bytes, order: str, numbers: dict[int, int | None]) -> bytes:
    """The same options with Apple's process blocks numbered anew; what refers to None is left out.

    Args:
        numbers: number in the file -> number in the copy.
    """
    parts = []
    for code, value in read_options(options, 0, order):
        if code in _INDEXES and len(value) == 4:
            number = numbers[struct.unpack(f"{order}I", value)[0]]
            if number is None:
                continue
            value = struct.pack(f"{order}I", number)
        parts.append(option(code, value, order))
    return b"".join(parts) + bytes(4) if parts else b""
