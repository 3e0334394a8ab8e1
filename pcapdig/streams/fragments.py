"""Datagrams that came in IP fragments, kept until all of one is there. Not for TCP, whose fragments trace/ makes segments of.

Source: RFC 791 section 3.2, RFC 8200 section 4.5.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LIFETIME_NS = 30_000_000_000
"""How long the fragments of a datagram wait for each other: net.ipv4.ipfrag_time's default."""
MOST_WAITING = 256
"""Datagrams that wait at a time, of at most 64 KiB each; beyond it the oldest is taken as it is."""
HEADER_BYTES = {1: 8, 17: 8, 58: 8}
"""Bytes before the payload in a first fragment, by protocol: ICMP, UDP, ICMPv6."""


@dataclass(slots=True, kw_only=True)
class Datagram:
    """What there is of one datagram."""

    flow: int
    """As in Packets."""
    forward: bool
    first_ns: int
    """Time of the fragment seen first."""
    told: bytes
    """What the caller said of that fragment."""
    size: int | None = None
    """Bytes of payload on the wire; None until the last fragment has come."""
    pieces: dict[int, tuple[bytes, int]] = field(default_factory=dict)
    """By place in the payload: bytes captured, bytes on the wire."""

    reached: int = 0
    """All of the payload before this place is there."""
    ahead: list[tuple[int, int]] = field(default_factory=list)
    """A heap: (place, end) of the pieces beyond it."""

    def add(self, place: int, data: bytes, length: int) -> None:
        """Take a piece, unless one that begins there was seen before."""
        if place in self.pieces:
            return
        self.pieces[place] = data, length
        heapq.heappush(self.ahead, (place, place + length))
        while self.ahead and self.ahead[0][0] <= self.reached:
            self.reached = max(self.reached, heapq.heappop(self.ahead)[1])

    @property
    def is_whole(self) -> bool:
        """Whether all of it was sent in fragments seen so far."""
        return self.size is not None and self.reached >= self.size

    def parts(self) -> Iterator[tuple[bytes, int]]:
        """In order and without overlaps: bytes captured, bytes on the wire. Of a part that is missing none were captured."""
        reached = 0
        for place in sorted(self.pieces):
            data, length = self.pieces[place]
            if place > reached:
                yield b"", place - reached
                reached = place
            if place + length > reached:
                yield data[reached - place :], place + length - reached
                reached = place + length


class Fragments:
    """The datagrams that wait for fragments."""

    __slots__ = ("_finished", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, bool, int], Datagram] = {}
        self._finished: dict[tuple[int, bool, int], int] = {}
        """When those that were whole last were so, the latest MOST_WAITING of them: copies of their fragments are nothing new."""

    def add(
        self,
        flow: int,
        forward: bool,
        protocol: int,
        identification: int,
        place: int,
        data: bytes,
        length: int,
        told: bytes,
        time_ns: int,
    ) -> list[Datagram]:
        """Take one fragment.

        Args:
            flow, forward, protocol: whose it is.
            identification: what the fragments of a datagram share.
            place: bytes of the IP payload before it, doubled, plus 1 when more fragments follow (`ack` of such packets).
            data: its bytes captured, without UDP or ICMP header.
            length: its bytes on the wire, 0 to 65535.
            told: kept for the datagram when this is its first fragment.
            time_ns: of the packet.
        Returns: datagrams that are over: the one that is whole now, and those that waited too long.
        """
        over = self._expired(time_ns)
        key = flow, forward, identification
        offset = place >> 1
        if offset == 0 and key in self._waiting and 0 in self._waiting[key].pieces:
            if self._waiting[key].pieces[0] == (data, length):
                return over  # a copy
            over.append(self._waiting.pop(key))  # the identification is used again
        if offset and key not in self._waiting and time_ns - self._finished.get(key, -LIFETIME_NS) < LIFETIME_NS:
            return over  # a copy
        datagram = self._waiting.setdefault(key, Datagram(flow=flow, forward=forward, first_ns=time_ns, told=told))
        start = max(0, offset - HEADER_BYTES.get(protocol, 0))
        datagram.add(start, data, length)
        if not place & 1:
            datagram.size = start + length
        if datagram.is_whole:
            over.append(self._waiting.pop(key))
            self._finished.pop(key, None)
            self._finished[key] = time_ns
            if len(self._finished) > MOST_WAITING:
                del self._finished[next(iter(self._finished))]
        return over

    def renumber(self, new: Sequence[int]) -> list[Datagram]:
        """Flows get new numbers, -1 for one that goes: its datagrams will never be whole and are handed out, by its old number."""
        over, waiting = [], {}
        for (flow, forward, identification), datagram in self._waiting.items():
            if new[flow] < 0:
                over.append(datagram)
                continue
            datagram.flow = new[flow]
            waiting[datagram.flow, forward, identification] = datagram
        self._waiting = waiting
        self._finished = {(new[key[0]], *key[1:]): when for key, when in self._finished.items() if new[key[0]] >= 0}
        return over

    def flush(self) -> list[Datagram]:
        """Those that will never be whole, oldest first."""
        left = list(self._waiting.values())
        self._waiting.clear()
        return left

    def _expired(self, time_ns: int) -> list[Datagram]:
        over = []
        for key, datagram in list(self._waiting.items()):
            if time_ns - datagram.first_ns <= LIFETIME_NS and len(self._waiting) < MOST_WAITING:
                break  # in the order in which they began to wait
            over.append(self._waiting.pop(key))
        return over
