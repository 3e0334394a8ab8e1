"""What each flow came to, beside tshark and the chisel conns."""

from __future__ import annotations

import io
from collections import Counter
from pathlib import Path
from typing import Any

import pcapdig
from pcapdig.api.summaries import FlowSums
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows


def test_packets_each_way_are_those_of_tshark(capture: Path, tshark: Any) -> None:
    """Of every TCP and UDP flow."""
    rows = tshark(
        capture, "ip.src", "ipv6.src", "tcp.srcport", "udp.srcport", "tcp.stream", "udp.stream", where="tcp or udp"
    )
    sent = Counter((row[0] or row[1], row[2] or row[3], "tcp" if row[4] else "udp", row[4] or row[5]) for row in rows)
    ours: Counter[tuple[str, str, str]] = Counter()
    for total in pcapdig.open(capture).flows():
        flow = total.flow
        ours[flow.client, str(flow.client_port), flow.protocol] += total.packets_to_server
        ours[flow.server, str(flow.server_port), flow.protocol] += total.packets_to_client
    theirs: Counter[tuple[str, str, str]] = Counter()
    for (source, port, protocol, _), count in sent.items():
        theirs[source, port, protocol] += count
    assert +ours == theirs


def test_times_are_those_of_tshark(capture: Path, tshark: Any) -> None:
    """The first and the last packet of each TCP connection."""
    moments: dict[str, list[int]] = {}
    for stream, time in tshark(capture, "tcp.stream", "frame.time_epoch", where="tcp"):
        moments.setdefault(stream, []).append(int(time.replace(".", "")))
    theirs = sorted((min(times), max(times)) for times in moments.values())
    flows = [flow for flow in pcapdig.open(capture).flows() if flow.flow.protocol == "tcp"]
    assert sorted((flow.first_ns, flow.last_ns) for flow in flows) == theirs


def test_bytes_are_those_of_topconns(lamp: Path) -> None:
    """Payload, each byte once."""
    trace = pcapdig.open(lamp)
    shown = {row["fd.name"]: row["evt.rawarg.res"] for row in trace.chisel("topconns")}
    assert {total.flow.name: total.bytes for total in trace.flows() if total.bytes} == shown


def test_both_processes_are_known_where_one_passes(lamp: Path) -> None:
    """A filter chooses packets, and these have both their ends."""
    for total in pcapdig.open(lamp).flows("proc.name=httpd and fd.sport=80"):
        assert total.client_process is not None
        assert total.server_process is not None
        assert (total.client_process.name, total.server_process.name) == ("curl", "httpd")


def test_only_flows_of_which_a_packet_passes(small: bytes) -> None:
    """And only the packets that pass count."""
    trace = pcapdig.open(io.BytesIO(small))
    assert list(trace.flows("evt.num=9")) == []
    (total,) = trace.flows("evt.num>1")
    assert (total.packets, total.bytes, total.duration_ns) == (2, 8, 10**9)
    assert (total.round_trip_ns, total.retransmits_to_server) == (None, 0)


def test_groups_are_bounded(monkeypatch: Any) -> None:
    """Nothing is lost between them."""
    monkeypatch.setattr("pcapdig.api.summaries._AT_ONCE", 2)
    tables = Tables(flows=Flows.from_records([FlowRecord(client="::1", server=f"::{i}") for i in range(2, 7)]))
    sums = FlowSums(tables)
    sums.add(Packets.from_payloads(tables, [b"x"] * 5, flow=[4, 3, 2, 1, 0], time_ns=[1, 2, 3, 4, 5]), None)
    assert [len(group) for group in sums.in_groups()] == [2, 2, 1]
    assert [total.flow.id for total in sums.totals()] == [4, 3, 2, 1, 0]
