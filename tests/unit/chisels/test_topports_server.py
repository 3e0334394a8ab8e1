"""topports_server: bytes by the server's port."""

from __future__ import annotations

from pcapdig.chisels.topports_server import TopportsServer
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


def ranked(flow: list[int], **columns: int) -> list[tuple[int, tuple[str, ...]]]:
    """The table of packets with 3 bytes each, of flows to TCP 80 (two), UDP 53, TCP 53, and ICMP."""
    ends = ((1, 80, 6), (2, 80, 6), (1, 53, 17), (1, 53, 6), (1, 0, 1))
    flows = Flows.from_records(
        FlowRecord(client=f"10.0.0.{host}", server="10.0.0.9", client_port=5000, server_port=port, protocol=protocol)
        for host, port, protocol in ends
    )
    trace = Tables(flows=flows, processes=[Process(name="curl", pid=5), Process(name="httpd", pid=7)])
    chisel = TopportsServer()
    chisel.feed(rows_of(Packets.from_payloads(trace, [b"abc"] * len(flow), flow=flow, **columns)))
    (table,) = chisel.end()
    return list(table.rows)


def test_what_has_no_port_has_no_row() -> None:
    """ICMP, and packets without a flow, are left out."""
    assert ranked([4, -1]) == []


def test_packets_without_any_flow_table() -> None:
    """A capture of nothing but ARP."""
    chisel = TopportsServer()
    chisel.feed(rows_of(Packets.from_payloads(Tables(), [b"arp"])))
    (table,) = chisel.end()
    assert table.rows == ()


def test_flows_to_one_port_share_a_row() -> None:
    """Two clients of port 80, and port 53 of TCP and UDP; ties by number."""
    assert ranked([0, 1, 2, 3]) == [(6, ("53",)), (6, ("80",))]


def test_a_packet_counts_once() -> None:
    """Also where both ends are processes of this machine."""
    assert ranked([0, 0], writer=0, reader=1) == [(6, ("80",))]
