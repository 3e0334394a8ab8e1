"""Readers that do not read: the first signal ends pcapdig, and it says what was lost; the second ends it at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import ROOT, environment, pcapdig
from namespace import Namespace

pytestmark = pytest.mark.live

HEEDING = ["env", "--default-signal=INT"]
"""Before a command: SIGINT ends it, also where these tests run in the background of a shell, which ignores it there."""
LOST = "its reader takes nothing; what it did not take is lost"
WORDS = [["-w", "-"], ["-w", "-", "-z", "-s", "2000"], ["-x"], ["-c", "echo_fds"], ["-p", "%evt.num %evt.buffer"]]


def send(namespace: Namespace) -> None:
    """More than a pipe holds, however it is shown, and not to be compressed."""
    words = f"import os, socket; s = socket.socket(2, 2); [s.sendto(os.urandom(900), ('127.0.0.1', 9)) for _ in range({3000})]"
    subprocess.run(namespace.command(sys.executable, "-c", words), check=True, timeout=30)


def ended(process: subprocess.Popen[bytes], *numbers: signal.Signals, within_seconds: float) -> tuple[int, str]:
    """Send signals, half a second apart, and wait: exit status and what was said."""
    for number in numbers:
        time.sleep(0.5)
        process.send_signal(number)
    try:
        process.wait(within_seconds)
    finally:
        process.kill()
        _, said = process.communicate()
    return process.returncode, said.decode()


def stalled(words: list[str], namespace: Namespace, *numbers: signal.Signals, within_seconds: float) -> tuple[int, str]:
    """Fill the pipe of a live run that nobody reads, then `ended`."""
    reads, writes = os.pipe()
    process = subprocess.Popen(
        namespace.command(*HEEDING, *pcapdig(*words, "--interface", "lo")),
        stdout=writes,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    os.close(writes)
    time.sleep(2)
    send(namespace)
    time.sleep(1)
    try:
        return ended(process, *numbers, within_seconds=within_seconds)
    finally:
        os.close(reads)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", WORDS)
def test_the_first_signal_ends_a_live_run(words: list[str], number: signal.Signals, namespace: Namespace) -> None:
    """With an error, since something is missing; a recording sums up what it saw."""
    status, said = stalled(words, namespace, number, within_seconds=8)
    assert (status, said.count(LOST)) == (1, 1), said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "numbers", [(signal.SIGINT, signal.SIGINT), (signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)]
)
@pytest.mark.parametrize("words", WORDS[:1] + WORDS[3:4])
def test_the_second_ends_it_at_once(
    words: list[str], numbers: tuple[signal.Signals, ...], namespace: Namespace
) -> None:
    """Half a second after the first, which would have waited a second."""
    status, said = stalled(words, namespace, *numbers, within_seconds=1)
    assert status in (130, -numbers[-1], 1)
    assert "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("words", [["-x"], ["-c", "echo_fds"], ["-w", "-"], ["-c", "httplog", "-c", "echo_fds", "-X"]])
def test_the_first_signal_ends_a_dig(words: list[str], number: signal.Signals, tmp_path: Path) -> None:
    """Its status is the signal's."""
    reads, writes = os.pipe()
    file = str(ROOT / "fixtures" / "lamp.pcapng.gz")
    process = subprocess.Popen(
        [*HEEDING, *pcapdig("-r", file, "-r", file, *words)],
        stdout=writes,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    os.close(writes)
    time.sleep(2)
    assert process.poll() is None, "it ended without filling the pipe"
    status, said = ended(process, number, within_seconds=2)
    os.close(reads)
    assert status == (130 if number == signal.SIGINT else -number)
    assert "Traceback" not in said
