"""Files that a dig leaves beside its text: what chisels hand out as `Extract`.

A dig may run as root in a directory that others can write, and names come from captures. So the directory is found part by part on
descriptors (owners.py), files are made below its descriptor, and nothing but a file that was made here is ever written.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING

from pcapdig.errors import HostError
from pcapdig.owners import UntrustedError, caller_of_sudo, user_name, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pcapdig.render.items import Extract

NUMBERS = 10_000
"""Names tried for a file that must not replace another."""
_WRITE = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: a FIFO without a reader is refused by the system rather than waited for."""


class ExtractFiles:
    """Writes extracts. A file is begun anew by the first piece of a dig: a regular file that was there before is replaced, or left
    alone and another name taken, as the extract says. Anything else in its place is refused: a link, FIFO, device, socket, directory.

    Files (0600) and directories (0700) that are made belong to the user, under sudo to who called it.
    """

    __slots__ = ("_begun", "_caller", "_directories")

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """`environment` is where SUDO_UID and SUDO_GID are looked up."""
        self._caller = caller_of_sudo(environment)
        self._directories: dict[str, int] = {}
        self._begun: dict[tuple[str, str], tuple[int, int]] = {}

    def __del__(self) -> None:
        """Close what is open."""
        for directory in self._directories.values():
            with suppress(OSError):
                os.close(directory)

    def write(self, extract: Extract) -> None:
        """Add to a file.

        Raises:
            HostError: the name is no file's name, the directory is somebody else's in a place that everybody can write, or the file
                cannot be written.
        """
        if extract.name in ("", ".", "..") or "/" in extract.name or "\0" in extract.name:
            raise HostError(f"{extract.name!r} is not the name of a file; nothing was written there")
        path = f"{extract.directory}/{extract.name}"
        try:
            file = self._opened(extract)
            with open(file, "ab", buffering=0) as out:
                left = memoryview(extract.data)
                while left:
                    left = left[out.write(left) :]
        except UntrustedError as error:
            raise HostError(f"{path}: {error}; give another directory") from None
        except OSError as error:
            raise HostError(f"{path}: {error.strerror or error}") from None

    def _opened(self, extract: Extract) -> int:
        """The file to add to."""
        directory = self._directory(extract.directory)
        new = extract.new
        name = extract.name if new is None or new.path is None else PurePath(new.path).name
        begun = self._begun.get((extract.directory, name))
        if begun is not None and (new is None or new.path is not None):
            return _again(directory, name, begun)
        if new is None:
            self._remove_file(directory, name)
            file = self._made(directory, name)
        else:
            name, file = self._with_free_name(directory, name)
            new.path = str(PurePath(extract.directory, name))
        about = os.fstat(file)
        self._begun[extract.directory, name] = about.st_dev, about.st_ino
        return file

    def _directory(self, path: str) -> int:
        """A descriptor of the directory, which is made where it is not there."""
        if path not in self._directories:
            place = walk(path, self._judge, self._make_directory)
            try:
                self._directories[path] = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=place.part)
            finally:
                os.close(place.part)
                os.close(place.directory)
        return self._directories[path]

    def _judge(self, parent: os.stat_result | None, part: os.stat_result, is_last: bool) -> str | None:
        """What others could have laid there for us is not gone into."""
        own = self._own()
        if stat.S_ISLNK(part.st_mode):
            if is_last:
                return "is a link, which is not followed"
            return None if part.st_uid in own else f"is a link of {user_name(part.st_uid)}, which is not followed"
        if parent is not None and parent.st_mode & stat.S_IWOTH and part.st_uid not in own:
            return f"belongs to {user_name(part.st_uid)}, in a directory that everybody can write"
        return None

    def _make_directory(self, directory: int, name: str) -> None:
        with suppress(FileExistsError):  # somebody was faster: it is judged like any other
            os.mkdir(name, 0o700, dir_fd=directory)
            made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
            self._hand_over(made)
            os.close(made)

    def _remove_file(self, directory: int, name: str) -> None:
        """Take away an older file, whose bytes may have other names. What is no regular file, or another's in a place that everybody
        can write, stays and is refused."""
        try:
            about = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return
        if not stat.S_ISREG(about.st_mode):
            raise OSError(errno.EEXIST, "what is there is no regular file; it was left alone")
        if os.fstat(directory).st_mode & stat.S_IWOTH and about.st_uid not in self._own():
            raise OSError(errno.EEXIST, f"what is there belongs to {user_name(about.st_uid)}; it was left alone")
        os.unlink(name, dir_fd=directory)

    def _own(self) -> set[int]:
        """The users whose directories and links lead nowhere that was not meant."""
        return {0, os.geteuid(), *(self._caller or ())[:1]}

    def _made(self, directory: int, name: str) -> int:
        """A file that was not there before."""
        file = os.open(name, _WRITE | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=directory)
        self._hand_over(file)
        return file

    def _hand_over(self, made: int) -> None:
        """Give to who called sudo what root has made in that user's place."""
        if self._caller is not None and os.fstat(made).st_uid == os.geteuid():
            with suppress(OSError):  # a file system without owners: root keeps it
                os.fchown(made, *self._caller)

    def _with_free_name(self, directory: int, name: str) -> tuple[str, int]:
        """A file that was not there before, under the first name that is free."""
        for candidate in _names(name):
            with suppress(FileExistsError):
                return candidate, self._made(directory, candidate)
        raise FileExistsError(errno.EEXIST, f"{NUMBERS} files of this name are there already; give another directory")


def _again(directory: int, name: str, begun: tuple[int, int]) -> int:
    """A file that was begun, if it is still the same."""
    file = os.open(name, _WRITE, dir_fd=directory)
    about = os.fstat(file)
    if (about.st_dev, about.st_ino) != begun:
        os.close(file)
        raise OSError(errno.ESTALE, "another file has taken its place meanwhile")
    return file


def _names(name: str) -> Iterator[str]:
    """The name, then the same with numbers before its suffix."""
    yield name
    path = PurePath(name)
    for number in range(1, NUMBERS):
        yield f"{path.stem}~{number}{path.suffix}"
