"""A damaged capture from Python: only what is documented is raised, and each way of looking at it tells the same story."""

from __future__ import annotations

import io

from hypothesis import given, settings
from hypothesis import strategies as st

import pcapdig
from pcapdig.api.scapy_packets import comments_of
from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.trace.trace import Trace

NOTE = comments.line(Process(name="dig", pid=7), is_write=True, evidence="socket")
QUERY = bytes(12) + bytes.fromhex("080045000024000000004011000008080808 0a0000010035303900100000 0102030405060708")
FILE = (
    blocks.section_header()
    + blocks.interface_description(name="lo", link_type=1)
    + b"".join(
        blocks.enhanced_packet(interface=0, time_ns=number, data=QUERY + bytes(number), comments=[NOTE, b"a note"])
        for number in range(4)
    )
)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(FILE) - 1), st.integers(0, 255)), max_size=6), st.integers(0, len(FILE)))
def test_every_view_shows_the_same_packets(changes: list[tuple[int, int]], cut: int) -> None:
    """Of any bytes. Damage is InputError, or noted."""
    data = bytearray(FILE)
    for place, value in changes:
        data[place] = value
    stream = io.BytesIO(bytes(data[: len(data) - cut // 8]))
    try:
        trace = pcapdig.open(stream, strict=False)
        packets = trace.packets()
    except pcapdig.InputError:
        return
    numbers = packets.number.tolist()
    assert sorted({event.number for event in trace}) == numbers
    assert [number for part in trace.packets(batches=True) for number in part.number.tolist()] == numbers
    assert sum(total.packets for total in trace.flows()) <= int((packets.flow >= 0).sum())
    assert len(trace.to_pandas()) == trace.to_arrow().num_rows == len(numbers)


@settings(deadline=None)
@given(st.binary(max_size=40), st.binary(max_size=60))
def test_comments_are_found_in_any_block(packet: bytes, options: bytes) -> None:
    """Whatever lies before and behind the packet."""
    body = blocks.enhanced_packet(interface=0, time_ns=1, data=packet, comments=[options])
    (packets,) = Trace().feed(blocks.section_header() + blocks.interface_description(name="x", link_type=1) + body)
    assert comments_of(packets, 0) == [options]
