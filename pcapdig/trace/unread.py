"""The names of what packets are that have no flow, and of tunnels that were not opened: the kinds of packets/_unread.pxd in words.

EtherTypes: IEEE's and IANA's lists; LLC addresses: IEEE 802.2; PPP: IANA's list; IP protocols: IANA's list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_ETHERTYPE, _LLC, _SNAP, _PPP, _LINK, _TRANSPORT, _TUNNEL, _REASON = range(8)
"""The upper half of a kind."""


class Kind(NamedTuple):
    """What packets are."""

    name: str
    """In a few words that follow a number of packets: "ARP", "TCP cut before its ports", "VXLAN"."""
    hides_connections: bool
    """Such a packet may belong to a connection that nobody saw."""
    is_tunnel: bool = False
    """It has a flow, that of a tunnel's ends; what is inside has none."""


class Unread(NamedTuple):
    """Packets of one kind."""

    kind: Kind
    packets: int


_ETHERTYPES = {
    0x0806: "ARP",
    0x0842: "Wake-on-LAN",
    0x22EA: "SRP",
    0x22F0: "AVTP",
    0x22F3: "TRILL",
    0x6002: "DEC MOP",
    0x8035: "RARP",
    0x809B: "AppleTalk",
    0x80F3: "AppleTalk ARP",
    0x8137: "IPX",
    0x8808: "flow control",
    0x8809: "LACP",
    0x8847: "MPLS without IP",
    0x8848: "MPLS without IP",
    0x8863: "PPPoE discovery",
    0x886C: "HomePNA",
    0x8870: "jumbo frames of LLC",
    0x887B: "HomePlug",
    0x888E: "802.1X",
    0x8892: "PROFINET",
    0x8899: "Realtek's loop detection",
    0x889A: "HyperSCSI",
    0x88A2: "ATA over Ethernet",
    0x88A4: "EtherCAT",
    0x88AB: "POWERLINK",
    0x88B8: "GOOSE",
    0x88BA: "sampled values",
    0x88C7: "802.11 pre-authentication",
    0x88CC: "LLDP",
    0x88CD: "SERCOS",
    0x88D9: "LLTD",
    0x88E1: "HomePlug AV",
    0x88E3: "MRP",
    0x88E5: "MACsec",
    0x88F5: "MVRP",
    0x88F6: "MMRP",
    0x88F7: "PTP",
    0x88FB: "PRP",
    0x8902: "CFM",
    0x8906: "FCoE",
    0x890D: "TDLS",
    0x8914: "FCoE initialisation",
    0x8915: "RoCE",
    0x894F: "NSH without IP",
    0x9000: "Ethernet loopback",
}
_CARRIERS = frozenset({0x22F3, 0x8847, 0x8848, 0x8870, 0x88E5, 0x894F})
"""Those that may carry IP that was not found."""
_LLC_NAMES = {0x42: "STP", 0xE0: "IPX", 0xF0: "NetBIOS", 0xFE: "IS-IS", 0xFF: "IPX"}
_SNAP_NAMES = {
    0x2000: "CDP",
    0x2003: "VTP",
    0x2004: "DTP",
    0x010B: "PVST",
    0x0104: "PAgP",
    0x0111: "UDLD",
    0x809B: "AppleTalk",
}
_PPP_NAMES = {
    0x003D: "PPP multilink",
    0x0053: "PPP encrypted",
    0x00FD: "PPP compressed",
    0x8021: "PPP IPCP",
    0x8057: "PPP IPV6CP",
    0x80FD: "PPP CCP",
    0xC021: "PPP LCP",
    0xC023: "PPP PAP",
    0xC223: "PPP CHAP",
}
_PPP_CONTROL = 0x4000
"""From here on PPP's protocols carry nobody's packets (RFC 1661 section 2)."""
_TRANSPORTS = {0: "IPv6", 6: "TCP", 17: "UDP"}
_TUNNELS = {
    4: "IP in IP",
    41: "IPv6 in IP",
    47: "GRE",
    97: "EtherIP",
    115: "L2TP",
    137: "MPLS in IP",
    143: "Ethernet in IP",
    1701: "L2TP",
    2152: "GTP",
    3386: "GTP",
    3544: "Teredo",
    4754: "GRE in UDP",
    4789: "VXLAN",
    4790: "VXLAN-GPE",
    5247: "CAPWAP",
    5555: "Aruba's mirroring",
    6081: "Geneve",
    6635: "MPLS in UDP",
    8472: "VXLAN",
}
"""By IP protocol, or by UDP port."""
_REASONS = (
    Kind("cut before their addresses", True),
    Kind("with a malformed IP header", True),
    Kind("fragments without the first one", True),
    Kind("behind more tags than are read", True),
    Kind("encrypted Wi-Fi", True),
    Kind("Wi-Fi frames in pieces or several in one", True),
    Kind("Wi-Fi without data", False),
)


def kind_of_number(number: int) -> Kind:
    """Name a kind that `_unread` or `_tunnels` gave."""
    space, value = number >> 16, number & 0xFFFF
    if space == _ETHERTYPE:
        return Kind(_ETHERTYPES.get(value, f"EtherType 0x{value:04x}"), value in _CARRIERS)
    if space == _LLC:
        return Kind(_LLC_NAMES.get(value >> 8, f"LLC 0x{value >> 8:02x}"), False)
    if space == _SNAP:
        return Kind(_SNAP_NAMES.get(value, f"SNAP 0x{value:04x}"), False)
    if space == _PPP:
        return Kind(_PPP_NAMES.get(value, f"PPP 0x{value:04x}"), value < _PPP_CONTROL)
    if space == _LINK:
        return Kind(f"of link type {value}, which is not read", True)
    if space == _TRANSPORT:
        return Kind(f"{_TRANSPORTS.get(value, f'IP protocol {value}')} cut before its ports", True)
    if space == _TUNNEL:
        return Kind(_TUNNELS.get(value, f"tunnel {value}"), True, is_tunnel=True)
    return _REASONS[value]


def unread_of(counts: Mapping[int, int]) -> list[Unread]:
    """Packets by kind, most first and equal ones by name, from packets by number of kind. Several numbers may have one name."""
    of_kind: dict[Kind, int] = {}
    for number, packets in counts.items():
        kind = kind_of_number(number)
        of_kind[kind] = of_kind.get(kind, 0) + packets
    return sorted(map(Unread._make, of_kind.items()), key=lambda unread: (-unread.packets, unread.kind.name))
