"""Process blocks in a copy: those of the processes that kept packets name, each before the first packet that refers to it.

Apple's blocks are referred to by counting, so they get new numbers; Wireshark 5's process entries by process id. Which block a bare id
means is trace/process_blocks.py's rule: the one with the latest start up to the packet's time, else the last one before the packet.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from pcapdig.dig.held import MOST_HELD_BYTES, Remembered
from pcapdig.pcapng.blocks import APPLE_PROCESS, WIRESHARK_PEN, WIRESHARK_PROCESS_ENTRY, WiresharkProcessOption
from pcapdig.pcapng.layout import read_options


class _Block(NamedTuple):
    """A block that names a process."""

    block: bytes
    """As it lies in the file."""
    pid: int
    is_apple: bool
    start_ns: int | None
    """Start of the process in ns since 1970, where the block says it."""


class CarriedProcesses:
    """The process blocks of one section, and which of them the copy has."""

    def __init__(self, most_bytes: int = MOST_HELD_BYTES) -> None:
        """None yet. `most_bytes`: of blocks that are kept for packets to come; the oldest are given up first."""
        self.evicted = 0
        """Blocks given up, over all sections."""
        self._most_bytes = most_bytes
        self._needed: set[int] = set()
        self._count = 0
        self.begin_section()

    def begin_section(self) -> int:
        """Forget all blocks, whose numbers and ids are those of one section; how many of them no packet needed."""
        left_out = self._count - len(self._needed)
        self._blocks: dict[int, _Block] = {}
        """By place among the section's process blocks."""
        self._count = self._bytes = 0
        self._apple: list[int] = []
        """Places of Apple's blocks, by number."""
        self._by_pid: dict[int, list[int]] = {}
        self._needed = set()
        self._unanswered: Remembered[int] = Remembered()
        """Ids that kept packets name and no block so far."""
        self.has_entries = False
        """The section has Wireshark's process entries."""
        self.begin_output()
        return left_out

    def begin_output(self) -> None:
        """The copy begins a section, which has none of the blocks yet."""
        self._numbers: dict[int, int] = {}
        """Place of an Apple block that the copy has -> its number there."""
        self._written: set[int] = set()
        self._apple_written = 0
        self._last_written: dict[int, int] = {}
        """Process id -> place of the block about it that the copy had last."""

    def add(self, kind: int, body: bytes, whole: bytes, order: str) -> bytes | None:
        """Take the next block.

        Args:
            kind: its type.
            body: without framing.
            whole: with it.
            order: of the section.

        Returns:
            What goes into the copy at once: a process that kept packets named before. None: this block names no process.
        """
        block = _apple(body, whole, order) if kind == APPLE_PROCESS else _wireshark(body, whole, order)
        if block is None:
            return None
        place = self._count
        self._count += 1
        self._blocks[place] = block
        self._bytes += len(whole)
        if block.is_apple:
            self._apple.append(place)
        else:
            self.has_entries = True
        self._by_pid.setdefault(block.pid, []).append(place)
        while self._bytes > self._most_bytes and len(self._blocks) > 1:
            oldest = next(iter(self._blocks))
            self._bytes -= len(self._blocks.pop(oldest).block)
            self.evicted += 1
        return self._write(place) if block.pid in self._unanswered else b""

    def number_of(self, index: int) -> tuple[int | None, bytes]:
        """Number in the copy of the Apple block that has this number in the file, None where there is none; and that block, where the
        copy does not have it yet."""
        if index >= len(self._apple):
            return None, b""
        place = self._apple[index]
        if place in self._numbers:
            return self._numbers[place], b""
        if place not in self._blocks:
            return None, b""
        written = self._write(place)
        return self._numbers[place], written

    def of_pid(self, pid: int, time_ns: int, *, wireshark_only: bool) -> bytes:
        """The block that a process id means to a packet, where the copy does not have it yet.

        Args:
            pid: as option 8 or a comment has it.
            time_ns: of the packet.
            wireshark_only: the packet refers to an Apple block too.
        """
        places = [
            place
            for place in self._by_pid.get(pid, ())
            if place in self._blocks and not (wireshark_only and self._blocks[place].is_apple)
        ]
        if not places:
            if not wireshark_only:
                self._unanswered.add(pid)
            return b""
        starts = [(self._blocks[place].start_ns, place) for place in places]
        started = [(start_ns, place) for start_ns, place in starts if start_ns is not None and start_ns <= time_ns]
        place = max(started)[1] if started else places[-1]
        if place in self._written and (started or self._last_written[pid] == place):
            return b""
        return self._write(place)

    def _write(self, place: int) -> bytes:
        found = self._blocks[place]
        self._needed.add(place)
        self._written.add(place)
        self._last_written[found.pid] = place
        if found.is_apple:
            self._numbers[place] = self._apple_written
            self._apple_written += 1
        return found.block


def _apple(body: bytes, whole: bytes, order: str) -> _Block:
    """A block too short for a process id counts, since packets count it, and names nobody."""
    pid = struct.unpack_from(f"{order}I", body)[0] if len(body) >= 4 else -1
    return _Block(whole, pid, is_apple=True, start_ns=None)


def _wireshark(body: bytes, whole: bytes, order: str) -> _Block | None:
    """Wireshark's process entry in a custom block; None for one that says something else. All but the enterprise number is
    little-endian (wiretap/pcapng-wireshark-custom.c)."""
    if len(body) < 16 or struct.unpack_from(f"{order}I", body)[0] != WIRESHARK_PEN:
        return None
    kind, size, pid = struct.unpack_from("<III", body, 4)
    if kind != WIRESHARK_PROCESS_ENTRY or not 4 <= size <= len(body) - 12:
        return None
    start = dict(read_options(body[12 : 12 + size], 4, "<")[::-1]).get(WiresharkProcessOption.START_TIME, b"")
    start_ns = struct.unpack("<Q", start)[0] if len(start) == 8 else None
    return _Block(whole, pid, is_apple=False, start_ns=start_ns)
