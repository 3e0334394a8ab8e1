"""Packets rewritten for a merged capture, block by block, as `merged` gives them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from pcapdig.errors import InputError
from pcapdig.trace.merge import merged

ORDERS = pytest.mark.parametrize("order", ["<", ">"])


def blocks_of(folder: Path, *captures: bytes) -> list[tuple[int, bytes]]:
    """(type, body) of all blocks of a merge with nothing more, but for the section header."""
    paths = [folder / str(number) for number in range(len(captures))]
    for path, capture in zip(paths, captures, strict=True):
        path.write_bytes(capture)
    data = b"".join(merged([str(path) for path in paths]))
    found = []
    at = 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        assert struct.unpack_from("<I", data, at + size - 4) == (size,)
        found.append((kind, data[at + 8 : at + size - 4]))
        at += size
    assert [kind for kind, _ in found if kind == 0x0A0D0D0A] == [found[0][0]]
    return found[1:]


def packets_of(found: list[tuple[int, bytes]]) -> list[bytes]:
    """The bodies of enhanced packet blocks."""
    return [body for kind, body in found if kind == 6]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("short", "a block shorter than its kind can be"),
        ("short simple", "a block shorter than its kind can be"),
        ("long", "a packet longer than its block"),
        ("long simple", "a packet longer than its block"),
        ("trailer", "the lengths before and after a block differ"),
        ("small", "a block length that is too small"),
        ("huge", "a block length beyond 129 MiB"),
        ("order", "a section without byte-order magic"),
        ("version", "pcapng version 9.0 is not known"),
    ],
)
@ORDERS
def test_what_the_scanner_calls_damage_is_damage(tmp_path: Path, files: Any, order: str, name: str, what: str) -> None:
    """In the same words, at the offset in the file."""
    part = files.in_order(order)
    good = part.pcapng(part.packet(b"good"))
    bad = {
        "short": part.block(6, bytes(16)),
        "short simple": part.block(3, b""),
        "long": part.block(6, part.pack("IIIII", 0, 0, 0, 99, 99) + bytes(8)),
        "long simple": part.block(3, part.pack("I", 99) + bytes(8)),
        "trailer": part.pack("III", 6, 12, 16),
        "small": part.pack("III", 6, 8, 8),
        "huge": part.pack("III", 6, 1 << 31, 0),
        "order": part.block(0x0A0D0D0A, bytes(16)),
        "version": part.section(version=(9, 0)),
    }[name]
    with pytest.raises(InputError) as caught:
        blocks_of(tmp_path, good + bad, files.frames(b"more"))
    assert str(caught.value) == f"{tmp_path}/0: damaged at byte {len(good)}: {what}"


@ORDERS
def test_options_keep_their_meaning(tmp_path: Path, files: Any, order: str) -> None:
    """Numbers are turned round, bytes are not; what must not be copied is left out."""

    def options(part: Any, *, private: bool) -> bytes:
        listed = [
            (2, part.pack("I", 0x01020304)),
            (1, b"a comment"),
            (3, b"\2\1\2\3\4"),
            (4, part.pack("Q", 0x0102030405060708)),
            (5, part.pack("Q", 77)),
            (6, part.pack("I", 5)),
            (8, part.pack("II", 4711, 4712)),
            (2988, part.pack("I", 32473) + b"text"),
            (2989, part.pack("I", 32473) + b"\1\2"),
            *([(19373, part.pack("I", 32473) + b"private")] if private else []),
            (999, b"\1\2\3\4"),
        ]
        return b"".join(part.option(*one) for one in listed) + bytes(4)

    part = files.in_order(order)
    for private in (True, False):
        capture = part.pcapng(part.packet(b"data!", ticks=(1 << 32) + 5, options=options(part, private=private)))
        (packet,) = packets_of(blocks_of(tmp_path, capture, files.pcapng()))
        assert packet == files.pack("IIIII", 0, 1, 5, 5, 5) + b"data!\0\0\0" + options(files, private=False)


def test_options_without_an_end_stay_as_they_are(tmp_path: Path, files: Any) -> None:
    """The end mark may be missing."""
    capture = files.pcapng(files.packet(b"data", options=files.option(1, b"x")))
    (packet,) = packets_of(blocks_of(tmp_path, capture, capture[:0] + files.pcapng()))
    assert packet[20:] == b"data" + files.option(1, b"x")


@ORDERS
def test_apples_processes_are_numbered_anew(tmp_path: Path, files: Any, order: str) -> None:
    """Each file and section counts its own from 0; a number that leads nowhere is left out."""
    part = files.in_order(order)

    def section(name: bytes, at: int, number: int) -> bytes:
        block = part.block(0x80000001, part.pack("I", 7) + part.option(2, name) + bytes(4))
        options = part.option(0x8001, part.pack("I", number)) + part.option(0x8002, part.pack("I", 9)) + bytes(4)
        return bytes(part.section() + part.interface() + block + part.packet(b"", ticks=at, options=options))

    found = blocks_of(tmp_path, section(b"a", 1, 0) + section(b"b", 3, 0), section(b"c", 2, 0) + section(b"d", 4, 5))
    names = [body[8:9] for kind, body in found if kind == 0x80000001]
    packets = packets_of(found)
    linked = [names[struct.unpack_from("<I", body, 24)[0]] for body in packets[:3]]
    assert linked == [b"a", b"c", b"b"]
    assert [struct.unpack_from("<I", body, 32)[0] for body in packets[:3]] == [9, 9, 9]
    assert struct.unpack_from("<HHI", packets[3], 20) == (0x8002, 4, 9)


def test_interfaces_are_numbered_over_all_files(tmp_path: Path, files: Any) -> None:
    """Packets and statistics go with theirs."""
    two = files.section() + files.interface(name=b"a") + files.interface(name=b"b")
    first = two + files.packet(b"1", ticks=1, interface=1) + files.statistics(1, {4: 10})
    second = two + files.packet(b"2", ticks=2, interface=0) + files.statistics(0, {4: 20})
    found = blocks_of(tmp_path, first, second)
    assert [struct.unpack_from("<I", body)[0] for body in packets_of(found)] == [1, 2]
    assert sorted(struct.unpack_from("<I", body)[0] for kind, body in found if kind == 5) == [1, 2]


def test_old_and_simple_packets_become_enhanced_ones(tmp_path: Path, files: Any) -> None:
    """With their options, the length that was sent, and what the snap length left."""
    old = files.block(
        2, files.pack("HHIIII", 0, 3, 0, 7, 4, 60) + b"abcd" + files.option(2, files.pack("I", 1)) + bytes(4)
    )
    simple = files.block(3, files.pack("I", 60) + b"abcd")
    capture = files.section() + files.interface(snap_length=4) + simple + old
    first, second = packets_of(blocks_of(tmp_path, capture, files.pcapng()))
    assert first == files.pack("IIIII", 0, 0, 0, 4, 60) + b"abcd"
    assert second == files.pack("IIIII", 0, 0, 7, 4, 60) + b"abcd" + files.option(2, files.pack("I", 1)) + bytes(4)


@ORDERS
@pytest.mark.parametrize("nanoseconds", [False, True])
def test_records_of_a_classic_pcap_become_blocks(tmp_path: Path, files: Any, order: str, nanoseconds: bool) -> None:
    """In the resolution they had; a frame check sequence is told by each packet's flags (epb_flags bits 5 to 8)."""
    part = files.in_order(order)
    capture = part.pcap((5, 123456, b"12345678"), nanoseconds=nanoseconds, link_word=1 | 1 << 26 | 2 << 28)
    (packet,) = packets_of(blocks_of(tmp_path, capture, files.pcapng()))
    ticks = 5 * (10**9 if nanoseconds else 10**6) + 123456
    head = files.pack("IIIII", 0, ticks >> 32, ticks & 0xFFFFFFFF, 8, 8)
    assert packet == head + b"12345678" + files.option(2, files.pack("I", 4 << 5)) + bytes(4)
