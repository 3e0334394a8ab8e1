"""Lines in the order of their times: within the limits all of them, beyond them as few too late as can be, and none lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pcapdig.dig.ordering import InOrder

times = st.lists(st.integers(-5, 40), max_size=60)


def through(
    arrivals: list[int], line_limit: int = 1 << 30, size_limit: int = 1 << 30
) -> tuple[list[tuple[int, int]], int]:
    """What comes out, as (time, number of arrival), and how many were late."""
    order: InOrder[tuple[int, int]] = InOrder(line_limit, size_limit)
    out = []
    for number, time_ns in enumerate(arrivals):
        order.add(time_ns, (time_ns, number), 1)
        if order.is_full:
            out += order.half()
    return out + order.rest(), order.late


@given(times)
def test_all_are_sorted_where_they_have_room(arrivals: list[int]) -> None:
    """By time; what is of one time stays in the order in which it came."""
    out, late = through(arrivals)
    assert (sorted((time_ns, number) for number, time_ns in enumerate(arrivals)), 0) == (out, late)


@given(times, st.integers(1, 9), st.booleans())
def test_none_is_lost_where_they_have_not(arrivals: list[int], limit: int, by_size: bool) -> None:
    """The same lines come out, and those that step back are counted."""
    out, late = through(arrivals, *((1 << 30, limit) if by_size else (limit, 1 << 30)))
    latest, steps = -(1 << 63), 0
    for time_ns, _ in out:
        steps += time_ns < latest
        latest = max(latest, time_ns)
    assert (sorted(out), late) == (sorted((time_ns, number) for number, time_ns in enumerate(arrivals)), steps)


@given(st.lists(st.integers(0, 6), max_size=60), st.integers(4, 20))
def test_what_is_at_most_half_the_room_late_is_in_order(delays: list[int], limit: int) -> None:
    """A line that comes behind no more than half as many as may wait finds its place."""
    arrivals = sorted(range(len(delays)), key=lambda number: number + min(delays[number], limit // 2 - 1))
    assert through(arrivals, limit)[1] == 0


@given(times, st.lists(st.integers(-5, 40), max_size=5))
def test_what_is_earlier_than_a_time(arrivals: list[int], moments: list[int]) -> None:
    """It is handed out, and nothing else."""
    order: InOrder[int] = InOrder()
    for time_ns in arrivals:
        order.add(time_ns, time_ns, 1)
    waiting = sorted(arrivals)
    for moment in moments:
        assert [time_ns for time_ns in waiting if time_ns < moment] == order.before(moment)
        waiting = [time_ns for time_ns in waiting if time_ns >= moment]
    assert waiting == order.rest()


def test_how_far_a_line_went_back() -> None:
    """From the latest time that was handed out before it."""
    order: InOrder[str] = InOrder()
    order.add(50, "b", 1)
    order.rest()
    order.add(20, "a", 1)
    assert (["a"], 1, 30) == (order.rest(), order.late, order.late_ns)
