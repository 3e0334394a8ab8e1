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


def keeping(filter: str, limit: int | None = None) -> BlockFilter:
    """A block filter of a filter's text."""
    return BlockFilter(Trace(), compile_filter(filter), limit=limit)


@pytest.mark.parametrize("cut", [1, 11, 30, 60])
def test_cut_block_is_refused(cut: int) -> None:
    """Blocks must be whole."""
    whole = HEAD + packet(b"abc")
    with pytest.raises(InputError):
        keeping("").keep(whole[:-cut])


def test_block_length_is_checked() -> None:
    """A length that goes beyond the blocks, or none at all, is refused."""
    for size in (0, 8, 2**32 - 4):
        with pytest.raises(InputError):
            keeping("").keep(HEAD + struct.pack("<III", 6, size, 0))


def test_no_blocks() -> None:
    """Nothing in, nothing out."""
    assert keeping("").keep(b"") == b""


def test_packets_that_pass_and_all_other_blocks() -> None:
    """Blocks are kept to the byte, in order."""
    a, b, c = packet(b"a", writer="curl"), packet(b"b", writer="httpd"), packet(b"c")
    keep = keeping("proc.name=httpd")
    assert keep.keep(HEAD + a + b + STATISTICS + c) == HEAD + b + STATISTICS
    assert keep.kept == 1


def test_one_end_is_enough() -> None:
    """What httpd received is httpd's, whoever sent it."""
    block = packet(b"a", writer="curl", reader="httpd")
    assert keeping("proc.name=httpd").keep(HEAD + block) == HEAD + block


def test_everything_passes() -> None:
    """Without a filter nothing is changed."""
    whole = HEAD + packet(b"a") + packet(b"b") + STATISTICS
    assert keeping("").keep(whole) == whole


def test_piece_by_piece() -> None:
    """Blocks may come in any number of calls."""
    keep = keeping("proc.name=httpd")
    passing = packet(b"b", reader="httpd")
    assert [keep.keep(piece) for piece in (HEAD, packet(b"a"), passing, STATISTICS)] == [HEAD, b"", passing, STATISTICS]


def test_limit() -> None:
    """No more packets than asked for, over all calls; other blocks go on."""
    keep = keeping("", limit=2)
    a, b, c = packet(b"a"), packet(b"b"), packet(b"c")
    assert keep.keep(HEAD + a) == HEAD + a
    assert keep.keep(b + c + STATISTICS) == b + STATISTICS
    assert (keep.keep(c), keep.kept) == (b"", 2)


def test_buffer_is_that_of_one_packet() -> None:
    """evt.buffer needs no reassembly here."""
    block = packet(b"a form", writer="curl")
    assert keeping("evt.buffer contains form").keep(HEAD + block + packet(b"fo") + packet(b"rm")) == HEAD + block


def test_big_endian_section() -> None:
    """Another byte order is read by its magic."""
    head = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    head += struct.pack(">IIHHII", 1, 20, 101, 0, 0, 20)
    data = b"\x45" + bytes(19)
    body = struct.pack(">IIIII", 0, 0, 0, len(data), len(data)) + data
    block = struct.pack(">II", 6, 32 + len(data)) + body + struct.pack(">I", 32 + len(data))
    assert keeping("").keep(head + block) == head + block
    assert keeping("proc.name=httpd").keep(head + block) == head


def test_an_independent_reader_reads_the_result(tmp_path: Path) -> None:
    """dpkt finds exactly the packets that passed."""
    kept = keeping("proc.name=httpd").keep(
        HEAD + packet(b"a") + packet(b"b", reader="httpd") + packet(b"c", writer="httpd")
    )
    frames = [data[28:] for _, data in dpkt.pcapng.Reader(io.BytesIO(kept))]
    assert frames == [b"b", b"c"]
