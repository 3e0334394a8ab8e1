"""Frames and capture files in either byte order, made by hand, and a reader that gathers all batches."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from pcapdig.errors import InputError
from pcapdig.trace.trace import Trace

CLIENT, SERVER = "10.0.0.1", "10.0.0.2"
SYN, FIN, RST, PSH, ACK = 2, 1, 4, 8, 16


@dataclass
class Wire:
    """Ethernet frames; checksums are left at 0, as a card that computes them leaves them."""

    def ip(
        self, payload: bytes, *, source: str, target: str, protocol: int, ip_id: int = 0, fragment: int = 0
    ) -> bytes:
        """An Ethernet frame with an IPv4 or IPv6 packet."""
        ends = ipaddress.ip_address(source).packed + ipaddress.ip_address(target).packed
        if ":" in source:
            return bytes(12) + b"\x86\xdd" + struct.pack(">IHBB", 6 << 28, len(payload), protocol, 64) + ends + payload
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(payload), ip_id, fragment, 64, protocol, 0)
        return bytes(12) + b"\x08\x00" + head + ends + payload

    def tcp(
        self,
        payload: bytes = b"",
        *,
        flags: int = ACK,
        seq: int = 0,
        ack: int = 0,
        forward: bool = True,
        ports: tuple[int, int] = (4000, 80),
        ends: tuple[str, str] = (CLIENT, SERVER),
    ) -> bytes:
        """A segment from ends[0]:ports[0] to ends[1]:ports[1], or back."""
        (source, target), (source_port, target_port) = (ends, ports) if forward else (ends[::-1], ports[::-1])
        numbers = seq % 2**32, ack % 2**32
        head = struct.pack(">HHIIBBHHH", source_port, target_port, *numbers, 0x50, flags, 65535, 0, 0)
        return self.ip(head + payload, source=source, target=target, protocol=6)

    def udp(
        self,
        payload: bytes = b"",
        *,
        forward: bool = True,
        ports: tuple[int, int] = (4000, 53),
        ends: tuple[str, str] = (CLIENT, SERVER),
        ip_id: int = 0,
        fragment: int = 0,
    ) -> bytes:
        """A datagram."""
        (source, target), (source_port, target_port) = (ends, ports) if forward else (ends[::-1], ports[::-1])
        head = struct.pack(">HHHH", source_port, target_port, 8 + len(payload), 0)
        return self.ip(head + payload, source=source, target=target, protocol=17, ip_id=ip_id, fragment=fragment)


@dataclass
class Files:
    """pcapng blocks and pcap files. `order` is "<" or ">"."""

    order: str = "<"

    def in_order(self, order: str) -> Files:
        """The same in another byte order."""
        return Files(order)

    def pack(self, layout: str, *values: Any) -> bytes:
        """struct.pack in this order."""
        return struct.pack(self.order + layout, *values)

    def option(self, code: int, value: bytes) -> bytes:
        """One option, padded."""
        return self.pack("HH", code, len(value)) + value + bytes(-len(value) % 4)

    def block(self, kind: int, body: bytes) -> bytes:
        """Any block."""
        body += bytes(-len(body) % 4)
        return self.pack("II", kind, len(body) + 12) + body + self.pack("I", len(body) + 12)

    def section(self, *, version: tuple[int, int] = (1, 0)) -> bytes:
        """A section header."""
        return self.block(0x0A0D0D0A, self.pack("IHHq", 0x1A2B3C4D, *version, -1))

    def interface(
        self,
        *,
        link_type: int = 1,
        snap_length: int = 262144,
        name: bytes = b"",
        resolution: int | None = 9,
        offset_s: int | None = None,
    ) -> bytes:
        """An interface description."""
        options = self.option(2, name) if name else b""
        options += b"" if resolution is None else self.option(9, bytes([resolution]))
        options += b"" if offset_s is None else self.option(14, self.pack("q", offset_s))
        return self.block(1, self.pack("HHI", link_type, 0, snap_length) + options)

    def statistics(self, interface: int, options: dict[int, int]) -> bytes:
        """Interface statistics."""
        body = b"".join(self.option(code, self.pack("Q", value)) for code, value in options.items())
        return self.block(5, self.pack("III", interface, 0, 0) + body)

    def packet(
        self,
        data: bytes,
        *,
        ticks: int = 0,
        interface: int = 0,
        original: int | None = None,
        flags: int | None = None,
        comments: tuple[bytes, ...] = (),
        options: bytes = b"",
    ) -> bytes:
        """An enhanced packet."""
        length = len(data) if original is None else original
        head = self.pack("IIIII", interface, ticks >> 32, ticks & 0xFFFFFFFF, len(data), length)
        if flags is not None:
            options += self.option(2, self.pack("I", flags))
        options += b"".join(self.option(1, comment) for comment in comments)
        return self.block(6, head + data + bytes(-len(data) % 4) + options)

    def pcapng(self, *packets: bytes, **interface: Any) -> bytes:
        """A file with one interface; frames that are not blocks yet get times 0, 1, 2 ... seconds."""
        return self.section() + self.interface(**interface) + b"".join(packets)

    def frames(self, *frames: bytes, step_ns: int = 10**9) -> bytes:
        """A pcapng of these frames, one every `step_ns`."""
        return self.pcapng(*(self.packet(frame, ticks=i * step_ns) for i, frame in enumerate(frames)))

    def pcap(
        self,
        *records: tuple[int, int, bytes],
        nanoseconds: bool = False,
        link_word: int = 1,
        snap_length: int = 262144,
        version: tuple[int, int] = (2, 4),
    ) -> bytes:
        """A classic pcap of (seconds, fraction, data)."""
        magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
        head = self.pack("IHHiIII", magic, *version, 0, 0, snap_length, link_word)
        return head + b"".join(self.pack("IIII", s, f, len(data), len(data)) + data for s, f, data in records)


@dataclass
class Taken:
    """Everything a trace gave."""

    trace: Trace
    columns: dict[str, list[Any]] = field(default_factory=dict)
    buffers: list[bytes] = field(default_factory=list)
    batches: int = 0
    error: str | None = None

    def __getattr__(self, name: str) -> list[Any]:
        return self.columns[name]

    @property
    def names(self) -> list[str | None]:
        """The flow name of each packet."""
        return [self.trace.flows.name(row) if row >= 0 else None for row in self.flow]


COLUMNS = (
    "number time_ns interface captured original flow forward payload_captured payload_length fresh seq ack tcp_flags"
    " direction writer reader writer_evidence reader_evidence out_of_window"
).split()


def take(data: bytes, *, chunk_bytes: int | None = None, trace: Trace | None = None) -> Taken:
    """Feed a whole file, in one piece or in pieces of `chunk_bytes`."""
    taken = Taken(trace or Trace("file"))
    parts: list[Any] = []
    size = chunk_bytes or max(len(data), 1)
    try:
        for start in range(0, len(data), size):
            for packets in taken.trace.feed(data[start : start + size]):
                parts.append({name: getattr(packets, name) for name in COLUMNS})
                taken.buffers += [packets.buffer(i) for i in range(len(packets))]
        list(taken.trace.feed(b"", final=True))
    except InputError as error:
        taken.error = str(error)
    taken.batches = len(parts)
    for name in COLUMNS:
        taken.columns[name] = np.concatenate([part[name] for part in parts]).tolist() if parts else []
    return taken


@pytest.fixture(name="wire")
def _wire() -> Wire:
    """Makes frames."""
    return Wire()


@pytest.fixture(name="files")
def _files() -> Files:
    """Makes capture files."""
    return Files()


@pytest.fixture(name="take")
def _take() -> Any:
    """Reads capture files."""
    return take
