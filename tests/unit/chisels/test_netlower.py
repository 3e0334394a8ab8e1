"""netlower: slow answers."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from scapy.layers.dns import DNS, DNSQR, DNSRR
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap

from pcapdig.chisels.netlower import Netlower
from pcapdig.errors import UsageError
from pcapdig.filters import compile_filter
from pcapdig.procs.process import Process
from pcapdig.render.items import Item, Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows, rows_of
from pcapdig.trace.trace import Trace

MS = 1_000_000


def shown(chisel: Netlower, rows: Rows) -> Iterable[Item]:
    """What a dig has it show: of its own filter's rows."""
    return chisel.feed(rows.select(compile_filter(chisel.filter).mask(rows)))


@pytest.mark.parametrize("text", ["", "abc", "-1", "1.5", "1e3", "１", "9" * 13])
def test_no_number_is_refused(text: str) -> None:
    """Anything but a whole number of milliseconds."""
    with pytest.raises(UsageError, match="chisel netlower: .* is not a whole number"):
        Netlower(min_ms=text)


def test_another_word_is_refused() -> None:
    """disable_color is the one there is."""
    with pytest.raises(UsageError, match="chisel netlower: argument 'red' is not understood"):
        Netlower(min_ms="1", disable_color="red")
    assert not Netlower(min_ms="1", disable_color="disable_color").colour


def test_nothing_fed() -> None:
    """The two lines of headings, once."""
    chisel = Netlower(min_ms="1")
    lines = [item for item in chisel.end() if isinstance(item, Line)]
    assert [line.is_heading for line in lines] == [True, True]
    assert lines[0].text == "evt.datetime            proc.name    evt.type  LATENCY(ms) fd.name"
    assert [len(part) for part in lines[1].text.split()] == [23, 12, 8, 12, 41]
    assert list(chisel.end()) == []


def test_longer_than_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strictly longer; each end its line, with what the packet is to it."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    tables = Tables(flows=flows, processes=[Process(name="curl", pid=1), Process(name="httpd", pid=2)])
    packets = Packets.from_payloads(
        tables,
        [b"", b"", b"ask", b"answer", b"ask", b"fast"],
        flow=0,
        forward=[1, 0, 1, 0, 1, 0],
        tcp_flags=[2, 18, 16, 16, 16, 16],
        seq=[0, 0, 1, 1, 4, 7],
        ack=[0, 1, 1, 4, 7, 7],
        writer=[0, 1, 0, 1, 0, 1],
        reader=[1, 0, 1, -1, 1, 0],
        time_ns=[0, 30 * MS, 40 * MS, 61 * MS + 1, 70 * MS, 90 * MS],
    )
    lines = [
        item
        for item in shown(Netlower(min_ms="20"), rows_of(packets))
        if isinstance(item, Line) and not item.is_heading
    ]
    name = "10.0.0.1:5000->10.0.0.2:80"
    assert [line.text[24:] for line in lines] == [
        f"httpd        accept             30 {name}",
        f"curl         connect            30 {name}",
        f"httpd        write              21 {name}",
    ]
    assert dict(lines[2].fields) == {
        "evt.rawtime": 61 * MS + 1,
        "proc.name": "httpd",
        "evt.type": "write",
        "latency_ns": 21 * MS + 1,
        "fd.name": name,
    }


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_latency_is_tsharks_dns_time(tmp_path: Path) -> None:
    """dns.time is from a query to its answer, to the microsecond that a pcap holds."""
    path = tmp_path / "dns.pcap"
    frames = []
    for number, (start, took) in enumerate(((1.0, 0.25), (2.5, 0.003), (3.0, 1.75))):
        there = Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=5000 + number, dport=53)
        back = Ether() / IP(src="10.0.0.2", dst="10.0.0.1") / UDP(sport=53, dport=5000 + number)
        asked, answered = DNSQR(qname="a.example"), DNSRR(rrname="a.example", rdata="10.9.9.9")
        for frame, moment in (
            (there / DNS(id=number, qd=asked), start),
            (back / DNS(id=number, qr=1, qd=asked, an=answered), start + took),
        ):
            frame.time = moment
            frames.append(frame)
    wrpcap(str(path), frames)
    said = subprocess.run(
        ["tshark", "-r", path, "-Y", "dns.time", "-T", "fields", "-e", "dns.time"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    chisel = Netlower(min_ms="0")
    trace = Trace()
    lines = [item for packets in trace.read(str(path)) for item in shown(chisel, rows_of(packets))]
    latencies = [dict(line.fields)["latency_ns"] for line in lines if isinstance(line, Line) and line.fields]
    assert latencies == [round(float(text) * 1e9) for text in said.split()]
    assert len(latencies) == 3
