"""Process blocks, by number and by process id."""

from __future__ import annotations

import struct

import pytest

from pcapdig.pcapng import blocks
from pcapdig.procs.process import Process
from pcapdig.trace.process_blocks import ALWAYS, Found, ProcessBlocks

CUSTOM = blocks.CUSTOM


def body(block: bytes) -> bytes:
    """A block without its framing."""
    return block[8:-4]


def wireshark(pid: int, name: str, start_ns: int | None = None) -> bytes:
    """Body of a Wireshark process entry."""
    return body(blocks.wireshark_process(pid=pid, name=name, start_ns=start_ns))


def with_entries(*entries: bytes) -> ProcessBlocks:
    """Blocks of Wireshark's kind."""
    known = ProcessBlocks()
    for entry in entries:
        known.add(CUSTOM, entry, "<")
    return known


@pytest.mark.parametrize(
    "entry",
    [
        b"",
        wireshark(5, "a")[:15],
        struct.pack("<I", 32473) + wireshark(5, "a")[4:],
        struct.pack("<III", 32622, 99, 4) + b"\5\0\0\0",
        struct.pack("<III", 32622, 3, 3) + b"\5\0\0\0",
        struct.pack("<III", 32622, 3, 4000) + b"\5\0\0\0",
        struct.pack("<III", 32622, 3, 12) + b"\5\0\0\0" + struct.pack("<HH", 2, 100) + b"abcd",
        wireshark(0, "a"),
    ],
)
def test_a_custom_block_that_describes_no_process(entry: bytes) -> None:
    """It is passed over."""
    assert with_entries(entry).of_pid(5, 0) is None


@pytest.mark.parametrize("entry", [b"", b"\1\0", struct.pack("<IHH", 5, 2, 90) + b"abcd", b"\xff" * 4])
def test_an_apple_block_that_is_cut(entry: bytes) -> None:
    """It has a number all the same, so that the others keep theirs."""
    known = ProcessBlocks()
    known.add(blocks.APPLE_PROCESS, entry, "<")
    known.add(blocks.APPLE_PROCESS, body(blocks.apple_process(pid=7, name="b")), "<")
    assert known.of_apple(0) is None
    assert known.of_apple(1) == Process(name="b", pid=7)


def test_apple_blocks_are_counted_in_their_section() -> None:
    """From 0, and found by id too."""
    known = ProcessBlocks()
    known.add(blocks.APPLE_PROCESS, body(blocks.apple_process(pid=501, name="mDNSResponder", path="/usr/sbin/m")), "<")
    known.add(blocks.APPLE_PROCESS, struct.pack(">IHH", 0, 2, 6) + b"kernel\0\0", ">")
    process = Process(name="mDNSResponder", pid=501, exepath="/usr/sbin/m")
    assert (known.of_apple(0), known.of_apple(1), known.of_apple(2)) == (process, Process(name="kernel", pid=0), None)
    assert known.of_pid(501, 0) == Found(process, *ALWAYS)
    known.begin_section()
    assert (known.of_apple(0), known.of_pid(501, 0)) == (None, None)


def test_all_that_wireshark_says() -> None:
    """Arguments are joined by blanks; numbers are little-endian whatever the section is."""
    entry = body(
        blocks.wireshark_process(
            pid=1234,
            name="curl",
            path="/usr/bin/curl",
            arguments=[b"curl", b"https://a/"],
            ppid=1,
            uid=1000,
            user="alice",
        )
    )
    process = Process(
        name="curl", pid=1234, exepath="/usr/bin/curl", cmdline="curl https://a/", ppid=1, uid=1000, user="alice"
    )
    assert with_entries(entry).of_pid(1234, 0) == Found(process, *ALWAYS)
    known = ProcessBlocks()
    known.add(CUSTOM, struct.pack(">I", 32622) + entry[4:], ">")
    assert known.of_pid(1234, 0) == Found(process, *ALWAYS)


def test_an_entry_without_options() -> None:
    """The id is known, nothing else."""
    entry = struct.pack("<IIII", 32622, 3, 4, 4321)
    assert with_entries(entry).of_pid(4321, 0) == Found(Process(name=None, pid=4321), *ALWAYS)


def test_reuse_of_an_id() -> None:
    """The latest start up to the packet's time; each answer says how long it holds."""
    known = with_entries(wireshark(500, "first", 90), wireshark(500, "second", 120))
    first, second = Process(name="first", pid=500), Process(name="second", pid=500)
    assert known.of_pid(500, 90) == Found(first, 90, 120)
    assert known.of_pid(500, 119) == Found(first, 90, 120)
    assert known.of_pid(500, 120) == Found(second, 120, ALWAYS[1])
    assert known.of_pid(500, 10) == Found(second, ALWAYS[0], 90)  # none had started: the last block


def test_reuse_without_start_times() -> None:
    """The last block before the packet."""
    assert with_entries(wireshark(600, "old"), wireshark(600, "new")).of_pid(600, 5) == Found(
        Process(name="new", pid=600), *ALWAYS
    )


def test_of_equal_starts_the_later_block_holds() -> None:
    """As after execve."""
    found = with_entries(wireshark(5, "sh", 7), wireshark(5, "curl", 7)).of_pid(5, 8)
    assert found is not None
    assert found.process.name == "curl"


def test_a_start_time_beyond_64_signed_bits() -> None:
    """It is later than any packet."""
    found = with_entries(wireshark(5, "a", 2**64 - 1)).of_pid(5, ALWAYS[1] - 1)
    assert found is not None
    assert found.process.name == "a"
