"""conns: a line a connection."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import wrpcap

from pcapdig.chisels.conns import Conns
from pcapdig.procs.process import Process
from pcapdig.render.items import Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of
from pcapdig.trace.trace import Trace

SECOND = 1_000_000_000
FIN, SYN, RST, ACK = 1, 2, 4, 16
FROM_CLIENT, FROM_SERVER = True, False


def fields(item: object) -> dict[str, object]:
    """A line's members."""
    assert isinstance(item, Line)
    return dict(item.fields)


def state(*packets: tuple[bool, int], protocol: int = 6) -> object:
    """The state that (sent by the client, TCP flags) lead to."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", server_port=80, protocol=protocol)])
    chisel = Conns()
    forward, flags = zip(*packets, strict=True)
    times = list(range(1, len(packets) + 1))
    batch = Packets.from_payloads(
        Tables(flows=flows), [b""] * len(packets), flow=0, forward=forward, tcp_flags=flags, time_ns=times
    )
    chisel.feed(rows_of(batch))
    _, line = chisel.end()
    return fields(line)["state"]


C, S = FROM_CLIENT, FROM_SERVER
OPEN = ((C, SYN), (S, SYN | ACK), (C, ACK))


@pytest.mark.parametrize(
    ("expected", "packets"),
    [
        ("S0", [(C, SYN)]),
        ("S0", [(C, SYN), (C, SYN)]),
        ("S1", OPEN),
        ("SF", [*OPEN, (C, FIN), (S, FIN), (C, ACK)]),
        ("SF", [*OPEN, (C, FIN), (S, FIN), (C, RST)]),
        ("REJ", [(C, SYN), (S, RST | ACK)]),
        ("S2", [*OPEN, (C, FIN), (S, ACK)]),
        ("S3", [*OPEN, (S, FIN), (C, ACK)]),
        ("RSTO", [*OPEN, (C, RST)]),
        ("RSTO", [*OPEN, (S, FIN), (C, RST)]),
        ("RSTR", [*OPEN, (S, RST)]),
        ("RSTOS0", [(C, SYN), (C, RST)]),
        ("RSTRH", [(S, SYN | ACK), (S, RST)]),
        ("SH", [(C, SYN), (C, FIN)]),
        ("SHR", [(S, SYN | ACK), (S, FIN)]),
        ("OTH", [(C, ACK), (S, ACK)]),
        ("OTH", [(C, SYN), (S, ACK)]),
    ],
)
def test_states_of_tcp(expected: str, packets: list[tuple[bool, int]]) -> None:
    """Zeek's words for what happened."""
    assert state(*packets) == expected


@pytest.mark.parametrize(("expected", "ends"), [("S0", [C, C]), ("SF", [C, S]), ("SHR", [S])])
def test_states_of_udp(expected: str, ends: list[bool]) -> None:
    """Who spoke."""
    assert state(*((end, 0) for end in ends), protocol=17) == expected


def test_other_protocols_have_none() -> None:
    """A ping is neither open nor closed."""
    assert state((C, 0), (S, 0), protocol=1) == "OTH"


def test_nothing_fed() -> None:
    """The headings alone, once."""
    chisel = Conns()
    assert [fields(item) for item in chisel.end()] == [{}]
    assert list(chisel.end()) == []


def conversation(chisel: Conns, *, flow: int = 0, start_ns: int = 0, closes: bool = True) -> None:
    """Feed a connection of a tenth of a second."""
    flows = Flows.from_records(
        FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=port, server_port=80) for port in (5000, 5001)
    )
    tables = Tables(flows=flows, processes=[Process(name="curl", pid=1), Process(name="httpd", pid=2)])
    payloads = [b"", b"", b"GET /", b"200 OK", b"", b""]
    end = FIN if closes else 0
    packets = Packets.from_payloads(
        tables,
        payloads,
        flow=flow,
        forward=[1, 0, 1, 0, 1, 0],
        tcp_flags=[SYN, SYN | ACK, ACK, ACK, ACK | end, ACK | end],
        writer=[0, 1, 0, 1, 0, 1],
        reader=[1, 0, 1, 0, 1, 0],
        time_ns=[start_ns + i * SECOND // 50 for i in range(6)],
    )
    chisel.feed(rows_of(packets))


def test_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of a connection, as text and as an object."""
    chisel = Conns()
    conversation(chisel)
    heading, line = chisel.end()
    assert isinstance(heading, Line) and isinstance(line, Line)
    assert heading.text.split() == (
        "START DURATION PROTO STATE C_BYTES S_BYTES C_PKTS S_PKTS RETR OOW RTT CONN PROCESSES".split()
    )
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.000 100ms ", line.text)
    assert line.text[24:].split() == (
        "100ms tcp SF 5 6 3 3 0 0 40ms 10.0.0.1:5000->10.0.0.2:80 curl(1)->httpd(2)".split()
    )
    assert dict(line.fields) == {
        "evt.rawtime": 0,
        "duration_ns": SECOND // 10,
        "fd.l4proto": "tcp",
        "fd.name": "10.0.0.1:5000->10.0.0.2:80",
        "state": "SF",
        "client_bytes": 5,
        "server_bytes": 6,
        "client_packets": 3,
        "server_packets": 3,
        "client_retransmits": 0,
        "server_retransmits": 0,
        "client_out_of_window": 0,
        "server_out_of_window": 0,
        "round_trip_ns": SECOND // 25,
        "client_process": "curl(1)",
        "server_process": "httpd(2)",
    }


def test_live_a_closed_connection_is_shown_once() -> None:
    """A second after its last packet; what is open waits for the end."""
    chisel = Conns()
    conversation(chisel)
    conversation(chisel, flow=1, closes=False)
    assert list(chisel.interval(0)) == []
    assert len([*chisel.interval(SECOND)]) == 2  # headings and a line
    assert list(chisel.interval(2 * SECOND)) == []
    (line,) = chisel.end()
    assert fields(line)["fd.name"] == "10.0.0.1:5001->10.0.0.2:80"


def test_live_a_silent_conversation_is_shown_after_a_minute() -> None:
    """Whoever never says goodbye is not waited for; should it go on, that is a line of its own."""
    chisel = Conns()
    conversation(chisel, closes=False)
    assert list(chisel.interval(59 * SECOND)) == []
    assert len([*chisel.interval(60 * SECOND)]) == 2
    conversation(chisel, start_ns=100 * SECOND, closes=False)
    (line,) = chisel.end()
    assert fields(line)["evt.rawtime"] == 100 * SECOND


class Wire:
    """Frames of a few TCP connections, one after the other, a millisecond apart."""

    def __init__(self) -> None:
        self.frames: list[Packet] = []

    def send(self, port: int, by_client: bool, flags: str, seq: int, ack: int = 0, payload: bytes = b"") -> None:
        """One segment between 10.0.0.1:port and 10.0.0.2:80."""
        ends = ("10.0.0.1", "10.0.0.2") if by_client else ("10.0.0.2", "10.0.0.1")
        ports = (port, 80) if by_client else (80, port)
        head = (
            Ether() / IP(src=ends[0], dst=ends[1]) / TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seq, ack=ack)
        )
        self._add(head / Raw(payload) if payload else head)

    def datagram(self, port: int, payload: bytes) -> None:
        """One that nobody answers."""
        self._add(Ether() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=port, dport=53) / Raw(payload))

    def _add(self, frame: Packet) -> None:
        frame.time = 1000 + len(self.frames) / 1000
        self.frames.append(frame)

    def open(self, port: int) -> None:
        """A handshake; client's numbers begin at 100, the server's at 900."""
        self.send(port, True, "S", 100)
        self.send(port, False, "SA", 900, 101)
        self.send(port, True, "A", 101, 901)


def capture(path: Path) -> None:
    """A whole connection with a segment lost and sent again, one refused, one with its SYN sent twice, one broken off, a datagram."""
    wire = Wire()
    wire.open(5000)
    wire.send(5000, True, "PA", 101, 901, b"GET /")
    wire.send(5000, False, "PA", 901, 106, b"a" * 1000)
    wire.send(5000, False, "PA", 2901, 106, b"c" * 1000)
    wire.send(5000, True, "A", 106, 1901)
    for _ in range(300):  # time goes by, so that tshark takes it for no mere disorder
        wire.datagram(6000, b"who")
    wire.send(5000, False, "PA", 901, 106, b"a" * 1000)
    wire.send(5000, True, "A", 106, 3901)
    wire.send(5000, True, "FA", 106, 3901)
    wire.send(5000, False, "FA", 3901, 107)
    wire.send(5000, True, "A", 107, 3902)
    wire.send(5001, True, "S", 100)
    wire.send(5001, False, "RA", 0, 101)
    wire.send(5002, True, "S", 100)
    wire.send(5002, True, "S", 100)
    wire.send(5002, False, "SA", 900, 101)
    wire.send(5002, True, "A", 101, 901)
    wire.open(5003)
    wire.send(5003, True, "PA", 101, 901, b"hello")
    wire.send(5003, False, "R", 901)
    wrpcap(str(path), wire.frames)


def tshark(path: Path, *arguments: str) -> str:
    """What tshark says."""
    command = ["tshark", "-r", path, "-o", "tcp.relative_sequence_numbers:FALSE", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_equal_to_tshark(tmp_path: Path) -> None:
    """Packets and payload each way, retransmissions and initial_rtt."""
    path = tmp_path / "t.pcap"
    capture(path)
    chisel = Conns()
    trace = Trace()
    for packets in trace.read(str(path)):
        chisel.feed(rows_of(packets))
    lines = {str(fields(line)["fd.name"]): fields(line) for line in list(chisel.end())[1:]}
    names = [
        "ip.src",
        "tcp.srcport",
        "tcp.dstport",
        "tcp.len",
        "tcp.analysis.retransmission",
        "tcp.analysis.initial_rtt",
    ]
    columns = [word for name in names for word in ("-e", name)]
    counted: dict[str, dict[str, object]] = {}
    for row in tshark(path, "-Y", "tcp", "-T", "fields", *columns).splitlines():
        source, source_port, target_port, size, again, trip = row.split("\t")
        end = "client" if source == "10.0.0.1" else "server"
        name = f"10.0.0.1:{source_port if end == 'client' else target_port}->10.0.0.2:80"
        total = counted.setdefault(
            name,
            dict.fromkeys((f"{e}_{w}" for e in ("client", "server") for w in ("packets", "retransmits", "sent")), 0),
        )
        total[f"{end}_packets"] += 1  # type: ignore[operator]
        total[f"{end}_retransmits"] += bool(again)  # type: ignore[operator]
        total[f"{end}_sent"] += int(size)  # type: ignore[operator]
        if trip:
            total["round_trip_ns"] = round(float(trip) * 1e9)
    for name, expected in counted.items():
        line = lines[name]
        for end in ("client", "server"):
            assert line[f"{end}_packets"] == expected[f"{end}_packets"]
            assert line[f"{end}_retransmits"] == expected[f"{end}_retransmits"]
        if line["round_trip_ns"] is not None:
            assert line["round_trip_ns"] == expected["round_trip_ns"]
    assert [line["state"] for line in lines.values()] == ["SF", "S0", "REJ", "S1", "RSTR"]
    web = lines["10.0.0.1:5000->10.0.0.2:80"]
    assert web["round_trip_ns"] == 2_000_000
    assert (web["client_bytes"], web["server_bytes"], web["server_retransmits"]) == (5, 2000, 1)
    assert counted["10.0.0.1:5000->10.0.0.2:80"]["server_sent"] == 3000  # with what was sent again
