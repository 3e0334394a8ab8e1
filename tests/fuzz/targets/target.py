"""What a fuzz target is: a name, a function that takes any bytes, inputs to begin with, and words the format is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One parser of outside bytes, and what must hold for it."""

    name: str
    """As `fuzz.py` is asked for it."""
    run: Callable[[bytes], None]
    """Takes any bytes. Whatever it raises is a finding; what the parser may refuse with, it has caught itself."""
    seeds: Callable[[], Iterable[bytes]]
    """Inputs that reach far, made when asked for."""
    words: tuple[bytes, ...] = ()
    """Pieces of the format that chance would take long to make."""
    is_native: bool = False
    """Reaches compiled code: run under AddressSanitizer, which makes all Python ten times as slow."""
    longest: int = 4096
    """Bytes of the longest input tried."""
    cpu_seconds: float = 2.0
    """An input that takes longer, in the slow instrumented build, is a finding."""


def exact(data: bytes) -> memoryview:
    """The same bytes in memory of just that size, so that a sanitizer sees the first byte read behind it.

    A bytes object will not do: it has a NUL at its end, and small ones share a page with others.
    """
    room = np.empty(len(data), np.uint8)
    room[:] = np.frombuffer(data, np.uint8)
    return memoryview(room)


class Numbers:
    """Small numbers taken from an input's first bytes; 0 when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def byte(self) -> int:
        """The next byte."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def word(self) -> int:
        """The next two bytes."""
        return self.byte() << 8 | self.byte()

    def rest(self) -> bytes:
        """All that is left."""
        return self._data[self._at :]

    def take(self, size: int) -> bytes:
        """Up to `size` bytes."""
        taken = self._data[self._at : self._at + size]
        self._at += len(taken)
        return taken

    @property
    def left(self) -> int:
        """Bytes not taken yet."""
        return max(0, len(self._data) - self._at)
