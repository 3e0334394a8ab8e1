"""Who may record, and what is known of processes that move between cgroups: as root, by capabilities alone, as nobody."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from captured import read_packets
from command import Recording, environment, pcapdig
from namespace import Namespace, run

pytestmark = pytest.mark.live

CAPABILITIES = "+net_raw,+net_admin,+bpf,+perfmon,+sys_ptrace,+dac_read_search"


def as_nobody(*words: str, capabilities: str = "-all") -> subprocess.CompletedProcess[str]:
    """Run a command as a user who has these capabilities and no others."""
    rights = [f"--inh-caps={capabilities}", f"--ambient-caps={capabilities}"] if capabilities != "-all" else []
    setpriv = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *rights]
    return subprocess.run(
        [*setpriv, *words], capture_output=True, text=True, timeout=60, env=environment(), check=False
    )


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv of util-linux is not installed")
@pytest.mark.parametrize(("capabilities", "status"), [(CAPABILITIES, 0), ("-all", 1)])
def test_doctor_knows_what_capabilities_allow(capabilities: str, status: int) -> None:
    """As docs/install.md lists them; its exit status says whether packets can be recorded."""
    done = as_nobody(*pcapdig("doctor"), capabilities=capabilities)
    assert (done.returncode, "core: yes" in done.stdout) == (status, status == 0), done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv of util-linux is not installed")
@pytest.mark.parametrize(
    "words", [["topconns"], ["-c", "echo_fds"], ["netstat"], ["-w", "-"], [], ["-c", "conns", "-j"]]
)
def test_a_refusal_stands_alone(words: list[str]) -> None:
    """No heading before it."""
    done = as_nobody(*pcapdig(*words, "--interface", "lo"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("no permission to capture on lo: ")
    assert done.stderr.count("\n") == 1


CLIENTS = """
import os, socket, sys
server = socket.create_server(("127.0.0.1", 0))
code = "import socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); s.sendall(b'x'); s.recv(1)"
for _ in range(6):
    if os.fork() == 0:
        with open(sys.argv[1] + "/cgroup.procs", "w") as procs:
            procs.write(str(os.getpid()))
        os.execv(sys.executable, [sys.executable, "-c", code, str(server.getsockname()[1]), "moved"])
    connection = server.accept()[0]
    connection.recv(1)
    connection.close()
    os.wait()
"""


def test_a_container_is_that_of_the_cgroup(folder: Path, namespace: Namespace) -> None:
    """Fork on the host, move, exec, and end at once, as container runtimes do: never the host, and known while the cgroup is there."""
    identity = "0123456789abcdef" * 4
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    root = next((fields[1] for fields in mounts if fields[2] == "cgroup2" and os.access(fields[1], os.W_OK)), None)
    if root is None:
        pytest.skip("cgroup v2 is not mounted here, or cannot be written")
    group = Path(root) / f"pcapdig-rights-{os.getpid()}" / identity
    group.mkdir(parents=True)
    try:
        with Recording("-w", folder / "t.pcapng", "--interface", "lo", namespace=namespace) as recording:
            run(namespace.command(sys.executable, "-c", CLIENTS, str(group)))
            time.sleep(0.3)
            assert recording.stop().returncode == 0
    finally:
        group.rmdir()
        group.parent.rmdir()
    containers = {
        end.values.get("container.id")
        for packet in read_packets(folder / "t.pcapng")
        for end in packet.ends
        if end.values.get("proc.cmdline", "").endswith(" moved")
    }
    assert containers == {identity[:12]}
