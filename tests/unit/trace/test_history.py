"""History: how long answers took, and how long nothing came."""

from __future__ import annotations

import numpy as np
import pytest

from pcapdig.trace import history
from pcapdig.trace.columns import NO_WAIT, NOT_KEPT, Messages, Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.history import History, since

SYN, ACK = 2, 16


def tables() -> Tables:
    """Two flows of one client and server."""
    return Tables(flows=Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", server_port=80)] * 2))


def waits(count: int, *, cut: int = 0, **columns: object) -> list[tuple[int, int]]:
    """(packet number, ns waited) of packets that answer; `cut`: after so many a second batch begins."""
    columns.setdefault("flow", 0)
    columns.setdefault("time_ns", [10 * i for i in range(count)])
    past, known = History(), tables()
    found = []
    for start, stop in ((0, cut), (cut, count)):
        part = {name: value[start:stop] if isinstance(value, list) else value for name, value in columns.items()}
        packets = Packets.from_payloads(known, [b"x"] * (stop - start), first_number=start + 1, **part)
        pairs = zip(packets.number.tolist(), past.wait_ns(packets).tolist(), strict=True)
        found += [(number, waited) for number, waited in pairs if waited != NO_WAIT]
    return found


def test_no_packets() -> None:
    """An empty batch has no answers."""
    assert waits(0) == []


def test_a_server_that_speaks_first_answers_nothing() -> None:
    """Nobody asked."""
    assert waits(2, forward=[0, 1]) == []


def test_retransmissions_neither_ask_nor_answer() -> None:
    """The wait is from the bytes that were new."""
    assert waits(3, forward=[1, 1, 0], fresh=[1, 0, 1]) == [(3, 20)]


@pytest.mark.parametrize("cut", range(7))
def test_from_the_last_of_a_question_to_the_first_of_its_answer(cut: int) -> None:
    """Each turn once; flows do not mix; a batch may end anywhere."""
    forward, flow = [1, 1, 0, 1, 0, 0], [0, 0, 0, 1, 0, 1]
    assert waits(6, cut=cut, forward=forward, flow=flow) == [(3, 10), (6, 20)]


def test_a_handshake_is_a_turn() -> None:
    """SYN asks, SYN+ACK answers; a SYN of the server's does not."""
    handshake = {"forward": [1, 0], "fresh": 0, "payload_length": 0}
    assert waits(2, tcp_flags=[SYN, SYN | ACK], **handshake) == [(2, 10)]
    assert waits(2, tcp_flags=[SYN, SYN], **handshake) == []


def test_packets_out_of_order_wait_for_nothing() -> None:
    """An answer stamped before its question took nobody knows how long."""
    assert waits(2, forward=[1, 0], time_ns=[10, 5]) == []


@pytest.mark.parametrize("cut", range(5))
@pytest.mark.parametrize("isn", [7, 2**32 - 2])
def test_an_answer_acknowledges_its_question(isn: int, cut: int) -> None:
    """One that acknowledges less was not made for it; one that acknowledges more was captured before its question."""

    def turns(*acks: int) -> list[tuple[int, int]]:
        seq = [(isn + at) % 2**32 for at in (0, 50, 1, 51)]
        ack = [(isn + at) % 2**32 for at in (40, acks[0], 51, acks[1])]
        return waits(4, cut=min(cut, 4), forward=[1, 0, 1, 0], tcp_flags=ACK, seq=seq, ack=ack)

    assert turns(1, 2) == [(2, 10), (4, 10)]
    assert turns(2, 9) == [(2, 10)]  # 2: with the FIN
    assert turns(3, 2) == [(4, 10)]
    assert turns(0, 1) == []


def test_gaps_go_on_over_batches() -> None:
    """The first packet of a batch follows the last one of the batch before; stamps that go back are negative."""
    past, known = History(), tables()
    first = Packets.from_payloads(known, [b""] * 2, time_ns=[100, 107])
    second = Packets.from_payloads(known, [b""] * 2, time_ns=[110, 105], first_number=3)
    assert past.gap_ns(first).tolist() == [0, 7]
    assert past.gap_ns(second).tolist() == [3, -5]
    assert past.gap_ns(second).tolist() == [3, -5]  # asking again tells the same
    assert past.gap_ns(first).tolist() == [0, 7]


def test_a_message_has_what_its_first_packet_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found by number; what is too long ago has no value."""
    monkeypatch.setattr(history, "KEPT_PACKETS", 3)
    past, known = History(), tables()
    for number in (1, 3):
        columns = {"flow": 0, "forward": [1, 0], "time_ns": [number * 10, number * 10 + number]}
        past.see(Packets.from_payloads(known, [b"x"] * 2, first_number=number, **columns))
    messages = Messages.from_buffers(known, [b"x"] * 3, number=[4, 2, 3], flow=0)
    assert past.wait_ns(messages).tolist() == [3, NO_WAIT, NO_WAIT]
    assert past.gap_ns(messages).tolist() == [3, NOT_KEPT, 19]


MOST = 2**63 - 1


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (0, 0, 0),
        (-1, 0, 1),
        (0, -1, -1),
        (MOST, MOST, 0),
        (-MOST, MOST, MOST),
        (MOST, -MOST, -MOST),
        (0, -MOST - 1, -MOST),
    ],
)
def test_no_time_is_a_sign_for_nothing(before: int, after: int, expected: int) -> None:
    """Gaps and waits between any two times of 64 bits: what they cannot say becomes the furthest that is no sign."""
    found = since(np.array([before]), np.array([after])).tolist()
    assert found == [expected]
    assert expected != NOT_KEPT
    past = History()
    packets = Packets.from_payloads(tables(), [b"q", b"a"], forward=[True, False], flow=0, time_ns=[before, after])
    assert past.gap_ns(packets).tolist() == [0, expected]
    assert past.wait_ns(packets).tolist() == [NO_WAIT, expected if after >= before else NO_WAIT]
