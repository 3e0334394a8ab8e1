"""Capture files: classic pcap, and pcapng with several interfaces."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field


@dataclass(slots=True)
class Interface:
    """Where packets were seen. Times are ns since 1970."""

    name: str
    link: int = 1
    records: list[tuple[int, bytes]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    """Bytes of each record on the wire. Empty: all of it is there."""
    ways: list[int] = field(default_factory=list)
    """epb_flags bits 0-1 of each record: 0 unknown, 1 in, 2 out. Empty: no flags at all."""


def pcap(interface: Interface) -> bytes:
    """A file with nanoseconds, in the order of its records (draft-ietf-opsawg-pcap)."""
    out = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, interface.link)]
    for i, (time_ns, data) in enumerate(interface.records):
        size = interface.sizes[i] if interface.sizes else len(data)
        out += (struct.pack("<IIII", *divmod(time_ns, 10**9), len(data), size), data)
    return b"".join(out)


def pcapng(interfaces: list[Interface]) -> bytes:
    """One section; packets of all interfaces in the order of time, those of a single interface in their own."""
    out = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    due = []
    for number, interface in enumerate(interfaces):
        options = _option(2, interface.name.encode()) + _option(9, b"\x09") + _option(0, b"")
        out.append(_block(1, struct.pack("<HHI", interface.link, 0, 0) + options))
        for i, (time_ns, data) in enumerate(interface.records):
            way = interface.ways[i] if interface.ways else None
            due.append((time_ns, number, interface.sizes[i] if interface.sizes else len(data), data, way))
    if len(interfaces) > 1:
        due.sort(key=lambda each: each[0])
    for time_ns, number, size, data, way in due:
        head = struct.pack("<IIIII", number, time_ns >> 32, time_ns & 0xFFFFFFFF, len(data), size)
        options = b"" if way is None else _option(2, struct.pack("<I", way)) + _option(0, b"")
        out.append(_block(6, head + data + bytes(-len(data) % 4) + options))
    return b"".join(out)


def _block(kind: int, body: bytes) -> bytes:
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)
