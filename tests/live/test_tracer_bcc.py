"""The bcc probe against the same processes: what it tells, through a ring and through a perf buffer, and that it leaves nothing behind."""

from __future__ import annotations

import glob
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from tracer_story import (
    LOOPBACK,
    TIMEOUT_S,
    Child,
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

from pcapdig.tracer.bcc import BccTracer
from pcapdig.tracer.events import Evidence, Flags, Kind

pytestmark = pytest.mark.live

SETTLE_S = 0.05
"""A perf buffer is read processor by processor, so a story is read when it is over."""


@pytest.fixture(scope="module", params=[True, False], ids=["ring", "perf"])
def tracer(request: pytest.FixtureRequest) -> Iterator[Watch]:
    """One bcc tracer for all tests of this file: compiling takes a second."""
    with watching(BccTracer(ring=request.param)) as started:
        yield started
        assert started.tracer.lost_events() == 0
        assert started.reader is not None
        assert started.reader.lost == 0


@pytest.fixture
def watch(tracer: Watch) -> Watch:
    """The tracer, with nothing told yet."""
    tracer.forget()
    return tracer


@pytest.fixture(autouse=True)
def _sockets_closed() -> Iterator[None]:
    yield
    close_all()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_both_ends_of_a_connection(watch: Watch, family: socket.AddressFamily) -> None:
    """Client bound with its process, server's end passive and held by who accepted, both closed."""
    server = listener(family)
    child = Child(lambda: answer_one(server))
    port = talk(server.getsockname(), family)
    assert child.result() == port
    time.sleep(SETTLE_S)
    client_end, server_end = watch.of_port(port), watch.of_port(port_of(server), port)
    assert sorted(kinds(client_end)) == ["bound", "closed"]
    assert pids(client_end, Kind.SOCKET_BOUND) == [os.getpid()]
    assert pids(server_end, Kind.SOCKET_HELD) == [child.pid]
    assert [event.flags for event in server_end if event.kind == Kind.SOCKET_BOUND] == [Flags.PASSIVE]
    assert {event.local for event in client_end if event.local_port} == {LOOPBACK[family]}


def test_a_socket_is_never_taken_for_another(watch: Watch) -> None:
    """Addresses of sockets are used again at once; their cookies are not."""
    server = listener()
    child = Child(lambda: [answer_one(server) for _ in range(53)])
    ports = [talk(server.getsockname()) for _ in range(53)]
    assert child.result() == ports
    time.sleep(SETTLE_S)
    cookies = [
        event.cookie
        for event in watch.sockets()
        if event.kind == Kind.SOCKET_BOUND and event.remote_port == port_of(server)
    ]
    assert len(cookies) == len(set(cookies)) == 53


def test_prefork_names_who_accepted(watch: Watch) -> None:
    """Each connection belongs to the process that took it."""
    server = listener()

    def serve(count: int) -> list[int]:
        return [answer_one(server) for _ in range(count)]

    workers = [Child(partial(serve, count)) for count in (3, 4, 4)]
    ports = [talk(server.getsockname()) for _ in range(11)]
    truth = {port: worker.pid for worker in workers for port in worker.result()}
    time.sleep(SETTLE_S)
    told = {port: pids(watch.of_port(port_of(server), port), Kind.SOCKET_HELD) for port in ports}
    assert told == {port: [truth[port]] for port in ports}


def test_a_forked_writer_takes_over_after_the_last_write(watch: Watch) -> None:
    """The change of writer holds from after the parent's last write, and before the child's first packet."""
    server = listener()
    client = connect(server.getsockname())
    accepted = accept(server)
    client.sendall(b"parent")
    assert accepted.recv(100) == b"parent"
    time.sleep(SETTLE_S)
    between_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    child = Child(lambda: client.sendall(b"child"))
    child.result()
    time.sleep(SETTLE_S)
    writers = [event for event in watch.of_port(port_of(client)) if event.kind == Kind.SOCKET_WRITER]
    if any("later" in note for note in watch.tracer.notes):  # Linux before 6.3
        assert writers == []
        return
    assert pids(writers, Kind.SOCKET_WRITER) == [child.pid]
    assert writers[0].previous_ns < writers[0].time_ns < between_ns


def test_a_refused_connection_names_the_client(watch: Watch) -> None:
    """The SYN to a closed port has an owner."""
    closed = listener()
    nowhere = closed.getsockname()
    closed.close()
    client = keep(socket.socket())
    assert client.connect_ex(nowhere) != 0
    time.sleep(SETTLE_S)
    events = [event for event in watch.sockets() if event.remote_port == nowhere[1]]
    assert pids(events, Kind.SOCKET_BOUND) == [os.getpid()]


def test_datagrams_both_ways(watch: Watch) -> None:
    """A wildcard server and an unconnected client: each is bound to the other by the packets' own addresses."""
    server = datagram(address=("", 0))
    port = port_of(server)

    def ask() -> int:
        with datagram() as sock:
            sock.sendto(b"ask", ("127.0.0.1", port))
            sock.recv(100)
            return port_of(sock)

    child = Child(ask)
    _words, peer = server.recvfrom(100)
    server.sendto(b"told", peer)
    client_port = child.result()
    time.sleep(SETTLE_S)
    client_end = watch.of_port(client_port, port)
    assert pids(client_end, Kind.SOCKET_BOUND, Kind.SOCKET_HELD) == [child.pid]
    assert "closed" in kinds(client_end)
    server_end = [event for event in watch.of_port(port) if event.remote_port == client_port]
    assert [event.local for event in server_end] == ["127.0.0.1"]
    assert pids(watch.of_port(port), *Kind) == [os.getpid()]


def test_ping_is_named_by_its_identifier(watch: Watch) -> None:
    """ICMP echo of a ping or raw socket."""
    ping = subprocess.Popen(["ping", "-c", "1", "127.0.0.1"], stdout=subprocess.DEVNULL)
    assert ping.wait(TIMEOUT_S) == 0
    time.sleep(SETTLE_S)
    events = [event for event in watch.sockets() if event.protocol == socket.IPPROTO_ICMP]
    assert ping.pid in pids(events, Kind.SOCKET_BOUND, Kind.SOCKET_HELD)


def test_processes_come_and_go(watch: Watch) -> None:
    """fork, exec and exit are told, the name after exec is the program's, and the start agrees with /proc."""
    done = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.3)"])
    stat = Path(f"/proc/{done.pid}/stat").read_text()
    ticks = int(stat.rpartition(")")[2].split()[19])
    done.wait()
    time.sleep(SETTLE_S)
    events = [event for event in watch.processes() if event.process.tgid == done.pid]
    assert {event.kind for event in events} == {Kind.PROCESS_FORKED, Kind.PROCESS_EXECED, Kind.PROCESS_EXITED}
    execed = next(event for event in events if event.kind == Kind.PROCESS_EXECED)
    assert execed.process.comm == Path(sys.executable).name.encode()[:15]
    assert abs(execed.process.start_boot_ns // 10_000_000 - ticks) <= 1


def test_a_renamed_process_is_told_by_its_new_name(watch: Watch) -> None:
    """prctl(PR_SET_NAME) before the first use."""
    server = listener()

    def rename() -> int:
        Path("/proc/self/comm").write_text("renamed")
        return talk(server.getsockname())

    child = Child(rename)
    answer_one(server)
    port = child.result()
    time.sleep(SETTLE_S)
    bound = next(event for event in watch.of_port(port) if event.process)
    assert bound.process is not None
    assert bound.process.comm == b"renamed"


def test_sockets_from_before_are_in_the_snapshot() -> None:
    """Held at start by one process: SNAPSHOT evidence; by several: nobody's. A later reader of such a socket is told."""
    server = listener()
    child = Child(lambda: answer_one(server))
    client = connect(server.getsockname())
    alone = listener()
    time.sleep(0.2)
    with watching(BccTracer()) as watch:
        client.sendall(b"x")
        client.shutdown(socket.SHUT_WR)
        client.recv(100)
        child.result()
        time.sleep(SETTLE_S)
        told = {
            (event.kind, event.local_port): event.process.tgid
            for event in watch.sockets()
            if event.evidence == Evidence.SNAPSHOT and event.process
        }
        assert told[Kind.SOCKET_LISTENING, port_of(alone)] == os.getpid()
        assert (Kind.SOCKET_LISTENING, port_of(server)) not in told
        assert told[Kind.SOCKET_BOUND, port_of(client)] == os.getpid()
        accepted = watch.of_port(port_of(server), port_of(client))
        assert kinds(accepted)[0] == "bound"
        assert pids(accepted, Kind.SOCKET_READER) == [child.pid]


def test_nothing_stays_behind() -> None:
    """No mount, no temporary tree, no variable, no module directory; standard error is silent and as before."""
    variables = dict(os.environ)
    had_tracefs = "tracefs" in Path("/proc/self/mountinfo").read_text()
    modules = sorted(glob.glob("/lib/modules/*"))
    tracer = BccTracer()
    tracer.start()
    tracer.close()
    tracer.close()
    assert ("tracefs" in Path("/proc/self/mountinfo").read_text()) == had_tracefs
    assert dict(os.environ) == variables
    assert sorted(glob.glob("/lib/modules/*")) == modules
    assert glob.glob("/tmp/pcapdig-headers-*") == []
