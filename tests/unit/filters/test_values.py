"""Columns of values: where there is one, and what Python sees of them."""

from __future__ import annotations

import ipaddress

import numpy as np
import pytest

from pcapdig.filters import values
from pcapdig.filters.values import Addresses, Buffers, Choices, Column, Flags, Numbers, Texts

NO_GAPS: dict[int, tuple[tuple[int, int], ...]] = {}


def buffers(payloads: list[bytes], gaps: dict[int, tuple[tuple[int, int], ...]] = NO_GAPS) -> Buffers:
    """Payloads, some with bytes missing."""
    return Buffers(np.arange(len(payloads), dtype=np.intp), payloads.__getitem__, lambda row: gaps.get(row, ()))


SOME = np.array([True, False])

COLUMNS: list[tuple[Column, list[object]]] = [
    (Numbers(np.array([5, -6], dtype=np.int64)), [5, -6]),
    (Numbers(np.array([5, 0], dtype=np.int64), SOME), [5, None]),
    (Flags(np.array([True, False])), [True, False]),
    (Flags(np.array([False, False]), SOME), [False, None]),
    (Choices(np.array([1, -1, 0], dtype=np.int8), ("a", "b")), ["b", None, "a"]),
    (Texts(["x", None, ""]), ["x", None, ""]),
    (buffers([b"x", b""]), [b"x", None]),
    (Addresses(np.frombuffer(bytes(10) + b"\xff\xff\x01\x02\x03\x04" + bytes(16), np.uint8).reshape(2, 16), SOME), ["1.2.3.4", None]),
]  # fmt: skip


@pytest.mark.parametrize(("column", "expected"), COLUMNS)
def test_a_missing_value_is_none(column: Column, expected: list[object]) -> None:
    """As a list, and never 0 or an empty text."""
    assert values.to_list(column) == expected


@pytest.mark.parametrize(("column", "expected"), COLUMNS)
def test_a_missing_value_is_not_there(column: Column, expected: list[object]) -> None:
    """`has_value` agrees with the list."""
    assert values.has_value(column).tolist() == [value is not None for value in expected]


@pytest.mark.parametrize(("column", "expected"), COLUMNS)
def test_length_counts_missing_values(column: Column, expected: list[object]) -> None:
    """All rows count."""
    assert values.length(column) == len(expected)


def test_a_number_that_is_zero_is_there() -> None:
    """0 is a value, None is not."""
    column = values.numbers_of([0, None, 7])
    assert values.to_list(column) == [0, None, 7]


def test_a_payload_is_cut_where_bytes_are_missing() -> None:
    """At the start and at the end an empty piece says so."""
    gaps = {0: ((3, 10),), 1: ((0, 5),), 2: ((4, 9),), 3: ((1, 1), (2, 1))}
    column = buffers([b"foobar", b"tail", b"head", b"abc", b"whole", b""], gaps)
    assert [column.pieces(row) for row in range(6)] == [
        [b"foo", b"bar"],
        [b"", b"tail"],
        [b"head", b""],
        [b"a", b"b", b"c"],
        [b"whole"],
        [],
    ]


@pytest.mark.parametrize(
    "text", ["1.2.3.4", "0.0.0.0", "::", "::1", "2001:db8::80", "fe80::1:0:0:1", "1:2:3:4:5:6:7:8"]
)
def test_addresses_are_written_as_ipaddress_writes_them(text: str) -> None:
    """RFC 5952, checked against Python's own module."""
    address = ipaddress.ip_address(text)
    packed = (values.MAPPED_PREFIX if address.version == 4 else b"") + address.packed
    assert values.address_text(packed) == str(address)
