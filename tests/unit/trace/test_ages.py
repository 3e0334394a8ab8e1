"""Which rows of a live trace may go."""

from __future__ import annotations

import numpy as np

from pcapdig.trace.ages import NS, AgeLimits, FlowAges
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows

OPEN, ENDED, UNSURE = 0, 1, 2
RECORD = FlowRecord(client="192.0.2.1", server="192.0.2.2")


def ages(last_s: list[float], limits: AgeLimits) -> FlowAges:
    """Flows with their last packets so many seconds after 1970, the last one now."""
    tables = Tables(flows=Flows.from_records([RECORD] * len(last_s)))
    found = FlowAges(limits)
    found.see(
        Packets.from_payloads(
            tables,
            [b""] * len(last_s),
            flow=np.arange(len(last_s)),
            time_ns=np.array([round(each * NS) for each in last_s]),
        )
    )
    return found


def dropped(last_s: list[float], endings: list[int], limits: AgeLimits) -> list[int]:
    """The rows that go."""
    return ages(last_s, limits).renumbering(np.array(endings, np.uint8)).dropped.tolist()


def test_each_kind_has_its_patience() -> None:
    """A connection that has ended goes after a minute, one that is not answered after two, an open one after two hours and four minutes."""
    now = 100_000
    last = [now - 59, now - 61, now - 119, now - 121, now - 7439, now - 7441, now]
    assert dropped(last, [ENDED, ENDED, UNSURE, UNSURE, OPEN, OPEN, OPEN], AgeLimits()) == [1, 3, 5]


def test_a_clock_that_was_set_back_keeps_nothing_for_ever() -> None:
    """What seems to be of the future has been silent as well."""
    assert dropped([100_000, 10], [ENDED, OPEN], AgeLimits()) == [0]


def test_times_at_both_ends_are_far_apart() -> None:
    """The first and the last time that can be said are some 584 years from each other, not 0."""
    assert dropped([(1 << 63) / NS - 1, -(1 << 63) / NS + 1], [ENDED, OPEN], AgeLimits()) == [0]


def test_where_room_is_short_what_has_ended_goes_first() -> None:
    """Then the one that was silent longest; only that is counted, as its connection may go on."""
    limits = AgeLimits(most=4)
    now = 1000
    found = ages([now - 20, now - 30, now - 25, now - 4, now], limits)
    assert found.renumbering(np.array([ENDED, OPEN, OPEN, ENDED, OPEN], np.uint8)).dropped.tolist() == [0, 1]
    assert found.evicted == 1
    assert found.notes() == ["1 connections were forgotten before they ended: more than 4 were open at a time"]


def test_it_is_looked_at_when_rows_have_doubled() -> None:
    """Else each batch would look at all of them."""
    found = ages([1000] * 10, AgeLimits(fewest=4, most=100))
    assert found.is_due(4)
    assert not found.is_due(3)
    found.renumbering(np.full(10, OPEN, np.uint8))
    assert not found.is_due(19)
    assert found.is_due(20)
