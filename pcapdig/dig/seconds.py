"""Where one second of a capture ends and the next begins."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

NS = 1_000_000_000
"""Nanoseconds in a second."""


class SecondClock:
    """Cuts batches at whole seconds of wall time. It never goes back: a packet out of order belongs to the second it came in."""

    __slots__ = ("_second",)

    def __init__(self) -> None:
        self._second: int | None = None

    @property
    def second_ns(self) -> int | None:
        """Start of the present second, ns since 1970; None before the first packet."""
        return None if self._second is None else self._second * NS

    def spans(self, time_ns: NDArray[np.int64]) -> Iterator[tuple[int, int, int | None]]:
        """The parts of a batch that lie in one second: (start, stop, start of the second that ended before this part or None)."""
        if not len(time_ns):
            return
        seconds = time_ns // NS
        if self._second is None:
            self._second = int(seconds[0])
        present = np.maximum.accumulate(np.maximum(seconds, self._second))
        starts = np.flatnonzero(np.diff(present, prepend=self._second)).tolist()
        bounds = [*starts, len(time_ns)]
        if bounds[0]:
            yield 0, bounds[0], None
        for start, stop in pairwise(bounds):
            over_ns = self.second_ns
            self._second = int(present[start])
            yield start, stop, over_ns

    def advance_to(self, time_ns: int) -> int | None:
        """Let time pass without a packet: the start of the second that this ends, None if none does."""
        if self._second is None or time_ns // NS <= self._second:
            return None
        over_ns = self.second_ns
        self._second = time_ns // NS
        return over_ns
