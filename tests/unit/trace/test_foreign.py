"""Processes that other programs name, from whole files: whose, and at which end."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from pcapdig.pcapng import comments
from pcapdig.procs.process import Process

OUT, IN = 2, 1
PTCPDUMP = b"PID: 5\nCmd: /usr/bin/curl\nArgs: curl x"
BOTH = pytest.mark.parametrize("order", ["<", ">"])


def names(taken: Any) -> list[tuple[str | int | None, str | int | None]]:
    """Writer and reader of each packet: name, else id."""

    def known(row: int) -> str | int | None:
        process = taken.trace.processes[row] if row >= 0 else None
        return None if process is None else process.name or process.pid

    return [(known(w), known(r)) for w, r in zip(taken.writer, taken.reader, strict=True)]


def option8(files: Any, pid: int, tid: int = 9) -> bytes:
    """epb_processid_threadid."""
    return bytes(files.option(8, files.pack("II", pid, tid)))


def wireshark_entry(files: Any, pid: int, name: bytes, start_ns: int | None = None, kind: int = 0xBAD) -> bytes:
    """A custom block of Wireshark's: all but the enterprise number little-endian."""
    entry = struct.pack("<IHH", pid, 2, len(name)) + name + bytes(-len(name) % 4)
    entry += b"" if start_ns is None else struct.pack("<HHQ", 9, 8, start_ns)
    return bytes(files.block(kind, files.pack("I", 32622) + struct.pack("<II", 3, len(entry)) + entry))


def test_other_comments_name_nobody(take: Any, files: Any, wire: Any) -> None:
    """Nor do they take up memory for each packet."""
    many = [files.packet(wire.tcp(), flags=OUT, comments=(b"rtt=%d" % i, b"Packet %d" % i)) for i in range(5000)]
    taken = take(files.pcapng(*many))
    assert set(names(taken)) == {(None, None)}
    assert taken.trace.processes == []


@BOTH
def test_a_local_process_is_at_the_end_that_the_direction_says(take: Any, files: Any, wire: Any, order: str) -> None:
    """The sender of what went out, the receiver of what came in. How it is known is not said."""
    files = files.in_order(order)
    taken = take(
        files.pcapng(
            files.packet(wire.tcp(b"q"), flags=OUT, comments=(PTCPDUMP,)),
            files.packet(wire.tcp(b"a", forward=False), flags=IN, comments=(PTCPDUMP,)),
        )
    )
    assert names(taken) == [("curl", None), (None, "curl")]
    assert set(taken.writer_evidence + taken.reader_evidence) == {0}


@BOTH
def test_option_8_alone(take: Any, files: Any, wire: Any, order: str) -> None:
    """An id and nothing else; 0 is nobody."""
    files = files.in_order(order)
    packets = [files.packet(wire.tcp(), flags=OUT, options=option8(files, pid)) for pid in (1234, 0, 4321)]
    assert names(take(files.pcapng(*packets))) == [(1234, None), (None, None), (4321, None)]


@pytest.mark.parametrize("size", [0, 4, 7, 9])
def test_option_8_of_a_wrong_size_is_nobody(take: Any, files: Any, wire: Any, size: int) -> None:
    """It is eight bytes long."""
    packet = files.packet(wire.tcp(), flags=OUT, options=files.option(8, b"\x05" * size))
    assert names(take(files.pcapng(packet))) == [(None, None)]


def test_of_several_ids_the_first(take: Any, files: Any, wire: Any) -> None:
    """The file does not say which end the others are at."""
    packet = files.packet(wire.tcp(), flags=OUT, options=option8(files, 5) + option8(files, 6))
    assert names(take(files.pcapng(packet))) == [(5, None)]


def test_without_a_direction_the_first_packet_tells_the_end(take: Any, files: Any, wire: Any) -> None:
    """A process sent the first packet of the flow that names it, and stays at that end; so does one at the other end."""
    packets = [
        files.packet(wire.tcp(b"q", forward=forward), options=option8(files, pid))
        for forward, pid in ((True, 5), (False, 5), (False, 7), (True, 7), (True, 5))
    ]
    assert names(take(files.pcapng(*packets))) == [(5, None), (None, 5), (7, None), (None, 7), (5, None)]


def test_without_a_direction_flows_are_apart(take: Any, files: Any, wire: Any) -> None:
    """What one flow tells of a process is not true of another."""
    packets = [
        files.packet(wire.tcp(b"q", forward=forward, ports=(port, 80)), options=option8(files, 5))
        for port, forward in ((4000, True), (5000, False), (5000, True), (4000, False))
    ]
    assert names(take(files.pcapng(*packets))) == [(5, None), (5, None), (None, 5), (None, 5)]


def test_without_a_direction_and_a_flow_it_is_the_sender(take: Any, files: Any) -> None:
    """As the draft has it: 0 may stand for the process of inbound packets."""
    assert names(take(files.pcapng(files.packet(bytes(60), options=option8(files, 5))))) == [(5, None)]


def test_a_cooked_header_gives_the_direction(take: Any, files: Any, wire: Any) -> None:
    """sll_pkttype 4 went out, 0 came in."""
    packets = [
        files.packet(
            struct.pack(">HHH8sH", kind, 1, 6, bytes(8), 0x800) + wire.udp(b"x")[14:], options=option8(files, 5)
        )
        for kind in (4, 0)
    ]
    assert names(take(files.pcapng(*packets, link_type=113))) == [(5, None), (None, 5)]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [(b"outgoing", [("curl", None), (None, "curl")]), (b"incoming", [(None, "curl"), ("curl", None)])],
)
def test_rustnet_says_who_began(take: Any, files: Any, wire: Any, direction: bytes, expected: list[Any]) -> None:
    """It writes no packet directions: the process is the flow's client or server."""
    comment = b"rustnet process=curl pid=5 direction=" + direction
    packets = [
        files.packet(wire.tcp(flags=flags, forward=forward), comments=(comment,))
        for flags, forward in ((2, True), (18, False))
    ]
    assert names(take(files.pcapng(*packets))) == expected


@BOTH
def test_apple_blocks(take: Any, files: Any, wire: Any, order: str) -> None:
    """By number; the effective process where there is no other; a number without a block is nobody."""
    files = files.in_order(order)

    def process(pid: int, name: bytes) -> Any:
        return files.block(0x80000001, files.pack("I", pid) + files.option(2, name))

    def packet(**numbers: int) -> Any:
        codes = {"of": 0x8001, "effective": 0x8003}
        options = b"".join(files.option(codes[key], files.pack("I", number)) for key, number in numbers.items())
        return files.packet(wire.tcp(), flags=OUT, options=options)

    section = files.section() + files.interface()
    data = (
        section + process(501, b"mDNSResponder") + packet(of=0) + packet(of=1) + process(1, b"launchd") + packet(of=1)
    )
    data += packet(effective=1, of=0) + packet(effective=1) + section + packet(of=0)
    assert names(take(data)) == [
        ("mDNSResponder", None), (None, None), ("launchd", None), ("mDNSResponder", None), ("launchd", None), (None, None),
    ]  # fmt: skip


@BOTH
@pytest.mark.parametrize("kind", [0xBAD, 0x40000BAD])
def test_wireshark_entries(take: Any, files: Any, wire: Any, order: str, kind: int) -> None:
    """Found by id and time, in their section; what is not described has its id."""
    files = files.in_order(order)
    base = 1_757_500_000_000_000_000

    def packet(pid: int, after_ns: int) -> Any:
        return files.packet(wire.udp(b"x"), ticks=base + after_ns, flags=OUT, options=option8(files, pid, 0))

    data = files.section() + files.interface()
    data += wireshark_entry(files, 500, b"first", base - 10, kind) + wireshark_entry(
        files, 500, b"second", base + 20, kind
    )
    data += packet(500, 5) + packet(500, 25) + packet(500, 6) + packet(700, 0)
    data += wireshark_entry(files, 700, b"late", None, kind) + packet(700, 1)
    data += files.section() + files.interface() + packet(500, 5)
    expected = ["first", "second", "first", 700, "late", 500]
    assert names(take(data)) == [(name, None) for name in expected]


def test_other_custom_blocks_are_passed_over(take: Any, files: Any, wire: Any) -> None:
    """Of others, of other kinds, and too short for any."""
    odd = (
        files.block(0xBAD, b"")
        + files.block(0xBAD, files.pack("I", 70000) + b"{}")
        + files.block(0xBAD, files.pack("I", 32622))
    )
    odd += files.block(0x40000BAD, files.pack("I", 32622) + struct.pack("<II", 99, 5) + b"hello")
    data = files.pcapng(odd, files.packet(wire.tcp(), flags=OUT, options=option8(files, 5)))
    assert names(take(data)) == [(5, None)]


def test_our_own_comment_counts_before_all_others(take: Any, files: Any, wire: Any) -> None:
    """A recording has option 8 and Apple's number beside it."""
    ours = comments.line(Process(name="httpd", pid=7), is_write=False, evidence="socket")
    packet = files.packet(wire.tcp(), flags=OUT, comments=(PTCPDUMP, ours), options=option8(files, 5))
    assert names(take(files.pcapng(packet))) == [(None, "httpd")]


def test_a_comment_that_begins_like_ours_but_is_not(take: Any, files: Any, wire: Any) -> None:
    """Option 8 is still true."""
    packet = files.packet(wire.tcp(), flags=OUT, comments=(b"proc.name=what?",), options=option8(files, 5))
    assert names(take(files.pcapng(packet))) == [(5, None)]


def test_a_comment_counts_before_numbers(take: Any, files: Any, wire: Any) -> None:
    """It says more."""
    packet = files.packet(wire.tcp(), flags=OUT, comments=(PTCPDUMP,), options=option8(files, 6))
    assert names(take(files.pcapng(packet))) == [("curl", None)]


def test_an_id_in_a_comment_is_looked_up(take: Any, files: Any, wire: Any) -> None:
    """etl2pcapng says no more than the id."""
    packet = files.packet(wire.tcp(), flags=OUT, comments=(b"PID=5 TID=7",))
    assert names(take(files.pcapng(packet, wireshark_entry(files, 5, b"svchost"), packet))) == [
        (5, None),
        ("svchost", None),
    ]


def test_more_options_than_are_looked_at(take: Any, files: Any, wire: Any) -> None:
    """Long comments are left out; those after them that have room are read."""
    long = b"PID: 6\nCmd: /" + b"x" * 60000
    packet = files.packet(wire.tcp(), flags=OUT, comments=(long, long, PTCPDUMP))
    assert names(take(files.pcapng(packet))) == [("curl", None)]


def test_many_answers(take: Any, files: Any, wire: Any) -> None:
    """More different options than are remembered: each packet has its own process all the same."""
    packets = [files.packet(wire.tcp(), flags=OUT, options=option8(files, 1 + i % 6000)) for i in range(12000)]
    assert names(take(files.pcapng(*packets))) == [(1 + i % 6000, None) for i in range(12000)]
