"""fdbytes_by: bytes by any field."""

from __future__ import annotations

import pytest

from pcapdig.chisels.fdbytes_by import FdbytesBy
from pcapdig.errors import UsageError
from pcapdig.procs.process import Process
from pcapdig.render.items import Column, Table
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import rows_of


def table(key: str, *, times: int = 1) -> Table:
    """The table of two connections: curl's to httpd, and a stranger's to httpd; fed `times` times."""
    flows = Flows.from_records([
        FlowRecord(client="10.0.0.1", server="10.0.0.1", client_port=5000, server_port=80),
        FlowRecord(client="10.0.0.2", server="10.0.0.1", client_port=6000, server_port=443),
    ])  # fmt: skip
    tables = Tables(flows=flows, processes=[Process(name="curl", pid=1), Process(name="httpd", pid=2)])
    chisel = FdbytesBy(key=key)
    for _ in range(times):
        packets = Packets.from_payloads(
            tables, [b"abc", b"de", b"again"], flow=[0, 1, 1], writer=[0, -1, -1], reader=1, fresh=[3, 2, 0]
        )
        chisel.feed(rows_of(packets))
    (item,) = chisel.end()
    assert isinstance(item, Table)
    return item


@pytest.mark.parametrize("key", ["", "fd.bogus", "fd.sport,", ",fd.sport", "fd.sport,fd.sport", "fd.ip", "evt.buffer"])
def test_what_is_no_key_is_refused(key: str) -> None:
    """Before anything is counted, with the chisel's name."""
    with pytest.raises(UsageError, match="chisel fdbytes_by: "):
        FdbytesBy(key=key)


def test_a_connection_field_counts_a_packet_once() -> None:
    """Though both of its ends are here."""
    assert table("fd.sport").rows == ((3, ("80",)), (2, ("443",)))


def test_a_process_field_counts_each_end() -> None:
    """curl wrote what httpd read."""
    assert table("proc.name").rows == ((5, ("httpd",)), (3, ("curl",)))


def test_several_fields() -> None:
    """Each combination is a row, headed by the fields' names."""
    found = table("proc.name,fd.sport", times=2)
    assert found.keys == (Column("proc.name", "proc.name"), Column("fd.sport", "fd.sport"))
    assert found.rows == ((6, ("curl", "80")), (6, ("httpd", "80")), (4, ("httpd", "443")))


def test_a_missing_value_has_a_row() -> None:
    """Nothing that was sent is left out."""
    chisel = FdbytesBy(key="user.name")
    chisel.feed(rows_of(Packets.from_payloads(Tables(), [b"abc"])))
    (item,) = chisel.end()
    assert isinstance(item, Table)
    assert item.rows == ((3, ("<NA>",)),)


def test_a_second_begins_anew() -> None:
    """A live table is that of its second."""
    chisel = FdbytesBy(key="fd.sport,fd.cip")
    tables = Tables(flows=Flows.from_records([FlowRecord(client="::1", server="::1", server_port=80)]))
    chisel.feed(rows_of(Packets.from_payloads(tables, [b"abc"], flow=0)))
    assert [len(item.rows) for item in [*chisel.interval(0), *chisel.interval(1)] if isinstance(item, Table)] == [1, 0]


def test_equal_sums_in_the_order_of_keys() -> None:
    """As numbers, and thirty rows at most."""
    ports = range(1, 41)
    flows = Flows.from_records(FlowRecord(client="::1", server="::1", server_port=port) for port in reversed(ports))
    chisel = FdbytesBy(key="fd.sport")
    chisel.feed(rows_of(Packets.from_payloads(Tables(flows=flows), [b"x"] * 40, flow=list(range(40)))))
    (item,) = chisel.end()
    assert isinstance(item, Table)
    assert [key for _, (key,) in item.rows] == [str(port) for port in ports[:30]]


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ("fd.sport", ((3, ("80",)), (2, ("(others)",)))),
        ("proc.name,fd.sport", ((5, ("(others)", "(others)")), (3, ("curl", "80")))),
    ],
)
def test_more_values_than_are_counted(key: str, rows: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest shares a row, so that the sum stays what it was, and a note says so."""
    monkeypatch.setattr("pcapdig.chisels.key_ids.MOST_VALUES", 1)
    assert rows == table(key).rows


def test_a_note_says_that_there_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a value has no row of its own, and only there."""
    from pcapdig.chisels.key_ids import KeyIds, key_field, note_of_others

    monkeypatch.setattr("pcapdig.chisels.key_ids.MOST_VALUES", 1)
    key = KeyIds(key_field("fd.sport"))
    assert (key._number(80), [*note_of_others([key])]) == (0, [])
    assert (key._number(81), key._number(82), key._number(80), key.text(1)) == (1, 1, 0, "(others)")
    assert ["values beyond the first 1 are counted together, in the row (others)"] == [*note_of_others([key])]
