"""Blocks: what is refused, bytes against the draft, and files made of them read by capinfos, tshark, tcpdump, editcap and dpkt."""

from __future__ import annotations

import io
import ipaddress
import re
import shutil
import struct
import subprocess
from pathlib import Path

import dpkt
import pytest

from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process

TIME_NS = 1_700_000_000_123_456_789
FRAME = (
    bytes.fromhex("0200000000020200000000010800450000210001000040117cc8c0000201c6336402")
    + b"\x9c\x43\x9c\x44\x00\x0d\0\0hello"
)
HTTPD = Process(name="httpd", pid=15457, uid=33, user="www-data", cmdline="/usr/sbin/httpd -k 'größe'")
READ_LINE = comments.line(HTTPD, is_write=False, evidence="socket")
WRITE_LINE = comments.line(Process(name="curl", pid=16001, cmdline="curl -s 'a b'"), is_write=True, evidence="snapshot")

HEAD = blocks.section_header(hardware="x86_64", os="Linux 6.18", application="pcapdig 0.1.0", comment="on host")
INTERFACE = blocks.interface_description(
    name="eth0",
    link_type=1,
    description="uplink",
    filter_text="tcp port 80",
    speed=1_000_000_000,
    mac=b"\x02\0\0\0\0\x01",
    addresses=[ipaddress.ip_interface("192.0.2.1/24"), ipaddress.ip_interface("2001:db8::1/64")],
    os="Linux 6.18",
)
APPLE = blocks.apple_process(pid=15457, name="httpd", path="/usr/sbin/httpd")
PACKETS = [
    blocks.enhanced_packet(
        interface=0,
        time_ns=TIME_NS + number,
        data=FRAME[: len(FRAME) - number],
        original_length=len(FRAME),
        flags=1 + number % 2,
        comments=[READ_LINE, WRITE_LINE][: number % 3],
        process_and_thread=(15457, 15458),
        apple_process=0,
    )
    for number in range(7)
]
STATISTICS = blocks.interface_statistics(
    interface=0, start_ns=TIME_NS, end_ns=TIME_NS + 10**9, received=9, dropped=2, os_dropped=0, delivered=7
)
CAPTURE = HEAD + INTERFACE + APPLE + b"".join(PACKETS) + STATISTICS


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A file with one interface, one process block, seven packets and statistics."""
    path = tmp_path / "capture.pcapng"
    path.write_bytes(CAPTURE)
    return path


def run(*command: str | Path) -> str:
    """What an independent reader prints; it may print nothing on stderr but tcpdump's and tshark's own greeting."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)
    greeting = re.compile(r"^(reading from file .*|Running as user \"root\".*)\n?", re.MULTILINE)
    assert (done.returncode, greeting.sub("", done.stderr)) == (0, "")
    return done.stdout


def walk(content: bytes) -> list[tuple[int, bytes]]:
    """Type and body of each block, framing checked."""
    found = []
    while content:
        kind, length = struct.unpack_from("=II", content)
        assert length % 4 == 0
        assert struct.unpack_from("=I", content, length - 4) == (length,)
        found.append((kind, content[8 : length - 4]))
        content = content[length:]
    return found


def options(encoded: bytes, order: str = "=") -> list[tuple[int, bytes]]:
    """Code and value of each option; the list must be closed and padded with zeros."""
    found = []
    while True:
        code, length = struct.unpack_from(order + "HH", encoded)
        end = 4 + length + -length % 4
        assert not any(encoded[4 + length : end])
        if code == 0:
            assert (length, encoded) == (0, bytes(4))
            return found
        found.append((code, encoded[4 : 4 + length]))
        encoded = encoded[end:]


def test_too_long_packet_is_refused() -> None:
    """Readers give up on a whole file for one longer packet."""
    with pytest.raises(ValueError, match="262145"):
        blocks.enhanced_packet(interface=0, time_ns=0, data=bytes(262_145))


def test_too_long_comment_is_refused() -> None:
    """A comment is never cut quietly by the format's 16 bits."""
    with pytest.raises(ValueError, match="65536"):
        blocks.enhanced_packet(interface=0, time_ns=0, data=b"", comments=[bytes(65536)])


def test_section_header_layout() -> None:
    """Magic, version 1.0, unknown length, four texts (draft section 4.1)."""
    [(kind, body)] = walk(HEAD)
    assert (kind, body[:16]) == (0x0A0D0D0A, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1))
    assert options(body[16:]) == [(2, b"x86_64"), (3, b"Linux 6.18"), (4, b"pcapdig 0.1.0"), (1, b"on host")]


def test_block_without_options_has_no_end_of_options() -> None:
    """No option, no option list."""
    assert walk(blocks.section_header()) == [(0x0A0D0D0A, struct.pack("=IHHq", 0x1A2B3C4D, 1, 0, -1))]


def test_interface_layout() -> None:
    """All options of an interface (draft section 4.2)."""
    [(kind, body)] = walk(INTERFACE)
    assert (kind, body[:8]) == (1, struct.pack("=HHI", 1, 0, 262144))
    assert options(body[8:]) == [
        (2, b"eth0"),
        (3, b"uplink"),
        (4, bytes([192, 0, 2, 1, 255, 255, 255, 0])),
        (5, ipaddress.ip_address("2001:db8::1").packed + b"\x40"),
        (6, b"\x02\0\0\0\0\x01"),
        (8, struct.pack("=Q", 10**9)),
        (9, b"\x09"),
        (11, b"\0tcp port 80"),
        (12, b"Linux 6.18"),
    ]


def test_bare_interface_has_its_resolution() -> None:
    """Without if_tsresol times would be read as microseconds."""
    [(_, body)] = walk(blocks.interface_description(name=None, link_type=101))
    assert options(body[8:]) == [(9, b"\x09")]


def test_packet_layout() -> None:
    """Fields, padding and the order of the options are those of the record loop."""
    packet = blocks.enhanced_packet(
        interface=3,
        time_ns=TIME_NS,
        data=b"abcde",
        original_length=99,
        flags=2,
        comments=[b"one", b"two"],
        process_and_thread=(7, 8),
        apple_process=4,
    )
    [(kind, body)] = walk(packet)
    assert kind == 6
    assert struct.unpack_from("=IIIII", body) == (3, TIME_NS >> 32, TIME_NS & 0xFFFFFFFF, 5, 99)
    assert body[20:28] == b"abcde\0\0\0"
    assert options(body[28:]) == [
        (2, struct.pack("=I", 2)),
        (1, b"one"),
        (1, b"two"),
        (8, struct.pack("=II", 7, 8)),
        (0x8001, struct.pack("=I", 4)),
    ]


def test_statistics_leave_out_what_is_not_known() -> None:
    """None is not written as 0."""
    [(_, body)] = walk(blocks.interface_statistics(interface=1, start_ns=1, end_ns=2**32, dropped=0))
    assert body[:12] == struct.pack("=III", 1, 1, 0)
    assert [code for code, _ in options(body[12:])] == [2, 3, 5]


def test_hostile_text_is_cleaned() -> None:
    """Interface and process names reach other people's terminals."""
    [(_, body)] = walk(blocks.apple_process(pid=1, name="a\x1b[2J\nb"))
    assert options(body[4:]) == [(2, "a\ufffd[2J\ufffdb".encode())]


def test_wireshark_process_layout() -> None:
    """Little-endian inside a custom block of Wireshark's number, whatever the section."""
    block = blocks.wireshark_process(
        pid=7, name="sh", start_ns=5, path="/bin/sh", arguments=[b"sh", b"-c"], ppid=1, uid=0, user="root"
    )
    [(kind, body)] = walk(block)
    assert (kind, struct.unpack_from("=I", body)) == (0x0BAD, (32622,))
    entry_type, length, pid = struct.unpack_from("<III", body, 4)
    assert (entry_type, length, pid) == (3, len(body) - 12, 7)
    assert options(body[16:], "<") == [
        (2, b"sh"),
        (3, b"/bin/sh"),
        (4, b"sh\0-c"),
        (5, struct.pack("<I", 1)),
        (6, struct.pack("<I", 0)),
        (7, b"root"),
        (9, struct.pack("<Q", 5)),
    ]


def test_capinfos_reads_every_text(capture: Path) -> None:
    """Section and interface descriptions as capinfos prints them."""
    printed = dict(re.findall(r"^ *([A-Z#][^:=]*?)(?: = |: +)(.*)$", run("capinfos", capture), re.MULTILINE))
    expected = {
        "File type": "Wireshark/... - pcapng",
        "File timestamp precision": "nanoseconds (9)",
        "Number of packets": "7",
        "Strict time order": "True",
        "Capture hardware": "x86_64",
        "Capture oper-sys": "Linux 6.18",
        "Capture application": "pcapdig 0.1.0",
        "Capture comment": "on host",
        "Name": "eth0",
        "Description": "uplink",
        "Speed": "1000000000",
        "Capture length": "262144",
        "Filter string": "tcp port 80",
        "Operating system": "Linux 6.18",
        "Number of stat entries": "1",
    }
    assert {key: printed.get(key) for key in expected} == expected


def test_tshark_reads_every_packet(capture: Path) -> None:
    """Times to the nanosecond, lengths, direction and comments, as many rows as packets."""
    fields = ["frame.time_epoch", "frame.len", "frame.cap_len", "frame.interface_name", "frame.packet_flags_direction"]
    command = ["tshark", "-n", "-r", capture, "-T", "fields", "-E", "aggregator=|"]
    for field in [*fields, "frame.comment"]:
        command += ["-e", field]
    rows = [row.split("\t") for row in run(*command).splitlines()]
    assert rows == [
        [
            f"1700000000.{123_456_789 + number}",
            str(len(FRAME)),
            str(len(FRAME) - number),
            "eth0",
            f"0x{1 + number % 2:08x}",
            "|".join(comment.decode() for comment in [READ_LINE, WRITE_LINE][: number % 3]),
        ]
        for number in range(7)
    ]


def test_tshark_filters_by_process_name(capture: Path) -> None:
    """The filter that README promises for every Wireshark."""
    assert run("tshark", "-n", "-r", capture, "-Y", 'frame.comment contains "proc.name=curl "').count("\n") == 2


def test_tcpdump_reads_every_packet(capture: Path) -> None:
    """libpcap takes the file: same packets, in nanoseconds."""
    printed = run("tcpdump", "-nn", "-tt", "--nano", "-r", capture)
    assert re.findall(r"^(\d+\.\d{9}) IP 192.0.2.1.40003 > 198.51.100.2.40004", printed, re.MULTILINE) == [
        f"1700000000.{123_456_789 + number}" for number in range(7)
    ]


def test_editcap_keeps_the_comments(capture: Path, tmp_path: Path) -> None:
    """Comments survive a rewrite by Wireshark."""
    copy = tmp_path / "copy.pcapng"
    run("editcap", capture, copy)
    command = ["tshark", "-n", "-E", "aggregator=|", "-T", "fields", "-e", "frame.comment", "-r"]
    assert run(*command, copy) == run(*command, capture)


def test_dpkt_reads_every_packet() -> None:
    """A third reader agrees on packets and options."""
    reader = dpkt.pcapng.Reader(io.BytesIO(CAPTURE))
    assert [bytes(data) for _, data in reader] == [FRAME[: len(FRAME) - number] for number in range(7)]


def test_head_alone_is_a_capture(tmp_path: Path) -> None:
    """A recording killed before its first packet opens."""
    path = tmp_path / "head.pcapng"
    path.write_bytes(HEAD + INTERFACE)
    assert run("tcpdump", "-nr", path) == ""
    assert run("tshark", "-nr", path) == ""
