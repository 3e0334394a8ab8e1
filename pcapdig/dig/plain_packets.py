"""Which packets have nothing in their bytes that a secret could belong to, for many packets at once.

Almost all have not. hellos.py reads one packet after another, which costs more than all the rest of a copy, so this glance spares it most of
them. It may say no for no reason, never yes where hellos.py finds something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pcapdig.dig.hellos import SEAM_BYTES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pcapdig.trace.columns import Packets

_RECORD = 0x16
"""Begins a record with a handshake of TLS or DTLS; their versions go on with 3 or 0xFE."""
_HEAD_BYTES = 6
"""Bytes of a payload that are looked at."""


class Glance:
    """The bytes of a piece of a capture."""

    def __init__(self, data: bytes) -> None:
        """Nothing was looked at yet."""
        self._bytes = np.frombuffer(data, np.uint8)
        self._last = max(0, len(data) - 1)
        self._records = np.flatnonzero(self._bytes == _RECORD)
        version = self._bytes[np.minimum(self._records + 1, self._last)]
        self._hellos = self._records[(version == 3) | (version == 0xFE)]

    def plain(self, packets: Packets, index: NDArray[np.intp]) -> NDArray[np.bool_]:
        """True: ids_in and ids_at find nothing in a packet, protocol_of nothing but ESP and ZigBee, and no hello begins at its end.

        Args:
            packets: a batch that lies in these bytes.
            index: the packets of it that are looked at.
        """
        start = packets.offset[index].astype(np.int64)
        begin = packets.payload_offset[index].astype(np.int64)
        size = packets.payload_captured[index].astype(np.int64)
        suspicious = self._any(self._hellos, start, start + packets.captured[index])
        suspicious |= self._any(self._records, begin + np.maximum(size - SEAM_BYTES, 0), begin + size)
        head = [self._bytes[np.minimum(begin + i, self._last)] for i in range(_HEAD_BYTES)]
        odd = (head[2] == 1) & (head[3] == 3)  # SSL 2.0
        odd |= (head[5] == 0x14) | ((head[0] == ord("S")) & (head[1] == ord("S")))  # SSH
        odd |= (head[1] == 0) & (head[2] == 0) & (head[3] == 0)  # WireGuard
        odd |= np.isin(head[3], np.frombuffer(b"FCA", np.uint8))  # OPC UA
        plain: NDArray[np.bool_] = ~(suspicious | (odd & (size > 3)))
        return plain

    @staticmethod
    def _any(places: NDArray[np.intp], start: NDArray[np.int64], stop: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Does one of the places lie in each range?"""
        found: NDArray[np.bool_] = np.searchsorted(places, start) < np.searchsorted(places, stop)
        return found
