"""conns: a line a connection, as Zeek's conn.log."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

from pcapdig.chisels.lines import Cell, LineChisel, ends_text, heading, process_text, row_maker
from pcapdig.render.items import Line
from pcapdig.render.units import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

_SECOND_NS = 1_000_000_000
_QUIET_NS = 60 * _SECOND_NS
"""Live, a conversation without FIN or RST that was silent for so long is shown: Zeek's udp_inactivity_timeout."""
_LAST_PACKETS_NS = _SECOND_NS
"""Live, a closed connection is shown after so long, since an ACK may follow."""
_AT_ONCE = 4096
"""Connections whose columns are made at once."""
_NAMES_KEPT = 10_000
"""Texts of processes that are remembered."""
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
    Cell(heading="OOW", width=5, is_number=True),
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
        "and packets of client and server, TCP packets sent again, those out of window "
        "(their receiver would not accept them, so nothing else follows from them), round trip of the handshake, and the processes seen at the "
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
        self._names: dict[int, str] = {}

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Count."""
        self._trace = rows.trace
        self._connections.add(rows)
        return ()

    def interval(self, time_ns: int) -> Iterable[Item]:
        """Those that are over by the end of this second."""
        import numpy as np

        from pcapdig.chisels.outcomes import closed

        found = self._connections
        flows = found.seen()
        patience_ns = np.where(closed(found, flows), _LAST_PACKETS_NS, _QUIET_NS)
        over = flows[time_ns + _SECOND_NS - found.last_ns[flows] > patience_ns]
        yield from self._lines(over)
        found.forget(over)

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """Those that go are over."""
        flows = self._connections.seen()
        yield from self._lines(flows[renumbering.new[flows] < 0])
        self._connections.renumber(renumbering)

    def end(self) -> Iterable[Item]:
        """All that were not shown yet."""
        return self._lines(self._connections.seen(), is_last=True)

    def _lines(self, flows: NDArray[np.intp], *, is_last: bool = False) -> Iterator[Line]:
        if not self._is_headed and (len(flows) or is_last):
            self._is_headed = True
            yield from heading(_CELLS)
        if self._trace is None:
            return
        text_of = row_maker(_CELLS)
        for start in range(0, len(flows), _AT_ONCE):
            for ended in self._endings(self._trace, flows[start : start + _AT_ONCE]):
                yield Line(text=self._text(ended, text_of), fields=_Members(ended))

    def _endings(self, trace: Dimensions, flows: NDArray[np.intp]) -> Iterator[_Ended]:
        """What some connections came to."""
        from pcapdig.chisels import outcomes
        from pcapdig.filters.catalogue import lookup

        found, rows = self._connections, flows.tolist()
        first_ns = found.first_ns[flows]
        who = [
            ([self._who(trace, i) for i in a], [self._who(trace, i) for i in b]) for a, b in found.processes_of(flows)
        ]
        return map(
            _Ended,
            first_ns.tolist(),
            (found.last_ns[flows] - first_ns).tolist(),
            map(str, lookup("fd.l4proto").values_of(trace, rows)),
            [outcomes.STATES[i] for i in outcomes.states(found, flows, trace.flows.protocol[flows]).tolist()],
            found.size_bytes[flows].tolist(),
            found.packets[flows].tolist(),
            outcomes.retransmits(found, flows).tolist(),
            found.outside[flows].tolist(),
            outcomes.round_trips_ns(found, flows).tolist(),
            map(trace.flows.name, rows),
            who,
        )

    def _who(self, trace: Dimensions, process_id: int) -> str:
        """Name and id of a process. Remembered, since the same few are at many connections."""
        text = self._names.get(process_id)
        if text is None:
            if len(self._names) >= _NAMES_KEPT:
                self._names.clear()
            text = self._names[process_id] = process_text(trace, process_id)
        return text

    def _text(self, ended: _Ended, text_of: Callable[..., str]) -> str:
        """The line of one connection."""
        from_client, from_server = ended.size_bytes
        return text_of(
            self._clock.date_and_time_ns(ended.start_ns)[:23],
            duration_text(ended.duration_ns),
            ended.protocol,
            ended.state,
            from_client,
            from_server,
            *ended.packets,
            sum(ended.retransmits),
            sum(ended.out_of_window),
            "-" if ended.round_trip_ns < 0 else duration_text(ended.round_trip_ns),
            ended.name,
            ends_text(*ended.who),
        ).rstrip()


class _Ended(NamedTuple):
    """What a connection came to; of pairs the client's value comes first."""

    start_ns: int
    duration_ns: int
    protocol: str
    state: str
    size_bytes: list[int]
    packets: list[int]
    retransmits: list[int]
    out_of_window: list[int]
    round_trip_ns: int
    """-1: not known."""
    name: str
    who: tuple[list[str], list[str]]
    """The processes at each end."""


class _Members:
    """What -j says of a connection, made when it is read."""

    __slots__ = ("_ended",)

    def __init__(self, ended: _Ended) -> None:
        self._ended = ended

    def __iter__(self) -> Iterator[tuple[str, int | str | None]]:
        ended = self._ended
        yield "evt.rawtime", ended.start_ns
        yield "duration_ns", ended.duration_ns
        yield "fd.l4proto", ended.protocol
        yield "fd.name", ended.name
        yield "state", ended.state
        ends = zip(
            ("client", "server"),
            ended.size_bytes,
            ended.packets,
            ended.retransmits,
            ended.out_of_window,
            ended.who,
            strict=True,
        )
        for end, size, packets, again, outside, who in ends:
            yield f"{end}_bytes", size
            yield f"{end}_packets", packets
            yield f"{end}_retransmits", again
            yield f"{end}_out_of_window", outside
            yield f"{end}_process", ",".join(who) or None
        yield "round_trip_ns", None if ended.round_trip_ns < 0 else ended.round_trip_ns
