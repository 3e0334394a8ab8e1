"""The line about packets that belong to no connection: said where silence would mislead, and nowhere else."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from pcapdig.pcapng import blocks

Run = Callable[..., "Ended"]  # noqa: F821  # of conftest.py, which tests cannot import
pytestmark = pytest.mark.usefixtures("folder")

ARP, LLDP = bytes(12) + b"\x08\x06" + bytes(28), bytes(12) + b"\x88\xcc" + bytes(28)
HERE, THERE = b"\xc0\0\2\1", b"\xc0\0\2\2"


def ip(protocol: int, inside: bytes, *, fragment: int = 0) -> bytes:
    """An Ethernet frame with an IPv4 packet."""
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(inside), 7, fragment, 64, protocol, 0)
    return bytes(12) + b"\x08\0" + head + HERE + THERE + inside


def udp(port: int, inside: bytes) -> bytes:
    """A datagram to a port."""
    return struct.pack(">HHHH", 5000, port, 8 + len(inside), 0) + inside


QUERY = ip(17, udp(9999, b"hello"))
GRE = ip(47, b"\0\0\x08\0" + QUERY[14:])
VXLAN = ip(17, udp(4789, b"\x08" + bytes(7) + QUERY))
CUT = QUERY[:36]
LATER = ip(17, bytes(8), fragment=1)
ICMP, IGMP = ip(1, b"\x03\3" + bytes(6)), ip(2, bytes(8))


def write(folder: Path, *frames: bytes, link_type: int = 1) -> None:
    """t.pcapng with these packets, wholly captured; the one that is cut was longer."""
    content = blocks.section_header() + blocks.interface_description(name="eth0", link_type=link_type)
    for i, frame in enumerate(frames):
        content += blocks.enhanced_packet(interface=0, time_ns=i, data=frame, original_length=max(len(frame), 60))
    (folder / "t.pcapng").write_bytes(content)


def note(run: Run, *words: str) -> str:
    """What is said on stderr, and that nothing else is changed by it."""
    ended = run("-r", "t.pcapng", *words)
    assert ended.status == 0
    return ended.err.removeprefix("note: ").rstrip("\n")


@pytest.mark.parametrize("chisel", ["topconns", "conns", "topprocs_net", "echo_fds"])
def test_a_chisel_says_which_packets_it_could_not_use(run: Run, folder: Path, chisel: str) -> None:
    """In both lanes, summed and by columns, the same: the largest number first."""
    write(folder, ARP, QUERY, LLDP, ARP, CUT, LATER, GRE, VXLAN, VXLAN)
    assert note(run, "-c", chisel) == (
        "5 of 9 packets belong to no connection: 2 ARP, 1 LLDP, 1 UDP cut before its ports, 1 fragments without the first one; "
        "3 are in tunnels, which --decap looks into: 2 VXLAN, 1 GRE"
    )


def test_an_opened_tunnel_is_not_told(run: Run, folder: Path) -> None:
    """With --decap its packets belong to the connections inside."""
    write(folder, GRE, VXLAN, QUERY)
    assert note(run, "-c", "topconns").startswith("2 of 3 packets are in tunnels")
    assert note(run, "--decap", "-c", "topconns") == ""


@pytest.mark.parametrize("frames", [(QUERY, ICMP, IGMP), (QUERY,), ()])
def test_nothing_is_said_of_packets_that_have_a_connection(run: Run, folder: Path, frames: tuple[bytes, ...]) -> None:
    """ICMP and IGMP are conversations of two addresses here."""
    write(folder, *frames)
    assert note(run, "-c", "topconns") == ""


def test_a_filter_hears_only_of_what_may_hide_a_connection(run: Run, folder: Path) -> None:
    """ARP could not have passed; a cut packet and one in a tunnel could."""
    write(folder, ARP, QUERY, CUT, GRE)
    assert note(run, "-c", "topconns", "fd.port=9999") == (
        "1 of 4 packets belongs to no connection: 1 UDP cut before its ports; 1 is in a tunnel, which --decap looks into: 1 GRE"
    )
    write(folder, ARP, QUERY)
    assert note(run, "-c", "topconns", "fd.port=9999") == ""


def test_lines_of_all_packets_show_them_already(run: Run, folder: Path) -> None:
    """Without a chisel each packet is a line."""
    write(folder, ARP, QUERY)
    assert note(run) == ""
    write(folder, ARP, CUT)
    assert note(run) == "1 of 2 packets belongs to no connection: 1 UDP cut before its ports"


@pytest.mark.parametrize("words", [["-q"], ["-n", "1"], ["-q", "-c", "topconns"]])
def test_quiet_and_limited_digs_say_nothing(run: Run, folder: Path, words: list[str]) -> None:
    """-q asks for it; -n has not seen all packets."""
    write(folder, ARP, CUT, GRE)
    assert note(run, *words) == ""


def test_many_kinds_are_one_line(run: Run, folder: Path) -> None:
    """Six by name, the rest by number."""
    kinds = [bytes(12) + struct.pack(">H", 0x9900 + i) + bytes(28) for i in range(20)]
    write(folder, *kinds, *[ARP] * 1200)
    said = note(run, "-c", "topconns")
    assert said.startswith("1,220 of 1,220 packets belong to no connection: 1,200 ARP, 1 EtherType 0x9900, ")
    assert said.endswith(", 15 others")
    assert said.count(",") == 3 + 6


def test_a_fragment_that_finds_its_first_one_later_is_not_told(run: Run, folder: Path) -> None:
    """It belongs to that connection, wherever it came."""
    whole = udp(9999, bytes(16))
    write(folder, ip(17, whole[16:], fragment=2), ip(17, whole[:16], fragment=0x2000))
    assert note(run, "-c", "conns") == note(run, "-c", "topconns") == ""


def test_a_damaged_file_says_both(run: Run, folder: Path) -> None:
    """The note, then the error."""
    write(folder, ARP, QUERY)
    path = folder / "t.pcapng"
    path.write_bytes(path.read_bytes()[:-3])
    ended = run("-r", "t.pcapng", "-c", "topconns")
    lines = ended.err.splitlines()
    assert (ended.status, len(lines)) == (1, 2)
    assert lines[0] == "note: 1 of 1 packets belongs to no connection: 1 ARP"


def test_a_file_that_is_not_as_it_should_be_is_named(run: Run, folder: Path) -> None:
    """In both lanes, and copied too; what is read of it is all there is."""
    old = struct.pack("<I", 0xA1B2C3D4) + struct.pack(">HH", 2, 4) + struct.pack("<iIII", 0, 0, 65535, 1)
    (folder / "old.pcap").write_bytes(old + struct.pack("<IIII", 1, 0, len(QUERY), len(QUERY)) + QUERY)
    for words in (["-c", "topconns"], ["-c", "conns"], []):
        ended = run("-r", "old.pcap", *words)
        assert (0, "note: old.pcap: its version is written in the other byte order: read as 2.4\n") == (
            ended.status,
            ended.err,
        )
    assert run("-r", "old.pcap", "-w", "new.pcapng").status == 0
    assert "5B" in run("-r", "new.pcapng", "-c", "topconns").out
