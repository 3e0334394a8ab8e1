"""PostgreSQL's parameters."""

from __future__ import annotations

import struct

import pytest

from pcapdig.protocols.postgres_values import binary_value, text_value


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (23, b"\0\0\0"),
        (701, b"\0"),
        (1082, b"\x7f\0\0\0"),
        (1700, struct.pack(">HhHH", 2, 0, 0, 0)),
        (1700, struct.pack(">HhHHH", 1, 0, 0, 0, 10_000)),
        (2950, b"\1"),
        (869, b"\2\x20\0\4\1\2"),
        (1007, struct.pack(">iiIii", 1, 0, 23, 2_000_000_000, 1)),
        (1007, struct.pack(">iiIiii", 1, 0, 23, 1, 1, 99)),
        (16, b"\2"),
        (3802, b"\2{}"),
        (0, b"\0\1"),
        (99_999, b""),
    ],
)
def test_what_is_not_of_its_type_is_hex(kind: int, data: bytes) -> None:
    """Too short, out of range, of an unknown type."""
    assert binary_value(data, kind) == "\\x" + data.hex()


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        (16, b"\1", "t"),
        (17, b"\0\xff", "\\x00ff"),
        (20, struct.pack(">q", -7), -7),
        (25, "ä".encode(), "ä"),
        (701, struct.pack(">d", 1.25), 1.25),
        (869, b"\2\x08\0\4\x0a\0\0\0", "10.0.0.0/8"),
        (869, b"\3\x80\0\x10" + bytes(15) + b"\1", "::1"),
        (1082, struct.pack(">i", -1), "1999-12-31"),
        (1082, struct.pack(">i", 0x7FFFFFFF), "infinity"),
        (1083, struct.pack(">q", 3_723_500_000), "01:02:03.5"),
        (1114, struct.pack(">q", 0), "2000-01-01 00:00:00"),
        (1114, struct.pack(">q", -(1 << 63)), "-infinity"),
        (1184, struct.pack(">q", 600), "2000-01-01 00:00:00.0006+00"),
        (1186, struct.pack(">qii", -7_000_000, 3, 14), "14 mons 3 days -00:00:07"),
        (1266, struct.pack(">qi", 0, 12_600), "00:00:00-03:30"),
        (1700, struct.pack(">HhHH4H", 4, 1, 0x4000, 6, 1, 2345, 6789, 0), "-12345.678900"),
        (1700, struct.pack(">HhHHH", 1, -1, 0, 3, 50), "0.005"),
        (1700, struct.pack(">HhHHH", 1, 2, 0, 0, 3), "300000000"),
        (1700, struct.pack(">HhHH", 0, 0, 0xC000, 0), "NaN"),
        (1007, struct.pack(">iiIiiiii", 1, 1, 23, 2, 1, 4, 5, -1), "{5,NULL}"),
        (1009, struct.pack(">iiIiii3s", 1, 0, 25, 1, 1, 3, b"a,b"), '{"a,b"}'),
        (1009, struct.pack(">iiI", 0, 0, 25), "{}"),
        (3802, b"\1{}", "{}"),
    ],
)
def test_binary_values(kind: int, data: bytes, value: object) -> None:
    """As PostgreSQL itself shows them; the forms are those its own send functions give (see the capture in test_postgres.py)."""
    assert binary_value(data, kind) == value


@pytest.mark.parametrize(("kind", "data", "value"), [(23, b"-5", -5), (23, b"x", "x"), (0, b"5", "5"), (25, b"5", "5")])
def test_text_values(kind: int, data: bytes, value: object) -> None:
    """A number where its type is known to be one."""
    assert text_value(data, kind) == value
