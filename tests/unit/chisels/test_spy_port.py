"""spy_port: one port."""

from __future__ import annotations

import pytest

from pcapdig.chisels.spy_port import SpyPort
from pcapdig.errors import UsageError
from pcapdig.filters import compile_filter
from pcapdig.trace.columns import Messages, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


@pytest.mark.parametrize("text", ["", "abc", "65536", "-1", "80 or evt.num>0", "８０", "1e3", "\udcff", "a\0"])
def test_no_port_is_refused(text: str) -> None:
    """Anything but a port or a service; above all nothing that would become a part of the filter."""
    with pytest.raises(UsageError, match="chisel spy_port: .* is neither a port"):
        SpyPort(host_port=text)


@pytest.mark.parametrize("text", ["80", "http", "00080"])
def test_either_end_matches(text: str) -> None:
    """As the client's port and as the server's; a service's name too."""
    ports = ((5000, 80), (80, 5000), (5000, 8080))
    flows = Flows.from_records(
        FlowRecord(client="10.0.0.1", server="10.0.0.2", client_port=client, server_port=server)
        for client, server in ports
    )
    messages = Messages.from_buffers(Tables(flows=flows), [b"x"] * 3, number=[1, 2, 3], flow=[0, 1, 2])
    assert compile_filter(SpyPort(host_port=text).filter).mask(rows_of(messages)).tolist() == [True, True, False]
