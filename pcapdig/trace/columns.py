"""What a batch of packets and the tables beside it look like: numpy columns, nothing else. numpy is loaded when one is made.

`Packets` is one batch, made by the native scanner or by hand (`Packets.from_payloads`, for tests). `Dimensions` is what a batch
points into: flows, processes, interfaces. `Messages` is the same kind of facts with reassembled payloads, made by streams/. Both
are `facts.Facts`, so `rows.rows_of` turns either into Rows. This module knows no file format.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Protocol

from pcapdig.procs.process import Process
from pcapdig.trace.flows import Flows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from pcapdig.trace.history import History

DIRECTION_UNKNOWN, DIRECTION_IN, DIRECTION_OUT = 0, 1, 2
"""Values of `direction & DIRECTION_BITS`: bits 0-1 of epb_flags (draft-ietf-opsawg-pcapng, section 4.3.1)."""
DIRECTION_BITS = 3
BOTH_LOCAL = 4
"""Bit of `direction`: both ends of the packet are on the machine that captured it, since it passed a loopback."""

TCP_FIN, TCP_SYN, TCP_RST, TCP_PSH, TCP_ACK, TCP_URG = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
"""Bits of `tcp_flags` (RFC 9293, section 3.1)."""

EVIDENCE_NONE, EVIDENCE_SOCKET, EVIDENCE_SNAPSHOT, EVIDENCE_LISTENER, EVIDENCE_PROCFS = range(5)
"""How the owner of an end is known: enum event_evidence of probe/events.h."""

EVIDENCE_NAMES = ("", "socket", "snapshot", "listener", "procfs")
"""Text of each evidence, as comments write it."""

_LOOPBACKS = ("lo", r"\Device\NPF_Loopback", "Npcap Loopback Adapter")

NO_WAIT = -1
"""In a column of waits (history.py): the packet answers nothing."""
NOT_KEPT = -(1 << 63)
"""In a column of gaps (history.py): the packet is too long ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """One interface of one section of a file."""

    name: str | None = None
    """As the file says; None where it does not (a classic pcap)."""
    link_type: int = 1
    """LINKTYPE number."""
    snap_length: int = 0
    """Most bytes kept of a packet; 0: no limit."""
    fcs_size: int = 0
    """Bytes of frame check sequence at the end of each packet whose own flags do not say another number."""
    received: int | None = None
    """Packets the capture saw, from the last interface statistics block (isb_ifrecv); None: not told."""
    dropped: int | None = None
    """Packets lost for want of room (isb_ifdrop, else isb_osdrop); None: not told."""
    in_pcap: bool = False
    """Of a classic pcap, whose packets have no options."""

    def without_counts(self) -> Interface:
        """What an interface of another section may have in common with it."""
        return replace(self, received=None, dropped=None)

    def without_name(self) -> Interface:
        """What is left when its row stands for several."""
        return replace(self, name=None, received=None, dropped=None)

    @property
    def is_loopback(self) -> bool:
        """Packets on it never leave their machine: named as Linux, the BSDs and macOS (lo, lo0), or Npcap name theirs."""
        name = self.name or ""
        return name in _LOOPBACKS or (name.startswith("lo") and name[2:].isdecimal())

    def with_counts(self, received: int | None, dropped: int | None) -> Interface:
        """The same interface with what a statistics block says; what it does not say stays."""
        return replace(
            self,
            received=self.received if received is None else received,
            dropped=self.dropped if dropped is None else dropped,
        )


class Dimensions(Protocol):
    """The tables a batch points into. They grow from batch to batch, and rows never move."""

    @property
    def flows(self) -> Flows:
        """One row a flow."""

    @property
    def processes(self) -> list[Process]:
        """One entry a process, no two equal."""

    @property
    def interfaces(self) -> list[Interface]:
        """One entry an interface of a section."""

    @property
    def first_ns(self) -> int | None:
        """Time of the first packet, ns since 1970; None before it."""

    @property
    def history(self) -> History:
        """What packets are to those before them, once somebody asks."""


@dataclass(slots=True, kw_only=True)
class Tables:
    """Dimensions made by hand, without a file."""

    flows: Flows = field(default_factory=Flows)
    processes: list[Process] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)
    first_ns: int | None = None
    _history: History | None = None

    @property
    def history(self) -> History:
        """What packets are to those before them."""
        if self._history is None:
            self._history = new_history()
        return self._history


def new_history() -> History:
    """A history that has seen nothing."""
    from pcapdig.trace.history import History  # few digs ask for one

    return History()


_COLUMNS: dict[str, tuple[str, int]] = {
    "time_ns": ("i8", 0),
    "interface": ("u2", 0),
    "flow": ("i4", -1),
    "forward": ("?", 1),
    "fresh": ("u4", 0),
    "seq": ("u4", 0),
    "ack": ("u4", 0),
    "tcp_flags": ("u1", 0),
    "direction": ("u1", 0),
    "writer": ("i4", -1),
    "reader": ("i4", -1),
    "writer_evidence": ("u1", 0),
    "reader_evidence": ("u1", 0),
    "out_of_window": ("?", 0),
}
"""Columns the builders below fill: type and the value a row has when nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packets:
    """One batch of packets: arrays of equal length, C-contiguous. len() is the number of packets."""

    trace: Dimensions
    """The tables that `flow`, `writer`, `reader` and `interface` are rows of."""
    data: bytes | memoryview
    """What `offset` and `payload_offset` count in. Kept alive by the batch; for a mapped file it is the map itself."""
    number: NDArray[np.uint64]
    """From 1 over the whole trace."""
    time_ns: NDArray[np.int64]
    """ns since 1970. 0 for a packet without time (simple packet block)."""
    interface: NDArray[np.uint16]
    """Row in trace.interfaces."""
    captured: NDArray[np.uint32]
    """Bytes stored."""
    original: NDArray[np.uint32]
    """Bytes on the wire."""
    offset: NDArray[np.uint64]
    """First byte of the packet, in `data`."""
    flow: NDArray[np.int32]
    """Row in trace.flows; -1: not IP, cut before its ports, or a fragment that comes before its datagram's first one."""
    forward: NDArray[np.bool_]
    """From client to server of its flow. True where there is no flow."""
    payload_offset: NDArray[np.uint64]
    """First byte after the transport header, in `data`."""
    payload_captured: NDArray[np.uint32]
    """Payload bytes stored, 0 to payload_length."""
    payload_length: NDArray[np.uint32]
    """Payload bytes on the wire, without link padding."""
    fresh: NDArray[np.uint32]
    """Payload bytes not seen before in this flow and direction, 0 to payload_length. See `pcapdig.trace`."""
    seq: NDArray[np.uint32]
    """TCP sequence number. Of fragments of other protocols the IP identification; else 0."""
    ack: NDArray[np.uint32]
    """TCP acknowledgement number as it stands in the header. Of fragments of other protocols, see `pcapdig.trace`; else 0."""
    tcp_flags: NDArray[np.uint8]
    """TCP_FIN | TCP_SYN | ...; 0 for other protocols."""
    direction: NDArray[np.uint8]
    """DIRECTION_*: as the capturing machine saw it; and BOTH_LOCAL."""
    writer: NDArray[np.int32]
    """Row in trace.processes of the sender's end; -1: not known, not on that machine, or the kernel itself."""
    reader: NDArray[np.int32]
    """The same of the receiver's end."""
    writer_evidence: NDArray[np.uint8]
    """EVIDENCE_* for `writer`, 0 where that is -1."""
    reader_evidence: NDArray[np.uint8]
    out_of_window: NDArray[np.bool_]
    """TCP: the receiver would not accept this segment (RFC 9293 section 3.10.7.4), so `fresh` is 0 and nothing follows from it."""

    def __len__(self) -> int:
        return len(self.time_ns)

    def buffer(self, index: int) -> bytes:
        """The captured payload bytes of one packet."""
        start = int(self.payload_offset[index])
        return bytes(self.data[start : start + int(self.payload_captured[index])])

    def packet_bytes(self, index: int) -> bytes:
        """All captured bytes of one packet, link header included."""
        start = int(self.offset[index])
        return bytes(self.data[start : start + int(self.captured[index])])

    def gaps(self, index: int) -> tuple[tuple[int, int], ...]:
        """What the snap length cut off: ((position in the buffer, bytes missing),) or ()."""
        kept = int(self.payload_captured[index])
        missing = int(self.payload_length[index]) - kept
        return ((kept, missing),) if missing > 0 else ()

    @classmethod
    def from_payloads(
        cls, trace: Dimensions, payloads: Sequence[bytes], *, first_number: int = 1, **columns: ArrayLike
    ) -> Packets:
        """A batch written by hand: packets that are nothing but payload.

        Args:
            trace: tables, as a rule `Tables(flows=Flows.from_records([...]), processes=[...])`.
            payloads: payload of each packet, wholly captured. `payload_length=` may say that more was on the wire.
            first_number: number of the first packet.
            columns: any other column, as a list or one value for all. Not given: fresh = payload_length, forward True, flow,
                writer and reader -1, the rest 0; evidence socket (1) where a writer or reader is given.

        Raises:
            TypeError: a column that does not exist.
        """
        count = len(payloads)
        sizes = list(map(len, payloads))
        starts = list(accumulate(sizes, initial=0))[:count]
        length = _column(columns.pop("payload_length", sizes), "u4", count)
        columns.setdefault("fresh", length)
        return cls(
            trace=trace,
            data=b"".join(payloads),
            number=_column(range(first_number, first_number + count), "u8", count),
            captured=_column(sizes, "u4", count),
            original=length.copy(),
            offset=_column(starts, "u8", count),
            payload_offset=_column(starts, "u8", count),
            payload_captured=_column(sizes, "u4", count),
            payload_length=length,
            **_filled(columns, _COLUMNS, count),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Messages:
    """Reassembled messages as facts: what one end wrote until the direction turned. Columns mean what they mean in `Packets`.

    A message with a writer and a reader on this machine is one row here; `rows_of` gives the write and the read.
    """

    trace: Dimensions
    buffers: list[bytes]
    """Payload of each message, in order, without overlaps."""
    number: NDArray[np.uint64]
    """Number of the first packet of the message."""
    time_ns: NDArray[np.int64]
    """Time of the first packet of the message."""
    interface: NDArray[np.uint16]
    flow: NDArray[np.int32]
    forward: NDArray[np.bool_]
    payload_length: NDArray[np.uint32]
    """Bytes of the message on the wire: the buffer and its gaps."""
    fresh: NDArray[np.uint32]
    tcp_flags: NDArray[np.uint8]
    direction: NDArray[np.uint8]
    writer: NDArray[np.int32]
    reader: NDArray[np.int32]
    writer_evidence: NDArray[np.uint8]
    reader_evidence: NDArray[np.uint8]
    out_of_window: NDArray[np.bool_]
    """False, unless the fact is a packet kept as a message: no message is made of what a receiver would not accept."""
    gap_lists: list[tuple[tuple[int, int], ...]]
    """For each message what `gaps` answers."""

    def __len__(self) -> int:
        return len(self.buffers)

    def buffer(self, index: int) -> bytes:
        """The payload of one message."""
        return self.buffers[index]

    def gaps(self, index: int) -> tuple[tuple[int, int], ...]:
        """What is missing: (position in the buffer, bytes missing there), ascending."""
        return self.gap_lists[index]

    @classmethod
    def from_buffers(
        cls,
        trace: Dimensions,
        buffers: Sequence[bytes],
        *,
        number: ArrayLike,
        gaps: Sequence[tuple[tuple[int, int], ...]] | None = None,
        **columns: ArrayLike,
    ) -> Messages:
        """Messages from lists or arrays; columns not given are filled as in `Packets.from_payloads`.

        payload_length and fresh are, unless given, the buffer's size and its gaps.

        Raises:
            TypeError: a column that does not exist.
        """
        count = len(buffers)
        gap_lists: list[tuple[tuple[int, int], ...]] = [()] * count if gaps is None else list(gaps)
        if "payload_length" not in columns:
            sizes = zip(buffers, gap_lists, strict=True)
            columns["payload_length"] = [len(data) + sum(missing for _, missing in holes) for data, holes in sizes]
        length = _column(columns.pop("payload_length"), "u4", count)
        columns.setdefault("fresh", length)
        kinds = {name: kind for name, kind in _COLUMNS.items() if name not in ("seq", "ack")}
        return cls(
            trace=trace,
            buffers=list(buffers),
            gap_lists=gap_lists,
            number=_column(number, "u8", count),
            payload_length=length,
            **_filled(columns, kinds, count),
        )


def _filled(given: dict[str, ArrayLike], kinds: dict[str, tuple[str, int]], count: int) -> dict[str, Any]:
    """Every column of `kinds` with `count` values, those not given at their default."""
    if unknown := set(given) - set(kinds):
        raise TypeError(f"no such column: {', '.join(sorted(unknown))}")
    filled = {name: _column(given.get(name, default), kind, count) for name, (kind, default) in kinds.items()}
    for end in ("writer", "reader"):
        if f"{end}_evidence" not in given:
            filled[f"{end}_evidence"] = (filled[end] >= 0).astype("u1") * EVIDENCE_SOCKET  # EVIDENCE_NONE is 0
    return filled


def _column(values: ArrayLike, kind: str, count: int) -> NDArray[Any]:
    """An array of its own with `count` values; one value stands for all."""
    import numpy as np

    return np.array(np.broadcast_to(np.asarray(values, dtype=kind), (count,)))
