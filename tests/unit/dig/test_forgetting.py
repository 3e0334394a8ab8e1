"""A live dig that forgets connections shows what one shows that never does."""

from __future__ import annotations

import io
import json
import random
import struct
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from pcapdig.chisels import registry
from pcapdig.chisels.lines import LineChisel
from pcapdig.dig import LiveDig, Plan
from pcapdig.dig.block_filter import BlockFilter
from pcapdig.filters import compile_filter
from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.render.options import Options
from pcapdig.trace.ages import AgeLimits
from pcapdig.trace.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.trace.renumbering import Renumbering

NS = 1_000_000_000
START_NS = 1_700_000_000 * NS
SECONDS = 3000
SYN, ACK, FIN, RST = 2, 16, 1, 4
NEVER = AgeLimits(fewest=1 << 30, most=1 << 30)
AT_ONCE = AgeLimits(fewest=1)
"""The usual limits of time, and whatever may go does at the end of each batch."""
ARGUMENTS = {
    "spy_ip": {"host_ip": "10.0.0.1"},
    "spy_port": {"host_port": "80"},
    "fdbytes_by": {"key": "fd.name"},
    "fdcount_by": {"key": "fd.cip"},
    "netlower": {"min_ms": "1"},
}
SERVER, CURL = Process(name="httpd", pid=7), Process(name="curl", pid=8)


def ip(source: int, target: int, protocol: int, payload: bytes) -> bytes:
    """An IPv4 packet between two hosts of 10.0.0.0/8."""
    ends = (b"\x0a" + source.to_bytes(3, "big"), b"\x0a" + target.to_bytes(3, "big"))
    return struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, *ends) + payload


class Wire:
    """Packets of many conversations, to be put into the order of time."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.packets: list[tuple[int, int, bytes, bytes]] = []

    def add(self, time_s: float, data: bytes, comment: bytes) -> None:
        """One packet that a process of this machine sent."""
        self.packets.append((START_NS + round(time_s * NS), len(self.packets), data, comment))

    def tcp(self, at: float, client: int, port: int, server_port: int, turns: list[bytes], ending: int) -> float:
        """A connection with a message a turn, the client's first; when it is over. `ending`: FIN, RST or 0 for none."""
        numbers = [self.random.getrandbits(32), self.random.getrandbits(32)]
        named = [
            comments.line(who, is_write=True, evidence="socket") if self.random.random() < 0.5 else b""
            for who in (CURL, SERVER)
        ]

        def send(side: int, flags: int, data: bytes = b"") -> None:
            nonlocal at
            ports = (port, server_port) if side == 0 else (server_port, port)
            ack = numbers[1 - side] if flags & ACK else 0
            head = struct.pack(">HHIIBBHHH", *ports, numbers[side], ack, 0x50, flags, 65000, 0, 0)
            ends = (client, 1) if side == 0 else (1, client)
            self.add(at, ip(*ends, 6, head + data), named[side])
            numbers[side] = (numbers[side] + len(data) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF
            at += self.random.choice((0.001, 0.01, 0.4))

        send(0, SYN)
        send(1, SYN | ACK)
        send(0, ACK)
        for i, data in enumerate(turns):
            send(i % 2, ACK, data)
            if self.random.random() < 0.1:
                at += self.random.choice((20, 400))
        if ending == RST:
            send(self.random.randrange(2), RST | ACK)
        elif ending == FIN:
            send(0, FIN | ACK)
            send(1, FIN | ACK)
            send(0, ACK)
        return at

    def dns(self, at: float, client: int, port: int, name: bytes, *, answered: bool) -> None:
        """A query of a type A record."""
        number = self.random.getrandbits(16)
        question = bytes([len(name)]) + name + b"\0\0\1\0\1"
        query = struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + question
        self.add(at, ip(client, 1, 17, struct.pack(">HHHH", port, 53, 8 + len(query), 0) + query), b"")
        if answered:
            answer = struct.pack(">HHHHHH", number, 0x8180, 1, 1, 0, 0) + question
            answer += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\1"
            self.add(at + 0.02, ip(1, client, 17, struct.pack(">HHHH", 53, port, 8 + len(answer), 0) + answer), b"")

    def seconds(self) -> Iterator[tuple[int, bytes]]:
        """Each second with packets: its end, and its blocks."""
        self.packets.sort()
        waiting, end_ns = b"", 0
        for time_ns, _, data, comment in self.packets:
            if waiting and time_ns >= end_ns:
                yield end_ns, waiting
                waiting = b""
            if not waiting:
                end_ns = time_ns // NS * NS + NS
            waiting += blocks.enhanced_packet(
                interface=0, time_ns=time_ns, data=data, comments=[comment] if comment else []
            )
        if waiting:
            yield end_ns, waiting


def traffic(seed: int) -> list[tuple[int, bytes]]:
    """Fifty minutes: few ports, used again and again by connections of every kind of ending."""
    wire = Wire(seed)
    pick = wire.random
    free: dict[tuple[int, int], float] = {}
    basic = b"Authorization: Basic dXNlcjpwYXNz\r\n"
    for i in range(400):
        at = pick.random() * SECONDS
        client, port = pick.randrange(2, 12), pick.randrange(40000, 40004)
        kind = pick.choice(("http", "http", "redis", "dns", "scan"))
        if kind == "dns":
            for again in range(pick.randrange(1, 4)):  # of datagrams nothing else says where a conversation ends
                wire.dns(at + 9 * again, client, 20_000 + i, b"h%d" % pick.randrange(9), answered=pick.random() < 0.7)
            continue
        at = max(at, free.get((client, port), 0))
        if kind == "scan":
            wire.tcp(at, client, 50000 + i, 81, [], 0)
            continue
        if kind == "http":
            get = b"GET /%d HTTP/1.1\r\nHost: a\r\n%s\r\n" % (i, basic if pick.random() < 0.3 else b"")
            pair, server_port = [get, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"], 80
        else:
            pair, server_port = [b"*1\r\n$4\r\nPING\r\n", b"+PONG\r\n"], 6379
        turns = pair * pick.randrange(1, 4)
        if pick.random() < 0.2:
            turns = turns[:-1]
        ending = pick.choice((FIN, FIN, RST))
        free[client, port] = wire.tcp(at, client, port, server_port, turns, ending) + pick.choice((0.5, 3, 70))
    return list(wire.seconds())


def head() -> bytes:
    """The first blocks of a recording."""
    return blocks.section_header(application="test") + blocks.interface_description(name="eth0", link_type=101)


def shown(name: str, seconds: list[tuple[int, bytes]], limits: AgeLimits, place: Path) -> tuple[list[str], list[str]]:
    """The lines of a chisel, sorted, and what is said beside them."""
    out = io.StringIO()
    given = {"directory": str(place / "udp")} if name == "udp_extract" else ARGUMENTS.get(name, {})
    trace = Trace()
    chisel = registry.find(name)(**given)
    if name == "httptop":
        chisel.limit = 1000
    plan = Plan(chisels=(chisel,), show=Options(json=True))
    dig = LiveDig(trace, plan, out, limits=limits)
    dig.feed(head())
    for end_ns, packets in seconds:
        dig.feed(packets)
        dig.pass_time(end_ns)
    dig.end()
    if limits is AT_ONCE:
        assert len(trace.flows) < 150, "nothing was forgotten"
    return sorted(out.getvalue().splitlines()) if name != "httptop" else calls(out.getvalue()), plan.notes


def calls(tables: str) -> list[str]:
    """What the tables of httptop add up to. A request without an answer counts in the second in which it is given up."""
    sums: Counter[str] = Counter()
    decoder, at = json.JSONDecoder(), 0
    while at < len(tables):
        table, at = decoder.raw_decode(tables, at)
        at += len(tables[at:]) - len(tables[at:].lstrip())
        for method, url, count in table["data"]:
            sums[f"{method} {url}"] += count
    return sorted(f"{key} {count}" for key, count in sums.items())


@pytest.mark.parametrize("name", sorted({*registry.names()} - {"netstat", "udp_extract"}))
@pytest.mark.parametrize("seed", [1, 2])
def test_rows_that_go_change_no_line(name: str, seed: int, tmp_path: Path) -> None:
    """Every chisel says the same of connections, whether rows of the flow table are used up or numbered anew each second."""
    seconds = traffic(seed)
    assert shown(name, seconds, AT_ONCE, tmp_path)[0] == shown(name, seconds, NEVER, tmp_path)[0]


def test_netstat_says_how_many_it_leaves_out() -> None:
    """Of connections that were silent for long it lists none, and counts those that were not closed."""
    seconds = traffic(1)
    few, notes = shown("netstat", seconds, AT_ONCE, Path())
    many, _ = shown("netstat", seconds, NEVER, Path())
    left_out = Counter(many) - Counter(few)
    assert not Counter(few) - Counter(many)
    connections = {json.loads(line)["fd.name"] for line in left_out}
    said = f"netstat: {len(connections):,} connections that were not closed are not listed: they were silent for long"
    assert notes == [said]
    assert len(connections) > 10


def test_extracted_files_are_the_same(tmp_path: Path) -> None:
    """A conversation's line comes when it is forgotten; its file and its numbers are the same."""
    seconds = traffic(1)
    found = []
    for limits in (AT_ONCE, NEVER):
        place = tmp_path / str(limits.fewest)
        lines, _ = shown("udp_extract", seconds, limits, place)
        files = {path.name: path.read_bytes() for path in (place / "udp").iterdir()}
        found.append(([line.replace(str(place), "") for line in lines], files))
    assert found[0] == found[1]
    assert len(found[0][1]) > 10


def test_what_goes_for_want_of_room_is_counted_and_confuses_nothing(tmp_path: Path) -> None:
    """With room for few connections requests lose their answers, but no request is shown at another connection."""
    seconds = traffic(2)
    lines, _ = shown("httplog", seconds, NEVER, tmp_path)
    right = places(lines)
    lines, notes = shown("httplog", seconds, AgeLimits(fewest=1, most=4, open_s=1e9), tmp_path)
    assert places(lines) <= right
    assert any("were forgotten before they ended: more than 4 were open at a time" in note for note in notes)


def places(lines: list[str]) -> set[tuple[str, str]]:
    """What was asked for, and where."""
    return {(each["http.url"], each["fd.name"]) for each in map(json.loads, lines) if "http.url" in each}


def test_a_chisel_of_another_author_keeps_its_rows() -> None:
    """It may keep something by flow, and does not know that rows get new numbers: unless it says so, rows stay."""

    class Own(LineChisel):
        name: ClassVar[str] = "own"

    class Moves(Own):
        def renumber(self, renumbering: Renumbering) -> tuple[()]:
            return ()

    for kind, stays in ((Own, True), (Moves, False)):
        trace = Trace()
        dig = LiveDig(trace, Plan(chisels=(kind(),)), io.StringIO(), limits=AT_ONCE)
        dig.feed(head())
        for _, packets in traffic(1):
            dig.feed(packets)
        assert (len(trace.flows) > 200) == stays


def test_a_copy_with_a_filter_is_the_same() -> None:
    """-w FILE FILTER keeps the same packets."""
    seconds = traffic(3)
    kept = []
    for limits in (AT_ONCE, None):
        trace = Trace()
        keep = BlockFilter(trace, compile_filter("fd.sport=80 or proc.name=curl"), at_once=True, limits=limits)
        kept.append(b"".join(piece for part in [head(), *(each for _, each in seconds)] for piece in keep.keep(part)))
        assert (len(trace.flows) < 150) == (limits is AT_ONCE)
    assert kept[0] == kept[1]
    assert len(kept[0]) > 10_000
