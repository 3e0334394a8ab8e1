"""Lines of a log in the order of their times, although they are complete in another order.

A line is dated by its answer's first packet and complete when the answer has ended, and a request without an answer is only known to
have none when the capture or its connection ends. So lines wait here. In: times and whatever is shown. Out: the same by time; what is
of one time in the order in which it came. Must not know what a line is.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Generic, TypeVar

T = TypeVar("T")

WAITING_LINES = 100_000
"""Lines that wait at most. A capture with fewer is sorted as a whole; beyond it the earlier half is handed out."""
WAITING_BYTES = 32 << 20
"""Characters of lines that wait at most."""


class InOrder(Generic[T]):
    """Lines that wait for earlier ones."""

    __slots__ = (
        "_is_sorted",
        "_items",
        "_last_ns",
        "_line_limit",
        "_out_ns",
        "_size",
        "_size_limit",
        "_times",
        "late",
        "late_ns",
    )

    def __init__(self, line_limit: int = WAITING_LINES, size_limit: int = WAITING_BYTES) -> None:
        """No line yet. Limits are at least 1.

        Args:
            line_limit: lines that may wait.
            size_limit: what their sizes may come to, as `add` is given them.
        """
        self.late = 0
        """Lines handed out behind one with a later time."""
        self.late_ns = 0
        """How far back the furthest of them went, in ns."""
        self._line_limit = line_limit
        self._size_limit = size_limit
        self._times: list[int] = []
        self._items: list[T] = []
        self._size = 0
        self._is_sorted = True
        self._last_ns = -(1 << 63)  # of the line that came last
        self._out_ns = -(1 << 63)  # the latest that was handed out

    def __len__(self) -> int:
        return len(self._items)

    def add(self, time_ns: int, item: T, size: int) -> None:
        """Keep a line. `time_ns`: ns since 1970; `size`: its characters, or whatever the limit counts."""
        if time_ns < self._last_ns:
            self._is_sorted = False
        self._last_ns = time_ns
        self._times.append(time_ns)
        self._items.append(item)
        self._size += size

    @property
    def is_full(self) -> bool:
        """More wait than may: `half` has to be taken."""
        return len(self._items) > self._line_limit or self._size > self._size_limit

    def half(self) -> list[T]:
        """Take the earlier half of what waits."""
        self._sort()
        count = (len(self._items) + 1) // 2
        self._size //= 2  # about: sizes are not kept one by one
        return self._taken(count)

    def before(self, time_ns: int) -> list[T]:
        """Take what is earlier than this time."""
        self._sort()
        count = bisect_left(self._times, time_ns)
        if count:
            self._size -= self._size * count // len(self._items)
        return self._taken(count)

    def rest(self) -> list[T]:
        """Take all."""
        self._sort()
        self._size = 0
        return self._taken(len(self._items))

    def _sort(self) -> None:
        if self._is_sorted:
            return
        order = sorted(range(len(self._times)), key=self._times.__getitem__)
        self._times = [self._times[i] for i in order]
        self._items = [self._items[i] for i in order]
        self._is_sorted = True
        self._last_ns = self._times[-1]

    def _taken(self, count: int) -> list[T]:
        """Hand out the first lines, counting those that come too late."""
        if not count:
            return []
        times, items = self._times, self._items
        if times[0] < self._out_ns:
            self.late += bisect_left(times, self._out_ns, 0, count)
            self.late_ns = max(self.late_ns, self._out_ns - times[0])
        self._out_ns = max(self._out_ns, times[count - 1])
        self._times, self._items = times[count:], items[count:]
        return items[:count]
