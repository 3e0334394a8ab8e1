"""Captured bytes as text, in the five forms of -A, -x, -X, -b and none.

In: bytes from the wire, which may hold anything, and the places where some are missing. Out: printable ASCII and
newlines only, so that no terminal escape gets through. Must not know items or streams.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pcapdig.render.items import Gap
from pcapdig.render.options import DataStyle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PRINTABLE = bytes(range(0x20, 0x7F))
_DOTS = bytes(code if code in _PRINTABLE else ord(".") for code in range(256))
_CR_TO_LF = bytes.maketrans(b"\r", b"\n")
_DROPPED = bytes(code for code in range(256) if code not in _PRINTABLE and code not in b"\r\n")
_ROW_BYTES = 16
_HEX_WIDTH = 40
"""Eight groups of a blank and four digits."""
CLIPPED_CHARACTERS = 80
"""Longest data of an event line without -v."""


def data_text(buffer: bytes, style: DataStyle, gaps: Sequence[Gap] = ()) -> str:
    """Show a buffer.

    The forms of -A, -x and -X start with a newline, and those of -x and -X end with one: printed after a header and
    with a newline of its own, a block stands between blank lines.

    Args:
        buffer: the bytes captured.
        style: which form.
        gaps: where bytes are missing, in rising order; each shows as `[12 bytes missing]`.
    """
    if style is DataStyle.DOTTED:
        return "".join(_missing(part) if isinstance(part, Gap) else dotted(part) for part in _parts(buffer, gaps))
    if style is DataStyle.ASCII:
        return "\n" + "".join(_ascii_parts(buffer, gaps))
    if style is DataStyle.BASE64:
        import base64  # only -b needs it

        return "".join(
            _missing(part) if isinstance(part, Gap) else base64.b64encode(part).decode("ascii")
            for part in _parts(buffer, gaps)
        )
    return "".join(_hex_rows(buffer, gaps, with_ascii=style is DataStyle.HEX_ASCII)) + "\n"


def dotted(buffer: bytes) -> str:
    """Give printable ASCII as it is and every other byte as a dot."""
    return buffer.translate(_DOTS).decode("ascii")


def clipped(text: str) -> str:
    """Cut the data of an event line at 80 characters, the last three of which are then dots."""
    return text if len(text) <= CLIPPED_CHARACTERS else text[: CLIPPED_CHARACTERS - 3] + "..."


def printable(text: str) -> str:
    """Make a name from a capture safe for a terminal: control, format and surrogate characters become dots."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "." for character in text)


def _parts(buffer: bytes, gaps: Sequence[Gap]) -> Iterator[bytes | Gap]:
    """Give the captured pieces and, between them, what is missing. A gap beyond the buffer counts as at its end."""
    start = 0
    for gap in gaps:
        end = min(max(gap.offset, start), len(buffer))
        if end > start:
            yield buffer[start:end]
        yield gap
        start = end
    if start < len(buffer):
        yield buffer[start:]


def _missing(gap: Gap) -> str:
    return f"[{gap.size_bytes} byte{'' if gap.size_bytes == 1 else 's'} missing]"


def _ascii_parts(buffer: bytes, gaps: Sequence[Gap]) -> Iterator[str]:
    """Give the text of -A.

    CR is a newline, LF one unless it follows a CR or comes first, the rest of the unprintable is left out.
    """
    is_first = True
    after_cr = False
    for part in _parts(buffer, gaps):
        if isinstance(part, Gap):
            yield _missing(part)
            after_cr = False
        else:
            text = part[1:] if part.startswith(b"\n") and (is_first or after_cr) else part
            after_cr = part.endswith(b"\r")
            yield text.replace(b"\r\n", b"\r").translate(_CR_TO_LF, _DROPPED).decode("ascii")
        is_first = False


def _hex_rows(buffer: bytes, gaps: Sequence[Gap], *, with_ascii: bool) -> Iterator[str]:
    """Give rows of sixteen bytes, each with a newline and tab before it.

    Offsets count what is missing; a row ends at a gap.
    """
    offset = 0
    for part in _parts(buffer, gaps):
        if isinstance(part, Gap):
            yield f"\n\t{_missing(part)}"
            offset += part.size_bytes
            continue
        for start in range(0, len(part), _ROW_BYTES):
            row = part[start : start + _ROW_BYTES]
            groups = "".join(f" {row[at : at + 2].hex()}" for at in range(0, len(row), 2))
            text = f"\n\t0x{offset + start:04x}:{groups}"
            yield f"{text}{' ' * (_HEX_WIDTH - len(groups))}  {dotted(row)}" if with_ascii else text
        offset += len(part)
