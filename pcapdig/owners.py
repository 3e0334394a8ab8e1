"""Whose a path is: each part of it is opened below the descriptor of the part before, and judged on that descriptor.

A path that is looked up twice can lead to two places, so nothing here is: what was judged is what is then read or written. Links are
read and followed here, not by the kernel, so that a link is judged too. In: a path, a judge. Out: descriptors. Every room may use it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Mapping
from typing import NamedTuple

MOST_LINKS = 40
"""Links in one path, as the kernel has it (MAXSYMLINKS of linux/namei.h)."""
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
"""With an ACL the group's bits are its mask (acl(5)), so they cover whoever an ACL lets write."""
_PART = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class UntrustedError(Exception):
    """A part of a path is somebody's who may not decide here. The text says which part and whose."""


class Place(NamedTuple):
    """Where a path led: descriptors that the caller closes."""

    directory: int
    """The directory that holds the last part (O_PATH)."""
    name: str
    """The last part's name there; "." for a path that ends in a directory by itself, such as /."""
    part: int
    """The last part (O_PATH)."""
    path: str
    """Where it is, links resolved."""


Judge = Callable[[os.stat_result | None, os.stat_result, bool], str | None]
"""Is given the directory that holds a part (None for the root), the part, and whether that is the path's last. Gives why the part is
refused, as words that follow its path, or None."""


def trusted_users() -> frozenset[int]:
    """Whose code this process may run: root's, and its effective user's. Who called sudo is not root."""
    return frozenset((0, os.geteuid()))


def caller_of_sudo(environment: Mapping[str, str] = os.environ) -> tuple[int, int] | None:
    """The user and group that called sudo, for whom root makes files; None without sudo (sudo(8), SUDO_UID and SUDO_GID)."""
    uid, gid = environment.get("SUDO_UID", ""), environment.get("SUDO_GID", "")
    if os.geteuid() == 0 and uid.isdecimal() and gid.isdecimal():
        return int(uid), int(gid)
    return None


def user_name(uid: int) -> str:
    """`alice`, or `user 1000` where the system knows no name."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return f"user {uid}"


def read_trusted(path: str) -> bytes:
    """The bytes of a regular file that none but root and this process's user could have written or put there.

    Each directory from the root down, each link on the way and the file itself belongs to one of them, and nobody else can write it.
    In a directory that others may write and that is sticky (/tmp), the next part counts where they can neither have renamed nor
    linked it: a directory, or a file with one name.

    Raises:
        UntrustedError: somebody else could have.
        OSError: it cannot be read, or is no regular file.
    """
    place = walk(path, _may_run)
    try:
        fd = os.open(place.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place.directory)
    finally:
        os.close(place.directory)
        os.close(place.part)
    try:
        about = os.fstat(fd)
        reason = _may_run(None, about, True)
        if reason is not None:
            raise UntrustedError(f"{place.path} {reason}")
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        with open(fd, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(fd)


def _may_run(parent: os.stat_result | None, part: os.stat_result, is_last: bool) -> str | None:
    """Why a part of the path of a program is not trusted, None if it is."""
    if part.st_uid not in trusted_users():
        return f"belongs to {user_name(part.st_uid)}"
    is_directory = stat.S_ISDIR(part.st_mode)
    is_shared = part.st_mode & _OTHERS_WRITE and not stat.S_ISLNK(part.st_mode)
    if is_shared and not (is_directory and part.st_mode & stat.S_ISVTX):
        return "can be written by others"
    if parent is not None and parent.st_mode & _OTHERS_WRITE and not is_directory and part.st_nlink > 1:
        return "may be another's link, in a directory that others can write"
    return None


def walk(path: str, judge: Judge, make: Callable[[int, str], None] | None = None) -> Place:
    """Go along a path part by part.

    Args:
        path: relative ones begin in the working directory.
        judge: judges each part.
        make: makes what is not there, by its name below a directory's descriptor. None: nothing is made.

    Raises:
        UntrustedError: the judge refused a part.
        OSError: a part cannot be opened, or links lead in a circle.
    """
    waiting = _parts(path if os.path.isabs(path) else f"{os.getcwd()}/{path}")
    directory = os.open("/", _PART | os.O_DIRECTORY)
    held, where, links = [directory], list[str](), 0
    try:
        about = _judged(directory, judge, None, "/", is_last=not waiting)
        while waiting:
            name = waiting.pop()
            part = _open_part(directory, name, make, _joined(where, name))
            held.append(part)
            found = _judged(part, judge, about, _joined(where, name), is_last=not waiting)
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                target = os.readlink("", dir_fd=part)
                waiting += _parts(target)
                if not target.startswith("/"):
                    os.close(held.pop())
                    continue
                name, part = "/", os.open("/", _PART | os.O_DIRECTORY)
                os.close(held.pop())
                held.append(part)
                found = os.fstat(part)
            where = _where(where, name)
            if not waiting:
                return Place(directory=directory, name=name, part=part, path=_joined(where))
            os.close(directory)
            held.remove(directory)
            directory, about = part, found
        held.append(os.open("/", _PART))
        return Place(directory=directory, name=".", part=held[-1], path="/")
    except BaseException:
        for descriptor in held:
            os.close(descriptor)
        raise


def _parts(path: str) -> list[str]:
    """The names of a path, the first one last: they are taken off the end."""
    return [name for name in path.split("/")[::-1] if name not in ("", ".")]


def _joined(where: list[str], name: str = "") -> str:
    return "/" + "/".join((*where, name) if name else where)


def _where(where: list[str], name: str) -> list[str]:
    """Where a part is, links resolved."""
    if name == "/":
        return []
    return where[:-1] if name == ".." else [*where, name]


def _open_part(directory: int, name: str, make: Callable[[int, str], None] | None, path: str) -> int:
    try:
        try:
            return os.open(name, _PART, dir_fd=directory)
        except FileNotFoundError:
            if make is None:
                raise
        make(directory, name)
        return os.open(name, _PART, dir_fd=directory)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None


def _judged(fd: int, judge: Judge, parent: os.stat_result | None, path: str, *, is_last: bool) -> os.stat_result:
    about = os.fstat(fd)
    reason = judge(parent, about, is_last)
    if reason is not None:
        raise UntrustedError(f"{path} {reason}")
    return about
