"""Reassembly of any packets: never raises, never invents a byte, and of one direction gives exactly what a plain model gives."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pcapdig.streams.reassembler import Reassembler
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows

SYN, ACK = 2, 16
numbers = st.integers(0, 2**32 - 1)
near_numbers = st.one_of(st.integers(0, 40), st.integers(2**32 - 40, 2**32 - 1), numbers)


def tables(protocols: tuple[int, ...] = (6, 6, 17)) -> Tables:
    """A few flows."""
    return Tables(
        flows=Flows.from_records(
            FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000 + i, server_port=80, protocol=protocol)
            for i, protocol in enumerate(protocols)
        )
    )


def collected(packets: Packets, **limits: int) -> list[tuple[bytes, tuple[tuple[int, int], ...], int]]:
    """(data, gaps, size) of each message, fed in two parts."""
    reassembler = Reassembler(packets.trace, **limits)
    wanted = np.ones(len(packets.trace.flows), np.bool_)
    half = len(packets) // 2
    parts = (reassembler.feed(packets, wanted, 0, half), reassembler.feed(packets, wanted, half), reassembler.flush())
    return [(rows.buffer(i), rows.gaps(i), int(rows.size[i])) for rows in parts for i in range(len(rows))]


@st.composite
def any_packets(draw: st.DrawFn) -> Packets:
    """Packets with any numbers, flags and lengths."""
    payloads = draw(st.lists(st.binary(max_size=12), min_size=1, max_size=30))
    count = len(payloads)

    def column(values: st.SearchStrategy[int]) -> list[int]:
        return draw(st.lists(values, min_size=count, max_size=count))

    more = column(st.sampled_from([0, 0, 0, 1, 5, 2**31, 2**32 - 13]))
    return Packets.from_payloads(
        tables(),
        payloads,
        flow=column(st.integers(-1, 2)),
        forward=column(st.integers(0, 1)),
        seq=column(near_numbers),
        ack=column(near_numbers),
        tcp_flags=column(st.integers(0, 63)),
        writer=column(st.integers(-1, 1)),
        payload_length=[len(payload) + extra for payload, extra in zip(payloads, more, strict=True)],
    )


@settings(max_examples=300, deadline=None)
@given(any_packets(), st.sampled_from([{}, {"message_limit": 8, "hold_limit": 8}, {"total_limit": 10}]))
def test_any_packets(packets: Packets, limits: dict[str, int]) -> None:
    """Every message is its bytes and its gaps, gaps lie inside it in order, and no byte comes from nowhere."""
    found = collected(packets, **limits)
    for data, gaps, size in found:
        offsets = [offset for offset, _ in gaps]
        assert offsets == sorted(set(offsets))
        assert all(0 <= offset <= len(data) and missing > 0 for offset, missing in gaps)
        assert size == min(len(data) + sum(missing for _, missing in gaps), 2**32 - 1)
    assert sum(len(data) for data, _, _ in found) <= len(packets.data)


def modelled(segments: list[tuple[int, bytes]]) -> tuple[bytes, tuple[tuple[int, int], ...]]:
    """What segments at offsets hold together: the copy that came first of each byte, and what nobody brought."""
    stream: dict[int, int] = {}
    for offset, data in segments:
        for i, byte in enumerate(data):
            stream.setdefault(offset + i, byte)
    present = bytearray()
    gaps: list[tuple[int, int]] = []
    for at in range(max(stream, default=-1) + 1):
        if at in stream:
            present.append(stream[at])
        elif gaps and gaps[-1][0] == len(present):
            gaps[-1] = (len(present), gaps[-1][1] + 1)
        else:
            gaps.append((len(present), 1))
    return bytes(present), tuple(gaps)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.binary(min_size=1, max_size=20)), min_size=1, max_size=25), near_numbers
)
@example([(2, b"CD"), (6, b"GH"), (0, b"abxxefxxij")], 2**32 - 4)
@example([(4, b"e"), (0, b"abcdefgh"), (2, b"ccc")], 0)
def test_one_direction_is_what_the_model_says(segments: list[tuple[int, bytes]], isn: int) -> None:
    """Any order, overlap and wrap-around of one direction gives the first copy of each byte, and gaps for the rest.

    A message limit of no effect and no acknowledgement: all holes are given up at the end. Bytes delivered before an overlapping
    copy came are first copies too, so the model needs no more than arrival order.
    """
    payloads = [b"", *(data for _, data in segments)]
    seq = [isn, *((isn + 1 + offset) % 2**32 for offset, _ in segments)]
    packets = Packets.from_payloads(tables((6,)), payloads, flow=0, seq=seq, tcp_flags=[SYN, *[ACK] * len(segments)])
    data, gaps = modelled(segments)
    assert collected(packets) == [(data, gaps, len(data) + sum(missing for _, missing in gaps))]
