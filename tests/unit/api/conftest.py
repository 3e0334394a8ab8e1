"""Real captures, what tshark says of them, and small files made by hand."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from command import environment

from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process

ROOT = Path(__file__).resolve().parents[3]
LAMP = ROOT / "fixtures" / "lamp.pcapng.gz"
CAPTURES = (LAMP, *sorted((ROOT / "tests" / "unit" / "protocols" / "captures").glob("*.pcap.gz")))
START_NS = 1_700_000_000_123_456_789

Tshark = Callable[..., list[list[str]]]


def tshark_fields(path: Path, *fields: str, where: str = "") -> list[list[str]]:
    """A list of values for each packet, as tshark reads them; sequence numbers as they are on the wire."""
    command = [
        "tshark",
        "-n",
        "-r",
        str(path),
        "-o",
        "tcp.relative_sequence_numbers:FALSE",
        "-T",
        "fields",
        "-E",
        "separator=/t",
    ]
    command += ["-E", "occurrence=f", *(["-Y", where] if where else [])]
    command += [part for field in fields for part in ("-e", field)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return [line.split("\t") for line in done.stdout.splitlines()]


@pytest.fixture(name="tshark")
def _tshark() -> Tshark:
    return tshark_fields


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., str]:
    """`python(code, argument, ...)` is what a program prints that runs in a process and a folder of its own."""

    def run(code: str, *arguments: object, input: bytes = b"") -> str:
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            input=input,
            capture_output=True,
            cwd=tmp_path,  # the checkout must not hide the package that is installed
            env=environment(),
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    return run


@pytest.fixture(name="lamp")
def _lamp() -> Path:
    return LAMP


@pytest.fixture(params=CAPTURES, ids=lambda path: path.name.split(".")[0])
def capture(request: pytest.FixtureRequest) -> Path:
    """Each real capture in turn."""
    path: Path = request.param
    return path


def datagram(payload: bytes, *, port: int = 53) -> bytes:
    """An Ethernet frame with a UDP datagram from 10.0.0.1:4000 to 10.0.0.2."""
    udp = struct.pack(">HHHH", 4000, port, 8 + len(payload), 0) + payload
    ends = bytes([10, 0, 0, 1, 10, 0, 0, 2])
    return bytes(12) + b"\x08\x00" + struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + ends + udp


def pcapng(*frames: bytes, notes: tuple[bytes, ...] = ()) -> bytes:
    """A file of these frames, a second apart; each has the comments `notes`."""
    head = blocks.section_header() + blocks.interface_description(name="eth7", link_type=1)
    return head + b"".join(
        blocks.enhanced_packet(interface=0, time_ns=START_NS + i * 10**9, data=frame, comments=list(notes))
        for i, frame in enumerate(frames)
    )


DIG = Process(name="dig", pid=77)
NOTE = comments.line(DIG, is_write=True, evidence="socket")


@pytest.fixture
def to_ports() -> Callable[..., bytes]:
    """`to_ports(53, 54)` is a file with a datagram to each of these ports."""
    return lambda *ports: pcapng(*(datagram(b"x", port=port) for port in ports))


@pytest.fixture
def small() -> bytes:
    """Three datagrams that dig wrote."""
    return pcapng(datagram(b"one"), datagram(b"two"), datagram(b"three"), notes=(NOTE,))
