"""Which process blocks a copy has, and what their numbers are."""

from __future__ import annotations

import struct

import pytest

from pcapdig.dig.carried_processes import CarriedProcesses
from pcapdig.pcapng import blocks

APPLE, CUSTOM = blocks.APPLE_PROCESS, blocks.CUSTOM


def add(carried: CarriedProcesses, whole: bytes) -> bytes | None:
    """The next block, in this machine's order."""
    (kind,) = struct.unpack_from("=I", whole)
    return carried.add(kind, whole[8:-4], whole, "<")


def apple(pid: int, name: str) -> bytes:
    """Apple's block."""
    return blocks.apple_process(pid=pid, name=name)


def entry(pid: int, name: str, start_ns: int | None = None) -> bytes:
    """Wireshark's entry."""
    return blocks.wireshark_process(pid=pid, name=name, start_ns=start_ns)


@pytest.mark.parametrize(
    "body",
    [b"", struct.pack("<I", 70000) + bytes(16), struct.pack("<III", 32622, 4, 8) + bytes(8), b"\x6e\x7f\0\0\x03"],
)
def test_other_custom_blocks_name_nobody(body: bytes) -> None:
    """Another enterprise, another entry, cut."""
    carried = CarriedProcesses()
    assert carried.add(CUSTOM, body, b"whole", "<") is None


def test_a_number_without_a_block_means_nothing() -> None:
    """Beyond the last one, and when there is none."""
    carried = CarriedProcesses()
    assert carried.number_of(0) == (None, b"")
    add(carried, apple(5, "curl"))
    assert carried.number_of(1) == (None, b"")
    assert carried.of_pid(9, 0, wireshark_only=False) == b""


def test_blocks_are_numbered_as_they_are_written() -> None:
    """Each once, before the first packet that refers to it."""
    carried = CarriedProcesses()
    for number in range(4):
        assert add(carried, apple(number + 1, f"p{number}")) == b""
    assert carried.number_of(2) == (0, apple(3, "p2"))
    assert carried.number_of(0) == (1, apple(1, "p0"))
    assert carried.number_of(2) == (0, b"")
    assert carried.begin_section() == 2
    assert carried.number_of(0) == (None, b"")


def test_a_short_apple_block_is_counted() -> None:
    """Packets count it."""
    carried = CarriedProcesses()
    assert carried.add(APPLE, b"", b"short", "<") == b""
    add(carried, apple(5, "curl"))
    assert carried.number_of(1) == (0, apple(5, "curl"))


def test_a_bare_id_means_the_latest_start_before_the_packet() -> None:
    """Else the last block before it; of one process id reused, only the one that is meant."""
    carried = CarriedProcesses()
    for one in (entry(5, "old", 100), entry(5, "new", 200), entry(6, "other", 50)):
        assert add(carried, one) == b""
    assert carried.of_pid(5, 150, wireshark_only=False) == entry(5, "old", 100)
    assert carried.of_pid(5, 160, wireshark_only=False) == b""
    assert carried.of_pid(5, 250, wireshark_only=False) == entry(5, "new", 200)
    assert carried.of_pid(5, 160, wireshark_only=False) == b""


def test_the_last_block_stays_the_last() -> None:
    """Where no start tells, a reader takes the last block before the packet: so it is written again."""
    carried = CarriedProcesses()
    first, second = entry(5, "first", 300), entry(5, "second", 400)
    add(carried, first)
    add(carried, second)
    assert carried.of_pid(5, 10, wireshark_only=False) == second
    assert carried.of_pid(5, 350, wireshark_only=False) == first
    assert carried.of_pid(5, 10, wireshark_only=False) == second


def test_an_id_beside_a_number_is_for_wireshark_alone() -> None:
    """A later Apple block of the same id is another process."""
    carried = CarriedProcesses()
    add(carried, apple(5, "curl"))
    assert carried.number_of(0)[1] == apple(5, "curl")
    assert carried.of_pid(5, 0, wireshark_only=True) == b""
    assert add(carried, apple(5, "httpd")) == b""
    add(carried, entry(5, "curl"))
    assert carried.of_pid(5, 0, wireshark_only=True) == entry(5, "curl")


def test_a_block_behind_its_packet_goes_out_at_once() -> None:
    """Wireshark 5 takes it where none precedes."""
    carried = CarriedProcesses()
    assert carried.of_pid(5, 0, wireshark_only=False) == b""
    assert add(carried, entry(6, "other")) == b""
    assert add(carried, entry(5, "curl")) == entry(5, "curl")


def test_waiting_blocks_are_bounded() -> None:
    """The oldest are given up and counted; a number that meant one means nothing."""
    size = len(apple(1, "p0"))
    carried = CarriedProcesses(most_bytes=2 * size)
    for number in range(4):
        add(carried, apple(number + 1, f"p{number}"))
    assert carried.evicted == 2
    assert carried.number_of(1) == (None, b"")
    assert carried.number_of(3) == (0, apple(4, "p3"))


def test_a_new_output_section_has_no_block() -> None:
    """Numbers begin anew."""
    carried = CarriedProcesses()
    add(carried, apple(5, "curl"))
    assert carried.number_of(0) == (0, apple(5, "curl"))
    carried.begin_output()
    assert carried.number_of(0) == (0, apple(5, "curl"))
    assert carried.begin_section() == 0
