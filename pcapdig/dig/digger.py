"""The machine that every dig is: batches of packets in, text out, in one pass.

    packets -> rows (or reassembled messages) -> the user's filter -> each chisel's own filter -> chisel -> renderer -> text

A chisel is given packets, or messages if it wants them or a filter looks into buffers. Each chisel of a dig is given its own kind, so that
none counts messages for packets because of its neighbour. Only the flows of which a message could pass are reassembled.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np

from pcapdig.dig.notes import notes_of_table, notes_on_order
from pcapdig.dig.ordering import InOrder
from pcapdig.dig.seconds import NS, SecondClock
from pcapdig.errors import UsageError
from pcapdig.filters import compile_filter
from pcapdig.render.items import Extract, Line, Table
from pcapdig.render.renderer import Renderer
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pcapdig.chisels.chisel import Chisel
    from pcapdig.chisels.tables import TableChisel
    from pcapdig.dig.event_lines import EventLines, TypeCounts
    from pcapdig.dig.extracts import ExtractFiles
    from pcapdig.dig.plan import Plan
    from pcapdig.filters import Filter
    from pcapdig.render.items import Item
    from pcapdig.streams.reassembler import Reassembler
    from pcapdig.trace.columns import Dimensions, Packets
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows
    from pcapdig.trace.sums import Sums

_WRITE_SIZE = 1 << 15
"""Characters written at once, where there are more: a line costs as much to write as to make."""
_SPAN_PACKETS = 1 << 16
"""Packets of a batch that are put together at once: messages of more would take as much memory as the batch, beside it."""
_SPAN_MESSAGES = 1 << 14
"""Messages of connections that never ended, handed out at once at the end."""


class _ChiselRun:
    """A chisel with its own filter and its own way to be shown."""

    def __init__(self, chisel: Chisel, plan: Plan) -> None:
        try:
            self.filter = compile_filter(chisel.filter)
        except UsageError as error:
            raise UsageError(f"invalid filter in chisel {chisel.name}: {error}") from None
        self.chisel = chisel
        show = plan.show if chisel.colour else replace(plan.show, colour=False)
        self._renderer = Renderer(show)
        self._files: ExtractFiles | None = None
        self._waiting: InOrder[str] = InOrder()
        self._table: Table | None = None  # the last one that was shown

    @property
    def wants_messages(self) -> bool:
        """The chisel, or its own filter, needs messages and not packets."""
        return self.chisel.needs == "messages" or self.filter.uses_buffer

    def feed(self, rows: Rows) -> Iterator[str]:
        return self._texts(lambda: self.chisel.feed(_passing(rows, self.filter)))

    def feed_sums(self, sums: Sums) -> None:
        """Only for a chisel that adds up."""
        cast("TableChisel", self.chisel).feed_sums(sums)

    @property
    def follows_flows(self) -> bool:
        """It moves along when rows of the flow table get new numbers."""
        return type(self.chisel).__module__.startswith("pcapdig.chisels.") or "renumber" in vars(type(self.chisel))

    def renumber(self, renumbering: Renumbering) -> Iterator[str]:
        renumber = getattr(self.chisel, "renumber", None)
        return iter(()) if renumber is None else self._texts(lambda: renumber(renumbering))

    def interval(self, time_ns: int) -> Iterator[str]:
        return self._texts(lambda: self.chisel.interval(time_ns))

    def end(self) -> Iterator[str]:
        yield from self._texts(self.chisel.end)
        yield from self.waiting()

    def waiting(self) -> list[str]:
        """All lines that wait for earlier ones."""
        return self._waiting.rest()

    def waiting_before(self, time_ns: int) -> list[str]:
        """Those lines that are earlier than this."""
        return self._waiting.before(time_ns)

    def notes(self) -> Iterator[str]:
        """What is to be said beside its output, when it has ended."""
        name = self.chisel.name
        if self._table is not None:
            yield from notes_of_table(name, self._table)
        yield from notes_on_order(name, self._waiting.late, self._waiting.late_ns)
        yield from (f"{name}: {note}" for note in getattr(self.chisel, "notes", tuple)())

    def _texts(self, give: Callable[[], Iterable[Item]]) -> Iterator[str]:
        """What a chisel gives, as text.

        Raises:
            ChiselError: it fails, and did not come with pcapdig.
        """
        waiting, text_of = self._waiting, self._renderer.text
        try:
            for item in give():
                if isinstance(item, Line) and item.order_ns is not None:
                    text = text_of(item)
                    waiting.add(item.order_ns, text, len(text))
                    if waiting.is_full:
                        yield from waiting.half()
                elif isinstance(item, Extract):
                    self._extract(item)
                else:
                    if isinstance(item, Table):
                        self._table = item
                    yield text_of(item)
        except Exception as error:  # whatever its author's code may raise
            from pcapdig.chisels.faults import fault_of

            fault = fault_of(type(self.chisel), error)
            if fault is error:
                raise
            raise fault from error

    def _extract(self, item: Extract) -> None:
        if self._files is None:
            from pcapdig.dig.extracts import ExtractFiles  # few chisels write files

            self._files = ExtractFiles()
        self._files.write(item)


def _passing(rows: Rows, filter: Filter) -> Rows:
    return rows if filter.passes_all else rows.select(filter.mask(rows))


class Digger:
    """One dig. Feed it the batches of one trace in order, then end it."""

    def __init__(
        self,
        trace: Dimensions,
        plan: Plan,
        write: Callable[[str], object],
        *,
        live: bool = False,
        before_refresh: str = "",
    ) -> None:
        """Everything that can be wrong with the plan is refused here, before anything is written.

        Args:
            trace: where the batches' tables are.
            plan: what to do.
            write: takes the output, piece by piece.
            live: tables are shown and begun anew each second of the capture.
            before_refresh: written before what a live second shows, if a chisel refreshes: clears a terminal.

        Raises:
            UsageError: -p or a chisel's own filter is wrong.
        """
        self.passed = 0
        """Rows that passed the filter so far."""
        self.done = False
        """The limit is reached: nothing more is taken."""
        self._trace = trace
        self._plan = plan
        self._write = write
        self._live = live
        self._runs = [_ChiselRun(chisel, plan) for chisel in plan.chisels]
        self._renderer = Renderer(plan.show)
        self._lines = self._event_lines()
        self._counts = self._type_counts()
        self._before_refresh = before_refresh if any(run.chisel.refreshes for run in self._runs) else ""
        self._by_second = [run for run in self._runs if live or run.chisel.every_second]
        self._clock = SecondClock()
        filters = (plan.filter, *(run.filter for run in self._runs))
        self._of_packets, self._of_messages = self._parted()
        needs_messages = bool(self._of_messages) or plan.filter.uses_buffer
        self._uses_history = any(part.uses_history for part in filters)
        self._uses_history |= self._lines is not None and self._lines.uses_history
        self._reassembler = self._new_reassembler() if needs_messages else None
        self._joined = [plan.filter & run.filter for run in self._of_messages] or [plan.filter]
        self._wanted = np.zeros(0, np.bool_)

    def feed(self, packets: Packets) -> None:
        """Dig in the next batch."""
        if self.done or not len(packets):
            return
        self._renderer.time_column.start_at(int(packets.time_ns[0]))
        if self._uses_history:
            self._trace.history.see(packets)
        rows = rows_of(packets) if self._reassembler is None or self._of_packets else None
        if self._reassembler is not None:
            self._want_flows(packets)
        if not self._by_second:
            self._take_span(packets, rows, 0, len(packets))
            return
        for start, stop, over_ns in self._clock.spans(packets.time_ns):
            if over_ns is not None:
                self._second_over(over_ns)
            if not self._take_span(packets, rows, start, stop):
                return
        if self._live:
            self.show_before(int(packets.time_ns[-1]) - NS)

    def feed_sums(self, sums: Sums) -> None:
        """In place of all batches, where every chisel adds up and nothing is left out: see `summing.adds_up`."""
        for run in self._runs:
            run.feed_sums(sums)

    def pass_time(self, time_ns: int) -> None:
        """Live: no packet came until then. Ends the second that is over by it, and messages silent for a second."""
        over_ns = self._clock.advance_to(time_ns)
        if over_ns is not None:
            self._second_over(over_ns)
        if self._reassembler is not None and not self.done:
            self._take(self._reassembler.release(time_ns - NS))
        self.show_before(time_ns - NS)

    @property
    def follows_flows(self) -> bool:
        """All that keep something by flow can `renumber`: chisels that did not come with pcapdig may not."""
        return all(run.follows_flows for run in self._runs)

    def renumber(self, renumbering: Renumbering) -> None:
        """Rows of the trace's flow table go next, and the others get new numbers: give up what is open of those, and move the rest."""
        if self._reassembler is not None:
            rows = self._reassembler.renumber(renumbering)
            if not self.done:
                self._take(rows)
        for run in self._runs:
            self._show(run.renumber(renumbering))
        self._wanted = renumbering.column(self._wanted)

    def show_before(self, time_ns: int) -> None:
        """Show lines of logs that are earlier than this and wait for still earlier ones."""
        for run in self._runs:
            self._show(run.waiting_before(time_ns))

    def show_waiting(self) -> None:
        """Show all lines of logs that wait: the dig is broken off."""
        for run in self._runs:
            self._show(run.waiting())

    def end(self, *, show_tables: bool = True) -> None:
        """There are no more batches: show what is left. `show_tables` False: without what would only be refreshed."""
        if self._reassembler is not None and not self.done:
            while not self.done and len(rows := self._reassembler.flush(_SPAN_MESSAGES)):
                self._take(rows)
        second_ns = self._clock.second_ns
        for run in self._runs:
            if run.chisel.every_second and second_ns is not None:
                self._show(run.interval(second_ns))
            if show_tables or not run.chisel.refreshes:
                self._show(run.end())
        if self._counts is not None:
            self._write(self._counts.text())
        for run in self._runs:
            self._plan.notes.extend(run.notes())
        if self._reassembler is not None:
            self._plan.notes.extend(self._reassembler.notes())

    # What a dig does not need is not imported: start-up is most of a small one.

    def _event_lines(self) -> EventLines | None:
        """What shows events; None where chisels do. -p is looked at in any case."""
        if self._runs and self._plan.format is None:
            return None
        from pcapdig.dig.event_lines import EventLines

        return EventLines(self._renderer, self._plan.format)

    def _type_counts(self) -> TypeCounts | None:
        if not self._plan.summary:
            return None
        from pcapdig.dig.event_lines import TypeCounts

        return TypeCounts()

    def _new_reassembler(self) -> Reassembler:
        from pcapdig.streams.reassembler import ANYTHING, Reassembler

        # Messages that somebody counts must not be left out.
        counts = self._counts is not None or self._plan.limit is not None
        beginnings = {getattr(run.chisel, "beginning", None) for run in self._of_messages}
        beginning = ANYTHING if counts or len(beginnings) != 1 else beginnings.pop() or ANYTHING
        return Reassembler(self._trace, needle=self._plan.filter.needle, beginning=beginning)

    def _parted(self) -> tuple[list[_ChiselRun], list[_ChiselRun]]:
        """The chisels that are given packets, and those that are given messages. With a limit all are given the same rows, since the limit
        counts them.
        """
        by_buffer = self._plan.filter.uses_buffer
        of_messages = [run for run in self._runs if run.wants_messages or by_buffer]
        if of_messages and self._plan.limit is not None:
            return [], self._runs
        return [run for run in self._runs if run not in of_messages], of_messages

    def _take_span(self, packets: Packets, rows: Rows | None, start: int, stop: int) -> bool:
        """Take the packets start to stop of a batch, and the messages that ended with them. False: the limit is reached.

        Args:
            packets: the batch.
            rows: its rows; None where only messages are wanted.
            start: first packet to take.
            stop: end of those to take.
        """
        if rows is not None:
            if start or stop < len(packets):
                first, end = np.searchsorted(rows.packet, (start, stop)).tolist()
                rows = rows.select(np.arange(first, end))
            if self._reassembler is None:
                return self._take(rows)
            passed = _passing(rows, self._plan.filter)
            for run in self._of_packets if len(passed) else ():
                self._show(run.feed(passed))
        assert self._reassembler is not None
        for first in range(start, stop, _SPAN_PACKETS):
            if not self._take(self._reassembler.feed(packets, self._wanted, first, min(stop, first + _SPAN_PACKETS))):
                return False
        return True

    def _want_flows(self, packets: Packets) -> None:
        """Mark the flows of which a message could pass. A flow once wanted stays so."""
        passes_all = any(part.passes_all for part in self._joined)
        count, known = len(self._trace.flows), len(self._wanted)
        if count > known:
            grown = np.full(max(count, 2 * known), passes_all, np.bool_)
            grown[:known] = self._wanted
            self._wanted = grown
        if passes_all:
            return
        rows = rows_of(packets)
        for part in self._joined:
            flows = rows.flow[part.candidates(rows)]
            self._wanted[flows[flows >= 0]] = True

    def _take(self, rows: Rows) -> bool:
        """Filter, count, and give to all that show rows of this kind. False: the limit is reached."""
        passed = _passing(rows, self._plan.filter)
        if self._plan.limit is not None and len(passed) >= self._plan.limit - self.passed:
            passed = passed.select(np.arange(self._plan.limit - self.passed))
            self.done = True
        self.passed += len(passed)
        if not len(passed):
            return not self.done
        if self._counts is not None:
            self._counts.add(passed)
        for run in self._of_packets if self._reassembler is None else self._of_messages:
            self._show(run.feed(passed))
        if self._lines is not None and not self._runs and not self._plan.quiet:
            self._show(self._lines.lines(passed))
        return not self.done

    def _second_over(self, over_ns: int) -> None:
        if self._before_refresh:
            self._write(self._before_refresh)
        for run in self._by_second:
            self._show(run.interval(over_ns))

    def _show(self, texts: Iterable[str]) -> None:
        """Write texts, many small ones at once; those before one that fails too."""
        waiting, size = [], 0
        try:
            for text in texts:
                waiting.append(text)
                size += len(text)
                if size >= _WRITE_SIZE:
                    self._write("".join(waiting))
                    waiting, size = [], 0
        finally:
            if waiting:
                self._write("".join(waiting))
