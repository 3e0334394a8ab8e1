"""Files that a dig leaves beside its text: what chisels hand out as `Extract`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pcapdig.errors import HostError

if TYPE_CHECKING:
    from pcapdig.render.items import Extract


class ExtractFiles:
    """Writes extracts. A file is begun anew by the first piece of a dig, whatever was there before.

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
        path = Path(extract.directory, extract.name)
        if extract.name in ("", ".", "..") or "/" in extract.name or "\0" in extract.name:
            raise HostError(f"{extract.name!r} is not the name of a file; nothing was written there")
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        is_new = path not in self._begun
        try:
            if is_new:
                path.parent.mkdir(parents=True, exist_ok=True)
                flags |= os.O_TRUNC
            with open(os.open(path, flags, 0o600), "ab") as file:
                file.write(extract.data)
        except OSError as error:
            raise HostError(f"{path}: {error.strerror or error}") from None
        self._begun.add(path)
