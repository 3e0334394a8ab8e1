"""Files that a dig leaves beside its text: what chisels hand out as `Extract`."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from pcapdig.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from pcapdig.render.items import Extract, NewFile

NUMBERS = 10_000
"""Names tried for a file that must not replace another."""


class ExtractFiles:
    """Writes extracts. A file is begun anew by the first piece of a dig: whatever was there before is replaced, or left alone and
    another name taken, as the extract says.

    Names come from captures, so one that could lead elsewhere is refused, and a link that lies in its place is not followed.
    """

    __slots__ = ("_begun",)

    def __init__(self) -> None:
        """Nothing is written yet."""
        self._begun: set[Path] = set()

    def write(self, extract: Extract) -> None:
        """Add to a file.

        Raises:
            HostError: the name is no file's name, or the file cannot be written.
        """
        if extract.name in ("", ".", "..") or "/" in extract.name or "\0" in extract.name:
            raise HostError(f"{extract.name!r} is not the name of a file; nothing was written there")
        path = Path(extract.directory, extract.name)
        try:
            with self._opened(path, extract.new) as file:
                file.write(extract.data)
        except OSError as error:
            raise HostError(f"{path}: {error.strerror or error}") from None

    def _opened(self, path: Path, new: NewFile | None) -> BinaryIO:
        """The file to add to."""
        if new is not None:
            return _made(path, new) if new.path is None else _open(Path(new.path), 0)
        if path in self._begun:
            return _open(path, 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _open(path, os.O_CREAT | os.O_TRUNC)
        self._begun.add(path)
        return file


def _made(path: Path, new: NewFile) -> BinaryIO:
    """A file that was not there before."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for candidate in _names(path):
        try:
            file = _open(candidate, os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            continue
        new.path = str(candidate)
        return file
    raise FileExistsError(errno.EEXIST, f"{NUMBERS} files of this name are there already; give another directory")


def _open(path: Path, flags: int) -> BinaryIO:
    """Open a file to add to it, readable by its owner alone. A link is not followed."""
    flags |= os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return open(os.open(path, flags, 0o600), "ab")


def _names(path: Path) -> Iterator[Path]:
    """The name, then the same with numbers before its suffix."""
    yield path
    for number in range(1, NUMBERS):
        yield path.with_name(f"{path.stem}~{number}{path.suffix}")
