"""Numbers a person reads: bytes and durations as sysdig writes them.

In: integers. Out: short texts, never longer than nine characters for anything below 2^60 bytes. Must not know items or
streams.
"""

from __future__ import annotations

_STEPS: tuple[tuple[int, str], ...] = ((1 << 50, "P"), (1 << 40, "T"), (1 << 30, "G"), (1 << 20, "M"), (1 << 10, "KB"))
"""Divisor and suffix, largest first. Only the smallest has a B: sysdig's habit, kept because scripts match it."""


def bytes_text(size_bytes: int) -> str:
    """Give a byte count as text: 1024 is `1024B`, 1025 is `1.00KB`, 339640 is `331.68KB`.

    A step is taken only when it is exceeded, so each power of 1024 is written in the unit below.
    """
    for divisor, suffix in _STEPS:
        if size_bytes > divisor:
            return f"{size_bytes / divisor:.2f}{suffix}"
    return f"{size_bytes}B"


def duration_text(duration_ns: int) -> str:
    """Give a duration as text: `1.05s`, `39ms`, `3.94ms`, `12us`, `1.63us`, `999ns`.

    Cut, never rounded up; a negative one is in ns.
    """
    if duration_ns >= 1_000_000_000:
        return f"{_two_decimals(duration_ns, 1_000_000_000)}s"
    for unit_ns, suffix in ((1_000_000, "ms"), (1_000, "us")):
        if duration_ns >= 10 * unit_ns:
            return f"{duration_ns // unit_ns}{suffix}"
        if duration_ns >= unit_ns:
            return f"{_two_decimals(duration_ns, unit_ns)}{suffix}"
    return f"{duration_ns}ns"


def _two_decimals(duration_ns: int, unit_ns: int) -> str:
    """Give a duration in a unit with two decimals, cut."""
    hundredths = duration_ns * 100 // unit_ns
    return f"{hundredths // 100}.{hundredths % 100:02d}"
