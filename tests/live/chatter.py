"""Steady small traffic on an address of this machine, until standard input closes.

    python chatter.py [--bulk] ADDRESS

Every few milliseconds a TCP connection with a request and an answer, and a UDP datagram each way, all by this one process. With
--bulk each answer is a megabyte, to fill a disk.
"""

from __future__ import annotations

import select
import socket
import sys


def main() -> None:
    """Talk until told to stop."""
    bulk, address = "--bulk" in sys.argv, sys.argv[-1]
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answer = b"a" * (1_000_000 if bulk else 2_003)
    with (
        socket.create_server((address, 0), family=family) as listening,
        socket.socket(family, socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind((address, 0))
        while not select.select([sys.stdin], [], [], 0.002)[0]:
            with socket.create_connection(listening.getsockname()[:2], timeout=10) as client:
                server, _ = listening.accept()
                with server:
                    client.sendall(b"q" * 101)
                    server.recv(101)
                    server.setblocking(False)
                    left = memoryview(answer)
                    while left:
                        try:
                            left = left[server.send(left) :]
                        except BlockingIOError:
                            client.recv(1 << 20)
            with socket.socket(family, socket.SOCK_DGRAM) as client:
                client.sendto(b"question", datagrams.getsockname()[:2])
                _, sender = datagrams.recvfrom(100)
                datagrams.sendto(b"answer", sender)


if __name__ == "__main__":
    main()
