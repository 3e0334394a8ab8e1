"""Two directions of one flow, read side by side: what every protocol's dialogue is.

In: turns. Out: records as they are complete. A protocol is two coroutines, one that reads what is asked and one that reads what is
answered; they share a queue of what is still to be answered. Must not know any protocol.
"""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, NamedTuple, TypeVar

from pcapdig.protocols.inbox import Inbox, LostPlaceError, StreamEndedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pcapdig.protocols.inbox import Reading

OPEN_LIMIT = 1000
"""Requests of one connection that wait for their answers; beyond it the oldest is handed out as unanswered."""


class Seen(NamedTuple):
    """One end that had a message. This room only carries it."""

    is_client: bool
    """The flow's client, else its server."""
    is_write: bool
    """It wrote the message, else read it."""
    process: int
    """Row in the trace's processes; -1: not known."""


class Moment(NamedTuple):
    """When a message was, and at which ends it was seen."""

    time_ns: int
    """Of its first packet, ns since 1970."""
    number: int = 0
    """Of its first packet."""
    seen: tuple[Seen, ...] = ()
    """Its ends that passed the filters."""


class Turn(NamedTuple):
    """One message of one side of a flow."""

    data: bytes
    """What was captured of it, in order."""
    from_client: bool
    """The flow's client sent it."""
    moment: Moment
    gaps: tuple[tuple[int, int], ...] = ()
    """(position in data, bytes missing there), ascending."""
    is_last: bool = False
    """Its side closed the connection with it (FIN or RST)."""
    is_reset: bool = False
    """It did so by RST: more may have been meant to come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A request and its answer. At least one of both moments is there."""

    asked: Moment | None
    """When the request began; None: it is not in the capture."""
    answered: Moment | None
    """When the answer began; None: there is none in the capture."""

    @property
    def latency_ns(self) -> int | None:
        """From the request's first packet to the answer's; None where one is missing, or the capture has them the other way round."""
        if self.asked is None or self.answered is None or self.answered.time_ns < self.asked.time_ns:
            return None
        return self.answered.time_ns - self.asked.time_ns

    @property
    def moment(self) -> Moment:
        """The answer's, else the request's: what a log line is dated by."""
        moment = self.answered or self.asked
        assert moment is not None
        return moment


_R = TypeVar("_R", bound=Record)
_Open = TypeVar("_Open")


class Dialogue(Generic[_R, _Open]):
    """Reads one flow. A subclass gives two coroutines, and says what an unanswered request is.

    A coroutine loops forever over messages; it is begun anew after LostPlaceError.
    """

    has_early_answers = False
    """Its turns are datagrams, so an answer may come before its request; see `is_early`."""

    pairs_by_order: ClassVar[bool] = True
    """An answer is that of the oldest request; else messages say themselves whose they are."""

    def __init__(self) -> None:
        self.is_over = False
        """Nothing more will be read of this flow, whatever comes."""
        self.open: deque[_Open] = deque()
        """What waits for an answer, oldest first."""
        self.evicted = 0
        """Requests that were given up because more than OPEN_LIMIT waited."""
        self._early: Callable[[_Open | None], _R] | None = None  # an answer whose request is half read
        self._is_unsure = False  # requests were lost, whose answers may still come, before those of this turn
        self._has_stray = False  # since the last turn that asks an answer came to none of its requests
        self._is_half_unsure = False  # an answer was lost while a request was half read: it may have been that one's
        self._done: list[_R] = []
        self._inboxes: dict[bool, Inbox] = {}  # made when a side first says something that is not read at once
        self._readings: dict[bool, Reading[None] | None] = {}

    @property
    def is_idle(self) -> bool:
        """Nothing is open, half read or remembered: a new dialogue would go on as well as this one."""
        return not self.open and (not self._inboxes or all(map(self.is_between, self._inboxes)))

    @property
    def waiting_bytes(self) -> int:
        """Captured bytes of messages that are half read."""
        return sum([inbox.waiting_bytes for inbox in self._inboxes.values()]) if self._inboxes else 0

    def has_inbox(self, asks: bool) -> bool:
        """Something of that side was, or is, read by its coroutine."""
        return asks in self._inboxes

    def is_between(self, asks: bool) -> bool:
        """The next turn of that side begins a message: nothing of it is half read."""
        inbox = self._inboxes.get(asks)
        return inbox is None or (inbox.is_between and inbox.is_empty)

    def feed(self, turn: Turn) -> list[_R]:
        """Read the next message of the flow; the records that are complete with it."""
        if self.is_over:
            return []
        asks = self.asks(turn)
        inbox = self._inbox(asks)
        inbox.add(turn)
        self._is_unsure = False
        while not inbox.is_empty and not self.is_over:
            reading = self._readings.get(asks)
            if reading is None:
                reading = self.answering(inbox) if not asks else self.asking(inbox)
                self._readings[asks] = reading
            try:
                next(reading)
                break
            except (LostPlaceError, StreamEndedError):
                self._readings[asks] = None
                while inbox.skip_hole() and not self.begins(inbox.peek(), asks=asks):
                    pass
                self._after_loss(asks)
                self._is_unsure = asks and any(position or not self._has_stray for position, _ in turn.gaps)
            except StopIteration:
                self._readings[asks] = None
        self._has_stray &= not asks
        if turn.is_last:
            self.end_side(asks, is_cut_off=turn.is_reset)
        return self._taken()

    def is_early(self, turn: Turn) -> bool:
        """Whether a datagram answers a request that has not come."""
        return False

    def end(self) -> list[_R]:
        """The capture has ended: what is still open, unanswered."""
        if not self._inboxes:  # nothing is half read
            self._hand_out_open()
            return self._taken()
        self.end_side(True, is_cut_off=True)
        if self._early is not None:
            self._tell_early(None)
        self.end_side(False, is_cut_off=True)
        self._hand_out_open()
        return self._taken()

    def close(self) -> None:
        """Nothing more is read: what reads, which knows this dialogue, is let go, so that no collector has to find the circle."""
        self._readings.clear()

    def give_up_open(self) -> list[_R]:
        """Records of all that is open, unanswered. What is half read goes on."""
        self._hand_out_open()
        return self._taken()

    def lose_place(self, asks: bool) -> None:
        """What was read of one side does not go on. Its reading begins anew with what comes."""
        self._readings[asks] = None
        self._inbox(asks).clear()
        self._after_loss(asks)

    def _after_loss(self, asks: bool) -> None:
        """The place was lost: what is half known stays so."""
        if not asks:
            self._is_half_unsure = not self.is_between(True)
            self._hand_out_open()
            return
        self._is_half_unsure = False
        if self._early is not None:
            self._tell_early(None)

    def _hand_out_open(self) -> None:
        """What is open gets no answer any more: nobody knows which of those to come would be whose."""
        while self.open:
            self.give_up(self.open.popleft())

    def _inbox(self, asks: bool) -> Inbox:
        inbox = self._inboxes.get(asks)
        if inbox is None:
            inbox = self._inboxes[asks] = Inbox()
        return inbox

    def end_side(self, asks: bool, *, is_cut_off: bool) -> None:
        """Nothing more comes from one side: let its reader make of it what it can."""
        inbox, reading = self._inbox(asks), self._readings.get(asks)
        inbox.end(is_cut_off=is_cut_off)
        if reading is not None and not self.is_over:
            with suppress(LostPlaceError, StreamEndedError, StopIteration):
                next(reading)
        self._readings[asks] = None
        inbox.clear()

    def asks(self, turn: Turn) -> bool:
        """Whether a turn is of the side that asks."""
        return turn.from_client

    def begins(self, data: bytes, *, asks: bool) -> bool:
        """Whether these bytes, after some that were not captured, surely begin a message of a side. If in doubt they do not."""
        return False

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Read requests: append to `open`."""
        raise NotImplementedError

    def answering(self, inbox: Inbox) -> Reading[None]:
        """Read answers: take from `open`, call `tell`."""
        raise NotImplementedError

    def unanswered(self, asked: _Open) -> _R:
        """The record of a request that has no answer."""
        raise NotImplementedError

    def give_up(self, asked: _Open) -> None:
        """A request will not be answered any more."""
        self.tell(self.unanswered(asked))

    def tell(self, record: _R) -> None:
        """A record is complete."""
        self._done.append(record)

    def ask(self, asked: _Open) -> None:
        """A request is whole. It waits for its answer, unless that has come: see `answer`.

        Behind a hole amid pipelined requests it is unknown which answer belongs to which; so it is behind a hole before them, unless what
        was lost there has had its answer.
        """
        is_unsure, self._is_half_unsure = self._is_unsure or self._is_half_unsure, False
        if self._early is not None:
            self._tell_early(asked)
        elif is_unsure:
            self.give_up(asked)
        else:
            self.open.append(asked)

    def answer(self, make: Callable[[_Open | None], _R]) -> _R | None:
        """An answer is whole. Tell what `make` makes of it and the oldest request, or of None: the request was not captured.

        Where nothing is open and a request is half read, its end was lost, which is only seen when its side goes on: then it is told.

        Returns:
            What was told.
        """
        if not self.open and self._early is None and not self.is_between(True):
            self._early, self._has_stray = make, True
            return None
        record = make(self.next_open())
        self.tell(record)
        return record

    def _tell_early(self, asked: _Open | None) -> None:
        """A request that is answered already is whole, or, None, will never be."""
        make, self._early = self._early, None
        assert make is not None
        self.tell(make(asked))

    def next_open(self) -> _Open | None:
        """The oldest request without an answer, taken from the queue."""
        if self.open:
            return self.open.popleft()
        self._has_stray = True
        return None

    def _taken(self) -> list[_R]:
        """The records that are complete, handed out once. What has waited longest is given up where too many requests are open."""
        while len(self.open) > OPEN_LIMIT:
            self.evicted += 1
            self.give_up(self.open.popleft())
        done, self._done = self._done, []
        return done
