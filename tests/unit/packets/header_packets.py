"""Packets with each header that is read, by what they are."""

from __future__ import annotations

import struct

from scapy.layers import inet6 as v6
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import Packet, Raw

NULL, ETHERNET, RAW, LOOP, SLL, IPV4, IPV6_ONLY, SLL2 = 0, 1, 101, 108, 113, 228, 229, 276

V4 = IP(src="192.0.2.1", dst="198.51.100.2", id=0x1234)
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
SEGMENT = TCP(sport=40001, dport=40002, seq=0xFEDCBA98, ack=0x89ABCDEF, flags="PA") / Raw(b"segment")
DATAGRAM = UDP(sport=40003, dport=40004) / Raw(b"datagram")
OPTIONS = TCP(sport=40001, dport=40002, flags="S", options=[("MSS", 1460), ("SAckOK", b""), ("Timestamp", (7, 0))])
JUMBO = v6.IPv6ExtHdrHopByHop(options=[v6.Jumbo(jumboplen=70_000)])
SLL_HEAD = struct.pack(">HHH8s", 0, 1, 6, bytes(8))  # its last field, the type, follows
SLL2_TAIL = struct.pack(">HIHBB8s", 0, 2, 1, 0, 6, bytes(8))  # its first field, the type, precedes
AUTHENTICATION = bytes([6, 4, 0, 0]) + bytes(20)  # next header TCP, (4 + 2) * 4 bytes

PPPOE = bytes(ETHER)[:12] + struct.pack(">HBBHH", 0x8864, 0x11, 0, 7, 100)  # PPP's protocol follows
SNAP = b"\xaa\xaa\x03\x00\x00\x00\x08\x00"
MACS = bytes(ETHER)[:12]


def pppoe(inside: bytes, length: int | None = None) -> bytes:
    """A PPPoE session: PPP's protocol number and what follows it, and the length that is said of both."""
    return MACS + struct.pack(">HBBHH", 0x8864, 0x11, 0, 7, len(inside) if length is None else length) + inside


def patched(packet: Packet, offset: int, new: bytes) -> bytes:
    """The packet's bytes with some overwritten, for what scapy would not say."""
    data = bytearray(bytes(packet))
    data[offset : offset + len(new)] = new
    return bytes(data)


PACKETS: dict[str, tuple[int, bytes]] = {
    "tcp": (ETHERNET, bytes(ETHER / V4 / SEGMENT)),
    "tcp options": (ETHERNET, bytes(ETHER / V4 / OPTIONS)),
    "tcp padded": (ETHERNET, bytes(ETHER / V4 / TCP(sport=40001, dport=40002, flags="A")) + bytes(6)),
    "tcp header beyond ip length": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", len=30) / SEGMENT)),
    "tcp data offset 2": (ETHERNET, patched(ETHER / V4 / SEGMENT, 46, b"\x20")),
    "ip options": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", options=[IPOption_RR(routers=["1.2.3.4"])]) / SEGMENT)),
    "ip length beyond packet": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", len=999) / SEGMENT)),
    "ip length 0": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", len=0) / SEGMENT)),
    "vlan": (ETHERNET, bytes(ETHER / Dot1Q(vlan=5) / V4 / SEGMENT)),
    "qinq": (ETHERNET, bytes(ETHER / Dot1AD(vlan=6) / Dot1Q(vlan=5) / V6 / SEGMENT)),
    "qinq 0x9100": (ETHERNET, patched(ETHER / Dot1Q(vlan=6) / Dot1Q(vlan=5) / V4 / DATAGRAM, 12, b"\x91\x00")),
    "pppoe": (ETHERNET, PPPOE + b"\x00\x21" + bytes(V4 / SEGMENT)),
    "pppoe v6": (ETHERNET, PPPOE + b"\x00\x57" + bytes(V6 / DATAGRAM)),
    "pppoe, protocol of one byte": (ETHERNET, pppoe(b"\x21" + bytes(V4 / SEGMENT))),
    "pppoe v6, protocol of one byte": (ETHERNET, pppoe(b"\x57" + bytes(V6 / DATAGRAM))),
    "pppoe in vlans": (ETHERNET, MACS + b"\x88\xa8\0\5\x81\0\0\6" + pppoe(b"\x21" + bytes(V4 / SEGMENT))[12:]),
    "pppoe shorter than ip": (ETHERNET, pppoe(b"\0\x21" + bytes(V4 / SEGMENT), 2 + 20 + 20 + 4)),
    "pppoe shorter than ip, one byte": (ETHERNET, pppoe(b"\x21" + bytes(V4 / DATAGRAM), 1 + 20 + 8 + 4)),
    "pppoe padded": (ETHERNET, pppoe(b"\x21" + bytes(V4 / TCP(sport=40001, dport=40002, flags="A"))) + bytes(5)),
    "e-tag": (ETHERNET, MACS + b"\x89\x3f\0\1\0\2\0\0\x08\0" + bytes(V4 / SEGMENT)),
    "e-tag, vlan": (ETHERNET, MACS + b"\x89\x3f\0\1\0\2\0\0\x81\0\0\5\x86\xdd" + bytes(V6 / SEGMENT)),
    "i-tag": (ETHERNET, MACS + b"\x88\xe7\0\0\0\7" + MACS + b"\x08\0" + bytes(V4 / SEGMENT)),
    "b-tag, i-tag, vlans": (
        ETHERNET,
        MACS + b"\x88\xa8\0\3\x88\xe7\0\0\0\7" + MACS + b"\x88\xa8\0\5\x81\0\0\6\x86\xdd" + bytes(V6 / DATAGRAM),
    ),
    "i-tag, pppoe": (ETHERNET, MACS + b"\x88\xe7\0\0\0\7" + pppoe(b"\x21" + bytes(V4 / SEGMENT))),
    "vn-tag": (ETHERNET, MACS + b"\x89\x26\0\1\0\2\x08\0" + bytes(V4 / SEGMENT)),
    "macsec in clear": (ETHERNET, MACS + b"\x88\xe5\2\0\0\0\0\1\x08\0" + bytes(V4 / SEGMENT) + bytes(16)),
    "macsec in clear, channel": (
        ETHERNET,
        MACS + b"\x88\xe5\x22\0\0\0\0\1" + bytes(8) + b"\x81\0\0\5\x86\xdd" + bytes(V6 / DATAGRAM) + bytes(16),
    ),
    "arista's time": (ETHERNET, MACS + b"\xd2\x8b\0\1\0\x10" + bytes(8) + b"\x08\0" + bytes(V4 / SEGMENT)),
    "arista's shorter time": (ETHERNET, MACS + b"\xd2\x8b\0\1\0\x20" + bytes(6) + b"\x86\xdd" + bytes(V6 / SEGMENT)),
    "hsr": (ETHERNET, MACS + b"\x89\x2f\0\1\0\2\x08\0" + bytes(V4 / DATAGRAM)),
    "cisco metadata": (ETHERNET, MACS + b"\x89\x09\1\1\0\1\0\7\x08\0" + bytes(V4 / SEGMENT)),
    "vlan, cisco metadata": (ETHERNET, MACS + b"\x81\0\0\5\x89\x09\1\1\0\1\0\7\x86\xdd" + bytes(V6 / SEGMENT)),
    "snap shorter than ip": (ETHERNET, MACS + struct.pack(">H", 8 + 20 + 20 + 4) + SNAP + bytes(V4 / SEGMENT)),
    "mpls": (ETHERNET, bytes(ETHER)[:12] + b"\x88\x47\x00\x01\x00\x40\x00\x01\x11\x40" + bytes(V4 / SEGMENT)),
    "mpls v6": (ETHERNET, bytes(ETHER)[:12] + b"\x88\x47\x00\x01\x01\x40" + bytes(V6 / DATAGRAM)),
    "snap": (ETHERNET, bytes(ETHER)[:12] + b"\x00\x60" + SNAP + bytes(V4 / SEGMENT)),
    "snap of another organisation": (ETHERNET, bytes(ETHER)[:12] + b"\x00\x60\xaa\xaa\x03\x08\x00\x07" + bytes(50)),
    "udp": (ETHERNET, bytes(ETHER / V4 / DATAGRAM)),
    "udp padded": (ETHERNET, bytes(ETHER / V4 / UDP(sport=40003, dport=40004) / Raw(b"x")) + bytes(17)),
    "udp shorter than ip": (ETHERNET, bytes(ETHER / V4 / UDP(sport=40003, dport=40004, len=10) / Raw(b"12345"))),
    "udp first fragment": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", flags="MF") / UDP(len=99) / Raw(bytes(16)))),
    "udp later fragment": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", frag=3, proto=17) / Raw(bytes(16)))),
    "tcp first fragment": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", flags="MF") / SEGMENT)),
    "icmp echo": (ETHERNET, bytes(ETHER / V4 / ICMP(type=8, id=0xABCD, seq=3) / Raw(b"ping"))),
    "icmp reply": (ETHERNET, bytes(ETHER / V4 / ICMP(type=0, id=0xABCD, seq=3) / Raw(b"ping"))),
    "icmp unreachable": (ETHERNET, bytes(ETHER / V4 / ICMP(type=3, code=3) / V4 / DATAGRAM)),
    "sctp": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", proto=132) / Raw(bytes(12)))),
    "ah": (ETHERNET, bytes(ETHER / IP(src="192.0.2.1", proto=51) / Raw(AUTHENTICATION) / SEGMENT)),
    "arp": (ETHERNET, bytes(ETHER / ARP(hwsrc="02:00:00:00:00:01", psrc="192.0.2.1", pdst="192.0.2.2"))),
    "llc": (ETHERNET, bytes(Ether(src=ETHER.src, dst=ETHER.dst, type=40) / Raw(b"\x42\x42\x03" + bytes(37)))),
    "v6 tcp": (ETHERNET, bytes(ETHER / V6 / SEGMENT)),
    "v6 tcp padded": (ETHERNET, bytes(ETHER / V6 / TCP(sport=40001, dport=40002, flags="A")) + bytes(4)),
    "v6 udp": (ETHERNET, bytes(ETHER / V6 / DATAGRAM)),
    "v6 echo": (ETHERNET, bytes(ETHER / V6 / v6.ICMPv6EchoRequest(id=0xABCD, data=b"ping"))),
    "v6 reply": (ETHERNET, bytes(ETHER / V6 / v6.ICMPv6EchoReply(id=0xABCD, data=b"ping"))),
    "v6 solicitation": (ETHERNET, bytes(ETHER / V6 / v6.ICMPv6ND_NS(tgt="2001:db8::2"))),
    "v6 hop by hop": (
        ETHERNET,
        bytes(ETHER / V6 / v6.IPv6ExtHdrHopByHop(options=[v6.PadN(optdata=bytes(4))]) / SEGMENT),
    ),
    "v6 jumbo": (ETHERNET, bytes(ETHER / IPv6(src="2001:db8::1", plen=0) / JUMBO / SEGMENT)),
    "v6 routing": (ETHERNET, bytes(ETHER / V6 / v6.IPv6ExtHdrRouting(addresses=["2001:db8::9"], segleft=0) / SEGMENT)),
    "v6 destination": (
        ETHERNET,
        bytes(ETHER / V6 / v6.IPv6ExtHdrDestOpt(options=[v6.PadN(optdata=bytes(4))]) / DATAGRAM),
    ),
    "v6 first fragment": (ETHERNET, bytes(ETHER / V6 / v6.IPv6ExtHdrFragment(m=1, id=9) / SEGMENT)),
    "v6 later fragment": (
        ETHERNET,
        bytes(ETHER / V6 / v6.IPv6ExtHdrFragment(offset=5, nh=17, id=0xFEDCBA98) / Raw(bytes(16))),
    ),
    "v6 atomic fragment": (ETHERNET, bytes(ETHER / V6 / v6.IPv6ExtHdrFragment(id=9) / DATAGRAM)),
    "v6 ah": (ETHERNET, bytes(ETHER / IPv6(src="2001:db8::1", nh=51) / Raw(AUTHENTICATION) / SEGMENT)),
    "v6 shim6": (ETHERNET, bytes(ETHER / IPv6(src="2001:db8::1", nh=140) / Raw(b"\x06\0\x80\0\0\0\0\x01") / SEGMENT)),
    "v6 shim6 control": (ETHERNET, bytes(ETHER / IPv6(src="2001:db8::1", nh=140) / Raw(b"\x3b\x01\x01" + bytes(13)))),
    "v6 chain": (
        ETHERNET,
        bytes(
            ETHER / V6 / v6.IPv6ExtHdrHopByHop() / v6.IPv6ExtHdrDestOpt() / v6.IPv6ExtHdrRouting(segleft=0) / SEGMENT
        ),
    ),
    "v6 nothing": (ETHERNET, bytes(ETHER / IPv6(src="2001:db8::1", nh=59)) + bytes(6)),
    "sll": (SLL, SLL_HEAD + b"\x08\x00" + bytes(V4 / SEGMENT)),
    "sll vlan": (SLL, SLL_HEAD + b"\x81\x00\x00\x05\x86\xdd" + bytes(V6 / DATAGRAM)),
    "sll2": (SLL2, b"\x86\xdd" + SLL2_TAIL + bytes(V6 / SEGMENT)),
    "sll2 vlan": (SLL2, b"\x81\x00" + SLL2_TAIL + b"\x00\x05\x08\x00" + bytes(V4 / DATAGRAM)),
    "sll 802.2": (SLL, SLL_HEAD + b"\x00\x04" + SNAP + bytes(V4 / SEGMENT)),
    "raw of libpcap": (12, bytes(V4 / SEGMENT)),
    "raw of OpenBSD": (14, bytes(V6 / DATAGRAM)),
    "raw": (RAW, bytes(V4 / SEGMENT)),
    "raw v6": (RAW, bytes(V6 / DATAGRAM)),
    "ipv4": (IPV4, bytes(V4 / DATAGRAM)),
    "ipv6": (IPV6_ONLY, bytes(V6 / SEGMENT)),
    "null": (NULL, struct.pack("<I", 2) + bytes(V4 / SEGMENT)),
    "null v6": (NULL, struct.pack("<I", 30) + bytes(V6 / SEGMENT)),
    "null v6 other order": (NULL, struct.pack(">I", 24) + bytes(V6 / SEGMENT)),
    "null ethertype": (NULL, struct.pack("<I", 0x0800) + bytes(V4 / SEGMENT)),
    "null ethertype v6": (NULL, struct.pack("<I", 0x86DD) + bytes(V6 / DATAGRAM)),
    "loop v6 of macOS": (LOOP, struct.pack(">I", 30) + bytes(V6 / DATAGRAM)),
    "loop": (LOOP, struct.pack(">I", 2) + bytes(V4 / SEGMENT)),
    "loop v6": (LOOP, struct.pack(">I", 28) + bytes(V6 / DATAGRAM)),
}

ON_THE_WIRE = {"v6 jumbo": 14 + 40 + 70_000}
"""Original lengths, where they are not those of the bytes above."""
