"""scapy packets beside tshark and scapy's own reader."""

from __future__ import annotations

import gzip
import io
import subprocess
from pathlib import Path
from typing import Any

import pytest

import pcapdig
from pcapdig.api.scapy_packets import comments_of
from pcapdig.pcapng import blocks
from pcapdig.trace.trace import Trace


def test_they_are_what_scapy_reads(capture: Path, tmp_path: Path) -> None:
    """Bytes, layers, time, comments, length on the wire."""
    from scapy.utils import rdpcap

    (tmp_path / "plain").write_bytes(gzip.decompress(capture.read_bytes()))
    ours, theirs = list(pcapdig.open(capture).scapy()), rdpcap(str(tmp_path / "plain"))
    assert len(ours) == len(theirs) > 0
    for our, their in zip(ours, theirs, strict=True):
        assert bytes(our) == bytes(their)
        assert our.layers() == their.layers()
        assert (our.comments or []) == (their.comments or [])
        assert our.wirelen == their.wirelen
        assert abs(our.time - their.time) < 1e-6  # some versions of scapy read no finer


def test_comments_are_those_of_tshark(lamp: Path) -> None:
    """Of both ends, whole."""
    command = [
        "tshark",
        "-r",
        str(lamp),
        "-T",
        "fields",
        "-e",
        "frame.comment",
        "-E",
        "separator=/t",
        "-E",
        "aggregator=|",
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert [b"|".join(packet.comments).decode() for packet in pcapdig.open(lamp).scapy()] == shown


@pytest.mark.parametrize("order", ["<", ">"])
def test_comments_of_each_kind_of_block(order: str) -> None:
    """Enhanced and obsolete packet blocks have some, simple ones none; in both byte orders, of any padding."""
    import struct

    def block(kind: int, body: bytes) -> bytes:
        size = len(body) + 12
        return struct.pack(order + "II", kind, size) + body + struct.pack(order + "I", size)

    def padded(data: bytes) -> bytes:
        return data + bytes(-len(data) % 4)

    def option(code: int, value: bytes) -> bytes:
        return struct.pack(order + "HH", code, len(value)) + padded(value)

    data = b"\6\0\0\0\0\0\0\6" * 5 + b"abc"  # looks like the beginning of a block
    times = struct.pack(order + "IIII", 0, 5, len(data), len(data))
    options = option(2, bytes(4)) + option(1, b"one") + option(1, b"") + option(0, b"") + option(1, b"behind the end")
    file = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(
        1, struct.pack(order + "HHI", 1, 0, 0)
    )
    file += block(6, struct.pack(order + "I", 0) + times + padded(data) + options)
    file += block(3, struct.pack(order + "I", len(data)) + padded(data))
    file += block(2, struct.pack(order + "HH", 0, 0) + times + padded(data) + option(1, b"old"))
    file += block(6, struct.pack(order + "I", 0) + times + padded(data))
    (packets,) = Trace().feed(file)
    assert [comments_of(packets, i) for i in range(4)] == [[b"one", b""], [], [b"old"], []]


def test_a_pcap_has_no_comments() -> None:
    """Even where the bytes of a packet before look like a block with some."""
    import struct

    inner = blocks.section_header() + blocks.interface_description(name="x", link_type=1)
    trap = inner + blocks.enhanced_packet(interface=0, time_ns=1, data=b"abcd", comments=[b"trap"])[:16]
    record = struct.pack("<IIII", 1, 0, len(trap), len(trap)) + trap
    file = (
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + record + struct.pack("<IIII", 1, 0, 4, 4) + b"abcd"
    )
    assert [packet.comments for packet in pcapdig.open(io.BytesIO(file)).scapy()] == [None, None]


def test_a_packet_that_scapy_cannot_read_is_raw(monkeypatch: pytest.MonkeyPatch, small: bytes) -> None:
    """A dissector that fails costs no packet."""
    from scapy.layers.l2 import Ether
    from scapy.packet import Raw

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ValueError("cannot read that")

    monkeypatch.setattr(Ether, "dissection_done", fail)
    assert {type(packet) for packet in pcapdig.open(io.BytesIO(small)).scapy()} == {Raw}


def test_the_interface_is_told(small: bytes) -> None:
    """By its name."""
    assert {packet.sniffed_on for packet in pcapdig.open(io.BytesIO(small)).scapy("evt.num<3")} == {"eth7"}
