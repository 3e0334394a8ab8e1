"""Opening the file that packets go to, so that nobody else has a say in which file that is.

In a directory where others may make files (/tmp: sticky, and writable by all or by a group) an existing file or link of another user is refused, as
Linux does where fs.protected_regular and fs.protected_symlinks are set (Documentation/admin-guide/sysctl/fs.rst): O_CREAT makes those
count, and the same is checked here for machines on which they are off. Must not know what is written.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_LINKS = 40
"""Links followed in one path: MAXSYMLINKS of linux/namei.h."""
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY
"""O_APPEND: after `copytruncate` of a log rotation writing goes on at the new end, not behind a hole."""


class Target(NamedTuple):
    """An open file."""

    descriptor: int
    is_new: bool
    """It was made here."""


class ForeignFileError(PermissionError):
    """Another user chose which file this is."""


def open_target(path: str, environment: Mapping[str, str]) -> Target:
    """Open a file for appending; a new one is its owner's alone, under sudo whose caller's (SUDO_UID, SUDO_GID).

    Raises:
        ForeignFileError: a link or a file of another user, in a directory where others may make files.
        OSError: it cannot be opened.
    """
    caller = _caller_of_sudo(environment)
    try:
        before = os.stat(path)
    except FileNotFoundError:
        descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        _give_to(descriptor, caller)
        return Target(descriptor, is_new=True)
    trusted = {os.geteuid(), *(() if caller is None else caller[:1])}
    descriptor = _open_existing(path, before, trusted)
    try:
        _check(path, descriptor, trusted)
    except OSError:
        os.close(descriptor)
        raise
    return Target(descriptor, is_new=False)


def _open_existing(path: str, before: os.stat_result, trusted: set[int]) -> int:
    """With O_CREAT a file that the kernel protects is refused; a pipe or device is opened as ever."""
    if not stat.S_ISREG(before.st_mode):
        return os.open(path, _FLAGS)
    try:
        return os.open(path, _FLAGS | os.O_CREAT, 0o600)
    except PermissionError:
        if _is_shared(os.path.dirname(os.path.realpath(path))) and before.st_uid in trusted:
            return os.open(path, _FLAGS)  # root again, with a file that it gave to who calls sudo
        _check_each(path, trusted)  # to say why
        raise


def _check(path: str, descriptor: int, trusted: set[int]) -> None:
    """Refuse what others chose. The file at the path's end must be the one that was opened: it may have been swapped meanwhile."""
    found = _check_each(path, trusted)
    opened = os.fstat(descriptor)
    if found is not None and (found.st_dev, found.st_ino) != (opened.st_dev, opened.st_ino):
        raise ForeignFileError(errno.EACCES, "it was replaced while it was opened")


def _check_each(path: str, trusted: set[int]) -> os.stat_result | None:
    """Follow the links at a path's end; what stands there, None for what only the kernel can name (/proc/self/fd/1)."""
    for _ in range(_MOST_LINKS):
        directory = os.path.dirname(path) or "."
        if os.path.realpath(directory).startswith("/proc/"):
            return None
        about = os.lstat(path)
        is_link = stat.S_ISLNK(about.st_mode)
        if (is_link or stat.S_ISREG(about.st_mode)) and _is_foreign(about.st_uid, directory, trusted):
            raise ForeignFileError(
                errno.EACCES,
                f"{'a link' if is_link else 'a file'} of {_name_of(about.st_uid)} in a directory where others may make files; "
                "remove it, or give another name",
            )
        if not is_link:
            return about
        path = os.path.join(directory, os.readlink(path))
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def _is_foreign(owner: int, directory: str, trusted: set[int]) -> bool:
    return owner not in trusted and _is_shared(directory) and owner != os.stat(directory).st_uid


def _is_shared(directory: str) -> bool:
    """Others may make files there, and only who made one may remove it."""
    mode = os.stat(directory or ".").st_mode
    return bool(mode & stat.S_ISVTX and mode & (stat.S_IWOTH | stat.S_IWGRP))


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _caller_of_sudo(environment: Mapping[str, str]) -> tuple[int, int] | None:
    """User and group of who called sudo; None without it, or without being root."""
    uid, gid = environment.get("SUDO_UID", ""), environment.get("SUDO_GID", "")
    if os.geteuid() == 0 and uid.isdecimal() and gid.isdecimal():
        return int(uid), int(gid)
    return None


def _give_to(descriptor: int, owner: tuple[int, int] | None) -> None:
    if owner is not None:
        try:
            os.fchown(descriptor, *owner)
        except OSError:
            return  # a file system without owners: root keeps the file
