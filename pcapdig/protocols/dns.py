"""DNS queries and their answers, over UDP and TCP.

In: turns; a UDP datagram is one. Out: `DnsCall`. A query and its answer share the flow, the id and the question. Source: RFC 1035
section 4.2 (transport), RFC 7766 (several queries on one connection, answers in any order).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcapdig.protocols.conversation import OPEN_LIMIT, Dialogue, Moment, Record, Turn
from pcapdig.protocols.dns_names import BadMessageError
from pcapdig.protocols.dns_records import DnsMessage, read_message
from pcapdig.protocols.inbox import LostPlaceError

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Inbox, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsCall(Record):
    """A query and its answer, one of which may be missing."""

    query: DnsMessage | None
    answer: DnsMessage | None

    @property
    def told(self) -> DnsMessage:
        """The query, else the answer: either says what was asked."""
        message = self.query or self.answer
        assert message is not None
        return message


class DnsDialogue(Dialogue[DnsCall, tuple[Moment, DnsMessage]]):
    """Reads one flow of DNS. Messages say themselves which way they go."""

    def __init__(self, *, is_stream: bool) -> None:
        """`is_stream`: TCP, where each message has its length before it."""
        super().__init__()
        self._is_stream = is_stream

    def feed(self, turn: Turn) -> list[DnsCall]:
        """Read the next message of the flow, or the next datagram."""
        if self._is_stream:
            return super().feed(turn)
        try:
            self._take(read_message(turn.data), turn.moment)
        except BadMessageError:
            return []
        while len(self.open) > OPEN_LIMIT:
            self.tell(self.unanswered(self.open.popleft()))
        return self._taken()

    def asking(self, inbox: Inbox) -> Reading[None]:
        """Messages, one after the other; the same in both directions."""
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            size = int.from_bytes((yield from inbox.exactly(2)))
            data = yield from inbox.prefix(size, size)
            try:
                self._take(read_message(data), moment)
            except BadMessageError:
                raise LostPlaceError from None

    def answering(self, inbox: Inbox) -> Reading[None]:
        """As `asking`."""
        return self.asking(inbox)

    def unanswered(self, asked: tuple[Moment, DnsMessage]) -> DnsCall:
        """A query alone."""
        moment, query = asked
        return DnsCall(asked=moment, answered=None, query=query, answer=None)

    def _take(self, message: DnsMessage, moment: Moment) -> None:
        if not message.is_response:
            self.open.append((moment, message))
            return
        for index, (asked, query) in enumerate(self.open):
            if query.id == message.id and (not message.questions or _same(query, message)):
                del self.open[index]
                self.tell(DnsCall(asked=asked, answered=moment, query=query, answer=message))
                return
        self.tell(DnsCall(asked=None, answered=moment, query=None, answer=message))


def _same(query: DnsMessage, answer: DnsMessage) -> bool:
    """The same questions; letters of any case (RFC 4343)."""
    if len(query.questions) != len(answer.questions):
        return False
    return all(
        a.type == b.type and a.name.lower() == b.name.lower()
        for a, b in zip(query.questions, answer.questions, strict=True)
    )
