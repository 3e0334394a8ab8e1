"""Memory that is out: one line, what was done until then is there, and a recording's file is whole."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import ROOT, dig, environment, pcapdig
from namespace import Namespace

pytestmark = pytest.mark.live

ENOUGH_S = 120
"""How long floods are sent at most."""
FLOOD = "import socket; s = socket.socket(2, 2); [s.sendto(bytes(60000), ('127.0.0.1', 9)) for _ in range(6000)]"


def test_a_recorder_writes_what_it_holds(folder: Path, namespace: Namespace) -> None:
    """Packets wait for a minute here, so that they fill the memory that there is."""
    file = folder / "t.pcapng"
    words = [
        "prlimit",
        "--as=230000000",
        *pcapdig("-w", file, "--interface", "lo", "-B", "16384", "--holdback", "60000"),
    ]
    process = subprocess.Popen(namespace.command(*words), stderr=subprocess.PIPE, env=environment())
    last = time.monotonic() + ENOUGH_S
    try:
        while (
            process.poll() is None and time.monotonic() < last
        ):  # before it records, and on a busy machine, a flood is lost
            subprocess.run(namespace.command(sys.executable, "-c", FLOOD), check=True, timeout=ENOUGH_S)
    finally:
        process.kill()
        _, stderr = process.communicate()
    said = stderr.decode()
    assert process.returncode == 1, said
    assert "out of memory: the recording has ended, what was held is written" in said
    assert "Traceback" not in said
    read = dig("-r", file, "-p", "%evt.num")
    assert (read.returncode, read.stderr) == (0, "")
    assert int(read.stdout.splitlines()[-1]) > 1000


@pytest.mark.parametrize("words", [["-c", "topconns"], ["-c", "httplog"], ["-c", "conns"], ["-c", "echo_fds"], []])
@pytest.mark.parametrize("limit", [95_000_000, 110_000_000, 130_000_000])
def test_a_dig_shows_no_traceback(words: list[str], limit: int) -> None:
    """Wherever it is refused, also while all is being loaded."""
    file = ROOT / "fixtures" / "lamp.pcapng.gz"
    command = ["prlimit", f"--as={limit}", *pcapdig("-r", file, *words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode in (0, 1)
