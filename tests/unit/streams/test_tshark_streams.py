"""Streams of any segmentation, order, repetition and loss: what a plain model says, and what tshark shows when it follows them."""

from __future__ import annotations

import random
import re
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pcapdig.pcapng import blocks
from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.trace import Trace

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")


@dataclass
class Connection:
    """Frames between one port of the client and port 80, and what they carry from the client."""

    port: int
    isn: int = 1000
    frames: list[bytes] = field(default_factory=list)
    expected: bytes = b""
    missing: tuple[tuple[int, int], ...] = ()

    def segment(self, flags: int, seq: int, data: bytes = b"", *, ack: int = 0, back: bool = False) -> Connection:
        """One segment. `seq` and `ack` count from the initial numbers: 0 is the SYN's (the server's initial number is 5000)."""
        own, other = (5000, self.isn) if back else (self.isn, 5000)
        ports = (80, self.port) if back else (self.port, 80)
        numbers = ((own + seq) % 2**32, (other + ack) % 2**32 if flags & ACK else 0)
        tcp = struct.pack(">HHIIBBHHH", *ports, *numbers, 0x50, flags, 65535, 0, 0)
        ends = SERVER + CLIENT if back else CLIENT + SERVER
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 40 + len(data), 0, 0, 64, 6, 0) + ends
        self.frames.append(bytes(12) + b"\x08\x00" + ip + tcp + data)
        return self

    def opened(self) -> Connection:
        """The handshake."""
        return self.segment(SYN, 0).segment(SYN | ACK, 0, ack=1, back=True).segment(ACK, 1, ack=1)


def in_any_order(chosen: random.Random, connection: Connection) -> Connection:
    """A stream cut anywhere, its pieces shuffled within a window, repeated, cut again at other places, overlapping."""
    connection.opened()
    data = bytes(chosen.choices(b"abcdefghijklmnopqrstuvwxyz", k=chosen.randrange(1, 120)))
    edges = sorted({0, len(data), *(chosen.randrange(len(data)) for _ in range(chosen.randrange(12)))})
    pieces = list(pairwise(edges))
    for _ in range(chosen.randrange(4)):
        start = chosen.randrange(len(data))
        pieces.append((start, chosen.randrange(start, len(data)) + 1))
    window = chosen.choice([1, 3, 50])
    pieces = [pieces[i] for i in sorted(range(len(pieces)), key=lambda i: i + chosen.random() * window)]
    for start, stop in pieces:
        connection.segment(PSH | ACK, 1 + start, data[start:stop], ack=1)
    connection.segment(FIN | ACK, 1 + len(data), ack=1).segment(ACK, 1, ack=2 + len(data), back=True)
    connection.expected = data
    return connection


def special(port: int) -> list[Connection]:
    """What the rules of TCP say of odd but real exchanges."""
    push, late = PSH | ACK, 2**32 - 3
    made = [
        ("wraps", Connection(port, isn=late).opened().segment(push, 1, b"abcdef", ack=1).segment(push, 7, b"gh", ack=1), b"abcdefgh"),
        ("keep-alive", Connection(port).opened().segment(push, 1, b"ab", ack=1).segment(ACK, 1, ack=3, back=True)
         .segment(ACK, 2, b"\0", ack=1).segment(ACK, 2, ack=1).segment(push, 3, b"cd", ack=1), b"abcd"),
        ("keep-alive first", Connection(port).opened().segment(ACK, 0, b"\0", ack=1).segment(push, 1, b"ab", ack=1), b"ab"),
        ("window probe", Connection(port).opened().segment(push, 1, b"ab", ack=1).segment(ACK, 3, b"c", ack=1)
         .segment(ACK, 1, ack=3, back=True).segment(push, 3, b"cd", ack=1), b"abcd"),
        ("fast open", Connection(port).segment(SYN, 0, b"early").segment(SYN | ACK, 0, ack=6, back=True)
         .segment(ACK, 6, ack=1).segment(push, 6, b"late", ack=1), b"earlylate"),
        ("fast open refused", Connection(port).segment(SYN, 0, b"early").segment(SYN | ACK, 0, ack=1, back=True)
         .segment(push, 1, b"early", ack=1), b"early"),
        ("both open", Connection(port).segment(SYN, 0).segment(SYN, 0, back=True).segment(SYN | ACK, 0, ack=1)
         .segment(SYN | ACK, 0, ack=1, back=True).segment(push, 1, b"hi", ack=1), b"hi"),
        ("repeated syn", Connection(port).segment(SYN, 0).segment(SYN, 0).opened().segment(push, 1, b"hi", ack=1), b"hi"),
        ("midstream", Connection(port).segment(push, 500, b"ab", ack=900).segment(push, 502, b"cd", ack=900), b"abcd"),
        ("end out of order", Connection(port).opened().segment(FIN | push, 4, b"end", ack=1).segment(push, 1, b"the", ack=1)
         .segment(ACK, 1, ack=8, back=True), b"theend"),
        ("data after the end", Connection(port).opened().segment(FIN | push, 1, b"bye", ack=1).segment(push, 5, b"x", ack=1), b"bye"),
        ("text on a reset", Connection(port).opened().segment(push, 1, b"ab", ack=1).segment(RST | ACK, 3, b"why", ack=1), b"abwhy"),
        ("reset in between", Connection(port).opened().segment(push, 1, b"ab", ack=1).segment(RST, 1, back=True)
         .segment(push, 3, b"cd", ack=1), b"abcd"),
    ]  # fmt: skip
    for number, (_, connection, expected) in enumerate(made):
        connection.expected = expected
        old = struct.pack(">H", port)
        new = struct.pack(">H", port + number)
        connection.frames = [frame[:34] + frame[34:38].replace(old, new) + frame[38:] for frame in connection.frames]
        connection.port = port + number
    return [connection for _, connection, _ in made]


def lossy(chosen: random.Random, connection: Connection) -> Connection:
    """Pieces are missing and acknowledged: their bytes were sent."""
    connection.opened()
    at = 0
    holes: list[tuple[int, int]] = []
    for _ in range(chosen.randrange(1, 8)):
        data = bytes(chosen.choices(b"abcdefgh", k=chosen.randrange(1, 20)))
        if chosen.random() < 0.4 and at:
            if holes and holes[-1][0] == len(connection.expected):
                holes[-1] = (holes[-1][0], holes[-1][1] + len(data))
            else:
                holes.append((len(connection.expected), len(data)))
        else:
            connection.segment(PSH | ACK, 1 + at, data, ack=1)
            connection.expected += data
        at += len(data)
    connection.segment(PSH | ACK, 1 + at, b"last", ack=1).segment(ACK, 1, ack=5 + at, back=True)
    connection.expected += b"last"
    connection.missing = tuple(holes)
    return connection


def written(path: Path, connections: list[Connection]) -> Path:
    """All connections in one capture, taking turns."""
    content = [blocks.section_header(), blocks.interface_description(name="eth0", link_type=1)]
    longest = max(len(connection.frames) for connection in connections)
    frames = [c.frames[i] for i in range(longest) for c in connections if i < len(c.frames)]
    content += [blocks.enhanced_packet(interface=0, time_ns=10**18 + i * 10**5, data=f) for i, f in enumerate(frames)]
    path.write_bytes(b"".join(content))
    return path


def followed_here(path: Path) -> dict[int, tuple[bytes, tuple[tuple[int, int], ...], int]]:
    """Of each client port its bytes, what is missing, and how many bytes were counted."""
    trace = Trace()
    reassembler = Reassembler(trace)
    rows = []
    counted: dict[int, int] = {}
    for packets in trace.read(str(path)):
        rows.append(reassembler.feed(packets, np.ones(len(trace.flows), np.bool_)))
        for flow, size in zip(packets.flow.tolist(), packets.fresh.tolist(), strict=True):
            counted[flow] = counted.get(flow, 0) + size
    rows.append(reassembler.flush())
    found: dict[int, tuple[bytes, tuple[tuple[int, int], ...]]] = {}
    for part in rows:
        for i in range(len(part)):
            data, gaps = found.get(int(part.flow[i]), (b"", ()))
            moved = tuple((at + len(data), size) for at, size in part.gaps(i))
            found[int(part.flow[i])] = (data + part.buffer(i), gaps + moved)
    ports = trace.flows.client_port.tolist()
    assert len(set(ports)) == len(ports), "a connection was taken for two"
    return {ports[flow]: (data, gaps, counted[flow]) for flow, (data, gaps) in found.items()}


def followed_by_tshark(path: Path, count: int) -> dict[int, tuple[bytes, tuple[tuple[int, int], ...]]]:
    """Of each client port what tshark shows, its marks of missing bytes taken out."""
    command = ["tshark", "-n", "-q", "-r", str(path)]
    for stream in range(count):
        command += ["-z", f"follow,tcp,raw,{stream}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found = {}
    for part in done.stdout.split("Follow: tcp,raw")[1:]:
        ends = re.findall(r"Node \d: [0-9.]+:(\d+)", part)
        port = next(int(end) for end in ends if end != "80")
        data, gaps = b"", []
        for line in re.findall(r"^\t?([0-9a-f]+)$", part, re.MULTILINE):
            piece = bytes.fromhex(line)
            if mark := re.fullmatch(rb"\[(\d+) bytes missing in capture file\]\0?", piece):
                gaps.append((len(data), int(mark[1])))
            else:
                data += piece
        found[port] = data, tuple(gaps)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_any_segmentation_is_what_was_sent(tmp_path: Path, seed: int) -> None:
    """Order, repetition, overlaps and wrap-around: each byte once, counted once."""
    chosen = random.Random(seed)
    made = [
        in_any_order(chosen, Connection(2000 + i, isn=chosen.choice([7, 2**32 - 1, 2**32 - 30, 2**31 - 9])))
        for i in range(20)
    ]
    found = followed_here(written(tmp_path / "any.pcapng", made))
    assert found == {c.port: (c.expected, (), len(c.expected)) for c in made}


@needs_tshark
def test_tshark_follows_the_same_streams(tmp_path: Path) -> None:
    """Random segmentations, missing pieces, and the odd cases; the same bytes in the same order, the same pieces missing."""
    chosen = random.Random(1)
    made = [in_any_order(chosen, Connection(2000 + i, isn=chosen.randrange(2**32))) for i in range(25)]
    made += [lossy(chosen, Connection(3000 + i, isn=chosen.randrange(2**32))) for i in range(15)]
    made += special(4000)
    path = written(tmp_path / "all.pcapng", made)
    expected = {c.port: (c.expected, c.missing) for c in made}
    assert {port: (data, gaps) for port, (data, gaps, _) in followed_here(path).items()} == expected
    assert followed_by_tshark(path, len(made)) == expected
