"""TCP reassembly of any segments. Each byte sent says by its value where in the stream it stands, so none can be made up or moved."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator

import numpy as np

from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows
from targets.target import Numbers, Target, exact

FIN, SYN, RST, ACK = 1, 2, 4, 16
STARTS = (0, 1, 2**31 - 20, 2**31 + 5, 2**32 - 30, 2**32 - 1)
PLACES = np.arange(70_000, dtype=np.uint64)
LIMITS = ({}, {"message_limit": 40, "hold_limit": 60}, {"total_limit": 1500}, {"hold_limit": 1, "message_limit": 1})
SEGMENT_BYTES = 8


def stream_bytes(start: int, count: int) -> bytes:
    """The bytes of every stream at these sequence numbers."""
    places = (PLACES[:count] + np.uint64(start)) & np.uint64(0xFFFFFFFF)
    return (
        ((places * np.uint64(167) + (places >> np.uint64(8)) * np.uint64(13)) & np.uint64(255))
        .astype(np.uint8)
        .tobytes()
    )


def run(data: bytes) -> None:
    """Messages are the bytes that were sent, in order, with gaps for the rest; and the cut into batches changes nothing."""
    numbers = Numbers(data)
    limits = LIMITS[numbers.byte() % len(LIMITS)]
    isn = [STARTS[numbers.byte() % len(STARTS)] for _ in range(4)]
    packets = segments(numbers, isn)
    if packets is None:
        return
    whole = list(messages(packets, (), limits))
    half = len(packets) // 2
    assert list(messages(packets, (half // 2, half), limits)) == whole
    check(packets, whole)


def segments(numbers: Numbers, isn: list[int]) -> Packets | None:
    """Eight bytes of input are a segment: flow and side, flags, distance in the stream, length, captured, acknowledged."""
    columns: dict[str, list[int]] = {
        name: [] for name in ("flow", "forward", "tcp_flags", "seq", "ack", "payload_length", "writer", "time_ns")
    }
    payloads = []
    while numbers.left >= SEGMENT_BYTES:
        who, flags = numbers.byte(), numbers.byte() & 0x1F
        distance, length, missing, acked = numbers.word(), numbers.byte(), numbers.byte(), numbers.byte()
        numbers.byte()
        flow, forward = who & 1, who >> 1 & 1
        if who & 4:
            distance -= 65536
        length *= 1 if who & 8 == 0 else 100
        side = flow * 2 + forward
        seq = (isn[side] + distance) % 2**32
        captured = length if missing < 200 else min(length, missing - 200)
        start = (seq + (1 if flags & SYN else 0)) % 2**32
        payloads.append(stream_bytes(start, captured))
        far = distance + (acked << 8 if who & 16 else acked)
        row = (
            flow,
            forward,
            flags,
            seq,
            (isn[side ^ 1] + far) % 2**32,
            length,
            -1 if who & 32 else who >> 6,
            len(payloads),
        )
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    if not payloads:
        return None
    records = [
        FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000 + i, server_port=80, protocol=6)
        for i in range(2)
    ]
    packets = Packets.from_payloads(Tables(flows=Flows.from_records(records)), payloads, **columns)
    return dataclasses.replace(packets, data=exact(b"".join(payloads)))


Message = tuple[int, bool, int, bytes, tuple[tuple[int, int], ...], int, int]


def messages(packets: Packets, cuts: tuple[int, ...], limits: dict[str, int]) -> Iterator[Message]:
    """What comes out when the batch is fed in parts."""
    reassembler = Reassembler(packets.trace, **limits)
    wanted = np.ones(len(packets.trace.flows), np.bool_)

    def told(rows: Rows) -> Iterator[Message]:
        for i in range(len(rows)):
            yield (
                int(rows.flow[i]),
                bool(rows.forward[i]),
                int(rows.size[i]),
                rows.buffer(i),
                rows.gaps(i),
                int(rows.number[i]),
                int(rows.process[i]),
            )

    edges = [0, *cuts, len(packets)]
    for start, stop in itertools.pairwise(edges):
        yield from told(reassembler.feed(packets, wanted, start, stop))
    yield from told(reassembler.flush())


def check(packets: Packets, found: list[Message]) -> None:
    """Each direction, gaps counted, is one run of sequence numbers from its first segment on."""
    for flow in (0, 1):
        for forward in (False, True):
            at = first_place(packets, flow, forward)
            mine = [message for message in found if message[:2] == (flow, forward)]
            assert not mine or at is not None
            for _, _, size, data, gaps, _, _ in mine:
                assert at is not None
                offsets = [offset for offset, _ in gaps]
                assert offsets == sorted(set(offsets)) and all(0 <= offset <= len(data) for offset in offsets)
                assert all(missing > 0 for _, missing in gaps) and size == len(data) + sum(
                    missing for _, missing in gaps
                )
                done = 0
                for offset, missing in (*gaps, (len(data), 0)):
                    assert data[done:offset] == stream_bytes(at, offset - done)
                    at, done = (at + offset - done + missing) % 2**32, offset
    sent = sum(map(int, packets.payload_captured))
    assert sum(len(message[3]) for message in found) <= sent


def first_place(packets: Packets, flow: int, forward: bool) -> int | None:
    """The sequence number a direction begins with: after its SYN, or at its first byte or FIN."""
    for i in np.flatnonzero((packets.flow == flow) & (packets.forward == forward)).tolist():
        flags, seq = int(packets.tcp_flags[i]), int(packets.seq[i])
        if flags & SYN:
            return (seq + 1) % 2**32
        if packets.payload_length[i] or (flags & FIN and not flags & RST):
            return seq
    return None


def seeds() -> list[bytes]:
    """A connection in order, out of order, with holes, and cut by RST."""

    def segment(who: int, flags: int, distance: int, length: int = 0, missing: int = 0, acked: int = 0) -> bytes:
        return bytes([who, flags]) + distance.to_bytes(2) + bytes([length, missing, acked, 0])

    opening = segment(2, SYN, 0) + segment(0, SYN | ACK, 0, acked=1)
    said = [segment(2, ACK, 1 + i * 10, 10, acked=1) for i in range(5)]
    answered = [segment(0, ACK, 1 + i * 10, 10, acked=50) for i in range(3)]
    closing = segment(2, FIN | ACK, 51) + segment(0, FIN | ACK, 31, acked=52)
    orders = ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [0, 2, 4], [1, 1, 0, 3], [2, 0, 4, 1, 3])
    bodies = [b"".join(said[i] for i in order) + b"".join(answered) for order in orders]
    bodies.append(b"".join(said[:2]) + segment(0, RST | ACK, 1) + b"".join(said[2:]))
    return [
        bytes([limit, *[start] * 4]) + opening + body + closing
        for limit in range(4)
        for start in (0, 2, 4)
        for body in bodies
    ]


TARGETS = (Target(name="reassemble", run=run, seeds=seeds, is_native=True, longest=800),)
