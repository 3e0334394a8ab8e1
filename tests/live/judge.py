"""Compares what a recording says about each packet's ends with what the processes wrote down (truth.py).

Pure: facts and packets in, a verdict out. An end is right when it is named as one of the processes that may stand there:

    TCP with data     the process that wrote, or read, those bytes of the stream; a packet may carry bytes of two
    TCP without data  any process that held the socket (handshake, acknowledgement, close)
    bytes nobody read any process that held the socket
    UDP               the process that sent, or received, the datagram with that payload
    ICMP echo         the process that asked; the answering side has none
    any other packet  nobody: ARP, ICMP errors, neighbour discovery are the kernel's

and an end that belongs to nobody is right when it has no name. A packet whose ends no process wrote down is an error of the
test: then the comparison would not be complete.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from captured import End, Endpoint, Packet

Side = tuple[str, Endpoint, Endpoint]
"""Protocol, local, remote."""
Owner = tuple[int, str]
"""Process id and name."""
ICMP_ECHO = {0, 8, 128, 129}
"""Types of ICMP and ICMPv6 that a process asks for; errors and neighbour discovery are the kernel's."""


@dataclass(slots=True)
class Stream:
    """What is known of one end of a TCP connection."""

    holders: set[Owner] = field(default_factory=set)
    listeners: set[Owner] = field(default_factory=set)
    """Processes whose listening socket held it until it was accepted; right only where the evidence says so."""
    written: list[tuple[int, int, Owner]] = field(default_factory=list)
    read: list[tuple[int, int, Owner]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome for one recording. Texts say packet, end, expected and found."""

    packets: int
    ends_named: int
    """Local ends that belong to a process and are named right."""
    ends_nobody: int
    """Ends that belong to no process and are not named."""
    wrong: list[str]
    missing: list[str]
    """Ends that belong to a process and have no name."""
    not_in_truth: list[str]
    not_recorded: list[str]
    """Facts that no packet shows: bytes of a stream, a datagram, an echo."""
    evidence: Counter[str]

    @property
    def is_perfect(self) -> bool:
        return not (self.wrong or self.missing or self.not_in_truth or self.not_recorded)

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(self.evidence.items()))
        lines = [f"{self.packets} packets, {self.ends_named} ends right ({counts}), {self.ends_nobody} of nobody"]
        for title in ("wrong", "missing", "not_in_truth", "not_recorded"):
            if found := getattr(self, title):
                lines += [f"{title.replace('_', ' ')}: {len(found)}", *(f"    {text}" for text in found[:10])]
        return "\n".join(lines)


class Facts:
    """What the processes wrote down, indexed by end and by payload."""

    def __init__(self, facts: Iterable[dict[str, object]]) -> None:
        self.streams: dict[Side, Stream] = defaultdict(Stream)
        self.nobody: set[Side] = set()
        self.senders: dict[bytes, Owner] = {}
        self.receivers: dict[bytes, Owner] = {}
        self.echoes: dict[Side, set[Owner]] = defaultdict(set)
        for fact in facts:
            self._add(fact)

    @classmethod
    def read(cls, *paths: Path) -> Facts:
        """The facts of truth files."""
        return cls(json.loads(line) for path in paths for line in path.read_text().splitlines())

    def _add(self, fact: dict[str, object]) -> None:
        kind, act, owner = str(fact["kind"]), fact["act"], (int(str(fact["pid"])), str(fact["name"]))
        if act in ("send", "receive"):
            known = self.senders if act == "send" else self.receivers
            payload = str(fact["payload"]).encode()
            assert payload not in known, f"two datagrams say {payload!r}"
            known[payload] = owner
            return
        side = (kind, endpoint(fact["local"]), endpoint(fact["remote"]))
        stream = self.streams[side] if kind == "tcp" and act != "nobody" else Stream()
        match act:
            case "nobody":
                self.nobody.add(side)
            case "echo":
                self.echoes[side].add(owner)
            case "hold":
                stream.holders.add(owner)
            case "queue":
                stream.listeners.add(owner)
            case "write" | "read":
                lane = stream.written if act == "write" else stream.read
                lane.append((int(str(fact["start"])), int(str(fact["end"])), owner))
            case _:
                raise ValueError(f"unknown fact {fact}")


def endpoint(value: object) -> Endpoint:
    """Address and port from JSON."""
    assert isinstance(value, list)
    return str(value[0]), int(value[1])


def judge(facts: Facts, packets: Iterable[Packet]) -> Verdict:
    """Compare every end of every packet, and every fact with the packets."""
    verdict = Verdict(
        packets=0,
        ends_named=0,
        ends_nobody=0,
        wrong=[],
        missing=[],
        not_in_truth=[],
        not_recorded=[],
        evidence=Counter(),
    )
    count = named = nobody = 0
    seen = Seen()
    for packet in packets:
        count += 1
        seen.add(packet)
        for is_writer, end in ((True, packet.writer), (False, packet.reader)):
            local, remote = packet.source, packet.destination
            side = (packet.protocol, local, remote) if is_writer else (packet.protocol, remote, local)
            place = f"packet {packet.number} {packet.protocol} {local}->{remote} {'writer' if is_writer else 'reader'}"
            allowed = expected(facts, packet, side, is_writer=is_writer, end=end)
            found = (end.pid, end.name) if end else None
            if allowed is None:
                verdict.not_in_truth.append(f"{place}: found {found}")
            elif found is None and None not in allowed:
                verdict.missing.append(f"{place}: expected {sorted(map(str, allowed))}")
            elif found not in allowed:
                verdict.wrong.append(
                    f"{place}: expected {sorted(map(str, allowed))}, found {found} by {end and end.evidence}"
                )
            elif end is None:
                nobody += 1
            else:
                named += 1
                verdict.evidence[end.evidence] += 1
    verdict.not_recorded.extend(seen.lacking(facts))
    return Verdict(
        packets=count,
        ends_named=named,
        ends_nobody=nobody,
        wrong=verdict.wrong,
        missing=verdict.missing,
        not_in_truth=verdict.not_in_truth,
        not_recorded=verdict.not_recorded,
        evidence=verdict.evidence,
    )


def expected(facts: Facts, packet: Packet, side: Side, *, is_writer: bool, end: End | None) -> set[Owner | None] | None:
    """Who may stand at that end; None in the set: nobody. None: no process wrote this end down."""
    if side in facts.nobody:
        return {None}
    if packet.protocol == "tcp":
        if side not in facts.streams:
            return None
        return set(tcp_owners(facts.streams[side], packet, is_writer=is_writer, end=end))
    if packet.protocol == "udp":
        known = facts.senders if is_writer else facts.receivers
        owner = known.get(packet.udp_payload)
        return {owner} if owner else None
    if packet.protocol == "icmp" and packet.icmp_type in ICMP_ECHO:
        return set(facts.echoes[side]) if side in facts.echoes else None
    return {None}


def tcp_owners(stream: Stream, packet: Packet, *, is_writer: bool, end: End | None) -> set[Owner]:
    """The processes that may stand at one end of a TCP packet."""
    waiting = stream.listeners if end is None or end.evidence == "listener" else set()
    if packet.tcp_length:
        start, stop = packet.tcp_seq - 1, packet.tcp_seq - 1 + packet.tcp_length
        lane = stream.written if is_writer else stream.read
        if users := {owner for first, last, owner in lane if first < stop and start < last}:
            return users | waiting
    return stream.holders | waiting


class Seen:
    """What the packets show, to find facts that none shows."""

    def __init__(self) -> None:
        self._ranges: dict[Side, list[tuple[int, int]]] = defaultdict(list)
        self._sides: set[Side] = set()
        self._payloads: Counter[bytes] = Counter()

    def add(self, packet: Packet) -> None:
        """Take in one packet."""
        side = (packet.protocol, packet.source, packet.destination)
        self._sides.add(side)
        self._sides.add((packet.protocol, packet.destination, packet.source))
        if packet.protocol == "udp":
            self._payloads[packet.udp_payload] += 1
        elif packet.tcp_length:
            start = packet.tcp_seq - 1
            self._ranges[side].append((start, start + packet.tcp_length))

    def lacking(self, facts: Facts) -> list[str]:
        """Facts without a packet."""
        known = {*facts.streams, *facts.nobody, *facts.echoes}
        lacks = [f"no packet of {side}" for side in known - self._sides]
        lacks += [f"no datagram {payload!r}" for payload in facts.senders if not self._payloads[payload]]
        for side, stream in facts.streams.items():
            size = max((last for _, last, _ in stream.written), default=0)
            if (recorded := joined(self._ranges[side])) != size:
                lacks.append(f"{recorded} of {size} bytes of {side}")
        return lacks


def joined(ranges: list[tuple[int, int]]) -> int:
    """How many numbers the ranges cover together."""
    total, reached = 0, 0
    for start, stop in sorted(ranges):
        total += max(0, stop - max(start, reached))
        reached = max(reached, stop)
    return total
