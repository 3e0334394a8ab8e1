"""spy_ip: one address."""

from __future__ import annotations

import pytest

from pcapdig.chisels.spy_ip import SpyIp
from pcapdig.errors import UsageError
from pcapdig.filters import compile_filter
from pcapdig.trace.columns import Messages, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


@pytest.mark.parametrize(
    "text", ["", "1.2.3", "1.2.3.4/24", "localhost", "1.2.3.4 or evt.num>0", "::1%lo", "::1% or evt.num>0"]
)
def test_no_address_is_refused(text: str) -> None:
    """Anything but an address; above all nothing that would become a part of the filter."""
    with pytest.raises(UsageError, match="chisel spy_ip: .* is not an IP address"):
        SpyIp(host_ip=text)


@pytest.mark.parametrize(
    ("address", "expected"), [("10.0.0.1", [True, True, False]), ("2001:DB8:0::1", [False, False, True])]
)
def test_either_end_matches(address: str, expected: list[bool]) -> None:
    """As client and as server; IPv6 in any spelling."""
    ends = (("10.0.0.1", "10.0.0.2"), ("10.0.0.2", "10.0.0.1"), ("2001:db8::1", "2001:db8::2"))
    flows = Flows.from_records(FlowRecord(client=client, server=server, server_port=80) for client, server in ends)
    messages = Messages.from_buffers(Tables(flows=flows), [b"x"] * 3, number=[1, 2, 3], flow=[0, 1, 2])
    mask = compile_filter(SpyIp(host_ip=address).filter).mask(rows_of(messages))
    assert mask.tolist() == expected


def test_header_names_no_connection() -> None:
    """sysdig's header is `------ Read 76B`."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", server_port=80)])
    messages = Messages.from_buffers(Tables(flows=flows), [b"x"], number=[1], flow=0)
    (exchange,) = SpyIp(host_ip="10.0.0.1").feed(rows_of(messages))
    assert exchange.connection is None
