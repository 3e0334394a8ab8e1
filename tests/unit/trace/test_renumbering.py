"""Rows of the flow table that go, and the others that get new numbers."""

from __future__ import annotations

import random

import numpy as np
import pytest

from pcapdig.pcapng import blocks
from pcapdig.trace.renumbering import Renumbering
from pcapdig.trace.trace import Trace

PORTS = 60


def udp(port: int, second: float) -> bytes:
    """The block of a datagram from a port of one host to port 53 of another."""
    head = bytes.fromhex("4500001e000000004011000001020304010203050000003500090000")
    data = head[:20] + port.to_bytes(2, "big") + head[22:] + b"x"
    return blocks.enhanced_packet(interface=0, time_ns=round(second * 1e9), data=data + b"y")


def begun() -> Trace:
    """A trace with an interface."""
    trace = Trace()
    head = blocks.section_header(application="test") + blocks.interface_description(name="eth0", link_type=101)
    assert not list(trace.feed(head))
    return trace


def flows_of(trace: Trace, data: bytes) -> list[str]:
    """The names of the flows of some packets."""
    return [trace.flows.name(flow) for packets in trace.feed(data) for flow in packets.flow.tolist()]


def test_columns_and_keys_move() -> None:
    """A column may end before the table does, or have room beyond it."""
    found = Renumbering(np.array([True, False, True, False, True]))
    assert found.kept.tolist() == [0, 2, 4]
    assert found.dropped.tolist() == [1, 3]
    assert found.new.tolist() == [0, -1, 1, -1, 2]
    assert found.column(np.arange(3)).tolist() == [0, 2]
    assert found.column(np.arange(9)).tolist() == [0, 2, 4]
    assert found.keys({4: "a", 1: "b", 0: "c"}) == {2: "a", 0: "c"}
    assert found.goes(1)
    assert not found.goes(2)


@pytest.mark.parametrize("seed", range(20))
def test_packets_find_their_flow_whatever_went(seed: int) -> None:
    """A packet between the ends of a flow that stayed is its own; else it makes a new row. No two rows have the same ends."""
    chance = random.Random(seed)
    trace, there = begun(), {}
    for step in range(30):
        for _ in range(chance.randrange(1, 40)):
            port = chance.randrange(1, PORTS)
            assert flows_of(trace, udp(port, step)) == [f"1.2.3.4:{port}->1.2.3.5:53"]
            there[port] = True
        names = [trace.flows.name(row) for row in range(len(trace.flows))]
        assert sorted(names) == sorted(f"1.2.3.4:{port}->1.2.3.5:53" for port in there)
        renumbering = Renumbering(np.array([chance.random() < 0.5 for _ in names]))
        trace.renumber(renumbering)
        assert [trace.flows.name(row) for row in range(len(trace.flows))] == [names[i] for i in renumbering.kept]
        there = {int(names[i].split(":")[1].split("-")[0]): True for i in renumbering.kept.tolist()}


def test_what_was_kept_by_row_is_known_to_be_old() -> None:
    """Who keeps something by row compares `numbering`."""
    trace = begun()
    flows_of(trace, udp(1, 1))
    before = trace.flows.numbering
    flows_of(trace, udp(2, 1))
    assert trace.flows.numbering is before
    trace.renumber(Renumbering(np.array([True, False])))
    assert trace.flows.numbering is not before


def test_too_many_comments_are_read_again() -> None:
    """A live trace does not remember all it ever read; processes stay the same."""
    trace = begun()
    packet = udp(1, 1)
    data = packet[28:-4]
    comment = b"proc.name=curl proc.pid=%d evt.io_dir=write evidence=socket"
    for _ in range(2):
        parts = [
            blocks.enhanced_packet(interface=0, time_ns=i, data=data[:32], comments=[comment % (i + 1)])
            for i in range(33_000)
        ]
        writers = [who for packets in trace.feed(b"".join(parts)) for who in packets.writer.tolist()]
        assert writers == list(range(33_000))
        trace.renumber(Renumbering(np.ones(len(trace.flows), np.bool_)))


def test_numbers_with_holes_are_refused() -> None:
    """The table would have rows that nobody wrote."""
    trace = begun()
    flows_of(trace, udp(1, 1) + udp(2, 1))
    renumbering = Renumbering(np.array([True, True]))
    renumbering.new[1] = 5
    with pytest.raises(ValueError, match="flow 1 gets number 5, not 1"):
        trace.renumber(renumbering)
    with pytest.raises(ValueError, match="1 numbers for 2 flows"):
        trace.renumber(Renumbering(np.array([True])))
