"""The machine of every dig."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pcapdig.chisels import registry
from pcapdig.chisels.lines import LineChisel
from pcapdig.dig.digger import Digger
from pcapdig.dig.plan import Plan
from pcapdig.errors import UsageError
from pcapdig.filters import compile_filter
from pcapdig.procs.process import Process
from pcapdig.render.items import Item, Line
from pcapdig.render.options import DataStyle, Options, TimeStyle
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows

NS = 1_000_000_000
WEB = "127.0.0.1:41135->127.0.0.1:80"
DNS = "10.0.0.1:5353->10.0.0.2:53"
ACK = 16


def trace() -> Tables:
    """A web connection of curl and httpd, and a name server's of somebody."""
    flows = Flows.from_records([
        FlowRecord(client="127.0.0.1", server="127.0.0.1", client_port=41135, server_port=80),
        FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5353, server_port=53, protocol=17),
    ])  # fmt: skip
    return Tables(flows=flows, processes=[Process(name="curl", pid=5), Process(name="httpd", pid=7)])


def conversation(tables: Tables) -> Packets:
    """A request in two segments, a datagram between them, and an answer; half a second apart from second 100 on."""
    return Packets.from_payloads(
        tables,
        [b"GET /fo", b"question", b"rm", b"200 OK"],
        flow=[0, 1, 0, 0],
        forward=[1, 1, 1, 0],
        seq=[1, 0, 8, 50],
        ack=[50, 0, 50, 10],
        tcp_flags=[ACK, 0, ACK, ACK],
        writer=[0, -1, 0, 1],
        reader=[1, -1, 1, 0],
        time_ns=[100 * NS, 100 * NS + NS // 2, 101 * NS, 101 * NS + NS // 2],
    )


def dug(
    *names: str, filter: str = "", make: Callable[[Tables], Packets] = conversation, cut: int = 0, **plan: object
) -> str:
    """All that a dig of one batch writes. `cut`: after so many packets a second batch begins."""
    tables = trace()
    pieces: list[str] = []
    chisels = tuple(registry.find(name)() for name in names)
    plan.setdefault("show", Options(time=TimeStyle.ABSOLUTE))
    digger = Digger(tables, Plan(filter=compile_filter(filter), chisels=chisels, **plan), pieces.append)
    packets = make(tables)
    for start, stop in ((0, cut), (cut, len(packets))):
        digger.feed(part_of(packets, start, stop))
    digger.end()
    return "".join(pieces)


def part_of(packets: Packets, start: int, stop: int) -> Packets:
    """Some packets of a batch as a batch."""
    columns = {
        name: getattr(packets, name)[start:stop]
        if isinstance(getattr(packets, name), np.ndarray)
        else getattr(packets, name)
        for name in packets.__dataclass_fields__
    }
    return Packets(**columns)


class Unfilterable:
    """A chisel whose own filter is wrong."""

    name = "odd"
    needs = "packets"
    filter = "fd.bogus=1"
    refreshes = every_second = False
    colour = True


def test_wrong_format_writes_nothing() -> None:
    """A usage error comes before any output."""
    pieces: list[str] = []
    with pytest.raises(UsageError):
        Digger(trace(), Plan(format="%fd.bogus"), pieces.append)
    assert pieces == []


def test_wrong_filter_of_a_chisel() -> None:
    """It says which chisel."""
    with pytest.raises(UsageError, match=r"invalid filter in chisel odd: .*fd\.bogus"):
        Digger(trace(), Plan(chisels=(Unfilterable(),)), print)  # type: ignore[arg-type]


def test_nothing_fed() -> None:
    """Headings and rule are printed, no rows."""
    digger_output: list[str] = []
    digger = Digger(trace(), Plan(chisels=(registry.find("topconns")(),)), digger_output.append)
    digger.end()
    assert digger_output == ["Bytes     Proto     Conn      \n------------------------------\n"]


def test_chisels_side_by_side() -> None:
    """One pass, output in the order of the command line."""
    assert dug("topports_server", "topconns") == (
        "Bytes     Srv Port  \n------------------------------\n15B       80\n8B        53\n"
        "Bytes     Proto     Conn      \n------------------------------\n"
        f"15B       tcp       {WEB}\n8B        udp       {DNS}\n"
    )


def test_filter_chooses_rows() -> None:
    """Rows are filtered, so a packet counts for its end that passes."""
    assert dug("topprocs_net", filter="proc.name=httpd and evt.is_io_read=true").splitlines()[2:] == ["9B        httpd"]


def test_packets_are_rows_without_buffers() -> None:
    """No filter on payload, no chisel that wants messages: events are packets."""
    lines = dug(filter="proc.name=httpd").splitlines()
    assert [line.split()[0] for line in lines] == ["1", "3", "4"]


def test_buffer_filter_finds_a_word_over_two_segments() -> None:
    """With evt.buffer events are messages."""
    assert dug(filter="evt.buffer contains form and evt.is_io_read=true") == (
        f"1 100.000000000 httpd (7) < read res=9 data=GET /form tuple={WEB}\n"
    )


def test_buffer_filter_on_a_table() -> None:
    """A table counts the messages that passed, each once."""
    assert dug("topconns", filter="evt.buffer contains form").splitlines()[2:] == [f"9B        tcp       {WEB}"]


def test_echo_fds_as_in_the_tutorial() -> None:
    """The tutorial's filter and header."""
    text = dug(
        "echo_fds",
        filter="fd.ip=127.0.0.1 and proc.name=httpd and evt.is_io_read=true and evt.buffer contains form",
        show=Options(data=DataStyle.ASCII),
    )
    assert text == f"------ Read 9B from {WEB}\n\nGET /form\n"


@pytest.mark.parametrize("cut", range(5))
def test_batches_make_no_difference(cut: int) -> None:
    """A message over two batches is one, and a flow wanted late is reassembled whole as far as it can pass."""
    assert dug("echo_fds", filter="evt.is_io_write=true", cut=cut).splitlines() == [
        f"------ Write 9B to {WEB}",
        "GET /form",
        f"------ Write 6B to {WEB}",
        "200 OK",
    ]


def test_only_flows_that_could_pass_are_reassembled() -> None:
    """A filter on the name server's port leaves the web connection alone."""
    assert dug("echo_fds", filter="fd.port=53") == f"------ Read 8B from {DNS}\nquestion\n"


def test_seconds_are_part_of_the_output_where_a_chisel_says_so() -> None:
    """iobytes_net: a line for each second, the last one too; the table beside it comes once."""
    lines = dug("iobytes_net", "topports_server", filter="fd.port=80").splitlines()
    assert [line[9:] for line in lines[:2]] == ["in:7 out:7 tot:14", "in:8 out:8 tot:16"]
    assert lines[2:] == ["Bytes     Srv Port  ", "-" * 30, "15B       80"]


def test_seconds_of_messages() -> None:
    """In a dig of messages a message counts in the second in which it ends."""
    lines = dug("iobytes_net", filter="evt.buffer contains form").splitlines()
    assert [line[9:] for line in lines] == ["in:0 out:0 tot:0", "in:9 out:9 tot:18"]


@pytest.mark.parametrize("cut", range(5))
def test_limit_counts_rows_that_passed(cut: int) -> None:
    """-n 2 with a filter: two events of those that pass, then nothing more."""
    lines = dug(filter="proc.name=httpd", limit=2, cut=cut).splitlines()
    assert [line.split()[0] for line in lines] == ["1", "3"]


def test_limit_stops_chisels_too() -> None:
    """-n 1: the first event's bytes."""
    assert dug("topconns", limit=1).splitlines()[2:] == [f"7B        tcp       {WEB}"]


def test_limit_of_messages() -> None:
    """What is still open when the limit is reached is not shown."""
    assert dug("echo_fds", filter="evt.is_io_write=true", limit=1).splitlines() == [
        f"------ Write 9B to {WEB}",
        "GET /form",
    ]


def test_done_is_told() -> None:
    """So that nobody reads on."""
    tables = trace()
    digger = Digger(tables, Plan(limit=3, quiet=True), print)
    digger.feed(conversation(tables))
    assert (digger.done, digger.passed) == (True, 3)


def test_quiet() -> None:
    """-q: no event lines."""
    assert dug(quiet=True) == ""


def test_summary() -> None:
    """-S: after everything else, what passed."""
    assert dug(quiet=True, summary=True, filter="proc.name=curl").splitlines()[3:] == [
        "< write           2",
        "< read            1",
    ]


def test_relative_time_is_since_the_first_packet() -> None:
    """-t r counts from the first packet of the trace, be it shown or not."""
    text = dug(filter="fd.port=53", show=Options(time=TimeStyle.RELATIVE))
    assert text.split()[1] == "0.500000000"


def live_digger(*names: str, refresh: str = "") -> tuple[Digger, list[str], Tables]:
    """A digger as LiveDig makes it."""
    tables = trace()
    pieces: list[str] = []
    chisels = tuple(registry.find(name)() for name in names)
    return Digger(tables, Plan(chisels=chisels), pieces.append, live=True, before_refresh=refresh), pieces, tables


def test_live_tables_are_of_one_second() -> None:
    """Each second's table is shown and begun anew; the rest at the end."""
    digger, pieces, tables = live_digger("topports_server", refresh="<clear>")
    digger.feed(conversation(tables))
    first, table = pieces
    assert (first, table.splitlines()[2:]) == ("<clear>", ["8B        53", "7B        80"])
    digger.end()
    assert pieces[2].splitlines()[2:] == ["8B        80"]


def test_live_time_passes_without_packets() -> None:
    """A quiet second has its table too, an empty one."""
    digger, pieces, tables = live_digger("topports_server")
    digger.feed(conversation(tables))
    digger.pass_time(102 * NS)
    digger.pass_time(102 * NS + 5)
    digger.pass_time(103 * NS)
    assert [piece.splitlines()[2:] for piece in pieces[1:]] == [["8B        80"], []]


def test_live_messages_do_not_wait_for_the_other_end() -> None:
    """The last answer of a connection that stays open is shown after a second of silence."""
    digger, pieces, tables = live_digger("echo_fds")
    digger.feed(conversation(tables))
    shown = len(pieces)
    digger.pass_time(102 * NS)
    assert len(pieces) == shown
    digger.pass_time(103 * NS)
    assert "".join(pieces[shown:]).splitlines()[::2] == [
        f"------ Write 6B to {WEB}",
        f"------ Read 6B from {WEB}",
    ]


def test_live_screen_is_kept_for_what_scrolls() -> None:
    """Nothing is cleared where no chisel refreshes."""
    digger, pieces, tables = live_digger("echo_fds", refresh="<clear>")
    digger.feed(conversation(tables))
    assert "<clear>" not in pieces


class Verbose(LineChisel):
    """Gives many long lines, and fails after them."""

    name = "verbose"

    def end(self) -> Iterator[Item]:
        yield from (Line(text=f"{number} {'x' * 5000}") for number in range(20))
        raise UsageError("that was all")


def test_lines_are_written_many_at_once_but_not_all() -> None:
    """What comes before an error too, and whatever there is of them, little has to be kept."""
    pieces: list[str] = []
    digger = Digger(trace(), Plan(chisels=(Verbose(),)), pieces.append)
    with pytest.raises(UsageError, match="that was all"):
        digger.end()
    assert [line.split()[0] for line in "".join(pieces).splitlines()] == [str(number) for number in range(20)]
    assert 1 < len(pieces) < 20 and max(map(len, pieces)) < 50_000


def test_extracts_are_written_and_not_shown(tmp_path: Path) -> None:
    """Bytes for files go there, the rest of what a chisel says is text."""
    tables = trace()
    pieces: list[str] = []
    chisel = registry.find("udp_extract")(directory=str(tmp_path / "out"))
    digger = Digger(tables, Plan(chisels=(chisel,)), pieces.append)
    digger.feed(conversation(tables))
    digger.end()
    name = "10.0.0.1_5353--10.0.0.2_53"
    assert (tmp_path / "out" / name).read_bytes() == b"question"
    assert pieces == [f"{tmp_path}/out/{name}: 1 datagram, 8 bytes\n"]
