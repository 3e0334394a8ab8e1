"""conns: a line a connection, as Zeek's conn.log."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.lines import Cell, LineChisel, ends_text, heading, process_text, row_text
from pcapdig.render.items import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pcapdig.chisels.connections import Connections
    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.rows import Rows

_SECOND_NS = 1_000_000_000
_QUIET_NS = 60 * _SECOND_NS
"""Live, a conversation without FIN or RST that was silent for so long is shown: Zeek's udp_inactivity_timeout."""
_LAST_PACKETS_NS = _SECOND_NS
"""Live, a closed connection is shown after so long, since an ACK may follow."""
_CELLS = (
    Cell(heading="START", width=24),
    Cell(heading="DURATION", width=9),
    Cell(heading="PROTO", width=6),
    Cell(heading="STATE", width=7),
    Cell(heading="C_BYTES", width=11, is_number=True),
    Cell(heading="S_BYTES", width=11, is_number=True),
    Cell(heading="C_PKTS", width=8, is_number=True),
    Cell(heading="S_PKTS", width=8, is_number=True),
    Cell(heading="RETR", width=6, is_number=True),
    Cell(heading="RTT", width=8, is_number=True),
    Cell(heading="CONN", width=44),
    Cell(heading="PROCESSES", width=0),
)


class Conns(LineChisel):
    """Every connection with what it came to."""

    name: ClassVar[str] = "conns"
    category: ClassVar[str] = "Net"
    short_description: ClassVar[str] = "List connections: time, bytes, state, retransmits, processes"
    description: ClassVar[str] = (
        "Lists each connection, client first, in the order in which they began: start, duration, protocol, state, payload bytes "
        "and packets of client and server, TCP packets sent again, round trip of the handshake, and the processes seen at the "
        "client's and at the server's end. A port used again is a connection of its own. States are Zeek's: S0 no answer, S1 "
        "open, SF closed by both, REJ refused, S2 closed by the client alone, S3 by the server alone, RSTO broken off by the "
        "client, RSTR by the server, RSTOS0 given up by the client, RSTRH answered and broken off by a server whose client was "
        "not seen, SH and SHR closed by the client or the server while the other was not seen, OTH none of these, as where the "
        "capture began later. Of UDP SF is answered, S0 not. Live, a connection is shown a second after it was closed."
    )

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose` changes nothing here."""
        from pcapdig.chisels.connections import Connections
        from pcapdig.render.times import LocalClock

        super().__init__(verbose=verbose)
        self._connections = Connections()
        self._clock = LocalClock()
        self._trace: Dimensions | None = None
        self._is_headed = False

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Count."""
        self._trace = rows.trace
        self._connections.add(rows)
        return ()

    def interval(self, time_ns: int) -> Iterable[Item]:
        """Those that are over by the end of this second."""
        import numpy as np

        found = self._connections
        now_ns = time_ns + _SECOND_NS
        over = []
        for flow in found.seen().tolist():
            patience_ns = _QUIET_NS if found.closed_ns(flow) is None else _LAST_PACKETS_NS
            if now_ns - int(found.last_ns[flow]) > patience_ns:
                over.append(flow)
        yield from self._lines(over)
        found.forget(np.array(over, np.intp))

    def end(self) -> Iterable[Item]:
        """All that were not shown yet."""
        return self._lines(self._connections.seen().tolist(), is_last=True)

    def _lines(self, flows: list[int], *, is_last: bool = False) -> Iterator[Line]:
        if not self._is_headed and (flows or is_last):
            self._is_headed = True
            yield from heading(_CELLS)
        if self._trace is None:
            return
        from pcapdig.filters.catalogue import lookup

        for flow, protocol in zip(flows, lookup("fd.l4proto").values_of(self._trace, flows), strict=True):
            yield self._line(self._trace, flow, str(protocol))

    def _line(self, trace: Dimensions, flow: int, protocol: str) -> Line:
        from pcapdig.render.units import duration_text

        found = self._connections
        start_ns = int(found.first_ns[flow])
        duration_ns = int(found.last_ns[flow]) - start_ns
        round_trip_ns = found.round_trip_ns(flow)
        ends = [[process_text(trace, i) for i in found.processes(flow, end)] for end in (0, 1)]
        sizes, packets = found.size_bytes[flow].tolist(), found.packets[flow].tolist()
        again = [found.retransmits(flow, end) for end in (0, 1)]
        state = state_of(found, flow, int(trace.flows.protocol[flow]))
        name = trace.flows.name(flow)
        start = f"{self._clock.date(start_ns)} {self._clock.time_of_day_ns(start_ns)}"[:23]
        texts = (
            *(start, duration_text(duration_ns), protocol, state),
            *map(str, (*sizes, *packets, sum(again))),
            *("-" if round_trip_ns is None else duration_text(round_trip_ns), name, ends_text(*ends)),
        )
        return Line(
            text=row_text(_CELLS, texts),
            fields=(
                ("evt.rawtime", start_ns),
                ("duration_ns", duration_ns),
                ("fd.l4proto", protocol),
                ("fd.name", name),
                ("state", state),
                *((f"{end}_bytes", size) for end, size in zip(("client", "server"), sizes, strict=True)),
                *((f"{end}_packets", count) for end, count in zip(("client", "server"), packets, strict=True)),
                *((f"{end}_retransmits", count) for end, count in zip(("client", "server"), again, strict=True)),
                ("round_trip_ns", round_trip_ns),
                *(
                    (f"{end}_process", ",".join(who) or None)
                    for end, who in zip(("client", "server"), ends, strict=True)
                ),
            ),
        )


def state_of(found: Connections, flow: int, protocol: int) -> str:
    """Zeek's word for what became of a connection (conn_state of conn.log, Zeek's documentation of base/protocols/conn)."""
    from pcapdig.chisels.connections import CLIENT, NEVER, SERVER, TCP, UDP

    client_spoke, server_spoke = (found.packets[flow] > 0).tolist()
    if protocol == UDP:
        return {(True, True): "SF", (True, False): "S0", (False, True): "SHR"}[client_spoke, server_spoke]
    if protocol != TCP:
        return "OTH"
    fins, resets = found.fin_ns[flow], found.rst_ns[flow]
    is_opened, is_answered = (found.syns[flow] > 0).tolist()
    if fins.max() != NEVER and fins.max() <= resets.min():
        return "SF"
    if resets.min() != NEVER:
        if resets[SERVER] <= resets[CLIENT]:
            return "REJ" if is_opened and not is_answered else "RSTR" if client_spoke else "RSTRH"
        return "RSTO" if server_spoke else "RSTOS0"
    if fins[CLIENT] != NEVER:
        return "S2" if server_spoke else "SH"
    if fins[SERVER] != NEVER:
        return "S3" if client_spoke else "SHR"
    if is_opened:
        return "S1" if is_answered else "OTH" if server_spoke else "S0"
    return "OTH"
