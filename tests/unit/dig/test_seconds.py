"""Cutting a capture at whole seconds."""

from __future__ import annotations

import numpy as np

from pcapdig.dig.seconds import NS, SecondClock


def spans(clock: SecondClock, *times: float) -> list[tuple[int, int, int | None]]:
    """The spans of a batch of times in seconds; what is over, in seconds too."""
    time_ns = np.array([round(time * NS) for time in times], np.int64)
    return [(start, stop, None if over is None else over // NS) for start, stop, over in clock.spans(time_ns)]


def test_empty_batch() -> None:
    """Nothing begins, nothing is over."""
    clock = SecondClock()
    assert (spans(clock), clock.second_ns) == ([], None)


def test_first_packet_ends_nothing() -> None:
    """The second of the first packet is the first."""
    clock = SecondClock()
    assert (spans(clock, 5.2, 5.9), clock.second_ns) == ([(0, 2, None)], 5 * NS)


def test_seconds_within_a_batch() -> None:
    """Each new second ends the last one that had packets."""
    assert spans(SecondClock(), 5.2, 5.9, 6.0, 9.5, 9.6) == [(0, 2, None), (2, 3, 5), (3, 5, 6)]


def test_a_second_may_begin_with_a_batch() -> None:
    """The second of the last batch is over before the first packet of the next."""
    clock = SecondClock()
    spans(clock, 5.2)
    assert spans(clock, 6.1, 6.2) == [(0, 2, 5)]


def test_a_second_may_go_on_in_the_next_batch() -> None:
    """The end of a batch is no end of a second."""
    clock = SecondClock()
    spans(clock, 5.2)
    assert spans(clock, 5.3, 6.1) == [(0, 1, None), (1, 2, 5)]


def test_time_never_goes_back() -> None:
    """A packet out of order, or without a time, is taken where it stands."""
    assert spans(SecondClock(), 5.2, 4.9, 0, 6.1, 5.5) == [(0, 3, None), (3, 5, 5)]


def test_all_spans_cover_the_batch() -> None:
    """Whatever the times, no packet is left out or taken twice."""
    rng = np.random.default_rng(5)
    clock = SecondClock()
    for count in (1, 2, 3, 50):
        found = list(clock.spans(rng.integers(0, 20 * NS, count)))
        assert [i for start, stop, _ in found for i in range(start, stop)] == list(range(count))


def test_time_passes_without_packets() -> None:
    """A second may end by the clock alone, once."""
    clock = SecondClock()
    assert clock.advance_to(7 * NS) is None
    spans(clock, 5.2)
    assert clock.advance_to(5 * NS + 999_999_999) is None
    assert clock.advance_to(7 * NS) == 5 * NS
    assert clock.advance_to(7 * NS + 1) is None
    assert spans(clock, 6.9, 8.0) == [(0, 1, None), (1, 2, 7)]
