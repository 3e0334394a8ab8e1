"""Bytes of packets: link layers, IPv4 and IPv6, TCP, UDP, ICMP and GRE, with right checksums.

Addresses are those kept for documentation (RFC 5737, RFC 3849) or of loopback; nothing here was recorded from anybody.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from functools import cache

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
TCP, UDP, GRE = 6, 17, 47
ETHERNET, NULL, RAW, LOOP, SLL, SLL2 = 1, 0, 101, 108, 113, 276
"""Link types, as tcpdump.org numbers them."""


@dataclass(frozen=True, slots=True)
class End:
    """An address and a port."""

    ip: str
    port: int

    @property
    def is_v6(self) -> bool:
        return ":" in self.ip

    def __str__(self) -> str:
        return f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """An IP packet, or one fragment of it. `offset` in bytes; `is_followed`: more fragments come."""

    source: str
    target: str
    protocol: int
    payload: bytes
    ident: int = 1
    ttl: int = 64
    offset: int = 0
    is_followed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A TCP segment. `seq` and `ack` are those of the wire, modulo 2^32."""

    source: End
    target: End
    seq: int
    ack: int = 0
    flags: int = 0
    data: bytes = b""
    window: int = 64240
    options: bytes = b""

    def packet(self, ident: int = 1, ttl: int = 64) -> Packet:
        """The IP packet that carries it."""
        return Packet(
            source=self.source.ip,
            target=self.target.ip,
            protocol=TCP,
            payload=tcp_bytes(self),
            ident=ident & 0xFFFF,
            ttl=ttl,
        )


@cache
def address(text: str) -> bytes:
    """4 or 16 bytes."""
    return ipaddress.ip_address(text).packed


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def pseudo_header(source: str, target: str, protocol: int, size: int) -> bytes:
    """What TCP and UDP sum up beside their own bytes (RFC 9293 section 3.1, RFC 8200 section 8.1)."""
    if ":" in source:
        return address(source) + address(target) + struct.pack("!IHBB", size, 0, 0, protocol)
    return address(source) + address(target) + struct.pack("!BBH", 0, protocol, size)


def tcp_bytes(segment: Segment) -> bytes:
    """Header, options and data."""
    options = segment.options + b"\1" * (-len(segment.options) % 4)
    head = struct.pack(
        "!HHIIBBHHH",
        *(segment.source.port, segment.target.port, segment.seq & 0xFFFFFFFF, segment.ack & 0xFFFFFFFF),
        *((5 + len(options) // 4) << 4, segment.flags, min(segment.window, 0xFFFF), 0, 0),
    )
    whole = head + options + segment.data
    total = checksum(pseudo_header(segment.source.ip, segment.target.ip, TCP, len(whole)) + whole)
    return whole[:16] + struct.pack("!H", total) + whole[18:]


def udp_packet(source: End, target: End, data: bytes, ident: int = 1) -> Packet:
    """A datagram in one IP packet."""
    head = struct.pack("!HHHH", source.port, target.port, 8 + len(data), 0)
    total = checksum(pseudo_header(source.ip, target.ip, UDP, 8 + len(data)) + head + data) or 0xFFFF
    body = head[:6] + struct.pack("!H", total) + data
    return Packet(source=source.ip, target=target.ip, protocol=UDP, payload=body, ident=ident & 0xFFFF)


def icmp_packet(source: str, target: str, kind: int, code: int, rest: bytes, ident: int = 1) -> Packet:
    """ICMP for IPv4; `rest` is all that follows the checksum."""
    body = struct.pack("!BBH", kind, code, 0) + rest
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    return Packet(source=source, target=target, protocol=1, payload=body, ident=ident & 0xFFFF)


def fragments(packet: Packet, size: int) -> list[Packet]:
    """The packet cut into fragments of at most `size` bytes of payload, a multiple of 8 (RFC 791 section 3.2)."""
    cuts = range(0, len(packet.payload), size)
    return [
        Packet(
            source=packet.source,
            target=packet.target,
            protocol=packet.protocol,
            payload=packet.payload[at : at + size],
            ident=packet.ident,
            ttl=packet.ttl,
            offset=at,
            is_followed=at + size < len(packet.payload),
        )
        for at in cuts
    ]


def ip_bytes(packet: Packet, hops: int = 0) -> bytes:
    """Header and payload, `hops` routers later."""
    ttl, size = max(packet.ttl - hops, 1), len(packet.payload)
    ends = address(packet.source) + address(packet.target)
    if ":" in packet.source:
        if not packet.offset and not packet.is_followed:
            return struct.pack("!IHBB", 0x60000000, size, packet.protocol, ttl) + ends + packet.payload
        more = packet.offset | packet.is_followed
        extension = struct.pack("!BBHI", packet.protocol, 0, more, packet.ident)
        return struct.pack("!IHBB", 0x60000000, size + 8, 44, ttl) + ends + extension + packet.payload
    is_whole = not packet.offset and not packet.is_followed
    place = 0x4000 if is_whole else packet.is_followed << 13 | packet.offset // 8
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, packet.ident, place, ttl, packet.protocol, 0) + ends
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + packet.payload


def in_gre(packet: Packet, source: str, target: str) -> Packet:
    """The packet in GRE without options (RFC 2784)."""
    kind = 0x86DD if ":" in packet.source else 0x0800
    body = struct.pack("!HH", 0, kind) + ip_bytes(packet)
    return Packet(source=source, target=target, protocol=GRE, payload=body, ident=packet.ident)


def frame(
    packet: Packet, link: int = ETHERNET, *, vlans: tuple[int, ...] = (), hops: int = 0, mac: int = 1, way: int = 0
) -> bytes:
    """A packet as a link shows it.

    Args:
        vlans: outermost first; of Ethernet only. Of two, the outer one is 802.1ad's.
        hops: routers passed.
        mac: tells machines apart; for SLL2 it is the interface's index.
        way: packet type of cooked headers: 0 to us, 4 sent by us.
    """
    body = ip_bytes(packet, hops)
    kind = 0x86DD if ":" in packet.source else 0x0800
    if link == ETHERNET:
        outer = [0x88A8] * (len(vlans) - 1) + [0x8100]
        tags = b"".join(struct.pack("!HH", tpid, vlan) for tpid, vlan in zip(outer, vlans, strict=False))
        macs = struct.pack("!HI", 0x0200, mac) + struct.pack("!HI", 0x0200, mac + 1)
        return macs + tags + struct.pack("!H", kind) + body
    if link == SLL:
        return struct.pack("!HHH8sH", way, 1, 6, struct.pack("!HI", 0x0200, mac), kind) + body
    if link == SLL2:
        return struct.pack("!HHIHBB8s", kind, 0, mac, 1, way, 6, struct.pack("!HI", 0x0200, mac)) + body
    if link in (NULL, LOOP):
        family = 30 if kind == 0x86DD else 2
        return struct.pack("<I" if link == NULL else "!I", family) + body
    return body
