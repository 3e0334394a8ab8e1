"""Any captures, changed anywhere: merged, they have just the packets that each has alone, and the same is said of their damage."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pcapdig.errors import InputError
from pcapdig.pcapng import blocks
from pcapdig.trace.trace import Trace

FRAME = bytes(range(60))


def seed_of_blocks() -> bytes:
    """A pcapng with each kind of block that a merge looks into."""
    content = blocks.section_header(application="fuzz")
    content += blocks.interface_description(name="lo", link_type=1) + blocks.apple_process(pid=5, name="curl")
    for i in range(4):
        content += blocks.enhanced_packet(
            interface=0, time_ns=i, data=FRAME[: 60 - i], flags=1, comments=[b"c" * i], apple_process=i % 2
        )
    content += blocks.interface_statistics(interface=0, start_ns=0, end_ns=9, received=5, dropped=0)
    content += bytes.fromhex("03000000 14000000 04000000 61626364 14000000")
    return content + bytes.fromhex("02000000 24000000 00000000 00000000 07000000 04000000 04000000 61626364 24000000")


def seed_of_records() -> bytes:
    """A big-endian pcap."""
    head = bytes.fromhex("a1b2c3d4 00020004 00000000 00000000 00040000 00000001")
    return head + b"".join(i.to_bytes(4, "big") * 2 + bytes.fromhex("0000003c 0000003c") + FRAME for i in range(3))


SEEDS = (seed_of_blocks(), seed_of_records())


@st.composite
def captures(draw: st.DrawFn) -> bytes:
    """A capture with some bytes changed, cut out or put in, but for the first twelve."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(12, len(data)))
        match draw(st.sampled_from(["change", "cut", "put", "end"])):
            case "change":
                data[at : at + 1] = bytes([draw(st.sampled_from([0, 1, 2, 3, 5, 6, 10, 0x80, 0xFF]))])
            case "cut":
                del data[at : at + draw(st.integers(1, 40))]
            case "put":
                data[at:at] = draw(st.binary(max_size=8))
            case _:
                del data[at:]
    return bytes(data)


def read(paths: list[str]) -> tuple[Counter[tuple[int, int, bytes]], str]:
    """(time, length on the wire, bytes) of all packets, and what was said in the end."""
    found: Counter[tuple[int, int, bytes]] = Counter()
    try:
        for packets in Trace().read_all(paths):
            for i in range(len(packets)):
                found[int(packets.time_ns[i]), int(packets.original[i]), packets.packet_bytes(i)] += 1
    except InputError as error:
        return found, str(error)
    return found, ""


def said(message: str) -> str:
    """What is said of damage, without how much of a cut block has to be seen."""
    return re.sub(r"cut short, .*", "cut short", message)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(captures(), captures())
@example(SEEDS[0][:24], SEEDS[1][:20])
@example(SEEDS[0][:12], SEEDS[1][:24])
def test_a_merge_has_what_its_files_have(tmp_path: Path, first: bytes, second: bytes) -> None:
    """No packet more or less, none changed; damage in the same words at the same offsets, file by file."""
    paths = [str(tmp_path / "first"), str(tmp_path / "second")]
    for path, data in zip(paths, (first, second), strict=True):
        Path(path).write_bytes(data)
    alone = [read([path]) for path in paths]
    found, message = read(paths)
    told = [said(message) for _, message in alone if message]
    if any("is cut short" in one or "is not a capture" in one or "sysdig" in one for one in told):
        assert said(message) in told  # refused when it was opened, so nothing was merged
        return
    assert found == alone[0][0] + alone[1][0]
    assert sorted(said(one) for one in message.split("; ") if one) == sorted(told)
