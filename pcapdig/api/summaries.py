"""What each flow came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcapdig.api.events import FlowBook
from pcapdig.chisels.connections import CLIENT, SERVER, Connections
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.api.events import Flow
    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Dimensions, Packets

_AT_ONCE = 4096
"""Flows made at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTotals:
    """A flow and what passed in it. A packet captured on two interfaces counts once."""

    flow: Flow
    first_ns: int
    """Time of its first packet, ns since 1970."""
    last_ns: int
    """Time of its last packet."""
    packets_to_server: int
    packets_to_client: int
    bytes_to_server: int
    """Payload, each byte once: retransmissions are not counted."""
    bytes_to_client: int
    retransmits_to_server: int
    """TCP packets sent again, at least in part."""
    retransmits_to_client: int
    out_of_window_to_server: int
    """TCP packets that their receiver would not accept: they count as packets and for nothing else."""
    out_of_window_to_client: int
    round_trip_ns: int | None
    """TCP: from the client's SYN to its ACK; None: not seen whole."""
    client_process: Process | None
    """The process last seen at the client's end; None: not known."""
    server_process: Process | None

    @property
    def packets(self) -> int:
        """Both ways."""
        return self.packets_to_server + self.packets_to_client

    @property
    def bytes(self) -> int:
        """Payload both ways, each byte once."""
        return self.bytes_to_server + self.bytes_to_client

    @property
    def duration_ns(self) -> int:
        """From its first packet to its last."""
        return self.last_ns - self.first_ns


class FlowSums:
    """Counts packets into flows."""

    __slots__ = ("_connections", "_flows", "_trace")

    def __init__(self, trace: Dimensions) -> None:
        self._trace = trace
        self._flows = FlowBook(trace)
        self._connections = Connections()

    def add(self, packets: Packets, passing: NDArray[np.bool_] | None) -> None:
        """Count packets, or those where `passing` is true."""
        rows = rows_of(packets)
        self._connections.add(rows if passing is None else rows.select(passing[rows.packet]))

    def totals(self) -> Iterator[FlowTotals]:
        """The flows that were counted, in the order of their first packets."""
        for found in self.in_groups():
            yield from found

    def in_groups(self) -> Iterator[list[FlowTotals]]:
        """The same, some at once."""
        seen = self._connections.seen().tolist()
        for start in range(0, len(seen), _AT_ONCE):
            yield [self._total(flow) for flow in self._flows.flows(seen[start : start + _AT_ONCE])]

    def _total(self, flow: Flow) -> FlowTotals:
        sums, row = self._connections, flow.id
        client, server = (int(end) for end in sums.holder[row])
        processes = self._trace.processes
        is_tcp = flow.protocol == "tcp"
        return FlowTotals(
            flow=flow,
            first_ns=int(sums.first_ns[row]),
            last_ns=int(sums.last_ns[row]),
            packets_to_server=int(sums.packets[row, CLIENT]),
            packets_to_client=int(sums.packets[row, SERVER]),
            bytes_to_server=int(sums.size_bytes[row, CLIENT]),
            bytes_to_client=int(sums.size_bytes[row, SERVER]),
            retransmits_to_server=sums.retransmits(row, CLIENT) if is_tcp else 0,
            retransmits_to_client=sums.retransmits(row, SERVER) if is_tcp else 0,
            out_of_window_to_server=int(sums.outside[row, CLIENT]),
            out_of_window_to_client=int(sums.outside[row, SERVER]),
            round_trip_ns=sums.round_trip_ns(row) if is_tcp else None,
            client_process=processes[client] if client >= 0 else None,
            server_process=processes[server] if server >= 0 else None,
        )
