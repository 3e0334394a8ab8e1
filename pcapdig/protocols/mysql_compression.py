"""MySQL's compressed protocol: frames below the packets, each way, from the end of a login that asked for it.

In: turns as they were sent. Out: turns of the packets inside. Source: MySQL Source Code Documentation, "Compressed Packet": 3 bytes size, 1 byte
number, 3 bytes size before compression, or 0 where the frame holds its bytes as they are. Packets and frames need not begin together.
zlib (RFC 1950) and zstd (RFC 8878) are told apart by their first byte. Never more than a few MiB are held, nor more
unpacked than a multiple of what was sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pcapdig.protocols.bodies import CodingError, Decoder
from pcapdig.protocols.conversation import Turn
from pcapdig.protocols.inbox import Inbox, LostPlaceError

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    Unpacking: TypeAlias = Generator[tuple[bytes, int] | None, None, None]
    """Gives bytes and how many are missing behind them; None while it waits."""

_HEADER = 7
_STEP = 64 << 10
"""Bytes of a frame that are unpacked at once."""
_PLAIN_LIMIT = 16 << 20
_RATIO_LIMIT = 64
"""So much is unpacked of one direction: 16 MiB, and 64 bytes for each one sent. Real rows become a tenth; what was made to fill memory and
take hours becomes a thousandth. What is beyond is missing."""
_CODINGS = {0x78: "deflate", 0x28: "zstd"}
"""By their first bytes: zlib's header, with the window that all clients leave as it is, and zstd's magic number."""


def opening(data: bytes) -> bytes:
    """The beginning of what a client's frame holds, with which a command begins; empty: no whole one begins here."""
    size, plain_size = int.from_bytes(data[:3], "little"), int.from_bytes(data[4:_HEADER], "little")
    content = data[_HEADER : _HEADER + size]
    if len(content) < max(size, 1) or data[3] != 0:
        return b""
    if not plain_size:
        return content
    try:
        return next(_decoder(content).feed(content[:_STEP]), b"")
    except (LostPlaceError, CodingError):
        return b""


class Unpacker:
    """One direction of a compressed connection."""

    def __init__(self) -> None:
        self._inbox = Inbox()
        self._unpacking: Unpacking | None = None
        self._left = _PLAIN_LIMIT

    def feed(self, turn: Turn) -> Iterator[Turn | None]:
        """What one turn holds, in turns of moderate size; None: the place is lost, what follows goes on with another packet."""
        inbox = self._inbox
        inbox.add(turn)
        self._left += _RATIO_LIMIT * len(turn.data)
        while True:
            unpacking = self._unpacking = self._unpacking or _unpack(inbox)
            try:
                piece = next(unpacking)
            except LostPlaceError:
                self._unpacking = None
                inbox.clear()
                yield None
                return
            if piece is None:
                return
            data, missing = piece
            for at in range(0, max(len(data), 1), _STEP):
                part = data[at : at + min(_STEP, self._left)]
                self._left -= len(part)
                absent = len(data[at : at + _STEP]) - len(part) + (missing if at + _STEP >= len(data) else 0)
                yield Turn(part, turn.from_client, turn.moment, ((len(part), absent),) if absent else ())


def _unpack(inbox: Inbox) -> Unpacking:
    """Frames. What is missing of one that is compressed takes the rest of it along; its size is known."""
    while True:
        yield from inbox.next_message()
        header = yield from inbox.exactly(_HEADER)
        size, plain_size = int.from_bytes(header[:3], "little"), int.from_bytes(header[4:], "little")
        decoder: Decoder | None = None
        is_readable, left = True, plain_size
        while size:
            yield from inbox.something()
            step = min(size, inbox.next_size, _STEP)
            piece = yield from inbox.prefix(step, step)
            size -= step
            if not plain_size:
                yield piece, step - len(piece)
            elif not piece:
                is_readable = False
            elif is_readable and left:
                try:
                    decoder = decoder or _decoder(piece)
                    for part in decoder.feed(piece):
                        yield part[:left], 0
                        left -= min(left, len(part))
                        if not left:
                            break
                except CodingError:
                    is_readable = False
        if left:
            yield b"", left


def _decoder(first: bytes) -> Decoder:
    """What undoes the compression of a frame that begins so. Raises LostPlaceError: it is none."""
    if first[0] not in _CODINGS:
        raise LostPlaceError
    return Decoder((_CODINGS[first[0]],))
