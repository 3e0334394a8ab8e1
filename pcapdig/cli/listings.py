"""-cl and -i: the chisels listed and described.

sysdig's layout, with the description column of the tutorial's time (20), but broken between words: sysdig cuts words in
two. In: chisel classes. Out: text. Must not know how a chisel works.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COLUMN = 20
"""Where short descriptions begin."""
WIDTH = 79
"""Columns of the text."""
_HINT = "Use the -i flag to get detailed information about a specific chisel"


class DescribedArgument(Protocol):
    """An argument, described."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def type(self) -> str:
        """ipv4, int, string, filter, ... or empty."""

    @property
    def description(self) -> str:
        """What it is for."""

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""


class DescribedChisel(Protocol):
    """What a listing needs of a chisel."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def category(self) -> str:
        """What it is listed under: `Net`."""

    @property
    def short_description(self) -> str:
        """A few words."""

    @property
    def description(self) -> str:
        """A paragraph."""

    @property
    def args(self) -> Sequence[DescribedArgument]:
        """Its arguments."""


def chisel_list(chisels: Iterable[DescribedChisel]) -> str:
    """Give -cl: categories and, in each, chisels by name."""
    by_category: dict[str, list[DescribedChisel]] = {}
    for chisel in chisels:
        by_category.setdefault(chisel.category, []).append(chisel)
    parts = [
        _category(category, sorted(by_category[category], key=lambda chisel: chisel.name))
        for category in sorted(by_category)
    ]
    return "".join(parts) + f"\n{_HINT}\n"


def chisel_description(chisel: DescribedChisel) -> str:
    """Give -i: the chisel's place in the list, its long description, its arguments."""
    lines = [_category(chisel.category, [chisel])]
    lines += [textwrap.fill(" ".join(chisel.description.split()), WIDTH), "Args:"]
    if not chisel.args:
        return "\n".join([*lines, "(None)"]) + "\n"
    for argument in chisel.args:
        text = f"[{argument.type}] {argument.name} - {argument.description}"
        if argument.optional:
            text += " (optional)"
        lines.append(textwrap.fill(text, WIDTH, subsequent_indent=" " * COLUMN))
    return "\n".join(lines) + "\n\n"


def _category(category: str, chisels: Iterable[DescribedChisel]) -> str:
    """Give a blank line, the heading, its underline and a line for each chisel."""
    heading = f"Category: {category}"
    lines = ["", heading, "-" * len(heading)]
    for chisel in chisels:
        indent = " " * COLUMN
        text = textwrap.fill(chisel.short_description, WIDTH, initial_indent=indent, subsequent_indent=indent)
        if len(chisel.name) >= COLUMN:
            lines += [chisel.name, text]
        else:
            lines.append(chisel.name.ljust(COLUMN) + text[COLUMN:])
    return "\n".join(lines) + "\n"
