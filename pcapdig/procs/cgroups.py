"""Cgroups of version 2 by the number that events carry: from path to number, and back while the cgroup is there.

A cgroup's number is the inode of its directory and the file handle of that directory (kernfs; cgroup_get_e_css and
kernfs_fh_to_dentry of the kernel's kernel/cgroup/cgroup.c and fs/kernfs/mount.c, the latter since Linux 4.15).
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
from pathlib import Path

_HANDLE = struct.Struct("=IiQ")
"""struct file_handle of open_by_handle_at(2): size of what follows the type, type, number."""
_KERNFS = 0xFE
"""FILEID_KERNFS of linux/exportfs.h."""


class Cgroups:
    """The hierarchy as we see it, else as init does: `ip netns exec` hides its mount (ip-netns(8))."""

    def __init__(self, proc: Path) -> None:
        """`proc` is where /proc is mounted."""
        self._proc = proc
        self._root: Path | None = None
        self._is_found = False
        self._root_fd = -1

    def id_of(self, cgroup_file: str) -> int:
        """The number of the cgroup that the text of a /proc/PID/cgroup names; 0 where that cannot be said."""
        path = next((line[3:] for line in cgroup_file.splitlines() if line.startswith("0::")), None)
        root = self._find()
        if path is None or root is None or "/../" in f"{path}/":
            return 0
        try:
            return os.stat(f"{root}{path}").st_ino
        except OSError:
            return 0  # it is gone, or outside of what we see

    def text_of(self, cgroup_id: int) -> str | None:
        """What /proc/PID/cgroup says of its members, `0::PATH`. None: the cgroup is gone, or only root may know."""
        root = self._find()
        if root is None:
            return None
        try:
            if self._root_fd < 0:
                self._root_fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            top, fd = os.readlink(f"/proc/self/fd/{self._root_fd}"), _open_handle(self._root_fd, cgroup_id)
        except OSError:
            return None
        try:
            path = os.readlink(f"/proc/self/fd/{fd}")
        finally:
            os.close(fd)
        if path.endswith(" (deleted)") or not (path == top or path.startswith(f"{top.rstrip('/')}/")):
            return None
        return f"0::{path.removeprefix(top.rstrip('/')) or '/'}"

    def _find(self) -> Path | None:
        if not self._is_found:
            self._is_found = True
            self._root = _mounted(self._proc)
        return self._root

    def __del__(self) -> None:
        """Close what is open."""
        if self._root_fd >= 0:
            os.close(self._root_fd)


def _mounted(proc: Path) -> Path | None:
    """Where the whole hierarchy is mounted: for us, else for init, whose root directory is then the way there."""
    for who, root in (("self", ""), ("1", f"{proc}/1/root")):
        try:
            text = (proc / who / "mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
        except OSError:
            continue
        for line in text.splitlines():
            before, _, after = line.partition(" - ")
            fields = before.split(" ")
            if len(fields) >= 5 and after.startswith("cgroup2 ") and fields[3] == "/":
                place = root + re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), fields[4])
                if os.access(place, os.R_OK | os.X_OK):
                    return Path(place)
    return None


def _open_handle(mount_fd: int, cgroup_id: int) -> int:
    """The directory of that number (open_by_handle_at(2); needs CAP_DAC_READ_SEARCH)."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = ctypes.create_string_buffer(_HANDLE.pack(8, _KERNFS, cgroup_id), _HANDLE.size)
    fd: int = libc.open_by_handle_at(mount_fd, handle, os.O_PATH | os.O_CLOEXEC)
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return fd
