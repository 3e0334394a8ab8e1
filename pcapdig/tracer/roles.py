"""Who is client and who is server, of the sockets that were there before the recording.

What a socket itself shows comes first: the probe reads it, sock_diag's counters show it. The rest follows from all sockets of a namespace
together: a connection whose local port somebody listens on was accepted; a datagram socket that is connected, on a port where no other
socket waits for anyone, chose its peer. What stays open is left open: then the reader's rule holds, that the first sender is the client.
Must not ask the kernel: what it says is an argument.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pcapdig.tracer.events import NO_FLAGS, Flags, Kind, mapped, split

PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
DEFAULT_RANGE = (32768, 60999)
"""Ports the kernel chooses from unless it is configured otherwise (Documentation/networking/ip-sysctl.rst)."""
_WILDCARDS = (mapped("::"), mapped("0.0.0.0"))
_PLACE = struct.Struct("=H30xI4xHHBB2x16s")
"""struct socket_event: kind, netns, local_port, remote_port, protocol, flags, local_addr."""
_FLAGS_AT = 45
_ROLE_BITS = Flags.PASSIVE | Flags.ACTIVE | Flags.FIXED_PORT | Flags.CHOSEN_PORT


def chosen_ports(path: Path = PORT_RANGE) -> range:
    """The ports that the kernel may have chosen: the default ones, and those of the recorder's namespace."""
    low, high = DEFAULT_RANGE
    try:
        words = path.read_text(encoding="ascii").split()
        low, high = min(low, int(words[0])), max(high, int(words[1]))
    except (OSError, ValueError, IndexError):
        pass
    return range(low, high + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A socket as far as its role depends on it."""

    protocol: int
    netns: int
    local: bytes
    """16 bytes, IPv4 as ::ffff:a.b.c.d."""
    local_port: int
    remote_port: int
    """0: not connected."""
    is_listening: bool
    shown: Flags = NO_FLAGS
    """What the socket itself shows: PASSIVE or ACTIVE, FIXED_PORT or CHOSEN_PORT."""

    @property
    def waits(self) -> bool:
        """It listens, or takes datagrams from anyone."""
        if self.protocol == socket.IPPROTO_TCP:
            return self.is_listening
        return self.local_port != 0 and self.remote_port == 0


class Roles:
    """The roles of sockets that were listed together.

    Args:
        places: all of them.
        chosen: the ports that the kernel may have chosen.
        shows_listener: an accepted connection would show PASSIVE, unless its listener had a backlog of 0.
    """

    def __init__(self, places: Iterable[Place], chosen: range, *, shows_listener: bool) -> None:
        self._waiting = {
            (place.protocol, place.netns, place.local, place.local_port) for place in places if place.waits
        }
        self._chosen = chosen
        self._shows_listener = shows_listener

    def of(self, place: Place) -> Flags:
        """PASSIVE, ACTIVE or neither; of a datagram socket without a peer also CHOSEN_PORT."""
        if place.protocol == socket.IPPROTO_TCP:
            return NO_FLAGS if place.is_listening else self._of_connection(place)
        if place.protocol == socket.IPPROTO_UDP and place.local_port:
            return self._of_datagrams(place)
        return NO_FLAGS

    def _of_connection(self, place: Place) -> Flags:
        shown = place.shown & (Flags.PASSIVE | Flags.ACTIVE)
        if shown:
            return shown
        if self._is_beside_one_that_waits(place):
            return Flags.PASSIVE
        return Flags.ACTIVE if self._shows_listener and place.local_port in self._chosen else NO_FLAGS

    def _of_datagrams(self, place: Place) -> Flags:
        """A server may connect a socket to each client, but beside the one that waits on the same port."""
        shown = place.shown & (Flags.FIXED_PORT | Flags.CHOSEN_PORT)
        is_fixed = shown == Flags.FIXED_PORT or place.local_port not in self._chosen
        if place.remote_port:
            return NO_FLAGS if self._is_beside_one_that_waits(place) else Flags.ACTIVE
        return Flags.PASSIVE if is_fixed else shown

    def _is_beside_one_that_waits(self, place: Place) -> bool:
        return any(
            (place.protocol, place.netns, address, place.local_port) in self._waiting
            for address in (place.local, *_WILDCARDS)
        )


def with_roles(packed: bytes, chosen: range) -> bytes:
    """The events of the probe's snapshot, with PASSIVE or ACTIVE set where it is certain. `chosen` as for Roles.

    Raises:
        InputError: not events, with the byte offset.
    """
    events = [bytearray(event) for event in split(packed)]
    places = [_place(event) for event in events]
    roles = Roles(places, chosen, shows_listener=True)
    for event, place in zip(events, places, strict=True):
        event[_FLAGS_AT] = event[_FLAGS_AT] & ~_ROLE_BITS | roles.of(place)
    return b"".join(events)


def _place(event: bytearray) -> Place:
    kind, netns, local_port, remote_port, protocol, flags, local = _PLACE.unpack_from(event)
    return Place(
        protocol=protocol,
        netns=netns,
        local=local,
        local_port=local_port,
        remote_port=remote_port,
        is_listening=kind == Kind.SOCKET_LISTENING,
        shown=Flags(flags & _ROLE_BITS),
    )
