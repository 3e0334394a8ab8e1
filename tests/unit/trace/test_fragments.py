"""Which flow the fragments of a datagram belong to, and which bytes of a segment they are."""

from __future__ import annotations

from typing import Any

import pytest

SECOND = 10**9
FIN, SYN, ACK = 1, 2, 16


def opened(wire: Any, seq: int) -> list[bytes]:
    """A handshake."""
    return [
        wire.tcp(flags=SYN, seq=seq),
        wire.tcp(flags=SYN | ACK, seq=seq + 5000, ack=seq + 1, forward=False),
        wire.tcp(flags=ACK, seq=seq + 1, ack=seq + 5001),
    ]


def test_later_fragments_follow_the_first(take: Any, files: Any, wire: Any) -> None:
    """They have no ports. The first is found by addresses, protocol and identification, and within 30 seconds."""
    more, rest = 0x2000, 100

    def fragment(ip_id: int, **more_fields: Any) -> bytes:
        return bytes(wire.ip(b"later", source="10.0.0.1", target="10.0.0.2", protocol=17, ip_id=ip_id, **more_fields))

    first = wire.udp(b"first", ip_id=9, fragment=more)
    taken = take(files.frames(first, fragment(9, fragment=rest), fragment(8, fragment=rest), fragment(9)))
    assert taken.flow[:3] == [0, 0, -1]
    assert taken.fresh[:2] == [5, 5]
    assert take(files.frames(first, fragment(9, fragment=rest), step_ns=31 * SECOND)).flow == [0, -1]


def test_earlier_fragments_wait_for_the_first(take: Any, files: Any, wire: Any) -> None:
    """Of each datagram whose first fragment comes in the same batch, in whatever order; the others have no flow."""
    ends = {"source": "10.0.0.1", "target": "10.0.0.2", "protocol": 17}
    early = [wire.ip(b"12345678", **ends, ip_id=ip_id, fragment=0x2002) for ip_id in (7, 8, 9)]
    last = wire.ip(b"9", **ends, ip_id=7, fragment=3)
    first = [wire.udp(b"01234567", ip_id=ip_id, fragment=0x2000) for ip_id in (7, 9)]
    taken = take(files.frames(last, *early, *first))
    assert taken.flow == [0, 0, -1, 0, 0, 0]
    assert taken.seq == [7, 7, 0, 9, 7, 9]
    assert taken.ack == [48, 33, 0, 33, 1, 1]
    assert int(taken.trace.flows.first_ns[0]) == taken.time_ns[0]


def test_only_so_many_fragments_wait(take: Any, files: Any, wire: Any) -> None:
    """256: a flood of fragments without a first one takes no more memory."""
    ends = {"source": "10.0.0.1", "target": "10.0.0.2", "protocol": 17}
    early = [wire.ip(b"12345678", **ends, ip_id=ip_id, fragment=2) for ip_id in range(257)]
    first = [wire.udp(b"01234567", ip_id=ip_id, fragment=0x2000) for ip_id in (0, 1, 256)]
    taken = take(files.frames(*early, *first, step_ns=1000))
    assert (taken.flow[0], taken.flow[1], taken.flow[256]) == (-1, 0, 0)


def test_fragments_of_tcp_may_come_in_any_order(take: Any, files: Any, wire: Any) -> None:
    """Each byte counts once all the same, and a SYN still begins its flow."""
    ends = {"source": "10.0.0.1", "target": "10.0.0.2", "protocol": 6, "ip_id": 7}
    segment = wire.tcp(b"0123456789abcdefgh", flags=FIN | ACK, seq=8, ack=5008)[34:]
    parts = [(32, 0), (24, 0x2000), (0, 0x2000)]
    pieces = [
        wire.ip(segment[at : at + (99 if not more else 8 if at else 24)], **ends, fragment=more | at // 8)
        for at, more in parts
    ]
    taken = take(files.frames(*opened(wire, 7), *pieces))
    assert (taken.flow, taken.fresh[3:], taken.seq[3:]) == ([0] * 6, [6, 8, 4], [20, 12, 8])
    assert taken.tcp_flags[3:] == [FIN, 0, ACK]


def test_a_tcp_header_may_lie_in_two_fragments(take: Any, files: Any, wire: Any) -> None:
    """The second one has its length and flags: none of it is payload."""
    ends = {"source": "10.0.0.1", "target": "10.0.0.2", "protocol": 6, "ip_id": 7}
    segment = bytearray(wire.tcp(bytes(4) + b"0123456789", flags=SYN, seq=100)[34:])
    segment[12] = 0x60  # four bytes of options
    places = (0, 8, 16, 24)
    pieces = [
        wire.ip(bytes(segment[at : at + 8]), **ends, fragment=(0x2000 if at != 24 else 0) | at // 8) for at in places
    ]
    taken = take(files.frames(*pieces, pieces[3]))
    assert (taken.flow, taken.payload_length) == ([0] * 5, [0, 0, 0, 8, 8])
    assert (taken.tcp_flags, taken.seq[3], taken.fresh) == ([0, SYN, 0, 0, 0], 101, [0, 0, 0, 8, 0])


def test_fragments_of_tcp_are_segments(take: Any, files: Any, wire: Any) -> None:
    """Each has the sequence number of its first byte, the last one the FIN, and bytes count once."""
    segment = wire.tcp(b"0123456789abcdefgh", flags=FIN | ACK, seq=100)[34:]
    ends = {"source": "10.0.0.1", "target": "10.0.0.2", "protocol": 6, "ip_id": 7}
    first = wire.ip(segment[:24], **ends, fragment=0x2000)
    second = wire.ip(segment[24:32], **ends, fragment=0x2003)
    last = wire.ip(segment[32:], **ends, fragment=4)
    taken = take(files.frames(first, second, last, second))
    assert (taken.flow, taken.fresh) == ([0] * 4, [4, 8, 6, 0])
    assert (taken.seq, taken.tcp_flags) == ([100, 104, 112, 104], [ACK, 0, FIN, 0])


def test_fragments_of_udp_say_their_place(take: Any, files: Any, wire: Any) -> None:
    """seq is the identification, ack twice the place and whether more follow; a datagram in one piece has neither."""
    ends = {"source": "10.0.0.1", "target": "10.0.0.2", "protocol": 17, "ip_id": 7}
    first = wire.udp(b"01234567", ip_id=7, fragment=0x2000)
    taken = take(files.frames(first, wire.ip(b"89", **ends, fragment=2), wire.udp(b"whole", ip_id=8)))
    assert (taken.seq, taken.ack) == ([7, 7, 0], [1, 32, 0])


def test_later_fragments_of_ipv6_follow_the_first(take: Any, files: Any, wire: Any) -> None:
    """By the 32-bit identification of the fragment header: two that differ in its high half are two datagrams."""

    def fragment(ip_id: int, offset: int, payload: bytes) -> bytes:
        head = bytes([17, 0]) + (offset | (offset == 0)).to_bytes(2, "big") + ip_id.to_bytes(4, "big")
        return bytes(wire.ip(head + payload, source="2001:db8::1", target="2001:db8::2", protocol=44))

    datagram = (4000).to_bytes(2, "big") + (53).to_bytes(2, "big") + bytes(12)
    frames = [fragment(0x10007, 0, datagram), fragment(0x20007, 16, b"12345678"), fragment(0x10007, 16, b"12345678")]
    taken = take(files.frames(*frames))
    assert (taken.flow, taken.fresh) == ([0, -1, 0], [8, 8, 8])
    assert taken.names[2] == "2001:db8::1:4000->2001:db8::2:53"


def pieces(wire: Any, payload: bytes) -> list[bytes]:
    """A datagram in a first fragment of 16 bytes and a later one."""
    ends = {"source": "10.0.0.1", "target": "10.0.0.2", "protocol": 17, "ip_id": 9}
    whole = wire.udp(payload)[34:]
    return [wire.ip(whole[:16], **ends, fragment=0x2000), wire.ip(whole[16:], **ends, fragment=2)]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_fragments_of_one_datagram_on_two_interfaces_join(
    take: Any, files: Any, wire: Any, order: tuple[int, int]
) -> None:
    """The paths of a bond: the other interface never shows a first fragment."""
    parts = pieces(wire, b"01234567" + b"later")
    blocks = [files.packet(parts[i], interface=i, ticks=i) for i in order]
    taken = take(files.section() + files.interface() + files.interface() + b"".join(blocks))
    assert (taken.flow, sum(taken.fresh)) == ([0, 0], 13)


def test_copies_of_fragments_join_and_count_once(take: Any, files: Any, wire: Any) -> None:
    """Each interface shows both."""
    parts = pieces(wire, b"01234567" + b"later")
    blocks = [files.packet(part, interface=i, ticks=0) for part in parts for i in (0, 1)]
    taken = take(files.section() + files.interface() + files.interface() + b"".join(blocks))
    assert (taken.flow, sum(taken.fresh)) == ([0] * 4, 13)


def test_fragments_of_twins_part(take: Any, files: Any, wire: Any) -> None:
    """Each interface has its own flow with these ends: its later fragments wait for its own first one."""
    here, there = pieces(wire, b"01234567" + b"later"), pieces(wire, b"abcdefgh" + b"other")
    opened = [files.packet(wire.udp(b"begins" * (i + 1)), interface=i, ticks=i * 10**6) for i in (0, 1)]
    order = [(here[1], 0), (there[1], 1), (here[0], 0), (there[0], 1)]
    blocks = [files.packet(part, interface=i, ticks=2 * 10**6) for part, i in order]
    taken = take(files.section() + files.interface() + files.interface() + b"".join(opened + blocks))
    assert taken.flow == [0, 1, 0, 1, 0, 1]
