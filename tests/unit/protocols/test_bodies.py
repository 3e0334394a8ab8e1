"""Bodies without their content coding."""

from __future__ import annotations

import gzip
import random
import sys
import zlib

import brotli
import pytest
import zstandard

from pcapdig.protocols.bodies import Body, CodingError, Decoder

TEXT = b"a fine thing at a fair price " * 50


def body(data: bytes, *codings: str) -> Body:
    """A whole body."""
    return Body(size_bytes=len(data), kept=data, codings=codings)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
def test_bytes_of_no_coding_are_refused(coding: str) -> None:
    """They say they are coded and are not."""
    with pytest.raises(CodingError, match=coding):
        body(b"\xffnot coded at all, whatever the header says", coding).content(1000)


def test_unknown_coding_is_refused() -> None:
    """By name."""
    with pytest.raises(CodingError, match="content coding compress is not known"):
        body(b"x", "compress").content(10)


def test_many_codings_are_refused() -> None:
    """Bombs in bombs."""
    with pytest.raises(CodingError, match="5 content codings"):
        body(b"x", *["gzip"] * 5).content(10)


def test_missing_brotli_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is an extra."""
    monkeypatch.setitem(sys.modules, "brotli", None)
    with pytest.raises(CodingError, match="needs the Python package brotli"):
        body(b"x", "br").content(10)


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzip.compress(TEXT[:700]) + gzip.compress(TEXT[700:])),
        ("x-gzip", gzip.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", zlib.compress(TEXT)[2:-4]),
        ("br", brotli.compress(TEXT)),
        ("zstd", zstandard.compress(TEXT)),
        ("identity", TEXT),
    ],
)
def test_codings_are_undone(coding: str, data: bytes) -> None:
    """Each, wholly and only up to the limit."""
    assert body(data, coding).content(10_000) == TEXT
    assert body(data, coding).content(100) == TEXT[:100]


def test_a_cut_body_gives_its_beginning() -> None:
    """Half of a gzip member."""
    data = gzip.compress(bytes(range(256)) * 20)
    assert bytes(range(256)).startswith(body(data[:100], "gzip").content(50))


def test_two_codings_are_undone_in_order() -> None:
    """The last one applied is the first one undone."""
    assert body(brotli.compress(gzip.compress(TEXT)), "gzip", "br").content(10_000) == TEXT


NOISE = random.Random(7).randbytes(100_000) + bytes(1_500_000) + b"end"
"""Bytes that do not compress, then many that do."""


@pytest.mark.parametrize("step_bytes", [1 << 10, 1 << 24])
@pytest.mark.parametrize(
    ("coding", "data"),
    [
        ("gzip", gzip.compress(NOISE)),
        ("deflate", zlib.compress(NOISE)),
        ("deflate", zlib.compress(NOISE)[2:-4]),
        ("br", brotli.compress(NOISE, quality=2)),
        ("zstd", zstandard.compress(NOISE) + zstandard.compress(b"more")),
    ],
)
def test_codings_are_undone_piece_by_piece(coding: str, data: bytes, step_bytes: int) -> None:
    """However the body comes, it is the same, and its end is known."""
    decoder = Decoder((coding,))
    decoded = b""
    for at in range(0, len(data) - 1, step_bytes):
        decoded += b"".join(decoder.feed(data[at : min(at + step_bytes, len(data) - 1)]))
    assert not decoder.is_ended
    decoded += b"".join(decoder.feed(data[-1:]))
    assert decoded == NOISE + (b"more" if coding == "zstd" else b"")
    assert decoder.is_ended


def test_each_byte_alone_is_the_same() -> None:
    """Two gzip members, and zeros behind them as tar pads them."""
    decoder = Decoder(("gzip",))
    data = gzip.compress(TEXT) + gzip.compress(TEXT) + bytes(3)
    assert b"".join(part for byte in data for part in decoder.feed(bytes([byte]))) == TEXT * 2


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
def test_a_bomb_comes_in_pieces(coding: str) -> None:
    """64 MiB of nothing never are in memory together."""
    bombs = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}
    sizes = [len(part) for part in Decoder((coding,)).feed(bombs[coding](bytes(64 << 20)))]
    assert (sum(sizes), max(sizes) <= 4 << 20) == (64 << 20, True)
