"""The addresses in a packet's own headers."""

from __future__ import annotations

import pytest

from pcapdig.trace.addresses import addresses_of

ONE, TWO = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
MAPPED = bytes(10) + b"\xff\xff"
IPV4 = bytes.fromhex("4500001c000000004011000001020304050607080001000200080000")
ARP = bytes.fromhex("0001080006040001") + ONE + b"\x01\x02\x03\x04" + bytes(6) + b"\x05\x06\x07\x08"


def test_a_cut_packet_has_fewer() -> None:
    """Of every length: whole addresses, in order, or none."""
    whole = TWO + ONE + b"\x08\0" + IPV4
    found = addresses_of(whole, 1).found
    assert found == [TWO, ONE, MAPPED + b"\x01\x02\x03\x04", MAPPED + b"\x05\x06\x07\x08"]
    for size in range(len(whole)):
        part = addresses_of(whole[:size], 1).found
        assert part in ([], found[:2], found), size
    assert addresses_of(b"", 1) == ([], 0)


def test_arp_has_addresses_too() -> None:
    """Those of the protocol, where it is IPv4's; a cut one only the link's."""
    frame = b"\xff" * 6 + ONE + b"\x08\x06" + ARP
    assert addresses_of(frame, 1).found == [
        b"\xff" * 6,
        ONE,
        MAPPED + b"\x01\x02\x03\x04",
        MAPPED + b"\x05\x06\x07\x08",
    ]
    assert addresses_of(frame[:-1], 1).found == [b"\xff" * 6, ONE]
    assert addresses_of(frame.replace(b"\x08\0\x06\x04", b"\x08\0\x06\x10"), 1).found == [b"\xff" * 6, ONE]


@pytest.mark.parametrize("link_type", [101, 228])
def test_raw_ip_has_no_link(link_type: int) -> None:
    """And says its protocol."""
    found = addresses_of(IPV4, link_type)
    assert (found.found, found.protocol) == ([MAPPED + b"\x01\x02\x03\x04", MAPPED + b"\x05\x06\x07\x08"], 17)
