"""SVCB and HTTPS: RFC 9460's own test vectors (appendix D)."""

from __future__ import annotations

import pytest

from pcapdig.protocols.dns_svcb import service_text

PREFIX = "0010 03666f6f 076578616d706c65 036f7267 00"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("0000 03666f6f 076578616d706c65 03636f6d 00", "0 foo.example.com"),
        ("0001 00", "1 ."),
        ("0010 03666f6f 076578616d706c65 03636f6d 00 0003 0002 0035", "16 foo.example.com port=53"),
        ("0001 03666f6f 076578616d706c65 03636f6d 00 029b 0005 68656c6c6f", '1 foo.example.com key667="hello"'),
        (
            "0001 03666f6f 076578616d706c65 03636f6d 00 029b 0009 68656c6c6fd2716f6f",
            '1 foo.example.com key667="hello\\210qoo"',
        ),
        (
            "0001 03666f6f 076578616d706c65 03636f6d 00 0006 0020 20010db8000000000000000000000001 20010db8000000000000000000530001",
            "1 foo.example.com ipv6hint=2001:db8::1,2001:db8::53:1",
        ),
        (
            PREFIX
            + "0000 0004 0001 0004 0001 0009 02683208 68332d3139 0004 0004 c0000201".replace(
                "0009 02683208 68332d3139", "0009 026832 0568332d3139"
            ),
            '16 foo.example.org mandatory=alpn,ipv4hint alpn="h2,h3-19" ipv4hint=192.0.2.1',
        ),
        (PREFIX + "0001 000c 08 665c6f6f2c626172 02 6832", '16 foo.example.org alpn="f\\\\\\\\oo\\\\,bar,h2"'),
        ("0001 00 0007 0010 2f646e732d71756572797b3f646e737d", '1 . dohpath="/dns-query{?dns}"'),
        ("0001 00 0008 0000 0002 0000", "1 . ohttp no-default-alpn"),
        ("0001 00 0009 0004 001d 0017", "1 . tls-supported-groups=29,23"),
        # What is not as its key has it:
        ("0001 00 0003 0001 35", '1 . key3="5"'),
        ("0001 00 0004 0003 353535", '1 . key4="555"'),
        ("0001 00 0001 0002 0561", '1 . key1="\\005a"'),
        ("0001 00 0002 0001 61", '1 . key2="a"'),
        ("0001 00 0000 0000", '1 . key0=""'),
        ("0001 00 0005 0000", '1 . key5=""'),
    ],
)
def test_vectors(data: str, text: str) -> None:
    """Wire to words."""
    raw = bytes.fromhex(data)
    assert service_text(raw, 0, raw) == text
