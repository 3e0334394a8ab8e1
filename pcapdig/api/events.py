"""Events as Python values: one end's view of a packet, or of a message put together from several."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.errors import UsageError
from pcapdig.filters.catalogue import FIELDS, lookup
from pcapdig.filters.event_fields import TYPES, type_codes
from pcapdig.filters.format import compile_format
from pcapdig.trace.columns import EVIDENCE_NAMES, Messages
from pcapdig.trace.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from pcapdig.filters.fields import Field
    from pcapdig.filters.values import Value
    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Dimensions

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AT_ONCE = 1024
"""Rows that share their field values; an event that is kept keeps so many alive, and not its whole batch."""
_MOST_FLOWS = 100_000
"""Flow objects remembered to be handed out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Who talked to whom: a connection, or a conversation of datagrams."""

    id: int
    """Its number in this capture, from 0: `PacketColumns.flow`, and `id` of the flows table."""
    protocol: str
    """What IP carries: "tcp", "udp", "icmp", ... as `fd.l4proto` has it."""
    family: int
    """IP version: 4 or 6."""
    client: str
    """Address: 192.0.2.1, or RFC 5952 text for IPv6."""
    client_port: int | None
    """TCP and UDP only."""
    server: str
    server_port: int | None
    name: str
    """`1.2.3.4:5->6.7.8.9:80`, as `fd.name` has it."""


class FlowBook:
    """Makes Flow objects of a trace's rows, each once while few are asked for."""

    __slots__ = ("_flows", "_trace")

    def __init__(self, trace: Dimensions) -> None:
        self._trace = trace
        self._flows: dict[int, Flow] = {}

    def by_row(self, rows: NDArray[np.int32]) -> dict[int, Flow]:
        """The flows of these row numbers of the trace's table, and perhaps others. -1 has none."""
        if len(self._flows) > _MOST_FLOWS:
            self._flows.clear()
        new = [row for row in np.unique(rows).tolist() if row >= 0 and row not in self._flows]
        if new:
            self._flows.update(zip(new, self.flows(new), strict=True))
        return self._flows

    def flows(self, rows: list[int]) -> list[Flow]:
        """The flows of many rows, not remembered."""
        table = self._trace.flows
        texts = (
            FIELDS[name].values_of(self._trace, rows) for name in ("fd.l4proto", "fd.cport", "fd.sport", "fd.name")
        )
        families = table.family[rows].tolist()
        return [
            Flow(
                id=row,
                protocol=str(protocol),
                family=family,
                client=table.client_ip(row),
                client_port=client_port,
                server=table.server_ip(row),
                server_port=server_port,
                name=str(name),
            )
            for row, family, protocol, client_port, server_port, name in zip(rows, families, *texts, strict=True)
        ]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Event:
    """One end's view of a packet, or of a message if the filter looks into buffers or messages were asked for.

    `event["proc.name"]` gives any field of the filter language (`pcapdig -l`) by its name.
    """

    number: int
    """Number of the packet in the capture, from 1; of a message, that of its first packet."""
    time_ns: int
    """ns since 1970, UTC; of a message, of its first packet. 0 where the file has no time."""
    type: str
    """"read", "write", "connect", "accept", "close", "reset", "control" or "packet", as `evt.type` has it."""
    direction: str
    """"write" if this end sent it, "read" if it received it."""
    process: Process | None
    """The process at this end; None: not known."""
    evidence: str | None
    """How that is known: "socket", "snapshot", "listener" or "procfs"; None without a process."""
    flow: Flow | None
    """The connection; None: not IP, or the packet was cut before its ports."""
    is_client: bool
    """This end is the flow's client."""
    interface: str | None
    """Name of the interface it was captured on; None where the file does not say."""
    size: int
    """Payload bytes moved, each counted once: 0 for a retransmission. Those not captured count too."""
    buffer: bytes
    """Payload as far as it was captured."""
    gaps: tuple[tuple[int, int], ...]
    """What is missing in `buffer`: (position in it, bytes missing there), ascending."""
    _fields: _FieldValues
    _index: int

    @property
    def time(self) -> datetime:
        """When, in UTC. Python's datetime has microseconds: what `time_ns` has beyond is cut."""
        return _EPOCH + timedelta(microseconds=self.time_ns // 1000)

    def __getitem__(self, field: str) -> Value | None:
        """The value of a field of the filter language; None where it has none. Addresses are text, times are ns.

        Raises:
            UsageError: there is no such field, it can only be compared (`fd.ip`, `fd.net`, ...), or it should have been named when the
                events were asked for (`evt.latency`, ...).
        """
        return self._fields.value(field, self._index)

    def __repr__(self) -> str:
        process = f"{self.process.name} ({self.process.pid})" if self.process else "<NA>"
        flow = self.flow.name if self.flow else "<NA>"
        return f"<Event {self.number} {self.time:%H:%M:%S.%f} {process} {self.type} {self.size} bytes {flow}>"


class _FieldValues:
    """The fields of a chunk of rows, each made for all of them when it is first asked for."""

    __slots__ = ("_columns", "_rows")

    def __init__(self, rows: Rows, early: tuple[Field, ...]) -> None:
        """`early`: what must be found out now."""
        self._rows = rows
        self._columns: dict[str, list[Value | None]] = {field.name: field.values(rows) for field in early}

    def value(self, name: str, index: int) -> Value | None:
        """The value of one row."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = self._made(name)
        return column[index]

    def _made(self, name: str) -> list[Value | None]:
        field = lookup(name)
        if field.filter_only:
            raise UsageError(f"field {name} can only be compared: it has no single value")
        if field.uses_history:
            raise UsageError(f"field {name} depends on packets before: name it in events(..., fields=[{name!r}])")
        if field.print_only:
            shown = compile_format(f"%{name}")
            return [shown.line(self._rows, i) for i in range(len(self._rows))]
        return field.values(self._rows)


def early_fields(names: Iterable[str]) -> tuple[Field, ...]:
    """The fields among these whose values are only known while their packets go by.

    Raises:
        UsageError: there is no such field.
    """
    return tuple(field for field in map(lookup, names) if field.uses_history)


def events_of(rows: Rows, flows: FlowBook, early: tuple[Field, ...] = ()) -> Iterator[Event]:
    """An event a row."""
    for start in range(0, len(rows), _AT_ONCE):
        kept = _detached(rows.select(np.arange(start, min(start + _AT_ONCE, len(rows)))))
        fields = _FieldValues(kept, early)
        known = flows.by_row(kept.flow)
        processes, interfaces = kept.trace.processes, kept.trace.interfaces
        columns = (kept.number, kept.time_ns, type_codes(kept), kept.is_write, kept.process, kept.evidence, kept.flow)
        more = (kept.is_client, kept.interface, kept.size)
        lists = (column.tolist() for column in (*columns, *more))
        for i, (number, time_ns, code, is_write, process, evidence, flow, is_client, interface, size) in enumerate(
            zip(*lists, strict=True)
        ):
            yield Event(
                number=number,
                time_ns=time_ns,
                type=TYPES[code],
                direction="write" if is_write else "read",
                process=processes[process] if process >= 0 else None,
                evidence=EVIDENCE_NAMES[evidence] or None,
                flow=known.get(flow),
                is_client=is_client,
                interface=interfaces[interface].name if interface < len(interfaces) else None,
                size=size,
                buffer=kept.buffer(i),
                gaps=kept.gaps(i),
                _fields=fields,
                _index=i,
            )


def _detached(rows: Rows) -> Rows:
    """The same rows, with facts of their own, one a row: the batch they came from need not be kept."""
    facts, packet = rows.facts, rows.packet
    names = ("number", "time_ns", "interface", "flow", "forward", "payload_length", "fresh", "tcp_flags", "direction")
    ends = ("writer", "reader", "writer_evidence", "reader_evidence")
    columns = {name: getattr(facts, name)[packet] for name in (*names, *ends, "out_of_window")}
    positions = packet.tolist()
    kept = Messages(
        trace=facts.trace,
        buffers=[facts.buffer(i) for i in positions],
        gap_lists=[facts.gaps(i) for i in positions],
        **columns,
    )
    return Rows(kept, np.arange(len(packet), dtype=np.int64), rows.is_write, whole=True)
