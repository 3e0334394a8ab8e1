"""Inner headers, against tshark on every kind of tunnel cut at every byte, and against the contract by hand."""

from __future__ import annotations

import ipaddress
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6ExtHdrFragment
from scapy.layers.vxlan import VXLAN
from scapy.packet import Raw
from tunnel_packets import (
    ETHER,
    ETHERNET,
    FRAME,
    INNER,
    INNER_6,
    MIRRORED,
    ONLY_OURS,
    OUTER,
    OUTER_6,
    PACKETS,
    SEGMENT,
    WIFI,
    gre_of,
    gtp,
    l2tp,
    outer,
    udp,
    vxlan,
    wifi,
)

from pcapdig.packets import _headers
from pcapdig.packets._tunnels import read
from pcapdig.packets.headers import Headers
from pcapdig.pcapng import blocks

FIELDS = (
    "frame.protocols ip.src ip.dst ip.id ipv6.src ipv6.dst tcp.srcport tcp.dstport tcp.seq_raw tcp.flags tcp.len tcp.payload "
    "udp.srcport udp.dstport udp.payload"
).split()


@dataclass(frozen=True)
class Seen:
    """What tshark saw in one cut of one packet: of each field all values, outermost first."""

    case: str
    captured: int
    fields: dict[str, str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    """Every packet cut at every byte, as tshark reads it."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path: Path = tmp_path_factory.mktemp("tunnels") / "cut.pcapng"
    cuts = [(case, captured) for case, data in PACKETS.items() for captured in range(34, len(data) + 1)]
    content = blocks.section_header() + blocks.interface_description(name="eth0", link_type=ETHERNET)
    for case, captured in cuts:
        data = PACKETS[case]
        content += blocks.enhanced_packet(interface=0, time_ns=0, data=data[:captured], original_length=len(data))
    path.write_bytes(content)
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=a", "-E", "separator=|"]
    command += ["-d", "udp.port==8472,vxlan"]
    for option in ("ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams", "tcp.analyze_sequence_numbers"):
        command += ["-o", f"{option}:FALSE"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    rows = [line.split("|") for line in done.stdout.splitlines()]
    assert len(rows) == len(cuts)
    return [
        Seen(case, captured, {field: text for field, text in zip(FIELDS, row, strict=True) if text})
        for (case, captured), row in zip(cuts, rows, strict=True)
    ]


def address(packed: bytes) -> str:
    """As tshark writes it."""
    return str(ipaddress.IPv6Address(packed).ipv4_mapped or ipaddress.IPv6Address(packed))


def innermost(fields: dict[str, str]) -> dict[str, str]:
    """Of what tshark shows, the fields of the innermost IP packet; none where its addresses were cut off."""
    layers = fields["frame.protocols"].split(":")
    networks = [i for i, layer in enumerate(layers) if layer in ("ip", "ipv6")]
    whole = sum(len(fields[name].split(",")) for name in ("ip.dst", "ipv6.dst") if name in fields)
    if not networks or whole < len(networks):
        return {}
    found = {}
    for name, text in fields.items():
        layer = name.split(".")[0]
        values = text.split(",")
        # With less values than layers, those of the innermost were cut off.
        if layer in layers[networks[-1] :] and (layer in ("ip", "ipv6") or len(values) == layers.count(layer)):
            found[name] = values[-1]
    return found


def as_fields(case: str, captured: int) -> dict[str, str]:
    """Our reading of a cut in tshark's words."""
    data = PACKETS[case]
    headers = read(data[:captured], len(data), ETHERNET)
    payload = data[:captured][headers.payload_offset : headers.payload_offset + headers.payload_length].hex()
    network = "ip" if headers.family == 4 else "ipv6"
    fields = {f"{network}.src": address(headers.source), f"{network}.dst": address(headers.destination)}
    if headers.family == 4:
        fields |= {"ip.id": f"0x{headers.ip_id:04x}"}
    if not headers.has_ports:
        return fields
    transport = "tcp" if headers.protocol == 6 else "udp"
    fields |= {
        f"{transport}.srcport": str(headers.source_port),
        f"{transport}.dstport": str(headers.destination_port),
        f"{transport}.payload": payload,
    }
    if transport == "udp":
        return fields
    return fields | {
        "tcp.seq_raw": str(headers.seq),
        "tcp.flags": f"0x{headers.tcp_flags:04x}",
        "tcp.len": str(headers.payload_length),
    }


@pytest.mark.parametrize("case", PACKETS)
def test_tshark_agrees_at_every_cut(seen: list[Seen], case: str) -> None:
    """The innermost IP packet that tshark shows is the one we read, with the same ports, numbers and payload."""
    for one in seen:
        if one.case != case:
            continue
        expected = innermost(one.fields)
        mine = as_fields(case, one.captured)
        assert {name: mine.get(name) for name in expected} == expected, f"{one.captured} bytes captured"


@pytest.mark.parametrize(
    "case", [case for case in PACKETS if case not in ("no tunnel", "arp inside", "inner fragment")]
)
def test_whole_tunnels_show_what_is_inside(case: str) -> None:
    """Each kind leads to the inner ports, not only where tshark does."""
    headers = read(PACKETS[case], len(PACKETS[case]), ETHERNET)
    assert (headers.source_port, headers.destination_port) in ((40001, 40002), (40003, 40004))
    assert address(headers.source) in ("192.0.2.1", "2001:db8::1")
    assert _headers.read(PACKETS[case], len(PACKETS[case]), ETHERNET).source != headers.source


def is_outer(data: bytes, link_type: int = ETHERNET) -> bool:
    """Was the packet taken as it is, without looking inside?"""
    headers: Headers = read(data, len(data), link_type)
    return headers == _headers.read(data, len(data), link_type)


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("first fragment", bytes(ETHER / IP(src="203.0.113.1", flags="MF", id=7) / INNER / SEGMENT)),
        ("first fragment v6", bytes(OUTER_6 / IPv6ExtHdrFragment(m=1, id=9) / INNER_6 / SEGMENT)),
        ("later fragment", bytes(ETHER / IP(src="203.0.113.1", frag=1, proto=4) / INNER / SEGMENT)),
        ("vxlan without a network number", bytes(OUTER / UDP(dport=4789) / Raw(bytes(8) + MIRRORED))),
        ("from the tunnel's port", bytes(OUTER / UDP(sport=4789, dport=53) / VXLAN(flags=8) / FRAME / INNER / SEGMENT)),
        ("geneve version 1", bytes(OUTER / UDP(dport=6081) / Raw(b"\x40\x00\x65\x58" + bytes(4) + MIRRORED))),
        ("gre version 2", gre_of(0x00020800, b"", INNER / SEGMENT)),
        ("gre of something", gre_of(0x00001234, b"", INNER / SEGMENT)),
        ("inner header of 16 bytes", outer(4, b"\x44" + bytes(INNER / SEGMENT)[1:])),
        ("inner version differs", outer(41, INNER / SEGMENT)),
        ("mpls without an end", outer(137, bytes(40))),
        ("gre routing without an end", gre_of(0x40000800, bytes(4) + b"\x08\x00\x00\x04" * 10, b"")),
        ("arp inside", PACKETS["arp inside"]),
        ("nothing inside", outer(4, b"")),
        ("gre keep-alive", gre_of(0x00000000, b"", b"")),
        ("aruba, encrypted", gre_of(0x00008200, b"", wifi(b"\x08\x41", b"", INNER / SEGMENT))),
        ("gtp, echo request", udp(2152, b"\x32\x01\0\4" + bytes(8) + bytes(INNER / SEGMENT))),
        ("gtp prime", udp(2152, b"\x20\xff\0\x2f" + bytes(4) + bytes(INNER / SEGMENT))),
        ("gtp, version 2", udp(2152, b"\x50\xff\0\x2f" + bytes(4) + bytes(INNER / SEGMENT))),
        ("gtp, extension of no length", gtp(0x34, b"\0\0\0\xc0" + bytes(8), INNER / SEGMENT)),
        ("l2tp, control", udp(1701, l2tp(0x8002, b"\0\1\0\2", b"\xff\3\0\x21" + bytes(INNER / SEGMENT)))),
        ("l2tp, version 4", udp(1701, l2tp(0x0004, b"\0\1\0\2", b"\xff\3\0\x21" + bytes(INNER / SEGMENT)))),
        ("l2tp, link control", udp(1701, l2tp(0x0002, b"\0\1\0\2", b"\xff\3\xc0\x21" + bytes(INNER / SEGMENT)))),
        ("l2tp in ip, control", outer(115, bytes(4) + MIRRORED)),
        ("teredo, longer than its datagram", udp(3544, bytes(INNER_6 / SEGMENT)[:-1])),
        ("teredo, IPv4", udp(3544, INNER / SEGMENT)),
        ("capwap, encrypted", udp(5247, b"\1\x10\2\0" + bytes(4) + MIRRORED)),
        ("capwap, a piece", udp(5247, b"\0\x10\2\x80" + bytes(4) + MIRRORED)),
        ("capwap, keep-alive", udp(5247, b"\0\x10\2\x08" + bytes(4) + MIRRORED)),
        ("wccp of nothing", gre_of(0x0000883E, b"\0\1\2\3", b"")),
        ("no aruba number", gre_of(0x00008400, b"", WIFI)),
        ("beyond the outer length", bytes(ETHER / IP(src="203.0.113.1", proto=4, len=30) / INNER / SEGMENT)),
    ],
)
def test_what_is_no_whole_tunnel_stays_as_it_is(why: str, data: bytes) -> None:
    """Nothing is guessed: the outer headers count."""
    assert is_outer(data), why


def test_depth_is_bounded() -> None:
    """The eighth tunnel is looked into, a ninth is not."""

    def nested(depth: int) -> Headers:
        packet = ETHER
        for i in range(depth + 1):
            packet = packet / IP(src=f"10.0.0.{i}", dst="10.0.1.1")
        data = bytes(packet / SEGMENT)
        return read(data, len(data), ETHERNET)

    assert (address(nested(8).source), nested(8).source_port) == ("10.0.0.8", 40001)
    assert (address(nested(9).source), nested(9).protocol) == ("10.0.0.8", 4)


def test_a_packet_of_4_gib_is_refused() -> None:
    """Its offsets would not fit."""
    import mmap

    with mmap.mmap(-1, 1 << 32) as pages, pytest.raises(ValueError, match="4 GiB"):
        read(memoryview(pages), 0, ETHERNET)


def test_a_cut_outer_packet_counts_by_its_length_on_the_wire() -> None:
    """The inner packet's length is known from its own header, whatever was captured."""
    data = bytes(vxlan() / FRAME / INNER / TCP(sport=1, dport=2) / Raw(bytes(1000)))
    headers = read(data[:110], len(data), ETHERNET)
    assert (headers.payload_length, headers.payload_offset) == (1000, 14 + 20 + 8 + 8 + 14 + 20 + 20)


@pytest.mark.parametrize("case", ONLY_OURS)
def test_at_every_cut_there_is_the_inner_packet_or_the_outer_one(case: str) -> None:
    """Whatever is cut off, nothing is made up of the rest."""
    data = ONLY_OURS[case]
    for captured in range(34, len(data) + 1):
        inner = read(data[:captured], len(data), ETHERNET)
        if address(inner.source) in ("192.0.2.1", "2001:db8::1"):
            assert inner.source_port in (0, 40001)
        else:
            assert inner == _headers.read(data[:captured], len(data), ETHERNET)
    assert (inner.source_port, inner.destination_port, inner.payload_length) == (40001, 40002, 7)


@pytest.mark.parametrize("byte", [*range(20), *range(32, 40)])
def test_l2tp_3_is_taken_for_nothing_that_its_checksum_refuses(byte: int) -> None:
    """How long its header is, nobody wrote down: only an IP header that is right in itself is one."""
    data = bytearray(ONLY_OURS["l2tp 3, ip, 4 bytes of cookie, 4 of sublayer, ethernet"])
    at = 14 + 20 + 4 + 8 + 14 + byte
    data[at] ^= 0x10
    assert is_outer(bytes(data)) == (byte < 20)
