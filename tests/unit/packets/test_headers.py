"""Header reading, against tshark on every kind of packet cut at every byte, and against the contract by hand."""

from __future__ import annotations

import ipaddress
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from header_packets import (
    ETHER,
    ETHERNET,
    IPV4,
    IPV6_ONLY,
    LOOP,
    NULL,
    ON_THE_WIRE,
    PACKETS,
    RAW,
    SEGMENT,
    SLL,
    SLL2,
    V4,
    patched,
)

from pcapdig.packets._headers import read
from pcapdig.packets.headers import Headers
from pcapdig.pcapng import blocks

EVERY_LINK_TYPE = (NULL, ETHERNET, RAW, LOOP, SLL, IPV4, IPV6_ONLY, SLL2, 12, 14, 147, 0xFFFFFFFF)

FIELDS = (
    "ip.src ip.dst ipv6.src ipv6.dst ip.id ip.proto tcp.srcport tcp.dstport tcp.seq_raw tcp.ack_raw tcp.flags "
    "tcp.len tcp.payload udp.srcport udp.dstport udp.length udp.payload icmp.ident icmpv6.echo.identifier"
).split()


@dataclass(frozen=True)
class Seen:
    """What tshark saw in one cut of one packet."""

    case: str
    captured: int
    fields: dict[str, str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    """Every packet cut at every byte, as tshark reads it."""
    if shutil.which("tshark") is None:
        pytest.skip("tshark is not installed")
    path: Path = tmp_path_factory.mktemp("headers") / "cut.pcapng"
    links = sorted({link for link, _ in PACKETS.values()})
    cuts = [(case, captured) for case, (_, data) in PACKETS.items() for captured in range(len(data) + 1)]
    content = blocks.section_header()
    for link in links:
        content += blocks.interface_description(name=f"link{link}", link_type=link)
    for case, captured in cuts:
        link, data = PACKETS[case]
        content += blocks.enhanced_packet(
            interface=links.index(link), time_ns=0, data=data[:captured], original_length=wire(case)
        )
    path.write_bytes(content)
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "occurrence=f", "-E", "separator=|"]
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


def wire(case: str) -> int:
    """Bytes on the wire."""
    return ON_THE_WIRE.get(case, len(PACKETS[case][1]))


def whole(case: str) -> Headers:
    """Our reading of the whole packet."""
    link, data = PACKETS[case]
    return read(data, wire(case), link)


def address(packed: bytes) -> str:
    """As tshark writes it."""
    return str(ipaddress.IPv6Address(packed).ipv4_mapped or ipaddress.IPv6Address(packed))


def as_fields(case: str, captured: int) -> dict[str, str]:
    """Our reading of a cut in tshark's words, all that we say is known."""
    link, data = PACKETS[case]
    headers = read(data[:captured], wire(case), link)
    payload = data[:captured][headers.payload_offset : headers.payload_offset + headers.payload_length].hex()
    fields: dict[str, str] = {}
    if headers.has_network:
        network = "ip" if headers.family == 4 else "ipv6"
        fields |= {f"{network}.src": address(headers.source), f"{network}.dst": address(headers.destination)}
    if headers.family == 4:
        fields |= {"ip.id": f"0x{headers.ip_id:04x}", "ip.proto": str(headers.protocol)}
    if not headers.has_ports:
        return fields
    if headers.protocol == 1:
        return fields | {"icmp.ident": str(headers.source_port or headers.destination_port)}
    if headers.protocol == 58:
        return fields | {"icmpv6.echo.identifier": f"0x{headers.source_port or headers.destination_port:04x}"}
    transport = "tcp" if headers.protocol == 6 else "udp"
    fields |= {
        f"{transport}.srcport": str(headers.source_port),
        f"{transport}.dstport": str(headers.destination_port),
        f"{transport}.payload": payload,
    }
    if transport == "udp":
        return fields | {"udp.length": str(8 + headers.payload_length)}
    return fields | {
        "tcp.seq_raw": str(headers.seq),
        "tcp.ack_raw": str(headers.ack),
        "tcp.flags": f"0x{headers.tcp_flags:04x}",
        "tcp.len": str(headers.payload_length),
    }


TSHARK_DIFFERS = {
    **dict.fromkeys(
        (("icmp unreachable", f"udp.{name}") for name in ("srcport", "dstport", "length", "payload")),
        "of what is quoted",
    ),
    ("ah", "ip.proto"): "the header's own value; ours is what AH wraps",
    ("tcp data offset 2", "tcp.len"): "a header of 8 bytes is malformed, and how much follows it is not known",
    ("udp shorter than ip", "udp.payload"): "Linux cuts at the UDP length (udp.c, __udp4_lib_rcv), tshark does not",
    ("pppoe shorter than ip, one byte", "udp.length"): "of what PPPoE has room for; the header says more",
    ("udp first fragment", "udp.length"): "announces the whole datagram, of which one fragment is here",
}
"""Where tshark's value is not the one we want, and why."""


@pytest.mark.parametrize("case", PACKETS)
def test_tshark_agrees_at_every_cut(seen: list[Seen], case: str) -> None:
    """Whatever tshark shows of a cut packet we read too, and the same, as soon as whole addresses were captured."""
    for one in seen:
        if one.case != case:
            continue
        mine = as_fields(case, one.captured)
        if not any(name in mine for name in ("ip.dst", "ipv6.dst")):
            assert not {"ip.dst", "ipv6.dst", "tcp.srcport", "udp.srcport"} & one.fields.keys()
            continue
        expected = {name: text for name, text in one.fields.items() if (case, name) not in TSHARK_DIFFERS}
        assert {name: mine.get(name) for name in expected} == expected, f"{one.captured} bytes captured"


@pytest.mark.parametrize("case", PACKETS)
def test_nothing_is_made_up(seen: list[Seen], case: str) -> None:
    """Addresses and ports that we read of a cut packet are those tshark shows of the whole packet."""
    of_case = [one for one in seen if one.case == case]
    names = ("ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "tcp.srcport", "udp.srcport", "tcp.dstport", "icmp.ident")
    for one in of_case:
        mine = as_fields(case, one.captured)
        for name in names:
            assert mine.get(name) in (None, of_case[-1].fields.get(name)), f"{name}, {one.captured} bytes captured"


@pytest.mark.parametrize("case", [case for case in PACKETS if case != "icmp unreachable"])
def test_whole_packet_has_ports_where_tshark_has(seen: list[Seen], case: str) -> None:
    """Of a whole packet we have ports or an identifier exactly when tshark has."""
    fields = next(one.fields for one in reversed(seen) if one.case == case)
    has_ports = any(name in fields for name in ("tcp.srcport", "udp.srcport", "icmp.ident", "icmpv6.echo.identifier"))
    assert whole(case).has_ports == has_ports


@pytest.mark.parametrize("link_type", EVERY_LINK_TYPE)
def test_no_bytes_say_nothing(link_type: int) -> None:
    """An empty packet of any link type has no headers."""
    headers = read(b"", 0, link_type)
    assert (headers.has_network, headers.has_ports, headers.family, headers.payload_length) == (False, False, 0, 0)


@pytest.mark.parametrize("link_type", [147, 105, 0xFFFFFFFF])
def test_unknown_link_type_says_nothing(link_type: int) -> None:
    """A link type that is not in the contract is not guessed at."""
    assert not read(PACKETS["raw"][1], 60, link_type).has_network


@pytest.mark.parametrize("case", ["arp", "llc"])
def test_other_than_ip_has_no_network(case: str) -> None:
    """A frame that carries no IP has no network header and no payload of ours."""
    headers = whole(case)
    assert (headers.has_network, headers.family, headers.payload_length) == (False, 0, 0)


@pytest.mark.parametrize(
    ("offset", "new"),
    [(14, b"\x44"), (14, b"\x65"), (16, b"\x00\x13")],
    ids=["header of 16 bytes", "version 6", "length 19"],
)
def test_malformed_ipv4_is_no_network(offset: int, new: bytes) -> None:
    """An IPv4 header that the kernel would drop names nobody."""
    assert not read(patched(ETHER / V4 / SEGMENT, offset, new), 61, ETHERNET).has_network


@pytest.mark.parametrize(("link_type", "case"), [(IPV4, "raw v6"), (IPV6_ONLY, "raw")])
def test_version_other_than_the_link_type_promises_is_refused(link_type: int, case: str) -> None:
    """IPv6 bytes on an IPv4-only link, and the other way round, are no network header."""
    assert not read(PACKETS[case][1], wire(case), link_type).has_network


@pytest.mark.parametrize(
    ("case", "identification"),
    [
        ("tcp", 0x1234),
        ("v6 tcp", 0),
        ("v6 first fragment", 9),
        ("v6 later fragment", 0xFEDCBA98),
        ("v6 atomic fragment", 9),
    ],
)
def test_identification_is_what_fragments_share(case: str, identification: int) -> None:
    """16 bits of IPv4's own header, 32 of IPv6's fragment header (RFC 8200 section 4.5), else 0."""
    assert whole(case).ip_id == identification


def test_ipv4_addresses_are_mapped() -> None:
    """IPv4 addresses are written as ::ffff:a.b.c.d."""
    headers = whole("tcp")
    assert headers.source == bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1])
    assert headers.destination == bytes(10) + b"\xff\xff" + bytes([198, 51, 100, 2])


@pytest.mark.parametrize(
    ("case", "ports"),
    [("icmp echo", (0xABCD, 0)), ("icmp reply", (0, 0xABCD)), ("v6 echo", (0xABCD, 0)), ("v6 reply", (0, 0xABCD))],
)
def test_echo_identifier_is_the_askers_port(case: str, ports: tuple[int, int]) -> None:
    """The identifier is the port of the end that asks; the end that answers has port 0."""
    headers = whole(case)
    assert (headers.source_port, headers.destination_port) == ports
    assert headers.payload_length == 4


@pytest.mark.parametrize("case", ["icmp unreachable", "v6 solicitation", "sctp", "v6 nothing"])
def test_other_protocols_have_no_ports(case: str) -> None:
    """What is neither TCP, UDP nor echo has an address and no port."""
    headers = whole(case)
    assert (headers.has_network, headers.has_ports, headers.source_port) == (True, False, 0)


@pytest.mark.parametrize(
    ("case", "protocol", "length"), [("udp later fragment", 17, 16), ("v6 later fragment", 17, 16)]
)
def test_later_fragment_has_no_ports(case: str, protocol: int, length: int) -> None:
    """A fragment other than the first is all payload, its first bytes no ports."""
    headers = whole(case)
    assert (headers.is_fragment, headers.has_ports) == (True, False)
    assert (headers.protocol, headers.payload_length) == (protocol, length)


@pytest.mark.parametrize(
    "case", ["udp first fragment", "tcp first fragment", "v6 first fragment", "v6 atomic fragment"]
)
def test_first_fragment_has_ports(case: str) -> None:
    """A first fragment, and one that is the whole packet, shows its ports and is not called a fragment."""
    headers = whole(case)
    assert (headers.is_fragment, headers.has_ports) == (False, True)


def test_cut_tcp_header_has_ports_and_no_payload() -> None:
    """With the header's length cut off, how much payload there was is not known: 0."""
    link, data = PACKETS["tcp"]
    headers = read(data[:46], len(data), link)
    assert (headers.has_ports, headers.seq, headers.ack, headers.payload_length) == (True, 0xFEDCBA98, 0x89ABCDEF, 0)


def test_tcp_header_beyond_the_ip_length_is_not_read() -> None:
    """Ten bytes of TCP header by the IP length: ports and sequence number, but no flags out of the padding behind."""
    headers = whole("tcp header beyond ip length")
    assert (headers.has_ports, headers.seq, headers.ack, headers.tcp_flags) == (True, 0xFEDCBA98, 0, 0)


def test_cut_extension_header_leaves_the_protocol_open() -> None:
    """An extension header that was cut off hides what follows: protocol 0, no ports."""
    link, data = PACKETS["v6 chain"]
    headers = read(data[: 14 + 40 + 8 + 5], len(data), link)
    assert (headers.has_network, headers.protocol, headers.has_ports, headers.payload_length) == (True, 0, False, 0)


def test_null_in_linux_numbers() -> None:
    """AF_INET6 is 10 on Linux."""
    assert read(struct.pack("<I", 10) + PACKETS["raw v6"][1], 99, NULL).family == 6


@pytest.mark.parametrize("data", [bytearray, memoryview, bytes])
def test_any_buffer_is_read(data: type) -> None:
    """bytes, bytearray and memoryview are all taken, without a copy."""
    link, content = PACKETS["tcp"]
    assert read(data(content), len(content), link) == whole("tcp")
