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
    """Messages are the bytes that were sent, in order, with gaps for the rest; what acknowledges comes behind what it acknowledges; and the
    cut into batches changes nothing."""
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
    if not limits:
        for flow in (0, 1):
            check_order(packets, flow, [message for message in whole if message[0] == flow])


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
    """Each direction, gaps counted, is one run of sequence numbers from one on that a packet names. Where the connection has ended, what comes
    with other numbers may be of another one, whose SYN was not captured: a run of its own.
    """
    for flow in (0, 1):
        for forward in (False, True):
            mine = [message for message in found if message[:2] == (flow, forward)]
            for _, _, size, data, gaps, _, _ in mine:
                offsets = [offset for offset, _ in gaps]
                assert offsets == sorted(set(offsets)) and all(0 <= offset <= len(data) for offset in offsets)
                assert all(missing > 0 for _, missing in gaps)
                assert size == len(data) + sum(missing for _, missing in gaps)
            starts = beginnings(packets, flow, forward)
            assert (
                not mine or any(is_run(mine, at) for at in starts) or (ends(packets, flow) and are_runs(mine, starts))
            )
    sent = sum(map(int, packets.payload_captured))
    assert sum(len(message[3]) for message in found) <= sent


def is_run(messages: list[Message], at: int) -> bool:
    """Whether these are the bytes from number `at` on."""
    for _, _, _, data, gaps, _, _ in messages:
        done = 0
        for offset, missing in (*gaps, (len(data), 0)):
            if data[done:offset] != stream_bytes(at, offset - done):
                return False
            at, done = (at + offset - done + missing) % 2**32, offset
    return True


def are_runs(messages: list[Message], starts: set[int]) -> bool:
    """Whether these are such runs, one behind the other."""
    begin = 0
    while begin < len(messages):
        stops = range(len(messages), begin, -1)
        begin = next((stop for stop in stops if any(is_run(messages[begin:stop], at) for at in starts)), 0)
        if not begin:
            return False
    return True


def ends(packets: Packets, flow: int) -> bool:
    """Whether a packet could end the connection."""
    return bool(np.any(packets.tcp_flags[packets.flow == flow] & (FIN | RST)))


def beginnings(packets: Packets, flow: int, forward: bool) -> set[int]:
    """The sequence numbers that a direction may begin with: behind its SYN, at a packet of its own, or as the other one acknowledges."""
    mine = packets.flow == flow
    own = packets.seq[mine & (packets.forward == forward)].tolist()
    acks = packets.ack[mine & (packets.forward != forward)].tolist()
    return {*own, *acks, *((seq + 1) % 2**32 for seq in own)}


def check_order(packets: Packets, flow: int, found: list[Message]) -> None:
    """Where all of a connection was captured, and some order is behind all that was acknowledged, messages are in such an order."""
    needs = needs_of(packets, flow)
    if needs is None:
        return
    at, stops = [0, 0], [len(needs[0]), len(needs[1])]
    while at != stops:
        before = [*at]
        for side in (0, 1):
            while at[side] < stops[side] and needs[side][at[side]] <= at[1 - side]:
                at[side] += 1
        if at == before:
            return  # each waits for the other: there is no such order
    at = [0, 0]
    for _, forward, size, *_ in found:
        at[forward] += size
        assert all(need <= at[1 - forward] for need in needs[forward][at[forward] - size : at[forward]])


def needs_of(packets: Packets, flow: int) -> tuple[list[int], list[int]] | None:
    """By byte of the server's and of the client's direction: how many of the other one its first copy acknowledges. None: not all is there."""
    mine = np.flatnonzero(packets.flow == flow).tolist()
    sides = [[i for i in mine if packets.forward[i] == forward] for forward in (False, True)]
    flags = [[int(packets.tcp_flags[i]) & ~ACK for i in rows] for rows in sides]
    if any(side[:1] != [SYN] or any(side[1:]) for side in flags) or any(
        packets.payload_length[rows[0]] for rows in sides
    ):
        return None
    starts = [int(packets.seq[rows[0]]) + 1 for rows in sides]
    first: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for i in mine:
        side = int(packets.forward[i])
        place = (int(packets.seq[i]) - starts[side]) % 2**32
        ack = (int(packets.ack[i]) - starts[1 - side]) % 2**32 if packets.tcp_flags[i] & ACK else 0
        for position in range(place, place + int(packets.payload_length[i])):
            first[side].setdefault(position, ack)
    for side in (0, 1):
        if sorted(first[side]) != [*range(len(first[side]))] or max(first[side].values(), default=0) > len(
            first[1 - side]
        ):
            return None
    return [first[0][at] for at in range(len(first[0]))], [first[1][at] for at in range(len(first[1]))]


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
    turns = [segment(2 * ((i + 1) % 2), ACK, 1 + i // 2 * 10, 10, acked=10 * (i % 2)) for i in range(6)]
    bodies.append(b"".join(said[:2]) + segment(0, RST | ACK, 1) + b"".join(said[2:]))
    return [
        bytes([limit, *[start] * 4]) + opening + body + closing
        for limit in range(4)
        for start in (0, 2, 4)
        for body in bodies
    ] + [
        bytes([0, *[start] * 4]) + opening + b"".join(turns[i] for i in order)
        for start in (0, 2, 4)
        for order in ([0, 1, 2, 3, 4, 5], [1, 0, 3, 2, 5, 4], [5, 4, 3, 2, 1, 0], [1, 3, 5, 0, 2, 4])
    ]


TARGETS = (Target(name="reassemble", run=run, seeds=seeds, is_native=True, longest=800),)
