"""Texts of credentials."""

from __future__ import annotations

import pytest

from pcapdig.chisels.credentials.credential import text_of


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(b"", ""), (b"\xff\x00x", "\\xff\x00x"), ("blåbær".encode(), "blåbær"), (b"x" * 5000, "x" * 256)],
)
def test_any_bytes_become_text(raw: bytes, expected: str) -> None:
    """What is no UTF-8 is told, and what is long is cut."""
    assert text_of(raw) == expected
