"""A small capture with processes, made here: curl asks httpd for a page and for one that is not there, over loopback."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pcapdig.cli import main
from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process

CURL = Process(name="curl", pid=41, user="bob", uid=1000, container_id="host")
HTTPD = Process(name="httpd", pid=15457, user="www-data", uid=33, container_id="59fd49aa4072")
CLIENT, SERVER = (bytes([127, 0, 0, 1]), 41135), (bytes([127, 0, 0, 1]), 80)
REQUEST = b"GET /nosuch HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER = b"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry"
START_NS = 1_506_127_469_905_003_444
FIN, SYN, ACK = 1, 2, 16


def segment(sent_by_client: bool, flags: int, seq: int, ack: int, payload: bytes = b"") -> bytes:
    """Give an Ethernet frame with one TCP segment over IPv4 (RFC 791, RFC 9293). Checksums are zero, as on loopback."""
    (source, source_port), (target, target_port) = (CLIENT, SERVER) if sent_by_client else (SERVER, CLIENT)
    tcp = struct.pack(">HHIIBBHHH", source_port, target_port, seq, ack, 5 << 4, flags, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(payload), 0, 0, 64, 6, 0, source, target)
    return bytes(12) + b"\x08\x00" + ip + tcp + payload


def conversation() -> list[tuple[bool, bytes]]:
    """Give (sent by the client, frame) of a whole connection."""
    asked, answered = 1001 + len(REQUEST), 2001 + len(ANSWER)
    return [
        (True, segment(True, SYN, 1000, 0)),
        (False, segment(False, SYN | ACK, 2000, 1001)),
        (True, segment(True, ACK, 1001, 2001, REQUEST)),
        (False, segment(False, ACK, 2001, asked, ANSWER)),
        (True, segment(True, FIN | ACK, asked, answered)),
        (False, segment(False, FIN | ACK, answered, asked + 1)),
    ]


def comment(process: Process, direction: str) -> bytes:
    """Give the comment that names a process at one end."""
    head, tail = comments.compose(process)
    return head + f"evt.io_dir={direction} evidence=socket".encode() + tail


def make_pcapng(*, with_processes: bool = True) -> bytes:
    """Give the conversation as a pcapng file, a millisecond between packets."""
    parts = [blocks.section_header(application="test"), blocks.interface_description(name="lo", link_type=1)]
    for index, (by_client, frame) in enumerate(conversation()):
        writer, reader = (CURL, HTTPD) if by_client else (HTTPD, CURL)
        named = [comment(writer, "write"), comment(reader, "read")] if with_processes else []
        parts.append(
            blocks.enhanced_packet(
                interface=0, time_ns=START_NS + index * 1_000_000, data=frame, flags=2, comments=named
            )
        )
    return b"".join(parts)


def make_pcap() -> bytes:
    """Give the conversation as a classic pcap with nanoseconds (draft-ietf-opsawg-pcap, section 4)."""
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for index, (_, frame) in enumerate(conversation()):
        seconds, rest_ns = divmod(START_NS + index * 1_000_000, 10**9)
        parts.append(struct.pack("<IIII", seconds, rest_ns, len(frame), len(frame)) + frame)
    return b"".join(parts)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own working directory with the capture in several forms, and files that are none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.pcapng").write_bytes(make_pcapng())
    (tmp_path / "t.pcap").write_bytes(make_pcap())
    (tmp_path / "empty").write_bytes(b"")
    (tmp_path / "text").write_text("these are words, and no packets at all\n")
    (tmp_path / "directory").mkdir()
    return tmp_path


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """`run("-r", "t.pcapng")` gives the exit status and what was said."""

    def start(*argv: str) -> Ended:
        capsys.readouterr()
        status = main(argv)
        said = capsys.readouterr()
        return Ended(status, said.out, said.err)

    return start
