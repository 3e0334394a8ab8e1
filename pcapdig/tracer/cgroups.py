"""The root of the cgroup v2 hierarchy, where the packet programs are attached."""

from __future__ import annotations

import ctypes
import os
import re
import tempfile
from pathlib import Path

MNT_DETACH = 2
MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8


def find_cgroup2(mountinfo: Path = Path("/proc/self/mountinfo")) -> Path | None:
    """Where the root of cgroup v2 is mounted, by file system type and not by name; None when it is nowhere.

    A mount of only a part of the hierarchy does not do: packets of other cgroups would pass unseen.
    Source: Documentation/filesystems/proc.rst section 3.5 (fields of mountinfo).
    """
    for line in mountinfo.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        before, _, after = line.partition(" - ")
        fields, rest = before.split(" "), after.split(" ")
        if len(fields) >= 5 and rest[0] == "cgroup2" and fields[3] == "/":
            return Path(_unescape(fields[4]))
    return None


def _unescape(text: str) -> str:
    """Undo the octal escapes of blanks, tabs, newlines and backslashes in mountinfo."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def open_cgroup2(mountinfo: Path = Path("/proc/self/mountinfo")) -> int:
    """A descriptor of cgroup v2's root. Where it is not mounted, it is for a moment, in a private directory, and nothing stays behind.

    Raises:
        OSError: it cannot be mounted or opened.
    """
    mounted = find_cgroup2(mountinfo)
    if mounted is not None:
        return os.open(mounted, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    libc = ctypes.CDLL(None, use_errno=True)
    with tempfile.TemporaryDirectory(prefix="pcapdig-cgroup-") as place:
        target = os.fsencode(place)
        if libc.mount(b"pcapdig", target, b"cgroup2", MS_NOSUID | MS_NODEV | MS_NOEXEC, None):
            code = ctypes.get_errno()
            raise OSError(code, f"cgroup v2 is not mounted and cannot be: {os.strerror(code)}")
        try:
            return os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        finally:
            libc.umount2(target, MNT_DETACH)
