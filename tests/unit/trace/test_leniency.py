"""Captures that are not as they should be and of which nothing is lost: read as Wireshark reads them, and said in one line."""

from __future__ import annotations

import itertools
import random
import struct
import subprocess
from pathlib import Path

import pytest

from pcapdig.errors import InputError
from pcapdig.trace.blocks import UNALIGNED
from pcapdig.trace.trace import Trace

UDP = struct.pack(">HHHH", 5000, 53, 13, 0) + b"hello"
IP = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 33, 7, 0, 64, 17, 0, b"\xc0\0\2\1", b"\xc0\0\2\2") + UDP
FRAME = bytes(12) + b"\x08\0" + IP


def pcap(order: str, version: bytes) -> bytes:
    """One packet, with any two words as version."""
    head = struct.pack(order + "I", 0xA1B2C3D4) + version + struct.pack(order + "iIII", 0, 0, 65535, 1)
    return head + struct.pack(order + "IIII", 1, 2, len(FRAME), len(FRAME)) + FRAME


def block(kind: int, body: bytes, *, order: str = "<", claimed: int | None = None, behind: int | None = None) -> bytes:
    """A block whose lengths may be wrong; `body` with its padding."""
    size = 12 + len(body)
    claimed = size if claimed is None else claimed
    return (
        struct.pack(order + "II", kind, claimed)
        + body
        + struct.pack(order + "I", claimed if behind is None else behind)
    )


def padded(data: bytes) -> bytes:
    """To 4 bytes."""
    return data + bytes(-len(data) % 4)


SECTION = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
INTERFACE = block(1, struct.pack("<HHI", 1, 0, 0))


def packet(data: bytes = FRAME, interface: int = 0, options: bytes = b"") -> bytes:
    """An enhanced packet block."""
    return block(6, struct.pack("<IIIII", interface, 0, 1000, len(data), len(data)) + padded(data) + options)


def read(path: Path, *more: Path) -> tuple[list[bytes], list[str], str]:
    """Payloads, what is remarked (without the path), and what is wrong."""
    trace, found, wrong = Trace(), list[bytes](), ""
    try:
        for packets in trace.read_all([str(path), *map(str, more)]):
            found += [packets.buffer(i) for i in range(len(packets))]
    except InputError as error:
        wrong = str(error)
    return found, [remark.removeprefix(f"{path}: ") for remark in trace.remarks], wrong


def seen_by_tshark(path: Path) -> list[bytes]:
    """The same payloads, by tshark."""
    command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-e", "udp.payload"]
    return list(map(bytes.fromhex, subprocess.run(command, capture_output=True, text=True, timeout=60).stdout.split()))  # noqa: PLW1510


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    ("version", "is_swapped", "remark"),
    [
        ((2, 4), False, None),
        ((2, 4), True, "its version is written in the other byte order: read as 2.4"),
        ((2, 5), False, "pcap version 2.5 is not known: read as 2.4"),
        ((3, 0), False, "pcap version 3.0 is not known: read as 2.4"),
        ((543, 0), False, "pcap version 543.0 is not known: read as 2.4"),
    ],
)
def test_pcaps_of_odd_versions(
    tmp_path: Path, order: str, version: tuple[int, int], is_swapped: bool, remark: str | None
) -> None:
    """tshark reads them too; alone, and merged with another file."""
    other = {"<": ">", ">": "<"}[order] if is_swapped else order
    (path := tmp_path / "t.pcap").write_bytes(pcap(order, struct.pack(other + "HH", *version)))
    remarks = [] if remark is None else [remark]
    assert seen_by_tshark(path) == [b"hello"]
    assert read(path) == ([b"hello"], remarks, "")
    assert read(path, path) == ([b"hello"] * 2, remarks * 2, "")


def unaligned(kind: int, body: bytes, spare: int, order: str, *, rounded_behind: bool) -> bytes:
    """A block of old ntar: `body` lies there with `spare` bytes of padding at its end, which its length does not count."""
    size = 12 + len(body) - spare
    return block(kind, body, order=order, claimed=size, behind=12 + len(body) if rounded_behind else size)


@pytest.mark.parametrize("seed", range(12))
def test_blocks_of_unaligned_lengths(tmp_path: Path, seed: int) -> None:
    """Of each kind, of either byte order, the length behind with the padding or without: all packets that tshark finds."""
    chosen = random.Random(seed)
    order = chosen.choice("<>")
    rounded = chosen.random() < 0.5

    def maybe(kind: int, body: bytes, spare: int) -> bytes:
        if spare and chosen.random() < 0.6:
            return unaligned(kind, body, spare, order, rounded_behind=rounded)
        return block(kind, body, order=order)

    name = b"interface"[: chosen.randrange(1, 9)]
    option = struct.pack(order + "HH", 2, len(name)) + padded(name)
    content = block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order=order)
    content += maybe(1, struct.pack(order + "HHI", 1, 0, 0) + option, -len(name) % 4)
    payloads = []
    for i in range(20):
        payload = bytes([65 + i]) * chosen.randrange(1, 9)
        ip = (
            IP[:2] + struct.pack(">H", 28 + len(payload)) + IP[4:24] + struct.pack(">HH", 8 + len(payload), 0) + payload
        )
        frame = bytes(12) + b"\x08\0" + ip
        payloads.append(payload)
        if chosen.random() < 0.3:
            content += maybe(3, struct.pack(order + "I", len(frame)) + padded(frame), -len(frame) % 4)
        else:
            head = struct.pack(order + "IIIII", 0, 0, 1000, len(frame), len(frame))
            content += maybe(6, head + padded(frame), -len(frame) % 4)
    content += unaligned(0x0B, b"unknown." + bytes(4), 3, order, rounded_behind=rounded)
    (path := tmp_path / "t.pcapng").write_bytes(content)
    assert seen_by_tshark(path) == payloads
    assert read(path) == (payloads, [UNALIGNED], "")
    assert sorted(read(path, path)[0]) == sorted(payloads * 2)
    assert read(path, path)[1:] == ([UNALIGNED] * 2, "")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            block(6, struct.pack("<IIIII", 0, 0, 1, 47, 47) + FRAME, claimed=79),
            "the lengths before and after a block differ",
        ),
        (block(0x0B, bytes(8), claimed=17, behind=21), "the lengths before and after a block differ"),
        (block(0x0B, b"", claimed=8, behind=8), "a block length that is too small"),
    ],
)
def test_what_tshark_refuses_is_damage(tmp_path: Path, content: bytes, what: str) -> None:
    """A packet that is not padded, lengths that differ, and a block shorter than its frame."""
    (path := tmp_path / "t.pcapng").write_bytes(SECTION + INTERFACE + content + packet() * 9)
    found, _, wrong = read(path)
    assert (found, wrong) == ([], f"{path}: damaged at byte {len(SECTION + INTERFACE)}: {what}")
    assert seen_by_tshark(path) == []


NOTHING_LOST = {
    "section length wrong": block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, 7)) + INTERFACE + packet(),
    "empty sections": SECTION * 2 + INTERFACE + packet() + SECTION,
    "statistics of an unknown interface": SECTION + INTERFACE + block(5, struct.pack("<III", 9, 0, 0)) + packet(),
    "more captured than sent": SECTION
    + INTERFACE
    + packet().replace(struct.pack("<II", 47, 47), struct.pack("<II", 47, 40)),
    "longer than the snap length": SECTION + block(1, struct.pack("<HHI", 1, 0, 20)) + packet(),
    "no end of options": SECTION + INTERFACE + packet(options=struct.pack("<HH4s", 1, 4, b"text")),
    "snap length 0": pcap("<", struct.pack("<HH", 2, 4)).replace(struct.pack("<I", 65535), bytes(4)),
    "pcap, more captured than sent": pcap("<", struct.pack("<HH", 2, 4)).replace(
        struct.pack("<II", 47, 47), struct.pack("<II", 47, 40)
    ),
}


@pytest.mark.parametrize("case", NOTHING_LOST)
def test_what_tshark_reads_without_a_word_is_read(tmp_path: Path, case: str) -> None:
    """Alone and merged."""
    (path := tmp_path / "t").write_bytes(NOTHING_LOST[case])
    assert seen_by_tshark(path) == [b"hello"]
    assert read(path) == ([b"hello"], [], "")
    assert read(path, path) == ([b"hello"] * 2, [], "")


def sections(names: list[bytes]) -> bytes:
    """A section of one interface with one packet for each name."""
    parts = []
    for name in names:
        option = struct.pack("<HH", 2, len(name)) + padded(name)
        parts.append(SECTION + block(1, struct.pack("<HHI", 1, 0, 0) + option) + packet())
    return b"".join(parts)


def names_of_packets(content: bytes) -> tuple[list[str | None], list[str]]:
    """The name of each packet's interface, at the end of its batch, and what is remarked."""
    trace, names = Trace("t"), list[str | None]()
    for packets in itertools.chain(trace.feed(content), trace.feed(b"", final=True)):
        names += [trace.interfaces[row].name for row in packets.interface.tolist()]
    return names, trace.remarks


def test_65536_interfaces_in_as_many_sections() -> None:
    """Each has its own row and name."""
    names = [b"if%d" % i for i in range(65_536)]
    assert names_of_packets(sections(names)) == ([name.decode() for name in names], [])


def test_more_sections_with_few_interfaces() -> None:
    """Those of later sections have the rows of equal ones."""
    names = [b"if%d" % (i % 7) for i in range(65_536 + 500)]
    assert names_of_packets(sections(names)) == ([name.decode() for name in names], [])


def test_more_different_interfaces_than_rows() -> None:
    """The last row has no name then, and that is said: no packet is on an interface it was not on."""
    names = [b"if%d" % i for i in range(65_536 + 3)] + [b"if7"]
    found, remarks = names_of_packets(sections(names))
    assert found[:65_535] == [name.decode() for name in names[:65_535]]
    assert found[65_535:] == [None] * 4 + ["if7"]
    assert remarks == ["t: more than 65536 different interfaces: some share a row without a name"]
