"""Whose a packet is, and who serves, as its comments and bytes say."""

from __future__ import annotations

from typing import Any

import pytest

from pcapdig.pcapng import comments
from pcapdig.procs.process import Process
from pcapdig.trace._naming import Naming
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.processes import Processes


def test_it_begins_with_no_flows() -> None:
    """Rows that the native side does not know cannot be named."""
    with pytest.raises(ValueError, match="begins with no flows"):
        Naming(Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2")]), Processes())


@pytest.mark.parametrize("is_write", [True, False])
@pytest.mark.parametrize("is_server", [True, False])
def test_the_recorder_knows_who_serves(take: Any, files: Any, wire: Any, is_write: bool, is_server: bool) -> None:
    """Its word overrules bytes, port and order; also when it comes with a later packet: the rows before are turned round too."""
    line = comments.line(Process(name="wg", pid=7), is_write=is_write, evidence="socket", is_server=is_server)
    frame = wire.udp(b"x", ports=(40000, 51820))
    taken = take(files.pcapng(files.packet(frame), files.packet(frame, comments=(line,)), files.packet(frame)))
    assert taken.forward == [is_write != is_server] * 3
    assert taken.names[0].startswith("10.0.0.1:40000" if is_write != is_server else "10.0.0.2:51820")


def test_a_role_stays_once_a_batch_was_handed_out(take: Any, files: Any, wire: Any) -> None:
    """Who has seen a flow's first packets goes on with what was said of them."""
    answer = wire.tcp(b"HTTP/1.1 200 OK\r\n\r\n", ports=(31600, 8868), seq=5, ack=1)
    first, second = files.packet(wire.tcp(ports=(31600, 8868), seq=5, ack=1)), files.packet(answer)
    assert take(files.pcapng(first, second)).forward == [False, False]
    assert take(files.pcapng(first, second), chunk_bytes=len(files.pcapng(first))).forward == [True, True]
