"""What goes into a copy before, with and behind a packet."""

from __future__ import annotations

import struct

import pytest

from pcapdig.dig import BlockFilter
from pcapdig.filters import compile_filter
from pcapdig.pcapng import blocks, layout
from pcapdig.trace.trace import Trace

RANDOM = bytes(range(32))


def ip(source: int, payload: bytes, ports: tuple[int, int] = (5353, 53)) -> bytes:
    """A UDP packet from 10.0.0.SOURCE."""
    head = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, bytes([10, 0, 0, source]), b"\x0a\0\0\x09"
    )
    return head + struct.pack(">HHHH", *ports, 8 + len(payload), 0) + payload


def section(order: str = "<") -> bytes:
    """A section header."""
    return layout.block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(name: bytes, order: str = "<") -> bytes:
    """An interface of raw IP."""
    return layout.block(1, struct.pack(f"{order}HHI", 101, 0, 0), order, [(2, name)])


def packet(source: int, number: int = 0, order: str = "<", options: tuple[tuple[int, bytes], ...] = ()) -> bytes:
    """A packet of an interface."""
    data = ip(source, b"data")
    body = struct.pack(f"{order}IIIII", number, 0, source, len(data), len(data)) + data
    return layout.block(6, body, order, options)


def simple(source: int) -> bytes:
    """A packet in a simple packet block."""
    data = ip(source, b"data")
    return layout.block(3, struct.pack("<I", len(data)) + data, "<")


def obsolete(source: int, number: int) -> bytes:
    """A packet in an obsolete packet block."""
    data = ip(source, b"data")
    return layout.block(2, struct.pack("<HHIIII", number, 0, 0, source, len(data), len(data)) + data, "<")


def statistics(number: int, order: str = "<") -> bytes:
    """An interface's statistics."""
    return layout.block(5, struct.pack(f"{order}III", number, 0, 0), order)


def copied(data: bytes, filter: str = "fd.ip=10.0.0.1") -> tuple[bytes, BlockFilter]:
    """A copy, and what made it."""
    keep = BlockFilter(Trace(), compile_filter(filter))
    return b"".join(keep.keep(data)) + keep.finish(), keep


@pytest.mark.parametrize("kind", [0xBAD, 0x40000BAD, 0x7FFF, 0x80000002])
def test_what_nobody_here_understands_is_left_out(kind: int) -> None:
    """Whom it describes is not known; it is counted."""
    copy, keep = copied(section() + interface(b"lo") + layout.block(kind, struct.pack("<I", 70000), "<") + packet(1))
    assert copy == section() + interface(b"lo") + packet(1)
    assert keep.carrier
    assert sum(keep.carrier.left_out.values()) == 1


@pytest.mark.parametrize("order", ["<", ">"])
def test_interfaces_without_kept_packets_are_left_out_and_others_numbered_anew(order: str) -> None:
    """Their statistics follow, those that came before their first packet too."""
    whole = section(order) + b"".join(interface(name, order) for name in (b"lo", b"eth0", b"eth1"))
    whole += (
        statistics(2, order) + statistics(0, order) + packet(2, 1, order) + packet(1, 2, order) + statistics(2, order)
    )
    copy, keep = copied(whole)
    one = statistics(0, order)
    assert copy == section(order) + interface(b"eth1", order) + one + packet(1, 0, order) + one
    assert keep.carrier
    assert keep.carrier.left_out == {"interface": 2, "statistics block": 1}


def test_obsolete_packets_are_numbered_anew_too() -> None:
    """Their interface is a 16-bit number."""
    copy, _ = copied(section() + interface(b"lo") + interface(b"eth0") + obsolete(1, 1))
    assert copy == section() + interface(b"eth0") + obsolete(1, 0)


def test_a_simple_packet_is_of_the_first_interface() -> None:
    """Where another one is the first in the copy, a section begins anew."""
    head = section() + interface(b"lo") + interface(b"eth0")
    copy, _ = copied(head + packet(1, 1) + simple(1) + packet(1, 1))
    begun = section() + interface(b"eth0") + packet(1, 0)
    assert copy == begun + section() + interface(b"lo") + simple(1) + interface(b"eth0") + packet(1, 1)
    assert copied(copy)[0] == copy


def test_a_section_without_kept_packets_is_left_out() -> None:
    """With all that is its own."""
    other = section(">") + interface(b"eth7", ">") + packet(2, 0, ">")
    copy, keep = copied(other + section() + interface(b"lo") + packet(1) + other)
    assert copy == section() + interface(b"lo") + packet(1)
    assert keep.carrier
    assert keep.carrier.left_out == {"section": 2, "interface": 2}


def test_a_process_number_without_a_block_is_left_out() -> None:
    """It would come to mean another process."""
    wild = packet(1, 0, options=((0x8001, struct.pack("<I", 7)), (1, b"stays")))
    whole = section() + interface(b"lo") + blocks.apple_process(pid=5, name="curl") + wild
    assert copied(whole)[0] == section() + interface(b"lo") + packet(1, 0, options=((1, b"stays"),))


def test_names_and_secrets_of_one_section_serve_another() -> None:
    """In the byte order of the section that they go into."""
    name = layout.option(1, b"\x0a\0\0\x01host\0", "<")
    log = f"CLIENT_RANDOM {RANDOM.hex()} {'ab' * 48}\n".encode()
    secrets = layout.block(10, struct.pack("<II", 0x544C534B, len(log)) + log, "<")
    hello = b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x03" + RANDOM + b"\x00" + bytes(8)
    data = ip(1, hello)
    body = struct.pack(">IIIII", 0, 0, 0, len(data), len(data)) + data
    greeting = layout.block(6, body, ">")
    first = section() + interface(b"lo") + layout.block(4, name + bytes(4), "<") + secrets
    copy, _ = copied(first + section(">") + interface(b"lo", ">") + greeting)
    named = layout.block(4, layout.option(1, b"\x0a\0\0\x01host\0", ">") + bytes(4), ">")
    opened = layout.block(10, struct.pack(">II", 0x544C534B, len(log)) + log, ">")
    assert copy == section(">") + interface(b"lo", ">") + named + opened + greeting
    late, _ = copied(section(">") + interface(b"lo", ">") + greeting + first)
    assert late == section(">") + interface(b"lo", ">") + greeting + named + opened


def test_nothing_kept_is_a_capture_that_opens() -> None:
    """Of the first interface's link type, with no word of what was there."""
    copy, _ = copied(section() + interface(b"eth0") + packet(2))
    assert b"eth0" not in copy
    trace = Trace()
    assert list(trace.feed(copy, final=True)) == []
    assert [one.link_type for one in trace.interfaces] == [101]


def test_untied_secrets_are_said() -> None:
    """Of WireGuard nobody can tell which connection they open."""
    data = ip(1, b"\x01\0\0\0" + bytes(144))
    body = struct.pack("<IIIII", 0, 0, 0, len(data), len(data)) + data
    key = layout.block(10, struct.pack("<II", 0x57474B4C, 4) + b"key\n", "<")
    copy, keep = copied(section() + interface(b"lo") + key + layout.block(6, body, "<"))
    assert key in copy
    assert keep.carrier
    assert keep.carrier.notes == [
        "secrets of WireGuard do not say which connection they are of: all of the capture are kept"
    ]
    without, _ = copied(section() + interface(b"lo") + key + packet(1))
    assert key not in without
