"""JA4 fingerprints."""

from __future__ import annotations

from pcapdig.protocols.ja4 import is_grease, ja4


def numbers(text: str) -> list[int]:
    """Hex numbers parted by commas."""
    return [int(word, 16) for word in text.split(",")]


def test_a_hello_with_nothing() -> None:
    """Empty lists hash to zeros."""
    assert (
        ja4(version=0x0303, ciphers=[], extensions=[], signature_algorithms=[], alpn=None)
        == "t12i000000_000000000000_000000000000"
    )


def test_grease() -> None:
    """RFC 8701 section 2, and neighbours."""
    assert [is_grease(number) for number in (0x0A0A, 0xFAFA, 0x0A1A, 0x1301)] == [True, True, False, False]


def test_published_fingerprint_of_chrome() -> None:
    """As a public service (browserleaks) reported it for Chrome 143, in the order sent, with its hashes; GREASE added here."""
    fingerprint = ja4(
        version=0x0304,
        ciphers=numbers("1a1a,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"),
        extensions=numbers("2a2a,002d,0033,0010,fe0d,0017,44cd,0000,000b,000a,002b,ff01,0023,0012,0005,000d,001b,3a3a"),
        signature_algorithms=numbers("0403,0804,0401,0503,0805,0501,0806,0601"),
        alpn=b"h2",
    )
    assert fingerprint == "t13d1516h2_8daaf6152771_d8a2da3f94cd"


def test_the_example_of_the_specification() -> None:
    """technical_details/JA4.md, "Example": the lists it hashes, and what comes out."""
    fingerprint = ja4(
        version=0x0304,
        ciphers=numbers("1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035"),
        extensions=numbers("001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015"),
        signature_algorithms=numbers("0403,0804,0401,0503,0805,0501,0806,0601"),
        alpn=b"h2",
    )
    assert fingerprint == "t13d1516h2_8daaf6152771_e5627efa2ab1"


def test_odd_protocol_names_are_hex() -> None:
    """Their first and last digits."""
    assert ja4(version=0x0304, ciphers=[1], extensions=[16], signature_algorithms=[], alpn=b"\xab\xcd").startswith(
        "t13i0101ad_"
    )
