"""Connections by their sums: flows between the same ends are one, and ties are settled as addresses and ports are ordered."""

from __future__ import annotations

import ipaddress
import random

import numpy as np
import pytest

from pcapdig.trace._ranking import largest
from pcapdig.trace.flows import RECORD_BYTES, FlowRecord, Flows


def ranked(flows: Flows, sums: dict[int, int], limit: int) -> list[tuple[int, list[int]]]:
    """`Flows.largest` of plain numbers, without how many there are."""
    return flows.largest(np.array([*sums], np.intp), np.array([*sums.values()], np.int64), limit)[0]


@pytest.mark.parametrize("rows", [[-1], [64], [1 << 40]])
def test_rows_that_are_none(rows: list[int]) -> None:
    """Nothing is read beside the table's memory."""
    with pytest.raises(IndexError):
        largest(bytearray(64 * RECORD_BYTES), np.array(rows, np.int64), np.zeros(1, np.int64), 3)


def test_a_sum_for_each_row() -> None:
    """Neither more nor fewer."""
    with pytest.raises(ValueError, match="each row"):
        largest(bytearray(64 * RECORD_BYTES), np.zeros(2, np.int64), np.zeros(1, np.int64), 3)


def test_nothing() -> None:
    """No rows, or none wanted."""
    flows = Flows.from_records([FlowRecord(client="10.0.0.1", server="10.0.0.2")])
    assert ranked(flows, {}, 3) == ranked(flows, {0: 5}, 0) == []


def test_flows_between_the_same_ends_share_a_sum() -> None:
    """But not with those the other way round, or of another protocol."""
    one = {"client": "10.0.0.1", "server": "10.0.0.2"}
    flows = Flows.from_records(
        [
            FlowRecord(**one, client_port=5, server_port=80, first_ns=1),
            FlowRecord(client="10.0.0.2", server="10.0.0.1", client_port=80, server_port=5),
            FlowRecord(**one, client_port=5, server_port=80, first_ns=9, interface=3),
            FlowRecord(**one, client_port=5, server_port=80, protocol=17),
        ]
    )
    assert ranked(flows, {0: 1, 1: 2, 2: 5, 3: 7}, 9) == [(7, [3]), (6, [0, 2]), (2, [1])]


def test_how_many_connections_there_are() -> None:
    """All of them, however few are wanted."""
    one = {"client": "10.0.0.1", "server": "10.0.0.2"}
    flows = Flows.from_records([FlowRecord(**one, client_port=port, server_port=80) for port in (1, 2, 1, 3)])
    assert flows.largest(np.arange(4), np.ones(4, np.int64), 1) == ([(2, [0, 2])], 3)


@pytest.mark.parametrize("limit", [1, 3, 30, 100_000])
@pytest.mark.parametrize("seed", range(3))
def test_as_sorting_everything_has_it(seed: int, limit: int) -> None:
    """Many flows, many ties, both families; more of them than the first table of slots has room for."""
    chosen = random.Random(seed)
    hosts = [f"10.{i % 3}.0.{i}" for i in range(9)], [f"2001:db8::{i:x}:1" for i in range(9)]
    records = []
    for _ in range(6000):
        family = chosen.choice(hosts)
        records.append(
            FlowRecord(
                client=chosen.choice(family),
                server=chosen.choice(family),
                client_port=chosen.choice([1, 255, 256, 40_000]),
                server_port=chosen.choice([0, 80, 443, 8080]),
                protocol=chosen.choice([6, 17]),
            )
        )
    flows = Flows.from_records(records)
    sums = {row: chosen.randrange(1, 6) for row in chosen.sample(range(6000), 5500)}

    def key(row: int) -> tuple[int, bytes, int, bytes, int]:
        record = records[row]
        ends = [ipaddress.ip_address(address) for address in (record.client, record.server)]
        packed = [end.packed if end.version == 6 else bytes(10) + b"\xff\xff" + end.packed for end in ends]
        return record.protocol, packed[0], record.client_port, packed[1], record.server_port

    expected: dict[tuple[int, bytes, int, bytes, int], list[int]] = {}
    for row in sums:
        expected.setdefault(key(row), []).append(row)
    totals = [(sum(sums[row] for row in rows), rows) for _, rows in sorted(expected.items())]
    totals.sort(key=lambda entry: -entry[0])
    assert ranked(flows, sums, limit) == totals[:limit]
