"""EDNS options."""

from __future__ import annotations

import pytest

from pcapdig.protocols.dns_names import BadMessageError
from pcapdig.protocols.dns_options import options_text


@pytest.mark.parametrize("data", ["000a", "000a0005", "000a000161 00"])
def test_cut_options(data: str) -> None:
    """Nothing is read of them."""
    with pytest.raises(BadMessageError):
        options_text(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", ""),
        ("0008 0007 0001 18 00 c00002", "ECS=192.0.2.0/24/0"),
        ("0008 0006 0002 10 00 2001", "ECS=2001::/16/0"),
        ("0008 0005 0003 00 00 01", "ECS=0003000001"),
        ("0008 0009 0001 18 00 c000020101", "ECS=00011800c000020101"),
        ("0003 0000", "NSID"),
        ("0003 0002 6162", "NSID=6162"),
        ("000a 0008 0102030405060708", "COOKIE=0102030405060708"),
        ("000b 0000", "KEEPALIVE"),
        ("000b 0002 0064", "KEEPALIVE=10.0s"),
        ("000c 0003 000000", "PADDING=3B"),
        ("000f 0006 0012 6f6f7073", 'EDE=18 "oops"'),
        ("000f 0002 0012", "EDE=18"),
        ("000f 0001 12", "EDE=12"),
        ("000e 0004 4f66 4a5c", "KEY-TAG=20326,19036"),
        ("fde9 0001 00", "OPT65001=00"),
        ("0009 0004 00000e10", "EXPIRE=3600"),
    ],
)
def test_options(data: str, text: str) -> None:
    """In words where they are read, else as bytes."""
    assert options_text(bytes.fromhex(data)) == text


def test_many_options() -> None:
    """What is shown is bounded."""
    assert options_text(bytes.fromhex("fde90000") * 1000).count("OPT65001") == 64
