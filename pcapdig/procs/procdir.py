"""What /proc/PID says of a process, read without trusting that it stays the same process meanwhile.

Source: proc(5); fields of stat are documented in Documentation/filesystems/proc.rst table 1-4.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
"""/proc tells the start of a process in clock ticks since boot, rounded down."""
CMDLINE_MAX = 4096
"""Bytes read of a command line; 512 are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stat:
    """The fields of /proc/PID/stat that name a process."""

    pid: int
    comm: bytes
    ppid: int
    start_ticks: int
    is_kernel_thread: bool
    child_faults: int
    """Page faults of children that ended and were waited for: grows with each such child."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """The program a process runs between two execve calls. None: not known."""

    exepath: str | None
    args: tuple[bytes, ...] | None


class ProcDir:
    """One mounted /proc (or a made one, in tests). Nothing here raises OSError: a process may be gone at any moment, then the answer is None."""

    def __init__(self, root: str | Path = "/proc") -> None:
        self.root = Path(root)

    def pids(self) -> Iterator[int]:
        """The processes there are."""
        try:
            names = os.listdir(self.root)
        except OSError:
            return
        for name in names:
            if name.isascii() and name.isdigit():
                yield int(name)

    def stat(self, pid: int) -> Stat | None:
        """Name, parent and start."""
        text = self._read(pid, "stat")
        if text is None:
            return None
        # the name stands in brackets and may itself hold brackets and blanks: it ends at the last one
        begin, end = text.find(b"("), text.rfind(b")")
        fields = text[end + 2 :].split()
        if begin < 0 or end < begin or len(fields) < 20:
            return None
        try:
            return Stat(
                pid=pid,
                comm=text[begin + 1 : end],
                ppid=int(fields[1]),
                start_ticks=int(fields[19]),
                is_kernel_thread=bool(int(fields[6]) & 0x00200000),
                child_faults=int(fields[8]) + int(fields[10]),
            )
        except ValueError:
            return None

    def image(self, pid: int) -> Image:
        """Executable and arguments."""
        try:
            exepath: str | None = os.readlink(self.root / str(pid) / "exe").removesuffix(" (deleted)")
        except OSError:
            exepath = None
        text = self._read(pid, "cmdline")
        args = tuple(text.rstrip(b"\0").split(b"\0")) if text else None
        return Image(exepath=exepath, args=args)

    def cgroup(self, pid: int) -> str | None:
        """The text of /proc/PID/cgroup."""
        text = self._read(pid, "cgroup")
        return None if text is None else text.decode("utf-8", "replace")

    def effective_uid(self, pid: int) -> int | None:
        """Second number of the line Uid of /proc/PID/status."""
        for line in (self._read(pid, "status") or b"").splitlines():
            if line.startswith(b"Uid:"):
                fields = line.split()
                return int(fields[2]) if len(fields) > 2 and fields[2].isdigit() else None
        return None

    def _read(self, pid: int, name: str) -> bytes | None:
        try:
            with open(self.root / str(pid) / name, "rb", buffering=0) as file:
                return file.read(CMDLINE_MAX)
        except OSError:
            return None
