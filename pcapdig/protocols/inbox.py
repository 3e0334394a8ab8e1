"""The bytes of one direction, read by coroutines that wait for more.

In: turns. Out: bytes, asked for by `yield from inbox.exactly(4)`; the coroutine yields (nothing) whenever it must wait for another
turn. Must not know any protocol.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias, TypeVar

if TYPE_CHECKING:
    import re
    from collections.abc import Generator

    from pcapdig.protocols.conversation import Moment, Turn

    _T = TypeVar("_T")
    Reading: TypeAlias = Generator[None, None, _T]
    """A coroutine that yields while it waits and returns what it read."""


_END_SIZE = 3
"""Bytes of the longest end of a line or head, CR LF CR LF, but for the last."""


class LostPlaceError(Exception):
    """These bytes are not what the protocol has here, or they were not captured. Reading begins anew with the next turn."""


class StreamEndedError(Exception):
    """There will be no more bytes in this direction."""


class Inbox:
    """Bytes not taken yet. Positions count captured bytes from the first turn on; a hole lies before a position."""

    __slots__ = ("_at", "_base", "_data", "_ended", "_holes", "_marks", "is_between", "is_cut_off")

    def __init__(self) -> None:
        self._data = b""
        self._at = 0  # next byte, in _data
        self._base = 0  # position of _data[0]
        self._holes: deque[tuple[int, int]] = deque()  # (position, bytes missing before it)
        self._marks: deque[tuple[int, Moment]] = deque()  # (position, turn that begins there)
        self._ended = False
        self.is_between = True
        """Whoever reads waits for the first byte of a message."""
        self.is_cut_off = False
        """The end came by the end of the capture, or by a reset: not by this side's will."""

    def add(self, turn: Turn) -> None:
        """One more turn of this direction."""
        end = self._base + len(self._data)
        self._forget_marks()
        self._marks.append((end, turn.moment))
        self._holes.extend((end + offset, missing) for offset, missing in turn.gaps)
        if self._at == len(self._data):
            self._base, self._data = end, turn.data
        else:
            self._base += self._at
            self._data = self._data[self._at :] + turn.data
        self._at = 0

    def end(self, *, is_cut_off: bool = False) -> None:
        """No turn will follow."""
        self._ended = True
        self.is_cut_off = is_cut_off

    def clear(self) -> None:
        """Give up all that is here. Reading begins anew."""
        self.is_between = True
        self._base += len(self._data)
        self._data = b""
        self._at = 0
        self._holes.clear()
        while len(self._marks) > 1:
            self._marks.popleft()

    def skip_hole(self) -> bool:
        """Give up all through the next hole; without one, all. Whether anything is left."""
        if not self._holes:
            self.clear()
            return False
        self.is_between = True
        self._at = self._holes.popleft()[0] - self._base
        return not self.is_empty

    @property
    def is_empty(self) -> bool:
        """Nothing is left, neither bytes nor a hole."""
        return self._at == len(self._data) and not self._holes

    @property
    def waiting_bytes(self) -> int:
        """Captured bytes that have come and were not taken."""
        return len(self._data) - self._at

    @property
    def moment(self) -> Moment:
        """The turn of the next byte; of the last one if none is left. There must have been a turn."""
        self._forget_marks()
        return self._marks[0][1]

    def _forget_marks(self) -> None:
        """Of the turns whose bytes have been taken only the last may still be asked for."""
        position = self._base + self._at
        marks = self._marks
        while len(marks) > 1 and marks[1][0] <= position:
            marks.popleft()

    def peek(self, limit: int | None = None) -> bytes:
        """What can be taken before the next hole, at most `limit` bytes, without taking it."""
        ready = self._ready()
        return self._data[self._at : self._at + (ready if limit is None else min(ready, limit))]

    def look(self, count: int) -> Reading[bytes]:
        """Wait until `count` bytes can be taken, and give them without taking them; fewer before a hole, or at the end."""
        while self._ready() < count and not self._holes and not self._ended:
            yield
        return self.peek(count)

    @property
    def next_size(self) -> int:
        """Bytes on the wire that can be taken at once: those before the next hole, or those the hole misses."""
        return self._ready() or (self._holes[0][1] if self._holes else 0)

    def next_message(self) -> Reading[None]:
        """Wait for the first byte of a message, or a hole in its place.

        Raises:
            StreamEndedError: there will be none.
        """
        self.is_between = True
        yield from self.something()
        self.is_between = False

    def something(self) -> Reading[None]:
        """Wait until there is a byte or a hole.

        Raises:
            StreamEndedError: there will be none.
        """
        while self.is_empty:
            yield from self._wait()

    def exactly(self, count: int) -> Reading[bytes]:
        """The next `count` bytes.

        Raises:
            LostPlaceError: some were not captured.
            StreamEndedError: there are fewer.
        """
        while self._ready() < count:
            if self._holes:
                raise LostPlaceError
            yield from self._wait()
        return self._take(count)

    def prefix(self, count: int, keep: int) -> Reading[bytes]:
        """Take `count` bytes of the wire, captured or not; those before the first hole are returned, at most `keep`.

        Raises:
            StreamEndedError: there are fewer; what was there is taken.
        """
        kept, kept_size, left, is_whole = [], 0, count, True
        while left:
            ready = min(self._ready(), left)
            if ready:
                part = min(ready, keep - kept_size) if is_whole else 0
                if part:
                    kept.append(self._data[self._at : self._at + part])
                    kept_size += part
                self._at += ready
                left -= ready
            elif self._holes:
                is_whole = False
                left -= self._take_hole(left)
            else:
                yield from self._wait()
        return kept[0] if len(kept) == 1 else b"".join(kept)

    def through(self, end: re.Pattern[bytes], limit: int) -> Reading[bytes]:
        """The bytes up to and with the first match of `end`, which matches at most four bytes; all together at most `limit`.

        Raises:
            LostPlaceError: no match within `limit` bytes or before a hole; nothing is taken.
            StreamEndedError: the same at the stream's end.
        """
        searched = 0  # so that a line that comes byte by byte is not read again each time
        while True:
            ready = min(self._ready(), limit)
            match = end.search(self._data, self._at + max(0, searched - _END_SIZE), self._at + ready)
            if match:
                return self._take(match.end() - self._at)
            searched = ready
            if ready >= limit or self._holes:
                raise LostPlaceError
            yield from self._wait()

    def _ready(self) -> int:
        """Bytes before the next hole."""
        if self._holes:
            return self._holes[0][0] - self._base - self._at
        return len(self._data) - self._at

    def _take(self, count: int) -> bytes:
        data = self._data[self._at : self._at + count]
        self._at += count
        return data

    def _take_hole(self, count: int) -> int:
        """Take at most `count` of the missing bytes that come next; how many."""
        position, missing = self._holes.popleft()
        taken = min(missing, count)
        if taken < missing:
            self._holes.appendleft((position, missing - taken))
        return taken

    def _wait(self) -> Reading[None]:
        if self._ended:
            raise StreamEndedError
        yield
