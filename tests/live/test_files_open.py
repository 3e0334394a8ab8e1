"""Every file that a recording can leave behind opens in tshark, capinfos and tcpdump without a word, and says what DESIGN says.

However the recording ends: by Ctrl-C, SIGTERM, -n, kill -9 at any moment, a full disk, an interface that goes away.
"""

from __future__ import annotations

import gzip
import itertools
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from captured import (
    COMMENT,
    ENHANCED_PACKET,
    INTERFACE_DESCRIPTION,
    INTERFACE_STATISTICS,
    PACKET_FLAGS,
    PROCESS_AND_THREAD,
    PROCESS_BLOCK,
    PROCESS_INDEX,
    SECTION_HEADER,
    Block,
    Packet,
    quiet,
    read_blocks,
    read_packets,
    summarise,
)
from command import Finished, Recording, environment, pcapdig
from namespace import Namespace, connect, run
from program import SETTLE_SECONDS, program, send

pytestmark = pytest.mark.live

HOLD_BACK_SECONDS, FLUSH_SECONDS = 0.2, 1.0
IF_TSRESOL = 9


@contextmanager
def chatter(namespace: Namespace, *arguments: str) -> Iterator[None]:
    """Steady traffic inside the namespace."""
    command = namespace.command(sys.executable, "-B", Path(__file__).with_name("chatter.py"), *arguments)
    running = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield
    finally:
        assert running.stdin
        running.stdin.close()
        try:
            running.wait(10)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def opened(file: Path, *, is_complete: bool = True) -> list[Packet]:
    """The packets of a file, after every reader and the block reader have been satisfied with it.

    `is_complete`: the recording ended in order, so statistics close the file.
    """
    packets = read_packets(file)
    said = summarise(file)
    assert (said.packets, said.strict_order) == (len(packets), True)
    assert (said.precision, said.encapsulation) == ("nanoseconds (9)", "ether")
    plain = file.read_bytes()
    if plain.startswith(b"\x1f\x8b"):
        plain = gzip.decompress(plain)  # tcpdump does not
    assert len(quiet(["tcpdump", "-nn", "-t", "-q", "-r", "-"], plain).splitlines()) >= len(packets)
    blocks = read_blocks(file)
    check_blocks(blocks, packets)
    assert (blocks[-1].kind == INTERFACE_STATISTICS) == is_complete
    return packets


def check_blocks(blocks: list[Block], packets: list[Packet]) -> None:
    """Section and interfaces first; nanoseconds; each packet's options as DESIGN's "On disk" has them."""
    assert blocks[0].kind == SECTION_HEADER
    interfaces = [block for block in blocks if block.kind == INTERFACE_DESCRIPTION]
    assert interfaces
    assert all(block.option(IF_TSRESOL) == b"\x09" for block in interfaces)
    assert len({block.fixed for block in interfaces}) == 1  # libpcap wants one link type and snap length
    process_ids: list[int] = []
    written = iter(packets)
    for block in blocks:
        if block.kind == PROCESS_BLOCK:
            process_ids.append(struct.unpack_from("<I", block.fixed)[0])
        if block.kind == ENHANCED_PACKET:
            check_packet(block, next(written), process_ids)
    assert next(written, None) is None


def check_packet(block: Block, packet: Packet, process_ids: list[int]) -> None:
    """Direction; a comment for each local end; the process id of the sender's end, else the receiver's, natively too."""
    flags = struct.unpack("<I", block.option(PACKET_FLAGS) or b"")[0]
    assert flags & 3 == packet.direction
    assert flags & 3 in (1, 2), f"packet {packet.number} has no direction"
    comments = [value for code, value in block.options if code == COMMENT]
    assert len(comments) == len(packet.ends) <= 2
    assert len({end.is_writer for end in packet.ends}) == len(packet.ends)
    owner = packet.writer or packet.reader
    native = block.option(PROCESS_AND_THREAD)
    index = block.option(PROCESS_INDEX)
    if owner is None:
        assert native is None or native[:4] == bytes(4)
        return
    assert native
    assert struct.unpack("<II", native)[0] == owner.pid
    if index is not None:
        assert process_ids[struct.unpack("<I", index)[0]] == owner.pid


def one_complaint(ended: Finished, *words: str) -> None:
    """The recording failed with one line that has those words, and nothing like a traceback."""
    assert ended.returncode == 1, ended
    assert "Traceback" not in ended.stderr
    told = [line for line in ended.stderr.splitlines() if all(word in line for word in words)]
    assert len(told) == 1, ended.stderr


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_ended_by_signal(end: signal.Signals, compress: bool, folder: Path, namespace: Namespace) -> None:
    """Ctrl-C and SIGTERM are the ordinary end: exit status 0 and all that was sent before it is in the file."""
    file = folder / "out.pcapng"
    options = ["-z"] if compress else []
    with Recording("-w", file, *options, namespace=namespace) as recording:
        with program(folder, "prefork", namespace=namespace) as running:
            running.go()
            running.finish()
        time.sleep(SETTLE_SECONDS)
        ended = recording.stop(end)
    assert ended.returncode == 0, ended
    packets = opened(file)
    assert file.read_bytes().startswith(b"\x1f\x8b") == compress
    assert sum(packet.tcp_flags & 0x12 == 0x02 for packet in packets) == 61
    assert f"recorded  {len(packets):,} packets" in ended.stderr


def test_ended_by_ctrl_c_at_once(folder: Path, namespace: Namespace) -> None:
    """A recording without a packet is a file too."""
    with Recording("-w", folder / "none.pcapng", namespace=namespace) as recording:
        ended = recording.stop()
    assert ended.returncode == 0, ended
    assert read_packets(folder / "none.pcapng") == []
    assert [block.kind for block in read_blocks(folder / "none.pcapng")] == [
        SECTION_HEADER,
        INTERFACE_DESCRIPTION,
        INTERFACE_STATISTICS,
    ]


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_ended_by_number(compress: bool, folder: Path, namespace: Namespace) -> None:
    """-n 101 leaves 101 packets."""
    file = folder / "out.pcapng"
    with (
        chatter(namespace, "127.0.0.1"),
        Recording("-w", file, "-n", "101", *(["-z"] if compress else []), namespace=namespace) as recording,
    ):
        ended = recording.wait()
    assert ended.returncode == 0, ended
    assert len(opened(file)) == 101


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("after_ms", [3, 97, 503, 1009, 1493, 2111, 2503])
def test_killed(after_ms: int, compress: bool, folder: Path, namespace: Namespace) -> None:
    """kill -9 at any moment: the file opens, and holds all but the last moments."""
    file = folder / "out.pcapng"
    with (
        chatter(namespace, "127.0.0.1"),
        Recording("-w", file, *(["-z"] if compress else []), namespace=namespace) as recording,
    ):
        time.sleep(after_ms / 1000)
        killed_ns = time.time_ns()
        recording.stop(signal.SIGKILL)
    packets = opened(file, is_complete=False)
    spared_seconds = FLUSH_SECONDS + HOLD_BACK_SECONDS + 0.5  # and half a second for a machine that is busy
    if after_ms / 1000 > spared_seconds:
        assert packets[-1].time_ns > killed_ns - spared_seconds * 1e9


def test_file_has_its_head_at_once(folder: Path, namespace: Namespace) -> None:
    """Section and interfaces are on disk as soon as the recording says it has begun."""
    with Recording("-w", folder / "out.pcapng", namespace=namespace):
        kinds = [block.kind for block in read_blocks(folder / "out.pcapng")]
    assert kinds == [SECTION_HEADER, INTERFACE_DESCRIPTION]


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "gzip"])
def test_full_disk(compress: bool, folder: Path, namespace: Namespace) -> None:
    """A full disk ends the recording with one clear line, and the file ends with a whole block."""
    small = folder / "small"
    small.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(small)])
    try:
        with chatter(namespace, "--bulk", "127.0.0.1"):
            options = ["-z"] if compress else []
            if compress:
                # What compresses a thousandfold takes long to fill a disk: leave little room.
                (small / "ballast").write_bytes(bytes(4_100_000))
            with Recording("-w", small / "out.pcapng", *options, namespace=namespace) as recording:
                ended = recording.wait(60)
        one_complaint(ended, "out.pcapng", "No space left on device")
        packets = opened(small / "out.pcapng", is_complete=False)
        assert f"recorded  {len(packets):,} packets" in ended.stderr
    finally:
        run(["umount", str(small)])


def test_interface_that_goes_away(folder: Path) -> None:
    """A named interface that is deleted ends the recording with one clear line and a whole file."""
    with Namespace("left") as near, Namespace("right") as far:
        interface, _ = connect(near, far, left_address="10.98.0.1/24", right_address="10.98.0.2/24")
        command = ["-w", folder / "out.pcapng", "--interface", interface]
        with Recording(*command, namespace=near, interfaces=[interface]) as recording:
            for number in range(13):
                send(near, f"farewell {number}", "10.98.0.2")
            time.sleep(SETTLE_SECONDS)
            near.ip("link", "delete", interface)
            ended = recording.wait()
    one_complaint(ended, interface, "went away")
    packets = opened(folder / "out.pcapng")
    assert sum(packet.udp_payload.startswith(b"farewell") for packet in packets) == 13


def test_another_interface_that_goes_away(folder: Path) -> None:
    """One of all interfaces is deleted: the others go on being recorded, and the summary says so."""
    with Namespace("left") as near, Namespace("right") as far:
        interface, _ = connect(near, far, left_address="10.98.0.1/24", right_address="10.98.0.2/24")
        with Recording("-w", folder / "out.pcapng", namespace=near, interfaces=["lo", interface]) as recording:
            near.ip("link", "delete", interface)
            time.sleep(0.5)
            with chatter(near, "127.0.0.1"):
                time.sleep(0.5)
            time.sleep(SETTLE_SECONDS)
            ended = recording.stop()
    assert ended.returncode == 0, ended
    assert f"interface {interface} went away" in ended.stderr
    assert sum(packet.interface == "lo" for packet in opened(folder / "out.pcapng")) > 10


def test_directions_and_order_on_two_interfaces(folder: Path) -> None:
    """Sent is outbound, received is inbound, and packets of two interfaces stand in the order of time."""
    with Namespace("left") as near, Namespace("right") as far:
        interface, _ = connect(near, far, left_address="10.98.0.1/24", right_address="10.98.0.2/24")
        with Recording("-w", folder / "out.pcapng", namespace=near, interfaces=["lo", interface]) as recording:
            with (
                chatter(near, "127.0.0.1"),
                program(folder, "serve_at", "10.98.0.2", "7007", namespace=far) as server,
                program(folder, "ask_at", "10.98.0.2", "7007", namespace=near) as client,
            ):
                server.go()
                client.go()
                client.finish()
                server.finish()
            time.sleep(SETTLE_SECONDS)
            assert recording.stop().returncode == 0
    packets = opened(folder / "out.pcapng")
    crossing = [packet for packet in packets if packet.interface == interface and packet.protocol in ("tcp", "udp")]
    assert {(packet.source[0], packet.direction) for packet in crossing} == {("10.98.0.1", 2), ("10.98.0.2", 1)}
    assert {packet.direction for packet in packets if packet.interface == "lo"} <= {1, 2}
    assert len([key for key, _ in itertools.groupby(packets, key=lambda packet: packet.interface)]) > 3


def test_each_loopback_packet_is_there_once(folder: Path, namespace: Namespace) -> None:
    """The kernel shows a loopback packet twice, on its way out and in; the file has it once."""
    with Recording("-w", folder / "out.pcapng", namespace=namespace) as recording:
        for number in range(11):
            send(namespace, f"once {number}", "127.0.0.1")
        time.sleep(SETTLE_SECONDS)
        assert recording.stop().returncode == 0
    payloads = [packet.udp_payload for packet in opened(folder / "out.pcapng") if packet.udp_payload]
    assert sorted(payloads) == sorted(f"once {number}".encode() for number in range(11))


def test_filter_at_the_end_keeps_one_process(folder: Path, namespace: Namespace) -> None:
    """`-w FILE proc.name=client1` keeps that process's packets, all of them, and no others."""
    file = folder / "out.pcapng"
    with Recording("-w", file, "proc.name=client1", namespace=namespace) as recording:
        with program(folder, "prefork", namespace=namespace) as running:
            running.go()
            running.finish()
        time.sleep(SETTLE_SECONDS)
        ended = recording.stop()
    assert ended.returncode == 0, ended
    packets = opened(file)
    assert all("client1" in {end.name for end in packet.ends} for packet in packets)
    assert sum(packet.tcp_flags & 0x12 == 0x02 for packet in packets) == 19
    assert f"recorded  {len(packets):,} packets" in ended.stderr


def test_capture_filter_and_snap_length(folder: Path, namespace: Namespace) -> None:
    """-f keeps what the BPF expression says, -s so many bytes of each."""
    file = folder / "out.pcapng"
    with (
        chatter(namespace, "127.0.0.1"),
        Recording("-w", file, "-f", "tcp", "-s", "97", namespace=namespace) as recording,
    ):
        time.sleep(0.7)
        assert recording.stop().returncode == 0
    packets = opened(file)
    assert {packet.protocol for packet in packets} == {"tcp"}
    assert max(packet.captured for packet in packets) == 97 < max(packet.length for packet in packets)


def test_written_to_a_pipe(folder: Path, namespace: Namespace) -> None:
    """`pcapdig -w - | tcpdump -r -`: packets come while it records."""
    recorder = namespace.command(*pcapdig("-w", "-", "-n", "101", "-q"))
    with (
        chatter(namespace, "127.0.0.1"),
        subprocess.Popen(recorder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as recording,
    ):
        read = subprocess.run(
            ["tcpdump", "-nn", "-t", "-q", "-r", "-"],
            stdin=recording.stdout,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert recording.stderr
        said = recording.stderr.read()
    assert (recording.returncode, read.returncode) == (0, 0), (said, read.stderr)
    assert len(read.stdout.splitlines()) == 101


def test_comments_survive_a_rewrite(folder: Path, namespace: Namespace) -> None:
    """editcap, as Wireshark's Save As, keeps who sent what."""
    file, copy = folder / "out.pcapng", folder / "copy.pcapng"
    with chatter(namespace, "127.0.0.1"), Recording("-w", file, "-n", "211", namespace=namespace) as recording:
        assert recording.wait().returncode == 0
    quiet(["editcap", str(file), str(copy)])
    assert [packet.ends for packet in read_packets(copy)] == [packet.ends for packet in opened(file)]


def test_hostile_names_and_arguments(folder: Path, namespace: Namespace) -> None:
    """Process names and arguments may hold anything: quotes, escapes, line breaks, bytes that are no text, 100 kB."""
    name = b'a "b\\\x1b[1m\n=\xff'
    interpreter = os.fsencode(folder) + b"/" + name
    os.symlink(os.path.realpath(sys.executable), interpreter)
    words = "import socket; socket.socket(2, 2).sendto(b'hostile', ('127.0.0.1', 9))"
    arguments = [b"\x1b]0;title\x07", b"two\nlines\r", b"\xfe\xff", b'"', b"", "schön €".encode(), b"x" * 100_000]
    with Recording("-w", folder / "out.pcapng", namespace=namespace) as recording:
        command = [*map(os.fsencode, namespace.command()), interpreter, b"-c", words.encode(), *arguments]
        subprocess.run(command, check=True, timeout=30)
        time.sleep(SETTLE_SECONDS)
        assert recording.stop().returncode == 0
    (sent,) = [packet for packet in opened(folder / "out.pcapng") if packet.udp_payload == b"hostile"]
    assert sent.writer
    assert sent.writer.name.startswith('a "b\\')
    assert len(sent.writer.values["proc.cmdline"].encode()) <= 512


def test_command_lines_can_be_left_out(folder: Path, namespace: Namespace) -> None:
    """--no-cmdline: no packet's comment has one."""
    with (
        chatter(namespace, "127.0.0.1"),
        Recording("-w", folder / "out.pcapng", "-n", "53", "--no-cmdline", namespace=namespace) as recording,
    ):
        assert recording.wait().returncode == 0
    packets = opened(folder / "out.pcapng")
    assert any(packet.ends for packet in packets)
    assert not any("proc.cmdline" in end.keys for packet in packets for end in packet.ends)
