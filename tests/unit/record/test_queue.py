"""Packets that wait: their window, their memory, their link types."""

from __future__ import annotations

import struct

import pytest
from recordings import FOREVER, RAW, SLL, Recording, ethernet, pcap, udp

from pcapdig.attribution._ledger import Ledger
from pcapdig.record._loop import Loop


@pytest.mark.parametrize(
    ("link_type", "head"), [(RAW, b""), (SLL, struct.pack("!HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1", 0x0800))]
)
def test_other_link_types_become_ethernet(tmp_path, link_type, head):
    """A raw or cooked packet gets an Ethernet header, so that one file has one link type."""
    rows = Recording(pcap(tmp_path / "1", [(5, head + udp(1000, 2000))], link_type)).read(
        tmp_path, "udp.srcport", "frame.protocols", "eth.src"
    )
    assert rows == [["1000", "eth:ethertype:ip:udp:data", "02:00:00:00:00:01" if head else "00:00:00:00:00:00"]]


def test_packets_outside_the_window_are_not_recorded(tmp_path):
    """What was captured before the start or after the end is left out."""
    recording = Recording(pcap(tmp_path / "1", [(n, ethernet(udp(1, 2))) for n in range(10)]))
    recording.loop.set_window(3, 6)
    assert len(recording.read(tmp_path, "frame.number")) == 4


def test_more_than_the_memory_limit_is_released_early_and_counted(tmp_path):
    """Beyond the limit the oldest packets do not wait."""
    capture = pcap(tmp_path / "1", [(n, ethernet(udp(1, 2, bytes(60000)))) for n in range(200)])
    loop = Loop(Ledger(), waiting_limit_bytes=4 << 20)
    loop.add_capture(capture, loopback=True, mac=None)
    loop.set_window(0, FOREVER)
    loop.gather(0)
    while loop.release(-1, FOREVER):
        pass
    assert loop.released_early == loop.packets
    assert 30 <= loop.waiting_packets <= 75
