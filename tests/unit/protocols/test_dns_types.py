"""Pieces of records."""

from __future__ import annotations

import pytest

from pcapdig.protocols.dns_names import BadMessageError
from pcapdig.protocols.dns_types import escaped, opcode_name, quoted, strings, time_text, type_bitmap, type_name


@pytest.mark.parametrize("data", [b"\0", b"\0\0", b"\0\x21" + bytes(33), b"\0\2\1"])
def test_a_broken_bit_map(data: bytes) -> None:
    """RFC 4034 section 4.1.2: 1 to 32 bytes a window."""
    with pytest.raises(BadMessageError):
        type_bitmap(data)


def test_bit_maps() -> None:
    """The example of RFC 4034 section 4.3."""
    data = bytes.fromhex("0006400100000003041b000000000000000000000000000000000000000000000000000020")
    assert type_bitmap(data) == ["A", "MX", "RRSIG", "NSEC", "TYPE1234"]


def test_strings() -> None:
    """Cut ones are refused; what is no printable ASCII is escaped."""
    with pytest.raises(BadMessageError):
        strings(b"\3ab")
    assert [quoted(one) for one in strings(b'\0\2a"\1\xff')] == ['""', '"a\\""', '"\\255"']
    assert escaped(b"a,b", b",") == "a\\,b"


def test_names_of_numbers() -> None:
    """And of those without a name."""
    assert (type_name(65), type_name(1234), opcode_name(5), opcode_name(9)) == (
        "HTTPS",
        "TYPE1234",
        "UPDATE",
        "OPCODE9",
    )
    assert time_text(0xFFFFFFFF) == "21060207062815"
