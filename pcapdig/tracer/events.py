"""probe/events.h for Python: for tracers that poll, for replay, doctor and tests. The record loop reads the same bytes natively."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from pcapdig.errors import InputError
from pcapdig.procs.events import (
    HEAD,
    PROCESS_HEAD,
    PROCESS_TEXT_MAX,
    VERSION,
    EventProcess,
    Kind,
    ProcessEvent,
    unpack_identity,
    unpack_process_event,
)

__all__ = [
    "HEAD",
    "PROCESS_HEAD",
    "PROCESS_TEXT_MAX",
    "SOCKET",
    "VERSION",
    "Event",
    "EventProcess",
    "Evidence",
    "Flags",
    "Kind",
    "ProcessEvent",
    "SocketEvent",
    "event_size",
    "mapped",
    "oldest_holders",
    "split",
    "unmapped",
    "unpack",
]

SOCKET = struct.Struct("=HHIQ QQIIHHBBBB16s16s IIIIQ16s")


class Flags(IntFlag):
    """enum socket_event_flags."""

    HAS_PROCESS = 1
    HAS_SEQ = 2
    WALL_CLOCK = 4
    PASSIVE = 8
    ACTIVE = 16
    FIXED_PORT = 32
    CHOSEN_PORT = 64


NO_FLAGS = Flags(0)


class Evidence(IntEnum):
    """enum event_evidence."""

    NONE = 0
    SOCKET = 1
    SNAPSHOT = 2
    LISTENER = 3
    PROCFS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketEvent:
    """struct socket_event."""

    kind: Kind
    time_ns: int
    """CLOCK_BOOTTIME, or CLOCK_REALTIME with Flags.WALL_CLOCK."""
    cookie: int
    previous_ns: int = 0
    netns: int = 0
    seq: int = 0
    local: str = "::"
    """Address as text; IPv4 as itself, whatever the socket's family."""
    local_port: int = 0
    remote: str = "::"
    remote_port: int = 0
    protocol: int = 6
    flags: Flags = NO_FLAGS
    evidence: Evidence = Evidence.SOCKET
    family: int = 2
    process: EventProcess | None = None
    """None without Flags.HAS_PROCESS."""

    def pack(self) -> bytes:
        """The bytes; HAS_PROCESS follows from `process`."""
        process = self.process
        flags = self.flags | Flags.HAS_PROCESS if process else self.flags & ~Flags.HAS_PROCESS
        who = process or EventProcess(tgid=0)
        return SOCKET.pack(
            self.kind, SOCKET.size, VERSION, self.time_ns,
            self.cookie, self.previous_ns, self.netns, self.seq, self.local_port, self.remote_port,
            self.protocol, flags, self.evidence, self.family, mapped(self.local), mapped(self.remote),
            who.tgid, who.tid, who.uid, who.exec_id, who.start_boot_ns, who.comm,
        )  # fmt: skip


Event = SocketEvent | ProcessEvent


def mapped(address: str) -> bytes:
    """16 bytes in network order, IPv4 as ::ffff:a.b.c.d."""
    parsed = ipaddress.ip_address(address)
    return parsed.packed if parsed.version == 6 else bytes(10) + b"\xff\xff" + parsed.packed


def unmapped(address: bytes) -> str:
    """The address as text, IPv4 without its prefix."""
    parsed = ipaddress.IPv6Address(address)
    return str(parsed.ipv4_mapped or parsed)


def event_size(record: bytes) -> int:
    """Bytes of the event at the start of a ring's record, which may be longer: text that was not used."""
    return int(HEAD.unpack_from(record)[1])


def split(packed: bytes) -> Iterator[bytes]:
    """Packed events one by one.

    Raises:
        InputError: cut, of another version, or of a size that its kind does not have; with the byte offset. What precedes has been given.
    """
    at = 0
    while at < len(packed):
        if len(packed) - at < HEAD.size:
            raise InputError(f"event at byte {at} is cut")
        kind, size, version, _time = HEAD.unpack_from(packed, at)
        if version != VERSION:
            raise InputError(f"event at byte {at} has version {version}; this pcapdig reads version {VERSION}")
        if not _size_fits(kind, size):
            raise InputError(f"event at byte {at} of kind {kind} cannot have {size} bytes")
        if at + size > len(packed):
            raise InputError(f"event at byte {at} is cut")
        yield packed[at : at + size]
        at += size


def _size_fits(kind: int, size: int) -> bool:
    if Kind.SOCKET_BOUND <= kind <= Kind.SOCKET_CLOSED:
        return size == SOCKET.size
    if Kind.PROCESS_FORKED <= kind <= Kind.PROCESS_EXITED:
        return PROCESS_HEAD.size <= size <= PROCESS_HEAD.size + PROCESS_TEXT_MAX
    return False


def unpack(event: bytes) -> Event:
    """One whole event.

    Raises:
        InputError: it is none.
    """
    events = list(split(event))
    if len(events) != 1:
        raise InputError(f"{len(events)} events where one was expected")
    kind = Kind(HEAD.unpack_from(event)[0])
    return unpack_process_event(event) if kind >= Kind.PROCESS_FORKED else _unpack_socket(kind, event)


def _unpack_socket(kind: Kind, event: bytes) -> SocketEvent:
    (
        _kind, _size, _version, time_ns, cookie, previous_ns, netns, seq, local_port, remote_port,
        protocol, flags, evidence, family, local, remote, *who,
    ) = SOCKET.unpack(event)  # fmt: skip
    if evidence > Evidence.PROCFS:
        raise InputError(f"no evidence of number {evidence}")
    return SocketEvent(
        kind=kind,
        time_ns=time_ns,
        cookie=cookie,
        previous_ns=previous_ns,
        netns=netns,
        seq=seq,
        local=unmapped(local),
        local_port=local_port,
        remote=unmapped(remote),
        remote_port=remote_port,
        protocol=protocol,
        flags=Flags(flags & 127),
        evidence=Evidence(evidence),
        family=family,
        process=unpack_identity(*who) if flags & Flags.HAS_PROCESS else None,
    )


def oldest_holders(packed: bytes) -> bytes:
    """Of the socket events of each cookie only the last: the probe's iterator reports a socket again when it meets an older holder."""
    last = {SOCKET.unpack_from(event)[4]: event for event in split(packed)}
    return b"".join(last.values())
