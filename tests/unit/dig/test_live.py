"""A dig in what is being recorded."""

from __future__ import annotations

import io
import struct

import pytest

from pcapdig.chisels import registry
from pcapdig.dig import LiveDig, Plan
from pcapdig.errors import UsageError
from pcapdig.pcapng import blocks, comments
from pcapdig.procs.process import Process
from pcapdig.render.options import Options
from pcapdig.trace.trace import Trace

NS = 1_000_000_000
HTTPD = Process(name="httpd", pid=7)
CLEAR = "\x1b[2J\x1b[0;0H"


def head() -> bytes:
    """The first blocks of a recording."""
    return blocks.section_header(application="test") + blocks.interface_description(name="eth0", link_type=101)


def datagram(payload: bytes, *, second: float) -> bytes:
    """The block of a UDP packet to port 53 that httpd sent."""
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, b"\x0a\0\0\1", b"\x0a\0\0\2")
    return blocks.enhanced_packet(
        interface=0,
        time_ns=round(second * NS),
        data=ip + struct.pack(">HHHH", 5353, 53, 8 + len(payload), 0) + payload,
        comments=[comments.line(HTTPD, is_write=True, evidence="socket")],
    )


def live(*names: str, is_terminal: bool = False, **plan: object) -> tuple[LiveDig, io.StringIO]:
    """A live dig and what it writes."""
    out = io.StringIO()
    chisels = tuple(registry.find(name)() for name in names)
    return LiveDig(Trace(), Plan(chisels=chisels, **plan), out, is_terminal=is_terminal), out


def test_usage_error_writes_no_escape() -> None:
    """The terminal is as it was."""
    out = io.StringIO()
    plan = Plan(chisels=(registry.find("topconns")(),), format="%")
    with pytest.raises(UsageError):
        LiveDig(Trace(), plan, out, is_terminal=True)
    assert out.getvalue() == ""


def test_a_pipe_gets_one_table_after_the_other() -> None:
    """No escapes, and the begun second at the end."""
    dig, out = live("topprocs_net")
    dig.feed(head() + datagram(b"abc", second=5.1))
    dig.feed(datagram(b"de", second=6.1))
    dig.end()
    heading = "Bytes     Process   \n" + "-" * 30 + "\n"
    assert out.getvalue() == f"{heading}3B        httpd\n{heading}2B        httpd\n"


def test_a_terminal_is_cleared_for_each_table() -> None:
    """Start, refresh, end as sysdig does: no table is left."""
    dig, out = live("topprocs_net", is_terminal=True)
    assert out.getvalue() == ""
    dig.feed(head() + datagram(b"abc", second=5.1) + datagram(b"de", second=6.1))
    dig.end()
    shown = out.getvalue().removeprefix("\x1b[2J\x1b[?25l")
    assert shown.startswith(f"{CLEAR}Bytes     Process   \n")
    assert shown.endswith(f"3B        httpd\n{CLEAR}\x1b[?25h")


@pytest.mark.parametrize("is_terminal", [False, True])
@pytest.mark.parametrize("name", ["topprocs_net", "echo_fds", "conns", "netstat", "ps"])
def test_what_never_began_shows_nothing(name: str, is_terminal: bool) -> None:
    """No heading, no escape: the error of a machine that refuses stands alone."""
    dig, out = live(name, is_terminal=is_terminal)
    dig.end()
    assert out.getvalue() == ""


@pytest.mark.parametrize(("names", "json"), [(["echo_fds"], False), (["topprocs_net"], True), ([], False)])
def test_what_scrolls_gets_no_escapes(names: list[str], json: bool) -> None:
    """Messages, JSON and event lines, on a terminal too."""
    dig, out = live(*names, is_terminal=True, show=Options(json=json))
    dig.feed(head() + datagram(b"abc", second=5.1) + datagram(b"de", second=6.1))
    dig.end()
    assert out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_rows_that_passed_are_counted() -> None:
    """Feeding tells how many; the limit is kept."""
    dig, out = live(limit=2, format="%proc.name %evt.num")
    assert dig.feed(head()) == 0
    assert dig.feed(datagram(b"a", second=5)) == 1
    assert not dig.done
    assert dig.feed(datagram(b"b", second=5) + datagram(b"c", second=5)) == 1
    assert (dig.done, out.getvalue()) == (True, "httpd 1\nhttpd 2\n")


def test_a_quiet_moment() -> None:
    """Time alone shows the second that is over."""
    dig, out = live("topprocs_net")
    dig.feed(head() + datagram(b"abc", second=5.1))
    assert out.getvalue() == ""
    dig.pass_time(6 * NS)
    assert out.getvalue().endswith("3B        httpd\n")
