"""What is said beside the output: sentences with numbers, and nothing where nothing is missing."""

from __future__ import annotations

import pytest

from pcapdig.dig.notes import notes_of_table, notes_on_order
from pcapdig.render.items import Column, Table


def table(shown: int, found: int | None) -> Table:
    """A table of connections."""
    rows = tuple((1, (str(i),)) for i in range(shown))
    key = Column("fd.name", "Conn")
    return Table(value=key, keys=(key,), rows=rows, found=found, things="connections", all_of="conns lists each")


@pytest.mark.parametrize(("shown", "found"), [(0, None), (0, 0), (30, 30), (2, None)])
def test_a_whole_table_needs_no_note(shown: int, found: int | None) -> None:
    """All is shown, or nobody counted."""
    assert [] == [*notes_of_table("topconns", table(shown, found))]


def test_a_table_that_stops_at_its_rows() -> None:
    """How many there are, and how to see them."""
    expected = "topconns shows 30 of 1,204 connections; conns lists each"
    assert [expected] == [*notes_of_table("topconns", table(30, 1204))]


def test_lines_too_late() -> None:
    """How many, and how far."""
    assert [] == [*notes_on_order("httplog", 0, 0)]
    assert ["1 line of httplog came too late for the order of time, by up to 12us"] == [
        *notes_on_order("httplog", 1, 12_000)
    ]
