"""A dig in a capture that is all there."""

from __future__ import annotations

import mmap
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from pcapdig.dig.digger import Digger
from pcapdig.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.dig.plan import Plan
    from pcapdig.trace.columns import Dimensions, Packets

RESERVE_BYTES = 16 << 20
"""Address space kept for showing what is there when memory is out. It is never touched, so it costs none."""
LIVE_NS = 5_000_000_000
"""Packets from a pipe that are younger are shown at once: somebody watches."""


class Output(Protocol):
    """Takes text."""

    def write(self, text: str, /) -> object:
        """Add some."""


def dig(batches: Iterable[Packets], trace: Dimensions, plan: Plan, out: Output) -> None:
    """Write to `out` what the plan asks of the batches, all of one trace.

    Raises:
        UsageError: -p or a chisel's own filter is wrong; nothing has been written.
        MemoryError: there is not enough; the results of what was dug until then have been written, as far as that went.
        InputError: the capture is damaged; what came before the damage has been dug, and its results written.
            Nothing is written where no packet came before it, as in a file that cannot be opened.
    """
    digger = Digger(trace, plan, out.write)
    reserve = mmap.mmap(-1, RESERVE_BYTES)
    has_packets = False
    try:
        for packets in batches:
            has_packets = True
            digger.feed(packets)
            if digger.done:
                break
            if plan.window_ns is not None and len(packets):
                digger.show_before(_sorted_before(int(packets.time_ns[-1]), plan.window_ns))
    except InputError:
        if has_packets:
            digger.end()
        raise
    except KeyboardInterrupt:
        digger.show_waiting()
        raise
    except MemoryError:
        reserve.close()
        with suppress(MemoryError):  # the first is the one to tell
            digger.end()
        raise
    digger.end()


def _sorted_before(last_ns: int, window_ns: int) -> int:
    """The time up to which lines need not wait any more. None waits where packets come as they are captured."""
    return last_ns + 1 if time.time_ns() - last_ns < LIVE_NS else last_ns - window_ns
