"""What waits for a packet that needs it, and what was needed before: both bounded, the oldest given up first and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable

Key = TypeVar("Key", bound="Hashable")
Piece = TypeVar("Piece")

MOST_HELD = 1 << 20
"""Pieces of one kind that wait at once."""
MOST_HELD_BYTES = 64 << 20
"""Their bytes, as far as they come from the file."""
MOST_REMEMBERED = 1 << 18
"""Keys that are remembered of one kind."""


class Held(Generic[Key, Piece]):
    """Pieces by the key that a packet asks for them with; those of one key in the order in which they came."""

    def __init__(self, most: int = MOST_HELD, most_bytes: int = MOST_HELD_BYTES) -> None:
        """Nothing waits yet.

        Args:
            most: pieces that may wait at once.
            most_bytes: sum of their sizes that may wait at once.
        """
        self.evicted = 0
        """Pieces given up because others came."""
        self._most = most
        self._most_bytes = most_bytes
        self._pieces: dict[Key, list[tuple[Piece, int]]] = {}
        self._count = 0
        self._bytes = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: Key) -> bool:
        return key in self._pieces

    def add(self, key: Key, piece: Piece, size: int) -> None:
        """Have a piece of `size` bytes wait. What came first under the key that was new first goes where there is no room."""
        self._pieces.setdefault(key, []).append((piece, size))
        self._count += 1
        self._bytes += size
        while self._count > self._most or self._bytes > self._most_bytes:
            oldest = next(iter(self._pieces))
            self._drop(oldest)

    def take(self, key: Key) -> list[Piece]:
        """The pieces of a key, which wait no longer."""
        found = self._pieces.pop(key, None)
        if found is None:
            return []
        self._count -= len(found)
        self._bytes -= sum(size for _, size in found)
        return [piece for piece, _ in found]

    def clear(self) -> int:
        """Give up all that waits; how many they were."""
        count = self._count
        self._pieces.clear()
        self._count = self._bytes = 0
        return count

    def _drop(self, key: Key) -> None:
        pieces = self._pieces[key]
        _, size = pieces.pop(0)
        if not pieces:
            del self._pieces[key]
        self._count -= 1
        self._bytes -= size
        self.evicted += 1


class Remembered(Generic[Key]):
    """Keys that were seen, up to a number of them; the one not seen for longest is forgotten first."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        """None yet. `most`: keys that are remembered."""
        self.evicted = 0
        """Keys forgotten because others came."""
        self._most = most
        self._keys: dict[Key, None] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: Key) -> bool:
        return key in self._keys

    def add(self, key: Key) -> bool:
        """Remember a key; was it new?"""
        is_new = key not in self._keys
        if not is_new:
            del self._keys[key]
        self._keys[key] = None
        if len(self._keys) > self._most:
            del self._keys[next(iter(self._keys))]
            self.evicted += 1
        return is_new

    def clear(self) -> None:
        """Forget all."""
        self._keys.clear()
