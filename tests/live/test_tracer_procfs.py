"""The polling tracer against processes that live long enough to be seen."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from tracer_story import (
    TIMEOUT_S,
    Child,
    Watch,
    accept,
    close_all,
    connect,
    datagram,
    kinds,
    listener,
    pids,
    port_of,
    watching,
)

from pcapdig.tracer.events import Evidence, Kind
from pcapdig.tracer.procfs import ProcfsTracer

pytestmark = pytest.mark.live


@pytest.fixture
def watch() -> Iterator[Watch]:
    """A polling tracer."""
    with watching(ProcfsTracer()) as started:
        yield started


@pytest.fixture(autouse=True)
def _sockets_closed() -> Iterator[None]:
    yield
    close_all()


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_both_ends_of_a_connection(watch: Watch, family: socket.AddressFamily) -> None:
    """Listener, client and accepted socket, each with its holder, agreeing with ss; closed when they are gone."""
    server = listener(family)

    def hold() -> None:
        time.sleep(0.7)
        accept(server)
        time.sleep(0.7)

    child = Child(hold)
    client = connect(server.getsockname(), family)
    ports = port_of(server), port_of(client)
    watch.wait_for(lambda: bool(pids(watch.of_port(*ports), Kind.SOCKET_HELD)))
    assert pids(watch.of_port(*ports), Kind.SOCKET_HELD) == [child.pid]
    assert pids(watch.of_port(ports[1]), Kind.SOCKET_BOUND) == [os.getpid()]
    assert kinds(watch.of_port(ports[0])).count("listening") >= 1
    shown = subprocess.run(["ss", "-tnpHe"], capture_output=True, text=True, check=True).stdout
    line = next(line for line in shown.splitlines() if f":{ports[1]} " in line and f"pid={child.pid}," in line)
    cookie = int(next(word for word in line.split() if word.startswith("sk:"))[3:], 16)
    assert {event.cookie for event in watch.of_port(*ports)} == {cookie}
    child.result()
    client.close()
    watch.wait_for(lambda: kinds(watch.of_port(ports[1]))[-1] == "closed")
    assert kinds(watch.of_port(ports[1]))[-1] == "closed"


def test_datagram_sockets(watch: Watch) -> None:
    """A bound and a connected UDP socket."""
    server = datagram(address=("127.0.0.1", 0))
    client = datagram()
    client.connect(server.getsockname())
    watch.wait_for(lambda: bool(watch.of_port(port_of(client))))
    assert pids(watch.of_port(port_of(client), port_of(server)), Kind.SOCKET_BOUND) == [os.getpid()]
    assert pids(watch.of_port(port_of(server)), Kind.SOCKET_BOUND)[:1] == [os.getpid()]


def test_a_socket_of_two_is_nobodys_until_one_lets_go(watch: Watch) -> None:
    """A fork takes the parent's name back; when the parent closes, the child is named."""
    server = listener()
    client = connect(server.getsockname())
    accepted = accept(server)
    ports = port_of(server), port_of(client)
    watch.wait_for(lambda: bool(pids(watch.of_port(*ports), *Kind)))
    may_end, end = os.pipe()

    def hold() -> None:
        os.close(end)
        os.read(may_end, 1)

    child = Child(hold)
    watch.wait_for(lambda: "closed" in kinds(watch.of_port(*ports)))
    assert kinds(watch.of_port(*ports))[-2:] == ["closed", "bound"]
    assert pids(watch.of_port(*ports), *Kind) == [os.getpid()]
    accepted.close()
    watch.wait_for(lambda: child.pid in pids(watch.of_port(*ports), *Kind))
    assert pids(watch.of_port(*ports), *Kind) == [os.getpid(), child.pid]
    os.close(end)
    child.result()
    os.close(may_end)


def test_sockets_from_before_are_in_the_snapshot() -> None:
    """Held at start: in the snapshot, with PROCFS evidence and the holder's program."""
    server = listener()
    with watching(ProcfsTracer()) as watch:
        events = [event for event in watch.events if getattr(event, "local_port", None) == port_of(server)]
        assert [event.evidence for event in events] == [Evidence.PROCFS]
        programs = [event for event in watch.processes() if event.process.tgid == os.getpid()]
        assert len(programs) == 1
        assert os.path.realpath(programs[0].filename) == os.path.realpath(sys.executable).encode()


def test_other_namespaces_are_visited(watch: Watch) -> None:
    """A listener in another network namespace is told with that namespace, and this thread stays in its own."""
    code = (
        "import socket,os,sys;s=socket.create_server(('0.0.0.0',0));"
        "print(os.stat('/proc/self/ns/net').st_ino,s.getsockname()[1],flush=True);sys.stdin.read()"
    )
    other = subprocess.Popen(
        ["unshare", "--net", sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None
        inode, port = map(int, other.stdout.readline().split())
        watch.wait_for(lambda: any(event.netns == inode for event in watch.of_port(port)))
        told = [event for event in watch.of_port(port) if event.netns == inode]
        assert pids(told, Kind.SOCKET_LISTENING) == [other.pid]
        assert os.stat("/proc/self/ns/net").st_ino != inode
    finally:
        other.communicate(timeout=TIMEOUT_S)


def test_what_stays_is_told_once(watch: Watch) -> None:
    """Sockets that do not change make no further events, also over the regular looks at all holders."""
    server = listener()
    watch.wait_for(lambda: bool(watch.of_port(port_of(server))))
    time.sleep(1.5)
    assert kinds(watch.of_port(port_of(server))) == ["listening"]
