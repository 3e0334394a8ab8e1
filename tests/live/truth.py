"""Processes that write down their own sockets, so that a recording can be checked against what really happened.

    python truth.py SCENARIO TRUTH_FILE [ARGUMENT...]

A scenario (a function in one of the files scenarios_*.py) is a generator: what stands before its `yield` happens before the
recording starts, the rest after. This program says `ready` on standard output at the yield, and goes on
when a line comes in on standard input.

Each process appends its own facts to TRUTH_FILE as JSON lines, always with its id as the initial pid namespace knows it
and its name at that moment:

    tcp   hold    this process holds the socket local->remote (connected, accepted, inherited or was passed it)
          write   it wrote bytes start to end of the stream; read: it read them
          queue   its listening socket holds the connection until somebody accepts it
    udp   send, receive    a datagram with this payload, which no other datagram has
    icmp  echo    it asks with this identifier and reads the answers
    any   nobody  this end belongs to no process: the kernel answers

Nothing here imports pcapdig or pytest.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

Endpoint = tuple[str, int]
PR_SET_NAME = 15
TIMEOUT_SECONDS = 20.0
"""For every socket operation, so that no program of a failed test stays behind."""


class Truth:
    """The file the facts go to. Appends are whole lines, also from many processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    def note(self, kind: str, act: str, **facts: object) -> None:
        """Write down one fact about this process."""
        # /proc belongs to the initial pid namespace, so this is the id that the recorder sees.
        pid, name = int(os.readlink("/proc/self")), Path("/proc/self/comm").read_text().rstrip("\n")
        line = json.dumps({"kind": kind, "act": act, "pid": pid, "name": name, **facts}) + "\n"
        os.write(self._file, line.encode())

    def nobody(self, kind: str, local: Endpoint, remote: Endpoint) -> None:
        """That end has no process."""
        self.note(kind, "nobody", local=plain(local), remote=plain(remote))


def plain(address: tuple[str, int] | tuple[str, int, int, int]) -> Endpoint:
    """Address and port as the packet has them: an IPv4-mapped address is the IPv4 address."""
    return address[0].removeprefix("::ffff:"), address[1]


class Connection:
    """A TCP socket whose every byte is written down by whoever writes or reads it."""

    def __init__(self, handle: socket.socket, truth: Truth, *, written: int = 0, read: int = 0) -> None:
        """`written` and `read`: bytes that went through this end of the stream before, where the socket is not new."""
        handle.settimeout(TIMEOUT_SECONDS)
        self.handle, self.truth, self.written, self.read_so_far = handle, truth, written, read
        self.local, self.remote = plain(handle.getsockname()), plain(handle.getpeername())
        self.note("hold", 0, 0)

    def note(self, act: str, start: int, end: int) -> None:
        """Write down what this process did with bytes start to end."""
        self.truth.note("tcp", act, local=self.local, remote=self.remote, start=start, end=end)

    def write(self, data: bytes) -> None:
        """Send it all."""
        self.handle.sendall(data)
        self.note_written(len(data))

    def note_written(self, size: int) -> None:
        """Bytes went out, by whichever call."""
        self.note("write", self.written, self.written + size)
        self.written += size

    def note_read(self, size: int) -> None:
        """Bytes came in, by whichever call."""
        self.note("read", self.read_so_far, self.read_so_far + size)
        self.read_so_far += size

    def read(self, size: int) -> bytes:
        """Receive exactly so many bytes."""
        data = bytearray()
        while len(data) < size:
            piece = self.handle.recv(min(size - len(data), 65536))
            if not piece:
                raise EOFError(f"{len(data)} of {size} bytes")
            data += piece
        self.note_read(size)
        return bytes(data)

    def read_to_end(self) -> int:
        """Receive until the other side has closed; number of bytes."""
        size = 0
        while piece := self.handle.recv(65536):
            size += len(piece)
        self.note_read(size)
        return size

    def close(self) -> None:
        """Close this process's hold on it."""
        self.handle.close()


class Datagrams:
    """A UDP socket whose datagrams are written down; each payload may be used once in a recording."""

    def __init__(self, handle: socket.socket, truth: Truth) -> None:
        handle.settimeout(TIMEOUT_SECONDS)
        self.handle, self.truth = handle, truth

    def send(self, payload: str, to: Endpoint | None = None) -> None:
        """Send it to an address, or to the socket's peer."""
        if to is None:
            self.handle.send(payload.encode())
        else:
            self.handle.sendto(payload.encode(), to)
        self.truth.note("udp", "send", payload=payload)

    def receive(self) -> tuple[str, Endpoint]:
        """The next datagram and who sent it."""
        payload, sender = self.handle.recvfrom(65536)
        self.truth.note("udp", "receive", payload=payload.decode())
        return payload.decode(), sender[:2]


def listener(
    address: str = "127.0.0.1", port: int = 0, *, backlog: int = 128, reuse_port: bool = False
) -> socket.socket:
    """A listening TCP socket; on "::" it takes IPv4 as well."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    handle = socket.create_server(
        (address, port), family=family, backlog=backlog, reuse_port=reuse_port, dualstack_ipv6=address == "::"
    )
    handle.settimeout(TIMEOUT_SECONDS)
    return handle


def accept(listening: socket.socket, truth: Truth) -> Connection:
    """The next connection, held by this process."""
    return Connection(listening.accept()[0], truth)


def connect(to: Endpoint, truth: Truth) -> Connection:
    """A new connection to that address."""
    return Connection(socket.create_connection(to, timeout=TIMEOUT_SECONDS), truth)


def udp(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """A new UDP socket."""
    return socket.socket(family, socket.SOCK_DGRAM)


def rename(name: str) -> None:
    """Give this process another name, as prctl(PR_SET_NAME) does; at most 15 bytes."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_NAME, name.encode(), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def child(name: str, work: Callable[..., object], *arguments: object) -> int:
    """Fork a process of that name which does the work and ends; its process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        rename(name)
        work(*arguments)
        status = 0
    except BaseException as error:  # noqa: BLE001 - reported, and the status tells the parent
        print(f"{name}: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


class Rounds:
    """Counts, over processes, what workers have served and written down: those without an end of their own may be ended then."""

    def __init__(self) -> None:
        self._told, self._tell = os.pipe()

    def served(self) -> None:
        """One more, by this process."""
        os.write(self._tell, b".")

    def wait(self, count: int) -> None:
        """Until that many more were served."""
        while count:
            count -= len(os.read(self._told, count))


def end(pids: list[int]) -> None:
    """End children that serve for ever."""
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def join(*pids: int) -> None:
    """Wait for children; RuntimeError if one failed."""
    failed = [pid for pid in pids if os.waitpid(pid, 0)[1] != 0]
    if failed:
        raise RuntimeError(f"{len(failed)} of {len(pids)} processes failed")


def main() -> None:
    """Run one scenario, or go on with one after it replaced itself by execve."""
    import scenarios_handover
    import scenarios_other
    import scenarios_reuse
    import scenarios_tcp

    name, path, *arguments = sys.argv[1:]
    if name == "continue":
        scenarios_handover.after_exec(Truth(Path(path)), *map(int, arguments))
        return
    rooms = (scenarios_tcp, scenarios_handover, scenarios_other, scenarios_reuse)
    scenario = next(getattr(room, name) for room in rooms if hasattr(room, name))
    steps: Iterator[None] = scenario(Truth(Path(path)), *arguments)
    next(steps)
    print("ready", flush=True)
    if sys.stdin.readline():
        next(steps, None)


if __name__ == "__main__":
    sys.modules["truth"] = sys.modules["__main__"]  # one module, whoever imports it
    main()
