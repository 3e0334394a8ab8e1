"""What stands for a chisel in a dig and keeps its rows or items as values, so that Python and the command line dig with one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pcapdig.api.chisel_rows import rows_of_item
from pcapdig.dig.ordering import InOrder
from pcapdig.render.items import Extract, Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pcapdig.api.chisel_rows import Row
    from pcapdig.chisels.chisel import Chisel
    from pcapdig.render.items import Item
    from pcapdig.trace.rows import Rows

WAITING_ROWS = 50_000
"""Lines of a log that wait for earlier ones at most. As dicts they take more room than as text."""


class Tap:
    """Stands for a chisel in a dig, and keeps what it hands out; only bytes for files go on, to whoever writes them."""

    def __init__(self, chisel: Chisel) -> None:
        self._chisel = chisel
        self._rows: list[Row] = []
        self._waiting: InOrder[list[Row]] = InOrder(WAITING_ROWS)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chisel, name)

    def feed(self, rows: Rows) -> Iterable[Item]:
        """As the chisel's."""
        return self._kept(self._chisel.feed(rows))

    def interval(self, time_ns: int) -> Iterable[Item]:
        """As the chisel's."""
        return self._kept(self._chisel.interval(time_ns))

    def end(self) -> Iterable[Item]:
        """As the chisel's."""
        yield from self._kept(self._chisel.end())
        self._take(self._waiting.rest())

    def taken(self) -> list[Row]:
        """What was handed out since the last time."""
        rows, self._rows = self._rows, []
        return rows

    def _kept(self, items: Iterable[Item]) -> Iterator[Item]:
        for item in items:
            if isinstance(item, Extract):
                yield item
            elif isinstance(item, Line) and item.order_ns is not None:
                self._waiting.add(item.order_ns, [*rows_of_item(item)], 1)
                if self._waiting.is_full:
                    self._take(self._waiting.half())
            else:
                self._rows += rows_of_item(item)

    def _take(self, lines: list[list[Row]]) -> None:
        for rows in lines:
            self._rows += rows


class Gathering:
    """Stands for a chisel in a dig, and keeps the rows it is fed: what passed the filter."""

    name = "events"
    every_second = refreshes = False
    filter = ""
    colour = False

    def __init__(self, *, messages: bool) -> None:
        self.needs = "messages" if messages else "packets"
        self._rows: list[Rows] = []

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Keep them."""
        self._rows.append(rows)
        return ()

    def interval(self, time_ns: int) -> Iterable[Item]:
        """Nothing."""
        return ()

    def end(self) -> Iterable[Item]:
        """Nothing."""
        return ()

    def taken(self) -> list[Rows]:
        """What was fed since the last time."""
        rows, self._rows = self._rows, []
        return rows
