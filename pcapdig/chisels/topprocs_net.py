"""topprocs_net: processes by the bytes they sent and received."""

from __future__ import annotations

from typing import ClassVar

from pcapdig.chisels.tables import CONTAINER, ProcessTable
from pcapdig.render.items import Column

_PID = Column("proc.pid", "PID")


class TopprocsNet(ProcessTable):
    """Bytes by process name; under -v by name and process id."""

    name: ClassVar[str] = "topprocs_net"
    short_description: ClassVar[str] = "Top processes by network I/O"
    description: ClassVar[str] = (
        "Ranks processes by the payload they sent and received over TCP, UDP and other IP protocols. Traffic between two "
        "processes of this machine counts at each of them. Processes of one name share a row; with -v each process id has "
        "its own. What no process is known for is shown as <NA>. Live, the table is that of the last second."
    )
    keys: ClassVar[tuple[Column, ...]] = (Column("proc.name", "Process"),)
    things: ClassVar[str] = "processes"
    with_containers: ClassVar[type[ProcessTable]]

    def shown_keys(self) -> tuple[Column, ...]:
        """Name; under -v the process id too."""
        return (*self.keys, _PID) if self.verbose else self.keys


class TopprocsNetWithContainers(TopprocsNet):
    """Bytes by process and container: sysdig's -pc."""

    def shown_keys(self) -> tuple[Column, ...]:
        """Name, process id on the host, container."""
        return (*self.keys, Column("proc.pid", "Host_pid"), CONTAINER)


TopprocsNet.with_containers = TopprocsNetWithContainers
