"""Inner headers, against tshark on every kind of tunnel cut at every byte, and against the contract by hand."""

from __future__ import annotations

import ipaddress
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from scapy.contrib.geneve import GENEVE
from scapy.layers.inet import GRE, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, PadN
from scapy.layers.l2 import ARP, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet, Raw

from pcapdig.packets import _headers
from pcapdig.packets._tunnels import read
from pcapdig.packets.headers import Headers
from pcapdig.pcapng import blocks

ETHERNET = 1

ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
OUTER = ETHER / IP(src="203.0.113.1", dst="203.0.113.2", id=7)
OUTER_6 = ETHER / IPv6(src="2001:db8:f::1", dst="2001:db8:f::2")
INNER = IP(src="192.0.2.1", dst="198.51.100.2", id=0x1234)
INNER_6 = IPv6(src="2001:db8::1", dst="2001:db8::2")
FRAME = Ether(src="02:00:00:00:00:03", dst="02:00:00:00:00:04")
SEGMENT = TCP(sport=40001, dport=40002, seq=0xFEDCBA98, ack=0x89ABCDEF, flags="PA") / Raw(b"segment")
DATAGRAM = UDP(sport=40003, dport=40004) / Raw(b"datagram")
MIRRORED = bytes(FRAME / INNER / SEGMENT)


def vxlan(port: int = 4789) -> Packet:
    """Outer headers of VXLAN."""
    return OUTER / UDP(sport=50000, dport=port) / VXLAN(vni=42, flags=8)


def outer(protocol: int, inside: Packet | bytes) -> bytes:
    """An IPv4 packet of any protocol number."""
    return bytes(ETHER / IP(src="203.0.113.1", dst="203.0.113.2", id=7, proto=protocol) / Raw(bytes(inside)))


def gre_of(flags_and_type: int, rest: bytes, inside: Packet | bytes) -> bytes:
    """A GRE packet: its first four bytes as one number, what follows them, and what it carries."""
    return outer(47, struct.pack(">I", flags_and_type) + rest + bytes(inside))


PACKETS: dict[str, bytes] = {
    "no tunnel": bytes(OUTER / SEGMENT),
    "4in4": bytes(OUTER / INNER / SEGMENT),
    "6in4": bytes(OUTER / INNER_6 / SEGMENT),
    "4in6": bytes(OUTER_6 / INNER / DATAGRAM),
    "6in6": bytes(OUTER_6 / INNER_6 / DATAGRAM),
    "6in6 after options": bytes(OUTER_6 / IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(4))]) / INNER_6 / SEGMENT),
    "gre": bytes(OUTER / GRE() / INNER / SEGMENT),
    "gre v6": bytes(OUTER / GRE() / INNER_6 / DATAGRAM),
    "gre over v6": bytes(OUTER_6 / GRE() / INNER / SEGMENT),
    "gre checksum": bytes(OUTER / GRE(chksum_present=1) / INNER / SEGMENT),
    "gre key": bytes(OUTER / GRE(key_present=1, key=9) / INNER / SEGMENT),
    "gre all": bytes(OUTER / GRE(chksum_present=1, key_present=1, seqnum_present=1) / INNER / SEGMENT),
    "gre routing": gre_of(0x40000800, bytes(4) + b"\x08\x00\x00\x04\x01\x02\x03\x04" + bytes(4), INNER / SEGMENT),
    "gre mpls": gre_of(0x00008847, struct.pack(">II", 0x00010040, 0x00020140), INNER / SEGMENT),
    "nvgre": bytes(OUTER / GRE(key_present=1, key=0x1234500, proto=0x6558) / FRAME / INNER / SEGMENT),
    "nvgre vlan": bytes(OUTER / GRE(key_present=1, proto=0x6558) / FRAME / Dot1Q(vlan=5) / INNER_6 / SEGMENT),
    "pptp": gre_of(0x3081880B, bytes(12), b"\xff\x03\x00\x21" + bytes(INNER / SEGMENT)),
    "pptp short": gre_of(0x3001880B, bytes(8), b"\x57" + bytes(INNER_6 / SEGMENT)),
    "erspan I": gre_of(0x000088BE, b"", MIRRORED),
    "erspan II": gre_of(0x100088BE, bytes(4) + b"\x10\x00\x00\x00" + bytes(4), MIRRORED),
    "erspan III": gre_of(0x100022EB, bytes(4) + b"\x20\x00\x00\x00" + bytes(8), MIRRORED),
    "erspan III more": gre_of(0x100022EB, bytes(4) + b"\x20\x00\x00\x00" + bytes(7) + b"\x01" + bytes(8), MIRRORED),
    "mpls in ip": outer(137, struct.pack(">I", 0x00020140) + bytes(INNER / SEGMENT)),
    "etherip": outer(97, b"\x30\x00" + MIRRORED),
    "vxlan": bytes(vxlan() / FRAME / INNER / SEGMENT),
    "vxlan v6": bytes(vxlan() / FRAME / INNER_6 / DATAGRAM),
    "vxlan over v6": bytes(OUTER_6 / UDP(sport=50000, dport=4789) / VXLAN(vni=42, flags=8) / FRAME / INNER / SEGMENT),
    "vxlan vlan": bytes(vxlan() / FRAME / Dot1Q(vlan=5) / INNER / SEGMENT),
    "vxlan 8472": bytes(vxlan(8472) / FRAME / INNER / SEGMENT),
    "vxlan gpe": bytes(
        OUTER / UDP(sport=50000, dport=4790) / Raw(b"\x0c\x00\x00\x01\x00\x00\x2a\x00") / Raw(bytes(INNER / SEGMENT))
    ),
    "geneve": bytes(OUTER / UDP(sport=50000, dport=6081) / GENEVE(vni=42) / FRAME / INNER / SEGMENT),
    "geneve options": bytes(
        OUTER / UDP(sport=50000, dport=6081) / Raw(b"\x02\x00\x65\x58\x00\x00\x2a\x00" + bytes(8) + MIRRORED)
    ),
    "geneve ip": bytes(OUTER / UDP(sport=50000, dport=6081) / GENEVE(vni=42, proto=0x0800) / INNER / SEGMENT),
    "vxlan in gre in v6": bytes(OUTER_6 / GRE() / vxlan()[IP] / FRAME / INNER / SEGMENT),
    "five deep": bytes(OUTER / INNER / INNER_6 / INNER / INNER_6 / INNER / SEGMENT),
    "inner padding": bytes(vxlan() / FRAME / INNER / TCP(sport=40001, dport=40002, flags="A") / Raw(bytes(6))).replace(
        bytes(INNER / TCP(sport=40001, dport=40002, flags="A") / Raw(bytes(6)))[:4], b"\x45\x00\x00\x28"
    ),
    "inner length 0": bytes(OUTER / GRE() / IP(src="192.0.2.1", dst="198.51.100.2", len=0, id=1) / SEGMENT),
    "inner fragment": bytes(vxlan() / FRAME / IP(src="192.0.2.1", proto=17, frag=3, id=9) / Raw(bytes(16))),
    "arp inside": bytes(vxlan() / FRAME / ARP(hwsrc="02:00:00:00:00:01", psrc="192.0.2.1", pdst="192.0.2.2")),
    "inner cut short": bytes(vxlan() / FRAME / INNER / SEGMENT)[:-5],
}

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
