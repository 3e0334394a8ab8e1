"""Captures read from files, events, and the recording that the loop makes of them, as tshark reads it."""

from __future__ import annotations

import struct
import subprocess

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
    """A packet with its Ethernet header."""
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
            self.loop.set_process(
                index,
                pid,
                f"proc.name=p{pid} proc.pid={pid} ".encode(),
                b" user.uid=0",
                blocks.apple_process(pid=pid, name=f"p{pid}", path=None),
            )

    def read(self, tmp_path, *fields, cutoff=FOREVER, limit=FOREVER):
        """Rows of the released packets as tshark tells them; its stderr must be empty."""
        self.loop.gather(0)
        data = blocks.section_header(hardware="x", os="y", application="z", comment=None)
        for index in range(self.count):
            data += blocks.interface_description(
                name=f"i{index}",
                description=None,
                link_type=1,
                snap_length=262144,
                filter_text=None,
                speed=None,
                mac=None,
                addresses=(),
                os=None,
            )
        data += self.loop.release(cutoff, limit)
        path = tmp_path / "out.pcapng"
        path.write_bytes(data)
        command = [
            "tshark",
            "-n",
            "-r",
            str(path),
            "-T",
            "fields",
            "-E",
            "aggregator=|",
            *(word for field in fields for word in ("-e", field)),
        ]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        assert [line for line in result.stderr.splitlines() if "Running as user" not in line] == []
        return [line.split("\t") for line in result.stdout.splitlines()]
