"""The rows of the flow table."""

from __future__ import annotations

from typing import Any

import pytest

from pcapdig.trace._flow_rows import FlowRows
from pcapdig.trace.flows import FlowRecord, Flows


def test_a_native_table_begins_empty() -> None:
    """Rows that the native side does not know cannot be found."""
    with pytest.raises(ValueError, match="begins with no flows"):
        FlowRows(Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2")]))


def test_one_connection_after_another_is_bounded(take: Any, files: Any, wire: Any) -> None:
    """A flood of SYNs with ever new numbers between two ends: each is a flow, and the one that is open is still found."""
    opened = [
        wire.tcp(flags=2, seq=1000),
        wire.tcp(flags=18, seq=5000, ack=1001, forward=False),
        wire.tcp(seq=1001, ack=5001),
        wire.tcp(b"x", seq=1001, ack=5001),
    ]
    flood = [wire.tcp(flags=2, seq=1_000_000 + 70_000 * i) for i in range(20_000)]
    taken = take(files.frames(*opened, *flood, wire.tcp(b"y", seq=1002, ack=5001), step_ns=1000))
    assert len(taken.trace.flows) == 20_001
    assert (taken.flow[-1], taken.fresh[-1]) == (0, 1)
