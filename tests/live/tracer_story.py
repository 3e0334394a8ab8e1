"""Processes that use real sockets and say what they did, and a tracer that is told to watch them."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pcapdig.tracer import Tracer
from pcapdig.tracer._bpf import MapReader
from pcapdig.tracer.events import Event, Kind, ProcessEvent, SocketEvent, event_size, split, unpack

TIMEOUT_S = 30.0
_open: list[socket.socket] = []
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


@dataclass
class Watch:
    """A started tracer and everything it told so far."""

    tracer: Tracer
    reader: MapReader | None
    events: list[Event] = field(default_factory=list)

    def gather(self) -> list[Event]:
        """Read what is waiting; all events so far."""
        if self.reader is not None:
            self.events += [unpack(record[: event_size(record)]) for record in self.reader.read()]
        self.events += [unpack(event) for event in split(self.tracer.poll())]
        return self.events

    def forget(self) -> None:
        """A new story: what was told until now is no part of it. Sockets of earlier tests had ports that are given out again."""
        self.gather()
        self.events.clear()

    def sockets(self) -> list[SocketEvent]:
        """All socket events so far."""
        return [event for event in self.gather() if isinstance(event, SocketEvent)]

    def processes(self) -> list[ProcessEvent]:
        """All process events so far."""
        return [event for event in self.gather() if isinstance(event, ProcessEvent)]

    def of_port(self, local_port: int, remote_port: int | None = None) -> list[SocketEvent]:
        """Every event of the sockets that were ever bound to these ports, in order."""
        events = self.sockets()
        cookies = {
            event.cookie
            for event in events
            if event.local_port == local_port and remote_port in (None, event.remote_port)
        }
        return [event for event in events if event.cookie in cookies]

    def wait_for(self, holds: Callable[[], bool]) -> None:
        """Wait, bounded, until something was told: for tracers that poll."""
        end = time.monotonic() + TIMEOUT_S
        while not holds() and time.monotonic() < end:
            time.sleep(0.02)


@contextmanager
def watching(tracer: Tracer, *, snapshot: bool = True) -> Iterator[Watch]:
    """Start a tracer, take its snapshot, and close it afterwards."""
    try:
        source = tracer.start()
        reader = MapReader(source.kind, source.map_fd) if source.kind in {"ringbuf", "perf"} else None
        watch = Watch(tracer, reader)
        if snapshot:
            watch.events += [unpack(event) for event in split(tracer.snapshot())]
        yield watch
        del watch.reader
    finally:
        tracer.close()


def keep(sock: socket.socket) -> socket.socket:
    """Have this socket closed at the end of the test."""
    sock.settimeout(TIMEOUT_S)
    _open.append(sock)
    return sock


def close_all() -> None:
    """Close every socket that a test made here."""
    while _open:
        _open.pop().close()


class Child:
    """A forked process that runs a function, whose result it sends back."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                os.close(self._read)
                answer = json.dumps(work()).encode()
                os.write(write, answer)
                status = 0
            finally:
                os._exit(status)
        os.close(write)

    def result(self) -> Any:
        """What the function returned; waits for the process's end."""
        with os.fdopen(self._read, "rb") as pipe:
            answer = pipe.read()
        _pid, status = os.waitpid(self.pid, 0)
        assert status == 0, f"child {self.pid} failed"
        return json.loads(answer)


def listener(family: int = socket.AF_INET, *, reuse_port: bool = False, port: int = 0) -> socket.socket:
    """A listening TCP socket on loopback."""
    made = keep(socket.socket(family, socket.SOCK_STREAM))
    if reuse_port:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((LOOPBACK[socket.AddressFamily(family)], port))
    made.listen(64)
    return made


def connect(address: Any, family: int = socket.AF_INET) -> socket.socket:
    """A connected TCP socket."""
    made = keep(socket.socket(family, socket.SOCK_STREAM))
    made.connect(address)
    return made


def datagram(family: int = socket.AF_INET, address: Any = None, *, reuse_port: bool = False) -> socket.socket:
    """A UDP socket, bound if an address is given."""
    made = keep(socket.socket(family, socket.SOCK_DGRAM))
    if reuse_port:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if address is not None:
        made.bind(address)
    return made


def accept(server: socket.socket) -> socket.socket:
    """The next connection."""
    sock, _peer = server.accept()
    return keep(sock)


def port_of(sock: socket.socket) -> int:
    """Its local port."""
    return int(sock.getsockname()[1])


def talk(address: Any, family: int = socket.AF_INET, words: bytes = b"question") -> int:
    """A client's whole life; the port it had."""
    with connect(address, family) as sock:
        sock.sendall(words)
        sock.shutdown(socket.SHUT_WR)
        while sock.recv(100):
            pass
        return port_of(sock)


def answer_one(server: socket.socket) -> int:
    """Accept, read to the end, answer; the client's port."""
    sock, peer = server.accept()
    with keep(sock):
        while sock.recv(100):
            pass
        sock.sendall(b"answer")
    return int(peer[1])


@dataclass(frozen=True)
class Segment:
    """A TCP segment on loopback, as a packet socket saw it."""

    source_port: int
    destination_port: int
    seq: int
    flags: int
    size: int


class Sniffer:
    """An independent look at the wire: TCP over IPv4 on lo, each packet once."""

    def __init__(self) -> None:
        self._socket = keep(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)))
        self._socket.bind(("lo", 0))
        self._socket.setblocking(False)

    def close(self) -> None:
        """Stop looking."""
        self._socket.close()

    def segments(self) -> list[Segment]:
        """Those that came since the last call."""
        found = []
        while True:
            try:
                frame, address = self._socket.recvfrom(1 << 16)
            except BlockingIOError:
                return found
            ip = frame[14:]
            if address[2] == socket.PACKET_OUTGOING or ip[9] != socket.IPPROTO_TCP:
                continue
            header = (ip[0] & 15) * 4
            tcp = ip[header : int.from_bytes(ip[2:4])]
            source, destination, seq = struct.unpack_from("!HHI", tcp)
            found.append(Segment(source, destination, seq, tcp[13], len(tcp) - (tcp[12] >> 4) * 4))


def pids(events: list[SocketEvent], *kinds: Kind) -> list[int]:
    """The processes that events of these kinds name."""
    return [event.process.tgid for event in events if event.kind in kinds and event.process is not None]


def kinds(events: list[SocketEvent]) -> list[str]:
    """The story in words."""
    return [event.kind.name.removeprefix("SOCKET_").lower() for event in events]
