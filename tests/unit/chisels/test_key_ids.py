"""Values of fields as small numbers."""

from __future__ import annotations

import pytest

from pcapdig.chisels.key_ids import KeyIds, key_field
from pcapdig.errors import UsageError
from pcapdig.filters.catalogue import lookup
from pcapdig.procs.process import Process
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows, rows_of


def trace() -> Tables:
    """Two web connections, a ping, two processes of one name."""
    flows = Flows.from_records([
        FlowRecord(client="10.0.0.1", server="10.0.0.9", client_port=5000, server_port=80),
        FlowRecord(client="10.0.0.2", server="10.0.0.9", client_port=5000, server_port=80),
        FlowRecord(client="10.0.0.1", server="10.0.0.9", protocol=1),
    ])  # fmt: skip
    return Tables(flows=flows, processes=[Process(name="httpd", pid=1), Process(name="httpd", pid=2)])


def rows(tables: Tables, **columns: object) -> Rows:
    """Rows of three packets."""
    return rows_of(Packets.from_payloads(tables, [b"a", b"bb", b"ccc"], **columns))


@pytest.mark.parametrize(
    "name", ["fd.bogus", "fd.ip", "fd.net", "evt.outputtime", "evt.around", "evt.buffer", "fd.num"]
)
def test_what_is_no_key_is_refused(name: str) -> None:
    """Unknown fields, those with two values, those that depend on the output, payload."""
    with pytest.raises(UsageError):
        key_field(name)


@pytest.mark.parametrize("name", ["fd.sport", "fd.lip", "proc.name", "evt.io_dir", "evt.buflen", "fd.name"])
def test_ids_stand_for_the_values_of_the_rows(name: str) -> None:
    """Whatever a field belongs to, its ids lead back to what the catalogue says of each row."""
    tables = trace()
    key = KeyIds(key_field(name))
    shown = []
    expected = []
    for flow, writer in (([0, 1, 2], [0, -1, 1]), ([-1, 2, 0], [-1, -1, -1])):
        part = rows(tables, flow=flow, writer=writer, reader=[1, -1, -1], forward=[1, 0, 1])
        shown += [None if i < 0 else key.values[i] for i in key.of(part).tolist()]
        expected += lookup(name).values(part)
    assert shown == expected


def test_a_table_that_grows() -> None:
    """Flows that come later get their ids later; those there were keep theirs."""
    tables = trace()
    key = KeyIds(key_field("fd.cip"))
    assert key.of(rows(tables, flow=[0, 1, 2])).tolist() == [0, 1, 0]
    tables.flows.append(FlowRecord(client="10.0.0.3", server="10.0.0.9"))
    tables.flows.append(FlowRecord(client="10.0.0.2", server="10.0.0.9"))
    assert key.of(rows(tables, flow=[3, 4, -1])).tolist() == [2, 1, -1]


def test_order_is_that_of_numbers() -> None:
    """Port 80 stands before 443, and what has no value last."""
    tables = Tables(flows=Flows.from_records(FlowRecord(client="::1", server="::1", server_port=p) for p in (443, 80)))
    key = KeyIds(key_field("fd.sport"))
    ids = key.of(rows(tables, flow=[0, 1, -1])).tolist()
    assert [key.text(i) for i in sorted(ids, key=key.order)] == ["80", "443", None]


def test_by_flow() -> None:
    """Local and remote fields differ between the ends of a flow."""
    assert [KeyIds(key_field(name)).by_flow for name in ("fd.sport", "fd.lport", "proc.name", "evt.type")] == [
        True,
        False,
        False,
        False,
    ]
