"""Messages of many flows to records of a protocol: the part that all chisels on protocols share."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from pcapdig.chisels._turns import Load, Turns
from pcapdig.chisels.early import EarlyTurns
from pcapdig.protocols.conversation import Dialogue, Record, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from pcapdig.procs.process import Process
    from pcapdig.protocols.conversation import Moment, Turn
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

_UDP = 17
IDLE_LIMIT = 10_000
"""Dialogues that may wait for their flow to go on, beside those that remember something: some 10 MB."""
IDLE, OVER = 1, 2
"""What is left of a dialogue that was dropped: a new one begins with the next message, or nothing more is read of its flow. 0: it had none."""
_NOTHING = (0, 0, 0)

R = TypeVar("R", bound=Record)


class Limits(NamedTuple):
    """How much may wait in the dialogues of one chisel. Beyond it the eighth that was silent longest is given up."""

    dialogues: int = 32_768
    """Connections in which something waits: some 2 KB each."""
    requests: int = 65_536
    """Requests without an answer, of all connections."""
    size_bytes: int = 64 << 20
    """Bytes of those and of messages that are half read."""


LIMITS = Limits()


class Evicted:
    """What was given up for want of room."""

    __slots__ = ("connections", "requests")

    def __init__(self) -> None:
        self.connections = 0
        """Dialogues in which something waited. A connection counts each time."""
        self.requests = 0
        """Requests that waited in them."""

    def add(self, requests: int, *, is_idle: bool) -> None:
        """Count one dialogue."""
        self.connections += not is_idle
        self.requests += requests


class Lone(Protocol):
    """A message that is all its flow has said: dialogue and record at once, until more comes."""

    @property
    def data(self) -> bytes:
        """The message: what it weighs."""

    @staticmethod
    def read(data: bytes, from_client: bool, moment: Moment) -> Lone | None:
        """A datagram, if it is such a message."""

    def grown(self) -> Dialogue[Any, Any]:
        """The dialogue that goes on with the next one."""


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
        if answered is None and asked and len(asked.seen) == 1:  # as of a flood
            ((_, is_write, process),) = asked.seen
            return [(is_write, processes[process] if process >= 0 else None)]
        return [
            (asks, processes[process] if process >= 0 else None)
            for asks, process in _views(asked.seen if asked else (), answered.seen if answered else ())
        ]


_found = partial(tuple.__new__, Found)
"""A named tuple from its values. Its own constructor is Python, and takes three times as long."""


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
    """One dialogue a flow, begun where a message looks like the protocol, dropped when its flow is closed.

    What waits is limited in number and bytes. Dialogues that remember nothing are dropped first; then those that were silent longest, and
    what was open in them is handed out as unanswered.
    """

    def __init__(
        self,
        begin: Callable[[Opening], Dialogue[R, Any] | None],
        limits: Limits = LIMITS,
        lone: type[Lone] | None = None,
    ) -> None:
        """No message yet.

        Args:
            begin: gives a new dialogue if the protocol begins with this message.
            limits: of what waits.
            lone: what stands for a dialogue after the first datagram of a flow, see `Turns`, and is its record too if it stays the only one.
        """
        self.evicted = Evicted()
        """What was given up for want of room."""
        self._begin = begin
        self._limits = limits
        self._by_flow: dict[int, Dialogue[R, Any]] = {}  # silent longest first
        self._left = np.zeros(0, np.uint8)  # by flow
        self._owed = np.zeros(0, np.int32)  # by flow: answers that may still come to requests that were given up
        self._lone: type | None = lone
        self._read_lone = None if lone is None else lone.read
        self._load = Load(limits.dialogues, limits.requests, limits.size_bytes, IDLE_LIMIT)
        self._held: dict[int, tuple[int, int, int]] = {}  # by flow: requests that are open, their bytes, all bytes
        self._early = EarlyTurns()
        self._ends: dict[int, tuple[Seen]] = {}
        self._trace: Dimensions | None = None

    def feed(self, rows: Rows) -> Iterator[Found[R]]:
        """Read messages; records as they are complete."""
        if not len(rows):
            return
        self._trace = trace = rows.trace
        self._grow(len(trace.flows))
        by_flow, left, held, protocol = self._by_flow, self._left, self._held, trace.flows.protocol
        early = self._early
        load, most = self._load, self._limits.dialogues
        for flow, dialogue, turn in Turns(rows, by_flow, left, OVER, self._ends, self._read_lone, load, early):
            if turn is None:
                yield from self._make_room(flow, trace)
                continue
            if early:  # before this turn, which may be a request that comes too late for them
                yield from self._read_overdue(turn.moment.time_ns, trace)
                dialogue = by_flow.get(flow)
            if dialogue is None:
                opening = Opening(turn.data, turn.from_client, protocol.item(flow) == _UDP, left.item(flow) == IDLE)
                dialogue = self._begin(opening)
                if dialogue is None:
                    continue
                self._keep(flow, dialogue)
            else:
                del by_flow[flow]
                by_flow[flow] = dialogue = self._grown(flow, dialogue) if type(dialogue) is self._lone else dialogue
            if dialogue.has_early_answers and dialogue.is_early(turn):
                early.add(flow, turn)
                records = []
            else:
                records = dialogue.feed(turn)
            if self.evicted.requests and self._owed.item(flow):
                records = self._unpaired(flow, dialogue, records)
            if dialogue.is_over:
                records += dialogue.end()
                self._drop(flow, OVER)
            elif turn.is_last and dialogue.is_idle:
                self._drop(flow, IDLE)
            elif dialogue.open or flow in held or dialogue.waiting_bytes:
                self._weigh(flow, dialogue, len(turn.data))
            for record in records:
                yield _found((record, flow, trace))
            if early:
                if flow in early:
                    yield from self._read_early(flow, early.take(flow), trace, may_wait=True)
                yield from self._read_overdue(turn.moment.time_ns, trace)
            if load.is_over or len(by_flow) > most:
                yield from self._evict(trace)

    def _grown(self, flow: int, lone: Any) -> Dialogue[R, Any]:
        """The dialogue that goes on after a lone message."""
        self._held[flow] = 1, len(lone.data), len(lone.data)
        dialogue: Dialogue[R, Any] = lone.grown()
        return dialogue

    def _read_overdue(self, time_ns: int, trace: Dimensions) -> Iterator[Found[R]]:
        """Read answers that have waited for their requests as long as they may."""
        for flow, turns in self._early.take_overdue(time_ns):
            yield from self._read_early(flow, turns, trace)

    def _read_early(
        self, flow: int, turns: list[Turn], trace: Dimensions, *, may_wait: bool = False
    ) -> Iterator[Found[R]]:
        """Read answers that waited for their requests; `may_wait`: those for which none has come go on waiting."""
        for turn in turns:
            dialogue = self._by_flow.get(flow)
            if dialogue is None:
                dialogue = self._begin(Opening(turn.data, turn.from_client, is_datagram=True, is_known=True))
                if dialogue is None:
                    continue
                self._keep(flow, dialogue)
            if may_wait and dialogue.is_early(turn):
                self._early.add(flow, turn)
                continue
            for record in dialogue.feed(turn):
                yield Found(record, flow, trace)
            self._weigh(flow, dialogue, 0)

    def _unpaired(self, flow: int, dialogue: Dialogue[R, Any], records: list[R]) -> list[R]:
        """What a turn gives of a flow whose answers still belong to requests that were given up.

        They come alone, and so do its further requests, until there were as many answers as requests.
        """
        self._owed[flow] -= sum(record.asked is None for record in records)
        if self._owed[flow] > 0:
            given_up = dialogue.give_up_open()
            self._owed[flow] += len(given_up)
            self.evicted.requests += len(given_up)
            records += given_up
        return records

    def _grow(self, flows: int) -> None:
        """Make room for what is left of so many flows."""
        if flows > len(self._left):
            left = np.zeros(max(flows, 2 * len(self._left)), np.uint8)
            left[: len(self._left)] = self._left
            owed = np.zeros(len(left), np.int32)
            owed[: len(self._owed)] = self._owed
            self._left, self._owed = left, owed

    def _keep(self, flow: int, dialogue: Dialogue[R, Any]) -> None:
        """Remember a dialogue. Where there are many, those that remember nothing are dropped."""
        self._by_flow[flow] = dialogue
        self._load.begun += 1
        if self._load.begun >= self._load.begun_max:
            self._drop_idle(flow)

    def _drop_idle(self, but: int) -> None:
        """Forget the dialogues that remember nothing, but that of one flow."""
        for other, kept in [*self._by_flow.items()]:
            if other != but and kept.is_idle:
                self._drop(other, IDLE)
        self._load.begun = len(self._by_flow)
        self._load.begun_max = 2 * self._load.begun + IDLE_LIMIT

    def _make_room(self, flow: int, trace: Dimensions) -> Iterator[Found[R]]:
        """A lone message has begun this flow, and something is full."""
        if self._load.begun >= self._load.begun_max:
            self._drop_idle(flow)
        if len(self._by_flow) > self._limits.dialogues or self._load.is_over:
            yield from self._evict(trace)

    def _drop(self, flow: int, left: int) -> None:
        """Forget a dialogue."""
        self._by_flow.pop(flow).close()
        self._left[flow] = left
        requests, _, total = self._held.pop(flow, _NOTHING)
        self._load.requests -= requests
        self._load.size_bytes -= total

    def _weigh(self, flow: int, dialogue: Dialogue[R, Any], turn_bytes: int) -> None:
        """Note how much a dialogue holds after a turn: requests that wait with their bytes, and what is half read.

        The bytes of requests are estimated: a turn that opens one is held, and what is answered goes in proportion.
        """
        before, size, total = self._held.get(flow, _NOTHING)
        requests = len(dialogue.open)
        if requests > before:
            size += turn_bytes
        elif requests < before:
            size = size * requests // before
        self._load.requests += requests - before
        self._load.size_bytes -= total
        total = size + dialogue.waiting_bytes
        self._load.size_bytes += total
        if requests or total:
            self._held[flow] = requests, size, total
        else:
            self._held.pop(flow, None)

    def _evict(self, trace: Dimensions) -> Iterator[Found[R]]:
        """Give up the eighth that was silent longest: one by one would look for the oldest too often."""
        limits = self._limits
        least = limits.dialogues - limits.dialogues // 8
        requests, size = limits.requests - limits.requests // 8, limits.size_bytes - limits.size_bytes // 8
        load, by_flow, evicted = self._load, self._by_flow, self.evicted
        lone: Any = self._lone
        waiting: list[tuple[int, Any]] = [*by_flow.items()]
        for flow, dialogue in waiting:
            if len(by_flow) <= least and load.requests <= requests and load.size_bytes <= size:
                break
            if type(dialogue) is lone:  # the many of a flood
                del by_flow[flow]
                load.requests -= 1
                load.size_bytes -= len(dialogue.data)
                evicted.connections += 1
                evicted.requests += 1
                yield _found((dialogue, flow, trace))
            elif len(by_flow) > least or flow in self._held:
                is_idle = not dialogue.open and dialogue.is_idle
                if dialogue.pairs_by_order:
                    self._owed[flow] += len(dialogue.open)
                records = [] if is_idle else dialogue.end()
                self.evicted.add(self._held.get(flow, _NOTHING)[0], is_idle=is_idle)
                self._drop(flow, IDLE)
                for record in records:
                    yield _found((record, flow, trace))

    def renumber(self, renumbering: Renumbering) -> Iterator[Found[R]]:
        """Flows get new numbers. What is open in those that go is not answered any more: its records, with the old ones."""
        if self._trace is None:
            return
        for flow in [flow for flow in self._early.flows() if renumbering.goes(flow)]:
            yield from self._read_early(flow, self._early.take(flow), self._trace)
        for flow in [flow for flow in self._by_flow if renumbering.goes(flow)]:
            dialogue = self._by_flow[flow]
            records = dialogue.end()
            if type(dialogue) is self._lone:
                self._by_flow[flow] = self._grown(flow, dialogue)  # which is counted as others are
            self._drop(flow, IDLE)
            for record in records:
                yield Found(record, flow, self._trace)
        self._by_flow, self._held = renumbering.keys(self._by_flow), renumbering.keys(self._held)
        self._left, self._owed = renumbering.column(self._left), renumbering.column(self._owed)
        self._early.renumber(renumbering)
        self._ends.clear()

    def notes(self) -> Iterator[str]:
        """A sentence, where something was given up."""
        evicted, limits = self.evicted, self._limits
        if evicted.connections:
            yield (
                f"{evicted.requests:,} requests of {evicted.connections:,} connections were given up unanswered: more than "
                f"{limits.dialogues:,} connections, {limits.requests:,} requests or {limits.size_bytes >> 20} MiB waited"
            )

    def end(self) -> list[Found[R]]:
        """What was still open, by time."""
        if self._trace is None:
            return []
        waited = [one for flow, turns in self._early.take_all() for one in self._read_early(flow, turns, self._trace)]
        found = waited + [
            Found(record, flow, self._trace) for flow, dialogue in self._by_flow.items() for record in dialogue.end()
        ]
        self._by_flow.clear()
        self._held.clear()
        self._load.requests = self._load.size_bytes = 0
        return sorted(found, key=lambda one: (one.record.moment.time_ns, one.flow))
