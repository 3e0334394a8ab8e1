"""Connections: what each came to."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from pcapdig.chisels.connections import CLIENT, SERVER, Connections
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Interface, Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

FIN, SYN, RST, ACK = 1, 2, 4, 16


def connections(count: int, *, cut: int = 0, **columns: object) -> Connections:
    """What packets of 3 bytes on one TCP flow and one UDP flow came to; `cut`: after so many a second batch begins."""
    flows = Flows.from_records([
        FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80),
        FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=53, protocol=17),
    ])  # fmt: skip
    processes = [Process(name=name, pid=pid) for pid, name in enumerate("abc", 1)]
    tables = Tables(flows=flows, processes=processes, interfaces=[Interface()] * 3)
    columns.setdefault("flow", 0)
    columns.setdefault("time_ns", [10 * (i + 1) for i in range(count)])
    found = Connections()
    for start, stop in ((0, cut), (cut, count)):
        part = {name: value[start:stop] if isinstance(value, list) else value for name, value in columns.items()}
        found.add(rows_of(Packets.from_payloads(tables, [b"abc"] * (stop - start), **part)))
    return found


def test_no_rows_and_no_flows() -> None:
    """Nothing was seen."""
    assert connections(0).seen().tolist() == []
    assert connections(2, flow=-1).seen().tolist() == []


@pytest.mark.parametrize("cut", range(5))
def test_each_way(cut: int) -> None:
    """Packets and new bytes of each end, first and last time; a packet with two local ends counts once."""
    found = connections(4, cut=cut, forward=[1, 1, 0, 1], writer=[0, 0, 1, 0], reader=[1, 1, 0, 1], fresh=[3, 3, 3, 0])
    assert (found.packets[0].tolist(), found.size_bytes[0].tolist()) == ([3, 1], [6, 3])
    assert (found.first_ns[0], found.last_ns[0]) == (10, 40)


def test_processes_of_the_ends() -> None:
    """All that were seen, and the last one."""
    found = connections(3, forward=[1, 0, 1], writer=[0, 2, 0], reader=[1, 0, 2])
    assert [found.processes(0, end) for end in (CLIENT, SERVER)] == [[0], [1, 2]]
    assert found.holder[0].tolist() == [0, 2]


@pytest.mark.parametrize("cut", range(5))
def test_copies_on_another_interface_are_no_packets(cut: int) -> None:
    """What only the second interface saw is one."""
    found = connections(4, cut=cut, interface=[1, 2, 1, 2], fresh=[3, 0, 3, 3], seq=[1, 1, 4, 7], tcp_flags=ACK)
    assert (found.packets[0].tolist(), found.retransmits(0, CLIENT)) == ([3, 0], 0)


@pytest.mark.parametrize("cut", range(9))
@pytest.mark.parametrize("first", [5, 2**32 - 2])
def test_a_connection_goes_on_at_another_interface(first: int, cut: int) -> None:
    """The next file of a rotated capture: its packets count, acknowledgments without payload too, and copies still do not."""
    found = connections(
        9, cut=cut, interface=[1, 1, 2, 2, 2, 2, 1, 2, 2], forward=[1, 0, 0, 1, 1, 0, 1, 1, 0], fresh=[0] * 5 + [3, 0, 0, 0],
        seq=[9, first, first, 9, 9, first, 9, 9, (first + 3) % 2**32], payload_length=[0] * 5 + [3, 0, 0, 0],
        ack=[first, 9, 9, first, (first + 1) % 2**32, 9, (first + 1) % 2**32, (first + 1) % 2**32, 9],
        tcp_flags=[ACK] * 8 + [ACK | FIN],
    )  # fmt: skip
    # The third and fourth are copies of what interface 1 had, the seventh of what 2 had; the eighth is one that 2 saw again.
    assert (found.packets[0].tolist(), found.size_bytes[0].tolist()) == ([3, 3], [0, 3])


@pytest.mark.parametrize("indices", [[2, 3, 4], [2, 2, 2]])
def test_copies_in_a_capture_of_any_interface(indices: list[int]) -> None:
    """Linux cooked headers (v2) name the interface of each packet: three on one are sent again, on three they are copies."""
    flow = FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)
    tables = Tables(flows=Flows.from_records([flow]), interfaces=[Interface(link_type=276)])
    frames = [struct.pack(">HHIHBB8s", 0x800, 0, index, 1, 0, 6, b"") for index in indices]
    found = Connections()
    found.add(rows_of(Packets.from_payloads(tables, frames, flow=0, seq=7, fresh=[20, 0, 0], tcp_flags=ACK)))
    copies = len(set(indices)) - 1
    assert (found.packets[0, CLIENT], found.retransmits(0, CLIENT)) == (3 - copies, 2 - copies)


def test_directions_may_take_different_interfaces() -> None:
    """Asymmetric routes."""
    assert connections(2, forward=[1, 0], interface=[1, 2], fresh=0).packets[0].tolist() == [1, 1]


def test_retransmits() -> None:
    """Payload, SYN and FIN that were sent before, in part or wholly; of UDP nothing is."""
    found = connections(
        7,
        tcp_flags=[SYN, SYN, ACK, ACK, ACK, FIN | ACK, FIN | ACK],
        payload_length=[0, 0, 3, 3, 3, 0, 0],
        fresh=[0, 0, 3, 0, 2, 0, 0],
    )
    assert [found.retransmits(0, end) for end in (CLIENT, SERVER)] == [4, 0]
    assert connections(2, flow=1, fresh=[3, 0]).retransmits(1, CLIENT) == 0


def test_round_trip() -> None:
    """From SYN to the ACK of SYN+ACK."""
    handshake = {"fresh": 0, "payload_length": 0, "forward": [1, 0, 1]}
    assert connections(3, tcp_flags=[SYN, SYN | ACK, ACK], **handshake).round_trip_ns(0) == 20


@pytest.mark.parametrize(
    ("flags", "forward"),
    [
        ([SYN, SYN, SYN | ACK, ACK], [1, 1, 0, 1]),  # which SYN was answered?
        ([SYN, SYN | ACK, SYN | ACK, ACK], [1, 0, 0, 1]),
        ([SYN | ACK, ACK], [0, 1]),
        ([SYN, SYN | ACK], [1, 0]),
        ([ACK, SYN, SYN | ACK], [1, 1, 0]),
        ([SYN, SYN | ACK, RST | ACK], [1, 0, 1]),
    ],
)
def test_no_round_trip_is_guessed(flags: list[int], forward: list[int]) -> None:
    """Where the handshake is not whole, out of order, or was repeated."""
    found = connections(len(flags), tcp_flags=flags, forward=forward, fresh=0, payload_length=0)
    assert found.round_trip_ns(0) is None


def test_closed() -> None:
    """By both FINs, or by one RST."""
    assert connections(1, tcp_flags=[FIN]).closed_ns(0) is None
    assert connections(2, tcp_flags=[FIN, FIN], forward=[1, 0]).closed_ns(0) == 20
    assert connections(2, tcp_flags=[RST, FIN], forward=[1, 0]).closed_ns(0) == 10


def test_forgotten() -> None:
    """A flow begins anew, others stay."""
    found = connections(3, flow=[0, 1, 0], writer=0)
    found.forget(np.array([0]))
    assert found.seen().tolist() == [1]
    assert (found.packets[0].tolist(), found.processes(0, CLIENT), found.processes(1, CLIENT)) == ([0, 0], [], [0])


def test_in_the_order_of_their_beginning() -> None:
    """Not of the flow table."""
    assert connections(3, flow=[1, 0, 1]).seen().tolist() == [1, 0]


def test_many_flows() -> None:
    """Columns grow and keep what they have."""
    flows = Flows.from_records(FlowRecord(client="::1", server="::1", server_port=i % 65535) for i in range(1000))
    found = Connections()
    for part in (range(10), range(10, 1000)):
        packets = Packets.from_payloads(Tables(flows=flows), [b"x"] * len(part), flow=list(part), time_ns=5)
        found.add(rows_of(packets))
    assert found.packets[:1000, CLIENT].tolist() == [1] * 1000


@pytest.mark.parametrize("at", [0, -25, 2**63 - 101, -(2**63)])
def test_no_time_is_a_sign_for_nothing(at: int) -> None:
    """A connection comes to the same whenever it was, at 0 and at the first and last possible times too."""
    flags, forward = [SYN, SYN | ACK, ACK, ACK, FIN | ACK, FIN | ACK], [1, 0, 1, 0, 1, 0]
    usual = connections(6, tcp_flags=flags, forward=forward)
    times = [at + 10 * i for i in range(6)]
    found = connections(6, tcp_flags=flags, forward=forward, time_ns=times)
    assert (found.first_ns[0], found.last_ns[0], found.closed_ns(0)) == (at, at + 50, at + 50)
    assert found.round_trip_ns(0) == usual.round_trip_ns(0)
    assert found.seen().tolist() == [0]
