"""Items to text: headers, event lines, colours, JSON."""

import json

import pytest

from pcapdig.render.items import Column, Event, Exchange, Gap, Line, Table
from pcapdig.render.options import DataStyle, Options, TimeStyle
from pcapdig.render.renderer import Renderer

TUPLE = "127.0.0.1:41135->127.0.0.1:80"
READ = Exchange(
    is_write=False, size_bytes=551, buffer=b"GET / HTTP/1.1\r\n\r\n", connection=TUPLE, process="httpd", pid=7
)
WRITE = Exchange(
    is_write=True, size_bytes=13824, buffer=b"HTTP/1.1 200 OK\r\n", connection=TUPLE, process="httpd", pid=7
)
EVENT = Event(
    number=139,
    time_ns=1506127469905003444,
    process="haproxy",
    pid=13969,
    direction="<",
    type="read",
    arguments=(("res", 18),),
    buffer=b"GET /bar HTTP/1.1\r",
    connection=TUPLE,
)
HOSTILE = "\x1b]0;owned\x07"


def text(item: object, **options: object) -> str:
    """Show one item with these options."""
    return Renderer(Options(**options)).text(item)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "item",
    [
        Line(text=HOSTILE),
        Exchange(is_write=True, size_bytes=1, buffer=HOSTILE.encode(), connection=HOSTILE, process=HOSTILE),
        Event(number=1, time_ns=0, process=HOSTILE, pid=1, direction="<", type=HOSTILE, arguments=(("a", HOSTILE),)),
        Table(value=Column("v", "V"), keys=(Column("k", "K"),), rows=((1, (HOSTILE,)),)),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_no_escape_of_a_capture_gets_through(item: object, as_json: bool) -> None:
    """Whatever names, words and bytes hold, without colour no escape and no bell is written."""
    shown = text(item, json=as_json, verbose=True, containers=True)
    assert not set("\x1b\x07") & set(shown)


def test_read_header_names_the_connection() -> None:
    """The tutorial's header, single blanks, then the data on its own line."""
    assert f"------ Read 551B from {TUPLE}\nGET / HTTP/1.1....\n" == text(READ)


def test_write_header_says_to() -> None:
    """Bytes text in the header."""
    assert f"------ Write 13.50KB to {TUPLE}" == text(WRITE).splitlines()[0]


def test_header_without_a_connection_has_only_the_size() -> None:
    """spy_ip and spy_port."""
    assert "------ Read 76B\nx\n" == text(Exchange(is_write=False, size_bytes=76, buffer=b"x"))


def test_verbose_header_names_the_process() -> None:
    """Under -v only."""
    assert f"------ Read 551B from {TUPLE} (httpd)" == text(READ, verbose=True).splitlines()[0]


def test_unknown_process_is_na() -> None:
    """A pcap without processes still digs."""
    shown = text(Exchange(is_write=False, size_bytes=76, buffer=b"x"), verbose=True)
    assert "------ Read 76B (<NA>)" == shown.splitlines()[0]


def test_containers_stand_in_brackets_before_the_connection() -> None:
    """-pc."""
    exchange = Exchange(is_write=False, size_bytes=5, buffer=b"", connection=TUPLE, container_id="59fd49aa4072")
    assert f"------ Read 5B from [59fd49aa4072] {TUPLE}" == text(exchange, containers=True).splitlines()[0]


def test_hexadecimal_data_stands_between_blank_lines() -> None:
    """As the reference shows it."""
    exchange = Exchange(is_write=False, size_bytes=3, buffer=b"abc", connection=TUPLE)
    assert f"------ Read 3B from {TUPLE}\n\n\t0x0000: 6162 63\n\n" == text(exchange, data=DataStyle.HEX)


def test_colours_are_red_for_read_and_blue_for_written() -> None:
    """And each exchange resets them, so that whatever comes next is not coloured."""
    read, write = text(READ, colour=True), text(WRITE, colour=True)
    assert ("\x1b[31m", "\x1b[34m") == (read[:5], write[:5])
    assert read.endswith("\x1b[0m\n")
    assert write.endswith("\x1b[0m\n")


def test_container_colour_returns_to_that_of_the_header() -> None:
    """Cyan inside a container, green on the host."""
    exchange = Exchange(is_write=False, size_bytes=5, buffer=b"", connection="c", container_id="host")
    header = text(exchange, colour=True, containers=True).splitlines()[0]
    assert "\x1b[31m------ Read 5B from \x1b[32m[host]\x1b[31m c" == header


def test_json_exchange_is_one_object_a_line() -> None:
    """Names are the filter's, the data is what -A would show, what is missing is counted."""
    exchange = Exchange(is_write=False, size_bytes=15, buffer=b"a\r\nb", gaps=(Gap(4, 11),), process=None, time_ns=5)
    shown = text(exchange, json=True, data=DataStyle.ASCII)
    assert 1 == shown.count("\n")
    assert {
        "evt.arg.data": "\na\nb[11 bytes missing]",
        "evt.io_dir": "read",
        "evt.rawres": 15,
        "evt.rawtime": 5,
        "missing_bytes": 11,
        "proc.name": None,
        "proc.pid": None,
    } == json.loads(shown)


def test_event_line_is_sysdigs() -> None:
    """Number, time, process, pid, direction, type, then arguments."""
    expected = f"139 1506127469.905003444 haproxy (13969) < read res=18 data=GET /bar HTTP/1.1. tuple={TUPLE}\n"
    assert expected == text(EVENT, time=TimeStyle.ABSOLUTE)


def test_event_line_clips_plain_data_unless_verbose() -> None:
    """Eighty characters without -v, all of it with."""
    event = Event(number=1, time_ns=0, process="a", pid=1, direction="<", type="read", buffer=b"x" * 100)
    assert "data=" + "x" * 77 + "...\n" in text(event)
    assert "data=" + "x" * 100 + "\n" in text(event, verbose=True)
    assert 100 == text(event, data=DataStyle.ASCII).count("x")


def test_event_line_without_names_says_na() -> None:
    """Neither process nor pid is known, and no payload passed."""
    event = Event(number=1, time_ns=0, process=None, pid=None, direction="<", type="connect")
    assert "1 0.000000000 <NA> (<NA>) < connect\n" == text(event, time=TimeStyle.ABSOLUTE)


def test_event_json_has_numbers_and_nulls() -> None:
    """Native types, alphabetical order."""
    shown = text(EVENT, json=True, time=TimeStyle.RELATIVE)
    members = json.loads(shown)
    assert sorted(members) == list(members)
    assert (139, 1506127469905003444, "0.000000000", 18) == (
        members["evt.num"],
        members["evt.rawtime"],
        members["evt.outputtime"],
        members["evt.arg.res"],
    )


def test_line_has_the_local_time_before_it() -> None:
    """HH:MM:SS, no fraction."""
    assert text(Line(text="in:1 out:2 tot:3", time_ns=5_000_000_000)).endswith(":05 in:1 out:2 tot:3\n")


def test_line_with_fields_is_an_object_in_json() -> None:
    """Without fields the text stays."""
    line = Line(text="in:1", time_ns=7, fields=(("in", 1),))
    assert {"in": 1, "evt.rawtime": 7} == json.loads(text(line, json=True))
    assert "plain\n" == text(Line(text="plain"), json=True)


def test_table_goes_through_the_same_door() -> None:
    """Text or JSON by the options."""
    table = Table(value=Column("v", "Bytes"), keys=(Column("k", "K"),), rows=())
    assert text(table).startswith("Bytes")
    assert [] == json.loads(text(table, json=True))["data"]


def test_headings_are_left_out_of_json() -> None:
    """Objects name their members."""
    heading = Line(text="PID  CMD", is_heading=True)
    assert Renderer(Options()).text(heading) == "PID  CMD\n"
    assert Renderer(Options(json=True)).text(heading) == ""


def test_tabs_part_the_columns_of_a_line() -> None:
    """Other control characters are dots."""
    assert Renderer(Options()).text(Line(text="a\x1b[31m\t7")) == "a.[31m\t7\n"
