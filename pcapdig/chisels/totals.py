"""Bytes summed by dense id: the one computation of all tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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

    def counted(self) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """The ids that have bytes, ascending, and their sums."""
        slots = np.flatnonzero(self._sums)
        return slots - 1, self._sums[slots]


def first_of_packet(rows: Rows) -> NDArray[np.bool_]:
    """For each row: is it the only or first one of its packet or message? Rows of one packet stand side by side."""
    first = np.ones(len(rows), np.bool_)
    np.not_equal(rows.packet[1:], rows.packet[:-1], out=first[1:])
    return first


def grouped(keys: NDArray[np.generic], sums_bytes: NDArray[np.int64], limit: int) -> list[tuple[int, NDArray[np.intp]]]:
    """The `limit` largest sums over equal keys, largest first, ties by key: (sum, positions of its entries) each."""
    if not len(keys):
        return []
    first, group = _groups(keys)
    totals = np.zeros(len(first), np.int64)
    np.add.at(totals, group, sums_bytes)
    if len(totals) > limit:
        # Only what could be shown is put in order: what has as much as the last one shown.
        least = np.partition(totals, len(totals) - limit)[len(totals) - limit]
        candidates = np.flatnonzero(totals >= least)
    else:
        candidates = np.arange(len(totals))
    candidates = candidates[np.argsort(keys[first[candidates]], kind="stable")]
    shown = candidates[np.argsort(-totals[candidates], kind="stable")[:limit]]
    rank = np.full(len(totals), -1, np.intp)
    rank[shown] = np.arange(len(shown))
    ranks = rank[group]
    entries = np.flatnonzero(ranks >= 0)
    entries = entries[np.argsort(ranks[entries], kind="stable")]
    ends = np.cumsum(np.bincount(ranks[entries], minlength=len(shown)))
    parts = np.split(entries, ends[:-1])
    return [(int(total), part) for total, part in zip(totals[shown], parts, strict=True)]


def _groups(keys: NDArray[np.generic]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Equal keys: the position of one of each group, and the group of each key."""
    codes = _codes(keys) if keys.dtype.kind == "S" else keys
    order = np.argsort(codes)
    begins = np.ones(len(keys), np.bool_)
    np.not_equal(codes[order[1:]], codes[order[:-1]], out=begins[1:])
    first = order[begins]
    group = np.empty(len(keys), np.intp)
    group[order] = np.cumsum(begins) - 1
    if codes is not keys and len(first) < len(keys):
        shared = order[~begins]
        if (keys[first[group[shared]]] != keys[shared]).any():  # different keys had one code
            _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return first, group


def _codes(keys: NDArray[np.generic]) -> NDArray[np.uint64]:
    """A number for each text, equal for equal ones and nearly always different for others: numbers are sorted far faster."""
    size = keys.dtype.itemsize
    padded = np.zeros((len(keys), -(-size // 8) * 8), np.uint8)
    padded[:, :size] = keys.view(np.uint8).reshape(len(keys), size)
    code = np.zeros(len(keys), np.uint64)
    for word in padded.view(np.uint64).T:
        code = (code ^ word) * np.uint64(0x9E3779B97F4A7C15)
        code ^= code >> np.uint64(29)
    return code
