"""Blocks without packets on their way into a merged capture: what is refused, what is dropped, what is turned round."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from pcapdig.trace.blocks import DamageError, read_pcap_header
from pcapdig.trace.merge_blocks import Kind, described, of_pcap, renumbered

SECTION, INTERFACE, NAMES, STATISTICS, SECRETS, APPLE, CUSTOM = 0x0A0D0D0A, 1, 4, 5, 10, 0x80000001, 0x0BAD
ORDERS = pytest.mark.parametrize("order", ["<", ">"])


def body_of(block: bytes) -> bytes:
    """A block without its framing."""
    return block[8:-4]


@ORDERS
@pytest.mark.parametrize("kind", [SECTION, INTERFACE, STATISTICS, APPLE])
def test_too_short_is_damage(order: str, kind: int) -> None:
    """Nothing is read beyond a block."""
    with pytest.raises(DamageError, match="shorter than its kind"):
        described(kind, b"", order)


@ORDERS
@pytest.mark.parametrize(("kind", "head"), [(INTERFACE, 8), (STATISTICS, 12), (APPLE, 4)])
def test_an_option_that_runs_on_is_damage(files: Any, order: str, kind: int, head: int) -> None:
    """As the scanner says of the same block."""
    with pytest.raises(DamageError, match="an option runs past its block"):
        described(kind, bytes(head) + files.in_order(order).pack("HH", 2, 9) + bytes(8), order)


def test_names_and_secrets_that_run_on_are_damage(files: Any) -> None:
    """Where they have to be read, in the other byte order."""
    other = files.in_order(">")
    with pytest.raises(DamageError, match="a name runs past its block"):
        described(NAMES, other.pack("HH", 1, 9) + bytes(4), ">")
    with pytest.raises(DamageError, match="secrets run past their block"):
        described(SECRETS, other.pack("II", 1, 9) + bytes(8), ">")


def test_what_does_not_go_along(files: Any) -> None:
    """Section headers, custom blocks that ask for it, and unknown numbers in the other byte order."""
    assert described(SECTION, body_of(files.section()), "<").block is None
    assert described(0x40000BAD, bytes(8), "<").block is None
    assert described(0x0000_0B16, bytes(8), ">").block is None
    assert described(0x0000_0B16, bytes(8), "<").block == files.block(0x0B16, bytes(8))


def interface(files: Any) -> bytes:
    """An interface with options of all kinds; its last but one must not be copied."""
    options = [
        (2, b"eth0"),
        (4, bytes([10, 0, 0, 1, 255, 0, 0, 0])),
        (8, files.pack("Q", 10**9)),
        (9, b"\x06"),
        (11, b"\0tcp"),
        (14, files.pack("q", -3600)),
        (2988, files.pack("I", 32473) + b"text"),
        (19372, files.pack("I", 32473) + b"private"),
        (60000, b"\1\2\3\4"),
    ]
    return bytes(files.block(1, files.pack("HHI", 113, 0, 96) + b"".join(files.option(*one) for one in options)))


@ORDERS
def test_interfaces_mean_the_same(files: Any, order: str) -> None:
    """From either order, with the clock as it was; what is private is left out."""
    found = described(INTERFACE, body_of(interface(files.in_order(order))), order)
    private = files.option(19372, files.pack("I", 32473) + b"private")
    expected = body_of(interface(files)).replace(private, b"") + bytes(4)
    assert (found.kind, found.block) == (Kind.INTERFACE, files.block(1, expected))
    assert (found.resolution, found.offset_s) == (6, -3600)
    assert found.interface is not None
    assert (found.interface.name, found.interface.link_type, found.interface.snap_length) == ("eth0", 113, 96)


@ORDERS
def test_an_interface_with_an_offset_has_a_twin_without(files: Any, order: str) -> None:
    """For packets without time; there is none where it is not needed."""
    part = files.in_order(order)
    twin = described(INTERFACE, body_of(part.interface(name=b"lo", offset_s=7)), order).timeless
    assert twin == files.block(1, files.pack("HHI", 1, 0, 262144) + files.option(2, b"lo") + bytes(4))
    assert described(INTERFACE, body_of(part.interface(name=b"lo")), order).timeless is None


@ORDERS
def test_statistics_mean_the_same(files: Any, order: str) -> None:
    """Times are two halves, counts one number; the interface is told and can be changed."""
    part = files.in_order(order)
    options = part.option(2, part.pack("II", 1, 2)) + part.option(4, part.pack("Q", 1 << 33))
    found = described(STATISTICS, part.pack("III", 3, 5, 6) + options, order)
    assert (found.kind, found.number) == (Kind.STATISTICS, 3)
    native = files.option(2, files.pack("II", 1, 2)) + files.option(4, files.pack("Q", 1 << 33)) + bytes(4)
    assert found.block is not None
    assert renumbered(found.block, 9) == files.block(5, files.pack("III", 9, 5, 6) + native)


@ORDERS
def test_names_secrets_processes_and_custom_blocks_mean_the_same(files: Any, order: str) -> None:
    """Texts and keys are not touched."""

    def made(part: Any) -> list[tuple[int, bytes]]:
        records = part.option(1, bytes([10, 0, 0, 1]) + b"host.example\0") + bytes(4)
        names = records + part.option(2, b"ns.example") + bytes(4)
        secrets = part.pack("II", 0x544C534B, 7) + b"SECRETS\0" + part.option(1, b"why") + bytes(4)
        process = part.pack("I", 4711) + part.option(2, b"curl") + bytes(4)
        return [(NAMES, names), (SECRETS, secrets), (APPLE, process), (CUSTOM, part.pack("I", 32622) + b"own data")]

    for (kind, body), (_, native) in zip(made(files.in_order(order)), made(files), strict=True):
        assert described(kind, body, order).block == files.block(kind, native)


def test_only_apples_blocks_are_counted(files: Any) -> None:
    """Packets refer to them by their number."""
    assert described(APPLE, bytes(4), "<").kind is Kind.PROCESS
    assert described(0x80000002, bytes(4), "<").kind is Kind.OTHER


@ORDERS
def test_a_classic_pcap_becomes_an_interface(files: Any, order: str, tmp_path: Path) -> None:
    """With its link type, snap length and resolution."""
    header = read_pcap_header(files.in_order(order).pcap(nanoseconds=True, link_word=101, snap_length=96))
    block = of_pcap(header)
    assert block == files.block(1, struct.pack("<HHI", 101, 0, 96) + files.option(9, b"\x09") + bytes(4))
