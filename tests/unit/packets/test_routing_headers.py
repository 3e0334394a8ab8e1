"""IPv6 routing headers and IPv4 source routes: for whom a packet is that goes over other addresses first."""

from __future__ import annotations

import ipaddress

import pytest
from scapy.layers import inet6 as v6
from scapy.layers.inet import IP, TCP, IPOption_LSRR, IPOption_NOP, IPOption_RR, IPOption_SSRR
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw

from pcapdig.packets._headers import read

V6 = v6.IPv6(src="2001:db8::1", dst="2001:db8::2")
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
SEGMENT = TCP(sport=40001, dport=40002)
FINAL, LISTED = "2001:db8::9", ["2001:db8::8", "2001:db8::9"]


@pytest.mark.parametrize(
    ("routing", "destination"),
    [
        (v6.IPv6ExtHdrRouting(addresses=LISTED, segleft=2), FINAL),
        (v6.IPv6ExtHdrRouting(addresses=LISTED, segleft=0), "2001:db8::2"),
        (v6.IPv6ExtHdrRouting(addresses=LISTED, segleft=3), "2001:db8::2"),  # more than there are
        (v6.IPv6ExtHdrRouting(addresses=[], segleft=1), "2001:db8::2"),
        (v6.IPv6ExtHdrRouting(addresses=LISTED, segleft=1, type=9), "2001:db8::2"),
        (v6.IPv6ExtHdrRouting(addresses=[FINAL], segleft=1, type=2), FINAL),
        (v6.IPv6ExtHdrSegmentRouting(addresses=LISTED[::-1], segleft=1, lastentry=1), FINAL),
    ],
)
def test_a_packet_on_its_way_over_others_is_for_the_last(routing: Packet, destination: str) -> None:
    """An IPv6 routing header with segments left names the destination that the connection has; what is cut off is not read."""
    data = bytes(ETHER / V6 / routing / SEGMENT)
    headers = read(data, len(data), 1)
    assert ipaddress.ip_address(headers.destination) == ipaddress.ip_address(destination)
    assert (headers.protocol, headers.destination_port) == (6, 40002)
    cut = read(data[: 14 + 40 + 8 + 15], len(data), 1)
    assert ipaddress.ip_address(cut.destination) == ipaddress.ip_address("2001:db8::2")


V4_LISTED = ["198.51.100.8", "198.51.100.9"]


@pytest.mark.parametrize(
    ("options", "destination"),
    [
        (bytes(IPOption_LSRR(routers=V4_LISTED)), "198.51.100.9"),
        (bytes(IPOption_NOP()) + bytes(IPOption_SSRR(routers=V4_LISTED, pointer=8)), "198.51.100.9"),
        (bytes(IPOption_RR(routers=["203.0.113.1"])) + bytes(IPOption_LSRR(routers=V4_LISTED)), "198.51.100.9"),
        (bytes(IPOption_LSRR(routers=V4_LISTED, pointer=12)), "198.51.100.2"),  # the end is reached
        (bytes(IPOption_RR(routers=V4_LISTED)), "198.51.100.2"),
        (b"\x83\x09\x04" + bytes(9), "198.51.100.2"),  # no whole address
        (b"\x83\xff\x04" + bytes(9), "198.51.100.2"),  # longer than the header
        (b"\x07\x00\x04" + bytes(IPOption_LSRR(routers=V4_LISTED)), "198.51.100.2"),  # behind one of no length
        (b"\x00" + bytes(IPOption_LSRR(routers=V4_LISTED)), "198.51.100.2"),  # behind the end of options
    ],
)
def test_a_source_route_under_way_ends_at_its_last_address(options: bytes, destination: str) -> None:
    """As tshark has it, and the sockets at both ends."""
    options += bytes(-len(options) % 4)
    head = IP(src="198.51.100.1", dst="198.51.100.2", proto=6, ihl=5 + len(options) // 4)
    data = bytes(ETHER / head / Raw(options) / SEGMENT)
    headers = read(data, len(data), 1)
    assert headers.destination[12:] == ipaddress.ip_address(destination).packed
    assert (headers.protocol, headers.destination_port) == (6, 40002)
