"""Sums made while reading are those of the columns, however the capture is read, and whatever is wrong with it."""

from __future__ import annotations

import gzip
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command import ROOT, environment

from pcapdig.errors import InputError
from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.trace._scan import Scanner
from pcapdig.trace._sums import Sums as NativeSums
from pcapdig.trace.flows import Flows
from pcapdig.trace.processes import Processes
from pcapdig.trace.rows import rows_of
from pcapdig.trace.sums import Sums
from pcapdig.trace.trace import Trace

FIXTURES = sorted(path for path in (ROOT / "fixtures").rglob("*.gz") if path.name.endswith(("pcap.gz", "pcapng.gz")))


def numbers(data: bytes | bytearray) -> list[int]:
    """64-bit integers of this machine."""
    return np.frombuffer(data, np.int64).tolist()


def from_columns(trace: Trace, batches: Any) -> tuple[list[int], list[int], list[int], int]:
    """By flow, by process, packets by interface, time of the last packet: what the columns and the rows of them say."""
    flows, processes = np.zeros(1_000_000, np.int64), np.zeros(10_000, np.int64)
    interfaces, last_ns = np.zeros(1000, np.int64), 0
    for packets in batches:
        has_flow = packets.flow >= 0
        np.add.at(flows, packets.flow[has_flow] + 1, packets.fresh[has_flow])
        rows = rows_of(packets)
        np.add.at(processes, rows.process + 1, rows.size)
        np.add.at(interfaces, packets.interface, 1)
        last_ns = int(packets.time_ns[-1])
    return (
        flows[: len(trace.flows) + 1].tolist(),
        processes[: len(trace.processes) + 1].tolist(),
        interfaces[: len(trace.interfaces)].tolist(),
        last_ns,
    )


def as_tuple(sums: Sums) -> tuple[list[int], list[int], list[int], int]:
    """The same of sums."""
    return numbers(sums.by_flow), numbers(sums.by_process), list(sums.packets_by_interface), sums.last_ns


def added_up(paths: list[str], *, decap: bool = False) -> tuple[Trace, str]:
    """A trace that was summed, and what was wrong."""
    trace = Trace(decap=decap)
    try:
        assert sum(trace.sum_up(paths)) == trace.sums().packets
    except InputError as error:
        return trace, str(error)
    return trace, ""


def in_columns(paths: list[str], *, decap: bool = False) -> tuple[Trace, Any, str]:
    """The same by columns."""
    trace, batches = Trace(decap=decap), []
    try:
        batches.extend(trace.read_all(paths))
    except InputError as error:
        return trace, from_columns(trace, batches), str(error)
    return trace, from_columns(trace, batches), ""


def assert_agree(paths: list[str], *, decap: bool = False) -> None:
    """Both ways give the same numbers, tables and errors."""
    other, expected, damage = in_columns(paths, decap=decap)
    trace, wrong = added_up(paths, decap=decap)
    assert (as_tuple(trace.sums()), wrong) == (expected, damage)
    assert [trace.flows.name(i) for i in range(len(trace.flows))] == [
        other.flows.name(i) for i in range(len(other.flows))
    ]
    assert (trace.processes, trace.interfaces, trace.first_ns) == (other.processes, other.interfaces, other.first_ns)


def test_nothing_read() -> None:
    """Sums of no capture are empty."""
    sums = Trace().sums()
    assert (sums.packets, sums.last_ns, sums.packets_by_interface) == (0, 0, ())
    assert (numbers(sums.by_flow), numbers(sums.by_process)) == ([0], [0])


def test_bounds_are_checked() -> None:
    """As for columns."""
    scanner = Scanner(Flows(), Processes(), [])
    for start, stop in ((-1, 4), (3, 2), (0, 5)):
        with pytest.raises(ValueError, match="outside"):
            scanner.sum_up(b"\n\r\r\n", start, stop)


def test_more_processes_than_there_was_room_for() -> None:
    """Those that nothing was counted for are 0."""
    assert numbers(NativeSums().of_processes(5000)) == [0] * 5001


@pytest.mark.parametrize("path", FIXTURES, ids=lambda path: path.name)
@pytest.mark.parametrize("decap", [False, True])
def test_all_fixtures(path: Path, decap: bool) -> None:
    """Real captures, with all that is in them."""
    assert_agree([str(path)], decap=decap)


def test_several_files_are_merged() -> None:
    """As with columns."""
    assert_agree([str(path) for path in FIXTURES[:3]])


@pytest.mark.parametrize("processors", [{0}, {0, 1}])
def test_many_processes_and_damage(
    files: Any, wire: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processors: set[int]
) -> None:
    """A process at one end, at both, at none; packets out of order in time; then a block that is none."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: processors)
    made = bytearray(blocks.section_header(application="test"))
    made += blocks.interface_description(name="a", link_type=1, snap_length=0)
    made += blocks.interface_description(name="b", link_type=147, snap_length=0)
    for i in range(5000):
        owners = [Process(name="worker", pid=1 + (i + end) % 301) for end in range(i % 3)]
        lines = [
            comments.line(owner, is_write=(i + end) % 2 == 0, evidence="socket") for end, owner in enumerate(owners)
        ]
        frame = wire.tcp(bytes(i * 7 % 1400), seq=i % 50 * 1000, ports=(1000 + i % 97, 80), forward=i % 5 != 0)
        if i % 13 == 0:
            frame = wire.udp(b"same" * 9, ports=(53, 53), ip_id=i // 26)
        made += blocks.enhanced_packet(
            interface=i % 17 == 3, time_ns=10**9 + i * 7919 % 10007, data=frame, flags=1, comments=lines
        )
    path = tmp_path / "a.pcapng"
    path.write_bytes(bytes(made) + struct.pack("<III", 6, 8, 0))
    assert_agree([str(path)])
    trace, wrong = added_up([str(path)])
    assert f"damaged at byte {len(made)}: a block length" in wrong
    assert (trace.sums().packets, len(trace.processes)) == (5000, 301)
    packed = tmp_path / "a.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    assert_agree([str(packed)])


def test_it_goes_on_after_columns(files: Any, wire: Any, tmp_path: Path) -> None:
    """One trace may read a file either way: numbers of packets and tables go on, and sums have what was summed."""
    path = tmp_path / "a.pcapng"
    path.write_bytes(files.frames(wire.tcp(b"abc", seq=1), wire.tcp(b"de", seq=4)))
    trace = Trace()
    assert [len(batch) for batch in trace.read(str(path))] == [2]
    assert list(trace.sum_up([str(path)])) == [2]
    assert [batch.number.tolist() for batch in trace.read(str(path))] == [[5, 6]]
    sums = trace.sums()
    assert (sums.packets, numbers(sums.by_flow), sums.packets_by_interface) == (2, [0, 0], (0, 2, 0))


def test_no_numpy_is_needed() -> None:
    """So that reading may begin while it is still being loaded."""
    code = (
        "import sys; from pcapdig.trace.trace import Trace; trace = Trace(); assert sum(trace.sum_up(sys.argv[1:]));"
        "assert trace.sums().packets; sys.exit('numpy' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(FIXTURES[0])],
        cwd="/",
        env=environment(),
        check=False,
    )
    assert done.returncode == 0


def test_fragments_that_come_early_count_once(files: Any, wire: Any, tmp_path: Path) -> None:
    """Of processes and flows, as soon as their flow is known; a segment's bytes that were there before count no more."""
    line = comments.line(Process(name="curl", pid=7), is_write=True, evidence="socket")
    ends = {"source": "10.0.0.1", "target": "10.0.0.2", "ip_id": 7}
    segment = wire.tcp(bytes(40), seq=100)[34:]
    frames = [
        wire.ip(bytes(16), **ends, protocol=17, fragment=2),
        wire.tcp(bytes(40), seq=100),
        wire.ip(segment[24:], **ends, protocol=6, fragment=3),
        wire.ip(segment[24:], **(ends | {"ip_id": 8}), protocol=6, fragment=3),
        wire.ip(segment[:24], **ends, protocol=6, fragment=0x2000),
        wire.udp(bytes(8), ip_id=7, fragment=0x2000),
    ]
    path = tmp_path / "a.pcapng"
    path.write_bytes(files.pcapng(*(files.packet(frame, ticks=i, comments=(line,)) for i, frame in enumerate(frames))))
    assert_agree([str(path)])
    trace, _ = added_up([str(path)])
    assert (numbers(trace.sums().by_flow), numbers(trace.sums().by_process)) == ([0, 40, 24], [0, 24 + 40 + 36])
