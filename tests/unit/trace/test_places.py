"""Connections with equal ends: twins part, copies join. See `_places.pxd`."""

from __future__ import annotations

import struct
from typing import Any

import pytest

SYN, ACK = 2, 16


def tagged(frame: bytes, *vlans: int) -> bytes:
    """The frame in VLANs."""
    return frame[:12] + b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans) + frame[12:]


def handshake(wire: Any, client: int, server: int) -> list[bytes]:
    """Its three segments and a request."""
    return [
        wire.tcp(flags=SYN, seq=client),
        wire.tcp(flags=SYN | ACK, seq=server, ack=client + 1, forward=False),
        wire.tcp(seq=client + 1, ack=server + 1),
        wire.tcp(b"ask", seq=client + 1, ack=server + 1),
    ]


def two_interfaces(files: Any, *packets: tuple[int, bytes], step_ns: int = 1000) -> bytes:
    """A capture of eth0 and eth1."""
    blocks = [files.packet(frame, interface=i, ticks=n * step_ns) for n, (i, frame) in enumerate(packets)]
    return bytes(files.section() + files.interface(name=b"eth0") + files.interface(name=b"eth1") + b"".join(blocks))


@pytest.mark.parametrize("stacks", [((10,), (20,)), ((), (7,)), ((5, 10), (5, 20)), ((5, 10), (10, 5))])
def test_tcp_twins_in_two_vlans_part(take: Any, files: Any, wire: Any, stacks: Any) -> None:
    """At the same time, with other numbers."""
    one, other = handshake(wire, 1000, 5000), handshake(wire, 77_000_000, 88_000_000)
    frames = [tagged(f, *stack) for pair in zip(one, other, strict=True) for f, stack in zip(pair, stacks, strict=True)]
    taken = take(files.frames(*frames))
    assert (taken.flow, taken.fresh) == ([0, 1] * 4, [0] * 6 + [3, 3])


def test_tcp_twins_with_near_numbers_part_by_place(take: Any, files: Any, wire: Any) -> None:
    """Each segment fits both windows: where it was seen decides."""
    one, other = handshake(wire, 1000, 5000), handshake(wire, 1200, 5300)
    frames = [tagged(f, vlan) for pair in zip(one, other, strict=True) for f, vlan in zip(pair, (10, 20), strict=True)]
    assert take(files.frames(*frames)).flow == [0, 1] * 4


def test_tcp_copies_join(take: Any, files: Any, wire: Any) -> None:
    """Tagged on one interface and untagged on the other: equal numbers."""
    pairs = [((0, tagged(f, 10)), (1, f)) for f in handshake(wire, 1000, 5000)]
    taken = take(two_interfaces(files, *(packet for pair in pairs for packet in pair)))
    assert (taken.flow, taken.fresh) == ([0] * 8, [0] * 6 + [3, 0])


def test_datagrams_in_two_vlans_part(take: Any, files: Any, wire: Any) -> None:
    """Though they are equal, and asked and answered in turn."""
    frames = [tagged(wire.udp(b"x", forward=forward), vlan) for forward in (True, False) for vlan in (10, 20)] * 2
    taken = take(files.frames(*frames))
    assert (taken.flow, taken.fresh) == ([0, 1] * 4, [1] * 8)


def test_datagrams_on_two_interfaces_part_unless_they_are_copies(take: Any, files: Any, wire: Any) -> None:
    """Other bytes are another conversation; the same within a moment are one."""
    one, other = wire.udp(b"one"), wire.udp(b"other")
    assert take(two_interfaces(files, (0, one), (1, other), (0, one), (1, other))).flow == [0, 1, 0, 1]
    taken = take(two_interfaces(files, (0, one), (1, one), (0, other), (1, other)))
    assert (taken.flow, taken.fresh) == ([0] * 4, [3, 0, 5, 0])


def test_the_way_back_may_lie_elsewhere(take: Any, files: Any, wire: Any) -> None:
    """Behind two taps, one for each direction; until the other place shows the first direction too."""
    there, back = wire.udp(b"there"), wire.udp(b"back", forward=False)
    assert take(two_interfaces(files, (0, there), (1, back), (0, there), (1, back))).flow == [0] * 4
    assert take(two_interfaces(files, (0, there), (1, back), (1, there), (1, back), step_ns=10**9)).flow == [0, 0, 1, 1]


def test_an_interface_goes_on_in_the_next_section(take: Any, files: Any, wire: Any) -> None:
    """A rotated capture: the same name is the same place."""
    part = files.pcapng(files.packet(wire.udp(b"x")), name=b"eth0")
    assert take(part + part).flow == [0, 0]


def test_fragments_of_twins_part(take: Any, files: Any, wire: Any) -> None:
    """Equal identification, in two VLANs, in any order."""
    datagram = wire.udp(bytes(1000), ip_id=9, fragment=0x2000)
    rest = wire.ip(bytes(500), source="10.0.0.1", target="10.0.0.2", protocol=17, ip_id=9, fragment=126)
    frames = [tagged(datagram, 10), tagged(datagram, 20), tagged(rest, 20), tagged(rest, 10)]
    assert take(files.frames(*frames)).flow == [0, 1, 1, 0]
