"""Short stories of events and packets, from which the tests of this folder ask who owned which end."""

from __future__ import annotations

import ipaddress
import struct

from pcapdig.attribution._ledger import Ledger

BOUND, HELD, WRITER, READER, LISTENING, CLOSED = 1, 2, 3, 4, 5, 6
HAS_PROCESS, HAS_SEQ, WALL_CLOCK, PASSIVE = 1, 2, 4, 8
SOCKET, SNAPSHOT, LISTENER, PROCFS = 1, 2, 3, 4
REMOTE, NAMED, KERNEL, UNKNOWN = 0, 1, 2, 3
TCP, UDP, ICMP = 6, 17, 1
SYN, RST, RST_ACK, PUSH_ACK, SYN_ACK = 0x02, 0x04, 0x14, 0x18, 0x12
OWN, OTHER = 4026531840, 4026532999
CLIENT = ("127.0.0.1", 40001)
SERVER = ("127.0.0.1", 80)
ANY = ("0.0.0.0", 80)
MS = 10**6
"""Stories are told in ms, so that the clocks' slack does not blur them."""


def mapped(text: str) -> bytes:
    """16 bytes, IPv4 as ::ffff:a.b.c.d."""
    address = ipaddress.ip_address(text)
    return b"\0" * 10 + b"\xff\xff" + address.packed if address.version == 4 else address.packed


def event(
    kind,
    time,
    cookie,
    local,
    remote=("0.0.0.0", 0),
    pid=None,
    *,
    protocol=TCP,
    flags=0,
    seq=None,
    previous=0,
    netns=OWN,
    evidence=SOCKET,
    comm=b"proc",
):
    """One socket_event, 120 bytes; time and previous in ms."""
    time, previous = time * MS, previous * MS
    flags |= (HAS_PROCESS if pid else 0) | (HAS_SEQ if seq is not None else 0)
    return (
        struct.pack("=HHIQ", kind, 120, 1, time)
        + struct.pack(
            "=QQIIHHBBBB16s16s",
            cookie,
            previous,
            netns,
            seq or 0,
            local[1],
            remote[1],
            protocol,
            flags,
            evidence,
            2,
            mapped(local[0]),
            mapped(remote[0]),
        )
        + struct.pack("=IIIIQ16s", pid or 0, pid or 0, 0, 0, 5 * (pid or 0), comm)
    )


class Story:
    """A ledger, and packets asked of it by name of the process ("p7") or of the state."""

    def __init__(self, *events, **options):
        self.ledger = Ledger(own_netns=OWN, **options)
        self.ledger.set_addresses([mapped("192.168.7.1")])
        self.happens(*events)

    def happens(self, *events):
        self.ledger.apply(b"".join(events), 0)

    def packet(self, time, source, destination, flags=PUSH_ACK, *, protocol=TCP, seq=0, length=10, loopback=True, **ip):
        ends = self.ledger.owners(
            protocol=protocol,
            source=mapped(source[0]),
            source_port=source[1],
            destination=mapped(destination[0]),
            destination_port=destination[1],
            time_ns=time * MS,
            tcp_flags=flags,
            seq=seq,
            payload_length=length,
            loopback=loopback,
            **ip,
        )
        self.evidence = tuple(end[2] for end in ends)
        states = {REMOTE: "remote", KERNEL: "kernel", UNKNOWN: "unknown"}
        return tuple(f"p{self.ledger.process(end[0])['tgid']}" if end[3] == NAMED else states[end[3]] for end in ends)


def accepted(cookie=2, time=130, pid=20):
    """A server's socket as the kernel tells of it: bound in softirq, owned at its first read."""
    return (
        event(BOUND, time, cookie, SERVER, CLIENT, flags=PASSIVE),
        event(HELD, time + 50, cookie, SERVER, CLIENT, pid),
    )


def connected(cookie=1, time=99, pid=10):
    """A client's socket, announced just before its SYN is captured."""
    return (event(BOUND, time, cookie, CLIENT, SERVER, pid),)
