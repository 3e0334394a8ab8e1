"""What others do to a file while it is recorded: a log rotation cuts it, it is deleted; each file that is left opens."""

from __future__ import annotations

import os
import shutil
import socket
import struct
import time
from pathlib import Path

import pytest
from captured import ENHANCED_PACKET, PROCESS_BLOCK, PROCESS_INDEX, SECTION_HEADER, read_blocks, read_packets
from command import Recording
from namespace import Namespace, run

pytestmark = pytest.mark.live

WAIT_SECONDS = 0.6
"""The hold-back, and some cycles."""


def talk(port: int) -> None:
    """One datagram on loopback and its answer."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
    ):
        one.bind(("127.0.0.1", port))
        two.sendto(b"ask", ("127.0.0.1", port))
        _, who = one.recvfrom(10)
        one.sendto(b"answer", who)
        two.recv(10)


def check_numbers(file: Path) -> None:
    """A packet's process number is that of a block before it that names the same process, or of none."""
    packets = iter(read_packets(file))
    named: list[int] = []
    for block in read_blocks(file):
        if block.kind == PROCESS_BLOCK:
            named.append(struct.unpack_from("<I", block.fixed)[0])
        elif block.kind == ENHANCED_PACKET:
            packet = next(packets)
            index = block.option(PROCESS_INDEX)
            owner = packet.writer or packet.reader
            assert index and owner
            number = struct.unpack("<I", index)[0]
            assert number >= len(named) or named[number] == owner.pid


@pytest.mark.parametrize("options", [(), ("-z",), ("proc.pid>0",)], ids=["plain", "gzip", "filter"])
def test_a_file_that_is_copied_and_cut(folder: Path, options: tuple[str, ...]) -> None:
    """copytruncate: the copy and what goes on both open from their start, with interfaces and processes."""
    file = folder / "t.pcapng"
    with Recording("-w", file, "--interface", "lo", "-f", "udp portrange 47001-47004", *options) as recording:
        for port in (47001, 47002):
            talk(port)
            time.sleep(WAIT_SECONDS + (1 if options == ("-z",) else 0))
        shutil.copyfile(file, folder / "t.pcapng.1")
        os.truncate(file, 0)
        for port in (47003, 47004):
            talk(port)
            time.sleep(WAIT_SECONDS)
        ended = recording.stop()
    assert ended.returncode == 0
    assert "recorded  8 packets" in ended.stderr
    for part, ports in ((folder / "t.pcapng.1", {47001, 47002}), (file, {47003, 47004})):
        packets = read_packets(part)
        assert len(packets) == 4
        assert {
            port for packet in packets for _, port in (packet.source, packet.destination) if 47000 < port < 47005
        } == ports
        assert all(packet.writer and packet.reader for packet in packets)
        assert read_blocks(part)[0].kind == SECTION_HEADER
        assert any(block.kind == PROCESS_BLOCK for block in read_blocks(part))
        check_numbers(part)


def test_a_file_that_is_deleted_is_told_of(folder: Path, namespace: Namespace) -> None:
    """Once, and while it records: who looks later finds nothing."""
    file = folder / "t.pcapng"
    with Recording("-w", file, "--interface", "lo", namespace=namespace) as recording:
        file.unlink()
        time.sleep(2.5)
        said = recording.said()[1]
        recording.stop()
    assert said.count("t.pcapng was deleted while recording") == 1
    assert not file.exists()


def test_a_full_disk_counts_the_bytes_it_kept(folder: Path, namespace: Namespace) -> None:
    """The bytes in the summary are those of the packets in the file."""
    small = folder / "small"
    small.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small)])
    try:
        sender = "import socket\ns=socket.socket(2,2)\nfor i in range(200): s.sendto(bytes(1000),('127.0.0.1',47009))"
        options = ("-f", "udp port 47009", "--interface", "lo")
        with Recording("-w", small / "t.pcapng", *options, namespace=namespace) as recording:
            run(namespace.command("python3", "-c", sender))
            ended = recording.wait(60)
        packets = read_packets(small / "t.pcapng")
        assert 0 < len(packets) < 200
        kept = sum(packet.length for packet in packets)
        assert ended.returncode == 1
        line = next(line for line in ended.stderr.splitlines() if line.startswith("recorded"))
        assert f"recorded  {len(packets)} packets of 200 seen ({kept / 1024:.2f}KB)" in line
    finally:
        run(["umount", str(small)])
