"""Event lines and the count of event types."""

from __future__ import annotations

import json

import pytest

from pcapdig.dig.event_lines import DEFAULT_FORMAT, EventLines, TypeCounts
from pcapdig.errors import UsageError
from pcapdig.procs.process import Process
from pcapdig.render.options import Options, TimeStyle
from pcapdig.render.renderer import Renderer
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows, rows_of

FIN, SYN, ACK = 1, 2, 16


def rows(payloads: list[bytes], **columns: object) -> Rows:
    """Rows of one connection of curl and httpd."""
    flows = Flows.from_records([FlowRecord(client="127.0.0.1", server="127.0.0.1", client_port=41135, server_port=80)])
    trace = Tables(flows=flows, processes=[Process(name="curl", pid=5), Process(name="httpd", pid=15457)])
    return rows_of(Packets.from_payloads(trace, payloads, **{"flow": 0, **columns}))


def lines(rows: Rows, format: str | None = None, **options: object) -> list[str]:
    """The lines of some rows, times as seconds since 1970."""
    renderer = Renderer(Options(time=TimeStyle.ABSOLUTE, **options))
    return list(EventLines(renderer, format).lines(rows))


def test_wrong_format_is_refused() -> None:
    """Before anything is shown."""
    with pytest.raises(UsageError, match="fd.bogus"):
        EventLines(Renderer(Options()), "%fd.bogus")


def test_the_default_format_is_the_default_line() -> None:
    """What -pp prints and -p takes shows the same, with process and without, with payload and without; data in full as under -v."""
    shown = rows([b"GET /" + bytes(200), b"", b"x"], writer=[0, 0, -1], reader=[1, -1, -1], tcp_flags=[ACK, SYN, ACK])
    assert lines(shown, verbose=True) == lines(shown, DEFAULT_FORMAT)


def test_both_ends_of_a_packet() -> None:
    """The write, then the read, under one number."""
    assert lines(rows([b"GET /"], writer=0, reader=1, time_ns=7)) == [
        "1 0.000000007 curl (5) < write res=5 data=GET / tuple=127.0.0.1:41135->127.0.0.1:80\n",
        "1 0.000000007 httpd (15457) < read res=5 data=GET / tuple=127.0.0.1:41135->127.0.0.1:80\n",
    ]


def test_packets_without_payload() -> None:
    """A connect and a close have no res and no data."""
    found = lines(rows([b"", b""], writer=0, tcp_flags=[SYN, FIN | ACK]))
    assert found == [
        "1 0.000000000 curl (5) < connect tuple=127.0.0.1:41135->127.0.0.1:80\n",
        "2 0.000000000 curl (5) < close tuple=127.0.0.1:41135->127.0.0.1:80\n",
    ]


def test_no_flow_and_no_process() -> None:
    """ARP: nobody's, and no tuple."""
    assert lines(rows([b""], flow=-1)) == ["1 0.000000000 <NA> (<NA>) < packet\n"]


def test_own_format() -> None:
    """-p, its time by -t; a line with a missing value is left out."""
    found = lines(rows([b"a", b"b"], writer=[0, -1], time_ns=9), "%evt.outputtime %proc.name:%evt.buffer")
    assert found == ["0.000000009 curl:a\n"]


def test_own_format_as_json() -> None:
    """-p with -j is an object of its fields."""
    (line,) = lines(rows([b"a"], writer=0), "*%proc.name %user.name", json=True)
    assert json.loads(line) == {"proc.name": "curl", "user.name": None}


def test_own_format_shows_gaps() -> None:
    """A cut payload is marked as in all other renderings."""
    (line,) = lines(rows([b"abc"], payload_length=9), "%evt.buffer")
    assert line == "abc[6 bytes missing]\n"


def test_many_rows() -> None:
    """Lines go on beyond the rows made at once."""
    found = lines(rows([b"x"] * 3001, reader=1), "%evt.num")
    assert found == [f"{number}\n" for number in range(1, 3002)]


def test_type_counts() -> None:
    """-S: most frequent first, ties by name; types that did not occur are left out."""
    counts = TypeCounts()
    for _ in range(2):
        counts.add(rows([b"", b"a", b""], writer=[0, 0, 0], reader=[-1, 1, -1], tcp_flags=[SYN, ACK, ACK]))
    assert counts.text().splitlines() == [
        "-" * 22,
        "Event           #Calls",
        "-" * 22,
        "< connect         2",
        "< control         2",
        "< read            2",
        "< write           2",
    ]


@pytest.mark.parametrize("format", [None, "*%evt.outputtime %proc.name"])
def test_latency_of_the_lines_that_answer(format: str | None) -> None:
    """-t d, in the default line and in -p's."""
    renderer = Renderer(Options(time=TimeStyle.LATENCY))
    shown = rows([b"ask", b"answer"], forward=[1, 0], time_ns=[7, 1_000_000_012], writer=[0, 1], reader=[1, -1])
    event_lines = EventLines(renderer, format)
    assert event_lines.uses_history
    times = [next(word for word in line.split() if "." in word) for line in event_lines.lines(shown)]
    assert times == ["0.000000000", "0.000000000", "1.000000005"]
