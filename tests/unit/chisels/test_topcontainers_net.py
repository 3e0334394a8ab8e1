"""topcontainers_net: bytes by container."""

from __future__ import annotations

from pcapdig.chisels.topcontainers_net import TopcontainersNet
from pcapdig.filters import compile_filter
from pcapdig.procs.process import Process
from pcapdig.render.items import Table
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of


def test_only_containers_are_counted() -> None:
    """The host and unknown processes are none; two processes of one container share a row."""
    containers = ("59fd49aa4072", "59fd49aa4072", "0123456789ab", "host", None)
    processes = [Process(name="p", pid=pid, container_id=container) for pid, container in enumerate(containers, 1)]
    packets = Packets.from_payloads(
        Tables(processes=processes), [b"abc", b"de", b"f", b"g"], writer=[0, 1, 4, -1], reader=[2, 3, -1, -1]
    )
    rows = rows_of(packets)
    chisel = TopcontainersNet()
    chisel.feed(rows.select(compile_filter(chisel.filter).mask(rows)))
    (table,) = chisel.end()
    assert isinstance(table, Table)
    assert table.rows == ((5, ("59fd49aa4072",)), (3, ("0123456789ab",)))
    assert [key.heading for key in table.keys] == ["container.id"]
