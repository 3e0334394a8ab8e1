"""The blocks of a section that describe processes once for all packets that refer to them.

Apple's block 0x80000001, which a packet refers to by counting (options 32769 and 32771), and Wireshark 5's process entry in a custom
block, which a packet refers to by process id (option 8). Both are found by process id too.
Sources: apple-oss-distributions/libpcap, libpcap/pcap/pcap-ng.h; wireshark/wireshark, wiretap/pcapng-wireshark-custom.c.
"""

from __future__ import annotations

import struct
from bisect import bisect_right, insort
from typing import NamedTuple

from pcapdig.pcapng.blocks import (
    APPLE_PROCESS,
    WIRESHARK_PEN,
    WIRESHARK_PROCESS_ENTRY,
    ProcessOption,
    WiresharkProcessOption,
)
from pcapdig.pcapng.comments import CMDLINE_BYTES
from pcapdig.pcapng.text import clean, decode, encode
from pcapdig.procs.process import Process
from pcapdig.trace.blocks import DamageError, read_options

ALWAYS = (-(1 << 63), (1 << 63) - 1)
"""From and until when something holds that does not depend on time: all times an i64 can say, in ns since 1970."""

_MOST_STARTS = 4096
"""Start times remembered of one process id: a file in which it was given out more often is made up."""

_NO_PID = 0xFFFFFFFF
"""-1 as XNU gives it for no process."""


class Found(NamedTuple):
    """Who had a process id."""

    process: Process
    from_ns: int
    """The answer is the same for packets from this time on, ns since 1970 ..."""
    until_ns: int
    """... to before this one."""


class _Lives:
    """The processes that had one process id, one after the other."""

    __slots__ = ("last", "starts")

    def __init__(self) -> None:
        self.last: Process | None = None
        """Of the last block."""
        self.starts: list[tuple[int, int, Process]] = []
        """(start in ns since 1970, number of its block, process), ascending."""


class ProcessBlocks:
    """The process blocks of the section that is being read, in their order. Those not asked for are not looked into."""

    __slots__ = ("_apple", "_lives", "_unread", "_wireshark")

    def __init__(self) -> None:
        """None yet."""
        self.begin_section()

    def begin_section(self) -> None:
        """Forget all blocks: counts and process ids are those of one section."""
        self._unread: list[tuple[int, bytes, str]] = []
        self._apple: list[Process | None] = []
        self._lives: dict[int, _Lives] = {}
        self._wireshark = 0

    def add(self, kind: int, body: bytes, order: str) -> None:
        """The next block.

        Args:
            kind: block type: APPLE_PROCESS, or a custom block's.
            body: without framing; of a custom block from the enterprise number on.
            order: "<" or ">".
        """
        self._unread.append((kind, body, order))

    def of_apple(self, number: int) -> Process | None:
        """The process of Apple's block of that number, from 0; None where there is none, or it does not say enough."""
        self._read()
        return self._apple[number] if number < len(self._apple) else None

    def of_pid(self, pid: int, time_ns: int) -> Found | None:
        """Who had that id then: of the blocks so far that name it, the one with the latest start up to that time; if there is none,
        the last one.
        """
        self._read()
        lives = self._lives.get(pid)
        if lives is None or lives.last is None:
            return None
        after = bisect_right(lives.starts, time_ns, key=lambda life: life[0])
        until_ns = lives.starts[after][0] if after < len(lives.starts) else ALWAYS[1]
        if after == 0:
            return Found(lives.last, ALWAYS[0], until_ns)
        start_ns, _, process = lives.starts[after - 1]
        return Found(process, start_ns, until_ns)

    def _read(self) -> None:
        unread, self._unread = self._unread, []
        for kind, body, order in unread:
            if kind == APPLE_PROCESS:
                process = _apple_process(body, order)
                self._apple.append(process)
                self._remember(process, None)
            else:
                self._remember(*_wireshark_process(body, order))

    def _remember(self, process: Process | None, start_ns: int | None) -> None:
        if process is None or process.pid is None:
            return
        lives = self._lives.setdefault(process.pid, _Lives())
        lives.last = process
        if start_ns is not None:
            self._wireshark += 1
            if len(lives.starts) == _MOST_STARTS:
                del lives.starts[0]
            insort(lives.starts, (start_ns, self._wireshark, process), key=lambda life: life[:2])


def _apple_process(body: bytes, order: str) -> Process | None:
    """None for a block that is cut. Process 0 is the kernel's own."""
    try:
        (pid,) = struct.unpack_from(f"{order}I", body)
        options = read_options(body, 4, order)
    except (struct.error, DamageError):
        return None
    name = _find_text(options, ProcessOption.NAME)
    if pid == _NO_PID and name is None:
        return None
    return Process(name=name, pid=None if pid == _NO_PID else pid, exepath=_find_text(options, ProcessOption.PATH))


def _wireshark_process(body: bytes, order: str) -> tuple[Process | None, int | None]:
    """The process and its start in ns since 1970, from a custom block; (None, None) for one that says something else.

    All but the enterprise number is little-endian. A number of a wrong length is passed over.
    """
    nobody = None, None
    if len(body) < 16 or struct.unpack_from(f"{order}I", body)[0] != WIRESHARK_PEN:
        return nobody
    kind, size, pid = struct.unpack_from("<III", body, 4)
    if kind != WIRESHARK_PROCESS_ENTRY or size < 4 or size > len(body) - 12 or pid == 0:
        return nobody
    try:
        options = read_options(body[12 : 12 + size], 4, "<")
    except DamageError:
        return nobody
    start = options.get(WiresharkProcessOption.START_TIME, b"")
    start_ns = min(struct.unpack("<Q", start)[0], ALWAYS[1]) if len(start) == 8 else None
    arguments = options.get(WiresharkProcessOption.COMMAND_LINE, b"").rstrip(b"\0").replace(b"\0", b" ")
    process = Process(
        name=_find_text(options, WiresharkProcessOption.NAME),
        pid=pid,
        uid=_find_number(options, WiresharkProcessOption.USER_ID),
        user=_find_text(options, WiresharkProcessOption.USER_NAME),
        ppid=_find_number(options, WiresharkProcessOption.PARENT),
        exepath=_find_text(options, WiresharkProcessOption.PATH),
        cmdline=encode(clean(arguments.decode("utf-8", "replace")), CMDLINE_BYTES).decode() or None,
    )
    return process, start_ns


def _find_text(options: dict[int, bytes], code: int) -> str | None:
    return decode(options.get(code, b"")) or None


def _find_number(options: dict[int, bytes], code: int) -> int | None:
    value = options.get(code, b"")
    return int(struct.unpack("<I", value)[0]) if len(value) == 4 else None
