"""HTTP bodies: what was sent, and what it is without its content coding.

In: bytes and the value of Content-Encoding. Out: at most a limit of decoded bytes. Must not know headers or connections.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

KNOWN_CODINGS = ("gzip", "x-gzip", "deflate", "br", "zstd", "identity")
"""Content codings that can be undone (IANA registry of HTTP Content Coding)."""
CODINGS_LIMIT = 4
"""Codings laid over each other; more is hostile."""


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
        if len(self.codings) > CODINGS_LIMIT:
            raise CodingError(f"{len(self.codings)} content codings over each other")
        data = self.kept
        for coding in reversed(self.codings):
            data = _decoded(data, coding, limit)
        return data[:limit]


NO_BODY = Body()
"""That of a message without one."""


def _decoded(data: bytes, coding: str, limit: int) -> bytes:
    """Undo one coding; what is cut gives what it holds."""
    if coding == "identity" or not data:
        return data
    try:
        if coding in ("gzip", "x-gzip"):
            return _gunzipped(data, limit)
        if coding == "deflate":
            return _inflated(data, limit)
        if coding == "br":
            return _unbrotlied(data, limit)
        if coding == "zstd":
            return _unzstded(data, limit)
    except (zlib.error, ValueError) as error:
        raise CodingError(f"content coding {coding}: {error}") from None
    raise CodingError(f"content coding {coding} is not known")


def _gunzipped(data: bytes, limit: int) -> bytes:
    """All members (RFC 1952 section 2.2: a file may hold several)."""
    parts, size = [], 0
    while data and size < limit:
        member = zlib.decompressobj(31)
        part = member.decompress(data, limit - size)
        parts.append(part)
        size += len(part)
        data = member.unused_data
        if not part:
            break
    return b"".join(parts)


def _inflated(data: bytes, limit: int) -> bytes:
    """zlib format as RFC 9110 section 8.4.1.2 says, or bare deflate as some servers send."""
    try:
        return zlib.decompressobj().decompress(data, limit)
    except zlib.error:
        return zlib.decompressobj(-15).decompress(data, limit)


def _unbrotlied(data: bytes, limit: int) -> bytes:
    """RFC 7932, by the package brotli where it is installed."""
    try:
        import brotli  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError:
        raise CodingError("content coding br: needs the Python package brotli, which is not installed") from None
    decoder = brotli.Decompressor()
    out = bytearray()
    try:
        out += decoder.process(data, output_buffer_limit=limit)
        while len(out) < limit and not decoder.can_accept_more_data() and not decoder.is_finished():
            out += decoder.process(b"", output_buffer_limit=limit - len(out))
    except brotli.error as error:
        raise CodingError(f"content coding br: {error}") from None
    return bytes(out)


def _unzstded(data: bytes, limit: int) -> bytes:
    """RFC 8878."""
    import io

    import zstandard

    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(io.BytesIO(data)) as reader:
            return reader.read(limit)
    except zstandard.ZstdError as error:
        raise CodingError(f"content coding zstd: {error}") from None
