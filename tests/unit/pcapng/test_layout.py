"""Blocks and options in either byte order."""

from __future__ import annotations

import struct

import pytest

from pcapdig.pcapng import blocks, layout


@pytest.mark.parametrize("order", ["<", ">"])
def test_options_end_where_they_cannot_go_on(order: str) -> None:
    """At the end mark, at a value that runs past the block, at half a head."""
    whole = layout.option(1, b"abc", order) + layout.option(2988, b"", order)
    found = [(1, b"abc"), (2988, b"")]
    assert layout.read_options(whole, 0, order) == found
    assert layout.read_options(b"head" + whole + bytes(4) + whole, 4, order) == found
    assert layout.read_options(whole + struct.pack(f"{order}HH", 7, 1), 0, order) == found
    assert layout.read_options(whole + b"\1\1\1", 0, order) == found
    assert layout.read_options(whole, len(whole) + 9, order) == []


def test_blocks_are_those_of_the_writer() -> None:
    """In this machine's byte order, byte for byte."""
    expected = blocks.section_header(application="test", comment="abc")
    body = struct.pack("=IHHq", blocks.BYTE_ORDER_MAGIC, 1, 0, -1)
    assert layout.block(blocks.SECTION_HEADER, body, "<", [(4, b"test"), (1, b"abc")]) == expected
    assert layout.block(9, b"abc", "<") == struct.pack("<II", 9, 16) + b"abc\0" + struct.pack("<I", 16)


def test_a_big_endian_block() -> None:
    """Lengths and codes."""
    made = layout.block(1, b"", ">", [(2, b"lo")])
    assert made == bytes.fromhex("00000001 00000018 0002 0002 6c6f0000 00000000 00000018")
