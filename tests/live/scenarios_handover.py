"""TCP sockets that change hands or are used in less common ways, each scenario a generator for truth.py."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from scenarios_tcp import ANSWER, REQUEST, address_of, answer, ask, repeat, serve
from truth import Connection, Truth, accept, child, connect, join, listener, rename


def accept_then_fork(truth: Truth) -> Iterator[None]:
    """The parent accepts, a child serves: 31 times."""
    listening = listener()
    address = address_of(listening)
    yield
    client = child("client", repeat, 31, ask, address, truth)
    for _ in range(31):
        connection = accept(listening, truth)
        servant = child("servant", lambda served: (served.note("hold", 0, 0), answer(served)), connection)
        connection.close()
        join(servant)
    join(client)


def passed(truth: Truth) -> Iterator[None]:
    """One process accepts and reads a first line, then passes the socket to another by SCM_RIGHTS: 17 times."""
    listening = listener()
    address = address_of(listening)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    yield

    def work() -> None:
        for _ in range(17):
            _, handles, _, _ = socket.recv_fds(theirs, 16, 1)
            connection = Connection(socket.socket(fileno=handles[0]), truth, read=len(REQUEST))
            connection.read(len(REQUEST))
            connection.write(ANSWER)
            connection.close()

    def ask_twice() -> None:
        connection = connect(address, truth)
        connection.write(REQUEST)
        time.sleep(0.02)  # so that the second half is a packet of its own, for the other process
        connection.write(REQUEST)
        connection.read(len(ANSWER))
        connection.close()

    worker = child("passee", work)
    client = child("client", repeat, 17, ask_twice)
    for _ in range(17):
        connection = accept(listening, truth)
        connection.read(len(REQUEST))
        socket.send_fds(ours, [b"yours"], [connection.handle.fileno()])
        connection.close()
    join(client, worker)


def two_lanes(truth: Truth) -> Iterator[None]:
    """On one connection a child writes while its parent reads, and then the parent writes: much data, seven times."""
    listening = listener()
    address = address_of(listening)
    yield

    def echo() -> None:
        for _ in range(7):
            connection = accept(listening, truth)
            connection.read(300_007)
            connection.write(b"e" * 200_003)
            connection.read(50_021)
            connection.close()

    server = child("echo", echo)
    for _ in range(7):
        connection = connect(address, truth)
        writer = child(
            "writer", lambda inherited: (inherited.note("hold", 0, 0), inherited.write(b"w" * 300_007)), connection
        )
        connection.read(200_003)
        join(writer)
        connection.written = 300_007
        connection.write(b"p" * 50_021)
        connection.close()
    join(server)


def sendfile_and_splice(truth: Truth) -> Iterator[None]:
    """The server sends a file by sendfile, the client takes it by splice, without a byte passing through either: 7 times."""
    listening = listener()
    address = address_of(listening)
    yield

    def send() -> None:
        with tempfile.TemporaryFile() as content:
            content.write(b"f" * 100_003)
            content.flush()
            for _ in range(7):
                connection = accept(listening, truth)
                connection.handle.settimeout(None)
                start = 0
                while start < 100_003:
                    start += os.sendfile(connection.handle.fileno(), content.fileno(), start, 100_003 - start)
                connection.note_written(start)
                connection.close()

    server = child("sendfile", send)
    out, into = os.pipe()
    for _ in range(7):
        connection = connect(address, truth)
        connection.handle.settimeout(None)
        size = 0
        while count := os.splice(connection.handle.fileno(), into, 16_384):
            size += count
            os.read(out, count)
        connection.note_read(size)
        connection.close()
    join(server)


def threads(truth: Truth) -> Iterator[None]:
    """Seven threads of one process, eleven connections each."""
    listening = listener()
    address = address_of(listening)
    yield
    server = child("server", serve, listening, truth, 77)
    workers = [threading.Thread(target=repeat, args=(11, ask, address, truth)) for _ in range(7)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    join(server)


def renamed(truth: Truth) -> Iterator[None]:
    """A process that changes its name between two writes on one connection: 13 times."""
    listening = listener()
    address = address_of(listening)
    yield

    def twice() -> None:
        for number in range(13):
            connection = accept(listening, truth)
            rename(f"first{number}")
            connection.note("hold", 0, 0)
            connection.read(len(REQUEST))
            connection.write(ANSWER)
            rename(f"second{number}")
            connection.note("hold", 0, 0)
            connection.read(len(REQUEST))
            connection.write(ANSWER)
            connection.close()

    server = child("renamer", twice)
    for _ in range(13):
        connection = connect(address, truth)
        for _ in range(2):
            connection.write(REQUEST)
            connection.read(len(ANSWER))
        connection.close()
    join(server)


def exec_between(truth: Truth) -> Iterator[None]:
    """A process replaces itself by another program, a connection open across that, one before and one after: 7 times."""
    listening = listener()
    address = address_of(listening)
    yield

    def work() -> None:
        ask(address, truth)
        connection = connect(address, truth)
        connection.write(REQUEST)
        connection.read(len(ANSWER))
        os.set_inheritable(connection.handle.fileno(), True)
        program = truth.path.with_name("afterexec")
        os.execv(
            program,
            ["afterexec", str(Path(__file__).with_name("truth.py")), "continue", str(truth.path)]
            + [
                str(value)
                for value in (connection.handle.fileno(), connection.written, connection.read_so_far, address[1])
            ],
        )

    def serve_three() -> None:
        answer(accept(listening, truth))
        connection = accept(listening, truth)
        for _ in range(2):
            connection.read(len(REQUEST))
            connection.write(ANSWER)
        connection.close()
        answer(accept(listening, truth))

    truth.path.with_name("afterexec").symlink_to(os.path.realpath(sys.executable))
    server = child("server", repeat, 7, serve_three)
    for _ in range(7):
        join(child("beforeexec", work))
    join(server)


def after_exec(truth: Truth, handle: int, written: int, read: int, port: int) -> None:
    """What the other program of `exec_between` does."""
    connection = Connection(socket.socket(fileno=handle), truth, written=written, read=read)
    connection.write(REQUEST)
    connection.read(len(ANSWER))
    connection.close()
    ask(("127.0.0.1", port), truth)
