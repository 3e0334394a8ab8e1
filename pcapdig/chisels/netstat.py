"""netstat: the connections that are open where the capture ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.lines import Cell, LineChisel, heading, row_text
from pcapdig.render.items import NOT_KNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pcapdig.chisels.connections import Connections
    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.rows import Rows

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

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Follow the connections."""
        self._trace = rows.trace
        self._connections.add(rows)
        return ()

    def end(self) -> Iterable[Item]:
        """Headings, then the lines, by protocol, server and client."""
        yield from heading(_CELLS)
        if self._trace is not None:
            yield from _lines(self._connections, self._trace)


def _lines(found: Connections, trace: Dimensions) -> Iterator[Line]:
    flows = trace.flows
    is_known = [
        f for f in found.seen().tolist() if int(flows.protocol[f]) in _PROTOCOL_NAMES and not _is_over(found, f)
    ]

    def place(flow: int) -> tuple[int, bytes, int, bytes, int]:
        server = (flows.server[flow].tobytes(), int(flows.server_port[flow]))
        return (int(flows.protocol[flow]), *server, flows.client[flow].tobytes(), int(flows.client_port[flow]))

    for flow in sorted(is_known, key=place):
        protocol = _PROTOCOL_NAMES[int(flows.protocol[flow])]
        server = f"{flows.server_ip(flow)}:{int(flows.server_port[flow])}"
        client = f"{flows.client_ip(flow)}:{int(flows.client_port[flow])}"
        holders = [(end, int(found.holder[flow, end])) for end in (1, 0)]
        for end, holder in [entry for entry in holders if entry[1] >= 0] or [(1, -1)]:
            state = end_state(found, flow, end) if protocol == "tcp" else "-"
            process = trace.processes[holder] if holder >= 0 else None
            program = NOT_KNOWN
            if process:
                program = f"{NOT_KNOWN if process.pid is None else process.pid}/{process.name or NOT_KNOWN}"
            yield Line(
                text=row_text(_CELLS, (protocol, server, client, state, program)),
                fields=(
                    ("fd.l4proto", protocol),
                    ("fd.name", flows.name(flow)),
                    ("fd.is_server", int(end == 1)),
                    ("state", None if state == "-" else state),
                    ("proc.pid", process.pid if process else None),
                    ("proc.name", process.name if process else None),
                ),
            )


def _is_over(found: Connections, flow: int) -> bool:
    return found.closed_ns(flow) is not None


def end_state(found: Connections, flow: int, end: int) -> str:
    """The state of a TCP connection that is not closed, as one end has it (RFC 9293 section 3.3.2)."""
    from pcapdig.chisels.connections import CLIENT, NEVER

    own, other = int(found.fin_ns[flow, end]), int(found.fin_ns[flow, 1 - end])
    if own != NEVER:
        return "FIN_WAIT"
    if other != NEVER:
        return "CLOSE_WAIT"
    is_opened, is_answered = (found.syns[flow] > 0).tolist()
    is_established = int(found.ack_ns[flow].min()) != NEVER or not (is_opened or is_answered)
    if is_established or (is_answered and end == CLIENT):
        return "ESTABLISHED"
    if end == CLIENT:
        return "SYN_SENT"
    return "SYN_RECV" if is_answered else "-"
