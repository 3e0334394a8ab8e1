"""Captures made so that unseeded hashes collide: they are read in time that grows with their size.

With all in one slot the files here would take some 10 s each; they take hundredths. The bound is on processor time, far from both.
"""

from __future__ import annotations

import itertools
import struct
import time

import pytest

from pcapdig.pcapng import blocks
from pcapdig.trace.trace import Trace

MOST_SECONDS = 3.0
WORD = 1 << 64
FACTOR = 0x9E3779B97F4A7C15
"""2^64 divided by the golden ratio, odd: the usual multiplier of such hashes, and once that of flows."""
HEAD = blocks.section_header() + blocks.interface_description(name="lo", link_type=1)


def block(frame: bytes, *comments: bytes) -> bytes:
    """A packet."""
    return blocks.enhanced_packet(interface=0, time_ns=1, data=frame, flags=2, comments=comments)


def datagram(source: bytes, port: int) -> bytes:
    """To port 53, over IPv6."""
    addresses = source + b"\x20\x01\x0d\xb8" + bytes(11) + b"\1"
    return (
        bytes(12)
        + b"\x86\xdd"
        + struct.pack(">IHBB", 6 << 28, 8, 17, 64)
        + addresses
        + struct.pack(">HHHH", port, 53, 8, 0)
    )


def colliding_flows(count: int) -> bytes:
    """Address and port chosen so that `(address ^ address >> 32) * FACTOR + port` is always the same."""
    packets = []
    for port in range(1, count + 1):
        folded = (0x1234567812345678 - port * pow(FACTOR, -1, WORD)) % WORD
        packets.append(
            block(datagram(b"\x20\x01\x0d\xb8" + bytes(4) + (folded ^ folded >> 32).to_bytes(8, "little"), port))
        )
    return HEAD + b"".join(packets)


def colliding_comments(doublings: int) -> bytes:
    """2^doublings comments: the highest bit of a word, and what becomes of it in the next, are flipped or not, again and again."""
    begin = b'proc.name=aaaaaa proc.pid=1 evt.io_dir=write user.name="'
    begin += b"x" * (-len(begin) % 8)
    words = (b"abcdefgh" + b"ijklmnop", b"abcdefg\xe8" + b"ijkl" + bytes([ord("m") ^ 4]) + b"no\xf0")
    before, after = block(datagram(bytes(15) + b"\1", 7), begin + b"?" * 16 * doublings + b'"').split(
        b"?" * 16 * doublings
    )
    return HEAD + b"".join(before + b"".join(picked) + after for picked in itertools.product(words, repeat=doublings))


@pytest.mark.parametrize("name", ["flows", "comments"])
def test_what_should_share_a_slot_does_not(name: str) -> None:
    """Each flow is a row and each comment is read, and it does not take long."""
    data = colliding_flows(60_000) if name == "flows" else colliding_comments(16)
    trace = Trace()
    start = time.process_time()
    packets = sum(len(batch) for batch in trace.feed(data))
    assert time.process_time() - start < MOST_SECONDS
    assert packets == (60_000 if name == "flows" else 1 << 16)
    assert len(trace.flows) == (60_000 if name == "flows" else 1)


def segment(seq: int, ack: int, flags: int, *, forward: bool = True) -> bytes:
    """Between 10.0.0.1:4000 and 10.0.0.2:80."""
    ends, ports = (b"\x0a\0\0\1", b"\x0a\0\0\2"), (4000, 80)
    if not forward:
        ends, ports = ends[::-1], ports[::-1]
    ip = bytes(12) + b"\x08\0" + struct.pack(">BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0) + ends[0] + ends[1]
    return ip + struct.pack(">HHIIBBHHH", *ports, seq % 2**32, ack % 2**32, 0x50, flags, 65535, 0, 0)


@pytest.mark.parametrize("kind", ["syn", "syn+ack", "outside"])
def test_floods_between_two_ends_are_linear(kind: str) -> None:
    """Each SYN with another number is a connection, but a packet is looked for in the newest eight only; a second SYN+ACK and what is out of
    window are packets of the one there is.
    """
    syn, ack, count = 2, 16, 60_000
    opened = [segment(1, 0, syn), segment(9, 2, syn | ack, forward=False), segment(2, 10, ack)]
    numbers = [i * 7919 * 65537 for i in range(count)]
    if kind == "syn":
        frames = [segment(number, 0, syn) for number in numbers]
    elif kind == "syn+ack":
        frames = opened[:1] + [segment(number, 2, syn | ack, forward=False) for number in numbers]
    else:
        frames = opened + [segment(number + 2**31, number * 3, ack | 1) for number in numbers]
    data = HEAD + b"".join(block(frame) for frame in frames)
    trace = Trace()
    start = time.process_time()
    assert sum(len(batch) for batch in trace.feed(data)) == len(frames)
    assert time.process_time() - start < MOST_SECONDS
    assert len(trace.flows) == (len({number % 2**32 for number in numbers}) if kind == "syn" else 1)
