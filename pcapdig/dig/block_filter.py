"""What -w with a filter keeps of a recording or of another capture: whole pcapng blocks, untouched."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.errors import InputError
from pcapdig.pcapng.blocks import ENHANCED_PACKET, OBSOLETE_PACKET, SECTION_HEADER, SIMPLE_PACKET

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.dig.live import GrowingTrace
    from pcapdig.filters import Filter

_PACKET_BLOCKS = (OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)
_LITTLE_ENDIAN_MAGIC = b"\x4d\x3c\x2b\x1a"


class BlockFilter:
    """Passes the blocks of packets that pass a filter, and all blocks that hold no packet.

    A packet passes if one of its ends does: with `proc.name=httpd`, what httpd sent and received. The filter looks at each packet by
    itself, so `evt.buffer` is the payload of one packet, as sysdig's is that of one call.
    """

    def __init__(self, trace: GrowingTrace, filter: Filter, *, limit: int | None = None) -> None:
        """`trace` is this filter's own; `limit`: pass at most so many packets, None: any number."""
        self.kept = 0
        """Packets passed so far."""
        self._trace = trace
        self._filter = filter
        self._limit = limit
        self._order = "<"

    def keep(self, blocks: bytes) -> bytes:
        """What passes of some whole blocks.

        Raises:
            InputError: these are no whole pcapng blocks.
        """
        batches = self._trace.feed(blocks)
        passing = np.concatenate([np.zeros(0, np.bool_), *map(self._filter.packets_mask, batches)])
        if self._limit is not None:
            passing &= np.cumsum(passing) <= self._limit - self.kept
        self.kept += int(passing.sum())
        parts = []
        packet = 0
        begin = 0  # of the stretch of blocks that is kept
        for start, end, is_packet in self._walk(blocks):
            if not is_packet:
                continue
            if packet == len(passing):
                raise InputError("a packet block was not understood, so the filter cannot tell whether it passes")
            if not passing[packet]:
                parts.append(blocks[begin:start])
                begin = end
            packet += 1
        if packet != len(passing):
            raise InputError("blocks were handed over in pieces, so the filter cannot cut them")
        parts.append(blocks[begin:])
        return b"".join(parts)

    def _walk(self, blocks: bytes) -> Iterator[tuple[int, int, bool]]:
        """(start, end, holds a packet) of each block. A section header tells the byte order of what follows it."""
        at = 0
        while at < len(blocks):
            if len(blocks) - at < 12:
                raise InputError(f"a pcapng block is cut: {len(blocks) - at} bytes are left of it")
            kind, size = struct.unpack_from(self._order + "II", blocks, at)
            if kind == SECTION_HEADER:  # it reads the same in both byte orders
                self._order = "<" if blocks[at + 8 : at + 12] == _LITTLE_ENDIAN_MAGIC else ">"
                (size,) = struct.unpack_from(self._order + "I", blocks, at + 4)
            size += -size % 4
            if size < 12 or size > len(blocks) - at:
                raise InputError(f"a pcapng block claims {size} bytes, and {len(blocks) - at} are left")
            yield at, at + size, kind in _PACKET_BLOCKS
            at += size
