"""Which message of a zone transfer is its last. The states are played in test_state_listing.py; a real server is in test_dns_rdata.py."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from played.dns import a, answer, ask, soa

from pcapdig.protocols.conversation import Moment, Turn
from pcapdig.protocols.dns import DnsDialogue
from pcapdig.protocols.dns_records import read_message
from pcapdig.protocols.dns_transfers import Transfer


def transfer(kind: str, *messages: bytes, serial: int | None = None) -> list[bool]:
    """After each message: whether the transfer is over."""
    one, found = Transfer(read_message(ask(1, kind, serial=serial)[2:])), []
    for message in messages:
        one.take(read_message(message[2:]))
        found.append(one.is_over)
    return found


def test_a_transfer_that_is_not_begun_with_a_version() -> None:
    """What came before was lost: nobody knows which version's SOA ends it."""
    assert transfer("AXFR", answer(1, None, a(1)), answer(1, None, soa(1)), answer(1, None, a(2))) == [
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("known", "new", "is_over"),
    [(1, 1, True), (2, 1, True), (1, 2, False), (0xFFFFFFFF, 0, False), (0, 0x80000000, True)],
)
def test_newer_versions(known: int, new: int, is_over: bool) -> None:
    """RFC 1982: numbers go round."""
    assert transfer("IXFR", answer(1, None, soa(new)), serial=known) == [is_over]


def test_a_message_with_more_records_than_are_read_of_others() -> None:
    """All of a zone are shown."""
    dialogue = DnsDialogue(is_stream=True)
    dialogue.feed(Turn(ask(1, "AXFR"), True, Moment(0)))
    (call,) = dialogue.feed(Turn(answer(1, "AXFR", soa(1), *[a(7)] * 3000, soa(1)), False, Moment(1)))
    assert (len(call.answer.answers if call.answer else ()), call.records) == (3002, 3002)


def test_open_transfers_are_bounded() -> None:
    """The oldest is given up first."""
    dialogue = DnsDialogue(is_stream=True)
    for number in range(5000):
        dialogue.feed(Turn(ask(number, "AXFR"), True, Moment(0)))
        dialogue.feed(Turn(answer(number, "AXFR", soa(1)), False, Moment(1)))
    assert len(dialogue._transfers) <= 1000
    (call,) = dialogue.feed(Turn(answer(4999, "AXFR", soa(1)), False, Moment(1)))
    assert (call.message, call.records) == (2, 2)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(st.integers(1, 250), max_size=4), min_size=1, max_size=6), st.data())
def test_any_incremental_transfer_in_any_messages(versions: list[list[int]], data: st.DataObject) -> None:
    """However its records are parted into messages, it is over with the last record, and not before."""
    newest = len(versions) + 1
    records = [soa(newest)]
    for serial, changed in enumerate(versions, 1):
        half = len(changed) // 2
        records += [soa(serial), *map(a, changed[:half]), soa(serial + 1), *map(a, changed[half:])]
    records.append(soa(newest))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(records) - 1))))
    messages = [answer(1, None, *records[i:j]) for i, j in zip([0, *cuts], [*cuts, len(records)], strict=True)]
    assert transfer("IXFR", *messages, serial=1) == [False] * (len(messages) - 1) + [True]
