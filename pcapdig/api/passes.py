"""One way through a capture: packets, a dig, or sums, up to the damage if there is any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from pcapdig.api.inputs import Input, batches_of
from pcapdig.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.api.packets import PacketColumns
    from pcapdig.api.summaries import FlowSums, FlowTotals
    from pcapdig.dig.plan import Plan
    from pcapdig.filters import Filter
    from pcapdig.trace.columns import Packets
    from pcapdig.trace.trace import Trace

T = TypeVar("T")


def whole(parts: Iterator[T], damage: list[InputError]) -> Iterator[T]:
    """What comes before damage; that is put into `damage`, for whoever has something to finish before it is raised."""
    try:
        yield from parts
    except InputError as error:
        damage.append(error)


@dataclass(slots=True, kw_only=True)
class Passes:
    """Inputs that are gone through. Each method does it once, into the empty trace it is given."""

    inputs: tuple[Input, ...]
    strict: bool
    """Raise InputError for damage; else only note it."""
    decap: bool
    """Look into tunnels."""
    full_cmdline: bool = False
    """Keep secrets in command lines."""
    damage: InputError | None = None
    """What was wrong the last time."""

    def trace(self) -> Trace:
        """Empty tables for one pass."""
        from pcapdig.trace.trace import Trace

        return Trace(decap=self.decap, full_cmdline=self.full_cmdline)

    def batches(self, trace: Trace) -> Iterator[Packets]:
        """All packets. A capture that is not strict ends at its damage."""
        self.damage = None
        try:
            yield from batches_of(trace, self.inputs)
        except InputError as error:
            self.damage = error
            if self.strict:
                raise

    def dig(self, trace: Trace, plan: Plan, *, with_history: bool = False) -> Iterator[None]:
        """Feed the plan's chisel, and stop wherever it may have handed something out.

        `with_history`: let `trace.history` see each batch first.
        """
        from pcapdig.dig.digger import Digger

        digger = Digger(trace, plan, lambda text: None)
        damage: list[InputError] = []
        has_packets = False
        for packets in whole(self.batches(trace), damage):
            has_packets = True
            if with_history:
                trace.history.see(packets)
            digger.feed(packets)
            yield
        if has_packets or not damage:
            digger.end()
            yield
        if damage:
            raise damage[0]

    def passing(
        self, trace: Trace, filter: Filter
    ) -> Iterator[tuple[PacketColumns, Packets, NDArray[np.bool_] | None]]:
        """The columns of the packets that pass, the batch they are from, and which of it they are."""
        from pcapdig.api.packets import passing_columns

        for packets in self.batches(trace):
            columns, passing = passing_columns(packets, filter)
            yield columns, packets, passing

    def summed(self, trace: Trace, filter: Filter, sums: FlowSums) -> Iterator[PacketColumns]:
        """The columns of the packets that pass, counted in `sums`."""
        for columns, packets, passing in self.passing(trace, filter):
            sums.add(packets, passing)
            yield columns

    def flow_totals(self, trace: Trace, filter: Filter) -> Iterator[FlowTotals]:
        """What the packets that pass come to."""
        from pcapdig.api.summaries import FlowSums

        sums = FlowSums(trace)
        damage: list[InputError] = []
        for _ in whole(self.summed(trace, filter, sums), damage):
            pass
        yield from sums.totals()
        if damage:
            raise damage[0]
