"""The native scanner: what it refuses, then what it reads, in both formats and byte orders."""

from __future__ import annotations

from typing import Any

import pytest

from pcapdig.trace._scan import Scanner
from pcapdig.trace.flows import Flows
from pcapdig.trace.processes import Processes

ORDERS = pytest.mark.parametrize("order", ["<", ">"])
MiB = 1 << 20


@ORDERS
@pytest.mark.parametrize(
    ("what", "tail"),
    [
        ("too small", lambda f: f.pack("III", 6, 8, 8)),
        ("too small", lambda f: f.pack("III", 6, 0, 0)),
        ("beyond 129 MiB", lambda f: f.pack("III", 6, 0xFFFFFFFC, 0)),
        ("beyond 129 MiB", lambda f: f.pack("III", 0x0BAD, 130 * MiB, 0)),
        ("differ", lambda f: f.packet(b"abcd")[:-4] + f.pack("I", 40)),
        ("shorter than its kind", lambda f: f.block(6, bytes(16))),
        ("shorter than its kind", lambda f: f.block(2, bytes(16))),
        ("shorter than its kind", lambda f: f.block(3, b"")),
        ("shorter than its kind", lambda f: f.block(1, bytes(4))),
        ("shorter than its kind", lambda f: f.block(5, bytes(8))),
        ("shorter than its kind", lambda f: f.block(0x0A0D0D0A, f.pack("I", 0x1A2B3C4D))),
        ("not described", lambda f: f.packet(b"abcd", interface=1)),
        ("not described", lambda f: f.packet(b"abcd", interface=0xFFFFFFFF)),
        ("longer than its block", lambda f: f.block(6, f.pack("IIIII", 0, 0, 0, 5, 5) + b"abcd")),
        ("longer than its block", lambda f: f.block(6, f.pack("IIIII", 0, 0, 0, 0xFFFFFFFF, 4) + b"abcd")),
        ("longer than its block", lambda f: f.block(3, f.pack("I", 5) + b"abcd")),
        ("option runs past", lambda f: f.packet(b"abcd", options=f.pack("HH", 1, 5) + b"abcd")),
        ("option runs past", lambda f: f.packet(b"abcd", options=f.pack("HH", 1, 0xFFFF))),
        ("option runs past", lambda f: f.block(1, f.pack("HHI", 1, 0, 0) + f.pack("HH", 2, 9))),
        ("option runs past", lambda f: f.block(5, f.pack("III", 0, 0, 0) + f.pack("HH", 4, 9))),
        ("byte-order magic", lambda f: f.pack("IIIII", 0x0A0D0D0A, 28, 5, 0, 0) + bytes(8)),
        ("version 2.0", lambda f: f.section(version=(2, 0))),
        ("version 1.1", lambda f: f.section(version=(1, 1))),
    ],
)
def test_damage_is_named_with_its_place(take: Any, files: Any, order: str, what: str, tail: Any) -> None:
    """What precedes damage is handed out; the error says where the damaged block begins and what is wrong."""
    files = files.in_order(order)
    good = files.pcapng(files.packet(b"abcd"))
    taken = take(good + tail(files))
    assert taken.number == [1]
    assert taken.error is not None
    assert taken.error.startswith(f"file: damaged at byte {len(good)}: ")
    assert what in taken.error


@pytest.mark.parametrize("kind", [3, 6])
def test_a_section_forgets_the_interfaces_before_it(take: Any, files: Any, kind: int) -> None:
    """A packet of a section without interfaces is damage."""
    good = files.pcapng(files.packet(b"abcd")) + files.section()
    taken = take(good + files.block(kind, files.pack("IIIII", 0, 0, 0, 0, 0)))
    assert taken.error == f"file: damaged at byte {len(good)}: a packet of an interface that was not described"


@ORDERS
def test_every_cut_is_found(take: Any, files: Any, order: str) -> None:
    """A file cut at any byte gives all whole packets and an error, unless the cut falls between two blocks."""
    files = files.in_order(order)
    blocks = [files.section(), files.interface(), files.packet(b"abcd"), files.packet(b"efghi", flags=1)]
    ends = [sum(map(len, blocks[: i + 1])) for i in range(4)]
    data = b"".join(blocks)
    for size in range(1, len(data) + 1):
        taken = take(data[:size])
        assert len(taken.number) == sum(end <= size for end in ends[2:])
        begins = max((end for end in ends if end <= size), default=0)
        said = taken.error or ""
        assert said.startswith(f"file: damaged at byte {begins}: cut short") == (size not in ends), said


def test_every_cut_of_a_pcap_is_found(take: Any, files: Any) -> None:
    """The same for a classic pcap."""
    data = files.pcap((1, 2, b"abcd"), (3, 4, b"efghi"))
    ends = [24, 44, 65]
    for size in range(1, len(data) + 1):
        taken = take(data[:size])
        assert len(taken.number) == sum(end <= size for end in ends[1:])
        assert (taken.error is None) == (size in ends)


def test_an_empty_input_is_no_capture(take: Any) -> None:
    """No bytes at all are refused."""
    assert take(b"").error == "file: empty, so no capture"


@pytest.mark.parametrize("data", [b"hello, this is text", b"\x7fELF" + bytes(50), b"\xcd\x34\xb2\xa1" + bytes(40)])
def test_other_formats_are_refused(take: Any, data: bytes) -> None:
    """What begins like neither format is refused at its first byte."""
    assert take(data).error == "file: damaged at byte 0: neither pcapng nor pcap begins like this"


@pytest.mark.parametrize("version", [(0, 0), (1, 4)])
def test_pcap_versions_before_2_are_refused(take: Any, files: Any, version: tuple[int, int]) -> None:
    """Their layout is not known; later ones are read, see test_leniency.py."""
    assert take(files.pcap(version=version)).error == (
        f"file: damaged at byte 0: pcap version {version[0]}.{version[1]} is not known"
    )


@ORDERS
def test_a_pcap_record_beyond_any_capture_is_damage(take: Any, files: Any, order: str) -> None:
    """262144 bytes are the most a packet may have, unless the file's snap length says more."""
    files = files.in_order(order)
    record = (0, 0, bytes(262145))
    assert take(files.pcap(record)).error == "file: damaged at byte 24: a packet longer than any capture has"
    assert take(files.pcap(record, snap_length=300000)).error is None
    huge = files.pcap(snap_length=0xFFFFFFFF) + files.pack("IIII", 0, 0, 0xFFFFFFFF, 0)
    assert "longer than any" in str(take(huge).error)


@ORDERS
def test_a_packet_block_is_read(take: Any, files: Any, order: str) -> None:
    """Time, lengths, interface and direction of an enhanced packet block."""
    files = files.in_order(order)
    taken = take(
        files.section()
        + files.interface(name=b"lo")
        + files.interface(name=b"eth0\0junk", link_type=101, snap_length=96)
        + files.packet(b"abcdef", ticks=1_700_000_000_123_456_789, interface=1, original=1500, flags=0b10)
        + files.packet(b"", ticks=1, flags=1)
        + files.packet(b"x", ticks=2, flags=3)
    )
    assert taken.error is None
    assert taken.time_ns == [1_700_000_000_123_456_789, 1, 2]
    assert (taken.captured, taken.original) == ([6, 0, 1], [1500, 0, 1])
    assert (taken.interface, taken.direction) == ([1, 0, 0], [2, 1, 0])
    names = [(i.name, i.link_type, i.snap_length) for i in taken.trace.interfaces]
    assert names == [("lo", 1, 262144), ("eth0", 101, 96)]


@ORDERS
def test_the_obsolete_packet_block_is_read(take: Any, files: Any, order: str) -> None:
    """Block type 2 has a 16-bit interface number beside a drop count."""
    files = files.in_order(order)
    body = files.pack("HHIIII", 1, 0xFFFF, 0, 77, 3, 60) + b"abc\0" + files.option(2, files.pack("I", 2))
    taken = take(files.section() + files.interface() + files.interface() + files.block(2, body))
    assert (taken.interface, taken.time_ns, taken.captured, taken.original) == ([1], [77], [3], [60])
    assert taken.direction == [2]


@ORDERS
def test_the_simple_packet_block_is_read(take: Any, files: Any, order: str) -> None:
    """It has no time, belongs to interface 0 and is cut at that one's snap length."""
    files = files.in_order(order)
    block = files.block(3, files.pack("I", 1500) + bytes(range(96)))
    taken = take(files.section() + files.interface(snap_length=96) + files.interface(snap_length=5) + block)
    assert (taken.time_ns, taken.captured, taken.original, taken.interface) == ([0], [96], [1500], [0])


def test_unknown_blocks_are_passed_over(take: Any, files: Any) -> None:
    """Custom, name resolution, Apple's process, journal and future blocks leave no trace."""
    others = b"".join(files.block(kind, bytes(20)) for kind in (0x0BAD, 0x40000BAD, 4, 10, 9, 0x80000001, 0x77, 0))
    taken = take(files.pcapng(others, files.packet(b"abcd"), others, files.packet(b"efgh")))
    assert (taken.number, taken.error) == ([1, 2], None)


@ORDERS
def test_sections_begin_anew(take: Any, files: Any, order: str) -> None:
    """A section has its own byte order and interface numbers; interfaces get rows of their own."""
    first, second = files.in_order(order), files.in_order("<>"[order == "<"])
    taken = take(
        first.pcapng(first.packet(b"a", ticks=5), name=b"eth0")
        + second.section()
        + second.interface(name=b"wlan0", resolution=6)
        + second.packet(b"b", ticks=7)
    )
    assert (taken.interface, taken.time_ns, taken.error) == ([0, 1], [5, 7000], None)
    assert [i.name for i in taken.trace.interfaces] == ["eth0", "wlan0"]


@ORDERS
def test_names_of_the_file_are_kept(take: Any, files: Any, wire: Any, order: str) -> None:
    """Of all name resolution blocks; the first name of an address stays."""
    files = files.in_order(order)

    def names(*pairs: tuple[bytes, bytes]) -> Any:
        records = b"".join(files.option(1, address + name + b"\0") for address, name in pairs)
        return files.block(4, records + files.pack("HH", 0, 0))

    first, second = b"\x0a\0\0\1", b"\x0a\0\0\2"
    taken = take(files.pcapng(names((first, b"a")), files.packet(wire.udp()), names((first, b"b"), (second, b"c"))))
    mapped = bytes(10) + b"\xff\xff"
    assert taken.trace.flows.names == {mapped + first: "a", mapped + second: "c"}


def test_minor_version_2_reads_like_0(take: Any, files: Any) -> None:
    """Some writers say 1.2; every reader takes it."""
    assert take(files.section(version=(1, 2)) + files.interface() + files.packet(b"a")).number == [1]


def test_statistics_are_kept(take: Any, files: Any) -> None:
    """The last counts of each interface hold; osdrop stands in for an absent ifdrop."""
    taken = take(
        files.pcapng(
            files.interface(),
            files.interface(),
            files.statistics(0, {4: 10, 5: 1}),
            files.statistics(1, {7: 6}),
            files.statistics(0, {4: 20, 5: 3, 7: 9}),
        )
    )
    assert [(i.received, i.dropped) for i in taken.trace.interfaces] == [(20, 3), (None, 6), (None, None)]


@ORDERS
@pytest.mark.parametrize(
    ("resolution", "offset_s", "ticks", "time_ns"),
    [
        (None, None, 1_500_000_000_123_456, 1_500_000_000_123_456_000),
        (6, None, 1_500_000_000_123_456, 1_500_000_000_123_456_000),
        (9, None, 1_500_000_000_123_456_789, 1_500_000_000_123_456_789),
        (0, None, 1_500_000_000, 1_500_000_000_000_000_000),
        (3, None, 1_500_000_000_123, 1_500_000_000_123_000_000),
        (12, None, 1_500_000_000_123_456, 1_500_000_000_123),
        (0x80 | 10, None, 1_500_000_000 * 1024 + 512, 1_500_000_000_500_000_000),
        (0x80 | 32, None, (1_500_000_000 << 32) + (1 << 31), 1_500_000_000_500_000_000),
        (0x80 | 63, None, 1 << 62, 500_000_000),
        (0x80, None, 1_500_000_000, 1_500_000_000_000_000_000),
        (9, 3600, 5, 3_600_000_000_005),
        (6, -7, 1_000_000, -6_000_000_000),
        (0, None, 2**64 - 1, 2**63 - 1),
        (9, None, 2**64 - 1, 2**63 - 1),
        (9, -(2**63), 0, -(2**63)),
        (9, 2**63 - 1, 1, 2**63 - 1),
        (0xFF, None, 2**64 - 1, 0),
        (127, None, 2**64 - 1, 0),
        (28, None, 2**64 - 1, 1),
    ],
)
def test_time_resolutions(
    take: Any, files: Any, order: str, resolution: int | None, offset_s: int | None, ticks: int, time_ns: int
) -> None:
    """Powers of ten and of two, offsets, and times beyond 64 bits of ns, which become the nearest that fits."""
    files = files.in_order(order)
    data = files.pcapng(files.packet(b"a", ticks=ticks), resolution=resolution, offset_s=offset_s)
    assert take(data).time_ns == [time_ns]


@ORDERS
@pytest.mark.parametrize(("nanoseconds", "fraction"), [(False, 123_456), (True, 123_456_789)])
def test_pcap_is_read(take: Any, files: Any, order: str, nanoseconds: bool, fraction: int) -> None:
    """Both byte orders and resolutions; seconds are unsigned."""
    files = files.in_order(order)
    taken = take(files.pcap((4_000_000_000, fraction, b"abc"), (0, 0, b""), nanoseconds=nanoseconds, snap_length=77))
    part_ns = fraction if nanoseconds else fraction * 1000
    assert taken.time_ns == [4_000_000_000_000_000_000 + part_ns, 0]
    assert taken.captured == [3, 0]
    assert [(i.name, i.link_type, i.snap_length) for i in taken.trace.interfaces] == [(None, 1, 77)]


def test_a_pcap_fraction_beyond_a_second_is_carried(take: Any, files: Any) -> None:
    """Broken writers let microseconds run over."""
    assert take(files.pcap((1, 1_500_000, b""))).time_ns == [2_500_000_000]


def test_fcs_bits_are_no_part_of_the_link_type(take: Any, files: Any, wire: Any) -> None:
    """The link type word of a pcap may say that frames end in a check sequence, which is no payload."""
    frame = bytearray(wire.udp(b"hello") + b"\1\2\3\4")
    frame[16:18] = b"\0\0"  # IP total length 0: the payload ends where the frame does
    frame[38:40] = b"\0\0"
    taken = take(files.pcap((1, 0, bytes(frame)), link_word=2 << 28 | 1 << 26 | 1))
    assert taken.trace.interfaces[0].link_type == 1
    assert (taken.payload_length, taken.buffers, taken.captured) == ([5], [b"hello"], [len(frame)])


def test_a_file_of_many_interfaces(take: Any, files: Any) -> None:
    """As many as the column can number each have a row; see test_leniency.py for more."""
    many = files.section() + files.interface() * 65536
    assert take(many + files.packet(b"a", interface=65535)).interface == [65535]


def test_the_scanner_checks_its_bounds() -> None:
    """Positions outside the data are refused."""
    scanner = Scanner(Flows(), Processes(), [])
    for start, stop in ((-1, 4), (3, 2), (0, 5)):
        with pytest.raises(ValueError, match="outside"):
            scanner.scan(b"\n\r\r\n", start, stop, 10)


@pytest.mark.parametrize(
    ("minor", "first", "second"), [(1, 100, 60), (2, 100, 60), (3, 100, 60), (3, 60, 100), (4, 60, 100)]
)
def test_lengths_of_older_pcaps(take: Any, files: Any, wire: Any, minor: int, first: int, second: int) -> None:
    """Before 2.3 the length on the wire stands first, in 2.3 either may."""
    packet = wire.udp(bytes(18))
    data = files.pcap(version=(2, minor)) + files.pack("IIII", 1, 2, first, second) + packet
    taken = take(data + files.pack("IIII", 1, 2, 60, 60) + packet)
    assert (taken.captured, taken.original, taken.flow, taken.error) == ([60, 60], [100, 60], [0, 0], None)
