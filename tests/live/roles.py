"""Connections that are there before a recording, made so that ports and order say the wrong thing: `python roles.py ADDRESS`; with
`ADDRESS CLIENT NAMESPACE` the clients have another address, in the network namespace of that file.

Each server has the higher port, or a port that the kernel chose, and sends first once the recording runs. Lines on stdout: protocol, the client's
port, the server's port. Then it waits for a line on stdin, sends, says so, and waits for another line before it ends.
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys

CLONE_NEWNET = 0x40000000


def elsewhere(path: str | None, family: int, kind: int) -> socket.socket:
    """A socket of the namespace of that file."""
    if path is None:
        return socket.socket(family, kind)
    libc = ctypes.CDLL(None, use_errno=True)
    home, there = os.open("/proc/self/ns/net", os.O_RDONLY), os.open(path, os.O_RDONLY)
    try:
        assert libc.setns(there, CLONE_NEWNET) == 0
        try:
            return socket.socket(family, kind)
        finally:
            assert libc.setns(home, CLONE_NEWNET) == 0
    finally:
        os.close(home)
        os.close(there)


def connections(address: str, client_address: str, path: str | None) -> list[tuple[str, socket.socket, socket.socket]]:
    """(protocol, client, server) of each."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    made = []
    for client_port, server_port, backlog, closes in (
        (3001, 0, 5, False),
        (3002, 0, 5, True),
        (0, 0, 5, True),
        (0, 0, 0, True),
        (3003, 51001, 0, True),
    ):
        listener = socket.socket(family)
        listener.bind((address, server_port))
        listener.listen(backlog)
        client = elsewhere(path, family, socket.SOCK_STREAM)
        client.bind((client_address, client_port)) if client_port else None
        client.connect(listener.getsockname()[:2])
        server, _peer = listener.accept()
        made.append(("tcp", client, server))
        if closes:
            listener.close()
        else:
            KEPT.append(listener)
    for client_port, server_port, connects in ((3101, 51101, True), (0, 51102, True), (0, 51103, False)):
        server = socket.socket(family, socket.SOCK_DGRAM)
        server.bind((address, server_port))
        client = elsewhere(path, family, socket.SOCK_DGRAM)
        client.bind((client_address, client_port)) if client_port else None
        client.connect((address, server_port)) if connects else client.sendto(b"ask", (address, server_port))
        if not connects:
            server.recv(10)
        made.append(("udp" if connects else "udp-chosen", client, server))
    return made


def talk(protocol: str, client: socket.socket, server: socket.socket) -> None:
    """The server first."""
    if protocol == "tcp":
        server.sendall(b"answer")
    else:
        port = client.getsockname()[1]
        server.sendto(b"answer", (PEER[0] if PEER else server.getsockname()[0], port))
    client.recv(10)
    if protocol == "udp-chosen":
        client.sendto(b"ask", server.getsockname()[:2])
    else:
        client.sendall(b"ask")
    server.recv(10)


KEPT: list[socket.socket] = []
PEER: list[str] = sys.argv[2:3]
"""The clients' address, where it is another."""

if __name__ == "__main__":
    pairs = connections(sys.argv[1], (PEER or sys.argv[1:])[0], sys.argv[3] if len(sys.argv) > 3 else None)
    for protocol, client, server in pairs:
        print(protocol, client.getsockname()[1], server.getsockname()[1], flush=True)
    print("ready", flush=True)
    sys.stdin.readline()
    for pair in pairs:
        talk(*pair)
    print("done", flush=True)
    sys.stdin.readline()
