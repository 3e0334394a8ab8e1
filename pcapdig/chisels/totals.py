"""Bytes summed by dense id: the one computation of all tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pcapdig.trace.renumbering import Renumbering
    from pcapdig.trace.rows import Rows


class Totals:
    """Bytes by id of a growing table, id -1 included."""

    __slots__ = ("_sums",)

    def __init__(self) -> None:
        self._sums = np.zeros(1, np.int64)  # id -1 first

    def add(self, ids: NDArray[np.integer], sizes_bytes: NDArray[np.integer]) -> None:
        """Count each size for its id. Ids are -1 or more, sizes 0 or more."""
        if not len(ids):
            return
        needed = int(ids.max()) + 2
        if needed > len(self._sums):
            grown = np.zeros(max(needed, 2 * len(self._sums)), np.int64)
            grown[: len(self._sums)] = self._sums
            self._sums = grown
        slots = ids.astype(np.intp) + 1
        if len(slots) < needed:
            np.add.at(self._sums, slots, sizes_bytes)
        else:
            # Doubles hold sums below 2**53 exactly: more than one batch can carry.
            self._sums[:needed] += np.bincount(slots, weights=sizes_bytes, minlength=needed).astype(np.int64)

    def add_all(self, sums_bytes: bytes | bytearray) -> None:
        """Count sums for the ids -1, 0, 1 ..., as `pcapdig.trace.sums.Sums` has them."""
        added = np.frombuffer(sums_bytes, np.int64)
        if len(added) > len(self._sums):
            self._sums = np.append(self._sums, np.zeros(len(added) - len(self._sums), np.int64))
        self._sums[: len(added)] += added

    def renumber(self, renumbering: Renumbering) -> None:
        """The ids are rows of the flow table, which get new numbers. Nothing is left of those that go."""
        self._sums = np.append(self._sums[:1], renumbering.column(self._sums[1:]))

    def counted(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """The ids that have bytes, ascending, and their sums."""
        slots = np.flatnonzero(self._sums)
        return slots - 1, self._sums[slots]


def first_of_packet(rows: Rows) -> NDArray[np.bool_]:
    """For each row: is it the only or first one of its packet or message? Rows of one packet stand side by side."""
    first = np.ones(len(rows), np.bool_)
    np.not_equal(rows.packet[1:], rows.packet[:-1], out=first[1:])
    return first


def grouped(
    keys: NDArray[np.generic], sums_bytes: NDArray[np.int64], limit: int
) -> tuple[list[tuple[int, NDArray[np.intp]]], int]:
    """The `limit` largest sums over equal keys, of which there are few: (sum, positions of its entries), largest first, ties by key.

    With them comes how many different keys there are.
    """
    found, group = np.unique(keys, return_inverse=True)
    totals = np.zeros(len(found), np.int64)
    np.add.at(totals, group, sums_bytes)
    shown = np.argsort(-totals, kind="stable")[:limit]  # what is equal stays in the order of keys
    return [(int(totals[i]), np.flatnonzero(group == i)) for i in shown], len(found)
