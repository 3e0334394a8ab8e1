"""Answers in datagrams that were captured before their requests."""

from __future__ import annotations

import random
import struct

from pcapdig.chisels.dialogues import Dialogues, Opening
from pcapdig.chisels.early import EARLY_MAX, EARLY_NS
from pcapdig.protocols.conversation import Dialogue
from pcapdig.protocols.dns import DnsCall, DnsDialogue
from pcapdig.protocols.memcached_datagrams import MemcachedDatagrams
from pcapdig.trace.columns import Messages, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

T0 = 10**18
MS = 1_000_000
Datagram = tuple[int, int, bool, bytes]
"""Time in ms, flow, from the client, payload."""


def message(number: int, *, answers: bool) -> bytes:
    """A question for the address of nNUMBER, or its answer without one."""
    name = b"n%d" % number
    return (
        struct.pack("!HHHHHH", number, 0x8180 if answers else 0x100, 1, 0, 0, 0)
        + b"%c%s\0\0\1\0\1" % (len(name), name)
    )  # fmt: skip


def records(
    datagrams: list[Datagram], *, end: bool = True, dialogue: type[Dialogue[DnsCall, object]] | None = None
) -> list[DnsCall]:
    """What is told of them."""
    flows = Flows.from_records(
        FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000 + i, server_port=53, protocol=17)
        for i in range(1 + max(flow for _, flow, _, _ in datagrams))
    )
    messages = Messages.from_buffers(
        Tables(flows=flows),
        [data for *_, data in datagrams],
        flow=[flow for _, flow, _, _ in datagrams],
        forward=[forward for _, _, forward, _ in datagrams],
        time_ns=[T0 + time * MS for time, _, _, _ in datagrams],
        number=list(range(1, len(datagrams) + 1)),
    )

    def begin(opening: Opening) -> Dialogue[DnsCall, object]:
        return dialogue() if dialogue else DnsDialogue(is_stream=False)

    dialogues = Dialogues(begin)
    found = [one.record for one in dialogues.feed(rows_of(messages))]
    return found + [one.record for one in dialogues.end()] if end else found


def test_an_answer_before_its_query_waits_for_it() -> None:
    """They are a pair that took no time one could tell."""
    (call,) = records([(0, 0, False, message(1, answers=True)), (50, 0, True, message(1, answers=False))], end=False)
    assert call.query is not None and call.answer is not None and call.latency_ns is None


def test_an_answer_whose_query_does_not_come_is_told_when_its_time_is_over() -> None:
    """Without another datagram of its flow."""
    alone = (0, 0, False, message(1, answers=True))
    wait = EARLY_NS // MS
    assert records([alone, (wait, 1, True, message(2, answers=False))], end=False) == []
    (call,) = records([alone, (wait + 1, 1, True, message(2, answers=False))], end=False)
    assert call.query is None
    assert [one.query is None for one in records([alone])] == [True]


def test_a_query_that_comes_too_late_for_an_answer_has_its_own() -> None:
    """An answer came twice, and its query with that id again seconds later: the copy is not the second query's answer."""
    late = 5000
    first = [(0, 0, True, message(1, answers=False)), (10, 0, False, message(1, answers=True))]
    copy = (20, 0, False, message(1, answers=True))
    again = [(late, 0, True, message(1, answers=False)), (late + 12, 0, False, message(1, answers=True))]
    calls = records([*first, copy, *again])
    assert [(call.query is not None, call.latency_ns) for call in calls] == [
        (True, 10 * MS),
        (False, None),
        (True, 12 * MS),
    ]


def test_answers_that_wait_are_limited_in_number() -> None:
    """Those that wait longest are told first."""
    many = [(0, flow, False, message(flow % 65536, answers=True)) for flow in range(EARLY_MAX + 5)]
    told = records(many, end=False)
    assert [call.answer and call.answer.id for call in told] == [0, 1, 2, 3, 4]


def test_a_memcached_answer_before_its_request() -> None:
    """The number of both says so."""
    head = struct.pack("!HHHH", 7, 0, 1, 0)
    datagrams = [(0, 0, False, head + b"VALUE k 0 1\r\nv\r\nEND\r\n"), (20, 0, True, head + b"get k\r\n")]
    (call,) = records(datagrams, end=False, dialogue=MemcachedDatagrams)  # type: ignore[arg-type]
    assert call.asked is not None and call.answered is not None and call.latency_ns is None


def test_pairs_are_those_that_were_whatever_the_order() -> None:
    """Random queries and answers of several flows, each captured up to 100 ms before or after the other."""
    for seed in range(60):
        chance = random.Random(seed)
        datagrams: list[Datagram] = []
        for number in range(chance.randint(1, 40)):
            flow, asked = chance.randrange(3), chance.randint(0, 2000)
            datagrams.append((asked, flow, True, message(number, answers=False)))
            if chance.random() < 0.8:
                datagrams.append((asked + chance.randint(-100, 100), flow, False, message(number, answers=True)))
        datagrams.sort(key=lambda one: one[0])
        answered = {data[:2] for _, _, forward, data in datagrams if not forward}
        calls = records(datagrams)
        assert all(call.query is not None for call in calls)
        assert {call.query.id.to_bytes(2) for call in calls if call.query and call.answer} == answered
        assert len(calls) == sum(forward for _, _, forward, _ in datagrams)
        assert all(call.latency_ns is None or 0 <= call.latency_ns <= 100 * MS for call in calls)
