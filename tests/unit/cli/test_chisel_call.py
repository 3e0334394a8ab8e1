"""The word a chisel takes, parted into its arguments."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pcapdig.cli.chisel_call import ChiselCall, complete, split_arguments
from pcapdig.errors import UsageError


@pytest.mark.parametrize(("text", "column"), [("'a", 1), ("a 'b", 3), ("`", 1), ("a `b c", 3)])
def test_an_open_quote_is_refused(text: str, column: int) -> None:
    """With the column of the quote."""
    with pytest.raises(UsageError, match=f"column {column} is not closed"):
        split_arguments(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("  ", []),
        ("a", ["a"]),
        (" a  b ", ["a", "b"]),
        ("'a b' c", ["a b", "c"]),
        ("`a 'b` c", ["a 'b", "c"]),
        ("'' x", ["", "x"]),
        ("it's", ["it's"]),
    ],
)
def test_blanks_part_and_quotes_hold_together(text: str, expected: list[str]) -> None:
    """Quotes count at the beginning of a word only."""
    assert expected == split_arguments(text)


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="'`", exclude_categories=("Z", "C")), min_size=1)))
def test_words_without_quotes_come_back(words: list[str]) -> None:
    """What was joined by blanks is parted again."""
    assert words == split_arguments(" ".join(words))


@dataclass(frozen=True)
class Arg:
    """An argument of a chisel."""

    name: str
    type: str
    optional: bool = True


@pytest.mark.parametrize(
    ("text", "expected"),
    [("", {}), ("fd.sport=80", {"filter": "fd.sport=80"}), ("a=1 and b='x y'", {"filter": "a=1 and b='x y'"})],
)
def test_a_filter_is_one_argument(text: str, expected: dict[str, str]) -> None:
    """With its blanks and quotes; the empty word is none, as in sysdig."""
    assert expected == complete(ChiselCall(name="netstat", text=text), (Arg("filter", "filter"),)).arguments


def test_a_call_without_arguments_is_complete() -> None:
    """An empty signature, an empty set."""
    assert {} == complete(ChiselCall(name="topconns"), ()).arguments
