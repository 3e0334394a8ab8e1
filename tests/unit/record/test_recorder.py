"""A whole recording, its packets from a file and its interface from this test."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest
from recordings import ethernet, pcap, udp

from pcapdig.capture.interfaces import Interface
from pcapdig.errors import HostError, UsageError
from pcapdig.pcapng import blocks
from pcapdig.pcapng.sink import SinkError, Taken
from pcapdig.record import recorder as recorder_module
from pcapdig.record._loop import Loop
from pcapdig.record.options import RecordOptions
from pcapdig.record.recorder import Recorder, RecordingEnded

EPB = (6).to_bytes(4, "little")
SOON_NS = 300_000_000
"""Longer than a recorder takes to start: its packets count only from then on."""


def interface(name="wire0", *, is_up=True):
    """An interface that rtnetlink might tell of."""
    return Interface(
        name=name, index=7, is_up=is_up, is_loopback=True, mac=bytes(6), addresses=(), description=None, speed_bits=None
    )


class PatientLoop(Loop):
    """Reads nothing while the recorder starts: a file, unlike an interface, would be read before packets count."""

    starting = True

    def gather(self, sleep_ns: int) -> int:
        """As the loop, but for the first call."""
        if self.starting:
            self.starting = False
            return time.time_ns()
        return super().gather(sleep_ns)


@pytest.fixture
def wire(monkeypatch, tmp_path):
    """Interface wire0, on which eleven packets come soon."""
    now = time.time_ns() + SOON_NS
    packets = [(now + n * 1000, ethernet(udp(1, 2))) for n in range(11)]
    monkeypatch.setattr(recorder_module, "list_interfaces", lambda: [interface(), interface("down0", is_up=False)])
    monkeypatch.setattr(recorder_module, "Loop", PatientLoop)
    monkeypatch.setattr(recorder_module, "Capture", lambda name, **asked: pcap(tmp_path / name, packets))


def record(sink, **options):
    """Record for half a second past the packets."""
    recorder = Recorder(RecordOptions(tracer="none", **options), sink)
    timer = threading.Timer(2 * SOON_NS / 1e9 + 0.2, recorder.stop)
    timer.start()
    try:
        return recorder.run()
    finally:
        timer.cancel()


class Kept:
    """A sink that keeps batches, and fails as told at the n-th one that has packets."""

    def __init__(self, fails_at=None, error=None):
        self.batches = []
        self.fails_at = fails_at
        self.error = error

    def __call__(self, batch):
        if self.fails_at is not None and len(self.batches) >= self.fails_at:
            raise self.error
        self.batches.append(batch)


def test_an_unknown_interface_is_refused(wire):
    """The error names it and those that are there."""
    with pytest.raises(UsageError, match="no interface named nosuch0; there are: wire0, down0"):
        record(Kept(), interfaces=("nosuch0",))


def test_no_interface_is_up(monkeypatch):
    """Nothing to record is an error, not an empty file."""
    monkeypatch.setattr(recorder_module, "list_interfaces", lambda: [interface(is_up=False)])
    with pytest.raises(HostError, match="none is up"):
        record(Kept())


def test_head_comes_at_once_and_statistics_last(wire):
    """SHB and IDB first, in one batch without packets; at the end an interface statistics block with what was seen."""
    kept = Kept()
    statistics = record(kept)
    assert kept.batches[0].startswith(blocks.section_header()[:4])
    assert EPB not in kept.batches[0][:4]
    assert kept.batches[-1][:4] == (5).to_bytes(4, "little")
    assert statistics.packets == 11
    assert statistics.interfaces[0].written == 11
    assert statistics.ends_unknown == 22, "without a tracer nothing is the kernel's"


def test_the_packet_limit_is_exact(wire):
    """-n 7 of eleven packets."""
    statistics = record(Kept(), packet_limit=7)
    assert statistics.packets == 7


def test_packets_that_the_sink_leaves_out_do_not_count(wire):
    """A sink with a filter says how many it kept."""
    assert record(lambda batch: Taken(0, 0) if batch[:4] == EPB else None).packets == 0


def test_a_full_sink_ends_the_recording_with_what_it_holds(wire):
    """The error tells, the statistics count what is in the file, nothing more is written."""
    kept = Kept(fails_at=1, error=SinkError("cannot write x: No space left on device", Taken(3, 300)))
    with pytest.raises(RecordingEnded, match="No space left") as ended:
        record(kept)
    assert (ended.value.statistics.packets, ended.value.statistics.wire_bytes) == (3, 300)
    assert len(kept.batches) == 1


@pytest.mark.parametrize(
    ("interfaces", "ring_kib", "each_mib", "notes"),
    [
        (2, None, 64, 0),
        (8, None, 64, 0),
        (9, None, 56, 1),
        (100, None, 5, 1),
        (1000, None, 4, 1),
        (100, 131072, 128, 0),
    ],
)
def test_many_interfaces_share_the_memory_of_capture(interfaces, ring_kib, each_mib, notes):
    """Rings of 64 MiB up to 512 MiB in all, then smaller ones, which is told; what was asked for is kept to."""
    recorder = Recorder(RecordOptions(ring_kib=ring_kib), lambda batch: None)
    assert recorder._ring_bytes(interfaces) == each_mib << 20
    assert len(recorder._notes) == notes


def test_rings_that_fill_fast_are_emptied_more_often():
    """A ring found an eighth full halves the pause, down to 1 ms; a quiet one gets 20 ms again."""
    recorder = Recorder(RecordOptions(), lambda batch: None)
    recorder._each_ring_bytes = 1 << 20
    pauses = []
    for found in [0, 200_000, 200_000, 60_000, *[1 << 20] * 5, *[0] * 5]:
        recorder._loop = SimpleNamespace(fullest_bytes=found)
        pauses.append(recorder._pause_ns() / 1e6)
    assert pauses == [20, 10, 5, 5, 2.5, 1.25, 1, 1, 1, 2, 4, 8, 16, 20]
