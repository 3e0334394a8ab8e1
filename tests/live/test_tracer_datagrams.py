"""The CO-RE probe: datagrams, echoes and processes."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tracer_story import (
    LOOPBACK,
    TIMEOUT_S,
    Child,
    Watch,
    close_all,
    datagram,
    kinds,
    pids,
    port_of,
    watching,
)

from pcapdig.tracer.core import CoreTracer
from pcapdig.tracer.events import Flags, Kind
from pcapdig.tracer.packet_times import SO_TIMESTAMPNS

pytestmark = pytest.mark.live


@pytest.fixture(autouse=True)
def _sockets_closed() -> Iterator[None]:
    yield
    close_all()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """A CO-RE tracer that watches this machine."""
    with watching(CoreTracer()) as started:
        yield started
        assert started.tracer.lost_events() == 0


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_datagrams_are_bound_once_for_each_peer(watch: Watch, family: socket.AddressFamily) -> None:
    """A server on the wildcard address, an unconnected and a connected client, five datagrams each: one event a peer and direction."""
    server = datagram(family, ("", 0))
    port = port_of(server)

    def ask(connected: bool) -> int:
        with datagram(family) as sock:
            if connected:
                sock.connect((LOOPBACK[family], port))
            for _ in range(5):
                if connected:
                    sock.send(b"ask")
                else:
                    sock.sendto(b"ask", (LOOPBACK[family], port))
                sock.recv(100)
            return port_of(sock)

    children = [Child(lambda: ask(False)), Child(lambda: ask(True))]
    for _ in range(10):
        _words, peer = server.recvfrom(100)
        server.sendto(b"told", peer)
    server_events = [event for event in watch.of_port(port) if event.local_port == port]
    for child in children:
        client_port = child.result()
        client_events = watch.of_port(client_port, port)
        assert kinds(client_events) == ["bound", "closed"]
        assert pids(client_events, Kind.SOCKET_BOUND) == [child.pid]
        at_server = [event for event in watch.of_port(port) if event.remote_port == client_port]
        assert [event.local for event in at_server] == [LOOPBACK[family]]
    assert pids(server_events, Kind.SOCKET_BOUND, Kind.SOCKET_HELD)[:1] == [os.getpid()]


def test_a_datagram_socket_with_two_writers(watch: Watch) -> None:
    """Parent and child send in turn through one socket: each change is told before the datagram leaves."""
    server = datagram(address=("127.0.0.1", 0))
    client = datagram(address=("127.0.0.1", 0))
    client.sendto(b"parent", server.getsockname())
    child = Child(lambda: client.sendto(b"child", server.getsockname()))
    child.result()
    client.sendto(b"parent", server.getsockname())
    events = watch.of_port(port_of(client))
    assert kinds(events) == ["bound", "writer", "writer"]
    assert pids(events, Kind.SOCKET_BOUND, Kind.SOCKET_WRITER) == [os.getpid(), child.pid, os.getpid()]
    assert events[1].previous_ns and events[1].previous_ns < events[1].time_ns


def test_reuse_port_names_the_socket_that_took_the_datagram(watch: Watch) -> None:
    """Two processes on one UDP port: the kernel chooses, and the event carries the chosen one's cookie."""
    first = datagram(address=("127.0.0.1", 0), reuse_port=True)
    address = first.getsockname()
    first.close()

    def serve() -> list[int]:
        with datagram(address=address, reuse_port=True) as sock:
            sock.settimeout(1.0)
            got = []
            while True:
                try:
                    _words, peer = sock.recvfrom(100)
                except TimeoutError:
                    return got
                got.append(peer[1])

    children = [Child(serve), Child(serve)]
    time.sleep(0.3)
    clients = [datagram(address=("127.0.0.1", 0)) for _ in range(13)]
    for client in clients:
        client.sendto(b"x", address)
    truth = {port: child.pid for child in children for port in child.result()}
    assert len(truth) == 13
    events = [event for event in watch.sockets() if event.local_port == address[1]]
    owner = {event.cookie: event.process.tgid for event in events if event.process}
    told = {event.remote_port: owner[event.cookie] for event in events if event.kind == Kind.SOCKET_BOUND}
    assert told == truth


def test_received_datagrams_carry_the_packet_time(watch: Watch) -> None:
    """A received datagram's event has that packet's own wall-clock time, as the kernel tells the receiver."""
    time.sleep(0.05)
    server, client = datagram(address=("127.0.0.1", 0)), datagram()
    server.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    client.sendto(b"x", server.getsockname())
    _words, told, _flags, _peer = server.recvmsg(10, 100)
    seconds, nanoseconds = struct.unpack("qq", told[0][2])
    received = [event for event in watch.of_port(port_of(server)) if event.kind == Kind.SOCKET_BOUND]
    assert received[0].flags & Flags.WALL_CLOCK
    assert received[0].time_ns == seconds * 1_000_000_000 + nanoseconds


def test_ping_is_named_by_its_identifier(watch: Watch) -> None:
    """ICMP echo: local_port is the identifier, request and reply are one socket."""
    ping = subprocess.Popen(["ping", "-c", "2", "-i", "0.2", "127.0.0.1"], stdout=subprocess.DEVNULL)
    assert ping.wait(TIMEOUT_S) == 0
    events = [event for event in watch.sockets() if event.protocol == socket.IPPROTO_ICMP and event.local_port]
    assert pids(events, Kind.SOCKET_BOUND) == [ping.pid]
    assert len({event.local_port for event in events}) == 1


def test_a_program_is_told_with_its_arguments(watch: Watch) -> None:
    """fork, exec and exit of a short-lived process, with parent, path and argv."""
    done = subprocess.Popen([sys.executable, "-c", "pass", "a b", ""])
    done.wait()
    events = [event for event in watch.processes() if event.process.tgid == done.pid]
    told = [event.kind for event in events]
    assert told == [Kind.PROCESS_FORKED, Kind.PROCESS_EXECED, Kind.PROCESS_EXITED] or told[0] == Kind.PROCESS_EXECED
    execed = next(event for event in events if event.kind == Kind.PROCESS_EXECED)
    assert execed.args == (os.fsencode(sys.executable), b"-c", b"pass", b"a b", b"")
    assert os.path.realpath(execed.filename) == os.path.realpath(sys.executable).encode()
    assert execed.parent_tgid == os.getpid()


def test_a_script_is_told_as_its_interpreter(watch: Watch, tmp_path: Path) -> None:
    """The program of a script is what #! names, the arguments begin with it."""
    script = tmp_path / "greet"
    script.write_text("#!/bin/sh\nexit 0\n")
    script.chmod(0o755)
    done = subprocess.Popen([str(script), "x"])
    done.wait()
    execed = [event for event in watch.processes() if event.process.tgid == done.pid and event.filename]
    assert [event.filename for event in execed] == [b"/bin/sh"]
    assert execed[0].args == (b"/bin/sh", os.fsencode(script), b"x")
