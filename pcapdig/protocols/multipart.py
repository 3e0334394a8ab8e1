"""multipart bodies, part by part as they come, of any size.

In: the bytes of a body in pieces. Out: the beginning, the bytes and the end of each part. Source: RFC 2046 section 5.1.1 (delimiters),
RFC 7578 (form data). Must not know connections or HTTP messages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD_LIMIT = 16 << 10
"""Bytes of a part's head; what has none within them is no part."""
_BOUNDARY = re.compile(r"""boundary=(?:"([^"]{1,70})"|([^\s";]{1,70}))""", re.IGNORECASE)
"""RFC 2046 section 5.1.1: 1 to 70 characters."""


@dataclass(slots=True, eq=False)
class Part:
    """One part. The same object in all its pieces."""

    headers: tuple[tuple[str, str], ...]
    """(name in lower case, value) in their order."""


@dataclass(frozen=True, slots=True)
class PartPiece:
    """Some more of a part."""

    part: Part
    data: bytes
    is_end: bool = False
    """Nothing more comes of it."""
    is_complete: bool = False
    """With `is_end`: a delimiter ended it."""


def boundary_of(content_type: str) -> str | None:
    """The boundary that a Content-Type names; None: it is no multipart."""
    if content_type[:10].lower() != "multipart/":
        return None
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2]) if found else None


class Multipart:
    """Takes a body apart. Holds no more than the head of a part."""

    def __init__(self, boundary: str) -> None:
        """`boundary`: as Content-Type says it."""
        self._delimiter = b"\r\n--" + boundary.encode("latin-1", "replace")
        self._data = b"\r\n"  # so that the first delimiter is found where the body begins with it
        self._part: Part | None = None
        self._is_head = False
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[PartPiece]:
        """The pieces of parts in more of the body."""
        self._data += data
        at = 0
        while not self._is_over:
            if self._is_head:
                after = self._read_head(at)
                if after < 0:
                    break
                at = after
                continue
            found = self._data.find(self._delimiter, at)
            # What could be the beginning of a delimiter waits, and the two bytes that say whether it is the last one.
            stop = found if found >= 0 else max(at, len(self._data) - len(self._delimiter) + 1)
            if self._part is not None and stop > at:
                yield PartPiece(self._part, self._data[at:stop])
            at = stop
            after = found + len(self._delimiter)
            if found < 0 or len(self._data) < after + 2:
                break
            if self._part is not None:
                yield PartPiece(self._part, b"", is_end=True, is_complete=True)
                self._part = None
            self._is_over = self._data[after : after + 2] == b"--"
            self._is_head = not self._is_over
            at = after  # the end of the delimiter's line is the first line end of the head
        self._data = b"" if self._is_over else self._data[at:]

    def end(self) -> Iterator[PartPiece]:
        """The body has ended: a part that no delimiter ended is not complete."""
        if self._part is not None:
            if self._data:
                yield PartPiece(self._part, self._data)
            yield PartPiece(self._part, b"", is_end=True)
        self._part, self._is_over, self._data = None, True, b""

    def _read_head(self, at: int) -> int:
        """Read the head of a part; where its content begins, -1: the head is not all here yet, or there is none."""
        end = self._data.find(b"\r\n\r\n", at, at + HEAD_LIMIT)
        if end < 0:
            self._is_over = len(self._data) - at >= HEAD_LIMIT
            return -1
        if len(self._data) < end + 2 + len(self._delimiter):
            return -1
        self._part = Part(tuple(_fields(self._data[at:end])))
        self._is_head = False
        # A part without content may leave out its empty line: then the line end before the delimiter is that of the head.
        return end + 2 if self._data.startswith(self._delimiter, end + 2) else end + 4


def _fields(head: bytes) -> Iterator[tuple[str, str]]:
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon:
            text = value.strip()
            try:
                decoded = text.decode("utf-8")
            except UnicodeDecodeError:
                decoded = text.decode("iso-8859-1")
            yield name.strip().decode("latin-1").lower(), decoded
