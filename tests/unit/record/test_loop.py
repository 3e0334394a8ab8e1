"""The record loop: order over interfaces, hold-back, events, directions."""

from __future__ import annotations

import struct
import time

from recordings import Recording, ethernet, held, pcap, udp

from pcapdig.attribution._ledger import Ledger
from pcapdig.record._loop import Loop


def test_packets_of_two_interfaces_come_in_time_order(tmp_path):
    """Interleaved and locally swapped time stamps are sorted, to the ns."""
    one = pcap(tmp_path / "1", [(10**18 + n, ethernet(udp(1, 2))) for n in (1, 5, 3, 9)])
    two = pcap(tmp_path / "2", [(10**18 + n, ethernet(udp(1, 2))) for n in (2, 8, 4)])
    rows = Recording(one, two).read(tmp_path, "frame.time_epoch", "frame.interface_name")
    assert rows == [
        [f"1000000000.00000000{n}", name]
        for n, name in ((1, "i0"), (2, "i1"), (3, "i0"), (4, "i1"), (5, "i0"), (8, "i1"), (9, "i0"))
    ]


def test_only_what_is_old_enough_is_released(tmp_path):
    """The cut-off, and the limit on packets, leave the rest waiting."""
    recording = Recording(pcap(tmp_path / "1", [(10**18 + n, ethernet(udp(1, 2))) for n in range(10)]))
    assert len(recording.read(tmp_path, "frame.number", cutoff=10**18 + 4)) == 5
    assert len(recording.read(tmp_path, "frame.number", limit=2)) == 2
    assert recording.loop.waiting_packets == 3
    assert recording.loop.packets == 7


def test_directions_follow_the_interfaces_address(tmp_path):
    """Sent, received, broadcast, multicast, and a packet for another station."""
    mine, other = b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"
    pairs = [(mine, other), (other, mine), (other, b"\xff" * 6), (other, b"\1\0\x5e\0\0\1"), (other, b"\2\0\0\0\0\3")]
    packets = [(n, ethernet(udp(1, 2), source, destination)) for n, (source, destination) in enumerate(pairs)]
    rows = Recording(pcap(tmp_path / "1", packets), loopback=False, mac=mine).read(tmp_path, "frame.packet_flags")
    assert [int(row[0], 16) for row in rows] == [2, 1 | 1 << 2, 1 | 3 << 2, 1 | 2 << 2, 1 | 4 << 2]


def test_a_bad_event_is_counted(tmp_path):
    """Cut or foreign events are counted and do not stop the loop."""
    loop = Loop(Ledger(), waiting_limit_bytes=1 << 20)
    event = held(1, 1, 2, 11, time.time_ns())
    loop.take_events(event[:50])
    loop.take_events(struct.pack("=HHIQ", 2, 120, 99, 0) + event[16:])
    loop.take_events(struct.pack("=HHIQ", 9, 120, 1, 0) + event[16:])
    assert loop.bad_events == 3


def test_process_events_are_handed_on_whole():
    """Fork, exec and exit events go to Python as they are."""
    loop = Loop(Ledger(), waiting_limit_bytes=1 << 20)
    events = struct.pack("=HHIQ", 16, 80, 1, 5) + bytes(64) + struct.pack("=HHIQ", 17, 90, 1, 6) + bytes(74)
    loop.take_events(events)
    assert loop.take_process_events() == events
    assert loop.take_process_events() == b""
