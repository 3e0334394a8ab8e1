"""A dig in what is being recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pcapdig.dig.digger import Digger
from pcapdig.render import terminal
from pcapdig.trace.ages import AGE_LIMITS, AgeLimits, FlowAges
from pcapdig.trace.columns import Dimensions

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.dig.plan import Plan
    from pcapdig.trace.columns import Packets
    from pcapdig.trace.renumbering import Renumbering


class GrowingTrace(Dimensions, Protocol):
    """A trace that takes blocks as they come: pcapdig.trace.Trace."""

    def feed(self, chunk: bytes, *, final: bool = False) -> Iterable[Packets]:
        """The batches that a piece of the capture completes."""

    def endings(self) -> NDArray[np.uint8]:
        """How each flow stands: see FlowAges."""

    def renumber(self, renumbering: Renumbering) -> None:
        """Drop rows of the flow table, and number the others anew."""

    @property
    def offset(self) -> int:
        """Bytes of the input before the first one that is not part of a whole block or record yet."""


class LiveDig:
    """The same machine as `dig`, fed by a recorder: pcapng blocks as they are released.

    Each second of the capture tables are shown and begun anew. On a terminal the screen is cleared before; in a pipe tables follow
    each other. With JSON no escapes are written.

    Connections that are over, or were silent for long, are forgotten (trace.ages), so that memory does not grow with their number.
    """

    def __init__(
        self,
        trace: GrowingTrace,
        plan: Plan,
        out: TextIO,
        *,
        is_terminal: bool = False,
        limits: AgeLimits = AGE_LIMITS,
    ) -> None:
        """Nothing is written yet.

        Args:
            trace: this dig's own.
            plan: what to do.
            out: takes the output.
            is_terminal: `out` understands escapes.
            limits: when connections are forgotten.

        Raises:
            UsageError: -p or a chisel's own filter is wrong; nothing has been written.
        """
        self.notes = plan.notes
        """What is to be said beside the output, when the dig has ended."""
        self._trace = trace
        self._out = out
        self._owns_screen = is_terminal and not plan.show.json and any(chisel.refreshes for chisel in plan.chisels)
        refresh = terminal.LIVE_REFRESH if self._owns_screen else ""
        self._digger = Digger(trace, plan, out.write, live=True, before_refresh=refresh)
        self._is_begun = False
        self._ages = FlowAges(limits)

    @property
    def done(self) -> bool:
        """The plan's limit is reached."""
        return self._digger.done

    def feed(self, blocks: bytes) -> int:
        """Dig in whole pcapng blocks; the number of rows in them that passed the filter."""
        self._begin()
        before = self._digger.passed
        for packets in self._trace.feed(blocks):
            self._digger.feed(packets)
            self._forget_old(packets)
        self._out.flush()
        return self._digger.passed - before

    def pass_time(self, time_ns: int) -> None:
        """Tell that no packet older than this (ns since 1970) will come, so that a quiet moment shows what is there.

        Tables go on, and a message to which nothing was added for a second is shown without waiting for the other end's turn.
        """
        self._begin()
        self._digger.pass_time(time_ns)
        self._out.flush()

    def end(self) -> None:
        """The recording has ended. In a pipe the begun second is shown; a terminal is given back.

        A recording that never began, and so fed nothing, shows nothing: its error stands alone.
        """
        if not self._is_begun:
            return
        if self._owns_screen:
            self._write_through(terminal.LIVE_END)
        self._digger.end(show_tables=not self._owns_screen)
        self.notes.extend(self._ages.notes())
        self._out.flush()

    def _forget_old(self, packets: Packets) -> None:
        """Let rows of the flow table go that are over, if there are many."""
        if not self._digger.follows_flows:
            return
        self._ages.see(packets)
        if self._ages.is_due(len(self._trace.flows)):
            renumbering = self._ages.renumbering(self._trace.endings())
            self._digger.renumber(renumbering)
            self._trace.renumber(renumbering)

    def _begin(self) -> None:
        if not self._is_begun:
            self._is_begun = True
            if self._owns_screen:
                self._write_through(terminal.LIVE_START)

    def _write_through(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()
