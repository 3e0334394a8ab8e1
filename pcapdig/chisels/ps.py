"""ps: the processes a capture names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.chisel import Arg
from pcapdig.chisels.lines import Cell, LineChisel, heading, row_text
from pcapdig.render.items import NOT_KNOWN, Line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pcapdig.render.items import Item
    from pcapdig.trace.columns import Dimensions
    from pcapdig.trace.rows import Rows

_CELLS = (
    Cell(heading="PID", width=8),
    Cell(heading="PPID", width=8),
    Cell(heading="USER", width=12),
    Cell(heading="CONTAINER", width=13),
    Cell(heading="NAME", width=16),
    Cell(heading="CMD", width=0),
)


class Ps(LineChisel):
    """A line a process."""

    name: ClassVar[str] = "ps"
    category: ClassVar[str] = "System State"
    short_description: ClassVar[str] = "List the processes that used the network"
    description: ClassVar[str] = (
        "Lists each process that was seen at an end of a packet, by process id: its parent, user, container, name and command "
        "line, as they were then. A process that ran another program, or a process id used again, has a line for each. The "
        "argument, a filter, chooses as the filter of the command line does. Memory and file limits, which sysdig's ps shows, "
        "are in no packet. Live, the list comes when the recording ends."
    )
    args: ClassVar[tuple[Arg, ...]] = (
        Arg(name="filter", type="filter", description="which processes: a filter, such as 'user.uid=0'", optional=True),
    )

    def __init__(self, *, filter: str = "", verbose: bool = False) -> None:
        """`filter`: in the filter language."""
        super().__init__(verbose=verbose, own_filter=filter)
        self._seen: set[int] = set()
        self._trace: Dimensions | None = None

    def feed(self, rows: Rows) -> Iterable[Item]:
        """Note who was there."""
        import numpy as np

        self._trace = rows.trace
        self._seen.update(np.unique(rows.process[rows.process >= 0]).tolist())
        return ()

    def end(self) -> Iterable[Item]:
        """Headings, then a line a process."""
        yield from heading(_CELLS)
        if self._trace is None:
            return
        known = [self._trace.processes[i] for i in sorted(self._seen)]
        for process in sorted(known, key=lambda process: -1 if process.pid is None else process.pid):
            parent = NOT_KNOWN if process.ppid is None else str(process.ppid)
            user = process.user or (NOT_KNOWN if process.uid is None else str(process.uid))
            pid = NOT_KNOWN if process.pid is None else str(process.pid)
            texts = (pid, parent, user, process.container_id or NOT_KNOWN, process.name or NOT_KNOWN)
            yield Line(
                text=row_text(_CELLS, (*texts, process.cmdline or process.exepath or NOT_KNOWN)),
                fields=(
                    ("proc.pid", process.pid),
                    ("proc.ppid", process.ppid),
                    ("proc.pname", process.pname),
                    ("user.name", process.user),
                    ("user.uid", process.uid),
                    ("container.id", process.container_id),
                    ("proc.name", process.name),
                    ("proc.exepath", process.exepath),
                    ("proc.cmdline", process.cmdline),
                ),
            )
