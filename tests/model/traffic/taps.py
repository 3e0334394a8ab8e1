"""Who listens where, with which clock, and what is lost there."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from traffic.files import Interface
from traffic.frames import ETHERNET, frame, in_gre
from traffic.world import Passage


@dataclass(slots=True, kw_only=True)
class Tap:
    """A place where packets are recorded."""

    name: str = "eth0"
    place: float = 0.5
    """0 beside the client, 1 beside the server."""
    hears: str = "both"
    """both; client or server: only what that one sends."""
    where: str | None = None
    """Only connections of this namespace or wire; None: all."""
    skew_ns: int = 0
    """How far its clock is ahead."""
    jitter_ns: int = 0
    """Packets are stamped and written up to so much late, each by itself, as with several queues."""
    queue_ns: tuple[int, int] = (0, 0)
    """Delay of all that the client, or the server, sends: one queue a direction."""
    lost: float = 0.0
    """Share of packets that are not recorded."""
    begins_ns: int = 0
    link: int = ETHERNET
    hops: int = 0
    mac: int = 1
    keeps_vlans: bool = True
    gre: bool = False
    has_flags: bool = False
    """Writes epb_flags: the server is this machine."""
    seen: list[Passage] = field(default_factory=list)

    def listen(self, passages: list[Passage], random: Random) -> Interface:
        """What it records, in the order in which it writes."""
        due = []
        for passage in passages:
            time_ns = self._time(passage, random)
            if time_ns is None or (self.lost and random.random() < self.lost):
                continue
            due.append((time_ns, passage))
        due.sort(key=lambda each: each[0])
        interface = Interface(self.name, self.link)
        for time_ns, passage in due:
            self.seen.append(passage)
            interface.records.append((time_ns + self.skew_ns, self._frame(passage)))
            if self.has_flags:
                interface.ways.append(1 if passage.from_client else 2)
        return interface

    def _time(self, passage: Passage, random: Random) -> int | None:
        time_ns = passage.seen_ns(self.place)
        where = getattr(passage.connection, "place", "")
        if time_ns is None or time_ns < self.begins_ns or (self.where is not None and where != self.where):
            return None
        if self.hears != "both" and (self.hears == "client") != passage.from_client:
            return None
        queue = self.queue_ns[0 if passage.from_client else 1]
        return time_ns + queue + (random.randint(0, self.jitter_ns) if self.jitter_ns else 0)

    def _frame(self, passage: Passage) -> bytes:
        vlans = getattr(passage.connection, "vlans", ()) if self.keeps_vlans else ()
        packet = in_gre(passage.packet, "203.0.113.1", "203.0.113.2") if self.gre else passage.packet
        way = 0 if passage.from_client else 4
        return frame(packet, self.link, vlans=vlans, hops=self.hops, mac=self.mac, way=way)
