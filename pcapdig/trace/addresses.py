"""All addresses that a packet's own headers have, for whoever looks up names: of the link, and of the outermost IP or ARP packet."""

from __future__ import annotations

from typing import NamedTuple

from pcapdig.packets import _headers

LINKTYPE_ETHERNET = 1
_MAC_BYTES = 6
_MAPPED = bytes(10) + b"\xff\xff"
_ARP_BYTES = 42
"""With the Ethernet header."""
_ARP = b"\x08\x06"
_ARP_OF_IPV4 = b"\x08\x00\x06\x04"
"""Protocol IPv4, addresses of 6 and 4 bytes (RFC 826)."""


class Addresses(NamedTuple):
    """What a packet's headers have."""

    found: list[bytes]
    """6 bytes (Ethernet) and 16 (IPv6; IPv4 as ::ffff:a.b.c.d) each."""
    protocol: int
    """IPPROTO number; 0 where there is no IP header or it is cut."""


def addresses_of(data: bytes, link_type: int) -> Addresses:
    """The addresses in a packet's headers; a cut packet has fewer.

    Args:
        data: the captured bytes.
        link_type: LINKTYPE number of its interface.
    """
    found: list[bytes] = []
    if link_type == LINKTYPE_ETHERNET and len(data) >= 2 * _MAC_BYTES:
        found += [data[:_MAC_BYTES], data[_MAC_BYTES : 2 * _MAC_BYTES]]
        if data[12:14] == _ARP and data[16:20] == _ARP_OF_IPV4 and len(data) >= _ARP_BYTES:
            found += [_MAPPED + data[28:32], _MAPPED + data[38:42]]
    headers = _headers.read(data, len(data), link_type)
    if headers.has_network:
        found += [headers.source, headers.destination]
    return Addresses(found, headers.protocol)
