"""topports_server: server ports by bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pcapdig.chisels.tables import CONTAINER, FieldTable, FlowTable
from pcapdig.render.items import Column

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pcapdig.trace.flows import Flows

_TCP, _UDP = 6, 17


class TopportsServer(FlowTable):
    """Bytes by the server's port, TCP and UDP together."""

    name: ClassVar[str] = "topports_server"
    short_description: ClassVar[str] = "Top server ports by network I/O"
    description: ClassVar[str] = (
        "Ranks the ports of servers by the payload sent and received over them, TCP and UDP together. Each packet counts "
        "once, also where both of its ends are on this machine. Live, the table is that of the last second."
    )
    keys: ClassVar[tuple[Column, ...]] = (Column("fd.sport", "Srv Port"),)
    things: ClassVar[str] = "server ports"
    with_containers: ClassVar[type[FieldTable]]

    def _has_key(self, flows: Flows, ids: NDArray[np.intp]) -> NDArray[np.bool_]:
        import numpy as np

        return np.isin(flows.protocol[ids], (_TCP, _UDP))

    def _groups(
        self, flows: Flows, ids: NDArray[np.intp], sums: NDArray[np.int64]
    ) -> tuple[list[tuple[int, list[int]]], int]:
        from pcapdig.chisels.totals import grouped

        groups, found = grouped(flows.server_port[ids], sums, self.limit)
        return [(total, ids[members].tolist()) for total, members in groups], found


class TopportsServerWithContainers(FieldTable):
    """Bytes by the server's port and the container of each end: sysdig's -pc."""

    name: ClassVar[str] = TopportsServer.name
    filter: ClassVar[str] = "fd.sport exists"
    keys: ClassVar[tuple[Column, ...]] = (*TopportsServer.keys, CONTAINER)


TopportsServer.with_containers = TopportsServerWithContainers
