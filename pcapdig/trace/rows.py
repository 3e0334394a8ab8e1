"""Rows: what filters and chisels look at, one end's I/O a row, made from packets or from reassembled messages.

A fact with two local ends gives two rows: the writer's, then the reader's. Both are local where a process is known at each, and where the
packet passed a loopback; an end of which no process is known has process -1. One known end gives one row. None gives one row with
process -1: a write if epb_flags say out, a read if they say in, else the server's view: a read if the client sent it.

Columns are gathered when first asked for, and kept: a chisel that needs three of them pays for three.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from pcapdig.trace.columns import BOTH_LOCAL, DIRECTION_BITS, DIRECTION_OUT, DIRECTION_UNKNOWN, Dimensions
from pcapdig.trace.facts import Facts

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Rows:
    """Rows over facts. Arrays have one value a row and must not be written to."""

    __slots__ = ("_cache", "_whole", "facts", "is_write", "packet")

    def __init__(
        self, facts: Facts, packet: NDArray[np.int64], is_write: NDArray[np.bool_], *, whole: bool = False
    ) -> None:
        """Rows by hand; callers use `rows_of`.

        Args:
            facts: the packets or messages the rows are of.
            packet: index in facts, of each row.
            is_write: whether the row is the writer's end.
            whole: packet is 0, 1, 2 ... len(facts) - 1, so that columns need no gathering.
        """
        self.facts = facts
        self.packet = packet
        self.is_write = is_write
        self._whole = whole
        self._cache: dict[str, NDArray[Any]] = {}

    def __len__(self) -> int:
        return len(self.packet)

    @property
    def are_packets(self) -> bool:
        """Each packet or message of `facts` has one row, in order: columns of facts are columns of rows."""
        return self._whole

    @property
    def trace(self) -> Dimensions:
        """Flows, processes and interfaces that the columns are rows of."""
        return self.facts.trace

    def select(self, mask: NDArray[Any]) -> Rows:
        """The rows where a boolean mask is true, or those of an array of indices."""
        rows = Rows(self.facts, self.packet[mask], self.is_write[mask])
        rows._cache = {name: column[mask] for name, column in self._cache.items()}
        return rows

    def buffer(self, index: int) -> bytes:
        """The payload bytes there are of one row: captured bytes of a packet, or a message in order."""
        return self.facts.buffer(int(self.packet[index]))

    def gaps(self, index: int) -> tuple[tuple[int, int], ...]:
        """What is missing in `buffer(index)`: (position in the buffer, bytes missing there), ascending."""
        return self.facts.gaps(int(self.packet[index]))

    def _kept(self, name: str, make: Callable[[], NDArray[Any]]) -> NDArray[Any]:
        column = self._cache.get(name)
        if column is None:
            column = self._cache[name] = make()
        return column

    def _gathered(self, name: str) -> NDArray[Any]:
        column: NDArray[Any] = getattr(self.facts, name)
        return column if self._whole else self._kept(name, lambda: column[self.packet])

    def _of_end(self, written: str, read: str) -> NDArray[Any]:
        """A column that differs between the ends: the writer's value in a write, the reader's in a read."""
        return np.where(self.is_write, self._gathered(written), self._gathered(read))

    @property
    def number(self) -> NDArray[np.uint64]:
        """Packet number from 1 over the whole trace (of a message: its first packet)."""
        return self._gathered("number")

    @property
    def time_ns(self) -> NDArray[np.int64]:
        """ns since 1970 (of a message: its first packet)."""
        return self._gathered("time_ns")

    @property
    def interface(self) -> NDArray[np.uint16]:
        """Row in trace.interfaces."""
        return self._gathered("interface")

    @property
    def flow(self) -> NDArray[np.int32]:
        """Row in trace.flows, -1: none."""
        return self._gathered("flow")

    @property
    def forward(self) -> NDArray[np.bool_]:
        """The packet went from client to server. The row's own end is the client's where `forward == is_write`."""
        return self._gathered("forward")

    @property
    def is_client(self) -> NDArray[np.bool_]:
        """The row's own end is its flow's client."""
        return self._kept("is_client", lambda: np.equal(self.forward, self.is_write))

    @property
    def tcp_flags(self) -> NDArray[np.uint8]:
        """TCP flag bits of the packet; of a message those of its packets and of the FIN or RST that ended it; 0 for other protocols."""
        return self._gathered("tcp_flags")

    @property
    def direction(self) -> NDArray[np.uint8]:
        """DIRECTION_*: as the capturing machine saw it; and BOTH_LOCAL."""
        return self._gathered("direction")

    @property
    def out_of_window(self) -> NDArray[np.bool_]:
        """TCP: the receiver would not accept the packet."""
        return self._gathered("out_of_window")

    @property
    def process(self) -> NDArray[np.int32]:
        """Row in trace.processes of the row's own end, -1: not known."""
        return self._kept("process", lambda: self._of_end("writer", "reader"))

    @property
    def evidence(self) -> NDArray[np.uint8]:
        """EVIDENCE_*: how the process is known."""
        return self._kept("evidence", lambda: self._of_end("writer_evidence", "reader_evidence"))

    @property
    def is_io(self) -> NDArray[np.bool_]:
        """Carries payload, be it sent before or not."""
        return self._kept("is_io", lambda: self._gathered("payload_length") > 0)

    @property
    def size(self) -> NDArray[np.int64]:
        """Fresh payload bytes: what was not sent or seen before."""
        return self._kept("size", lambda: self._gathered("fresh").astype(np.int64))

    @property
    def length(self) -> NDArray[np.int64]:
        """Payload bytes on the wire, retransmissions included."""
        return self._kept("length", lambda: self._gathered("payload_length").astype(np.int64))


def rows_of(facts: Facts) -> Rows:
    """The rows of a batch of packets or messages, in their order; of one packet the write before the read."""
    count = len(facts)
    has_writer, has_reader = facts.writer >= 0, facts.reader >= 0
    both = (has_writer & has_reader) | (facts.direction & np.uint8(BOTH_LOCAL) != 0)
    first_is_write = both | has_writer | (~has_reader & _seen_as_write(facts))
    if not both.any():
        return Rows(facts, np.arange(count, dtype=np.int64), first_is_write, whole=True)
    packet = np.repeat(np.arange(count, dtype=np.int64), both.astype(np.int8) + np.int8(1))
    is_write = first_is_write[packet]
    is_write[1:][packet[1:] == packet[:-1]] = False
    return Rows(facts, packet, is_write)


def _seen_as_write(facts: Facts) -> NDArray[np.bool_]:
    """For packets without a known process: is the row a write, as the module's docstring says."""
    direction = facts.direction & np.uint8(DIRECTION_BITS)
    seen: NDArray[np.bool_] = (direction == DIRECTION_OUT) | ((direction == DIRECTION_UNKNOWN) & ~facts.forward)
    return seen
