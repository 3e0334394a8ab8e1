"""Requests and answers of any protocol, on one of single letters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pcapdig.protocols.conversation import OPEN_LIMIT, Dialogue, Moment, Record, Turn
from pcapdig.protocols.inbox import Inbox, LostPlaceError

if TYPE_CHECKING:
    from pcapdig.protocols.inbox import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair(Record):
    """A letter and its answer."""

    letter: str
    answer: str | None


class Letters(Dialogue[Pair, tuple[Moment, str]]):
    """Each byte asked is answered by one; `!` is not understood."""

    def unanswered(self, asked: tuple[Moment, str]) -> Pair:
        return Pair(asked=asked[0], answered=None, letter=asked[1], answer=None)

    def asking(self, inbox: Inbox) -> Reading[None]:
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            letter = (yield from inbox.exactly(1)).decode()
            if letter == "!":
                raise LostPlaceError
            self.open.append((moment, letter))

    def answering(self, inbox: Inbox) -> Reading[None]:
        while True:
            yield from inbox.next_message()
            moment = inbox.moment
            answer = (yield from inbox.exactly(1)).decode()
            asked = self.next_open()
            assert asked
            self.tell(Pair(asked=asked[0], answered=moment, letter=asked[1], answer=answer))


def ask(data: bytes, time_ns: int = 0, *gaps: tuple[int, int]) -> Turn:
    """A turn of the client."""
    return Turn(data, True, Moment(time_ns), gaps)


def answer(data: bytes, time_ns: int = 0) -> Turn:
    """A turn of the server."""
    return Turn(data, False, Moment(time_ns))


def test_a_lost_place_ends_with_the_turn() -> None:
    """What follows in the same turn is passed over, the next turn is read."""
    dialogue = Letters()
    dialogue.feed(ask(b"a!b"))
    dialogue.feed(ask(b"c"))
    assert [letter for _, letter in dialogue.open] == ["a", "c"]


def test_a_hole_loses_the_place() -> None:
    """Nobody knows what was asked there."""
    dialogue = Letters()
    dialogue.feed(ask(b"ab", 0, (1, 1)))
    assert [letter for _, letter in dialogue.open] == ["a"]


def test_too_many_open_requests_are_handed_out() -> None:
    """A capture of one direction only does not grow without bound."""
    assert len(Letters().feed(ask(b"x" * (OPEN_LIMIT + 5)))) == 5


def test_pipelined_requests_are_answered_in_order() -> None:
    """Two questions, two answers, one latency."""
    dialogue = Letters()
    dialogue.feed(ask(b"ab", 100))
    records = dialogue.feed(answer(b"12", 350))
    assert [(record.letter, record.answer, record.latency_ns) for record in records] == [
        ("a", "1", 250),
        ("b", "2", 250),
    ]


def test_end_hands_out_the_unanswered() -> None:
    """Once."""
    dialogue = Letters()
    dialogue.feed(ask(b"a"))
    assert [(record.letter, record.answer, record.latency_ns) for record in dialogue.end()] == [("a", None, None)]
    assert dialogue.end() == []


def test_idle_between_messages_only() -> None:
    """A dialogue may be dropped when nothing is open."""
    dialogue = Letters()
    assert dialogue.is_idle
    dialogue.feed(ask(b"a"))
    assert not dialogue.is_idle
    dialogue.feed(answer(b"1"))
    assert dialogue.is_idle
