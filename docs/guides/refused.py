"""refused: connections that were refused or broken off, and whose they were."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.chisels.lines import LineChisel
from pcapdig.filters.catalogue import lookup
from pcapdig.render.items import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.render.items import Item
    from pcapdig.trace.rows import Rows


class Refused(LineChisel):
    """A line for each reset, and at the end how many there were."""

    name = "refused"
    category = "Net"
    short_description = "Show connections that were refused or broken off"
    description = "Shows each TCP reset with the process that sent or received it, and counts them at the end."

    def __init__(self, *, verbose: bool = False) -> None:
        super().__init__(verbose=verbose, own_filter="evt.type=reset")
        self._count = 0

    def feed(self, rows: Rows) -> Iterable[Item]:
        """The resets among these packets."""
        columns = [lookup(field).values(rows) for field in ("evt.rawtime", "proc.name", "evt.io_dir", "fd.name")]
        for time_ns, process, direction, connection in zip(*columns, strict=True):
            self._count += 1
            verb = "reset" if direction == "write" else "was reset on"
            yield Line(
                time_ns=time_ns,
                text=f"{process or '<NA>'} {verb} {connection}",
                fields=(("proc.name", process), ("evt.io_dir", direction), ("fd.name", connection)),
            )

    def end(self) -> Iterable[Item]:
        """How many there were."""
        yield Line(text=f"{self._count} resets", fields=(("resets", self._count),))
