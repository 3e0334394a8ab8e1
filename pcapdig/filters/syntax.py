"""The grammar of a filter: text in, a tree out. Knows nothing of fields, types or rows.

    Expression = And {"or" And}          And = Not {"and" Not}          Not = {"not"} (Check | "(" Expression ")")
    Check      = field ["[" argument "]"] ("exists" | operator value | list-operator "(" [value {"," value}] ")")

A bare value reaches to the next blank or bracket (in a list also to a comma), so `fd.name=a=b` needs no quotes. A value that starts
with `"` or `'` ends at the same quote. Keywords are lower case. `==` is `=`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pcapdig.filters.errors import FilterError
from pcapdig.filters.filter import BLANKS

NESTING_LIMIT = 100
"""Brackets inside brackets; sysdig's limit too. Keeps the recursion here far from Python's."""

SYMBOLS = ("==", "!=", "<=", ">=", "=", "<", ">")
WORD_OPERATORS = (
    "contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex", "bcontains", "bstartswith",
)  # fmt: skip
LIST_OPERATORS = ("in", "intersects", "pmatch")

_ESCAPES = {"b": b"\b", "f": b"\f", "n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\", "/": b"/", '"': b'"', "'": b"'"}
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_WORD = re.compile(r"[A-Za-z_]+")
_OTHER_KEYWORDS = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not"}


@dataclass(frozen=True, slots=True)
class Word:
    """One value of a comparison."""

    data: bytes
    """What it stands for: escapes resolved, other characters as UTF-8. For `regex` backslashes are kept."""
    offset: int
    """Of its first character (the quote, if quoted) in the filter."""


@dataclass(frozen=True, slots=True)
class Check:
    """A field compared with values."""

    field: str
    argument: str | None
    """What stood in square brackets after the field."""
    operator: str
    """`exists`, one of SYMBOLS but `==`, of WORD_OPERATORS or of LIST_OPERATORS."""
    words: tuple[Word, ...]
    """None for `exists`, one for a binary operator, any number for a list operator."""
    offset: int
    """Of the field in the filter."""
    operator_offset: int


@dataclass(frozen=True, slots=True)
class Not:
    """True where `part` is not."""

    part: Node


@dataclass(frozen=True, slots=True)
class And:
    """True where all parts are."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where any part is."""

    parts: tuple[Node, ...]


Node = Check | Not | And | Or


def parse(text: str) -> Node:
    """The tree of a filter that is not blank.

    Raises:
        FilterError: the text is not a filter; says where.
    """
    parser = _Parser(text)
    node = parser.expression(0)
    parser.skip_blanks()
    if parser.at < len(text):
        raise parser.unexpected()
    return node


class _Parser:
    """One pass from left to right; `at` is the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def error(self, message: str, offset: int | None = None) -> FilterError:
        return FilterError(message, self.text, self.at if offset is None else offset)

    def skip_blanks(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in BLANKS:
            self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take_keyword(self, keyword: str) -> bool:
        """Steps over the keyword if it comes next and ends there."""
        self.skip_blanks()
        end = self.at + len(keyword)
        if self.text.startswith(keyword, self.at) and (end == len(self.text) or self.text[end] in BLANKS + "()"):
            self.at = end
            return True
        return False

    def shown(self) -> str:
        """The next word, for a message."""
        match = re.match(r"[()]|[^\s()]+", self.text[self.at :])
        word = match.group() if match else ""
        return repr(word if len(word) <= 40 else word[:37] + "...")

    def unexpected(self) -> FilterError:
        """Something follows a whole expression."""
        word = self.shown()[1:-1]
        if word == ")":
            return self.error("')' closes nothing")
        if word.lower() in ("and", "or", "not") and word != word.lower():
            return self.error(f"{word!r}: keywords are lower case, write {word.lower()!r}")
        if word in _OTHER_KEYWORDS:
            return self.error(f"{word!r}: write {_OTHER_KEYWORDS[word]!r}")
        if word == "not" or ("." in word and _FIELD.fullmatch(word.partition("=")[0])):
            return self.error(f"'and' or 'or' is missing before {self.shown()}")
        return self.error(
            f"{self.shown()} is not expected here: 'and', 'or' or the end. A value with blanks needs quotes that the shell leaves"
        )

    def expression(self, depth: int) -> Node:
        parts = [self.conjunction(depth)]
        while self.take_keyword("or"):
            parts.append(self.conjunction(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def conjunction(self, depth: int) -> Node:
        parts = [self.negation(depth)]
        while self.take_keyword("and"):
            parts.append(self.negation(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def negation(self, depth: int) -> Node:
        negative = False
        while self.take_keyword("not"):
            negative = not negative
        self.skip_blanks()
        node: Node = self.brackets(depth + 1) if self.peek() == "(" else self.check()
        return Not(node) if negative else node

    def brackets(self, depth: int) -> Node:
        opened = self.at
        if depth > NESTING_LIMIT:
            raise self.error(f"brackets are nested more than {NESTING_LIMIT} deep")
        self.at += 1
        node = self.expression(depth)
        self.skip_blanks()
        if self.at == len(self.text):
            raise self.error("'(' is never closed", opened)
        if self.peek() != ")":
            raise self.unexpected()
        self.at += 1
        return node

    def check(self) -> Check:
        offset = self.at
        match = _FIELD.match(self.text, self.at)
        if match is None:
            raise self.no_field()
        field = match.group()
        self.at = match.end()
        if field in ("and", "or", "in", "exists"):
            raise self.error(f"a field is missing before {field!r}", offset)
        argument = self.argument()
        self.skip_blanks()
        operator_offset = self.at
        operator = self.operator(field)
        words: tuple[Word, ...] = ()
        if operator in LIST_OPERATORS:
            words = self.value_list(operator)
        elif operator != "exists":
            words = (self.value(operator, in_list=False),)
        return Check(field, argument, operator, words, offset, operator_offset)

    def no_field(self) -> FilterError:
        if self.at >= len(self.text):
            return self.error("the filter ends where a field is expected")
        word = self.shown()[1:-1]
        if word in _OTHER_KEYWORDS or word[:1] == "!":
            return self.error(f"{self.shown()}: write {_OTHER_KEYWORDS.get(word, 'not')!r}")
        return self.error(f"a field is expected, not {self.shown()}")

    def argument(self) -> str | None:
        if self.peek() != "[":
            return None
        end = self.text.find("]", self.at)
        if end < 0:
            raise self.error("'[' is never closed")
        argument = self.text[self.at + 1 : end].strip(BLANKS)
        self.at = end + 1
        return argument

    def operator(self, field: str) -> str:
        for symbol in SYMBOLS:
            if self.text.startswith(symbol, self.at):
                self.at += len(symbol)
                return "=" if symbol == "==" else symbol
        match = _WORD.match(self.text, self.at)
        word = match.group() if match else ""
        if self.at == len(self.text) or word in ("and", "or") or self.peek() == ")":
            raise self.error(f"a comparison is missing after {field}, such as '{field} exists' or '{field}=VALUE'")
        end = self.at + len(word)
        ends_there = end == len(self.text) or self.text[end] in BLANKS + "()\"'"
        if not ends_there or word not in (*WORD_OPERATORS, *LIST_OPERATORS, "exists"):
            known = " ".join((*SYMBOLS, *WORD_OPERATORS, *LIST_OPERATORS, "exists"))
            raise self.error(f"{self.shown()} is no operator. Operators: {known}")
        self.at = end
        return word

    def value_list(self, operator: str) -> tuple[Word, ...]:
        self.skip_blanks()
        opened = self.at
        if self.peek() != "(":
            raise self.error(f"'(' is expected after {operator!r}: {operator} (A, B)")
        self.at += 1
        self.skip_blanks()
        words: list[Word] = []
        if self.peek() == ")":
            self.at += 1
            return ()
        while True:
            words.append(self.value(operator, in_list=True))
            self.skip_blanks()
            after = self.peek()
            if after not in (",", ")"):
                if not after:
                    raise self.error("'(' is never closed", opened)
                raise self.error(f"',' or ')' is expected, not {self.shown()}")
            self.at += 1
            if after == ")":
                return tuple(words)

    def value(self, operator: str, *, in_list: bool) -> Word:
        self.skip_blanks()
        offset = self.at
        if self.peek() in ('"', "'"):
            return Word(self.quoted(offset, operator == "regex"), offset)
        stops = BLANKS + ("()," if in_list else "()")
        end = offset
        while end < len(self.text) and self.text[end] not in stops:
            end += 1
        if end == offset:
            raise self.error(f'a value is missing after {operator!r}; the empty one is written ""')
        self.at = end
        return Word(self.unescaped(offset, end, operator == "regex"), offset)

    def quoted(self, opened: int, is_regex: bool) -> bytes:
        quote = self.text[opened]
        end = opened + 1
        while end < len(self.text) and self.text[end] != quote:
            end += 2 if self.text[end] == "\\" else 1
        if end >= len(self.text):
            raise self.error("the quote is never closed", opened)
        self.at = end + 1
        if self.at < len(self.text) and self.text[self.at] not in BLANKS + "(),":
            raise self.error(f"a blank is expected after the closing quote, not {self.shown()}")
        return self.unescaped(opened + 1, end, is_regex)

    def unescaped(self, start: int, end: int, is_regex: bool) -> bytes:
        """The value between two offsets. A regex keeps its backslashes: they are its own."""
        if is_regex:
            return self.encoded(start, end)
        pieces: list[bytes] = []
        while (backslash := self.text.find("\\", start, end)) >= 0:
            pieces.append(self.encoded(start, backslash))
            letter = self.text[backslash + 1 : min(backslash + 2, end)]
            digits = self.text[backslash + 2 : min(backslash + 4, end)]
            if letter in _ESCAPES:
                pieces.append(_ESCAPES[letter])
                start = backslash + 2
            elif letter == "x" and re.fullmatch(r"[0-9A-Fa-f]{2}", digits):
                pieces.append(bytes.fromhex(digits))
                start = backslash + 4
            else:
                wrong = self.text[backslash : min(backslash + (4 if letter == "x" else 2), end)]
                raise self.error(
                    f"{wrong!r} is no escape. Known: \\\\ \\\" \\' \\/ \\b \\f \\n \\r \\t \\xHH", backslash
                )
        pieces.append(self.encoded(start, end))
        return b"".join(pieces)

    def encoded(self, start: int, end: int) -> bytes:
        try:  # an argv that was not UTF-8 arrives with its bytes as surrogates: they are given back
            return self.text[start:end].encode("utf-8", "surrogateescape")
        except UnicodeEncodeError as error:
            raise self.error("a character that no encoding has", start + error.start) from None
