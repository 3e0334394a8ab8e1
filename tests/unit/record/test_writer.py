"""Packet blocks as tshark reads them, and byte for byte."""

from __future__ import annotations

import struct
import time

import pytest
from recordings import FOREVER, Recording, ethernet, held, pcap, udp

from pcapdig.attribution._ledger import Ledger
from pcapdig.pcapng import blocks
from pcapdig.record._loop import Loop


def test_both_ends_are_written_as_comments(tmp_path):
    """Writer's comment, then reader's; option 8 and the flags are there; data is unchanged."""
    now = time.time_ns()
    events = held(1, 1000, 2000, 11, now - 10**9) + held(2, 2000, 1000, 22, now - 10**9)
    packet = ethernet(udp(1000, 2000, b"odd"))
    rows = Recording(pcap(tmp_path / "1", [(now, packet)]), events=events).read(
        tmp_path, "frame.comment", "frame.packet_flags_direction", "frame.len", "data.data"
    )
    assert rows == [
        [
            (
                "proc.name=p11 proc.pid=11 evt.io_dir=write evidence=snapshot user.uid=0|"
                "proc.name=p22 proc.pid=22 evt.io_dir=read evidence=snapshot user.uid=0"
            ),
            "0x00000001",
            str(len(packet)),
            b"odd".hex(),
        ]
    ]


def test_the_role_follows_the_evidence(tmp_path):
    """Known from sockets that were there before the recording: the connected one's end is the client's."""
    now = time.time_ns()
    active, waits = bytearray(held(1, 1000, 2000, 11, now - 10**9)), bytearray(held(2, 2000, 1000, 22, now - 10**9))
    active[45] |= 16
    waits[45] |= 8
    packets = [(now, ethernet(udp(1000, 2000))), (now + 1, ethernet(udp(2000, 1000)))]
    rows = Recording(pcap(tmp_path / "1", packets), events=bytes(active + waits)).read(tmp_path, "frame.comment")
    client, server = "evidence=snapshot fd.is_server=false user.uid=0", "evidence=snapshot fd.is_server=true user.uid=0"
    assert rows == [
        [f"proc.name=p11 proc.pid=11 evt.io_dir=write {client}|proc.name=p22 proc.pid=22 evt.io_dir=read {server}"],
        [f"proc.name=p22 proc.pid=22 evt.io_dir=write {server}|proc.name=p11 proc.pid=11 evt.io_dir=read {client}"],
    ]


def test_a_process_block_comes_once_before_its_first_packet(tmp_path):
    """Apple's block, and option 8 with pid and tid, byte for byte."""
    now = time.time_ns()
    events = held(1, 1000, 2000, 11, now - 10**9)
    recording = Recording(pcap(tmp_path / "1", [(now + n, ethernet(udp(1000, 2000))) for n in range(3)]), events=events)
    recording.loop.gather(0)
    data = recording.loop.release(FOREVER, FOREVER)
    block = blocks.apple_process(pid=11, name="p11", path=None)
    assert data.startswith(block)
    assert data.count(block) == 1
    assert data.count(struct.pack("<HHII", 8, 8, 11, 12)) == 3
    assert data.count(struct.pack("<HHI", 0x8001, 4, 0)) == 3


def test_processes_are_described_in_order():
    """A skipped index is refused: it would put another's name on packets."""
    loop = Loop(Ledger(), waiting_limit_bytes=1 << 20)
    with pytest.raises(ValueError, match="0 expected"):
        loop.set_process(1, 5, b"", b"", b"")
