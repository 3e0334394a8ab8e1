"""The grammar: what is refused and where, then what a text means."""

from __future__ import annotations

import pytest

from pcapdig.filters.errors import FilterError
from pcapdig.filters.syntax import LIST_OPERATORS, NESTING_LIMIT, WORD_OPERATORS, And, Check, Node, Not, Or, parse


def shape(node: Node) -> str:
    """The tree with all its brackets."""
    match node:
        case Not(part):
            return f"not {shape(part)}"
        case And(parts):
            return "(" + " and ".join(map(shape, parts)) + ")"
        case Or(parts):
            return "(" + " or ".join(map(shape, parts)) + ")"
        case Check():
            return node.field


def only_value(text: str) -> bytes:
    """The value of a filter that is one comparison."""
    check = parse(text)
    assert isinstance(check, Check)
    (word,) = check.words
    return word.data


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the filter ends where a field is expected"),
        ("=80", 1, "a field is expected, not '=80'"),
        ("80", 1, "a field is expected, not '80'"),
        ("a.b=1 and", 10, "the filter ends where a field is expected"),
        ("a.b=1 and or c=1", 11, "a field is missing before 'or'"),
        ("a.b=1 or )", 10, "a field is expected, not ')'"),
        ("()", 2, "a field is expected, not ')'"),
        ("not", 4, "the filter ends where a field is expected"),
        ("(a.b=1", 1, "'(' is never closed"),
        ("a.b=1)", 6, "')' closes nothing"),
        ("a.b=1)and(c=1", 6, "')' closes nothing"),
        ("a.b=1 c.d=2", 7, "'and' or 'or' is missing before 'c.d=2'"),
        ("(a.b=1 c.d=2)", 8, "'and' or 'or' is missing before 'c.d=2'"),
        ("a.b=1 not c.d=2", 7, "'and' or 'or' is missing before 'not'"),
        ("a.b=1 AND c.d=2", 7, "'AND': keywords are lower case, write 'and'"),
        ("a.b=1 && c.d=2", 7, "'&&': write 'and'"),
        ("a.b=1 || c.d=2", 7, "'||': write 'or'"),
        ("!a.b=1", 1, "'!a.b=1': write 'not'"),
        ("! a.b=1", 1, "'!': write 'not'"),
        ("a.b", 4, "a comparison is missing after a.b, such as 'a.b exists' or 'a.b=VALUE'"),
        ("a.b and c=1", 5, "a comparison is missing after a.b, such as 'a.b exists' or 'a.b=VALUE'"),
        ("(a.b)", 5, "a comparison is missing after a.b, such as 'a.b exists' or 'a.b=VALUE'"),
        ("a.b like x", 5, "'like' is no operator."),
        ("a.b=", 5, "a value is missing after '='; the empty one is written \"\""),
        ("a.b=)", 5, "a value is missing after '='; the empty one is written \"\""),
        ("a.b contains", 13, "a value is missing after 'contains'; the empty one is written \"\""),
        ('a.b="x', 5, "the quote is never closed"),
        ('a.b="x\\"', 5, "the quote is never closed"),
        ("a.b='x\"", 5, "the quote is never closed"),
        ('a.b="x"y', 8, "a blank is expected after the closing quote, not 'y'"),
        ("a.b in c", 8, "'(' is expected after 'in': in (A, B)"),
        ("a.b in", 7, "'(' is expected after 'in': in (A, B)"),
        ("a.b in (c", 8, "'(' is never closed"),
        ("a.b in (c d)", 11, "',' or ')' is expected, not 'd'"),
        ("a.b in (c,)", 11, "a value is missing after 'in'; the empty one is written \"\""),
        ("a.b in (,c)", 9, "a value is missing after 'in'; the empty one is written \"\""),
        ("a.b[1=2", 4, "'[' is never closed"),
        ('a.b="\\xZZ"', 6, "'\\\\xZZ' is no escape."),
        ("a.b=c\\d", 6, "'\\\\d' is no escape."),
        ("a.b=c\\", 6, "'\\\\' is no escape."),
        ("a.b=\ud800", 5, "a character that no encoding has"),
    ],
)
def test_a_mistake_is_refused_with_its_column(text: str, column: int, message: str) -> None:
    """The message says what, the column where."""
    with pytest.raises(FilterError) as caught:
        parse(text)
    assert (caught.value.column, caught.value.message[: len(message)]) == (column, message)


def test_an_unquoted_value_with_a_blank_is_explained() -> None:
    """A shell takes one pair of quotes away, so the second is asked for."""
    with pytest.raises(FilterError, match="needs quotes that the shell leaves"):
        parse("evt.buffer contains GET /")


def test_brackets_nest_to_the_limit_and_no_further() -> None:
    """The bracket beyond the limit is the one named."""
    assert shape(parse("(" * NESTING_LIMIT + "a=1" + ")" * NESTING_LIMIT)) == "a"
    with pytest.raises(FilterError, match="nested more than 100 deep") as caught:
        parse("(" * (NESTING_LIMIT + 1) + "a=1" + ")" * (NESTING_LIMIT + 1))
    assert caught.value.column == NESTING_LIMIT + 1


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a=1 or b=1 and c=1", "(a or (b and c))"),
        ("a=1 and b=1 or c=1", "((a and b) or c)"),
        ("not a=1 and b=1", "(not a and b)"),
        ("not a=1 or b=1", "(not a or b)"),
        ("not (a=1 or b=1)", "not (a or b)"),
        ("not(a=1 or b=1)", "not (a or b)"),
        ("not not a=1", "a"),
        ("not not not a=1", "not a"),
        ("(a=1 or b=1) and c=1", "((a or b) and c)"),
        ("(a=1)and(b=1)", "(a and b)"),
        ("a=1 and b=1 and c=1", "(a and b and c)"),
        ("a=1 or b=1 or c=1", "(a or b or c)"),
        ("  ( a=1 )\tor\n b=1  ", "(a or b)"),
        ("a exists and not b exists", "(a and not b)"),
    ],
)
def test_not_binds_before_and_before_or(text: str, tree: str) -> None:
    """Mixing and, or and not needs no brackets."""
    assert shape(parse(text)) == tree


@pytest.mark.parametrize("symbol", ["=", "!=", "<", "<=", ">", ">="])
def test_a_sign_needs_no_blanks(symbol: str) -> None:
    """With and without blanks it is the same comparison."""
    for text in (f"a.b{symbol}1", f"a.b {symbol} 1", f"a.b {symbol}1", f"a.b{symbol} 1"):
        check = parse(text)
        assert isinstance(check, Check)
        assert (check.operator, check.words[0].data) == (symbol, b"1")


def test_two_equals_signs_are_one() -> None:
    """`==` is `=`, and the second one is no part of the value."""
    check = parse("a.b==1")
    assert isinstance(check, Check)
    assert (check.operator, check.words[0].data) == ("=", b"1")


@pytest.mark.parametrize("operator", WORD_OPERATORS)
def test_every_word_operator_takes_one_value(operator: str) -> None:
    """The value follows after a blank, or at once if quoted."""
    for text in (f"a.b {operator} x", f'a.b {operator}"x"'):
        check = parse(text)
        assert isinstance(check, Check)
        assert (check.operator, [word.data for word in check.words]) == (operator, [b"x"])


@pytest.mark.parametrize("operator", LIST_OPERATORS)
@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("(x)", [b"x"]),
        ("( x , y )", [b"x", b"y"]),
        ("(x,y)", [b"x", b"y"]),
        ("()", []),
        ("('x, y',z)", [b"x, y", b"z"]),
    ],
)
def test_every_list_operator_takes_values_in_brackets(operator: str, written: str, values: list[bytes]) -> None:
    """Commas part them, blanks are free, none is allowed."""
    for blank in ("", " "):
        check = parse(f"a.b {operator}{blank}{written}")
        assert isinstance(check, Check)
        assert [word.data for word in check.words] == values


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("fd.name=a=b", b"a=b"),
        ("fd.name=1.2.3.4:5->6.7.8.9:80", b"1.2.3.4:5->6.7.8.9:80"),
        ("fd.name=a,b", b"a,b"),
        ("evt.dir=<", b"<"),
        ("evt.dir = >", b">"),
        ("a=and", b"and"),
        ("a=it's", b"it's"),
        ('a="x y"', b"x y"),
        ("a='x y'", b"x y"),
        ("a='say \"x\"'", b'say "x"'),
        ('a=""', b""),
        ('a="(x)"', b"(x)"),
        ('a="\\x0d\\x0a\\xff"', b"\r\n\xff"),
        ("a=\\x0d\\x0a", b"\r\n"),
        ('a="\\r\\n\\t\\b\\f\\\\\\/\\"\\\'"', b"\r\n\t\x08\x0c\\/\"'"),
        ("a=\u00e9", b"\xc3\xa9"),
        ("a=\udcff", b"\xff"),
        ("a regex x\\d+\\.", b"x\\d+\\."),
        ('a regex "x y\\d"', b"x y\\d"),
    ],
)
def test_a_value_means(text: str, value: bytes) -> None:
    """Bare words are loose, quotes hold anything, escapes are resolved but for regex; argv's bytes come back."""
    assert only_value(text) == value


def test_an_argument_in_square_brackets_is_kept() -> None:
    """Blanks around it do not count."""
    check = parse("evt.around[ 12 ]=3")
    assert isinstance(check, Check)
    assert (check.field, check.argument) == ("evt.around", "12")


def test_places_are_kept_for_later_messages() -> None:
    """Field, operator and value know where they stood."""
    check = parse("  a.b  contains  'x'")
    assert isinstance(check, Check)
    assert (check.offset, check.operator_offset, check.words[0].offset) == (2, 7, 17)
