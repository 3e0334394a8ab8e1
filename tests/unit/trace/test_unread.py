"""What packets are that have no flow: each kind has a number, and each number a name."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.packets._unread import kind_of
from pcapdig.trace.unread import kind_of_number, unread_of

MACS = bytes(12)
IP = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20, 1, 0, 64, 6, 0, b"\xc0\0\2\1", b"\xc0\0\2\2")
V6 = struct.pack(">IHBB", 0x60000000, 0, 6, 64) + bytes(32)
WIFI = bytes(22) + b"\0\0" + b"\xaa\xaa\3\0\0\0\x08\0" + IP

KINDS: dict[str, tuple[int, bytes]] = {
    "ARP": (1, MACS + b"\x08\x06" + bytes(28)),
    "LLDP": (1, MACS + b"\x81\0\0\5\x88\xcc" + bytes(28)),
    "802.1X": (113, bytes(14) + b"\x88\x8e" + bytes(10)),
    "PPPoE discovery": (1, MACS + b"\x88\x63" + bytes(10)),
    "MACsec": (1, MACS + b"\x88\xe5\x2c" + bytes(40)),
    "EtherType 0x88b5": (276, b"\x88\xb5" + bytes(30)),
    "STP": (1, MACS + b"\0\x26\x42\x42\3" + bytes(36)),
    "IS-IS": (1, MACS + b"\0\x26\xfe\xfe\3" + bytes(36)),
    "LLC 0x98": (1, MACS + b"\0\x26\x98\x98\3" + bytes(36)),
    "CDP": (1, MACS + b"\0\x26\xaa\xaa\3\0\0\x0c\x20\0" + bytes(30)),
    "SNAP 0x1234": (1, MACS + b"\0\x26\xaa\xaa\3\0\0\x0c\x12\x34" + bytes(30)),
    "MPLS without IP": (1, MACS + b"\x88\x47\0\1\1\x40" + bytes(60)),
    "PPP LCP": (1, MACS + b"\x88\x64\x11\0\0\7\0\x10\xc0\x21" + bytes(14)),
    "PPP 0x0031": (9, b"\xff\3\0\x31" + bytes(14)),
    "of link type 147, which is not read": (147, IP),
    "TCP cut before its ports": (101, IP),
    "UDP cut before its ports": (101, IP[:9] + b"\x11" + IP[10:]),
    "IPv6 cut before its ports": (229, V6[:6] + b"\x2b" + V6[7:]),
    "fragments without the first one": (228, IP[:6] + b"\0\5" + IP[8:]),
    "cut before their addresses": (228, IP[:19]),
    "with a malformed IP header": (228, b"\x44" + IP[1:]),
    "behind more tags than are read": (1, MACS + b"\x81\0\0\5" * 70),
    "encrypted Wi-Fi": (105, b"\x08\x40" + WIFI),
    "Wi-Fi frames in pieces or several in one": (105, b"\x08\x04" + WIFI),
    "Wi-Fi without data": (127, b"\0\0\x08\0\0\0\0\0\x80\0" + WIFI),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_has_a_name(name: str) -> None:
    """By what it is, behind tags too."""
    link_type, data = KINDS[name]
    assert kind_of_number(kind_of(data, len(data), link_type)).name == name


@pytest.mark.parametrize("link_type", [1, 9, 50, 51, 100, 105, 107, 113, 127, 192, 239, 258, 276, 281, 285])
def test_a_packet_cut_before_its_link_header_ends_is_cut(link_type: int) -> None:
    """Of no bytes nothing else is said."""
    assert kind_of_number(kind_of(b"", 60, link_type)).name == "cut before their addresses"


def test_kinds_of_one_name_are_one() -> None:
    """VXLAN has two ports, IPX two numbers; most packets first, then by name."""
    ports = {6 << 16 | 4789: 3, 6 << 16 | 8472: 4, 6 << 16 | 47: 7, 0x0806: 1, 0x88CC: 1}
    found = [(each.kind.name, each.packets) for each in unread_of(ports)]
    assert found == [("GRE", 7), ("VXLAN", 7), ("ARP", 1), ("LLDP", 1)]


def test_what_may_hide_a_connection_is_told_from_what_cannot() -> None:
    """A cut or encrypted packet may be part of one; ARP and Wi-Fi's own frames are not."""
    hides = {
        name for name, (link, data) in KINDS.items() if kind_of_number(kind_of(data, len(data), link)).hides_connections
    }
    assert {"ARP", "LLDP", "STP", "PPP LCP", "802.1X", "Wi-Fi without data"} & hides == set()
    assert {"MACsec", "PPP 0x0031", "encrypted Wi-Fi", "TCP cut before its ports", "MPLS without IP"} <= hides


@given(st.binary(max_size=120), st.integers(0, 1 << 32), st.integers(0, 0xFFFFFFFF))
def test_any_bytes_are_of_a_kind(data: bytes, original: int, link_type: int) -> None:
    """Whatever they are, there is a name for it."""
    assert kind_of_number(kind_of(data, min(original, 0xFFFFFFFF), link_type)).name
