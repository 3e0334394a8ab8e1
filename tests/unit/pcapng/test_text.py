"""Text in a capture file: one line of valid UTF-8 without control characters."""

from __future__ import annotations

import pytest

from pcapdig.pcapng.text import clean, decode, encode


@pytest.mark.parametrize("character", ["\0", "\t", "\n", "\x1b", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\udcff"])
def test_unwritable_character_is_replaced(character: str) -> None:
    """C0, DEL, C1, line separators and surrogates become U+FFFD, one for one."""
    assert clean(f"a{character}b") == "a\ufffdb"


def test_other_text_stays() -> None:
    """Blanks, accents and characters beyond the BMP are not touched."""
    assert clean("größe 大 \U0001f600\u00a0") == "größe 大 \U0001f600\u00a0"


@pytest.mark.parametrize(
    ("most", "kept"), [(0, ""), (1, "a"), (2, "a"), (3, "aß"), (5, "aß"), (6, "aß大"), (9, "aß大")]
)
def test_cut_falls_between_characters(most: int, kept: str) -> None:
    """A cut never leaves half a character."""
    assert encode("aß大", most) == kept.encode()


def test_cut_counts_bytes_after_replacing() -> None:
    """A replaced byte is three bytes long, and the limit holds for those."""
    assert encode("\x01\x02", 5) == "\ufffd".encode()


def test_decode_ends_at_nul() -> None:
    """As other readers do: what follows a NUL is not text."""
    assert decode(b"nul\0after") == "nul"


def test_decode_takes_any_bytes() -> None:
    """Invalid UTF-8 and control bytes become U+FFFD."""
    assert decode(b"\xff\x1b[31m\xc3") == "\ufffd\ufffd[31m\ufffd"
