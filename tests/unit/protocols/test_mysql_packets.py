"""Values inside MySQL packets."""

from __future__ import annotations

import struct

import pytest

from pcapdig.protocols.mysql_packets import Bytes, CutPacketError, read_value


@pytest.mark.parametrize("data", [b"", b"\xfb", b"\xff", b"\xfc\1", b"\xfe\1\2\3"])
def test_bad_lengths_are_refused(data: bytes) -> None:
    """NULL, an error, cut."""
    with pytest.raises(CutPacketError):
        Bytes(data).length()


def test_a_string_without_its_end_is_refused() -> None:
    """No NUL."""
    with pytest.raises(CutPacketError):
        Bytes(b"abc").until_zero()


@pytest.mark.parametrize(
    ("data", "value"), [(b"\xfa", 250), (b"\xfc\1\1", 257), (b"\xfd\0\0\1", 65536), (b"\xfe" + b"\xff" * 8, 2**64 - 1)]
)
def test_lengths(data: bytes, value: int) -> None:
    """One, three, four and nine bytes."""
    assert Bytes(data).length() == value


@pytest.mark.parametrize(
    ("kind", "data", "value"),
    [
        (1, b"\xff", -1),
        (0x8001, b"\xff", 255),
        (8, struct.pack("<q", -5), -5),
        (5, struct.pack("<d", 1.5), 1.5),
        (253, b"\3abc", "abc"),
        (12, b"\4\xe8\x07\2\1", "2024-02-01"),
        (12, b"\x0b\xe8\x07\2\1\x0a\0\1\5\0\0\0", "2024-02-01 10:00:01.000005"),
        (12, b"\0", "0000-00-00"),
        (11, b"\x08\1\1\0\0\0\2\3\4", "-26:03:04"),
        (6, b"", None),
    ],
)
def test_values(kind: int, data: bytes, value: object) -> None:
    """Of the binary protocol."""
    assert read_value(Bytes(data), kind) == value
