"""iobytes_net: bytes a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.render.items import Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.chisel import Arg, Needs
    from pcapdig.render.items import Item
    from pcapdig.trace.rows import Rows


class IobytesNet:
    """One line a second: payload bytes read and written by the processes of this machine."""

    name: ClassVar[str] = "iobytes_net"
    category: ClassVar[str] = "Net"
    short_description: ClassVar[str] = "Show total network I/O bytes"
    description: ClassVar[str] = (
        "Counts the payload read (in) and written (out) at the ends on this machine and prints a line for each second in "
        "which packets were captured, those the filter leaves out included. The time is that of the second counted, and the "
        "last second, though not whole, has its line too. Traffic between two processes of this machine is both in and out."
    )
    args: ClassVar[tuple[Arg, ...]] = ()
    needs: ClassVar[Needs] = "packets"
    every_second: ClassVar[bool] = True
    refreshes: ClassVar[bool] = False
    filter: ClassVar[str] = ""
    colour: ClassVar[bool] = True

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose` changes nothing here."""
        self._read = 0
        self._written = 0

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Count."""
        if len(rows):
            size = rows.size
            written = int(size[rows.is_write].sum())
            self._written += written
            self._read += int(size.sum()) - written
        return ()

    def interval(self, time_ns: int) -> Iterable[Item]:
        """The line of the second that is over."""
        line = Line(
            text=f"in:{self._read} out:{self._written} tot:{self._read + self._written}",
            time_ns=time_ns,
            fields=(("in", self._read), ("out", self._written), ("tot", self._read + self._written)),
        )
        self._read = self._written = 0
        return (line,)

    def end(self) -> Iterable[Item]:
        """Each second has had its line."""
        return ()
