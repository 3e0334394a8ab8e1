"""What is wrong with a filter or a format, and where."""

from __future__ import annotations

from pcapdig.errors import UsageError


class FilterError(UsageError):
    """A filter cannot be compiled. `str()` is one line with the column; `detail` shows the place.

    Raised only while a filter is compiled, never while it runs.
    """

    def __init__(self, message: str, text: str, offset: int) -> None:
        """`offset` counts characters of `text` from 0; the column shown counts from 1."""
        super().__init__(f"filter error at column {offset + 1}: {message}")
        self.message = message
        self.column = offset + 1
        shown = "".join(letter if letter.isprintable() else " " for letter in text)
        self.detail = f"{shown}\n{' ' * offset}^"


class FormatError(UsageError):
    """A `-p` format cannot be compiled."""
