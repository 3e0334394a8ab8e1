"""Which of a section's words and interfaces a copy has."""

from __future__ import annotations

import struct

import pytest

from pcapdig.dig.carried_section import CarriedSection, bare
from pcapdig.pcapng import layout

V4 = bytes(10) + b"\xff\xff\xc0\0\x02\x01"
V6 = bytes(15) + b"\x07"


def header(order: str, *options: tuple[int, bytes], length: int = 9) -> bytes:
    """A section header."""
    return layout.block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, length), order, options)


def described(*options: tuple[int, bytes], addresses: tuple[bytes, ...] = ()) -> list[tuple[int, bytes]]:
    """The options that an interface's description keeps."""
    section = CarriedSection()
    section.begin(header("<"))
    body = layout.block(1, struct.pack("<HHI", 1, 0, 0), "<", options)[8:-4]
    section.add_interface(body)
    return layout.read_options(section.description(0, addresses)[8:-4], 8, "<")


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_header_keeps_what_describes_the_machine(order: str) -> None:
    """Not what was said of the whole capture, but for the recorder's own line; and its length is open again."""
    section = CarriedSection()
    own = b"recorded on lamp, tracer core"
    section.begin(
        header(order, (2, b"x86"), (3, b"Linux"), (4, b"tool"), (1, b"curl was bad"), (1, own), (2988, b"mine"))
    )
    assert section.header() == header(order, (2, b"x86"), (3, b"Linux"), (4, b"tool"), (1, own), length=-1)
    assert section.options_left_out == 2
    section.header()
    assert section.options_left_out == 2


def test_custom_options_of_an_interface_are_left_out() -> None:
    """And those for local use; what the draft knows stays."""
    known = [(2, b"eth0"), (3, b"uplink"), (6, bytes(6)), (9, b"\x09"), (14, bytes(8)), (1, b"the uplink")]
    assert described(*known, (2988, b"x"), (0x8001, b"y")) == known


def test_an_interfaces_addresses_stay_with_their_packets() -> None:
    """Those that the first kept packet has."""
    mine, other = (4, V4[12:] + b"\xff\xff\xff\0"), (4, b"\xc0\0\x02\x02\xff\xff\xff\0")
    six = (5, V6 + b"\x40")
    assert described(mine, other, six, addresses=(V4,)) == [mine]
    assert described(mine, other, six, addresses=(V6,)) == [six]
    assert described((4, b"\x01")) == []


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        (b"\0tcp port 80", True),
        (b"\0not (udp and portrange 100-200) || icmp6", True),
        (b"\0", True),
        (b"\0host 192.0.2.1", False),
        (b"\0tcp port 80 and net 10", False),
        (b"\0ether host 0:1:2:3:4:5", False),
        (b"\0tcp[13] & 2 != 0", False),
        (b"\0port 192.0", False),
        (b"\x01" + bytes(8), False),
        (b"", False),
    ],
)
def test_a_capture_filter_stays_if_it_names_nobody(text: bytes, stays: bool) -> None:
    """Protocols and ports; all else may be an address, and bytecode anything."""
    assert described((11, text)) == ([(11, text)] if stays else [])


def test_interfaces_are_numbered_as_they_are_described() -> None:
    """And counted where nothing needs them."""
    section = CarriedSection()
    assert not section.has_begun
    section.begin(header(">"))
    for link_type in (1, 101, 113):
        section.add_interface(struct.pack(">HHI", link_type, 0, 0))
    assert (section.link_type(1), section.link_type(-1), section.unused) == (101, 113, 3)
    section.description(2, ())
    section.description(0, ())
    assert [section.number_of(number) for number in range(4)] == [1, None, 0, None]
    assert (section.unused, section.has_interfaces) == (1, True)
    section.begin(header("<"))
    assert (section.order, section.unused, section.number_of(0), section.is_written) == ("<", 0, None, False)


def test_an_empty_capture_is_a_section_and_an_interface() -> None:
    """Of the link type that is asked for."""
    made = bare(101)
    assert struct.unpack_from("<I", made)[0] == 0x0A0D0D0A
    assert made[-20:-12] == struct.pack("<HHI", 101, 0, 0) or struct.pack("<HHI", 101, 0, 0) in made
