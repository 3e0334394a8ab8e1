"""Columns of a batch: payload positions, direction, copies of datagrams, and the processes that comments name."""

from __future__ import annotations

import random
import struct
from typing import Any

import pytest

from pcapdig.pcapng import comments
from pcapdig.procs.process import Process
from pcapdig.trace._batch import COLUMNS, Batch
from pcapdig.trace.columns import EVIDENCE_LISTENER, EVIDENCE_SOCKET
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.processes import Processes
from pcapdig.trace.trace import Trace

CURL, HTTPD = Process(name="curl", pid=200), Process(name="httpd", pid=300, cmdline="/usr/sbin/httpd -k start")


def says(process: Process, *, is_write: bool, evidence: str = "socket") -> bytes:
    """A comment as the recorder writes it."""
    return comments.line(process, is_write=is_write, evidence=evidence)


def test_columns_are_aligned_in_one_piece_of_memory() -> None:
    """Wider ones come first, so no column begins at an odd place."""
    widths = [int(kind[1:]) if kind[1:] else 1 for _, kind in COLUMNS]
    assert widths == sorted(widths, reverse=True)


def test_a_batch_needs_an_empty_table() -> None:
    """Flows that someone else numbered cannot be gone on with."""
    with pytest.raises(ValueError, match="begins with no flows"):
        Batch(Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2")]), Processes())


def test_what_is_not_ip_has_no_flow(take: Any, files: Any) -> None:
    """ARP, an empty packet, noise: counted, but nobody's."""
    taken = take(files.frames(bytes(12) + b"\x08\x06" + bytes(28), b"", b"\xff" * 60))
    assert (taken.flow, taken.payload_length, taken.fresh, taken.forward) == ([-1] * 3, [0] * 3, [0] * 3, [True] * 3)


def test_payload_of_a_cut_packet(take: Any, files: Any, wire: Any) -> None:
    """The snap length may fall into the payload or into the headers; lengths on the wire stay."""
    whole = wire.tcp(b"hello", seq=1000)
    data = files.pcapng(*(files.packet(whole[:size], original=len(whole)) for size in (59, 56, 54, 50)))
    taken = take(data)
    assert (taken.payload_captured, taken.buffers) == ([5, 2, 0, 0], [b"hello", b"he", b"", b""])
    assert taken.payload_length == [5, 5, 5, 5]
    assert taken.fresh == [5, 0, 0, 0]


def test_padding_is_no_payload(take: Any, files: Any, wire: Any) -> None:
    """Short Ethernet frames are filled up to 60 bytes."""
    assert take(files.frames(wire.tcp().ljust(60, b"\0"))).payload_length == [0]


@pytest.mark.parametrize(
    ("link_type", "head", "direction"),
    [
        (113, struct.pack(">HHH8sH", 4, 1, 6, bytes(8), 0x0800), 2),
        (113, struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800), 1),
        (113, struct.pack(">HHH8sH", 3, 1, 6, bytes(8), 0x0800), 1),
        (113, struct.pack(">HHH8sH", 9, 1, 6, bytes(8), 0x0800), 0),
        (276, struct.pack(">HHIHBB8s", 0x0800, 0, 7, 1, 4, 6, bytes(8)), 2),
        (276, struct.pack(">HHIHBB8s", 0x0800, 0, 7, 1, 1, 6, bytes(8)), 1),
        (101, b"", 0),
    ],
)
def test_cooked_headers_tell_the_direction(
    take: Any, files: Any, wire: Any, link_type: int, head: bytes, direction: int
) -> None:
    """Where the file's flags do not; and where they do, those count."""
    packet = head + wire.udp(b"hi")[14:]
    taken = take(files.pcapng(files.packet(packet), files.packet(packet, flags=1), link_type=link_type))
    assert taken.direction == [direction, 1]
    assert taken.flow == [0, 0]


def test_both_ends_are_named(take: Any, files: Any, wire: Any) -> None:
    """One comment for the sender, one for the receiver, in either order."""
    ends = says(CURL, is_write=True), says(HTTPD, is_write=False, evidence="listener")
    frame = wire.tcp(b"hi")
    taken = take(files.pcapng(files.packet(frame, comments=ends), files.packet(frame, comments=ends[::-1])))
    assert [taken.trace.processes[row] for row in taken.writer] == [CURL, CURL]
    assert [taken.trace.processes[row] for row in taken.reader] == [HTTPD, HTTPD]
    assert taken.writer_evidence == [EVIDENCE_SOCKET] * 2
    assert taken.reader_evidence == [EVIDENCE_LISTENER] * 2


def test_processes_are_found_again(take: Any, files: Any, wire: Any) -> None:
    """A process keeps its row over flows, directions, evidence and packets without a flow."""
    written, read = says(CURL, is_write=True), says(CURL, is_write=False, evidence="procfs")
    packets = [
        files.packet(wire.tcp(b"a"), comments=(written,)),
        files.packet(wire.tcp(b"a", forward=False), comments=(read,)),
        files.packet(wire.udp(b"a"), comments=(says(HTTPD, is_write=True),)),
        files.packet(b"no IP", comments=(written,)),
        files.packet(wire.tcp(b"a"), comments=(written,)),
        files.packet(wire.tcp(b"a")),
    ]
    taken = take(files.pcapng(*packets))
    assert (taken.writer, taken.reader) == ([0, -1, 1, 0, 0, -1], [-1, 0, -1, -1, -1, -1])
    assert taken.trace.processes == [CURL, HTTPD]


@pytest.mark.parametrize(
    "comment",
    [
        b"",
        b"proc.name",
        b"a note",
        b"proc.name=x",
        b"proc.name=x proc.pid=y evt.io_dir=read",
        b"PID: 12\nCmd: curl",
        b"\xff\xfe",
    ],
)
def test_other_comments_name_nobody(take: Any, files: Any, wire: Any, comment: bytes) -> None:
    """They are passed over, and ours beside them is read."""
    taken = take(files.pcapng(files.packet(wire.tcp(), comments=(comment, says(CURL, is_write=True), comment))))
    assert (taken.writer, taken.reader, taken.error) == ([0], [-1], None)


def test_the_first_claim_of_an_end_holds(take: Any, files: Any, wire: Any) -> None:
    """A packet has one sender and one receiver, whatever a merged file says."""
    texts = tuple(says(Process(name="p", pid=i), is_write=i < 2) for i in range(4))
    taken = take(files.pcapng(files.packet(wire.tcp(), comments=texts)))
    assert [taken.trace.processes[row].pid for row in (*taken.writer, *taken.reader)] == [0, 2]


def test_datagrams_on_one_interface_all_count(take: Any, files: Any, wire: Any) -> None:
    """Equal ones were sent twice."""
    assert take(files.frames(wire.udp(b"abc"), wire.udp(b"abc"), step_ns=1)).fresh == [3, 3]


@pytest.mark.parametrize(
    ("sightings", "fresh"),
    [
        ([(0, 0), (1, 10), (2, 20)], [3, 0, 0]),
        ([(0, 0), (0, 10), (1, 20), (1, 30)], [3, 3, 0, 0]),
        ([(0, 0), (1, 10), (0, 20), (1, 30)], [3, 0, 3, 0]),
        ([(1, 0), (1, 10), (0, 20), (0, 30), (0, 40)], [3, 3, 0, 0, 3]),
        ([(0, 0), (1, 1_000_001)], [3, 3]),
        ([(0, 0), (1, 1_000_000)], [3, 0]),
        ([(0, 500), (1, 0)], [3, 0]),
    ],
)
def test_copies_of_a_datagram_count_once(
    take: Any, files: Any, wire: Any, sightings: list[tuple[int, int]], fresh: list[int]
) -> None:
    """On different interfaces within 1 ms: as often as the interface saw it that saw it most."""
    data = files.section() + files.interface() * 3
    for interface, time_ns in sightings:
        data += files.packet(wire.udp(b"abc"), interface=interface, ticks=time_ns)
    assert take(data).fresh == fresh


def test_different_datagrams_are_no_copies(take: Any, files: Any, wire: Any) -> None:
    """Another payload, identification, direction, port or length counts."""
    frames = [
        wire.udp(b"12345678abc"),
        wire.udp(b"12345678abd"),
        wire.udp(b"22345678abc"),
        wire.udp(b"12345678abc\0"),
        wire.udp(b"12345678abc", ip_id=5),
        wire.udp(b"12345678abc", forward=False),
        wire.udp(b"12345678abc", ports=(4001, 53)),
    ]
    data = files.section() + files.interface() * len(frames)
    data += b"".join(files.packet(frame, interface=i) for i, frame in enumerate(frames))
    assert take(data).fresh == [11, 11, 11, 12, 11, 11, 11]


def test_a_capture_of_any_interface_has_copies_too(take: Any, files: Any, wire: Any) -> None:
    """tcpdump -i any writes one interface, and each packet's own in its cooked header (SLL2)."""

    def cooked(index: int) -> bytes:
        return struct.pack(">HHIHBB8s", 0x0800, 0, index, 1, 0, 6, bytes(8)) + bytes(wire.udp(b"abc")[14:])

    packets = [files.packet(cooked(index)) for index in (2, 3, 2)]
    assert take(files.pcapng(*packets, link_type=276)).fresh == [3, 0, 3]


@pytest.mark.parametrize("batch_bytes", [1, 200, 1000, 1 << 20])
def test_rows_handed_out_are_not_contradicted(files: Any, wire: Any, batch_bytes: int) -> None:
    """What a later batch proves of a flow turns it round no more: client, server and which way packets go stay as they were."""
    answer, syn = b"HTTP/1.1 200 OK\r\n\r\n", 2
    frames = [wire.tcp(ports=(31600 + i, 8868), seq=1, ack=1) for i in range(20)]
    frames += [wire.tcp(answer, ports=(31600 + i, 8868), seq=1, ack=1) for i in range(0, 20, 2)]
    frames += [
        wire.tcp(flags=syn | 16, ports=(31601, 8868), seq=7, ack=8),
        wire.tcp(flags=syn, ports=(31603, 8868), seq=0),
    ]
    trace = Trace()
    trace.batch_bytes = batch_bytes
    said: dict[int, tuple[str, bool]] = {}
    data = files.frames(*frames)
    for packets in [*trace.feed(data), *trace.feed(b"", final=True)]:
        for flow, forward in zip(packets.flow.tolist(), packets.forward.tolist(), strict=True):
            is_first = said.setdefault(flow, (trace.flows.name(flow), forward))
            assert is_first == (trace.flows.name(flow), forward)
    assert {flow: name for flow, (name, _) in said.items()} == {
        row: trace.flows.name(row) for row in range(len(trace.flows))
    }


@pytest.mark.parametrize("batch_bytes", [1, 200, 1000])
def test_the_size_of_batches_changes_no_connection_that_is_known(files: Any, wire: Any, batch_bytes: int) -> None:
    """With its SYN, a proof or its service's port in the first packet a flow is the same in batches of any size."""
    frames = []
    for i in range(40):
        ports, dice = (40000 + i, (80, 8868)[i % 2]), random.Random(i)
        if i % 3 == 0:
            frames.append(wire.tcp(flags=2, ports=ports, seq=8))
        frames.append(wire.tcp(b"GET / HTTP/1.1\r\n\r\n", ports=ports, seq=9, ack=9))
        frames += [wire.tcp(b"x" * dice.randrange(9), ports=ports, seq=9, ack=27, forward=False) for _ in range(3)]
    found = []
    for size in (batch_bytes, 1 << 20):
        trace = Trace()
        trace.batch_bytes = size
        rows = []
        for packets in [*trace.feed(files.frames(*frames)), *trace.feed(b"", final=True)]:
            columns = (packets.flow, packets.forward, packets.fresh, packets.out_of_window)
            rows += list(zip(*(column.tolist() for column in columns), strict=True))
        found.append((rows, [trace.flows.name(row) for row in range(len(trace.flows))]))
    assert found[0] == found[1]
