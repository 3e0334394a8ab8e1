"""Time of day in the zone valid at the event, and the columns of -t."""

import time
from collections.abc import Iterator

import pytest

from pcapdig.render.options import TimeStyle
from pcapdig.render.times import LocalClock, TimeColumn, seconds_text

SEPTEMBER_NS = 1506127469905003444
"""2017-09-23 00:44:29.905003444 UTC; summer time in Berlin."""
JANUARY_NS = 1484527469000000001
"""2017-01-16 00:44:29.000000001 UTC; winter time in Berlin."""


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run in a zone that has summer time."""
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("time_ns", "expected"), [(SEPTEMBER_NS, "02:44:29.905003444"), (JANUARY_NS, "01:44:29.000000001")]
)
def test_clock_has_the_offset_valid_at_the_event(time_ns: int, expected: str) -> None:
    """A capture of the other half of the year is not an hour off."""
    assert expected == LocalClock().time_of_day_ns(time_ns)


@pytest.mark.usefixtures("berlin")
def test_clock_goes_back_in_time() -> None:
    """The remembered second does not stick."""
    clock = LocalClock()
    texts = [clock.time_of_day(at) for at in (SEPTEMBER_NS, JANUARY_NS, SEPTEMBER_NS)]
    assert ["02:44:29", "01:44:29", "02:44:29"] == texts


@pytest.mark.usefixtures("berlin")
def test_date_is_local() -> None:
    """Near midnight the local date differs from that of UTC."""
    assert "2017-09-23" == LocalClock().date(SEPTEMBER_NS)
    assert "2017-09-24" == LocalClock().date(SEPTEMBER_NS + 22 * 3600 * 10**9)


def test_absolute_pads_nanoseconds() -> None:
    """17052 ns are .000017052, not .17052."""
    assert "1506127476.000017052" == TimeColumn(TimeStyle.ABSOLUTE).text(1506127476000017052)


def test_relative_counts_from_the_first_event_of_the_trace() -> None:
    """Also when that event was not shown."""
    column = TimeColumn(TimeStyle.RELATIVE)
    column.start_at(1_000_000_000)
    column.start_at(2_000_000_000)
    assert "0.500000000" == column.text(1_500_000_000)


def test_relative_without_a_start_counts_from_the_first_shown() -> None:
    """Nothing else is known then."""
    column = TimeColumn(TimeStyle.RELATIVE)
    assert ["0.000000000", "0.000018563"] == [column.text(at) for at in (5_000, 23_563)]


def test_latency_is_the_answers_own() -> None:
    """0 for what answers nothing, whenever it was."""
    column = TimeColumn(TimeStyle.LATENCY)
    assert ["0.000000000", "0.000018563"] == [column.text(5_000), column.text(7_000, 18_563)]


def test_delta_counts_from_the_event_shown_before() -> None:
    """The first has none before it; a step back in time has a minus."""
    column = TimeColumn(TimeStyle.DELTA)
    assert ["0.000000000", "1.000000002", "-1.000000001"] == [column.text(at) for at in (7, 1_000_000_009, 8)]


@pytest.mark.parametrize(
    ("time_ns", "expected"), [(0, "0.000000000"), (-5, "-0.000000005"), (-1_500_000_000, "-1.500000000")]
)
def test_seconds_of_negative_times_keep_their_sign(time_ns: int, expected: str) -> None:
    """Python's floor division does not leak through."""
    assert expected == seconds_text(time_ns)
