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
from pcapdig.dig import Plan, dig
from pcapdig.errors import InputError, UsageError
from pcapdig.filters import ALWAYS, compile_filter
from pcapdig.pcapng.source import CaptureSource, open_source
from pcapdig.trace.columns import LINK_TYPES
from pcapdig.trace.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pcapdig.chisels.chisel import Chisel
    from pcapdig.cli.chisel_call import ChiselCall
    from pcapdig.cli.settings import Settings
    from pcapdig.filters import Filter
    from pcapdig.render.options import Options
    from pcapdig.trace.columns import Packets


def dig_files(settings: Settings, out: TextIO) -> None:
    """Dig in files as one trace, several merged by time.

    Raises:
        UsageError: the filter, the format or a chisel's argument is wrong. Nothing has been written.
        InputError: a file is no capture, or damaged; what came before has been dug.
    """
    plan = make_plan(settings, out)
    check_files(settings.files[1:])
    trace = Trace(decap=settings.decap)
    unread: dict[int, int] = {}
    sources: list[CaptureSource] = []
    batches = _shown_as_they_come(trace, settings.files, sources, out, unread)
    if sys.stderr.isatty():
        from pcapdig.cli.progress import watched_dig  # elsewhere a dig knows nothing of it

        watched_dig(batches, trace, plan, out, sources)
    else:
        dig(batches, trace, plan, out)
    if unread:
        kinds = ", ".join(map(str, sorted(unread)))
        print(f"note: link types not read here ({kinds}) have {sum(unread.values())} packets", file=sys.stderr)


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
    from pcapdig.cli.copying import blocks_of
    from pcapdig.dig import BlockFilter
    from pcapdig.pcapng.sink import FileSink

    trace = Trace(decap=settings.decap)
    keep = BlockFilter(trace, chosen, limit=settings.limit)
    sources = [open_source(file) for file in settings.files]
    batches = blocks_of(sources, trace)
    if sys.stderr.isatty():
        from pcapdig.cli.progress import watched_copy

        batches = watched_copy(batches, sources)
    with FileSink(target, compress=settings.compress) as sink:
        for blocks in batches:
            for passing in keep.keep(blocks):
                sink.write(passing)
            if settings.limit is not None and keep.kept >= settings.limit:
                return


def make_plan(settings: Settings, out: TextIO) -> Plan:
    """Give what is asked of a dig. Colour only where the output is a terminal.

    Raises:
        UsageError: the filter, a directory or a chisel's argument is wrong.
    """
    show = replace(settings.show, colour=out.isatty() and not settings.show.json)
    book = Book(settings.chisel_directories)
    if settings.chisel_directories:
        book.library()  # a mistyped directory is told, be there a chisel or not
    chisels = tuple(_made(book.find(call.name), call, show) for call in settings.chisels)
    return Plan(
        filter=user_filter(settings),
        chisels=chisels,
        show=show,
        format=settings.format,
        limit=settings.limit,
        quiet=settings.quiet,
        summary=settings.summary,
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
        try:
            is_regular = stat.S_ISREG(os.stat(file).st_mode)
        except OSError:
            is_regular = file != "-"
        if is_regular:
            open_source(file).close()


def _shown_as_they_come(
    trace: Trace, files: tuple[str, ...], sources: list[CaptureSource], out: TextIO, unread: dict[int, int]
) -> Iterator[Packets]:
    """Give the batches of all files, and show what was written of a batch before asking for the next: input may be a live pipe.

    `sources` is given the open files. `unread` counts, by link type, the packets whose headers nobody here can read.
    """
    sources += [open_source(file) for file in files]
    for packets in trace.read_all(sources):
        for row, interface in enumerate(trace.interfaces):
            if interface.link_type not in LINK_TYPES and (count := int((packets.interface == row).sum())):
                unread[interface.link_type] = unread.get(interface.link_type, 0) + count
        yield packets
        out.flush()
