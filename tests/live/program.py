"""Running scenarios of truth.py from a test, each in its own process, stopped where the recording has to begin."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from command import Recording
from namespace import Namespace, run

SETTLE_SECONDS = 0.3
"""After the last process has ended: the kernel's last packets, all sent within a round trip of the loopback."""


class Program:
    """A scenario of truth.py in a process of its own, stopped at its `yield`."""

    def __init__(
        self, folder: Path, scenario: str, *arguments: str, namespace: Namespace, wrapper: tuple[str, ...] = ()
    ) -> None:
        """`wrapper` is put before the command, inside the namespace."""
        self.truth = folder / f"{scenario}.jsonl"
        # By its own name, so that names of forked and of executed processes differ.
        interpreter = folder / "truth"
        if not interpreter.exists():
            interpreter.symlink_to(os.path.realpath(sys.executable))
        program = [
            str(interpreter),
            "-B",
            str(Path(__file__).with_name("truth.py")),
            scenario,
            str(self.truth),
            *arguments,
        ]
        self._process = subprocess.Popen(
            namespace.command(*wrapper, *program),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def await_ready(self) -> None:
        """Wait until what happens before the recording has happened."""
        assert self._process.stdout
        said = self._process.stdout.readline()
        assert said == "ready\n", f"{said}{self._process.communicate()}"

    def go(self) -> None:
        """Let it run on."""
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def finish(self) -> str:
        """Wait for its end; what it said on stderr, which is nothing when all went well."""
        _, stderr = self._process.communicate(timeout=60)
        assert self._process.returncode == 0, stderr
        return stderr

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process.poll() is None:
            self._process.kill()
        self._process.communicate()


@contextmanager
def program(
    folder: Path, scenario: str, *arguments: str, namespace: Namespace, wrapper: tuple[str, ...] = ()
) -> Iterator[Program]:
    """A scenario that is ready."""
    running = Program(folder, scenario, *arguments, namespace=namespace, wrapper=wrapper)
    try:
        running.await_ready()
        yield running
    finally:
        running.close()


def record_while(
    folder: Path,
    namespace: Namespace,
    *programs: Program,
    interface: str = "lo",
    options: tuple[str, ...] = (),
    as_user: bool = False,
) -> Path:
    """Record on one interface while the programs run on from where they stand; the file."""
    file = folder / "truth.pcapng"
    command = ["-w", file, "--interface", interface, *options]
    with Recording(*command, namespace=namespace, interfaces=[interface], as_user=as_user) as recording:
        for running in programs:
            running.go()
        for running in reversed(programs):  # clients first: why a server had nobody to serve, they know
            running.finish()
        time.sleep(SETTLE_SECONDS)
        ended = recording.stop()
    print(ended.stderr)
    assert ended.returncode == 0, ended
    return file


def send(namespace: Namespace, payload: str, address: str, port: int = 9) -> None:
    """One UDP datagram from inside the namespace; nobody listens on port 9."""
    words = f"import socket; socket.socket(2, 2).sendto({payload.encode()!r}, ({address!r}, {port}))"
    run(namespace.command(sys.executable, "-c", words))
