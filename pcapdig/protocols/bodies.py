"""HTTP bodies: what was sent, and what it is without its content coding.

In: bytes and the value of Content-Encoding. Out: decoded bytes, in pieces of bounded size. Must not know headers or connections.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN_CODINGS = ("gzip", "x-gzip", "deflate", "br", "zstd", "identity")
"""Content codings that can be undone (IANA registry of HTTP Content Coding)."""
CODINGS_LIMIT = 4
"""Codings laid over each other; more is hostile."""
_STEP = 1 << 20
"""Bytes decoded at once."""
_ZLIB_STEP = 1 << 14
"""Bytes given to zlib at once: what follows a gzip member is copied, and members can be small."""
_ZSTD_STEP = 64
"""Bytes given to zstd at once, whose output cannot be limited: a block of four bytes may hold 128 KiB (RFC 8878 section 3.1.1.2)."""


class CodingError(Exception):
    """A body cannot be decoded. One line: why."""


class Body(NamedTuple):
    """The payload of one HTTP message, without chunk framing."""

    size_bytes: int = 0
    """Bytes sent, those that were not captured included; with content coding, as sent."""
    kept: bytes = b""
    """The first bytes of it, as sent, up to the first that was not captured and to the dialogue's limit."""
    codings: tuple[str, ...] = ()
    """Content-Encoding, in the order applied."""
    is_complete: bool = True
    """It came to its end, as its framing says."""

    def content(self, limit: int) -> bytes:
        """The first `limit` bytes without content coding, as far as the bytes kept tell them.

        Raises:
            CodingError: a coding is unknown, its package is not installed, or the bytes are not of it.
        """
        parts, size = [], 0
        for part in Decoder(self.codings).feed(self.kept):
            parts.append(part)
            size += len(part)
            if size >= limit:
                break
        return b"".join(parts)[:limit]


NO_BODY = Body()
"""That of a message without one."""


class Decoder:
    """Undoes the content codings of one body, piece by piece as it comes. No piece handed out is longer than a few MiB."""

    def __init__(self, codings: tuple[str, ...]) -> None:
        """`codings`: Content-Encoding, in the order applied.

        Raises:
            CodingError: one is unknown, its package is not installed, or there are too many.
        """
        if len(codings) > CODINGS_LIMIT:
            raise CodingError(f"{len(codings)} content codings over each other")
        self._stages = [_stage(coding) for coding in reversed(codings) if coding != "identity"]

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What more of the body says. Whoever stops asking loses the rest of it.

        Raises:
            CodingError: the bytes are not of the coding.
        """
        pieces: Iterator[bytes] = iter((data,))
        for stage in self._stages:
            pieces = stage.undo(pieces)
        return filter(None, pieces)

    @property
    def is_ended(self) -> bool:
        """The codings say that all has come. Of a body without coding that is not known here: True."""
        return all(stage.is_ended for stage in self._stages)


class _Stage:
    """One coding being undone."""

    def __init__(self, coding: str) -> None:
        self.coding = coding
        self.is_ended = False

    def undo(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Decoded pieces of coded ones."""
        for piece in pieces:
            if piece:
                try:
                    yield from self.decoded(piece)
                except (zlib.error, ValueError) as error:
                    raise CodingError(f"content coding {self.coding}: {error}") from None

    def decoded(self, data: bytes) -> Iterator[bytes]:
        """What some more bytes say."""
        raise NotImplementedError


class _Zlib(_Stage):
    """gzip, of several members (RFC 1952 section 2.2), and deflate: the zlib format as RFC 9110 section 8.4.1.2 says, or bare."""

    def __init__(self, coding: str) -> None:
        super().__init__(coding)
        self._is_gzip = coding != "deflate"
        self._first = b""  # one byte waits, since two say what begins
        self._decoder: zlib._Decompress | None = None

    def decoded(self, data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), _ZLIB_STEP):
            yield from self._some(data[at : at + _ZLIB_STEP])

    def _some(self, data: bytes) -> Iterator[bytes]:
        data, self._first = self._first + data, b""
        while data:
            if self._decoder is None or self._decoder.eof:
                if len(data) < 2:
                    self._first = data
                    return
                if self._decoder is not None and not (self._is_gzip and data.startswith(b"\x1f\x8b")):
                    return  # padding behind the last member is no part of the body
                self._decoder = zlib.decompressobj(self._format(data))
            decoder = self._decoder
            yield decoder.decompress(data, _STEP)
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
            self.is_ended = decoder.eof

    def _format(self, data: bytes) -> int:
        """The window bits that tell zlib which format begins here."""
        if self._is_gzip:
            return 31
        has_head = data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0  # RFC 1950 section 2.2
        return 15 if has_head else -15


class _Brotli(_Stage):
    """RFC 7932, by the package brotli."""

    def __init__(self, coding: str) -> None:
        super().__init__(coding)
        try:
            import brotli  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError:
            raise CodingError("content coding br: needs the Python package brotli, which is not installed") from None
        self._decoder = brotli.Decompressor()
        self._error: type[Exception] = brotli.error

    def decoded(self, data: bytes) -> Iterator[bytes]:
        decoder = self._decoder
        try:
            while not self.is_ended:
                part = decoder.process(data, output_buffer_limit=_STEP)
                yield part
                self.is_ended, data = decoder.is_finished(), b""
                if len(part) < _STEP:  # it would have gone on to the limit, had it had more
                    return
        except self._error as error:
            raise CodingError(f"content coding br: {error}") from None


class _Zstd(_Stage):
    """RFC 8878, frames one after the other, with the largest window that RFC 9659 allows."""

    def __init__(self, coding: str) -> None:
        super().__init__(coding)
        import zstandard

        self._decompressor = zstandard.ZstdDecompressor(max_window_size=8 << 20)
        self._decoder = self._decompressor.decompressobj()
        self._error: type[Exception] = zstandard.ZstdError

    def decoded(self, data: bytes) -> Iterator[bytes]:
        try:
            for at in range(0, len(data), _ZSTD_STEP):
                part = data[at : at + _ZSTD_STEP]
                while part:
                    if self._decoder.eof:
                        self._decoder = self._decompressor.decompressobj()
                    yield self._decoder.decompress(part)
                    self.is_ended = self._decoder.eof
                    part = self._decoder.unused_data if self.is_ended else b""
        except self._error as error:
            raise CodingError(f"content coding zstd: {error}") from None


def _stage(coding: str) -> _Stage:
    if coding in ("gzip", "x-gzip", "deflate"):
        return _Zlib(coding)
    if coding == "br":
        return _Brotli(coding)
    if coding == "zstd":
        return _Zstd(coding)
    raise CodingError(f"content coding {coding} is not known")
