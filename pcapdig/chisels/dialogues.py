"""Messages of many flows to records of a protocol: the part that all chisels on protocols share."""

from __future__ import annotations

from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from pcapdig.chisels._turns import Turns
from pcapdig.protocols.conversation import Dialogue, Record, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.rows import Rows

_UDP = 17
IDLE_LIMIT = 10_000
"""Dialogues that may wait for their flow to go on, beside those that remember something: some 10 MB."""

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
        asked, answered = self.record.asked, self.record.answered
        processes = self.trace.processes
        return [
            (asks, processes[process] if process >= 0 else None)
            for asks, process in _views(asked.seen if asked else (), answered.seen if answered else ())
        ]


@lru_cache(maxsize=4096)
def _views(asked: tuple[Seen, ...], answered: tuple[Seen, ...]) -> list[tuple[bool, int]]:
    """(it asked, its process or -1). Remembered, since the same few ends come again and again."""
    seen: dict[bool, int] = {}
    for ends, asks in ((asked, True), (answered, False)):
        for end in ends:
            is_asker = end.is_write == asks
            if seen.get(is_asker, -1) < 0:
                seen[is_asker] = end.process
    if any(process >= 0 for process in seen.values()):
        seen = {asks: process for asks, process in seen.items() if process >= 0}
    return [(asks, seen[asks]) for asks in (True, False) if asks in seen]


def _ends(record: Record) -> Iterator[Seen]:
    for moment in (record.asked, record.answered):
        if moment:
            yield from moment.seen


class Dialogues(Generic[R]):
    """One dialogue a flow, begun where a message looks like the protocol, dropped when its flow is closed, or too many remember nothing."""

    def __init__(self, begin: Callable[[Opening], Dialogue[R, Any] | None]) -> None:
        """`begin` gives a new dialogue if the protocol begins with this message."""
        self._begin = begin
        self._by_flow: dict[int, Dialogue[R, Any] | _Left] = {}
        self._begun = 0  # since the last time that idle ones were dropped
        self._room = IDLE_LIMIT
        self._ends: dict[int, tuple[Seen]] = {}
        self._trace: Dimensions | None = None

    def feed(self, rows: Rows) -> Iterator[Found[R]]:
        """Read messages; records as they are complete."""
        if not len(rows):
            return
        self._trace = trace = rows.trace
        by_flow, protocol = self._by_flow, trace.flows.protocol
        for flow, dialogue, turn in Turns(rows, by_flow, _Left.OVER, self._ends):
            if dialogue is None or isinstance(dialogue, _Left):
                opening = Opening(turn.data, turn.from_client, protocol.item(flow) == _UDP, dialogue is not None)
                dialogue = self._begin(opening)
                if dialogue is None:
                    continue
                self._keep(flow, dialogue)
            records = dialogue.feed(turn)
            if dialogue.is_over:
                records += dialogue.end()
                by_flow[flow] = _Left.OVER
            elif turn.is_last and dialogue.is_idle:
                by_flow[flow] = _Left.IDLE
            for record in records:
                yield Found(record, flow, trace)

    def _keep(self, flow: int, dialogue: Dialogue[R, Any]) -> None:
        """Remember a dialogue. Where there are many, those that remember nothing are dropped."""
        self._by_flow[flow] = dialogue
        self._begun += 1
        if self._begun < self._room:
            return
        self._begun = 0
        for other, kept in self._by_flow.items():
            if not isinstance(kept, _Left):
                if kept.is_idle and other != flow:
                    self._by_flow[other] = _Left.IDLE
                else:
                    self._begun += 1
        self._room = 2 * self._begun + IDLE_LIMIT

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
