"""The words of a command line as the text of a filter.

A shell takes quotes away: `evt.buffer contains "log in"` arrives as the words `evt.buffer`, `contains` and `log in`, and joined by blanks
they are no filter. Where joining fails, a word that holds blanks or brackets and stands where a value is expected gets quotes again.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pcapdig.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPERATOR = re.compile(
    r".*(?:[=<>]|(?:^| )(?:contains|icontains|startswith|endswith|glob|iglob|regex|bcontains|bstartswith))", re.DOTALL
)
"""A word after which a value is expected: it ends in an operator."""
_COMPARED = re.compile(r"([A-Za-z_][\w.]*(?:\[[^]]*\])?(?:[!<>=]=|[=<>]))(.*)", re.DOTALL)
"""A field, its operator and its value in one word."""
_ANOTHER_CHECK = re.compile(r"\s[(]*(?:evt|fd|proc|user|container)\.\w[\w.]*\s*(?:[!<>=]|[a-z])")
"""A comparison inside what would be a value: the user quoted a whole filter, and it has a mistake."""
_NEEDS_QUOTES = re.compile(r"[\s()]")


def filter_text(words: Sequence[str], check: Callable[[str], None]) -> str:
    """Give the filter that these words mean.

    Args:
        words: as the shell handed them over.
        check: raises UsageError for a text that is no filter.
    """
    plain = " ".join(words)
    quoted = " ".join(_requoted(words))
    if quoted == plain:
        return plain
    for text in (plain, quoted):
        try:
            check(text)
        except UsageError:
            continue
        return text
    return plain  # whoever compiles it says what is wrong with what was written


def _requoted(words: Sequence[str]) -> list[str]:
    """Give the words, values that need quotes with quotes."""
    requoted = []
    before = ""
    for word in words:
        compared = _COMPARED.fullmatch(word)
        if _OPERATOR.fullmatch(before):
            requoted.append(_quoted(word))
        elif compared and not _ANOTHER_CHECK.search(compared[2]):
            requoted.append(compared[1] + _quoted(compared[2]))
        else:
            requoted.append(word)
        before = word
    return requoted


def _quoted(value: str) -> str:
    """Give a value in quotes if it needs them and has none. Backslashes stay: they are escapes with and without quotes."""
    if not _NEEDS_QUOTES.search(value) or value[0] in "\"'":
        return value
    return f"'{value}'" if '"' in value and "'" not in value else '"' + value.replace('"', r"\x22") + '"'
