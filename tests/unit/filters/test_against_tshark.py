"""Filters over a capture, against what tshark reads from the same packets.

The capture is a TCP, UDP and ICMP mix over IPv4 and IPv6 with ARP in between, made by scapy with a fixed seed of addresses and sizes.
"""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from pcapdig.filters import compile_filter
from pcapdig.trace.rows import rows_of
from pcapdig.trace.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START_S = 1_506_127_469


class Packet(NamedTuple):
    """What tshark says of one packet."""

    number: int
    time_ns: int
    addresses: tuple[str, ...]
    ports: tuple[int, ...]
    protocol: str
    """tcp, udp, icmp, icmpv6 or arp."""
    payload: bytes
    flags: int

    def is_in(self, network: str) -> bool:
        """Whether either address is in a network."""
        wanted = ipaddress.ip_network(network)
        return any(ipaddress.ip_address(each) in wanted for each in self.addresses)


def write_capture(path: Path) -> None:
    """Sixty exchanges, 0.37 s apart."""
    from scapy.all import (
        ARP,
        ICMP,
        IP,
        TCP,
        UDP,
        Ether,
        ICMPv6EchoRequest,
        IPv6,
        Raw,
        wrpcap,
    )  # fmt: skip

    packets = []
    for i in range(60):
        v6 = i % 3 == 0
        here = f"2001:db8::{i % 7 + 1:x}" if v6 else f"192.168.{i % 4}.{i % 9 + 1}"
        there = "2001:db8::80" if v6 else f"10.0.{i % 2}.80"
        network = IPv6 if v6 else IP
        out = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / network(src=here, dst=there)
        back = Ether(src="02:00:00:00:00:02", dst="02:00:00:00:00:01") / network(src=there, dst=here)
        port, server = 40000 + i, (80, 443, 8080)[i % 3]
        ask, answer = b"GET /form%d HTTP/1.1\r\n\r\n" % i, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (i * 10)
        if i % 5 == 4:
            exchange = [out / UDP(sport=port, dport=53) / Raw(b"q%d" % i), back / UDP(sport=53, dport=port) / Raw(b"a")]
        elif i % 11 == 7:
            exchange = [out / (ICMPv6EchoRequest(id=i) if v6 else ICMP(id=i)) / Raw(b"ping")]
        elif i % 13 == 5:
            exchange = [out / TCP(sport=port, dport=80, flags="S"), back / TCP(sport=80, dport=port, flags="RA")]
        else:
            exchange = [
                out / TCP(sport=port, dport=server, flags="S", seq=10),
                back / TCP(sport=server, dport=port, flags="SA", seq=20, ack=11),
                out / TCP(sport=port, dport=server, flags="PA", seq=11, ack=21) / Raw(ask),
                back / TCP(sport=server, dport=port, flags="PA", seq=21, ack=11 + len(ask)) / Raw(answer),
                back / TCP(sport=server, dport=port, flags="FA", seq=21 + len(answer), ack=11 + len(ask)),
                Ether(src="02:00:00:00:00:01") / ARP(psrc="10.0.0.1", pdst="10.0.0.2"),
            ]
        for step, packet in enumerate(exchange):
            packet.time = START_S + 0.37 * i + step / 1000
            packets.append(packet)
    wrpcap(str(path), packets)


def read_by_tshark(path: Path) -> list[Packet]:
    """Every packet, from one run."""
    fields = [
        *("frame.number", "frame.time_epoch", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.port", "udp.port"),
        *("frame.protocols", "tcp.payload", "udp.payload", "tcp.flags"),
    ]
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", *(word for field in fields for word in ("-e", field))]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    packets = []
    for line in text.splitlines():
        number, epoch, *rest = line.split("\t")
        seconds, fraction = epoch.split(".")
        protocols = rest[6].split(":")
        packets.append(
            Packet(
                number=int(number),
                time_ns=int(seconds) * 10**9 + int(fraction.ljust(9, "0")),
                addresses=tuple(filter(None, rest[:4])),
                ports=tuple(int(port) for port in f"{rest[4]},{rest[5]}".split(",") if port),
                protocol=next(each for each in ("tcp", "udp", "icmp", "icmpv6", "arp") if each in protocols),
                payload=bytes.fromhex(rest[7] + rest[8]),
                flags=int(rest[9] or "0", 16),
            )
        )
    return packets


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Packet]]:
    """The capture and tshark's view of it."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path = tmp_path_factory.mktemp("tshark") / "mix.pcap"
    write_capture(path)
    return path, read_by_tshark(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fd.ip=192.168.1.2", lambda p: "192.168.1.2" in p.addresses),
        ("fd.ip!=10.0.0.80", lambda p: p.protocol != "arp" and "10.0.0.80" not in p.addresses),
        ("not fd.ip=10.0.0.80", lambda p: "10.0.0.80" not in p.addresses),
        ("fd.ip=2001:db8:0:0::80", lambda p: "2001:db8::80" in p.addresses),
        ("fd.net=192.168.0.0/23", lambda p: p.is_in("192.168.0.0/23")),
        ("fd.net=2001:db8::/125", lambda p: p.is_in("2001:db8::/125")),
        ("fd.port=http", lambda p: 80 in p.ports),
        ("fd.port in (53, 443)", lambda p: 53 in p.ports or 443 in p.ports),
        ("fd.port>=40030", lambda p: any(port >= 40030 for port in p.ports)),
        ("fd.port!=80", lambda p: p.ports and 80 not in p.ports),
        ("fd.l4proto=udp", lambda p: p.protocol == "udp"),
        ("fd.l4proto in (icmp, icmp6)", lambda p: p.protocol in ("icmp", "icmpv6")),
        ("fd.type=ipv6", lambda p: any(":" in address for address in p.addresses)),
        ("not fd.type exists", lambda p: p.protocol == "arp"),
        ("evt.is_io=true and fd.port exists", lambda p: p.payload),
        ("evt.rawres>300", lambda p: len(p.payload) > 300),
        ("evt.num in (3, 5, 7)", lambda p: p.number in (3, 5, 7)),
        ("evt.buffer contains form1 and fd.l4proto=tcp", lambda p: b"form1" in p.payload),
        ("evt.buffer startswith HTTP/ and fd.port exists", lambda p: p.payload.startswith(b"HTTP/")),
        ("evt.buffer bcontains 0d0a0d0a", lambda p: b"\r\n\r\n" in p.payload),
        ("evt.type=reset", lambda p: p.flags & 4),
        ("evt.type=accept", lambda p: p.flags & 0x12 == 0x12),
        ("evt.reltime<1000000000", lambda p: p.time_ns < (START_S + 1) * 10**9),
        ("evt.rawtime.s=1506127475", lambda p: p.time_ns // 10**9 == 1506127475),
        (
            "(fd.port=80 or fd.port=443) and not fd.type=ipv6 and evt.is_io=true",
            lambda p: {80, 443} & set(p.ports) and ":" not in p.addresses[0] and p.payload,
        ),
    ],
)
def test_the_same_packets_pass(
    capture: tuple[Path, list[Packet]], text: str, expected: Callable[[Packet], object]
) -> None:
    """Some packets pass, some do not, and tshark knows the same ones."""
    path, packets = capture
    compiled = compile_filter(text)
    found: list[int] = []
    for batch in Trace().read(str(path)):
        rows = rows_of(batch)
        found += rows.number[compiled.mask(rows)].tolist()
    assert found == [packet.number for packet in packets if expected(packet)]
    assert 0 < len(found) < len(packets)
