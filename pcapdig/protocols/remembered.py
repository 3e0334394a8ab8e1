"""What a connection has named, and names again later: prepared statements, portals. Bounded in number and bytes.

In: keys, values and their sizes. Out: values. Must not know any protocol.
"""

from __future__ import annotations

from typing import Generic, TypeVar

_K = TypeVar("_K")
_V = TypeVar("_V")


class Remembered(Generic[_K, _V]):
    """Values by key. Beyond `most` of them, or `most_bytes` together, the oldest are forgotten; the newest is kept in any case."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._values: dict[_K, tuple[_V, int]] = {}
        self._bytes = 0
        self.evicted = 0
        """Values forgotten because there were too many."""

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: _K) -> _V | None:
        """The value; None: there is none."""
        found = self._values.get(key)
        return None if found is None else found[0]

    def put(self, key: _K, value: _V, size_bytes: int) -> None:
        """Remember a value, in the place of another one of that key."""
        self.forget(key)
        self._values[key] = value, size_bytes
        self._bytes += size_bytes
        while len(self._values) > self._most or (self._bytes > self._most_bytes and len(self._values) > 1):
            self.forget(next(iter(self._values)))
            self.evicted += 1

    def forget(self, key: _K) -> None:
        """A value that is not named again."""
        found = self._values.pop(key, None)
        if found is not None:
            self._bytes -= found[1]

    def clear(self) -> None:
        """Nothing is named again."""
        self._values.clear()
        self._bytes = 0
