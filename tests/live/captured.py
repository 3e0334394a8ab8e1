"""What independent readers see in a recorded file: tshark's packets and comments, and the bytes of the blocks themselves.

Nothing here imports pcapdig: the files are judged by tshark, capinfos and tcpdump, and by a short block reader of its own that is
strict where those are lenient (draft-ietf-opsawg-pcapng sections 3 and 4).
"""

from __future__ import annotations

import gzip
import re
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

Endpoint = tuple[str, int]
"""Address and port; for ICMP echo the identifier stands for the port of the asking side and 0 for the other."""

FIELDS = (
    "frame.number frame.time_epoch frame.len frame.cap_len frame.interface_name frame.packet_flags_direction "
    "ip.src ip.dst ipv6.src ipv6.dst tcp.srcport tcp.dstport udp.srcport udp.dstport tcp.flags tcp.seq tcp.len "
    "udp.payload icmp.type icmp.ident icmpv6.type icmpv6.echo.identifier tcp.stream frame.comment"
).split()
RECORD_SEPARATOR = "\x1e"
PAIR = re.compile(r'([a-z_.]+)=("(?:[^"\\]|\\.)*"|[^\s"\\]+)(?: |$)')
LEADING_KEYS = ["proc.name", "proc.pid", "evt.io_dir"]
EVIDENCE = {"socket", "snapshot", "listener", "procfs"}


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One local end of a packet, as its comment says."""

    keys: tuple[str, ...]
    """In the comment's order."""
    values: dict[str, str]

    @property
    def name(self) -> str:
        return self.values["proc.name"]

    @property
    def pid(self) -> int:
        return int(self.values["proc.pid"])

    @property
    def is_writer(self) -> bool:
        return self.values["evt.io_dir"] == "write"

    @property
    def evidence(self) -> str:
        return self.values["evidence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet as tshark reads it; None or empty where the packet has no such thing."""

    number: int
    time_ns: int
    length: int
    captured: int
    interface: str
    direction: int
    """epb_flags bits 0 and 1: 0 not known, 1 inbound, 2 outbound."""
    protocol: str
    """tcp, udp, icmp or other."""
    source: Endpoint
    destination: Endpoint
    tcp_flags: int
    tcp_seq: int
    """Relative: 0 is the SYN, 1 the first byte; 1 is the first byte seen where no SYN was."""
    tcp_length: int
    udp_payload: bytes
    icmp_type: int | None
    stream: int | None
    ends: tuple[End, ...]

    @property
    def writer(self) -> End | None:
        """The sender's end."""
        return next((end for end in self.ends if end.is_writer), None)

    @property
    def reader(self) -> End | None:
        """The receiver's end."""
        return next((end for end in self.ends if not end.is_writer), None)


def parse_comment(text: str) -> End:
    """One comment of pcapdig; ValueError if it is not what DESIGN's "On disk" says."""
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        if not (found := PAIR.match(text, position)):
            raise ValueError(f"not key=value at {position} of {text!r}")
        value = found[2]
        pairs.append((found[1], re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value))
        position = found.end()
    keys = [key for key, _ in pairs]
    if keys[:3] != LEADING_KEYS:
        raise ValueError(f"does not begin with {LEADING_KEYS}: {text!r}")
    if len(set(keys)) != len(keys):
        raise ValueError(f"a key twice: {text!r}")
    if "proc.cmdline" in keys[:-1]:
        raise ValueError(f"the command line is not last: {text!r}")
    end = End(keys=tuple(keys), values=dict(pairs))
    if end.values["evt.io_dir"] not in ("read", "write") or end.values.get("evidence") not in EVIDENCE:
        raise ValueError(f"direction or evidence unknown: {text!r}")
    if end.pid <= 0:
        raise ValueError(f"not a process id: {text!r}")
    if any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in text):
        raise ValueError(f"control character: {text!r}")
    return end


def read_packets(path: Path, *options: str) -> list[Packet]:
    """Every packet of the file by tshark, which must have nothing to complain about. `options` are tshark's."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", f"aggregator={RECORD_SEPARATOR}"]
    command += ["-o", "tcp.relative_sequence_numbers:TRUE", "-o", "udp.try_heuristic_first:FALSE"]
    command += [word for name in FIELDS for word in ("-e", name)]
    command += options
    return [_packet(line) for line in quiet(command).split("\n") if line]  # splitlines() would split at the separator


def quiet(command: list[str], given: bytes | None = None) -> str:
    """A reader's standard output; AssertionError if it fails or says anything on stderr but that it runs as root.

    `given` is its standard input.
    """
    ended = subprocess.run(command, input=given, capture_output=True, timeout=120, check=False)
    complaints = ended.stderr.decode().splitlines()
    said = [line for line in complaints if not line.startswith(("Running as user", "reading from file"))]
    assert (ended.returncode, said) == (0, []), f"{command[0]} on {command}: exit {ended.returncode}, {said}"
    return ended.stdout.decode()


def _packet(line: str) -> Packet:
    field = dict(zip(FIELDS, line.split("\t"), strict=True))
    first = {name: value.split(RECORD_SEPARATOR)[0] for name, value in field.items()}
    seconds, fraction = field["frame.time_epoch"].split(".")
    protocol, ports = _transport(first)
    return Packet(
        number=int(field["frame.number"]),
        time_ns=int(seconds) * 1_000_000_000 + int(fraction.ljust(9, "0")),
        length=int(field["frame.len"]),
        captured=int(field["frame.cap_len"]),
        interface=field["frame.interface_name"],
        direction=int(field["frame.packet_flags_direction"] or "0", 0),
        protocol=protocol,
        source=(first["ip.src"] or first["ipv6.src"], ports[0]),
        destination=(first["ip.dst"] or first["ipv6.dst"], ports[1]),
        tcp_flags=int(first["tcp.flags"] or "0", 16),
        tcp_seq=int(first["tcp.seq"] or 0),
        tcp_length=int(first["tcp.len"] or 0),
        udp_payload=bytes.fromhex(first["udp.payload"].replace(":", "")) if protocol == "udp" else b"",
        icmp_type=int(first["icmp.type"] or first["icmpv6.type"] or -1) if protocol == "icmp" else None,
        stream=int(first["tcp.stream"]) if first["tcp.stream"] else None,
        ends=tuple(parse_comment(text) for text in field["frame.comment"].split(RECORD_SEPARATOR) if text),
    )


def _transport(field: dict[str, str]) -> tuple[str, tuple[int, int]]:
    """Protocol and the two ports. An ICMP error quotes another packet, whose ports are not its own."""
    if field["icmp.type"] or field["icmpv6.type"]:
        kind = int(field["icmp.type"] or field["icmpv6.type"])
        identifier = int(field["icmp.ident"] or field["icmpv6.echo.identifier"] or "0", 0)
        return "icmp", (identifier, 0) if kind in (8, 128) else (0, identifier)
    if field["tcp.srcport"]:
        return "tcp", (int(field["tcp.srcport"]), int(field["tcp.dstport"]))
    if field["udp.srcport"]:
        return "udp", (int(field["udp.srcport"]), int(field["udp.dstport"]))
    return "other", (0, 0)


# Block and option codes of the draft, and Apple's process block (reference: apple-oss-distributions/libpcap, pcap-ng.h).
SECTION_HEADER, INTERFACE_DESCRIPTION, INTERFACE_STATISTICS, ENHANCED_PACKET = 0x0A0D0D0A, 1, 5, 6
PROCESS_BLOCK = 0x80000001
COMMENT, PACKET_FLAGS, PROCESS_AND_THREAD, PROCESS_INDEX = 1, 2, 8, 32769
FIXED_BODY = {SECTION_HEADER: 16, INTERFACE_DESCRIPTION: 8, INTERFACE_STATISTICS: 12, PROCESS_BLOCK: 4}


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One pcapng block with its options; little-endian sections only, as pcapdig writes them on this machine."""

    kind: int
    fixed: bytes
    """What precedes the options, packet data included."""
    options: tuple[tuple[int, bytes], ...]

    def option(self, code: int) -> bytes | None:
        """The first option of that code."""
        return next((value for number, value in self.options if number == code), None)


def read_blocks(path: Path) -> list[Block]:
    """Every block; AssertionError at the first that breaks the draft: lengths, padding, opt_endofopt."""
    data = path.read_bytes()
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    return list(_blocks(data))


def _blocks(data: bytes) -> Iterator[Block]:
    offset = 0
    while offset < len(data):
        assert len(data) - offset >= 12, f"{len(data) - offset} bytes left at {offset}"
        kind, length = struct.unpack_from("<II", data, offset)
        assert length >= 12 and length % 4 == 0 and offset + length <= len(data), f"length {length} at {offset}"
        assert struct.unpack_from("<I", data, offset + length - 4)[0] == length, f"lengths differ at {offset}"
        body = data[offset + 8 : offset + length - 4]
        fixed = FIXED_BODY.get(kind, len(body))
        if kind == ENHANCED_PACKET:
            captured = struct.unpack_from("<I", body, 12)[0]
            fixed = 20 + (captured + 3) // 4 * 4
            assert not any(body[20 + captured : fixed]), f"packet padding at {offset}"
        yield Block(kind=kind, fixed=body[:fixed], options=tuple(_options(body[fixed:], offset)))
        offset += length


def _options(data: bytes, offset: int) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position < len(data):
        code, length = struct.unpack_from("<HH", data, position)
        if code == 0:
            assert (length, position + 4) == (0, len(data)), f"bytes after opt_endofopt in the block at {offset}"
            return
        padded = (length + 3) // 4 * 4
        assert position + 4 + padded <= len(data), f"option {code} is cut in the block at {offset}"
        value = data[position + 4 : position + 4 + padded]
        assert not any(value[length:]), f"padding of option {code} in the block at {offset}"
        yield code, value[:length]
        position += 4 + padded
    assert not data, f"no opt_endofopt in the block at {offset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What capinfos says."""

    packets: int
    strict_order: bool
    precision: str
    encapsulation: str


def summarise(path: Path) -> Summary:
    """capinfos of the file, which must have nothing to complain about."""
    said = quiet(["capinfos", "-M", str(path)])
    value = {key.strip(): text.strip() for key, _, text in (line.partition(":") for line in said.splitlines())}
    return Summary(
        packets=int(value["Number of packets"]),
        strict_order=value["Strict time order"] == "True",
        precision=value["File timestamp precision"],
        encapsulation=value["File encapsulation"],
    )
