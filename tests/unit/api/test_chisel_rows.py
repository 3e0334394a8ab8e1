"""A chisel's items as dicts, and chisels made from Python values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import pcapdig
from pcapdig.api.chisel_rows import chisel_of, rows_of_item
from pcapdig.render.items import Column, Exchange, Gap, Line, Table

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("given", "named", "message"),
    [
        ((), {}, r"chisel spy_port needs an argument: \[int\] "),
        ((80, 81, 82), {}, "chisel spy_port takes at most 2 arguments, 3 were given"),
        ((80,), {"bogus": 1}, "chisel spy_port has no argument bogus; it has: "),
        (("x",), {}, "x"),
    ],
)
def test_wrong_arguments_are_refused(given: Any, named: Any, message: str) -> None:
    """Before anything is read."""
    with pytest.raises(pcapdig.UsageError, match=message):
        chisel_of("spy_port", given, named, [])


def test_an_argument_given_twice_is_refused() -> None:
    """By place and by name."""
    argument = chisel_of("spy_port", (80,), {}, []).args[0]
    with pytest.raises(pcapdig.UsageError, match="is given twice"):
        chisel_of("spy_port", (80,), {argument.name: 80}, [])


def test_an_unknown_chisel_is_refused(lamp: Path) -> None:
    """With the nearest one, and an unknown directory."""
    with pytest.raises(pcapdig.UsageError, match="did you mean topconns"):
        pcapdig.open(lamp).chisel("topcons")
    with pytest.raises(pcapdig.UsageError, match="there is no such directory"):
        pcapdig.open(lamp).chisel("topconns", directories=["/nowhere"])


def test_a_table_is_a_dict_a_row() -> None:
    """What is not known is None."""
    table = Table(
        value=Column("evt.rawarg.res", "Bytes"),
        keys=(Column("proc.name", "Process"), Column("proc.pid", "PID")),
        rows=((5, ("httpd", "7")), (3, ("<NA>", "<NA>"))),
    )
    assert list(rows_of_item(table)) == [
        {"proc.name": "httpd", "proc.pid": "7", "evt.rawarg.res": 5},
        {"proc.name": None, "proc.pid": None, "evt.rawarg.res": 3},
    ]


def test_a_line_is_its_fields_or_its_text() -> None:
    """With its time; a heading is nothing."""
    assert list(rows_of_item(Line(text="a b", time_ns=5, fields=(("x", 1),)))) == [{"evt.rawtime": 5, "x": 1}]
    assert list(rows_of_item(Line(text="a b"))) == [{"text": "a b"}]
    assert list(rows_of_item(Line(text="A B", is_heading=True))) == []


def test_an_exchange_has_its_bytes() -> None:
    """As bytes."""
    exchange = Exchange(
        is_write=True, size_bytes=7, buffer=b"\0abc", gaps=(Gap(1, 3),), process="curl", pid=4, time_ns=9
    )
    (row,) = rows_of_item(exchange)
    assert (row["evt.arg.data"], row["missing_bytes"], row["evt.io_dir"], row["proc.pid"]) == (b"\0abc", 3, "write", 4)


def test_a_chisel_of_ones_own(lamp: Path) -> None:
    """From a directory, or as a class."""
    from pcapdig.chisels.library import load_file

    trace, guides = pcapdig.open(lamp), ROOT / "docs" / "guides"
    by_name = list(trace.chisel("clients", directories=[guides]))
    assert by_name == list(trace.chisel(load_file(guides / "clients.py")))
    assert by_name[0].keys() == {"fd.cip", "fd.sport", "evt.rawarg.res"}
