"""Simulated time, and what each packet did on its way."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from traffic.frames import Packet, Segment

MS = 10**6
"""Nanoseconds in a millisecond; all times are ns."""
START_NS = 1_700_000_000 * 10**9


@dataclass(slots=True, eq=False)
class Passage:
    """One packet on its way. It left its sender at `sent_ns` and would arrive at `arrives_ns`."""

    packet: Packet
    from_client: bool
    sent_ns: int
    arrives_ns: int
    segment: Segment | None = None
    reached: float = 1.0
    """How far it came: 0 nowhere, 1 the receiver."""
    connection: object = None
    label: str = ""
    """Empty: sent by an end of the connection. Else the name of what a stranger sent, or of a probe."""
    offset: int = 0
    """Of a segment of the connection: place of its first data byte in its sender's stream, from 0."""

    def seen_ns(self, place: float) -> int | None:
        """When a tap saw it: at 0 beside the client, at 1 beside the server. None: it did not come so far."""
        way = place if self.from_client else 1 - place
        if self.reached < way:
            return None
        return self.sent_ns + round((self.arrives_ns - self.sent_ns) * way)


@dataclass(slots=True)
class World:
    """The clock and what is due."""

    random: Random
    now: int = START_NS
    passages: list[Passage] = field(default_factory=list)
    _due: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _count: int = 0
    _ident: int = 0

    def after(self, delay_ns: int, call: Callable[[], None]) -> None:
        """Call it when `delay_ns` have passed."""
        self._count += 1
        heapq.heappush(self._due, (self.now + delay_ns, self._count, call))

    def run(self, until_ns: int | None = None, limit: int = 100_000) -> None:
        """Let everything happen that is due, up to a moment, or until nothing is left."""
        while self._due and (until_ns is None or self._due[0][0] <= until_ns):
            limit -= 1
            if limit < 0:
                raise RuntimeError("the simulation does not come to rest")
            self.now, _, call = heapq.heappop(self._due)
            call()
        if until_ns is not None:
            self.now = max(self.now, until_ns)

    def next_ident(self) -> int:
        """An IPv4 identification; it begins anew after 65535."""
        self._ident = (self._ident + 1) & 0xFFFF
        return self._ident
