"""Columns of lines, and the answers of a chisel that has nothing special."""

from __future__ import annotations

from pcapdig.chisels.lines import Cell, LineChisel, ends_text, heading, process_text, row_maker, row_text
from pcapdig.procs.process import Process
from pcapdig.render.items import Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of

CELLS = (
    Cell(heading="NAME", width=6),
    Cell(heading="N", width=5, is_number=True),
    Cell(heading="CONN", width=0),
)


def test_a_text_that_is_too_long_is_not_cut() -> None:
    """It pushes the rest to the right, and a blank still follows it."""
    assert row_text(CELLS, ("httpd-worker", "123456", "c")) == "httpd-worker 123456 c"


def test_cells_are_padded_and_numbers_stand_right() -> None:
    """No blanks are left at the end."""
    assert row_text(CELLS, ("curl", "7", "")) == "curl     7"


def test_heading_is_no_object_of_json() -> None:
    """Headings are marked, so that -j leaves them out."""
    assert list(heading(CELLS, rule_character="-")) == [
        Line(text="NAME     N CONN", is_heading=True),
        Line(text="----- ---- ----", is_heading=True),
    ]


def test_ends() -> None:
    """Each name once, in order; an unknown end is told where the other is known."""
    assert ends_text(["b", "a", "b"], ["c"]) == "a,b->c"
    assert ends_text([], ["c"]) == "<NA>->c"
    assert ends_text([], []) == "<NA>"


def test_process_text() -> None:
    """Name and process id."""
    assert process_text(Tables(processes=[Process(name="httpd", pid=7)]), 0) == "httpd(7)"


def test_usual_answers() -> None:
    """Nothing is shown that a subclass does not show."""
    chisel = LineChisel(own_filter="fd.port=1", colour=False)
    rows = rows_of(Packets.from_payloads(Tables(), [b"x"]))
    assert [*chisel.feed(rows), *chisel.interval(0), *chisel.end()] == []
    assert (chisel.filter, chisel.colour, chisel.needs, chisel.refreshes) == ("fd.port=1", False, "packets", False)


def test_a_row_made_by_a_format_is_the_same() -> None:
    """For cells of every kind, and texts that fill theirs."""
    cells = [Cell(heading="A", width=6), Cell(heading="B", width=5, is_number=True), Cell(heading="C", width=0)]
    for texts in (("a", "1", "c"), ("aaaaaaaa", "123456", ""), ("", "", "c")):
        assert row_text(cells, texts) == row_maker(cells)(*texts).rstrip()
