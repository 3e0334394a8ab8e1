"""Who is the server of a connection that is older than the recording: the sockets know, whatever ports and order say."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from captured import read_packets
from command import Recording
from namespace import Namespace, connect

pytestmark = pytest.mark.live

POLLED_SECONDS = 1
ADDRESSES = ["127.0.0.1", "::1"]


def recorded(
    folder: Path,
    namespace: Namespace,
    tracer: str,
    *arguments: str,
    interface: str = "lo",
    where: Namespace | None = None,
) -> tuple[Path, list[list[str]]]:
    """A recording begun when all connections were there, and [protocol, client's port, server's port] of each."""
    file = folder / "roles.pcapng"
    script = Path(__file__).with_name("roles.py")
    program = subprocess.Popen(
        namespace.command(sys.executable, script, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout
    pairs: list[list[str]] = []
    while (line := program.stdout.readline()) not in {"ready\n", ""}:
        pairs.append(line.split())
    options = ("--interface", interface, "--tracer", tracer)
    with Recording("-w", file, *options, namespace=where or namespace, interfaces=(interface,)) as recording:
        assert program.stdin
        program.stdin.write("go\n")
        program.stdin.flush()
        assert program.stdout.readline() == "done\n"
        # procfs names nobody who ended before the packets' hold-back
        time.sleep(POLLED_SECONDS)
        recording.stop()
        program.communicate("end\n", timeout=20)
    assert program.returncode == 0
    return file, pairs


def roles_of(file: Path) -> dict[tuple[int, bool], set[str]]:
    """(port, does its end write) -> what the comments of that end say of fd.is_server."""
    said: dict[tuple[int, bool], set[str]] = {}
    for packet in read_packets(file):
        for end in packet.ends:
            port = (packet.source if end.is_writer else packet.destination)[1]
            if "fd.is_server" in end.keys:
                assert end.keys.index("fd.is_server") == end.keys.index("evidence") + 1
            said.setdefault((port, end.is_writer), set()).add(end.values.get("fd.is_server", ""))
    return said


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("tracer", ["core", "bcc", "procfs"])
def test_the_sockets_say_who_is_the_server(folder: Path, namespace: Namespace, tracer: str, address: str) -> None:
    """Every packet's two ends, TCP and UDP. What bcc and procfs cannot see, whether a port was named to bind(2), they leave out."""
    file, pairs = recorded(folder, namespace, tracer, address)
    said = roles_of(file)
    assert len(pairs) == 8
    for protocol, client, server in pairs:
        silent = protocol == "udp-chosen" and tracer != "core"
        for writes in (True, False):
            assert said[int(client), writes] == {"" if silent else "false"}, (protocol, client)
            assert said[int(server), writes] == {"" if silent else "true"}, (protocol, server)


@pytest.mark.parametrize(("left", "right"), [("10.77.0.1", "10.77.0.2"), ("fd77::1", "fd77::2")])
@pytest.mark.parametrize("at_server", [True, False])
def test_roles_over_a_link_between_namespaces(folder: Path, left: str, right: str, at_server: bool) -> None:
    """Recorded where the servers are, or where the clients are: the sockets of both namespaces are known."""
    prefix = "/64" if ":" in left else "/24"
    with Namespace("near") as near, Namespace("far") as far:
        names = connect(near, far, left_address=left + prefix, right_address=right + prefix)
        where, interface = (near, names[0]) if at_server else (far, names[1])
        file, pairs = recorded(folder, near, "core", left, right, str(far.path), interface=interface, where=where)
    said = roles_of(file)
    assert len(pairs) == 8
    for protocol, client, server in pairs:
        for writes in (True, False):
            assert said[int(client), writes] == {"false"}, (protocol, client)
            assert said[int(server), writes] == {"true"}, (protocol, server)
