"""Packets as numpy columns."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from pcapdig.trace.columns import DIRECTION_BITS, Packets, Tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pcapdig.filters import Filter
    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Dimensions, Interface
    from pcapdig.trace.flows import Flows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class PacketColumns:
    """Packets: one array a column, one value a packet. len() is the number of packets.

    `flow`, `writer`, `reader` and `interface` are row numbers in the tables at the end; -1 stands for none, so look before you index:
    `packets.flows.server_port[packets.flow[packets.flow >= 0]]`.
    """

    number: NDArray[np.uint64]
    """From 1 over the whole capture, packets that a filter left out included."""
    time_ns: NDArray[np.int64]
    """ns since 1970, UTC; 0 for a packet without time. `time` is the same as datetime64."""
    interface: NDArray[np.uint16]
    """Row in `interfaces`."""
    captured: NDArray[np.uint32]
    """Bytes in the file."""
    original: NDArray[np.uint32]
    """Bytes on the wire."""
    flow: NDArray[np.int32]
    """Row in `flows`; -1: not IP, or cut before its ports."""
    forward: NDArray[np.bool_]
    """From client to server. True where there is no flow."""
    payload_length: NDArray[np.uint32]
    """Payload bytes on the wire: what follows the TCP, UDP or ICMP header."""
    fresh: NDArray[np.uint32]
    """Payload bytes not seen before in this flow and direction: 0 for retransmissions and for copies on a second interface."""
    seq: NDArray[np.uint32]
    """TCP sequence number; 0 for other protocols."""
    ack: NDArray[np.uint32]
    """TCP acknowledgement number; 0 for other protocols."""
    tcp_flags: NDArray[np.uint8]
    """FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32; 0 for other protocols."""
    direction: NDArray[np.uint8]
    """As the capturing machine saw it: 0 not known, 1 in, 2 out."""
    writer: NDArray[np.int32]
    """Row in `processes` of the process that sent it; -1: not known, or not on the machine that recorded."""
    reader: NDArray[np.int32]
    """Row in `processes` of the process that received it; -1 as for `writer`."""
    writer_evidence: NDArray[np.uint8]
    """How the writer is known: 1 socket, 2 snapshot, 3 listener, 4 procfs; 0 without a writer."""
    reader_evidence: NDArray[np.uint8]
    """The same of the reader."""
    out_of_window: NDArray[np.bool_]
    """TCP: the receiver would not accept this packet, so its bytes and flags count for nothing (`fresh` is 0)."""
    flows: Flows
    """Columns over flows: protocol (IP's number), family, client, server (16 bytes each), client_port, server_port, first_ns, interface;
    .client_ip(row), .server_ip(row), .name(row) are texts. It goes on growing while batches are taken."""
    processes: list[Process]
    """By row."""
    interfaces: list[Interface]
    """By row."""

    def __len__(self) -> int:
        return len(self.number)

    def __repr__(self) -> str:
        return f"<PacketColumns {len(self)} packets: {' '.join(COLUMN_NAMES)}>"

    @property
    def time(self) -> NDArray[np.datetime64]:
        """`time_ns` as datetime64[ns], UTC. The same memory."""
        return self.time_ns.view("datetime64[ns]")

    def columns(self) -> dict[str, NDArray[Any]]:
        """The arrays by name."""
        return {name: getattr(self, name) for name in COLUMN_NAMES}


COLUMN_NAMES = tuple(
    field.name for field in fields(PacketColumns) if field.name not in ("flows", "processes", "interfaces")
)
"""Names of the arrays, in the order in which the class has them."""


def passing_columns(packets: Packets, filter: Filter) -> tuple[PacketColumns, NDArray[np.bool_] | None]:
    """The packets of a batch of which an end passes, and the mask that chose them; None where all pass."""
    if filter.passes_all:
        return _of_batch(packets, None), None
    passing = filter.packets_mask(packets)
    return _of_batch(packets, passing), passing


def joined(parts: Sequence[PacketColumns], trace: Dimensions) -> PacketColumns:
    """Batches of one trace as one; none at all is no packet."""
    nothing = _of_batch(Packets.from_payloads(Tables(), []), None)
    columns = {name: np.concatenate([getattr(part, name) for part in parts or [nothing]]) for name in COLUMN_NAMES}
    return PacketColumns(flows=trace.flows, processes=trace.processes, interfaces=trace.interfaces, **columns)


def in_groups(parts: Iterator[PacketColumns], least: int, trace: Dimensions) -> Iterator[PacketColumns]:
    """The same packets in batches of at least so many, the last one excepted."""
    waiting: list[PacketColumns] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= least:
            yield joined(waiting, trace)
            waiting = []
    if waiting:
        yield joined(waiting, trace)


def _of_batch(packets: Packets, mask: NDArray[np.bool_] | None) -> PacketColumns:
    columns = {name: getattr(packets, name) for name in COLUMN_NAMES}
    columns["direction"] = packets.direction & np.uint8(DIRECTION_BITS)
    if mask is not None:
        columns = {name: column[mask] for name, column in columns.items()}
    tables = packets.trace
    return PacketColumns(flows=tables.flows, processes=tables.processes, interfaces=tables.interfaces, **columns)
