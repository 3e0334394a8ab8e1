"""Runs on files: -r into event lines or chisels, and -r with -w into a file.

In: `Settings`, the output stream. Out: text, or a file. Loads nothing of the recorder.
"""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, TextIO

from pcapdig.cli.book import Book
from pcapdig.dig.summing import Summing, adds_up, dig_sums, load_tables
from pcapdig.errors import InputError, UsageError
from pcapdig.pcapng.source import CaptureSource, open_source
from pcapdig.trace.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence

    from pcapdig.chisels.chisel import Chisel
    from pcapdig.cli.chisel_call import ChiselCall
    from pcapdig.cli.settings import Settings
    from pcapdig.dig import Plan
    from pcapdig.filters import Filter
    from pcapdig.render.options import Options
    from pcapdig.trace.columns import Packets

BATCH_BYTES = 16 << 20
"""Bytes of a capture whose packets are columns at once. Their columns take as much again, and more at once would not be faster."""
PIPE_WINDOW_NS = 10_000_000_000
"""Lines of logs out of a pipe wait so long for earlier ones, by the capture's time, since a pipe may never end."""


def dig_files(settings: Settings, out: TextIO, loaded: Callable[[], None] = lambda: None) -> None:
    """Dig in files as one trace, several merged by time. `loaded` is called when all modules are there that this needs.

    Raises:
        UsageError: the filter, the format or a chisel's argument is wrong. Nothing has been written.
        InputError: a file is no capture, or damaged; what came before has been dug.
    """
    chisels = make_chisels(settings)
    trace = Trace(decap=settings.decap, full_cmdline=settings.record.full_cmdline)
    counts_all = not settings.filter_text and settings.limit is None and not settings.summary
    if counts_all and adds_up(chisels):
        _dig_tables(settings, chisels, trace, out, loaded)
    else:
        _dig_batches(settings, chisels, trace, out, loaded)


def _dig_batches(
    settings: Settings, chisels: tuple[Chisel, ...], trace: Trace, out: TextIO, loaded: Callable[[], None]
) -> None:
    """Dig with columns."""
    plan = make_plan(settings, out, chisels)
    check_files(settings.files[1:])
    trace.batch_bytes = BATCH_BYTES
    sources: list[CaptureSource] = []
    batches = _shown_as_they_come(trace, settings.files, sources, out)
    try:
        if sys.stderr.isatty():
            from pcapdig.cli.progress import watched_dig  # elsewhere a dig knows nothing of it

            loaded()
            watched_dig(batches, trace, plan, out, sources)
        else:
            from pcapdig.dig import dig

            loaded()
            dig(batches, trace, plan, out)
    finally:
        show_notes((*plan.notes, *_trace_notes(trace, settings)), out, sys.stderr)


def _dig_tables(
    settings: Settings, chisels: tuple[Chisel, ...], trace: Trace, out: TextIO, loaded: Callable[[], None]
) -> None:
    """The same for tables of all packets. Files are read from now on, in a thread, while the rest is loaded and checked."""
    sources: list[CaptureSource] = []
    summing = Summing(trace, _summed(trace, settings.files, sources))
    if all(map(_is_regular, settings.files)):  # what else there is may keep a thread waiting when something is wrong
        summing.begin()
    try:
        plan = make_plan(settings, out, chisels)
        check_files(settings.files[1:])
        load_tables()
        loaded()
        try:
            if sys.stderr.isatty():
                from pcapdig.cli.progress import watched_sums

                watched_sums(summing, plan, out, sources)
            else:
                dig_sums(summing, plan, out)
        finally:
            show_notes((*plan.notes, *_trace_notes(trace, settings)), out, sys.stderr)
    finally:
        summing.end()


def _trace_notes(trace: Trace, settings: Settings) -> list[str]:
    """What to say about files that are not as they should be, and about packets that belong to no connection."""
    if not trace.unread:
        return trace.remarks
    from pcapdig.cli.notes import unread_notes

    return [*trace.remarks, *unread_notes(trace, settings)]


def show_notes(notes: Sequence[str], out: TextIO, err: TextIO) -> None:
    """Say on `err` what a dig says beside its output, after that."""
    if notes:
        out.flush()
    for note in notes:
        print(f"note: {note}", file=err)


def copy_files(settings: Settings, out: TextIO) -> None:
    """Copy the packets that pass into a file, after digging if a chisel is asked for too.

    Raises:
        UsageError, InputError: as dig_files. HostError: the file cannot be written.
    """
    target = settings.target or "-"
    check_target(target, shows=bool(settings.chisels))
    if settings.chisels and "-" in settings.files:
        raise UsageError("standard input can be read only once: -w and -c together need a file")
    check_files(settings.files)
    chosen = user_filter(settings)
    damage: InputError | None = None
    if settings.chisels:
        try:
            dig_files(replace(settings, limit=None), out)
        except InputError as error:
            damage = error
    _copy(settings, target, chosen)
    if damage is not None:
        raise damage


def _copy(settings: Settings, target: str, chosen: Filter) -> None:
    from pcapdig.cli.copying import blocks_of, manifest
    from pcapdig.dig import BlockFilter
    from pcapdig.pcapng.sink import FileSink

    trace = Trace(decap=settings.decap, full_cmdline=settings.record.full_cmdline)
    keep = BlockFilter(trace, chosen, limit=settings.limit, keeps_all=settings.keeps_all_blocks)
    sources = [open_source(file) for file in settings.files]
    batches = blocks_of(sources, trace)
    if sys.stderr.isatty():
        from pcapdig.cli.progress import watched_copy

        batches = watched_copy(batches, sources)
    # Behind the last packet there may be more about those that are kept; a pipe may go on for ever.
    reads_on = not settings.keeps_all_blocks and all(map(_is_regular, settings.files))
    damage: InputError | None = None
    with FileSink(target, compress=settings.compress) as sink:
        try:
            for blocks in batches:
                for passing in keep.keep(blocks):
                    sink.write(passing)
                if keep.is_full and not reads_on:
                    break
        except InputError as error:
            damage = None if keep.is_full else error
        sink.write(keep.finish())
    if not settings.quiet:
        sys.stderr.write(manifest(keep))
    if damage is not None:
        raise damage


def make_chisels(settings: Settings) -> tuple[Chisel, ...]:
    """Give the chisels that are asked for.

    Raises:
        UsageError: a directory or a chisel's argument is wrong. ChiselError: a chisel fails, and did not come with pcapdig.
    """
    book = Book(settings.chisel_directories)
    if settings.chisel_directories:
        book.library()  # a mistyped directory is told, be there a chisel or not
    return tuple(_made(book.find(call.name), call, settings.show) for call in settings.chisels)


def make_plan(settings: Settings, out: TextIO, chisels: tuple[Chisel, ...] | None = None) -> Plan:
    """Give what is asked of a dig, with chisels that were made before or new ones. Colour only where the output is a terminal.

    Raises:
        UsageError: the filter, a directory or a chisel's argument is wrong.
    """
    from pcapdig.dig import Plan  # and with it the filters' numpy, which a dig of tables need not wait for

    return Plan(
        chisels=make_chisels(settings) if chisels is None else chisels,
        filter=user_filter(settings),
        show=replace(settings.show, colour=out.isatty() and not settings.show.json),
        format=settings.format,
        limit=settings.limit,
        quiet=settings.quiet,
        summary=settings.summary,
        window_ns=None if all(map(_is_regular, settings.files)) else PIPE_WINDOW_NS,
    )


def _made(chisel: type[Chisel], call: ChiselCall, show: Options) -> Chisel:
    """A chisel with its arguments; under -pc the one that shows containers, if it has one.

    Raises:
        UsageError: an argument is wrong. ChiselError: it fails, and did not come with pcapdig.
    """
    if show.containers:
        chisel = getattr(chisel, "with_containers", chisel)
    try:
        return chisel(verbose=show.verbose, **(call.arguments or {}))
    except Exception as error:  # whatever its author's code may raise
        from pcapdig.chisels.faults import fault_of

        fault = fault_of(chisel, error)
        if fault is error:
            raise
        raise fault from error


def user_filter(settings: Settings) -> Filter:
    """Compile the filter on the command line.

    Raises:
        FilterError: it is none.
    """
    from pcapdig.filters import ALWAYS, compile_filter

    return compile_filter(settings.filter_text) if settings.filter_text else ALWAYS


def check_target(target: str, *, shows: bool) -> None:
    """Refuse packets on a terminal, and packets mixed with text.

    Raises:
        UsageError: that is what was asked for.
    """
    if target == "-" and shows:
        raise UsageError("-w - writes packets to standard output, where the chisel's text goes too; give a file")
    if target == "-" and sys.stdout.isatty():
        raise UsageError("-w - would write packets to this terminal; give a file, or pipe them into a program")


def check_files(files: tuple[str, ...]) -> None:
    """Open files once, so that a mistyped name is told before the first result. Pipes are left alone.

    Raises:
        InputError: one is missing or no capture.
    """
    for file in files:
        if _is_regular(file):
            open_source(file).close()


def _is_regular(file: str) -> bool:
    """No pipe; or not there, which whoever opens it says."""
    try:
        return stat.S_ISREG(os.stat(file).st_mode)
    except OSError:
        return file != "-"


def _summed(trace: Trace, files: tuple[str, ...], sources: list[CaptureSource]) -> Generator[int]:
    """Add up all packets of all files. `sources` is given the open files."""
    sources += [open_source(file) for file in files]
    yield from trace.sum_up(sources)


def _shown_as_they_come(
    trace: Trace, files: tuple[str, ...], sources: list[CaptureSource], out: TextIO
) -> Iterator[Packets]:
    """Give the batches of all files, and show what was written of a batch before asking for the next: input may be a live pipe.

    `sources` is given the open files.
    """
    sources += [open_source(file) for file in files]
    for packets in trace.read_all(sources):
        yield packets
        out.flush()
