"""topprocs_net: bytes by process."""

from __future__ import annotations

from pcapdig.chisels.topprocs_net import TopprocsNet
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


def ranked(
    writer: list[int], reader: list[int], *, verbose: bool = False, **columns: list[int]
) -> list[tuple[int, tuple[str, ...]]]:
    """The table of packets with 3 bytes of payload each."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    processes = [Process(name=name, pid=pid) for name, pid in (("curl", 5), ("httpd", 70), ("httpd", 8), ("cat", 9))]
    trace = Tables(flows=flows, processes=processes)
    chisel = TopprocsNet(verbose=verbose)
    packets = Packets.from_payloads(trace, [b"abc"] * len(writer), flow=0, writer=writer, reader=reader, **columns)
    chisel.feed(rows_of(packets))
    (table,) = chisel.end()
    return list(table.rows)


def test_capture_without_processes() -> None:
    """A pcap has one row, of no name."""
    assert ranked([-1, -1], [-1, -1]) == [(6, ("<NA>",))]


def test_each_end_counts() -> None:
    """A packet between two processes counts at both."""
    assert ranked([0, 1], [1, 0]) == [(6, ("curl",)), (6, ("httpd",))]


def test_processes_of_one_name_share_a_row() -> None:
    """A prefork server is one row; ties are in the order of names."""
    assert ranked([1, 2, 3, 0], [-1] * 4) == [(6, ("httpd",)), (3, ("cat",)), (3, ("curl",))]


def test_verbose_parts_them_by_pid() -> None:
    """-v shows each process id, and ties by number as text."""
    assert ranked([1, 2, 2], [-1] * 3, verbose=True) == [(6, ("httpd", "8")), (3, ("httpd", "70"))]


def test_retransmissions_do_not_count() -> None:
    """Only fresh bytes are bytes."""
    assert ranked([0, 0], [-1, -1], fresh=[3, 0]) == [(3, ("curl",))]


def test_headings() -> None:
    """The tutorial's headings, PID under -v."""
    assert [key.heading for key in TopprocsNet().shown_keys()] == ["Process"]
    assert [key.heading for key in TopprocsNet(verbose=True).shown_keys()] == ["Process", "PID"]


def test_hundred_rows() -> None:
    """No more than 100 processes are shown, the largest."""
    trace = Tables(processes=[Process(name=f"p{i:03}", pid=i + 1) for i in range(150)])
    chisel = TopprocsNet()
    packets = Packets.from_payloads(trace, [b"x" * (i + 1) for i in range(150)], writer=list(range(150)))
    chisel.feed(rows_of(packets))
    (table,) = chisel.end()
    assert (len(table.rows), table.rows[0], table.rows[-1]) == (100, (150, ("p149",)), (51, ("p050",)))
