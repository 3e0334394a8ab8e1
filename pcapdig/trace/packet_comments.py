"""The comments of a packet, read from its block when somebody asks: few digs do, and no column has room for texts.

Layout: draft-ietf-opsawg-pcapng, sections 3.5 (options: opt_comment) and 4.3 (enhanced packet block); A.1 (the obsolete one).
"""

from __future__ import annotations

import struct
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from pcapdig.pcapng.text import decode
from pcapdig.trace.columns import Packets

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.trace.facts import Facts

BETWEEN = "; "
"""Between two comments of one packet."""
KEPT_BATCHES = 2
"""Batches whose packets can be found by number, for messages that began in the one before: 14 bytes a packet."""

_HEAD = 28
"""Bytes of a packet block before its packet."""
_OBSOLETE, _ENHANCED = 2, 6
_COMMENT = 1


class _Batch(NamedTuple):
    first_number: int
    data: bytes | memoryview
    offset: NDArray[np.uint64]
    captured: NDArray[np.uint32]
    has_options: NDArray[np.bool_]


class PacketComments:
    """The comments of packets that were seen, by their numbers."""

    __slots__ = ("_batches",)

    def __init__(self) -> None:
        """No packet yet."""
        self._batches: deque[_Batch] = deque(maxlen=KEPT_BATCHES)

    def see(self, packets: Packets) -> None:
        """Take in the next batch."""
        import numpy as np

        in_pcapng = np.array([not each.in_pcap for each in packets.trace.interfaces] or [True])
        self._batches.append(
            _Batch(
                int(packets.number[0]),
                packets.data,
                packets.offset.copy(),  # a column keeps its whole batch in memory
                packets.captured.copy(),
                in_pcapng[np.minimum(packets.interface, len(in_pcapng) - 1)],
            )
        )

    def of(self, facts: Facts, rows: Iterable[int]) -> list[str | None]:
        """The comments of some packets, or of the first packets of messages; None where there are none, or not any more."""
        return [self._of_number(int(facts.number[row])) for row in rows]

    def _of_number(self, number: int) -> str | None:
        for batch in self._batches:
            place = number - batch.first_number
            if 0 <= place < len(batch.offset):
                if not batch.has_options[place]:
                    return None
                return comments_at(batch.data, int(batch.offset[place]), int(batch.captured[place]))
        return None


def comments_at(data: bytes | memoryview, offset: int, captured: int) -> str | None:
    """All comments of the packet whose first byte is `data[offset]`, on one line; None without any.

    A simple packet block has no options, and where it stands no other block can seem to: its length would have to be `captured`.
    """
    start = offset - _HEAD
    if start < 0:
        return None
    for order in "<>":
        kind, length = struct.unpack_from(f"{order}II", data, start)
        if kind in (_OBSOLETE, _ENHANCED) and struct.unpack_from(f"{order}I", data, offset - 8)[0] == captured:
            end = min(start + length + -length % 4 - 4, len(data))
            found = list(_comments(data, offset + -(-captured // 4) * 4, end, order))
            return BETWEEN.join(found) if found else None
    return None


def _comments(data: bytes | memoryview, at: int, end: int, order: str) -> Iterable[str]:
    while at + 4 <= end:
        code, size = struct.unpack_from(f"{order}HH", data, at)
        if code == 0 or size > end - at - 4:
            return
        if code == _COMMENT and (text := decode(b" ".join(bytes(data[at + 4 : at + 4 + size]).splitlines()))):
            yield text
        at += 4 + -(-size // 4) * 4
