"""netstat: the connections that are open where the capture ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.lines import Cell, LineChisel, heading, row_maker
from pcapdig.render.items import NOT_KNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.chisels.connections import Connections
    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

_AT_ONCE = 4096
"""Connections whose columns are made at once."""
_CELLS = (
    Cell(heading="Proto", width=6),
    Cell(heading="Server Address", width=25),
    Cell(heading="Client Address", width=25),
    Cell(heading="State", width=15),
    Cell(heading="PID/Program Name", width=0),
)
_PROTOCOL_NAMES = {6: "tcp", 17: "udp"}


class Netstat(LineChisel):
    """A line for each end of an open connection."""

    name: ClassVar[str] = "netstat"
    category: ClassVar[str] = "System State"
    short_description: ClassVar[str] = "List the connections that are open at the end of the capture"
    description: ClassVar[str] = (
        "Lists TCP connections that are not closed and UDP conversations, server first, as they stand after the last packet that "
        "passed: a line for each end whose process is known, one with <NA> if neither is. A TCP state is that of the end: "
        "SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT (it sent FIN), CLOSE_WAIT (the other end did). Of UDP none is known: '-'. "
        "The argument, a filter, chooses as the filter of the command line does; evt.num<=9000 shows the state after packet "
        "9000. Sockets without a packet, such as idle listeners, are in no capture. Live, the list comes when the recording "
        "ends."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(
            name="filter",
            type="filter",
            description="which connections: a filter, such as 'fd.sport=80'",
            optional=True,
        ),
    )

    def __init__(self, *, filter: str = "", verbose: bool = False) -> None:
        """`filter`: in the filter language."""
        from pcapdig.chisels.connections import Connections

        super().__init__(verbose=verbose, own_filter=filter)
        self._connections = Connections()
        self._trace: Dimensions | None = None
        self._silent = 0  # live: connections that were not closed, and of which nothing is remembered

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Follow the connections."""
        self._trace = rows.trace
        self._connections.add(rows)
        return ()

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """Those that go are not listed; they were silent too long to be called open."""
        if self._trace is not None:
            gone = _open_ones(self._connections, self._trace)
            self._silent += int((renumbering.new[gone] < 0).sum())
        self._connections.renumber(renumbering)
        return ()

    def notes(self) -> Iterator[str]:
        """How many of them there were."""
        if self._silent:
            yield f"{self._silent:,} connections that were not closed are not listed: they were silent for long"

    def end(self) -> Iterable[Item]:
        """Headings, then the lines, by protocol, server and client."""
        yield from heading(_CELLS)
        if self._trace is not None:
            yield from _lines(self._connections, self._trace)


def _open_ones(found: Connections, trace: Dimensions) -> NDArray[np.intp]:
    """TCP connections that are not closed, and UDP conversations."""
    import numpy as np

    from pcapdig.chisels.outcomes import closed

    seen = found.seen()
    return seen[np.isin(trace.flows.protocol[seen], [*_PROTOCOL_NAMES]) & ~closed(found, seen)]


def _lines(found: Connections, trace: Dimensions) -> Iterator[Line]:
    """The lines, by protocol, server and client."""
    from pcapdig.chisels.outcomes import ordered_by_ends

    flows, seen = trace.flows, _open_ones(found, trace)
    seen = seen[ordered_by_ends(flows.ends(seen))]
    text_of = row_maker(_CELLS)
    for start in range(0, len(seen), _AT_ONCE):
        part = seen[start : start + _AT_ONCE]
        columns: tuple[NDArray[Any], ...] = (
            flows.protocol[part],
            found.holder[part],
            *(_end_states(found, part, end) for end in (0, 1)),
        )
        for flow, number, holder, *states in zip(part.tolist(), *(column.tolist() for column in columns), strict=True):
            protocol = _PROTOCOL_NAMES[number]
            client, server = flows.end_texts(flow)
            for end in [end for end in (1, 0) if holder[end] >= 0] or [1]:
                state = STATES[states[end]] if protocol == "tcp" else "-"
                process = trace.processes[holder[end]] if holder[end] >= 0 else None
                program = NOT_KNOWN
                if process:
                    program = f"{NOT_KNOWN if process.pid is None else process.pid}/{process.name or NOT_KNOWN}"
                yield Line(
                    text=text_of(protocol, server, client, state, program).rstrip(),
                    fields=(
                        ("fd.l4proto", protocol),
                        ("fd.name", f"{client}->{server}"),
                        ("fd.is_server", int(end == 1)),
                        ("state", None if state == "-" else state),
                        ("proc.pid", process.pid if process else None),
                        ("proc.name", process.name if process else None),
                    ),
                )


STATES = ("-", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT")
"""States of an end (RFC 9293 section 3.3.2), as ss calls them."""


def _end_states(found: Connections, flows: NDArray[np.intp], end: int) -> NDArray[np.intp]:
    """The index in STATES of TCP connections that are not closed, as one end has them."""
    import numpy as np

    from pcapdig.chisels.connections import CLIENT, NEVER

    own, other = found.fin_ns[flows, end], found.fin_ns[flows, 1 - end]
    is_opened, is_answered = (found.syns[flows] > 0).T
    is_established = (found.ack_ns[flows].min(axis=1) != NEVER) | ~(is_opened | is_answered)
    if end == CLIENT:
        is_established |= is_answered
    waiting = np.full(len(flows), 1) if end == CLIENT else np.where(is_answered, 2, 0)
    return np.select([own != NEVER, other != NEVER, is_established], [5, 4, 3], waiting)
