"""Queries and answers, of a real dnsmasq too."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.dns import PATIENCE_NS, DnsDialogue


def message(number: int, flags: int, name: bytes = b"\x01a\0") -> bytes:
    """A header and a question."""
    return struct.pack(">6H", number, flags, 1, 0, 0, 0) + name + struct.pack(">2H", 1, 1)


def dns(opening: Any) -> DnsDialogue:
    """Begin as the chisel does."""
    return DnsDialogue(is_stream=not opening.is_datagram)


def test_bytes_that_are_no_dns_are_passed_over() -> None:
    """A datagram of something else."""
    dialogue = DnsDialogue(is_stream=False)
    assert dialogue.feed(Turn(b"hello", True, Moment(0))) == []
    assert dialogue.is_idle


def test_an_answer_to_another_question_is_not_the_answer() -> None:
    """The id alone could be a forgery, and is an answer of its own."""
    dialogue = DnsDialogue(is_stream=False)
    dialogue.feed(Turn(message(1, 0x100), True, Moment(0)))
    (stray,) = dialogue.feed(Turn(message(1, 0x8180, b"\x01b\0"), False, Moment(5)))
    assert stray.query is None
    (call,) = dialogue.feed(Turn(message(1, 0x8180, b"\x01A\0"), False, Moment(9)))
    assert call.query and call.latency_ns == 9


def test_tcp_answers_in_any_order() -> None:
    """RFC 7766 section 6.2.1.1; the length before a message may come alone."""
    dialogue = DnsDialogue(is_stream=True)

    def framed(data: bytes) -> bytes:
        return struct.pack(">H", len(data)) + data

    dialogue.feed(Turn(framed(message(1, 0x100)) + framed(message(2, 0x100)), True, Moment(0)))
    answers = framed(message(2, 0x8180)) + framed(message(1, 0x8180))
    records = dialogue.feed(Turn(answers[:1], False, Moment(3))) + dialogue.feed(Turn(answers[1:], False, Moment(4)))
    assert [record.query.id for record in records if record.query] == [2, 1]


def test_an_answer_comes_from_the_other_end() -> None:
    """Multicast: who asks for a name may tell one too, with the same id 0 and from the same port."""
    dialogue = DnsDialogue(is_stream=False)
    dialogue.feed(Turn(message(0, 0), True, Moment(0)))
    (told,) = dialogue.feed(Turn(struct.pack(">6H", 0, 0x8400, 0, 0, 0, 0), True, Moment(1)))
    assert told.query is None
    assert len(dialogue.open) == 1


def test_an_id_may_be_used_again() -> None:
    """A query that was never answered is given up after a minute, and the answer belongs to the later one."""
    dialogue = DnsDialogue(is_stream=False)
    dialogue.feed(Turn(message(1, 0x100), True, Moment(0)))
    (first,) = dialogue.feed(Turn(message(1, 0x100), True, Moment(PATIENCE_NS + 1)))
    (second,) = dialogue.feed(Turn(message(1, 0x8180), False, Moment(PATIENCE_NS + 8)))
    assert (first.answer, second.latency_ns) == (None, 7)


def test_a_repeated_query_is_told_each_time() -> None:
    """The answer belongs to the first, another one to the second."""
    dialogue = DnsDialogue(is_stream=False)
    for time_ns in (0, 5):
        dialogue.feed(Turn(message(1, 0x100), True, Moment(time_ns)))
    found = [call for time_ns in (7, 8) for call in dialogue.feed(Turn(message(1, 0x8180), False, Moment(time_ns)))]
    assert [call.latency_ns for call in found] == [7, 3]
    assert dialogue.is_idle


def test_a_question_in_another_protocols_stream() -> None:
    """Answers without a record are no zone transfer: the first belongs to the query, the others to nothing."""
    dialogue = DnsDialogue(is_stream=True)
    query, answer = (struct.pack(">6H", 3, flags, 1, 0, 0, 0) + b"\x01a\0\0\xfc\0\1" for flags in (0x100, 0x8400))
    dialogue.feed(Turn(len(query).to_bytes(2) + query, True, Moment(0)))
    found = dialogue.feed(Turn((len(answer).to_bytes(2) + answer) * 2, False, Moment(1)))
    assert [(call.query is not None, call.message, call.records) for call in found] == [
        (True, 1, 0),
        (False, None, None),
    ]


def test_names_are_tsharks(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """Ids, names, and response codes of the capture, each query once."""
    calls = records_of("dns", dns)
    numbers = {"NOERROR": 0, "NXDOMAIN": 3, "REFUSED": 5}
    ours = sorted(
        (c.told.id, c.told.questions[0].name, str(numbers[c.answer.rcode]) if c.answer else "") for c in calls
    )
    queries = tshark("dns", "dns.flags.response == 0", "dns.id", "dns.qry.name")
    codes = {
        number: code
        for ids, found in tshark("dns", "dns.flags.response == 1", "dns.id", "dns.flags.rcode")
        for number, code in zip(ids.split(","), found.split(","), strict=True)
    }
    theirs = [
        (int(number, 16), name, codes.get(number, ""))
        for ids, names in queries
        for number, name in zip(ids.split(","), names.split(","), strict=True)
    ]
    assert ours == sorted(theirs)
    assert len(ours) == 12


def test_addresses_are_tsharks(records_of: Callable[..., list[Any]], tshark: Callable[..., list[list[str]]]) -> None:
    """A and AAAA records of the answers."""
    ours = sorted(
        a.text for c in records_of("dns", dns) if c.answer for a in c.answer.answers if a.type in ("A", "AAAA")
    )
    theirs = sorted(
        text
        for row in tshark("dns", "dns.a or dns.aaaa", "dns.a", "dns.aaaa")
        for field in row
        for text in field.split(",")
        if text
    )
    assert ours == theirs
