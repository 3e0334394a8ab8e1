"""A capture opened for a Python program."""

from __future__ import annotations

import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast, overload

from pcapdig.api.inputs import Source, inputs_of
from pcapdig.api.passes import Passes, whole
from pcapdig.errors import InputError, UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterable, Iterator
    from types import TracebackType

    import pandas
    import pyarrow

    from pcapdig.api.events import Event
    from pcapdig.api.packets import PacketColumns
    from pcapdig.api.summaries import FlowTotals
    from pcapdig.api.tables import Columns, TableName
    from pcapdig.chisels.chisel import Chisel
    from pcapdig.dig.plan import Plan
    from pcapdig.filters import Filter
    from pcapdig.procs.process import Process
    from pcapdig.trace.columns import Interface
    from pcapdig.trace.trace import Trace
    from pcapdig.trace.unread import Unread

_GROUP_PACKETS = 1 << 18
"""Fewest packets of a row group of Parquet, the last one excepted."""
T = TypeVar("T")


class ClosedError(UsageError, ValueError):
    """A capture was used after its close()."""


def open(  # noqa: A001 - reads as pcapdig.open()
    source: Source | Iterable[Source], *, decap: bool = False, strict: bool = True, full_cmdline: bool = False
) -> Capture:
    """Open a capture: pcapng or pcap of any kind, plain or compressed by gzip, zstd or lz4.

    Args:
        source: a path, "-" for standard input, a file object opened for bytes; or several of these, which are merged by time.
        decap: look into tunnels, as --decap: flows, ports and payload are those of the innermost packet.
        strict: raise InputError where a capture is damaged, after everything whole has been handed out. False: only note it in
            `Capture.damage`.
        full_cmdline: command lines as the file has them, as --full-cmdline; else known secrets in them are `***`.

    Raises:
        InputError: a file is missing or is no capture.
    """
    return Capture(Passes(inputs=inputs_of(source), decap=decap, strict=strict, full_cmdline=full_cmdline))


class Capture:
    """A capture that can be gone through again and again. Each method below goes through it once, from its start.

    Filters are those of the command line, as texts; FilterError (a UsageError) says at which column one is wrong, before anything is read.
    Of a damaged capture everything whole is handed out first; then InputError says what is wrong and where, unless it was opened with
    strict=False.
    Standard input, pipes and file objects that cannot seek can be gone through once; the next attempt raises UsageError.
    """

    def __init__(self, passes: Passes) -> None:
        """Callers use `pcapdig.open`."""
        self._passes = passes
        self._running: weakref.WeakSet[Generator[Any, None, None]] = weakref.WeakSet()
        self._is_closed = False

    @property
    def damage(self) -> InputError | None:
        """What was wrong with the capture when it was last gone through; None: nothing, as far as it was read."""
        return self._passes.damage

    def __repr__(self) -> str:
        return f"<pcapdig.Capture of {', '.join(part.name for part in self._passes.inputs)}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[Event]:
        return self.events()

    def close(self) -> None:
        """End what is under way and close its files. File objects that were given stay open: they are yours."""
        self._is_closed = True
        for running in list(self._running):
            running.close()

    def events(
        self, filter: str | None = None, *, messages: bool = False, fields: Iterable[str] = ()
    ) -> Iterator[Event]:
        """What passes a filter: an event for each end of a packet, or of a message.

        As on the command line, a filter that looks into buffers (`evt.buffer contains form`) is asked of whole messages: what one end
        said until the other one spoke, put together in TCP's order. Otherwise each packet is looked at by itself.

        Args:
            filter: in the filter language; None or blank: all pass.
            messages: give messages whatever the filter says.
            fields: what will be asked of events by name. Only fields that depend on packets before (`evt.latency...`, `evt.deltatime...`)
                must be named, for which more has to be remembered.

        Raises:
            FilterError: it is no filter. UsageError: there is no such field.
            InputError: the capture is damaged, after all events before that.
        """
        from pcapdig.api.events import FlowBook, early_fields, events_of
        from pcapdig.api.taps import Gathering

        gathering = Gathering(messages=messages)
        early = early_fields(fields)
        plan = self._plan(filter, cast("Chisel", gathering))
        trace = self._trace()
        flows = FlowBook(trace)
        return self._run(
            event
            for _ in self._passes.dig(trace, plan, with_history=bool(early))
            for rows in gathering.taken()
            for event in events_of(rows, flows, early)
        )

    def chisel(
        self,
        chisel: str | type[Chisel],
        *arguments: object,
        filter: str | None = None,
        directories: Iterable[str | os.PathLike[str]] = (),
        **named: object,
    ) -> Iterator[dict[str, Any]]:
        """What a chisel shows, as dicts with the names that `-j` uses: a dict a row of a table, a dict a line.

        Numbers are ints (bytes, ns), payload is bytes, what is not known is None. A chisel that writes files writes them.

        Args:
            chisel: its name, as `pcapdig -cl` lists it, or a class.
            arguments: its arguments in their order, as `pcapdig -i NAME` describes them.
            filter: which events it is fed.
            directories: where to look for chisels first, as --chisel-dir.
            named: its arguments by name.

        Raises:
            UsageError: there is no such chisel or directory, or an argument or the filter is wrong.
            InputError: the capture is damaged; what the chisel found before that has been handed out.
        """
        from pcapdig.api.chisel_rows import chisel_of
        from pcapdig.api.taps import Tap

        tap = Tap(chisel_of(chisel, arguments, named, [str(directory) for directory in directories]))
        plan = self._plan(filter, cast("Chisel", tap))
        return self._run(row for _ in self._passes.dig(self._trace(), plan) for row in tap.taken())

    @overload
    def packets(self, filter: str | None = None, *, batches: Literal[False] = False) -> PacketColumns: ...
    @overload
    def packets(self, filter: str | None = None, *, batches: Literal[True]) -> Iterator[PacketColumns]: ...
    def packets(self, filter: str | None = None, *, batches: bool = False) -> PacketColumns | Iterator[PacketColumns]:
        """Packets as numpy columns. A packet passes if one of its ends does, looked at by itself, as with `-r FILE -w FILE`.

        Args:
            filter: in the filter language; None or blank: all pass.
            batches: give at most a million packets at a time, for captures larger than memory; row numbers mean the same in all of them.

        Raises:
            FilterError: it is no filter.
            InputError: the capture is damaged. In batches: after the packets before that. Otherwise no packet is had; use batches.
        """
        from pcapdig.api.packets import joined

        trace = self._trace()
        parts = self._run(columns for columns, _, _ in self._passes.passing(trace, self._filter(filter)))
        return parts if batches else joined(list(parts), trace)

    def flows(self, filter: str | None = None) -> Iterator[FlowTotals]:
        """Each flow of which a packet passes, and what these packets come to. Known when the whole capture has been read.

        Raises:
            FilterError, InputError: as `packets` in batches.
        """
        return self._run(self._passes.flow_totals(self._trace(), self._filter(filter)))

    def processes(self) -> list[Process]:
        """The processes that the capture names.

        Raises:
            InputError: it is damaged.
        """
        return self._read_through().processes

    def unread(self) -> list[Unread]:
        """The packets that belong to no connection, and those in tunnels that were not looked into: how many of each kind, most first.

        Raises:
            InputError: it is damaged.
        """
        return self._read_through().unread

    def interfaces(self) -> list[Interface]:
        """The interfaces that the capture describes, with the packets they received and dropped where it says.

        Raises:
            InputError: it is damaged.
        """
        return self._read_through().interfaces

    def to_arrow(self, filter: str | None = None, *, table: TableName = "packets") -> pyarrow.Table:
        """One of the tables "packets", "flows", "processes", "interfaces" for pyarrow, in memory; packets with the names of their
        connections and processes beside the ids. docs/guides/from-python.md describes the columns.

        Raises:
            ImportError: pyarrow is not installed.
            FilterError, InputError: as `packets`.
        """
        from pcapdig.api.arrow import arrow_table
        from pcapdig.api.extras import need

        need("pyarrow", "arrow")
        return arrow_table(self._table(filter, table))

    def to_pandas(self, filter: str | None = None, *, table: TableName = "packets") -> pandas.DataFrame:
        """The same as a pandas frame.

        Raises:
            ImportError: pandas is not installed.
            FilterError, InputError: as `packets`.
        """
        from pcapdig.api.extras import need
        from pcapdig.api.frames import data_frame

        need("pandas", "pandas")
        return data_frame(self._table(filter, table))

    def to_parquet(self, directory: str | os.PathLike[str], filter: str | None = None) -> None:
        """Write packets.parquet, flows.parquet, processes.parquet and interfaces.parquet into a directory, made if it is not there.

        Packets are written as they are read, so memory is bounded by the number of flows, not of packets. Files of these names are
        replaced when all is written.

        Raises:
            ImportError: pyarrow is not installed.
            FilterError: it is no filter.
            InputError: the capture is damaged; the files hold what came before that, if anything did.
            HostError: the directory or a file cannot be made or written.
        """
        from pcapdig.api import tables
        from pcapdig.api.arrow import ParquetFiles
        from pcapdig.api.packets import in_groups, joined
        from pcapdig.api.summaries import FlowSums

        chosen, trace = self._filter(filter), self._trace()
        sums = FlowSums(trace)
        damage: list[InputError] = []
        with ParquetFiles(Path(directory)) as files:
            files.write("packets", tables.packet_columns(joined([], trace)))
            for part in in_groups(whole(self._passes.summed(trace, chosen, sums), damage), _GROUP_PACKETS, trace):
                files.write("packets", tables.packet_columns(part))
            if damage and not len(trace.flows) and not trace.interfaces:
                raise damage[0]
            files.write("flows", tables.flow_columns([], []))
            for group in sums.in_groups():
                files.write("flows", tables.flow_columns(group, trace.processes))
            files.write("processes", tables.process_columns(trace.processes))
            files.write("interfaces", tables.interface_columns(trace.interfaces))
        if damage:
            raise damage[0]

    def scapy(self, filter: str | None = None) -> Iterator[Any]:
        """Packets as scapy's (scapy.packet.Packet), with time, comments, wirelen and sniffed_on. They pass as in `packets`.

        Raises:
            ImportError: scapy is not installed.
            FilterError: it is no filter.
            InputError: the capture is damaged, after the packets before that.
        """
        from pcapdig.api.scapy_packets import ScapyMaker

        chosen, maker = self._filter(filter), ScapyMaker()
        return self._run(
            packet
            for _, packets, passing in self._passes.passing(self._trace(), chosen)
            for packet in maker.packets(packets, passing)
        )

    def _trace(self) -> Trace:
        """Empty tables for one pass.

        Raises:
            ClosedError: the capture has been closed.
        """
        if self._is_closed:
            raise ClosedError("the capture is closed; open it again")
        return self._passes.trace()

    def _filter(self, text: str | None) -> Filter:
        from pcapdig.filters import compile_filter

        return compile_filter(text or "")

    def _plan(self, filter: str | None, chisel: Chisel) -> Plan:
        from pcapdig.dig.plan import Plan

        return Plan(filter=self._filter(filter), chisels=(chisel,))

    def _run(self, items: Iterator[T]) -> Iterator[T]:
        """The same, ended by `close`."""

        def run() -> Generator[T, None, None]:
            yield from items

        running = run()
        self._running.add(running)
        return running

    def _read_through(self) -> Trace:
        trace = self._trace()
        for _ in self._passes.batches(trace):
            pass
        return trace

    def _table(self, filter: str | None, table: TableName) -> Columns:
        """One of the four tables, all of it."""
        from pcapdig.api import tables

        chosen = self._filter(filter)
        if table == "packets":
            return tables.joined(self.packets(filter))
        if table == "flows":
            trace = self._trace()
            return tables.flow_columns(list(self._passes.flow_totals(trace, chosen)), trace.processes)
        if table == "processes":
            return tables.process_columns(self.processes())
        if table == "interfaces":
            return tables.interface_columns(self.interfaces())
        raise UsageError(f"no table {table!r}; there are: {', '.join(tables.TABLE_NAMES)}")
