"""Packets as scapy's own, as its PcapNgReader would give them. Needs the extra `scapy` (GPL-2.0)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from pcapdig.api.extras import need

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.trace.columns import Packets

_NS = 1_000_000_000
_OPTION_END, _OPTION_COMMENT = 0, 1
"""draft-ietf-opsawg-pcapng, section 3.5."""
_EPB_HEADER_BYTES = 28
_MOST_FCS_BYTES = 15
"""What a reader may have taken off the end of a packet (if_fcslen, section 4.2)."""


class ScapyMaker:
    """Turns packets of a trace into scapy's."""

    def __init__(self) -> None:
        """Loads scapy and the layers it loads by itself.

        Raises:
            ImportError: scapy is not installed.
        """
        need("scapy.layers.all", "scapy")
        self._conf = need("scapy.config", "scapy").conf
        self._decimal = need("scapy.utils", "scapy").EDecimal

    def packets(self, packets: Packets, passing: NDArray[np.bool_] | None) -> Iterator[Any]:
        """The packets where `passing` is true; None: all."""
        interfaces = packets.trace.interfaces
        chosen = range(len(packets)) if passing is None else passing.nonzero()[0].tolist()
        for i in chosen:
            interface = interfaces[int(packets.interface[i])]
            packet = self._dissected(packets.packet_bytes(i), interface.link_type)
            packet.time = self._decimal(int(packets.time_ns[i])) / _NS
            packet.wirelen = int(packets.original[i])
            packet.sniffed_on = interface.name
            comments = [] if interface.in_pcap else comments_of(packets, i)
            if comments:
                packet.comments = comments
            yield packet

    def _dissected(self, data: bytes, link_type: int) -> Any:
        kind = self._conf.l2types.num2layer.get(link_type, self._conf.raw_layer)
        try:
            return kind(data)
        except Exception:  # noqa: BLE001  # a dissector may raise anything for bytes it does not expect; scapy's readers do the same
            return self._conf.raw_layer(data)


def comments_of(packets: Packets, i: int) -> list[bytes]:
    """The comments of a packet of a pcapng file, as the file has them.

    They lie behind the packet, in the block that holds it. Which kind of block that is the four bytes after its byte 20 tell: in an
    enhanced or obsolete packet block the number of bytes captured, in a simple one, which has no options, a block length beyond it.
    """
    start, captured = int(packets.offset[i]), int(packets.captured[i])
    for order in "<", ">":
        kind, length = struct.unpack_from(order + "II", packets.data, max(0, start - _EPB_HEADER_BYTES))
        (stored,) = struct.unpack_from(order + "I", packets.data, start - 8)
        if kind in (2, 6) and captured <= stored <= captured + _MOST_FCS_BYTES:
            begin = start + stored + -stored % 4
            options = bytes(packets.data[begin : start - _EPB_HEADER_BYTES + length - 4])
            return _comments(options, order)
    return []


def _comments(options: bytes, order: str) -> list[bytes]:
    found = []
    at = 0
    while at + 4 <= len(options):
        code, size = struct.unpack_from(order + "HH", options, at)
        if code == _OPTION_END:
            break
        if code == _OPTION_COMMENT:
            found.append(options[at + 4 : at + 4 + size])
        at += 4 + size + -size % 4
    return found
