"""topcontainers_net: containers by the bytes they sent and received."""

from __future__ import annotations

from typing import ClassVar

from pcapdig.chisels.tables import ProcessTable
from pcapdig.render.items import Column


class TopcontainersNet(ProcessTable):
    """Bytes by container; the host is none."""

    name: ClassVar[str] = "topcontainers_net"
    short_description: ClassVar[str] = "Top containers by network I/O"
    description: ClassVar[str] = (
        "Ranks containers by the payload their processes sent and received. What belongs to no container, or to a process that "
        "is not known, is left out. Traffic between two containers of this machine counts at each of them. A container is "
        "named by the first 12 digits of its id. Live, the table is that of the last second."
    )
    filter: ClassVar[str] = "container.id exists and container.id!=host"
    keys: ClassVar[tuple[Column, ...]] = (Column("container.id", "container.id"),)
    things: ClassVar[str] = "containers"
