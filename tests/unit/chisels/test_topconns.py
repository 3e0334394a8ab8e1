"""topconns: bytes by connection."""

from __future__ import annotations

import numpy as np

from pcapdig.chisels.topconns import Topconns
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

WEB = "10.0.0.1:5000->10.0.0.9:80"


def trace() -> Tables:
    """A connection twice (its port was used again), two others, a UDP one and a ping."""
    ends = (("10.0.0.1", 5000, 80, 6), ("10.0.0.1", 5000, 80, 6), ("10.0.0.10", 5000, 80, 6), ("10.0.0.2", 5000, 80, 6))
    others = (("10.0.0.1", 5000, 80, 17), ("10.0.0.1", 0, 0, 1))
    flows = Flows.from_records(
        FlowRecord(client=client, server="10.0.0.9", client_port=client_port, server_port=port, protocol=protocol)
        for client, client_port, port, protocol in (*ends, *others)
    )
    names = ("curl", "httpd", "nginx")
    return Tables(flows=flows, processes=[Process(name=name, pid=pid) for pid, name in enumerate(names, 1)])


def ranked(flow: list[int], *, verbose: bool = False, **columns: object) -> list[tuple[int, tuple[str, ...]]]:
    """The table of packets with 3 bytes each."""
    chisel = Topconns(verbose=verbose)
    chisel.feed(rows_of(Packets.from_payloads(trace(), [b"abc"] * len(flow), flow=flow, **columns)))
    (table,) = chisel.end()
    return list(table.rows)


def test_packets_without_a_flow_have_no_row() -> None:
    """Flow -1 is no connection."""
    assert ranked([-1, -1]) == []


def test_a_packet_counts_once() -> None:
    """Also where both ends are processes of this machine."""
    assert ranked([0], writer=0, reader=1) == [(3, ("tcp", WEB))]


def test_a_packet_counts_if_one_end_passed() -> None:
    """With a filter on the reader's process the packet's bytes count, once."""
    packets = Packets.from_payloads(trace(), [b"abc", b"def"], flow=0, writer=0, reader=1)
    rows = rows_of(packets)
    chisel = Topconns()
    chisel.feed(rows.select(~rows.is_write))
    (table,) = chisel.end()
    assert table.rows == ((6, ("tcp", WEB)),)


def test_a_port_used_again_is_one_row() -> None:
    """Two connections with the same addresses and ports have the same name, so one row."""
    assert ranked([0, 1]) == [(6, ("tcp", WEB))]


def test_ties_by_protocol_then_by_addresses_as_numbers() -> None:
    """10.0.0.2 stands before 10.0.0.10."""
    assert ranked([5, 4, 3, 2]) == [
        (3, ("icmp", "10.0.0.1->10.0.0.9")),
        (3, ("tcp", "10.0.0.2:5000->10.0.0.9:80")),
        (3, ("tcp", "10.0.0.10:5000->10.0.0.9:80")),
        (3, ("udp", WEB)),
    ]


def test_verbose_names_the_ends() -> None:
    """-v: client's process, then server's, whichever way a packet went."""
    both = ranked([0, 0], verbose=True, forward=[1, 0], writer=[0, 1], reader=[1, 0])
    assert both == [(6, ("tcp", WEB, "curl->httpd"))]


def test_verbose_names_only_what_is_known() -> None:
    """One end, several processes at one end, or none."""
    assert ranked([0], verbose=True, reader=1) == [(3, ("tcp", WEB, "httpd"))]
    assert ranked([0, 0], verbose=True, reader=[2, 1]) == [(6, ("tcp", WEB, "httpd,nginx"))]
    assert ranked([0], verbose=True) == [(3, ("tcp", WEB, "<NA>"))]


def test_verbose_interval_forgets_the_ends() -> None:
    """A new second's table names only whom it saw."""
    chisel = Topconns(verbose=True)
    chisel.feed(rows_of(Packets.from_payloads(trace(), [b"abc"], flow=0, reader=2)))
    chisel.interval(0)
    chisel.feed(rows_of(Packets.from_payloads(trace(), [b"abc"], flow=0, reader=1)))
    (table,) = chisel.end()
    assert table.rows == ((3, ("tcp", WEB, "httpd")),)


def test_thirty_rows() -> None:
    """The thirty largest of many, against a plain count."""
    rng = np.random.default_rng(3)
    many = Tables(
        flows=Flows.from_records(
            FlowRecord(client="10.0.0.1", server="10.0.0.9", client_port=1000 + i, server_port=80) for i in range(500)
        )
    )
    flow = rng.integers(0, 500, 20_000)
    fresh = rng.integers(0, 1500, 20_000)
    chisel = Topconns()
    chisel.feed(rows_of(Packets.from_payloads(many, [b""] * 20_000, flow=flow, fresh=fresh, payload_length=fresh)))
    (table,) = chisel.end()
    plain: dict[int, int] = {}
    for i, size in zip(flow.tolist(), fresh.tolist(), strict=True):
        plain[i] = plain.get(i, 0) + size
    largest = sorted(plain.items(), key=lambda item: (-item[1], item[0]))[:30]
    assert [(total, key[1]) for total, key in table.rows] == [(total, many.flows.name(i)) for i, total in largest]
