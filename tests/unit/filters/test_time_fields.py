"""evt.time and its kin over the sample trace. Rows: see conftest.py."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from pcapdig.filters import compile_filter
from pcapdig.filters.catalogue import FIELDS
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.trace.rows import Rows

START_NS = 1_506_127_469_905_003_444
STEP_NS = 700_000_000


@pytest.fixture
def in_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Runs a test in a zone with summer time, whatever this machine's is."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def values(rows: Rows, name: str) -> list[object]:
    """One value a row."""
    return list(FIELDS[name].values(rows))


def test_raw_times(rows: Rows) -> None:
    """ns since 1970, and in two parts."""
    assert values(rows, "evt.rawtime")[:3] == [START_NS, START_NS, START_NS + 700_000_000]
    assert values(rows, "evt.rawtime.s")[2] == 1_506_127_470
    assert values(rows, "evt.rawtime.ns")[2] == 605_003_444


def test_relative_times(rows: Rows) -> None:
    """Since the first packet, and in two parts."""
    assert values(rows, "evt.reltime")[4] == 1_400_000_000
    assert values(rows, "evt.reltime.s")[4] == 1
    assert values(rows, "evt.reltime.ns")[4] == 400_000_000


@pytest.mark.usefixtures("in_zone")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("evt.time", "02:44:29.905003444"),
        ("evt.time.s", "02:44:29"),
        ("evt.datetime", "2017-09-23 02:44:29.905003444"),
        ("evt.datetime.s", "2017-09-23 02:44:29"),
        ("evt.time.iso8601", "2017-09-23T00:44:29.905003444+0000"),
    ],
)
def test_times_as_text(rows: Rows, name: str, expected: str) -> None:
    """Local summer time, but ISO 8601 in UTC."""
    assert values(rows, name)[0] == expected


@pytest.mark.usefixtures("in_zone")
def test_the_zone_is_that_of_the_moment(packets: Packets) -> None:
    """Half a year later the same zone is an hour nearer to UTC."""
    winter = Packets.from_payloads(packets.trace, [b"", b""], time_ns=[START_NS, 1_516_668_269_000_000_012])
    assert values(rows_of(winter), "evt.time") == ["02:44:29.905003444", "01:44:29.000000012"]


def test_without_a_first_packet_there_is_no_start_to_count_from() -> None:
    """Tables made by hand: a relative time is missing, not wrong."""
    packets = Packets.from_payloads(Tables(), [b""], time_ns=START_NS)
    assert values(rows_of(packets), "evt.reltime") == [None]


def test_the_start_is_the_first_packet_whatever_it_is() -> None:
    """A capture of ARP alone has relative times too."""
    arp = Packets.from_payloads(Tables(first_ns=START_NS), [b"", b""], time_ns=[START_NS, START_NS + 5])
    assert values(rows_of(arp), "evt.reltime") == [0, 5]


def test_latency_is_the_answers(rows: Rows) -> None:
    """From SYN to SYN+ACK; both ends of the packet have it, no other row does."""
    assert values(rows, "evt.latency") == [None, None, STEP_NS, STEP_NS] + [None] * 13
    assert values(rows, "evt.latency.s")[2] == 0
    assert values(rows, "evt.latency.ns")[2] == STEP_NS
    assert values(rows, "evt.latency.human")[:3] == [None, None, "700ms"]


def test_a_missing_latency_is_neither_long_nor_short(rows: Rows) -> None:
    """Like every missing value."""
    slow, fast = (compile_filter(text).mask(rows) for text in ("evt.latency>=700000000", "evt.latency<700000000"))
    assert slow.tolist() == [False, False, True, True] + [False] * 13
    assert not fast.any()


def test_delta_is_since_the_packet_before(rows: Rows) -> None:
    """The same at both ends of a packet; 0 for the first."""
    assert values(rows, "evt.deltatime")[:6] == [0, 0, STEP_NS, STEP_NS, STEP_NS, STEP_NS]
    assert values(rows, "evt.deltatime.s")[2] == 0
    assert values(rows, "evt.deltatime.ns")[2] == STEP_NS


@pytest.mark.parametrize("passing", ["evt.deltatime>0", "not evt.latency exists and evt.deltatime exists"])
def test_a_filter_sees_batches_of_which_nothing_passes(packets: Packets, passing: str) -> None:
    """The gap of a batch's first packet is to the last one of the batch before."""
    chosen, tables = compile_filter(f"evt.num=4 and {passing}"), packets.trace
    assert chosen.uses_history
    for first_number in (1, 3):
        batch = Packets.from_payloads(
            tables, [b"", b""], first_number=first_number, time_ns=[first_number * 10, first_number * 10 + 5]
        )
        found = rows_of(batch).select(chosen.mask(rows_of(batch)))
    assert values(found, "evt.deltatime") == [5]
    assert tables.history.gap_ns(batch).tolist() == [15, 5]
