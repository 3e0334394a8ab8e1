"""One process as an auditor names it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process between two execve calls. None means not known, never empty or zero."""

    name: str | None
    """The kernel's comm of the group leader, at most 15 bytes; control and undecodable bytes already replaced. None only where a
    file of another program gives no name."""
    pid: int | None
    """Thread group id in the initial pid namespace. None only where a file of another program gives no id."""
    start_boot_ns: int | None = None
    """Start of the process in ns since boot (CLOCK_BOOTTIME); None where a file does not say."""
    uid: int | None = None
    """Effective user id."""
    user: str | None = None
    """Its name in the recording machine's password database."""
    ppid: int | None = None
    """Parent's thread group id."""
    pname: str | None = None
    """Parent's comm."""
    exepath: str | None = None
    """Path of the executable."""
    container_id: str | None = None
    """First 12 hex digits of the container's id; "host" outside a container."""
    cmdline: str | None = None
    """Arguments joined by blanks, cut at 512 bytes."""
