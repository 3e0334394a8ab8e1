"""Messages as rows: the Python face of `_reassemble.pyx`."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pcapdig.streams._messages import ROW_TYPE
from pcapdig.streams._order import OPEN_MAX
from pcapdig.streams._reassemble import Assembler
from pcapdig.trace.columns import Dimensions, Messages, Packets
from pcapdig.trace.rows import Rows, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from pcapdig.trace.renumbering import Renumbering

MESSAGE_LIMIT = 1 << 20
"""Bytes on the wire of one message; a longer one is handed out in parts, each a message."""
HOLD_LIMIT = 6 << 20
"""Captured bytes held behind a hole in one direction of one flow; beyond it the hole is a gap. What a receiver buffers behind a hole
it limits too: by default to 6 MiB (net.ipv4.tcp_rmem, Documentation/networking/ip-sysctl.rst)."""
TOTAL_LIMIT = 96 << 20
"""Bytes in memory over all flows; beyond it the connections that were used longest ago are handed out as they are: their messages come in parts, and
what waits in them waits no more."""
OPEN_LIMIT: int = OPEN_MAX
"""Connections of which more than their numbers is known; beyond it the same happens. An idle one that has nothing open loses nothing by it."""

_U32_MAX = 0xFFFFFFFF


class Beginning(NamedTuple):
    """What a conversation begins with, for those who read nothing before that: all other flows cost little time and no memory."""

    opens: Callable[[bytes], bool] | None
    """Whether a message, as far as it was captured, begins one. None: any does."""
    first_bytes: bytes = b"\1" * 256
    """By value, 0 for a first byte with which `opens` is always false. A NUL that comes alone is not judged by it, but what follows is: it may
    be of a keep-alive probe (RFC 9293 section 3.8.4), which at the beginning of a capture looks like data."""


ANYTHING = Beginning(None)
"""Nothing is left out."""


class Reassembler:
    """Puts the packets of chosen flows together to messages.

    A message is what one end of a flow sent until the other end sent something, in order, each byte once, the copy seen first. It is
    split where a process at either end changes and at MESSAGE_LIMIT, and ended by FIN, RST and `flush`. A UDP datagram, and any other
    packet with payload that is not TCP, is a message; copies of it on a second interface are not. One in IP fragments is a message when
    its last one has come; a fragment that never came is a gap.

    Both directions are in the order in which they were sent: what acknowledges bytes of the other direction waits for them, 150 ms of the
    capture at most. So do a hole and the end of a connection. A message's time is that of its own first packet, so an answer may be earlier
    than the request it follows.

    Bytes that were sent but not captured (cut by the snap length, or acknowledged and never seen) are gaps: they count in the
    message's size, and `Rows.gaps` says where they are missing. A connection is only known from its first packet in the capture on.
    """

    __slots__ = ("_assembler", "_trace")

    def __init__(
        self,
        trace: Dimensions,
        *,
        message_limit: int = MESSAGE_LIMIT,
        hold_limit: int = HOLD_LIMIT,
        total_limit: int = TOTAL_LIMIT,
        needle: bytes = b"",
        beginning: Beginning = ANYTHING,
    ) -> None:
        """Limits are in bytes, as the constants of this module.

        Args:
            trace: whose packets these are.
            message_limit: of one message.
            hold_limit: of what is held behind a hole.
            total_limit: of all in memory.
            needle: messages that do not hold these bytes may be left out.
            beginning: what a flow says before such a message is left out.
        """
        self._trace = trace
        limits = (message_limit, hold_limit, total_limit)
        self._assembler = Assembler(*limits, needle, beginning.opens, beginning.first_bytes)

    def feed(self, packets: Packets, wanted: NDArray[np.bool_], start: int = 0, stop: int | None = None) -> Rows:
        """The messages that ended in this batch.

        Args:
            packets: the next packets, in the order of the capture.
            wanted: by flow, for all flows there are; packets of others are passed over. A flow once wanted should stay so.
            start: first packet of the batch to take.
            stop: end of those to take; None: to the end.

        Raises:
            ValueError: `wanted` is shorter than the flow table, or the batch's columns contradict its data.
        """
        if len(wanted) < len(self._trace.flows):
            raise ValueError(f"{len(wanted)} marks for {len(self._trace.flows)} flows")
        end = len(packets) if stop is None else min(stop, len(packets))
        if start < end and len(self._trace.flows):
            self._assembler.feed(packets, self._trace.flows.protocol, wanted.view(np.uint8), max(0, start), end)
        return self._taken()

    def renumber(self, renumbering: Renumbering) -> Rows:
        """Rows of the flow table go, the others get new numbers from the next `feed` on. What was open of those that go, by their old rows."""
        self._assembler.renumber(renumbering.new)
        return self._taken()

    def release(self, before_ns: int) -> Rows:
        """The messages that have been silent since before this time (ns since 1970): for those who wait for them now.

        They are ended there; should more of one follow, it is a message of its own. What has waited since before this time, behind a hole or for
        the other direction, waits no more.
        """
        self._assembler.release(before_ns)
        return self._taken()

    def flush(self, most: int = -1) -> Rows:
        """What was still open: the capture has ended. `most`: at least 1; about so many messages, and none once there are no more; -1: all."""
        self._assembler.flush(most)
        return self._taken()

    @property
    def evicted(self) -> int:
        """Connections that were handed out with something open or waiting, since too many were open, or too much of them in memory."""
        return self._assembler.evicted

    def notes(self) -> Iterator[str]:
        """A sentence, where there were such connections."""
        if self.evicted:
            yield (
                f"messages of {self.evicted:,} connections were handed out early: more than {OPEN_LIMIT:,} connections were open at a time, "
                f"or more than {TOTAL_LIMIT >> 20} MiB of them in memory"
            )

    def _taken(self) -> Rows:
        rows, buffers, gaps = self._assembler.take()
        columns = {name: rows[name] for name in ROW_TYPE.names or () if name != "size"}
        columns["payload_length"] = np.minimum(rows["size"], _U32_MAX)
        return rows_of(Messages.from_buffers(self._trace, buffers, gaps=gaps, **columns))
