"""A packet's comments are those that tshark shows, read from its block."""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.packet_comments import comments_at
from pcapdig.trace.trace import Trace

FRAME = bytes(12) + b"\x08\x06" + bytes(29)
OURS = comments.line(Process(name="curl", pid=7), is_write=True, evidence="socket")
TEXTS: list[tuple[bytes, ...]] = [(), (b"one",), (b"look here", b"and there"), (OURS, b"mine"), ("größer".encode(),)]


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """Any block."""
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def big_endian(texts: tuple[bytes, ...]) -> bytes:
    """A section of the other byte order with one packet."""
    options = b"".join(struct.pack(">HH", 1, len(text)) + text + bytes(-len(text) % 4) for text in texts)
    head = struct.pack(">IIIII", 0, 0, 1, len(FRAME), len(FRAME))
    return (
        block(0x0A0D0D0A, struct.pack(">IHHq", 0x1A2B3C4D, 1, 0, -1), ">")
        + block(1, struct.pack(">HHI", 1, 0, 0), ">")
        + block(6, head + FRAME + bytes(-len(FRAME) % 4) + options, ">")
    )


def found(path: Path) -> list[str | None]:
    """The comments of all packets."""
    trace = Trace()
    return [
        comment
        for packets in trace.read(str(path))
        for comment in trace.history.comments(packets, np.arange(len(packets)))
    ]


def test_comments_are_those_of_tshark(tmp_path: Path) -> None:
    """None, one or several; pcapdig's own too; of either byte order; none of a simple packet block."""
    path = tmp_path / "t.pcapng"
    content = blocks.section_header() + blocks.interface_description(name="eth0", link_type=1)
    for texts in TEXTS:
        content += blocks.enhanced_packet(interface=0, time_ns=1, data=FRAME, comments=texts)
    content += block(3, struct.pack("<I", len(FRAME)) + FRAME + bytes(-len(FRAME) % 4))
    path.write_bytes(content + big_endian((b"big",)) + big_endian(()))
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "aggregator=|", "-e", "frame.comment"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    assert found(path) == [line.replace("|", "; ") or None for line in shown]
    assert len(shown) == len(TEXTS) + 3


def test_lines_of_a_comment_are_joined(tmp_path: Path) -> None:
    """One line, as it may stand on a terminal."""
    path = tmp_path / "t.pcapng"
    content = blocks.section_header() + blocks.interface_description(name="eth0", link_type=1)
    packet = blocks.enhanced_packet(interface=0, time_ns=1, data=FRAME, comments=(b"PID: 5\r\nCmd: x\n\x1b[2J",))
    path.write_bytes(content + packet)
    assert found(path) == ["PID: 5 Cmd: x \ufffd[2J"]


def test_a_pcap_has_none(tmp_path: Path) -> None:
    """Even where its bytes look like a block before the packet."""
    path = tmp_path / "t.pcap"
    fake = struct.pack("<II", 6, 200) + bytes(12)
    record = struct.pack("<IIII", 1, 0, len(FRAME), len(FRAME))
    path.write_bytes(
        struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
        + record[:8]
        + struct.pack("<II", 20, 20)
        + fake
        + record
        + FRAME
    )
    assert found(path) == [None, None]


def test_packets_made_by_hand_have_none() -> None:
    """There is no block before them."""
    packets = Packets.from_payloads(tables := Tables(), [b"a", b"b" * 40])
    assert tables.history.comments(packets, np.arange(2)) == [None, None]


def test_the_last_two_batches_are_kept(tmp_path: Path) -> None:
    """A message has the comments of its first packet, as long as that one's batch is kept."""
    path = tmp_path / "t.pcapng"
    content = blocks.section_header() + blocks.interface_description(name="eth0", link_type=1)
    for i in range(12):
        content += blocks.enhanced_packet(interface=0, time_ns=1, data=FRAME, comments=(b"%d" % i,))
    path.write_bytes(content)
    trace = Trace()
    trace.batch_bytes = 200
    batches = list(trace.read(str(path)))
    for packets in batches:
        trace.history.see(packets)
    assert len(batches) > 3
    assert trace.history.comments(batches[0], np.arange(1)) == [None]
    assert trace.history.comments(batches[-2], np.arange(1)) == [str(batches[-2].number[0] - 1)]


@given(st.binary(min_size=40, max_size=120), st.integers(28, 40), st.integers(0, 40), st.sampled_from([2, 6]))
def test_any_bytes_give_a_text_or_none(data: bytes, offset: int, captured: int, kind: int) -> None:
    """Lengths that run past the block, or the data, end what is read."""
    for order in "<>":
        forged = bytearray(data)
        struct.pack_into(order + "I", forged, offset - 28, kind)
        struct.pack_into(order + "I", forged, offset - 8, captured)
        text = comments_at(bytes(forged), offset, captured)
        assert text is None or text.isprintable() or "\ufffd" in text
