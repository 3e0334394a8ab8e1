"""Messages of many flows to records of a protocol: the part that all chisels on protocols share."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from pcapdig.protocols.conversation import Dialogue, Moment, Record, Seen, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.rows import Rows

_FIN_OR_RST = 0x05
_UDP = 17

R = TypeVar("R", bound=Record)


class _Left(Enum):
    """What is left of a dialogue that was dropped."""

    OVER = 0
    """Nothing more is read of its flow."""
    IDLE = 1
    """A new one begins with the next message."""


class Opening(NamedTuple):
    """The message a dialogue could begin with."""

    data: bytes
    from_client: bool
    is_datagram: bool
    is_known: bool = False
    """The flow has had a dialogue before, which was dropped between two messages."""


class Found(NamedTuple, Generic[R]):
    """A record, and where it was."""

    record: R
    flow: int
    trace: Dimensions

    @property
    def connection(self) -> str:
        """fd.name."""
        return self.trace.flows.name(self.flow)

    def process(self, *, of_client: bool) -> Process | None:
        """The process at one end of the flow, as far as it is known and its rows passed the filters."""
        for end in _ends(self.record):
            if end.is_client == of_client and end.process >= 0:
                return self.trace.processes[end.process]
        return None

    def views(self) -> list[tuple[bool, Process | None]]:
        """Each end that saw it: (it asked, its process). The asking end first; an end nobody is known for only if neither is."""
        seen: dict[bool, int] = {}
        for moment, asks in ((self.record.asked, True), (self.record.answered, False)):
            for end in moment.seen if moment else ():
                is_asker = end.is_write == asks
                if seen.get(is_asker, -1) < 0:
                    seen[is_asker] = end.process
        if any(process >= 0 for process in seen.values()):
            seen = {asks: process for asks, process in seen.items() if process >= 0}
        processes = self.trace.processes
        return [(asks, processes[seen[asks]] if seen[asks] >= 0 else None) for asks in (True, False) if asks in seen]


def _ends(record: Record) -> Iterator[Seen]:
    for moment in (record.asked, record.answered):
        if moment:
            yield from moment.seen


class Dialogues(Generic[R]):
    """One dialogue a flow, begun where a message looks like the protocol, dropped as soon as it remembers nothing."""

    def __init__(self, begin: Callable[[Opening], Dialogue[R, Any] | None]) -> None:
        """`begin` gives a new dialogue if the protocol begins with this message."""
        self._begin = begin
        self._by_flow: dict[int, Dialogue[R, Any] | _Left] = {}
        self._trace: Dimensions | None = None

    def feed(self, rows: Rows) -> Iterator[Found[R]]:
        """Read messages; records as they are complete."""
        if not len(rows):
            return
        self._trace = trace = rows.trace
        protocols = trace.flows.protocol
        columns = (rows.packet, rows.flow, rows.size, rows.forward, rows.is_write, rows.process)
        packets, flows, sizes, forwards, writes, processes = (column.tolist() for column in columns)
        index, count = 0, len(packets)
        while index < count:
            first, index = index, index + 1
            while index < count and packets[index] == packets[first]:
                index += 1
            flow = flows[first]
            if flow < 0 or not sizes[first]:
                continue  # a copy of what was read before
            dialogue = self._by_flow.get(flow)
            if dialogue is _Left.OVER:
                continue
            if dialogue is None or dialogue is _Left.IDLE:
                is_datagram = int(protocols[flow]) == _UDP
                dialogue = self._begin(Opening(rows.buffer(first), forwards[first], is_datagram, dialogue is not None))
                if dialogue is None:
                    continue
            seen = tuple(Seen(forwards[row] == writes[row], writes[row], processes[row]) for row in range(first, index))
            turn = Turn(
                data=rows.buffer(first),
                from_client=forwards[first],
                moment=Moment(int(rows.time_ns[first]), int(rows.number[first]), seen),
                gaps=rows.gaps(first),
                is_last=bool(rows.tcp_flags[first] & _FIN_OR_RST),
            )
            records = dialogue.feed(turn)
            if dialogue.is_over:
                records += dialogue.end()
                self._by_flow[flow] = _Left.OVER
            elif dialogue.is_idle:
                self._by_flow[flow] = _Left.IDLE
            else:
                self._by_flow[flow] = dialogue
            for record in records:
                yield Found(record, flow, trace)

    def end(self) -> list[Found[R]]:
        """What was still open, by time."""
        found = [
            Found(record, flow, self._trace)
            for flow, dialogue in self._by_flow.items()
            if not isinstance(dialogue, _Left) and self._trace is not None
            for record in dialogue.end()
        ]
        self._by_flow.clear()
        return sorted(found, key=lambda one: (one.record.moment.time_ns, one.flow))
