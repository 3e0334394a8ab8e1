"""IPv6 routing headers: for whom a packet is that goes over other addresses first."""

from __future__ import annotations

import ipaddress

import pytest
from scapy.layers import inet6 as v6
from scapy.layers.inet import TCP
from scapy.layers.l2 import Ether
from scapy.packet import Packet

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
