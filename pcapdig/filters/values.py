"""The values of one field over many rows, flows or processes: what a comparison looks at.

Each kind of column keeps its values the way they compare fastest. A missing value is marked, never a zero or an empty text.
"""

from __future__ import annotations

import socket
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Value = str | int | bool | bytes
"""What a field gives for one row, where it has a value. Addresses are text."""
Bools: TypeAlias = "NDArray[np.bool_]"
Index: TypeAlias = "slice | NDArray[np.intp]"
"""Which rows: positions, or all of them."""

ALL = slice(None)
MAPPED_PREFIX = b"\0" * 10 + b"\xff\xff"
"""Before an IPv4 address written as IPv6. Source: RFC 4291 section 2.5.5.2."""


class Numbers(NamedTuple):
    """Integers: counts, ids, ports, times in ns."""

    values: NDArray[np.int64]
    present: Bools | None = None
    """None: every value is there."""


class Flags(NamedTuple):
    """True or false."""

    values: Bools
    present: Bools | None = None


class Choices(NamedTuple):
    """Texts of which there are few: compared once each."""

    codes: NDArray[np.signedinteger]
    """Position in `names`; -1 where there is no value."""
    names: tuple[str, ...]


class Texts(NamedTuple):
    """Any texts."""

    values: Sequence[str | None]


class Addresses(NamedTuple):
    """IP addresses, 16 bytes each, IPv4 as ::ffff:a.b.c.d."""

    packed: NDArray[np.uint8]
    """Shape (n, 16)."""
    present: Bools | None = None


class Buffers(NamedTuple):
    """Payloads, read one at a time: they are not all held at once."""

    rows: NDArray[np.intp]
    read: Callable[[int], bytes]
    """The captured payload of a row; empty: there is no value."""
    gaps: Callable[[int], tuple[tuple[int, int], ...]]
    """What is missing in it: (position in the payload, bytes missing there), ascending."""

    def pieces(self, row: int) -> list[bytes]:
        """The payload of a row, cut where bytes are missing; [] where there is no value.

        A piece is empty where the first or the last bytes are the missing ones.
        """
        payload = self.read(row)
        positions = [0, *(position for position, _ in self.gaps(row)), len(payload)]
        return [payload[start:stop] for start, stop in pairwise(positions)] if payload else []


Column = Numbers | Flags | Choices | Texts | Addresses | Buffers


def numbers(values: NDArray[Any], present: Bools | None = None) -> Numbers:
    """A column of integers of any width."""
    return Numbers(values.astype(np.int64, copy=False), present)


def numbers_of(values: Sequence[int | None]) -> Numbers:
    """A column of a few integers."""
    present = np.array([value is not None for value in values], dtype=np.bool_)
    return Numbers(np.array([value or 0 for value in values], dtype=np.int64), present)


def length(column: Column) -> int:
    """How many rows a column has."""
    match column:
        case Choices(codes=codes):
            return len(codes)
        case Addresses(packed=packed):
            return len(packed)
        case Buffers(rows=rows):
            return len(rows)
        case _:
            return len(column.values)


def has_value(column: Column) -> Bools:
    """Where a column has a value."""
    match column:
        case Choices(codes=codes):
            return codes >= 0
        case Texts(values=texts):
            return np.fromiter((text is not None for text in texts), dtype=np.bool_, count=len(texts))
        case Buffers(rows=rows, read=read):
            return np.fromiter((bool(read(int(row))) for row in rows), dtype=np.bool_, count=len(rows))
        case Numbers() | Flags() | Addresses():
            return column.present if column.present is not None else np.ones(length(column), dtype=np.bool_)


def to_list(column: Column) -> list[Value | None]:
    """The values as Python's own, None where there is none."""
    match column:
        case Texts(values=texts):
            return list(texts)
        case Choices(codes=codes, names=names):
            return [names[code] if code >= 0 else None for code in codes.tolist()]
        case Buffers(rows=rows, read=read):
            return [read(int(row)) or None for row in rows]
        case Addresses(packed=packed):
            found: list[Value | None] = [address_text(row.tobytes()) for row in packed]
        case Numbers() | Flags():
            found = column.values.tolist()
    if column.present is not None:
        return [value if there else None for value, there in zip(found, column.present.tolist(), strict=True)]
    return found


def address_text(packed: bytes) -> str:
    """1.2.3.4, or RFC 5952 text without brackets, of 16 bytes."""
    if packed.startswith(MAPPED_PREFIX):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed)
