"""Captures that cost more memory or time than they are worth: floods.py NAME [COUNT] > FILE.

In: a name of FLOODS, and how many of it. Out: pcap, or pcapng where processes are named, on standard output, piece by piece. benchmarks/bounds.py
runs every chisel over each of them.
"""

from __future__ import annotations

import socket
import struct
import sys
from collections.abc import Callable, Iterator

START_US = 1_700_000_000_000_000
"""2023-11-14 22:13:20 UTC."""
_ETHERNET = b"\2" * 6 + b"\4" * 6 + b"\x08\0"
_PUSH_ACK, _SYN = 0x18, 0x02


def _pcap(packets: Iterator[tuple[int, bytes]]) -> Iterator[bytes]:
    yield struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1)
    for time_us, data in packets:
        yield struct.pack("<IIII", *divmod(time_us, 1_000_000), len(data), len(data)) + data


def _ip(source: str, target: str, protocol: int, payload: bytes) -> bytes:
    ends = socket.inet_aton(source), socket.inet_aton(target)
    return _ETHERNET + struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0, *ends) + payload


def _tcp(source: str, source_port: int, target_port: int, sequence: int, flags: int, payload: bytes = b"") -> bytes:
    head = struct.pack(
        ">HHIIBBHHH", source_port, target_port, sequence & 0xFFFFFFFF, flags >> 4, 0x50, flags, 65535, 0, 0
    )
    return _ip(source, "192.0.2.1", 6, head + payload)


def _host(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def open_requests(count: int = 1_000_000) -> Iterator[bytes]:
    """A GET a connection, never answered."""
    get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    yield from _pcap((START_US + i * 10, _tcp(_host(i), 40000, 80, 1, _PUSH_ACK, get)) for i in range(count))


def open_messages(count: int = 30_000) -> Iterator[bytes]:
    """An unfinished head of 30 KB a connection."""
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999\r\nX: " + b"z" * 30_000
    yield from _pcap((START_US + i * 10, _tcp(_host(i), 40000, 80, 1, _PUSH_ACK, head)) for i in range(count))


def dns_unanswered(count: int = 2_000_000) -> Iterator[bytes]:
    """The random names of a flood of DNS queries, from 60,000 ports."""

    def query(number: int) -> bytes:
        dns = struct.pack(">HHHHHH", number & 0xFFFF, 0x100, 1, 0, 0, 0) + b"\x08%08d\0\0\1\0\1" % (number % 10**8)
        return _ip("10.0.0.1", "10.0.0.2", 17, struct.pack(">HHHH", 1024 + number % 60_000, 53, 8 + len(dns), 0) + dns)

    yield from _pcap((START_US + i * 20, query(i)) for i in range(count))


def parts(count: int = 200_000) -> Iterator[bytes]:
    """A form of so many files of one byte."""
    entry = b'--B\r\nContent-Disposition: form-data; name="a"; filename="f%d"\r\n\r\nx\r\n'
    body = b"".join(entry % i for i in range(count)) + b"--B--\r\n"
    head = b"POST /u HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: %d\r\n\r\n"
    data = head % len(body) + body
    steps = range(0, len(data), 60_000)
    yield from _pcap(
        (START_US + at, _tcp("10.0.0.1", 40000, 80, 1 + at, _PUSH_ACK, data[at : at + 60_000])) for at in steps
    )


def flows(count: int = 1_000_000) -> Iterator[bytes]:
    """A SYN a connection: a scan."""
    yield from _pcap((START_US + i * 10, _tcp(_host(i), 40000 + i % 9, 80, i, _SYN)) for i in range(count))


def urls(count: int = 300_000) -> Iterator[bytes]:
    """One connection that asks for a different URL each time, and is answered."""

    def packets() -> Iterator[tuple[int, bytes]]:
        answer = b"HTTP/1.1 204 No Content\r\n\r\n"
        asked, answered = 1, 1
        for i in range(count):
            get = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i
            for ports, numbers, data in (
                ((40000, 80), (asked, answered), get),
                ((80, 40000), (answered, asked + len(get)), answer),
            ):
                head = struct.pack(">HHIIBBHHH", *ports, *numbers, 0x50, _PUSH_ACK, 65535, 0, 0)
                ends = ("10.0.0.1", "192.0.2.1") if ports[1] == 80 else ("192.0.2.1", "10.0.0.1")
                yield START_US + i * 20 + (ports[0] == 80), _ip(*ends, 6, head + data)
            asked, answered = asked + len(get), answered + len(answer)

    yield from _pcap(packets())


def processes(count: int = 300_000) -> Iterator[bytes]:
    """A packet of each of so many processes, named as a recording names them."""
    from pcapdig.pcapng import blocks

    yield blocks.section_header(application="floods") + blocks.interface_description(name="lo", link_type=1)
    for i in range(count):
        comment = (
            f"proc.name=worker{i} proc.pid={i + 1} evt.io_dir=write evidence=socket user.name=www user.uid=33 proc.ppid=1 proc.pname=init "
            f'proc.exepath=/usr/bin/worker container.id=host proc.cmdline="/usr/bin/worker --number {i}"'
        ).encode()
        data = _tcp(_host(i & 0xFFF), 1024 + (i >> 12), 80, 1, _PUSH_ACK, b"x")
        yield blocks.enhanced_packet(
            interface=0, time_ns=(START_US + i * 10) * 1000, data=data, flags=2, comments=[comment]
        )


FLOODS: dict[str, Callable[..., Iterator[bytes]]] = {
    flood.__name__: flood for flood in (open_requests, open_messages, dns_unanswered, parts, flows, urls, processes)
}

if __name__ == "__main__":
    for piece in FLOODS[sys.argv[1]](*map(int, sys.argv[2:3])):
        sys.stdout.buffer.write(piece)
