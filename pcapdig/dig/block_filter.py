"""What -w with a filter keeps of a recording or of another capture: whole pcapng blocks, untouched."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.errors import InputError
from pcapdig.pcapng.blocks import (
    CUSTOM_NOT_COPIED,
    ENHANCED_PACKET,
    OBSOLETE_PACKET,
    SECTION_HEADER,
    SIMPLE_PACKET,
    WIRESHARK_PEN,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pcapdig.dig.live import GrowingTrace
    from pcapdig.filters import Filter

_PACKET_BLOCKS = (OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)
_LITTLE_ENDIAN_MAGIC = b"\x4d\x3c\x2b\x1a"


class BlockFilter:
    """Passes the blocks of packets that pass a filter, and all blocks that hold no packet; but where packets may be left out, no custom
    blocks whose type says that only who understands them may copy them (draft-ietf-opsawg-pcapng, section 4.8).

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
        self._passes_all = filter.passes_all and limit is None

    def keep(self, blocks: bytes) -> Iterator[bytes]:
        """What passes of some whole blocks.

        Raises:
            InputError: a block is damaged, after what passes of those before it has been given.
        """
        before = self._trace.offset
        masks = [np.zeros(0, np.bool_)]
        damage: InputError | None = None
        try:
            for packets in self._trace.feed(blocks):
                masks.append(self._filter.packets_mask(packets))  # noqa: PERF401  # those before an error must stay
        except InputError as error:
            damage = error
        whole = self._trace.offset - before
        yield self._passing(blocks[:whole], np.concatenate(masks))
        if damage is not None:
            raise damage
        if whole != len(blocks):
            raise InputError(f"a pcapng block is cut: {len(blocks) - whole} bytes are left of it")

    def _passing(self, blocks: bytes, passing: NDArray[np.bool_]) -> bytes:
        """Whole blocks without the packets that do not pass."""
        if self._limit is not None:
            passing &= np.cumsum(passing) <= self._limit - self.kept
        self.kept += int(passing.sum())
        parts = []
        begin = 0  # of the stretch of blocks that is kept
        passes = iter(passing.tolist())
        for start, end, is_packet in self._choices(blocks):
            if not (next(passes) if is_packet else self._passes_all):
                parts.append(blocks[begin:start])
                begin = end
        parts.append(blocks[begin:])
        return b"".join(parts)

    def _choices(self, blocks: bytes) -> Iterator[tuple[int, int, bool]]:
        """(start, end, holds a packet) of each block that may have to go. The trace has found all of them whole."""
        at = 0
        while at < len(blocks):
            kind, size = struct.unpack_from(self._order + "II", blocks, at)
            if kind == SECTION_HEADER:  # it reads the same in both byte orders
                self._order = "<" if blocks[at + 8 : at + 12] == _LITTLE_ENDIAN_MAGIC else ">"
                (size,) = struct.unpack_from(self._order + "I", blocks, at + 4)
            if kind in _PACKET_BLOCKS:
                yield at, at + size, True
            elif kind == CUSTOM_NOT_COPIED and blocks[at + 8 : at + 12] != struct.pack(
                self._order + "I", WIRESHARK_PEN
            ):
                yield at, at + size, False
            at += size
