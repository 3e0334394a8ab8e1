"""Any bytes end in packets or in InputError, and it does not matter in which chunks they come.

Inputs are capture files with some bytes changed, cut out or put in; those that once mattered are kept in SAVED.
"""

from __future__ import annotations

import itertools
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pcapdig.errors import InputError
from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.trace.trace import Trace

COLUMNS = (
    "number time_ns interface captured original flow forward payload_captured payload_length fresh seq ack tcp_flags"
    " direction writer reader writer_evidence reader_evidence out_of_window"
).split()

FRAME = bytes.fromhex(
    "000000000000000000000000080045000030000100004006000001020304050607080fa00050"
    "000003e8000007d05018ffff0000000048656c6c6f212121"
)


def pcapng_seed() -> bytes:
    """A small pcapng with each kind of block that is looked into."""
    texts = [
        comments.line(Process(name="p", pid=1), is_write=is_write, evidence="socket") for is_write in (True, False)
    ]
    packets = [
        blocks.enhanced_packet(interface=i % 2, time_ns=i, data=FRAME[: 70 - i], flags=i % 4, comments=texts[: i % 3])
        for i in range(5)
    ]
    return (
        blocks.section_header(application="fuzz")
        + blocks.interface_description(name="lo", link_type=1)
        + blocks.interface_description(name="any", link_type=276)
        + b"".join(packets)
        + blocks.interface_statistics(interface=0, start_ns=0, end_ns=9, received=5, dropped=0)
        + bytes.fromhex("03000000 14000000 04000000 61626364 14000000")
        + bytes.fromhex("02000000 24000000 00000000 00000000 07000000 04000000 04000000 61626364 24000000")
    )


def foreign_seed() -> bytes:
    """A small pcapng with what other programs write of processes, and with names."""

    def option(code: int, *numbers: int) -> bytes:
        return struct.pack("<HH", code, 4 * len(numbers)) + struct.pack(f"<{len(numbers)}I", *numbers)

    def packet(options: bytes) -> bytes:
        body = struct.pack("<IIIII", 0, 0, 9, len(FRAME), len(FRAME)) + FRAME + bytes(-len(FRAME) % 4) + options
        return struct.pack("<II", 6, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    texts = (
        b"PID: 5\nCmd: /bin/a\nArgs: a b",
        b"rustnet process=a pid=5 direction=outgoing",
        b"PID=5 TID=7",
        b"ParentPID: 4",
    )
    return (
        blocks.section_header()
        + blocks.interface_description(name="lo", link_type=1, fcs_size=4)
        + bytes.fromhex("04000000 20000000 01000900 0a000001 686f7374 00000000 00000000 20000000")
        + blocks.apple_process(pid=5, name="apple")
        + blocks.wireshark_process(pid=5, name="shark", start_ns=3, arguments=[b"a", b"b"], uid=1)
        + blocks.wireshark_process(pid=5, name="later", start_ns=11)
        + packet(option(8, 5, 6) + option(0x8001, 0) + option(0x8003, 1))
        + packet(option(8, 5, 6) + option(2, 0x81))
        + b"".join(blocks.enhanced_packet(interface=0, time_ns=9, data=FRAME, comments=[text]) for text in texts)
        + blocks.enhanced_packet(interface=0, time_ns=9, data=FRAME, comments=texts)
    )


def pcap_seed() -> bytes:
    """A small pcap, big-endian, with a frame check sequence."""
    head = bytes.fromhex("a1b2c3d4 00020004 00000000 00000000 00040000 24000001")
    record = (1).to_bytes(4, "big") * 2 + len(FRAME).to_bytes(4, "big") * 2 + FRAME
    return head + record * 3


def modified_pcap_seed() -> bytes:
    """A small modified pcap."""
    record = bytes(8) + struct.pack("<II", len(FRAME), len(FRAME)) + bytes(8) + FRAME
    return struct.pack("<IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1) + record * 3


SEEDS = (pcapng_seed(), pcap_seed(), foreign_seed(), modified_pcap_seed())

SAVED = (
    b"\n\r\r\n",
    b"\n\r\r\n\x0c\x00\x00\x00M<+\x1a",
    b"\n\r\r\n\x1c\x00\x00\x00M<+\x1a\x01\x00\x00\x00"
    + b"\xff" * 8
    + b"\x1c\x00\x00\x00"
    + b"\x06\x00\x00\x00\xff\xff\xff\xff",
    SEEDS[0] + b"\x06\x00\x00\x00\x20\x00\x00\x00" + b"\xff" * 20 + b"\x20\x00\x00\x00",
    SEEDS[1][:24] + b"\xff" * 16,
)


def outcome(data: bytes, cuts: list[int]) -> tuple[dict[str, list[Any]], list[bytes], list[str], str | None]:
    """Everything a trace says of `data` fed in pieces."""
    trace = Trace("fuzz")
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    buffers: list[bytes] = []
    error = None
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    try:
        for start, stop in itertools.pairwise(edges):
            for packets in trace.feed(data[start:stop]):
                for name in COLUMNS:
                    columns[name] += getattr(packets, name).tolist()
                for i in range(len(packets)):
                    assert len(packets.packet_bytes(i)) == packets.captured[i]
                    assert len(packets.buffer(i)) == packets.payload_captured[i]
                    buffers.append(packets.buffer(i))
        list(trace.feed(b"", final=True))
    except InputError as raised:
        error = str(raised)
    names = [trace.flows.name(row) for row in range(len(trace.flows))]
    return columns, buffers, names, error


@st.composite
def damaged_files(draw: Any) -> bytes:
    """A seed with bytes overwritten, cut out and put in, or two seeds after each other."""
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        change = draw(st.sampled_from(["overwrite", "cut", "insert", "word"]))
        if change == "overwrite":
            piece = draw(st.binary(min_size=1, max_size=8))
            data[at : at + len(piece)] = piece
        elif change == "cut":
            del data[at : at + draw(st.integers(1, 40))]
        elif change == "insert":
            data[at:at] = draw(st.binary(min_size=1, max_size=40))
        else:
            word = draw(st.sampled_from([0, 1, 3, 4, 12, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFC, 0x80000000, len(data)]))
            data[at & ~3 : (at & ~3) + 4] = word.to_bytes(4, draw(st.sampled_from(["little", "big"])))
    return bytes(data) + (draw(st.sampled_from(SEEDS)) if draw(st.booleans()) else b"")


@settings(deadline=None, max_examples=300)
@given(data=damaged_files(), cuts=st.lists(st.integers(0, 10_000), max_size=5))
@example(data=SEEDS[0], cuts=[])
def test_damaged_files(data: bytes, cuts: list[int]) -> None:
    """Nothing but InputError comes out, columns agree with each other, and chunks make no difference."""
    whole = outcome(data, [])
    columns = whole[0]
    for i in range(len(columns["number"])):
        assert columns["payload_captured"][i] <= min(columns["payload_length"][i], columns["captured"][i])
        assert columns["fresh"][i] <= columns["payload_length"][i]
        assert -1 <= columns["flow"][i] < len(whole[2])
    assert outcome(data, cuts) == whole


@settings(deadline=None, max_examples=30)
@given(data=damaged_files())
def test_one_byte_at_a_time(data: bytes) -> None:
    """The smallest chunks there are."""
    assert outcome(data, list(range(len(data)))) == outcome(data, [])


@settings(deadline=None, max_examples=100)
@given(data=st.binary(max_size=200), seed=st.sampled_from([b"", SEEDS[0][:180], SEEDS[1][:24]]))
def test_noise(data: bytes, seed: bytes) -> None:
    """Bytes of no meaning, from the start or after good headers."""
    assert outcome(seed + data, [3]) == outcome(seed + data, [])


@pytest.mark.parametrize("data", SAVED)
def test_saved(data: bytes) -> None:
    """Inputs kept from earlier runs, or made for a bound."""
    assert outcome(data, list(range(len(data)))) == outcome(data, [])


def test_the_seeds_are_whole() -> None:
    """Fuzzing starts from files that are read to their end."""
    assert [(len(outcome(seed, [])[1]), outcome(seed, [])[3]) for seed in SEEDS] == [
        (7, None),
        (3, None),
        (7, None),
        (3, None),
    ]
