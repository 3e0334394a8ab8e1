"""memcached over UDP: text or binary protocol behind a frame header.

In: datagrams. Out: `MemcachedCall`. Source: doc/protocol.txt of memcached 1.6, "UDP protocol": 8 bytes of header, big-endian: the request's number,
the datagram's place in the message, how many the message has, 0. A request is one datagram; its answer may take several, and names it.
memcached 1.6 (seen of 1.6.18) calls each datagram of an answer to several keys the first of one: these are read as they come.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, NamedTuple

from pcapdig.protocols.conversation import OPEN_LIMIT, Dialogue, Turn
from pcapdig.protocols.memcached import MemcachedCall, MemcachedDialogue
from pcapdig.protocols.memcached_binary import ANSWERED, ASKED, MemcachedBinaryDialogue

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = struct.Struct(">HHHH")
_HELD_LIMIT = 64
"""Datagrams of one answer that wait for those before them."""


class _Frame(NamedTuple):
    number: int
    place: int
    total: int
    content: Turn


def starts(data: bytes) -> bool:
    """A frame header, with something behind it."""
    if len(data) <= _HEADER.size:
        return False
    _, place, total, reserved = _HEADER.unpack_from(data)
    return bool(place < total and not reserved)


class _Exchange:
    """One request, and its answer as it comes."""

    def __init__(self, first_byte: int) -> None:
        self.dialogue: Dialogue[MemcachedCall, Any] = (
            MemcachedBinaryDialogue() if first_byte in (ASKED, ANSWERED) else MemcachedDialogue()
        )
        self._next = 0
        self._early: dict[int, Turn] = {}

    def answer(self, frame: _Frame) -> Iterator[MemcachedCall]:
        """One more datagram of the answer; they are read in their order, each once."""
        if frame.total == 1:
            yield from self.dialogue.feed(frame.content)
            return
        if frame.place >= self._next:
            self._early[frame.place] = frame.content
        if len(self._early) > _HELD_LIMIT:  # one does not come
            self.dialogue.lose_place(False)
            self._next = min(self._early)
        while (turn := self._early.pop(self._next, None)) is not None:
            self._next += 1
            yield from self.dialogue.feed(turn)


class MemcachedDatagrams(Dialogue[MemcachedCall, None]):
    """Reads one flow of UDP."""

    has_early_answers = True

    def __init__(self) -> None:
        super().__init__()
        self._exchanges: dict[int, _Exchange] = {}

    @property
    def is_idle(self) -> bool:
        """No request waits for its answer."""
        return not self._exchanges

    def unanswered(self, asked: None) -> MemcachedCall:
        """Nothing waits in the queue: each exchange has its own."""
        raise AssertionError

    def is_early(self, turn: Turn) -> bool:
        """An answer with a number that no request had."""
        return not turn.from_client and int.from_bytes(turn.data[:2]) not in self._exchanges

    def feed(self, turn: Turn) -> list[MemcachedCall]:
        """Read the next datagram."""
        frame = _read(turn)
        if frame is None:
            return []
        found = list[MemcachedCall]()
        if turn.from_client:
            found += self._give_up(frame.number)  # asked again with the same number
            exchange = self._exchanges[frame.number] = _Exchange(frame.content.data[0])
            found += exchange.dialogue.feed(frame.content)
            if len(self._exchanges) > OPEN_LIMIT:
                found += self._give_up(next(iter(self._exchanges)))
        elif (waiting := self._exchanges.get(frame.number)) is not None:
            exchange = waiting
            found += exchange.answer(frame)
        else:
            return []
        if exchange.dialogue.is_idle:
            self._exchanges.pop(frame.number, None)
        return found

    def end(self) -> list[MemcachedCall]:
        """What was never answered."""
        return [call for number in list(self._exchanges) for call in self._give_up(number)]

    def _give_up(self, number: int) -> list[MemcachedCall]:
        exchange = self._exchanges.pop(number, None)
        return exchange.dialogue.end() if exchange else []


def _read(turn: Turn) -> _Frame | None:
    """A datagram without its header; None: it has none, or it was cut within."""
    if not starts(turn.data) or (turn.gaps and turn.gaps[0][0] < _HEADER.size):
        return None
    number, place, total, _ = _HEADER.unpack_from(turn.data)
    gaps = tuple((at - _HEADER.size, missing) for at, missing in turn.gaps)
    return _Frame(number, place, total, turn._replace(data=turn.data[_HEADER.size :], gaps=gaps))
