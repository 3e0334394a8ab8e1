"""Have the kernel stamp every received packet once, early, so that a packet's event and its capture carry the same time.

Without it each packet socket reads the clock for itself, some microseconds before the probe sees the packet. The kernel stamps packets as
long as some internet socket asks for time stamps (net_enable_timestamp, net/core/dev.c), so one is held open that asks and never receives.
"""

from __future__ import annotations

import socket

SO_TIMESTAMPNS = 35
"""include/uapi/asm-generic/socket.h: SO_TIMESTAMPNS_OLD."""


def ask_for_packet_times() -> socket.socket | None:
    """A socket to keep for as long as packets shall be stamped; None where it cannot be had, which costs exactness only."""
    try:
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    except OSError:
        return None
    try:
        asking.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    except OSError:
        asking.close()
        return None
    return asking
