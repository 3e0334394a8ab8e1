"""What in a packet's bytes a secret can belong to: randoms and session ids of TLS and DTLS hellos, cookies of SSH's key exchange; and the
protocols whose secrets do not say more.

Hellos of TLS and DTLS are looked for anywhere in a packet, so also behind STARTTLS, in tunnels and in fragments, and over the seam of two
segments of one direction. Layouts: RFC 8446 section 4.1, RFC 5246 sections 7.4.1 and 7.4.7.1, RFC 6347 section 4, RFC 6101 appendix E,
RFC 4253 section 7.1. QUIC's hellos are encrypted, so nothing is found in them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.trace.renumbering import Renumbering

RANDOM_BYTES = 32
SEAM_BYTES = 80
"""A hello's random and session id end within this many bytes of its record's start."""
MOST_SEAMS = 4096
"""Directions of connections whose last bytes may begin a hello; the oldest are forgotten first."""

_TLS = re.compile(rb"\x16\x03[\x00-\x04]..[\x01\x02]\x00..\x03[\x00-\x04](.{32})([\x00-\x20])", re.DOTALL)
_DTLS = re.compile(rb"\x16\xfe[\xfc-\xff].{10}[\x01\x02].{11}\xfe[\xfc-\xff](.{32})([\x00-\x20])", re.DOTALL)
_KEY_EXCHANGE = re.compile(rb"\x16\x03[\x00-\x03]..\x10\x00..(.{10})", re.DOTALL)
_SSL2 = re.compile(rb"[\x80-\xff].\x01\x03[\x00-\x04](..)(..)\x00([\x10-\x20])", re.DOTALL)
_SSH = re.compile(rb"\x00\x00..[\x04-\xff]\x14(.{16})\x00\x00", re.DOTALL)


def ids_in(data: bytes) -> list[bytes]:
    """Randoms, session ids and beginnings of encrypted premaster secrets anywhere in a packet's bytes. Few are what they seem: whoever
    asks has secrets to compare them with."""
    found: list[bytes] = []
    if b"\x16\x03" in data:
        found += _of_hellos(data, _TLS)
        for exchange in _KEY_EXCHANGE.finditer(data):
            found += [exchange[1][:8], exchange[1][2:]]
    if b"\x16\xfe" in data:
        found += _of_hellos(data, _DTLS)
    return found


def ids_at(payload: bytes) -> list[bytes]:
    """What is only looked for where a payload begins: the random of SSL 2.0's hello, SSH's cookie, also behind its greeting."""
    if payload[2:4] == b"\x01\x03" and (old := _SSL2.match(payload)):
        start = old.end() + int.from_bytes(old[1]) + int.from_bytes(old[2])
        challenge = payload[start : start + old[3][0]]
        return [bytes(RANDOM_BYTES - len(challenge)) + challenge]
    if payload[5:6] == b"\x14" or payload[:4] == b"SSH-":
        return [cookie[1] for cookie in _SSH.finditer(payload)]
    return []


def _of_hellos(data: bytes, pattern: re.Pattern[bytes]) -> Iterator[bytes]:
    for found in pattern.finditer(data):
        yield found[1]
        size = found[2][0]
        if size:
            yield data[found.end() : found.end() + size]


class Seams:
    """The last bytes of each direction, where they may begin a hello."""

    def __init__(self) -> None:
        """None yet."""
        self._tails: dict[tuple[int, bool], bytes] = {}

    def __contains__(self, direction: object) -> bool:
        """Do the last bytes of a direction wait for what follows?"""
        return direction in self._tails

    def joined(self, direction: tuple[int, bool], payload: bytes) -> bytes:
        """What a segment's payload and the bytes before it have at their seam; b"" where no hello can lie over it."""
        before = self._tails.pop(direction, b"")
        both = before + payload[:SEAM_BYTES] if before else b""
        whole = before + payload if len(payload) < SEAM_BYTES else payload
        start = whole.find(b"\x16", max(0, len(whole) - SEAM_BYTES))
        if start >= 0:
            self._tails[direction] = whole[start:]
            if len(self._tails) > MOST_SEAMS:
                del self._tails[next(iter(self._tails))]
        return both

    def renumber(self, renumbering: Renumbering) -> None:
        """Directions are a row of the flow table and whether it goes forward; rows get new numbers."""
        new = renumbering.new.tolist()
        self._tails = {
            (new[flow] if flow >= 0 else flow, forward): tail
            for (flow, forward), tail in self._tails.items()
            if flow < 0 or new[flow] >= 0
        }


WIREGUARD_SIZES = {1: 148, 2: 92, 3: 64}
"""Message type -> bytes of a handshake message (wireguard.com/protocol); transport data, type 4, has at least 32."""
_OPC_UA = re.compile(rb"(?:HEL|ACK|ERR|RHE|OPN|MSG|CLO)[FCA]....", re.DOTALL)
ZIGBEE_LINKS = frozenset({195, 215, 230, 283})
"""IEEE 802.15.4 with and without frame check sequence, and with TAP headers (tcpdump.org's link types)."""
_TCP, _UDP, ESP = 6, 17, 50
_ESP_IN_UDP = 4500
_NO_PROTOCOL = 255
"""IPPROTO_RAW: reserved, so that no packet has it."""
_OPC_UA_CHUNKS = (b"F", b"C", b"A")


def transport_of(protocol: int, ports: tuple[int, int]) -> int:
    """IPPROTO number of what a flow carries: that of ESP for ESP in UDP (RFC 3948). Never 0.

    Args:
        protocol: IPPROTO number of the flow.
        ports: of both ends, 0 where there are none.
    """
    return ESP if protocol == _UDP and _ESP_IN_UDP in ports else protocol or _NO_PROTOCOL


def protocol_of(payload: bytes, transport: int, link_type: int) -> str | None:
    """The protocol of a packet, where it is one whose secrets do not say which connection they are of.

    Args:
        payload: behind the transport header.
        transport: see transport_of; 0 where the packet has none.
        link_type: LINKTYPE number.
    """
    if link_type in ZIGBEE_LINKS:
        return "ZigBee"
    if transport == ESP:
        return "ESP"
    if transport == _UDP and payload[1:4] == b"\0\0\0":
        size = WIREGUARD_SIZES.get(payload[0])
        if size == len(payload) or (payload[0] == 4 and len(payload) >= 32 and len(payload) % 16 == 0):
            return "WireGuard"
    if transport == _TCP and payload[3:4] in _OPC_UA_CHUNKS and _OPC_UA.match(payload):
        return "OPC UA"
    return None
