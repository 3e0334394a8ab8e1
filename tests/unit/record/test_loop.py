"""The record loop on captures read from files: order, hold-back, blocks as tshark reads them."""

from __future__ import annotations

import struct
import subprocess
import time

import pytest

from pcapdig.attribution._ledger import Ledger
from pcapdig.capture._pcap import Capture
from pcapdig.pcapng import blocks
from pcapdig.record._loop import Loop, boot_offset_ns

ETHERNET, RAW, SLL = 1, 101, 113
FOREVER = 1 << 62
LOCAL, PEER = bytes([127, 0, 0, 1]), bytes([127, 0, 0, 1])


def udp(source_port, destination_port, payload=b"data"):
    """An IPv4 UDP packet without link header; checksums 0."""
    total = 28 + len(payload)
    return (
        struct.pack("!BBHHHBBH4s4s", 0x45, 0, total, 7, 0, 64, 17, 0, LOCAL, PEER)
        + struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0)
        + payload
    )


def ethernet(packet, source=b"\0" * 6, destination=b"\0" * 6):
    return destination + source + b"\x08\0" + packet


def pcap(path, packets, link_type=ETHERNET):
    """A nanosecond pcap file of (time_ns, bytes)."""
    records = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link_type)]
    for time_ns, packet in packets:
        records.append(struct.pack("<IIII", time_ns // 10**9, time_ns % 10**9, len(packet), len(packet)) + packet)
    path.write_bytes(b"".join(records))
    return Capture.from_file(str(path))


def held(cookie, local_port, remote_port, pid, time_ns):
    """A snapshot event: process pid holds this UDP socket (probe/events.h)."""
    address = b"\0" * 10 + b"\xff\xff" + LOCAL
    return (
        struct.pack("=HHIQ", 2, 120, 1, time_ns - boot_offset_ns())
        + struct.pack("=QQIIHHBBBB16s16s", cookie, 0, 0, 0, local_port, remote_port, 17, 1, 2, 2, address, address)
        + struct.pack("=IIIIQ16s", pid, pid + 1, 0, 0, 0, b"p")
    )


class Recording:
    """A loop over captures, and the file it makes."""

    def __init__(self, *captures, events=b"", loopback=True, mac=None):
        self.ledger = Ledger()
        self.loop = Loop(self.ledger, waiting_limit_bytes=256 << 20)
        self.count = len(captures)
        for capture in captures:
            self.loop.add_capture(capture, loopback=loopback, mac=mac)
        self.loop.set_window(0, FOREVER)
        self.loop.take_events(events)
        for index in range(self.ledger.process_count):
            pid = self.ledger.process(index)["tgid"]
            self.loop.set_process(index, pid, f"proc.name=p{pid} proc.pid={pid} ".encode(), b" user.uid=0", blocks.apple_process(pid=pid, name=f"p{pid}", path=None))

    def read(self, tmp_path, *fields, cutoff=FOREVER, limit=FOREVER):
        """Rows of the released packets as tshark tells them; its stderr must be empty."""
        self.loop.gather(0)
        data = blocks.section_header(hardware="x", os="y", application="z", comment=None)
        for index in range(self.count):
            data += blocks.interface_description(name=f"i{index}", description=None, link_type=1, snap_length=262144, filter_text=None, speed=None, mac=None, addresses=(), os=None)
        data += self.loop.release(cutoff, limit)
        path = tmp_path / "out.pcapng"
        path.write_bytes(data)
        command = ["tshark", "-n", "-r", str(path), "-T", "fields", "-E", "aggregator=|", *(word for field in fields for word in ("-e", field))]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert [line for line in result.stderr.splitlines() if "Running as user" not in line] == []
        return [line.split("\t") for line in result.stdout.splitlines()]


def test_packets_of_two_interfaces_come_in_time_order(tmp_path):
    """Interleaved and locally swapped time stamps are sorted, to the ns."""
    one = pcap(tmp_path / "1", [(10**18 + n, ethernet(udp(1, 2))) for n in (1, 5, 3, 9)])
    two = pcap(tmp_path / "2", [(10**18 + n, ethernet(udp(1, 2))) for n in (2, 8, 4)])
    rows = Recording(one, two).read(tmp_path, "frame.time_epoch", "frame.interface_name")
    assert rows == [[f"1000000000.00000000{n}", name] for n, name in ((1, "i0"), (2, "i1"), (3, "i0"), (4, "i1"), (5, "i0"), (8, "i1"), (9, "i0"))]


def test_only_what_is_old_enough_is_released(tmp_path):
    """The cut-off, and the limit on packets, leave the rest waiting."""
    recording = Recording(pcap(tmp_path / "1", [(10**18 + n, ethernet(udp(1, 2))) for n in range(10)]))
    assert len(recording.read(tmp_path, "frame.number", cutoff=10**18 + 4)) == 5
    assert len(recording.read(tmp_path, "frame.number", limit=2)) == 2
    assert recording.loop.waiting_packets == 3
    assert recording.loop.packets == 7


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
            "proc.name=p11 proc.pid=11 evt.io_dir=write evidence=snapshot user.uid=0|proc.name=p22 proc.pid=22 evt.io_dir=read evidence=snapshot user.uid=0",
            "0x00000001",
            str(len(packet)),
            b"odd".hex(),
        ]
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


@pytest.mark.parametrize(("link_type", "head"), [(RAW, b""), (SLL, struct.pack("!HHH8sH", 0, 1, 6, b"\2\0\0\0\0\1", 0x0800))])
def test_other_link_types_become_ethernet(tmp_path, link_type, head):
    """A raw or cooked packet gets an Ethernet header, so that one file has one link type."""
    rows = Recording(pcap(tmp_path / "1", [(5, head + udp(1000, 2000))], link_type)).read(
        tmp_path, "udp.srcport", "frame.protocols", "eth.src"
    )
    assert rows == [["1000", "eth:ethertype:ip:udp:data", "02:00:00:00:00:01" if head else "00:00:00:00:00:00"]]


def test_directions_follow_the_interfaces_address(tmp_path):
    """Sent, received, broadcast, multicast, and a packet for another station."""
    mine, other = b"\2\0\0\0\0\1", b"\2\0\0\0\0\2"
    pairs = [(mine, other), (other, mine), (other, b"\xff" * 6), (other, b"\1\0\x5e\0\0\1"), (other, b"\2\0\0\0\0\3")]
    packets = [(n, ethernet(udp(1, 2), source, destination)) for n, (source, destination) in enumerate(pairs)]
    rows = Recording(pcap(tmp_path / "1", packets), loopback=False, mac=mine).read(tmp_path, "frame.packet_flags")
    assert [int(row[0], 16) for row in rows] == [2, 1 | 1 << 2, 1 | 3 << 2, 1 | 2 << 2, 1 | 4 << 2]


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


def test_processes_are_described_in_order():
    """A skipped index is refused: it would put another's name on packets."""
    loop = Loop(Ledger(), waiting_limit_bytes=1 << 20)
    with pytest.raises(ValueError, match="0 expected"):
        loop.set_process(1, 5, b"", b"", b"")
