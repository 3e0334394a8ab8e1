"""How much payload a packet had on the wire, whatever was captured of it and whatever its headers claim."""

from __future__ import annotations

import pytest
from scapy.layers import inet6 as v6
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from pcapdig.packets._headers import read

ETHERNET = 1
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
V4, V6 = IP(src="192.0.2.1"), IPv6(src="2001:db8::1")
ACK = TCP(sport=40001, dport=40002, flags="A")
SEGMENT = ACK / Raw(b"segment")


def payload_length(packet: Packet, *, trailer: bytes = b"", original: int | None = None) -> int:
    """Payload bytes of an Ethernet frame, with bytes behind it and another length on the wire where one is given."""
    data = bytes(ETHER / packet) + trailer
    return read(data, len(data) if original is None else original, ETHERNET).payload_length


@pytest.mark.parametrize(
    ("packet", "expected"),
    [(V4 / ACK, 0), (V4 / UDP() / Raw(b"x"), 1), (V6 / ACK, 0), (IPv6(src="2001:db8::1", nh=59), 0)],
    ids=["tcp", "udp", "tcp over ipv6", "no next header"],
)
def test_ethernet_padding_is_no_payload(packet: Packet, expected: int) -> None:
    """Payload ends where the IP length says, not where the frame does."""
    assert payload_length(packet, trailer=bytes(17)) == expected


@pytest.mark.parametrize("network", [IP(src="192.0.2.1", len=0), IPv6(src="2001:db8::1", plen=0)], ids=["ipv4", "ipv6"])
def test_ip_length_0_takes_the_original_length(network: Packet) -> None:
    """Segmentation left to the card, or BIG TCP without its jumbo option: the packet is as long as the capture says."""
    headers = len(bytes(ETHER / network / ACK))
    assert payload_length(network / SEGMENT, original=headers + 300_000) == 300_000


def test_jumbo_length_counts() -> None:
    """The jumbo option's length ends the payload, not the end of the frame."""
    jumbo = v6.IPv6ExtHdrHopByHop(options=[v6.Jumbo(jumboplen=70_000)])
    packet = IPv6(src="2001:db8::1", plen=0) / jumbo / SEGMENT
    assert payload_length(packet, original=14 + 40 + 70_000 + 6) == 70_000 - 8 - 20


def test_ip_length_beyond_the_packet_counts_what_was_sent() -> None:
    """An IP length that lies is no reason to count bytes that were never on the wire."""
    assert payload_length(IP(src="192.0.2.1", len=999) / SEGMENT) == len(b"segment")


def test_udp_length_below_the_ip_length_ends_the_payload() -> None:
    """As Linux cuts it before a process reads it (net/ipv4/udp.c, __udp4_lib_rcv)."""
    assert payload_length(V4 / UDP(len=10) / Raw(b"12345")) == 2


@pytest.mark.parametrize("length", [0, 999])
def test_udp_length_that_tells_nothing_leaves_it_to_ip(length: int) -> None:
    """0 in a jumbogram (RFC 2675 section 4), and a whole datagram's length in its first fragment."""
    assert payload_length(V6 / UDP(len=length) / Raw(b"12345")) == 5


def test_snapped_packet_keeps_its_wire_length() -> None:
    """A packet cut by the snap length has the payload length it had on the wire."""
    data = bytes(ETHER / V4 / ACK / Raw(bytes(1000)))
    headers = read(data[:96], len(data), ETHERNET)
    assert (headers.payload_offset, headers.payload_length) == (54, 1000)


def test_original_below_captured_is_raised_to_captured() -> None:
    """A file that claims a packet was shorter than what it stores is not believed."""
    assert payload_length(IP(src="192.0.2.1", len=0) / SEGMENT, original=1) == len(b"segment")
