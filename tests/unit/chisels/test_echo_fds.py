"""echo_fds: names the connection, takes every message."""

from __future__ import annotations

from pcapdig.chisels.echo_fds import EchoFds
from pcapdig.trace.columns import Messages, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


def test_no_filter_of_its_own() -> None:
    """What it shows is the user's choice."""
    assert EchoFds().filter == ""


def test_wants_messages() -> None:
    """Words split over two segments are shown whole."""
    assert EchoFds.needs == "messages"


def test_names_the_connection() -> None:
    """IPv6 without brackets, as fd.name has it."""
    flows = Flows.from_records([FlowRecord(client="::1", server="::1", client_port=5000, server_port=80)])
    messages = Messages.from_buffers(Tables(flows=flows), [b"x"], number=[1], flow=0)
    (exchange,) = EchoFds().feed(rows_of(messages))
    assert exchange.connection == "::1:5000->::1:80"
