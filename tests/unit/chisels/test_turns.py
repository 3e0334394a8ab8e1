"""Turns: how long answers took."""

from __future__ import annotations

import pytest

from pcapdig.chisels.turns import Turns
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

SYN, ACK = 2, 16


def waits(count: int, *, cut: int = 0, **columns: object) -> list[tuple[int, bool, int]]:
    """(packet number, is a write, ns waited) of packets on two flows; `cut`: after so many a second batch begins."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", server_port=80)] * 2)
    tables = Tables(flows=flows, processes=[Process(name="curl", pid=1), Process(name="httpd", pid=2)])
    columns.setdefault("flow", 0)
    columns.setdefault("time_ns", [10 * i for i in range(count)])
    turns = Turns()
    found = []
    for start, stop in ((0, cut), (cut, count)):
        part = {name: value[start:stop] if isinstance(value, list) else value for name, value in columns.items()}
        packets = Packets.from_payloads(tables, [b"x"] * (stop - start), first_number=start + 1, **part)
        rows, waited = turns.waits(rows_of(packets))
        found += zip(rows.number.tolist(), rows.is_write.tolist(), waited.tolist(), strict=True)
    return found


def test_no_rows() -> None:
    """An empty batch has no answers."""
    assert waits(0) == []


def test_a_server_that_speaks_first_answers_nothing() -> None:
    """Nobody asked."""
    assert waits(2, forward=[0, 1]) == []


def test_retransmissions_neither_ask_nor_answer() -> None:
    """The wait is from the bytes that were new."""
    assert waits(3, forward=[1, 1, 0], fresh=[1, 0, 1]) == [(3, True, 20)]


@pytest.mark.parametrize("cut", range(7))
def test_from_the_last_of_a_question_to_the_first_of_its_answer(cut: int) -> None:
    """Each turn once; flows do not mix; a batch may end anywhere."""
    forward, flow = [1, 1, 0, 1, 0, 0], [0, 0, 0, 1, 0, 1]
    assert waits(6, cut=cut, forward=forward, flow=flow) == [(3, True, 10), (6, True, 20)]


def test_both_ends_of_a_packet() -> None:
    """The server's write took so long, and the client's read waited so long."""
    assert waits(2, forward=[1, 0], writer=[0, 1], reader=[1, 0]) == [(2, True, 10), (2, False, 10)]


def test_one_end_alone() -> None:
    """With a filter on the client's process its rows are enough."""
    assert waits(2, forward=[1, 0], writer=[0, -1], reader=[-1, 0]) == [(2, False, 10)]


def test_a_handshake_is_a_turn() -> None:
    """SYN asks, SYN+ACK answers; a SYN of the server's does not."""
    handshake = {"forward": [1, 0], "fresh": 0, "payload_length": 0}
    assert waits(2, tcp_flags=[SYN, SYN | ACK], **handshake) == [(2, True, 10)]
    assert waits(2, tcp_flags=[SYN, SYN], **handshake) == []


def test_packets_out_of_order_wait_for_nothing() -> None:
    """An answer stamped before its question took no time."""
    assert waits(2, forward=[1, 0], time_ns=[10, 5]) == [(2, True, 0)]
