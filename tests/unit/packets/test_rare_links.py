"""Link headers that are seldom met: the IP packet behind each is found, as tshark finds it, and none where there is none."""

from __future__ import annotations

import struct
import subprocess
import zlib
from pathlib import Path

import pytest
from scapy.layers.dot11 import Dot11, Dot11QoS, RadioTap
from scapy.layers.inet import IP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import LLC, SNAP, Ether
from scapy.packet import Raw

from pcapdig.packets._headers import read
from pcapdig.pcapng import blocks

V4 = bytes(IP(src="192.0.2.1", dst="198.51.100.2") / UDP(sport=40003, dport=40004) / Raw(b"datagram"))
V6 = bytes(IPv6(src="2001:db8::1", dst="2001:db8::2") / UDP(sport=40003, dport=40004) / Raw(b"datagram"))
WIFI = Dot11(type=2, subtype=0, addr1="02:00:00:00:00:01", addr2="02:00:00:00:00:02", addr3="02:00:00:00:00:03")
QOS = Dot11(type=2, subtype=8, FCfield=1, addr1=WIFI.addr1, addr2=WIFI.addr2, addr3=WIFI.addr3)
FOUR = Dot11(type=2, subtype=0, FCfield=3, addr1=WIFI.addr1, addr2=WIFI.addr2, addr3=WIFI.addr3, addr4=WIFI.addr1)
SNAP_V4 = bytes(LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x0800)) + V4
SNAP_V6 = bytes(LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(code=0x86DD)) + V6
ETHERNET = bytes(Ether(src=WIFI.addr1, dst=WIFI.addr2, type=0x0800)) + V4
PKTAP = struct.pack("<III24sIIIIi20sIHHi20s", 108, 1, 1, b"en0", 1, 2, 14, 0, 7, b"curl", 0, 6, 0, 7, b"curl")
PPI = struct.pack("<BBHI", 0, 0, 8, 1)
NFLOG_ITEMS = struct.pack("<HH5sxxx", 9, 10, b"mark\0")
NFLOG_BIG = struct.pack(">BBH", 10, 0, 5) + struct.pack(">HH5sxxx", 9, 10, b"mark\0")


def radiotap(flags: int | None, with_time: bool = False) -> bytes:
    """A radiotap header with these flags and, before them, a time."""
    fields = (1 if with_time else 0) | (2 if flags is not None else 0)
    rest = struct.pack("<Q", 5) if with_time else b""
    rest += bytes([flags]) if flags is not None else b""
    return struct.pack("<BBHI", 0, 0, 8 + len(rest), fields) + rest


READ: dict[str, tuple[int, bytes]] = {
    "ppp": (9, b"\xff\x03\x00\x21" + V4),
    "ppp v6, short protocol": (9, b"\x57" + V6),
    "ppp mpls": (9, b"\xff\x03\x02\x81\x00\x01\x01\x40" + V4),
    "fddi": (10, b"\x50" + bytes(12) + SNAP_V4),
    "ppp in hdlc": (50, b"\xff\x03\x00\x57" + V6),
    "cisco in hdlc": (50, b"\x0f\x00\x08\x00" + V4),
    "pppoe alone": (51, b"\x11\x00\x00\x07" + struct.pack(">H", 2 + len(V4)) + b"\x00\x21" + V4),
    "llc of atm": (100, SNAP_V6),
    "cisco hdlc": (104, b"\x0f\x00\x86\xdd" + V6),
    "wifi": (105, bytes(WIFI) + SNAP_V4),
    "wifi, qos": (105, bytes(QOS / Dot11QoS()) + SNAP_V6),
    "wifi, four addresses": (105, bytes(FOUR) + SNAP_V4),
    "frame relay": (107, b"\x18\x41\x03\xcc" + V4),
    "frame relay v6, padded": (107, b"\x18\x41\x03\x00\x80\x00\x00\x00\x86\xdd" + V6),
    "frame relay of cisco": (107, b"\x18\x41\x08\x00" + V4),
    "radiotap": (127, radiotap(None) + bytes(WIFI) + SNAP_V4),
    "radiotap of scapy": (127, bytes(RadioTap() / WIFI) + SNAP_V6),
    "radiotap, padding": (127, radiotap(0x20, with_time=True) + bytes(QOS / Dot11QoS()) + b"\0\0" + SNAP_V4),
    "radiotap, flags without padding": (127, radiotap(0x00) + bytes(QOS / Dot11QoS()) + SNAP_V4),
    "ppi": (192, PPI + ETHERNET),
    "nflog": (239, b"\x02\x00\x00\x05" + NFLOG_ITEMS + struct.pack("<HH", 4 + len(V4), 9) + V4),
    "pktap": (258, PKTAP + ETHERNET),
    "mpacket": (274, b"\x55" * 7 + b"\xd5" + ETHERNET + struct.pack("<I", zlib.crc32(ETHERNET))),
    "nsh": (1, ETHERNET[:12] + b"\x89\x4f\x0f\xc6\x01\x01\x00\x00\x01\xff" + bytes(16) + V4),
    "nsh, ethernet": (1, ETHERNET[:12] + b"\x89\x4f\x0f\xc2\x02\x03\x00\x00\x01\xff" + ETHERNET),
}

ONLY_OURS: dict[str, tuple[int, bytes]] = {
    "pktap of older macOS": (149, PKTAP + ETHERNET),
    "broadcom": (281, ETHERNET[:12] + b"\x40\0\0\1" + ETHERNET[12:]),
    "broadcom, prepended": (282, b"\x40\0\0\1" + ETHERNET),
    "marvell": (284, ETHERNET[:12] + b"\xc0\x08\0\0\x81\0\0\5" + ETHERNET[12:]),
    "marvell, of 8 bytes": (285, ETHERNET[:12] + b"\xda\xda\0\0\xc0\x08\0\0" + ETHERNET[12:]),
    "nflog of a big-endian host": (239, NFLOG_BIG + struct.pack(">HH", 4 + len(V6), 9) + V6),
}
"""What tshark does not look into: a number for private use; a host's order that differs from the file's; tags of switch chips."""

NOT_READ: dict[str, tuple[int, bytes]] = {
    "ppp link control": (9, b"\xff\x03\xc0\x21" + V4),
    "wifi, encrypted": (105, bytes(Dot11(bytes(WIFI)[:1] + b"\x40" + bytes(WIFI)[2:])) + SNAP_V4),
    "wifi, in pieces": (105, bytes(WIFI)[:1] + b"\x04" + bytes(WIFI)[2:] + SNAP_V4),
    "wifi, a later piece": (105, bytes(WIFI)[:22] + b"\x01\x00" + SNAP_V4),
    "wifi, no data": (105, b"\x48" + bytes(WIFI)[1:] + SNAP_V4),
    "wifi, management": (105, b"\x80" + bytes(WIFI)[1:] + SNAP_V4),
    "wifi, several in one": (105, bytes(QOS) + b"\x80\x00" + SNAP_V4),
    "radiotap, other version": (127, b"\x01" + radiotap(None)[1:] + bytes(WIFI) + SNAP_V4),
    "radiotap, too long": (127, b"\0\0\xff\xff\0\0\0\0" + bytes(WIFI) + SNAP_V4),
    "private use that is no pktap": (149, struct.pack("<II", 8, 1) + bytes(100) + ETHERNET),
    "pktap without a packet": (258, struct.pack("<II", 108, 0) + PKTAP[8:] + ETHERNET),
    "nflog, other version": (239, b"\x02\x01\x00\x05" + NFLOG_ITEMS + struct.pack("<HH", 4 + len(V4), 9) + V4),
    "nflog, an item of no size": (239, b"\x02\x00\x00\x05" + bytes(4) + struct.pack("<HH", 4 + len(V4), 9) + V4),
    "mpacket in pieces": (274, b"\x55" * 7 + b"\xe6" + ETHERNET),
    "frame relay, other protocol": (107, b"\x18\x41\x03\x81" + V4),
}


@pytest.mark.parametrize("case", NOT_READ)
def test_what_holds_no_packet_is_not_read(case: str) -> None:
    """Encrypted, in pieces, of another kind or broken."""
    link, data = NOT_READ[case]
    assert not read(data, len(data), link).has_network


@pytest.mark.parametrize("case", READ | ONLY_OURS)
def test_a_cut_packet_is_not_made_up(case: str) -> None:
    """At every cut there is the packet, or nothing."""
    link, data = (READ | ONLY_OURS)[case]
    for captured in range(len(data) + 1):
        found = read(data[:captured], len(data), link)
        assert not found.has_ports or (found.source_port, found.destination_port) == (40003, 40004)
    assert found.has_ports
    assert data[found.payload_offset : found.payload_offset + found.payload_length] == b"datagram"


def test_tshark_finds_the_same(tmp_path: Path) -> None:
    """The same packets in one file."""
    content = blocks.section_header()
    for number, (link, _) in enumerate(READ.values()):
        content += blocks.interface_description(name=f"if{number}", link_type=link)
    for number, (_, data) in enumerate(READ.values()):
        content += blocks.enhanced_packet(interface=number, time_ns=0, data=data, original_length=len(data))
    (file := tmp_path / "links.pcapng").write_bytes(content)
    done = subprocess.run(
        ["tshark", "-n", "-r", file, "-T", "fields", "-e", "udp.srcport", "-e", "udp.payload"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert dict(zip(READ, done.stdout.splitlines(), strict=True)) == dict.fromkeys(READ, f"40003\t{b'datagram'.hex()}")
