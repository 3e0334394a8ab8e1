"""Text as it may stand in a capture file: valid UTF-8, one line, nothing that steers a terminal."""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands for each character that may not be written."""

_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""C0, DEL, C1 (NEL among them), the line and paragraph separators, and surrogates, which is what undecodable bytes become."""


def clean(text: str) -> str:
    """The same text with REPLACEMENT for every character that may not be written."""
    return _UNWRITABLE.sub(REPLACEMENT, text)


def encode(text: str, most_bytes: int) -> bytes:
    """Clean UTF-8 of at most `most_bytes` bytes, cut between two characters."""
    encoded = clean(text).encode()
    if len(encoded) <= most_bytes:
        return encoded
    end = most_bytes
    while end and encoded[end] & 0xC0 == 0x80:  # 10xxxxxx: inside a character
        end -= 1
    return encoded[:end]


def decode(encoded: bytes) -> str:
    """Clean text from bytes of any kind, up to the first NUL, where readers of pcapng stop."""
    return clean(encoded.partition(b"\0")[0].decode("utf-8", "replace"))
