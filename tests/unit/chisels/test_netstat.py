"""netstat: what is open."""

from __future__ import annotations

import pytest

from pcapdig.chisels.netstat import Netstat
from pcapdig.procs.process import Process
from pcapdig.render.items import Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of

FIN, SYN, RST, ACK = 1, 2, 4, 16
WEB = FlowRecord(client="50.207.137.246", server="10.0.0.79", client_port=63740, server_port=22)
V6 = FlowRecord(client="2001:db8:1111:2222:3333:4444:5555:6666", server="2001:db8::1", client_port=5000, server_port=80)
DNS = FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5353, server_port=53, protocol=17)
PING = FlowRecord(client="10.0.0.1", server="10.0.0.2", protocol=1)


def shown(flow: list[int], **columns: object) -> list[Line]:
    """Lines of packets without payload, headings left out."""
    tables = Tables(
        flows=Flows.from_records([WEB, V6, DNS, PING]),
        processes=[Process(name="sshd", pid=3199), Process(name="ssh", pid=5)],
    )
    chisel = Netstat()
    times = list(range(1, len(flow) + 1))
    chisel.feed(rows_of(Packets.from_payloads(tables, [b""] * len(flow), flow=flow, time_ns=times, **columns)))
    heading, *lines = (item for item in chisel.end() if isinstance(item, Line))
    assert heading.is_heading
    assert heading.text == ("Proto Server Address           Client Address           State          PID/Program Name")
    return lines


def test_nothing_fed() -> None:
    """The heading."""
    assert len(list(Netstat().end())) == 1


def test_the_argument_is_its_filter() -> None:
    """It chooses as the command line's does."""
    assert Netstat(filter="fd.sport=80").filter == "fd.sport=80"


def test_sysdigs_line() -> None:
    """Server first, columns of 6, 25, 25 and 15."""
    (line,) = shown([0], reader=0)
    assert line.text == "tcp   10.0.0.79:22             50.207.137.246:63740     ESTABLISHED    3199/sshd"


def test_a_long_address_keeps_its_port() -> None:
    """Nothing is cut."""
    (line,) = shown([1])
    assert line.text.split() == [
        "tcp",
        "2001:db8::1:80",
        "2001:db8:1111:2222:3333:4444:5555:6666:5000",
        "ESTABLISHED",
        "<NA>",
    ]


def test_only_tcp_and_udp_by_protocol() -> None:
    """A ping has no socket pair; of UDP no state is known."""
    assert [line.text.split()[::3] for line in shown([3, 2, 0])] == [["tcp", "ESTABLISHED"], ["udp", "-"]]


def test_both_ends_have_a_line() -> None:
    """The server's, then the client's, each with its own state."""
    lines = shown([0, 0], forward=[1, 0], tcp_flags=[ACK, FIN | ACK], writer=[1, 0], reader=[0, 1])
    assert [line.text.split()[3:] for line in lines] == [["FIN_WAIT", "3199/sshd"], ["CLOSE_WAIT", "5/ssh"]]
    assert dict(lines[0].fields)["fd.is_server"] == 1


@pytest.mark.parametrize("flags", [[FIN, FIN], [ACK, RST]])
def test_what_is_closed_is_not_shown(flags: list[int]) -> None:
    """By both, or broken off."""
    assert shown([0, 0], forward=[1, 0], tcp_flags=flags) == []


@pytest.mark.parametrize(
    ("flags", "forward", "states"),
    [
        ([SYN], [1], ["-", "SYN_SENT"]),
        ([SYN, SYN | ACK], [1, 0], ["SYN_RECV", "ESTABLISHED"]),
        ([SYN, SYN | ACK, ACK], [1, 0, 1], ["ESTABLISHED", "ESTABLISHED"]),
    ],
)
def test_opening(flags: list[int], forward: list[int], states: list[str]) -> None:
    """The states of the server's and the client's end."""
    writer, reader = ([1 if f else 0 for f in forward], [0 if f else 1 for f in forward])
    lines = shown([0] * len(flags), tcp_flags=flags, forward=forward, writer=writer, reader=reader)
    assert [line.text.split()[3] for line in lines] == states
