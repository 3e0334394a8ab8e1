"""The body of one HTTP/1 message, read as its framing says: kept in part, or handed out as it comes.

In: an inbox behind a head. Out: `Body`, or pieces. Source: RFC 9112 section 6.3 (body length), 7.1 (chunks).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pcapdig.protocols.bodies import Body
from pcapdig.protocols.http_messages import HEAD_LIMIT, Ending, Framing
from pcapdig.protocols.inbox import LostPlaceError, StreamEndedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pcapdig.protocols.inbox import Inbox, Reading

_CHUNK_LINE_LIMIT = 4096
_HELD_LIMIT = 256 << 10
_LINE_END = re.compile(rb"\n")
_CHUNK_SIZE = re.compile(rb"\s*([0-9A-Fa-f]{1,15})\s*(?:;[^\n]*)?\r?\n")


class BodyReader:
    """Reads one body as its framing says, and keeps its beginning. `body` can be asked for at any time."""

    def __init__(self, framing: Framing, keep: int) -> None:
        self._framing = framing
        self._keep = keep
        self._parts: list[bytes] = []
        self._size = 0
        self._is_complete = True

    def body(self) -> Body:
        """What came so far."""
        return Body(self._size, b"".join(self._parts), self._framing.codings, self._is_complete)

    def take(self, data: bytes, size: int) -> None:
        """`size` more bytes of the wire, captured as `data`; where `data` is shorter than what was requested, the rest was not captured."""
        self._size += size
        if data:
            self._parts.append(data)
        if len(data) < min(size, self._keep):
            self._keep = 0  # what follows a hole is not its beginning
        self._keep -= len(data)

    def end(self, *, is_complete: bool) -> None:
        """Nothing more will come."""
        self._is_complete = is_complete

    def read(self, inbox: Inbox) -> Reading[None]:
        """Read it to its end."""
        self._is_complete = False
        ending = self._framing.ending
        try:
            if ending is Ending.LENGTH:
                yield from self._exactly(inbox, self._framing.length)
            elif ending is Ending.CHUNKS:
                yield from self._chunked(inbox)
            elif ending is Ending.CLOSE:
                yield from self._until_close(inbox)
            else:
                raise LostPlaceError
        except (LostPlaceError, StreamEndedError):
            self.end(is_complete=False)
            raise
        self.end(is_complete=ending is not Ending.CLOSE or not inbox.is_cut_off)

    def _until_close(self, inbox: Inbox) -> Reading[None]:
        """Until the connection closes."""
        try:
            while True:
                yield from self._exactly(inbox, 1 << 60)
        except StreamEndedError:
            return

    def _chunked(self, inbox: Inbox) -> Reading[None]:
        """RFC 9112 section 7.1."""
        while True:
            line = yield from inbox.through(_LINE_END, _CHUNK_LINE_LIMIT)
            size = _CHUNK_SIZE.fullmatch(line)
            if not size:
                raise LostPlaceError
            count = int(size[1], 16)
            if not count:
                break
            yield from self._exactly(inbox, count)
            if (yield from inbox.through(_LINE_END, 2)) not in (b"\r\n", b"\n"):
                raise LostPlaceError
        while (yield from inbox.through(_LINE_END, HEAD_LIMIT)).strip():
            pass  # trailer fields

    def _exactly(self, inbox: Inbox, count: int) -> Reading[None]:
        """Some more bytes, in steps, so that what came before an end too early is counted."""
        while count:
            yield from inbox.something()
            step = min(count, inbox.next_size)
            self.take((yield from inbox.prefix(step, self._keep)), step)
            count -= step


class PieceReader(BodyReader):
    """Reads one body and hands out what comes."""

    def __init__(self, framing: Framing, piece: Callable[..., None]) -> None:
        super().__init__(framing, 1 << 60)
        self._piece = piece

    def take(self, data: bytes, size: int) -> None:
        """Bytes, or as many that are missing."""
        self._size += size
        self._piece(data, size - len(data))

    def end(self, *, is_complete: bool) -> None:
        """The end, of a body that had something."""
        if self._size:
            self._piece(b"", 0, is_end=True, is_complete=is_complete)


class HeldReader(PieceReader):
    """Reads the answer to a request of HTTP/0.9. Pieces are held until its end proves it to be one: closed by its server, or HTML."""

    def __init__(self, framing: Framing, piece: Callable[..., None]) -> None:
        super().__init__(framing, piece)
        self._held: list[tuple[bytes, int]] | None = []
        self._held_bytes = 0
        self._is_html = False

    def take(self, data: bytes, size: int) -> None:
        """More of it. What is longer than any line another protocol would answer is not held."""
        if self._held is None:
            super().take(data, size)
            return
        self._is_html |= not self._held and is_html(data)
        self._held.append((data, size))
        self._held_bytes += size
        if self._is_html or self._held_bytes > _HELD_LIMIT:
            self._release()

    def end(self, *, is_complete: bool) -> None:
        """The end; where it proves nothing, there was no answer."""
        self._is_complete = is_complete
        if is_complete:
            self._release()
        super().end(is_complete=is_complete)

    def _release(self) -> None:
        held, self._held = self._held or [], None
        for data, size in held:
            super().take(data, size)


def is_html(data: bytes) -> bool:
    """An answer without a head that is surely a document."""
    return data.lstrip()[:1] == b"<"
