"""httptop: URLs by calls, bytes or time."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.logs import TCP, container_of
from pcapdig.errors import UsageError
from pcapdig.render.items import NOT_KNOWN, Column, Table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.chisels.chisel import Needs
    from pcapdig.chisels.dialogues import Dialogues, Found
    from pcapdig.protocols.http import HttpCall
    from pcapdig.render.items import Item, Unit
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

_UNITS: dict[str, Unit] = {"ncalls": "count", "bytes": "bytes", "time": "time"}
MOST_KEYS = 100_000
"""URLs that are counted one by one, with their methods; the calls of further ones are counted together."""
_KEYS = (Column("http.method", "method"), Column("http.url", "url"))


class Httptop:
    """A ranked table of what was asked for."""

    name: ClassVar[str] = "httptop"
    category: ClassVar[str] = "Application"
    short_description: ClassVar[str] = "Top HTTP requests"
    description: ClassVar[str] = (
        "Ranks HTTP requests (1.0 and 1.1, any port) by method and URL: by number of calls (ncalls), by bytes of the responses' "
        "bodies as sent (bytes), or by the mean time from request to response (time). Each request counts once, also where "
        "both of its ends are on this machine; one without an answer is a call too. Live, the table is that of the last second."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="by", type="string", description="ncalls (default), bytes or time", optional=True),
    )
    needs: ClassVar[Needs] = "messages"
    every_second: ClassVar[bool] = False
    refreshes: ClassVar[bool] = True
    filter: ClassVar[str] = TCP
    colour: ClassVar[bool] = True
    limit: ClassVar[int] = 30
    keys: ClassVar[tuple[Column, ...]] = _KEYS
    with_containers: ClassVar[type[Httptop]]

    def __init__(self, *, by: str = "ncalls", verbose: bool = False) -> None:
        """Raises UsageError where `by` is none of the three. `verbose` changes nothing here."""
        if by not in _UNITS:
            raise UsageError(f"chisel httptop: {by!r} is not understood; by is one of {', '.join(_UNITS)}")
        from pcapdig.chisels.dialogues import Dialogues
        from pcapdig.chisels.httplog import Httplog, http_beginning

        self._by = by
        self.beginning = http_beginning()
        self._dialogues: Dialogues[HttpCall] = Dialogues(Httplog().begin)
        self._counts: dict[tuple[str, ...], tuple[int, int, int, int]] = {}  # calls, bytes, answered, ns
        self._time_ns = 0
        self._others = 0  # calls that no row counts

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Count."""
        self._count(self._dialogues.feed(rows))
        return ()

    def interval(self, time_ns: int) -> Iterable[Item]:
        """The table of this second; counting starts anew."""
        table = self._table()
        self._counts.clear()
        return (table,)

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """What is open in connections that go is not answered any more."""
        self._count(self._dialogues.renumber(renumbering))
        return ()

    def end(self) -> Iterable[Item]:
        """The table of all that was counted since the last one."""
        self._count(self._dialogues.end())
        return (self._table(),)

    def notes(self) -> Iterable[str]:
        """What is to be said beside the table."""
        yield from self._dialogues.notes()
        if self._others:
            yield f"{self._others:,} calls of other URLs than the first {MOST_KEYS:,} are in no row"

    def places(self, found: Found[HttpCall]) -> Iterable[tuple[str, ...]]:
        """Where a call counts, as what its rows begin with."""
        return ((),)

    def _count(self, found: Iterable[Found[HttpCall]]) -> None:
        for one in found:
            call = one.record
            words = (call.request.method, call.request.url) if call.request else (NOT_KNOWN, NOT_KNOWN)
            for place in self.places(one):
                key = (*place, *words)
                if len(self._counts) >= MOST_KEYS and key not in self._counts:
                    self._others += 1
                    continue
                calls, size, answered, time_ns = self._counts.get(key, (0, 0, 0, 0))
                if call.response:
                    size += call.response.body.size_bytes
                if call.latency_ns is not None:
                    answered, time_ns = answered + 1, time_ns + call.latency_ns
                self._counts[key] = (calls + 1, size, answered, time_ns)
            self._time_ns = max(self._time_ns, call.moment.time_ns)

    def _table(self) -> Table:
        values = {
            key: {"ncalls": calls, "bytes": size, "time": time_ns // answered if answered else 0}[self._by]
            for key, (calls, size, answered, time_ns) in self._counts.items()
        }
        ranked = sorted(((value, key) for key, value in values.items() if value), key=lambda row: (-row[0], row[1]))
        return Table(
            value=Column(self._by, self._by),
            keys=self.keys,
            rows=tuple(ranked[: self.limit]),
            unit=_UNITS[self._by],
            time_ns=self._time_ns,
            found=len(ranked),
            things="requests by method and URL",
            all_of="httplog lists each",
        )


class HttptopWithContainers(Httptop):
    """At each container that took part: sysdig's -pc."""

    keys: ClassVar[tuple[Column, ...]] = (Column("container.id", "container"), *_KEYS)

    def places(self, found: Found[HttpCall]) -> Iterable[tuple[str, ...]]:
        """Each container once, also where both ends are in it."""
        return {(container_of(process),) for _, process in found.views()}


Httptop.with_containers = HttptopWithContainers
