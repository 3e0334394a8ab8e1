"""Which processes a file names. The one place that knows how a file says whose a packet is.

pcapdig's comments name a process and its end (`claim_of`). Where a packet has none, what other programs wrote names one process
(`foreign`), by the first of these that is there:

    comments of ptcpdump, RustNet or etl2pcapng (pcapdig.pcapng.foreign)
    Apple's options 32769, else 32771: the number of a process block in the section
    option 8 (draft-ietf-opsawg-pcapng, section 4.3): the process's id, and thread's, 0 where not known; of several the first

An id without more is looked up among the section's process blocks so far. How a foreign process is known is not said: evidence 0.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from pcapdig.pcapng import comments
from pcapdig.pcapng.blocks import COMMENT, PacketOption
from pcapdig.procs.secret_hints import may_hide
from pcapdig.trace.columns import EVIDENCE_LISTENER, EVIDENCE_NAMES
from pcapdig.trace.process_blocks import ALWAYS, Found, ProcessBlocks

if TYPE_CHECKING:
    from pcapdig.procs.process import Process

END_LOCAL, END_CLIENT, END_SERVER = range(3)
"""At which end of its packet a foreign process is: the one that the packet's direction makes local, or one of its flow's."""


class Claim(NamedTuple):
    """What one comment says of one end of a packet."""

    process: int
    """Row in the trace's processes."""
    is_write: bool
    """The sender's end, else the receiver's."""
    evidence: int
    """EVIDENCE_*."""
    is_server: bool | None = None
    """Whether that end serves, as the recorder knows it from the socket; None: not said."""


class Foreign(NamedTuple):
    """The process that another program's options name."""

    process: int
    """Row in the trace's processes."""
    end: int
    """END_*."""
    from_ns: int
    """The same options name the same process from this time on, ns since 1970, as long as no process block is added ..."""
    until_ns: int
    """... to before this one."""


class Processes:
    """The process table of a trace: each process once, by what its file says of it."""

    __slots__ = ("_full_cmdline", "_rows", "blocks", "known")

    def __init__(self, *, full_cmdline: bool = False) -> None:
        """No process yet. `full_cmdline`: secrets in command lines stay, which files of other programs and of before have."""
        self._full_cmdline = full_cmdline
        self.known: list[Process] = []
        """Processes by row. Rows are only added."""
        self.blocks = ProcessBlocks()
        """The process blocks of the section that is being read."""
        self._rows: dict[Process, int] = {}

    def row_of(self, process: Process) -> int:
        """The row of a process, made if it is new."""
        if process.cmdline and not self._full_cmdline and may_hide(process.cmdline):
            from pcapdig.procs.secret_arguments import hide_text

            process = replace(process, cmdline=hide_text(process.cmdline))
        row = self._rows.setdefault(process, len(self.known))
        if row == len(self.known):
            self.known.append(process)
        return row

    def claim_of(self, comment: bytes) -> Claim | None:
        """Read one packet comment; None when it does not name a process. Called once for each different comment."""
        parsed = comments.parse(comment)
        if parsed is None or parsed.evidence not in EVIDENCE_NAMES:
            return None
        evidence = EVIDENCE_NAMES.index(parsed.evidence)
        is_server = True if evidence == EVIDENCE_LISTENER else parsed.is_server
        return Claim(self.row_of(parsed.process), parsed.is_write, evidence, is_server)

    def foreign(self, options: bytes, time_ns: int) -> Foreign | None:
        """The process that a packet's options name which are not pcapdig's.

        Args:
            options: comments and options 8, 32769 and 32771, each as code and size (u16, little-endian) and value without padding;
                numbers little-endian, of option 8 only the process id.
            time_ns: of the packet.
        """
        texts: list[bytes] = []
        numbers: dict[int, int] = {}
        at = 0
        while at + 4 <= len(options):
            code, size = struct.unpack_from("<HH", options, at)
            value = options[at + 4 : at + 4 + size]
            at += 4 + size
            if code == COMMENT:
                texts.append(value)
            else:
                numbers.setdefault(code, int.from_bytes(value, "little"))
        end, found = self._named(texts, numbers, time_ns)
        return None if found is None else Foreign(self.row_of(found.process), end, found.from_ns, found.until_ns)

    def _named(self, texts: list[bytes], numbers: dict[int, int], time_ns: int) -> tuple[int, Found | None]:
        if texts:
            from pcapdig.pcapng import foreign  # few files need it

            named = foreign.parse(texts)
            if named is not None:
                end = END_LOCAL if named.is_client is None else END_CLIENT if named.is_client else END_SERVER
                return end, self._completed(named.process, time_ns)
        for code in (PacketOption.APPLE_PROCESS, PacketOption.APPLE_EFFECTIVE_PROCESS):
            process = self.blocks.of_apple(numbers[code]) if code in numbers else None
            if process is not None:
                return END_LOCAL, Found(process, *ALWAYS)
        pid = numbers.get(PacketOption.PROCESS_AND_THREAD, 0)
        if pid == 0:
            return END_LOCAL, None
        return END_LOCAL, self._completed(_unnamed(pid), time_ns)

    def _completed(self, process: Process, time_ns: int) -> Found:
        """A process of which only the id is known, as the section's process blocks have it."""
        found = None
        if process.pid is not None and process == _unnamed(process.pid):
            found = self.blocks.of_pid(process.pid, time_ns)
        return Found(process, *ALWAYS) if found is None else found


def _unnamed(pid: int) -> Process:
    from pcapdig.procs.process import Process

    return Process(name=None, pid=pid)
