"""fdcount_by: connections by any field."""

from __future__ import annotations

import pytest

from pcapdig.chisels.fdcount_by import FdcountBy
from pcapdig.errors import UsageError
from pcapdig.procs.process import Process
from pcapdig.render.items import Line
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


def lines(key: str, *, times: int = 1) -> list[tuple[str, tuple[tuple[str, object], ...]]]:
    """The lines of four packets on three connections, one of them twice over the same ports."""
    flows = Flows.from_records(
        FlowRecord(client="10.0.0.1", server="10.0.0.9", client_port=5000, server_port=port) for port in (80, 80, 443)
    )
    tables = Tables(flows=flows, processes=[Process(name="curl", pid=1), Process(name="a\tb", pid=2)])
    chisel = FdcountBy(key=key)
    for _ in range(times):
        packets = Packets.from_payloads(
            tables,
            [b"", b"x", b"", b"", b""],
            flow=[0, 0, 1, 2, -1],
            writer=[0, 0, 0, 1, 1],
            reader=[-1, 0, -1, -1, -1],
        )
        chisel.feed(rows_of(packets))
    return [(item.text, item.fields) for item in chisel.end() if isinstance(item, Line)]


@pytest.mark.parametrize("key", ["", "fd.bogus", "fd.sport,fd.cip", "fd.ip"])
def test_what_is_no_key_is_refused(key: str) -> None:
    """Before anything is counted, with the chisel's name."""
    with pytest.raises(UsageError, match="chisel fdcount_by: "):
        FdcountBy(key=key)


def test_nothing_fed() -> None:
    """No heading, no lines."""
    assert list(FdcountBy(key="fd.sport").end()) == []


@pytest.mark.parametrize("times", [1, 3])
def test_connections_count_once(times: int) -> None:
    """However many packets they have, with payload or without; ports used again are two."""
    assert lines("fd.sport", times=times) == [
        ("80\t2", (("fd.sport", "80"), ("count", 2))),
        ("443\t1", (("fd.sport", "443"), ("count", 1))),
    ]


def test_a_process_counts_its_connections() -> None:
    """A tab in a name does not part columns; an unknown process has its line."""
    assert [text for text, _ in lines("proc.name")] == ["curl\t2", "a.b\t1"]
    assert lines("user.name") == [("<NA>\t3", (("user.name", None), ("count", 3)))]
