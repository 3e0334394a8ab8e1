"""TCP between processes that keep what they opened, each scenario a generator for truth.py.

The numbers of operations are primes, so that a count that comes out right did not come out right by accident.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

from truth import Connection, Endpoint, Rounds, Truth, accept, child, connect, end, join, listener, plain

REQUEST, ANSWER = b"q" * 37, b"a" * 1009


def answer(connection: Connection) -> None:
    """Serve one request and close."""
    connection.read(len(REQUEST))
    connection.write(ANSWER)
    connection.close()


def ask(to: Endpoint, truth: Truth) -> None:
    """One request from a new connection."""
    connection = connect(to, truth)
    connection.write(REQUEST)
    connection.read(len(ANSWER))
    connection.close()


def repeat(count: int, work: Callable[..., object], *arguments: object) -> None:
    """Do the work so many times."""
    for _ in range(count):
        work(*arguments)


def serve(listening: socket.socket, truth: Truth, count: int) -> None:
    """Accept and answer so many connections, one after the other."""
    repeat(count, lambda: answer(accept(listening, truth)))


def address_of(listening: socket.socket) -> Endpoint:
    """Where clients connect to."""
    return plain(listening.getsockname())


def note_queued(truth: Truth, address: Endpoint, client_ports: bytes) -> None:
    """Write down that this process's listener held those clients' connections."""
    for port in client_ports.split():
        truth.note("tcp", "queue", local=address, remote=("127.0.0.1", int(port)))


def serve_lines(listening: socket.socket, truth: Truth, count: int) -> None:
    """Answer so many clients that send a line each (shortlived.c)."""
    for _ in range(count):
        connection = accept(listening, truth)
        line = bytearray()
        while not line.endswith(b"\n"):
            line += connection.handle.recv(64)
        connection.note_read(len(line))
        connection.write(ANSWER)
        connection.close()


def short_lived(truth: Truth, program: str) -> Iterator[None]:
    """211 executed programs that live for one request each; eleven at a time."""
    listening = listener()
    address, port = address_of(listening)
    yield

    server = child("server", serve_lines, listening, truth, 211)
    command = [program, str(truth.path), address, str(port), str(len(ANSWER))]
    left = 211
    while left:
        batch = [subprocess.Popen(command) for _ in range(min(11, left))]
        if any(process.wait() for process in batch):
            raise RuntimeError("shortlived failed")
        left -= len(batch)
    join(server)


def fork_and_leave(truth: Truth) -> Iterator[None]:
    """199 forked children that connect, write and are gone before the server has read."""
    listening = listener()
    address = address_of(listening)
    yield

    def leave() -> None:
        connect(address, truth).write(REQUEST)

    def collect() -> None:
        for _ in range(199):
            connection = accept(listening, truth)
            connection.read_to_end()
            connection.close()

    server = child("collector", collect)
    for _ in range(199):
        join(child("leaver", leave))
    join(server)


def prefork(truth: Truth) -> Iterator[None]:
    """Five children accept from their parent's listener; 61 connections from three clients at once."""
    listening = listener()
    address = address_of(listening)
    yield
    counts = (13, 13, 13, 11, 11)
    workers = [child(f"worker{number}", serve, listening, truth, count) for number, count in enumerate(counts)]
    clients = [
        child(f"client{number}", repeat, count, ask, address, truth) for number, count in enumerate((19, 19, 23))
    ]
    join(*clients, *workers)


def reuse_port(truth: Truth) -> Iterator[None]:
    """Three processes with a listener each on one port; 47 connections."""
    first = listener(reuse_port=True)
    address = address_of(first)
    listeners = [first, *(listener(port=address[1], reuse_port=True) for _ in range(2))]
    yield
    ready, rounds = Rounds(), Rounds()

    def work(mine: socket.socket) -> None:
        for other in listeners:
            if other is not mine:
                other.close()
        ready.served()
        mine.settimeout(None)
        while True:
            answer(accept(mine, truth))
            rounds.served()

    workers = [child(f"sharer{number}", work, mine) for number, mine in enumerate(listeners)]
    for mine in listeners:
        mine.close()
    ready.wait(len(workers))
    join(child("client", repeat, 47, ask, address, truth))
    rounds.wait(47)
    end(workers)


def dual_stack(truth: Truth) -> Iterator[None]:
    """One listener on [::] serves IPv6 and, as mapped addresses, IPv4: 13 connections each."""
    listening = listener("::")
    port = address_of(listening)[1]
    yield
    server = child("dual", serve, listening, truth, 26)
    join(
        child("client6", repeat, 13, ask, ("::1", port), truth),
        child("client4", repeat, 13, ask, ("127.0.0.1", port), truth),
    )
    join(server)


def open_before(truth: Truth) -> Iterator[None]:
    """Eleven connections made before the recording go on during it, and a listener from before takes 13 new ones."""
    listening = listener()
    address = address_of(listening)
    held = []
    for _ in range(11):
        ours = connect(address, truth)
        theirs = accept(listening, truth)
        ours.write(REQUEST)
        theirs.read(len(REQUEST))
        held.append((ours, theirs))
    for ours, theirs in held:
        # Offsets count what the recording sees.
        ours.written, theirs.read_so_far = 0, 0
    # The facts of before are not checked: no packet of theirs is in the file.
    truth.path.write_text("")
    for ours, theirs in held:
        ours.note("hold", 0, 0)
        theirs.note("hold", 0, 0)
    yield
    for ours, theirs in held:
        ours.write(REQUEST)
        theirs.read(len(REQUEST))
        theirs.write(ANSWER)
        ours.read(len(ANSWER))
        ours.close()
        theirs.close()
    join(child("client", repeat, 13, ask, address, truth), child("server", serve, listening, truth, 13))


def never_accepted(truth: Truth) -> Iterator[None]:
    """A listener that does not accept: its process is the server's end of seven connections."""
    listening = listener(backlog=16)
    address = address_of(listening)
    ports_out, ports_in = os.pipe()
    yield

    def knock() -> None:
        connections = [connect(address, truth) for _ in range(7)]
        for connection in connections:
            connection.write(REQUEST)
        for connection in connections:
            os.write(ports_in, b"%d\n" % connection.local[1])
        time.sleep(0.4)
        for connection in connections:
            connection.close()

    join(child("knocker", knock))
    note_queued(truth, address, os.read(ports_out, 4096))
    listening.close()


def late_accept(truth: Truth) -> Iterator[None]:
    """A child accepts from its parent's listener long after the client has written: five times."""
    listening = listener()
    address = address_of(listening)
    ports_out, ports_in = os.pipe()
    yield

    def work() -> None:
        for _ in range(5):
            time.sleep(1.5)
            answer(accept(listening, truth))

    def ask_and_note() -> None:
        connection = connect(address, truth)
        connection.write(REQUEST)
        connection.read(len(ANSWER))
        os.write(ports_in, b"%d\n" % connection.local[1])
        connection.close()

    worker = child("late", work)
    join(child("client", repeat, 5, ask_and_note), worker)
    note_queued(truth, address, os.read(ports_out, 4096))


def refused(truth: Truth) -> Iterator[None]:
    """19 connections to a port where nobody listens, over IPv4 and IPv6."""
    yield
    for number in range(19):
        address = "::1" if number % 2 else "127.0.0.1"
        family = socket.AF_INET6 if number % 2 else socket.AF_INET
        with socket.socket(family) as handle, socket.socket(family) as closed:
            closed.bind((address, 0))  # bound and not listening: nobody else can take the port meanwhile
            handle.bind((address, 0))
            to, local = plain(closed.getsockname()), plain(handle.getsockname())
            if handle.connect_ex(to) == 0:
                raise RuntimeError("connected to a closed port")
            truth.note("tcp", "hold", local=local, remote=to, start=0, end=0)
            truth.nobody("tcp", to, local)


def unread(truth: Truth) -> Iterator[None]:
    """A server that accepts and closes without reading what came: 23 times."""
    listening = listener()
    address = address_of(listening)
    yield

    def write_only() -> None:
        connection = connect(address, truth)
        connection.write(REQUEST)
        time.sleep(0.01)
        connection.close()

    client = child("client", repeat, 23, write_only)
    for _ in range(23):
        connection = accept(listening, truth)
        time.sleep(0.005)
        connection.close()
    join(client)


def killed(truth: Truth) -> Iterator[None]:
    """A server killed in the middle: what the kernel then sends is still its: 11 times."""
    listening = listener()
    address = address_of(listening)
    asked, tell = os.pipe()
    yield

    def work() -> None:
        connection = accept(listening, truth)
        connection.read(len(REQUEST))
        os.write(tell, b".")
        time.sleep(20)

    for _ in range(11):
        victim = child("victim", work)
        connection = connect(address, truth)
        connection.write(REQUEST)
        os.read(asked, 1)
        os.kill(victim, signal.SIGKILL)
        os.waitpid(victim, 0)
        connection.read_to_end()
        connection.close()
