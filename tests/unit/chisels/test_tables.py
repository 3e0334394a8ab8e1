"""What table chisels share: counting anew, empty tables, keys without a value."""

from __future__ import annotations

import sys

from pcapdig.chisels.tables import key_texts
from pcapdig.chisels.topports_server import TopportsServer
from pcapdig.chisels.topprocs_net import TopprocsNet
from pcapdig.procs.process import Process
from pcapdig.render.items import Column, Table
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of
from pcapdig.trace.sums import Sums


def trace() -> Tables:
    """One flow, one process."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    return Tables(flows=flows, processes=[Process(name="httpd", pid=7)])


def only_table(items: object) -> Table:
    """The one table among some items."""
    (table,) = items  # type: ignore[misc]
    assert isinstance(table, Table)
    return table


def test_nothing_fed() -> None:
    """A table without rows still has its headings."""
    table = only_table(TopprocsNet().end())
    assert (table.value.heading, [key.heading for key in table.keys], table.rows) == ("Bytes", ["Process"], ())


def test_no_rows_fed() -> None:
    """A batch of which nothing passed changes nothing."""
    chisel = TopportsServer()
    chisel.feed(rows_of(Packets.from_payloads(trace(), [])))
    assert only_table(chisel.end()).rows == ()


def test_rows_without_bytes_are_not_shown() -> None:
    """A handshake alone makes no row, nor does a retransmission."""
    chisel = TopportsServer()
    chisel.feed(rows_of(Packets.from_payloads(trace(), [b"", b"again"], flow=0, fresh=[0, 0])))
    assert only_table(chisel.end()).rows == ()


def test_an_interval_starts_anew() -> None:
    """Each live table is that of its second."""
    chisel = TopportsServer()
    packets = Packets.from_payloads(trace(), [b"abc"], flow=0, time_ns=5)
    chisel.feed(rows_of(packets))
    assert only_table(chisel.interval(0)).rows == ((3, ("80",)),)
    assert only_table(chisel.interval(1)).rows == ()


def test_batches_add_up() -> None:
    """Without intervals all batches are one table; its time is that of the last row."""
    chisel = TopportsServer()
    for time_ns in (5, 9):
        chisel.feed(rows_of(Packets.from_payloads(trace(), [b"abc"], flow=0, time_ns=time_ns)))
    table = only_table(chisel.end())
    assert (table.rows, table.time_ns) == (((6, ("80",)),), 9)


def test_missing_values_are_shown_as_such() -> None:
    """Id -1 has no value of any field; nor has a process whose user is not known."""
    keys = (Column("proc.name", "Process"), Column("user.name", "User"))
    assert key_texts(trace(), keys, [0, -1]) == [("httpd", "<NA>"), ("<NA>", "<NA>")]


def test_the_time_of_a_table() -> None:
    """That of the last event counted, though others before it may say a later one; by sums as by rows."""
    tables = trace()
    fed, summed = TopprocsNet(), TopprocsNet()
    for times in ([5, 9], [7, 6]):
        fed.feed(rows_of(Packets.from_payloads(tables, [b"a", b"b"], flow=0, time_ns=times)))
    none = (0).to_bytes(8, sys.byteorder)
    summed.feed_sums(Sums(trace=tables, packets=4, last_ns=6, by_flow=none, by_process=none, packets_by_interface=(4,)))
    assert only_table(fed.end()).time_ns == only_table(summed.end()).time_ns == 6
