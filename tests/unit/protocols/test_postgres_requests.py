"""What is known of the answer to a message."""

from __future__ import annotations

import pytest

from pcapdig.protocols.postgres_requests import Asked, Portal, Statement


@pytest.mark.parametrize(
    ("verb", "count", "returned", "has_columns", "copies_out", "told"),
    [
        ("SELECT", 3, 3, True, False, (3, None)), ("SELECT", 3, 0, False, False, (None, 3)), ("SELECT", 0, 0, False, False, (0, None)),
        ("INSERT", 2, 0, False, False, (None, 2)), ("UPDATE", 2, 2, True, False, (2, 2)), ("COPY", 5, 0, False, False, (None, 5)),
        ("COPY", 5, 0, False, True, (5, None)), ("CREATE TABLE", None, 0, False, False, (None, None)), ("SHOW", None, 1, True, False, (1, None)),
    ],
)  # fmt: skip
def test_rows_and_changes(
    verb: str,
    count: int | None,
    returned: int,
    has_columns: bool,
    copies_out: bool,
    told: tuple[int | None, int | None],
) -> None:
    """By the tag, and by what was returned before it."""
    asked = Asked(None, "Q", "query", returned=returned, has_columns=has_columns, copies_out=copies_out)
    asked.complete(verb, count)
    assert (asked.rows, asked.affected) == told


def test_parameters_without_types() -> None:
    """Formats and types that are not known: text as it is."""
    assert Portal(None, (), (b"a", None)).parameters() == ("a", None)
    assert Portal(Statement("x", (23,)), (1,), (b"\0\0\0\7",)).parameters() == (7,)
