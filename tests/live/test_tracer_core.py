"""The CO-RE probe against processes that say themselves what they did."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

import pytest
from tracer_story import (
    LOOPBACK,
    TIMEOUT_S,
    Child,
    Sniffer,
    Watch,
    accept,
    answer_one,
    close_all,
    connect,
    datagram,
    keep,
    kinds,
    listener,
    pids,
    port_of,
    talk,
    watching,
)

from pcapdig.tracer.core import CoreTracer
from pcapdig.tracer.events import Evidence, Flags, Kind, SocketEvent, split, unpack

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
def test_a_connection_costs_five_events(watch: Watch, family: socket.AddressFamily) -> None:
    """Client: bound by its SYN, closed. Server's end: bound, held by who accepted it, closed."""
    server = listener(family)
    child = Child(lambda: answer_one(server))
    port = talk(server.getsockname(), family)
    assert child.result() == port
    client_end, server_end = watch.of_port(port), watch.of_port(port_of(server), port)
    assert kinds(client_end) == ["bound", "closed"]
    assert kinds(server_end) == ["bound", "held", "closed"]
    assert pids(client_end, Kind.SOCKET_BOUND) == [os.getpid()]
    assert pids(server_end, Kind.SOCKET_HELD) == [child.pid]
    assert server_end[0].flags == Flags.PASSIVE
    assert client_end[0].local == client_end[0].remote == LOOPBACK[family]


def test_prefork_names_who_accepted(watch: Watch) -> None:
    """Three processes accept from one socket: each connection belongs to the one that took it."""
    server = listener()

    def serve(count: int) -> list[int]:
        return [answer_one(server) for _ in range(count)]

    workers = [Child(partial(serve, count)) for count in (3, 4, 4)]
    ports = [talk(server.getsockname()) for _ in range(11)]
    truth = {port: worker.pid for worker in workers for port in worker.result()}
    told = {port: pids(watch.of_port(port_of(server), port), Kind.SOCKET_HELD) for port in ports}
    assert told == {port: [truth[port]] for port in ports}


def test_a_listener_is_told_and_closed(watch: Watch) -> None:
    """listen and close of a listening socket, with its process."""
    server = listener()
    port = port_of(server)
    server.close()
    events = watch.of_port(port)
    assert kinds(events) == ["listening", "closed"]
    assert pids(events, Kind.SOCKET_LISTENING) == [os.getpid()]


def test_a_forked_writer_takes_over_at_its_first_byte(watch: Watch) -> None:
    """The parent writes 701 bytes, its child 503: the change stands at the sequence number between, told before the child's bytes leave."""
    server = listener()
    sniffer = Sniffer()
    client = connect(server.getsockname())
    accepted = accept(server)
    port = port_of(client)
    client.sendall(bytes(701))
    child = Child(lambda: client.sendall(bytes(503)))
    child.result()
    client.close()
    received = 0
    while data := accepted.recv(4096):
        received += len(data)
    assert received == 1204
    segments = [segment for segment in sniffer.segments() if segment.source_port == port]
    sniffer.close()
    first = next(segment.seq for segment in segments if segment.flags & 2) + 1
    writers = [event for event in watch.of_port(port) if event.kind == Kind.SOCKET_WRITER]
    assert [(event.process and event.process.tgid, event.seq) for event in writers] == [
        (child.pid, (first + 701) & 0xFFFFFFFF)
    ]
    assert Flags.HAS_SEQ in writers[0].flags


def test_a_writer_that_blocks_is_known_before_it_ends(watch: Watch) -> None:
    """A child that fills the window and waits: the change of writer is told while it is still writing."""
    server = listener()
    client = connect(server.getsockname())
    accepted = accept(server)
    port = port_of(client)
    client.sendall(b"first")
    child = Child(lambda: client.sendall(bytes(30_000_000)))
    received = 0
    while received < 1_000_000:
        received += len(accepted.recv(1 << 16))
    assert isinstance(watch.tracer, CoreTracer)
    is_early = bool(watch.tracer.loaded & {"tcp_writes", "tcp_begins_write"})
    assert pids(watch.of_port(port), Kind.SOCKET_WRITER) == ([child.pid] if is_early else [])
    left = 30_000_005 - received
    while left:
        left -= len(accepted.recv(1 << 20))
    child.result()


def test_a_passed_descriptor_changes_hands_at_the_byte_read(watch: Watch) -> None:
    """One process reads 307 of 1009 bytes and passes the socket by SCM_RIGHTS: the other reads from byte 307 on."""
    server = listener()
    sniffer = Sniffer()
    here, there = map(keep, socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))

    def receive() -> int:
        _words, descriptors, _flags, _address = socket.recv_fds(there, 10, 1)
        taken = socket.socket(fileno=descriptors[0])
        taken.settimeout(TIMEOUT_S)
        size = 0
        while size < 702:
            size += len(taken.recv(4096))
        taken.sendall(b"thanks")
        return size

    child = Child(receive)
    client = connect(server.getsockname())
    client.sendall(bytes(1009))
    accepted = accept(server)
    assert len(accepted.recv(307, socket.MSG_WAITALL)) == 307
    socket.send_fds(here, [b"x"], [accepted.fileno()])
    assert child.result() == 702
    assert client.recv(100) == b"thanks"
    port = port_of(client)
    first = next(s.seq for s in sniffer.segments() if s.source_port == port and s.flags & 2) + 1
    sniffer.close()
    events = watch.of_port(port_of(server), port)
    assert kinds(events)[:4] == ["bound", "held", "reader", "writer"]
    assert pids(events, Kind.SOCKET_HELD) == [os.getpid()]
    assert pids(events, Kind.SOCKET_READER, Kind.SOCKET_WRITER) == [child.pid, child.pid]
    assert events[2].seq == (first + 307) & 0xFFFFFFFF


def test_looking_ahead_changes_nothing(watch: Watch) -> None:
    """MSG_PEEK by another process is no read: the reader stays."""
    server = listener()
    client = connect(server.getsockname())
    accepted = accept(server)
    client.sendall(b"0123456789")
    assert accepted.recv(4) == b"0123"
    child = Child(lambda: len(accepted.recv(100, socket.MSG_PEEK)))
    assert child.result() == 6
    assert accepted.recv(100) == b"456789"
    events = watch.of_port(port_of(server), port_of(client))
    assert pids(events, Kind.SOCKET_HELD) == [os.getpid()]
    assert pids(events, Kind.SOCKET_READER) == []


def test_splice_names_its_reader(watch: Watch) -> None:
    """A socket read only by splice is held by who spliced."""
    server = listener()
    client = connect(server.getsockname())

    def take() -> int:
        accepted = accept(server)
        accepted.setblocking(True)  # splice knows nothing of Python's timeouts
        into, out = os.pipe()
        size = os.splice(accepted.fileno(), out, 100)
        os.close(into)
        return size

    child = Child(take)
    client.sendall(b"spliced")
    assert child.result() == 7
    assert pids(watch.of_port(port_of(server), port_of(client)), Kind.SOCKET_HELD) == [child.pid]


def test_a_refused_connection_names_the_client(watch: Watch) -> None:
    """Nobody listens: the SYN's owner is known, and the socket may try again."""
    server, closed = listener(), listener()
    nowhere = closed.getsockname()
    closed.close()
    client = keep(socket.socket())
    with pytest.raises(ConnectionRefusedError):
        client.connect(nowhere)
    first = [event for event in watch.sockets() if event.remote_port == nowhere[1]]
    assert kinds(first) == ["bound"]
    assert pids(first, Kind.SOCKET_BOUND) == [os.getpid()]
    with pytest.raises(ConnectionAbortedError):  # the first call after a refusal only clears the error
        client.connect(server.getsockname())
    client.connect(server.getsockname())
    port = port_of(client)
    client.close()
    again = [event for event in watch.sockets() if event.cookie == first[0].cookie]
    assert kinds(again)[:2] == ["bound", "bound"]
    assert again[1].local_port == port


def test_what_is_never_accepted_has_no_process(watch: Watch) -> None:
    """The connection is bound and passive, also after the listener's close; its owner is for user space to take from the listener."""
    server = listener()
    client = connect(server.getsockname())
    client.sendall(b"hello?")
    ports = (port_of(server), port_of(client))
    assert kinds(watch.of_port(*ports)) == ["bound"]
    server.close()
    assert kinds(watch.of_port(*ports)) == ["bound", "closed"]
    assert pids(watch.of_port(*ports), *Kind) == []


def test_accepted_and_idle(watch: Watch) -> None:
    """Who accepts is told at once where functions can be traced, and else when the socket is first used."""
    server = listener()
    client = connect(server.getsockname())
    accepted = accept(server)
    ports = port_of(server), port_of(client)
    assert isinstance(watch.tracer, CoreTracer)
    is_early = bool(watch.tracer.loaded & {"tcp_accepted", "tcp_accepted_before_6_10"})
    assert pids(watch.of_port(*ports), *Kind) == ([os.getpid()] if is_early else [])
    accepted.send(b"welcome")
    assert pids(watch.of_port(*ports), *Kind) == [os.getpid()]


def test_accepted_and_never_used_is_named_by_its_close(watch: Watch) -> None:
    """A process that accepts and closes, with and without unread data, is told at close."""
    server = listener()

    def take() -> None:
        for _ in range(2):
            accepted = accept(server)
            time.sleep(0.05)
            accepted.close()

    child = Child(take)
    quiet = connect(server.getsockname())
    loud = connect(server.getsockname())
    loud.sendall(b"unread")
    child.result()
    for client in (quiet, loud):
        events = watch.of_port(port_of(server), port_of(client))
        assert pids(events, Kind.SOCKET_HELD) == [child.pid]


def test_sockets_from_before_are_in_the_snapshot() -> None:
    """Listening, connected and datagram sockets made before the start, with SNAPSHOT evidence; their use tells nothing new."""
    server, client_of = listener(), datagram(address=("127.0.0.1", 0))
    child = Child(lambda: answer_one(server))
    client = connect(server.getsockname())
    time.sleep(0.2)
    with watching(CoreTracer()) as watch:
        port = port_of(client)
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b"answer"
        child.result()
        client.close()
        told = {
            (event.kind, event.local_port): event.process.tgid
            for event in watch.sockets()
            if event.evidence == Evidence.SNAPSHOT and event.process
        }
        assert told[Kind.SOCKET_LISTENING, port_of(server)] == os.getpid()
        assert told[Kind.SOCKET_BOUND, port] == os.getpid()
        assert told[Kind.SOCKET_BOUND, port_of(client_of)] == os.getpid()
        accepted = [e for e in watch.sockets() if e.local_port == port_of(server) and e.remote_port == port]
        assert pids(accepted, Kind.SOCKET_BOUND) == [child.pid]
        assert kinds(watch.of_port(port)) == ["bound", "closed"]


def test_a_shared_socket_belongs_to_its_oldest_holder() -> None:
    """A listener held by parent and children is the parent's in the snapshot, once."""
    server = listener()
    children = [Child(lambda: time.sleep(1.0)) for _ in range(3)]
    with watching(CoreTracer()) as watch:
        events = [event for event in watch.sockets() if event.local_port == port_of(server)]
        assert pids(events, Kind.SOCKET_LISTENING) == [os.getpid()]
    for child in children:
        child.result()


def test_another_namespace_is_told_by_its_inode(watch: Watch) -> None:
    """A connection inside a new network namespace carries that namespace's number."""
    code = (
        "import socket,os,subprocess;subprocess.run(['ip','link','set','lo','up'],check=True);"
        "s=socket.create_server(('127.0.0.1',0));c=socket.create_connection(s.getsockname());"
        "print(os.stat('/proc/self/ns/net').st_ino,c.getsockname()[1])"
    )
    done = subprocess.run(
        ["unshare", "--net", sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT_S
    )
    inode, port = map(int, done.stdout.split())
    assert {event.netns for event in watch.of_port(port)} == {inode}


def bpf_descriptors() -> int:
    """Programs, maps and links that this process holds; the kernel drops each with its last descriptor."""
    links = [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]
    return sum("anon_inode:bpf" in link for link in links)


def test_nothing_stays_behind() -> None:
    """After close no program, map or link is held, and none was pinned."""
    before = bpf_descriptors()
    tracer = CoreTracer()
    tracer.start()
    assert bpf_descriptors() > before + 10
    tracer.close()
    tracer.close()
    assert bpf_descriptors() == before


def of_port(events: bytes, port: int) -> list[SocketEvent]:
    """Of packed events those of a socket with this port."""
    sockets = [event for event in map(unpack, split(events)) if isinstance(event, SocketEvent)]
    return [event for event in sockets if event.local_port == port]


def test_without_the_iterator_sockets_are_listed_otherwise() -> None:
    """Linux before 5.11: sock_diag and /proc tell who holds a socket, by the same cookie."""
    server = listener()
    tracer = CoreTracer()
    tracer.start()
    try:
        told = of_port(tracer.snapshot(), port_of(server))
        tracer.loaded.remove("socket_holders")
        listed = of_port(tracer.snapshot(), port_of(server))
    finally:
        tracer.close()
    assert [(event.kind, event.cookie, event.process.tgid) for event in told if event.process] == [
        (event.kind, event.cookie, event.process.tgid) for event in listed if event.process
    ]
    assert len(listed) == 1
