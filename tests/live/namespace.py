"""Network namespaces for live tests: a loopback of one's own, where nobody else's packets are.

A `Namespace` is made with `ip netns add` and left by deleting exactly what it made. Commands enter it with `nsenter --net`,
which changes nothing but the network; `ip netns exec` would also mount a fresh /sys and hide the cgroup mounts.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

NAMESPACES = Path("/run/netns")


class Namespace:
    """One network namespace with its loopback up; a context manager."""

    def __init__(self, purpose: str) -> None:
        """Name it after `purpose` (a few letters) and this process, so that two test runs do not meet."""
        self.name = f"pd-{purpose}-{os.getpid()}"

    @property
    def path(self) -> Path:
        """The file that names the namespace."""
        return NAMESPACES / self.name

    @property
    def inode(self) -> int:
        """The number the kernel knows it by."""
        return self.path.stat().st_ino

    def __enter__(self) -> Self:
        ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ip("netns", "delete", self.name)

    def command(self, *argv: str | Path) -> list[str]:
        """The same command, run inside. The process started is the command itself: nsenter executes it in its place."""
        return ["nsenter", f"--net={self.path}", "--", *map(str, argv)]

    def user_command(self, *argv: str | Path) -> list[str]:
        """The same, as a user enters it: with a /sys of its own, where no cgroup is mounted."""
        return ["ip", "netns", "exec", self.name, *map(str, argv)]

    def ip(self, *arguments: str) -> None:
        """Run `ip ARGUMENTS` inside."""
        run(["ip", "-netns", self.name, *arguments])

    def set_sysctl(self, name: str, value: str) -> None:
        """Set one of the namespace's own network settings, given by its path under /proc/sys/net."""
        run(self.command("sh", "-c", 'printf %s "$1" > "/proc/sys/net/$0"', name, value))


def ip(*arguments: str) -> None:
    """Run `ip ARGUMENTS` in this process's own namespace."""
    run(["ip", *arguments])


def run(command: Sequence[str], *, timeout_seconds: float = 30) -> str:
    """Run a command that must succeed; its standard output. Its words on failure are in the exception."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def connect(left: Namespace, right: Namespace, *, left_address: str, right_address: str) -> tuple[str, str]:
    """Join two namespaces by a veth pair; addresses with prefix length. Returns the interfaces' names, left and right."""
    names = (f"v{os.getpid() % 100000}l", f"v{os.getpid() % 100000}r")
    ip("link", "add", names[0], "netns", left.name, "type", "veth", "peer", "name", names[1], "netns", right.name)
    for namespace, name, address in ((left, names[0], left_address), (right, names[1], right_address)):
        # Without duplicate address detection, so that an IPv6 address can be used at once.
        namespace.ip("address", "add", address, "dev", name, *(["nodad"] if ":" in address else []))
        namespace.ip("link", "set", name, "up")
    return names
