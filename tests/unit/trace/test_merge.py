"""Several captures merged: damage and pipes first, then the order, against a model and mergecap, and what reaches a trace."""

from __future__ import annotations

import gzip
import os
import shutil
import struct
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pcapdig.errors import InputError
from pcapdig.pcapng import comments
from pcapdig.procs.process import Process
from pcapdig.trace import merge as merge_module
from pcapdig.trace.merge import merged
from pcapdig.trace.trace import Trace

SECOND_NS = 10**9
SYN = 2


def written(folder: Path, *captures: bytes) -> list[str]:
    """Files of these captures."""
    paths = [folder / f"{number}" for number in range(len(captures))]
    for path, capture in zip(paths, captures, strict=True):
        path.write_bytes(capture)
    return [str(path) for path in paths]


def read(paths: list[str]) -> tuple[list[tuple[int, bytes]], Trace, str | None]:
    """(time, bytes) of all packets merged, the trace, and what was wrong."""
    trace = Trace()
    found: list[tuple[int, bytes]] = []
    wrong = None
    try:
        for packets in trace.read_all(paths):
            found += [(int(packets.time_ns[i]), packets.packet_bytes(i)) for i in range(len(packets))]
            assert packets.number.tolist() == list(range(len(found) - len(packets) + 1, len(found) + 1))
    except InputError as error:
        wrong = str(error)
    return found, trace, wrong


def earliest_first(captures: list[list[tuple[int, bytes]]]) -> list[tuple[int, bytes]]:
    """The model: of the packets that are next in their captures, the earliest; of equal ones that of the first capture."""
    left = [list(capture) for capture in captures]
    out = []
    while any(left):
        best = min((i for i in range(len(left)) if left[i]), key=lambda i: (left[i][0][0], i))
        out.append(left[best].pop(0))
    return out


# What is refused, and what is damaged.


def test_a_missing_file_is_told_before_anything(tmp_path: Path, files: Any, wire: Any) -> None:
    """Though the one before it is whole."""
    paths = [*written(tmp_path, files.frames(wire.udp())), str(tmp_path / "absent")]
    with pytest.raises(InputError, match="absent: cannot be read: No such file"):
        next(merged(paths))


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_of_a_cut_file_the_whole_packets_come_and_all_of_the_others(
    tmp_path: Path, files: Any, wire: Any, cut: int
) -> None:
    """Each in its place; the error comes last, and says which file and where."""
    good = files.frames(*(wire.udp(b"good%d" % i) for i in range(5)))
    other = files.frames(*(wire.udp(b"cut%d" % i) for i in range(5)))
    found, _, wrong = read(written(tmp_path, good, other[:-cut]))
    assert [frame[42:] for _, frame in found] == [
        b"good0",
        b"cut0",
        b"good1",
        b"cut1",
        b"good2",
        b"cut2",
        b"good3",
        b"cut3",
        b"good4",
    ]
    start = len(files.frames(*(wire.udp(b"cut%d" % i) for i in range(4))))
    size = len(other) - start
    assert wrong == (
        f"{tmp_path}/1: damaged at byte {start}: cut short, {size - cut} bytes are there of {size} or more are there of what begins here"
    ).replace(" bytes are there of ", " bytes of ", 1)


def test_each_damaged_file_is_named(tmp_path: Path, files: Any, wire: Any) -> None:
    """With its own offset and reason, on one line."""
    good = files.frames(wire.udp())
    undescribed = good + files.packet(wire.udp(), interface=7)
    unending = good + files.packet(wire.udp(), options=files.pack("HH", 1, 500) + b"runs on.")
    unlikely = files.pcap((1, 0, wire.udp())) + files.pack("IIII", 2, 0, 1 << 30, 1 << 30)
    found, _, wrong = read(written(tmp_path, undescribed, unending, good, unlikely))
    assert len(found) == 4
    assert wrong == "; ".join(
        [
            f"{tmp_path}/0: damaged at byte {len(good)}: a packet of an interface that was not described",
            f"{tmp_path}/1: damaged at byte {len(good)}: an option runs past its block",
            f"{tmp_path}/3: damaged at byte {len(unlikely) - 16}: a packet longer than any capture has",
        ]
    )


def test_damaged_compression_is_damage_of_that_file(tmp_path: Path, files: Any, wire: Any) -> None:
    """What could be unpacked counts."""
    capture = files.frames(*(wire.udp(os.urandom(900)) for _ in range(200)))
    packed = gzip.compress(capture)
    found, _, wrong = read(written(tmp_path, packed[: len(packed) // 2], capture))
    assert 200 < len(found) < 400
    assert wrong is not None
    assert wrong.startswith(f"{tmp_path}/0: its gzip data is cut or damaged after ")


# The order.


def test_equal_times_keep_the_order_of_the_command_line(tmp_path: Path, files: Any, wire: Any) -> None:
    """mergecap takes the last file first; a person expects what was typed."""
    captures = [files.frames(wire.udp(b"%d" % i), wire.udp(b"%d" % i), step_ns=0) for i in range(3)]
    found, _, _ = read(written(tmp_path, *captures))
    assert [frame[42:] for _, frame in found] == [b"0", b"0", b"1", b"1", b"2", b"2"]


KINDS = ("pcap", "nanoseconds", "pcapng", "fine", "binary", "shifted", "sections", "old")
PACKINGS = (bytes, gzip.compress, zstandard.ZstdCompressor().compress)


def capture_of(files: Any, kind: str, packets: list[tuple[int, bytes]]) -> bytes:
    """A file of some kind, of packets at whole seconds."""
    if kind in ("pcap", "nanoseconds"):
        records = [(time // SECOND_NS, 0, data) for time, data in packets]
        return bytes(files.pcap(*records, nanoseconds=kind == "nanoseconds"))
    resolution = {"fine": 12, "binary": 0x80 | 10}.get(kind, 6)
    per_second = 2**10 if kind == "binary" else 10**resolution
    offset_s = -100 if kind == "shifted" else 0
    capture = files.section() + files.interface(name=b"a", resolution=0)
    capture += files.interface(name=b"b", resolution=resolution, offset_s=offset_s)
    for i, (time, data) in enumerate(packets):
        ticks = (time // SECOND_NS - offset_s) * per_second
        if kind == "sections" and i == 3:
            files = files.in_order("<" if files.order == ">" else ">")
            capture += files.section() + files.interface() + files.interface(resolution=resolution)
        if kind == "old":
            body = files.pack("HHIIII", 1, 0xFFFF, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data))
            capture += files.block(2, body + data)
        else:
            capture += files.packet(data, ticks=ticks, interface=1, comments=(b"comment",) * (i % 2))
    return bytes(capture)


any_capture = st.tuples(
    st.sampled_from(KINDS),
    st.sampled_from("<>"),
    st.sampled_from(PACKINGS),
    st.lists(st.tuples(st.integers(0, 12), st.integers(0, 9)), max_size=8),
)
"""Kind, byte order, compression; of each packet its second and size. Times need not be in order."""


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=st.lists(any_capture, min_size=2, max_size=4), chunk_bytes=st.sampled_from([1, 100, 4 << 20]))
def test_any_captures_come_as_the_model_says(tmp_path: Path, files: Any, made: list[Any], chunk_bytes: int) -> None:
    """Whatever their formats, orders, clocks and compressions, and however much is given out at once."""
    contents = [
        [(SECOND_NS * second, bytes([number, i]) * size) for i, (second, size) in enumerate(times)]
        for number, (_, _, _, times) in enumerate(made)
    ]
    captures = [
        packing(capture_of(files.in_order(order), kind, packets))
        for (kind, order, packing, _), packets in zip(made, contents, strict=True)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merge_module, "CHUNK_BYTES", chunk_bytes)
        found, _, wrong = read(written(tmp_path, *captures))
    assert (wrong, found) == (None, earliest_first(contents))


@pytest.mark.skipif(shutil.which("mergecap") is None, reason="needs mergecap")
def test_mergecap_and_tshark_agree(tmp_path: Path, files: Any, wire: Any) -> None:
    """The same packets in the same order with the same times, from files that are not sorted inside."""
    import random

    chosen = random.Random(3)
    times = chosen.sample(range(10**6), 90)
    parts = [files, files.in_order(">"), files]
    made = []
    for number, part in enumerate(parts):
        frames = [(time, wire.udp(b"%d" % time, ports=(4000 + number, 53))) for time in times[number::3]]
        frames.sort(key=lambda one: one[0] + chosen.randrange(30_000))
        if number == 0:
            made.append(part.pcap(*((1, time, frame) for time, frame in frames)))
        else:
            made.append(part.pcapng(*(part.packet(frame, ticks=10**9 + time * 1000) for time, frame in frames)))
    paths = written(tmp_path, *made)
    subprocess.run(["mergecap", "-w", str(tmp_path / "all"), *paths], check=True, capture_output=True)
    command = f"tshark -n -r {tmp_path}/all -T fields -e frame.time_epoch -e udp.payload"
    shown = subprocess.run(command.split(), check=True, capture_output=True, text=True).stdout.splitlines()
    found, _, _ = read(paths)
    assert [f"{time // SECOND_NS}.{time % SECOND_NS:09}\t{frame[42:].hex()}" for time, frame in found] == shown


def test_packets_without_time_come_at_once(tmp_path: Path, files: Any, wire: Any) -> None:
    """Simple packet blocks have none, and if_tsoffset does not give them one."""
    frame = wire.udp(b"timeless")
    simple = files.section() + files.interface(offset_s=1000) + files.block(3, files.pack("I", len(frame)) + frame)
    found, trace, _ = read(written(tmp_path, files.frames(wire.udp(b"late"), step_ns=1), simple))
    assert found == [(0, wire.udp(b"late")), (0, frame)]
    assert len(trace.interfaces) == 3


# What reaches the trace.


def test_connections_are_followed_over_files(tmp_path: Path, files: Any, wire: Any) -> None:
    """The two directions of one connection in two files, and a copy of one packet in both: its bytes count once."""
    ask = files.pcapng(
        files.packet(wire.tcp(flags=SYN, seq=9), ticks=1),
        files.packet(wire.tcp(b"hello", seq=10), ticks=3),
    )
    answer = files.in_order(">").pcapng(
        files.in_order(">").packet(wire.tcp(flags=SYN | 16, seq=99, ack=10, forward=False), ticks=2),
        files.in_order(">").packet(wire.tcp(b"hello", seq=10), ticks=3),
    )
    trace = Trace()
    (packets,) = trace.read_all(written(tmp_path, ask, answer))
    assert packets.flow.tolist() == [0, 0, 0, 0]
    assert packets.forward.tolist() == [True, False, True, True]
    assert packets.fresh.tolist() == [0, 0, 5, 0]
    assert packets.interface.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("order", ["<", ">"])
def test_comments_and_directions_stay(tmp_path: Path, files: Any, wire: Any, order: str) -> None:
    """In both byte orders."""
    part = files.in_order(order)
    line = comments.line(Process(name="curl", pid=7), is_write=True, evidence="socket")
    capture = part.pcapng(part.packet(wire.udp(b"x"), flags=2, comments=(b"note", line)))
    trace = Trace()
    (packets,) = trace.read_all(written(tmp_path, capture, files.frames(wire.udp())))
    assert packets.direction.tolist() == [2, 0]
    assert [trace.processes[row].name for row in packets.writer if row >= 0] == ["curl"]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_modified_pcap_and_frame_check_sequences(tmp_path: Path, files: Any, wire: Any, order: str) -> None:
    """Its longer records, the direction in them, and FCS bits come through."""
    part = files.in_order(order)
    frame = wire.tcp(b"abc")[:16] + b"\0\0" + wire.tcp(b"abc")[18:] + b"FCS!"  # IP leaves its length to the frame's
    modified = part.pack("IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 2 << 28 | 1 << 26 | 1)
    for kind in (0, 4):
        modified += part.pack("IIIIIHBB", 5, 6, len(frame), len(frame), 3, 0x800, kind, 0) + frame
    trace = Trace()
    (packets,) = trace.read_all(written(tmp_path, modified, files.frames(wire.udp(b"x"))))
    assert packets.time_ns.tolist() == [0, 5_000_006_000, 5_000_006_000]
    assert packets.direction.tolist() == [0, 1, 2]
    assert packets.payload_length.tolist() == [1, 3, 3]


def test_names_that_are_cut_are_damage_of_their_file(tmp_path: Path, files: Any, wire: Any) -> None:
    """As the scanner would have it."""
    names = files.block(4, struct.pack("<HH", 1, 40) + b"\x0a\0\0\1")
    paths = written(tmp_path, files.pcapng(files.packet(wire.udp())) + names, files.frames(wire.udp()))
    packets, _, wrong = read(paths)
    assert len(packets) == 2
    assert wrong is not None
    assert wrong.startswith(f"{paths[0]}: damaged at byte ")


def test_more_interfaces_than_a_trace_has_rows_are_read(tmp_path: Path, files: Any, wire: Any) -> None:
    """Equal ones share a row."""
    many = files.section() + files.interface() * 40_000
    found, _, wrong = read(written(tmp_path, many, many + files.packet(wire.udp())))
    assert (len(found), wrong) == (1, None)


def test_a_pipe_is_merged_as_it_comes(tmp_path: Path, files: Any, wire: Any) -> None:
    """What is earlier than the pipe's last packet is given before more of the pipe is waited for."""
    file = files.frames(*(wire.udp(b"file%d" % i) for i in range(4)))
    os.mkfifo(tmp_path / "pipe")
    head = files.section() + files.interface()
    sent = threading.Event()

    def feed() -> None:
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            pipe.write(head + files.packet(wire.udp(b"pipe"), ticks=2 * SECOND_NS))
            assert sent.wait(20)
            pipe.write(files.packet(wire.udp(b"last"), ticks=2 * SECOND_NS + 1))

    writer = threading.Thread(target=feed)
    writer.start()
    trace = Trace()
    batches = trace.read_all([*written(tmp_path, file), str(tmp_path / "pipe")])
    first = next(batches)
    assert [first.buffer(i) for i in range(len(first))] == [b"file0", b"file1", b"file2", b"pipe"]
    sent.set()
    rest = [packets.buffer(i) for packets in batches for i in range(len(packets))]
    writer.join()
    assert rest == [b"last", b"file3"]


def test_a_small_chunk_size_releases_what_was_read(
    tmp_path: Path, files: Any, wire: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of mapped files that were merged are given back; nothing is lost by it."""
    monkeypatch.setattr(merge_module, "CHUNK_BYTES", 1 << 14)
    frames = [wire.udp(struct.pack(">I", i) * 300) for i in range(300)]
    paths = written(tmp_path, files.frames(*frames[::2]), files.frames(*frames[1::2]))
    found, _, wrong = read(paths)
    assert (wrong, [frame for _, frame in found]) == (None, frames)


def test_older_pcaps_are_merged(tmp_path: Path, files: Any, wire: Any) -> None:
    """Whose two lengths stand the other way round."""
    old = files.pcap(version=(2, 1)) + files.pack("IIII", 1, 2, 100, 60) + wire.udp(bytes(18))
    trace = Trace()
    (packets,) = trace.read_all(written(tmp_path, old, files.pcap((3, 0, wire.udp()))))
    assert (packets.captured.tolist(), packets.original.tolist()) == ([60, 42], [100, 42])
