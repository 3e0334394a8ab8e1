"""What -w with a filter keeps of a recording or of another capture: the packets that pass, and what describes them (carrier.py)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pcapdig.dig.carrier import HEAD_BYTES, Carrier, KeptPacket
from pcapdig.dig.plain_packets import Glance
from pcapdig.errors import InputError
from pcapdig.pcapng.blocks import (
    CUSTOM_NOT_COPIED,
    ENHANCED_PACKET,
    OBSOLETE_PACKET,
    SECTION_HEADER,
    SIMPLE_PACKET,
    WIRESHARK_PEN,
)
from pcapdig.pcapng.layout import BYTE_ORDERS
from pcapdig.trace.ages import FlowAges

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pcapdig.dig.live import GrowingTrace
    from pcapdig.filters import Filter
    from pcapdig.trace.ages import AgeLimits
    from pcapdig.trace.columns import Packets

_PACKET_BLOCKS = (OBSOLETE_PACKET, SIMPLE_PACKET, ENHANCED_PACKET)


class BlockFilter:
    """Passes the blocks of packets that pass a filter, and of all others those that describe such a packet.

    A packet passes if one of its ends does: with `proc.name=httpd`, what httpd sent and received. The filter looks at each packet by
    itself, so `evt.buffer` is the payload of one packet, as sysdig's is that of one call. Where every packet passes nothing is changed.
    """

    def __init__(
        self,
        trace: GrowingTrace,
        filter: Filter,
        *,
        limit: int | None = None,
        keeps_all: bool = False,
        at_once: bool = False,
        limits: AgeLimits | None = None,
    ) -> None:
        """Nothing was looked at yet.

        Args:
            trace: this filter's own.
            filter: what packets must pass.
            limit: pass at most so many packets; None: any number.
            keeps_all: every block without a packet passes too, untouched, but custom blocks whose type says that only who understands them
                may copy them (draft-ietf-opsawg-pcapng, section 4.8).
            at_once: see Carrier.
            limits: of a recording under way: when connections are forgotten. None: never.
        """
        self.kept = 0
        """Packets passed so far."""
        self.kept_bytes = 0
        """Their lengths on the wire."""
        self._trace = trace
        self._filter = filter
        self._limit = limit
        self._order = "<"
        self._ages = None if limits is None else FlowAges(limits)
        self._passes_all = filter.passes_all and limit is None
        self.carrier = None if keeps_all or self._passes_all else Carrier(trace, at_once=at_once)
        """What chooses the other blocks; None where all of them pass."""

    @property
    def is_full(self) -> bool:
        """The limit is reached."""
        return self._limit is not None and self.kept >= self._limit

    def keep(self, blocks: bytes) -> Iterator[bytes]:
        """What passes of some whole blocks.

        Raises:
            InputError: a block is damaged, after what passes of those before it has been given.
        """
        if self.is_full and self.carrier is not None:
            yield self._described(self.carrier, blocks)
            return
        before = self._trace.offset
        batches: list[Packets] = []
        masks = [np.zeros(0, np.bool_)]
        damage: InputError | None = None
        try:
            for packets in self._trace.feed(blocks):
                masks.append(self._filter.packets_mask(packets))
                batches.append(packets)
        except InputError as error:
            damage = error
        whole = self._trace.offset - before
        passing = np.concatenate(masks)
        if self._limit is not None:
            passing &= np.cumsum(passing) <= self._limit - self.kept
        self.kept += int(passing.sum())
        lengths = [packets.original for packets in batches]
        if lengths:
            self.kept_bytes += int(np.concatenate(lengths)[passing].sum())
        if self.carrier is None:
            yield self._untouched(blocks[:whole], passing)
        else:
            yield self._carried(self.carrier, blocks[:whole], passing, batches)
        if self._ages is not None:
            self._forget_old(self._ages, batches)
        if damage is not None:
            raise damage
        if whole != len(blocks):
            raise InputError(f"a pcapng block is cut: {len(blocks) - whole} bytes are left of it")

    def _forget_old(self, ages: FlowAges, batches: list[Packets]) -> None:
        """Let rows of the flow table go that are over, if there are many."""
        for packets in batches:
            ages.see(packets)
        if ages.is_due(len(self._trace.flows)):
            renumbering = ages.renumbering(self._trace.endings())
            if self.carrier is not None:
                self.carrier.renumber(renumbering)
            self._trace.renumber(renumbering)

    @property
    def notes(self) -> list[str]:
        """What is to be said beside the packets kept."""
        return [] if self._ages is None else self._ages.notes()

    def begin_again(self) -> None:
        """What passes from now on has none of the process blocks that passed so far, and those that come are counted from 0."""
        if self.carrier is not None:
            self.carrier.begin_again()

    def finish(self) -> bytes:
        """The capture has ended: what the copy still needs to be opened by readers."""
        return b"" if self.carrier is None else self.carrier.finish()

    def _described(self, carrier: Carrier, blocks: bytes) -> bytes:
        """What describes packets that were kept, when none is kept any more."""
        return b"".join(
            carrier.describe(kind, blocks[start:end])
            for start, end, kind in self._blocks(blocks)
            if kind not in _PACKET_BLOCKS
        )

    def _carried(self, carrier: Carrier, blocks: bytes, passing: NDArray[np.bool_], batches: list[Packets]) -> bytes:
        """The packets that pass, and what describes them."""
        parts = []
        begin = 0  # of the stretch of blocks that is kept as it is
        passes = iter(passing.tolist())
        kept = _rows(batches, passing, blocks)
        for start, end, kind in self._blocks(blocks):
            if kind not in _PACKET_BLOCKS:
                changed = carrier.describe(kind, blocks[start:end])
            elif next(passes):
                is_plain, size, flow, forward, writer, reader, *more = next(kept)
                if is_plain and kind == ENHANCED_PACKET:
                    key = (blocks[start + 8 : start + 12], blocks[start + size : end - 4], writer, reader)
                    if carrier.passes_plainly(key, flow, forward=forward):
                        continue
                changed = carrier.packet(kind, blocks[start:end], _packet(blocks, flow, forward, writer, reader, *more))
            else:
                changed = b""
            if begin != start:
                parts.append(blocks[begin:start])
            if changed:
                parts.append(changed)
            begin = end
        parts.append(blocks[begin:])
        return b"".join(parts)

    def _untouched(self, blocks: bytes, passing: NDArray[np.bool_]) -> bytes:
        """Whole blocks without the packets that do not pass."""
        parts = []
        begin = 0  # of the stretch of blocks that is kept
        passes = iter(passing.tolist())
        for start, end, kind in self._blocks(blocks):
            if kind in _PACKET_BLOCKS:
                keeps = next(passes)
            else:
                keeps = self._passes_all or not self._is_private(kind, blocks[start + 8 : start + 12])
            if not keeps:
                parts.append(blocks[begin:start])
                begin = end
        parts.append(blocks[begin:])
        return b"".join(parts)

    def _is_private(self, kind: int, number: bytes) -> bool:
        """A custom block that only who understands it may copy, and that pcapdig does not."""
        return kind == CUSTOM_NOT_COPIED and number != struct.pack(self._order + "I", WIRESHARK_PEN)

    def _blocks(self, blocks: bytes) -> Iterator[tuple[int, int, int]]:
        """(start, end, type) of each block. The trace has found all of them whole."""
        at, stop = 0, len(blocks)
        head = struct.Struct(self._order + "II").unpack_from
        while at < stop:
            kind, size = head(blocks, at)
            if kind == SECTION_HEADER:  # it reads the same in both byte orders
                self._order = BYTE_ORDERS[blocks[at + 8 : at + 12]]
                head = struct.Struct(self._order + "II").unpack_from
                (size,) = struct.unpack_from(self._order + "I", blocks, at + 4)
            yield at, at + size, kind
            at += size


_Row: TypeAlias = tuple[bool, int, int, bool, int, int, int, int, int, int, bool]


def _rows(batches: list[Packets], passing: NDArray[np.bool_], blocks: bytes) -> Iterator[_Row]:
    """For each packet that passes: are its bytes plain, where its options begin in an enhanced packet block, and what `_packet` takes.
    All batches lie in `blocks`.
    """
    at = 0
    glance = Glance(blocks)
    for packets in batches:
        index = np.flatnonzero(passing[at : at + len(packets)])
        at += len(packets)
        captured = packets.captured[index]
        columns = (
            glance.plain(packets, index),
            HEAD_BYTES + (captured + np.uint32(3) & np.uint32(0xFFFFFFFC)),
            packets.flow[index],
            packets.forward[index],
            packets.writer[index],
            packets.reader[index],
            packets.payload_offset[index],
            packets.payload_captured[index],
            captured,
            packets.time_ns[index],
            (packets.writer_evidence[index] | packets.reader_evidence[index]) != 0,
        )
        yield from zip(*(column.tolist() for column in columns), strict=True)


def _packet(
    blocks: bytes,
    flow: int,
    forward: bool,
    writer: int,
    reader: int,
    start: int,
    size: int,
    captured: int,
    time_ns: int,
    has_evidence: int,
) -> KeptPacket:
    """A packet whose payload lies at `start`."""
    return KeptPacket(
        captured=captured,
        time_ns=time_ns,
        flow=flow,
        forward=forward,
        writer=writer,
        reader=reader,
        has_evidence=bool(has_evidence),
        payload=blocks[start : start + size],
    )
