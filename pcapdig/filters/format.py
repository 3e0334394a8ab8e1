"""-p: a line of text, or a JSON object, from the fields of one row.

%proc.name      the field with the longest known name at this place, so `%proc.name:` and `%proc.pidx` work
%10proc.name    exactly ten characters: filled with blanks or cut
\\n \\t \\e \\\\     line end, tab, escape, backslash; any other text stands for itself
*               in front: a value that is missing shows as <NA>. Without it the line is left out
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pcapdig.errors import UsageError
from pcapdig.filters.catalogue import FIELDS, longest_known_prefix, lookup
from pcapdig.filters.errors import FormatError
from pcapdig.filters.fields import Field, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable

    from pcapdig.filters.values import Value
    from pcapdig.trace.rows import Rows

Gaps = tuple[tuple[int, int], ...]
NOT_KNOWN = "<NA>"
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\e": "\x1b", "\\\\": "\\"}
_WINDOW = 256
"""Rows whose values are made at once: enough to share the work, few enough to waste little when only some lines are asked for."""
_DOTS = bytes(byte if 0x20 <= byte <= 0x7E else 0x2E for byte in range(256))


def dotted(payload: bytes, gaps: Gaps = ()) -> str:
    """Printable ASCII as it is, every other byte as a dot; gaps do not show."""
    return payload.translate(_DOTS).decode("ascii")


@dataclass(frozen=True, slots=True)
class Token:
    """A field in a format."""

    field: Field
    width: int | None
    """Exactly so many characters; None: as many as the value has."""


def compile_format(
    text: str, *, data: Callable[[bytes, Gaps], str] = dotted, time: Callable[[Rows, int], str] | None = None
) -> Format:
    """The format that a text means.

    Args:
        text: what -p was given.
        data: shows a payload and what is missing in it, as -A, -x, -X or -b ask for.
        time: shows the time of a row as -t asks for, for evt.outputtime. None: as evt.time. Called once for a line that is shown.

    Raises:
        FormatError: (a UsageError) a field that does not exist or cannot be shown, or a `%` at the end.
    """
    shows_missing = text.startswith("*")
    parts: list[str | Token] = []
    literal = ""
    at = int(shows_missing)
    while at < len(text):
        if text[at] == "%":
            if literal:
                parts.append(literal)
                literal = ""
            token, at = _token(text, at)
            parts.append(token)
            continue
        escape = _ESCAPES.get(text[at : at + 2])
        literal += text[at] if escape is None else escape
        at += 1 if escape is None else 2
    if literal:
        parts.append(literal)
    return Format(tuple(parts), shows_missing=shows_missing, data=data, time=time)


def _token(text: str, at: int) -> tuple[Token, int]:
    """The field whose `%` is at an offset, and the offset after it."""
    digits, word = re.match(r"%([0-9]*)([A-Za-z0-9_.]*)", text[at:]).groups()  # type: ignore[union-attr]
    after = at + 1 + len(digits)
    if after == len(text):
        raise FormatError("invalid formatting syntax: formatting cannot end with a %")
    name = word.rstrip(".")
    if not name:
        raise FormatError(f"invalid formatting token {text[at : after + 1]!r}: a field's name must follow the %")
    try:
        field = longest_known_prefix(word) or lookup(name)
    except UsageError as error:
        raise FormatError(f"invalid formatting token {name}: {error}") from None
    if field.filter_only:
        raise FormatError(f"{field.name} is filter only and cannot be used as a display field")
    width = int(digits) if digits and len(digits) <= 4 else None
    if digits and not width:
        raise FormatError(f"invalid formatting token {digits + field.name}: a width goes from 1 to 9999")
    return Token(field, width), after + len(field.name)


class Format:
    """A compiled format. Made by `compile_format`."""

    def __init__(
        self,
        parts: tuple[str | Token, ...],
        *,
        shows_missing: bool,
        data: Callable[[bytes, Gaps], str],
        time: Callable[[Rows, int], str] | None,
    ) -> None:
        self._parts = parts
        self._shows_missing = shows_missing
        self._data = data
        self._time = time
        self.fields = tuple(part.field for part in parts if isinstance(part, Token))
        """The fields it shows, in its order."""
        self._rows: Rows | None = None
        self._start = 0
        self._columns: dict[str, list[Value | None]] = {}

    @property
    def uses_buffer(self) -> bool:
        """It shows payload."""
        return any(field.type is FieldType.BYTES or field.name in ("evt.args", "evt.info") for field in self.fields)

    @property
    def uses_history(self) -> bool:
        """It shows what a packet is to those before it, so `trace.history` must see each batch."""
        return any(field.uses_history for field in self.fields)

    def line(self, rows: Rows, i: int) -> str | None:
        """The text of one row, without a line end; None if a value is missing and the format does not show that."""
        if not self._shows_missing and self._is_missing(rows, i):
            return None
        return "".join(part if isinstance(part, str) else self._shown(part, rows, i) for part in self._parts)

    def json(self, rows: Rows, i: int) -> str | None:
        """One JSON object, without a line end: fields by name in alphabetical order, null where a value is missing.

        None as in `line`. Everything but ASCII is escaped.
        """
        if not self._shows_missing and self._is_missing(rows, i):
            return None
        members: dict[str, Value | None] = {}
        for field in self.fields:
            if field.print_only or field.type is FieldType.BYTES:
                members[field.name] = self._text(field, rows, i)
            else:
                members[field.name] = self._value(field, rows, i)
        return json.dumps(members, sort_keys=True, separators=(",", ":"))

    def _is_missing(self, rows: Rows, i: int) -> bool:
        return any(not field.print_only and self._value(field, rows, i) is None for field in self.fields)

    def _shown(self, token: Token, rows: Rows, i: int) -> str:
        text = self._text(token.field, rows, i)
        text = NOT_KNOWN if text is None else text
        return text if token.width is None else text[: token.width].ljust(token.width)

    def _text(self, field: Field, rows: Rows, i: int) -> str | None:
        if field.print_only:
            return self._composed(field, rows, i)
        value = self._value(field, rows, i)
        if value is None:
            return None
        if isinstance(value, bytes):
            return self._data(value, rows.gaps(i))
        text = field.text(value)
        return text if text.isprintable() else "".join(letter if letter.isprintable() else "." for letter in text)

    def _composed(self, field: Field, rows: Rows, i: int) -> str | None:
        if field.name == "evt.outputtime":
            return self._text(FIELDS["evt.time"], rows, i) if self._time is None else self._time(rows, i)
        words = []
        if rows.is_io[i]:
            words.append(f"res={self._text(FIELDS['evt.rawres'], rows, i)}")
            words.append(f"data={self._text(FIELDS['evt.buffer'], rows, i) or ''}")
        connection = self._text(FIELDS["fd.name"], rows, i)
        if connection is not None:
            words.append(f"tuple={connection}")
        return " ".join(words)

    def _value(self, field: Field, rows: Rows, i: int) -> Value | None:
        """One value, out of a window of rows whose values are made together."""
        if rows is not self._rows or not self._start <= i < self._start + _WINDOW:
            self._rows, self._start, self._columns = rows, i - i % _WINDOW, {}
        column = self._columns.get(field.name)
        if column is None:
            window = np.arange(self._start, min(self._start + _WINDOW, len(rows)), dtype=np.intp)
            column = self._columns[field.name] = field.values(rows.select(window))
        return column[i - self._start]
