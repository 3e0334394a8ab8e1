"""A packet that never left its machine has two ends there, whether or not a process is known: a write and a read."""

from __future__ import annotations

import random
import struct
from pathlib import Path

import numpy as np
import pytest

from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Interface, Packets
from pcapdig.trace.rows import rows_of
from pcapdig.trace.trace import Trace

ETHERNET, SLL, SLL2 = 1, 113, 276
LOOPBACK, LOOPBACK_6 = bytes([127, 0, 0, 1]), bytes(15) + b"\1"
HERE, THERE = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
HERE_6, THERE_6 = b"\x20\x01\x0d\xb8" + bytes(11) + b"\1", b"\x20\x01\x0d\xb8" + bytes(10) + b"\1\2"


def ip(source: bytes, destination: bytes, source_port: int = 5000, destination_port: int = 80, size: int = 3) -> bytes:
    """A datagram of `size` bytes between these addresses."""
    udp = struct.pack(">HHHH", source_port, destination_port, 8 + size, 0) + bytes(size)
    if len(source) == 16:
        return struct.pack(">IHBB", 6 << 28, len(udp), 17, 64) + source + destination + udp
    return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 7, 0, 64, 17, 0) + source + destination + udp


def framed(link_type: int, packet: bytes, hardware: int = 1) -> bytes:
    """With the header of its link; `hardware` is that of a cooked capture."""
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\0"
    if link_type == SLL:
        return struct.pack(">HH", 0, hardware) + bytes(10) + kind + packet
    if link_type == SLL2:
        return kind + struct.pack(">HIHBB", 0, 1, hardware, 0, 6) + bytes(8) + packet
    return bytes(12) + kind + packet


def opened(tmp_path: Path, content: bytes) -> Packets:
    """The one batch of a capture."""
    path = tmp_path / "t.pcapng"
    path.write_bytes(blocks.section_header() + content)
    (packets,) = Trace().read(str(path))
    return packets


def capture(tmp_path: Path, frame: bytes, *, name: str = "eth0", link_type: int = ETHERNET) -> Packets:
    """One frame of an interface."""
    interface = blocks.interface_description(name=name, link_type=link_type)
    return opened(tmp_path, interface + blocks.enhanced_packet(interface=0, time_ns=1, data=frame))


LOCAL = {
    "loopback address": framed(ETHERNET, ip(LOOPBACK, bytes([127, 0, 0, 53]))),
    "to a loopback address": framed(ETHERNET, ip(HERE, LOOPBACK)),
    "the same address": framed(ETHERNET, ip(HERE, HERE)),
    "IPv6 loopback": framed(ETHERNET, ip(LOOPBACK_6, LOOPBACK_6)),
    "to the IPv6 loopback": framed(ETHERNET, ip(HERE_6, LOOPBACK_6)),
    "the same IPv6 address": framed(ETHERNET, ip(HERE_6, HERE_6)),
}


@pytest.mark.parametrize("case", LOCAL)
def test_addresses_that_stay_on_a_machine(tmp_path: Path, case: str) -> None:
    """127/8, ::1, and one address at both ends: two rows, of which the write is the sender's."""
    rows = rows_of(capture(tmp_path, LOCAL[case]))
    assert (rows.is_write.tolist(), rows.process.tolist()) == ([True, False], [-1, -1])


@pytest.mark.parametrize(
    "addresses", [(HERE, THERE), (HERE_6, THERE_6), (bytes([128, 0, 0, 1]), HERE), (b"\x7e\0\0\1", THERE)]
)
def test_other_addresses_are_of_two_machines(tmp_path: Path, addresses: tuple[bytes, bytes]) -> None:
    """One row, as before."""
    assert len(rows_of(capture(tmp_path, framed(ETHERNET, ip(*addresses))))) == 1


@pytest.mark.parametrize(
    ("name", "count"),
    [("lo", 2), ("lo0", 2), (r"\Device\NPF_Loopback", 2), ("lo1", 2), ("low", 1), ("eth0", 1), ("lowpan0", 1), ("", 1)],
)
def test_interfaces_that_are_loopbacks(tmp_path: Path, name: str, count: int) -> None:
    """Named so by Linux, the BSDs, macOS or Npcap: whatever the addresses are."""
    assert len(rows_of(capture(tmp_path, framed(ETHERNET, ip(HERE, THERE)), name=name))) == count


@pytest.mark.parametrize("link_type", [SLL, SLL2])
@pytest.mark.parametrize(("hardware", "count"), [(772, 2), (1, 1)])
def test_cooked_captures_say_which_packets_passed_the_loopback(
    tmp_path: Path, link_type: int, hardware: int, count: int
) -> None:
    """ARPHRD_LOOPBACK, 772, though the interface is "any"."""
    frame = framed(link_type, ip(HERE, THERE), hardware)
    assert len(rows_of(capture(tmp_path, frame, name="any", link_type=link_type))) == count


def test_what_is_no_ip_has_no_ends(tmp_path: Path) -> None:
    """ARP on a loopback is one row as elsewhere."""
    assert len(rows_of(capture(tmp_path, bytes(12) + b"\x08\x06" + bytes(28), name="lo"))) == 1


def test_the_end_that_is_known_keeps_its_process(tmp_path: Path) -> None:
    """The other one has a row without."""
    comment = comments.line(Process(name="curl", pid=7), is_write=False, evidence="socket")
    content = blocks.interface_description(name="lo", link_type=ETHERNET) + blocks.enhanced_packet(
        interface=0, time_ns=1, data=LOCAL["the same address"], comments=(comment,)
    )
    rows = rows_of(opened(tmp_path, content))
    assert (rows.is_write.tolist(), rows.process.tolist()) == ([True, False], [-1, 0])


def test_the_direction_stays_what_the_packet_says(tmp_path: Path) -> None:
    """In its lower two bits."""
    content = blocks.interface_description(name="lo", link_type=ETHERNET) + b"".join(
        blocks.enhanced_packet(interface=0, time_ns=1, data=LOCAL["loopback address"], flags=flags) for flags in (1, 2)
    )
    packets = opened(tmp_path, content)
    assert packets.direction.tolist() == [1 | 4, 2 | 4]
    assert rows_of(packets).is_write.tolist() == [True, False] * 2


@pytest.mark.parametrize("seed", range(20))
def test_both_ends_are_a_write_and_a_read_of_opposite_roles(tmp_path: Path, seed: int) -> None:
    """Any packets, local or not, with processes at any ends: rows, and the sums made without them, agree."""
    chosen = random.Random(seed)
    content, local = b"", []
    links = [("lo", ETHERNET), ("eth0", ETHERNET), ("any", SLL2)]
    for name, link_type in links:
        content += blocks.interface_description(name=name, link_type=link_type)
    for i in range(60):
        interface = chosen.randrange(3)
        pair = [LOOPBACK, HERE, THERE] if chosen.random() < 0.7 else [LOOPBACK_6, HERE_6, THERE_6]
        source, destination = chosen.choices(pair, k=2)
        hardware = chosen.choice([1, 772])
        ports = (5000 + chosen.randrange(3), 80) if chosen.random() < 0.5 else (80, 5000 + chosen.randrange(3))
        frame = framed(links[interface][1], ip(source, destination, *ports, size=chosen.randrange(50)), hardware)
        texts = [
            comments.line(Process(name="p", pid=pid), is_write=is_write, evidence="socket")
            for pid, is_write in ((1, True), (2, False))
            if chosen.random() < 0.3
        ]
        content += blocks.enhanced_packet(
            interface=interface, time_ns=i, data=frame, comments=texts, flags=chosen.randrange(3)
        )
        loopbacks = (LOOPBACK, LOOPBACK_6)
        local.append(
            interface == 0
            or (interface == 2 and hardware == 772)
            or source == destination
            or source in loopbacks
            or destination in loopbacks
            or len(texts) == 2
        )
    packets = opened(tmp_path, content)
    rows = rows_of(packets)
    for i, is_local in enumerate(local):
        mine = np.flatnonzero(rows.packet == i)
        assert len(mine) == 1 + is_local
        if is_local:
            assert rows.is_write[mine].tolist() == [True, False]
            assert sorted(rows.is_client[mine].tolist()) == [False, True]
    trace = Trace()
    list(trace.sum_up([str(tmp_path / "t.pcapng")]))
    by_process = np.frombuffer(trace.sums().by_process, np.int64)
    expected = np.zeros(len(by_process), np.int64)
    np.add.at(expected, rows.process + 1, rows.size)
    assert by_process.tolist() == expected.tolist()


def test_names_of_loopbacks() -> None:
    """An interface without a name is none."""
    assert [Interface(name=name).is_loopback for name in (None, "lo", "lo12", "lo1a")] == [False, True, True, False]
