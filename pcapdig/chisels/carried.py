"""What was carried in a message: one body, or one file of a form, counted, hashed and looked at as it goes by.

In: its bytes in pieces. Out: size, SHA-256, type, and decoded bytes for who wants to save them. Holds no more than the first bytes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pcapdig.protocols.bodies import CodingError, Decoder
from pcapdig.protocols.file_types import SNIFFED_SIZE, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator

BOMB_SIZE, BOMB_RATIO = 64 << 20, 200
"""A body that decodes to more bytes than BOMB_SIZE, and to more than BOMB_RATIO times those it came in, is not decoded further. Text seldom
shrinks to a hundredth; deflate can to a thousandth."""


class Carried:
    """A file on its way."""

    def __init__(self, codings: tuple[str, ...] = ()) -> None:
        """`codings`: content codings to undo, in the order applied."""
        self.wire_bytes = 0
        """Bytes that came, with content coding."""
        self.size_bytes = 0
        """Bytes without it, as far as they came in one piece."""
        self.missing_bytes = 0
        """Bytes of it that were sent and not captured."""
        self.problem: str | None = None
        """Why it is not decoded to its end; None: nothing went wrong."""
        self._first = b""
        self._hash = hashlib.sha256()
        self._decoder: Decoder | None = None
        try:
            self._decoder = Decoder(codings)
        except CodingError as error:
            self.problem = str(error)

    def take(self, data: bytes, missing: int = 0) -> Iterator[bytes]:
        """More of it; gives what it says without content coding. What comes after missing bytes is only counted."""
        self.wire_bytes += len(data) + missing
        self.missing_bytes += missing
        if self.problem or self.missing_bytes or self._decoder is None:
            return
        try:
            for part in self._decoder.feed(data):
                self._note(part)
                yield part
                if self.size_bytes > max(BOMB_SIZE, BOMB_RATIO * self.wire_bytes):
                    self.problem = f"it decodes to more than {BOMB_RATIO} times its size"
                    return
        except CodingError as error:
            self.problem = str(error)

    def _note(self, data: bytes) -> None:
        self.size_bytes += len(data)
        self._hash.update(data)
        if len(self._first) < SNIFFED_SIZE:
            self._first += data[: SNIFFED_SIZE - len(self._first)]

    @property
    def is_whole(self) -> bool:
        """Nothing of it is missing, and its coding came to its end."""
        return not self.problem and not self.missing_bytes and (self._decoder is None or self._decoder.is_ended)

    @property
    def sha256(self) -> str:
        """Of what `size_bytes` counts, in hexadecimal."""
        return self._hash.hexdigest()

    @property
    def type(self) -> str | None:
        """What its first bytes prove it to be."""
        return type_of(self._first)
