"""What the user asked of a recording."""

from __future__ import annotations

from dataclasses import dataclass

MAX_SNAP_LENGTH = 262144
"""Bytes; readers refuse a file with a longer packet (reference: libpcap MAXIMUM_SNAPLEN, Wireshark WTAP_MAX_PACKET_SIZE_STANDARD)."""

RESERVE_BYTES = 32 << 20
"""Address space kept for writing what is held when memory is out. It is never touched, so it costs none."""
NO_MEMORY = (
    "out of memory: the recording has ended, what was held is written; -B, a filter or fewer interfaces need less"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordOptions:
    """One recording. Frozen: a recorder does not change what it was asked."""

    interfaces: tuple[str, ...] = ()
    """Names; empty: every interface that is up."""
    bpf: str | None = None
    """Capture filter in libpcap's language, compiled for each interface."""
    snap_length: int = MAX_SNAP_LENGTH
    """Bytes kept of each packet, 1 to MAX_SNAP_LENGTH."""
    ring_kib: int | None = None
    """Size of the capture ring of each interface in KiB, as tcpdump -B. None: 65536, less where interfaces are many (recorder.py)."""
    packet_limit: int | None = None
    """End after this many packets that the sink kept; None: no limit."""
    tracer: str = "auto"
    """auto, core, bcc, procfs, none or replay:FILE."""
    holdback_ms: int = 200
    """How long a packet waits for its owners to become known."""
    cmdline: bool = True
    """Whether command lines are written; they may hold secrets."""
    full_cmdline: bool = False
    """Whether secrets in them are written too, that are starred otherwise (procs/secret_arguments.py)."""
    waiting_limit_mib: int = 256
    """Memory for packets that wait; beyond it the oldest are written early and counted."""
