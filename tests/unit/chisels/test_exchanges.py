"""Exchanges: a header and a buffer of each message and end."""

from __future__ import annotations

import pytest

from pcapdig.chisels.echo_fds import EchoFds
from pcapdig.chisels.spy_ip import SpyIp
from pcapdig.errors import UsageError
from pcapdig.procs.process import Process
from pcapdig.render.items import Exchange, Gap
from pcapdig.trace.columns import Messages, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


def trace() -> Tables:
    """One connection between two processes."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=80)])
    processes = [Process(name="curl", pid=5), Process(name="httpd", pid=7, container_id="59fd49aa4072")]
    return Tables(flows=flows, processes=processes)


def test_unknown_word_is_refused() -> None:
    """The only argument is the one word, in either spelling."""
    with pytest.raises(UsageError, match="chisel echo_fds: argument 'red' is not understood"):
        EchoFds(disable_color="red")


@pytest.mark.parametrize("word", ["disable_color", "disable_colors"])
def test_colour_can_be_switched_off(word: str) -> None:
    """sysdig's help and sysdig's code spell it differently."""
    assert (EchoFds().colour, EchoFds(disable_color=word).colour) == (True, False)


def test_both_ends() -> None:
    """The writer's exchange, then the reader's."""
    messages = Messages.from_buffers(trace(), [b"GET /"], number=[1], flow=0, writer=0, reader=1, time_ns=9)
    connection = "10.0.0.1:5000->10.0.0.2:80"
    shared = {"size_bytes": 5, "buffer": b"GET /", "connection": connection, "time_ns": 9}
    assert list(EchoFds().feed(rows_of(messages))) == [
        Exchange(is_write=True, process="curl", pid=5, container_id=None, **shared),
        Exchange(is_write=False, process="httpd", pid=7, container_id="59fd49aa4072", **shared),
    ]


def test_capture_without_processes() -> None:
    """The exchange is still shown, without a name."""
    messages = Messages.from_buffers(trace(), [b"GET /"], number=[1], flow=0)
    (exchange,) = EchoFds().feed(rows_of(messages))
    assert (exchange.process, exchange.pid, exchange.is_write) == (None, None, False)


def test_gaps_are_told() -> None:
    """Missing bytes count in the size and are marked."""
    messages = Messages.from_buffers(trace(), [b"GET /"], number=[1], flow=0, gaps=[((3, 12),)])
    (exchange,) = EchoFds().feed(rows_of(messages))
    assert (exchange.size_bytes, exchange.buffer, exchange.gaps) == (17, b"GET /", (Gap(3, 12),))


def test_each_exchange_has_its_own_direction_and_size() -> None:
    """Not those of the first one of a run, as in sysdig's spy chisels."""
    messages = Messages.from_buffers(
        trace(), [b"a", b"bb", b"ccc"], number=[1, 2, 3], flow=0, writer=[0, 0, -1], reader=[-1, -1, 0]
    )
    shown = [(e.is_write, e.size_bytes) for e in SpyIp(host_ip="10.0.0.1").feed(rows_of(messages))]
    assert shown == [(True, 1), (True, 2), (False, 3)]


def test_nothing_by_seconds_or_at_the_end() -> None:
    """Everything is shown as it comes."""
    chisel = EchoFds()
    assert [*chisel.interval(0), *chisel.end()] == []
