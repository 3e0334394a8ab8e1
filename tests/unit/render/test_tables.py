"""Tables as text and as JSON: the tutorial's layout."""

import json

import pytest

from pcapdig.render.items import Column, Table
from pcapdig.render.tables import table_json, table_text

BYTES = Column("evt.rawarg.res", "Bytes")
PROCESS = Column("proc.name", "Process")
PID = Column("proc.pid", "PID")


def test_text_is_the_tutorials() -> None:
    """Ten columns a heading, the last padded too; thirty dashes; the last key free."""
    table = Table(value=BYTES, keys=(PROCESS,), rows=((339640, ("httpd",)), (24719, ("sshd",)), (4588, ("mysqld",))))
    assert [
        "Bytes     Process   ",
        "------------------------------",
        "331.68KB  httpd",
        "24.14KB   sshd",
        "4.48KB    mysqld",
    ] == table_text(table).splitlines()


def test_text_of_three_columns_pads_all_but_the_last_key() -> None:
    """As topconns of the tutorial."""
    row = (57590, ("tcp", "111.111.111.111:12574->192.0.2.1:80"))
    table = Table(value=BYTES, keys=(Column("fd.l4proto", "Proto"), Column("fd.name", "Conn")), rows=(row,))
    assert [
        "Bytes     Proto     Conn      ",
        "------------------------------",
        "56.24KB   tcp       111.111.111.111:12574->192.0.2.1:80",
    ] == table_text(table).splitlines()


def test_text_without_rows_still_has_its_heading() -> None:
    """Nothing matched is an answer."""
    assert "Bytes     Process   \n------------------------------\n" == table_text(
        Table(value=BYTES, keys=(PROCESS,), rows=())
    )


def test_text_widens_a_column_rather_than_cutting_a_name() -> None:
    """A name of fifteen characters before another key stays whole, and rows stay aligned."""
    table = Table(value=BYTES, keys=(PROCESS, PID), rows=((5, ("dockercloud-hap", "7")), (4, ("sh", "12"))))
    assert [
        "Bytes     Process         PID       ",
        "------------------------------",
        "5B        dockercloud-hap 7",
        "4B        sh              12",
    ] == table_text(table).splitlines()


def test_text_shows_no_escape_of_a_name() -> None:
    """A process may call itself anything."""
    assert "\x1b" not in table_text(Table(value=BYTES, keys=(PROCESS,), rows=((5, ("\x1b[31mroot",)),)))


@pytest.mark.parametrize(("unit", "expected"), [("bytes", "2.00KB"), ("time", "2.04us"), ("count", "2048")])
def test_units_of_the_value(unit: str, expected: str) -> None:
    """The same number as bytes, as nanoseconds and as itself."""
    table = Table(value=BYTES, keys=(PROCESS,), rows=((2048, ("a",)),), unit=unit)  # type: ignore[arg-type]
    assert expected == table_text(table).splitlines()[2].split()[0]


@pytest.mark.parametrize("keys", [(PROCESS,), (PROCESS, PID), (PROCESS, PID, Column("container.id", "Container"))])
def test_json_describes_each_entry_of_a_row(keys: tuple[Column, ...]) -> None:
    """No null in the middle with one key, no entry lost with three, as sysdig has it."""
    row = (339640, tuple(key.field for key in keys))
    table = json.loads(table_json(Table(value=BYTES, keys=keys, rows=(row,), time_ns=1506127469905003444)))
    assert {"ts", "data", "info"} == set(table)
    assert "1506127469000000000" == table["ts"]
    assert [[*(key.field for key in keys), 339640]] == table["data"]
    assert [*(key.field for key in keys), "evt.rawarg.res"] == [entry["name"] for entry in table["info"]]
    assert [*(True for _ in keys), False] == [entry["is_key"] for entry in table["info"]]


def test_json_of_an_empty_table_has_a_zero_time_of_nineteen_digits() -> None:
    """Nothing was counted, so there is no time."""
    assert "0" * 19 == json.loads(table_json(Table(value=BYTES, keys=(PROCESS,), rows=())))["ts"]
