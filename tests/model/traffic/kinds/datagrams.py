"""Conversations of datagrams: UDP and ICMP echo, whole or in fragments, in a VLAN or a namespace."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from random import Random

from traffic.dialogues import text
from traffic.frames import End, Packet, fragments, icmp_packet, udp_packet
from traffic.truth import Row
from traffic.world import MS, START_NS, Passage


@dataclass(eq=False)
class Conversation:
    """What two ends said to each other without a connection. `first` speaks first, so it is the client."""

    first: End
    second: End
    vlans: tuple[int, ...] = ()
    place: str = ""
    passages: list[Passage] = field(default_factory=list)
    sizes: list[int] = field(default_factory=lambda: [0, 0])
    messages: list[tuple[bool, bytes]] = field(default_factory=list)

    def udp(self, random: Random, at_ns: int, from_first: bool, size: int, most: int, ident: int) -> None:
        """One datagram; in fragments of at most `most` bytes where it is longer."""
        source, target = (self.first, self.second) if from_first else (self.second, self.first)
        data = text(random, size)
        packet = udp_packet(source, target, data, ident)
        parts = fragments(packet, most) if len(packet.payload) > most else [packet]
        self._send(at_ns, from_first, parts, data)

    def echo(self, random: Random, at_ns: int, from_first: bool, size: int, number: int, ident: int) -> None:
        """ICMP echo: the first end asks (RFC 792). `first.port` is the identifier."""
        source, target = (self.first, self.second) if from_first else (self.second, self.first)
        data = text(random, size)
        rest = struct.pack("!HH", self.first.port, number) + data
        packet = icmp_packet(source.ip, target.ip, 8 if from_first else 0, 0, rest, ident)
        self._send(at_ns, from_first, [packet], data)

    def _send(self, at_ns: int, from_first: bool, parts: list[Packet], data: bytes) -> None:
        for i, part in enumerate(parts):
            time_ns = at_ns + i * 2000
            self.passages.append(Passage(part, from_first, time_ns, time_ns + 1000, connection=self))
        self.sizes[0 if from_first else 1] += len(data)
        self.messages.append((from_first, data))

    @property
    def name(self) -> str:
        return f"{self.first}->{self.second}"

    def row(self) -> Row:
        """Its row; a conversation is SF when it was answered."""
        state = "SF" if any(not passage.from_client for passage in self.passages) else "S0"
        return Row(name=self.name, state=state, client_bytes=self.sizes[0], server_bytes=self.sizes[1])

    def said(self) -> tuple[str, tuple[tuple[bool, bytes], ...]]:
        """Its messages: each datagram is one."""
        return self.name, tuple(self.messages)


def chat(
    random: Random, talk: Conversation, *, start_ns: int = START_NS, turns: int = 4, most: int = 1480,
    sizes: tuple[int, int] = (1, 400), ident: int = 0,
) -> None:  # fmt: skip
    """Datagrams to and fro; the first end speaks first. Identifications count from `ident`, one for both ends."""
    at_ns = start_ns
    for i in range(turns):
        from_first = i == 0 or random.random() < 0.5
        talk.udp(random, at_ns, from_first, random.randint(*sizes), most, (ident + i) & 0xFFFF)
        at_ns += random.randint(20_000, 5 * MS)
