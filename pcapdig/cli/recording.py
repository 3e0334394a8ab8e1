"""Live runs: packets into a file (-w), into event lines or chisels, or both.

In: `Settings`, the two output streams. Out: files and text. The only module of cli that loads the recorder.
"""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from pcapdig.cli.settings import Action, Settings
from pcapdig.cli.status import Status, summary
from pcapdig.errors import HostError
from pcapdig.pcapng.patience import Patience, patient
from pcapdig.pcapng.sink import FileSink, ReaderGoneError, SinkError, Taken
from pcapdig.record.recorder import Recorder, RecordingEnded
from pcapdig.render.data import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from pcapdig.dig import BlockFilter, LiveDig
    from pcapdig.filters import Filter
    from pcapdig.record.statistics import Statistics

ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, kill, and the terminal that went away: each ends a recording cleanly."""
QUIET_NS = 500_000_000
"""How long after the hold-back a packet counts as not coming any more: tables of a quiet second are shown then."""


def record(settings: Settings, out: TextIO, err: TextIO) -> None:
    """Record or watch until a signal or -n, then say what was seen, lost and named.

    Raises:
        UsageError: something asked for does not exist; nothing has been written.
        HostError: the machine refuses, or RecordingEnded: the disk is full, an interface went away. Until then all is in the file.
    """
    with ExitStack() as cleanup:
        run = _Run(settings, out, err, cleanup)
        with ended_by_signals(run.stop):
            run.to_the_end()


@contextmanager
def ended_by_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first of the ending signals call `stop`; a second one, of any kind, acts as it did before.

    A SIGHUP that nohup ignores stays ignored.
    """
    before = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    if before[signal.SIGHUP] == signal.SIG_IGN:
        del before[signal.SIGHUP]

    def end(number: int, frame: FrameType | None) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        stop()

    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Run:
    """One live run: where packets go, and what is said about them."""

    def __init__(self, settings: Settings, out: TextIO, err: TextIO, cleanup: ExitStack) -> None:
        """Open everything that packets go to. What is opened is closed by `cleanup`."""
        self._err = err
        self._patience = Patience()
        self._quiet = settings.quiet
        self._target = settings.target if settings.action is Action.RECORD else None
        self._late_ns = settings.record.holdback_ms * 1_000_000 + QUIET_NS
        self._file: FileSink | None = None
        self._keep: BlockFilter | None = None
        self._dig: LiveDig | None = None
        self._status: Status | None = None
        self._gone: BrokenPipeError | None = None
        if self._target is None or settings.chisels:
            self._dig = _open_dig(settings, patient(out, self._patience))
            cleanup.callback(self._end_dig)
        if self._target is not None:
            self._open_file(settings, self._target, cleanup)
        options = settings.record if self._file else replace(settings.record, packet_limit=None)
        self.recorder = Recorder(options, self._put, self._tick, self._was_cut)

    def stop(self) -> None:
        """End soon, and cleanly as far as those who read us let us."""
        self._patience.hurry()
        self.recorder.stop()

    def to_the_end(self) -> None:
        """Record, close, and sum up; what ended it early is raised after that."""
        ended: HostError | None = None
        try:
            statistics = self.recorder.run()
        except RecordingEnded as error:
            ended, statistics = error, error.statistics
        except KeyboardInterrupt:  # a second signal
            self._patience.give_up()
            raise
        finally:
            if self._status:
                self._status.clear()
        try:
            self._close()
        except SinkError as error:
            ended = ended or error
            kept = Taken(statistics.packets, statistics.wire_bytes).plus(error.change)
            statistics = replace(statistics, packets=kept.packets, wire_bytes=kept.wire_bytes)
        if self._gone:
            raise self._gone
        if not self._quiet:
            self._err.write(summary(statistics, None if self._target is None else _shown_name(self._target)))
        if ended is not None and not _is_reader_gone(ended):
            raise ended

    def _open_file(self, settings: Settings, target: str, cleanup: ExitStack) -> None:
        if settings.filter_text or target == "-":
            from pcapdig.cli.digging import check_target, user_filter  # loads numpy

            check_target(target, shows=bool(settings.chisels))
            if settings.filter_text:
                self._keep = _open_block_filter(user_filter(settings), decap=settings.decap)
        self._file = cleanup.enter_context(FileSink(target, compress=settings.compress, patience=self._patience))
        if not settings.quiet:
            self._status = Status(self._err, _shown_name(target))

    def _put(self, blocks: bytes) -> Taken | None:
        """Take blocks from the recorder; give which of their packets are kept, None for all."""
        kept = None
        if self._keep:
            before = Taken(self._keep.kept, self._keep.kept_bytes)
            blocks = b"".join(self._keep.keep(blocks))
            kept = Taken(self._keep.kept, self._keep.kept_bytes) - before
        if self._file:
            self._file.write(blocks)
        if self._dig and not self._gone:
            self._show(blocks)
        return kept

    def _was_cut(self) -> bool:
        """Somebody cut the file, so blocks of processes must come again."""
        if self._file is None or not self._file.was_cut():
            return False
        if self._keep:
            self._keep.begin_again()
        return True

    def _show(self, blocks: bytes) -> None:
        """Dig in blocks. A reader of our text that has gone ends the run."""
        assert self._dig
        try:
            self._dig.feed(blocks)
        except BrokenPipeError as error:
            self._gone = error
        if self._gone or self._dig.done:
            self.recorder.stop()

    def _tick(self, statistics: Statistics) -> None:
        """Do what is due each second."""
        if self._file:
            self._file.flush(time.monotonic_ns())
            self._warn(self._file.lost_name())
        if self._status:
            self._status(statistics)
        if self._dig and not self._gone:
            with suppress(BrokenPipeError):  # the next packet finds out
                self._dig.pass_time(time.time_ns() - self._late_ns)

    def _warn(self, words: str | None) -> None:
        """Say something that cannot wait until the end, also with -q."""
        if words is not None:
            if self._status:
                self._status.clear()
            self._err.write(f"warning: {printable(words)}\n")
            self._err.flush()

    def _close(self) -> None:
        """End the dig and close the file: after this all is on disk."""
        self._end_dig()
        if self._file:
            self._file.close()
        if self._keep:
            self._say(self._keep.notes)

    def _end_dig(self) -> None:
        """Show what is left, once, and give a terminal back."""
        if self._dig is None or self._gone:
            return
        dig, self._dig = self._dig, None
        try:
            dig.end()
        except BrokenPipeError as error:
            self._gone = error
        self._say(dig.notes)

    def _say(self, notes: list[str]) -> None:
        for note in notes:
            self._err.write(f"note: {note}\n")


def _is_reader_gone(error: HostError) -> bool:
    """Whether a run ended because nobody reads the packets any more, which is no error."""
    return isinstance(error, ReaderGoneError) or isinstance(error.__cause__, ReaderGoneError)


def _shown_name(target: str) -> str:
    """Give how a person calls the file."""
    return "standard output" if target == "-" else target


def _open_dig(settings: Settings, out: TextIO) -> LiveDig:
    """Make the live dig that the settings ask for."""
    from pcapdig.cli.digging import make_plan
    from pcapdig.dig import LiveDig
    from pcapdig.trace.trace import Trace

    wanted = settings if settings.action is Action.LIVE else replace(settings, limit=None)
    # What the recorder starred needs no second look.
    trace = Trace("this recording", decap=settings.decap, full_cmdline=True)
    return LiveDig(trace, make_plan(wanted, out), out, is_terminal=out.isatty())


def _open_block_filter(chosen: Filter, *, decap: bool) -> BlockFilter:
    """Make the filter of what is recorded."""
    from pcapdig.dig import BlockFilter
    from pcapdig.trace.ages import AGE_LIMITS
    from pcapdig.trace.trace import Trace

    return BlockFilter(Trace("this recording", decap=decap), chosen, at_once=True, limits=AGE_LIMITS)
