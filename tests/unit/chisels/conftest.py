"""A fixture for chisels that log a protocol: messages between a client and a server."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from pcapdig.procs.process import Process
from pcapdig.trace.columns import Messages, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows, rows_of

CURL, SERVER = Process(name="curl", pid=100), Process(name="httpd", pid=200)


def _conversation(
    turns: Sequence[tuple[bool, bytes]],
    *,
    port: int = 80,
    protocol: int = 6,
    ends: str = "both",
    step_ns: int = 1_500_000,
    tcp_flags: Sequence[int] | int = 0,
) -> Rows:
    """Rows of one flow; turns are (from client, data), `step_ns` apart. `ends`: both, client, server or none are known."""
    flows = Flows.from_records(
        [FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=5000, server_port=port, protocol=protocol)]
    )
    client = 0 if ends in ("both", "client") else -1
    server = 1 if ends in ("both", "server") else -1
    messages = Messages.from_buffers(
        Tables(flows=flows, processes=[CURL, SERVER]),
        [data for _, data in turns],
        number=range(1, len(turns) + 1),
        flow=0,
        forward=[from_client for from_client, _ in turns],
        time_ns=[index * step_ns for index in range(len(turns))],
        writer=[client if from_client else server for from_client, _ in turns],
        tcp_flags=tcp_flags,
        reader=[server if from_client else client for from_client, _ in turns],
    )
    return rows_of(messages)


@pytest.fixture
def conversation() -> Callable[..., Rows]:
    """`conversation([(True, b"asked"), (False, b"answered")], port=80)`: rows of both ends."""
    return _conversation
