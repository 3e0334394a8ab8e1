"""Numbers that the kernel gives out again: ports, whole tuples, process ids. Each a generator for truth.py."""

from __future__ import annotations

import os
import shutil
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from scenarios_other import bound, question, reply
from scenarios_tcp import ANSWER, REQUEST, address_of, answer, serve_lines
from truth import TIMEOUT_SECONDS, Connection, Datagrams, Endpoint, Truth, accept, child, join, listener

LAST_PID = Path("/proc/sys/kernel/ns_last_pid")
"""The process id given out last; root may set it, and the next process gets the following one (proc(5))."""


def connect_from(port: int, to: Endpoint, truth: Truth) -> Connection:
    """A connection from that port, closed by a reset, so that the very same tuple can be used again at once."""
    handle = socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET)
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handle.settimeout(TIMEOUT_SECONDS)
    handle.bind(("", port))
    handle.connect(to)
    return Connection(handle, truth)


def same_tuple(truth: Truth) -> Iterator[None]:
    """17 pairs of processes, one after the other, on the same two addresses and ports; a truth file for each pair."""
    listening = listener()
    address = address_of(listening)
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    yield
    for turn in range(17):
        mine = Truth(truth.path.with_suffix(f".{turn}"))

        def ask(told: Truth) -> None:
            connection = connect_from(port, address, told)
            connection.write(REQUEST)
            connection.read(len(ANSWER))
            connection.close()

        def serve_one(told: Truth) -> None:
            answer(accept(listening, told))

        join(child(f"client{turn}", ask, mine), child(f"server{turn}", serve_one, mine))


def udp_port_used_again(truth: Truth) -> Iterator[None]:
    """43 processes, one after the other, ask from the same UDP port."""
    server_socket = bound()
    with bound() as chosen:
        port = chosen.getsockname()[1]
    yield
    server = child("server", reply, server_socket, truth, 43)

    def ask(number: int) -> None:
        with bound(port=port) as handle:
            question(Datagrams(handle, truth), f"again {number}", server_socket.getsockname())

    for number in range(43):
        join(child(f"user{number}", ask, number))
    join(server)


def pid_used_again(truth: Truth, program: str) -> Iterator[None]:
    """Eleven programs of different names, one after the other, with the same process id wherever the kernel gives it."""
    listening = listener()
    address, port = address_of(listening)
    names = [truth.path.with_name(f"again{number}") for number in range(11)]
    for name in names:
        shutil.copy2(program, name)
    yield
    server = child("server", serve_lines, listening, truth, 11)
    wanted = None
    for name in names:
        if wanted:
            LAST_PID.write_text(str(wanted - 1))
        pid = os.fork()
        if not pid:
            os.execv(name, [name.name, str(truth.path), address, str(port), str(len(ANSWER))])
        join(pid)
        wanted = wanted or pid
    join(server)


def serve_same(truth: Truth, address: str) -> Iterator[None]:
    """Serves 23 connections at port 7007 of that address."""
    listening = listener(address, 7007)
    yield

    def work() -> None:
        for _ in range(23):
            answer(accept(listening, truth))

    join(child("server", work))


def ask_same(truth: Truth, address: str) -> Iterator[None]:
    """Asks 23 times from ports 7101 to 7123, so that another pair elsewhere can use the very same tuples."""
    yield

    def work() -> None:
        for number in range(23):
            connection = connect_from(7101 + number, (address, 7007), truth)
            connection.write(REQUEST)
            connection.read(len(ANSWER))
            connection.close()

    join(child("client", work))


def send_large(truth: Truth, address: str) -> Iterator[None]:
    """Asks with datagrams of 20,000 bytes, 13 times, at port 7007 of that address: on Ethernet each is a row of fragments."""
    yield

    def work() -> None:
        handle = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        mine = Datagrams(handle, truth)
        for number in range(13):
            question(mine, f"large {number} ".ljust(20_000, "."), (address, 7007))

    join(child("client", work))


def answer_large(truth: Truth, address: str) -> Iterator[None]:
    """Answers them."""
    handle = bound(address, port=7007)
    yield
    join(child("server", reply, handle, truth, 13))
