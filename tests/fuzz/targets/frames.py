"""Small captures to begin with: frames of every link type and header, and pcap and pcapng files of both byte orders."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.trace.trace import Trace

CAPTURES = Path(__file__).resolve().parents[2] / "unit" / "protocols" / "captures"
MOST_PACKETS = 14

V4, V6 = bytes([10, 0, 0, 1, 10, 0, 0, 2]), bytes(15) + b"\1" + bytes(15) + b"\2"
CLIENT = Process(
    name="curl", pid=7, uid=1000, user="me", ppid=1, pname="sh", exepath="/usr/bin/curl", cmdline="curl -s x"
)
SERVER = Process(name="httpd", pid=9, uid=33, container_id="0123456789ab")


def tcp(
    payload: bytes = b"", *, flags: int = 0x18, seq: int = 1, ack: int = 1, sport: int = 4000, dport: int = 80
) -> bytes:
    """A segment, without checksum."""
    return struct.pack(">HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 1000, 0, 0) + payload


def udp(payload: bytes, sport: int = 4001, dport: int = 53) -> bytes:
    """A datagram."""
    return struct.pack(">HHHH", sport, dport, 8 + len(payload), 0) + payload


def ip4(
    payload: bytes, protocol: int = 6, *, fragment: int = 0, length: int | None = None, addresses: bytes = V4
) -> bytes:
    """An IPv4 packet."""
    size = 20 + len(payload) if length is None else length
    return struct.pack(">BBHHHBBH", 0x45, 0, size, 7, fragment, 64, protocol, 0) + addresses + payload


def ip6(payload: bytes, following: int = 6, *, length: int | None = None) -> bytes:
    """An IPv6 packet."""
    return struct.pack(">IHBB", 6 << 28, len(payload) if length is None else length, following, 64) + V6 + payload


def ether(payload: bytes, kind: int = 0x0800) -> bytes:
    """An Ethernet frame."""
    return bytes(range(12)) + kind.to_bytes(2) + payload


def plain_frames() -> list[tuple[int, bytes]]:
    """(link type, frame), every header that is looked into once."""
    segment, datagram = tcp(b"GET / HTTP/1.0\r\n\r\n"), udp(b"\0\7\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1")
    echo = b"\x08\0\0\0\0\7\0\1ping"
    hop = b"\x06\0\1\4\0\0\0\0"
    first = b"\x11\0\0\1\0\0\0\7"
    authentic = b"\x06\4" + bytes(22)
    vxlan = udp(b"\x08\0\0\0\0\0\7\0" + ether(ip4(segment)), dport=4789)
    gre = b"\0\0\x08\0" + ip4(segment)
    gre_full = b"\xb0\0\x65\x58" + bytes(12) + ether(ip4(segment))
    return [
        *tagged_frames(segment),
        *tunnel_frames(segment),
        (1, ether(ip4(segment))),
        (1, ether(ip6(segment), 0x86DD)),
        (1, ether(b"\0\1\x08\0" + ip4(datagram, 17), 0x8100)),
        (1, ether(b"\0\1\x81\0\0\2\x86\xdd" + ip6(datagram, 17), 0x88A8)),
        (1, ether(ip4(echo, 1))),
        (1, ether(ip6(b"\x80" + echo[1:], 58), 0x86DD)),
        (1, ether(ip4(datagram[:16], 17, fragment=0x2000))),
        (1, ether(ip4(datagram[16:], 17, fragment=2))),
        (1, ether(ip6(hop + segment, 0), 0x86DD)),
        (1, ether(ip6(first + datagram, 44), 0x86DD)),
        (1, ether(ip4(authentic + segment, 51))),
        (1, ether(ip6(authentic + segment, 51), 0x86DD)),
        (1, ether(ip6(b"\x06\0\xc2\4\0\1\0\0" + segment, 0, length=0), 0x86DD)),
        (1, ether(ip4(segment, length=0))),
        (1, ether(ip4(vxlan, 17))),
        (1, ether(ip4(gre, 47))),
        (1, ether(ip4(gre_full, 47))),
        (1, ether(ip4(ip4(segment), 4))),
        (1, ether(ip4(ip6(segment), 41))),
        (1, ether(ip6(ip4(segment), 4), 0x86DD)),
        (1, ether(bytes(28), 0x0806)),
        (113, b"\0\4\0\1\0\6" + bytes(8) + b"\x08\0" + ip4(segment)),
        (276, b"\x08\0\0\0\0\0\0\1\0\1\4\6" + bytes(8) + ip4(segment)),
        (101, ip4(segment)),
        (101, ip6(segment)),
        (12, ip4(datagram, 17)),
        (228, ip4(segment)),
        (229, ip6(segment)),
        (0, b"\2\0\0\0" + ip4(segment)),
        (0, b"\0\0\0\x1e" + ip6(segment)),
        (108, b"\0\0\0\2" + ip4(segment)),
    ]


def tagged_frames(segment: bytes) -> list[tuple[int, bytes]]:
    """The same, behind each tag that may stand between Ethernet and IP, and in PPPoE."""
    inside, size = ip4(segment), 20 + len(segment)
    return [
        (1, ether(bytes(6) + b"\x08\0" + inside, 0x893F)),
        (1, ether(b"\0\3\x88\xe7" + bytes(16) + b"\x81\0\0\5\x08\0" + inside, 0x88A8)),
        (1, ether(bytes(4) + b"\x08\0" + inside, 0x8926)),
        (1, ether(bytes(4) + b"\x08\0" + inside, 0x892F)),
        (1, ether(b"\1\1\0\1\0\7\x08\0" + inside, 0x8909)),
        (1, ether(b"\x11\0\0\7" + (size + 1).to_bytes(2) + b"\x21" + inside, 0x8864)),
        (1, ether(b"\x11\0\0\7" + (size - 4).to_bytes(2) + b"\0\x21" + inside, 0x8864)),
        (281, ether(b"\x08\0" + inside, 0x4000)[:14] + bytes(2) + b"\x08\0" + inside),
        (282, bytes(4) + ether(inside)),
        (284, ether(inside)[:12] + b"\xc0\x08\0\0\x08\0" + inside),
        (285, ether(inside)[:12] + b"\xda\xda\0\0\xc0\x08\0\0\x08\0" + inside),
    ]


def tunnel_frames(segment: bytes) -> list[tuple[int, bytes]]:
    """Each tunnel with a segment inside."""
    inside, frame = ip4(segment), ether(ip4(segment))
    wifi = b"\x08\1" + bytes(22) + b"\xaa\xaa\3\0\0\0\x08\0" + inside
    swapped = b"\1\x08" + wifi[2:]
    datagrams = [
        (2152, b"\x30\xff" + len(inside).to_bytes(2) + bytes(4) + inside),
        (2152, b"\x34\xff" + (len(inside) + 8).to_bytes(2) + bytes(7) + b"\x85\1\0\1\0" + inside),
        (3386, b"\x1e\xff" + len(inside).to_bytes(2) + bytes(16) + inside),
        (1701, b"\0\2\0\1\0\2\xff\3\0\x21" + inside),
        (1701, b"\x4a\2" + (len(inside) + 17).to_bytes(2) + bytes(8) + b"\0\2\0\0\x21" + inside),
        (1701, b"\0\3" + bytes(5) + b"\7" + bytes(4) + frame),
        (3544, b"\0\1" + bytes(11) + b"\0\0" + bytes(6) + ip6(segment)),
        (5247, b"\0\x10\2\0" + bytes(4) + frame),
        (5247, b"\0\x10\3\0" + bytes(4) + swapped),
        (5555, bytes(16) + wifi),
        (5555, b"\0\0\x08\0\0\0\0\0" + wifi),
        (4754, b"\0\0\x08\0" + inside),
        (6635, b"\0\1\1\x40" + inside),
    ]
    packets = [
        (47, b"\0\0\x88\x3e\0\1\2\3" + inside),
        (47, b"\0\0\x82\0" + wifi),
        (47, b"\x30\1\x88\x0b" + bytes(8) + b"\x21" + inside),
        (115, b"\0\0\0\7" + bytes(4) + frame),
    ]
    return [
        *((1, ether(ip4(udp(payload, dport=port), 17))) for port, payload in datagrams),
        *((1, ether(ip4(payload, protocol))) for protocol, payload in packets),
    ]


def conversation() -> list[bytes]:
    """A whole TCP connection with one retransmission, and a datagram each way."""
    say = b"POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\nform"
    back = V4[4:] + V4[:4]
    answer = tcp(b"HTTP/1.0 200 OK\r\n\r\nhello", sport=80, dport=4000, seq=1, ack=1 + len(say))
    return [
        ether(ip4(tcp(flags=2, seq=0))),
        ether(ip4(tcp(flags=18, seq=0, sport=80, dport=4000), addresses=back)),
        *[ether(ip4(tcp(say)))] * 2,
        ether(ip4(answer, addresses=back)),
        ether(ip4(tcp(flags=17, seq=1 + len(say)))),
        ether(ip4(udp(b"\0\7\1\0\0\1\0\0\0\0\0\0\1a\0\0\1\0\1"), 17)),
    ]


def recorded_frames(name: str) -> tuple[int, list[bytes]]:
    """Link type and first packets of a capture of real servers."""
    trace, found = Trace(), list[bytes]()
    for packets in trace.read(str(CAPTURES / f"{name}.pcap.gz")):
        found += [packets.packet_bytes(i) for i in range(min(len(packets), MOST_PACKETS))]
    return trace.interfaces[0].link_type, found


def pcap_file(
    order: str, *, frames: Sequence[bytes] | None = None, nanoseconds: bool = False, link_type: int = 1
) -> bytes:
    """A classic capture."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 0x40000, link_type)]
    for number, frame in enumerate(conversation() if frames is None else frames):
        parts.append(struct.pack(order + "IIII", 1, number, len(frame), len(frame)) + frame)
    return b"".join(parts)


def pcapng_file(name: str | None = None, order: str = "<") -> bytes:
    """Every kind of block that is looked into, or is passed over: packets of a recorded capture, or of `conversation`."""
    link_type, frames = (1, conversation()) if name is None else recorded_frames(name)
    if order == ">":
        return _swapped(frames, link_type)
    texts = [
        comments.line(CLIENT, is_write=True, evidence="socket"),
        comments.line(SERVER, is_write=False, evidence="snapshot"),
    ]
    packets = [
        blocks.enhanced_packet(interface=0, time_ns=10**9 + i, data=frame, flags=1 + i % 2, comments=texts[: i % 3])
        for i, frame in enumerate(frames)
    ]
    return b"".join(
        [
            blocks.section_header(application="fuzz", os="Linux"),
            blocks.interface_description(name="lo", link_type=link_type),
            blocks.interface_description(name="any", link_type=276),
            blocks.apple_process(pid=7, name="curl"),
            *packets,
            *[
                _block(kind, body)
                for kind, body in (
                    (0xBAD, bytes(8)),
                    (4, b"\1\0\6\0\x0a\0\0\1a\0\0\0\0\0\0\0"),
                    (10, b"KST\0\4\0\0\0abcd"),
                )
            ],
            blocks.interface_statistics(interface=0, start_ns=0, end_ns=9, received=5, dropped=0),
            _block(3, len(frames[0]).to_bytes(4, "little") + _padded(frames[0])),
            _block(2, struct.pack("<HHIIII", 0, 0, 0, 7, len(frames[0]), len(frames[0])) + _padded(frames[0])),
        ]
    )


def unaligned_file(order: str) -> bytes:
    """Blocks as old ntar wrote them: their lengths do not count the padding."""
    frame = conversation()[2] + b"x"
    parts = [
        _block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order),
        _block(1, struct.pack(order + "HHIHH4s", 1, 0, 0, 2, 3, b"eth"), order, spare=1),
        _block(
            6,
            struct.pack(order + "IIIII", 0, 0, 1, len(frame), len(frame)) + _padded(frame),
            order,
            spare=-len(frame) % 4,
        ),
        _block(3, struct.pack(order + "I", len(frame)) + _padded(frame), order, spare=-len(frame) % 4),
    ]
    return b"".join(parts)


def _block(kind: int, body: bytes, order: str = "<", *, spare: int = 0) -> bytes:
    size = struct.pack(order + "I", 12 + len(body) - spare)
    return struct.pack(order + "I", kind) + size + body + size


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _swapped(frames: Sequence[bytes], link_type: int) -> bytes:
    """A section of the other byte order, with microseconds, an offset and option 8."""
    resolution = struct.pack(">HHB3xHHqHH", 9, 1, 6, 14, 8, 3600, 0, 0)
    parts = [
        _block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1), ">"),
        _block(1, struct.pack(">HHI", link_type, 0, 0) + resolution, ">"),
        _block(0x80000001, struct.pack(">IHH4s", 7, 2, 4, b"curl"), ">"),
    ]
    for i, frame in enumerate(frames):
        options = struct.pack(">HHIHHIIHHIHH", 2, 4, 1 + i % 2, 8, 8, 7, 7, 0x8001, 4, 0, 0, 0)
        parts.append(_block(6, struct.pack(">IIIII", 0, 0, i, len(frame), len(frame)) + _padded(frame) + options, ">"))
    return b"".join(parts)
