"""Which names a copy has."""

from __future__ import annotations

import struct

import pytest

from pcapdig.dig.carried_names import CarriedNames, written
from pcapdig.dig.held import Held
from pcapdig.pcapng.layout import option

V4, OTHER = b"\x0a\0\0\x01", b"\x0a\0\0\x02"
V6 = bytes(15) + b"\x01"
MAC = b"\x02\0\0\0\0\x07"


def body(*records: tuple[int, bytes], order: str = "<") -> bytes:
    """A block without framing, with options of its own."""
    return (
        b"".join(option(kind, value, order) for kind, value in records)
        + bytes(4)
        + option(2, b"resolver", order)
        + bytes(4)
    )


def test_a_name_without_an_address_is_nobodys() -> None:
    """Cut, of no bytes, or of a kind that is not known; and what runs past the block."""
    names = CarriedNames()
    cut = option(1, V4 + b"host\0", "<")[:-4]
    assert names.add(body((1, V4), (1, b"\x0a"), (77, V4 + b"host\0")), "<") == []
    assert names.left_out == 3
    assert names.add(cut, "<") == []
    assert names.needed([V4]) == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_name_waits_for_a_packet_with_its_address(order: str) -> None:
    """IPv4, IPv6 and the link's; every record of the address, once."""
    names = CarriedNames()
    records = [(1, V4 + b"one\0"), (2, V6 + b"six\0"), (3, MAC + b"card\0"), (1, OTHER + b"two\0"), (1, V4 + b"uno\0")]
    assert names.add(body(*records, order=order), order) == []
    assert names.needed([bytes(10) + b"\xff\xff" + V4, MAC]) == [records[0], records[4], records[2]]
    assert names.needed([V4]) == []
    assert names.needed([V6]) == [records[1]]
    assert len(names.held) == 1


def test_a_name_behind_its_packet_goes_out_at_once() -> None:
    """Names may stand anywhere."""
    names = CarriedNames()
    assert names.needed([V4]) == []
    assert names.add(body((1, V4 + b"one\0"), (1, OTHER + b"two\0")), "<") == [(1, V4 + b"one\0")]


def test_waiting_names_are_bounded() -> None:
    """The oldest are given up."""
    names = CarriedNames(Held(most=1))
    names.add(body((1, V4 + b"one\0"), (1, OTHER + b"two\0")), "<")
    assert (names.needed([V4]), names.needed([OTHER]), names.held.evicted) == ([], [(1, OTHER + b"two\0")], 1)


def test_records_are_written_without_the_blocks_options() -> None:
    """They name the server that was asked."""
    block = bytes.fromhex("00000004 00000020 0001 0008 0a000001 6f6e6500 00000000 00000020")
    assert written([(1, V4 + b"one\0")], ">") == block[:4] + struct.pack(">I", 28) + block[8:-4] + struct.pack(">I", 28)
    assert written([], "<") == b""
