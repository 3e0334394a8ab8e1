"""UDP, ICMP, and sockets in two network namespaces, each scenario a generator for truth.py."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from ipaddress import ip_address

from scenarios_tcp import ANSWER, REQUEST, ask, serve
from truth import TIMEOUT_SECONDS, Datagrams, Endpoint, Rounds, Truth, child, connect, end, join, listener, udp

ECHO_REQUEST = {socket.AF_INET: 8, socket.AF_INET6: 128}
ECHO_REPLY = {socket.AF_INET: 0, socket.AF_INET6: 129}


def bound(address: str = "127.0.0.1", *, reuse_port: bool = False, port: int = 0) -> socket.socket:
    """A UDP socket with a port of its own."""
    handle = udp(socket.AF_INET6 if ":" in address else socket.AF_INET)
    if reuse_port:
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    handle.bind((address, port))
    return handle


def reply(handle: socket.socket, truth: Truth, count: int, rounds: Rounds | None = None) -> None:
    """Answer so many datagrams, each to whoever sent it."""
    socket_ = Datagrams(handle, truth)
    for _ in range(count):
        payload, sender = socket_.receive()
        socket_.send(f"re {payload}", sender)
        if rounds is not None:
            rounds.served()


def question(mine: Datagrams, words: str, to: Endpoint | None = None) -> None:
    """One datagram there and one back."""
    mine.send(words, to)
    mine.receive()


def udp_connected(truth: Truth) -> Iterator[None]:
    """43 sockets connected to a server's address, seven questions each."""
    server_socket = bound()
    yield
    server = child("server", reply, server_socket, truth, 43 * 7)

    def client() -> None:
        for number in range(43):
            with udp() as handle:
                handle.connect(server_socket.getsockname())
                mine = Datagrams(handle, truth)
                for turn in range(7):
                    question(mine, f"connected {number} {turn}")

    join(child("client", client), server)


def udp_unconnected(truth: Truth) -> Iterator[None]:
    """One client socket speaks with three servers by turns: 61 questions."""
    servers = [bound() for _ in range(3)]
    yield
    pids = [
        child(f"server{number}", reply, handle, truth, count)
        for number, (handle, count) in enumerate(zip(servers, (21, 20, 20), strict=True))
    ]

    def client() -> None:
        mine = Datagrams(udp(), truth)
        for number in range(61):
            question(mine, f"unconnected {number}", servers[number % 3].getsockname())

    join(child("client", client), *pids)


def udp_wildcard(truth: Truth) -> Iterator[None]:
    """A server bound to the wildcard address, by both families: 37 questions each."""
    four, six = bound("0.0.0.0"), bound("::")
    yield
    pids = [child("wild4", reply, four, truth, 37), child("wild6", reply, six, truth, 37)]

    def client() -> None:
        for number in range(37):
            with udp() as handle:
                question(Datagrams(handle, truth), f"wildcard four {number}", ("127.0.0.1", four.getsockname()[1]))
            with udp(socket.AF_INET6) as handle:
                question(Datagrams(handle, truth), f"wildcard six {number}", ("::1", six.getsockname()[1]))

    join(child("client", client), *pids)


def udp_both_ask(truth: Truth) -> Iterator[None]:
    """Two processes that ask each other in turn over the same two ports: 23 questions each way."""
    left, right = bound(), bound()
    yield

    def speak(name: str, handle: socket.socket, to: Endpoint, *, first: bool) -> None:
        mine = Datagrams(handle, truth)
        for number in range(23):
            if first:
                mine.send(f"{name} {number}", to)
                mine.receive()
            else:
                mine.receive()
                mine.send(f"{name} {number}", to)

    addresses = left.getsockname(), right.getsockname()
    join(
        child("left", lambda: speak("left", left, addresses[1], first=True)),
        child("right", lambda: speak("right", right, addresses[0], first=False)),
    )


def udp_shared(truth: Truth) -> Iterator[None]:
    """Three workers receive from one inherited socket, one question at a time: 31 of them."""
    server_socket = bound()
    yield
    rounds = Rounds()
    workers = [child(f"shared{number}", reply, server_socket, truth, 1_000, rounds) for number in range(3)]

    def client() -> None:
        with udp() as handle:
            mine = Datagrams(handle, truth)
            for number in range(31):
                question(mine, f"shared {number}", server_socket.getsockname())

    join(child("client", client))
    rounds.wait(31)
    end(workers)


def udp_reuse_port(truth: Truth) -> Iterator[None]:
    """Three processes share a port by SO_REUSEPORT; the kernel spreads 47 clients over them."""
    first = bound(reuse_port=True)
    address: Endpoint = first.getsockname()
    handles = [first, *(bound(reuse_port=True, port=address[1]) for _ in range(2))]
    yield
    rounds = Rounds()
    workers = [child(f"sharer{number}", reply, handle, truth, 1_000, rounds) for number, handle in enumerate(handles)]

    def client() -> None:
        for number in range(47):
            with udp() as handle:
                question(Datagrams(handle, truth), f"group {number}", address)

    join(child("client", client))
    rounds.wait(47)
    end(workers)


def udp_open_before(truth: Truth) -> Iterator[None]:
    """Sockets that were open, and had spoken, before the recording: 29 questions more."""
    server_socket, client_socket = bound(), udp()
    client_socket.connect(server_socket.getsockname())
    client_socket.send(b"before")
    server_socket.recv(100)
    yield
    server = child("server", reply, server_socket, truth, 29)
    mine = Datagrams(client_socket, truth)
    for number in range(29):
        question(mine, f"before {number}")
    join(server)


def udp_refused(truth: Truth) -> Iterator[None]:
    """17 datagrams to ports that nobody has: the kernel answers with ICMP, and no process reads them."""
    yield
    for number in range(17):
        with bound() as closed:
            to = closed.getsockname()
        with udp() as handle:
            handle.connect(to)
            Datagrams(handle, truth).send(f"refused {number}")
            truth.nobody("udp", to, handle.getsockname())


def same_port(truth: Truth) -> Iterator[None]:
    """One port number, TCP by one process and UDP by another: 29 connections and 29 questions."""
    listening = listener()
    address = listening.getsockname()
    datagrams = bound(port=address[1])
    yield
    servers = child("tcpserver", serve, listening, truth, 29), child("udpserver", reply, datagrams, truth, 29)

    def client() -> None:
        for number in range(29):
            with udp() as handle:
                question(Datagrams(handle, truth), f"same port {number}", address)
            ask(address, truth)

    join(child("client", client), *servers)


def apart(truth: Truth) -> Iterator[None]:
    """Every socket is held by one process only: 5 connections of half a second, 13 short ones, and 13 datagrams each way."""
    out, into = os.pipe()

    def serve_all() -> None:
        listening, datagrams = listener(), bound()
        os.write(into, f"{listening.getsockname()[1]} {datagrams.getsockname()[1]}".encode())
        serve(listening, truth, 18)
        reply(datagrams, truth, 13)

    server = child("server", serve_all)
    ports = [int(word) for word in os.read(out, 100).split()]
    yield

    def client() -> None:
        for turn in range(18):
            connection = connect(("127.0.0.1", ports[0]), truth)
            time.sleep(0.5 if turn % 4 == 0 else 0)
            connection.write(REQUEST)
            connection.read(len(ANSWER))
            connection.close()
        mine = Datagrams(udp(), truth)
        for number in range(13):
            question(mine, f"apart {number}", ("127.0.0.1", ports[1]))

    join(child("client", client), server)


def echo(handle: socket.socket, truth: Truth, family: socket.AddressFamily, *, identifier: int, sequence: int) -> None:
    """One echo request to this machine and its reply. On a ping socket the kernel sets the identifier: its port."""
    to = "::1" if family == socket.AF_INET6 else "127.0.0.1"
    handle.settimeout(TIMEOUT_SECONDS)
    head = struct.pack("!BBHHH", ECHO_REQUEST[family], 0, 0, identifier, sequence)
    payload = b"pcapdig" * 7
    # The kernel fills in the checksum of ICMPv6 and of ping sockets; a raw IPv4 socket sends what it is given.
    checksum = internet_checksum(head + payload) if family == socket.AF_INET else 0
    handle.sendto(head[:2] + struct.pack("!H", checksum) + head[4:] + payload, (to, 0))
    while True:
        answer = handle.recv(2048)
        if family == socket.AF_INET and handle.type == socket.SOCK_RAW:
            answer = answer[(answer[0] & 15) * 4 :]
        if answer[0] == ECHO_REPLY[family] and struct.unpack_from("!H", answer, 6)[0] == sequence:
            break
    number = struct.unpack_from("!H", answer, 4)[0]
    truth.note("icmp", "echo", local=(str(ip_address(to)), number), remote=(to, 0))
    truth.nobody("icmp", (to, 0), (to, number))


def internet_checksum(data: bytes) -> int:
    """RFC 1071, of an even or odd number of bytes."""
    total = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ping_raw(truth: Truth) -> Iterator[None]:
    """The classic ping on a raw socket, two processes, IPv4 and IPv6, 11 echoes each."""
    yield

    def ping(identifier: int) -> None:
        for family, protocol in ((socket.AF_INET, socket.IPPROTO_ICMP), (socket.AF_INET6, socket.IPPROTO_ICMPV6)):
            with socket.socket(family, socket.SOCK_RAW, protocol) as handle:
                for sequence in range(11):
                    echo(handle, truth, family, identifier=identifier, sequence=sequence)

    for number in (4711, 4712):
        join(child(f"ping{number}", ping, number))


def ping_socket(truth: Truth) -> Iterator[None]:
    """Unprivileged ping sockets (icmp(7) and net.ipv4.ping_group_range): three, 13 echoes each."""
    yield

    def ping() -> None:
        for family, protocol in ((socket.AF_INET, socket.IPPROTO_ICMP), (socket.AF_INET6, socket.IPPROTO_ICMPV6)):
            with socket.socket(family, socket.SOCK_DGRAM, protocol) as handle:
                for sequence in range(13):
                    echo(handle, truth, family, identifier=0, sequence=sequence)

    for number in range(3):
        join(child(f"pinger{number}", ping))


def serve_at(truth: Truth, address: str, port: str) -> Iterator[None]:
    """The server's half of two namespaces: 53 connections and 53 datagrams at that address."""
    listening, datagrams = listener(address, int(port)), bound(address, port=int(port))
    yield
    join(child("farserver", serve, listening, truth, 53), child("fardatagram", reply, datagrams, truth, 53))


def ask_at(truth: Truth, address: str, port: str) -> Iterator[None]:
    """The client's half."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    yield

    def client() -> None:
        for number in range(53):
            ask((address, int(port)), truth)
            with udp(family) as handle:
                question(Datagrams(handle, truth), f"far {address} {number}", (address, int(port)))

    join(child("nearclient", client))
