"""Packets in tunnels, by what they are: addresses of the outer ones are 203.0.113.x or 2001:db8:f::x, of the inner ones all others."""

from __future__ import annotations

import struct

from scapy.contrib.geneve import GENEVE
from scapy.layers.inet import GRE, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, PadN
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

ETHERNET = 1

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
OUTER = ETHER / IP(src="203.0.113.1", dst="203.0.113.2", id=7)
OUTER_6 = ETHER / IPv6(src="2001:db8:f::1", dst="2001:db8:f::2")
INNER = IP(src="192.0.2.1", dst="198.51.100.2", id=0x1234)
INNER_6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
FRAME = Ether(src="02:00:00:00:00:03", dst="02:00:00:00:00:04")
SEGMENT = TCP(sport=40001, dport=40002, seq=0xFEDCBA98, ack=0x89ABCDEF, flags="PA") / Raw(b"segment")
DATAGRAM = UDP(sport=40003, dport=40004) / Raw(b"datagram")
MIRRORED = bytes(FRAME / INNER / SEGMENT)


def vxlan(port: int = 4789) -> Packet:
    """Outer headers of VXLAN."""
    return OUTER / UDP(sport=50000, dport=port) / VXLAN(vni=42, flags=8)


def outer(protocol: int, inside: Packet | bytes) -> bytes:
    """An IPv4 packet of any protocol number."""
    return bytes(ETHER / IP(src="203.0.113.1", dst="203.0.113.2", id=7, proto=protocol) / Raw(bytes(inside)))


def gre_of(flags_and_type: int, rest: bytes, inside: Packet | bytes) -> bytes:
    """A GRE packet: its first four bytes as one number, what follows them, and what it carries."""
    return outer(47, struct.pack(">I", flags_and_type) + rest + bytes(inside))


def udp(port: int, inside: Packet | bytes, source: int = 50000) -> bytes:
    """A UDP packet between outer addresses."""
    return bytes(OUTER / UDP(sport=source, dport=port) / Raw(bytes(inside)))


def gtp(flags: int, rest: bytes, inside: Packet | bytes, length: int | None = None) -> bytes:
    """GTP-U version 1: its flags, what follows its first 8 bytes, and the length that it says."""
    size = len(rest) + len(bytes(inside)) if length is None else length
    return udp(2152, struct.pack(">BBHI", flags, 255, size, 7) + rest + bytes(inside), 2152)


def wifi(control: bytes, following: bytes, inside: Packet | bytes) -> bytes:
    """An 802.11 data frame with SNAP: its frame control, and what follows its three addresses and sequence number."""
    addresses = bytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3])
    return control + bytes(2) + addresses + bytes(2) + following + b"\xaa\xaa\3\0\0\0\x08\0" + bytes(inside)


def l2tp(flags: int, rest: bytes, inside: bytes) -> bytes:
    """L2TP's flags and version, what follows them, and what it carries."""
    return struct.pack(">H", flags) + rest + inside


WIFI = wifi(b"\x08\x01", b"", INNER / SEGMENT)
SWAPPED = wifi(b"\x01\x08", b"", INNER / SEGMENT)
QOS_SWAPPED = wifi(b"\x01\x88", bytes(2), INNER / SEGMENT)
PACKETS: dict[str, bytes] = {
    "no tunnel": bytes(OUTER / SEGMENT),
    "4in4": bytes(OUTER / INNER / SEGMENT),
    "6in4": bytes(OUTER / INNER_6 / SEGMENT),
    "4in6": bytes(OUTER_6 / INNER / DATAGRAM),
    "6in6": bytes(OUTER_6 / INNER_6 / DATAGRAM),
    "6in6 after options": bytes(OUTER_6 / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]) / INNER_6 / SEGMENT),
    "gre": bytes(OUTER / GRE() / INNER / SEGMENT),
    "gre v6": bytes(OUTER / GRE() / INNER_6 / DATAGRAM),
    "gre over v6": bytes(OUTER_6 / GRE() / INNER / SEGMENT),
    "gre checksum": bytes(OUTER / GRE(chksum_present=1) / INNER / SEGMENT),
    "gre key": bytes(OUTER / GRE(key_present=1, key=9) / INNER / SEGMENT),
    "gre all": bytes(OUTER / GRE(chksum_present=1, key_present=1, seqnum_present=1) / INNER / SEGMENT),
    "gre routing": gre_of(0x40000800, bytes(4) + b"\x08\x00\x00\x04\x01\x02\x03\x04" + bytes(4), INNER / SEGMENT),
    "gre mpls": gre_of(0x00008847, struct.pack(">II", 0x00010040, 0x00020140), INNER / SEGMENT),
    "nvgre": bytes(OUTER / GRE(key_present=1, key=0x1234500, proto=0x6558) / FRAME / INNER / SEGMENT),
    "nvgre vlan": bytes(OUTER / GRE(key_present=1, proto=0x6558) / FRAME / Dot1Q(vlan=5) / INNER_6 / SEGMENT),
    "pptp": gre_of(0x3081880B, bytes(12), b"\xff\x03\x00\x21" + bytes(INNER / SEGMENT)),
    "pptp short": gre_of(0x3001880B, bytes(8), b"\x57" + bytes(INNER_6 / SEGMENT)),
    "erspan I": gre_of(0x000088BE, b"", MIRRORED),
    "erspan II": gre_of(0x100088BE, bytes(4) + b"\x10\x00\x00\x00" + bytes(4), MIRRORED),
    "erspan III": gre_of(0x100022EB, bytes(4) + b"\x20\x00\x00\x00" + bytes(8), MIRRORED),
    "erspan III more": gre_of(0x100022EB, bytes(4) + b"\x20\x00\x00\x00" + bytes(7) + b"\x01" + bytes(8), MIRRORED),
    "mpls in ip": outer(137, struct.pack(">I", 0x00020140) + bytes(INNER / SEGMENT)),
    "etherip": outer(97, b"\x30\x00" + MIRRORED),
    "vxlan": bytes(vxlan() / FRAME / INNER / SEGMENT),
    "vxlan v6": bytes(vxlan() / FRAME / INNER_6 / DATAGRAM),
    "vxlan over v6": bytes(OUTER_6 / UDP(sport=50000, dport=4789) / VXLAN(vni=42, flags=8) / FRAME / INNER / SEGMENT),
    "vxlan vlan": bytes(vxlan() / FRAME / Dot1Q(vlan=5) / INNER / SEGMENT),
    "vxlan 8472": bytes(vxlan(8472) / FRAME / INNER / SEGMENT),
    "vxlan gpe": bytes(
        OUTER / UDP(sport=50000, dport=4790) / Raw(b"\x0c\x00\x00\x01\x00\x00\x2a\x00") / Raw(bytes(INNER / SEGMENT))
    ),
    "geneve": bytes(OUTER / UDP(sport=50000, dport=6081) / GENEVE(vni=42) / FRAME / INNER / SEGMENT),
    "geneve options": bytes(
        OUTER / UDP(sport=50000, dport=6081) / Raw(b"\x02\x00\x65\x58\x00\x00\x2a\x00" + bytes(8) + MIRRORED)
    ),
    "geneve ip": bytes(OUTER / UDP(sport=50000, dport=6081) / GENEVE(vni=42, proto=0x0800) / INNER / SEGMENT),
    "pptp, protocol of one byte": gre_of(0x3001880B, bytes(8), b"\xff\x03\x21" + bytes(INNER / SEGMENT)),
    "gre, cisco metadata": gre_of(0x20008909, bytes(4) + b"\x08\0\1\1\0\1\0\7", INNER / SEGMENT),
    "ethernet in ip": outer(143, MIRRORED),
    "vxlan gpe, nsh": udp(4790, b"\x0c\0\0\4\0\0\x2a\0\x0f\xc2\2\1\0\0\1\xff" + bytes(INNER / SEGMENT)),
    "capwap, a sequence number": udp(5247, b"\0\x10\3\0" + bytes(4) + SWAPPED[:22] + b"\x76\x30" + SWAPPED[24:]),
    "wccp": gre_of(0x0000883E, b"\0\1\2\3", INNER / SEGMENT),
    "wccp, dynamic service": gre_of(0x0000883E, b"\xc0\1\2\3", INNER / DATAGRAM),
    "wccp of version 1": gre_of(0x0000883E, b"", INNER / SEGMENT),
    "aruba": gre_of(0x00008200, b"", WIFI),
    "aruba, last number": gre_of(0x00008370, b"", wifi(b"\x88\x02", bytes(2), INNER / DATAGRAM)),
    "gre in udp": udp(4754, b"\0\0\x08\0" + bytes(INNER / SEGMENT)),
    "mpls in udp": udp(6635, struct.pack(">I", 0x00020140) + bytes(INNER / SEGMENT)),
    "gtp": gtp(0x30, b"", INNER / SEGMENT),
    "gtp v6": gtp(0x30, b"", INNER_6 / DATAGRAM),
    "gtp, sequence": gtp(0x32, b"\0\1\0\0", INNER / SEGMENT),
    "gtp, n-pdu": gtp(0x31, b"\0\0\1\0", INNER / SEGMENT),
    "gtp, extension headers": gtp(0x34, b"\0\0\0\xc0\1\0\1\x85\2" + bytes(6) + b"\0", INNER / SEGMENT),
    "gtp, extensions not flagged": gtp(0x32, b"\0\1\0\x85", INNER / SEGMENT),
    "gtp shorter than ip": gtp(0x30, b"", INNER / SEGMENT, 20 + 20 + 3),
    "gtp, ethernet": gtp(0x30, b"", MIRRORED),
    "gtp to another port": udp(50000, b"\x30\xff" + struct.pack(">HI", 40 + 7, 7) + bytes(INNER / SEGMENT), 2152),
    "gtp of version 0": udp(3386, b"\x1e\xff\0\x2f" + bytes(16) + bytes(INNER / SEGMENT)),
    "l2tp": udp(1701, l2tp(0x0002, b"\0\1\0\2", b"\xff\3\0\x21" + bytes(INNER / SEGMENT)), 1701),
    "l2tp, protocol of one byte": udp(1701, l2tp(0x0002, b"\0\1\0\2", b"\x21" + bytes(INNER / SEGMENT))),
    "l2tp, length": udp(1701, l2tp(0x4002, b"\0\x39\0\1\0\2", b"\x57" + bytes(INNER_6 / DATAGRAM))),
    "l2tp, all": udp(1701, l2tp(0x4A02, b"\0\x42\0\1\0\2\0\1\0\2\0\2\0\0", b"\xff\3\0\x21" + bytes(INNER / SEGMENT))),
    "l2tp, answer": udp(50000, l2tp(0x0002, b"\0\1\0\2", b"\xff\3\0\x21" + bytes(INNER / SEGMENT)), 1701),
    "teredo": udp(3544, INNER_6 / SEGMENT),
    "teredo, answer": udp(50000, b"\0\0" + bytes(6) + bytes(INNER_6 / DATAGRAM), 3544),
    "teredo, authentication": udp(3544, b"\0\1\1\2abc" + bytes(9) + bytes(INNER_6 / SEGMENT)),
    "teredo, both": udp(3544, b"\0\1\0\0" + bytes(9) + b"\0\0" + bytes(6) + bytes(INNER_6 / SEGMENT)),
    "capwap, ethernet": udp(5247, b"\0\x10\2\0" + bytes(4) + MIRRORED),
    "capwap, wifi": udp(5247, b"\0\x10\3\0" + bytes(4) + SWAPPED),
    "capwap, more header": udp(5247, b"\0\x20\3\x30" + bytes(12) + QOS_SWAPPED),
    "capwap, answer": udp(50000, b"\0\x10\3\0" + bytes(4) + SWAPPED, 5247),
    "gtp in vxlan in gre": bytes(
        OUTER / GRE() / vxlan()[IP] / Raw(MIRRORED[:14] + gtp(0x30, b"", INNER / SEGMENT)[14:])
    ),
    "vxlan in gre in v6": bytes(OUTER_6 / GRE() / vxlan()[IP] / FRAME / INNER / SEGMENT),
    "five deep": bytes(OUTER / INNER / INNER_6 / INNER / INNER_6 / INNER / SEGMENT),
    "inner padding": bytes(vxlan() / FRAME / INNER / TCP(sport=40001, dport=40002, flags="A") / Raw(bytes(6))).replace(
        bytes(INNER / TCP(sport=40001, dport=40002, flags="A") / Raw(bytes(6)))[:4], b"\x45\x00\x00\x28"
    ),
    "inner length 0": bytes(OUTER / GRE() / IP(src="192.0.2.1", dst="198.51.100.2", len=0, id=1) / SEGMENT),
    "inner fragment": bytes(vxlan() / FRAME / IP(src="192.0.2.1", proto=17, frag=3, id=9) / Raw(bytes(16))),
    "arp inside": bytes(vxlan() / FRAME / ARP(hwsrc="02:00:00:00:00:01", psrc="192.0.2.1", pdst="192.0.2.2")),
    "inner cut short": bytes(vxlan() / FRAME / INNER / SEGMENT)[:-5],
}

PEEK = struct.pack(">IBI", 0x00FFABCD, 2, 20) + bytes(11)
ONLY_OURS: dict[str, bytes] = {
    "gre, vlan": gre_of(0x00008100, b"\0\5\x08\0", INNER / SEGMENT),
    "aruba of newer numbers": gre_of(0x00009000, b"", WIFI),
    "aruba, swapped": gre_of(0x000083F0, b"", SWAPPED),
    "capwap, not swapped": udp(5247, b"\0\x10\3\0" + bytes(4) + WIFI),
    "gtp, ppp": gtp(0x30, b"", b"\xff\3\x21" + bytes(INNER / SEGMENT)),
    "mirrored, pcap": udp(5555, struct.pack(">IIII", 1, 2, len(WIFI), len(WIFI)) + WIFI),
    "mirrored, pcap with radio": udp(5555, struct.pack(">IIIIHBB", 1, 2, len(WIFI), len(WIFI), 2, 6, 100) + WIFI),
    "mirrored, peek": udp(5555, bytes(20) + WIFI),
    "mirrored, peek of 2": udp(5555, PEEK + WIFI),
    "mirrored, ppi": udp(5555, struct.pack("<BBHI", 0, 0, 12, 105) + bytes(4) + WIFI),
    "mirrored, radiotap": udp(5555, struct.pack("<BBHI", 0, 0, 9, 2) + b"\x10" + WIFI + bytes(4)),
    **{
        f"l2tp 3, {place}, {cookie} bytes of cookie, {sublayer} of sublayer, {form}": build(
            bytes(range(200, 200 + cookie)) + bytes(sublayer) + frame
        )
        for place, build in (
            ("udp", lambda rest: udp(1701, b"\0\3\0\0\0\0\0\7" + rest, 1701)),
            ("ip", lambda rest: outer(115, b"\0\0\0\7" + rest)),
        )
        for cookie in (0, 4, 8)
        for sublayer in (0, 4)
        for form, frame in (
            ("ethernet", MIRRORED),
            ("vlan, IPv6", bytes(FRAME / Dot1Q(vlan=5) / INNER_6 / SEGMENT)),
            ("hdlc", b"\x0f\0\x08\0" + bytes(INNER / SEGMENT)),
            ("ppp", b"\xff\3\0\x21" + bytes(INNER / SEGMENT)),
        )
    },
}
"""What tshark opens only where its preferences say how, which a capture does not."""
