"""Rows: which ends of a packet become events, and what each column says of an end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pcapdig.procs.process import Process
from pcapdig.trace.columns import Messages, Packets, Tables
from pcapdig.trace.flows import FlowRecord, Flows
from pcapdig.trace.rows import Rows, rows_of


@pytest.fixture(name="tables")
def _tables() -> Tables:
    """One flow, three processes."""
    return Tables(
        flows=Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2", server_port=80)]),
        processes=[Process(name=name, pid=i) for i, name in enumerate("abc")],
    )


def ends(rows: Rows) -> list[tuple[int, str, int]]:
    """(packet, "w" or "r", process) of each row."""
    return [
        (int(p), "w" if w else "r", int(n)) for p, w, n in zip(rows.packet, rows.is_write, rows.process, strict=True)
    ]


def test_no_packets_no_rows(tables: Tables) -> None:
    """An empty batch, and a selection of nothing."""
    assert len(rows_of(Packets.from_payloads(tables, []))) == 0
    rows = rows_of(Packets.from_payloads(tables, [b"x"]))
    assert len(rows.select(np.array([False]))) == 0


def test_two_local_ends_are_a_write_and_a_read(tables: Tables) -> None:
    """In this order; one local end is one row; packets without stay beside them."""
    packets = Packets.from_payloads(tables, [b"x"] * 5, writer=[0, 1, -1, -1, 2], reader=[1, -1, 2, -1, 2], flow=0)
    assert ends(rows_of(packets)) == [
        (0, "w", 0), (0, "r", 1), (1, "w", 1), (2, "r", 2), (3, "r", -1), (4, "w", 2), (4, "r", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("direction", "forward", "is_write"),
    [(2, True, True), (2, False, True), (1, True, False), (1, False, False), (0, True, False), (0, False, True)],
)
def test_without_processes_flags_then_the_servers_view(
    tables: Tables, direction: int, forward: bool, is_write: bool
) -> None:
    """Out is a write, in is a read; else what the client sent was read."""
    rows = rows_of(Packets.from_payloads(tables, [b"x"], direction=direction, forward=forward))
    assert rows.is_write.tolist() == [is_write]
    assert rows.process.tolist() == [-1]
    assert rows.evidence.tolist() == [0]


def test_a_known_end_counts_more_than_flags(tables: Tables) -> None:
    """The row is that end's, wherever the packet was captured."""
    packets = Packets.from_payloads(tables, [b"x", b"x"], writer=[0, -1], reader=[-1, 0], direction=[1, 2])
    assert rows_of(packets).is_write.tolist() == [True, False]


@pytest.fixture(name="rows")
def _rows(tables: Tables) -> Rows:
    """Three packets, five rows."""
    return rows_of(
        Packets.from_payloads(
            tables,
            [b"abc", b"", b"abc"],
            first_number=100,
            time_ns=[5, 6, 7],
            flow=[0, 0, -1],
            forward=[True, False, True],
            fresh=[3, 0, 0],
            payload_length=[3, 0, 10],
            interface=[0, 1, 2],
            tcp_flags=[0x18, 0x10, 0x18],
            direction=[1, 2, 0],
            writer=[0, 1, 0],
            reader=[1, 0, -1],
            writer_evidence=[1, 2, 3],
            reader_evidence=[4, 1, 0],
        )
    )


EXPECTED: dict[str, list[Any]] = {
    "packet": [0, 0, 1, 1, 2],
    "number": [100, 100, 101, 101, 102],
    "time_ns": [5, 5, 6, 6, 7],
    "flow": [0, 0, 0, 0, -1],
    "interface": [0, 0, 1, 1, 2],
    "direction": [1, 1, 2, 2, 0],
    "tcp_flags": [0x18, 0x18, 0x10, 0x10, 0x18],
    "forward": [True, True, False, False, True],
    "is_write": [True, False, True, False, True],
    "is_client": [True, False, False, True, True],
    "process": [0, 1, 1, 0, 0],
    "evidence": [1, 4, 2, 1, 3],
    "is_io": [True, True, False, False, True],
    "size": [3, 3, 0, 0, 0],
    "length": [3, 3, 0, 0, 10],
}


@pytest.mark.parametrize("name", EXPECTED)
def test_columns(rows: Rows, name: str) -> None:
    """Each column, of all rows and of a selection made before or after it was gathered."""
    mask = np.array([False, True, True, False, True])
    chosen = [value for value, keep in zip(EXPECTED[name], mask, strict=True) if keep]
    assert getattr(rows.select(mask), name).tolist() == chosen
    assert getattr(rows, name).tolist() == EXPECTED[name]
    assert getattr(rows.select(mask), name).tolist() == chosen
    assert getattr(rows.select(np.array([4, 0])), name).tolist() == [EXPECTED[name][4], EXPECTED[name][0]]


def test_column_types(rows: Rows) -> None:
    """As the room's docstring says."""
    kinds = {name: getattr(rows, name).dtype.str[1:] for name in EXPECTED}
    assert {name for name, kind in kinds.items() if kind == "i8"} == {"packet", "time_ns", "size", "length"}
    assert {name for name, kind in kinds.items() if kind == "i4"} == {"flow", "process"}
    assert {name for name, kind in kinds.items() if kind == "b1"} == {"is_write", "is_io", "forward", "is_client"}


def test_buffers_and_gaps(rows: Rows) -> None:
    """Both ends of a packet see the same bytes."""
    assert [rows.buffer(i) for i in range(5)] == [b"abc", b"abc", b"", b"", b"abc"]
    assert rows.gaps(4) == ((3, 7),)
    assert rows.select(np.array([4])).buffer(0) == b"abc"


def test_a_batch_without_second_ends_is_not_copied(tables: Tables) -> None:
    """A row a packet: columns are the batch's own."""
    packets = Packets.from_payloads(tables, [b"x", b"y"], writer=[0, -1])
    rows = rows_of(packets)
    assert rows.time_ns is packets.time_ns
    assert rows.select(np.array([True, False])).time_ns.tolist() == [0]


def test_rows_that_are_packets_say_so(tables: Tables) -> None:
    """Only where each packet has one row; a selection has not, were it of all."""
    one_end = Packets.from_payloads(tables, [b"x"] * 3, writer=[0, 1, -1], reader=-1, flow=0)
    two_ends = Packets.from_payloads(tables, [b"x"] * 2, writer=[0, 1], reader=[-1, 1], flow=0)
    assert rows_of(one_end).are_packets
    assert not rows_of(two_ends).are_packets
    assert not rows_of(two_ends).select(np.array([True, True, False])).are_packets
    assert not rows_of(one_end).select(np.array([True, True, False])).are_packets


def test_messages_become_rows_too(tables: Tables) -> None:
    """The same rule, over reassembled payloads."""
    messages = Messages.from_buffers(
        tables, [b"GET /", b"200 OK"], number=[1, 2], flow=0, writer=[0, 1], reader=[1, -1]
    )
    rows = rows_of(messages)
    assert ends(rows) == [(0, "w", 0), (0, "r", 1), (1, "w", 1)]
    assert [rows.buffer(i) for i in range(3)] == [b"GET /", b"GET /", b"200 OK"]
    assert rows.size.tolist() == [5, 5, 6]
    assert rows.trace is tables
