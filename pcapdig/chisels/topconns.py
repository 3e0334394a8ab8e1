"""topconns: connections by bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.tables import CONTAINER, FieldTable, FlowTable, key_texts
from pcapdig.render.items import NOT_KNOWN, Column

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.flows import Flows
    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows

_PROCESS = Column("proc.name", "Process")


class Topconns(FlowTable):
    """Bytes by connection. Connections that used the same addresses and ports one after the other share a row."""

    name: ClassVar[str] = "topconns"
    short_description: ClassVar[str] = "Top network connections by total bytes"
    description: ClassVar[str] = (
        "Ranks connections, client first, by the payload that went both ways. Each packet counts once, also where both of "
        "its ends are on this machine. With -v a column names the processes whose reads and writes passed the filter: the "
        "client's->the server's. Live, the table is that of the last second."
    )
    keys: ClassVar[tuple[Column, ...]] = (Column("fd.l4proto", "Proto"), Column("fd.name", "Conn"))
    limit: ClassVar[int] = 30
    things: ClassVar[str] = "connections"
    all_of: ClassVar[str] = "conns lists each, a filter chooses fewer"
    with_containers: ClassVar[type[FieldTable]]

    def __init__(self, *, verbose: bool = False) -> None:
        """`verbose`: a Process column."""
        super().__init__(verbose=verbose)
        self._ends: dict[int, tuple[set[int], set[int]]] = {}

    def shown_keys(self) -> tuple[Column, ...]:
        """Protocol and connection; under -v the processes too."""
        return (*self.keys, _PROCESS) if self.verbose else self.keys

    def interval(self, time_ns: int) -> Iterable[Item]:
        """The table of this second; counting starts anew."""
        items = super().interval(time_ns)
        self._ends.clear()
        return items

    def renumber(self, renumbering: Renumbering) -> Iterable[Item]:
        """Connections get new numbers."""
        self._ends = renumbering.keys(self._ends)
        return super().renumber(renumbering)

    @property
    def adds_up(self) -> bool:
        """Under -v, who was seen at the ends is told by packets."""
        return not self.verbose and self._counts_like(Topconns)

    def _count(self, rows: Rows) -> None:
        super()._count(rows)
        if self.verbose:
            self._note_ends(rows)

    def _note_ends(self, rows: Rows) -> None:
        """Remember who was seen at which end of each flow."""
        import numpy as np

        with_bytes = (rows.size > 0) & (rows.flow >= 0) & (rows.process >= 0)
        seen = np.stack((rows.flow[with_bytes], rows.process[with_bytes], ~rows.is_client[with_bytes]))
        for flow, process, at_server in np.unique(seen, axis=1).T.tolist():
            self._ends.setdefault(flow, (set(), set()))[at_server].add(process)

    def _groups(
        self, flows: Flows, ids: NDArray[np.intp], sums: NDArray[np.int64]
    ) -> tuple[list[tuple[int, list[int]]], int]:
        return flows.largest(ids, sums, self.limit)

    def _extra(self, trace: Dimensions, ids: list[int]) -> tuple[str, ...]:
        if not self.verbose:
            return ()
        clients: set[int] = set()
        servers: set[int] = set()
        for flow in ids:
            at_client, at_server = self._ends.get(flow, ((), ()))
            clients.update(at_client)
            servers.update(at_server)
        ends = [_names(trace, processes) for processes in (clients, servers) if processes]
        return ("->".join(ends) or NOT_KNOWN,)


def _names(trace: Dimensions, processes: set[int]) -> str:
    """The names of some processes, each once."""
    return ",".join(sorted({text for (text,) in key_texts(trace, (_PROCESS,), sorted(processes))}))


class TopconnsWithContainers(FieldTable):
    """Bytes by the container of each end and connection: sysdig's -pc."""

    name: ClassVar[str] = Topconns.name
    keys: ClassVar[tuple[Column, ...]] = (CONTAINER, *Topconns.keys)
    limit: ClassVar[int] = Topconns.limit
    all_of: ClassVar[str] = Topconns.all_of


Topconns.with_containers = TopconnsWithContainers
