"""What one end read or wrote, shown message by message: the part that echo_fds, spy_ip and spy_port share."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.lines import LineChisel
from pcapdig.errors import UsageError
from pcapdig.render.items import Exchange, Gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pcapdig.chisels.chisel import Needs
    from pcapdig.render.items import Item
    from pcapdig.trace.rows import Rows

_NO_COLOUR = ("disable_color", "disable_colors")
"""sysdig's code and its help differ; both are taken."""


class ExchangeChisel(LineChisel):
    """One header and one buffer a message and end, as messages end."""

    name: ClassVar[str]
    needs: ClassVar[Needs] = "messages"
    names_connection: ClassVar[bool]
    """The header says from where, to where."""

    def __init__(self, *, own_filter: str, disable_color: str | None = None) -> None:
        """A chisel whose rows are those of `own_filter`.

        Raises:
            UsageError: disable_color is some other word.
        """
        super().__init__(own_filter=own_filter, colour=wants_colour(self.name, disable_color))

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Each message's exchange."""
        return self._exchanges(rows)

    def _exchanges(self, rows: Rows) -> Iterator[Exchange]:
        columns = (rows.is_write, rows.size, rows.flow, rows.process, rows.time_ns)
        processes, flows = rows.trace.processes, rows.trace.flows
        lists = (column.tolist() for column in columns)
        for i, (is_write, size, flow, process_id, time_ns) in enumerate(zip(*lists, strict=True)):
            if not size:
                continue  # a copy of what was shown before
            process = processes[process_id] if process_id >= 0 else None
            yield Exchange(
                is_write=is_write,
                size_bytes=size,
                buffer=rows.buffer(i),
                gaps=tuple(Gap(offset, missing) for offset, missing in rows.gaps(i)),
                connection=flows.name(flow) if self.names_connection and flow >= 0 else None,
                process=process.name if process else None,
                pid=process.pid if process else None,
                container_id=process.container_id if process else None,
                time_ns=time_ns,
            )


def wants_colour(chisel: str, disable_color: str | None) -> bool:
    """Whether a chisel may be coloured, by its argument `disable_color`.

    Raises:
        UsageError: it is some other word.
    """
    if disable_color not in (None, *_NO_COLOUR):
        raise UsageError(
            f"chisel {chisel}: argument {disable_color!r} is not understood; the only word is {_NO_COLOUR[0]}"
        )
    return disable_color is None
