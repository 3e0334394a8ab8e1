"""Files of many kinds, made by hand: what is read of each equals what tshark reads."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pcapdig.trace.trace import Trace

FIELDS = ("frame.number", "frame.time_epoch", "frame.len", "frame.cap_len", "ip.src", "udp.srcport", "udp.length")
SECONDS = 1_700_000_000


def tshark(path: Path) -> list[list[str]]:
    """A list of fields a frame."""
    argv = ["tshark", "-n", "-r", str(path), "-T", "fields", *(word for field in FIELDS for word in ("-e", field))]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def ours(path: Path) -> list[list[str]]:
    """The same fields from a trace. A packet whose UDP header was not all there has no length."""
    return [row for packets in Trace().read(str(path)) for row in _rows(packets)]


def _rows(packets: Any) -> Iterator[list[str]]:
    for i in range(len(packets)):
        flow, flows = int(packets.flow[i]), packets.trace.flows
        source, port, length = "", "", ""
        if flow >= 0:
            client = bool(packets.forward[i])
            source = flows.client_ip(flow) if client else flows.server_ip(flow)
            port = str(int((flows.client_port if client else flows.server_port)[flow]))
            length = str(int(packets.payload_length[i]) + 8)
        seconds, fraction = divmod(int(packets.time_ns[i]), 10**9)
        numbers = str(int(packets.number[i])), f"{seconds}.{fraction:09}", str(int(packets.original[i]))
        yield [*numbers, str(int(packets.captured[i])), source, port, length]


def modified_pcap(files: Any, wire: Any) -> bytes:
    """Kuznetzov's: 24 bytes before a packet."""
    data = files.pack("IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)
    for i in range(3):
        frame = wire.udp(b"x" * i)
        data += (
            files.pack("IIII", SECONDS + i, 7 * i, len(frame), len(frame))
            + files.pack("IHBB", 3, 0x800, 4 * (i % 2), 0)
            + frame
        )
    return bytes(data)


def sections_of_both_orders(files: Any, wire: Any) -> bytes:
    """Each with its own interfaces, resolution and order."""
    other = files.in_order("<" if files.order == ">" else ">")
    return b"".join(
        each.pcapng(each.packet(wire.udp(b"ab"), ticks=SECONDS * 10**digits + 1), resolution=digits)
        for each, digits in ((files, 9), (other, 6), (files, 3))
    )


def offsets(files: Any, wire: Any) -> bytes:
    """if_tsoffset of either sign."""
    parts = [files.section()]
    for number, offset in enumerate((-(10**9), 5, 0)):
        parts.append(files.interface(offset_s=offset))
        parts.append(files.packet(wire.udp(b"x"), ticks=SECONDS * 10**9, interface=number))
    return b"".join(parts)


def resolutions(files: Any, wire: Any) -> bytes:
    """Decimal and binary ones."""
    parts = [files.section()]
    for number, resolution in enumerate((0, 3, 6, 9, 0x80 | 10, 0x80 | 20, 0x80 | 30)):
        unit = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        parts.append(files.interface(resolution=resolution))
        parts.append(files.packet(wire.udp(b"x"), ticks=SECONDS * unit + unit // 2, interface=number))
    return b"".join(parts)


def blocks_around(files: Any, wire: Any) -> bytes:
    """Names, statistics, secrets, unknown and local blocks before, between and after packets; an obsolete packet block."""
    frame = wire.udp(b"payload")
    names = files.block(4, files.option(1, b"\x0a\0\0\1host\0") + files.pack("HH", 0, 0))
    secrets = files.block(10, files.pack("II", 0x544C534B, 4) + b"abc\n")
    obsolete = files.block(2, files.pack("HHIIII", 0, 0xFFFF, 0, 5, len(frame), len(frame)) + frame)
    odd = files.block(0x7FFF, b"12345678") + files.block(0x80000055, b"") + files.block(0x80000001, files.pack("I", 5))
    packet = files.packet(frame, ticks=SECONDS * 10**9)
    return bytes(files.pcapng(names, packet, secrets, obsolete, odd, packet, files.statistics(0, {4: 3}), names))


def cut_packets(files: Any, wire: Any) -> bytes:
    """Of a packet cut at each byte of its headers the lengths on the wire count."""
    frame = wire.udp(b"x" * 60)
    return bytes(
        files.pcapng(*(files.packet(frame[:size], original=len(frame)) for size in (*range(42, 60), len(frame))))
    )


MADE = (modified_pcap, sections_of_both_orders, offsets, resolutions, blocks_around, cut_packets)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_tshark_reads_the_same(
    tmp_path: Path, files: Any, wire: Any, order: str, make: Callable[[Any, Any], bytes]
) -> None:
    """Numbers, times, lengths, addresses and ports of each packet."""
    path = tmp_path / "capture"
    path.write_bytes(make(files.in_order(order), wire))
    expected = tshark(path)
    assert len(expected) >= 3
    assert ours(path) == expected


def without_length(wire: Any, payload: bytes) -> bytes:
    """A TCP segment whose IPv4 total length was left to the card, so that the file's length is the only one."""
    frame = wire.tcp(payload)
    return bytes(frame[:16] + b"\0\0" + frame[18:])


@pytest.mark.parametrize("how", ["pcap", "if_fcslen", "epb_flags", "flags override", "none"])
def test_a_frame_check_sequence_is_no_payload(tmp_path: Path, files: Any, wire: Any, how: str) -> None:
    """However the file says that it is there. tshark looks at it in Ethernet frames too."""
    frame = without_length(wire, b"abc" * 20) + b"FCS!"
    section = files.section()
    path = tmp_path / "capture"
    path.write_bytes(
        {
            "pcap": lambda: files.pcap((1, 0, frame), link_word=2 << 28 | 1 << 26 | 1),
            "if_fcslen": lambda: section + interface_with_fcs(files, 4) + files.packet(frame),
            "epb_flags": lambda: files.pcapng(files.packet(frame, flags=4 << 5)),
            "flags override": lambda: section + interface_with_fcs(files, 2) + files.packet(frame, flags=4 << 5),
            "none": lambda: files.pcapng(files.packet(frame)),
        }[how]()
    )
    (packets,) = Trace().read(str(path))
    expected = 64 if how == "none" else 60
    assert packets.payload_length.tolist() == [expected]
    argv = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", "tcp.len"]
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout.split() == [str(expected)]


def interface_with_fcs(files: Any, size: int) -> bytes:
    """An Ethernet interface with if_fcslen."""
    return bytes(files.block(1, struct.pack("<HHI", 1, 0, 262144) + files.option(13, bytes([size]))))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_modified_pcap_says_which_way_a_packet_went(take: Any, files: Any, wire: Any, order: str) -> None:
    """As a cooked capture: 4 is outgoing."""
    taken = take(modified_pcap(files.in_order(order), wire))
    assert taken.direction == [1, 2, 1]


def test_every_cut_of_a_modified_pcap_is_found(take: Any, files: Any, wire: Any) -> None:
    """What is whole before the cut is read."""
    whole = modified_pcap(files, wire)
    for cut in range(24, len(whole)):
        taken = take(whole[:cut])
        assert len(taken.number) == sum(cut >= 24 + (24 + 42) * count + sum(range(count)) for count in (1, 2, 3))
        assert (taken.error is None) == (cut in {24, 90, 157})
