"""The errors of this room: one line, the place, the caret."""

from pcapdig.errors import UsageError
from pcapdig.filters.errors import FilterError, FormatError


def test_the_line_names_the_column_from_one() -> None:
    """Offset 0 is column 1."""
    assert str(FilterError("no such thing", "fd.x=1", 0)) == "filter error at column 1: no such thing"


def test_the_detail_has_a_caret_under_the_place() -> None:
    """The filter, then blanks and a caret."""
    assert FilterError("wrong", "a=1 b", 4).detail == "a=1 b\n    ^"


def test_control_characters_do_not_reach_the_terminal() -> None:
    """Each shows as one blank, so that the caret still stands right."""
    assert FilterError("wrong", "a\n\x1b[31mb", 6).detail == "a  [31mb\n      ^"


def test_both_are_the_users_fault() -> None:
    """The cli prints them as it prints any wrong command line."""
    assert issubclass(FilterError, UsageError)
    assert issubclass(FormatError, UsageError)
