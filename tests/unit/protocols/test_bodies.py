"""Bodies without their content coding."""

from __future__ import annotations

import gzip
import sys
import zlib

import brotli
import pytest
import zstandard

from pcapdig.protocols.bodies import Body, CodingError

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
