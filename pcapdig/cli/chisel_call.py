"""Chisels as the command line sees them: which there are, what arguments they take, which word is theirs.

In: words, and the registry of chisels/ and compiler of filters/, both loaded only when asked. Out: `ChiselCall`. Must
not know options.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Protocol

from pcapdig.cli.filter_words import filter_text
from pcapdig.errors import UsageError


class Argument(Protocol):
    """What is needed of an argument's description; chisels.Arg is one."""

    @property
    def name(self) -> str:
        """Its name, the keyword it is passed by."""

    @property
    def type(self) -> str:
        """ipv4, int, string, filter, ... or empty."""

    @property
    def optional(self) -> bool:
        """Whether it may be left out."""


class ChiselBook(Protocol):
    """What the scanner asks about chisels and filters."""

    def names(self) -> list[str]:
        """Names of all chisels."""

    def has(self, name: str) -> bool:
        """Whether a word is the name of a chisel."""

    def checked(self, name: str) -> str:
        """Give the name back. Raises UsageError if there is no such chisel."""

    def signature(self, name: str) -> tuple[Argument, ...]:
        """Arguments of a chisel."""

    def check_filter(self, text: str) -> None:
        """Raise UsageError if the text is not a filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChiselCall:
    """One chisel to run."""

    name: str
    """Its name in the registry."""
    arguments: dict[str, str] | None = None
    """Argument texts by name, once `complete` has sorted them."""
    text: str | None = None
    """The word it took from the command line; None: none."""
    named: tuple[tuple[str, str], ...] = ()
    """What was given by name: `--save DIR`."""

    def with_arguments(self, text: str) -> ChiselCall:
        """Give the same call with the word it took."""
        return replace(self, text=text)

    def with_named(self, name: str, text: str) -> ChiselCall:
        """Give the same call with one more argument given by name.

        Raises:
            UsageError: it was given before.
        """
        if name in dict(self.named):
            raise UsageError(f"chisel {self.name}: --{name.replace('_', '-')} stands twice")
        return replace(self, named=(*self.named, (name, text)))

    def missing(self, signature: tuple[Argument, ...]) -> list[Argument]:
        """The required arguments that were not given by name."""
        return [argument for argument in signature if not argument.optional and argument.name not in dict(self.named)]


def takes_word(signature: tuple[Argument, ...], rest: list[str], book: ChiselBook) -> bool:
    """Whether a chisel with only optional arguments takes the first of these words.

    It does unless there is none, or all the words up to the next option are a filter. A chisel whose one argument is
    itself a filter always takes it. Words that look like a filter but have a mistake are reported as a filter: that is
    what was meant.

    Raises:
        UsageError: the words were meant as a filter, and are none.
    """
    if not signature or not rest:
        return False
    if len(signature) == 1 and signature[0].type == "filter":
        return True
    try:
        book.check_filter(filter_text(rest, book.check_filter))
    except UsageError:
        if re.search(r"[.=<>()]|^not$", rest[0]):
            raise
        return True
    return False


def complete(call: ChiselCall, signature: tuple[Argument, ...]) -> ChiselCall:
    """Sort the word of a call into its arguments.

    The word may hold several, parted by blanks; single quotes or backquotes group words. A chisel whose one argument is a
    filter takes the whole word. Arguments given by name are left out of the word.

    Raises:
        UsageError: too few or too many.
    """
    texts = [] if call.text is None else split_arguments(call.text)
    if texts and len(signature) == 1 and signature[0].type == "filter":
        texts = [call.text or ""]
    named = dict(call.named)
    in_words = tuple(argument for argument in signature if argument.name not in named)
    required = sum(not argument.optional for argument in in_words)
    if len(texts) < required:
        missing = ", ".join(f"[{argument.type}] {argument.name}" for argument in in_words[len(texts) : required])
        raise UsageError(f"chisel {call.name} needs an argument: {missing}; pcapdig -i {call.name} describes it")
    if len(texts) > len(in_words):
        optional = len(in_words) - required
        raise UsageError(
            f"too many arguments for chisel {call.name}: {required} required, {optional} optional, {len(texts)} given"
        )
    arguments = {argument.name: text for argument, text in zip(in_words, texts, strict=False)}
    return replace(call, arguments=arguments | named)


def split_arguments(text: str) -> list[str]:
    """Part a word at blanks, keeping what single quotes or backquotes hold together, without the quotes.

    Raises:
        UsageError: a quote is not closed.
    """
    texts: list[str] = []
    for match in re.finditer(r"'([^']*)'|`([^`]*)`|([^\s'`]\S*)|(['`])", text):
        if match[4]:
            raise UsageError(f"chisel arguments {text!r}: the quote at column {match.start() + 1} is not closed")
        texts.append(next(group for group in match.groups() if group is not None))
    return texts
