"""The walk in a thread of its own, and through a buffer, makes the same packets as in turns and in place."""

from __future__ import annotations

import os
import random
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pcapdig.errors import InputError
from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.trace._batch import COLUMNS
from pcapdig.trace._scan import Scanner
from pcapdig.trace.flows import Flows
from pcapdig.trace.processes import Processes
from pcapdig.trace.trace import Trace

if TYPE_CHECKING:
    from pathlib import Path

ALONE, WITH_ANOTHER = {0}, {0, 1}
PIECE_BYTES = 1 << 17
"""As trace/_reading.pxd has it."""


def capture(wire: Any, *, packets: int = 6000, largest: int = 1400) -> bytes:
    """Flows of many kinds, with interfaces, statistics and another section in between; more than a thread is begun for."""
    made = bytearray(blocks.section_header(application="test"))
    made += blocks.interface_description(name="a", link_type=1, snap_length=0)
    for i in range(packets):
        if i == packets // 3:
            made += blocks.interface_description(name="b", link_type=1, snap_length=0)
        if i == packets // 2:
            made += blocks.section_header(application="again")
            made += blocks.interface_description(name="c", link_type=1, snap_length=0)
        if i % 11 == 5:  # options that refer to these count from the section's first one
            made += blocks.apple_process(pid=90_000 + i, name=f"apple{i}")
        owner = Process(name="worker", pid=1 + i % 37, cmdline="x" * (i % 91))
        text = comments.line(owner, is_write=i % 2 == 0, evidence="socket")
        frame = wire.tcp(bytes(i * 7 % largest), seq=i, ports=(1000 + i % 501, 80), forward=i % 3 != 0)
        made += blocks.enhanced_packet(interface=0, time_ns=i, data=frame, flags=1, comments=[text] * (i % 3))
        if i % 11 == 6:
            named = struct.pack("<HHI", 32769, 4, i // 11) + bytes(4)
            size = 32 + len(named) + -(-len(frame) // 4) * 4
            made += struct.pack("<IIIIIII", 6, size, 0, 0, i, len(frame), len(frame)) + frame + bytes(-len(frame) % 4)
            made += named + struct.pack("<I", size)
    return bytes(made)


def columns_of(trace: Trace, batches: Any) -> dict[str, list[Any]]:
    """All columns of all batches, and the tables."""
    found = list(batches)
    columns = {name: np.concatenate([getattr(batch, name) for batch in found]).tolist() for name, _ in COLUMNS}
    columns["flows"] = [trace.flows.name(i) for i in range(len(trace.flows))]
    columns["processes"] = list(trace.processes)
    columns["interfaces"] = list(trace.interfaces)
    return columns


def dug(monkeypatch: pytest.MonkeyPatch, processors: set[int], *, path: Path | None = None, data: bytes = b"") -> Any:
    """Everything that is read of a file, or of bytes, on so many processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: processors)
    trace = Trace()
    return columns_of(trace, trace.read(str(path)) if path else trace.feed(data, final=True))


@pytest.mark.parametrize("largest", [1, 1400, 60_000])
def test_all_ways_agree(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int) -> None:
    """Mapped or in memory, in a thread or in turns."""
    data = capture(wire, packets=6000 if largest < 2000 else 300, largest=largest)
    path = tmp_path / "a.pcapng"
    path.write_bytes(data)
    expected = dug(monkeypatch, ALONE, data=data)
    assert sum(process.name.startswith("apple") for process in expected["processes"]) > 10
    assert dug(monkeypatch, ALONE, path=path) == expected
    assert dug(monkeypatch, WITH_ANOTHER, path=path) == expected
    assert dug(monkeypatch, WITH_ANOTHER, data=data) == expected


def test_a_block_larger_than_the_buffer(files: Any, wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is read where it lies, and those around it through the buffer."""
    small = files.packet(wire.tcp(b"small"))
    large = files.packet(wire.tcp(b"large") + bytes(700_000))
    data = files.pcapng(*(small, small, small, large) * 4, small)
    path = tmp_path / "a.pcapng"
    path.write_bytes(data)
    expected = dug(monkeypatch, ALONE, data=data)
    assert len(expected["number"]) == 17
    assert dug(monkeypatch, WITH_ANOTHER, path=path) == expected


@pytest.mark.parametrize("seed", range(4))
def test_blocks_at_the_borders_of_pieces(
    files: Any, wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Blocks that two pieces share, that fill one, and that the walk jumps over, in any order."""
    chosen = random.Random(seed)
    sizes = [20, 1400, 60_000, *range(PIECE_BYTES - 96, PIECE_BYTES + 9, 4), 200_000, PIECE_BYTES * 9]
    frames = [wire.tcp(b"x", seq=i) for i in range(120)]
    data = files.pcapng(*(files.packet(frame + bytes(chosen.choice(sizes))) for frame in frames))
    path = tmp_path / "a.pcapng"
    path.write_bytes(data)
    expected = dug(monkeypatch, ALONE, data=data)
    assert expected["seq"] == list(range(120))
    assert dug(monkeypatch, ALONE, path=path) == expected
    assert dug(monkeypatch, WITH_ANOTHER, path=path) == expected


def test_a_file_that_became_shorter_under_two_threads(wire: Any, tmp_path: Path) -> None:
    """Pieces that the descriptor does not give any more are taken from the map, whoever reads."""
    data = capture(wire)
    path = tmp_path / "a.pcapng"
    path.write_bytes(data[: PIECE_BYTES * 5 + 77])
    with path.open("rb") as file:
        scanner = Scanner(Flows(), Processes(), [])
        columns, reached, wrong = scanner.scan(data, 0, len(data), 10_000, file.fileno())
    assert (len(columns["number"]), reached, wrong) == (6545, len(data), None)


def test_a_classic_pcap_in_a_thread(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records as blocks."""
    frames = [wire.tcp(bytes(i % 1000), ports=(1000 + i % 99, 80)) for i in range(4000)]
    data = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    data += b"".join(struct.pack("<IIII", i, 5, len(frame), len(frame)) + frame for i, frame in enumerate(frames))
    path = tmp_path / "a.pcap"
    path.write_bytes(data)
    assert len(data) > 1 << 20
    assert dug(monkeypatch, WITH_ANOTHER, path=path) == dug(monkeypatch, ALONE, data=data)


@pytest.mark.parametrize("processors", [ALONE, WITH_ANOTHER])
def test_what_stands_before_damage_is_complete(
    wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processors: set[int]
) -> None:
    """A thread that finds damage has handed over all packets before it."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: processors)
    data = capture(wire)
    path = tmp_path / "a.pcapng"
    path.write_bytes(data + struct.pack("<III", 6, 8, 0))
    batches: list[Any] = []
    with pytest.raises(InputError, match=f"damaged at byte {len(data)}: a block length"):
        batches.extend(Trace().read(str(path)))
    assert sum(map(len, batches)) == 6545


def test_a_failure_ends_the_thread(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes out, and no thread goes on reading."""

    def fails(self: Processes, comment: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Processes, "claim_of", fails)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: WITH_ANOTHER)
    path = tmp_path / "a.pcapng"
    path.write_bytes(capture(wire))
    before = len(os.listdir("/proc/self/task"))
    with pytest.raises(ZeroDivisionError):
        list(Trace().read(str(path)))
    assert len(os.listdir("/proc/self/task")) == before


def test_a_file_that_became_shorter(wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the descriptor does not give any more is taken from the map; here a copy that is still whole."""
    data = capture(wire, packets=900)
    path = tmp_path / "a.pcapng"
    path.write_bytes(data[: len(data) // 2])
    with path.open("rb") as file:
        scanner = Scanner(Flows(), Processes(), [])
        columns, reached, wrong = scanner.scan(data, 0, len(data), 10_000, file.fileno())
    assert (len(columns["number"]), reached, wrong) == (982, len(data), None)
