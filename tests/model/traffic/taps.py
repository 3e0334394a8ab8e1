"""Who listens where, with which clock, and what is lost there."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from traffic.files import Interface
from traffic.frames import ETHERNET, fragments, frame, in_gre
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
    block_ns: int = 0
    """Packets are stamped right, but written a direction after the other within each such span: a ring buffer for each of two queues."""
    begins_ns: int = 0
    ends_ns: int = 1 << 62
    most_bytes: int = 262144
    """Snapshot length."""
    most_payload: int = 0
    """Packets come here in IP fragments of at most so many bytes, a multiple of 8; 0: whole."""
    link: int = ETHERNET
    hops: int = 0
    mac: int = 1
    keeps_vlans: bool = True
    vlans: tuple[int, ...] | None = None
    """The tags that all packets have here; None: those of their connection."""
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
        block = self.block_ns
        due.sort(key=lambda each: (each[0] // block, each[1].from_client, each[0]) if block else (each[0],))
        interface = Interface(self.name, self.link)
        for time_ns, passage in due:
            self.seen.append(passage)
            for data in self._frames(passage):
                interface.records.append((time_ns + self.skew_ns, data[: self.most_bytes]))
                interface.sizes.append(len(data))
                if self.has_flags:
                    interface.ways.append(1 if passage.from_client else 2)
        return interface

    def _time(self, passage: Passage, random: Random) -> int | None:
        time_ns = passage.seen_ns(self.place)
        where = getattr(passage.connection, "place", "")
        if (
            time_ns is None
            or not self.begins_ns <= time_ns < self.ends_ns
            or (self.where is not None and where != self.where)
        ):
            return None
        if self.hears != "both" and (self.hears == "client") != passage.from_client:
            return None
        queue = self.queue_ns[0 if passage.from_client else 1]
        return time_ns + queue + (random.randint(0, self.jitter_ns) if self.jitter_ns else 0)

    def _frames(self, passage: Passage) -> list[bytes]:
        vlans = getattr(passage.connection, "vlans", ()) if self.vlans is None else self.vlans
        packet = in_gre(passage.packet, "203.0.113.1", "203.0.113.2") if self.gre else passage.packet
        is_long = self.most_payload and len(packet.payload) > self.most_payload
        parts = fragments(packet, self.most_payload) if is_long else [packet]
        way = 0 if passage.from_client else 4
        tags = vlans if self.keeps_vlans else ()
        return [frame(part, self.link, vlans=tags, hops=self.hops, mac=self.mac, way=way) for part in parts]
