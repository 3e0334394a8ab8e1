"""ps: the processes of a capture."""

from __future__ import annotations

from pcapdig.chisels.ps import Ps
from pcapdig.procs.process import Process
from pcapdig.render.items import Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of

HTTPD = Process(
    name="httpd", pid=15457, ppid=1, user="www-data", uid=33, container_id="host", cmdline="/usr/sbin/httpd -k start"
)
CURL = Process(name="curl", pid=41, uid=1000)


def lines(chisel: Ps) -> list[Line]:
    """What it shows."""
    return [item for item in chisel.end() if isinstance(item, Line)]


def test_nothing_fed() -> None:
    """Headings alone."""
    assert [line.text for line in lines(Ps())] == ["PID     PPID    USER        CONTAINER    NAME            CMD"]


def test_the_argument_is_its_filter() -> None:
    """It chooses as the command line's does."""
    assert (Ps().filter, Ps(filter="user.uid=0").filter) == ("", "user.uid=0")


def test_processes_once_by_id() -> None:
    """Of both ends, though one was in the table and in no packet that passed; what is not known is told."""
    tables = Tables(processes=[HTTPD, CURL, Process(name="other", pid=3)])
    chisel = Ps()
    for _ in range(2):
        chisel.feed(rows_of(Packets.from_payloads(tables, [b"a", b"b"], writer=[1, -1], reader=[0, 0])))
    heading, *rest = lines(chisel)
    assert heading.is_heading
    assert [line.text for line in rest] == [
        "41      <NA>    1000        <NA>         curl            <NA>",
        "15457   1       www-data    host         httpd           /usr/sbin/httpd -k start",
    ]
    assert dict(rest[0].fields)["proc.cmdline"] is None
    assert dict(rest[1].fields)["user.uid"] == 33
