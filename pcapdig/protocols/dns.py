"""DNS queries and their answers, over UDP and TCP.

In: turns; a UDP datagram is one. Out: `DnsCall`. A query and its answer share the flow, the id and the question. Source: RFC 1035
section 4.2 (transport), RFC 7766 (several queries on one connection, answers in any order). A zone transfer gives a record for each of its messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pcapdig.protocols.conversation import OPEN_LIMIT, Dialogue, Moment, Record, Turn
from pcapdig.protocols.dns_names import BadMessageError
from pcapdig.protocols.dns_records import DnsMessage, read_message
from pcapdig.protocols.dns_transfers import RECORDS_LIMIT, STATES, TYPES, Transfer
from pcapdig.protocols.inbox import LostPlaceError

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading

__all__ = ["STATES", "DnsCall", "DnsDialogue"]

PATIENCE_NS = 60 * 1_000_000_000
"""A query this old gets no answer any more, and its id may be used again: resolvers give up after seconds (RFC 1035 section 7.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsCall(Record):
    """A query and its answer, one of which may be missing."""

    query: DnsMessage | None
    answer: DnsMessage | None
    message: int | None = None
    """Which message of a zone transfer the answer is, from 1 on; None: it is no zone transfer over TCP."""
    records: int | None = None
    """With the last message of a zone transfer: the records of all its messages together; None where some were lost."""

    @property
    def told(self) -> DnsMessage:
        """The query, else the answer: either says what was asked."""
        message = self.query or self.answer
        assert message is not None
        return message


@dataclass(slots=True)
class _Asked:
    moment: Moment
    query: DnsMessage
    by_client: bool
    is_answered: bool = False


class DnsDialogue(Dialogue[DnsCall, _Asked]):
    """Reads one flow of DNS. Messages say themselves which way they go; an answer comes from the other end than its query."""

    pairs_by_order: ClassVar[bool] = False

    def __init__(self, *, is_stream: bool) -> None:
        """`is_stream`: TCP, where each message has its length before it."""
        super().__init__()
        self._is_stream = is_stream
        self.has_early_answers = not is_stream
        self._by_id: dict[tuple[int, bool], list[_Asked]] = {}
        self._transfers: dict[tuple[int, bool], tuple[_Asked, Transfer]] = {}  # of which more messages will come

    @property
    def is_idle(self) -> bool:
        """A zone transfer is remembered."""
        return not self._transfers and super().is_idle

    def feed(self, turn: Turn) -> list[DnsCall]:
        """Read the next message of the flow, or the next datagram."""
        while self.open and (
            self.open[0].is_answered or turn.moment.time_ns - self.open[0].moment.time_ns > PATIENCE_NS
        ):
            self.give_up(self.open.popleft())
        if self._is_stream:
            return super().feed(turn)
        try:
            self._take(read_message(turn.data), turn.moment, by_client=turn.from_client)
        except BadMessageError:
            return self._taken()
        return self._taken()

    def is_early(self, turn: Turn) -> bool:
        """An answer whose id nobody has asked with."""
        data = turn.data
        return (
            len(data) > 2
            and data[2] & 0x80 != 0
            and (int.from_bytes(data[:2]), not turn.from_client) not in self._by_id
        )

    def asking(self, inbox: Inbox) -> Reading[None]:
        """The client's messages, one after the other."""
        return self._messages(inbox, by_client=True)

    def answering(self, inbox: Inbox) -> Reading[None]:
        """The server's."""
        return self._messages(inbox, by_client=False)

    def _messages(self, inbox: Inbox, *, by_client: bool) -> Reading[None]:
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            size = int.from_bytes((yield from inbox.exactly(2)))
            data = yield from inbox.prefix(size, size)
            try:
                message = read_message(data)
                if message.is_cut and self._transfer_of(message, by_client=by_client):
                    message = read_message(data, records_limit=RECORDS_LIMIT)
                self._take(message, moment, by_client=by_client)
            except BadMessageError:
                raise LostPlaceError from None

    def _after_loss(self, asks: bool) -> None:
        super()._after_loss(asks)
        for _, transfer in self._transfers.values():
            transfer.is_whole = False

    def _transfer_of(self, message: DnsMessage, *, by_client: bool) -> bool:
        """Whether a message is part of a zone transfer."""
        key = (message.id, not by_client)
        is_asked = any(
            question.type in TYPES for asked in self._by_id.get(key, ()) for question in asked.query.questions
        )
        return message.is_response and (is_asked or key in self._transfers)

    def unanswered(self, asked: _Asked) -> DnsCall:
        """A query alone."""
        return DnsCall(asked=asked.moment, answered=None, query=asked.query, answer=None)

    def give_up(self, asked: _Asked) -> None:
        """A query that is not answered any more, if it was not before."""
        if asked.is_answered:
            return
        key = (asked.query.id, asked.by_client)
        waiting = self._by_id[key]
        waiting.remove(asked)
        if not waiting:
            del self._by_id[key]
        super().give_up(asked)

    def _take(self, message: DnsMessage, moment: Moment, *, by_client: bool) -> None:
        if not message.is_response:
            asked = _Asked(moment, message, by_client)
            self.open.append(asked)
            self._by_id.setdefault((message.id, by_client), []).append(asked)
            self._transfers.pop((message.id, by_client), None)
            return
        key = (message.id, not by_client)
        answered = self._answered_by(message, key)
        if answered is None and key in self._transfers:
            self._go_on(key, message, moment)
        elif answered is None:
            self.tell(DnsCall(asked=None, answered=moment, query=None, answer=message))
        elif self._is_stream and len(answered.query.questions) == 1 and answered.query.questions[0].type in TYPES:
            self._transfers[key] = (answered, Transfer(answered.query))
            self._go_on(key, message, moment)
            if len(self._transfers) > OPEN_LIMIT:
                del self._transfers[next(iter(self._transfers))]
        else:
            self.tell(DnsCall(asked=answered.moment, answered=moment, query=answered.query, answer=message))

    def _answered_by(self, message: DnsMessage, key: tuple[int, bool]) -> _Asked | None:
        """The query that an answer belongs to, which waits no longer."""
        waiting = self._by_id.get(key, [])
        for index, asked in enumerate(waiting):
            if not message.questions or _same(asked.query, message):
                del waiting[index]
                if not waiting:
                    del self._by_id[key]
                asked.is_answered = True
                while self.open and self.open[0].is_answered:
                    self.open.popleft()
                return asked
        return None

    def _go_on(self, key: tuple[int, bool], message: DnsMessage, moment: Moment) -> None:
        """The next message of a zone transfer."""
        asked, transfer = self._transfers[key]
        transfer.take(message)
        records = transfer.records if transfer.is_over and transfer.is_whole else None
        if transfer.is_over:
            del self._transfers[key]
        self.tell(
            DnsCall(
                asked=asked.moment,
                answered=moment,
                query=asked.query,
                answer=message,
                message=transfer.messages,
                records=records,
            )
        )


def _same(query: DnsMessage, answer: DnsMessage) -> bool:
    """The same questions; letters of any case (RFC 4343)."""
    if len(query.questions) != len(answer.questions):
        return False
    return all(
        a.type == b.type and a.name.lower() == b.name.lower()
        for a, b in zip(query.questions, answer.questions, strict=True)
    )
