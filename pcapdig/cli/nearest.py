"""Suggestions for a mistyped word."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def nearest(word: str, known: Sequence[str], before: str = "") -> str:
    """Give `, did you mean X?` for the known word most like this one, else an empty text. `before`: what X is written with."""
    import difflib  # only errors need it

    close = difflib.get_close_matches(word, known, n=1)
    return f", did you mean {before}{close[0]}?" if close else ""
