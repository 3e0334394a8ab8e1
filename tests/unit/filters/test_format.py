"""-p: what is refused, then text and JSON of rows. Rows: see conftest.py."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pcapdig.filters import FormatError
from pcapdig.filters.format import compile_format
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of

if TYPE_CHECKING:
    from pcapdig.trace.rows import Rows

READ, ANSWER6, ARP = 7, 10, 16


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("%fd.bogus", "invalid formatting token fd.bogus: unknown field fd.bogus; -l lists them"),
        ("%proc.nam x", "invalid formatting token proc.nam: unknown field proc.nam; did you mean proc.name?"),
        ("a % b", "invalid formatting token '% ': a field's name must follow the %"),
        ("%", "invalid formatting syntax: formatting cannot end with a %"),
        ("x%10", "invalid formatting syntax: formatting cannot end with a %"),
        ("%fd.ip", "fd.ip is filter only and cannot be used as a display field"),
        ("%evt.around", "evt.around is filter only and cannot be used as a display field"),
        (
            "%thread.tid",
            "invalid formatting token thread.tid: field thread.tid has no meaning for packets; use proc.pid",
        ),
        ("%0proc.name", "invalid formatting token 0proc.name: a width goes from 1 to 9999"),
        ("%99999proc.name", "invalid formatting token 99999proc.name: a width goes from 1 to 9999"),
    ],
)
def test_a_wrong_format_is_refused(text: str, message: str) -> None:
    """Before any row is seen."""
    with pytest.raises(FormatError) as caught:
        compile_format(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("%proc.name", "httpd"),
        ("%proc.name: %fd.name", "httpd: 192.168.0.1:41135->10.0.0.80:80"),
        ("%proc.pidx%proc.name", "300xhttpd"),
        ("%evt.num.", "4."),
        ("%10proc.name|", "httpd     |"),
        ("%3proc.name|", "htt|"),
        ("%5proc.pid|", "300  |"),
        ("a\\tb\\nc\\\\n\\e[0m\\q", "a\tb\nc\\n\x1b[0m\\q"),
        ("100 %evt.is_io %evt.is_io_write", "100 true false"),
        ("%evt.reltime %evt.rawtime.ns", "2100000000 005003444"),
        ("%fd.lip:%fd.lport <- %fd.rip:%fd.rport", "10.0.0.80:80 <- 192.168.0.1:41135"),
        ("%evt.buffer", "GET /fo"),
        ("%evt.args", "res=7 data=GET /fo tuple=192.168.0.1:41135->10.0.0.80:80"),
        ("%evt.info", "res=7 data=GET /fo tuple=192.168.0.1:41135->10.0.0.80:80"),
        ("no field", "no field"),
        ("", ""),
        ("\\", "\\"),
    ],
)
def test_lines(text: str, expected: str, rows: Rows) -> None:
    """The longest known name is the field, everything else stands for itself."""
    assert compile_format(text).line(rows, READ) == expected


def test_a_line_with_a_missing_value_is_left_out(rows: Rows) -> None:
    """As text and as JSON."""
    fields = compile_format("%proc.name %fd.name")
    assert (fields.line(rows, ARP), fields.json(rows, ARP)) == (None, None)


def test_with_an_asterisk_missing_values_are_shown(rows: Rows) -> None:
    """As <NA>, with the width asked for; as null in JSON."""
    fields = compile_format("*%proc.name|%6fd.name|%evt.num")
    assert fields.line(rows, ARP) == "<NA>|<NA>  |11"
    assert fields.json(rows, ARP) == '{"evt.num":11,"fd.name":null,"proc.name":null}'


def test_only_the_first_asterisk_is_special(rows: Rows) -> None:
    """The others are text."""
    assert compile_format("**%evt.num*").line(rows, READ) == "*4*"


def test_json_has_names_in_order_and_native_values(rows: Rows) -> None:
    """Literals vanish."""
    line = compile_format("x %proc.name %evt.is_io: %evt.num %fd.sport %evt.buffer").json(rows, READ)
    assert line == '{"evt.buffer":"GET /fo","evt.is_io":true,"evt.num":4,"fd.sport":80,"proc.name":"httpd"}'


def test_payload_is_shown_as_the_caller_wants(rows: Rows) -> None:
    """With what is missing in it."""
    fields = compile_format("%evt.buffer", data=lambda payload, gaps: f"{payload.hex()}{gaps}")
    assert fields.line(rows, READ) == "474554202f666f()"


def test_payload_is_dotted_by_default(rows: Rows) -> None:
    """No control byte gets through."""
    assert compile_format("%evt.buffer").line(rows, ANSWER6) == "200 OK."


def test_time_is_shown_as_the_caller_wants(rows: Rows) -> None:
    """-t; without it as evt.time."""
    assert (
        compile_format("%evt.outputtime", time=lambda rows, i: f"<{rows.time_ns[i]}>").line(rows, 0)
        == "<1506127469905003444>"
    )
    assert compile_format("%evt.outputtime").line(rows, 0) == compile_format("%evt.time").line(rows, 0)


def test_time_is_asked_for_only_when_a_line_is_shown(rows: Rows) -> None:
    """-t D counts from the line shown before."""
    asked: list[int] = []
    fields = compile_format("%evt.outputtime %proc.name", time=lambda rows, i: str(asked.append(int(rows.time_ns[i]))))
    assert fields.line(rows, ARP) is None
    assert asked == []


def test_no_control_character_of_a_name_is_shown() -> None:
    """A process may call itself anything."""
    tables = Tables(processes=[Process(name="a\x1b[31m", pid=1)])
    rows = rows_of(Packets.from_payloads(tables, [b"x"], writer=0))
    assert compile_format("%proc.name").line(rows, 0) == "a.[31m"
    assert json.loads(compile_format("%proc.name").json(rows, 0) or "") == {"proc.name": "a\x1b[31m"}


def test_rows_may_be_asked_for_in_any_order(rows: Rows) -> None:
    """Values made for several rows at once are those of the right rows, of more than one batch."""
    tables = rows.trace
    many = rows_of(Packets.from_payloads(tables, [b"x"] * 1000, writer=[i % 3 for i in range(1000)], first_number=5))
    fields = compile_format("%evt.num %proc.name")
    asked = (999, 0, 255, 256, 511, 3)
    expected = [f"{i + 5} {tables.processes[i % 3].name}" for i in asked]
    assert [fields.line(many, i) for i in asked] == expected
    assert [(fields.line(rows, 0), fields.line(many, i)) for i in asked] == [("1 curl", each) for each in expected]


def test_it_says_what_it_shows() -> None:
    """The fields in order, and whether payload is among them."""
    fields = compile_format("%proc.name %evt.info")
    assert [field.name for field in fields.fields] == ["proc.name", "evt.info"]
    assert fields.uses_buffer
    assert not compile_format("%proc.name").uses_buffer
