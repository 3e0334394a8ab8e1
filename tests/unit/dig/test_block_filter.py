"""What -w with a filter keeps."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import dpkt
import pytest

from pcapdig.dig import BlockFilter
from pcapdig.errors import InputError
from pcapdig.filters import compile_filter
from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.trace.trace import Trace

HEAD = blocks.section_header(application="test") + blocks.interface_description(name="lo", link_type=101)
STATISTICS = blocks.interface_statistics(interface=0, start_ns=0, end_ns=1, received=3)
NAMES = {"curl": Process(name="curl", pid=5), "httpd": Process(name="httpd", pid=7)}


def packet(payload: bytes, *, writer: str | None = None, reader: str | None = None) -> bytes:
    """The block of a UDP packet."""
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    lines = [
        comments.line(NAMES[name], is_write=is_write, evidence="socket")
        for name, is_write in ((writer, True), (reader, False))
        if name
    ]
    data = ip + struct.pack(">HHHH", 5353, 53, 8 + len(payload), 0) + payload
    return blocks.enhanced_packet(interface=0, time_ns=1_000_000_000, data=data, comments=lines)


def kept(keep: BlockFilter, data: bytes) -> bytes:
    """All pieces that pass."""
    return b"".join(keep.keep(data))


def keeping(filter: str, limit: int | None = None, *, keeps_all: bool = False, at_once: bool = False) -> BlockFilter:
    """A block filter of a filter's text."""
    return BlockFilter(Trace(), compile_filter(filter), limit=limit, keeps_all=keeps_all, at_once=at_once)


@pytest.mark.parametrize("cut", [1, 11, 30, 60])
def test_cut_block_is_refused(cut: int) -> None:
    """Blocks must be whole."""
    whole = HEAD + packet(b"abc")
    with pytest.raises(InputError):
        kept(keeping(""), whole[:-cut])


def test_block_length_is_checked() -> None:
    """A length that goes beyond the blocks, or none at all, is refused."""
    for size in (0, 8, 2**32 - 4):
        with pytest.raises(InputError):
            kept(keeping(""), HEAD + struct.pack("<III", 6, size, 0))


@pytest.mark.parametrize(
    "damage", [struct.pack("<IIII", 6, 16, 0, 16), struct.pack("<III", 1, 12, 13), packet(b"x")[:-4] + b"no"]
)
def test_what_stands_before_damage_is_kept(damage: bytes) -> None:
    """Then one line says where, as often as it is asked again nothing more comes."""
    good = HEAD + packet(b"b", reader="httpd")
    keep = keeping("proc.name=httpd").keep(good + packet(b"a") + damage + packet(b"c", reader="httpd"))
    assert next(keep) == good
    with pytest.raises(InputError, match=f"byte {len(good + packet(b'a'))}: "):
        next(keep)


def test_no_blocks() -> None:
    """Nothing in, nothing out."""
    assert kept(keeping(""), b"") == b""


def test_packets_that_pass_and_all_other_blocks() -> None:
    """Blocks are kept to the byte, in order."""
    a, b, c = packet(b"a", writer="curl"), packet(b"b", writer="httpd"), packet(b"c")
    keep = keeping("proc.name=httpd")
    assert kept(keep, HEAD + a + b + STATISTICS + c) == HEAD + b + STATISTICS
    assert keep.kept == 1


def block(kind: int, body: bytes) -> bytes:
    """Any block."""
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def test_what_is_not_a_packet_goes_along_where_all_is_kept() -> None:
    """Names, secrets, process blocks, custom and unknown blocks; not those that only who understands them may copy."""
    along = block(4, struct.pack("<HH", 1, 9) + b"\x0a\0\0\1host\0\0\0\0" + bytes(4))
    along += block(10, struct.pack("<II", 0x544C534B, 4) + b"abc\n")
    along += blocks.apple_process(pid=5, name="curl") + blocks.wireshark_process(pid=5, name="curl")
    along += block(0xBAD, struct.pack("<I", 70000)) + block(0x7FFF, b"") + block(9, b"A=1\n")
    along += block(0x40000BAD, struct.pack("<III", 32622, 99, 0))
    private = block(0x40000BAD, struct.pack("<I", 70000) + b"secret..")
    whole = HEAD + along + private + packet(b"a", writer="curl") + along
    assert kept(keeping("proc.name=httpd", keeps_all=True), whole) == HEAD + along + along
    assert kept(keeping("", limit=9, keeps_all=True), whole) == whole.replace(private, b"")
    assert kept(keeping(""), whole) == whole


def test_a_custom_block_too_short_for_any_is_damage_to_nobody() -> None:
    """Without a number it is nobody's, so it goes."""
    empty = block(0x40000BAD, b"")
    assert kept(keeping("proc.name=httpd", keeps_all=True), HEAD + empty + STATISTICS) == HEAD + STATISTICS


def test_one_end_is_enough() -> None:
    """What httpd received is httpd's, whoever sent it."""
    block = packet(b"a", writer="curl", reader="httpd")
    assert kept(keeping("proc.name=httpd"), HEAD + block) == HEAD + block


def test_everything_passes() -> None:
    """Without a filter nothing is changed."""
    whole = HEAD + packet(b"a") + packet(b"b") + STATISTICS
    assert kept(keeping(""), whole) == whole


def test_piece_by_piece() -> None:
    """Blocks may come in any number of calls; of a recording sections and interfaces go out at once."""
    keep = keeping("proc.name=httpd", at_once=True)
    passing = packet(b"b", reader="httpd")
    assert [kept(keep, piece) for piece in (HEAD, packet(b"a"), passing, STATISTICS)] == [
        HEAD,
        b"",
        passing,
        STATISTICS,
    ]


def test_limit() -> None:
    """No more packets than asked for, over all calls; other blocks go on."""
    keep = keeping("", limit=2)
    a, b, c = packet(b"a"), packet(b"b"), packet(b"c")
    assert kept(keep, HEAD + a) == HEAD + a
    assert kept(keep, b + c + STATISTICS) == b + STATISTICS
    assert (kept(keep, c), keep.kept) == (b"", 2)


def test_buffer_is_that_of_one_packet() -> None:
    """evt.buffer needs no reassembly here."""
    block = packet(b"a form", writer="curl")
    assert kept(keeping("evt.buffer contains form"), HEAD + block + packet(b"fo") + packet(b"rm")) == HEAD + block


def test_big_endian_section() -> None:
    """Another byte order is read by its magic."""
    head = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    head += struct.pack(">IIHHII", 1, 20, 101, 0, 0, 20)
    data = b"\x45" + bytes(19)
    body = struct.pack(">IIIII", 0, 0, 0, len(data), len(data)) + data
    block = struct.pack(">II", 6, 32 + len(data)) + body + struct.pack(">I", 32 + len(data))
    assert kept(keeping(""), head + block) == head + block
    assert kept(keeping("proc.name=httpd", at_once=True), head + block) == head
    assert kept(keeping("evt.num=1"), head + block) == head + block


def test_an_independent_reader_reads_the_result(tmp_path: Path) -> None:
    """dpkt finds exactly the packets that passed."""
    passing = kept(
        keeping("proc.name=httpd"), HEAD + packet(b"a") + packet(b"b", reader="httpd") + packet(b"c", writer="httpd")
    )
    frames = [data[28:] for _, data in dpkt.pcapng.Reader(io.BytesIO(passing))]
    assert frames == [b"b", b"c"]


def test_a_section_comes_with_its_first_packet() -> None:
    """Until then there is nothing to describe; at the end a capture without packets still opens."""
    keep = keeping("proc.name=httpd")
    passing = packet(b"b", reader="httpd")
    pieces = [kept(keep, piece) for piece in (HEAD, packet(b"a"), passing, STATISTICS)]
    assert pieces == [b"", b"", HEAD + passing, STATISTICS]
    assert keep.finish() == b""
    empty = keeping("proc.name=nobody")
    assert kept(empty, HEAD + passing) == b""
    bare = empty.finish()
    trace = Trace()
    assert list(trace.feed(bare, final=True)) == []
    assert [interface.link_type for interface in trace.interfaces] == [101]


def test_behind_the_limit_only_what_describes_kept_packets_passes() -> None:
    """Names and statistics may stand at the end."""
    name = block(4, struct.pack("<HH", 1, 9) + b"\x0a\0\0\1host\0\0\0\0" + bytes(4))
    other = block(4, struct.pack("<HH", 1, 9) + b"\x0a\0\0\7else\0\0\0\0" + bytes(4))
    keep = keeping("", limit=1)
    a, b = packet(b"a"), packet(b"b")
    assert kept(keep, HEAD + a + b) == HEAD + a
    assert keep.is_full
    assert kept(keep, b + name + other + STATISTICS + b) == name + STATISTICS
    assert keep.kept == 1
