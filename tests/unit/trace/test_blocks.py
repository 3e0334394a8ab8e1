"""Blocks that describe, read from their bytes."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from pcapdig.packets._headers import read
from pcapdig.pcapng import blocks as written
from pcapdig.trace.blocks import (
    EITHER,
    IN_ORDER,
    LINK_TYPES,
    SWAPPED,
    DamageError,
    check_section,
    read_interface,
    read_names,
    read_pcap_header,
    read_statistics,
)

ORDERS = pytest.mark.parametrize("order", ["<", ">"])


def body(block: bytes) -> bytes:
    """A block without its framing."""
    return block[8:-4]


@ORDERS
@pytest.mark.parametrize("version", [(0, 0), (1, 1), (1, 3), (2, 0), (256, 0)])
def test_other_versions_are_refused(files: Any, order: str, version: tuple[int, int]) -> None:
    """1.0 and 1.2 are known."""
    with pytest.raises(DamageError, match="is not known"):
        check_section(body(files.in_order(order).section(version=version)), order)
    check_section(body(files.in_order(order).section()), order)


@ORDERS
def test_options_may_not_run_past_a_block(files: Any, order: str) -> None:
    """Neither of an interface nor of statistics."""
    files = files.in_order(order)
    option = files.pack("HH", 2, 5) + b"abcd"
    with pytest.raises(DamageError, match="runs past"):
        read_interface(files.pack("HHI", 1, 0, 0) + option, order)
    with pytest.raises(DamageError, match="runs past"):
        read_statistics(files.pack("III", 0, 0, 0) + option, order)


def test_options_end_where_the_end_mark_is(files: Any) -> None:
    """What follows it is no option; the first of a repeated one counts; odd lengths are not numbers."""
    data = files.pack("HHI", 1, 0, 0) + files.option(2, b"a") + files.option(2, b"b") + files.option(14, b"abc")
    assert read_interface(data + bytes(4) + b"\xff" * 40, "<").interface.name == "a"
    assert read_interface(data, "<").offset_s == 0


def test_names_are_cleaned(files: Any) -> None:
    """Bytes that are not UTF-8 are replaced, and a name ends at a NUL."""
    data = files.pack("HHI", 1, 0, 0) + files.option(2, b"e\xffth\0junk")
    assert read_interface(data, "<").interface.name == "e\ufffdth"


def test_interfaces_as_we_write_them() -> None:
    """The blocks of pcapdig.pcapng.blocks, with all their options."""
    block = written.interface_description(
        name="eth0",
        link_type=1,
        snap_length=96,
        description="x",
        filter_text="tcp",
        addresses=[ipaddress.ip_interface("10.0.0.1/8")],
    )
    found = read_interface(body(block), "<")
    assert (found.interface.name, found.interface.link_type, found.interface.snap_length) == ("eth0", 1, 96)
    assert (found.resolution, found.offset_s) == (9, 0)


def test_statistics_as_we_write_them() -> None:
    """Received, and dropped before osdrop."""
    block = written.interface_statistics(interface=3, start_ns=1, end_ns=2, received=1000, dropped=7, os_dropped=9)
    found = read_statistics(body(block), "<")
    assert (found.interface, found.received, found.dropped) == (3, 1000, 7)


@ORDERS
@pytest.mark.parametrize("nanoseconds", [True, False])
@pytest.mark.parametrize(
    ("link_word", "link_type", "fcs_size"),
    [(1, 1, 0), (276, 276, 0), (2 << 28 | 1 << 26 | 1, 1, 4), (2 << 28 | 1, 1, 0), (0x03FF0065, 101, 0)],
)
def test_pcap_headers(files: Any, order: str, nanoseconds: bool, link_word: int, link_type: int, fcs_size: int) -> None:
    """Byte order, resolution, and what else the link type word holds."""
    found = read_pcap_header(files.in_order(order).pcap(link_word=link_word, nanoseconds=nanoseconds, snap_length=9))
    assert (found.interface.link_type, found.interface.snap_length, found.interface.fcs_size) == (
        link_type,
        9,
        fcs_size,
    )
    assert found.resolution == (9 if nanoseconds else 6)


def test_other_headers_are_refused(files: Any) -> None:
    """Magic number and version."""
    with pytest.raises(DamageError, match="neither"):
        read_pcap_header(bytes(24))
    with pytest.raises(DamageError, match=r"version 1\.4"):
        read_pcap_header(files.pcap(version=(1, 4)))


def test_older_versions_have_their_lengths_the_other_way_round(files: Any) -> None:
    """As libpcap reads them."""
    found = [read_pcap_header(files.pcap(version=(2, minor))[:24]).lengths for minor in range(5)]
    assert found == [SWAPPED, SWAPPED, SWAPPED, EITHER, IN_ORDER]


def test_the_link_types_are_those_that_are_read() -> None:
    """An IP header, behind whatever a link type puts before it, is found for these and for no other number."""
    ethernet, snap = bytes(12) + b"\x08\0", b"\xaa\xaa\x03\0\0\0\x08\0"
    wifi = b"\x08" + bytes(23) + snap
    pktap = b"\x6c\0\0\0\1\0\0\0\1" + bytes(99) + ethernet
    before = {
        0: b"\2\0\0\0",
        1: ethernet,
        9: b"\x00\x21",
        10: bytes(13) + snap,
        50: b"\x0f\0\x08\0",
        51: b"\x11\0\0\7\0\x16\x00\x21",
        100: snap,
        104: b"\x0f\0\x08\0",
        105: wifi,
        107: b"\x18\x41\x03\xcc",
        108: b"\0\0\0\2",
        113: bytes(14) + b"\x08\0",
        127: b"\0\0\x08\0\0\0\0\0" + wifi,
        149: pktap,
        192: b"\0\0\x08\0\1\0\0\0" + ethernet,
        239: b"\2\0\0\0\x18\0\x09\0",
        258: pktap,
        274: bytes(7) + b"\xd5" + ethernet,
        276: b"\x08\0" + bytes(18),
        281: bytes(16) + b"\x08\0",
        282: bytes(4) + ethernet,
        284: bytes(16) + b"\x08\0",
        285: bytes(20) + b"\x08\0",
    }
    header, ipv6 = bytes([0x45, 0, 0, 20]) + bytes(16), b"\x60" + bytes(39)
    found = {
        link_type
        for link_type in range(512)
        if read(before.get(link_type, b"") + header, 300, link_type).has_network
        or read(ipv6, 64, link_type).has_network
    }
    assert found == LINK_TYPES


@pytest.mark.parametrize(
    ("value", "size"), [(b"", 0), (b"\x04", 4), (b"\x20", 4), (b"\x10", 2), (b"\x00", 0), (b"\0\4", 0)]
)
def test_fcs_length(files: Any, value: bytes, size: int) -> None:
    """Bytes, as it is written, or bits, as the draft says; of one byte, else it is none."""
    interface = files.interface()[8:-4] + files.option(13, value)
    assert read_interface(interface, "<").interface.fcs_size == size


def record(files: Any, kind: int, value: bytes) -> bytes:
    """A record of a name resolution block."""
    return bytes(files.option(kind, value))


@ORDERS
def test_a_name_that_is_cut_is_damage(files: Any, order: str) -> None:
    """Its length is checked."""
    files = files.in_order(order)
    with pytest.raises(DamageError, match="a name runs past its block"):
        read_names(record(files, 1, b"\x0a\0\0\1host\0")[:12], order)


@ORDERS
def test_names(files: Any, order: str) -> None:
    """IPv4 and IPv6; the first of several; not of hardware addresses, not what is too short, nothing after the end."""
    files = files.in_order(order)
    six = ipaddress.ip_address("2001:db8::1").packed
    body = record(files, 1, b"\x0a\0\0\1a.example\0b.example\0") + record(files, 3, b"\2\0\0\0\0\1mac\0")
    body += record(files, 1, b"\x0a\0\0") + record(files, 1, b"\x0a\0\0\3\0") + record(files, 99, b"what")
    body += record(files, 2, six + b"six\x1b.example\0") + record(files, 0, b"") + record(files, 1, b"\x0a\0\0\2c\0")
    assert read_names(body, order) == [
        (bytes(10) + b"\xff\xff\x0a\0\0\1", "a.example"),
        (six, "six\ufffd.example"),
    ]
