"""A dig in a capture that is all there."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest

from pcapdig.chisels import registry
from pcapdig.dig import Plan, dig
from pcapdig.errors import InputError, UsageError
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables

TABLES = Tables(processes=[Process(name="httpd", pid=7)])


def batches(*payloads: bytes, damaged: bool = False) -> Iterator[Packets]:
    """A batch a payload; then damage, if there is any."""
    for payload in payloads:
        yield Packets.from_payloads(TABLES, [payload], writer=0)
    if damaged:
        raise InputError("f.pcapng: damaged at byte 512")


def test_usage_error_writes_nothing_and_reads_nothing() -> None:
    """Never a table after an error."""
    out = io.StringIO()
    unread = batches(b"abc")
    with pytest.raises(UsageError):
        dig(unread, TABLES, Plan(format="%"), out)
    assert (out.getvalue(), len(list(unread))) == ("", 1)


def test_damaged_capture_is_dug_up_to_the_damage() -> None:
    """Results of what is whole are written, then the error goes on."""
    out = io.StringIO()
    plan = Plan(chisels=(registry.find("topprocs_net")(),))
    with pytest.raises(InputError, match="damaged at byte 512"):
        dig(batches(b"abc", b"de", damaged=True), TABLES, plan, out)
    assert out.getvalue().splitlines()[2:] == ["5B        httpd"]


def test_capture_that_cannot_be_opened_writes_nothing() -> None:
    """Where no packet was read there is no result: no empty table before the error."""
    out = io.StringIO()
    with pytest.raises(InputError):
        dig(batches(damaged=True), TABLES, Plan(chisels=(registry.find("topprocs_net")(),), summary=True), out)
    assert out.getvalue() == ""


def test_all_batches() -> None:
    """One table over all of them."""
    out = io.StringIO()
    dig(batches(b"abc", b"de"), TABLES, Plan(chisels=(registry.find("topprocs_net")(),)), out)
    assert out.getvalue() == "Bytes     Process   \n------------------------------\n5B        httpd\n"


def test_reading_stops_at_the_limit() -> None:
    """What comes after the limit is not even read, so its damage is not met."""
    out = io.StringIO()
    dig(batches(b"abc", damaged=True), TABLES, Plan(limit=1, format="%evt.num"), out)
    assert out.getvalue() == "1\n"


def test_what_was_done_is_shown_when_memory_is_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as far as they went, then the error; where showing them is refused too, the error alone."""

    def running_out() -> Iterator[Packets]:
        yield from batches(b"abc", b"de")
        raise MemoryError

    out = io.StringIO()
    chisel = registry.find("topprocs_net")()
    with pytest.raises(MemoryError):
        dig(running_out(), TABLES, Plan(chisels=(chisel,)), out)
    assert out.getvalue().splitlines()[2:] == ["5B        httpd"]
    monkeypatch.setattr(type(chisel), "end", lambda self: refuse())
    with pytest.raises(MemoryError):
        dig(running_out(), TABLES, Plan(chisels=(chisel,)), io.StringIO())


def refuse() -> list[object]:
    """As the system does."""
    raise MemoryError
