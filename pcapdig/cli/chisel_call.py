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

_LIKE_A_FILTER = re.compile(r"[.=<>()]|^not$")
"""A word that was meant as the beginning of a filter."""
_CONNECTIVES = ("and", "or")
"""Words that go on with a filter: none can begin with them."""


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


def words_taken(signature: tuple[Argument, ...], rest: list[str], book: ChiselBook) -> int:
    """Count the first words that are a chisel's arguments, of those up to the next option.

    A chisel that needs an argument takes one word. One with only optional arguments takes a word too, unless all words
    together are a filter: then they are the filter of the command line. Where the argument is itself a filter, see
    `_filters_taken`. Words that look like a filter but have a mistake are reported as a filter: that is what was meant.

    Raises:
        UsageError: the words were meant as a filter, and are none.
    """
    if not signature or not rest:
        return 0
    is_needed = any(not argument.optional for argument in signature)
    if takes_filter(signature):
        return _filters_taken(rest, book, is_needed=is_needed)
    if is_needed:
        return 1
    try:
        book.check_filter(filter_text(rest, book.check_filter))
    except UsageError:
        if _LIKE_A_FILTER.search(rest[0]):
            raise
        return 1
    return 0


def takes_filter(signature: tuple[Argument, ...]) -> bool:
    """Whether the only argument is a filter."""
    return len(signature) == 1 and signature[0].type == "filter"


def _filters_taken(rest: list[str], book: ChiselBook, *, is_needed: bool) -> int:
    """Count the first words that are an argument which is a filter.

    All words together are one filter: the argument if the chisel needs one, else the command line's. The first word alone
    is the argument where it is empty or a filter, and another filter follows it.

    Raises:
        UsageError: the words were meant as a filter, and are none.
    """
    if not rest[0]:
        return 1
    try:
        book.check_filter(filter_text(rest, book.check_filter))
    except UsageError:
        if len(rest) > 1 and rest[1] not in _CONNECTIVES and _is_filter(rest[0], book):
            return 1
        if _LIKE_A_FILTER.search(rest[0]):
            raise
        return 1
    return len(rest) if is_needed else 0


def _is_filter(text: str, book: ChiselBook) -> bool:
    try:
        book.check_filter(text)
    except UsageError:
        return False
    return True


def complete(call: ChiselCall, signature: tuple[Argument, ...]) -> ChiselCall:
    """Sort the word of a call into its arguments.

    The word may hold several, parted by blanks; single quotes or backquotes group words. A chisel whose one argument is a
    filter takes the whole word. Arguments given by name are left out of the word.

    Raises:
        UsageError: too few or too many.
    """
    texts = [] if call.text is None else split_arguments(call.text)
    if texts and takes_filter(signature):
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
