"""udp_extract: datagrams in files."""

from __future__ import annotations

from pcapdig.chisels.udp_extract import UdpExtract
from pcapdig.filters import compile_filter
from pcapdig.procs.process import Process
from pcapdig.render.items import Extract, Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

FLOWS = (
    FlowRecord(client="192.168.128.156", server="145.216.3.255", client_port=55441, server_port=514, protocol=17),
    FlowRecord(client="fe80::1", server="fe80::2", client_port=5000, server_port=53, protocol=17),
    FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80, protocol=6),
)
NAME = "192.168.128.156_55441--145.216.3.255_514"


def fed(chisel: UdpExtract, payloads: list[bytes], **columns: object) -> list[Extract]:
    """What a batch gives, its own filter applied."""
    tables = Tables(flows=Flows.from_records(FLOWS), processes=[Process(name="p", pid=1), Process(name="q", pid=2)])
    rows = rows_of(Packets.from_payloads(tables, payloads, **columns))
    return [
        item for item in chisel.feed(rows.select(compile_filter(chisel.filter).mask(rows))) if isinstance(item, Extract)
    ]


def test_only_udp_with_payload() -> None:
    """TCP is no datagram, and an empty one leaves nothing."""
    assert fed(UdpExtract(), [b"tcp", b""], flow=[2, 0]) == []


def test_one_file_a_conversation_both_ways() -> None:
    """In the order of the capture, each datagram once though both ends are here, no copies."""
    chisel = UdpExtract()
    extracts = fed(
        chisel,
        [b"ask", b"v6", b"answer", b"copy"],
        flow=[0, 1, 0, 0],
        forward=[1, 1, 0, 0],
        writer=0,
        reader=1,
        fresh=[3, 2, 6, 0],
    )
    assert extracts == [
        Extract(directory="udp_dump_files", name=NAME, data=b"askanswer"),
        Extract(directory="udp_dump_files", name="fe80__1_5000--fe80__2_53", data=b"v6"),
    ]
    texts = [item.text for item in chisel.end() if isinstance(item, Line)]
    assert texts == [
        f"udp_dump_files/{NAME}: 2 datagrams, 9 bytes",
        "udp_dump_files/fe80__1_5000--fe80__2_53: 1 datagram, 2 bytes",
    ]


def test_what_was_not_captured_is_told() -> None:
    """A snap length leaves holes in the file."""
    chisel = UdpExtract(directory="out")
    (extract,) = fed(chisel, [b"abc"], flow=0, payload_length=[10])
    (line,) = chisel.end()
    assert (extract.directory, extract.data) == ("out", b"abc")
    assert isinstance(line, Line)
    assert line.text == f"out/{NAME}: 1 datagram, 3 bytes, 7 bytes not captured"
