"""How far a dig or a copy has come: one line on a terminal's stderr, once it takes over a second.

    38%  402.11M of 1.03G  512.40M/s  1s left

In: sources being read, a clock. Out: text on that stream, taken away before anything else is written there and at the end. Must not know what is dug.
Loaded only where stderr is a terminal: elsewhere a dig knows nothing of it.
"""

from __future__ import annotations

import os
import stat
import sys
import termios
import time
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from pcapdig.dig import dig
from pcapdig.dig.summing import dig_sums
from pcapdig.render.terminal import rewritten
from pcapdig.render.units import bytes_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pcapdig.dig import Plan
    from pcapdig.dig.summing import Summing
    from pcapdig.pcapng.source import CaptureSource
    from pcapdig.trace.columns import Packets
    from pcapdig.trace.sums import Sums
    from pcapdig.trace.trace import Trace

_ERASE = "\r\x1b[K"
"""To the line's beginning, and ECMA-48 EL: erase what is right of it."""
_NS = 1_000_000_000
_QUIET_NS = _NS
"""Nothing is shown of what takes no longer."""
_REDRAW_NS = _NS // 10
_FIRST_BATCH_BYTES = 4 << 20
_LEAST_BATCH_BYTES = 1 << 18
_SHORT_NS, _LONG_NS = _NS // 40, _NS // 10
"""A batch that is dug in less may be larger, one that takes longer should be smaller: the line moves only between batches."""
_LOCAL_MODES = 3
"""Index in what tcgetattr gives (termios(3))."""


class Progress:
    """Shows how far some sources have been read."""

    __slots__ = ("_clock", "_drawn_ns", "_is_shown", "_out", "_out_is_terminal", "_sources", "_started_ns", "_stream")

    def __init__(
        self,
        stream: TextIO,
        out: TextIO,
        sources: Sequence[CaptureSource],
        *,
        clock: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """`stream` is stderr, a terminal; `out` takes the dig's output, which may go to the same terminal."""
        self._stream = stream
        self._out = out
        self._out_is_terminal = out.isatty()
        self._sources = sources
        self._clock = clock
        self._started_ns = self._drawn_ns = clock()
        self._is_shown = False

    def watch(self, batches: Iterator[Packets], trace: Trace) -> Iterator[Packets]:
        """The same batches of `trace`, of a size that lets the line move while they are dug."""
        most = trace.batch_bytes
        trace.batch_bytes = min(_FIRST_BATCH_BYTES, most)
        for packets in batches:
            begun_ns = self._clock()
            yield packets
            took_ns = self._clock() - begun_ns
            if took_ns < _SHORT_NS:
                trace.batch_bytes = min(trace.batch_bytes * 2, most)
            elif took_ns > _LONG_NS:
                trace.batch_bytes = max(trace.batch_bytes // 2, min(_LEAST_BATCH_BYTES, most))
            self.update()

    def write(self, text: str) -> int:
        """Write output. Where that goes to a terminal too, the line is taken away before."""
        if self._out_is_terminal:
            self.clear()
        return self._out.write(text)

    def update(self) -> None:
        """Show where reading is, unless that was done a moment ago."""
        now_ns = self._clock()
        if now_ns - self._started_ns < _QUIET_NS or now_ns - self._drawn_ns < _REDRAW_NS or not self._may_draw():
            return
        sizes = [source.size_bytes for source in self._sources]
        line = progress_line(
            sum(source.position_bytes for source in self._sources),
            None if None in sizes else sum(size for size in sizes if size is not None),
            now_ns - self._started_ns,
        )
        self._drawn_ns, self._is_shown = now_ns, True
        self._put(rewritten(self._stream, line))

    def clear(self) -> None:
        """Take the line away, so that what follows has it for itself."""
        if self._is_shown:
            self._is_shown = False
            self._put(_ERASE)

    def _put(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            self._sources = ()  # the terminal is gone; the dig goes on
            self._started_ns = 1 << 62

    def _may_draw(self) -> bool:
        """Whether the terminal is ours: not in the background, and no pager at the other end of stdout's pipe has taken it."""
        try:
            terminal = self._stream.fileno()
        except OSError:
            return True  # a stream of a test, without a descriptor
        try:
            if os.tcgetpgrp(terminal) != os.getpgrp():
                return False
        except OSError:
            pass  # not the terminal that controls us
        try:
            is_piped = stat.S_ISFIFO(os.fstat(self._out.fileno()).st_mode)
            return not is_piped or bool(termios.tcgetattr(terminal)[_LOCAL_MODES] & termios.ICANON)
        except (OSError, termios.error):
            return True


def watched_dig(
    batches: Iterator[Packets], trace: Trace, plan: Plan, out: TextIO, sources: Sequence[CaptureSource]
) -> None:
    """Dig, and show on stderr how far that has come, if it is a terminal that can.

    Args:
        batches: of `trace`.
        sources: what they are read from; may be filled when the first batch is asked for.

    Raises:
        What `dig` raises, when the line is gone.
    """
    if not shows_progress(sys.stderr):
        dig(batches, trace, plan, out)
        return
    progress = Progress(sys.stderr, out, sources)
    try:
        dig(progress.watch(batches, trace), trace, plan, progress)
    finally:
        progress.clear()


def watched_sums(summing: Summing, plan: Plan, out: TextIO, sources: Sequence[CaptureSource]) -> Sums:
    """`dig_sums`, watched in the same way."""
    if not shows_progress(sys.stderr):
        return dig_sums(summing, plan, out)
    progress = Progress(sys.stderr, out, sources)
    summing.trace.batch_bytes = min(_FIRST_BATCH_BYTES, summing.trace.batch_bytes)

    def look() -> None:
        with suppress(OSError):  # a source that the thread has just closed
            progress.update()

    try:
        return dig_sums(summing, plan, progress, look)
    finally:
        progress.clear()


def watched_copy(batches: Iterator[bytes], sources: Sequence[CaptureSource]) -> Iterator[bytes]:
    """The same batches of blocks, showing on stderr how far their sources have been read, if it is a terminal that can."""
    if not shows_progress(sys.stderr):
        yield from batches
        return
    progress = Progress(sys.stderr, sys.stdout, sources)
    try:
        for blocks in batches:
            yield blocks
            progress.update()
    finally:
        progress.clear()


def shows_progress(stream: TextIO) -> bool:
    """Whether a stream is a terminal that can take a line away again."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def progress_line(position_bytes: int, size_bytes: int | None, elapsed_ns: int) -> str:
    """Give `38%  402.11M of 1.03G  512.40M/s  1s left`; where the size is not known, `402.11M  512.40M/s`."""
    rate = position_bytes * _NS // max(elapsed_ns, 1)
    speed = f"{bytes_text(rate)}/s"
    if not size_bytes:
        return f"{bytes_text(position_bytes)}  {speed}"
    position_bytes = min(position_bytes, size_bytes)
    words = [
        f"{position_bytes * 100 // size_bytes:3d}%",
        f"{bytes_text(position_bytes)} of {bytes_text(size_bytes)}",
        speed,
    ]
    if rate:
        words.append(f"{span_text(-(-(size_bytes - position_bytes) // rate))} left")
    return "  ".join(words)


def span_text(seconds: int) -> str:
    """Give whole seconds as `5s`, `2m05s`, `1h02m`."""
    if seconds < 60:
        return f"{seconds}s"
    if seconds < 3600:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    return f"{seconds // 3600}h{seconds // 60 % 60:02d}m"
