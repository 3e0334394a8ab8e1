"""netlower: slow answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.echo_fds import DISABLE_COLOR
from pcapdig.chisels.exchanges import wants_colour
from pcapdig.chisels.lines import Cell, LineChisel, heading, row_text
from pcapdig.errors import UsageError
from pcapdig.render.items import NOT_KNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.render.items import Item
    from pcapdig.trace.rows import Rows

_CELLS = (
    Cell(heading="evt.datetime", width=24),
    Cell(heading="proc.name", width=13),
    Cell(heading="evt.type", width=9),
    Cell(heading="LATENCY(ms)", width=13, is_number=True),
    Cell(heading="fd.name", width=42),
)
_CONTAINER = Cell(heading="container.id", width=21)
_NS_IN_MS = 1_000_000


class Netlower(LineChisel):
    """A line for each answer that took longer than so many milliseconds."""

    name: ClassVar[str] = "netlower"
    category: ClassVar[str] = "Performance"
    short_description: ClassVar[str] = "Trace slow network I/O"
    description: ClassVar[str] = (
        "Shows answers that took longer than the given number of milliseconds: from the last packet of what the client sent to "
        "the first packet of what the server sent back, and from SYN to SYN+ACK. The time is that of the answer. A line "
        "is for an end that passed the filter: 'write' and 'accept' at the server's, whose process answered, 'read' and "
        "'connect' at the client's, whose process waited. It is evt.latency: 'evt.latency>20000000' in a filter finds the same."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="min_ms", type="int", description="milliseconds; what took longer is shown"),
        DISABLE_COLOR,
    )

    shows_container: ClassVar[bool] = False
    with_containers: ClassVar[type[Netlower]]

    def __init__(self, *, min_ms: str, verbose: bool = False, disable_color: str | None = None) -> None:
        """Raises UsageError where min_ms is no whole number."""
        if not re.fullmatch(r"[0-9]{1,12}", min_ms, re.ASCII):
            raise UsageError(f"chisel netlower: {min_ms!r} is not a whole number of milliseconds")
        slow = f"evt.latency>{int(min_ms) * _NS_IN_MS}"
        super().__init__(verbose=verbose, own_filter=slow, colour=wants_colour(self.name, disable_color))
        self._is_headed = False
        self._cells = (_CELLS[0], _CONTAINER, *_CELLS[1:]) if self.shows_container else _CELLS

    def feed(self, rows: Rows) -> Iterable[Item]:
        """The slow answers among these packets."""
        from pcapdig.filters.catalogue import lookup

        yield from self._heading()
        names = (
            "evt.latency",
            "evt.datetime",
            "evt.rawtime",
            "proc.name",
            "fd.name",
            "evt.is_io",
            "evt.io_dir",
            "container.id",
        )
        columns = zip(*(lookup(name).values(rows) for name in names), strict=True)
        for wait, date, time_ns, process, connection, is_io, direction, container in columns:
            wait_ns = int(wait or 0)
            kind = str(direction) if is_io else "accept" if direction == "write" else "connect"
            latency_ms = wait_ns // _NS_IN_MS
            place = (str(container or NOT_KNOWN),) if self.shows_container else ()
            texts = (str(date)[:23], *place, str(process or NOT_KNOWN), kind, str(latency_ms), str(connection))
            yield Line(
                text=row_text(self._cells, texts),
                fields=(
                    ("evt.rawtime", int(time_ns or 0)),
                    ("proc.name", None if process is None else str(process)),
                    ("evt.type", kind),
                    ("latency_ns", wait_ns),
                    ("fd.name", str(connection)),
                    *(
                        (("container.id", None if container is None else str(container)),)
                        if self.shows_container
                        else ()
                    ),
                ),
                order_ns=int(time_ns or 0),
            )

    def end(self) -> Iterable[Item]:
        """The headings alone, where nothing was fed."""
        return self._heading()

    def _heading(self) -> Iterable[Line]:
        if self._is_headed:
            return ()
        self._is_headed = True
        return heading(self._cells, rule_character="-")


class NetlowerWithContainers(Netlower):
    """With the container of each end: sysdig's -pc."""

    shows_container: ClassVar[bool] = True


Netlower.with_containers = NetlowerWithContainers
