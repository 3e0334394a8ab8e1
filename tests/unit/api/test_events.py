"""Events and flows as values."""

from __future__ import annotations

import dataclasses
import gc
import io
import subprocess
import weakref
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import pcapdig
from pcapdig.api.events import FlowBook, early_fields, events_of
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

DIG = Process(name="dig", pid=77)
START_NS = 1_700_000_000_123_456_789


@pytest.fixture
def event(small: bytes) -> pcapdig.Event:
    """dig writes `one`."""
    return next(pcapdig.open(io.BytesIO(small)).events())


def test_unknown_fields_are_refused(event: pcapdig.Event) -> None:
    """By the catalogue's words."""
    with pytest.raises(pcapdig.UsageError, match=r"unknown field fd\.nme; did you mean fd\.name\?"):
        event["fd.nme"]
    with pytest.raises(pcapdig.UsageError, match=r"fd\.ip can only be compared"):
        event["fd.ip"]
    with pytest.raises(pcapdig.UsageError, match=r"name it in events\(\.\.\., fields=\['evt.latency'\]\)"):
        event["evt.latency"]


def test_it_cannot_be_changed(event: pcapdig.Event) -> None:
    """Frozen, without a place for other attributes."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.size = 3  # type: ignore[misc]
    assert not hasattr(event, "__dict__")


def test_its_attributes(event: pcapdig.Event) -> None:
    """Each by name."""
    flow = pcapdig.Flow(
        id=0,
        protocol="udp",
        family=4,
        client="10.0.0.1",
        client_port=4000,
        server="10.0.0.2",
        server_port=53,
        name="10.0.0.1:4000->10.0.0.2:53",
    )
    assert (event.number, event.time_ns, event.type, event.direction) == (1, START_NS, "write", "write")
    assert (event.process, event.evidence, event.flow, event.is_client) == (DIG, "socket", flow, True)
    assert (event.interface, event.size, event.buffer, event.gaps) == ("eth7", 3, b"one", ())
    assert event.time == datetime(2023, 11, 14, 22, 13, 20, 123456, UTC)
    assert repr(event) == "<Event 1 22:13:20.123456 dig (77) write 3 bytes 10.0.0.1:4000->10.0.0.2:53>"


def test_fields_by_name(event: pcapdig.Event) -> None:
    """Of each domain; None where there is no value; those made for output as the output has them."""
    names = ("evt.buflen", "fd.lip", "proc.pid", "evt.is_io_read", "user.name", "evt.buffer", "evt.args")
    shown = "res=3 data=one tuple=10.0.0.1:4000->10.0.0.2:53"
    assert [event[name] for name in names] == [3, "10.0.0.1", 77, False, None, b"one", shown]


def test_fields_that_look_back_are_known_where_they_were_named(lamp: Path) -> None:
    """With packets and with messages."""
    trace = pcapdig.open(lamp)
    named = trace.events("evt.latency exists", fields=["evt.latency", "fd.name"])
    assert all(isinstance(event["evt.latency"], int) for event in named)
    gaps = [event["evt.deltatime"] for event in trace.events("evt.is_io_write=true", fields=["evt.deltatime"])]
    times = [event.time_ns for event in trace.events("evt.io_dir=write")]
    assert len(gaps) > 50
    assert sum(event["evt.deltatime"] for event in trace.events("evt.io_dir=write", fields=["evt.deltatime"])) == (
        times[-1] - times[0]
    )


def test_unknown_early_fields_are_refused() -> None:
    """When the events are asked for."""
    with pytest.raises(pcapdig.UsageError, match="unknown field"):
        early_fields(["evt.bogus"])


def test_what_is_not_known_is_none() -> None:
    """No process, no flow, no interface's name, no ports."""
    flows = Flows.from_records([FlowRecord(client="::1", server="::2", protocol=58)])
    packets = Packets.from_payloads(Tables(flows=flows), [b"", b"x"], flow=[-1, 0], payload_length=[0, 5])
    nothing, echo = events_of(rows_of(packets), FlowBook(packets.trace))
    assert (nothing.process, nothing.evidence, nothing.flow, nothing.interface) == (None,) * 4
    assert repr(nothing) == "<Event 1 00:00:00.000000 <NA> packet 0 bytes <NA>>"
    assert echo.flow is not None
    assert (echo.flow.protocol, echo.flow.family, echo.flow.name) == ("icmp6", 6, "::1->::2")
    assert (echo.flow.client_port, echo.flow.server_port) == (None, None)
    assert (echo.buffer, echo.gaps, echo.size) == (b"x", ((1, 4),), 5)


def test_a_packet_between_two_processes_is_two_events() -> None:
    """The write, then the read; one flow object for both."""
    tables = Tables(
        flows=Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2")]),
        processes=[Process(name="curl", pid=1), Process(name="httpd", pid=2)],
    )
    packets = Packets.from_payloads(tables, [b"ab"], flow=0, writer=0, reader=1)
    write, read = events_of(rows_of(packets), FlowBook(tables))
    assert [(e.process.name, e.direction, e.is_client) for e in (write, read) if e.process] == [
        ("curl", "write", True),
        ("httpd", "read", False),
    ]
    assert write.flow is read.flow


def test_an_event_that_is_kept_keeps_no_batch() -> None:
    """Its payload is its own."""
    tables = Tables()
    packets = Packets.from_payloads(tables, [b"ab", b"cd"])
    batch = weakref.ref(packets.number)
    (_, event) = events_of(rows_of(packets), FlowBook(tables))
    del packets
    gc.collect()
    assert batch() is None
    assert (event.buffer, event["evt.num"]) == (b"cd", 2)


def test_gaps_of_messages(tmp_path: Path) -> None:
    """What the snap length cut is told."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether
    from scapy.utils import wrpcap

    def segment(flags: str, seq: int, payload: bytes = b"") -> Any:
        return Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=9, dport=80, flags=flags, seq=seq) / payload

    wrpcap(str(tmp_path / "whole.pcap"), [segment("S", 0), segment("A", 1, b"form" * 100)])
    subprocess.run(["editcap", "-s", "100", tmp_path / "whole.pcap", tmp_path / "t.pcap"], check=True, timeout=60)
    (event,) = pcapdig.open(tmp_path / "t.pcap").events("evt.buffer contains form")
    assert (event.size, len(event.buffer), event.gaps) == (400, 46, ((46, 354),))


def test_flow_objects_are_remembered_in_bounds(monkeypatch: pytest.MonkeyPatch, to_ports: Any) -> None:
    """A million flows need not be a million objects."""
    monkeypatch.setattr("pcapdig.api.events._MOST_FLOWS", 2)
    events = list(pcapdig.open(io.BytesIO(to_ports(*range(1, 9)))))
    assert [event.flow.server_port for event in events if event.flow] == list(range(1, 9))
