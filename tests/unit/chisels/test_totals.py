"""Sums by dense id, and ranking."""

from __future__ import annotations

import numpy as np
import pytest

from pcapdig.chisels.totals import Totals, first_of_packet, grouped
from pcapdig.trace.columns import Packets, Tables
from pcapdig.trace.rows import rows_of


def counted(totals: Totals) -> dict[int, int]:
    """Sums by id."""
    return {int(i): int(total) for i, total in zip(*totals.counted(), strict=True)}


def test_nothing() -> None:
    """No rows, no ids."""
    totals = Totals()
    totals.add(np.zeros(0, np.int32), np.zeros(0, np.int64))
    assert counted(totals) == {}


def test_sums_by_id() -> None:
    """Id -1 is an id like others; what has no bytes is not counted."""
    totals = Totals()
    totals.add(np.array([-1, 3, 3, 1], np.int32), np.array([5, 1, 2, 0], np.int64))
    assert counted(totals) == {-1: 5, 3: 3}


@pytest.mark.parametrize("count", [1, 2, 50])
def test_batches_add_up(count: int) -> None:
    """A few rows against many ids, and many rows against few, sum the same."""
    rng = np.random.default_rng(7)
    totals = Totals()
    expected = np.zeros(101, np.int64)
    for _ in range(count):
        for size in (1, 3, 1000):
            ids = rng.integers(-1, 100, size).astype(np.int32)
            sizes = rng.integers(0, 70_000, size)
            totals.add(ids, sizes)
            np.add.at(expected, ids + 1, sizes)
    assert counted(totals) == {i - 1: int(total) for i, total in enumerate(expected) if total}


def test_sums_are_exact_beyond_32_bits() -> None:
    """Terabytes do not overflow or round."""
    totals = Totals()
    for _ in range(3):
        totals.add(np.zeros(2, np.int32), np.array([2**41, 1], np.uint64))
    assert counted(totals) == {0: 3 * 2**41 + 3}


def test_first_of_packet() -> None:
    """Of a packet's write and read the write stands for both."""
    packets = Packets.from_payloads(Tables(processes=[]), [b"a", b"b", b"c"], writer=[0, 0, -1], reader=[1, -1, 1])
    assert first_of_packet(rows_of(packets)).tolist() == [True, False, True, True]


def test_first_of_packet_of_no_rows() -> None:
    """No rows is no mistake."""
    assert first_of_packet(rows_of(Packets.from_payloads(Tables(), []))).tolist() == []


def ranked(keys: list[int], sums: list[int], limit: int) -> list[tuple[int, list[int]]]:
    """`grouped` with plain lists."""
    groups, found = grouped(np.array(keys), np.array(sums, np.int64), limit)
    assert found == len(set(keys))
    return [(total, members.tolist()) for total, members in groups]


def test_grouping_nothing() -> None:
    """No ids, no groups."""
    assert ranked([], [], 5) == []


def test_equal_keys_share_a_group() -> None:
    """Sums of equal keys are added, largest first, each with all of its members."""
    assert ranked([7, 5, 7, 9], [1, 2, 2, 9], 5) == [(9, [3]), (3, [0, 2]), (2, [1])]


def test_ties_by_key() -> None:
    """Equal sums come in the order of their keys."""
    assert ranked([9, 5, 7], [4, 4, 4], 5) == [(4, [1]), (4, [2]), (4, [0])]


def test_limit() -> None:
    """Only the largest are kept, and a tie at the limit is settled by key."""
    assert ranked([3, 2, 1, 0], [1, 5, 1, 1], 2) == [(5, [1]), (1, [3])]


def test_sums_of_a_whole_trace() -> None:
    """They go on from what was counted, in a table of either size."""
    totals = Totals()
    totals.add(np.array([0, 7], np.int32), np.array([1, 2], np.int64))
    for sums in ([5, 6], [0] * 20 + [3]):
        totals.add_all(np.array(sums, np.int64).tobytes())
    assert counted(totals) == {-1: 5, 0: 7, 7: 2, 19: 3}
