"""Running `pcapdig` as a user does: the installed command, in its own process, ended by a signal.

`dig` runs a command to its end; `Recording` is one that runs until it is told to stop, known to be capturing before the test goes on.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from namespace import Namespace

ROOT = Path(__file__).parents[2]
LOOPBACK = "lo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str


def pcapdig(*arguments: str | Path) -> list[str]:
    """The command line: the entry point beside this interpreter, else the package of this checkout."""
    entry = Path(sys.executable).with_name("pcapdig")
    program = [str(entry)] if entry.exists() else [sys.executable, "-m", "pcapdig"]
    return [*program, *map(str, arguments)]


def environment() -> dict[str, str]:
    """The test's environment with UTC, a fixed language, and this checkout first where nothing is installed."""
    values = {**os.environ, "TZ": "UTC0", "LC_ALL": "C.UTF-8"}
    if not Path(sys.executable).with_name("pcapdig").exists():
        values["PYTHONPATH"] = str(ROOT)
    return values


def open_folder(purpose: str) -> Path:
    """A new folder that other users may enter; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix=f"pcapdig-{purpose}-"))
    folder.chmod(0o755)
    return folder


def dig(*arguments: str | Path, directory: Path | None = None, timeout_seconds: float = 60) -> Finished:
    """Run `pcapdig ARGUMENTS` to its end, in `directory` where given."""
    done = subprocess.run(
        pcapdig(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=environment(),
        cwd=directory,
        timeout=timeout_seconds,
        check=False,
    )
    return Finished(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


class Recording:
    """`pcapdig ARGUMENTS` capturing in the background; a context manager that never leaves it running."""

    def __init__(
        self,
        *arguments: str | Path,
        namespace: Namespace | None = None,
        directory: Path | None = None,
        interfaces: Sequence[str] = (LOOPBACK,),
        announces: bool = True,
        as_user: bool = False,
    ) -> None:
        """Choose what is known before `__enter__` returns.

        Args:
            arguments: words after the command's name.
            namespace: where it runs; None: here.
            directory: its working directory.
            interfaces: those on which it must be capturing.
            as_user: enter the namespace by `ip netns exec`.
            announces: it says `recording on ...` on stderr as soon as packets count (with -w, without -q).
        """
        command = pcapdig(*arguments)
        enter = namespace and (namespace.user_command if as_user else namespace.command)
        self._command = enter(*command) if enter else command
        self._directory = directory
        self._interfaces = interfaces
        self._announces = announces
        self._process: subprocess.Popen[bytes] | None = None
        self._output: tuple[IO[bytes], IO[bytes]] | None = None

    def __enter__(self) -> Self:
        # Files, not pipes: nothing has to be read for the command to go on.
        self._output = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.DEVNULL,
            stdout=self._output[0],
            stderr=self._output[1],
            env=environment(),
            cwd=self._directory,
        )
        deadline = time.monotonic() + 30
        while not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                ended = self.stop(signal.SIGKILL)
                self._close()
                raise RuntimeError(f"the recording did not start: {ended}")
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._close()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running command."""
        if self._process is None:
            raise RuntimeError("the recording was not started")
        return self._process

    def said(self) -> tuple[str, str]:
        """What it has written to stdout and to stderr so far."""
        assert self._output
        out, err = (os.pread(stream.fileno(), 1 << 24, 0).decode() for stream in self._output)
        return out, err

    def stop(self, with_signal: signal.Signals = signal.SIGINT) -> Finished:
        """Send the signal, wait for the end, and return what it said."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        return self.wait()

    def wait(self, timeout_seconds: float = 30) -> Finished:
        """Wait until it ends by itself."""
        try:
            self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"the recording did not end: {self.said()}") from None
        stdout, stderr = self.said()
        return Finished(returncode=self.process.returncode, stdout=stdout, stderr=stderr)

    def _close(self) -> None:
        for stream in self._output or ():
            stream.close()

    def _is_ready(self) -> bool:
        if self._announces and "recording on " not in self.said()[1]:
            return False
        return captures(self.process.pid, self._interfaces)


def captures(pid: int, interfaces: Sequence[str]) -> bool:
    """Whether that process has a running packet socket on each interface, by the kernel's own table (packet(7)).

    A socket counts once it is bound to the interface for all protocols: libpcap opens it earlier, for other questions.
    """
    try:
        rows = [line.split() for line in Path(f"/proc/{pid}/net/packet").read_text().splitlines()[1:]]
        held = {link.stat().st_ino for link in Path(f"/proc/{pid}/fd").iterdir() if link.exists()}
        names = interface_names(pid)
    except OSError:
        return False
    running = {names.get(int(row[4])) for row in rows if row[3] == "0003" and row[5] == "1" and int(row[8]) in held}
    return set(interfaces) <= running


def interface_names(pid: int) -> dict[int, str]:
    """Interface index to name in the network namespace of that process."""
    listed = subprocess.run(
        ["nsenter", f"--net=/proc/{pid}/ns/net", "--", "ip", "-o", "link"],
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )
    pairs = (line.split(":")[:2] for line in listed.stdout.splitlines())
    return {int(index): name.strip().split("@")[0] for index, name in pairs}
